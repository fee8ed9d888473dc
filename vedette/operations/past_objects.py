"""Objects of the past, read several at a time because most of the time is spent waiting for S3; on Spark in slices.

| an object                                     | outcome                                                           |
|-----------------------------------------------|-------------------------------------------------------------------|
| what is made of it is there                   | skipped: an interrupted run can be repeated                       |
| another run makes the same at the same time   | the first one stays                                               |
| S3 or KMS refuses it                          | named in `Counts.denied`; the others are processed                |
| MAX_DENIED of them                            | the rest is left to another run: it is not one object             |

An interrupted run finishes the objects that it has started.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from chalicelib.errors import AccessDenied
from chalicelib.outcomes import SkipReason
from vedette.spark.slices import slices

if TYPE_CHECKING:
    from vedette.spark.engine import Spark

MAX_PARALLEL_READS = 10  # the size of botocore's connection pool
MAX_PARALLEL_MEGABYTES = 200  # of objects read at once, unless a single one is larger
MAX_DENIED = 100  # objects


class Sized(Protocol):
    """An object in S3."""

    @property
    def size(self) -> int:
        """Bytes."""


T = TypeVar("T")
S = TypeVar("S", bound=Sized)


class Counts(msgspec.Struct, frozen=True):
    """What became of some objects: only counts, so that no captured value leaves the process that read it."""

    outcomes: dict[str, int] = {}
    rows: int = 0  # of parts; labels of label parts
    rejected: int = 0  # lines, or labels
    size: int = 0  # bytes of the objects
    rollups: int = 0  # written
    denied: tuple[str, ...] = ()  # a sentence for each object that may not be read

    @classmethod
    def total(cls, counts: Iterable[Counts]) -> Counts:
        """The sum."""
        outcomes: Counter[str] = Counter()
        rows = rejected = size = rollups = 0
        denied: list[str] = []
        for one in counts:
            outcomes.update(one.outcomes)
            rows += one.rows
            rejected += one.rejected
            size += one.size
            rollups += one.rollups
            denied += one.denied
        return cls(dict(outcomes), rows, rejected, size, rollups, tuple(denied))


def created(objects: Iterable[S], create: Callable[[S], Counts]) -> Iterator[Counts]:
    """Make something of each object; yields the counts of each, in order."""
    denied = 0
    for counts in _several_at_once(objects, partial(_counts_or_denial, create)):
        yield counts
        denied += len(counts.denied)
        if denied == MAX_DENIED:
            return


def _counts_or_denial(create: Callable[[S], Counts], one: S) -> Counts:
    try:
        return create(one)
    except AccessDenied as error:
        return Counts({SkipReason.OBJECT_DENIED: 1}, size=one.size, denied=(str(error),))


def _several_at_once(objects: Iterable[S], create: Callable[[S], Counts]) -> Iterator[Counts]:
    running: deque[tuple[S, Future[Counts]]] = deque()
    with ThreadPoolExecutor(MAX_PARALLEL_READS) as pool:
        try:
            for one in objects:
                while len(running) == MAX_PARALLEL_READS or (
                    running and _megabytes(running, one) > MAX_PARALLEL_MEGABYTES
                ):
                    yield running.popleft()[1].result()
                running.append((one, pool.submit(create, one)))
            while running:
                yield running.popleft()[1].result()
        finally:
            pool.shutdown(cancel_futures=True)


def _megabytes(running: Iterable[tuple[Sized, object]], more: Sized) -> float:
    return sum(one.size for one, _ in (*running, (more, None))) / 1e6


def in_slices(
    spark: Spark | None, create: Callable[[Sequence[T]], Iterator[Counts]], items: Sequence[T], size: Callable[[T], int]
) -> Iterator[Counts]:
    """What a function makes of items, in this process, or on Spark in slices of about the same size.

    Parameters
    ----------
    size
        Bytes of an item.
    """
    if spark is None:
        yield from create(items)
    elif items:
        yield from spark.map(partial(_slice_total, create), slices(items, size, spark.cores))


def _slice_total(create: Callable[[Sequence[T]], Iterator[Counts]], items: Sequence[T]) -> Counts:
    return Counts.total(create(items))

"""Make the parts of captures that were there before Vedette was: the same function and keys as the Lambda's.

Objects that have a part are skipped, so that a run that was cut short is run again. Several are read at once, since
most of the time of one is waiting for S3; what was begun when a run is cut short is finished. Nothing is announced: the
parts say that they were not judged by themselves. What was begun within the sweep's look back is left to the sweep,
which judges it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

import msgspec

from chalicelib.aws import store
from chalicelib.events import DataCaptured
from chalicelib.handlers import data_captured, forgotten
from chalicelib.handlers.sweep import LOOK_BACK
from chalicelib.records import FleetEntry

AT_ONCE = 10  # as many connections as botocore keeps open
MOST_MEGABYTES = 200  # of objects that are read at once, unless one alone is larger


class Waiting(msgspec.Struct, frozen=True):
    """What lies at a source without a part."""

    objects: tuple[DataCaptured, ...]
    have: int  # objects of the same time that have one

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(captured.size for captured in self.objects)


def waiting(entry: FleetEntry, since: datetime, now: datetime) -> Waiting:
    """The capture objects begun in [since, two hours ago) that have no part, the earliest first."""
    until = max(since, now - LOOK_BACK)
    found: list[Iterator[DataCaptured]] = []
    have = 0
    for variant in sorted(forgotten.captured_variants(entry)):
        parts = store.part_times(entry.endpoint, variant, since, until)
        have += len(parts)
        found.append(forgotten.without_part(entry, variant, since, until, parts))
    return Waiting(tuple(forgotten.in_order_of_time(*found)), have)


def made(found: Waiting, entry: FleetEntry) -> Iterator[tuple[DataCaptured, data_captured.Summarized | str]]:
    """Make the parts, AT_ONCE at a time, and tell of each in the order of time."""
    under_way: deque[tuple[DataCaptured, Future[data_captured.Summarized | str]]] = deque()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for captured in found.objects:
                while len(under_way) == AT_ONCE or (under_way and _megabytes(under_way, captured) > MOST_MEGABYTES):
                    first, future = under_way.popleft()
                    yield first, future.result()
                under_way.append((captured, pool.submit(make, captured, entry)))
            while under_way:
                first, future = under_way.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _megabytes(under_way: Iterable[tuple[DataCaptured, object]], more: DataCaptured) -> float:
    return sum(captured.size for captured, _ in (*under_way, (more, None))) / 1e6


def make(captured: DataCaptured, entry: FleetEntry) -> data_captured.Summarized | str:
    """The part of one object; words when there is nothing to make it of."""
    return data_captured.summarized(captured, entry, None)

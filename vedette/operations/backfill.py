"""Create the parts and roll-ups of captures from before Vedette watched an endpoint, as the functions would.

| object, or five minutes                                  | outcome                                                 |
|----------------------------------------------------------|---------------------------------------------------------|
| an object without a part                                 | its part, with the code and the key of the function     |
| an object that has a part, and its predictions if needed | skipped: an interrupted run can be repeated             |
| another run creates the same part at the same time       | the first part stays                                    |
| an object that S3 or KMS refuses                         | named in `Counts.denied`; the others are processed      |
| MAX_DENIED of them                                       | the rest is left to another run: it is not one object   |
| five minutes with ROLLUP_MIN_PARTS parts and no roll-up  | their roll-up, after all parts                          |
| the last LOOK_BACK                                       | left to the sweep, which evaluates what it finds        |

Several objects are read at once, because most of the time is spent waiting for S3; an interrupted run finishes the
objects that it has started. No alerts are raised: the parts are marked as not evaluated individually. `vedette.spark`
does the same work on many machines.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import chain, groupby
from typing import TYPE_CHECKING, TypeVar

import msgspec

from chalicelib import locations
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import AccessDenied
from chalicelib.events import DataCaptured
from chalicelib.locations import ROLLUP_LENGTH
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.records import FleetEntry
from chalicelib.services import capture_backlog
from chalicelib.services.aggregation import ROLLUP_MIN_PARTS, slots_with_many_parts, write_rollup
from chalicelib.services.capture_processing import ProcessedObject, create_part
from chalicelib.services.sweep import LOOK_BACK
from chalicelib.window import Window
from vedette.spark.slices import slices

if TYPE_CHECKING:
    from vedette.spark.engine import Spark

MAX_PARALLEL_READS = 10  # the size of botocore's connection pool
MAX_PARALLEL_MEGABYTES = 200  # of objects read at once, unless a single one is larger
ROLLUP_READ_BYTES = 20 << 20  # the work of one roll-up, in bytes of captures read at the same time
MAX_DENIED = 100  # objects
Processed = ProcessedObject | Skipped | AccessDenied
T = TypeVar("T")


class CrowdedHour(msgspec.Struct, frozen=True, order=True):
    """The five-minute slots of an hour of a variant that have many objects, and no roll-up."""

    variant: str
    start: datetime
    slots: tuple[datetime, ...]


class Backlog(msgspec.Struct, frozen=True):
    """What is missing at a source: parts, the predictions that model quality needs, and roll-ups."""

    objects: tuple[DataCaptured, ...]
    have: int  # objects in the same period that have part and predictions
    hours: tuple[CrowdedHour, ...] = ()

    @property
    def size(self) -> int:
        """The total size in bytes."""
        return sum(captured.size for captured in self.objects)


class Counts(msgspec.Struct, frozen=True):
    """What became of some objects: only counts, so that no captured value leaves the process that read it."""

    outcomes: dict[str, int] = {}
    rows: int = 0
    rejected_lines: int = 0
    size: int = 0  # bytes of the objects
    rollups: int = 0  # written
    denied: tuple[str, ...] = ()  # a sentence for each object that may not be read

    @classmethod
    def total(cls, counts: Iterable[Counts]) -> Counts:
        """The sum."""
        outcomes: Counter[str] = Counter()
        rows = rejected_lines = size = rollups = 0
        denied: list[str] = []
        for one in counts:
            outcomes.update(one.outcomes)
            rows += one.rows
            rejected_lines += one.rejected_lines
            size += one.size
            rollups += one.rollups
            denied += one.denied
        return cls(dict(outcomes), rows, rejected_lines, size, rollups, tuple(denied))


def backlog(entry: FleetEntry, since: datetime, now: datetime) -> Backlog:
    """What is missing of [since, two hours ago), the objects oldest first."""
    run = EndpointRun.without_deadline(entry)
    window = Window(since, max(since, now - LOOK_BACK) - since)
    found: list[Iterator[DataCaptured]] = []
    have: list[tuple[str, str]] = []  # variant and key of a part
    for variant in sorted(capture_backlog.captured_variants(run)):
        keys = _complete(run, variant, window)
        have += ((variant, key) for key in keys)
        found.append(capture_backlog.unprocessed_objects(run, variant, window, keys))
    objects = tuple(capture_backlog.in_order_of_time(*found))
    return Backlog(objects, len(have), _crowded_hours(run, window, objects, have))


def _complete(run: EndpointRun, variant: str, window: Window) -> tuple[str, ...]:
    """The keys of the parts of a window; with model quality, of those whose predictions are stored too."""
    span = (run.endpoint, variant, window.start, window.end)
    keys = run.stores.parts.keys(*span)
    if run.entry.quality is None:
        return keys
    predicted = {_hour_and_name(key) for key in run.quality_parts.prediction_keys(*span)}
    return tuple(key for key in keys if _hour_and_name(key) in predicted)


def _hour_and_name(key: str) -> tuple[str, ...]:
    """What a part and its predictions share of their keys: yyyy/mm/dd/hh/name."""
    return tuple(key.split("/")[-5:])


def _crowded_hours(
    run: EndpointRun, window: Window, objects: Iterable[DataCaptured], have: Iterable[tuple[str, str]]
) -> tuple[CrowdedHour, ...]:
    """The hours whose slots within a window will have enough parts for a roll-up, and have none."""
    begun = [(captured.capture.variant, captured.capture.begun) for captured in objects]
    begun += ((variant, locations.part_begun(key)) for variant, key in have)
    counted = Counter((variant, locations.five_minute_slot(time)) for variant, time in begun)
    there = {
        variant: run.stores.parts.rollup_starts(run.endpoint, variant, window.start, window.end)
        for variant in {variant for (variant, _), number in counted.items() if number >= ROLLUP_MIN_PARTS}
    }
    hours: dict[tuple[str, datetime], list[datetime]] = {}
    for variant, slot in sorted(counted):
        is_whole = window.start <= slot and slot + ROLLUP_LENGTH <= window.end
        if is_whole and counted[variant, slot] >= ROLLUP_MIN_PARTS and slot not in there[variant]:
            hours.setdefault((variant, slot.replace(minute=0)), []).append(slot)
    return tuple(CrowdedHour(variant, hour, tuple(slots)) for (variant, hour), slots in hours.items())


def process(
    found: Backlog, entry: FleetEntry, spark: Spark | None = None, advance: Callable[[int], None] = lambda size: None
) -> Counts:
    """Create what is missing, all parts before the roll-ups; `advance` is called with the bytes that were read."""
    total = Counts()
    for counts in chain(
        _mapped(spark, partial(create_parts, entry), found.objects, lambda captured: captured.size),
        _mapped(spark, partial(create_rollups, entry), found.hours, lambda hour: len(hour.slots) * ROLLUP_READ_BYTES),
    ):
        advance(counts.size)
        total = Counts.total([total, counts])
    return total


def _mapped(
    spark: Spark | None, create: Callable[[Sequence[T]], Iterator[Counts]], items: Sequence[T], size: Callable[[T], int]
) -> Iterator[Counts]:
    """What a function makes of items, in this process, or on Spark in slices of about the same size."""
    if spark is None:
        yield from create(items)
    elif items:
        yield from spark.map(partial(_slice_total, create), slices(items, size, spark.cores))


def _slice_total(create: Callable[[Sequence[T]], Iterator[Counts]], items: Sequence[T]) -> Counts:
    return Counts.total(create(items))


def process_backlog(objects: Iterable[DataCaptured], run: EndpointRun) -> Iterator[tuple[DataCaptured, Processed]]:
    """Create the parts of objects, several at a time, and yield each in the given order."""
    running: deque[tuple[DataCaptured, Future[Processed]]] = deque()
    with ThreadPoolExecutor(MAX_PARALLEL_READS) as pool:
        try:
            for captured in objects:
                while len(running) == MAX_PARALLEL_READS or (
                    running and _megabytes(running, captured) > MAX_PARALLEL_MEGABYTES
                ):
                    first, future = running.popleft()
                    yield first, future.result()
                running.append((captured, pool.submit(_part_or_denial, run, captured)))
            while running:
                first, future = running.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _part_or_denial(run: EndpointRun, captured: DataCaptured) -> Processed:
    try:
        return create_part(run, captured)
    except AccessDenied as error:
        return error


def _megabytes(running: Iterable[tuple[DataCaptured, object]], more: DataCaptured) -> float:
    return sum(captured.size for captured, _ in (*running, (more, None))) / 1e6


def create_parts(entry: FleetEntry, objects: Iterable[DataCaptured]) -> Iterator[Counts]:
    """Create the parts of objects; yields the counts of each. It ends early when MAX_DENIED may not be read."""
    denied = 0
    for captured, outcome in process_backlog(objects, EndpointRun.without_deadline(entry)):
        counts = counts_of(captured, outcome)
        yield counts
        denied += len(counts.denied)
        if denied == MAX_DENIED:
            return


def counts_of(captured: DataCaptured, outcome: Processed) -> Counts:
    """What became of one object."""
    if isinstance(outcome, AccessDenied):
        return Counts({SkipReason.OBJECT_DENIED: 1}, size=captured.size, denied=(str(outcome),))
    if isinstance(outcome, Skipped):
        return Counts({outcome.reason: 1}, size=captured.size)
    added = "given their predictions" if outcome.predictions_added else "created meanwhile by another run"
    summary = outcome.part.summary
    return Counts(
        {"created" if outcome.created else added: 1}, summary.rows, summary.rejected_lines, size=captured.size
    )


def create_rollups(entry: FleetEntry, hours: Iterable[CrowdedHour]) -> Iterator[Counts]:
    """Write the roll-ups of hours; yields the counts of each. A slot with few parts after all gets none."""
    run = EndpointRun.without_deadline(entry)
    for hour in hours:
        keys = run.stores.parts.keys(run.endpoint, hour.variant, hour.start, hour.start + locations.HOUR)
        by_slot = {slot: found for slot, found in slots_with_many_parts(keys).items() if slot in hour.slots}
        parts = run.stores.parts.read([key for found in by_slot.values() for key in found])
        written = sum(
            write_rollup(run, hour.variant, slot, by_slot[slot], of_slot)
            for slot, of_slot in groupby(parts, lambda part: locations.five_minute_slot(part.begun))
        )
        yield Counts(rollups=written)

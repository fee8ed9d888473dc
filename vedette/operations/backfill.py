"""Create the parts and roll-ups of captures from before Vedette watched an endpoint, as the functions would.

| object, or five minutes                                  | outcome                                                 |
|----------------------------------------------------------|---------------------------------------------------------|
| an object without a part                                 | its part, with the code and the key of the function     |
| ... of an endpoint with a quality table                  | its predictions too                                     |
| five minutes with ROLLUP_MIN_PARTS parts and no roll-up  | their roll-up, after all parts                          |
| the last LOOK_BACK                                       | left to the sweep, which evaluates what it finds        |

No alerts are raised: the parts are marked as not evaluated individually. `past_objects` says what becomes of objects
that cannot be read, and how an interrupted run goes on; `quality_backfill` does the same for labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import chain, groupby
from typing import TYPE_CHECKING

import msgspec

from chalicelib import locations
from chalicelib.endpoint_run import EndpointRun
from chalicelib.events import DataCaptured
from chalicelib.locations import ROLLUP_LENGTH
from chalicelib.outcomes import Skipped
from chalicelib.records import FleetEntry
from chalicelib.services import capture_backlog
from chalicelib.services.aggregation import ROLLUP_MIN_PARTS, slots_with_many_parts, write_rollup
from chalicelib.services.capture_processing import create_part
from chalicelib.services.sweep import LOOK_BACK
from chalicelib.window import Window
from vedette.operations.past_objects import Counts, created, in_slices

if TYPE_CHECKING:
    from vedette.spark.engine import Spark

ROLLUP_READ_BYTES = 20 << 20  # the work of one roll-up, in bytes of captures read at the same time


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
        in_slices(spark, partial(create_parts, entry), found.objects, lambda captured: captured.size),
        in_slices(spark, partial(create_rollups, entry), found.hours, lambda hour: len(hour.slots) * ROLLUP_READ_BYTES),
    ):
        advance(counts.size)
        total = Counts.total([total, counts])
    return total


def create_parts(entry: FleetEntry, objects: Iterable[DataCaptured]) -> Iterator[Counts]:
    """Create the parts of objects; yields the counts of each."""
    return created(objects, partial(counts_of_part, EndpointRun.without_deadline(entry)))


def counts_of_part(run: EndpointRun, captured: DataCaptured) -> Counts:
    """Create the part of one object."""
    outcome = create_part(run, captured)
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

"""Parts, one for each capture object; the roll-ups of five minutes; and when the parts of an endpoint were created.

| pk                  | sk       | record   |
|---------------------|----------|----------|
| endpoint#{endpoint} | activity | Activity |

Parts need numpy, so they are imported by the functions that return them: half of the functions never read one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from chalicelib import locations, records
from chalicelib.aws.clients import bound_thread, current_deadline
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.s3 import Bucket, ListedObject
from chalicelib.records import Activity, Record

if TYPE_CHECKING:
    from chalicelib.parts import Part, RollUp

MIN_READS_FOR_THREADS = 50
READ_THREADS = 10  # as many connections as botocore keeps open
R = TypeVar("R", bound=Record)


def listed_between(bucket: Bucket, root: str, start: datetime, end: datetime) -> Iterator[ListedObject]:
    """The objects root/yyyy/mm/dd/hh/MM... of [start, end), both to the minute, in one listing for any number of hours.

    A time within a minute counts as the minute's beginning for `start`, and as its end for `end`.
    """
    whole = end.replace(second=0, microsecond=0)
    prefix, after, until = locations.listing_range(root, start, whole if whole == end else whole + timedelta(minutes=1))
    return bucket.list_objects(prefix, after=after, until=until)


def records_of(bucket: Bucket, kind: type[R], keys: Collection[str]) -> Iterator[R]:
    """The records under keys, in order, without the missing ones. Many are read by several threads: a read waits."""
    if len(keys) < MIN_READS_FOR_THREADS:
        yield from (found for key in keys if (found := bucket.get_record(kind, key)) is not None)
        return
    remaining = iter(keys)
    with ThreadPoolExecutor(READ_THREADS, initializer=bound_thread, initargs=(current_deadline(),)) as pool:
        while some := list(islice(remaining, READ_THREADS * 4)):
            yield from (
                found for found in pool.map(lambda key: bucket.get_record(kind, key), some) if found is not None
            )


@dataclass(frozen=True)
class PartStore:
    """parts/ and rollups/ of the stage's bucket."""

    bucket: Bucket

    def get(self, capture: locations.CaptureKey) -> Part | None:
        """The part of a capture object; None when it was not summarized yet."""
        from chalicelib.parts import Part

        return self.bucket.get_record(Part, locations.part(capture))

    def put(self, capture: locations.CaptureKey, part: Part) -> bool:
        """Store a part; False when another invocation was first, and its part stays (sketches are randomized)."""
        return self.bucket.put_once(locations.part(capture), records.write(part))

    def keys(self, endpoint: str, variant: str, start: datetime, end: datetime) -> tuple[str, ...]:
        """The keys of the parts whose objects were begun in [start, end), in order."""
        root = f"{locations.parts_of_endpoint(endpoint)}{variant}/"
        listed = listed_between(self.bucket, root, start, end)
        return tuple(found.key for found in listed if found.key.endswith(locations.PART_SUFFIX))

    def keys_of_job(self, endpoint: str, job: str, started: datetime) -> tuple[str, ...]:
        """The keys of the parts of a transform job's outputs, in order."""
        listed = self.bucket.list_objects(locations.parts_of_job(endpoint, job, started))
        return tuple(found.key for found in listed)

    def read(self, keys: Collection[str]) -> Iterator[Part]:
        """The parts under keys, in order; one whose lifecycle has ended is left out."""
        from chalicelib.parts import Part

        return records_of(self.bucket, Part, keys)

    def rollups(self, endpoint: str, variant: str, starts: Collection[datetime]) -> Iterator[RollUp]:
        """The roll-ups of the five minutes that begin at these times, where there are any."""
        return self.read_rollups([locations.rollup(endpoint, variant, start) for start in starts])

    def read_rollups(self, keys: Collection[str]) -> Iterator[RollUp]:
        """The roll-ups under keys, in order, where there are any."""
        from chalicelib.parts import RollUp

        return records_of(self.bucket, RollUp, keys)

    def rollup_starts(self, endpoint: str, variant: str, start: datetime, end: datetime) -> set[datetime]:
        """When the roll-ups of [start, end) begin, in one listing."""
        listed = listed_between(self.bucket, f"{locations.rollups_of_endpoint(endpoint)}{variant}/", start, end)
        return {locations.part_begun(found.key) for found in listed}

    def has_rollup(self, endpoint: str, variant: str, start: datetime) -> bool:
        """Whether the five minutes that begin at a time have their roll-up."""
        return self.bucket.exists(locations.rollup(endpoint, variant, start))

    def put_rollup(self, rollup: RollUp) -> bool:
        """Store a roll-up; False when another invocation was first, and its roll-up stays."""
        return self.bucket.put_once(
            locations.rollup(rollup.endpoint, rollup.variant, rollup.start), records.write(rollup)
        )

    def first_begun(self, endpoint: str, variant: str) -> datetime | None:
        """When the earliest part was begun: keys are in the order of time, so the first key says it."""
        key = self.bucket.first_key(f"{locations.parts_of_endpoint(endpoint)}{variant}/")
        return locations.part_begun(key) if key else None

    def variants(self, endpoint: str) -> list[str]:
        """The variants that have parts."""
        return self.bucket.list_folders(locations.parts_of_endpoint(endpoint))


_ACTIVITY = "activity"
ACTIVE_FOR = timedelta(minutes=10)  # after a part, or a violation


@dataclass(frozen=True)
class ActivityStore:
    """Items of the stage's table. What is written covers some minutes: the processes that share an item seldom write.

    The methods that record raise NotReady when other invocations go on changing the item.
    """

    table: Table
    written: dict[str, Activity] = field(default_factory=dict, compare=False)  # as this process knows it

    def get(self, endpoint: str) -> tuple[Activity | None, int]:
        """The activity of an endpoint, and its revision; (None, 0) when none is known."""
        return self.table.get(Activity, locations.endpoint_partition(endpoint), _ACTIVITY)

    def put(self, activity: Activity, expected_revision: int) -> bool:
        """Write the activity of an endpoint; False when another invocation was first."""
        pk = locations.endpoint_partition(activity.endpoint)
        return self.table.put(activity, pk, _ACTIVITY, expected_revision)

    def record_part(self, endpoint: str, now: datetime) -> None:
        """Write, before a part is created, that the endpoint is active."""

        def active(known: Activity) -> Activity:
            return replace(known, active_until=now + ACTIVE_FOR) if _ends_soon(known.active_until, now) else known

        written = self.written.get(endpoint)
        if written is None or active(written) != written:
            self._change(endpoint, now, active)

    def record_violation(self, endpoint: str, now: datetime) -> None:
        """Write, before the execution of an object or an open window is stored, that there is one."""

        def violated(known: Activity) -> Activity:
            until = known.violated_until
            return replace(known, violated_until=now + ACTIVE_FOR) if until is None or _ends_soon(until, now) else known

        written = self.written.get(endpoint)
        if written is None or violated(written) != written:
            self._change(endpoint, now, violated)

    def record_late(self, endpoint: str, begun: datetime, now: datetime) -> None:
        """Write, after a part was created, that its window had closed before.

        Where others record late parts at the same time, theirs stands for this one, if it is of no earlier capture: it
        was written after this part was created, so the sweep that finds it lists this part too.
        """
        before: int | None = None

        def late(known: Activity) -> Activity:
            nonlocal before
            before = known.late_parts if before is None else before
            if known.late_parts > before and known.late_from is not None and known.late_from <= begun:
                return known
            return replace(known, late_from=min(known.late_from or begun, begun), late_parts=known.late_parts + 1)

        self._change(endpoint, now, late)

    def clear_late(self, found: Activity, now: datetime) -> None:
        """Write that no late part is left, unless more have come since the activity was found so."""

        def cleared(known: Activity) -> Activity:
            return replace(known, late_from=None) if known.late_parts == found.late_parts else known

        self._change(found.endpoint, now, cleared)

    def _change(self, endpoint: str, now: datetime, change: Callable[[Activity], Activity]) -> None:
        known = Activity(endpoint=endpoint, active_until=now)
        self.written[endpoint] = self.table.change(known, locations.endpoint_partition(endpoint), _ACTIVITY, change)


def _ends_soon(until: datetime, now: datetime) -> bool:
    return now + ACTIVE_FOR / 2 > until

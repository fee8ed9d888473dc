"""Parts, one for each capture object, and the roll-ups of five minutes.

Parts need numpy, so they are imported by the functions that return them: half of the functions never read one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from chalicelib import locations, records
from chalicelib.aws.clients import bound_thread, current_deadline
from chalicelib.aws.s3 import Bucket, ListedObject
from chalicelib.records import Record

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

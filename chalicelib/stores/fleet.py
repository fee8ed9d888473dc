"""The applied fleet."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib import locations, records
from chalicelib.aws.s3 import Bucket
from chalicelib.recent_reads import RecentReads, never_kept
from chalicelib.records import Fleet, FleetEntry


@dataclass(frozen=True)
class FleetStore:
    """config/fleet.json; the bucket's versions keep the earlier ones."""

    bucket: Bucket
    recent: RecentReads = field(default_factory=never_kept, compare=False)

    def get(self) -> Fleet:
        """The applied fleet; an empty one when none was applied."""
        key = locations.fleet()
        return self.recent.get(key, lambda: self.bucket.get_record(Fleet, key) or Fleet())

    def entry(self, endpoint: str) -> FleetEntry | None:
        """The fleet entry of an endpoint; None when it is not in the fleet."""
        return self.get().entry(endpoint)

    def put(self, fleet: Fleet) -> None:
        """Apply a fleet."""
        self.bucket.put(locations.fleet(), records.write(fleet))

"""The applied fleet."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib import locations, records
from chalicelib.aws.s3 import Bucket
from chalicelib.recent_reads import RecentReads
from chalicelib.records import Fleet, FleetEntry


@dataclass(frozen=True)
class FleetStore:
    """config/fleet.json; the bucket's versions keep the earlier ones."""

    bucket: Bucket
    recent: RecentReads | None = None  # where the fleet may be up to 30 seconds old

    def get(self) -> Fleet:
        """The applied fleet; an empty one when none was applied."""
        return self.recent.get(locations.fleet(), self._read) if self.recent else self._read()

    def _read(self) -> Fleet:
        return self.bucket.get_record(Fleet, locations.fleet()) or Fleet()

    def entry(self, endpoint: str) -> FleetEntry | None:
        """The fleet entry of an endpoint; None when it is not in the fleet."""
        return self.get().entry(endpoint)

    def put(self, fleet: Fleet) -> None:
        """Apply a fleet."""
        self.bucket.put(locations.fleet(), records.write(fleet))

"""Baselines by version, and which of them verdicts use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from chalicelib import locations, records
from chalicelib.aws.s3 import Bucket
from chalicelib.constraints.files import read_constraints
from chalicelib.errors import UnreadableFile
from chalicelib.recent_reads import RecentReads
from chalicelib.records import BaselineInForce

if TYPE_CHECKING:
    from chalicelib.constraints.evaluation import Baseline


class VersionedBaseline(NamedTuple):
    """A baseline, and the name of its version."""

    version: str
    content: Baseline


@dataclass(frozen=True)
class BaselineStore:
    """baselines/{endpoint}/{version}/, and current.json beside them."""

    bucket: Bucket
    recent: RecentReads | None = None  # where a baseline may be up to 30 seconds old

    def in_force(self, endpoint: str) -> BaselineInForce | None:
        """Which baseline is in force, and who put it there; None when there is none."""
        return self.bucket.get_record(BaselineInForce, locations.baseline_in_force(endpoint))

    def get_in_force(self, endpoint: str) -> VersionedBaseline | None:
        """The baseline that verdicts use; None when there is none.

        Raises
        ------
        UnreadableFile
            When one of its files is missing or cannot be read.
        """
        read = partial(self._read_in_force, endpoint)
        return self.recent.get(locations.baseline_in_force(endpoint), read) if self.recent else read()

    def _read_in_force(self, endpoint: str) -> VersionedBaseline | None:
        named = self.in_force(endpoint)
        if named is None:
            return None
        content = self.get(endpoint, named.version)
        if content is None:
            place = self.bucket.uri(locations.baseline(endpoint, named.version) + locations.CONSTRAINTS_FILE)
            raise UnreadableFile(f"{place}: missing, although current.json names this baseline")
        return VersionedBaseline(named.version, content)

    def get(self, endpoint: str, version: str) -> Baseline | None:
        """A stored version; None when there is none.

        Raises
        ------
        UnreadableFile
            When one of its files cannot be read.
        """
        # Statistics need numpy, so they are imported here: half of the functions never read a baseline.
        from chalicelib.constraints.evaluation import Baseline
        from chalicelib.statistics.files import read_statistics

        folder = locations.baseline(endpoint, version)
        constraints_key, statistics_key = folder + locations.CONSTRAINTS_FILE, folder + locations.STATISTICS_FILE
        constraints = self.bucket.get(constraints_key)
        if constraints is None:
            return None
        statistics = self.bucket.get(statistics_key)
        return Baseline(
            constraints=read_constraints(constraints, self.bucket.uri(constraints_key), stored=True),
            statistics=None if statistics is None else read_statistics(statistics, self.bucket.uri(statistics_key)),
        )

    def put(self, endpoint: str, named: BaselineInForce, constraints: bytes, statistics: bytes | None) -> None:
        """Store a baseline and put it in force; earlier versions stay where they are."""
        folder = locations.baseline(endpoint, named.version)
        self.bucket.put(folder + locations.VERSION_FILE, records.write(named))
        if statistics is not None:
            self.bucket.put(folder + locations.STATISTICS_FILE, statistics)
        self.bucket.put(folder + locations.CONSTRAINTS_FILE, constraints)
        self.bucket.put(locations.baseline_in_force(endpoint), records.write(named))

    def remove_from_force(self, endpoint: str) -> None:
        """Let no baseline be in force; S3 versioning keeps the old current.json."""
        self.bucket.delete(locations.baseline_in_force(endpoint))

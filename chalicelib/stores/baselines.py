"""Baselines by version, and which of them verdicts use: of captured data, and of model quality.

| folder                                  | baselines of      |
|-----------------------------------------|-------------------|
| baselines/{endpoint}/{version}/         | captured data     |
| baselines/{endpoint}.quality/{version}/ | the model         |

No endpoint has a dot in its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Generic, TypeAlias, TypeVar

from chalicelib import locations, records
from chalicelib.aws.s3 import Bucket
from chalicelib.constraints.files import read_constraints
from chalicelib.errors import UnreadableFile
from chalicelib.recent_reads import RecentReads
from chalicelib.records import BaselineInForce

if TYPE_CHECKING:
    from chalicelib.constraints.evaluation import Baseline
    from chalicelib.quality.files import QualityBaseline

C_co = TypeVar("C_co", covariant=True)


@dataclass(frozen=True)
class Versioned(Generic[C_co]):
    """A baseline, and the name of its version."""

    version: str
    content: C_co


VersionedBaseline: TypeAlias = Versioned["Baseline"]  # of captured data
VersionedQualityBaseline: TypeAlias = Versioned["QualityBaseline"]


@dataclass(frozen=True)
class Baselines(ABC, Generic[C_co]):
    """A folder of versions for each endpoint, and current.json beside them."""

    bucket: Bucket
    recent: RecentReads | None = None  # where a baseline may be up to 30 seconds old

    not_evaluated: ClassVar[str]  # what it means, in words, that there is no baseline

    @abstractmethod
    def _owner(self, endpoint: str) -> str:
        """In whose folder the versions lie."""

    @abstractmethod
    def _read(self, constraints: bytes, place: str, statistics: bytes | None, statistics_place: str) -> C_co:
        """The baseline in its two files. Raises UnreadableFile."""

    @abstractmethod
    def check(self, constraints: bytes, place: str, statistics: bytes | None, statistics_place: str) -> None:
        """Raise UnreadableFile for files that a person or a package names and that are no baseline."""

    def in_force(self, endpoint: str) -> BaselineInForce | None:
        """Which baseline is in force, and who put it there; None when there is none."""
        return self.bucket.get_record(BaselineInForce, locations.baseline_in_force(self._owner(endpoint)))

    def get_in_force(self, endpoint: str) -> Versioned[C_co] | None:
        """The baseline that verdicts use; None when there is none.

        Raises
        ------
        UnreadableFile
            When one of its files is missing or cannot be read.
        """
        read = partial(self._read_in_force, endpoint)
        key = locations.baseline_in_force(self._owner(endpoint))
        return self.recent.get(key, read) if self.recent else read()

    def _read_in_force(self, endpoint: str) -> Versioned[C_co] | None:
        named = self.in_force(endpoint)
        if named is None:
            return None
        content = self.get(endpoint, named.version)
        if content is None:
            folder = locations.baseline(self._owner(endpoint), named.version)
            place = self.bucket.uri(folder + locations.CONSTRAINTS_FILE)
            raise UnreadableFile(f"{place}: missing, although current.json names this baseline")
        return Versioned(named.version, content)

    def get(self, endpoint: str, version: str) -> C_co | None:
        """A stored version; None when there is none.

        Raises
        ------
        UnreadableFile
            When one of its files cannot be read.
        """
        folder = locations.baseline(self._owner(endpoint), version)
        constraints_key, statistics_key = folder + locations.CONSTRAINTS_FILE, folder + locations.STATISTICS_FILE
        constraints = self.bucket.get(constraints_key)
        if constraints is None:
            return None
        statistics = self.bucket.get(statistics_key)
        return self._read(constraints, self.bucket.uri(constraints_key), statistics, self.bucket.uri(statistics_key))

    def put(self, endpoint: str, named: BaselineInForce, constraints: bytes, statistics: bytes | None) -> None:
        """Store a baseline and put it in force; earlier versions stay where they are."""
        folder = locations.baseline(self._owner(endpoint), named.version)
        self.bucket.put(folder + locations.VERSION_FILE, records.write(named))
        if statistics is not None:
            self.bucket.put(folder + locations.STATISTICS_FILE, statistics)
        self.bucket.put(folder + locations.CONSTRAINTS_FILE, constraints)
        self.bucket.put(locations.baseline_in_force(self._owner(endpoint)), records.write(named))

    def remove_from_force(self, endpoint: str) -> None:
        """Let no baseline be in force; S3 versioning keeps the old current.json."""
        self.bucket.delete(locations.baseline_in_force(self._owner(endpoint)))


# Statistics need numpy, so they are imported where they are read: half of the functions never read a baseline.


class BaselineStore(Baselines["Baseline"]):
    """Baselines of captured data."""

    not_evaluated = "the captured data is not evaluated"

    def _owner(self, endpoint: str) -> str:
        return endpoint

    def _read(self, constraints: bytes, place: str, statistics: bytes | None, statistics_place: str) -> Baseline:
        from chalicelib.constraints.evaluation import Baseline
        from chalicelib.statistics.files import read_statistics

        return Baseline(
            constraints=read_constraints(constraints, place, stored=True),
            statistics=None if statistics is None else read_statistics(statistics, statistics_place),
        )

    def check(self, constraints: bytes, place: str, statistics: bytes | None, statistics_place: str) -> None:
        """The constraints alone: who deploys does not import numpy."""
        read_constraints(constraints, place)


class QualityBaselineStore(Baselines["QualityBaseline"]):
    """Baselines of model quality."""

    not_evaluated = "the labels are not evaluated"

    def _owner(self, endpoint: str) -> str:
        return locations.quality_baselines(endpoint)

    def _read(self, constraints: bytes, place: str, statistics: bytes | None, statistics_place: str) -> QualityBaseline:
        from chalicelib.quality.files import read_baseline

        return read_baseline(constraints, place, statistics, statistics_place)

    def check(self, constraints: bytes, place: str, statistics: bytes | None, statistics_place: str) -> None:
        """Both files, read as they will be."""
        self._read(constraints, place, statistics, statistics_place)

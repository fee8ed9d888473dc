"""Baselines of model quality: the same versions as those of captured data, in a folder of their own.

| stored                                        | content                                              |
|-----------------------------------------------|------------------------------------------------------|
| baselines/{endpoint}.quality/v1/, v2/, ...    | constraints.json, statistics.json and version.json   |
| ... package-{version}/                        | what a package version brought                       |
| baselines/{endpoint}.quality/current.json     | the name of the current version                      |
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from chalicelib import locations
from chalicelib.aws import s3
from chalicelib.constraints import check_types
from chalicelib.constraints.files import camel_case
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import UnreadableFile, VedetteError
from chalicelib.locations import CONSTRAINTS_FILE, STATISTICS_FILE, VERSION_FILE
from chalicelib.quality.constraints import QualityConstraints
from chalicelib.quality.files import is_quality_constraints, read_baseline, read_statistics, write_constraints
from chalicelib.records import BaselineInForce
from vedette.input_sources import is_folder, is_s3, join, read_bytes
from vedette.operations import aws, baselines


class StoredQuality(msgspec.Struct, frozen=True, kw_only=True):
    """One version; `named` is None if it was only read from a place."""

    version: str
    constraints: QualityConstraints
    statistics: bytes | None
    named: BaselineInForce | None = None
    etag: str = ""  # of current.json, if this is the current version


class AcceptedDay(msgspec.Struct, frozen=True, kw_only=True):
    """The metrics of a day as a baseline."""

    variant: str
    day: datetime
    labelled: int
    verdict: str
    metrics: tuple[str, ...]  # whose threshold becomes the value of the day
    constraints: QualityConstraints
    statistics: bytes | None


def is_baseline(place: str) -> bool:
    """Whether the constraints at a place are those of model quality."""
    content = _get(join(place, CONSTRAINTS_FILE) if is_folder(place) else place)
    return content is not None and is_quality_constraints(content)


def current(endpoint: str) -> StoredQuality | None:
    """The current version; None if there is none."""
    owner = locations.quality_baselines(endpoint)
    named, etag = aws.get_with_etag(BaselineInForce, locations.baseline_in_force(owner))
    return None if named is None else replace(version(endpoint, named.version), named=named, etag=etag)


def in_force(endpoint: str) -> StoredQuality:
    """The current version. Raises VedetteError if the endpoint has none."""
    return baselines.needed(current(endpoint), endpoint, "baseline of model quality")


def version(endpoint: str, name: str) -> StoredQuality:
    """A stored version.

    Raises
    ------
    VedetteError
        If there is none with this name; the message lists the existing ones.
    """
    owner, bucket = locations.quality_baselines(endpoint), stage_stores().bucket
    folder = locations.baseline(owner, name)
    content = bucket.get(folder + CONSTRAINTS_FILE) if "/" not in name else None
    if content is None:
        known = ", ".join(one.version for one in versions(endpoint)) or "none"
        raise VedetteError(f"{endpoint} has no baseline of model quality named {name}; it has {known}.")
    statistics = bucket.get(folder + STATISTICS_FILE)
    found = read_baseline(content, folder + CONSTRAINTS_FILE, statistics, folder + STATISTICS_FILE)
    named = bucket.get_record(BaselineInForce, folder + VERSION_FILE)
    return StoredQuality(version=name, constraints=found.constraints, statistics=statistics, named=named)


def versions(endpoint: str) -> list[baselines.Listed]:
    """All versions, newest first."""
    return baselines.versions(locations.quality_baselines(endpoint))


def read(place: str) -> StoredQuality:
    """A baseline at another location: a folder with both files, or a constraints.json with its statistics beside it.

    Raises
    ------
    UnreadableFile
        If a file is missing or invalid.
    """
    folder = place if is_folder(place) else place.rpartition("/")[0]
    constraints_place = join(place, CONSTRAINTS_FILE) if is_folder(place) else place
    content = _get(constraints_place)
    if content is None:
        raise UnreadableFile(f"{constraints_place}: no such file; `vedette baseline --quality` creates one")
    statistics_place = join(folder, STATISTICS_FILE) if folder else STATISTICS_FILE
    statistics = _get(statistics_place)
    found = read_baseline(content, constraints_place, statistics, statistics_place)
    return StoredQuality(version=place, constraints=found.constraints, statistics=statistics)


def _get(place: str) -> bytes | None:
    return (s3.get_uri if is_s3(place) else read_bytes)(place)


def keep(
    endpoint: str,
    constraints: QualityConstraints,
    statistics: bytes | None,
    reason: str,
    etag: str,
    fleet_baseline: str = "",
) -> BaselineInForce:
    """Store a new version and make it current, if current.json still has this ETag. Raises as `baselines.store`."""
    owner = locations.quality_baselines(endpoint)
    return baselines.store(owner, write_constraints(constraints), statistics, reason, etag, fleet_baseline)


def use(endpoint: str, name: str, reason: str, etag: str) -> BaselineInForce:
    """Make a stored version current, if current.json still has this ETag."""
    return baselines.use(locations.quality_baselines(endpoint), name, reason, etag)


def differences(before: QualityConstraints | None, after: QualityConstraints) -> list[str]:
    """The thresholds that differ, a line each.

    Examples
    --------
    >>> from chalicelib.quality.constraints import suggested_constraints
    >>> from chalicelib.quality.settings import ProblemType
    >>> one, other = (suggested_constraints({"mae": value}, ProblemType.REGRESSION) for value in (0.5, 0.6))
    >>> differences(one, other)
    ['mae: GreaterThanThreshold 0.5 -> GreaterThanThreshold 0.6']
    """
    was, now = ({name: _words(one) for name, one in (of.thresholds if of else {}).items()} for of in (before, after))
    return [
        f"{name}: {was.get(name, 'none')} -> {now.get(name, 'none')}"
        for name in dict.fromkeys((*was, *now))
        if was.get(name) != now.get(name)
    ]


def _words(threshold: Any) -> str:
    return f"{threshold.comparison_operator} {threshold.threshold:.6g}"


def accepted(endpoint: str, before: StoredQuality, variant: str, window: str, metrics: Sequence[str]) -> AcceptedDay:
    """A baseline with the metrics of an evaluated day as thresholds; nothing is written.

    Without `metrics`, those whose violations alert. The statistics of these metrics are those of the day, too.

    Raises
    ------
    VedetteError
        If the day has no metrics, or violates none, or a metric has no threshold.
    """
    found = baselines.one_variant(endpoint, variant, window)
    execution = found.execution
    content = s3.get_uri(f"{found.folder}{STATISTICS_FILE}")
    if content is None:
        raise VedetteError(f"{found.folder}{STATISTICS_FILE}: not found; the day has no metrics to accept.")
    statistics = read_statistics(content, f"{found.folder}{STATISTICS_FILE}")
    of_names = {camel_case(name): name for name in before.constraints.thresholds}
    chosen = [of_names.get(name, name) for name in metrics] or [
        of_names[one.feature]
        for one in execution.measurements
        if one.alertable and one.check in check_types.MODEL_QUALITY and one.feature in of_names
    ]
    if not chosen:
        raise VedetteError("No metric of this day is violated by more than chance; name metrics with --feature.")
    for name in chosen:
        if name not in before.constraints.thresholds or statistics.values.get(name) is None:
            known = ", ".join(before.constraints.thresholds)
            raise VedetteError(f"The day has no metric {name} with a threshold; the baseline has {known}.")
    thresholds = {
        name: replace(one, threshold=statistics.values[name] or 0.0) if name in chosen else one
        for name, one in before.constraints.thresholds.items()
    }
    return AcceptedDay(
        variant=found.name,
        day=execution.window_start,
        labelled=statistics.rows,
        verdict=execution.verdict,
        metrics=tuple(chosen),
        constraints=replace(before.constraints, thresholds=thresholds),
        statistics=_with_metrics(before.statistics, content, chosen),
    )


def _with_metrics(before: bytes | None, day: bytes, names: Sequence[str]) -> bytes | None:
    """A statistics.json in which some metrics are those of another one."""
    if before is None:
        return None
    document, other = json.loads(before), json.loads(day)
    (body,) = (name for name in document if name.endswith("_metrics"))
    for name in names:
        document[body][name] = other[body][name]
    return json.dumps(document, indent=2).encode()

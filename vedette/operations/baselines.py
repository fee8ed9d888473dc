"""The stored versions of an endpoint's baseline, with author, time and reason, and the current version.

| under baselines/{endpoint}/ | content                                                                            |
|-----------------------------|------------------------------------------------------------------------------------|
| v1/, v2/, ...               | versions that users created; they never change                                     |
| package-3/                  | the baseline of version 3 of the model package                                     |
| registered-…/               | what `vedette register` uploaded with a version                                    |
| current.json                | the name of the current version; S3 versioning keeps earlier names                 |

If two users edit at once, both would create the same next version, and S3 accepts one of them (If-None-Match);
current.json is written only if it has not changed since it was read (If-Match).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from chalicelib import locations, records
from chalicelib.alerts.wording import counted, minute
from chalicelib.aws import s3
from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints import check_types
from chalicelib.constraints.check_types import MIN_ACCEPTED_ROWS
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.files import read_constraints, write_constraints
from chalicelib.constraints.measurement import Checks, Measurement
from chalicelib.constraints.reference_days import Reference
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.errors import NotReady, UnreadableFile, VedetteError
from chalicelib.locations import CONSTRAINTS_FILE, REFERENCE_FILE, STATISTICS_FILE, VERSION_FILE
from chalicelib.records import BaselineInForce, Execution, FleetEntry
from chalicelib.services import aggregation
from chalicelib.settings import settings
from chalicelib.statistics.files import read_statistics
from chalicelib.window import LATE_DATA_GRACE, open_window
from vedette.input_sources import is_folder, is_s3, join, read_bytes
from vedette.operations import aws, constraints, results
from vedette.operations.results import WindowResult

S = TypeVar("S")
_NUMBERED = re.compile(r"v(\d+)")


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One stored version; `named` is None if it was only uploaded."""

    version: str
    constraints: Constraints
    statistics: bytes | None
    named: BaselineInForce | None = None
    etag: str = ""  # of current.json, if this is the current version
    folder: bool = True  # False for a single constraints.json
    reference: Reference | None = None  # the reference days beside it


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One entry in the list of versions."""

    version: str
    in_force: bool
    by: str = ""
    at: datetime | None = None
    reason: str = ""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A window as a baseline, with its sample size and verdict."""

    kind: str  # variant or transform job
    name: str  # of the variant or the transform job
    start: datetime
    end: datetime
    verdict: str
    rows: int
    checks: dict[str, tuple[str, ...]]  # what is accepted of each feature
    constraints: Constraints
    statistics: bytes | None

    @property
    def drift(self) -> list[str]:
        """The features whose drift is accepted: their statistics and reference days change."""
        return [name for name, checks in self.checks.items() if check_types.DRIFTS.intersection(checks)]


def in_force(endpoint: str) -> Stored:
    """The current version. Raises VedetteError if the endpoint has none."""
    return needed(current(endpoint), endpoint, "baseline")


def needed(found: S | None, endpoint: str, what: str) -> S:
    """The current version, of captured data or of model quality.

    Raises
    ------
    VedetteError
        If the endpoint has none.
    """
    if found is None:
        raise VedetteError(
            f"{endpoint} has no {what} in stage {settings().stage};"
            f" `vedette constraints use {endpoint} --from DIR` stores one."
        )
    return found


def current(endpoint: str) -> Stored | None:
    """The current version; None if there is none."""
    named, etag = aws.get_with_etag(BaselineInForce, locations.baseline_in_force(endpoint))
    return None if named is None else replace(version(endpoint, named.version), named=named, etag=etag)


def version(endpoint: str, name: str) -> Stored:
    """A stored version.

    Raises
    ------
    VedetteError
        If there is none with this name; the message lists the existing ones.
    """
    folder = locations.baseline(endpoint, name)
    content = stage_stores().bucket.get(folder + "constraints.json") if "/" not in name else None
    if content is None:
        known = ", ".join(one.version for one in versions(endpoint)) or "none"
        raise VedetteError(f"{endpoint} has no baseline version {name}; it has {known}.")
    return Stored(
        version=name,
        constraints=read_constraints(content, f"s3://{settings().bucket}/{folder}constraints.json", stored=True),
        statistics=stage_stores().bucket.get(folder + "statistics.json"),
        named=stage_stores().bucket.get_record(BaselineInForce, folder + "version.json"),
    )


def read(place: str, statistics_place: str = "") -> Stored:
    """A baseline at another location: a folder with both files, or only a constraints.json (without drift).

    With `statistics_place`, the statistics are read from there.

    Raises
    ------
    UnreadableFile
        If a file is missing or invalid.
    """
    get = s3.get_uri if is_s3(place) else read_bytes
    folder = is_folder(place)
    constraints_place = join(place, "constraints.json") if folder else place
    content = get(constraints_place)
    if content is None:
        raise UnreadableFile(f"{constraints_place}: no such file; `vedette baseline` creates one")
    named, statistics = statistics_place, None
    if named or folder:
        statistics_place = named or join(place, STATISTICS_FILE)
        statistics = get(statistics_place)
    if statistics is not None:
        read_statistics(statistics, statistics_place)
    elif named:
        raise UnreadableFile(f"{named}: no such file")
    found = read_constraints(content, constraints_place)
    days = get(join(place, REFERENCE_FILE)) if folder else None
    reference = None if days is None else records.read(Reference, days, join(place, REFERENCE_FILE))
    return Stored(version=place, constraints=found, statistics=statistics, folder=folder, reference=reference)


def named(endpoint: str, text: str) -> Stored:
    """A baseline by name: a file or folder if it contains a / or ends in .json, else a stored version."""
    return read(text) if is_place(text) else version(endpoint, text)


def is_place(text: str) -> bool:
    """Whether a name is that of a file or folder; no endpoint and no version has such a name."""
    return "/" in text or text.endswith(".json")


def same(one: Stored, other: Stored) -> bool:
    """Whether two versions have the same constraints and statistics."""
    return (one.constraints, one.statistics) == (other.constraints, other.statistics)


def as_baseline(stored: Stored) -> Baseline:
    """The version as the baseline for an evaluation."""
    place = f"{stored.version}/statistics.json"
    return Baseline(
        constraints=stored.constraints,
        statistics=None if stored.statistics is None else read_statistics(stored.statistics, place),
    )


def versions(endpoint: str) -> list[Listed]:
    """All versions, newest first; versions without a known author come last."""
    stores = stage_stores()
    current = stores.baselines.in_force(endpoint)
    found = []
    for name in stores.bucket.list_folders(locations.baselines_of_endpoint(endpoint)):
        record = stores.bucket.get_record(BaselineInForce, locations.baseline(endpoint, name) + VERSION_FILE)
        serves = current is not None and current.version == name
        known = {"by": record.by, "at": record.at, "reason": record.reason} if record else {}
        found.append(Listed(version=name, in_force=serves, **known))  # type: ignore[arg-type]
    return sorted(found, key=_age, reverse=True)


def keep(
    endpoint: str, edited: Constraints, statistics: bytes | None, reason: str, etag: str, fleet_baseline: str = ""
) -> BaselineInForce:
    """Store a new version and make it current, if current.json still has this ETag. Raises as `store`."""
    return store(endpoint, write_constraints(edited), statistics, reason, etag, fleet_baseline)


def store(
    endpoint: str, constraints: bytes, statistics: bytes | None, reason: str, etag: str, fleet_baseline: str = ""
) -> BaselineInForce:
    """Store two files as a new version and make it current, if current.json still has this ETag.

    `fleet_baseline` is the key of the fleet entry that it was read from.

    Raises
    ------
    NotReady
        If another user stored a version, or changed the current version, at the same time.
    """
    named = BaselineInForce(
        version=_next(endpoint), by=aws.who(), at=datetime.now(UTC), reason=reason, fleet_baseline=fleet_baseline
    )
    folder = locations.baseline(endpoint, named.version)
    claim = records.write(named)
    bucket, version_key = stage_stores().bucket, folder + VERSION_FILE
    if not bucket.put_once(version_key, claim) and bucket.get(version_key) != claim:
        raise NotReady(  # and it is not our own first attempt, whose response was lost
            f"Someone else created {named.version} of {endpoint} at the same time; check it and try again."
        )
    if statistics is not None:
        bucket.put(folder + STATISTICS_FILE, statistics)
    bucket.put(folder + CONSTRAINTS_FILE, constraints)
    try:
        aws.put_if_unchanged(locations.baseline_in_force(endpoint), named, etag, "the baseline in force")
    except NotReady as error:
        raise NotReady(f"{error} Your version is stored as {named.version}, but is not the current one.") from error
    return named


def use(endpoint: str, name: str, reason: str, etag: str) -> BaselineInForce:
    """Make a stored version current, if current.json still has this ETag."""
    named = BaselineInForce(version=name, by=aws.who(), at=datetime.now(UTC), reason=reason)
    aws.put_if_unchanged(locations.baseline_in_force(endpoint), named, etag, "the baseline in force")
    return named


def accepted(
    endpoint: str, before: Stored, variant: str, window: str, features: Sequence[str] = (), *, everything: bool = False
) -> Accepted:
    """A baseline from an evaluated window; nothing is written.

    What is violated in the window is accepted, of all features or of some; of a named feature without a violation every
    rule. With `everything`, every rule of every feature.

    Raises
    ------
    VedetteError
        If the window is open, was not evaluated, has too few rows or several variants, or violates nothing that can be
        accepted.
    """
    found = one_variant(endpoint, variant, window)
    execution = found.execution
    _refuse_open(execution)
    content = results.statistics(found)
    if content is None:
        raise VedetteError(f"{found.folder}statistics.json: not found; the window has no rows to accept.")
    table = read_statistics(content, f"{found.folder}statistics.json")
    if table.rows < MIN_ACCEPTED_ROWS:
        raise VedetteError(
            f"The window has {counted(table.rows, 'row')}, and a baseline needs {MIN_ACCEPTED_ROWS}:"
            f" {MIN_ACCEPTED_ROWS - table.rows} more. Accept a window with more rows, or change single rules with"
            f" `vedette constraints set {endpoint} FEATURE`."
        )
    chosen = None if everything else _chosen(execution, features)
    edited = constraints.accepted(before.constraints, table, chosen)
    checks = chosen or {one.name: tuple(sorted(constraints.EVERY_CHECK)) for one in edited.features}
    typed = {name for name, of in checks.items() if check_types.DATA_TYPE in of}
    seen = [one for one in _violated(execution, edited) if one.feature in typed]
    result = Accepted(
        kind=found.kind,
        name=found.name,
        start=execution.window_start,
        end=execution.window_end,
        verdict=execution.verdict,
        rows=table.rows,
        checks=checks,
        constraints=constraints.with_room(edited, seen, table.rows),
        statistics=before.statistics,
    )
    if not result.drift:
        return result
    of_drift = () if everything else result.drift
    return replace(result, statistics=constraints.accepted_statistics(before.statistics, content, of_drift))


def one_variant(endpoint: str, variant: str, window: str) -> WindowResult:
    """The result of a window that Vedette evaluated.

    Raises
    ------
    VedetteError
        If it did not, or several variants have one.
    """
    evaluated = results.shortest(results.executions(endpoint, variant=variant, window=window))
    found = [one for one in evaluated if one.source == "vedette"]
    if not found:
        raise VedetteError(f"Vedette has not evaluated this window of {endpoint}.")
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise VedetteError(f"This window has several variants ({names}); choose one with --variant.")
    return found[0]


def _refuse_open(execution: Execution) -> None:
    """Refuse a window that is still open and a single object, and say when their window can be accepted."""
    if execution.window_closed:
        return
    entry = stage_stores().fleet.entry(execution.endpoint) or FleetEntry(endpoint=execution.endpoint)
    whole = open_window(entry.window_minutes, execution.window_start)
    raise VedetteError(
        f"These are {counted(execution.rows, 'row')} of the window from {minute(whole.start)} to {whole.end:%H:%M} UTC,"
        f" as far as they had arrived. Accept the whole window, once it is evaluated (some minutes after"
        f" {minute(whole.end + LATE_DATA_GRACE)} UTC), with --window {whole.start:%Y-%m-%dT%H:%M}."
    )


def _chosen(execution: Execution, features: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The checks that are accepted of each feature."""
    violated: dict[str, list[str]] = {}
    for one in execution.measurements:
        if one.check in check_types.ACCEPTABLE and (one.violated if features else one.alertable):
            violated.setdefault(one.feature, []).append(one.check)
    if features:
        every = tuple(sorted(constraints.EVERY_CHECK))
        return {name: tuple(violated[name]) if name in violated else every for name in features}
    if not violated:
        raise VedetteError(
            "Nothing that can be accepted is violated in this window; name features with --feature, or accept all of it"
            " with --all."
        )
    return {name: tuple(checks) for name, checks in violated.items()}


def _violated(execution: Execution, edited: Constraints) -> list[Measurement]:
    """The violations of the rows in a window; empty if its parts were deleted.

    statistics.json has one type for each feature; the parts have the number of values of each type.
    """
    run = EndpointRun.without_deadline(FleetEntry(endpoint=execution.endpoint))
    summary = aggregation.execution_summary(run, execution) or CaptureSummary()
    return list(evaluate(summary, Baseline(constraints=edited), checks=Checks.HARD).violations)


def _age(one: Listed) -> tuple[bool, datetime, int]:
    number = _NUMBERED.fullmatch(one.version)
    return one.at is not None, one.at or datetime.min.replace(tzinfo=UTC), int(number[1]) if number else 0


def _next(endpoint: str) -> str:
    folders = stage_stores().bucket.list_folders(locations.baselines_of_endpoint(endpoint))
    numbers = [int(match[1]) for folder in folders if (match := _NUMBERED.fullmatch(folder))]
    return f"v{max(numbers, default=0) + 1}"

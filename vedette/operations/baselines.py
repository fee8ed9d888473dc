"""The stored versions of an endpoint's baseline: who made each one, when and why; and which one is in force.

| under baselines/{endpoint}/ | holds                                                                              |
|-----------------------------|------------------------------------------------------------------------------------|
| v1/, v2/, ...               | what a person made: never changed afterwards                                       |
| package-3/                  | what version 3 of the model package brought                                        |
| registered-…/               | what `vedette register` uploaded beside a version                                  |
| current.json                | the name of the one in force; earlier ones are its versions in the versioned bucket |

Two people who edit at once: both would make the same next number, and S3 gives it to one of them (If-None-Match); and
current.json is written only while it is still what was read (If-Match).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from chalicelib import locations, records
from chalicelib.aws import s3
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import MINIMUM_DRIFT_ROWS, Baseline, evaluate
from chalicelib.constraints.files import read_constraints, write_constraints
from chalicelib.constraints.measurement import Checks, Measurement
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.errors import NotReady, UnreadableFile, VedetteError
from chalicelib.locations import CONSTRAINTS_FILE, STATISTICS_FILE, VERSION_FILE
from chalicelib.records import BaselineInForce, Execution, FleetEntry
from chalicelib.services import aggregation
from chalicelib.settings import settings
from chalicelib.statistics.files import read_statistics
from vedette.input_sources import is_folder, is_s3, join, read_bytes
from vedette.operations import aws, constraints, results

_NUMBERED = re.compile(r"v(\d+)")


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One version as it lies in the bucket; `named` is None for what was only uploaded."""

    version: str
    constraints: Constraints
    statistics: bytes | None
    named: BaselineInForce | None = None
    etag: str = ""  # of current.json, when this version was read as the one in force
    folder: bool = True  # False for a constraints.json that came alone


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a list."""

    version: str
    in_force: bool
    by: str = ""
    at: datetime | None = None
    reason: str = ""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A window as a baseline, and what a person should know of it."""

    variant: str
    start: datetime
    end: datetime
    verdict: str
    rows: int
    few: int  # rows that are wanting for drift to be judged from it
    constraints: Constraints
    statistics: bytes


def in_force(endpoint: str) -> Stored:
    """The version in force.

    Raises
    ------
    VedetteError
        When the endpoint has none.
    """
    found = current(endpoint)
    if found is None:
        raise VedetteError(
            f"{endpoint} has no baseline in force in stage {settings().stage};"
            f" `vedette constraints use {endpoint} --from DIR` puts one in force."
        )
    return found


def current(endpoint: str) -> Stored | None:
    """The version in force; None when there is none."""
    named, etag = aws.get_with_etag(BaselineInForce, locations.baseline_in_force(endpoint))
    return None if named is None else replace(version(endpoint, named.version), named=named, etag=etag)


def version(endpoint: str, name: str) -> Stored:
    """A stored version.

    Raises
    ------
    VedetteError
        When there is none of this name; the sentence says which there are.
    """
    folder = locations.baseline(endpoint, name)
    content = stage_stores().bucket.get(folder + "constraints.json") if "/" not in name else None
    if content is None:
        known = ", ".join(one.version for one in versions(endpoint)) or "none"
        raise VedetteError(f"{endpoint} has no baseline version {name}; it has {known}.")
    return Stored(
        version=name,
        constraints=read_constraints(content, f"s3://{settings().bucket}/{folder}constraints.json"),
        statistics=stage_stores().bucket.get(folder + "statistics.json"),
        named=stage_stores().bucket.get_record(BaselineInForce, folder + "version.json"),
    )


def read(place: str) -> Stored:
    """A baseline that lies elsewhere: a folder of both files, or a constraints.json alone (no drift then).

    Raises
    ------
    UnreadableFile
        When a file is missing or not what it should be.
    """
    get = s3.get_uri if is_s3(place) else read_bytes
    folder = is_folder(place)
    constraints_place = join(place, "constraints.json") if folder else place
    content = get(constraints_place)
    if content is None:
        raise UnreadableFile(f"{constraints_place}: no such file; `vedette baseline` makes one")
    statistics = get(join(place, "statistics.json")) if folder else None
    if statistics is not None:
        read_statistics(statistics, join(place, "statistics.json"))
    found = read_constraints(content, constraints_place)
    return Stored(version=place, constraints=found, statistics=statistics, folder=folder)


def named(endpoint: str, text: str) -> Stored:
    """What a person named: a file or folder when it holds a / or ends in .json, else a stored version."""
    return read(text) if "/" in text or text.endswith(".json") else version(endpoint, text)


def as_baseline(stored: Stored) -> Baseline:
    """A version as what data are held against."""
    place = f"{stored.version}/statistics.json"
    return Baseline(
        constraints=stored.constraints,
        statistics=None if stored.statistics is None else read_statistics(stored.statistics, place),
    )


def versions(endpoint: str) -> list[Listed]:
    """Every version, the latest first; those of which nobody knows who made them come last."""
    stores = stage_stores()
    current = stores.baselines.in_force(endpoint)
    found = []
    for name in stores.bucket.list_folders(locations.baselines_of_endpoint(endpoint)):
        said = stores.bucket.get_record(BaselineInForce, locations.baseline(endpoint, name) + VERSION_FILE)
        serves = current is not None and current.version == name
        known = {"by": said.by, "at": said.at, "reason": said.reason} if said else {}
        found.append(Listed(version=name, in_force=serves, **known))  # type: ignore[arg-type]
    return sorted(found, key=_age, reverse=True)


def keep(endpoint: str, wish: Constraints, statistics: bytes | None, reason: str, etag: str) -> BaselineInForce:
    """Store a new version and put it in force, in place of the one whose current.json has this ETag.

    Raises
    ------
    NotReady
        When somebody else made a version, or put another one in force, at the same moment.
    """
    named = BaselineInForce(version=_next(endpoint), by=aws.who(), at=datetime.now(UTC), reason=reason)
    folder = locations.baseline(endpoint, named.version)
    claim = records.write(named)
    bucket, version_key = stage_stores().bucket, folder + VERSION_FILE
    if not bucket.put_once(version_key, claim) and bucket.get(version_key) != claim:
        raise NotReady(  # it is not our own first try either, whose reply was lost
            f"Somebody else made {named.version} of {endpoint} at the same moment; look at it, and try again."
        )
    if statistics is not None:
        bucket.put(folder + STATISTICS_FILE, statistics)
    bucket.put(folder + CONSTRAINTS_FILE, write_constraints(wish))
    try:
        aws.put_if_unchanged(locations.baseline_in_force(endpoint), named, etag, "the baseline in force")
    except NotReady as error:
        raise NotReady(f"{error} Yours is kept as {named.version}, and not in force.") from error
    return named


def use(endpoint: str, name: str, reason: str, etag: str) -> BaselineInForce:
    """Put a stored version in force, in place of the one whose current.json has this ETag."""
    named = BaselineInForce(version=name, by=aws.who(), at=datetime.now(UTC), reason=reason)
    aws.put_if_unchanged(locations.baseline_in_force(endpoint), named, etag, "the baseline in force")
    return named


def accepted(endpoint: str, before: Stored, variant: str, window: str, features: Sequence[str]) -> Accepted:
    """The baseline that takes a judged window as the new normal, for all features or some; nothing is written.

    Raises
    ------
    VedetteError
        When the window was not judged, has no rows, or there are several variants to choose from.
    """
    judged = results.shortest(results.executions(endpoint, variant=variant, window=window))
    found = [one for one in judged if one.source == "vedette"]
    if not found:
        raise VedetteError(f"Vedette judged no such window of {endpoint}.")
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise VedetteError(f"That window was judged for several variants ({names}); choose one with --variant.")
    execution = found[0].execution
    content = results.statistics(found[0])
    if content is None:
        raise VedetteError(f"{found[0].folder}statistics.json: missing; the window has no rows to accept.")
    table = read_statistics(content, f"{found[0].folder}statistics.json")
    wish = constraints.accepted(before.constraints, table, features)
    seen = _violated(execution, wish)
    return Accepted(
        variant=found[0].name,
        start=execution.window_start,
        end=execution.window_end,
        verdict=execution.verdict,
        rows=table.rows,
        few=max(0, MINIMUM_DRIFT_ROWS - table.rows),
        constraints=constraints.with_room(
            wish, [one for one in seen if not features or one.feature in features], table.rows
        ),
        statistics=constraints.accepted_statistics(before.statistics, content, features),
    )


def _violated(execution: Execution, wish: Constraints) -> list[Measurement]:
    """What the rows of a window violate; none when its parts are gone.

    statistics.json tells one type for each feature, the parts tell how many values were of which.
    """
    run = EndpointRun.without_deadline(FleetEntry(endpoint=execution.endpoint))
    summary = aggregation.window_summary(run, execution.variant, execution.parts)
    return list(evaluate(summary, Baseline(constraints=wish), checks=Checks.HARD).violations)


def _age(one: Listed) -> tuple[bool, datetime, int]:
    number = _NUMBERED.fullmatch(one.version)
    return one.at is not None, one.at or datetime.min.replace(tzinfo=UTC), int(number[1]) if number else 0


def _next(endpoint: str) -> str:
    folders = stage_stores().bucket.list_folders(locations.baselines_of_endpoint(endpoint))
    numbers = [int(match[1]) for folder in folders if (match := _NUMBERED.fullmatch(folder))]
    return f"v{max(numbers, default=0) + 1}"

"""The monitoring results of an endpoint: Vedette's stored executions, and those of Model Monitor schedules.

| source        | windows                                           | files                                            |
|---------------|---------------------------------------------------|--------------------------------------------------|
| vedette       | the folders under monitoring/{endpoint}/{variant} | execution.json and two files in the same folder  |
| model monitor | ListMonitoringExecutions of each schedule         | the output location in DescribeProcessingJob     |

An execution of Model Monitor that never had a job (aws-behaviour: execution-without-job) is shown with its
FailureReason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal

import msgspec

from chalicelib import locations
from chalicelib.alerts import model_monitor
from chalicelib.aws import s3
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.files import read_constraints
from chalicelib.constraints.windows import checks_for_length, closed_windows
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import NotReady, VedetteError
from chalicelib.outcomes import Skipped
from chalicelib.records import Execution, FleetEntry
from chalicelib.services.model_monitor import execution_of_job
from chalicelib.settings import settings
from chalicelib.statistics.files import read_statistics
from chalicelib.window import DAY, LATE_DATA_GRACE, START_FORMAT, Window
from vedette.operations import aws

LATEST = "latest"
DATA_QUALITY, MODEL_QUALITY = "DataQuality", "ModelQuality"
LOOK_BACK = (timedelta(days=2), timedelta(days=32), None)  # finding the latest window must not list years of windows
CHECKS = {"all": "all checks", "hard": "hard checks", "drift": "drift"}
_QUALITY = f"{locations.QUALITY}/"
LATEST_QUALITY = f"{_QUALITY}{LATEST}"
_WINDOW = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d)(?::?(\d\d))?)?Z?")
Source = Literal["vedette", "model monitor"]


class WindowResult(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluated window, with the location of its files."""

    source: Source
    name: str  # the variant, the transform job, or the schedule of Model Monitor
    monitoring_type: str
    verdict: str  # Vedette's verdict, or Model Monitor's execution status
    folder: str  # s3://..., with a slash at the end; "" if there are no files
    execution: Execution

    @property
    def kind(self) -> str:
        """What the name is that of."""
        if self.source != "vedette":
            return "schedule"
        return "transform job" if self.execution.job else "variant"


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """The statistics of one feature, with Model Monitor's names, in the units of the feature."""

    feature: str
    inferred_type: str
    num_present: int
    num_missing: int
    completeness: float | None  # a share; None without rows
    mean: float | None
    std_dev: float | None
    min: float | None
    max: float | None
    distinct_count: float | None  # of text; an estimate if there are many


class NoResults(VedetteError):
    """The window was not evaluated, or no window was."""


class RecurringEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """A recurring evaluation of the endpoint."""

    source: Source
    name: str
    monitoring_type: str
    runs: str  # when
    status: str
    last_window_start: datetime | None = None
    last_window_end: datetime | None = None
    last_verdict: str = ""
    last_run: datetime | None = None
    next_run: datetime | None = None
    reason: str = ""


# --- which window -----------------------------------------------------------------------------------------------------


def window_start(text: str) -> datetime | None:
    """Parse the start of a window, in UTC; None means the latest one.

    Raises
    ------
    VedetteError
        If it is not a time.

    Examples
    --------
    >>> window_start("2026-11-22T09").isoformat(), window_start("latest")
    ('2026-11-22T09:00:00+00:00', None)
    """
    if text == LATEST:
        return None
    match = _WINDOW.fullmatch(text)
    try:
        day, hour, minute = match.groups() if match else ("", "", "")
        return datetime.fromisoformat(f"{day}T{hour or '00'}:{minute or '00'}").replace(tzinfo=UTC)
    except ValueError as error:
        raise VedetteError(f"{text!r} is not a window: use latest, or its start in UTC: 2026-11-22T09.") from error


def executions(
    endpoint: str, *, variant: str = "", window: str = LATEST, now: datetime | None = None
) -> list[WindowResult]:
    """The executions of one window from all sources; `variant` selects one variant, without Model Monitor.

    If windows have several lengths (an hour, and a day for drift), all are returned, shortest first. A date alone names
    the window of that day, if there is one. A window may have the name that an alert gives it: its folder's name, or
    that of the execution of an open window or of one captured object (`locations.execution_name`). A day of model
    quality is `quality/2026-11-22`, or `quality/latest`.

    Raises
    ------
    NoResults
        If there is none.
    """
    variants = [variant] if variant else _variants(endpoint)
    if locations.is_execution_name(window):
        return _of_data_that_was_arriving(endpoint, variants, window)
    if is_quality_window(window):
        return _of_quality(endpoint, variants, window.removeprefix(_QUALITY), now or datetime.now(UTC))
    named = Window.from_name(window)
    start = named.start if named else window_start(window)
    moment = now or datetime.now(UTC)
    found = [
        one
        for name in variants
        for one in _vedette(endpoint, name, start, moment)
        if named is None or one.execution.window == named
    ]
    if len(window) == len("2026-11-22"):
        found = [one for one in found if _length(one) == DAY] or found
    if not variant and named is None:
        found += _model_monitors(endpoint, start)
    if not found:
        which = f"the window of {start:%Y-%m-%d %H:%M} UTC" if start else "any window"
        raise NoResults(f"No results of {endpoint}{f', variant {variant},' if variant else ''} in {which}.")
    return found


def _of_data_that_was_arriving(endpoint: str, variants: list[str], name: str) -> list[WindowResult]:
    """The execution of an open window or of one captured object.

    Raises
    ------
    NoResults
        If there is none with this name.
    """
    folders = [(variant, locations.folder_of_execution(endpoint, variant, name)) for variant in variants]
    stored = [(variant, stage_stores().executions.get(folder)) for variant, folder in folders]
    found = [_result(variant, execution) for variant, execution in stored if execution is not None]
    if not found:
        raise NoResults(f"No results of {endpoint} named {name}.")
    return found


def is_quality_window(window: str) -> bool:
    """Whether a text names a day of model quality."""
    return window.startswith(_QUALITY)


def _of_quality(endpoint: str, variants: list[str], day: str, now: datetime) -> list[WindowResult]:
    """The latest evaluation of a day of model quality, of each variant.

    Raises
    ------
    NoResults
        If there is none.
    """
    start = window_start(day)
    found = []
    for variant in variants:
        for window in islice(_windows(endpoint, variant, start, now, of_quality=True), 1):
            stored = stage_stores().executions.latest_of_window(endpoint, variant, window, of_quality=True)
            found += [_result(variant, stored)] if stored is not None else []
    if not found:
        which = f"on {start:%Y-%m-%d}" if start else "on any day"
        raise NoResults(f"The quality of the model of {endpoint} was not evaluated {which}.")
    return found


def _length(found: WindowResult) -> timedelta:
    return found.execution.window_end - found.execution.window_start


def shortest(found: list[WindowResult]) -> list[WindowResult]:
    """The shortest window of each source and name; the statistics of a day are the sum of its hours."""
    first: dict[tuple[str, str], WindowResult] = {}
    for one in found:
        first.setdefault((one.source, one.name), one)
    return list(first.values())


def _variants(endpoint: str) -> list[str]:
    return stage_stores().bucket.list_folders(locations.executions_of_endpoint(endpoint))


def _vedette(endpoint: str, variant: str, start: datetime | None, now: datetime) -> list[WindowResult]:
    by_length: dict[timedelta, WindowResult] = {}
    for window in _windows(endpoint, variant, start, now):
        if window.length in by_length:
            continue
        stored = stage_stores().executions.latest_of_window(endpoint, variant, window)
        if stored is not None:
            by_length[window.length] = _result(variant, stored)
            if stored.job and start is None:  # jobs have windows of any length: the latest is one job
                break
    return [by_length[length] for length in sorted(by_length)]


def _result(variant: str, stored: Execution) -> WindowResult:
    return WindowResult(
        source="vedette",
        name=stored.job or variant,
        monitoring_type=MODEL_QUALITY if stored.is_of_quality else DATA_QUALITY,
        verdict=stored.verdict,
        folder=f"s3://{settings().bucket}/{stored.folder}",
        execution=stored,
    )


def _windows(
    endpoint: str, variant: str, start: datetime | None, now: datetime, *, of_quality: bool = False
) -> Iterator[Window]:
    """The evaluated windows that begin at a time, or those of the latest days with any, newest first."""
    if start is not None:
        found = _listed(endpoint, variant, start - timedelta(minutes=1), of_quality=of_quality)
        yield from (window for window in found if window.start == start)
        return
    for back in LOOK_BACK:
        found = _listed(endpoint, variant, now - back if back else None, of_quality=of_quality)
        if found:
            yield from sorted(found, reverse=True)
            return


def _listed(endpoint: str, variant: str, since: datetime | None, *, of_quality: bool = False) -> list[Window]:
    prefix = locations.executions_of_variant(endpoint, variant)
    if of_quality:
        prefix = locations.executions_of_quality(endpoint, variant)
    after = f"{since:{START_FORMAT}}" if since else ""
    folders = stage_stores().bucket.list_folders(prefix, after=after)
    return [window for folder in folders if (window := Window.from_name(folder)) is not None]


# --- Model Monitor ----------------------------------------------------------------------------------------------------


def _model_monitors(endpoint: str, start: datetime | None) -> list[WindowResult]:
    """For each schedule, the execution of a window, or the latest ended one."""
    found = []
    for schedule in _schedules_of(endpoint):
        summaries = aws.executions_of_schedule(schedule["MonitoringScheduleName"], start)
        ended = (one for summary in summaries if (one := _model_monitor(summary)) is not None)
        found += list(islice(ended, 1))
    return found


def _schedules_of(endpoint: str) -> list[dict[str, Any]]:
    """The schedules of an endpoint; none of a name of the fleet that is not that of an endpoint."""
    entry = stage_stores().fleet.entry(endpoint)
    return [] if entry is not None and not entry.is_endpoint else aws.monitoring_schedules(endpoint)


def _model_monitor(summary: dict[str, Any]) -> WindowResult | None:
    """An execution of Model Monitor; None while it runs or its report is not yet written."""
    status = summary["MonitoringExecutionStatus"]
    if status not in model_monitor.ENDED:
        return None
    job = summary.get("ProcessingJobArn", "").rpartition("/")[2]
    try:
        execution = execution_of_job(job, status) if job else model_monitor.execution_without_job(summary)
    except NotReady:
        return None
    if isinstance(execution, Skipped):
        return None
    return WindowResult(
        source="model monitor",
        name=summary["MonitoringScheduleName"],
        monitoring_type=summary.get("MonitoringType", DATA_QUALITY),
        verdict=status,
        folder=f"{execution.folder}/" if execution.folder else "",
        execution=execution,
    )


# --- its files --------------------------------------------------------------------------------------------------------


def content_of(result: WindowResult, name: str) -> bytes | None:
    """The content of a file of a window; None if there is none."""
    return s3.get_uri(f"{result.folder}{name}") if result.folder else None


def statistics(result: WindowResult) -> bytes | None:
    """The content of a window's statistics.json; None if there is none about features."""
    return s3.get_uri(f"{result.folder}statistics.json") if _of_features(result) else None


def features(content: bytes, place: str) -> list[Feature]:
    """The features of a statistics.json, Vedette's or Model Monitor's.

    Raises
    ------
    UnreadableFile
        If it is invalid.
    """
    table = read_statistics(content, place)
    distinct = {str(one["name"]): (one.get("string_statistics") or {}) for one in json.loads(content)["features"]}
    return [
        Feature(
            feature=name,
            inferred_type=column.types.inferred_type,
            num_present=column.types.present,
            num_missing=column.types.missing,
            completeness=column.types.completeness,
            mean=column.moments.mean,
            std_dev=column.moments.std_dev,
            min=column.moments.minimum,
            max=column.moments.maximum,
            distinct_count=distinct[name].get("distinct_count"),
        )
        for name, column in zip(table.feature_names, table.columns, strict=True)
    ]


def constraints(result: WindowResult) -> tuple[str, Constraints] | None:
    """The location and content of a window's constraints; None if there are none about features."""
    if result.source == "vedette" and not _of_features(result):
        return None
    if result.source == "model monitor":
        place = f"{result.folder}constraints.json" if _of_features(result) else ""
    else:
        version = result.execution.baseline
        folder = locations.baseline(result.execution.endpoint, version)
        place = f"s3://{settings().bucket}/{folder}constraints.json" if version else ""
    content = s3.get_uri(place) if place else None
    return None if content is None else (place, read_constraints(content, place, stored=True))


def _of_features(result: WindowResult) -> bool:
    """Model quality, bias and explainability have other file formats (aws-behaviour: quality-files)."""
    return bool(result.folder) and result.monitoring_type == DATA_QUALITY


# --- what runs when ---------------------------------------------------------------------------------------------------


def schedules(endpoint: str, now: datetime) -> list[RecurringEvaluation]:
    """All recurring evaluations of the endpoint: Vedette's windows by variant, and Model Monitor schedules."""
    entry = stage_stores().fleet.get().entry(endpoint)
    found = []
    if entry is not None:
        for variant in stage_stores().parts.variants(endpoint) or [""]:
            last = {
                one.execution.window_end - one.execution.window_start: one
                for one in _vedette(endpoint, variant, None, now)
            }
            if entry.transform_jobs:
                latest = next(iter(last.values()), None)
                found.append(_of_jobs(entry, latest.execution if latest else None))
                continue
            for minutes in sorted({entry.window_minutes, max(entry.window_minutes, entry.drift_window_minutes)}):
                one = last.get(timedelta(minutes=minutes))
                checks = checks_for_length(entry.window_minutes, entry.drift_window_minutes, timedelta(minutes=minutes))
                found.append(
                    RecurringEvaluation(
                        source="vedette",
                        name=variant or "no capture yet",
                        monitoring_type=DATA_QUALITY,
                        runs=f"{CHECKS[checks]} after every {minutes} minutes",
                        status=entry.mode,
                        next_run=_next_run(minutes, now),
                        **_last(one.execution if one else None),
                    )
                )
    return found + [_of_model_monitor(schedule, endpoint) for schedule in _schedules_of(endpoint)]


def _of_jobs(entry: FleetEntry, latest: Execution | None) -> RecurringEvaluation:
    return RecurringEvaluation(
        source="vedette",
        name=f"{entry.transform_jobs}...",
        monitoring_type=DATA_QUALITY,
        runs="all checks after every transform job",
        status=entry.mode,
        **_last(latest),
    )


def _next_run(minutes: int, now: datetime) -> datetime:
    """The next evaluation time of the current window, which may wait for late files."""
    (latest,) = closed_windows(minutes, now, 1)
    return latest.end + latest.length + LATE_DATA_GRACE


def _of_model_monitor(schedule: dict[str, Any], endpoint: str) -> RecurringEvaluation:
    name = schedule["MonitoringScheduleName"]
    described = aws.describe_monitoring_schedule(name) or {}
    summary = next(aws.executions_of_schedule(name), None)
    expression = described.get("MonitoringScheduleConfig", {}).get("ScheduleConfig", {}).get("ScheduleExpression", "")
    last: dict[str, Any] = {}
    if summary is not None:
        end = summary["ScheduledTime"]
        last = {
            "last_window_start": end - timedelta(hours=1),
            "last_window_end": end,
            "last_verdict": summary["MonitoringExecutionStatus"],
            "last_run": summary["LastModifiedTime"],
            "reason": summary.get("FailureReason", ""),
        }
    return RecurringEvaluation(
        source="model monitor",
        name=name,
        monitoring_type=schedule.get("MonitoringType", DATA_QUALITY),
        runs=expression or "once",
        status=schedule["MonitoringScheduleStatus"],
        **last,
    )


def _last(execution: Execution | None) -> dict[str, Any]:
    if execution is None:
        return {}
    return {
        "last_window_start": execution.window_start,
        "last_window_end": execution.window_end,
        "last_verdict": execution.verdict,
        "last_run": execution.evaluated_at,
        "reason": "; ".join(execution.notes),
    }

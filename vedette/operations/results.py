"""What was judged of an endpoint, read back: Vedette's stored executions, and those of Model Monitor's schedules.

| source        | which windows there are                           | its files                                        |
|---------------|---------------------------------------------------|--------------------------------------------------|
| vedette       | the folders under monitoring/{endpoint}/{variant} | execution.json and the two files beside it       |
| model monitor | ListMonitoringExecutions of each schedule         | where DescribeProcessingJob says the job wrote   |

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
from chalicelib.constraints.windows import LATE_DATA_GRACE, checks_for_length, closed_windows
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import NotReady, VedetteError
from chalicelib.outcomes import Skipped
from chalicelib.records import Execution
from chalicelib.services.model_monitor import execution_of_job
from chalicelib.settings import settings
from chalicelib.statistics.files import read_statistics
from chalicelib.window import Window
from vedette.operations import aws

LATEST = "latest"
DATA_QUALITY = "DataQuality"
LOOK_BACK = (timedelta(days=2), timedelta(days=32), None)  # so that years of windows are not listed for the last one
CHECKS = {"all": "all checks", "hard": "hard checks", "drift": "drift"}
_WINDOW = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d)(?::?(\d\d))?)?Z?")
Source = Literal["vedette", "model monitor"]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One judged window with the place of its files."""

    source: Source
    name: str  # the variant, or the schedule of Model Monitor
    monitoring_type: str
    verdict: str  # Vedette's word, or Model Monitor's status of the execution
    folder: str  # s3://..., with a slash at its end; "" when there are no files
    execution: Execution


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """The statistics of one feature, under Model Monitor's names; in the feature's own units."""

    feature: str
    inferred_type: str
    num_present: int
    num_missing: int
    completeness: float | None  # a share; None without rows
    mean: float | None
    std_dev: float | None
    min: float | None
    max: float | None
    distinct_count: float | None  # of text; about, when there are many


class Scheduled(msgspec.Struct, frozen=True, kw_only=True):
    """Something that judges the endpoint again and again."""

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
    """The beginning of a window that a person named, in UTC; None for the latest one.

    Raises
    ------
    VedetteError
        When it is not a time.

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
        raise VedetteError(f"{text!r} is not a window: say latest, or when it begins in UTC: 2026-11-22T09.") from error


def executions(endpoint: str, *, variant: str = "", window: str = LATEST, now: datetime | None = None) -> list[Judged]:
    """The executions of one window, by every source; `variant` keeps one variant, and leaves Model Monitor out.

    Windows of several lengths (an hour, and a day for drift) are shown each, the shortest first.

    Raises
    ------
    VedetteError
        When there is none.
    """
    start = window_start(window)
    moment = now or datetime.now(UTC)
    found = [
        one
        for name in ([variant] if variant else _variants(endpoint))
        for one in _vedette(endpoint, name, start, moment)
    ]
    if not variant:
        found += _model_monitors(endpoint, start)
    if not found:
        which = f"the window of {start:%Y-%m-%d %H:%M} UTC" if start else "any window"
        raise VedetteError(f"Nothing was judged of {endpoint}{f', variant {variant},' if variant else ''} in {which}.")
    return found


def shortest(found: list[Judged]) -> list[Judged]:
    """Of each source and name the shortest window alone: a day's statistics are those of its hours, added up."""
    first: dict[tuple[str, str], Judged] = {}
    for one in found:
        first.setdefault((one.source, one.name), one)
    return list(first.values())


def _variants(endpoint: str) -> list[str]:
    return stage_stores().bucket.list_folders(locations.executions_of_endpoint(endpoint))


def _vedette(endpoint: str, variant: str, start: datetime | None, now: datetime) -> list[Judged]:
    by_length: dict[timedelta, Judged] = {}
    for window in _windows(endpoint, variant, start, now):
        if window.length in by_length:
            continue
        stored = stage_stores().executions.latest_of_window(endpoint, variant, window)
        if stored is not None:
            by_length[window.length] = Judged(
                source="vedette",
                name=variant,
                monitoring_type=DATA_QUALITY,
                verdict=stored.verdict,
                folder=f"s3://{settings().bucket}/{stored.folder}",
                execution=stored,
            )
    return [by_length[length] for length in sorted(by_length)]


def _windows(endpoint: str, variant: str, start: datetime | None, now: datetime) -> Iterator[Window]:
    """The windows that were judged: those that begin at a time, or of the last days that have any, newest first."""
    if start is not None:
        yield from (w for w in _listed(endpoint, variant, start - timedelta(minutes=1)) if w.start == start)
        return
    for back in LOOK_BACK:
        found = _listed(endpoint, variant, now - back if back else None)
        if found:
            yield from sorted(found, reverse=True)
            return


def _listed(endpoint: str, variant: str, since: datetime | None) -> list[Window]:
    prefix = locations.executions_of_variant(endpoint, variant)
    after = f"{since:%Y-%m-%dT%H-%MZ}" if since else ""
    folders = stage_stores().bucket.list_folders(prefix, after=after)
    return [window for folder in folders if (window := Window.from_name(folder)) is not None]


# --- Model Monitor ----------------------------------------------------------------------------------------------------


def _model_monitors(endpoint: str, start: datetime | None) -> list[Judged]:
    """Of each schedule the execution of a window, or the latest one that has ended."""
    found = []
    for schedule in aws.monitoring_schedules(endpoint):
        summaries = aws.executions_of_schedule(schedule["MonitoringScheduleName"], start)
        ended = (one for summary in summaries if (one := _model_monitor(summary)) is not None)
        found += list(islice(ended, 1))
    return found


def _model_monitor(summary: dict[str, Any]) -> Judged | None:
    """An execution of Model Monitor; None while it goes on, and while its report is on its way."""
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
    return Judged(
        source="model monitor",
        name=summary["MonitoringScheduleName"],
        monitoring_type=summary.get("MonitoringType", DATA_QUALITY),
        verdict=status,
        folder=f"{execution.folder}/" if execution.folder else "",
        execution=execution,
    )


# --- its files --------------------------------------------------------------------------------------------------------


def statistics(judged: Judged) -> bytes | None:
    """The statistics.json of a window, as it lies there; None when there is none of features."""
    return s3.get_uri(f"{judged.folder}statistics.json") if _of_features(judged) else None


def features(content: bytes, place: str) -> list[Feature]:
    """The features of a statistics.json, Vedette's or Model Monitor's.

    Raises
    ------
    UnreadableFile
        When it is not one.
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


def constraints(judged: Judged) -> tuple[str, Constraints] | None:
    """The constraints that a window was judged by, and where they lie; None when there are none of features."""
    if judged.source == "model monitor":
        place = f"{judged.folder}constraints.json" if _of_features(judged) else ""
    else:
        version = judged.execution.baseline
        folder = locations.baseline(judged.execution.endpoint, version)
        place = f"s3://{settings().bucket}/{folder}constraints.json" if version else ""
    content = s3.get_uri(place) if place else None
    return None if content is None else (place, read_constraints(content, place))


def _of_features(judged: Judged) -> bool:
    """Model quality, bias and explainability have files of other forms (aws-behaviour: quality-files)."""
    return bool(judged.folder) and judged.monitoring_type == DATA_QUALITY


# --- what runs when ---------------------------------------------------------------------------------------------------


def schedules(endpoint: str, now: datetime) -> list[Scheduled]:
    """Everything that judges the endpoint: Vedette's windows, a row for each variant, and Model Monitor's schedules."""
    entry = stage_stores().fleet.get().entry(endpoint)
    found = []
    if entry is not None:
        for variant in stage_stores().parts.variants(endpoint) or [""]:
            last = {
                one.execution.window_end - one.execution.window_start: one
                for one in _vedette(endpoint, variant, None, now)
            }
            for minutes in sorted({entry.window_minutes, max(entry.window_minutes, entry.drift_window_minutes)}):
                one = last.get(timedelta(minutes=minutes))
                checks = checks_for_length(entry.window_minutes, entry.drift_window_minutes, timedelta(minutes=minutes))
                found.append(
                    Scheduled(
                        source="vedette",
                        name=variant or "no capture yet",
                        monitoring_type=DATA_QUALITY,
                        runs=f"{CHECKS[checks]} after every {minutes} minutes",
                        status=entry.mode,
                        next_run=_next_run(minutes, now),
                        **_last(one.execution if one else None),
                    )
                )
    return found + [_of_model_monitor(schedule, endpoint) for schedule in aws.monitoring_schedules(endpoint)]


def _next_run(minutes: int, now: datetime) -> datetime:
    """When the window that is open now, or waits for late files, is judged."""
    (latest,) = closed_windows(minutes, now, 1)
    return latest.end + latest.length + LATE_DATA_GRACE


def _of_model_monitor(schedule: dict[str, Any], endpoint: str) -> Scheduled:
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
    return Scheduled(
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

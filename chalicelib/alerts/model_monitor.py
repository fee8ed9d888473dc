"""Executions of Model Monitor's own schedules, read as Vedette's, so that they raise the same alerts.

| input                                              | read as                                                |
|----------------------------------------------------|--------------------------------------------------------|
| job with MonitoringScheduleArn, or its environment | an execution; no other processing job is one           |
| Completed, "... with N violations"                 | Violations, one measurement each                       |
| Completed, "... with no violations", or no file    | OK                                                     |
| Completed, another ExitMessage or none             | the status in ListMonitoringExecutions, else the       |
|                                                    | content of the file                                    |
| Completed, violations announced but no file        | wait (`report_is_due`); then Violations, with one      |
| ... or a file that cannot be read                  | measurement about the missing report                   |
| Failed for lack of data                            | NoData; CaptureStopped when there was traffic          |
| Failed, Stopped                                    | MonitorFailed, with FailureReason                      |
| ground-truth merge, Completed                      | none: its analysis job follows                         |
| ground-truth merge, Failed                         | MonitorFailed: no analysis will come                   |
| an execution that never had a job                  | the same by its FailureReason                          |

A violation has the severity of Vedette's own (constraints.measurement), by the share that its sentence holds. Model
Monitor says no number of rows, so chance is not taken off. Without a share it is critical; drift is a warning. A metric
of model quality has the value and the threshold of its sentence, and is a warning.

See aws-behaviour: described-job, exit-message, execution-without-data, execution-without-job. Nothing but
the job's description and its violations file is trusted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from msgspec.structs import replace

from chalicelib.constraints import check_types
from chalicelib.constraints.files import Violation, camel_case
from chalicelib.constraints.measurement import Measurement, Severity, Verdict, limit_words, severity_of
from chalicelib.records import Execution
from chalicelib.window import Window

TERMINAL = frozenset({"Completed", "Failed", "Stopped"})
ENDED = TERMINAL | {"CompletedWithViolations"}  # the same of an execution's own status
VIOLATION_FILES = ("constraint_violations.json", "constraints_violations.json")  # the second is the docs' spelling
REPORT_GRACE = timedelta(minutes=2)  # a report may come after its job's event; Lambda asks again after 1 and 3 minutes
_NO_DATA_REASONS = ("no data", "no s3 objects found")
_COUNTED = re.compile(r"with (\d+) violations?")
_CLEAN = "no violations"
_PERCENT = r"(\d+(?:\.\d+)?(?:[eE]-?\d+)?)%"
_COMPLETENESS = re.compile(rf"Expected: {_PERCENT}\. Observed: Only {_PERCENT}")
_DATA_TYPE = re.compile(rf"Observed: Only {_PERCENT} of data is")
_CATEGORICAL = re.compile(r"Value: (\d+(?:\.\d+)?(?:[eE]-?\d+)?) does not meet the constraint")
_NUMBER = r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_METRIC = re.compile(rf"with {_NUMBER}(?: \+/- {_NUMBER})? was \w+ '?{_NUMBER}")
HOUR = timedelta(hours=1)
Job = Mapping[str, Any]


def is_execution(job: Job) -> bool:
    """Whether a processing job is an execution of a monitoring schedule."""
    return bool(job.get("MonitoringScheduleArn") or _environment(job).get("sagemaker_monitoring_schedule_name"))


def is_merge(job: Job) -> bool:
    """Whether it is the ground-truth merge that comes before an analysis."""
    image = str(job.get("AppSpecification", {}).get("ImageUri", ""))
    return "groundtruth-merger" in image or "ground_truth_source" in _environment(job)


def output_uri(job: Job) -> str:
    """Where the job wrote its files, without a trailing slash; "" when it has no output."""
    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", ())
    return str(outputs[0].get("S3Output", {}).get("S3Uri", "")).rstrip("/") if outputs else ""


def endpoint_of(job: Job) -> str:
    """The endpoint that its environment names; "" when it names none, as that of a merge job."""
    return str(_environment(job).get("sagemaker_endpoint_name", ""))


def schedule_of(job: Job) -> str:
    """The name of the monitoring schedule."""
    named = _environment(job).get("sagemaker_monitoring_schedule_name")
    return str(named or str(job.get("MonitoringScheduleArn", "")).rpartition("/")[2])


def variant_of(schedule: str) -> str:
    """The name that alerts use in place of a variant."""
    return f"schedule {schedule}"


def has_no_result(job: Job) -> bool:
    """Whether a Completed job reports neither violations nor their absence."""
    message = str(job.get("ExitMessage", ""))
    return job["ProcessingJobStatus"] == "Completed" and not (_announced(job) or _CLEAN in message)


def report_is_due(job: Job, status: str, now: datetime) -> bool:
    """Whether violations were announced so recently that their report may still arrive."""
    ended: datetime = job.get("ProcessingEndTime") or job["LastModifiedTime"]
    announced = job["ProcessingJobStatus"] == "Completed" and (_announced(job) or status == "CompletedWithViolations")
    return bool(announced) and now - ended < REPORT_GRACE


def execution(
    job: Job, violations: Sequence[Violation], *, endpoint: str = "", status: str = "", unreadable: str = ""
) -> Execution:
    """Read an ended job and its violations as an execution.

    `status` is the MonitoringExecutionStatus, if known; `unreadable` is the reason why the report could not be read.
    """
    ended: datetime = job.get("ProcessingEndTime") or job["LastModifiedTime"]
    verdict = _verdict(job, violations, status, unreadable)
    reason = str(job.get("FailureReason") or job.get("ExitMessage") or job["ProcessingJobStatus"])
    if is_merge(job):
        reason = f"the ground truth could not be merged with the captures, so nothing is analyzed: {reason}"
    base = _execution(endpoint or endpoint_of(job), schedule_of(job), _window(job), verdict, ended, reason)
    measurements = tuple(_measurements(job, verdict, violations, unreadable))
    return replace(base, measurements=measurements, folder=output_uri(job))


def execution_without_job(summary: Mapping[str, Any]) -> Execution:
    """Read an execution that ended before it had a processing job, from ListMonitoringExecutions."""
    reason = str(summary.get("FailureReason") or summary["MonitoringExecutionStatus"])
    due: datetime = summary["ScheduledTime"]
    endpoint, schedule = str(summary.get("EndpointName", "")), str(summary["MonitoringScheduleName"])
    window, explained = Window(due - HOUR, HOUR), f"the execution never had a processing job: {reason}"
    return _execution(endpoint, schedule, window, _failed(reason), summary["LastModifiedTime"], explained)


def _execution(
    endpoint: str, schedule: str, window: Window, verdict: Verdict, evaluated_at: datetime, reason: str
) -> Execution:
    return Execution(
        endpoint=endpoint,
        variant=variant_of(schedule),
        window_start=window.start,
        window_end=window.end,
        window_closed=True,
        package_version="",
        revision=1,
        baseline="",
        verdict=verdict,
        requests=0,
        rows=0,
        rejected={},
        measurements=(),
        parts=(),
        folder="",
        evaluated_at=evaluated_at,
        source="model monitor",
        notes=(reason,),
    )


def _window(job: Job) -> Window:
    """The analyzed window: as the environment has it, else the hour before the job began."""
    begun: datetime = job.get("ProcessingStartTime") or job["CreationTime"]
    start, end = (_time(_environment(job).get(name, "")) for name in ("start_time", "end_time"))
    if start is None or end is None:
        return Window(begun.replace(minute=0, second=0, microsecond=0) - HOUR, HOUR)
    return Window(start, end - start)


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.replace(" ", ""))  # the documentation prints stray blanks
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _verdict(job: Job, violations: Sequence[Violation], status: str, unreadable: str) -> Verdict:
    if job["ProcessingJobStatus"] != "Completed":
        return Verdict.MONITOR_FAILED if is_merge(job) else _failed(str(job.get("FailureReason", "")))
    announced = _announced(job) or unreadable or status == "CompletedWithViolations"
    return Verdict.VIOLATIONS if violations or announced else Verdict.OK


def _failed(reason: str) -> Verdict:
    no_data = any(text in reason.lower() for text in _NO_DATA_REASONS)
    return Verdict.NO_DATA if no_data else Verdict.MONITOR_FAILED


def _announced(job: Job) -> int:
    match = _COUNTED.search(str(job.get("ExitMessage", "")))
    return int(match[1]) if match else 0


def _measurements(job: Job, verdict: Verdict, violations: Sequence[Violation], unreadable: str) -> list[Measurement]:
    if verdict != Verdict.VIOLATIONS:
        return []
    if violations:
        return [measurement_of(violation) for violation in violations]
    announced = f"{_announced(job)} violations were announced" if _announced(job) else "Violations were announced"
    if unreadable:
        return [
            _measurement("report", "report_unreadable", f"{announced}, but the report cannot be read: {unreadable}")
        ]
    return [_measurement("report", "report_missing", f"{announced}, but the report has no violations file")]


def measurement_of(violation: Violation) -> Measurement:
    """A violation of a file of Model Monitor's.

    Examples
    --------
    >>> sentence = "Metric auc with 0.612 +/- 0.01 was LessThanThreshold '0.8'"
    >>> violation = Violation(subject="auc", constraint_check_type="LessThanThreshold", description=sentence)
    >>> found = measurement_of(violation)
    >>> found.observed, found.expected, found.value, found.threshold
    ('0.612 +/- 0.01', 'at least 0.8', 0.612, 0.8)
    """
    check, sentence = violation.constraint_check_type, violation.description
    made = _measurement(violation.subject, check, sentence)
    metric = _METRIC.search(sentence) if check in check_types.MODEL_QUALITY else None
    if metric is None:
        return made
    value, threshold = float(metric[1]), float(metric[3])
    if not (isfinite(value) and isfinite(threshold)):
        return made
    spread = f" +/- {float(metric[2]):.2g}" if metric[2] else ""
    expected = limit_words(check, threshold)
    return replace(made, expected=expected, observed=f"{value:.4g}{spread}", value=value, threshold=threshold)


def _measurement(feature: str, check: str, description: str) -> Measurement:
    drift = "drift" in check or check.endswith("Threshold")
    share = violating_share(check, description)
    return Measurement(
        feature=feature,
        check=check,
        kind="drift" if drift else "hard",
        expected="",
        observed="",
        violated=True,
        severity=Severity.WARNING if drift else Severity.CRITICAL if share is None else severity_of(share),
        description=description,
    )


def violating_share(check: str, description: str) -> float | None:
    """The share of the cells that violate a rule, as Model Monitor's sentence says it; None where it says none.

    Of missing cells, what goes beyond the share that is allowed; where no cell at all has the expected type, all.

    Examples
    --------
    >>> text = "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 97.5%."
    >>> round(violating_share("completeness_check", text), 4)
    0.025
    >>> violating_share("missing_column_check", "There are missing columns in current dataset.") is None
    True
    """
    if check == check_types.COMPLETENESS and (found := _COMPLETENESS.search(description)):
        return (float(found[1]) - float(found[2])) / 100
    if check == check_types.DATA_TYPE and (found := _DATA_TYPE.search(description)):
        return 1 - float(found[1]) / 100
    if check == check_types.CATEGORICAL_VALUES and (found := _CATEGORICAL.search(description)):
        return 1 - float(found[1])
    return None


def with_critical_features(execution: Execution, critical_features: Collection[str]) -> Execution:
    """The execution, in which every violation of a critical feature, or metric of model quality, is critical."""
    metrics = {*critical_features, *map(camel_case, critical_features)}
    measurements = tuple(
        replace(one, severity=Severity.CRITICAL)
        if one.violated and one.feature in (metrics if one.check in check_types.MODEL_QUALITY else critical_features)
        else one
        for one in execution.measurements
    )
    return replace(execution, measurements=measurements)


def _environment(job: Job) -> Mapping[str, str]:
    environment: Mapping[str, str] = job.get("Environment") or {}
    return environment

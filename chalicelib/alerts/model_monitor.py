"""Executions of Model Monitor's own schedules, read as ours, so that they give the same alerts.

| input                                              | read as                                          |
|----------------------------------------------------|--------------------------------------------------|
| job with MonitoringScheduleArn, or its environment | an execution; every other processing job is none |
| Completed, "... with N violations"                 | Violations, one measurement each                 |
| Completed, "... with no violations", or no file    | OK                                               |
| Completed, violations announced and no file        | Violations, one measurement that says so         |
| Failed for want of data                            | NoData                                           |
| Failed, Stopped                                    | MonitorFailed, with FailureReason                |
| ground-truth merge, Completed                      | none: its analysis job follows                   |

Source: aws-facts 1.6 to 1.10. Nothing but the job's description and its violations file is trusted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.constraints.files import Violation
from chalicelib.constraints.measurement import Measurement, Verdict
from chalicelib.records import Execution

TERMINAL = frozenset({"Completed", "Failed", "Stopped"})
VIOLATION_FILES = ("constraint_violations.json", "constraints_violations.json")  # the second is the docs' spelling
_NO_DATA = ("no data", "no s3 objects found")
_COUNTED = re.compile(r"with (\d+) violations?")
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


def execution(job: Job, violations: Sequence[Violation]) -> Execution:
    """Read an ended job and its violations as an execution."""
    verdict = _verdict(job, violations)
    end: datetime = job.get("ProcessingEndTime") or job["LastModifiedTime"]
    start: datetime = job.get("ProcessingStartTime") or job["CreationTime"]
    schedule = (
        _environment(job).get("sagemaker_monitoring_schedule_name")
        or str(job.get("MonitoringScheduleArn", "")).rpartition("/")[2]
    )
    return Execution(
        endpoint=_environment(job).get("sagemaker_endpoint_name", ""),
        variant=f"schedule {schedule}",
        window_start=start.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1),
        window_end=start.replace(minute=0, second=0, microsecond=0),
        closed=True,
        package_version="",
        revision=1,
        baseline="",
        verdict=verdict,
        events=0,
        rows=0,
        refused={},
        measurements=tuple(_measurements(job, verdict, violations)),
        parts=(),
        folder=output_uri(job),
        judged_at=end,
        source="model monitor",
        notes=(str(job.get("FailureReason") or job.get("ExitMessage") or job["ProcessingJobStatus"]),),
    )


def _verdict(job: Job, violations: Sequence[Violation]) -> Verdict:
    if job["ProcessingJobStatus"] != "Completed":
        reason = str(job.get("FailureReason", "")).lower()
        return "NoData" if any(text in reason for text in _NO_DATA) else "MonitorFailed"
    return "Violations" if violations or _announced(job) else "OK"


def _announced(job: Job) -> int:
    match = _COUNTED.search(str(job.get("ExitMessage", "")))
    return int(match[1]) if match else 0


def _measurements(job: Job, verdict: Verdict, violations: Sequence[Violation]) -> list[Measurement]:
    if verdict == "MonitorFailed":
        return []
    found = [_measurement(v.subject, v.constraint_check_type, v.description) for v in violations]
    if verdict == "Violations" and not found:
        text = f"{_announced(job)} violations were announced, but the report has no violations file"
        found = [_measurement("report", "report_missing", text)]
    return found


def _measurement(feature: str, check: str, description: str) -> Measurement:
    drift = "drift" in check or check.endswith("Threshold")
    return Measurement(
        feature=feature,
        check=check,
        kind="drift" if drift else "hard",
        expected="",
        observed="",
        value=None,
        threshold=None,
        violated=True,
        severity="warning" if drift else "critical",
        description=description,
    )


def _environment(job: Job) -> Mapping[str, str]:
    environment: Mapping[str, str] = job.get("Environment") or {}
    return environment

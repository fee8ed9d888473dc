"""Model Monitor's schedules of the kind data quality: what each compares with what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib import locations
from chalicelib.alerts import model_monitor
from chalicelib.aws import sagemaker
from vedette.operations import aws

KIND = "DataQuality"
# https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-schedule-expression.html
CRON = re.compile(r"cron\(0 (?P<hour>\*|\d{1,2})(?:/(?P<every>\d{1,2}))? \? \* \* \*\)")
HOURS_OF_A_DAY = 24


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A data quality schedule."""

    name: str
    endpoint: str  # "" if it reads the captures of batch transforms
    constraints_uri: str = ""
    statistics_uri: str = ""
    every_hours: int = 1  # between two executions; 0 if it runs once
    preprocessor_uri: str = ""  # a script that changes the rows before they are compared
    excluded: str = ""  # the attributes that are not compared
    status: str = ""


def read(summary: Mapping[str, Any]) -> Schedule | None:
    """A schedule of ListMonitoringSchedules; None if it is of another kind, or was deleted meanwhile."""
    name = str(summary["MonitoringScheduleName"])
    if summary.get("MonitoringType", KIND) != KIND:
        return None
    described = aws.describe_monitoring_schedule(name)
    if described is None or described.get("MonitoringType", KIND) != KIND:
        return None
    config = described.get("MonitoringScheduleConfig") or {}
    inline = config.get("MonitoringJobDefinition")
    if inline is not None:
        inputs: dict[str, Any] = next(iter(inline.get("MonitoringInputs") or ()), {})
        baseline, code = inline.get("BaselineConfig"), inline.get("MonitoringAppSpecification")
    else:
        named = aws.describe_data_quality_job_definition(str(config.get("MonitoringJobDefinitionName", ""))) or {}
        inputs = named.get("DataQualityJobInput") or {}
        baseline, code = named.get("DataQualityBaselineConfig"), named.get("DataQualityAppSpecification")
    captured = inputs.get("EndpointInput") or {}
    constraints, statistics = _baseline_files(baseline or {})
    return Schedule(
        name=name,
        endpoint=str(captured.get("EndpointName", "")),
        constraints_uri=constraints,
        statistics_uri=statistics,
        every_hours=_every_hours(str((config.get("ScheduleConfig") or {}).get("ScheduleExpression", ""))),
        preprocessor_uri=str((code or {}).get("RecordPreprocessorSourceUri", "")),
        excluded=str(captured.get("ExcludeFeaturesAttribute", "")),
        status=str(described.get("MonitoringScheduleStatus", "")),
    )


def _baseline_files(config: Mapping[str, Any]) -> tuple[str, str]:
    """Where the constraints and the statistics lie; a baselining job has written them to its output."""
    found = tuple(str((config.get(f"{kind}Resource") or {}).get("S3Uri", "")) for kind in ("Constraints", "Statistics"))
    job = str(config.get("BaseliningJobName", ""))
    if found[0] or not job:
        return found[0], found[1]
    folder = model_monitor.output_uri(sagemaker.describe_processing_job(job) or {})
    return locations.baseline_files(folder) if folder else ("", "")


def _every_hours(expression: str) -> int:
    """How often a schedule runs; 0 for an expression that names no interval (NOW).

    Examples
    --------
    >>> [_every_hours(f"cron(0 {hours} ? * * *)") for hours in ("*", "7", "17/12")], _every_hours("NOW")
    ([1, 24, 12], 0)
    """
    found = CRON.fullmatch(expression)
    if found is None:
        return 0
    return 1 if found["hour"] == "*" else int(found["every"] or HOURS_OF_A_DAY)

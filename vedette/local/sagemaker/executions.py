"""One execution of a monitoring schedule: its due time, environment, output files, and processing job.

See aws-behaviour: execution-job-names, execution-environment, exit-message, schedule-expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vedette.local.sagemaker.core import Record, refusal
from vedette.local.sagemaker.job_definitions import Plan

CRON = re.compile(r"cron\(0 (?:\*|(?P<hour>[0-9]|[01][0-9]|2[0-3])(?:/(?P<every>\d{1,2}))?) \? \* \* \*\)")
JOB_PREFIXES = {
    "DataQuality": "model-monitoring",
    "ModelQuality": "model-quality-monitoring",
    "ModelBias": "model-bias-monitoring",
    "ModelExplainability": "model-explainability",  # unknown; with "-monitoring" it would be longer than 63 characters
}
MERGED = {"ModelQuality", "ModelBias"}  # these need labels, so a merge job runs first (aws-behaviour: merge-job)
MERGER_IMAGE = "sagemaker-model-monitor-groundtruth-merger"
CAPTURES_PATH = "/opt/ml/processing/input/endpoint"
CONSTRAINTS_PATH = "/opt/ml/processing/baseline/constraints"
STATISTICS_PATH = "/opt/ml/processing/baseline/stats"


@dataclass(frozen=True)
class Execution:
    """One execution, as the callable `monitor` receives it."""

    schedule: str
    monitoring_type: str
    endpoint: str
    scheduled: datetime
    window_start: datetime
    output_uri: str
    capture_uri: str  # of the endpoint's variants in the window's hour: .../endpoint/variant/yyyy/mm/dd/hh
    constraints_uri: str = ""  # of the baseline; "" without one
    statistics_uri: str = ""


@dataclass(frozen=True)
class Report:
    """The result of a monitoring job."""

    violations: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    exit_message: str | None = None  # None: the message of the prebuilt container
    failure_reason: str | None = None
    stopped: bool = False
    merge_failure: str | None = None  # ModelQuality and ModelBias: the labels are missing


def environment(plan: Plan, execution: Execution) -> dict[str, str]:
    """The environment of an analysis job (aws-behaviour: execution-environment)."""
    dataset_format = '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}'
    if execution.monitoring_type in MERGED:
        dataset_format = '{"sagemakerMergeJson":{"captureIndexNames":["endpointOutput"]}}'
    return {
        **plan.environment,
        **({"baseline_constraints": f"{CONSTRAINTS_PATH}/constraints.json"} if plan.constraints_uri else {}),
        **({"baseline_statistics": f"{STATISTICS_PATH}/statistics.json"} if plan.statistics_uri else {}),
        "dataset_format": dataset_format,
        "dataset_source": CAPTURES_PATH,
        "end_time": f"{execution.scheduled:%Y-%m-%dT%H:%M:%SZ}",
        "metric_time": f"{execution.window_start:%Y-%m-%dT%H:%M:%SZ}",
        "output_path": "/opt/ml/processing/output",
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_endpoint_name": execution.endpoint,
        "sagemaker_monitoring_schedule_name": execution.schedule,
        "start_time": f"{execution.window_start:%Y-%m-%dT%H:%M:%SZ}",
    }


def exit_message(violations: int) -> str:
    """The exit message of the prebuilt container (aws-behaviour: exit-message)."""
    if violations:
        return f"CompletedWithViolations: Job completed successfully with {violations} violations."
    return "Completed: Job completed successfully with no violations."


def hours_of(config: Record) -> set[int] | None:
    """The hours of a schedule; None means once, now (aws-behaviour: schedule-expression)."""
    given: dict[str, Any] = config.get("ScheduleConfig", {})
    expression = given.get("ScheduleExpression", "NOW")
    if expression == "NOW":
        return None
    match = CRON.fullmatch(expression)
    if match is None:
        raise refusal(f"Invalid schedule expression {expression}: only hourly integer rates are supported.")
    if match["hour"] is None:
        return set(range(24))
    first, every = int(match["hour"]), int(match["every"] or 24)
    if not 1 <= every <= 24:
        raise refusal(f"Invalid schedule expression {expression}: the rate must be between 1 and 24 hours.")
    return {(first + step) % 24 for step in range(0, 24, every)}


def job(
    plan: Plan, schedule_arn: str, execution: Execution, image: str, variables: dict[str, str], output_uri: str
) -> Record:
    """The processing job of an execution, as DescribeProcessingJob shows it (aws-behaviour: described-job)."""
    inputs = [
        ("endpoint_input_1", execution.capture_uri, CAPTURES_PATH),
        ("constraints", execution.constraints_uri, CONSTRAINTS_PATH),
        ("baseline", execution.statistics_uri, STATISTICS_PATH),
    ]
    target = {"S3Uri": output_uri, "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "Continuous"}
    return {
        "ProcessingInputs": [_input(*one) for one in inputs if one[1]],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "result", "S3Output": target}]},
        "ProcessingResources": {"ClusterConfig": plan.cluster},
        "StoppingCondition": {"MaxRuntimeInSeconds": plan.longest_seconds},
        "AppSpecification": {"ImageUri": image},
        "Environment": variables,
        "RoleArn": plan.role_arn,
        "MonitoringScheduleArn": schedule_arn,
    }


def _input(name: str, uri: str, path: str) -> Record:
    source = {
        "S3Uri": uri,
        "LocalPath": path,
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"InputName": name, "S3Input": source}

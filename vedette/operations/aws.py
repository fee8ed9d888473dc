"""AWS calls that only the commands make; all others are in chalicelib/aws.

SageMaker reports "not found" only in the error text. Deleting something that does not exist succeeds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import locations, records
from chalicelib.aws import sagemaker
from chalicelib.aws.clients import client
from chalicelib.errors import NotReady, VedetteError
from chalicelib.records import Fleet, Record
from chalicelib.settings import settings

FUNCTION_SECONDS = 310  # the sweep's own timeout is 300 s (.chalice/config.json)
ANSWER_SECONDS = 70  # a model has 60 s to answer (InvokeEndpoint)
KINDS = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
# The answers to a conditional write that lost; NoSuchKey is If-Match on an object that was deleted
# (aws-behaviour: conditional-write).
CHANGED_MEANWHILE = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409"}
NOT_THERE = {"ResourceNotFound", "ResourceNotFoundException", "404", "NoSuchKey", "NotFound"}
R = TypeVar("R", bound=Record)
_MOMENT = timedelta(minutes=1)


def _long_call_client(service: str, seconds: int) -> Any:
    """A client with a long timeout and without retries, for calls that must not be repeated."""
    config = Config(connect_timeout=5, read_timeout=seconds, retries={"total_max_attempts": 1})
    return (boto3.DEFAULT_SESSION or boto3).client(service, config=config)


def code(error: ClientError) -> str:
    """The error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message(error: ClientError) -> str:
    """The error message."""
    return str(error.response.get("Error", {}).get("Message", "")) or code(error)


def who() -> str:
    """The caller's identity: the last part of its ARN.

    Raises
    ------
    VedetteError
        If the credentials are invalid.
    """
    try:
        arn = str(client("sts").get_caller_identity()["Arn"])
    except (ClientError, BotoCoreError) as error:
        raise VedetteError(f"AWS rejects your credentials: {error}") from error
    return arn.rpartition(":")[2]


# --- records that people change: the fleet, baselines -----------------------------------------------------------------


def get_fleet() -> tuple[Fleet, str]:
    """The stored fleet and its ETag; an empty fleet and "" if there is none."""
    found, etag = get_with_etag(Fleet, locations.fleet())
    return found or Fleet(), etag


def put_fleet(fleet: Fleet, etag: str) -> None:
    """Store a fleet if the stored one still has this ETag. S3 versioning keeps the earlier ones."""
    put_if_unchanged(locations.fleet(), fleet, etag, "the fleet")


def get_with_etag(kind: type[R], key: str) -> tuple[R | None, str]:
    """A record in the stage's bucket and its ETag; None and "" if there is none."""
    place = {"Bucket": settings().bucket, "Key": key, "ExpectedBucketOwner": settings().account}
    try:
        answer = client("s3").get_object(**place)
    except ClientError as error:
        if code(error) in NOT_THERE:
            return None, ""
        raise
    return records.read(kind, answer["Body"].read(), f"s3://{settings().bucket}/{key}"), str(answer["ETag"])


def put_if_unchanged(key: str, record: Record, etag: str, what: str) -> None:
    """Write a record if the stored one still has this ETag; "" means that there must be none.

    Raises
    ------
    NotReady
        If another writer was faster; `what` names the record in the message.
    """
    condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        client("s3").put_object(
            Bucket=settings().bucket,
            Key=key,
            Body=records.write(record),
            ContentType="application/json",
            ExpectedBucketOwner=settings().account,
            **condition,
        )
    except ClientError as error:
        if code(error) in CHANGED_MEANWHILE:
            raise NotReady(f"Someone else changed {what} at the same time; check the change and try again.") from error
        raise


# --- the functions and the models -------------------------------------------------------------------------------------


def run_function(name: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Invoke a deployed function synchronously, and return its result.

    Raises
    ------
    VedetteError
        If it does not exist, or fails.
    """
    try:
        answer = _long_call_client("lambda", FUNCTION_SECONDS).invoke(
            FunctionName=name, InvocationType="RequestResponse", Payload=json.dumps(event).encode()
        )
    except ClientError as error:
        if code(error) in NOT_THERE:
            raise VedetteError(f"There is no function {name}; deploy it with `vedette install`.") from error
        raise
    content = json.loads(answer["Payload"].read() or b"{}")
    if answer.get("FunctionError"):
        raise VedetteError(f"{name} failed: {content.get('errorType')}: {content.get('errorMessage')}")
    return dict(content)


def function_role(name: str) -> str:
    """The role of a deployed function; before the deployment, the role that Chalice will create."""
    try:
        return str(client("lambda").get_function_configuration(FunctionName=name)["Role"])
    except ClientError as error:
        if code(error) in {*NOT_THERE, "AccessDeniedException"}:
            return f"arn:{settings().partition}:iam::{settings().account}:role/{name}"
        raise


def invoke_endpoint(name: str, body: bytes, content_type: str, accept: str) -> dict[str, Any]:
    """Send one request; returns the response with its body as bytes."""
    answer = _long_call_client("sagemaker-runtime", ANSWER_SECONDS).invoke_endpoint(
        EndpointName=name, Body=body, ContentType=content_type, **({"Accept": accept} if accept else {})
    )
    return {
        "body": answer["Body"].read(),
        "content_type": answer.get("ContentType", ""),
        "variant": answer.get("InvokedProductionVariant", ""),
    }


def create_model_package_group(name: str) -> None:
    """CreateModelPackageGroup; does nothing if it exists."""
    try:
        client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    except ClientError as error:
        if not sagemaker.says(error, "already exists"):
            raise


def describe_model_package_group(name: str) -> dict[str, Any] | None:
    """DescribeModelPackageGroup; None if it does not exist."""
    return _found("describe_model_package_group", ModelPackageGroupName=name)


def create_model_package(request: Mapping[str, Any]) -> str:
    """CreateModelPackage; botocore adds a ClientToken, so that its retries create no second version."""
    return str(client("sagemaker").create_model_package(**request)["ModelPackageArn"])


def object_exists(uri: str) -> bool:
    """Whether an object exists; without permission to check, True."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        return code(error) not in {*NOT_THERE, "NoSuchBucket"}
    return True


# --- lists ------------------------------------------------------------------------------------------------------------


def list_endpoints() -> Iterator[dict[str, Any]]:
    """All endpoints of the account."""
    return _listed("list_endpoints", "Endpoints")


def list_endpoint_configs() -> Iterator[dict[str, Any]]:
    """All endpoint configs of the account."""
    return _listed("list_endpoint_configs", "EndpointConfigs")


def list_models() -> Iterator[dict[str, Any]]:
    """All models of the account."""
    return _listed("list_models", "Models")


def monitoring_schedules(endpoint: str) -> list[dict[str, Any]]:
    """The monitoring schedules of exactly this endpoint."""
    found = _listed("list_monitoring_schedules", "MonitoringScheduleSummaries", EndpointName=endpoint)
    return [schedule for schedule in found if schedule.get("EndpointName") == endpoint]


def all_monitoring_schedules() -> list[dict[str, Any]]:
    """The monitoring schedules of the account, by name."""
    return list(
        _listed("list_monitoring_schedules", "MonitoringScheduleSummaries", SortBy="Name", SortOrder="Ascending")
    )


def describe_data_quality_job_definition(name: str) -> dict[str, Any] | None:
    """DescribeDataQualityJobDefinition; None if it does not exist."""
    return _found("describe_data_quality_job_definition", JobDefinitionName=name)


def job_definitions(endpoint: str) -> list[tuple[str, str]]:
    """Kind and name of the job definitions of exactly this endpoint."""
    return [
        (kind, found["MonitoringJobDefinitionName"])
        for kind in KINDS
        for found in _listed(f"list_{_SNAKE[kind]}_job_definitions", "JobDefinitionSummaries", EndpointName=endpoint)
        if found.get("EndpointName") == endpoint
    ]


def running_executions(schedule: str) -> int:
    """The number of running executions of a schedule."""
    found = _listed("list_monitoring_executions", "MonitoringExecutionSummaries", MonitoringScheduleName=schedule)
    return sum(one["MonitoringExecutionStatus"] in {"Pending", "InProgress", "Stopping"} for one in found)


def executions_of_schedule(schedule: str, window_start: datetime | None = None) -> Iterator[dict[str, Any]]:
    """The executions of a schedule, newest first; with a time, only those of the window that begins then.

    An execution is scheduled for the hour that ends its window (aws-behaviour: execution-job-names).
    """
    request: dict[str, Any] = {"MonitoringScheduleName": schedule, "SortBy": "ScheduledTime", "SortOrder": "Descending"}
    if window_start is not None:
        due = window_start + timedelta(hours=1)
        request["ScheduledTimeAfter"], request["ScheduledTimeBefore"] = due - _MOMENT, due + _MOMENT
    return _listed("list_monitoring_executions", "MonitoringExecutionSummaries", **request)


def alarms(prefix: str) -> list[tuple[str, dict[str, str]]]:
    """Name and tags of the metric alarms with this name prefix."""
    cloudwatch = client("cloudwatch")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"])
    found = []
    for page in pages:
        for alarm in page["MetricAlarms"]:
            tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
            found.append((str(alarm["AlarmName"]), {tag["Key"]: tag["Value"] for tag in tags}))
    return found


def tags_of(arn: str) -> dict[str, str]:
    """The tags of a resource; empty if it does not exist."""
    try:
        return sagemaker.list_tags(arn)
    except ClientError as error:
        if _gone(error):
            return {}
        raise


_SNAKE = {
    "DataQuality": "data_quality",
    "ModelQuality": "model_quality",
    "ModelBias": "model_bias",
    "ModelExplainability": "model_explainability",
}


def _listed(operation: str, key: str, **request: Any) -> Iterator[dict[str, Any]]:
    for page in client("sagemaker").get_paginator(operation).paginate(**request, PaginationConfig={"PageSize": 100}):
        yield from page[key]


def _found(operation: str, **request: str) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = getattr(client("sagemaker"), operation)(**request)
    except ClientError as error:
        if _gone(error):
            return None
        raise
    return answer


def _gone(error: ClientError) -> bool:
    return code(error) in NOT_THERE or sagemaker.says(error, *sagemaker.NOT_FOUND, "not found")


# --- stopping and deleting --------------------------------------------------------------------------------------------


def describe_monitoring_schedule(name: str) -> dict[str, Any] | None:
    """DescribeMonitoringSchedule; None if it does not exist."""
    return _found("describe_monitoring_schedule", MonitoringScheduleName=name)


def stop_monitoring_schedule(name: str) -> bool:
    """StopMonitoringSchedule; False if it does not exist."""
    return _found("stop_monitoring_schedule", MonitoringScheduleName=name) is not None


def delete(kind: str, name: str) -> bool:
    """Delete a resource of SageMaker or CloudWatch by its exact name; False if it does not exist.

    `kind` is endpoint, endpoint config, model, alarm, monitoring schedule, or a kind of job definition.
    """
    if kind == "alarm":
        client("cloudwatch").delete_alarms(AlarmNames=[name])
        return True
    operation, parameter = _DELETE[kind]
    return _found(operation, **{parameter: name}) is not None


_DELETE = {
    "endpoint": ("delete_endpoint", "EndpointName"),
    "endpoint config": ("delete_endpoint_config", "EndpointConfigName"),
    "model": ("delete_model", "ModelName"),
    "monitoring schedule": ("delete_monitoring_schedule", "MonitoringScheduleName"),
    **{
        f"{kind} job definition": (f"delete_{snake}_job_definition", "JobDefinitionName")
        for kind, snake in _SNAKE.items()
    },
}

"""SageMaker, as it is now: descriptions in, None for what does not exist.

SageMaker answers "not found" and "already exists" as a ValidationException, so the message must be read
(aws-behaviour: missing-resource, create-twice); botocore has no classes for these.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.aws.clients import client
from chalicelib.errors import RequestRejected

NOT_FOUND = ("could not find", "does not exist", "requested resource not found")
ALREADY_EXISTS = "cannot create already existing"
IN_PROGRESS = "cannot update in-progress"
REJECTION_CODES = frozenset({"ValidationException", "ResourceLimitExceeded"})
MODEL_ERROR_CODES = frozenset({"ModelError", "ValidationError"})


class Invoked(NamedTuple):
    """What became of one request to an endpoint; the response body is discarded."""

    response_bytes: int | None  # None: no answer within the time that SageMaker gives a model
    error_code: str = ""  # SageMaker's own, when the model answered with an error


class ServedDescription(NamedTuple):
    """What an endpoint serves now: the answers of DescribeEndpoint, DescribeEndpointConfig and DescribeModel."""

    endpoint: dict[str, Any]
    config: dict[str, Any]
    model: dict[str, Any]


def says(error: ClientError, *texts: str) -> bool:
    """Whether the error's message holds one of the texts, without regard to case."""
    message = str(error.response.get("Error", {}).get("Message", "")).lower()
    return any(text in message for text in texts)


def _described(operation: str, **request: str) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = getattr(client("sagemaker"), operation)(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ResourceNotFound", "ResourceNotFoundException"} or says(
            error, *NOT_FOUND
        ):
            return None
        raise
    answer.pop("ResponseMetadata", None)
    return answer


def describe_endpoint(name: str) -> dict[str, Any] | None:
    """DescribeEndpoint."""
    return _described("describe_endpoint", EndpointName=name)


def variant_names(endpoint: str) -> frozenset[str]:
    """The variants that an endpoint shows now; none when it does not exist."""
    return variants_of(describe_endpoint(endpoint) or {})


def is_gone(described: dict[str, Any]) -> bool:
    """Whether an endpoint does not exist, or is being deleted, which nothing stops any more."""
    return not described or described.get("EndpointStatus") == "Deleting"


def variants_of(described: dict[str, Any]) -> frozenset[str]:
    """The variants that a described endpoint shows; none when it is being deleted."""
    if is_gone(described):
        return frozenset()
    return frozenset(variant["VariantName"] for variant in described.get("ProductionVariants", ()))


def describe_served(name: str, described: dict[str, Any] | None = None) -> ServedDescription | None:
    """An endpoint with its config and its first model; None when there is no such endpoint.

    `described` is DescribeEndpoint's answer, where it was read already; empty when there was no such endpoint.
    """
    described = describe_endpoint(name) if described is None else described
    if not described:
        return None
    config = describe_endpoint_config(described["EndpointConfigName"]) or {}
    model = (config.get("ProductionVariants") or [{}])[0].get("ModelName")
    return ServedDescription(described, config, (describe_model(model) if model else None) or {})


def describe_endpoint_config(name: str) -> dict[str, Any] | None:
    """DescribeEndpointConfig."""
    return _described("describe_endpoint_config", EndpointConfigName=name)


def describe_model(name: str) -> dict[str, Any] | None:
    """DescribeModel."""
    return _described("describe_model", ModelName=name)


def describe_model_package(arn: str) -> dict[str, Any] | None:
    """DescribeModelPackage."""
    return _described("describe_model_package", ModelPackageName=arn)


def describe_processing_job(name: str) -> dict[str, Any] | None:
    """DescribeProcessingJob."""
    return _described("describe_processing_job", ProcessingJobName=name)


def describe_transform_job(name: str) -> dict[str, Any] | None:
    """DescribeTransformJob."""
    return _described("describe_transform_job", TransformJobName=name)


def transform_jobs(name_contains: str, modified_after: datetime) -> Iterator[dict[str, Any]]:
    """The summaries of the transform jobs that changed after a time, the latest first; one request for a hundred."""
    pages = (
        client("sagemaker")
        .get_paginator("list_transform_jobs")
        .paginate(
            NameContains=name_contains,
            LastModifiedTimeAfter=modified_after,
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=100,
        )
    )
    for page in pages:
        yield from page["TransformJobSummaries"]


def describe_monitoring_schedule(name: str) -> dict[str, Any] | None:
    """DescribeMonitoringSchedule."""
    return _described("describe_monitoring_schedule", MonitoringScheduleName=name)


def monitoring_executions(endpoint: str, since: datetime) -> Iterator[dict[str, Any]]:
    """The latest executions of the schedules of an endpoint that were due after a time, the earliest first."""
    answer = client("sagemaker").list_monitoring_executions(
        EndpointName=endpoint,
        ScheduledTimeAfter=since,
        SortBy="ScheduledTime",
        SortOrder="Descending",
        MaxResults=100,  # four schedules an hour for a day; older ones were reported long ago
    )
    yield from reversed(answer["MonitoringExecutionSummaries"])


def list_model_packages(group: str) -> Iterator[dict[str, Any]]:
    """Every version of a group, newest first; nothing when the group does not exist."""
    pages = (
        client("sagemaker")
        .get_paginator("list_model_packages")
        .paginate(ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending")
    )
    try:
        for page in pages:
            yield from page["ModelPackageSummaryList"]
    except ClientError as error:
        if not says(error, *NOT_FOUND):
            raise


def list_tags(arn: str) -> dict[str, str]:
    """The tags of a resource."""
    pages = client("sagemaker").get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def create_model(request: dict[str, Any]) -> bool:
    """CreateModel; False when one of that name exists. Raises RequestRejected as `update_endpoint`."""
    return _created("create_model", request)


def create_endpoint_config(request: dict[str, Any]) -> bool:
    """CreateEndpointConfig; False when one of that name exists. Raises RequestRejected as `update_endpoint`."""
    return _created("create_endpoint_config", request)


def create_endpoint(request: dict[str, Any]) -> bool:
    """CreateEndpoint; False when one of that name exists. Raises RequestRejected as `update_endpoint`."""
    return _created("create_endpoint", request)


def _created(operation: str, request: dict[str, Any]) -> bool:
    try:
        getattr(client("sagemaker"), operation)(**request)
    except ClientError as error:
        if says(error, ALREADY_EXISTS):
            return False
        raise _rejection(error) from error
    return True


def _rejection(error: ClientError) -> Exception:
    """RequestRejected for a request that SageMaker rejects for its content or a quota; else the error itself."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    return RequestRejected(code, message) if code in REJECTION_CODES else error


def delete_endpoint(name: str) -> None:
    """DeleteEndpoint."""
    client("sagemaker").delete_endpoint(EndpointName=name)


def update_endpoint(request: dict[str, Any]) -> bool:
    """UpdateEndpoint; False when the endpoint is busy.

    Raises
    ------
    RequestRejected
        When SageMaker rejects the request for its content or a quota.
    """
    try:
        client("sagemaker").update_endpoint(**request)
    except ClientError as error:
        if says(error, IN_PROGRESS):
            return False
        raise _rejection(error) from error
    return True


def invoke_endpoint(name: str, body: str, content_type: str, accept: str, custom_attributes: str) -> Invoked:
    """Send one request to an endpoint; only the size of the response is returned, the body is discarded."""
    try:
        answer = client("sagemaker-runtime").invoke_endpoint(
            EndpointName=name,
            Body=body.encode(),
            ContentType=content_type,
            Accept=accept,
            CustomAttributes=custom_attributes,
        )
        return Invoked(len(answer["Body"].read()))
    except ReadTimeoutError:
        return Invoked(None)
    except ClientError as error:
        if error.response["Error"]["Code"] not in MODEL_ERROR_CODES:
            raise
        return Invoked(None, error.response["Error"]["Code"])

"""SageMaker, as it is now: descriptions in, None for what does not exist.

SageMaker answers "not found" and "already exists" as a ValidationException, so the message must be read
(aws-behaviour: missing-resource, create-twice); botocore has no classes for these.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.aws.clients import client

NOT_FOUND = ("could not find", "does not exist", "requested resource not found")
ALREADY_THERE = "cannot create already existing"
IN_PROGRESS = "cannot update in-progress"


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


def variants_of(described: dict[str, Any]) -> frozenset[str]:
    """The variants that a described endpoint shows."""
    return frozenset(variant["VariantName"] for variant in described.get("ProductionVariants", ()))


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
        MaxResults=100,  # four schedules an hour for a day; more were told long ago
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
    """CreateModel; False when one of that name exists."""
    return _created("create_model", request)


def create_endpoint_config(request: dict[str, Any]) -> bool:
    """CreateEndpointConfig; False when one of that name exists."""
    return _created("create_endpoint_config", request)


def create_endpoint(request: dict[str, Any]) -> bool:
    """CreateEndpoint; False when one of that name exists."""
    return _created("create_endpoint", request)


def _created(operation: str, request: dict[str, Any]) -> bool:
    try:
        getattr(client("sagemaker"), operation)(**request)
    except ClientError as error:
        if says(error, ALREADY_THERE):
            return False
        raise
    return True


def delete_endpoint(name: str) -> None:
    """DeleteEndpoint."""
    client("sagemaker").delete_endpoint(EndpointName=name)


def update_endpoint(request: dict[str, Any]) -> bool:
    """UpdateEndpoint; False when the endpoint is busy."""
    try:
        client("sagemaker").update_endpoint(**request)
    except ClientError as error:
        if says(error, IN_PROGRESS):
            return False
        raise
    return True


def invoke_endpoint(name: str, body: str, content_type: str, accept: str, custom_attributes: str) -> int | None:
    """Send one request to an endpoint and say how many bytes it answered; the answer itself is nobody's business.

    None when it did not answer within the time that SageMaker gives a model.
    """
    try:
        answer = client("sagemaker-runtime").invoke_endpoint(
            EndpointName=name,
            Body=body.encode(),
            ContentType=content_type,
            Accept=accept,
            CustomAttributes=custom_attributes,
        )
        return len(answer["Body"].read())
    except ReadTimeoutError:
        return None

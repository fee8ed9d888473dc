"""What goes out: SNS messages, events on the default bus, and functions that invoke themselves."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.clients import client, require_time
from chalicelib.errors import Undeliverable, VedetteError
from chalicelib.settings import settings

# What SNS says when the topic, its key or a permission must be mended first. The rest (throttling, 5xx) passes.
REFUSALS = {
    "NotFound",
    "AuthorizationError",
    "AccessDenied",
    "InvalidParameter",
    "InvalidParameterValue",
    "InvalidSecurity",
    "ParameterValueInvalid",
    "KMSAccessDenied",
    "KMSDisabled",
    "KMSInvalidState",
    "KMSNotFound",
    "KMSOptInRequired",
}


def publish(topic_arn: str, subject: str, message: str, attributes: Mapping[str, str | Sequence[str]]) -> None:
    """Publish one message that holds a text for each protocol (MessageStructure "json").

    A Publish to a topic without a confirmed subscription succeeds and reaches nobody, so that is checked first. There
    must be time left to acknowledge the message, which reads and writes the alert state: otherwise a copy would follow.

    Raises
    ------
    Undeliverable
        When the topic is gone, nobody has confirmed a subscription, or SNS or the topic's key refuses the caller.
    OutOfTime
        When the function might end before the message is acknowledged.
    """
    if _nobody_listens(topic_arn):
        raise Undeliverable(f"the topic {topic_arn} has no confirmed subscription")
    _publish(topic_arn, message, attributes, Subject=subject, MessageStructure="json")


def publish_data(topic_arn: str, message: str, attributes: Mapping[str, str | Sequence[str]]) -> None:
    """Publish one message for programs: the same for each protocol. Nobody need have subscribed.

    Raises
    ------
    Undeliverable
        When the topic is gone, or SNS or the topic's key refuses the caller.
    OutOfTime
        When the function might end before the message is acknowledged.
    """
    _publish(topic_arn, message, attributes)


def _publish(topic_arn: str, message: str, attributes: Mapping[str, str | Sequence[str]], **options: str) -> None:
    try:
        require_time("sns", "dynamodb", "dynamodb")
        client("sns").publish(
            TopicArn=topic_arn,
            Message=message,
            MessageAttributes={name: _attribute(value) for name, value in attributes.items() if value},
            **options,
        )
    except ClientError as error:
        code = str(error.response["Error"]["Code"]).removesuffix("Exception")
        if code in REFUSALS:
            raise Undeliverable(f"SNS refuses to publish to {topic_arn}: {code}") from error
        raise


def _nobody_listens(topic_arn: str) -> bool:
    try:
        topic = client("sns").get_topic_attributes(TopicArn=topic_arn)["Attributes"]
    except ClientError:  # Publish will say what is wrong, and may be allowed where this is not
        return False
    return int(topic.get("SubscriptionsConfirmed", 1)) == 0


def _attribute(value: str | Sequence[str]) -> dict[str, str]:
    if isinstance(value, str):
        return {"DataType": "String", "StringValue": value}
    return {"DataType": "String.Array", "StringValue": json.dumps(list(value), ensure_ascii=False)}


def put_event(detail_type: str, detail: bytes) -> None:
    """Put one event of ours on the default bus.

    PutEvents answers 200 even when it refused an entry, so the entry's own error is read.
    """
    refused = _put(detail_type, [detail])[0]
    if refused:
        raise VedetteError(f"EventBridge refused a {detail_type!r} event: {refused}.")


def put_events(detail_type: str, details: Sequence[bytes]) -> list[str]:
    """Put at most ten events of ours on the default bus; why each was refused, "" for those that were accepted.

    There must be time left to acknowledge them: otherwise copies would follow.

    Raises
    ------
    Undeliverable
        When the caller may not put events.
    OutOfTime
        When the function might end before the events are acknowledged.
    """
    try:
        require_time("events", "dynamodb")
        codes = _put(detail_type, details)
    except ClientError as error:
        code = str(error.response["Error"]["Code"]).removesuffix("Exception")
        if code in REFUSALS:
            raise Undeliverable(f"EventBridge refuses to put events: {code}") from error
        raise
    return [f"EventBridge refused the event: {code}" if code else "" for code in codes]


def _put(detail_type: str, details: Sequence[bytes]) -> list[str]:
    """Put events on the bus; the error code of each entry, "" for those that were accepted."""
    source = settings().event_source
    entries = [{"Source": source, "DetailType": detail_type, "Detail": detail.decode()} for detail in details]
    answer = client("events").put_events(Entries=entries)
    return [str(entry.get("ErrorCode") or "") for entry in answer["Entries"]]


def invoke_function(name: str, event: Mapping[str, Any]) -> None:
    """Invoke a function asynchronously: Lambda queues the event and retries it."""
    client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())

"""What goes out: SNS messages, events on the default bus, and functions that invoke themselves."""

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.errors import VedetteError
from chalicelib.settings import settings


def publish(subject: str, message: str, attributes: Mapping[str, str]) -> None:
    """Publish one message that holds a text for each protocol (MessageStructure "json")."""
    client("sns").publish(
        TopicArn=settings().topic_arn,
        Subject=subject,
        MessageStructure="json",
        Message=message,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
        },
    )


def put_event(detail_type: str, detail: bytes) -> None:
    """Put one event of ours on the default bus.

    PutEvents answers 200 even when it refused an entry, so the entry's own error is read.
    """
    entry = {"Source": settings().event_source, "DetailType": detail_type, "Detail": detail.decode()}
    answer = client("events").put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        refused = answer["Entries"][0]
        raise VedetteError(f"EventBridge refused a {detail_type!r} event: {refused.get('ErrorCode')}.")


def invoke_function(name: str, event: Mapping[str, Any]) -> None:
    """Invoke a function asynchronously: Lambda queues the event and retries it."""
    client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())

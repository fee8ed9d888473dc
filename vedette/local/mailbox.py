"""What the subscribers of a topic received, in order: people by e-mail, machines through SQS."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from vedette.local.operations import Operation
from vedette.local.wire import Request, Response
from vedette.local.world import World


@dataclass(frozen=True)
class Mail:
    """One e-mail, as its receiver reads it."""

    receiver: str
    subject: str
    text: str
    attributes: dict[str, str]
    time: datetime
    topic_arn: str


@dataclass
class Mailbox:
    """The e-mails of every topic, and the messages that wait in the queues."""

    world: World
    mails: list[Mail] = field(default_factory=list)
    queue_name: str = ""

    def __call__(self, request: Request, operation: Operation, response: Response) -> None:
        """A Publish succeeded: e-mail goes to each subscriber whose filter policy lets it through."""
        asked = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        topic_arn = asked.get("TopicArn", "")
        subscriptions = sns_backends[self.world.account][self.world.region].subscriptions.values()
        typed = _attributes(asked)
        attributes = {name: str(value["Value"]) for name, value in typed.items()}
        text = asked["Message"]
        for subscription in subscriptions:
            matcher = subscription._filter_policy_matcher
            if (subscription.topic.arn, subscription.protocol) != (topic_arn, "email"):
                continue
            if matcher and not matcher.matches(typed, text):
                continue
            readable = text
            if asked.get("MessageStructure") == "json":
                forms = json.loads(text)
                readable = forms.get("email", forms["default"])
            subject = asked.get("Subject", "AWS Notification Message")
            self.mails.append(
                Mail(subscription.endpoint, subject, readable, attributes, self.world.now(), topic_arn),
            )

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The JSON messages that the queue received, without taking them out of it."""
        queue = sqs_backends[self.world.account][self.world.region].queues.get(self.queue_name)
        if queue is None:
            return []
        envelopes = [json.loads(message.body) for message in queue._messages]
        return [json.loads(envelope["Message"]) for envelope in envelopes]

    @property
    def last(self) -> Mail:
        """The newest e-mail."""
        return self.mails[-1]


def _attributes(asked: dict[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, value in asked.items():
        match = re.fullmatch(r"MessageAttributes\.entry\.(\d+)\.(Name|Value\.DataType|Value\.StringValue)", name)
        if match:
            found.setdefault(match[1], {})[match[2]] = value
    return {
        entry["Name"]: {"Type": entry.get("Value.DataType", "String"), "Value": entry.get("Value.StringValue", "")}
        for entry in found.values()
    }

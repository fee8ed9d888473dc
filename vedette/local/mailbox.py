"""The messages that the subscribers of topics received: by e-mail, through SQS, and by HTTPS."""

from __future__ import annotations

import json
import re
import smtplib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import default
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl

from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from vedette.local.account import SimulatedAccount
from vedette.local.http_messages import Request, Response
from vedette.local.operations import Operation

SENDER = "AWS Notifications <no-reply@sns.amazonaws.com>"


@dataclass(frozen=True)
class Mail:
    """One e-mail, as its recipient reads it."""

    receiver: str
    subject: str
    text: str
    attributes: dict[str, str]
    time: datetime
    topic_arn: str

    def as_email(self) -> EmailMessage:
        """The message in the format of RFC 5322: subject and text, without an unsubscribe link."""
        message = EmailMessage(default.clone(max_line_length=998, mangle_from_=False))
        message["From"], message["To"], message["Date"] = SENDER, self.receiver, self.time
        message["Subject"] = self.subject
        message.set_content(self.text)
        return message


@dataclass(frozen=True)
class Post:
    """One HTTPS request to a subscriber, with the "Message" of its envelope."""

    url: str
    message: str
    topic_arn: str


@dataclass
class Mailbox:
    """The e-mails of all topics, the HTTPS requests, and the messages in the queues."""

    account: SimulatedAccount
    mails: list[Mail] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    queue_name: str = ""
    incidents_queue_name: str = ""
    unconfirmed: set[str] = field(default_factory=set)  # addresses that have not confirmed yet
    smtp: tuple[str, int] | None = None  # send each e-mail to this mail server

    def __call__(self, request: Request, operation: Operation, response: Response) -> None:
        """After Publish: deliver the message to each subscriber whose filter policy matches, in its format."""
        arguments = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        topic_arn, text = arguments.get("TopicArn", ""), arguments["Message"]
        typed = _attributes(arguments)
        attributes = {name: str(value["Value"]) for name, value in typed.items()}
        forms: dict[str, str] = json.loads(text) if arguments.get("MessageStructure") == "json" else {"default": text}
        for subscription in self._confirmed(topic_arn):
            matcher = subscription._filter_policy_matcher
            if matcher and not matcher.matches(typed, text):
                continue
            form = forms.get(subscription.protocol, forms["default"])
            if subscription.protocol == "email":
                subject = arguments.get("Subject", "AWS Notification Message")
                self._send(Mail(subscription.endpoint, subject, form, attributes, self.account.now(), topic_arn))
            elif subscription.protocol == "https":
                self.posts.append(Post(subscription.endpoint, form, topic_arn))

    def _send(self, mail: Mail) -> None:
        self.mails.append(mail)
        if self.smtp is not None:
            with smtplib.SMTP(*self.smtp) as server:
                server.send_message(mail.as_email())

    def show_counts(self, request: Request, operation: Operation) -> None:
        """Before GetTopicAttributes: set the subscription counts, which moto 5.2.5 leaves at 0."""
        topic_arn = dict(parse_qsl(request.body.decode())).get("TopicArn", "")
        topic = sns_backends[self.account.account_id][self.account.region].topics.get(topic_arn)
        if topic is not None:
            topic.subscriptions_confimed = len(list(self._confirmed(topic_arn)))
            topic.subscriptions_pending = len(self._subscriptions(topic_arn)) - topic.subscriptions_confimed

    def _subscriptions(self, topic_arn: str) -> list[Any]:
        known = sns_backends[self.account.account_id][self.account.region].subscriptions.values()
        return [subscription for subscription in known if subscription.topic.arn == topic_arn]

    def _confirmed(self, topic_arn: str) -> Iterator[Any]:
        return (found for found in self._subscriptions(topic_arn) if found.endpoint not in self.unconfirmed)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The JSON messages in the queue, without receiving them."""
        return self._queued(self.queue_name)

    @property
    def incidents(self) -> list[dict[str, Any]]:
        """The events of incidents in their queue, without receiving them."""
        return self._queued(self.incidents_queue_name)

    def _queued(self, name: str) -> list[dict[str, Any]]:
        queue = sqs_backends[self.account.account_id][self.account.region].queues.get(name)
        if queue is None:
            return []
        envelopes = [json.loads(message.body) for message in queue._messages]
        return [json.loads(envelope["Message"]) for envelope in envelopes]

    @property
    def last(self) -> Mail:
        """The newest e-mail."""
        return self.mails[-1]


def moto_posts_disabled() -> AbstractContextManager[Any]:
    """Disable moto's own HTTP requests to subscribed web addresses: nothing may reach a network."""
    return patch("moto.sns.models.requests", SimpleNamespace(post=lambda *args, **kwargs: None))


def _attributes(arguments: dict[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, value in arguments.items():
        match = re.fullmatch(r"MessageAttributes\.entry\.(\d+)\.(Name|Value\.DataType|Value\.StringValue)", name)
        if match:
            found.setdefault(match[1], {})[match[2]] = value
    return {
        entry["Name"]: {"Type": entry.get("Value.DataType", "String"), "Value": entry.get("Value.StringValue", "")}
        for entry in found.values()
    }

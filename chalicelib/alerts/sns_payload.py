"""What SNS is given of a message: one Publish, a form for each kind of subscriber.

| subscriber                | protocol           | receives                                                          |
|---------------------------|--------------------|-------------------------------------------------------------------|
| people                    | email              | the text of `mail`                                                |
| people                    | sms                | the subject alone                                                 |
| chat clients, webhooks    | https              | a custom notification; the alert as JSON in its additionalContext |
| queues, functions, others | sqs, lambda, http… | the alert as JSON, docs/alert.schema.json (an AlertMessage)       |

Chat clients (Amazon Q Developer in chat applications, once AWS Chatbot) subscribe by HTTPS, show nothing but their own
schema, and drop everything else without a word; a webhook subscribes by the same protocol. So the one form of "https"
is the chat clients' schema, and holds the whole alert as a string where that schema has room for a sender's own data:
`metadata.additionalContext.alert`.

| limit                                            | kept by                                                     |
|--------------------------------------------------|-------------------------------------------------------------|
| 262,144 bytes, all forms and attributes together | ten items, and a cap on each of their texts; then `fitting` |
| subject: printable ASCII, under 100 characters   | `text.subject`                                              |
| 10 attributes through a queue with raw delivery  | 7 attributes                                                |
| chat: title 250, description 8,000, a step 350   | cut, with an ellipsis                                       |
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from chalicelib.alerts import email_text
from chalicelib.records import AlertItem, AlertMessage, write

MESSAGE_BYTES = 262_144  # aws-behaviour: sns-size
ROOM_FOR_ATTRIBUTES = 8_192
TITLE, DESCRIPTION, STEP, SUMMARY = 250, 8_000, 350, 300
CONSOLES = {  # partition -> the console's domain
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
Attributes = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Installation:
    """The installation that speaks."""

    stage: str
    bucket: str
    region: str
    account: str
    partition: str = "aws"


def with_routing(message: AlertMessage, team: str, place: Installation) -> AlertMessage:
    """The message as it goes out: whose it is, which stage speaks, and where the console shows it."""
    return replace(
        message,
        team=team,
        stage=place.stage,
        what_to_do=email_text.commands(message.what_to_do, place.stage),
        links=_links(message, place),
    )


def _links(message: AlertMessage, place: Installation) -> dict[str, str]:
    """Links into the console, made of ids alone; whoever follows one signs in there."""
    domain = CONSOLES.get(place.partition)
    if domain is None:  # an isolated partition, whose console has a name that is not public
        return {}
    console = f"https://{place.region}.{domain}"
    links = {
        "endpoint": f"{console}/sagemaker/home?region={place.region}#/endpoints/{quote(message.endpoint, safe='')}"
    }
    # The page of a window is made when it has closed.
    bucket, key = place.bucket, message.folder + ("report.html" if message.closed else "constraint_violations.json")
    if message.folder.startswith("s3://"):  # of Model Monitor, which writes no page
        bucket, _, prefix = message.folder.removeprefix("s3://").partition("/")
        key = f"{prefix.rstrip('/')}/constraint_violations.json"
    if message.folder:
        where = f"region={place.region}&prefix={quote(key, safe='/')}"
        links["report"] = f"{console}/s3/object/{quote(bucket, safe='')}?{where}"
    return links


def sns_message(message: AlertMessage) -> str:
    """The body of a Publish with MessageStructure "json"."""
    message = truncate_to_limit(message)
    return _json(_forms(message))


def _forms(message: AlertMessage) -> dict[str, str]:
    data = write(message).decode()
    return {
        "default": data,
        "email": email_text.text(message),
        "sms": email_text.subject(message),
        "https": _json(chat_notification(message)),
    }


def truncate_to_limit(message: AlertMessage) -> AlertMessage:
    """The message with as many of its items as fit; the others are counted."""
    while message.items and len(_json(_forms(message)).encode()) > MESSAGE_BYTES - ROOM_FOR_ATTRIBUTES:
        *kept, last = message.items
        more = {**message.more, last.state: message.more.get(last.state, 0) + 1}
        message = replace(message, items=tuple(kept), more=more)
    return message


def message_attributes(message: AlertMessage) -> dict[str, str | list[str]]:
    """What filter policies can choose by; `check` has one value for each check in the message."""
    state = "recovered" if message.kind == "recovered" else "new"
    given: dict[str, str | list[str]] = {
        "severity": message.severity,
        "endpoint": message.endpoint,
        "kind": message.kind,
        "check": sorted({item.check for item in message.items}),
        "state": state,
        "team": message.team,
        "alert_id": message.alert_id,
    }
    return {name: value for name, value in given.items() if value}


def chat_notification(message: AlertMessage) -> dict[str, Any]:
    """The message in the schema of custom notifications.

    Source: Amazon Q Developer in chat applications, administrator guide, "Custom notifications".
    """
    return {
        "version": "1.0",
        "source": "custom",
        "id": message.alert_id,
        "content": {
            "textType": "client-markdown",
            "title": _cut(_markdown(f"[{email_text.label(message)}] {message.endpoint}: {message.headline}"), TITLE),
            "description": _cut(_description(message), DESCRIPTION),
            "nextSteps": [_chat_step(step) for step in message.what_to_do],
            "keywords": [message.endpoint, message.kind, message.severity, *([message.team] if message.team else [])],
        },
        "metadata": {
            "threadId": "/".join(filter(None, (message.endpoint, message.variant))),
            "summary": _cut(_markdown(message.headline), SUMMARY),
            "eventType": f"Vedette alert: {message.kind}",
            "additionalContext": {"alert": write(message).decode()},
        },
    }


def _description(message: AlertMessage) -> str:
    lines = [_markdown(f"{fact}: {value}") for fact, value in email_text.facts(message)]
    lines += [_chat_item(item) for item in message.items]
    lines += [f"and {number:,} more ({state})" for state, number in message.more.items()]
    return "\n".join([*lines, *(f"{email_text.LINKS.get(name, name)}: {url}" for name, url in message.links.items())])


def _chat_item(item: AlertItem) -> str:
    values = ", ".join(f"{name} {value}" for name, value in email_text.values(item) if value)
    return _markdown(
        f"- {item.state}: {item.subject}, {item.check}, {item.severity}" + (f": {values}" if values else "")
    )


def _chat_step(step: str) -> str:
    words, command = email_text.parts(step)
    shown = _markdown(words) + (f" `{_markdown(command)}`" if command else "")
    return _cut(shown, STEP)


def _markdown(text: str) -> str:
    """Text that a chat client shows as it is: no mark-up of Slack or Teams, and nobody is called.

    Examples
    --------
    >>> _markdown("<!channel> @here `x`")
    "&lt;!channel&gt; \uff20here 'x'"
    """
    for mark, shown in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("`", "'"), ("@", "\uff20")):
        text = text.replace(mark, shown)
    return text


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

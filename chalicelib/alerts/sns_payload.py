"""A message as SNS gets it: one Publish, with a form for each kind of subscriber.

| subscriber                | protocol           | receives                                                          |
|---------------------------|--------------------|-------------------------------------------------------------------|
| people                    | email              | the text of `mail`                                                |
| people                    | sms                | the subject alone                                                 |
| chat clients, webhooks    | https              | a custom notification; the alert as JSON in its additionalContext |
| queues, functions, others | sqs, lambda, http… | the alert as JSON, docs/alert.schema.json (an AlertMessage)       |

Chat clients (Amazon Q Developer in chat applications, formerly AWS Chatbot) subscribe by HTTPS, show only their own
schema and silently drop everything else. A webhook subscribes by the same protocol. So the form for "https" is the chat
schema, with the whole alert as a string in the field for the sender's own data: `metadata.additionalContext.alert`.

| limit                                            | how                                                         |
|--------------------------------------------------|-------------------------------------------------------------|
| 262,144 bytes, all forms and attributes together | ten items with capped texts; then `truncate_to_limit`       |
| subject: printable ASCII, under 100 characters   | `sanitize.sns_subject`                                      |
| 10 attributes through a queue with raw delivery  | 9 attributes                                                |
| chat: title 250, description 8,000, a step 350   | cut, with an ellipsis                                       |
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from chalicelib.alerts import email_text, story
from chalicelib.alerts.incidents import dedup_key
from chalicelib.alerts.next_steps import Step, from_texts, to_texts
from chalicelib.locations import REPORT_FILE, VIOLATIONS_FILE
from chalicelib.records import AlertItem, AlertKind, AlertMessage, FindingState, Incident, Noun, Source, write

MAX_MESSAGE_BYTES = 262_144  # aws-behaviour: sns-size
ATTRIBUTE_BYTES = 8_192
TITLE, DESCRIPTION, STEP, SUMMARY = 250, 8_000, 350, 300  # characters of a chat notification
CONSOLES = {  # partition -> the console's domain
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


@dataclass(frozen=True)
class Installation:
    """The installation that sends."""

    stage: str
    bucket: str
    region: str
    account: str
    partition: str = "aws"
    noun: Noun = "endpoint"  # what the name that an alert is about stands for: `FleetEntry.noun`
    records: str = ""  # the s3 folder of own records that an alert is about


def with_routing(message: AlertMessage, team: str, installation: Installation, runbook_url: str = "") -> AlertMessage:
    """The message as it is sent: with its team, its place (also in the commands), and its links."""
    stage, region = installation.stage, installation.region
    runbook = {"runbook": runbook_url} if runbook_url else {}
    return replace(
        message,
        noun=installation.noun,
        team=team,
        stage=stage,
        account=installation.account,
        region=region,
        runbook_url=runbook_url,
        what_to_do=to_texts(step.for_stage(stage, region) for step in from_texts(message.what_to_do)),
        links={**runbook, **links_of(message.endpoint, message.folder, message.source, installation, message.job)},
        incidents=tuple(_with_key(one, message, installation) for one in message.incidents),
    )


def _with_key(incident: Incident, message: AlertMessage, installation: Installation) -> Incident:
    key = dedup_key(installation.stage, message.endpoint, message.variant, incident.fingerprint, incident.since)
    return replace(incident, dedup_key=key)


def links_of(endpoint: str, folder: str, source: Source, installation: Installation, job: str = "") -> dict[str, str]:
    """Links into the console to an endpoint, own records or a transform job, and to an execution, made of ids only.

    The console asks for a sign-in.
    """
    domain = CONSOLES.get(installation.partition)
    if not endpoint:  # a message of a team
        return {}
    if domain is None:  # an isolated partition, whose console has a name that is not public
        return {}
    region = installation.region
    console = f"https://{region}.{domain}"
    home = f"{console}/sagemaker/home?region={region}#"
    links = {}
    if installation.records:
        bucket, _, prefix = installation.records.removeprefix("s3://").partition("/")
        where = f"region={region}&prefix={quote(prefix, safe='/')}/"
        links["records"] = f"{console}/s3/buckets/{quote(bucket, safe='')}?{where}"
    if job:
        links["job"] = f"{home}/transform-jobs/{quote(job, safe='')}"
    elif installation.noun == "endpoint":
        links["endpoint"] = f"{home}/endpoints/{quote(endpoint, safe='')}"
    if not folder:
        return links
    bucket, page = installation.bucket, REPORT_FILE
    if source == "model monitor":  # it writes no page, and its folder is a URI
        bucket, _, prefix = folder.removeprefix("s3://").partition("/")
        folder, page = f"{prefix.rstrip('/')}/", VIOLATIONS_FILE
    where = f"region={region}&prefix={quote(folder + page, safe='/')}"
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
    """The message with as many of its items as fit into one Publish; the others are counted."""
    while message.items and len(_json(_forms(message)).encode()) > MAX_MESSAGE_BYTES - ATTRIBUTE_BYTES:
        *kept, last = message.items
        more = {**message.more, str(last.state): message.more.get(last.state, 0) + 1}
        message = replace(message, items=tuple(kept), more=more)
    return message


def message_attributes(message: AlertMessage) -> dict[str, str | list[str]]:
    """The message attributes, for filter policies; `check` and `action` have each value that is in the message.

    `dedup_key` is there only where the message is about a single incident.
    """
    continues = message.items and not any(item.state == FindingState.NEW for item in message.items)
    state = FindingState.CONTINUING if continues else FindingState.NEW
    state = FindingState.RECOVERED if message.kind == AlertKind.RECOVERED else state
    attributes: dict[str, str | list[str]] = {
        "severity": message.severity,
        "endpoint": message.endpoint or list(message.endpoints),
        "kind": message.kind,
        "check": sorted({item.check for item in message.items}),
        "state": state,
        "team": message.team,
        "alert_id": message.alert_id,
        "action": sorted({incident.action for incident in message.incidents}),
        "dedup_key": message.incidents[0].dedup_key if len(message.incidents) == 1 else "",
    }
    return {name: value for name, value in attributes.items() if value}


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
            "title": _cut(_markdown(f"[{story.label(message)}] {story.place(message)}: {message.headline}"), TITLE),
            "description": _cut(_description(message), DESCRIPTION),
            "nextSteps": [_chat_step(step) for step in email_text.steps(message)],
            "keywords": [one for one in (message.endpoint, message.kind, message.severity, message.team) if one],
        },
        "metadata": {
            "threadId": _thread(message),
            "summary": _cut(_markdown(message.headline), SUMMARY),
            "eventType": f"Vedette alert: {message.kind}",
            "additionalContext": {"alert": write(message).decode()},
        },
    }


def _thread(message: AlertMessage) -> str:
    """One thread for an incident, from its beginning to its end: that of the worst in the message."""
    if message.incidents:
        return message.incidents[0].dedup_key
    return message.group_key or "/".join(filter(None, (message.endpoint or story.place(message), message.variant)))


def _description(message: AlertMessage) -> str:
    lines = [_markdown(story.since(message))] if message.since else []
    lines += [_markdown(f"{fact}: {value}") for fact, value in email_text.facts(message)]
    lines += [_chat_item(item) for item in message.items]
    lines += [f"and {number:,} more ({state})" for state, number in message.more.items()]
    lines += [_markdown(", ".join(message.endpoints))] if message.endpoints else []
    return "\n".join([*lines, *(f"{email_text.LINKS.get(name, name)}: {url}" for name, url in message.links.items())])


def _chat_item(item: AlertItem) -> str:
    values = ", ".join(f"{name} {value}" for name, value in email_text.values(item) if value)
    return _markdown(
        f"- {item.state}: {f'{item.endpoint}: ' if item.endpoint else ''}{item.subject}, {item.check}, {item.severity}"
        + (f": {values}" if values else "")
    )


def _chat_step(step: Step) -> str:
    shown = _markdown(step.text) + (f" `{_markdown(step.command)}`" if step.command else "")
    return _cut(shown, STEP)


def _markdown(text: str) -> str:
    """Text that a chat client shows literally: no mark-up of Slack or Teams, no mentions.

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

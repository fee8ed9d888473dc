"""Checks before calls to moto, where moto is more permissive than AWS; errors have AWS's texts (assumptions.py)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from vedette.local.account import ACCOUNT_ID
from vedette.local.errors import AwsError
from vedette.local.http_messages import Request
from vedette.local.operations import Operation

SUBJECT_CHARACTERS = 100  # aws-behaviour: sns-subject
MESSAGE_BYTES = 262_144  # message and attributes together
PATTERN_CHARACTERS = 2_048  # aws-behaviour: event-pattern-size, event-pattern-refusal


def sns_publish(request: Request, operation: Operation) -> None:
    """Validate Publish as SNS does; moto 5.2.5 accepts newlines and non-ASCII subjects, and empty messages."""
    arguments = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    message, subject = arguments.get("Message", ""), arguments.get("Subject")
    if not message:
        raise AwsError("InvalidParameter", "Invalid parameter: Empty message")
    attributes = sum(len(value.encode()) for name, value in arguments.items() if name.startswith("MessageAttributes."))
    if len(message.encode()) + attributes > MESSAGE_BYTES:
        raise AwsError("InvalidParameter", "Invalid parameter: Message too long")
    if subject is not None and not _valid_subject(subject):
        raise AwsError("InvalidParameter", "Invalid parameter: Subject")


def _valid_subject(subject: str) -> bool:
    """Whether a subject is printable ASCII, shorter than 100 characters, and does not begin with a blank."""
    return 0 < len(subject) < SUBJECT_CHARACTERS and re.fullmatch(r"[!-~][ -~]*", subject) is not None


def sns_publish_batch(request: Request, operation: Operation) -> None:
    """Validate each entry of PublishBatch."""
    arguments = parse_qsl(request.body.decode(), keep_blank_values=True)
    entries: dict[str, dict[str, str]] = {}
    for name, value in arguments:
        match = re.fullmatch(r"PublishBatchRequestEntries\.member\.(\d+)\.(Message|Subject)", name)
        if match:
            entries.setdefault(match[1], {})[match[2]] = value
    for entry in entries.values():
        sns_publish(replace(request, body=urlencode(entry).encode()), operation)


def sqs_receive(request: Request, operation: Operation) -> Request:
    """Answer a long poll at once: moto would wait for the simulated clock, which does not move."""
    arguments = json.loads(request.body or b"{}")
    return replace(request, body=json.dumps({**arguments, "WaitTimeSeconds": 0}).encode())


def events_put_rule(request: Request, operation: Operation) -> None:
    """Refuse an event pattern that is longer than the default quota, which moto does not count."""
    size = len(json.loads(request.body or b"{}").get("EventPattern") or "")
    if size > PATTERN_CHARACTERS:
        raise AwsError("ValidationException", f"Event pattern of {size} characters exceeds {PATTERN_CHARACTERS}.")


def s3_notification_names(request: Request, operation: Operation) -> Request:
    """Accept `Prefix` and `Suffix` in any case, as S3 does; moto 5.2.5 returns 500 for capital letters."""
    body = request.body
    for name in (b"Prefix", b"Suffix"):
        body = body.replace(b"<Name>%s</Name>" % name, b"<Name>%s</Name>" % name.lower())
    headers = {name: value for name, value in request.headers.items() if name != "content-md5"}
    return replace(request, body=body, headers=headers)


def s3_expected_owner(request: Request, operation: Operation) -> None:
    """Raise AccessDenied if the call expects another owner of the bucket, which moto ignores."""
    expected = request.headers.get("x-amz-expected-bucket-owner")
    if expected is not None and expected != ACCOUNT_ID:
        raise AwsError("AccessDenied", "Access Denied", 403)

"""EventBridge PutEvents: validates each entry as AWS does, and puts it on the bus."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from vedette.local.account import SimulatedAccount
from vedette.local.errors import AwsError
from vedette.local.http_messages import Request, Response
from vedette.local.operations import Operation

MAX_ENTRIES = 10
MAX_BYTES = 1_048_576  # aws-behaviour: event-size


class PutEvents:
    """The PutEvents operation of the default bus."""

    def __init__(self, account: SimulatedAccount):
        self._account = account

    def __call__(self, request: Request, operation: Operation) -> Response:
        entries = json.loads(request.body)["Entries"]
        if not 1 <= len(entries) <= MAX_ENTRIES:
            bound = "greater than or equal to 1" if not entries else "less than or equal to 10"
            message = (
                f"1 validation error detected: Value '{'[]' if not entries else '[...]'}' at 'entries' failed to "
                f"satisfy constraint: Member must have length {bound}"
            )
            raise AwsError("ValidationException", message)
        if sum(len(entry.get("Detail", "").encode()) for entry in entries) >= MAX_BYTES:
            raise AwsError("ValidationException", "Total size of the entries in the request is over the limit.")
        results = [self._entry(entry) for entry in entries]
        failed = sum("ErrorCode" in result for result in results)
        body = json.dumps({"FailedEntryCount": failed, "Entries": results}).encode()
        return Response(200, {"Content-Type": "application/x-amz-json-1.1"}, body)

    def _entry(self, entry: dict[str, Any]) -> dict[str, str]:
        refusal = _refusal(entry)
        if refusal is not None:
            return {"ErrorCode": refusal[0], "ErrorMessage": refusal[1]}
        when = entry.get("Time")
        moment = self._account.now() if when is None else datetime.fromtimestamp(float(when), UTC)
        event = self._account.event(
            entry["Source"],
            entry["DetailType"],
            entry.get("Resources", []),
            json.loads(entry["Detail"]),
            f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        )
        if entry.get("EventBusName", "default").rpartition("/")[2] == "default":
            self._account.put_event(event)
        return {"EventId": event["id"]}


def _refusal(entry: dict[str, Any]) -> tuple[str, str] | None:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            return "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
    if entry["Source"].startswith("aws."):
        return "NotAuthorizedForSourceException", "Not authorized for the source."
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        detail = None
    return None if isinstance(detail, dict) else ("MalformedDetail", "Detail is malformed.")

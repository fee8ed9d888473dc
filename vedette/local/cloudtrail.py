"""CloudTrail LookupEvents, answered from the recorder: which identity called which operation on which resource.

The calls of a function are made by its role, all other calls by the user. Only management events of the last 90 days
are returned, newest first (aws-behaviour: cloudtrail-lookup).
"""

from __future__ import annotations

import json
from typing import Any

from vedette.local.account import SimulatedAccount
from vedette.local.http_messages import Request, Response
from vedette.local.operations import Operation
from vedette.local.recorder import Call, Recorder

OPERATOR = "operator"
MAX_EVENTS = 50


class LookupEvents:
    """The event history of the account."""

    def __init__(self, account: SimulatedAccount, recorder: Recorder):
        self._account, self._recorder = account, recorder

    def __call__(self, request: Request, operation: Operation) -> Response:
        arguments = json.loads(request.body)
        wanted = {found["AttributeKey"]: found["AttributeValue"] for found in arguments.get("LookupAttributes", ())}
        events = [
            self._event(call)
            for call in reversed(self._recorder.calls)
            if call.service == "sagemaker" and call.error is None and _matches(call, wanted)
        ]
        body = json.dumps({"Events": events[: min(arguments.get("MaxResults", MAX_EVENTS), MAX_EVENTS)]}).encode()
        return Response(200, {"Content-Type": "application/x-amz-json-1.1"}, body)

    def _event(self, call: Call) -> dict[str, Any]:
        user = f"vedette-{call.function}" if call.function else OPERATOR
        kind = "assumed-role" if call.function else "user"
        arn = f"arn:aws:{'sts' if call.function else 'iam'}::{self._account.account_id}:{kind}/{user}"
        event = {
            "eventName": call.operation,
            "userIdentity": {"arn": arn},
            "requestParameters": {key[0].lower() + key[1:]: value for key, value in call.parameters.items()},
        }
        return {
            "EventId": f"{call.number}",
            "EventName": call.operation,
            "EventTime": call.time.timestamp(),
            "EventSource": "sagemaker.amazonaws.com",
            "Username": user,
            "CloudTrailEvent": json.dumps(event),
        }


def _matches(call: Call, wanted: dict[str, str]) -> bool:
    if "EventName" in wanted and call.operation != wanted["EventName"]:
        return False
    return "ResourceName" not in wanted or wanted["ResourceName"] in call.parameters.values()

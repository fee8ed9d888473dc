"""Faults on request, at the boundary between a function and AWS.

| kind            | call succeeds | the caller sees                                                    |
|-----------------|---------------|--------------------------------------------------------------------|
| crash_before    | no            | its process dies                                                   |
| crash_after     | yes           | its process dies                                                   |
| throttle        | no            | the service's throttling error                                     |
| server_error    | no            | HTTP 500 InternalFailure                                           |
| timeout         | no            | no answer until its read timeout                                   |
| reply_lost      | yes           | the connection closes (botocore sends some calls again: SNS twice) |
| partial_failure | no            | status 200, and every entry refused (PutEvents alone)              |

A fault applies to the k-th matching call after it was added, and to `times` calls in a row. In process a crash is the
BaseException `Crash`; over HTTP the process of the function is killed and the connection closed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from vedette.local.errors import AwsError, Crash, LostConnection
from vedette.local.http_messages import Request, Response
from vedette.local.recorder import Call

KINDS = ("crash_before", "crash_after", "throttle", "server_error", "timeout", "reply_lost", "partial_failure")
# The throttling error of each service; "ThrottlingException" everywhere else.
THROTTLED = {
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
    "sns": ("Throttling", "Rate exceeded", 400),
    "sqs": ("RequestThrottled", "Request is throttled.", 400),
    "lambda": ("TooManyRequestsException", "Rate Exceeded.", 429),
}


@dataclass
class Fault:
    """One fault and the calls that it applies to."""

    kind: str
    service: str | None = None
    operation: str | None = None
    k: int = 1
    times: int = 1
    function: str | None = None
    seen: int = 0

    def applies_to(self, call: Call) -> bool:
        """Count the call if it matches; returns whether the fault applies to it."""
        for wanted, actual in (
            (self.service, call.service),
            (self.operation, call.operation),
            (self.function, call.function),
        ):
            if wanted is not None and wanted != actual:
                return False
        self.seen += 1
        return self.k <= self.seen < self.k + self.times


@dataclass
class Faults:
    """The faults that wait for their call, and the calls that a fault was applied to."""

    waiting: list[Fault] = field(default_factory=list)
    affected: list[Call] = field(default_factory=list)
    gate: Callable[[Call], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self,
        kind: str,
        service: str | None = None,
        operation: str | None = None,
        *,
        k: int = 1,
        times: int = 1,
        function: str | None = None,
    ) -> Fault:
        """Add a fault for the k-th matching call from now on."""
        if kind not in KINDS:
            raise ValueError(f"There is no fault {kind!r}; choose one of {', '.join(KINDS)}.")
        fault = Fault(kind, service, operation, k, times, function)
        with self._lock:
            self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self.waiting.clear()
            self.gate = None

    def kind_for(self, call: Call) -> str | None:
        """The kind of fault for this call; called once for each call, before it is handled.

        `gate`, if set, is called first and without a lock: a test can block calls there to interleave two functions.
        """
        if self.gate is not None:
            self.gate(call)
        with self._lock:
            kinds = [fault.kind for fault in self.waiting if fault.applies_to(call)]
            if not kinds:
                return None
            call.fault = kinds[0]
            self.affected.append(call)
            return kinds[0]


def raise_before(kind: str | None, call: Call) -> None:
    """Raise the error of a fault that applies before the call is handled."""
    if kind == "crash_before":
        raise Crash(call.name)
    if kind == "timeout":
        raise LostConnection(timed_out=True)
    if kind == "server_error":
        raise AwsError("InternalFailure", "We encountered an internal error. Please try again.", 500)
    if kind == "throttle":
        code, message, status = THROTTLED.get(call.service, ("ThrottlingException", "Rate exceeded", 400))
        raise AwsError(code, message, status)


def refused_entries(kind: str | None, request: Request, call: Call) -> Response | None:
    """The answer of a PutEvents that refuses every entry; None when the fault is another one."""
    if kind != "partial_failure" or call.operation != "PutEvents":
        return None
    entries = json.loads(request.body)["Entries"]
    refused = [{"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"} for _ in entries]
    body = json.dumps({"FailedEntryCount": len(refused), "Entries": refused}).encode()
    return Response(200, {"Content-Type": "application/x-amz-json-1.1"}, body)


def raise_after(kind: str | None, call: Call) -> None:
    """Raise the error of a fault that applies after the call has succeeded."""
    if kind == "crash_after":
        raise Crash(call.name)
    if kind == "reply_lost":
        raise LostConnection(timed_out=False)

"""Faults on request, at the boundary between a function and AWS.

| kind         | the work is done | what the caller sees                                              |
|--------------|------------------|-------------------------------------------------------------------|
| crash_before | no               | its process dies                                                  |
| crash_after  | yes              | its process dies                                                  |
| throttle     | no               | the service's throttling error                                    |
| server_error | no               | HTTP 500 InternalFailure                                          |
| timeout      | no               | no answer until its read timeout                                  |
| reply_lost   | yes              | the connection closes (botocore sends some calls again: SNS twice)|

A fault strikes the k-th matching call after it was added, and `times` calls in a row. In process a crash is the
BaseException `Crash`; over HTTP the process of the function is killed and the connection closed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from vedette.local.errors import AwsError, Crash, LostConnection
from vedette.local.recorder import Call

KINDS = ("crash_before", "crash_after", "throttle", "server_error", "timeout", "reply_lost")
AFTER_THE_WORK = {"crash_after", "reply_lost"}
# What each service says when it throttles; "ThrottlingException" everywhere else.
THROTTLED = {
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
    "sns": ("Throttling", "Rate exceeded", 400),
    "sqs": ("RequestThrottled", "Request is throttled.", 400),
    "lambda": ("TooManyRequestsException", "Rate Exceeded.", 429),
}


@dataclass
class Fault:
    """One fault that waits for its call."""

    kind: str
    service: str | None = None
    operation: str | None = None
    k: int = 1
    times: int = 1
    function: str | None = None
    seen: int = 0

    def strikes(self, call: Call) -> bool:
        """Count a call if it matches, and say whether this one is struck."""
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
    """The faults that wait, and the calls that were struck."""

    waiting: list[Fault] = field(default_factory=list)
    struck: list[Call] = field(default_factory=list)
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
        """Have the k-th matching call from now on go wrong."""
        if kind not in KINDS:
            raise ValueError(f"There is no fault {kind!r}; choose one of {', '.join(KINDS)}.")
        fault = Fault(kind, service, operation, k, times, function)
        with self._lock:
            self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Let everything go right again."""
        with self._lock:
            self.waiting.clear()
            self.gate = None

    def strike(self, call: Call) -> str | None:
        """The kind of fault for this call; called once for each call, before its work.

        `gate`, when set, is called first and without any lock: a test can hold calls there to interleave two functions.
        """
        if self.gate is not None:
            self.gate(call)
        with self._lock:
            kinds = [fault.kind for fault in self.waiting if fault.strikes(call)]
            if not kinds:
                return None
            call.fault = kinds[0]
            self.struck.append(call)
            return kinds[0]


def before_the_work(kind: str | None, call: Call) -> None:
    """Raise what a fault does to a call that has not been worked on."""
    if kind == "crash_before":
        raise Crash(call.name)
    if kind == "timeout":
        raise LostConnection(timed_out=True)
    if kind == "server_error":
        raise AwsError("InternalFailure", "We encountered an internal error. Please try again.", 500)
    if kind == "throttle":
        code, message, status = THROTTLED.get(call.service, ("ThrottlingException", "Rate exceeded", 400))
        raise AwsError(code, message, status)


def after_the_work(kind: str | None, call: Call) -> None:
    """Raise what a fault does to a call whose work was done."""
    if kind == "crash_after":
        raise Crash(call.name)
    if kind == "reply_lost":
        raise LostConnection(timed_out=False)

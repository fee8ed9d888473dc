"""The one factory of boto3 clients: explicit timeouts and attempts, one client per service and session.

botocore waits 60 s to connect and 60 s to read by default, so two slow calls outlive a Lambda function. It also repeats
a Publish when only the reply was lost, which sends an alert twice (aws-behaviour: publish-resent). Hence short
timeouts everywhere, and one attempt for SNS, whose repetition the outbox decides, and for requests to a model: a model
that hangs would only receive them three times.

A call begins only if its worst case, every attempt at its timeout, ends before the invocation does: so a function stops
with an error that says where, and keeps its leases in order, instead of being killed in the middle of a call.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config

from chalicelib.deadline import Deadline
from chalicelib.errors import OutOfTime

CONNECT_TIMEOUT_SECONDS = 2
# SageMaker gives a model 60 seconds to answer; its control plane takes seconds where the others take milliseconds.
READ_TIMEOUT_SECONDS = {"sagemaker-runtime": 62, "sagemaker": 10}
DEFAULT_READ_TIMEOUT_SECONDS = 6
MAX_ATTEMPTS = {"sns": 1, "sagemaker-runtime": 1}
DEFAULT_MAX_ATTEMPTS = 3

_NO_DEADLINE = Deadline.never()
_deadline: ContextVar[Deadline] = ContextVar("deadline", default=_NO_DEADLINE)


def worst_case_seconds(service: str) -> int:
    """Seconds that one call can take: every attempt runs into its timeouts, with the longest pauses between them.

    Standard mode waits up to 1, 2, 4, ... seconds, at most 20 (botocore, "Retries").

    Examples
    --------
    >>> worst_case_seconds("sns"), worst_case_seconds("s3"), worst_case_seconds("sagemaker-runtime")
    (8, 27, 64)
    """
    attempts = MAX_ATTEMPTS.get(service, DEFAULT_MAX_ATTEMPTS)
    pauses = sum(min(1 << number, 20) for number in range(attempts - 1))
    return (
        attempts * (CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS.get(service, DEFAULT_READ_TIMEOUT_SECONDS)) + pauses
    )


@contextmanager
def bounded_by(deadline: Deadline) -> Iterator[None]:
    """Begin no call in this block that might outlive the deadline."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def current_deadline() -> Deadline:
    """The deadline of the calls of this thread; another thread has to be given it with `bound_thread`."""
    return _deadline.get()


def bound_thread(deadline: Deadline) -> None:
    """Give a thread of a pool its deadline, for as long as it lives."""
    _deadline.set(deadline)


def require_time(*services: str) -> None:
    """Make sure that calls to these services, one after the other, end before the deadline.

    Raises
    ------
    OutOfTime
        When they might not.
    """
    needed = sum(map(worst_case_seconds, services)) + Deadline.AFTER_CALL
    if not _deadline.get().has_left(needed):
        named = " and ".join(dict.fromkeys(services))
        raise OutOfTime(f"A call to {named} may take {needed:.0f} s with the reserve; the function has less left.")


def _check_before_call(service: str) -> Callable[..., None]:
    def check(**_: Any) -> None:
        require_time(service)

    return check


@lru_cache(maxsize=32)
def _client(service: str, session: boto3.Session) -> Any:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS.get(service, DEFAULT_READ_TIMEOUT_SECONDS),
        retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS.get(service, DEFAULT_MAX_ATTEMPTS)},
        user_agent_extra="vedette",
    )
    created = session.client(service, config=config)
    created.meta.events.register("before-call", _check_before_call(service))
    return created


def client(service: str) -> Any:
    """The client of a service in the default session."""
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    return _client(service, boto3.DEFAULT_SESSION)

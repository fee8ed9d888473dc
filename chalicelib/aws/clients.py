"""The one factory of boto3 clients: explicit timeouts and attempts, one client per service and session.

botocore waits 60 s to connect and 60 s to read by default, so two slow calls outlive a Lambda function; and it sends a
Publish again when only the reply was lost, which doubles an alert (aws-behaviour: publish-resent). Hence short
timeouts everywhere, and one attempt for SNS, whose repetition the outbox of the alert book decides, and for requests to
a model, which a model that hangs would only receive three times.

A call is begun only while its worst case, every attempt at its timeout, ends five seconds before the function does: so
a function says where it stopped, and keeps its leases in order, instead of being killed in the middle of a call.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config

from chalicelib.errors import OutOfTime

CONNECT_SECONDS = 2
# SageMaker gives a model 60 seconds to answer; its control plane takes seconds where the others take milliseconds.
READ_SECONDS = {"sagemaker-runtime": 62, "sagemaker": 10}
DEFAULT_READ_SECONDS = 6
ATTEMPTS = {"sns": 1, "sagemaker-runtime": 1}
DEFAULT_ATTEMPTS = 3
RESERVE_SECONDS = 5  # what a function keeps for itself after its last call

_remaining: list[Callable[[], int]] = []  # milliseconds left to the functions of this process, the last one last


def worst_case_seconds(service: str) -> int:
    """How long one call can take: every attempt runs into its timeouts, with the longest pauses between them.

    Standard mode waits up to 1, 2, 4, ... seconds, at most 20 (botocore, "Retries").

    Examples
    --------
    >>> worst_case_seconds("sns"), worst_case_seconds("s3"), worst_case_seconds("sagemaker-runtime")
    (8, 27, 64)
    """
    attempts = ATTEMPTS.get(service, DEFAULT_ATTEMPTS)
    pauses = sum(min(1 << number, 20) for number in range(attempts - 1))
    return attempts * (CONNECT_SECONDS + READ_SECONDS.get(service, DEFAULT_READ_SECONDS)) + pauses


@contextmanager
def within(remaining: Callable[[], int]) -> Iterator[None]:
    """Begin no call in this block that might outlive the function; `remaining` gives its milliseconds."""
    _remaining.append(remaining)
    try:
        yield
    finally:
        _remaining.remove(remaining)


def time_for(*services: str) -> None:
    """Make sure that calls to these services, one after the other, end before the function must.

    Raises
    ------
    OutOfTime
        When they might not; outside of `within` there is always time.
    """
    needed = sum(map(worst_case_seconds, services)) + RESERVE_SECONDS
    if _remaining and _remaining[-1]() < needed * 1000:
        named = " and ".join(dict.fromkeys(services))
        raise OutOfTime(f"A call to {named} may take {needed} s with the reserve; the function has less left.")


def _in_time(service: str) -> Callable[..., None]:
    def check(**_: Any) -> None:
        time_for(service)

    return check


@lru_cache(maxsize=32)
def _client(service: str, session: boto3.Session) -> Any:
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS.get(service, DEFAULT_READ_SECONDS),
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS.get(service, DEFAULT_ATTEMPTS)},
        user_agent_extra="vedette",
    )
    made = session.client(service, config=config)
    made.meta.events.register("before-call", _in_time(service))
    return made


def client(service: str) -> Any:
    """The client of a service in the default session."""
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    return _client(service, boto3.DEFAULT_SESSION)

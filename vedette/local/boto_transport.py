"""boto3 without a network: a session that sends its requests to the request router instead of a socket."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.endpoint
import botocore.session
from botocore import useragent
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from vedette.local.errors import LostConnection
from vedette.local.http_messages import Request
from vedette.local.request_router import RequestRouter

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


class _RawResponse(io.BytesIO):
    """The raw response that botocore reads."""

    def stream(self, amt: int = 1 << 16, **kwargs: Any) -> Iterator[bytes]:
        while chunk := self.read(amt):
            yield chunk


class _ActiveRouter:
    """The request router of the Cloud that is entered now."""

    router: RequestRouter | None = None


@contextmanager
def route_to(router: RequestRouter) -> Iterator[None]:
    """Send the session's requests to this router."""
    _ActiveRouter.router = router
    try:
        yield
    finally:
        _ActiveRouter.router = None


def _before_send(request: AWSPreparedRequest, **kwargs: Any) -> AWSResponse:
    if _ActiveRouter.router is None:
        raise RuntimeError("A client of the AWS simulator was used, but no Cloud is entered.")
    arguments = Request.of_url(request.method, request.url, request.headers, request.body)
    try:
        answer = _ActiveRouter.router.handle(arguments)
    except LostConnection as lost:
        kind = ReadTimeoutError if lost.timed_out else ConnectionClosedError
        raise kind(endpoint_url=request.url) from lost
    return AWSResponse(request.url, answer.status, answer.headers, _RawResponse(answer.body))


@cache
def _cache_user_agent() -> None:
    """Once per process: botocore sanitizes the same words for each request, character by character."""
    useragent.sanitize_user_agent_string_component = cache(useragent.sanitize_user_agent_string_component)


@cache
def session(region: str) -> boto3.Session:
    """The boto3 session of a region; one per process, because creating clients is slow."""
    _cache_user_agent()
    with environment(region):
        core = botocore.session.Session()
        core.set_credentials("testing", "testing")
        core.set_config_variable("region", region)
        core.register("before-send", _before_send)
        return boto3.Session(botocore_session=core)


@cache
def client(service: str, region: str) -> Any:
    """A client for the calls that AWS itself makes."""
    return session(region).client(service)


def child_environment(region: str, url: str = "") -> dict[str, str]:
    """The environment variables with which a process reaches the AWS simulator, and nothing else of AWS."""
    variables = {
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    return {**variables, "AWS_ENDPOINT_URL": url} if url else variables


@contextmanager
def environment(region: str, more: Mapping[str, str] | None = None) -> Iterator[None]:
    """Replace the user's AWS variables: no profile, no real credentials, no endpoint."""
    saved = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_")}
    ours = {**child_environment(region), **(more or {})}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(saved)


@contextmanager
def without_retry_delays() -> Iterator[None]:
    """Let botocore retry at once: it would sleep in real time, not in simulated time."""
    real = botocore.endpoint.time
    botocore.endpoint.time = SimpleNamespace(sleep=lambda seconds: None)
    try:
        yield
    finally:
        botocore.endpoint.time = real

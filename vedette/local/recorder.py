"""A record of all calls to AWS: the caller, the names and ARNs in the request, and the result. No bodies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, unquote

from vedette.local.http_messages import Request, Response
from vedette.local.operations import Operation

NAMING_SUFFIXES = ("Name", "Names", "Arn", "Url", "Uri", "Id", "Bucket", "Prefix", "InstanceType", "Status", "Type")
NAMING_KEYS = {"Key", "CopySource", "Source", "DetailType", "EventBusName", "Namespace", "Qualifier"}

# The caller: the short name of a function in this process, or "aws" for the AWS simulator's own calls.
AWS = "aws"
caller: ContextVar[str | None] = ContextVar("caller", default=None)


_running: list[str] = []


@contextmanager
def calling_as(name: str) -> Iterator[None]:
    """Attribute the calls in this context to a function, or to AWS itself."""
    token = caller.set(name)
    if name != AWS:
        _running.append(name)
    try:
        yield
    finally:
        caller.reset(token)
        if name != AWS:
            _running.remove(name)


def calling_function() -> str | None:
    """The calling function. In a thread that a function started, it is known only if a single function runs."""
    return caller.get() or (_running[0] if len(set(_running)) == 1 else None)


@dataclass
class Call:
    """One attempt of one call; each retry by botocore is a separate call."""

    number: int
    service: str
    operation: str
    parameters: dict[str, str]
    time: datetime
    function: str | None
    error: str | None = None
    status: int | None = None
    seconds: float = 0.0
    fault: str | None = None

    @property
    def name(self) -> str:
        """`service:Operation`, the format of IAM actions."""
        return f"{self.service}:{self.operation}"


@dataclass
class Recorder:
    """All calls, in order of arrival."""

    calls: list[Call] = field(default_factory=list)

    def names(self, function: str | None = None) -> list[str]:
        """The calls as `service:Operation`, of one function or of all."""
        return [call.name for call in self.calls if function is None or call.function == function]

    def of(self, operation: str) -> list[Call]:
        """The calls of one operation."""
        return [call for call in self.calls if call.operation == operation]

    def clear(self) -> None:
        """Delete all recorded calls."""
        self.calls.clear()


def naming_parameters(request: Request, operation: Operation) -> dict[str, str]:
    """The parameters that name resources, which an IAM policy could refer to."""
    found = {name: unquote(value) for name, value in operation.path_parameters.items()}
    if operation.protocol in {"rest-xml", "rest-json"}:
        found.update({name: value for name, value in request.query.items() if name == "prefix"})
        if "x-amz-copy-source" in request.headers:
            found["CopySource"] = unquote(request.headers["x-amz-copy-source"])
        return found
    if operation.protocol == "query":
        body: dict[str, object] = dict(parse_qsl(request.body.decode(errors="replace")))
    else:
        try:
            body = json.loads(request.body or b"{}")
        except ValueError:
            return found
    _collect(body, found)
    return found


def _collect(body: object, found: dict[str, str]) -> None:
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        if isinstance(value, str) and (name.endswith(NAMING_SUFFIXES) or name in NAMING_KEYS):
            found.setdefault(name, value[:2048])
        elif name == "Entries" and isinstance(value, list):
            for entry in value:
                _collect(entry, found)
        elif name in {"Key", "Item"} and isinstance(value, dict):  # DynamoDB: the key attributes alone
            found.update({key: next(iter(value[key].values()), "") for key in ("pk", "sk") if key in value})


def error_code(response: Response) -> str | None:
    """The error code of a response in any protocol; None if it is not an error."""
    if response.status < 400:
        return None
    header = next((value for name, value in response.headers.items() if name.lower() == "x-amzn-errortype"), "")
    if header:
        return header.partition(":")[0].rpartition("#")[2]
    text = response.body.decode(errors="replace")
    if "<Code>" in text:
        return text.partition("<Code>")[2].partition("</Code>")[0]
    try:
        answer = json.loads(text)
    except ValueError:
        return str(response.status)
    code = answer.get("__type") or answer.get("Code") if isinstance(answer, dict) else None
    return str(code).rpartition("#")[2] if code else str(response.status)

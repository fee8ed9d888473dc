"""What `vedette local` answers itself: the pages of the inbox, and the requests of `vedette local ...`.

| request                              | answer                                                                     |
|--------------------------------------|----------------------------------------------------------------------------|
| GET / without a signature            | the inbox, as a page                                                       |
| GET /_vedette/mails/3                | a mail, as a page                                                          |
| GET /_vedette/reports/monitoring/... | the page of a report, from the stage's bucket                              |
| GET /_vedette/mails                  | all mails, as JSON                                                         |
| GET /_vedette/clock                  | the simulated time                                                         |
| GET /_vedette/env                    | the variables that lead clients here                                       |
| POST /_vedette/turn                  | advance the time by `seconds`                                              |
| POST /_vedette/send                  | send `rows` of `traffic` to `endpoint`                                     |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from vedette.local.http_messages import Request, Response
from vedette.operations.aws import message
from vedette.playground import inbox
from vedette.playground.account import Account, Traffic
from vedette.playground.client import PREFIX

if TYPE_CHECKING:
    from vedette.playground.world import World

MAX_TURN = timedelta(hours=1)  # in one request, because others wait for it; `vedette local turn 3d` makes many
MAX_ROWS = 10_000
PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class RefusedRequest(Exception):
    """A request that cannot be fulfilled: the reason, and the HTTP status."""

    def __init__(self, reason: str, status: int = 400):
        super().__init__(reason)
        self.status = status


def is_own(request: Request) -> bool:
    """Whether a request is for `vedette local` itself, and not for AWS."""
    return request.path.startswith(PREFIX) or (request.path == "/" and request.method == "GET" and not request.service)


def respond(world: World, request: Request) -> Response:
    """Answer such a request."""
    path = request.path.removeprefix(PREFIX)
    try:
        if request.method == "POST":
            return _json(_change(world, path, _arguments(request)))
        if request.method == "GET":
            return _shown(world.account, path)
    except RefusedRequest as refused:
        return text(refused.status, str(refused))
    return text(405, f"{request.method} is not supported here.")


def text(status: int, sentence: str) -> Response:
    """A response of one sentence."""
    return Response(status, {"Content-Type": "text/plain; charset=utf-8"}, f"{sentence}\n".encode())


def _shown(account: Account, path: str) -> Response:
    kind, _, rest = path.partition("/")
    mails = _mails(account)
    if path == "/":
        return _page(inbox.inbox(mails, account.cloud.clock.now()))
    if kind == "mails" and rest.isdecimal() and 0 < int(rest) <= len(mails):
        return _page(inbox.mail(mails, int(rest)))
    if kind == "reports":
        return _page(_report(account, unquote(rest)))
    if path == "mails":
        return _json(inbox.as_data(mails))
    if path == "clock":
        return _json({"now": account.cloud.clock.now().isoformat()})
    if path == "env":
        return _json(account.variables)
    raise RefusedRequest(f"There is no page {path}.", 404)


def _mails(account: Account) -> list[inbox.ShownMail]:
    return inbox.shown(account.cloud.mailbox.mails, account.bucket)


def _report(account: Account, key: str) -> bytes:
    """A page that the functions wrote: only these, because the bucket also has what clients sent."""
    uri = f"s3://{account.bucket}/{key}"
    content = account.cloud.read_below(uri).get(uri) if inbox.is_report(key) else None
    if content is None:
        raise RefusedRequest(f"There is no report {key}.", 404)
    return content


def _change(world: World, path: str, arguments: Mapping[str, Any]) -> Any:
    account = world.account
    before = len(account.cloud.mailbox.mails)
    found: dict[str, Any] = {}
    if path == "turn":
        world.turn(timedelta(seconds=_number(arguments, "seconds", 0, MAX_TURN.total_seconds())))
    elif path == "send":
        found["requests"] = _send(account, arguments)
    else:
        raise RefusedRequest(f"There is nothing to change at {path}.", 404)
    found["now"] = account.cloud.clock.now().isoformat()
    found["mails"] = inbox.as_data(_mails(account)[before:])
    return found


def _send(account: Account, arguments: Mapping[str, Any]) -> int:
    rows, endpoint = int(_number(arguments, "rows", 1, MAX_ROWS)), str(arguments.get("endpoint", ""))
    try:
        return account.send(Traffic(str(arguments.get("traffic"))), rows, endpoint)
    except ValueError as error:
        raise RefusedRequest(f"traffic is one of {', '.join(Traffic)}.") from error
    except ClientError as error:
        raise RefusedRequest(f"{endpoint}: {message(error)}") from error


def _number(arguments: Mapping[str, Any], name: str, least: float, most: float) -> float:
    value = arguments.get(name)
    if not isinstance(value, int | float) or not least <= value <= most:
        raise RefusedRequest(f"{name} is a number from {least:g} to {most:g}.")
    return float(value)


def _arguments(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(request.body)
    except ValueError as error:
        raise RefusedRequest("The body is not JSON.") from error
    if not isinstance(found, dict):
        raise RefusedRequest("The body is not an object.")
    return found


def _json(content: Any) -> Response:
    return Response(
        200, {"Content-Type": "application/json", "Cache-Control": "no-store"}, json.dumps(content).encode()
    )


def _page(content: bytes) -> Response:
    return Response(200, PAGE_HEADERS, content)

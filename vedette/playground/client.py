"""What `vedette` asks a running `vedette local`, from another terminal."""

from __future__ import annotations

import json
import os
import shlex
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from chalicelib.errors import VedetteError

PORT = 8477
PREFIX = "/_vedette/"  # a bucket's name has no underscore, so no request of S3 has this path
URL_VARIABLE = "VEDETTE_LOCAL"
# A profile would replace the credentials below, and a proxy cannot reach this machine's own address.
UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN")
_SECONDS = 300  # an hour of the account takes a second; on a loaded machine more


def url() -> str:
    """The address of the running server: that of the environment, or the default."""
    return os.environ.get(URL_VARIABLE, "") or f"http://127.0.0.1:{PORT}"


def ask(what: str, **arguments: Any) -> Any:
    """The answer of the server; arguments are sent as JSON, and may change the account.

    Raises
    ------
    VedetteError
        If no server answers, or it refuses, with its reason.
    """
    body = json.dumps(arguments).encode() if arguments else None
    request = urllib.request.Request(  # noqa: S310 - the address of our own server
        url() + PREFIX + what, body, {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise VedetteError(error.read().decode(errors="replace").strip()) from error
    except (OSError, ValueError) as error:
        raise VedetteError(
            f"No `vedette local` answers at {url()}. Start it in another terminal; if it has another port, say so in"
            f" {URL_VARIABLE}. To work without it, unset {URL_VARIABLE} and AWS_ENDPOINT_URL."
        ) from error


@contextmanager
def simulated_time() -> Iterator[None]:
    """Use the time of the account in this process, if the environment names a `vedette local`."""
    if not os.environ.get(URL_VARIABLE):
        yield
        return
    import time_machine

    with time_machine.travel(datetime.fromisoformat(ask("clock")["now"]), tick=True):
        yield


def exports(variables: Mapping[str, str]) -> list[str]:
    """Lines for a POSIX shell that lead `vedette`, boto3, the AWS CLI and the SageMaker SDK to the server.

    Examples
    --------
    >>> exports({"AWS_ENDPOINT_URL": "http://127.0.0.1:8477"})[1]
    'export AWS_ENDPOINT_URL=http://127.0.0.1:8477'
    """
    return [
        f"unset {' '.join(UNSET)}",
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
        'export NO_PROXY="127.0.0.1${NO_PROXY:+,$NO_PROXY}"',
    ]

r"""Proxy (WSGI) in front of any model server, which records each request that the model answers.

    MODEL=http://localhost:8080/invocations RECORDS=s3://my-bucket/records NAME=churn \
        gunicorn --threads 8 proxy:application

| the model answers            | the client gets             | recorded                                      |
|------------------------------|-----------------------------|-----------------------------------------------|
| with status 200              | the same answer             | yes                                           |
| with another status          | the same answer             | no                                            |
| not at all                   | 502                         | no                                            |

The client's header X-Inference-Id, if it sends one, joins the request to its label.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from functools import cache
from http import HTTPStatus
from http.client import responses
from typing import Any

from capture_writer import CaptureWriter

TIMEOUT_SECONDS = 60
UNKNOWN_TYPE = "application/octet-stream"
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


@cache
def writer() -> CaptureWriter:
    """The writer of this process, made at the first request."""
    return CaptureWriter(os.environ["RECORDS"], os.environ["NAME"])


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Pass a request on to the model, and record what it answers."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    content_type = environ.get("CONTENT_TYPE") or "text/csv"
    status, answer, answered_type = _ask(body, content_type, environ.get("HTTP_ACCEPT") or "*/*")
    if status == HTTPStatus.OK:
        inference_id = environ.get("HTTP_X_INFERENCE_ID", "")
        writer().record(body, answer, request_type=content_type, response_type=answered_type, inference_id=inference_id)
    headers = [("Content-Type", answered_type), ("Content-Length", str(len(answer)))]
    start_response(f"{status} {responses.get(status, '')}", headers)
    return [answer]


def _ask(body: bytes, content_type: str, accept: str) -> tuple[int, bytes, str]:
    """Status, body and content type of the model's answer."""
    headers = {"Content-Type": content_type, "Accept": accept}
    request = urllib.request.Request(os.environ["MODEL"], data=body, headers=headers, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - your own model server
            return answer.status, answer.read(), answer.headers.get("Content-Type", UNKNOWN_TYPE)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers.get("Content-Type", UNKNOWN_TYPE)
    except OSError:
        return HTTPStatus.BAD_GATEWAY, b"the model does not answer\n", "text/plain"

"""Error responses, in the format of each protocol of AWS."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from vedette.local.http_messages import Request, Response


class AwsError(Exception):
    """An error response of AWS: code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400, **fields: object):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields


class Crash(BaseException):
    """The calling process dies here. A BaseException, so that no handler can catch it and continue."""


class LostConnection(Exception):
    """The caller receives no response, although the call may have succeeded."""

    def __init__(self, timed_out: bool):
        super().__init__("timed out" if timed_out else "connection closed")
        self.timed_out = timed_out


def rendered(error: AwsError, request: Request, protocol: str) -> Response:
    """The error as an HTTP response of the request's service."""
    request_id = {"x-amzn-RequestId": "00000000-0000-0000-0000-000000000000"}
    if protocol == "rest-xml":
        return Response(error.status, {"Content-Type": "application/xml", **request_id}, _s3(error))
    if protocol == "query":
        return Response(error.status, {"Content-Type": "text/xml", **request_id}, _query(error))
    if protocol == "smithy-rpc-v2-cbor":
        headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor", **request_id}
        return Response(error.status, headers, _cbor({"__type": error.code, "message": error.message}))
    message_key = "message" if request.service in {"sagemaker", "sqs", "dynamodb", "events"} else "Message"
    body = {"__type": error.code, message_key: error.message, **error.fields}
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": error.code, **request_id}
    return Response(error.status, headers, json.dumps(body).encode())


def _s3(error: AwsError) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
    ).encode()


def _query(error: AwsError) -> bytes:
    kind = "Sender" if error.status < 500 else "Receiver"
    return (
        f"<ErrorResponse><Error><Type>{kind}</Type><Code>{error.code}</Code>"
        f"<Message>{escape(error.message)}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
    ).encode()


def _cbor(texts: dict[str, str]) -> bytes:
    """A CBOR map of short texts (RFC 8949: major type 5, then 3 with a two-byte length)."""

    def text(value: str) -> bytes:
        raw = value.encode()
        return b"\x79" + len(raw).to_bytes(2, "big") + raw

    return bytes([0xA0 + len(texts)]) + b"".join(text(key) + text(value) for key, value in texts.items())

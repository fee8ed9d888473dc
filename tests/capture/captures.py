"""Captured records for tests."""

import base64
import json
from typing import Any


def side(data: Any, encoding: str | None = "CSV", kind: str | None = "text/csv") -> dict[str, Any]:
    if encoding == "JSON" and not isinstance(data, str):
        data = json.dumps(data)
    return {"observedContentType": kind, "mode": "INPUT", "data": data, "encoding": encoding}


def base64_side(content: str | bytes, kind: str | None = "text/csv") -> dict[str, Any]:
    content = content.encode() if isinstance(content, str) else content
    return side(base64.b64encode(content).decode(), "BASE64", kind)


def record(
    given: dict[str, Any] | None = None, answer: dict[str, Any] | None = None, **metadata: Any
) -> dict[str, Any]:
    data = {"endpointInput": given, "endpointOutput": answer}
    return {
        "captureData": {key: value for key, value in data.items() if value is not None},
        "eventMetadata": {"eventId": "e-1", "inferenceTime": "2026-11-22T09:34:30Z", **metadata},
        "eventVersion": "0",
    }


def line(*arguments: Any, **metadata: Any) -> bytes:
    return json.dumps(record(*arguments, **metadata)).encode() + b"\n"

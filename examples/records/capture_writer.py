"""Writes records of requests in capture form, for models whose requests SageMaker does not capture.

It needs Python 3.11 and boto3, and nothing of Vedette: copy this file into your program.

    writer = CaptureWriter("s3://my-bucket/records", "churn")
    writer.record(request_body, response_body, request_type="text/csv", response_type="text/csv", inference_id="42")

| what happens                          | what the writer does                                                     |
|---------------------------------------|--------------------------------------------------------------------------|
| max_records, MAX_OBJECT_BYTES, or     | its thread writes one object; no request waits for S3                    |
| max_seconds since the last object     |                                                                          |
| S3 refuses, or cannot be reached      | a warning in the log; the records wait, and are written later under the  |
|                                       | same key, so that none counts twice                                      |
| more than MAX_WAITING_BYTES wait      | new records are lost, counted in `lost`, and logged as an error          |
| a line above MAX_LINE_BYTES           | the same: Vedette would reject it                                        |
| the program ends                      | what waits is written; what cannot be is logged as an error              |
| is_background is False (AWS Lambda)   | no thread: `flush` writes, and raises what S3 answers                    |

The form is that of SageMaker's data capture:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

from __future__ import annotations

import atexit
import base64
import json
import logging
import random
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3

CSV = frozenset({"text/csv"})
JSON = frozenset({"application/json", "application/jsonlines", "application/x-ndjson"})
MAX_OBJECT_BYTES = 4 << 20
MAX_WAITING_BYTES = 64 << 20
MAX_LINE_BYTES = 32 << 20
MAX_SECONDS = 240  # Vedette evaluates a window five minutes after its end
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Line:
    at: datetime  # in UTC
    event_id: str
    content: bytes


@dataclass(frozen=True)
class _Object:
    key: str
    content: bytes


class CaptureWriter:
    """Writes the records of one model; threads may share it.

    Parameters
    ----------
    place
        The S3 place that `vedette watch NAME --records PLACE` names.
    name, variant
        Letters, digits and hyphens, at most 63 of them: the name that Vedette watches, and the variant of the model.
    sampled_percentage
        How many of 100 requests are recorded, chosen at random.
    max_records, max_seconds
        When an object is written at the latest; `max_seconds` is at most MAX_SECONDS.
    is_background
        Whether a thread writes. AWS Lambda freezes threads between invocations: there, call `flush` in each invocation.
        https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    s3, choose
        The S3 client, and a function that returns a number in [0, 1).
    """

    def __init__(
        self,
        place: str,
        name: str,
        variant: str = "AllTraffic",
        *,
        sampled_percentage: float = 100,
        max_records: int = 1_000,
        max_seconds: float = 60,
        is_background: bool = True,
        s3: Any = None,
        choose: Callable[[], float] = random.random,
    ) -> None:
        if not 0 < max_seconds <= MAX_SECONDS:
            raise ValueError(f"max_seconds is {max_seconds}; it must be above 0, and at most {MAX_SECONDS}")
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        self.lost = 0  # records that will never be written
        self._bucket, self._root = bucket, f"{prefix.rstrip('/')}/{name}/{variant}".lstrip("/")
        self._share, self._choose = sampled_percentage / 100, choose
        self._max_records, self._max_seconds, self._is_background = max_records, max_seconds, is_background
        self._s3 = s3 or boto3.client("s3")
        self._lines: list[_Line] = []
        self._objects: deque[_Object] = deque()  # that wait to be written, the oldest first
        self._waiting_bytes = self._line_bytes = 0
        self._lock, self._write_lock = threading.Lock(), threading.Lock()
        self._wake, self._is_closed = threading.Event(), False
        self._thread: threading.Thread | None = None

    def record(
        self,
        request: bytes,
        response: bytes,
        *,
        request_type: str = "text/csv",
        response_type: str = "text/csv",
        inference_id: str = "",
        custom_attributes: Iterable[str] = (),
        event_id: str = "",
        at: datetime | None = None,
    ) -> bool:
        """Add one request and its response, unless it is not in the sample; False if it was not added.

        Record answers alone, not errors. The types are content types. `inference_id` joins the request to its label. If
        an event may come twice, give its `event_id` and the time `at` which it happened, with a zone: then the same
        object is written again, and counts once.
        """
        if self._choose() >= self._share:
            return False
        at, event_id = (at or datetime.now(UTC)).astimezone(UTC), event_id or str(uuid.uuid4())
        metadata = {"eventId": event_id, "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
        if inference_id:
            metadata["inferenceId"] = inference_id
        attributes = {"customAttributes": list(custom_attributes)} if custom_attributes else {}
        sides = {
            "endpointInput": _side("INPUT", request, request_type),
            "endpointOutput": _side("OUTPUT", response, response_type),
        }
        document = {"captureData": sides, "eventMetadata": {**metadata, **attributes}, "eventVersion": "0"}
        return self._add(_Line(at, event_id, json.dumps(document).encode() + b"\n"))

    def flush(self) -> None:
        """Write what waits, now.

        Raises
        ------
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            If S3 does not take an object. It waits for the next call, with those behind it.
        """
        with self._write_lock:
            with self._lock:
                self._begin_object()
            while self._objects:
                waiting = self._objects[0]
                self._s3.put_object(Bucket=self._bucket, Key=waiting.key, Body=waiting.content)
                with self._lock:
                    self._objects.popleft()
                    self._waiting_bytes -= len(waiting.content)

    def close(self) -> None:
        """End the thread and write what waits; raises as `flush`."""
        with self._lock:
            self._is_closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _add(self, line: _Line) -> bool:
        with self._lock:
            if self._is_closed:
                return self._lose("came after `close`")
            if len(line.content) > MAX_LINE_BYTES:
                return self._lose("is too long")
            if self._waiting_bytes + len(line.content) > MAX_WAITING_BYTES:
                return self._lose("finds no room, since S3 has not taken the earlier ones")
            self._lines.append(line)
            self._waiting_bytes += len(line.content)
            self._line_bytes += len(line.content)
            if len(self._lines) >= self._max_records or self._line_bytes >= MAX_OBJECT_BYTES:
                self._begin_object()
                self._wake.set()
            # At the first record, not before: a server may fork its workers until then.
            if self._thread is None and self._is_background:
                self._thread = threading.Thread(target=self._write_on, name="capture-writer", daemon=True)
                self._thread.start()
                atexit.register(self._end)
        return True

    def _begin_object(self) -> None:
        """Make an object of the lines; its key says when the first of them was."""
        if not self._lines:
            return
        first = self._lines[0]
        at = first.at
        name = f"{at:%M-%S}-{at.microsecond // 1000:03d}-{uuid.uuid5(uuid.NAMESPACE_OID, first.event_id)}.jsonl"
        content = b"".join(line.content for line in self._lines)
        self._objects.append(_Object(f"{self._root}/{at:%Y/%m/%d/%H}/{name}", content))
        self._lines, self._line_bytes = [], 0

    def _write_on(self) -> None:
        while not self._is_closed:
            self._wake.wait(self._max_seconds)
            self._wake.clear()
            try:
                self.flush()
            except Exception as error:  # noqa: BLE001 - whatever it is, the records wait, and the model goes on
                logger.warning("records wait, since S3 did not take them: %s", error)

    def _end(self) -> None:
        try:
            self.close()
        except Exception as error:  # noqa: BLE001 - the program ends
            logger.error("%d objects of records were not written: %s", len(self._objects), error)

    def _lose(self, why: str) -> bool:
        self.lost += 1
        if self.lost & (self.lost - 1) == 0:  # the 1st, 2nd, 4th, 8th ...: an outage must not flood the log
            logger.error("a record %s; %d are lost by now", why, self.lost)
        return False


def _side(mode: str, payload: bytes, content_type: str) -> dict[str, str]:
    """One payload; as SageMaker, text of known types as it is, and everything else in base64."""
    media_type = content_type.partition(";")[0].strip().lower()
    encoding = "CSV" if media_type in CSV else "JSON" if media_type in JSON else "BASE64"
    try:
        data = payload.decode() if encoding != "BASE64" else ""
    except UnicodeDecodeError:
        encoding = "BASE64"
    if encoding == "BASE64":
        data = base64.b64encode(payload).decode()
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}

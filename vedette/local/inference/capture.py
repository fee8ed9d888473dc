"""Data capture: the files that an endpoint writes to S3 about its requests.

Key: `{DestinationS3Uri}/{endpoint}/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-<uuid>.jsonl`: the hour of the invocation in UTC,
the name from the beginning of the file; a file takes a minute
(aws-behaviour: capture-key, capture-delay, capture-record).
Encoding: without header lists everything is BASE64; with them the media types are compared without parameters
(aws-behaviour: capture-encoding).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from vedette.local.clock import Clock
from vedette.local.ids import Ids
from vedette.local.inference.predictors import media_type

FILE_LENGTH = timedelta(minutes=1)

Config = dict[str, Any]


@dataclass(frozen=True)
class Exchange:
    """One request and its response."""

    request: bytes
    request_type: str
    answer: bytes
    answer_type: str | None  # None for an error (aws-behaviour: capture-of-errors)
    inference_id: str | None
    custom_attributes: str | None


@dataclass
class _File:
    destination: str
    endpoint: str
    variant: str
    begun: datetime
    lines: list[str] = field(default_factory=list)


class Capture:
    """Collects records per variant, and delivers them as files after a delay."""

    def __init__(self, clock: Clock, ids: Ids, deliver: Callable[[str, bytes], None]):
        self._clock, self._ids, self._deliver = clock, ids, deliver
        self.delay = timedelta(minutes=2)
        self.lost = False  # requests are answered, but not captured (aws-behaviour: capture-stops-silently)
        self._open: dict[tuple[str, str, str], _File] = {}
        self._closed: list[_File] = []

    def record(self, config: Config, endpoint: str, variant: str, exchange: Exchange) -> None:
        """Capture one exchange, if it is sampled."""
        if (
            self.lost
            or not config.get("EnableCapture")
            or self._ids.fraction() * 100 >= config["InitialSamplingPercentage"]
        ):
            return
        line = json.dumps(self._content(config, exchange), separators=(",", ":"), ensure_ascii=False)
        self._file(config["DestinationS3Uri"], endpoint, variant).lines.append(line)

    @contextmanager
    def disturbed(self, *, delay: timedelta | None = None, lost: bool = False) -> Iterator[None]:
        """Capture the requests of this context in files of their own, which arrive later or never."""
        before = self.delay, self.lost
        self._close_files()
        self.delay, self.lost = delay or self.delay, lost
        try:
            yield
        finally:
            self._close_files()
            self.delay, self.lost = before

    def _close_files(self) -> None:
        """Begin new files with the next requests."""
        self._closed.extend(self._open.values())
        self._open.clear()

    def flush(self) -> int:
        """Deliver all files now; returns their number."""
        files = [*self._closed, *self._open.values()]
        for file in files:
            self._write(file)
        return len(files)

    def _file(self, destination: str, endpoint: str, variant: str) -> _File:
        now = self._clock.now()
        key = (destination, endpoint, variant)
        current = self._open.get(key)
        if current is not None and now < current.begun + FILE_LENGTH and now.hour == current.begun.hour:
            return current
        if current is not None:
            self._closed.append(current)
        begun = _File(destination, endpoint, variant, now)
        self._open[key] = begun
        self._clock.after(FILE_LENGTH + self.delay, lambda: self._write(begun))
        return begun

    def _write(self, file: _File) -> None:
        key = (file.destination, file.endpoint, file.variant)
        if self._open.get(key) is file:
            del self._open[key]
        elif file in self._closed:
            self._closed.remove(file)
        else:
            return  # delivered by flush
        milliseconds = file.begun.microsecond // 1000
        name = f"{file.begun:%M-%S}-{milliseconds:03d}-{self._ids.uuid()}.jsonl"
        uri = f"{file.destination}/{file.endpoint}/{file.variant}/{file.begun:%Y/%m/%d/%H}/{name}"
        self._deliver(uri, "".join(f"{line}\n" for line in file.lines).encode())

    def _content(self, config: Config, exchange: Exchange) -> dict[str, Any]:
        modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
        data: dict[str, Any] = {}
        if modes & {"Input", "InputAndOutput"}:
            data["endpointInput"] = _side(config, "INPUT", exchange.request, exchange.request_type)
        if modes & {"Output", "InputAndOutput"}:
            data["endpointOutput"] = _side(config, "OUTPUT", exchange.answer, exchange.answer_type)
        metadata: dict[str, Any] = {"eventId": self._ids.uuid()}
        if exchange.custom_attributes is not None:
            metadata["customAttributes"] = [exchange.custom_attributes]
        if exchange.inference_id is not None:
            metadata["inferenceId"] = exchange.inference_id
        metadata["inferenceTime"] = f"{self._clock.now():%Y-%m-%dT%H:%M:%SZ}"
        return {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}


def _side(config: Config, mode: str, body: bytes, content_type: str | None) -> dict[str, Any]:
    encoding = encoding_of(config, content_type)
    data = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode()
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}


def encoding_of(config: Config, content_type: str | None) -> str:
    """CSV, JSON or BASE64.

    Examples
    --------
    >>> listed = {"CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]}}
    >>> encoding_of(listed, "text/csv; charset=utf-8"), encoding_of(listed, "application/json")
    ('CSV', 'BASE64')
    >>> encoding_of({}, "text/csv")
    'BASE64'
    """
    headers = config.get("CaptureContentTypeHeader", {})
    kind = media_type(content_type or "")
    for encoding, name in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        if kind in {media_type(listed) for listed in headers.get(name, ())}:
            return encoding
    return "BASE64"

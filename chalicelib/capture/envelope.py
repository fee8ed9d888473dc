"""A line of a capture object, or a block of lines -> envelopes: metadata, and the two payloads not yet decoded.

Only the fields that are used are decoded. Unknown fields are skipped, and metadata of an unexpected form does not
reject the record (in real files `inferenceTime` can be a template without its value).
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import msgspec
import numpy as np

from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.errors import RejectedRecord

BYTE_ORDER_MARK = "\ufeff"  # some clients write it before their text
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII).fullmatch


class RequestKind(StrEnum):
    """How a captured request counts; only the rows of ROWS enter the statistics."""

    ROWS = "rows"
    ERROR = "error"  # an error response of the model
    PROBE = "probe"  # a golden request of Vedette
    TEST = "test"  # marked by the test_marker of the options
    SHADOW = "shadow"  # traffic of a shadow variant


def parse_time(text: str) -> datetime | None:
    """An ISO 8601 time with its zone, to the second or finer; None when the text is none."""
    if _TIME(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # the 31st of February
        return None


def media_type(content_type: str | None) -> str:
    """A content type in lower case without its parameters; "" when there is none."""
    return (content_type or "").partition(";")[0].strip().lower()


class Side(msgspec.Struct, frozen=True, gc=False):
    """One payload as it was captured."""

    data: str | None = None
    encoding: str | None = None
    observedContentType: str | None = None  # noqa: N815 (SageMaker's own key)

    @property
    def media_type(self) -> str:
        """The media type of the observed content type; "" when there is none."""
        return media_type(self.observedContentType)

    @property
    def bytes(self) -> int:
        """Size of the payload before it was encoded, in bytes; in base64 up to two bytes too many, for the padding."""
        size = len(self.data or "")
        return size * 3 // 4 if (self.encoding or "").upper() == "BASE64" else size


class _CaptureData(msgspec.Struct, frozen=True, gc=False):
    endpointInput: Side | None = None  # noqa: N815
    endpointOutput: Side | None = None  # noqa: N815
    batchTransformOutput: Side | None = None  # noqa: N815


class _Metadata(msgspec.Struct, frozen=True, gc=False):
    eventId: Any = None  # noqa: N815
    inferenceId: Any = None  # noqa: N815
    inferenceTime: Any = None  # noqa: N815
    customAttributes: Any = None  # noqa: N815
    invocationSource: Any = None  # noqa: N815


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """One captured request."""

    captureData: _CaptureData | None = None  # noqa: N815
    eventMetadata: _Metadata | None = None  # noqa: N815
    groundTruthData: Any = None  # noqa: N815

    @property
    def output(self) -> Side | None:
        """The model output."""
        return None if self.captureData is None else self.captureData.endpointOutput

    @property
    def batch_output(self) -> Side | None:
        """What a batch transform captures, the output or the whole merged row; None for an endpoint."""
        data = self.captureData
        return None if data is None or data.endpointOutput is not None else data.batchTransformOutput

    @property
    def input(self) -> Side | None:
        """The model input."""
        return None if self.captureData is None else self.captureData.endpointInput

    @property
    def inference_time(self) -> str:
        """The time of the request as it was captured; "" when it is absent or no text."""
        value = self.eventMetadata and self.eventMetadata.inferenceTime
        return value if isinstance(value, str) else ""

    @property
    def custom_attributes(self) -> tuple[str, ...]:
        """The caller's own attributes, documented as a list of strings."""
        value = self.eventMetadata and self.eventMetadata.customAttributes
        if isinstance(value, str):
            return (value,)
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

    def kind(self, options: CaptureOptions) -> RequestKind:
        """How the request counts as far as its metadata show: ROWS, SHADOW, PROBE or TEST.

        Model Monitor's container skips the traffic of shadow variants too.
        """
        if self.text("invocationSource") == "ShadowExperiment":
            return RequestKind.SHADOW
        for attribute in self.custom_attributes:
            if options.probe_marker in attribute:
                return RequestKind.PROBE
            if options.test_marker and options.test_marker in attribute:
                return RequestKind.TEST
        return RequestKind.ROWS

    def text(self, name: str) -> str:
        """A metadata field as text; "" when it is absent."""
        value = getattr(self.eventMetadata, name, None)
        return value if isinstance(value, str) else "" if value is None else str(value)


class PlainSide(msgspec.Struct, frozen=True, gc=False):
    """One payload of a PlainEnvelope."""

    data: str
    encoding: Literal["CSV", "JSON", "BASE64"]  # no object for each payload
    observedContentType: str | None = None  # noqa: N815


class _PlainData(msgspec.Struct, frozen=True, gc=False):
    endpointInput: PlainSide | None = None  # noqa: N815
    endpointOutput: PlainSide | None = None  # noqa: N815
    batchTransformOutput: None = None  # noqa: N815


class _PlainMetadata(msgspec.Struct, frozen=True, gc=False):
    inferenceTime: str | None = None  # noqa: N815
    customAttributes: None = None  # noqa: N815
    invocationSource: None = None  # noqa: N815


class PlainEnvelope(msgspec.Struct, frozen=True, gc=False):
    """A captured request of the common form, with all that its rows need: nothing else in it needs a check."""

    captureData: _PlainData  # noqa: N815
    eventMetadata: _PlainMetadata = _PlainMetadata()  # noqa: N815
    groundTruthData: None = None  # noqa: N815


Envelopes = list[PlainEnvelope] | list[Envelope]
_DECODE = msgspec.json.Decoder(Envelope).decode
_LINES = msgspec.json.Decoder(Envelope).decode_lines
_PLAIN_LINES = msgspec.json.Decoder(PlainEnvelope).decode_lines


def envelope(line: bytes) -> Envelope:
    """Decode one line.

    Raises
    ------
    RejectedRecord
        NOT_JSON, NOT_UTF8, TOO_DEEP, WRONG_SHAPE, BATCH_MANIFEST, NO_CAPTURE_DATA or GROUND_TRUTH_ONLY.

    Examples
    --------
    >>> read = envelope(b'{"captureData": {"endpointInput": {"data": "1,2", "encoding": "CSV"}}}')
    >>> read.input.data, read.output
    ('1,2', None)
    >>> envelope(b'[{"prefix": "s3://b/out/"}, "a.csv.out"]')
    Traceback (most recent call last):
    chalicelib.errors.RejectedRecord: batch transform manifest
    """
    try:
        decoded = _DECODE(line)
    except msgspec.ValidationError:
        raise RejectedRecord(_wrong_shape(line)) from None
    except UnicodeDecodeError:
        raise RejectedRecord(RejectionReason.NOT_UTF8) from None
    except msgspec.DecodeError:
        raise RejectedRecord(RejectionReason.NOT_JSON) from None
    except RecursionError:
        raise RejectedRecord(RejectionReason.TOO_DEEP) from None
    if decoded.output is None and decoded.input is None and decoded.batch_output is None:
        raise RejectedRecord(
            RejectionReason.GROUND_TRUTH_ONLY if decoded.groundTruthData else RejectionReason.NO_CAPTURE_DATA
        )
    return decoded


def envelopes(block: bytes) -> Envelopes | None:
    r"""Decode whole lines at once; None when any of them is not plainly one capture record.

    The result holds PlainEnvelopes when every line has the common form, which takes a third less time.

    msgspec would also take two records on one line, or one on two: so every line must begin with { and end with }
    (behind a }, no JSON value can go on with a {), and there must be as many records as lines.

    Examples
    --------
    >>> len(envelopes(b'{"captureData": {}}\n{"captureData": {}}\n'))
    2
    >>> envelopes(b'{"captureData": {}} {"captureData": {}}\n') is None, envelopes(b"oops") is None
    (True, True)
    >>> envelopes(b'{"captureData": {}, "unknown": "\xb3"}\n') is None  # no UTF-8
    True
    """
    block = block.removesuffix(b"\n")
    if not block.startswith(b"{") or not block.endswith(b"}"):
        return None
    content = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(content == ord("\n"))  # seven times as fast as bytes.count of b"}\n{"
    if not (content[ends - 1] == ord("}")).all() or not (content[ends + 1] == ord("{")).all():
        return None
    decoded: Envelopes
    try:
        if not block.isascii():
            block.decode()  # msgspec does not check the fields that a PlainEnvelope leaves out for UTF-8
        try:
            decoded = _PLAIN_LINES(block)
        except msgspec.ValidationError:
            decoded = _LINES(block)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return decoded if len(decoded) == len(ends) + 1 else None


def _wrong_shape(line: bytes) -> RejectionReason:
    """An array is what a batch transform captures: an object with the prefix, then file names, on one line or many."""
    line = line.strip()
    manifest = line == b"[" or (line.startswith(b"[") and b'"prefix"' in line)
    return RejectionReason.BATCH_MANIFEST if manifest else RejectionReason.WRONG_SHAPE

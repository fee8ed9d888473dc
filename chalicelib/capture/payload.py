"""One captured payload -> rows of text cells, whatever its encoding and content type.

| encoding      | content type                     | read as                                     |
|---------------|----------------------------------|---------------------------------------------|
| CSV           | any                              | CSV                                         |
| JSON          | any                              | JSON, else JSON lines                       |
| BASE64        | text/csv                         | UTF-8, CSV                                  |
| BASE64        | application/json, jsonlines, ... | UTF-8, JSON, else JSON lines                |
| BASE64        | null, text/plain, text/html, ... | UTF-8, JSON when it looks like it, else CSV |
| BASE64        | image/*, application/x-npy, ...  | its media type and size                     |
| null          | any                              | as BASE64 once decoded                      |
| anything else |                                  | rejected: UNKNOWN_ENCODING                  |

SageMaker encodes what is not listed in CaptureContentTypeHeader as BASE64, so good JSON served as text/html arrives
there (aws-behaviour: capture-content-type): after decoding, the content decides.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from chalicelib.capture.csv_reader import LAZY_PAYLOAD_CHARS, csv_rows
from chalicelib.capture.envelope import Side
from chalicelib.capture.flatten import CONTAINERS, cell_text, is_error, parse_json, rows_of, rows_of_chunks
from chalicelib.capture.json_chunks import JsonArrayChunks
from chalicelib.capture.lazy_rows import Row, SizedIterable
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.errors import RejectedRecord

_OPAQUE_PREFIXES = ("image/", "audio/", "video/", "multipart/")
_OPAQUE_TYPES = frozenset({"application/x-npy", "application/x-recordio-protobuf", "text/libsvm", "text/x-libsvm"})
_OPAQUE_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"\x93NUMPY")


class Payload(NamedTuple):
    """The rows of one side."""

    rows: Collection[Row]
    width: int  # cells of the widest row
    scalars: bool = False  # one list of scalars: n rows of one column, or one row of n columns
    error: bool = False  # an error response instead of predictions


class OpaquePayload(NamedTuple):
    """One side that is not tabular: an image or other binary, or markup."""

    media_type: str
    bytes: int


def payload(side: Side, *, header: bool = False) -> Payload | OpaquePayload:
    r"""Decode one side.

    Parameters
    ----------
    header
        Whether the first row of CSV holds the names of the columns.

    Raises
    ------
    RejectedRecord
        EMPTY_PAYLOAD, UNKNOWN_ENCODING, BAD_BASE64, NOT_UTF8, and the reasons of `csv_rows` and `parse_json`.

    Examples
    --------
    >>> payload(Side("1,,x\n", "CSV", "text/csv; charset=utf-8")).rows
    [(('', '', ''), ['1', None, 'x'])]
    >>> list(payload(Side("eyJzY29yZSI6IDAuNTB9", "BASE64", "text/html")).rows)
    [(('score',), ['0.5'])]
    >>> payload(Side("iVBORw0KGgo=", "BASE64", "image/png"))
    OpaquePayload(media_type='image/png', bytes=9)
    """
    if not side.data:
        raise RejectedRecord(RejectionReason.EMPTY_PAYLOAD)
    encoding = (side.encoding or "").upper()
    if encoding == "CSV":
        return _csv(side.data, header)
    if encoding == "JSON":
        return _json(side.data)
    if encoding not in ("", "BASE64"):
        raise RejectedRecord(RejectionReason.UNKNOWN_ENCODING)
    media_type = side.media_type
    text = _decoded(side.data, media_type) if encoding else side.data
    found = None if text is None else _by_content(text, media_type, header)
    return OpaquePayload(media_type, side.bytes) if found is None else found


def _decoded(data: str, media_type: str) -> str | None:
    """The text in base64; None when it is no text."""
    try:
        content = a2b_base64(data, strict_mode=True)
    except (Base64Error, ValueError):
        raise RejectedRecord(RejectionReason.BAD_BASE64) from None
    if media_type.startswith(_OPAQUE_PREFIXES) or media_type in _OPAQUE_TYPES or content.startswith(_OPAQUE_SIGNATURES):
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if media_type.startswith("text/") or "json" in media_type:
            raise RejectedRecord(RejectionReason.NOT_UTF8) from None
        return None


def _by_content(text: str, media_type: str, header: bool) -> Payload | None:
    """Rows by the media type, else by what the text looks like; None when it is markup or binary."""
    if not text:
        raise RejectedRecord(RejectionReason.EMPTY_PAYLOAD)
    if media_type == "text/csv":
        return _csv(text, header)
    if "json" in media_type or text.lstrip()[:1] in ("{", "["):
        return _json(text)
    if text.lstrip()[:1] == "<" or (not text.isprintable() and any(c < " " and c not in "\t\r\n" for c in text)):
        return None
    return _csv(text, header)


def _csv(text: str, header: bool) -> Payload:
    rows, width = csv_rows(text, header=header)
    return Payload(rows, width, scalars=len(rows) == 1 and width > 1)


def _json(text: str) -> Payload:
    rows, scalars, error = json_rows(text)
    width = max(len(names) for names, _ in rows)
    return Payload(SizedIterable(len(rows), partial(_text_rows, rows)), width, scalars, error)


def _text_rows(rows: Iterable[Row]) -> Iterator[Row]:
    for names, cells in rows:
        yield names, [cell_text(cell) for cell in cells]


def json_rows(text: str) -> tuple[Collection[Row], bool, bool]:
    """Read a payload of JSON or JSON lines.

    Returns
    -------
    The rows, whose cells are JSON's own values; whether they are one list of scalars; whether they are an error
    response.

    Raises
    ------
    RejectedRecord
        EMPTY_PAYLOAD, and the reasons of `parse_json`.
    """
    if len(text) > LAZY_PAYLOAD_CHARS:
        chunks = JsonArrayChunks.of(text)
        if chunks is not None and chunks.container in ("", *CONTAINERS):
            return rows_of_chunks(chunks), False, False
    try:
        documents = [parse_json(text)]
    except RejectedRecord as rejected:
        if rejected.reason is not RejectionReason.PAYLOAD_NOT_JSON or "\n" not in text.strip():
            raise
        documents = [parse_json(line) for line in text.split("\n") if line.strip()]
    rows, scalars = rows_of(documents[0])
    if len(documents) > 1:
        rows, scalars = [row for document in documents for row in rows_of(document)[0]], False
    if not rows:
        raise RejectedRecord(RejectionReason.EMPTY_PAYLOAD)
    return rows, scalars, all(map(is_error, documents))

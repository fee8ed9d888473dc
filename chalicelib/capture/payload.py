"""One captured payload -> rows of text cells, whatever its encoding and content type.

| encoding      | content type                     | read as                                     |
|---------------|----------------------------------|---------------------------------------------|
| CSV           | any                              | CSV                                         |
| JSON          | any                              | JSON, else JSON lines                       |
| BASE64        | text/csv                         | UTF-8, CSV                                  |
| BASE64        | application/json, jsonlines, ... | UTF-8, JSON, else JSON lines                |
| BASE64        | null, text/plain, text/html, ... | UTF-8, JSON when it looks like it, else CSV |
| BASE64        | image/*, application/x-npy, ...  | nothing: `payload is not tabular`           |
| null          | any                              | as BASE64 once decoded                      |
| anything else |                                  | nothing: `unknown encoding`                 |

SageMaker encodes what is not listed in CaptureContentTypeHeader as BASE64, so good JSON served as text/html arrives
there (sagemaker-python-sdk issue 2629): after decoding, the content decides.
"""

from __future__ import annotations

import csv
import io
from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import NamedTuple

from chalicelib.capture import reasons
from chalicelib.capture.envelope import Side
from chalicelib.capture.flatten import Row, document, is_error, rows_of, unnamed
from chalicelib.errors import Refused

# The csv module's own limit is 131,072 characters a cell, for the whole process; lines are bounded before that.
csv.field_size_limit(1 << 30)

_NOT_TABULAR = ("image/", "audio/", "video/", "multipart/")
_NOT_TABULAR_TYPES = frozenset({"application/x-npy", "application/x-recordio-protobuf", "text/libsvm", "text/x-libsvm"})


class Payload(NamedTuple):
    """The rows of one side."""

    rows: list[Row]
    scalars: bool = False  # one list of scalars: n rows of one column, or one row of n columns
    error: bool = False  # an error response instead of an answer


def payload(side: Side) -> Payload:
    r"""Decode one side.

    Raises
    ------
    Refused
        With a word of `reasons`.

    Examples
    --------
    >>> payload(Side("1,,x\n", "CSV", "text/csv; charset=utf-8")).rows
    [(('', '', ''), ['1', None, 'x'])]
    >>> payload(Side("eyJzY29yZSI6IDAuNTB9", "BASE64", "text/html")).rows
    [(('score',), ['0.50'])]
    """
    data = side.data
    if not data:
        raise Refused(reasons.EMPTY_PAYLOAD)
    encoding = side.encoding
    if encoding == "CSV":
        return _csv(data)
    if encoding == "JSON":
        return _json(data)
    kind = (side.observedContentType or "").partition(";")[0].strip().lower()
    if encoding is None or encoding == "":
        return _sniffed(data, kind)
    match encoding.upper():
        case "BASE64":
            return _sniffed(_decoded(data, kind), kind)
        case "CSV":
            return _csv(data)
        case "JSON":
            return _json(data)
    raise Refused(reasons.UNKNOWN_ENCODING)


def _decoded(data: str, kind: str) -> str:
    try:
        content = a2b_base64(data, strict_mode=True)
    except (Base64Error, ValueError):
        raise Refused(reasons.BAD_BASE64) from None
    if kind.startswith(_NOT_TABULAR) or kind in _NOT_TABULAR_TYPES:
        raise Refused(reasons.NOT_TABULAR)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(reasons.NOT_UTF8 if kind.startswith("text/") or "json" in kind else reasons.NOT_TABULAR) from None


def _sniffed(text: str, kind: str) -> Payload:
    if not text:
        raise Refused(reasons.EMPTY_PAYLOAD)
    if kind == "text/csv":
        return _csv(text)
    if "json" in kind or text.lstrip()[:1] in ("{", "["):
        return _json(text)
    if text.lstrip()[:1] == "<" or (not text.isprintable() and any(c < " " and c not in "\t\r\n" for c in text)):
        raise Refused(reasons.NOT_TABULAR)
    return _csv(text)


def _csv(text: str) -> Payload:
    """CSV rows; each payload is a document of its own, so that an open quote never swallows the next one.

    The line end at the end begins no row. A blank line is a missing cell in a payload of one column, and nothing in a
    wider one.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if text.endswith("\n"):
        text = text[:-1]
    if not text:
        raise Refused(reasons.EMPTY_PAYLOAD)
    if '"' in text:
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error:
            raise Refused(reasons.PAYLOAD_NOT_CSV) from None
    elif "\n" in text:
        rows = [line.split(",") if line else [] for line in text.split("\n")]
    else:
        cells: list[str | None] = [cell or None for cell in text.split(",")]
        return Payload([(unnamed(len(cells)), cells)], len(cells) > 1)
    if max(map(len, rows)) > 1:
        rows = [row for row in rows if row]
    found: list[Row] = [(unnamed(len(row) or 1), [cell or None for cell in row] or [None]) for row in rows]
    return Payload(found, len(found) == 1 and len(found[0][1]) > 1)


def _json(text: str) -> Payload:
    try:
        parsed = document(text)
    except Refused as refused:
        # one line cannot be JSON lines
        if str(refused) != reasons.PAYLOAD_NOT_JSON or "\n" not in text.strip():
            raise
        return _json_lines(text)
    rows, scalars = rows_of(parsed)
    if not rows:
        raise Refused(reasons.EMPTY_PAYLOAD)
    return Payload(rows, scalars, is_error(parsed))


def _json_lines(text: str) -> Payload:
    documents = [document(line) for line in text.split("\n") if line.strip()]
    rows = [row for parsed in documents for row in rows_of(parsed)[0]]
    if not rows:
        raise Refused(reasons.EMPTY_PAYLOAD)
    return Payload(rows, error=all(map(is_error, documents)))

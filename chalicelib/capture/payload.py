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
there (aws-behaviour: capture-content-type): after decoding, the content decides.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from chalicelib.capture.csv_reader import LAZY_PAYLOAD_CHARS, csv_rows
from chalicelib.capture.envelope import Side
from chalicelib.capture.flatten import CONTAINERS, Row, cell_text, is_error, parse_json, rows_of, rows_of_pieces
from chalicelib.capture.json_chunks import JsonArrayChunks
from chalicelib.capture.lazy_rows import SizedIterable
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.errors import RejectedRecord

_NOT_TABULAR = ("image/", "audio/", "video/", "multipart/")
_NOT_TABULAR_TYPES = frozenset({"application/x-npy", "application/x-recordio-protobuf", "text/libsvm", "text/x-libsvm"})


_MAGICS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"\x93NUMPY")


class Payload(NamedTuple):
    """The rows of one side."""

    rows: Collection[Row]
    width: int  # cells of the widest row
    scalars: bool = False  # one list of scalars: n rows of one column, or one row of n columns
    error: bool = False  # an error response instead of an answer


def payload(side: Side, *, header: bool = False) -> Payload:
    r"""Decode one side; `header` says that the first row of CSV gives the names.

    Raises
    ------
    RejectedRecord
        With a word of `reasons`.

    Examples
    --------
    >>> payload(Side("1,,x\n", "CSV", "text/csv; charset=utf-8")).rows
    [(('', '', ''), ['1', None, 'x'])]
    >>> list(payload(Side("eyJzY29yZSI6IDAuNTB9", "BASE64", "text/html")).rows)
    [(('score',), ['0.5'])]
    """
    data = side.data
    if not data:
        raise RejectedRecord(RejectionReason.EMPTY_PAYLOAD)
    encoding = (side.encoding or "").upper()
    if encoding == "CSV":
        return _csv(data, header)
    if encoding == "JSON":
        return _json(data)
    if not encoding:
        return _sniffed(data, side.media_type, header)
    if encoding == "BASE64":
        return _sniffed(_decoded(data, side.media_type), side.media_type, header)
    raise RejectedRecord(RejectionReason.UNKNOWN_ENCODING)


def _decoded(data: str, kind: str) -> str:
    try:
        content = a2b_base64(data, strict_mode=True)
    except (Base64Error, ValueError):
        raise RejectedRecord(RejectionReason.BAD_BASE64) from None
    if kind.startswith(_NOT_TABULAR) or kind in _NOT_TABULAR_TYPES or content.startswith(_MAGICS):
        raise RejectedRecord(RejectionReason.NOT_TABULAR)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RejectedRecord(
            RejectionReason.NOT_UTF8 if kind.startswith("text/") or "json" in kind else RejectionReason.NOT_TABULAR
        ) from None


def _sniffed(text: str, kind: str, header: bool) -> Payload:
    if not text:
        raise RejectedRecord(RejectionReason.EMPTY_PAYLOAD)
    if kind == "text/csv":
        return _csv(text, header)
    if "json" in kind or text.lstrip()[:1] in ("{", "["):
        return _json(text)
    if text.lstrip()[:1] == "<" or (not text.isprintable() and any(c < " " and c not in "\t\r\n" for c in text)):
        raise RejectedRecord(RejectionReason.NOT_TABULAR)
    return _csv(text, header)


def _csv(text: str, header: bool) -> Payload:
    rows, width = csv_rows(text, header=header)
    return Payload(rows, width, scalars=len(rows) == 1 and width > 1)


def _json(text: str) -> Payload:
    rows, scalars, error = json_rows(text)
    width = max(len(names) for names, _ in rows)
    return Payload(SizedIterable(len(rows), lambda: _texts(rows)), width, scalars, error)


def _texts(rows: Iterable[Row]) -> Iterator[Row]:
    return ((names, [cell_text(cell) for cell in cells]) for names, cells in rows)


def json_rows(text: str) -> tuple[Collection[Row], bool, bool]:
    """Rows of JSON or JSON lines with their cells as JSON's own values; whether they are scalars, or an error."""
    if (
        len(text) > LAZY_PAYLOAD_CHARS
        and (pieces := JsonArrayChunks.of(text)) is not None
        and pieces.container in ("", *CONTAINERS)
    ):
        return rows_of_pieces(pieces), False, False
    try:
        parsed = parse_json(text)
    except RejectedRecord as rejected:
        # one line cannot be JSON lines
        if rejected.reason is not RejectionReason.PAYLOAD_NOT_JSON or "\n" not in text.strip():
            raise
        documents = [parse_json(line) for line in text.split("\n") if line.strip()]
        rows: Collection[Row] = [row for parsed in documents for row in rows_of(parsed)[0]]
        scalars = False
        error = all(map(is_error, documents))
    else:
        rows, scalars = rows_of(parsed)
        error = is_error(parsed)
    if not rows:
        raise RejectedRecord(RejectionReason.EMPTY_PAYLOAD)
    return rows, scalars, error

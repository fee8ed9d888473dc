"""One captured payload -> rows of text cells, whatever its encoding and content type.

| encoding      | content type                     | read as                                     |
|---------------|----------------------------------|---------------------------------------------|
| CSV           | any                              | CSV                                         |
| JSON          | any                              | JSON, else JSON lines                       |
| BASE64        | text/csv                         | UTF-8, CSV                                  |
| BASE64        | application/json, jsonlines, ... | UTF-8, JSON, else JSON lines                |
| BASE64        | null, text/plain, text/html, ... | UTF-8, JSON when it looks like it, else CSV |
| BASE64        | image/*, application/x-npy, ...  | its media type and size                     |
| BASE64        | text/event-stream                | rejected: EVENT_STREAM                      |
| null          | any                              | as BASE64 once decoded                      |
| anything else |                                  | rejected: UNKNOWN_ENCODING                  |

SageMaker encodes what is not listed in CaptureContentTypeHeader as BASE64, so good JSON served as text/html arrives
there (aws-behaviour: capture-content-type): after decoding, the content decides.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from chalicelib.capture.csv_reader import LAZY_PAYLOAD_CHARS, csv_rows
from chalicelib.capture.envelope import BYTE_ORDER_MARK, Side
from chalicelib.capture.json_chunks import JsonArrayChunks
from chalicelib.capture.json_tables import CONTAINERS, Reading, Rows, is_tensor, readings, rows_of_chunks
from chalicelib.capture.json_values import cell_text, is_error, parse_json
from chalicelib.capture.lazy_rows import Row, SizedIterable, blank_names
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.errors import RejectedRecord
from chalicelib.statistics.lexical import lexical_type

MERGED_OUTPUT = "SageMakerOutput"  # the key of the output in a batch transform's record of both
_OPAQUE_PREFIXES = ("image/", "audio/", "video/", "multipart/")
_OPAQUE_TYPES = frozenset({"application/x-npy", "application/x-recordio-protobuf", "text/libsvm", "text/x-libsvm"})
_OPAQUE_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"\x93NUMPY")


class Payload(NamedTuple):
    """The rows of one side, in every way in which it may be read."""

    readings: list[Reading]  # the likeliest first
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
        EMPTY_PAYLOAD, UNKNOWN_ENCODING, EVENT_STREAM, BAD_BASE64, NOT_UTF8, and the reasons of `csv_rows` and
        `parse_json`.

    Examples
    --------
    >>> payload(Side("1,,x\n", "CSV", "text/csv; charset=utf-8")).readings[0].make().rows
    [(('', '', ''), ['1', None, 'x'])]
    >>> list(payload(Side("eyJzY29yZSI6IDAuNTB9", "BASE64", "text/html")).readings[0].make().rows)
    [(('score',), ['0.5'])]
    >>> payload(Side("iVBORw0KGgo=", "BASE64", "image/png"))
    OpaquePayload(media_type='image/png', bytes=9)
    """
    decoded = _text_of(side)
    if decoded is None:
        return OpaquePayload(side.media_type, side.bytes)
    return _csv(decoded.text, header) if decoded.is_csv else _with_text_cells(json_payload(decoded.text))


def batch_payloads(side: Side) -> tuple[Payload | OpaquePayload, Payload | None]:
    r"""Decode what a batch transform captures: the output alone, or JSON that holds the output beside the input.

    Raises
    ------
    RejectedRecord
        As `payload`.

    Examples
    --------
    >>> merged = '{"instances": [{"a": 1}], "SageMakerOutput": {"predictions": [0.5]}}'
    >>> output, input_ = batch_payloads(Side(merged, "JSON"))
    >>> list(output.readings[0].make().rows), list(input_.readings[0].make().rows)
    ([(('',), ['0.5'])], [(('a',), ['1'])])
    """
    decoded = _text_of(side)
    documents = [] if decoded is None or decoded.is_csv else _documents(decoded.text)
    if not documents or not all(isinstance(one, dict) and MERGED_OUTPUT in one for one in documents):
        return payload(side), None
    outputs = [document.pop(MERGED_OUTPUT) for document in documents]
    return _with_text_cells(_of_documents(outputs)), _with_text_cells(_of_documents(documents))


class _Text(NamedTuple):
    """The text of a payload, which is not empty."""

    text: str
    is_csv: bool  # else JSON


def _text_of(side: Side) -> _Text | None:
    """The text of a side, and what it is; None when it is binary or markup."""
    data = (side.data or "").removeprefix(BYTE_ORDER_MARK)
    if not data:
        raise RejectedRecord(RejectionReason.EMPTY_PAYLOAD)
    encoding = (side.encoding or "").upper()
    if encoding in ("CSV", "JSON"):
        return _Text(data, encoding == "CSV")
    if encoding not in ("", "BASE64"):
        raise RejectedRecord(RejectionReason.UNKNOWN_ENCODING)
    media_type = side.media_type
    if media_type == "text/event-stream":
        raise RejectedRecord(RejectionReason.EVENT_STREAM)
    text = _from_base64(data, media_type) if encoding else data
    if text is None:
        return None
    if not text:
        raise RejectedRecord(RejectionReason.EMPTY_PAYLOAD)
    if media_type == "text/csv":
        return _Text(text, is_csv=True)
    if "json" in media_type or text.lstrip()[:1] in ("{", "["):
        return _Text(text, is_csv=False)
    binary = not text.isprintable() and any(c < " " and c not in "\t\r\n" for c in text)
    return None if binary or text.lstrip()[:1] == "<" else _Text(text, is_csv=True)


def _from_base64(data: str, media_type: str) -> str | None:
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


def _csv(text: str, header: bool) -> Payload:
    rows, width = csv_rows(text, header=header)
    found = Reading.of(rows)
    if len(rows) > 1 or width == 1:
        return Payload([found])
    # Several models answer many rows with one line `0.1,0.2,0.3`.
    ((_, cells),) = rows
    return Payload([found, Reading(width, lambda: Rows(SizedIterable(width, partial(_column_rows, cells))))])


def _column_rows(cells: list[str | None]) -> Iterator[Row]:
    for cell in cells:
        yield blank_names(1), [cell]


def has_header_row(side: Reading, other: Reading) -> bool:
    r"""Whether a side of CSV has one row more than the other, and that row are names.

    Examples
    --------
    >>> has_header_row(Reading.of(csv_rows("a,b\n1,x")[0]), Reading.of(csv_rows("0.5")[0]))
    True
    """
    if side.size != other.size + 1 or side.size < 2:
        return False
    (names, first), (_, second) = islice(side.make().rows, 2)
    kinds = [[cell is not None and lexical_type(str(cell)) for cell in row] for row in (first, second)]
    return not any(names) and set(kinds[0]) == {"string"} and not {"integral", "fractional"}.isdisjoint(kinds[1])


def _with_text_cells(found: Payload) -> Payload:
    return Payload([Reading(one.size, partial(_text_rows_of, one)) for one in found.readings], found.error)


def _text_rows_of(reading: Reading) -> Rows:
    rows, left_out = reading.make()
    return Rows(SizedIterable(len(rows), partial(_text_rows, rows)), left_out)


def _text_rows(rows: Iterable[Row]) -> Iterator[Row]:
    for names, cells in rows:
        yield names, [cell_text(cell) for cell in cells]


def json_payload(text: str) -> Payload:
    """Read a payload of JSON or JSON lines; its cells are JSON's own values.

    Raises
    ------
    RejectedRecord
        EMPTY_PAYLOAD, and the reasons of `parse_json`.
    """
    if len(text) > LAZY_PAYLOAD_CHARS:
        chunks = JsonArrayChunks.of(text)
        if chunks is not None and chunks.container in ("", *CONTAINERS) and not _is_of_tensors(chunks):
            return Payload([Reading.of(rows_of_chunks(chunks))])
    return _of_documents(_documents(text))


def _documents(text: str) -> list[Any]:
    """The one document of JSON, or those of JSON lines."""
    try:
        return [parse_json(text)]
    except RejectedRecord as rejected:
        if rejected.reason is not RejectionReason.PAYLOAD_NOT_JSON or "\n" not in text.strip():
            raise
        return [parse_json(line) for line in text.split("\n") if line.strip()]


def _of_documents(documents: list[Any]) -> Payload:
    found = readings(documents[0]) if len(documents) == 1 else [_of_lines(documents)]
    if not any(one.size for one in found):
        raise RejectedRecord(RejectionReason.EMPTY_PAYLOAD)
    return Payload(found, all(map(is_error, documents)))


def _is_of_tensors(chunks: JsonArrayChunks) -> bool:
    return chunks.container in ("inputs", "outputs") and is_tensor(parse_json(next(iter(chunks)))[0])


def _of_lines(documents: list[Any]) -> Reading:
    """JSON lines: the rows of one document after the other."""
    first = [readings(document)[0] for document in documents]

    def make() -> Rows:
        made = [one.make() for one in first]
        left_out = dict.fromkeys(key for one in made for key in one.left_out)
        return Rows([row for one in made for row in one.rows], tuple(left_out))

    return Reading(sum(one.size for one in first), make)

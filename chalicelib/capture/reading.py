"""Capture bytes -> captured requests with their rows, and the lines that had to be set aside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec

from chalicelib.capture import reasons
from chalicelib.capture.envelope import Envelope, Side, envelope
from chalicelib.capture.flatten import Row, unnamed
from chalicelib.capture.lines import lines
from chalicelib.capture.payload import Payload, payload
from chalicelib.errors import Refused

CapturedRow = tuple[int, tuple[str, ...], list[str | None]]  # how many outputs, names, cells: outputs first
Kind = Literal["rows", "error", "probe", "shadow"]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds, and how test traffic is known."""

    longest_line: int = 32 << 20  # two payloads of 6 MB, each a third more in base64, and escapes
    most_columns: int = 10_000
    most_layouts: int = 32  # of one object
    probe_marker: str = "vedette-probe"  # in customAttributes


DEFAULTS = Options()


class CapturedRequest(NamedTuple):
    """One captured request that could be read."""

    start: int
    end: int
    kind: Kind
    line: bytes
    envelope: Envelope
    rows: list[CapturedRow]
    opaque: int = 0  # sides that are images or other binary, and were left out


class RefusedLine(NamedTuple):
    """One line that could not be read: its byte range, the reason, and the bytes for a quarantine file."""

    start: int
    end: int
    reason: str
    line: bytes  # empty when it was longer than allowed


def captured_requests(chunks: Iterable[bytes], options: Options = DEFAULTS) -> Iterator[CapturedRequest | RefusedLine]:
    r"""Read a capture object line by line; nothing in it is fatal for the lines after it.

    Examples
    --------
    >>> line = b'{"captureData": {"endpointInput": {"data": "1,2", "encoding": "CSV"}}}'
    >>> [type(item).__name__ for item in captured_requests([line + b"\n{oops\n"])]
    ['CapturedRequest', 'RefusedLine']
    """
    first = True
    for start, end, line in lines(chunks, options.longest_line):
        if line is None:
            yield RefusedLine(start, end, reasons.LINE_TOO_LONG, b"")
            continue
        if first:
            first = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line or line.isspace():
            continue
        try:
            yield _request(start, end, line, options)
        except Refused as refused:
            yield RefusedLine(start, end, str(refused), line)


def _request(start: int, end: int, line: bytes, options: Options) -> CapturedRequest:
    read = envelope(line)
    if read.is_shadow:
        return CapturedRequest(start, end, "shadow", line, read, [])
    if any(options.probe_marker in attribute for attribute in read.custom_attributes):
        return CapturedRequest(start, end, "probe", line, read, [])
    output, opaque_output = _side(read.output, read.input is not None)
    if output is not None and output.error:
        return CapturedRequest(start, end, "error", line, read, [])
    given, opaque_input = _side(read.input, output is not None)
    rows = _paired(output, given)
    if max(len(cells) for _, _, cells in rows) > options.most_columns:
        raise Refused(reasons.TOO_MANY_COLUMNS)
    return CapturedRequest(start, end, "rows", line, read, rows, opaque_output + opaque_input)


def _side(side: Side | None, other: bool) -> tuple[Payload | None, int]:
    """A payload; (None, 1) when it is not tabular by nature and there is another side to read."""
    if side is None:
        return None, 0
    try:
        return payload(side), 0
    except Refused as refused:
        if other and str(refused) == reasons.NOT_TABULAR:
            return None, 1
        raise


def _paired(output: Payload | None, given: Payload | None) -> list[CapturedRow]:
    """Each row of the answer beside the row that it answers."""
    if output is None and given is None:
        raise Refused(reasons.NOT_TABULAR)
    if given is None:
        assert output is not None  # noqa: S101 (one of the two is there)
        return [(len(cells), names, cells) for names, cells in output.rows]
    if output is None:
        return [(0, names, cells) for names, cells in given.rows]
    outputs, inputs = output.rows, given.rows
    if len(outputs) != len(inputs):
        outputs = _turned(output, len(inputs))
    if len(outputs) != len(inputs):
        inputs = _turned(given, len(outputs))
    if len(outputs) != len(inputs):
        raise Refused(reasons.UNPAIRED)
    return [
        (len(cells), names + input_names, cells + input_cells)
        for (names, cells), (input_names, input_cells) in zip(outputs, inputs, strict=True)
    ]


def _turned(side: Payload, rows: int) -> list[Row]:
    """A list of scalars in the direction that the other side's number of rows calls for.

    Several models answer many rows with one line `0.1,0.2,0.3`, and a list of scalars may be one row or many.
    """
    if not side.scalars:
        return side.rows
    cells = [cell for _, row in side.rows for cell in row]
    if rows == len(cells):
        return [(unnamed(1), [cell]) for cell in cells]
    return [(unnamed(len(cells)), cells)] if rows == 1 else side.rows

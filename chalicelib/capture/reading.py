"""Capture bytes -> captured requests with their rows, and the lines that had to be set aside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec

from chalicelib.capture import reasons
from chalicelib.capture.anew import Anew
from chalicelib.capture.envelope import Envelope, Side, envelope
from chalicelib.capture.flatten import ROWS_AT_ONCE, unnamed
from chalicelib.capture.inflating import inflated
from chalicelib.capture.lines import lines
from chalicelib.capture.payload import Payload, payload
from chalicelib.errors import RejectedRecord

CapturedRow = tuple[int, tuple[str, ...], list[str | None]]  # how many outputs, names, cells: outputs first
Kind = Literal["rows", "error", "probe", "test", "shadow"]
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds, and what only a person can know of the traffic."""

    longest_line: int = 32 << 20  # two payloads of 6 MB, each a third more in base64, and escapes
    most_columns: int = 10_000
    most_layouts: int = 32  # of one object
    probe_marker: str = "vedette-probe"  # in customAttributes: golden requests
    test_marker: str = ""  # in customAttributes: other traffic that is no use of the model
    header: Literal["", "input", "output", "both"] = ""  # the sides whose CSV begins with a row of names


DEFAULTS = Options()


class CapturedRequest(NamedTuple):
    """One captured request that could be read."""

    start: int
    end: int
    kind: Kind
    line: bytes
    envelope: Envelope
    rows: Collection[CapturedRow]
    opaque: tuple[tuple[str, int], ...] = ()  # media type and bytes of sides that are images or other binary


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
    place = 0
    try:
        for start, end, line in lines(inflated(chunks), options.longest_line):
            place = end
            item = read_line(start, end, line, options)
            if item is not None:
                yield item
    except RejectedRecord as refused:  # what gzip held beyond this place
        yield RefusedLine(place, place, str(refused), b"")


def read_line(start: int, end: int, line: bytes | None, options: Options) -> CapturedRequest | RefusedLine | None:
    """Read one line; None when it is blank."""
    if line is None:
        return RefusedLine(start, end, reasons.LINE_TOO_LONG, b"")
    if not start:
        line = line.removeprefix(BYTE_ORDER_MARK)
    if not line or line.isspace():
        return None
    try:
        return _request(start, end, line, options)
    except RejectedRecord as refused:
        return RefusedLine(start, end, str(refused), line)


def kind_of(read: Envelope, options: Options) -> Kind:
    """Whether a request is one of those that are counted apart, as far as its metadata tell."""
    if read.is_shadow:
        return "shadow"
    for attribute in read.custom_attributes:
        if options.probe_marker in attribute:
            return "probe"
        if options.test_marker and options.test_marker in attribute:
            return "test"
    return "rows"


def _request(start: int, end: int, line: bytes, options: Options) -> CapturedRequest:
    read = envelope(line)
    kind = kind_of(read, options)
    if kind != "rows":
        return CapturedRequest(start, end, kind, line, read, [])
    opaque: list[tuple[str, int]] = []
    output = _side(read.output, opaque, header=options.header in ("output", "both"))
    if output is not None and output.error:
        return CapturedRequest(start, end, "error", line, read, [])
    given = _side(read.input, opaque, header=options.header in ("input", "both"))
    if output is not None and given is not None:
        output, given = _turned_to(output, given)
    if (output.width if output else 0) + (given.width if given else 0) > options.most_columns:
        raise RejectedRecord(reasons.TOO_MANY_COLUMNS)
    return CapturedRequest(start, end, "rows", line, read, _paired(output, given), tuple(opaque))


def _side(side: Side | None, opaque: list[tuple[str, int]], *, header: bool) -> Payload | None:
    """A payload; None when there is none, or when it is not tabular by nature, which is noted."""
    if side is None:
        return None
    try:
        return payload(side, header=header)
    except RejectedRecord as refused:
        if str(refused) != reasons.NOT_TABULAR:
            raise
        opaque.append((side.media_type, side.bytes))
        return None


def _paired(output: Payload | None, given: Payload | None) -> Collection[CapturedRow]:
    """Each row of the answer beside the row that it answers."""
    if output is None or given is None:
        rows = output.rows if output else given.rows if given else []
        return _each(len(rows), lambda: ((len(cells) if output else 0, names, cells) for names, cells in rows))
    outputs, inputs = output.rows, given.rows
    return _each(
        len(outputs),
        lambda: (
            (len(cells), names + input_names, cells + input_cells)
            for (names, cells), (input_names, input_cells) in zip(outputs, inputs, strict=True)
        ),
    )


def _each(count: int, make: Callable[[], Iterator[CapturedRow]]) -> Collection[CapturedRow]:
    return list(make()) if count <= ROWS_AT_ONCE else Anew(count, make)


def _turned_to(output: Payload, given: Payload) -> tuple[Payload, Payload]:
    """Both sides with as many rows, one of them turned where only the other one knows the direction."""
    if len(output.rows) != len(given.rows):
        output = _turned(output, len(given.rows))
    if len(output.rows) != len(given.rows):
        given = _turned(given, len(output.rows))
    if len(output.rows) != len(given.rows):
        raise RejectedRecord(reasons.UNPAIRED)
    return output, given


def _turned(side: Payload, rows: int) -> Payload:
    """A list of scalars in the direction that the other side's number of rows calls for.

    Several models answer many rows with one line `0.1,0.2,0.3`, and a list of scalars may be one row or many.
    """
    if not side.scalars:
        return side
    cells = [cell for _, row in side.rows for cell in row]
    if rows == len(cells):
        one = unnamed(1)
        return Payload(Anew(rows, lambda: ((one, [cell]) for cell in cells)), 1)
    return Payload([(unnamed(len(cells)), cells)], len(cells)) if rows == 1 else side

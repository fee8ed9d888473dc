"""Capture bytes -> captured requests with their rows, and the lines that had to be set aside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Literal, NamedTuple

from chalicelib.capture.envelope import Envelope, Side, envelope
from chalicelib.capture.flatten import MAX_EAGER_ROWS, blank_names
from chalicelib.capture.gzip_stream import decompress
from chalicelib.capture.lazy_rows import SizedIterable
from chalicelib.capture.lines import lines
from chalicelib.capture.options import DEFAULT_OPTIONS, CaptureOptions
from chalicelib.capture.payload import Payload, payload
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.errors import RejectedRecord

CapturedRow = tuple[int, tuple[str, ...], list[str | None]]  # how many outputs, names, cells: outputs first
Kind = Literal["rows", "error", "probe", "test", "shadow"]
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class CapturedRequest(NamedTuple):
    """One captured request that could be read."""

    start: int
    end: int
    kind: Kind
    line: bytes
    envelope: Envelope
    rows: Collection[CapturedRow]
    opaque: tuple[tuple[str, int], ...] = ()  # media type and bytes of sides that are images or other binary


class RejectedLine(NamedTuple):
    """One line that could not be read: its byte range, the reason, and the bytes for a quarantine file."""

    start: int
    end: int
    reason: RejectionReason
    line: bytes  # empty when it was longer than allowed


def captured_requests(
    chunks: Iterable[bytes], options: CaptureOptions = DEFAULT_OPTIONS
) -> Iterator[CapturedRequest | RejectedLine]:
    r"""Read a capture object line by line; nothing in it is fatal for the lines after it.

    Examples
    --------
    >>> line = b'{"captureData": {"endpointInput": {"data": "1,2", "encoding": "CSV"}}}'
    >>> [type(item).__name__ for item in captured_requests([line + b"\n{oops\n"])]
    ['CapturedRequest', 'RejectedLine']
    """
    place = 0
    try:
        for start, end, line in lines(decompress(chunks), options.max_line_bytes):
            place = end
            item = read_line(start, end, line, options)
            if item is not None:
                yield item
    except RejectedRecord as rejected:  # what gzip held beyond this place
        yield RejectedLine(place, place, rejected.reason, b"")


def read_line(
    start: int, end: int, line: bytes | None, options: CaptureOptions
) -> CapturedRequest | RejectedLine | None:
    """Read one line; None when it is blank."""
    if line is None:
        return RejectedLine(start, end, RejectionReason.LINE_TOO_LONG, b"")
    if not start:
        line = line.removeprefix(BYTE_ORDER_MARK)
    if not line or line.isspace():
        return None
    try:
        return _request(start, end, line, options)
    except RejectedRecord as rejected:
        return RejectedLine(start, end, rejected.reason, line)


def kind_of(read: Envelope, options: CaptureOptions) -> Kind:
    """Whether a request is one of those that are counted apart, as far as its metadata tell."""
    if read.is_shadow:
        return "shadow"
    for attribute in read.custom_attributes:
        if options.probe_marker in attribute:
            return "probe"
        if options.test_marker and options.test_marker in attribute:
            return "test"
    return "rows"


def _request(start: int, end: int, line: bytes, options: CaptureOptions) -> CapturedRequest:
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
        output, given = _align_row_counts(output, given)
    if (output.width if output else 0) + (given.width if given else 0) > options.max_columns:
        raise RejectedRecord(RejectionReason.TOO_MANY_COLUMNS)
    return CapturedRequest(start, end, "rows", line, read, _paired(output, given), tuple(opaque))


def _side(side: Side | None, opaque: list[tuple[str, int]], *, header: bool) -> Payload | None:
    """A payload; None when there is none, or when it is not tabular by nature, which is noted."""
    if side is None:
        return None
    try:
        return payload(side, header=header)
    except RejectedRecord as rejected:
        if rejected.reason is not RejectionReason.NOT_TABULAR:
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
    return list(make()) if count <= MAX_EAGER_ROWS else SizedIterable(count, make)


def _align_row_counts(output: Payload, given: Payload) -> tuple[Payload, Payload]:
    """Both sides with as many rows, one of them turned where only the other one knows the direction."""
    if len(output.rows) != len(given.rows):
        output = _transpose_scalars(output, len(given.rows))
    if len(output.rows) != len(given.rows):
        given = _transpose_scalars(given, len(output.rows))
    if len(output.rows) != len(given.rows):
        raise RejectedRecord(RejectionReason.UNPAIRED)
    return output, given


def _transpose_scalars(side: Payload, rows: int) -> Payload:
    """A list of scalars in the direction that the other side's number of rows calls for.

    Several models answer many rows with one line `0.1,0.2,0.3`, and a list of scalars may be one row or many.
    """
    if not side.scalars:
        return side
    cells = [cell for _, row in side.rows for cell in row]
    if rows == len(cells):
        one = blank_names(1)
        return Payload(SizedIterable(rows, lambda: ((one, [cell]) for cell in cells)), 1)
    return Payload([(blank_names(len(cells)), cells)], len(cells)) if rows == 1 else side

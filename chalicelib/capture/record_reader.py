"""The exact reader: one line -> one captured request with its rows, or the reason why the line is rejected."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import NamedTuple

from chalicelib.capture.batch_accumulator import BatchAccumulator
from chalicelib.capture.envelope import Envelope, RequestKind, Side, envelope
from chalicelib.capture.lazy_rows import MAX_EAGER_ROWS, Names, Row, SizedIterable, blank_names
from chalicelib.capture.lines import Block, split_lines
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.payload import OpaquePayload, Payload, payload
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.row_reader import ReadResult, RejectedLine
from chalicelib.errors import RejectedRecord

CapturedRow = tuple[int, Names, list[str | None]]  # how many outputs, names, cells: outputs first
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NO_COLUMNS: Iterable[Row] = repeat(((), []))


class CapturedRequest(NamedTuple):
    """One captured request that could be read."""

    start: int
    end: int
    kind: RequestKind
    line: bytes
    envelope: Envelope
    rows: Collection[CapturedRow] = ()
    opaque: tuple[OpaquePayload, ...] = ()


class RecordReader:
    """Reads line by line; see `row_reader`."""

    def __init__(self, options: CaptureOptions, batch: BatchAccumulator) -> None:
        self._options = options
        self._batch = batch

    def read(self, block: Block, positions: Sequence[int] | None = None) -> ReadResult:
        """Append the rows of the lines at these positions (None: of every line); nothing is left over."""
        result = ReadResult()
        if (positions is not None and not positions) or (block.data is not None and block.data.isspace()):
            return result
        lines = list(split_lines(block, self._options.max_line_bytes))
        for line in lines if positions is None else map(lines.__getitem__, positions):
            item = read_line(*line, self._options)
            if isinstance(item, CapturedRequest) and not self._append(item):
                item = RejectedLine(item.start, item.end, RejectionReason.TOO_MANY_LAYOUTS, item.line)
            if isinstance(item, RejectedLine):
                result.rejected.append(item)
            elif item is not None:
                _count(item, result)
        return result

    def _append(self, request: CapturedRequest) -> bool:
        """Append the rows of a request; False, and none is appended, when it brings one layout too many."""
        for outputs, names in {(outputs, names) for outputs, names, _ in request.rows}:
            if not self._batch.has_room_for(names[:outputs], names[outputs:]):
                return False
        for outputs, names, cells in request.rows:
            self._batch.append(names[:outputs], names[outputs:], cells[:outputs], cells[outputs:], "text")
        return True


def _count(request: CapturedRequest, result: ReadResult) -> None:
    result.requests[request.kind] += 1
    if request.kind is RequestKind.ROWS:
        result.ground_truth += request.envelope.groundTruthData is not None
        result.opaque += request.opaque
        result.inference_times.add(request.envelope.inference_time)


def read_line(
    start: int, end: int, line: bytes | None, options: CaptureOptions
) -> CapturedRequest | RejectedLine | None:
    """Read one line.

    Parameters
    ----------
    start, end
        Its byte range in the object.
    line
        Its bytes, or None when it is longer than allowed.

    Returns
    -------
    None when the line is blank.
    """
    if line is None:
        return RejectedLine(start, end, RejectionReason.LINE_TOO_LONG, b"")
    if not start:
        line = line.removeprefix(_BYTE_ORDER_MARK)
    if not line or line.isspace():
        return None
    try:
        return _request(start, end, line, options)
    except RejectedRecord as rejected:
        return RejectedLine(start, end, rejected.reason, line)
    except Exception:  # noqa: BLE001 - whoever calls an endpoint chooses its bytes, and none may make a function fail
        return RejectedLine(start, end, RejectionReason.UNEXPECTED, line)


def _request(start: int, end: int, line: bytes, options: CaptureOptions) -> CapturedRequest:
    read = envelope(line)
    kind = read.kind(options)
    if kind is not RequestKind.ROWS:
        return CapturedRequest(start, end, kind, line, read)
    opaque: list[OpaquePayload] = []
    output = _side(read.output, opaque, header=options.header in ("output", "both"))
    if output is not None and output.error:
        return CapturedRequest(start, end, RequestKind.ERROR, line, read)
    input_ = _side(read.input, opaque, header=options.header in ("input", "both"))
    if output is not None and input_ is not None:
        output, input_ = _align_row_counts(output, input_)
    if (output.width if output else 0) + (input_.width if input_ else 0) > options.max_columns:
        raise RejectedRecord(RejectionReason.TOO_MANY_COLUMNS)
    return CapturedRequest(start, end, kind, line, read, _rows(output, input_), tuple(opaque))


def _side(side: Side | None, opaque: list[OpaquePayload], *, header: bool) -> Payload | None:
    """The rows of a side; None when it is absent or opaque, which is noted."""
    found = None if side is None else payload(side, header=header)
    if isinstance(found, OpaquePayload):
        opaque.append(found)
        return None
    return found


def _rows(output: Payload | None, input_: Payload | None) -> Collection[CapturedRow]:
    """The rows of both sides, each output beside its input; a side that is absent has no columns."""
    sides = [side.rows for side in (output, input_) if side is not None]
    if not sides:
        return []
    make = partial(_paired_rows, sides[0] if output else _NO_COLUMNS, sides[-1] if input_ else _NO_COLUMNS)
    return list(make()) if len(sides[0]) <= MAX_EAGER_ROWS else SizedIterable(len(sides[0]), make)


def _paired_rows(outputs: Iterable[Row], inputs: Iterable[Row]) -> Iterator[CapturedRow]:
    for (names, cells), (input_names, input_cells) in zip(outputs, inputs, strict=False):
        yield len(cells), names + input_names, cells + input_cells


def _align_row_counts(output: Payload, input_: Payload) -> tuple[Payload, Payload]:
    """Both sides with equal numbers of rows; a list of scalars is transposed where the other side calls for it."""
    if len(output.rows) != len(input_.rows):
        output = _transpose_scalars(output, len(input_.rows))
    if len(output.rows) != len(input_.rows):
        input_ = _transpose_scalars(input_, len(output.rows))
    if len(output.rows) != len(input_.rows):
        raise RejectedRecord(RejectionReason.UNPAIRED)
    return output, input_


def _transpose_scalars(side: Payload, rows: int) -> Payload:
    """A list of scalars as one row or as one column, so that it has this number of rows; else the side unchanged.

    Several models answer many rows with one line `0.1,0.2,0.3`, and a list of scalars may be one row or many.
    """
    if not side.scalars:
        return side
    cells = [cell for _, row in side.rows for cell in row]
    if rows == len(cells):
        return Payload(SizedIterable(rows, partial(_column_rows, cells)), 1)
    return Payload([(blank_names(len(cells)), cells)], len(cells)) if rows == 1 else side


def _column_rows(cells: list[str | None]) -> Iterator[Row]:
    for cell in cells:
        yield blank_names(1), [cell]

"""The exact reader: one line -> one captured request with its rows, or the reason why the line is rejected."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import repeat
from typing import NamedTuple

from chalicelib.capture.batch_accumulator import BatchAccumulator
from chalicelib.capture.envelope import BYTE_ORDER_MARK, Envelope, RequestKind, envelope
from chalicelib.capture.json_tables import Rows, paired
from chalicelib.capture.lazy_rows import MAX_EAGER_ROWS, Row, SizedIterable
from chalicelib.capture.lines import Block, split_lines
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.payload import OpaquePayload, Payload, batch_payloads, has_header_row, payload
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.row_reader import ReadResult, RejectedLine
from chalicelib.errors import RejectedRecord

CapturedRow = tuple[Row, Row]  # its outputs and its inputs; a side that is absent has no columns
AnyPayload = Payload | OpaquePayload | None  # None: the side is absent
_NO_COLUMNS: Iterable[Row] = repeat(((), []))


class CapturedRequest(NamedTuple):
    """One captured request that could be read."""

    start: int
    end: int
    kind: RequestKind
    line: bytes
    envelope: Envelope
    rows: Collection[CapturedRow] = ()
    opaque: tuple[tuple[str, OpaquePayload], ...] = ()  # each with its side, "output" or "input"
    left_out: tuple[str, ...] = ()  # keys of what belongs to none of the rows


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
        for outputs, inputs in {(outputs, inputs) for (outputs, _), (inputs, _) in request.rows}:
            if not self._batch.has_room_for(outputs, inputs):
                return False
        for (outputs, output_cells), (inputs, input_cells) in request.rows:
            self._batch.append(outputs, inputs, output_cells, input_cells, "text")
        return True


def _count(request: CapturedRequest, result: ReadResult) -> None:
    result.requests[request.kind] += 1
    if request.kind is RequestKind.ROWS:
        result.ground_truth += request.envelope.groundTruthData is not None
        result.opaque += request.opaque
        result.left_out.update(request.left_out)
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
        line = line.removeprefix(BYTE_ORDER_MARK.encode())
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
    output, input_ = _sides(read, options)
    if isinstance(output, Payload) and output.error:
        return CapturedRequest(start, end, RequestKind.ERROR, line, read)
    outputs, inputs = _paired(output, input_)
    if _width(outputs) + _width(inputs) > options.max_columns:
        raise RejectedRecord(RejectionReason.TOO_MANY_COLUMNS)
    opaque = tuple(
        (side, one) for side, one in (("output", output), ("input", input_)) if isinstance(one, OpaquePayload)
    )
    left_out = (*outputs.left_out, *inputs.left_out)
    return CapturedRequest(start, end, kind, line, read, _rows(outputs.rows, inputs.rows), opaque, left_out)


def _sides(read: Envelope, options: CaptureOptions) -> tuple[AnyPayload, AnyPayload]:
    """The output and the input, each None when it is absent."""
    input_ = None if read.input is None else payload(read.input, header=options.header in ("input", "both"))
    if read.batch_output is not None:
        output, merged = batch_payloads(read.batch_output)
        return output, input_ or merged
    if read.output is None:
        return None, input_
    return payload(read.output, header=options.header in ("output", "both")), input_


def _paired(output: AnyPayload, input_: AnyPayload) -> tuple[Rows, Rows]:
    """The rows of both sides, as many in each; a side that is absent or opaque has none."""
    if not isinstance(output, Payload) or not isinstance(input_, Payload):
        return _alone(output), _alone(input_)
    pair = paired(output.readings, input_.readings)
    if pair is None:
        sides = output.readings[0], input_.readings[0]
        header = has_header_row(*sides) or has_header_row(*sides[::-1])
        raise RejectedRecord(RejectionReason.HEADER_ROW if header else RejectionReason.UNPAIRED)
    return pair[0].make(), pair[1].make()


def _alone(side: AnyPayload) -> Rows:
    return side.readings[0].make() if isinstance(side, Payload) else Rows(())


def _width(side: Rows) -> int:
    return max((len(names) for names, _ in side.rows), default=0)


def _rows(outputs: Collection[Row], inputs: Collection[Row]) -> Collection[CapturedRow]:
    """The rows of both sides, each output beside its input."""
    count = len(outputs) or len(inputs)
    if not count:
        return []
    pairs = partial(zip, outputs or _NO_COLUMNS, inputs or _NO_COLUMNS)
    return list(pairs()) if count <= MAX_EAGER_ROWS else SizedIterable(count, pairs)

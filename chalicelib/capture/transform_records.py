"""The capture records that an output object and its input object would be, a line each.

| rows of both objects                        | records                                                           |
|---------------------------------------------|-------------------------------------------------------------------|
| plain CSV, flat JSON records                | one of RECORD_ROWS rows: the readers of captures take many at once |
| anything else                               | one for each pair, so that its own reading is found                |
| an output line that answers a batch         | one for the line and its inputs                                    |
| an object that is one document              | one                                                                |

Memory is bounded by the longest line, or by MAX_DOCUMENT_BYTES.
"""

from __future__ import annotations

import base64
import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from chalicelib.capture.gzip_stream import decompress
from chalicelib.capture.lines import blocks
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.transform_job import RecordForm
from chalicelib.capture.transform_lines import RowCount, filtered, is_json, one_row, without_ids, without_input

RECORD_ROWS, RECORD_BYTES = 2_000, 1 << 17  # of one capture record
MAX_DOCUMENT_BYTES = 24 << 20  # of a side that is one JSON document: both fit a line of MAX_RECORD_BYTES, with escapes
MAX_RECORD_BYTES = 64 << 20
_Line = bytes | None  # None: longer than allowed
_NO_LINE = b"\0"  # compared by identity
_Scalar = str | int | float | bool | None
_FLAT = msgspec.json.Decoder(list[dict[str, _Scalar] | list[_Scalar]]).decode


class UnevenCounts(Exception):
    """The input has more rows than the output, or fewer."""


class _Batch(NamedTuple):
    """Outputs, and as many inputs."""

    inputs: list[bytes]
    outputs: list[bytes]


class CaptureRecords:
    """The capture records of an object, a line each; what is rejected before is counted here."""

    def __init__(
        self,
        output: Iterable[bytes],
        input_: Iterable[bytes],
        form: RecordForm,
        row_count: RowCount,
        options: CaptureOptions,
    ) -> None:
        self._output, self._input, self._form, self._row_count = output, input_, form, row_count
        self._options, self._path = options, form.path
        self._headers = _Batch([], [])
        self.rejected: Counter[str] = Counter()

    def __iter__(self) -> Iterator[bytes]:
        if self._form.is_one_document and not self._form.has_binary_inputs:
            yield from self._document_record()
            return
        outputs = lines_of(self._output, self._options)
        if self._form.has_binary_inputs:
            for batch in self._batches(outputs, None):
                yield from self._records_of(batch)
            return
        inputs = lines_of(self._input, self._options)
        self._headers = _Batch(*(self._header(*side) for side in ((inputs, "input"), (outputs, "output"))))
        if self._row_count is one_row:
            for batch in self._batches(outputs, inputs):
                yield from self._records_of(batch)
        else:
            yield from self._records_of_predictions(outputs, inputs)
        if next(inputs, b"") != b"":
            raise UnevenCounts

    def _header(self, lines: Iterator[_Line], side: str) -> list[bytes]:
        """The row of names with which a side begins, if it does; it stands before the rows of each record."""
        return [next(lines, b"") or b""] if self._options.header in (side, "both") else []

    def _document_record(self) -> Iterator[bytes]:
        output, input_ = _document(self._output), _document(self._input)
        if output is None or input_ is None:
            self._reject(RejectionReason.LINE_TOO_LONG)
        elif output.strip() or input_.strip():
            yield self._record(self._filtered([input_]), self._outputs_alone([input_], [output]))

    def _batches(self, outputs: Iterator[_Line], inputs: Iterator[_Line] | None) -> Iterator[_Batch]:
        """Pairs of lines, as many as a record holds."""
        batch, size = _Batch([], []), 0
        for output in outputs:
            input_ = b"" if inputs is None else next(inputs, _NO_LINE)
            if input_ is _NO_LINE:
                raise UnevenCounts
            if output is None or input_ is None:
                self._reject(RejectionReason.LINE_TOO_LONG)
                continue
            batch.outputs.append(output)
            if inputs is not None:
                batch.inputs.append(input_)
            size += len(output) + len(input_)
            if len(batch.outputs) == RECORD_ROWS or size > RECORD_BYTES:
                yield batch
                batch, size = _Batch([], []), 0
        if batch.outputs:
            yield batch

    def _records_of(self, batch: _Batch) -> Iterator[bytes]:
        """One record, where the rows of both sides can stand in one payload; else one of each pair."""
        inputs = self._filtered(batch.inputs)
        outputs = self._outputs_alone(batch.inputs, batch.outputs)
        if all(can_be_joined(side) for side in (inputs, outputs) if side):
            yield self._record(inputs, outputs)
            return
        for position, output in enumerate(outputs):
            yield self._record(inputs[position : position + 1], [output])

    def _records_of_predictions(self, outputs: Iterator[_Line], inputs: Iterator[_Line]) -> Iterator[bytes]:
        """A record of each output line and of the inputs that it answers."""
        for output in outputs:
            count = 1 if output is None else max(1, self._row_count(output))
            taken = list(islice(inputs, count))
            if len(taken) < count:
                raise UnevenCounts
            present = [one for one in taken if one is not None]
            too_long = len(present) < count or sum(map(len, present)) > self._options.max_line_bytes
            if output is None or too_long:
                self._reject(RejectionReason.LINE_TOO_LONG, count)
            else:
                yield self._record(self._filtered(present), [without_ids(output)])

    def _filtered(self, inputs: list[bytes]) -> list[bytes]:
        path = self._path
        return inputs if path is None else [filtered(one, path) for one in inputs]

    def _outputs_alone(self, inputs: list[bytes], outputs: list[bytes]) -> list[bytes]:
        outputs = [without_ids(one) for one in outputs]
        if not self._form.joins_input or not inputs:
            return outputs
        return [without_input(output, input_) for output, input_ in zip(outputs, inputs, strict=True)]

    def _reject(self, reason: RejectionReason, rows: int = 1) -> None:
        self.rejected[reason.value] += rows

    def _record(self, inputs: list[bytes], outputs: list[bytes]) -> bytes:
        sides = {"endpointOutput": _side(self._headers.outputs, outputs)}
        if inputs:
            sides["endpointInput"] = _side(self._headers.inputs, inputs)
        return msgspec.json.encode({"captureData": sides, "eventMetadata": {}}) + b"\n"


def can_be_joined(lines: list[bytes]) -> bool:
    """Whether these rows read the same in one payload as each by itself.

    So do rows of CSV whose quotes pair, and flat JSON records without a list in them.

    Examples
    --------
    >>> can_be_joined([b"1,x", b'2,"y,z"']), can_be_joined([b"1,x", b'2,"y'])
    (True, False)
    >>> can_be_joined([b'{"y": 0.5}', b'{"y": 0.25}']), can_be_joined([b'{"y": [0.5]}', b'{"y": [0.25]}'])
    (True, False)
    """
    if len(lines) == 1:
        return True
    are_json = {is_json(line) for line in lines}
    if len(are_json) > 1:
        return False
    try:
        if are_json == {True}:
            decoded = _FLAT(_json_list(lines))
            return len(decoded) == len(lines) and all(decoded)
        text = b"\n".join(lines).decode()
        if '"' not in text:
            return True
        rows = sum(1 for _ in csv.reader(text.split("\n"), strict=True))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, csv.Error):
        return False
    return rows == len(lines) and all(line.count(b'"') % 2 == 0 for line in lines)


def _json_list(lines: list[bytes]) -> bytes:
    return b"[" + b",".join(lines) + b"]"


def lines_of(chunks: Iterable[bytes], options: CaptureOptions) -> Iterator[_Line]:
    """The lines that are not blank, without a byte order mark and carriage returns at their ends."""
    limit = options.max_line_bytes
    for block in blocks(decompress(chunks), limit):
        if block.data is None:
            yield None
            continue
        content = block.data if block.start else block.data.removeprefix(b"\xef\xbb\xbf")
        for line in content.replace(b"\r\n", b"\n").removesuffix(b"\r").split(b"\n"):
            if line and not line.isspace():
                yield line if len(line) <= limit else None


def _document(chunks: Iterable[bytes]) -> bytes | None:
    """The whole content; None when it is too large."""
    content = bytearray()
    for chunk in decompress(chunks):
        content += chunk
        if len(content) > MAX_DOCUMENT_BYTES:
            return None
    return bytes(content)


def _side(header: list[bytes], lines: list[bytes]) -> dict[str, str]:
    """One side of a capture record, encoded as SageMaker does; what is no UTF-8 is left to the reader to reject."""
    if is_json(lines[0]):
        kind, encoding = "application/json", "JSON"
        data = lines[0] if len(lines) == 1 else _json_list(lines)
    else:
        kind, encoding = "text/csv", "CSV"
        data = b"\n".join((*header, *lines))
    try:
        return {"observedContentType": kind, "data": data.decode(), "encoding": encoding}
    except UnicodeDecodeError:
        return {"observedContentType": kind, "data": base64.b64encode(data).decode(), "encoding": "BASE64"}

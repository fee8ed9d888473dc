r"""An output object of a batch transform job, beside its input object -> one summary, by way of capture records.

| input and output                             | read as                                                          |
|----------------------------------------------|------------------------------------------------------------------|
| lines, one of each for a row                 | pairs: the n-th input and the n-th output                        |
| ... an output line for a batch of inputs     | as many inputs as it has predictions                             |
| ... neither fits: the counts differ          | None: nothing can be paired                                      |
| one JSON document (no SplitType)             | a pair of documents                                              |
| an input filter                              | what the model received: the filtered input                      |
| the output joined to its input               | the input taken off, as it stands before the output              |
| SageMakerInferenceId, SageMakerInferenceTime | taken off: the last two columns, or the keys                     |
| binary inputs: RecordIO, images              | counted with their size; the outputs alone                       |
| blank lines                                  | left out on both sides                                           |
| a line that is too long, or no UTF-8         | rejected by itself                                               |

So many rows are put into one capture record as the readers of captures take at once: they are the same readers, with
the same names, types, limits and private features. Memory is bounded by the longest line, or by MAX_DOCUMENT_BYTES.
See aws-behaviour: transform-inference-id, transform-joined-json, transform-joined-csv.
"""

from __future__ import annotations

import base64
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from chalicelib.capture.gzip_stream import decompress
from chalicelib.capture.json_path import JsonPath
from chalicelib.capture.lines import blocks
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.payload import MERGED_OUTPUT, json_payload
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.row_reader import RejectedLine
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.capture.transform_job import RecordForm
from chalicelib.errors import RejectedRecord
from chalicelib.statistics.lengths import Lengths

RECORD_ROWS, RECORD_BYTES = 2_000, 1 << 17  # of one capture record
MAX_DOCUMENT_BYTES = 24 << 20  # of a side that is one JSON document: both fit a line of MAX_RECORD_BYTES, with escapes
MAX_RECORD_BYTES = 64 << 20
INFERENCE_KEYS = ("SageMakerInferenceId", "SageMakerInferenceTime")
_INFERENCE_COLUMNS = re.compile(
    rb',\s*"?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"?,\s*"?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?"?\s*$'
)
_INFERENCE_CHARS = len(",1f1d57b1-2e6f-488c-8c30-db4e6d757861,2022-08-30T00:49:15")
RowCount = Callable[[bytes], int]  # of an output line
_Line = bytes | None  # None: longer than allowed
_NO_LINE = b"\0"  # compared by identity
_Scalar = str | int | float | bool | None
_FLAT = msgspec.json.Decoder(list[dict[str, _Scalar] | list[_Scalar]]).decode
_Members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class UnevenCounts(Exception):
    """The input has more rows than the output, or fewer."""


def one_row(line: bytes) -> int:
    """Each output line is the prediction of one input."""
    return 1


def rows_of_value(line: bytes) -> int:
    """An output line is the predictions of a batch of inputs: as many as it holds.

    Examples
    --------
    >>> rows_of_value(b'{"predictions": [{"score": 0.1}, {"score": 0.2}]}'), rows_of_value(b"0.1,0.2,0.3")
    (2, 3)
    """
    try:
        if line.lstrip()[:1] in (b"{", b"["):
            return max(reading.size for reading in json_payload(line.decode()).readings)
        return len(_cells(line))
    except (RejectedRecord, UnicodeDecodeError):
        return 1


ROW_COUNTS: tuple[RowCount, ...] = (one_row, rows_of_value)  # in the order in which they are tried


def summarize_transform(
    output: Iterable[bytes],
    input_: Iterable[bytes],
    form: RecordForm,
    row_count: RowCount,
    options: CaptureOptions,
    readers: Sequence[Callable[..., Any]],
    input_size: int = 0,
) -> CaptureSummary | None:
    """Summarize one output object beside its input object; None when the counts of their rows differ.

    Parameters
    ----------
    output, input_
        The bytes of either object, in chunks of any size; the input in gzip or not.
    row_count
        How many inputs an output line answers: one of ROW_COUNTS.
    readers
        As `summarize` takes them.
    input_size
        The bytes of a binary input, which is not read.
    """
    reasons: Counter[str] = Counter()

    def count_rows(line: RejectedLine) -> None:
        reasons[line.reason.value] += _rows_of_record(line.line)

    limits = replace(options, max_line_bytes=MAX_RECORD_BYTES)
    records = _Records(output, input_, form, row_count, options)
    try:
        summary = summarize(records, options=limits, on_rejected=count_rows, readers=readers)
    except UnevenCounts:
        return None
    reasons.update(records.rejected)
    opaque = summary.opaque
    if form.has_binary_inputs:
        opaque = {**opaque, f"input {form.content_type}".strip(): Lengths.single(input_size)}
    rejected = dict(sorted(reasons.items()))
    return replace(summary, events=summary.rows, rejected=rejected, rejected_at=(), opaque=opaque)


def unread_object(reason: RejectionReason, lines: int = 1) -> CaptureSummary:
    """The summary of an output object of which nothing could be read."""
    return CaptureSummary(rejected={reason.value: max(1, lines)})


def line_count(chunks: Iterable[bytes], options: CaptureOptions) -> int:
    """How many lines an object has that are not blank."""
    return sum(1 for _ in _lines(chunks, options))


class _Batch(NamedTuple):
    """Outputs, and as many inputs."""

    inputs: list[bytes]
    outputs: list[bytes]


class _Records:
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
        outputs = _lines(self._output, self._options)
        if self._form.has_binary_inputs:
            for batch in self._batches(outputs, None):
                yield from self._records_of(batch)
            return
        inputs = _lines(self._input, self._options)
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
                yield self._record(self._filtered(present), [_without_ids(output)])

    def _filtered(self, inputs: list[bytes]) -> list[bytes]:
        path = self._path
        return inputs if path is None else [_filtered(one, path) for one in inputs]

    def _outputs_alone(self, inputs: list[bytes], outputs: list[bytes]) -> list[bytes]:
        outputs = [_without_ids(one) for one in outputs]
        if not self._form.joins_input or not inputs:
            return outputs
        return [_without_input(output, input_) for output, input_ in zip(outputs, inputs, strict=True)]

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
    are_json = {_is_json(line) for line in lines}
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


def _rows_of_record(line: bytes) -> int:
    """How many rows a rejected record holds: the lines of its CSV, or 1."""
    try:
        sides = msgspec.json.decode(line)["captureData"].values()
    except (msgspec.MsgspecError, LookupError, TypeError):
        return 1
    return max((str(side["data"]).count("\n") + 1 for side in sides if side["encoding"] == "CSV"), default=1)


def _lines(chunks: Iterable[bytes], options: CaptureOptions) -> Iterator[_Line]:
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


def _is_json(line: bytes) -> bool:
    return line.lstrip()[:1] in (b"{", b"[")


def _side(header: list[bytes], lines: list[bytes]) -> dict[str, str]:
    """One side of a capture record, encoded as SageMaker does; what is no UTF-8 is left to the reader to reject."""
    is_json = _is_json(lines[0])
    data = lines[0] if is_json and len(lines) == 1 else _json_list(lines) if is_json else b"\n".join((*header, *lines))
    kind = "application/json" if is_json else "text/csv"
    try:
        return {"observedContentType": kind, "data": data.decode(), "encoding": "JSON" if is_json else "CSV"}
    except UnicodeDecodeError:
        return {"observedContentType": kind, "data": base64.b64encode(data).decode(), "encoding": "BASE64"}


def _without_ids(output: bytes) -> bytes:
    """An output line without the inference id and time that SageMaker appends.

    Examples
    --------
    >>> _without_ids(b"0, 1f1d57b1-2e6f-488c-8c30-db4e6d757861,2022-08-30T00:49:15Z")
    b'0'
    >>> _without_ids(b'{"output": 0.50, "SageMakerInferenceId": "1f1d", "SageMakerInferenceTime": "2022"}')
    b'{"output":0.50}'
    """
    if not _is_json(output):
        return _INFERENCE_COLUMNS.sub(b"", output) if len(output) > _INFERENCE_CHARS else output
    if not any(key.encode() in output for key in INFERENCE_KEYS):
        return output
    try:
        members = _Members(output)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return output  # the reader says why
    return msgspec.json.encode({key: value for key, value in members.items() if key not in INFERENCE_KEYS})


def _without_input(output: bytes, input_: bytes) -> bytes:
    """A joined output record without its input.

    Examples
    --------
    >>> _without_input(b"7,1.50,x,0.9", b"7,1.50,x"), _without_input(b'7,"x",0.9', b"7,x")
    (b'0.9', b'0.9')
    >>> _without_input(b'{"a": 1, "SageMakerOutput": {"score": 0.50}}', b'{"a": 1}')
    b'{"score": 0.50}'
    """
    if _is_json(output):
        try:
            return bytes(_Members(output)[MERGED_OUTPUT])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError):
            return output
    if output.startswith(input_ + b","):
        return output[len(input_) + 1 :]
    try:
        width = len(_cells(input_))
        return _csv_line(_cells(output)[width:]) or output
    except (csv.Error, UnicodeDecodeError):
        return output


def _filtered(line: bytes, path: JsonPath) -> bytes:
    """What an input filter selects of a record; the record itself where it has no such part.

    Examples
    --------
    >>> _filtered(b"7,a,b", JsonPath.of("$[1:]")), _filtered(b'{"id": 7, "features": [1.0]}', JsonPath.of("$.features"))
    (b'a,b', b'[1.0]')
    """
    try:
        if _is_json(line):
            return msgspec.json.encode(path.select(msgspec.json.decode(line)))
        selected = path.select(_cells(line))
        return _csv_line(selected if isinstance(selected, list) else [selected])
    except (LookupError, TypeError, csv.Error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return line


def _cells(line: bytes) -> list[str]:
    text = line.decode().rstrip("\r\n")
    return next(csv.reader([text], strict=True)) if '"' in text else text.split(",")


def _csv_line(cells: list[str]) -> bytes:
    if not any('"' in cell or "," in cell or "\r" in cell for cell in cells):
        return ",".join(cells).encode()
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)
    return written.getvalue().encode()

"""An output object of a batch transform job, beside its input object -> one summary, by way of capture records.

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

Both objects become capture records (`transform_records`), which the readers of captures read: with the same names,
types, limits and private features. What is done to a line: `transform_lines`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.row_reader import RejectedLine
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.capture.transform_job import RecordForm
from chalicelib.capture.transform_lines import RowCount
from chalicelib.capture.transform_records import MAX_RECORD_BYTES, CaptureRecords, UnevenCounts, lines_of
from chalicelib.statistics.lengths import Lengths


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
        How many inputs an output line answers: one of `transform_lines.ROW_COUNTS`.
    readers
        As `summarize` takes them.
    input_size
        The bytes of a binary input, which is not read.
    """
    reasons: Counter[str] = Counter()

    def count_rows(line: RejectedLine) -> None:
        reasons[line.reason.value] += _rows_of_record(line.line)

    limits = replace(options, max_line_bytes=MAX_RECORD_BYTES)
    records = CaptureRecords(output, input_, form, row_count, options)
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
    return sum(1 for _ in lines_of(chunks, options))


def _rows_of_record(line: bytes) -> int:
    """How many rows a rejected record holds: the lines of its CSV, or 1."""
    try:
        sides = msgspec.json.decode(line)["captureData"].values()
    except (msgspec.MsgspecError, LookupError, TypeError):
        return 1
    return max((str(side["data"]).count("\n") + 1 for side in sides if side["encoding"] == "CSV"), default=1)

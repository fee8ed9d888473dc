r"""A label object -> its labels, one by one, or the reason why a line holds none.

| line                                                             | labels                                        |
|------------------------------------------------------------------|-----------------------------------------------|
| `{"groundTruthData": {"data": "1", "encoding": "CSV"},           | one, of row 0                                 |
| "eventMetadata": {"eventId": "..."}}`                            |                                               |
| ... with data of several lines, `"1\n0\n"`                       | one for each line                             |
| ... in JSON: `{"instances": [{"label": 0}, {"label": 1}]}`       | one for each record                           |
| ... with `captureData` beside it: a merged record                | the same                                      |
| `id,label` in CSV                                                | one, of row 0                                 |
| `id,label` itself, as the first line                             | none: the names of the columns                |
| a blank line                                                     | none                                          |

A label of several columns needs `label` in the settings. The id of a record is its inference id, else its event id:
labels name either as `eventId`. What a line lacks: `reasons.LabelReason`. Whoever writes labels chooses their bytes, so
no line can make this fail.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from chalicelib.capture.envelope import BYTE_ORDER_MARK, Envelope, Side
from chalicelib.capture.gzip_stream import decompress
from chalicelib.capture.json_values import cell_text
from chalicelib.capture.lazy_rows import Row
from chalicelib.capture.lines import blocks, split_lines
from chalicelib.capture.options import DEFAULT_OPTIONS
from chalicelib.capture.payload import Payload, payload
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.errors import RejectedRecord
from chalicelib.quality.reasons import LabelReason
from chalicelib.quality.settings import QualitySettings
from chalicelib.quality.values import class_of, column, number_of

_DECODE = msgspec.json.Decoder(Envelope).decode
_ID_HEADERS = frozenset({"id", "eventid", "event_id", "inferenceid", "inference_id"})


class Label(NamedTuple):
    """One label."""

    line: int  # from 0
    id: str
    row: int  # within its request
    request_rows: int  # how many labels the request has
    value: str | float  # a class, or the number of a regression


class RejectedLabel(NamedTuple):
    """A line, or a row of it, without a label."""

    line: int
    reason: LabelReason


def labels(chunks: Iterable[bytes], settings: QualitySettings) -> Iterator[Label | RejectedLabel]:
    r"""Read a label object line by line.

    Parameters
    ----------
    chunks
        The bytes of the object, in chunks of any size; in gzip or not.

    Examples
    --------
    >>> from chalicelib.quality.settings import ProblemType
    >>> settings = QualitySettings(problem_type=ProblemType.BINARY, score="0")
    >>> for found in labels([b"id,label\na,1\nb,2\n"], settings):
    ...     print(found)
    Label(line=1, id='a', row=0, request_rows=1, value='1')
    RejectedLabel(line=2, reason=<LabelReason.UNKNOWN_CLASS: 'the label is none of the classes'>)
    """
    number = 0
    limit = DEFAULT_OPTIONS.max_line_bytes
    try:
        for block in blocks(decompress(chunks), limit):
            for _, _, line in split_lines(block, limit):
                yield from _labels_of(number, line, settings)
                number += 1
    except RejectedRecord:  # the rest of the gzip stream
        yield RejectedLabel(number, LabelReason.BAD_GZIP)


def _labels_of(number: int, line: bytes | None, settings: QualitySettings) -> Iterator[Label | RejectedLabel]:
    if line is None:
        yield RejectedLabel(number, LabelReason.LINE_TOO_LONG)
        return
    try:
        text = line.removeprefix(BYTE_ORDER_MARK.encode()).strip() if not number else line.strip()
        if text:
            yield from _of_record(number, text, settings) if text.startswith(b"{") else _of_csv(number, text, settings)
    except _Unlabelled as unlabelled:
        yield RejectedLabel(number, unlabelled.reason)
    except Exception:  # noqa: BLE001 - whoever writes labels chooses their bytes, and none may make a function fail
        yield RejectedLabel(number, LabelReason.UNEXPECTED)


class _Unlabelled(Exception):
    """A line without a label."""

    def __init__(self, reason: LabelReason) -> None:
        super().__init__(reason)
        self.reason = reason


def _of_csv(number: int, line: bytes, settings: QualitySettings) -> Iterator[Label | RejectedLabel]:
    try:
        cells = next(csv.reader([line.decode()], strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise _Unlabelled(LabelReason.NOT_A_LABEL) from None
    if len(cells) != 2:  # an id and a label
        raise _Unlabelled(LabelReason.NOT_A_LABEL)
    request_id, value = cells[0].strip(), label_value(cells[1], settings)
    if not number and request_id.lower() in _ID_HEADERS:
        return
    if not request_id:
        raise _Unlabelled(LabelReason.NO_ID)
    yield _label(number, request_id, 0, 1, value)


def _of_record(number: int, line: bytes, settings: QualitySettings) -> Iterator[Label | RejectedLabel]:
    try:
        record = _DECODE(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _Unlabelled(LabelReason.NOT_A_LABEL) from None
    request_id = record.text("inferenceId") or record.text("eventId")
    if record.groundTruthData is None:
        raise _Unlabelled(LabelReason.NO_LABEL)
    if not request_id:
        raise _Unlabelled(LabelReason.NO_ID)
    rows, place = _rows(record.groundTruthData, settings)
    for row, (_, cells) in enumerate(rows):
        yield _label(number, request_id, row, len(rows), label_value(cells[place], settings))


def _label(line: int, request_id: str, row: int, rows: int, value: str | float | LabelReason) -> Label | RejectedLabel:
    if isinstance(value, LabelReason):
        return RejectedLabel(line, value)
    return Label(line, request_id, row, rows, value)


def _rows(ground_truth: Any, settings: QualitySettings) -> tuple[Collection[Row], int]:
    """The rows of a label's payload, all with the same columns, and the position of the label in them."""
    if not isinstance(ground_truth, dict):
        raise _Unlabelled(LabelReason.NO_LABEL)
    data, encoding = ground_truth.get("data"), ground_truth.get("encoding", "CSV")
    if isinstance(data, list | dict) or data is None or not isinstance(encoding, str):
        raise _Unlabelled(LabelReason.BAD_PAYLOAD)
    try:
        found = payload(Side(cell_text(data), encoding.upper(), None))
    except RejectedRecord as rejected:
        raise _Unlabelled(_PAYLOAD_REASONS.get(rejected.reason, LabelReason.BAD_PAYLOAD)) from None
    if not isinstance(found, Payload):
        raise _Unlabelled(LabelReason.BAD_PAYLOAD)
    for reading in found.readings:
        rows = reading.make().rows
        places = {_place(names, settings) for names, _ in rows}
        if len(places) == 1 and (place := places.pop()) is not None:
            return rows, place
    raise _Unlabelled(LabelReason.NO_SUCH_COLUMN if settings.label else LabelReason.SEVERAL_COLUMNS)


_PAYLOAD_REASONS = {
    RejectionReason.UNKNOWN_ENCODING: LabelReason.UNKNOWN_ENCODING,
    RejectionReason.EMPTY_PAYLOAD: LabelReason.MISSING,
}


def _place(names: tuple[str, ...], settings: QualitySettings) -> int | None:
    if settings.label and (place := column(settings.label, names, len(names))) is not None:
        return place
    return 0 if len(names) == 1 and not (settings.label and names[0]) else None


def label_value(cell: Any, settings: QualitySettings) -> str | float | LabelReason:
    """The class or the number of a cell, or the reason why it is none."""
    text = cell_text(cell)
    if text is None or text == "":
        return LabelReason.MISSING
    if not settings.is_classification:
        number = number_of(text)
        return LabelReason.NOT_A_NUMBER if number is None else number
    name = class_of(text)
    if name is None:
        return LabelReason.NOT_A_CLASS
    return LabelReason.UNKNOWN_CLASS if settings.known_classes and name not in settings.known_classes else name

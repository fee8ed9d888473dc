"""One line of an input or output object of a batch transform job: what the model received and answered of it.

See aws-behaviour: transform-inference-id, transform-joined-json, transform-joined-csv, transform-filters.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import msgspec

from chalicelib.capture.json_path import JsonPath
from chalicelib.capture.payload import MERGED_OUTPUT, json_payload
from chalicelib.errors import RejectedRecord

INFERENCE_KEYS = ("SageMakerInferenceId", "SageMakerInferenceTime")
_INFERENCE_COLUMNS = re.compile(
    rb',\s*"?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"?,\s*"?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?"?\s*$'
)
_INFERENCE_CHARS = len(",1f1d57b1-2e6f-488c-8c30-db4e6d757861,2022-08-30T00:49:15")
RowCount = Callable[[bytes], int]  # how many inputs an output line answers
_Members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


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
        if is_json(line):
            return max(reading.size for reading in json_payload(line.decode()).readings)
        return len(_cells(line))
    except (RejectedRecord, UnicodeDecodeError):
        return 1


ROW_COUNTS: tuple[RowCount, ...] = (one_row, rows_of_value)  # in the order in which they are tried


def is_json(line: bytes) -> bool:
    """Whether a line is a JSON object or list."""
    return line.lstrip()[:1] in (b"{", b"[")


def without_ids(output: bytes) -> bytes:
    """An output line without the inference id and time that SageMaker appends.

    Examples
    --------
    >>> without_ids(b"0, 1f1d57b1-2e6f-488c-8c30-db4e6d757861,2022-08-30T00:49:15Z")
    b'0'
    >>> without_ids(b'{"output": 0.50, "SageMakerInferenceId": "1f1d", "SageMakerInferenceTime": "2022"}')
    b'{"output":0.50}'
    """
    if not is_json(output):
        return _INFERENCE_COLUMNS.sub(b"", output) if len(output) > _INFERENCE_CHARS else output
    if not any(key.encode() in output for key in INFERENCE_KEYS):
        return output
    try:
        members = _Members(output)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return output  # the reader says why
    return msgspec.json.encode({key: value for key, value in members.items() if key not in INFERENCE_KEYS})


def without_input(output: bytes, input_: bytes) -> bytes:
    """A joined output record without its input.

    Examples
    --------
    >>> without_input(b"7,1.50,x,0.9", b"7,1.50,x"), without_input(b'7,"x",0.9', b"7,x")
    (b'0.9', b'0.9')
    >>> without_input(b'{"a": 1, "SageMakerOutput": {"score": 0.50}}', b'{"a": 1}')
    b'{"score": 0.50}'
    """
    if is_json(output):
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


def filtered(line: bytes, path: JsonPath) -> bytes:
    """What an input filter selects of a record; the record itself where it has no such part.

    Examples
    --------
    >>> filtered(b"7,a,b", JsonPath.of("$[1:]")), filtered(b'{"id": 7, "features": [1.0]}', JsonPath.of("$.features"))
    (b'a,b', b'[1.0]')
    """
    try:
        if is_json(line):
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

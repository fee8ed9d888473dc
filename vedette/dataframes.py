"""Captured requests as a pandas table, and that table as CSV or Parquet.

Columns: event_id, inference_time, inference_id, then `output.…` and `input.…` with the names in the payload, or with
positions.

| cells of a column                          | types="text" | types="inferred"                |
|--------------------------------------------|--------------|---------------------------------|
| `18`, `-5`                                 | unchanged    | whole numbers (Int64)           |
| `62.50`, `1e5`, some of them whole         | unchanged    | numbers (float64)               |
| `007`, more digits than a double can hold  | unchanged    | unchanged: nothing is lost      |
| any other cell among them                  | unchanged    | unchanged                       |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
import pandas as pd

from chalicelib.capture.captured_requests import captured_requests
from chalicelib.capture.envelope import RequestKind, parse_time
from chalicelib.capture.options import DEFAULT_OPTIONS, CaptureOptions
from chalicelib.capture.record_reader import CapturedRequest
from chalicelib.capture.row_reader import RejectedLine
from chalicelib.errors import VedetteError
from chalicelib.statistics.lexical import lexical_type, number

if TYPE_CHECKING:
    from vedette.input_sources import Source

Types = Literal["text", "inferred"]
_SHORT = 15  # decimal digits that every double can represent (IEEE 754, DBL_DIG)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")  # OWASP: text that a spreadsheet would execute (CWE-1236)


def captured_frame(
    sources: Iterable[Source],
    advance: Callable[[int], None] = lambda size: None,
    *,
    types: Types = "inferred",
    options: CaptureOptions = DEFAULT_OPTIONS,
) -> pd.DataFrame:
    """Read captured requests; `advance` is called with the number of bytes after each read."""
    columns: dict[str, list[Any]] = {"event_id": [], "inference_time": [], "inference_id": []}
    refused: Counter[str] = Counter()
    rows = 0
    for source in sources:
        for item in captured_requests(source.read(advance), options):
            if isinstance(item, RejectedLine):
                refused[item.reason] += 1
            elif item.kind is RequestKind.ROWS:
                rows = _add(item, columns, rows)
    frame = pd.DataFrame({name: _typed(name, _filled(cells, rows), types) for name, cells in columns.items()})
    frame.attrs["refused"] = dict(refused)
    return frame


def write_csv(frame: pd.DataFrame, target: Path | BinaryIO) -> None:
    """Write CSV without formulas: text that begins like a formula gets a leading quote; numbers are unchanged."""
    safe = frame.rename(columns=_safe)
    for name in safe.columns:
        if safe[name].dtype == object or isinstance(safe[name].dtype, pd.StringDtype):
            safe[name] = safe[name].map(_safe, na_action="ignore")
    safe.to_csv(target, index=False, date_format="%Y-%m-%dT%H:%M:%SZ", lineterminator="\n")


def write_parquet(frame: pd.DataFrame, target: Path | BinaryIO) -> None:
    """Write Parquet, which needs pyarrow."""
    try:
        import_module("pyarrow")
    except ImportError:
        raise VedetteError("Parquet needs pyarrow: pip install 'vedette[parquet]'") from None
    frame.to_parquet(target, index=False)


def _add(request: CapturedRequest, columns: dict[str, list[Any]], rows: int) -> int:
    envelope = request.envelope
    time = parse_time(envelope.inference_time)
    for outputs, names, cells in request.rows:
        values: dict[str, Any] = {
            "event_id": envelope.text("eventId"),
            "inference_time": time,
            "inference_id": envelope.text("inferenceId") or None,
        }
        for position, (name, cell) in enumerate(zip(names, cells, strict=True)):
            side, place = ("output", position) if position < outputs else ("input", position - outputs)
            values[f"{side}.{name or place}"] = cell
        for column, value in values.items():
            column_cells = columns.setdefault(column, [])
            column_cells.extend([None] * (rows - len(column_cells)))  # rows of other layouts do not have this column
            column_cells.append(value)
        rows += 1
    return rows


def _filled(cells: list[Any], rows: int) -> list[Any]:
    return cells + [None] * (rows - len(cells))


def _typed(name: str, cells: list[Any], types: Types) -> Any:
    if name == "inference_time":
        return pd.Series(pd.to_datetime(pd.Series(cells, dtype=object), utc=True))
    present = [cell for cell in cells if cell is not None]
    if types == "text" or name in ("event_id", "inference_id") or not present:
        return pd.Series(cells, dtype="str")
    kinds = {lexical_type(cell) for cell in present}
    if not kinds <= {"integral", "fractional"} or any(_is_code(cell) for cell in present):
        return pd.Series(cells, dtype="str")
    if kinds == {"integral"} and all(abs(_whole(cell)) < 2**63 for cell in present):
        return pd.array([None if cell is None else _whole(cell) for cell in cells], dtype="Int64")
    if all(_is_exact(cell) for cell in present):
        return np.array([np.nan if cell is None else number(cell) for cell in cells], dtype=np.float64)
    return pd.Series(cells, dtype="str")


def _whole(cell: str) -> int:
    return int(cell.replace(" ", ""))


def _is_code(cell: str) -> bool:
    """Whether a cell is digits with a leading zero, such as a postcode, and not a number."""
    digits = cell.lstrip("+- ")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()


def _is_exact(cell: str) -> bool:
    """Whether a double represents the number in a cell exactly."""
    value = number(cell)
    return value is not None and (len(cell) <= _SHORT or Decimal(repr(value)) == Decimal(cell.replace(" ", "")))


def _safe(text: str) -> str:
    """The text with a leading quote if it looks like a formula; numbers are unchanged."""
    if not text.startswith(_FORMULA) or lexical_type(text) in ("integral", "fractional"):
        return text
    return "'" + text

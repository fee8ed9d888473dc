"""Captured requests as a pandas table, and that table as CSV or Parquet.

Columns: event_id, inference_time, inference_id, the outputs, the inputs, and ground_truth where a request has it.

| column                                     | name                                                            |
|--------------------------------------------|-----------------------------------------------------------------|
| of a feature of the baseline, if one is    | the feature's: columns are aligned as for an evaluation         |
| given                                      |                                                                 |
| another, with a name in the payload        | this name                                                       |
| another, without                           | `_c{position}`; of rows that differ, the position in the layout |
|                                            | of most rows                                                    |
| a name that both sides have in any rows,   | `output.NAME`, `input.NAME` in all rows                         |
| or that a column above has already         |                                                                 |

| cells of a column                          | types="text" | types="inferred"                |
|--------------------------------------------|--------------|---------------------------------|
| `18`, `-5`                                 | unchanged    | whole numbers (Int64)           |
| `62.50`, `1e5`, some of them whole         | unchanged    | numbers (float64)               |
| `007`, more digits than a double can hold  | unchanged    | unchanged: nothing is lost      |
| any other cell among them                  | unchanged    | unchanged                       |
| lists (`messages[].role`)                  | JSON         | JSON                            |
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

import numpy as np
import pandas as pd

from chalicelib.capture.captured_requests import captured_requests
from chalicelib.capture.envelope import RequestKind, Side, parse_time
from chalicelib.capture.lazy_rows import Names
from chalicelib.capture.options import DEFAULT_OPTIONS, CaptureOptions
from chalicelib.capture.payload import Payload, payload
from chalicelib.capture.record_reader import CapturedRequest
from chalicelib.capture.row_reader import RejectedLine
from chalicelib.errors import RejectedRecord, VedetteError
from chalicelib.statistics.feature_names import column_features, feature_names
from chalicelib.statistics.lexical import lexical_type, number
from chalicelib.statistics.table import LayoutKey, side_layout

if TYPE_CHECKING:
    from vedette.input_sources import Source

Types = Literal["text", "inferred"]
_METADATA = ("event_id", "inference_time", "inference_id")
_GROUND_TRUTH = "ground_truth"
_SHORT = 15  # decimal digits that every double can represent (IEEE 754, DBL_DIG)
_ROWS_AT_ONCE = 10_000  # that are text in memory while CSV is written

# Text that a spreadsheet would execute (OWASP: CSV injection, CWE-1236). Spreadsheets take any of these for a line end,
# and by their settings split lines at more than commas. A formula begins behind blanks and quotes too.
_LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_EXECUTED = "\t\0" + _LINE_ENDS  # at the beginning of a cell
_SIGNS = "=+@\uff1d\uff0b\uff20\uff0d-"  # East Asian keyboards type the wide forms
_has_line_end = re.compile(f"[{_LINE_ENDS}]").search
_needs_quotes = re.compile(f'[",{_LINE_ENDS}]').search
_is_special = re.compile(f'[",{_EXECUTED}{_SIGNS}]').search
_is_formula = re.compile(f'[\\s",\0-\x20\x7f-\xa0\u200b-\u200f\u2060\ufeff]*[{_SIGNS}]').match
_cells_of = re.compile(f"([{_LINE_ENDS};|\t]+)").split
_cells_of_lines = re.compile(f"([{_LINE_ENDS};|\t,]+)").split  # behind a line end no quotes hold the cell together


def captured_frame(
    sources: Iterable[Source],
    advance: Callable[[int], None] = lambda size: None,
    *,
    types: Types = "inferred",
    options: CaptureOptions = DEFAULT_OPTIONS,
    features: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Read captured requests.

    Parameters
    ----------
    advance
        Called with the number of bytes after each read.
    features
        The names of a baseline's features: outputs first, then inputs.
    """
    rows = _Rows()
    refused: Counter[str] = Counter()
    for source in sources:
        for item in captured_requests(source.read(advance), options):
            if isinstance(item, RejectedLine):
                refused[item.reason] += 1
            elif item.kind is RequestKind.ROWS:
                rows.add(item)
    columns = rows.columns(features)
    frame = pd.DataFrame({name: _typed(name, cells, types) for name, cells in columns.items()})
    frame.attrs |= {"refused": dict(refused), "unaligned": rows.unaligned(features) if features else 0}
    return frame


def write_csv(frame: pd.DataFrame, target: Path | BinaryIO) -> None:
    """Write CSV without formulas: a leading quote is added to text where a spreadsheet may begin a cell with a formula.

    Numbers are unchanged. A cell that holds any line end is in quotes.
    """
    if isinstance(target, Path):
        with target.open("wb") as file:
            return write_csv(frame, file)
    target.write(_csv_line(map(_csv_cell, frame.columns)))
    for start in range(0, len(frame), _ROWS_AT_ONCE):
        part = frame.iloc[start : start + _ROWS_AT_ONCE]
        cells = [_csv_cells(part.iloc[:, position]) for position in range(part.shape[1])]
        target.write(b"".join(map(_csv_line, zip(*cells, strict=True))))
    return None


def write_parquet(frame: pd.DataFrame, target: Path | BinaryIO) -> None:
    """Write Parquet, which needs pyarrow."""
    try:
        import_module("pyarrow")
    except ImportError:
        raise VedetteError("Parquet needs pyarrow: pip install 'vedette[parquet]'") from None
    frame.to_parquet(target, index=False)


# --- rows to columns --------------------------------------------------------------------------------------------------


class _Column(NamedTuple):
    """A column that rows of several layouts may share."""

    side: Literal["output", "input"]
    name: str  # "" for a column that is known by its position
    place: int  # its position in its side if it has no name; how often its side had the name before; -1 for a feature


class _Layout:
    """Rows whose columns add up, as they do in the statistics: their numbers, and the cells of each column."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.cells: dict[Literal["output", "input"], dict[_Column, list[Any]]] = {"output": {}, "input": {}}

    def columns(self, side: Literal["output", "input"], names: Sequence[str]) -> Iterator[list[Any]]:
        """The cells of the columns of one side of a row."""
        before: Counter[str] = Counter()
        for position, name in enumerate(names):
            column = _Column(side, name, before[name] if name else position)
            before[name] += 1
            yield self.cells[side].setdefault(column, [])

    def add(self, row: int, columns: Sequence[list[Any]], cells: Sequence[Any]) -> None:
        """Add the cells of a row to their columns; records of other keys do not have all of them."""
        before = len(self.rows)
        for column, cell in zip(columns, cells, strict=True):
            if len(column) < before:
                column.extend([None] * (before - len(column)))
            column.append(cell)
        self.rows.append(row)

    @property
    def outputs(self) -> int:
        return len(self.cells["output"])

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.cells["output"]) + len(self.cells["input"])

    def features(self, names: Sequence[str]) -> dict[_Column, str] | None:
        """The columns that are features of a baseline, and their features; None if the rows cannot be aligned."""
        columns = [column for side in self.cells.values() for column in side]
        outputs, inputs = ([column.name for column in side] for side in self.cells.values())
        found = column_features(outputs, inputs, names)
        if found is None:
            return None
        return {column: name for column, name in zip(columns, found, strict=True) if name is not None}


class _Rows:
    """All rows that were read."""

    def __init__(self) -> None:
        self._metadata: dict[str, list[Any]] = {name: [] for name in _METADATA}
        self._ground_truth: list[str | None] = []
        self._layouts: dict[LayoutKey, _Layout] = {}
        self._known: dict[tuple[Names, Names], tuple[_Layout, list[list[Any]]]] = {}

    def add(self, request: CapturedRequest) -> None:
        """Add the rows of one request."""
        envelope = request.envelope
        values = envelope.text("eventId"), parse_time(envelope.inference_time), envelope.text("inferenceId") or None
        number_of_rows = 0
        for (outputs, cells), (inputs, input_cells) in request.rows:
            known = self._known.get((outputs, inputs))
            if known is None:
                layout = self._layouts.setdefault((side_layout(outputs), side_layout(inputs)), _Layout())
                columns = [*layout.columns("output", outputs), *layout.columns("input", inputs)]
                known = self._known[outputs, inputs] = layout, columns
            known[0].add(len(self._ground_truth) + number_of_rows, known[1], [*cells, *input_cells])
            number_of_rows += 1
        for cells_of_all, value in zip(self._metadata.values(), values, strict=True):
            cells_of_all.extend([value] * number_of_rows)
        self._ground_truth += _ground_truth(envelope.groundTruthData, number_of_rows)

    def unaligned(self, features: Sequence[str]) -> int:
        """How many rows cannot be aligned with a baseline."""
        return sum(len(layout.rows) for layout in self._layouts.values() if layout.features(features) is None)

    def columns(self, features: Sequence[str] | None) -> dict[str, list[Any]]:
        """The cells of all columns by their names."""
        rows = len(self._ground_truth)
        known = any(value is not None for value in self._ground_truth)
        ground_truth: dict[str, list[Any]] = {_GROUND_TRUTH: self._ground_truth} if known else {}
        of_baseline: dict[str, _Column] = {}  # the column of a feature, which may be on either side in some rows
        cells: dict[_Column, list[Any]] = {}
        for layout in self._layouts.values():
            aligned = (layout.features(features) if features else None) or {}
            for column, found in (item for side in layout.cells.values() for item in side.items()):
                name = aligned.get(column)
                target = column if name is None else of_baseline.setdefault(name, _Column(column.side, name, -1))
                all_rows = cells.setdefault(target, [None] * rows)
                for row, cell in zip(layout.rows, found, strict=False):
                    all_rows[row] = cell
        names = self._names(of_baseline.values(), {*_METADATA, *ground_truth})
        others = [column for column in cells if column not in names]
        names |= self._names(others, {*_METADATA, *ground_truth, *names.values(), *(features or ())})
        ordered = sorted(cells, key=lambda column: column.side == "input")
        return {**self._metadata, **{names[column]: cells[column] for column in ordered}, **ground_truth}

    def _names(self, columns: Iterable[_Column], reserved: Collection[str]) -> dict[_Column, str]:
        """The names of columns; none is reserved, and all are different."""
        largest = max(self._layouts.values(), key=lambda layout: layout.size, default=_Layout())
        sides: dict[str, dict[_Column, str]] = {"output": {}, "input": {}}
        for column in columns:
            position = column.place + (largest.outputs if column.side == "input" else 0)
            sides[column.side][column] = column.name or f"_c{position}"
        outputs, inputs = sides.values()
        names = feature_names(list(outputs.values()), list(inputs.values()), reserved)
        return dict(zip((*outputs, *inputs), names, strict=True))


def _ground_truth(captured: Any, rows: int) -> list[str | None]:
    """The ground truth beside a capture: a value for each row if there are as many as rows, else all of it as text.

    Examples
    --------
    >>> _ground_truth({"data": "1,0", "encoding": "CSV"}, 2), _ground_truth({"data": "1,0", "encoding": "CSV"}, 3)
    (['1', '0'], ['1,0', '1,0', '1,0'])
    """
    if captured is None:
        return [None] * rows
    document = captured if isinstance(captured, dict) else {"data": captured}
    data, encoding = document.get("data", document), document.get("encoding")
    text, kind = (data, encoding) if isinstance(data, str) else (json.dumps(data, ensure_ascii=False), "JSON")
    try:
        read = payload(Side(text, kind if isinstance(kind, str) else None))
    except RejectedRecord:
        return [text] * rows
    if not isinstance(read, Payload):
        return [text] * rows
    fitting = [reading for reading in read.readings if reading.size == rows]
    values = [cells for _, cells in fitting[0].make().rows] if fitting else []
    if not values or any(len(cells) != 1 for cells in values):
        return [text] * rows
    return [_text(cell) for (cell,) in values]


# --- cells ------------------------------------------------------------------------------------------------------------


def _typed(name: str, cells: list[Any], types: Types) -> Any:
    if name == "inference_time":
        return pd.Series(pd.to_datetime(pd.Series(cells, dtype=object), utc=True))
    cells = [_text(cell) for cell in cells]
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


def _text(cell: Any) -> Any:
    """A cell as text: a list of texts, of a name such as `messages[].role`, is JSON.

    Examples
    --------
    >>> _text(["user", None]), _text("5")
    ('["user", null]', '5')
    """
    return json.dumps(cell, ensure_ascii=False) if isinstance(cell, list) else cell


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


def _csv_line(cells: Iterable[str]) -> bytes:
    return (",".join(cells) + "\n").encode("utf-8", "backslashreplace")


def _csv_cells(column: pd.Series) -> list[str]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    missing = column.isna().tolist()
    return ["" if absent else _csv_cell(str(cell)) for cell, absent in zip(column.tolist(), missing, strict=True)]


def _csv_cell(text: str) -> str:
    if not _is_special(text):
        return text
    safe = _without_formulas(text)
    return '"' + safe.replace('"', '""') + '"' if _needs_quotes(safe) else safe


def _without_formulas(text: str) -> str:
    r"""The text with a quote before each part that a spreadsheet may take for a formula; a number is unchanged.

    Examples
    --------
    >>> [_without_formulas(text) for text in ("-5", "- 5 kg", "x\r=1+1", "a; @b", "5 = 5")]
    ['-5', "'- 5 kg", "x\r'=1+1", "a;' @b", '5 = 5']
    """
    if not text or lexical_type(text) in ("integral", "fractional"):
        return text
    parts = (_cells_of_lines if _has_line_end(text) else _cells_of)(text)
    parts = ["'" + part if _is_formula(part) else part for part in parts]
    return ("'" if text[0] in _EXECUTED else "") + "".join(parts)

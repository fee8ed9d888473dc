"""The statistics of a data set: CSV, JSON lines, Parquet, or a statistics.json.

| input                                | result                                 | error                                |
|--------------------------------------|----------------------------------------|--------------------------------------|
| CSV with a header                    | its names                              | `x: two columns named a`             |
| CSV without                          | `_c0`, `_c1`, ... as Model Monitor     |                                      |
| quotes, line ends within them, a BOM | parsed as in RFC 4180                  | `x: line 7 is not CSV`               |
| an empty cell                        | missing                                |                                      |
| a row of another width               |                                        | `x: line 7 has 2 cells instead of 3` |
| cells between ; or tabs              |                                        | `x: one column named 'y;a;b': ...`   |
| .jsonl, .ndjson: a record a line     | flattened: a.b, c.0; an absent key is  | `x: line 7 is not JSON`              |
|                                      | missing                                |                                      |
| .parquet                             | columns of numbers, texts, booleans,   | `x: column a holds list<...>`        |
|                                      | and times; NaN is missing              |                                      |
| .json: a statistics.json             | unchanged                              | `x: not a statistics.json: ...`      |
| gzip, of any of these                | decompressed                           | `x: gzip is damaged or cut off`      |
| no rows, not UTF-8                   |                                        | `x: no rows`, `x: not UTF-8`         |

In one pass and bounded memory, Parquet a hundred thousand cells at a time.
"""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import chain, islice
from typing import Any

import msgspec

from chalicelib.capture.csv_reader import long_cells
from chalicelib.capture.flatten import values_of
from chalicelib.capture.gzip_stream import decompress
from chalicelib.capture.json_tables import readings
from chalicelib.capture.json_values import parse_json
from chalicelib.errors import RejectedRecord, UnreadableFile, VedetteError
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.files import read_statistics
from chalicelib.statistics.table import Table
from vedette.input_sources import Source

CELLS_AT_ONCE = 250_000
_JSON_LINES = (".jsonl", ".ndjson")
Advance = Callable[[int], None]


def data_set_statistics(source: Source, advance: Advance, *, header: bool = True) -> Table:
    """The statistics of a data set, whose format follows from its suffix; sketches have Model Monitor's size."""
    name, chunks = source.name.removesuffix(".gz"), _expanded(source.read(advance), source.name)
    if name.endswith(".json"):
        return read_statistics(b"".join(chunks), source.name)
    if name.endswith(_JSON_LINES):
        return _json_lines_statistics(chunks, source.name)
    if name.endswith(".parquet"):
        return _parquet_statistics(b"".join(chunks), source.name)
    return _csv_statistics(chunks, source.name, header=header)


def _expanded(chunks: Iterable[bytes], place: str) -> Iterator[bytes]:
    try:
        yield from decompress(chunks)
    except RejectedRecord as refused:
        raise UnreadableFile(f"{place}: {refused}") from None


def baseline_statistics(chunks: Iterable[bytes], place: str, *, header: bool = True) -> Table:
    r"""The statistics of a data set in CSV, with sketches of Model Monitor's size.

    Examples
    --------
    >>> table = baseline_statistics([b"label,a\n1,2.5\n", b"0,\n"], "train.csv")
    >>> table.names, table.rows, table.columns[1].types.missing
    (('label', 'a'), 2, 1)
    >>> baseline_statistics([b"1,2\n3\n"], "train.csv", header=False)
    Traceback (most recent call last):
    chalicelib.errors.UnreadableFile: train.csv: line 2 has 1 cells instead of 2
    """
    return _csv_statistics(_expanded(chunks, place), place, header=header)


def with_label_first(table: Table, label: str, place: str) -> Table:
    """The table with a column moved to the front: the one of this name, or for `last` the last one.

    A captured row has the outputs of the model first, and training data often has the label last. Columns that are
    named by position, `_c0`, `_c1`, are named anew.

    Raises
    ------
    UnreadableFile
        If no column has the name.

    Examples
    --------
    >>> with_label_first(Table.of([["1", "2", "0"]], ("a", "b", "label")), "last", "train.csv").names
    ('label', 'a', 'b')
    """
    names = table.feature_names
    if label not in names and label != "last":
        close = difflib.get_close_matches(label, names, 1)
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        hint = f"did you mean {close[0]}?" if close else f"there are {shown}"
        raise UnreadableFile(f"{place}: no column named {label!r}; {hint}")
    first = names.index(label) if label in names else len(names) - 1
    order = [first, *(position for position in range(len(names)) if position != first)]
    if any(name != f"_c{position}" for position, name in enumerate(names)):
        names = tuple(names[at] for at in order)
    return msgspec.structs.replace(table, names=names, columns=tuple(table.columns[at] for at in order), outputs=0)


def total(tables: Iterable[Table], place: str) -> Table:
    """The sum of the tables."""
    total: Table | None = None
    for table in tables:
        total = table if total is None else total + table
    if total is None:
        raise UnreadableFile(f"{place}: no rows")
    return total


# --- CSV --------------------------------------------------------------------------------------------------------------


_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def csv_rows(
    source: Source, advance: Advance, *, header: bool = True
) -> tuple[tuple[str, ...], Iterator[list[str | None]]]:
    """The names and the rows of a CSV file; None is an empty cell."""
    return _csv_rows(_expanded(source.read(advance), source.name), source.name, header=header)


def _csv_rows(
    chunks: Iterable[bytes], place: str, *, header: bool
) -> tuple[tuple[str, ...], Iterator[list[str | None]]]:
    reader = csv.reader(_text_lines(chunks, place), strict=True)
    rows = _rows(reader, place, header=header)
    first = next(rows, None)
    if first is None:
        raise UnreadableFile(f"{place}: no rows")
    names = tuple(cell or "" for cell in first) if header else tuple(f"_c{i}" for i in range(len(first)))
    for position, name in enumerate(names):
        if name in names[:position]:
            raise UnreadableFile(f"{place}: two columns named {name!r}")
    return names, rows if header else chain([first], rows)


def _csv_statistics(chunks: Iterable[bytes], place: str, *, header: bool) -> Table:
    names, rows = _csv_rows(chunks, place, header=header)

    def tables() -> Iterator[Table]:
        size = max(1, CELLS_AT_ONCE // len(names))
        while pending := list(islice(rows, size)):
            yield Table.of(pending, names, k=BASELINE_K)

    return total(tables(), place)


def _rows(reader: Iterator[list[str]], place: str, *, header: bool) -> Iterator[list[str | None]]:
    width, first = 0, ""
    rows = long_cells(reader)
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            raise UnreadableFile(f"{place}: line {reader.line_num} is not CSV") from None  # type: ignore[attr-defined]
        if row is None:
            return
        if not row:
            if width != 1:
                continue
            row = [""]  # in a file with one column, a blank line is a missing cell
        if not width:
            width, first = len(row), row[0]
        elif width == 1 and (delimiter := _other_delimiter(first, ",".join(row))):
            named = f" named {first[:60]!r}" if header else ""
            raise UnreadableFile(f"{place}: one column{named}: {delimiter} separate the cells; save it with commas")
        if len(row) != width:
            line = reader.line_num  # type: ignore[attr-defined]
            raise UnreadableFile(f"{place}: line {line} has {len(row)} cells instead of {width}")
        yield [cell or None for cell in row]


def _other_delimiter(first: str, second: str) -> str:
    """What stands between the cells of both rows as often, when they have no commas, and may have decimal ones.

    Examples
    --------
    >>> _other_delimiter("y;a;b", "0;0,78;x"), _other_delimiter("remark", "late; cold"), _other_delimiter("a", "1")
    ('semicolons', '', '')
    """
    for mark, name in _OTHER_DELIMITERS.items():
        if 0 < first.count(mark) == second.count(mark):
            return name
    return ""


def _text_lines(chunks: Iterable[bytes], place: str) -> Iterator[str]:
    """Lines with their line ends, which may be part of a quoted cell."""
    rest = b""
    first = True
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield _text(line + b"\n", place, first)
            first = False
    if rest:
        yield _text(rest, place, first)


def _text(line: bytes, place: str, first: bool) -> str:
    try:
        return line.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError:
        raise UnreadableFile(f"{place}: not UTF-8") from None


# --- JSON lines -------------------------------------------------------------------------------------------------------


def _json_lines_statistics(chunks: Iterable[bytes], place: str) -> Table:
    def tables() -> Iterator[Table]:
        columns: dict[str, list[Any]] = {}
        rows = 0
        for number, line in enumerate(_text_lines(chunks, place), start=1):
            for names, cells in _records(line, place, number):
                for position, (name, cell) in enumerate(zip(names, cells, strict=True)):
                    column = columns.setdefault(name or f"_c{position}", [])
                    column += [None] * (rows - len(column))
                    column.append(cell)
                rows += 1
            if rows * len(columns) > CELLS_AT_ONCE:
                yield json_table(columns, rows)
                columns, rows = {}, 0
        if rows:
            yield json_table(columns, rows)

    return total(tables(), place)


def _records(line: str, place: str, number: int) -> Iterable[tuple[tuple[str, ...], list[Any]]]:
    if not line.strip():
        return ()
    try:
        parsed = parse_json(line)
        if isinstance(parsed, dict) and "captureData" in parsed:
            raise UnreadableFile(
                f"{place}: captured requests, not a data set; use --from-captures (in Python: captured=True)"
            )
        return readings(parsed)[0].make().rows
    except RejectedRecord:
        raise UnreadableFile(f"{place}: line {number} is not JSON") from None


def json_table(columns: dict[str, list[Any]], rows: int) -> Table:
    """A table of columns of JSON values; a missing key is a missing cell."""
    return Table(
        names=tuple(columns),
        rows=rows,
        columns=tuple(
            ColumnStatistics.of_json_values(values_of(name, [*cells, *[None] * (rows - len(cells))]), BASELINE_K)
            for name, cells in columns.items()
        ),
    )


# --- Parquet ----------------------------------------------------------------------------------------------------------


def _parquet_statistics(content: bytes, place: str) -> Table:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise VedetteError("Parquet needs pyarrow: pip install 'vedette[parquet]'") from None
    try:
        file = parquet.ParquetFile(arrow.BufferReader(content))
    except (arrow.ArrowException, OSError):
        raise UnreadableFile(f"{place}: not Parquet") from None
    for field in file.schema_arrow:
        if arrow.types.is_nested(field.type) or arrow.types.is_binary(field.type):
            raise UnreadableFile(f"{place}: column {field.name!r} holds {field.type}")
    size = max(1, CELLS_AT_ONCE // max(1, len(file.schema_arrow)))
    return total(
        (
            json_table(
                {name: [cell_value(cell) for cell in batch.column(name).to_pylist()] for name in batch.schema.names},
                rows,
            )
            for batch in file.iter_batches(batch_size=size)
            if (rows := batch.num_rows)
        ),
        place,
    )


def cell_value(value: Any) -> Any:
    """A cell as a JSON value; a value of another type becomes its text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    return str(value)

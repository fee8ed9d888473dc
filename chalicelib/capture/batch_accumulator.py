"""Rows -> tables of statistics: rows are collected by layout, and turned into statistics a batch at a time.

The cells of a side are CSV blocks, or one flat list, in which a column is every n-th cell. JSON objects have one layout
whatever their keys: a key that is absent from a record is a missing cell of that row, so their table has the union of
the names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple

from chalicelib.capture.flatten import values_of
from chalicelib.capture.lazy_rows import Names
from chalicelib.capture.options import CaptureOptions
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.csv_columns import CsvBlock
from chalicelib.statistics.private_features import without_private_values
from chalicelib.statistics.table import Table, side_layout, sum_of_tables, union_of_names

Cells = Sequence[Any] | CsvBlock  # of one side of rows, row after row
CellKind = Literal["text", "json", "csv"]  # lists of texts, lists of JSON's own values (None: missing), CSV blocks
MAX_BATCH_CELLS = 250_000  # in memory before they become statistics: at most 20 MB
MAX_BATCH_BYTES = 4 << 20  # of the object that they were read from: cells of text may be long
MAX_PENDING_COLUMNS = 500  # of tables in memory before these are added up: at most 2 MB


class _Rows(NamedTuple):
    """Rows of the same names: on either side a flat list of cells, or a list of CSV blocks."""

    outputs: Names
    inputs: Names
    output_cells: list[Any]
    input_cells: list[Any]


class BatchAccumulator:
    """Collects the rows of one object.

    Parameters
    ----------
    options
        Its limits: how many layouts of columns the object may have, and how many names the columns of one layout, over
        all rows; the size of the sketches; which features are private.
    """

    def __init__(self, options: CaptureOptions) -> None:
        self._options = options
        self._rows: dict[tuple[Names, Names, CellKind, CellKind], _Rows] = {}
        self._cells = 0
        self._bytes = 0
        self._names: dict[object, set[str]] = {}  # by layout: the names of its columns so far
        self._admitted: set[tuple[Names, Names]] = set()
        self._tables: list[Table] = []

    def has_room_for(self, outputs: Names, inputs: Names) -> bool:
        """Whether rows of these names stay within the limits; from then on their layout counts."""
        if (outputs, inputs) in self._admitted:
            return True
        layout = side_layout(outputs), side_layout(inputs)
        known = self._names.get(layout)
        if known is None and len(self._names) >= self._options.max_layouts:
            return False
        names = {f"o{name}" for name in outputs} | {f"i{name}" for name in inputs}
        if known is None:
            self._names[layout] = names
        elif len(known) + len(names - known) > self._options.max_columns:
            return False
        else:
            known |= names
        if len(self._admitted) > self._options.max_columns:
            self._admitted.clear()
        self._admitted.add((outputs, inputs))
        return True

    def append(self, outputs: Names, inputs: Names, output_cells: Cells, input_cells: Cells, kind: CellKind) -> None:
        """Append rows, for which there is room.

        Parameters
        ----------
        outputs, inputs
            The names of the columns.
        output_cells, input_cells
            The cells of either side.
        kind
            What the cells are where they are a list: "text" or "json".
        """
        kinds = _kind(output_cells, kind), _kind(input_cells, kind)
        rows = self._rows.get((outputs, inputs, *kinds))
        if rows is None:
            rows = self._rows[outputs, inputs, *kinds] = _Rows(outputs, inputs, [], [])
        for side, cells in ((rows.output_cells, output_cells), (rows.input_cells, input_cells)):
            if isinstance(cells, CsvBlock):
                side.append(cells)
                self._cells += len(cells.ends)
            else:
                side.extend(cells)
                self._cells += len(cells)
        if self._cells > MAX_BATCH_CELLS:
            self._flush()

    def count_bytes(self, size: int) -> None:
        """Count bytes of the object whose rows were appended."""
        self._bytes += size
        if self._bytes > MAX_BATCH_BYTES:
            self._flush()

    def tables(self) -> tuple[Table, ...]:
        """The tables of all rows so far, in the order of their layouts."""
        self._flush()
        return sum_of_tables(self._tables)

    def _flush(self) -> None:
        by_layout: dict[tuple[object, object, CellKind, CellKind], list[_Rows]] = {}
        for key, rows in self._rows.items():
            layout = key[:2] if "csv" in key[2:] else (side_layout(rows.outputs), side_layout(rows.inputs))
            by_layout.setdefault((*layout, *key[2:]), []).append(rows)
        options = self._options
        tables = (_table(parts, key[2:], options.sketch_k) for key, parts in by_layout.items())
        self._tables += [without_private_values(table, options.private, options.features) for table in tables]
        self._rows.clear()
        self._cells = self._bytes = 0
        if sum(len(table.columns) for table in self._tables) > MAX_PENDING_COLUMNS:
            self._tables = list(sum_of_tables(self._tables))


def _kind(cells: Cells, kind: CellKind) -> CellKind:
    return "csv" if isinstance(cells, CsvBlock) else kind


def _table(parts: list[_Rows], kinds: Sequence[CellKind], k: int) -> Table:
    outputs, inputs = union_of_names([part.outputs for part in parts]), union_of_names([part.inputs for part in parts])
    sides = (
        (outputs, [(part.outputs, part.output_cells) for part in parts]),
        (inputs, [(part.inputs, part.input_cells) for part in parts]),
    )
    rows = sum(map(_row_count, parts))
    columns: list[ColumnStatistics] = []
    for (names, side), kind in zip(sides, kinds, strict=True):
        if kind == "csv":
            ((_, blocks),) = side
            columns += CsvBlock.joined(blocks).columns(k)
        else:
            of = ColumnStatistics.of_json_values if kind == "json" else ColumnStatistics.of
            columns += [of(column, k).padded_to(rows) for column in _columns(names, side)]
    return Table(names=outputs + inputs, outputs=len(outputs), rows=rows, columns=tuple(columns))


def _row_count(part: _Rows) -> int:
    names, cells = (part.outputs, part.output_cells) if part.outputs else (part.inputs, part.input_cells)
    return sum(block.rows for block in cells) if isinstance(cells[0], CsvBlock) else len(cells) // len(names)


def _columns(names: Names, side: list[tuple[Names, list[Any]]]) -> Iterator[list[Any]]:
    """The cells of each column, from those parts that have it."""
    if all(part == names for part, _ in side):  # also where names are blank, and columns are known by position
        flat = side[0][1] if len(side) == 1 else list(chain.from_iterable(cells for _, cells in side))
        yield from (values_of(name, flat[start :: len(names)]) for start, name in enumerate(names))
        return
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for part, flat in side:
        for start, name in enumerate(part):
            columns[name] += values_of(name, flat[start :: len(part)])
    yield from columns.values()

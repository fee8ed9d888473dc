"""Rows are gathered by layout, side by side, and turned into statistics a batch at a time.

A side is a grid of bytes (CSV), or cells in one flat list, of which a column is every n-th. Objects are one layout
whatever their keys: a key that is absent from a record is a missing cell of that row, so their table has the union of
the names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple

from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.csv_columns import CsvBlock
from chalicelib.statistics.table import Table, by_name, sum_of_tables, union

Names = tuple[str, ...]
Kind = Literal["text", "json", "grid"]  # a list of texts, of JSON's own values (None is missing), or of grids
MAX_BATCH_CELLS = 250_000  # cells held before they are turned into statistics: at most 20 MB
MAX_BATCH_BYTES = 4 << 20  # of the object that they were read from: cells of text may be long
MAX_PENDING_COLUMNS = 500  # of batches, held before they are added up: at most 2 MB


class _Gathered(NamedTuple):
    """Rows of the same names: lists of cells, cell after cell, or of grids."""

    outputs: Names
    inputs: Names
    given: list[Any]
    asked: list[Any]


class BatchAccumulator:
    """Tables in the making."""

    def __init__(self, max_layouts: int, max_columns: int) -> None:
        self._max_layouts = max_layouts
        self._max_columns = max_columns
        self._gathered: dict[tuple[Names, Names, Kind, Kind], _Gathered] = {}
        self._cells = 0
        self._bytes = 0
        self._names: dict[object, set[str]] = {}  # by layout: the names of objects seen
        self._admitted: set[tuple[Names, Names]] = set()
        self._done: list[Table] = []

    def has_room_for(self, outputs: Names, inputs: Names) -> bool:
        """Whether there is room for the layout of such rows."""
        if (outputs, inputs) in self._admitted:
            return True
        layout = by_name(outputs), by_name(inputs)
        known = self._names.get(layout)
        if known is None and len(self._names) >= self._max_layouts:
            return False
        names = {f"o{name}" for name in outputs} | {f"i{name}" for name in inputs}
        if known is None:
            self._names[layout] = names
        elif len(known) + len(names - known) > self._max_columns:
            return False
        else:
            known |= names
        if len(self._admitted) > self._max_columns:
            self._admitted.clear()
        self._admitted.add((outputs, inputs))
        return True

    def append(
        self,
        outputs: Names,
        inputs: Names,
        given: Iterable[Any] | CsvBlock,
        asked: Iterable[Any] | CsvBlock,
        kind: Kind,
    ) -> None:
        """Take the output cells and the input cells of rows of one layout, row after row; a grid where there is one."""
        kinds: tuple[Kind, Kind] = _kind(given, kind), _kind(asked, kind)
        key = (outputs, inputs, *kinds)
        gathered = self._gathered.get(key)
        if gathered is None:
            gathered = self._gathered[key] = _Gathered(outputs, inputs, [], [])
        for side, cells in ((gathered.given, given), (gathered.asked, asked)):
            if isinstance(cells, CsvBlock):
                side.append(cells)
                self._cells += len(cells.ends)
            else:
                before = len(side)
                side.extend(cells)
                self._cells += len(side) - before
        if self._cells > MAX_BATCH_CELLS:
            self._flush()

    def count_bytes(self, size: int) -> None:
        """So many bytes of the object were read, and the rows in them were added."""
        self._bytes += size
        if self._bytes > MAX_BATCH_BYTES:
            self._flush()

    def tables(self) -> tuple[Table, ...]:
        """The tables of all rows taken."""
        self._flush()
        return sum_of_tables(self._done)

    def _flush(self) -> None:
        alike: dict[tuple[object, object, Kind, Kind], list[_Gathered]] = {}
        for (outputs, inputs, given, asked), gathered in self._gathered.items():
            layout = (outputs, inputs) if "grid" in (given, asked) else (by_name(outputs), by_name(inputs))
            alike.setdefault((*layout, given, asked), []).append(gathered)
        self._done += [_table(parts, key[2:]) for key, parts in alike.items()]
        self._gathered.clear()
        self._cells = self._bytes = 0
        if sum(len(table.columns) for table in self._done) > MAX_PENDING_COLUMNS:
            self._done = list(sum_of_tables(self._done))


def _kind(cells: Iterable[Any] | CsvBlock, kind: Kind) -> Kind:
    return "grid" if isinstance(cells, CsvBlock) else kind


def _table(parts: list[_Gathered], kinds: Sequence[Kind]) -> Table:
    outputs, inputs = union([part.outputs for part in parts]), union([part.inputs for part in parts])
    counts = [_rows(part) for part in parts]
    sides = (
        (outputs, [(part.outputs, part.given) for part in parts]),
        (inputs, [(part.inputs, part.asked) for part in parts]),
    )
    rows = sum(counts)
    columns: list[ColumnStatistics] = []
    for (names, side), kind in zip(sides, kinds, strict=True):
        if kind == "grid":
            ((_, grids),) = side
            columns += CsvBlock.joined(grids).columns()
        else:
            of = ColumnStatistics.of_values if kind == "json" else ColumnStatistics.of
            columns += [of(column).among(rows) for column in _columns(names, side)]
    return Table(names=outputs + inputs, outputs=len(outputs), rows=rows, columns=tuple(columns))


def _rows(part: _Gathered) -> int:
    names, side = (part.outputs, part.given) if part.outputs else (part.inputs, part.asked)
    return sum(grid.rows for grid in side) if isinstance(side[0], CsvBlock) else len(side) // len(names)


def _columns(names: Names, side: list[tuple[Names, list[Any]]]) -> Iterator[list[Any]]:
    """The cells of each column, from those parts that have it."""
    if all(part == names for part, _ in side):  # also where names are blank, and known by position
        flat = side[0][1] if len(side) == 1 else list(chain.from_iterable(cells for _, cells in side))
        yield from (flat[start :: len(names)] for start in range(len(names)))
        return
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for part, flat in side:
        for start, name in enumerate(part):
            columns[name] += flat[start :: len(part)]
    yield from columns.values()

"""Rows are gathered by layout, side by side, and turned into statistics a batch at a time.

Cells lie in one flat list a side: a column is every n-th of them. Objects are one layout whatever their keys: a key
that is absent from a record is a missing cell of that row (aws-facts 3.5), so their table has the union of the names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table, by_name, sum_of_tables, union

Names = tuple[str, ...]
Cells = Literal["csv", "text", "json"]  # "" is missing; None is; None is, and cells are JSON's own values
CELLS_AT_ONCE = 250_000  # held before they are turned into statistics: about 20 MB


class _Gathered(NamedTuple):
    """Rows of the same names, cell after cell."""

    outputs: Names
    inputs: Names
    output_cells: list[Any]
    input_cells: list[Any]


class Gathering:
    """Tables in the making."""

    def __init__(self, most_layouts: int, most_columns: int) -> None:
        self._most_layouts = most_layouts
        self._most_columns = most_columns
        self._gathered: dict[tuple[Names, Names, Cells], _Gathered] = {}
        self._cells = 0
        self._names: dict[object, set[str]] = {}  # by layout: the names of objects seen
        self._admitted: set[tuple[Names, Names]] = set()
        self._done: list[Table] = []

    def admits(self, outputs: Names, inputs: Names) -> bool:
        """Whether there is room for the layout of such rows."""
        if (outputs, inputs) in self._admitted:
            return True
        layout = by_name(outputs), by_name(inputs)
        known = self._names.get(layout)
        if known is None and len(self._names) >= self._most_layouts:
            return False
        union = {f"o{name}" for name in outputs} | {f"i{name}" for name in inputs} | (known or set())
        if known and len(union) > self._most_columns:
            return False
        self._names[layout] = union
        if len(self._admitted) > self._most_columns:
            self._admitted.clear()
        self._admitted.add((outputs, inputs))
        return True

    def add(self, outputs: Names, inputs: Names, given: Iterable[Any], asked: Iterable[Any], cells: Cells) -> None:
        """Take the output cells and the input cells of rows of one layout, row after row."""
        key = (outputs, inputs, cells)
        gathered = self._gathered.get(key)
        if gathered is None:
            gathered = self._gathered[key] = _Gathered(outputs, inputs, [], [])
        before = len(gathered.output_cells) + len(gathered.input_cells)
        gathered.output_cells.extend(given)
        gathered.input_cells.extend(asked)
        self._cells += len(gathered.output_cells) + len(gathered.input_cells) - before
        if self._cells > CELLS_AT_ONCE:
            self._flush()

    def tables(self) -> tuple[Table, ...]:
        """The tables of all rows taken."""
        self._flush()
        return tuple(self._done)

    def _flush(self) -> None:
        alike: dict[object, list[_Gathered]] = {}
        for (outputs, inputs, cells), gathered in self._gathered.items():
            alike.setdefault((by_name(outputs), by_name(inputs), cells), []).append(gathered)
        tables = [_table(parts, key[2]) for key, parts in alike.items()]  # type: ignore[index]
        self._gathered.clear()
        self._cells = 0
        self._done = list(sum_of_tables([*self._done, *tables]))


def _table(parts: list[_Gathered], cells: Cells) -> Table:
    outputs, inputs = union([part.outputs for part in parts]), union([part.inputs for part in parts])
    counts = [_rows(part) for part in parts]
    sides = (
        (outputs, [(part.outputs, part.output_cells) for part in parts]),
        (inputs, [(part.inputs, part.input_cells) for part in parts]),
    )
    columns = [_of(column, cells) for names, side in sides for column in _columns(names, side, counts)]
    return Table(names=outputs + inputs, outputs=len(outputs), rows=sum(counts), columns=tuple(columns))


def _rows(part: _Gathered) -> int:
    return len(part.output_cells) // len(part.outputs) if part.outputs else len(part.input_cells) // len(part.inputs)


def _columns(names: Names, side: list[tuple[Names, list[Any]]], counts: list[int]) -> Iterator[list[Any]]:
    if len(side) == 1:
        for start in range(len(names)):
            yield side[0][1][start :: len(names)]
        return
    positions = [{name: position for position, name in enumerate(part)} for part, _ in side]
    for name in names:
        column: list[Any] = []
        for (part, flat), position, count in zip(side, positions, counts, strict=True):
            column += flat[position[name] :: len(part)] if name in position else [None] * count
        yield column


def _of(column: list[Any], cells: Cells) -> ColumnStatistics:
    if cells == "json":
        return ColumnStatistics.of_values(column)
    return ColumnStatistics.of(column, missing="" if cells == "csv" else None)

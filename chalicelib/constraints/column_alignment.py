"""Align captured columns with the features of a baseline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chalicelib.constraints.constraints import Constraints
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table


class Alignment(NamedTuple):
    """The columns of one table under the baseline's names.

    `columns` is None when the table cannot be aligned with the baseline unambiguously.
    """

    table: Table
    columns: dict[str, ColumnStatistics] | None
    missing: tuple[str, ...] = ()  # features without a column (known only where names decide)
    extra: tuple[str, ...] = ()  # names of the columns without a feature, "" where the payload gives none

    @property
    def width(self) -> int:
        """How many columns the rows have."""
        return len(self.table.names)


def align_columns(table: Table, features: Sequence[str]) -> Alignment:
    """Align a table with the features of a baseline, given in order: outputs first, then inputs.

    A column with the name of a feature is that feature. The remaining columns take the remaining features by position,
    as Model Monitor maps every column, if their numbers are equal and no name contradicts it: where some names match,
    an input with an unknown name is an extra column. An output may have another name than in the data set (`score`,
    `label`).

    Examples
    --------
    >>> rows = [["1", "2"]]
    >>> sorted(align_columns(Table.of(rows, ("", "")), ["a", "b"]).columns)
    ['a', 'b']
    >>> found = align_columns(Table.of(rows, ("b", "z")), ["a", "b"])
    >>> found.missing, found.extra
    (('a',), ('z',))
    >>> align_columns(Table.of(rows, ("", "")), ["a", "b", "c"]).columns is None
    True
    """
    known = set(features)
    columns: dict[str, ColumnStatistics] = {}
    others: list[tuple[str, ColumnStatistics]] = []
    unknown_input = False  # an input whose name the baseline lacks
    for position, (name, column) in enumerate(zip(table.names, table.columns, strict=True)):
        if name in known and name not in columns:
            columns[name] = column
        else:
            others.append((name, column))
            unknown_input = unknown_input or bool(name and position >= table.outputs)
    left = [name for name in features if name not in columns]
    if len(left) == len(others) and not (columns and unknown_input):
        columns.update(zip(left, (column for _, column in others), strict=True))
        return Alignment(table, columns)
    if not columns:
        return Alignment(table, None, extra=("",) * max(0, len(others) - len(left)))
    return Alignment(table, columns, tuple(left), tuple(unmatched for unmatched, _ in others))


def aligned_table(tables: Iterable[Table], constraints: Constraints) -> Table | None:
    """The sum of all tables that align with the baseline, under its names, as statistics.json shows it.

    When no table aligns, the table with the most rows under its own names; None when there are no tables.

    Examples
    --------
    >>> constraints = Constraints({"features": [{"name": "y"}, {"name": "x"}]})
    >>> tables = [Table.of([["1", "2"]], ("", "")), Table.of([["3"]], ("",))]
    >>> named = aligned_table(tables, constraints)
    >>> named.names, named.rows
    (('y', 'x'), 1)
    """
    names = tuple(feature.name for feature in constraints.features)
    alignments = [align_columns(table, names) for table in tables]
    if not alignments:
        return None
    aligned = [(one.table.rows, one.columns) for one in alignments if one.columns and not one.missing]
    if not aligned:
        return max((one.table for one in alignments), key=lambda table: table.rows)
    return Table(
        names=names,
        rows=sum(rows for rows, _ in aligned),
        columns=tuple(ColumnStatistics.total([columns[name] for _, columns in aligned]) for name in names),
    )

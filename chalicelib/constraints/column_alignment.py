"""Which captured column is which feature of the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chalicelib.constraints.constraints import Constraints
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table


class Alignment(NamedTuple):
    """The columns of one table under the baseline's names.

    `columns` is None when the table cannot be laid over the baseline without guessing.
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
    """Lay a table over the baseline's features.

    Columns whose names the baseline knows are those features. The others go by position into the features that are
    left, outputs first, as Model Monitor maps every column, if there are exactly as many and no name says otherwise:
    where some names are known, an input of another name is another column; an output may be called `score` in the
    answers and `label` in the data set.

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
    foreign = False  # an input whose name the baseline does not know
    for position, (name, column) in enumerate(zip(table.names, table.columns, strict=True)):
        if name in known and name not in columns:
            columns[name] = column
        else:
            others.append((name, column))
            foreign = foreign or bool(name and position >= table.outputs)
    left = [name for name in features if name not in columns]
    if len(left) == len(others) and not (columns and foreign):
        columns.update(zip(left, (column for _, column in others), strict=True))
        return Alignment(table, columns)
    if not columns:
        return Alignment(table, None, extra=("",) * max(0, len(others) - len(left)))
    return Alignment(table, columns, tuple(left), tuple(unmatched for unmatched, _ in others))


def aligned_table(tables: Iterable[Table], constraints: Constraints) -> Table | None:
    """All tables that can be laid over the baseline, added up under its names; else the table with the most rows.

    None when there are no rows at all.

    Examples
    --------
    >>> constraints = Constraints({"features": [{"name": "y"}, {"name": "x"}]})
    >>> tables = [Table.of([["1", "2"]], ("", "")), Table.of([["3"]], ("",))]
    >>> named = aligned_table(tables, constraints)
    >>> named.names, named.rows
    (('y', 'x'), 1)
    """
    found = [align_columns(table, [feature.name for feature in constraints.features]) for table in tables]
    if not found:
        return None
    laid = [(one.table.rows, one.columns) for one in found if one.columns and not one.missing]
    if not laid:
        return max((one.table for one in found), key=lambda table: table.rows)
    names = tuple(feature.name for feature in constraints.features)
    return Table(
        names=names,
        rows=sum(rows for rows, _ in laid),
        columns=tuple(ColumnStatistics.total([columns[name] for _, columns in laid]) for name in names),
    )

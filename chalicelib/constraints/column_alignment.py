"""Align captured columns with the features of a baseline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from chalicelib.constraints.constraints import Constraints
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.feature_names import feature_names
from chalicelib.statistics.table import Table


class Alignment(NamedTuple):
    """The columns of one table under the baseline's names.

    `columns` is None when the table cannot be aligned with the baseline unambiguously.
    """

    table: Table
    columns: dict[str, ColumnStatistics] | None
    missing: tuple[str, ...] = ()  # features without a column (known only where names decide)
    extra: tuple[str, ...] = ()  # names of the columns without a feature, "" where the payload gives none
    beside: tuple[str, ...] = ()  # names beside columns of their side that have none, in rows with every feature

    @property
    def width(self) -> int:
        """How many columns the rows have."""
        return len(self.table.names)


def align_columns(table: Table, features: Sequence[str]) -> Alignment:
    """Align a table with the features of a baseline, given in order: outputs first, then inputs.

    The rules are those of `statistics.feature_names.column_features`.

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
    >>> align_columns(Table.of(rows, ("", "model_version")), ["a"]).beside
    ('model_version',)
    >>> align_columns(Table.of([["1", "2", "3"]], ("", "b", "z"), 1), ["a", "b"]).extra
    ('z',)
    """
    found = table.features(features)
    if found is None:
        return Alignment(table, None, extra=("",) * max(0, len(table.names) - len(features)))
    columns = {feature: column for feature, column in zip(found, table.columns, strict=True) if feature is not None}
    missing = tuple(name for name in features if name not in columns)
    unique = table.feature_names
    extra = {at: name and unique[at] for at, name in enumerate(table.names) if found[at] is None}
    if missing or "" in extra.values():
        return Alignment(table, columns, missing, tuple(extra.values()))
    sides = [table.names[: table.outputs]] * table.outputs + [table.names[table.outputs :]] * len(table.names)
    beside = tuple(name for at, name in extra.items() if "" in sides[at])
    return Alignment(table, columns, extra=tuple(name for name in extra.values() if name not in beside), beside=beside)


def tables_with_baseline_names(tables: Iterable[Table], features: Sequence[str]) -> tuple[Table, ...]:
    """The tables under the baseline's names; a table that cannot be aligned as it is.

    Examples
    --------
    >>> tables = [Table.of([["1", "2"]], ("score", ""), 1), Table.of([["3"]], ("",))]
    >>> [table.names for table in tables_with_baseline_names(tables, ["y", "x"])]
    [('y', 'x'), ('',)]
    """
    return tuple(_with_baseline_names(table, features) for table in tables)


def _with_baseline_names(table: Table, features: Sequence[str]) -> Table:
    found = table.features(features)
    if found is None:
        return table
    numbered = [name or f"_c{at}" for at, name in enumerate(table.names)]
    extra = [(at, name) for at, name in enumerate(numbered) if found[at] is None]
    sides = [name for at, name in extra if at < table.outputs], [name for at, name in extra if at >= table.outputs]
    own = iter(feature_names(*sides, reserved=features))  # the name of an extra column is none of the baseline's
    return replace(table, names=tuple(next(own) if feature is None else feature for feature in found))


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

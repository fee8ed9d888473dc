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
    beside: tuple[str, ...] = ()  # names beside rows that are known by position and have every feature

    @property
    def width(self) -> int:
        """How many columns the rows have."""
        return len(self.table.names)


def align_columns(table: Table, features: Sequence[str]) -> Alignment:
    """Align a table with the features of a baseline, given in order: outputs first, then inputs.

    The rules are those of `column_features`.

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
    """
    found = column_features(table, features)
    if found is None:
        return Alignment(table, None, extra=("",) * max(0, len(table.names) - len(features)))
    columns = {feature: column for feature, column in zip(found, table.columns, strict=True) if feature is not None}
    missing = tuple(name for name in features if name not in columns)
    extra = tuple(
        name and unique
        for name, unique, feature in zip(table.names, table.feature_names, found, strict=True)
        if feature is None
    )
    if "" in table.names and "" not in extra and not missing:
        return Alignment(table, columns, beside=extra)
    return Alignment(table, columns, missing, extra)


def column_features(table: Table, features: Sequence[str]) -> list[str | None] | None:
    """The feature of each column of a table, None for an extra column; None when the table cannot be aligned.

    A column is the feature of its name; else of its name with its side, where the baseline's rows had the name on both
    sides; else of its plain name, where the baseline's rows had it on one side: then an output only repeats an input,
    unless it is the first feature, which is an output. The remaining columns take the remaining features by position,
    as Model Monitor maps every column, if their numbers are equal and no name contradicts it: where some names match,
    an input with an unknown name is an extra column. An output may have another name than in the data set (`score`,
    `label`). Where the rows have no names, what lies beside them with a name is an extra column.

    Examples
    --------
    >>> column_features(Table(names=("id", "score", "id"), outputs=2), ["output.id", "score", "input.id"])
    ['output.id', 'score', 'input.id']
    >>> column_features(Table(names=("score", "id"), outputs=1), ["output.id", "score", "input.id"])
    ['score', 'input.id']
    """
    outputs = table.outputs
    by_side = [f"{'output' if at < outputs else 'input'}.{name}" for at, name in enumerate(table.names)]
    named = [at for at, name in enumerate(table.names) if name]
    order = sorted(named, key=lambda at: at < outputs and table.names[at] != features[0]) if features else []
    found: list[str | None] = [None] * len(table.names)
    free = dict.fromkeys(features)
    for names in (table.feature_names, by_side, table.names):
        for at in order:
            if found[at] is None and names[at] in free:
                found[at] = names[at]
                del free[names[at]]
    others = [at for at, feature in enumerate(found) if feature is None]
    unnamed = [at for at in others if not table.names[at]]
    if len(unnamed) == len(free) < len(others):
        others = unnamed
    matched = len(others) < len(found)
    unknown_input = any(at >= outputs and table.names[at] for at in others)
    if len(free) == len(others) and not (matched and unknown_input):
        for at, feature in zip(others, free, strict=True):
            found[at] = feature
        return found
    return found if matched else None


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
    found = column_features(table, features)
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

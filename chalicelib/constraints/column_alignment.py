"""Align captured columns with the features of a baseline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from chalicelib.constraints.column_fit import fits_clearly_better, total_mismatch
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
    inputs_alone: bool = False  # the baseline has no outputs: those of the table are not evaluated

    @property
    def width(self) -> int:
        """How many columns the rows have."""
        return len(self.table.names)

    @property
    def outputs(self) -> set[str]:
        """The features whose columns are outputs."""
        outputs = {id(column) for column in self.table.columns[: self.table.outputs]}
        return {name for name, column in (self.columns or {}).items() if id(column) in outputs}


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


def align_with_baseline(table: Table, constraints: Constraints, statistics: Table | None = None) -> Alignment:
    """Align a table with a baseline, as `align_columns`; a baseline of as many features as inputs has no outputs.

    That holds for rows that are known by position. It does not hold if the features clearly fit the first columns
    better: then the rows have an input too many.

    Examples
    --------
    >>> inputs = Constraints({"features": [{"name": name, "inferred_type": "Integral"} for name in "ab"]})
    >>> found = align_with_baseline(Table.of([["0.5", "1", "2"]], ("", "", ""), outputs=1), inputs)
    >>> sorted(found.columns), found.inputs_alone, found.extra
    (['a', 'b'], True, ())
    """
    features = constraints.features
    names = [feature.name for feature in features]
    found = align_columns(table, names)
    inputs = table.names[table.outputs :]
    if not table.outputs or any(inputs) or len(inputs) != len(names) or _names_decide(table, names):
        return found
    columns = table.columns[table.outputs :]
    as_inputs = total_mismatch(constraints, statistics, features, columns)
    as_rows = total_mismatch(constraints, statistics, features, table.columns[: len(names)], table.outputs)
    if as_inputs is None or fits_clearly_better(as_rows, as_inputs):
        return found
    return Alignment(table, dict(zip(names, columns, strict=True)), inputs_alone=True)


def shifted_by_one(found: Alignment, constraints: Constraints, statistics: Table | None = None) -> bool:
    """Whether columns that are known by position fit clearly better if the last feature were the first one.

    Training data often has the label last, and captured rows have it first.

    Examples
    --------
    >>> kinds = {"a": "Fractional", "b": "String", "label": "Integral"}
    >>> last = Constraints({"features": [{"name": name, "inferred_type": kinds[name]} for name in kinds]})
    >>> shifted_by_one(align_with_baseline(Table.of([["1", "0.5", "x"]], ("", "", ""), outputs=1), last), last)
    True
    """
    features, outputs = constraints.features, found.table.outputs
    names = [feature.name for feature in features]
    if not outputs or not found.columns or found.missing or found.extra or found.inputs_alone:
        return False
    if _names_decide(found.table, names):
        return False
    columns = [found.columns[name] for name in names]
    as_is = total_mismatch(constraints, statistics, features, columns, outputs)
    rotated = total_mismatch(constraints, statistics, (features[-1], *features[:-1]), columns, outputs)
    return fits_clearly_better(rotated, as_is)


def _names_decide(table: Table, features: Sequence[str]) -> bool:
    """Whether the payload names a column as a feature is named."""
    sides = ("output" if at < table.outputs else "input" for at in range(len(table.names)))
    given = {name for side, own in zip(sides, table.names, strict=True) if own for name in (own, f"{side}.{own}")}
    return not given.isdisjoint(features)


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


def aligned_table(tables: Iterable[Table], constraints: Constraints, statistics: Table | None = None) -> Table | None:
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
    alignments = [align_with_baseline(table, constraints, statistics) for table in tables]
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

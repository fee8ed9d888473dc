"""Statistics of rows of one layout: how many columns, which of them are outputs, and their names where known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from chalicelib.statistics import PART_K
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.feature_names import column_features, feature_names

LayoutKey = tuple[tuple[str, ...], tuple[str, ...]]  # of the outputs, of the inputs
MAX_COLUMNS = 10_000  # of a table that is the sum of tables of objects
_NAMED = ("*",)


def side_layout(names: tuple[str, ...]) -> tuple[str, ...]:
    """The key by which sides add up: their names, or ("*",) for JSON objects, whose columns all have names.

    An object may lack keys that another one has, or have them in another order.

    Examples
    --------
    >>> side_layout(("", "")), side_layout(("a", "b")) == side_layout(("b", "c"))
    (('', ''), True)
    """
    named = bool(names) and "" not in names and len(set(names)) == len(names)
    return _NAMED if named else names


class Table(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The statistics of rows that have the same columns; output columns first, then input columns.

    A name is "" where the payload gives none (CSV, lists): such columns are known by position.
    """

    names: tuple[str, ...]
    outputs: int = 0
    rows: int = 0
    columns: tuple[ColumnStatistics, ...] = ()

    @classmethod
    def of(
        cls, rows: Sequence[Sequence[str | None]], names: tuple[str, ...], outputs: int = 0, k: int = PART_K
    ) -> Table:
        """The statistics of rows of cells, each as long as `names`.

        Parameters
        ----------
        outputs
            How many of the columns, from the first one on, are outputs.
        k
            The size of the sketches.

        Examples
        --------
        >>> table = Table.of([["1", "a"], ["2", None]], ("x", "y"))
        >>> table.rows, [column.types.inferred_type for column in table.columns]
        (2, ['Integral', 'String'])
        """
        cells = zip(*rows, strict=True) if rows else ((),) * len(names)
        columns = tuple(ColumnStatistics.of(column, k) for column in cells)
        return cls(names=names, outputs=outputs, rows=len(rows), columns=columns)

    @property
    def layout(self) -> LayoutKey:
        """Tables of equal layout add up."""
        return side_layout(self.names[: self.outputs]), side_layout(self.names[self.outputs :])

    @classmethod
    def total(cls, tables: Iterable[Table]) -> Table:
        """The sum of tables of one layout; a column that a table lacks is missing from all its rows."""
        parts = list(tables)
        outputs = union_of_names([part.names[: part.outputs] for part in parts])
        inputs = union_of_names([part.names[part.outputs :] for part in parts])
        columns = [part._columns_as(outputs, inputs) for part in parts]
        return cls(
            names=outputs + inputs,
            outputs=len(outputs),
            rows=sum(part.rows for part in parts),
            columns=tuple(ColumnStatistics.total(column) for column in zip(*columns, strict=True)),
        )

    def __add__(self, other: Table) -> Table:
        return Table.total((self, other))

    def _columns_as(self, outputs: tuple[str, ...], inputs: tuple[str, ...]) -> tuple[ColumnStatistics, ...]:
        if self.names == outputs + inputs and self.outputs == len(outputs):
            return self.columns
        absent = ColumnStatistics.all_missing(self.rows)
        columns: list[ColumnStatistics] = []
        for names, mine, begin in (
            (outputs, self.names[: self.outputs], 0),
            (inputs, self.names[self.outputs :], self.outputs),
        ):
            if names == mine:  # columns known by position
                columns += self.columns[begin : begin + len(names)]
            else:
                found = dict(zip(mine, self.columns[begin:], strict=False))
                columns += [found.get(name, absent) for name in names]
        return tuple(columns)

    @property
    def column_rows(self) -> tuple[int, ...]:
        """In how many rows each column is known to be.

        Columns without names are in every row. Of a sum of objects, those rows are known that have a value: an absent
        key and a null are both a missing cell.

        Examples
        --------
        >>> (Table.of([["1"]] * 9, ("x",)) + Table.of([["1", "2"]], ("x", "y"))).column_rows
        (10, 1)
        >>> Table.of([["1", None]] * 9, ("", "")).column_rows
        (9, 9)
        """
        outputs, inputs = self.layout
        sides = [outputs] * self.outputs + [inputs] * (len(self.names) - self.outputs)
        return tuple(
            column.types.present if side == _NAMED else self.rows
            for side, column in zip(sides, self.columns, strict=True)
        )

    @property
    def has_width(self) -> bool:
        """Whether every row is known to have every column."""
        return min(self.column_rows, default=self.rows) == self.rows

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each column, all of them different: see `feature_names`."""
        return feature_names(self.names[: self.outputs], self.names[self.outputs :])

    def features(self, of_baseline: Sequence[str]) -> list[str | None] | None:
        """The feature of a baseline that each column is: see `column_features`.

        A key that only some objects have does not stand in the way of those that all have.

        Examples
        --------
        >>> rows = [Table.of([["1"]] * 9, ("score",), 1), Table.of([["1", "x"]], ("score", "warning"), 2)]
        >>> Table.total(rows).features(["label"])
        ['label', None]
        """
        found = column_features(self.names[: self.outputs], self.names[self.outputs :], of_baseline)
        kept = [at for at, rows in enumerate(self.column_rows) if rows == self.rows or self._is_named(at, found)]
        if len(kept) == len(self.names):
            return found
        names = tuple(self.names[at] for at in kept)
        outputs = sum(at < self.outputs for at in kept)
        again = column_features(names[:outputs], names[outputs:], of_baseline)
        if again is None or len({*again} - {None}) < len({*(found or ())} - {None}):
            return found
        feature_at = dict(zip(kept, again, strict=True))
        return [feature_at.get(at) for at in range(len(self.names))]

    def _is_named(self, at: int, features: Sequence[str | None] | None) -> bool:
        """Whether a column is a feature by its name, not by its position."""
        name = self.names[at]
        return features is not None and features[at] in (name, f"output.{name}", f"input.{name}")


def union_of_names(names: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Every name once, in the order of first appearance."""
    if all(one == names[0] for one in names):
        return names[0]
    return tuple(dict.fromkeys(name for one in names for name in one))


def sum_of_tables(tables: Iterable[Table]) -> tuple[Table, ...]:
    """The sum of the tables of each layout, in the order of the layouts; several sums beyond MAX_COLUMNS names."""
    by_layout: dict[LayoutKey, list[Table]] = {}
    for table in tables:
        by_layout.setdefault(table.layout, []).append(table)
    return tuple(table for _, parts in sorted(by_layout.items()) for table in _sums(parts))


def _sums(parts: list[Table]) -> list[Table]:
    groups: list[tuple[set[str], list[Table]]] = []
    for part in parts:
        names = set(part.names)
        known, group = groups[-1] if groups else (names, [part])
        if not groups or (names - known and len(names | known) > MAX_COLUMNS):
            groups.append((names, [part]))
        else:
            known |= names
            group.append(part)
    return [group[0] if len(group) == 1 else Table.total(group) for _, group in groups]

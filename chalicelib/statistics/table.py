"""Rows of one layout: how many columns, which of them are outputs, and their names when the payload gives them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.distribution import PART_K

LayoutKey = tuple[int, tuple[str, ...]]


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
        cls,
        rows: Sequence[Sequence[str | None]],
        names: tuple[str, ...],
        outputs: int = 0,
        k: int = PART_K,
    ) -> Table:
        """The statistics of rows of cells, each as long as `names`.

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
        """What makes two tables summable: JSON objects may give the same names in another order."""
        if "" in self.names or len(set(self.names)) < len(self.names):
            return self.outputs, self.names
        return self.outputs, (*sorted(self.names[: self.outputs]), *sorted(self.names[self.outputs :]))

    @classmethod
    def total(cls, tables: Iterable[Table]) -> Table:
        """The sum of tables of one layout; columns in the order of the first."""
        parts = list(tables)
        first = parts[0]
        columns = [part._columns_as(first.names) for part in parts]
        return cls(
            names=first.names,
            outputs=first.outputs,
            rows=sum(part.rows for part in parts),
            columns=tuple(ColumnStatistics.total(column) for column in zip(*columns, strict=True)),
        )

    def __add__(self, other: Table) -> Table:
        return Table.total((self, other))

    def _columns_as(self, names: tuple[str, ...]) -> tuple[ColumnStatistics, ...]:
        if names == self.names:
            return self.columns
        by_name = dict(zip(self.names, self.columns, strict=True))
        return tuple(by_name[name] for name in names)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names, `_c0`, `_c1`, ... where there are none, as Model Monitor numbers them."""
        return tuple(name or f"_c{position}" for position, name in enumerate(self.names))


def sum_of_tables(tables: Iterable[Table]) -> tuple[Table, ...]:
    """Tables added up by layout, in an order that depends on their content alone."""
    by_layout: dict[LayoutKey, list[Table]] = {}
    for table in tables:
        by_layout.setdefault(table.layout, []).append(table)
    return tuple(parts[0] if len(parts) == 1 else Table.total(parts) for _, parts in sorted(by_layout.items()))

"""The statistics of a window under the baseline's names, as statistics.json shows them."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.matching import match
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table


def named_table(tables: Iterable[Table], constraints: Constraints) -> Table | None:
    """All tables that can be laid over the baseline, added up under its names; else the table with the most rows.

    None when there are no rows at all.

    Examples
    --------
    >>> constraints = Constraints({"features": [{"name": "y"}, {"name": "x"}]})
    >>> tables = [Table.of([["1", "2"]], ("", "")), Table.of([["3"]], ("",))]
    >>> named = named_table(tables, constraints)
    >>> named.names, named.rows
    (('y', 'x'), 1)
    """
    found = [match(table, [feature.name for feature in constraints.features]) for table in tables]
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

"""The checks on the columns themselves: rows with fewer or more columns than the baseline has features.

A table of JSON objects has the names of all its rows, so its width is that of no single row. Rows are counted instead:

| rows                                         | counted                           | severity by                |
|----------------------------------------------|-----------------------------------|----------------------------|
| of another width (CSV, lists, the same keys) | all of them                       | their share                |
| objects, some of which have one more key     | those with a value under that key | a lower bound of the share |
| objects, none of which has a feature         | all of them                       | their share                |
| objects, some of which lack a feature        | as missing cells                  | see `column_checks`        |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal, NamedTuple

from chalicelib.constraints import check_types
from chalicelib.constraints.column_alignment import Alignment
from chalicelib.constraints.measurement import Measurement, severity_of, share_lower_bound
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table

MAX_NAMES = 10  # of columns, in `observed`


class _Affected(NamedTuple):
    """The rows of one table that have too few or too many columns."""

    table: Table
    rows: int  # at least so many
    names: dict[str, int]  # the columns, where they have names, and how many rows lack each, or have it


def columns_by_feature(alignments: list[Alignment]) -> dict[str, ColumnStatistics]:
    """The column of every feature over all tables; rows of a table that lacks a feature count as missing cells."""
    parts: dict[str, list[ColumnStatistics]] = {}
    for found in alignments:
        for name, column in (found.columns or {}).items():
            parts.setdefault(name, []).append(column)
    for found in alignments:
        for name in found.missing:
            if name in parts:
                parts[name].append(ColumnStatistics.all_missing(found.table.rows))
    return {
        name: columns[0] if len(columns) == 1 else ColumnStatistics.total(columns) for name, columns in parts.items()
    }


def column_count_checks(tables: list[Alignment], features: int, rows: int, minimum_rows: int) -> Iterator[Measurement]:
    """missing_column_check and extra_column_check, over `rows` rows and a baseline of `features` features."""
    somewhere = {name for found in tables for name in found.columns or {}}
    narrow = [
        _missing(found, somewhere) for found in tables
        if (found.columns is None and found.width < features) or not somewhere.issuperset(found.missing)
    ]  # fmt: skip
    wide = [_extra(found) for found in tables if found.extra]
    yield _column_count("missing", narrow, features, rows, minimum_rows)
    yield _column_count("extra", wide, features, rows, minimum_rows)


def _missing(found: Alignment, somewhere: set[str]) -> _Affected:
    """All rows, and the features that no row of any table has."""
    table = found.table
    return _Affected(table, table.rows, {name: table.rows for name in found.missing if name not in somewhere})


def _extra(found: Alignment) -> _Affected:
    """The rows with a column that is no feature. Of a table that cannot be aligned, no name is that of a feature."""
    table = found.table
    extra = table.feature_names if found.columns is None else found.extra
    columns = zip(table.names, table.feature_names, table.column_rows, strict=True)
    names = {unique: rows for name, unique, rows in columns if name and unique in extra}
    affected = _Affected(table, table.rows, names)
    if table.has_width or "" in extra:
        return affected
    return affected._replace(rows=max(1, *names.values()))  # some row has the key, if only with a null


def _column_count(
    word: Literal["missing", "extra"], found: list[_Affected], features: int, rows: int, minimum_rows: int
) -> Measurement:
    affected = sum(one.rows for one in found)
    certain = sum(one.rows for one in found if one.rows == one.table.rows)
    evaluated = rows >= minimum_rows
    violated = evaluated and bool(affected)
    width = len(max(found, key=lambda one: one.table.rows).table.names) if found else features
    return Measurement(
        feature="Missing columns" if word == "missing" else "Extra columns",
        check=check_types.MISSING_COLUMN if word == "missing" else check_types.EXTRA_COLUMN,
        kind="hard",
        expected=_columns(features),
        observed=_observed(word, found, features, rows) if found else _columns(features),
        value=affected / rows,
        threshold=0.0,
        violated=violated,
        evaluated=evaluated,
        rows_needed=0 if evaluated else minimum_rows - rows,
        # A key that only some rows have can be among a few rows by chance.
        severity=severity_of(max(certain / rows, share_lower_bound(affected, rows))),
        description=(  # Model Monitor's width is that of the data set: the columns of all its rows
            f"There are {word} columns in current dataset. Number of columns in current dataset: {width}, "
            f"Number of columns in baseline constraints: {features}"
        )
        if violated
        else "",
    )


def _observed(word: Literal["missing", "extra"], found: list[_Affected], features: int, rows: int) -> str:
    """How many rows have which width; where widths are not known, how many lack or have which columns."""
    of_width = [one for one in found if one.table.has_width]
    others = [one for one in found if not one.table.has_width]
    listed, beside = _total(others), _total(of_width)
    parts = []
    if of_width:
        widths = {len(one.table.names) for one in of_width}
        span = _columns(*widths) if len(widths) == 1 else f"{min(widths)} to {max(widths)} columns"
        parts.append(f"{span} in {sum(one.rows for one in of_width)}")
    if word == "extra":
        parts += [f"{name} in {count}" if count else f"{name} with null alone" for name, count in listed.items()]
    elif others:
        what = f"no {' and no '.join(listed)}" if listed else f"fewer than {_columns(features)}"
        parts.append(f"{what} in {sum(one.rows for one in others)}")
    names = [name for name in beside if name not in listed]
    return f"{', '.join(parts)} of {rows} rows" + (f"; {word}: {', '.join(names)}" if names else "")


def _total(found: list[_Affected]) -> dict[str, int]:
    """The first names in order, each with its number of rows."""
    total: Counter[str] = Counter()
    for one in found:
        total.update(one.names)
    return dict(sorted(total.items())[:MAX_NAMES])


def _columns(number: int) -> str:
    return f"{number} column{'' if number == 1 else 's'}"

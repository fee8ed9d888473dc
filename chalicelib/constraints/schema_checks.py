"""The checks on the columns themselves: rows with fewer or more columns than the baseline has features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from chalicelib.constraints import check_types
from chalicelib.constraints.column_alignment import Alignment
from chalicelib.constraints.measurement import Measurement, severity_of
from chalicelib.statistics.column import ColumnStatistics


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
        found for found in tables
        if (found.columns is None and found.width < features) or not somewhere.issuperset(found.missing)
    ]  # fmt: skip
    wide = [found for found in tables if found.extra]
    yield _column_count("missing", narrow, features, rows, minimum_rows)
    yield _column_count("extra", wide, features, rows, minimum_rows)


def _column_count(
    word: Literal["missing", "extra"], found: list[Alignment], features: int, rows: int, minimum_rows: int
) -> Measurement:
    affected = sum(one.table.rows for one in found)
    evaluated = rows >= minimum_rows
    violated = evaluated and bool(affected)
    width = max(found, key=lambda one: one.table.rows).width if found else features
    return Measurement(
        feature="Missing columns" if word == "missing" else "Extra columns",
        check=check_types.MISSING_COLUMN if word == "missing" else check_types.EXTRA_COLUMN,
        kind="hard",
        expected=f"{features} columns",
        observed=f"{width} columns in {affected} of {rows} rows{_names(word, found)}"
        if found
        else f"{features} columns",
        value=affected / rows,
        threshold=0.0,
        violated=violated,
        evaluated=evaluated,
        rows_needed=0 if evaluated else minimum_rows - rows,
        severity=severity_of(affected / rows),
        description=(
            f"There are {word} columns in current dataset. Number of columns in current dataset: {width}, "
            f"Number of columns in baseline constraints: {features}"
        )
        if violated
        else "",
    )


def _names(word: Literal["missing", "extra"], found: list[Alignment]) -> str:
    """The names of the missing or extra columns, if the payload names its columns."""
    names = sorted({name for one in found for name in (one.missing if word == "missing" else one.extra) if name})
    return f"; {word}: {', '.join(names[:10])}" if names else ""

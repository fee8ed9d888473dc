"""The numbers of a feature, baseline beside current: the first thing that its card shows.

| column                                   | numbers                                        |
|------------------------------------------|------------------------------------------------|
| numeric, in the baseline or currently    | mean, deviation, minimum, quartiles, maximum   |
| any                                      | values, missing cells, distinct values         |
| with blank texts                         | blank cells                                    |
| private                                  | values and missing cells alone                 |
| no column, or a number that is not known | a hyphen                                       |

The deviation is the population's (ddof 0), as Model Monitor's is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chalicelib.pages.charts import number, percent
from chalicelib.statistics.column import ColumnStatistics

UNKNOWN = "-"
_QUARTILES = (("25 %", 0.25), ("Median", 0.5), ("75 %", 0.75))


class Row(NamedTuple):
    """One number of both columns."""

    name: str
    baseline: str
    current: str


def compared_rows(baseline: ColumnStatistics | None, current: ColumnStatistics | None) -> tuple[Row, ...]:
    """The numbers of both columns; none when both are absent.

    Examples
    --------
    >>> before, now = ColumnStatistics.of(["1", "3"]), ColumnStatistics.of(["2", None])
    >>> [tuple(row) for row in compared_rows(before, now)][-3:]
    [('Values', '2', '1'), ('Missing', '0', '1 (50 %)'), ('Distinct', '2', '1')]
    """
    columns = [dict(_numbers(column)) for column in (baseline, current)]
    names = [name for name in _ORDER if any(name in column for column in columns)]
    return tuple(Row(name, *(column.get(name, UNKNOWN) for column in columns)) for name in names)


_ORDER = (
    *("Mean", "Deviation", "Minimum", *(name for name, _ in _QUARTILES), "Maximum"),
    *("Values", "Missing", "Blank", "Distinct"),
)


def _numbers(column: ColumnStatistics | None) -> Iterator[tuple[str, str]]:
    if column is None:
        return
    moments, types = column.moments, column.types
    for name, value in (
        ("Mean", moments.mean),
        ("Deviation", moments.std_dev),
        ("Minimum", moments.minimum),
        *zip((name for name, _ in _QUARTILES), _quartiles(column), strict=False),
        ("Maximum", moments.maximum),
    ):
        if value is not None:
            yield name, number(value)
    rows = types.present + max(0, types.missing)
    yield "Values", f"{types.present:,}"
    yield "Missing", _cells(max(0, types.missing), rows)
    if types.blank:
        yield "Blank", _cells(types.blank, rows)
    if distinct := _distinct(column):
        yield "Distinct", distinct


def _quartiles(column: ColumnStatistics) -> list[float]:
    return column.distribution.quantiles([rank for _, rank in _QUARTILES])


def _cells(cells: int, rows: int) -> str:
    return f"{cells:,} ({percent(cells / rows)})" if cells else "0"


def _distinct(column: ColumnStatistics) -> str:
    """How many distinct values there are, and whether that is an estimate; "" when it is not known."""
    if column.categories.counts is not None:
        return f"{len(column.categories.counts):,}" if column.types.present else ""
    if column.distribution.values and column.types.inferred_type != "String":  # a file does not hold the cells
        return f"{len(column.distribution.values):,}"
    estimate = min(column.categories.distinct, column.types.present)
    return f"about {estimate:,}" if estimate else ""


def mean_sentence(baseline: ColumnStatistics | None, current: ColumnStatistics | None) -> str:
    """Both means in a few words; "" unless both are known.

    Examples
    --------
    >>> mean_sentence(ColumnStatistics.of(["1", "2"]), ColumnStatistics.of(["4"]))
    'Mean 4, baseline 1.5'
    """
    means = [None if column is None else column.moments.mean for column in (current, baseline)]
    return "Mean {}, baseline {}".format(*map(number, means)) if None not in means else ""  # type: ignore[arg-type]

"""Checks that Model Monitor does not have: they never enter constraint_violations.json.

| check                      | rule in constraints.json                                        | violated when         |
|----------------------------|-----------------------------------------------------------------|-----------------------|
| vedette_non_negative_check | `num_constraints.is_non_negative`, which Model Monitor suggests | a number is below 0   |
|                            | and never enforces                                              |                       |
| vedette_range_check        | `num_constraints.minimum`, `.maximum`, set by a person          | a number is outside   |
| vedette_volume_check       | `volume_constraints.minimum_rows_per_hour`,                     | the rows an hour of   |
|                            | `.maximum_rows_per_hour` beside `features`, set by a person     | the window are        |

Whether a number is outside a bound comes from the minimum and maximum of the column, how many from its sketch.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chalicelib.constraints import check_types
from chalicelib.constraints.constraints import Constraints, FeatureConstraints
from chalicelib.constraints.measurement import Measurement, Severity, rounded, severity_of, share_lower_bound
from chalicelib.statistics.column import ColumnStatistics


def extension_checks(feature: FeatureConstraints, column: ColumnStatistics, *, critical: bool) -> Iterator[Measurement]:
    """vedette_non_negative_check and vedette_range_check of one feature."""
    if feature.is_non_negative:
        yield from _bounds_check(feature, column, check_types.NON_NEGATIVE, (0.0, None), critical=critical)
    if feature.bounds != (None, None):
        yield from _bounds_check(feature, column, check_types.RANGE, feature.bounds, critical=critical)


def _bounds_check(
    feature: FeatureConstraints,
    column: ColumnStatistics,
    check: str,
    bounds: tuple[float | None, float | None],
    *,
    critical: bool,
) -> Iterator[Measurement]:
    minimum, maximum = column.moments.minimum, column.moments.maximum
    if minimum is None or maximum is None:
        return
    low, high = bounds
    violated = (low is not None and minimum < low) or (high is not None and maximum > high)
    share = _share_outside(column, low, high) if violated else 0.0
    what = "negative" if check == check_types.NON_NEGATIVE else "out of range"
    yield Measurement(
        feature=feature.name,
        check=check,
        kind="hard",
        expected="not negative" if check == check_types.NON_NEGATIVE else _range(low, high),
        observed=f"{rounded(share)} {what}",
        value=share,
        threshold=0.0,
        violated=violated,
        severity=severity_of(share_lower_bound(share * column.moments.count, column.moments.count), critical=critical),
        description=f"{rounded(share)} of the numbers are {what}." if violated else "",
    )


def _share_outside(column: ColumnStatistics, low: float | None, high: float | None) -> float:
    values, weights = column.distribution.items()
    outside = np.zeros(len(values), dtype=bool)
    if low is not None:
        outside |= values < low
    if high is not None:
        outside |= values > high
    count = column.moments.count
    return max(float(weights[outside].sum()) / count, 1 / count)


def _range(low: float | None, high: float | None) -> str:
    return f"at most {high}" if low is None else f"at least {low}" if high is None else f"{low} to {high}"


def volume_check(constraints: Constraints, rows: int, hours: float) -> Iterator[Measurement]:
    """vedette_volume_check of a closed window of `hours` hours."""
    minimum, maximum = constraints.volume
    if minimum is None and maximum is None:
        return
    rate = rows / hours
    low, high = (minimum is not None and rate < minimum), (maximum is not None and rate > maximum)
    observed = f"{rate:,.0f} rows an hour"
    yield Measurement(
        feature="rows",
        check=check_types.VOLUME,
        kind="hard",
        expected=f"{_range(minimum, maximum)} rows an hour",
        observed=observed,
        value=rate,
        threshold=minimum if low or maximum is None else maximum,
        violated=low or high,
        severity=Severity.WARNING,
        description=f"There were {observed}." if low or high else "",
    )

"""The checks on the cells of one column: their type, their completeness, and whether their values are known.

A blank text ("", or white space alone) is present to Model Monitor, and missing to a person: nobody gave an answer. So
completeness is measured twice, and the worse of the two counts:

| cells that are missing | at least so many are present                               | its violation is               |
|------------------------|------------------------------------------------------------|--------------------------------|
| missing ones           | `completeness` of the feature                              | in the file, and may alert     |
| missing and blank ones | the same, less the baseline's share of blank ones, if any  | not in the file, and may alert |
"""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.constraints import check_types
from chalicelib.constraints.constraints import FeatureConstraints, Monitoring
from chalicelib.constraints.measurement import Measurement, percent, rounded, severity_of, share_lower_bound
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.lexical import TypeCounts


def column_checks(
    feature: FeatureConstraints,
    column: ColumnStatistics,
    monitoring: Monitoring,
    baseline: ColumnStatistics | None = None,
    *,
    critical: bool,
) -> Iterator[Measurement]:
    """data_type_check, completeness_check and categorical_values_check of one feature."""
    yield _data_type(feature, column, monitoring, critical=critical)
    yield from _completeness(feature, column, baseline or ColumnStatistics(), critical=critical)
    yield from _categorical_values(feature, column, monitoring, critical=critical)


def _data_type(
    feature: FeatureConstraints, column: ColumnStatistics, monitoring: Monitoring, *, critical: bool
) -> Measurement:
    expected = feature.inferred_type
    share = column.types.share_of(expected)
    threshold = monitoring.datatype_check_threshold
    if share is None:  # every cell is missing: neither passed nor violated
        return Measurement(
            feature=feature.name,
            check=check_types.DATA_TYPE,
            kind="hard",
            expected=expected,
            observed="no values",
            value=None,
            threshold=threshold,
            violated=False,
            evaluated=False,
        )
    violated = share < threshold
    return Measurement(
        feature=feature.name,
        check=check_types.DATA_TYPE,
        kind="hard",
        expected=expected,
        observed=f"{rounded(share, threshold)} {expected}",
        value=share,
        threshold=threshold,
        violated=violated,
        severity=severity_of(_unreadable(column.types, expected), critical=critical),
        description=(
            f"Data type match requirement is not met. Expected data type: {expected}, Expected match: "
            f"{percent(threshold)}. Observed: Only {percent(share)} of data is {expected}."
        )
        if violated
        else "",
    )


def _unreadable(types: TypeCounts, expected: str) -> float:
    """Share of the present cells that cannot be read as the expected type.

    An Integral is also a Fractional, and either is also a text. When no cell at all has the expected type, the sender
    has changed its format: all cells count.

    Examples
    --------
    >>> _unreadable(TypeCounts(fractional=8, integral=1, string=1), "Fractional")
    0.1
    >>> _unreadable(TypeCounts(integral=10), "Fractional")
    1.0
    """
    if not types.share_of(expected):
        return 1.0
    texts = types.string + types.boolean
    off = {"Integral": texts + types.fractional, "Fractional": texts, "String": 0}[expected]
    return off / types.present


def _completeness(
    feature: FeatureConstraints, column: ColumnStatistics, baseline: ColumnStatistics, *, critical: bool
) -> Iterator[Measurement]:
    expected, observed = feature.completeness, column.types.completeness
    if expected is None or observed is None:
        return
    missing, blank, rows = column.types.missing, column.types.blank, column.types.present + column.types.missing
    filled, expected_filled = observed - column.types.blank_share, max(expected - baseline.types.blank_share, 0.0)
    if expected_filled - filled > expected - observed:
        value, threshold, cells = filled, expected_filled, missing + blank
    else:
        value, threshold, cells = observed, expected, missing
    yield Measurement(
        feature=feature.name,
        check=check_types.COMPLETENESS,
        # If the baseline already has missing or blank cells, one window below it may be chance: windows are counted as
        # for drift.
        kind="hard" if expected_filled == 1 else "drift",
        expected=f"{rounded(threshold)} present",
        observed=f"{rounded(value, threshold)} present{f', {rounded(blank / rows)} blank' if cells > missing else ''}",
        value=value,
        threshold=threshold,
        violated=value < threshold,
        severity=severity_of(share_lower_bound(cells, rows) - (1 - threshold), critical=critical),
        description=(
            f"Data completeness requirement is not met. Expected: {percent(expected)}. "
            f"Observed: Only {percent(observed)}."
        )
        if observed < expected
        else "",
    )


def _categorical_values(
    feature: FeatureConstraints, column: ColumnStatistics, monitoring: Monitoring, *, critical: bool
) -> Iterator[Measurement]:
    domain = feature.domains
    present = column.types.present
    if domain is None or not present or column.private:
        return
    threshold = monitoring.domain_content_threshold
    counts = column.categories.counts
    share: float | None = None
    if counts is None:
        # More distinct values than a domain can hold: some are unknown, but the number of their cells is not known.
        violated, evaluated, unknown = threshold == 1.0, threshold == 1.0, 1.0
        observed = f"about {column.categories.distinct:.0f} distinct values"
    else:
        known = sum(counts.get(category, 0) for category in set(domain))
        share, evaluated, unknown = known / present, True, share_lower_bound(present - known, present)
        violated, observed = share < threshold, f"{rounded(share, threshold)} known values"
    yield Measurement(
        feature=feature.name,
        check=check_types.CATEGORICAL_VALUES,
        kind="hard",
        expected=f"{rounded(threshold)} of {len(domain)} known values",
        observed=observed,
        value=share,
        threshold=threshold,
        violated=violated,
        evaluated=evaluated,
        severity=severity_of(unknown, critical=critical),
        description=f"Value: {0.0 if share is None else share} does not meet the constraint requirement! "
        if violated
        else "",
    )

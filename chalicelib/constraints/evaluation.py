"""Summary + baseline -> every measured value, and one verdict.

| check                    | violated when                                                  | judged from        |
|--------------------------|----------------------------------------------------------------|--------------------|
| data_type_check          | share of present cells of exactly the type under its threshold | minimum_rows       |
| completeness_check       | share of present cells under the feature's completeness        | minimum_rows       |
| missing_column_check     | rows have fewer columns than the baseline has features         | minimum_rows       |
| extra_column_check       | rows have more columns than the baseline has features          | minimum_rows       |
| categorical_values_check | share of cells within the domain under its threshold           | minimum_rows       |
| baseline_drift_check     | distance of the distributions over its threshold               | minimum_drift_rows |

| input                                    | handled                                | said instead of judged   |
|------------------------------------------|----------------------------------------|--------------------------|
| rows of differing layouts                | laid over it by name, else by position | columns, with row counts |
| a feature absent from some JSON records  | missing cells                          |                          |
| a baseline without statistics            | everything but drift                   | a note                   |
| too few rows                             | the value is kept, `judged` is False   | InsufficientData         |
| no lines                                 |                                        | NoData                   |
| over one line in twenty unreadable       | what could be read is judged           | MonitorFailed            |
| drift method ChiSquared, disabled checks |                                        | a note                   |

The sentences are Model Monitor's own (conformance/INDEX.md); categorical_values_check has only been seen in its wording
of 2019. `is_non_negative` is suggested and, as in Model Monitor, not enforced.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

import msgspec

from chalicelib.constraints.constraints import Constraints, FeatureConstraints, Monitoring
from chalicelib.constraints.matching import Match, match
from chalicelib.statistics import distances
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table

Verdict = Literal["OK", "Violations", "InsufficientData", "NoData", "CaptureStopped", "MonitorFailed"]
Severity = Literal["critical", "warning", "information"]
Check = Literal[
    "data_type_check",
    "completeness_check",
    "missing_column_check",
    "extra_column_check",
    "categorical_values_check",
    "baseline_drift_check",
]

MINIMUM_ROWS = 20
MINIMUM_DRIFT_ROWS = 100
UNREADABLE_SHARE = 0.05


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One value that was measured, whether it is a violation or not."""

    feature: str
    check: str
    kind: Literal["hard", "drift"]
    expected: str
    observed: str
    value: float | None
    threshold: float | None
    violated: bool
    judged: bool = True
    needed: int = 0  # rows still missing before it can be judged
    severity: Severity = "information"
    description: str = ""  # Model Monitor's sentence, when violated


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What the data are held against; without statistics, drift cannot be judged."""

    constraints: Constraints
    statistics: Table | None = None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict with everything that was measured for it."""

    verdict: Verdict
    rows: int
    measurements: tuple[Measurement, ...] = ()
    notes: tuple[str, ...] = ()  # what was not judged, and why

    @property
    def violations(self) -> tuple[Measurement, ...]:
        """The measurements that violate the baseline."""
        return tuple(measurement for measurement in self.measurements if measurement.violated)


class Summary(Protocol):
    """What is evaluated: a capture.summary.CaptureSummary, or anything of its form."""

    @property
    def rows(self) -> int:
        """Rows in all tables."""

    @property
    def lines(self) -> int:
        """Lines that were captured."""

    @property
    def refused_lines(self) -> int:
        """Lines that could not be read."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """The statistics, a table for each layout of columns."""


def evaluate(
    summary: Summary,
    baseline: Baseline,
    *,
    checks: Literal["all", "hard"] = "all",
    minimum_rows: int = MINIMUM_ROWS,
    minimum_drift_rows: int = MINIMUM_DRIFT_ROWS,
    unreadable_share: float = UNREADABLE_SHARE,
) -> Evaluation:
    """Judge a summary; `checks="hard"` leaves drift out."""
    features = baseline.constraints.features
    matches = [match(table, [feature.name for feature in features]) for table in summary.tables]
    monitoring = baseline.constraints.monitoring()
    measurements: list[Measurement] = []
    if monitoring.enabled and summary.rows:
        measurements += _column_counts(matches, len(features), summary.rows, minimum_rows)
        measurements += _hard(baseline.constraints, _by_feature(matches), minimum_rows)
        if checks == "all" and baseline.statistics is not None:
            measurements += _drift(baseline.constraints, baseline.statistics, _by_feature(matches), minimum_drift_rows)
    return Evaluation(
        verdict=_verdict(summary, measurements, unreadable_share),
        rows=summary.rows,
        measurements=tuple(measurements),
        notes=tuple(_notes(summary, baseline, checks, matches)),
    )


def _verdict(summary: Summary, measurements: list[Measurement], unreadable_share: float) -> Verdict:
    if any(measurement.violated for measurement in measurements):
        return "Violations"
    if summary.refused_lines > unreadable_share * summary.lines:
        return "MonitorFailed"
    if not summary.rows:
        return "InsufficientData" if summary.lines else "NoData"
    return "InsufficientData" if any(measurement.needed for measurement in measurements) else "OK"


def _notes(summary: Summary, baseline: Baseline, checks: Literal["all", "hard"], matches: list[Match]) -> Iterator[str]:
    monitoring = baseline.constraints.monitoring()
    if summary.refused_lines:
        yield f"{summary.refused_lines} of {summary.lines} lines could not be read"
    if not monitoring.enabled:
        yield "nothing was judged: evaluate_constraints is Disabled"
    if checks == "all" and baseline.statistics is None:
        yield "drift was not judged: the baseline has no statistics"
    elif checks == "all" and not monitoring.perform_comparison:
        yield "drift was not judged: perform_comparison is Disabled"
    elif checks == "all" and (absent := _without_statistics(baseline)):
        yield f"drift was not judged for {absent} features: the baseline's statistics lack them"
    if checks == "all" and monitoring.categorical_drift_method != "LInfinity":
        yield f"drift of text columns was not judged: {monitoring.categorical_drift_method} is not supported"
    unlaid = sum(found.table.rows for found in matches if found.columns is None)
    if unlaid:
        yield f"{unlaid} of {summary.rows} rows could not be laid over the baseline: their columns differ in number"


def _without_statistics(baseline: Baseline) -> int:
    known = set(baseline.statistics.feature_names) if baseline.statistics else set()
    return sum(feature.name not in known for feature in baseline.constraints.features)


# --- columns ----------------------------------------------------------------------------------------------------------


def _by_feature(matches: list[Match]) -> dict[str, ColumnStatistics]:
    """Every feature's column over all tables; a feature absent from some records has missing cells there."""
    parts: dict[str, list[ColumnStatistics]] = {}
    for found in matches:
        for name, column in (found.columns or {}).items():
            parts.setdefault(name, []).append(column)
    for found in matches:
        for name in found.missing:
            if name in parts:
                parts[name].append(ColumnStatistics.missing(found.table.rows))
    return {
        name: columns[0] if len(columns) == 1 else ColumnStatistics.total(columns) for name, columns in parts.items()
    }


def _column_counts(matches: list[Match], features: int, rows: int, minimum_rows: int) -> Iterator[Measurement]:
    somewhere = {name for found in matches for name in found.columns or {}}
    narrow = [
        found for found in matches
        if (found.columns is None and found.width < features) or not somewhere.issuperset(found.missing)
    ]  # fmt: skip
    wide = [found for found in matches if found.extra]
    yield _column_count("missing", narrow, features, rows, minimum_rows)
    yield _column_count("extra", wide, features, rows, minimum_rows)


def _column_count(
    word: Literal["missing", "extra"], found: list[Match], features: int, rows: int, minimum_rows: int
) -> Measurement:
    affected = sum(one.table.rows for one in found)
    judged = rows >= minimum_rows
    violated = judged and bool(affected)
    width = max(found, key=lambda one: one.table.rows).width if found else features
    return Measurement(
        feature="Missing columns" if word == "missing" else "Extra columns",
        check="missing_column_check" if word == "missing" else "extra_column_check",
        kind="hard",
        expected=f"{features} columns",
        observed=f"{width} columns in {affected} of {rows} rows{_names(word, found)}"
        if found
        else f"{features} columns",
        value=affected / rows,
        threshold=0.0,
        violated=violated,
        judged=judged,
        needed=0 if judged else minimum_rows - rows,
        severity="critical",
        description=(
            f"There are {word} columns in current dataset. Number of columns in current dataset: {width}, "
            f"Number of columns in baseline constraints: {features}"
        )
        if violated
        else "",
    )


def _names(word: Literal["missing", "extra"], found: list[Match]) -> str:
    """The names of the columns that are missing or extra, where the payload names its columns."""
    names = sorted({name for one in found for name in (one.missing if word == "missing" else one.extra) if name})
    return f"; {word}: {', '.join(names[:10])}" if names else ""


# --- types, completeness, categories ----------------------------------------------------------------------------------


def _hard(constraints: Constraints, columns: dict[str, ColumnStatistics], minimum_rows: int) -> Iterator[Measurement]:
    for feature in constraints.features:
        column = columns.get(feature.name)
        monitoring = constraints.monitoring(feature)
        if column is None or not monitoring.enabled:
            continue
        found = [
            _data_type(feature, column, monitoring),
            _completeness(feature, column),
            _categorical_values(feature, column, monitoring),
        ]
        rows = column.types.present + column.types.missing
        for measurement in found:
            if measurement is not None:
                yield _if_enough(measurement, rows, minimum_rows)


def _if_enough(measurement: Measurement, rows: int, minimum_rows: int) -> Measurement:
    """The measurement, withheld from judgement when there are too few rows."""
    if rows >= minimum_rows:
        return measurement
    return msgspec.structs.replace(
        measurement, violated=False, judged=False, needed=minimum_rows - rows, description=""
    )


def _data_type(feature: FeatureConstraints, column: ColumnStatistics, monitoring: Monitoring) -> Measurement | None:
    expected = feature.inferred_type
    share = column.types.share_of(expected)
    threshold = monitoring.datatype_check_threshold
    if share is None:  # nothing but missing cells: neither kept nor violated
        return Measurement(
            feature=feature.name,
            check="data_type_check",
            kind="hard",
            expected=expected,
            observed="no values",
            value=None,
            threshold=threshold,
            violated=False,
            judged=False,
        )
    violated = share < threshold
    return Measurement(
        feature=feature.name,
        check="data_type_check",
        kind="hard",
        expected=expected,
        observed=f"{percent(share)} {expected}",
        value=share,
        threshold=threshold,
        violated=violated,
        severity="critical",
        description=(
            f"Data type match requirement is not met. Expected data type: {expected}, Expected match: "
            f"{percent(threshold)}. Observed: Only {percent(share)} of data is {expected}."
        )
        if violated
        else "",
    )


def _completeness(feature: FeatureConstraints, column: ColumnStatistics) -> Measurement | None:
    expected, observed = feature.completeness, column.types.completeness
    if expected is None or observed is None:
        return None
    violated = observed < expected
    return Measurement(
        feature=feature.name,
        check="completeness_check",
        kind="hard",
        expected=f"{percent(expected)} present",
        observed=f"{percent(observed)} present",
        value=observed,
        threshold=expected,
        violated=violated,
        severity="critical",
        description=(
            f"Data completeness requirement is not met. Expected: {percent(expected)}. "
            f"Observed: Only {percent(observed)}."
        )
        if violated
        else "",
    )


def _categorical_values(
    feature: FeatureConstraints, column: ColumnStatistics, monitoring: Monitoring
) -> Measurement | None:
    domain = feature.domains
    if domain is None or not column.types.present:
        return None
    threshold = monitoring.domain_content_threshold
    counts = column.categories.counts
    if counts is None:
        # More different values than a domain can hold: some are unknown, how many cells cannot be told.
        share, violated, judged = None, threshold == 1.0, threshold == 1.0
        observed = f"about {column.categories.distinct:.0f} different values"
    else:
        share = sum(counts.get(category, 0) for category in set(domain)) / column.types.present
        violated, judged, observed = share < threshold, True, f"{percent(share)} known values"
    return Measurement(
        feature=feature.name,
        check="categorical_values_check",
        kind="hard",
        expected=f"{percent(threshold)} of {len(domain)} known values",
        observed=observed,
        value=share,
        threshold=threshold,
        violated=violated,
        judged=judged,
        severity="critical",
        description=f"Value: {0.0 if share is None else share} does not meet the constraint requirement! "
        if violated
        else "",
    )


def percent(share: float) -> str:
    """A share as Model Monitor prints it.

    Examples
    --------
    >>> percent(1.0), percent(0.5), percent(0.9964592817400101)
    ('100.0%', '50.0%', '99.64592817400101%')
    """
    return f"{share * 100}%"


# --- drift ------------------------------------------------------------------------------------------------------------


def _drift(
    constraints: Constraints, statistics: Table, columns: dict[str, ColumnStatistics], minimum_rows: int
) -> Iterator[Measurement]:
    before = dict(zip(statistics.feature_names, statistics.columns, strict=True))
    for feature in constraints.features:
        monitoring = constraints.monitoring(feature)
        if not monitoring.enabled or not monitoring.perform_comparison:
            continue
        then, now = before.get(feature.name), columns.get(feature.name)
        if then is not None and now is not None:
            measurement = _distance(feature, then, now, monitoring)
            if measurement is not None:
                yield _if_enough(measurement, now.types.present, minimum_rows)


def _distance(
    feature: FeatureConstraints, then: ColumnStatistics, now: ColumnStatistics, monitoring: Monitoring
) -> Measurement | None:
    method = monitoring.comparison_method
    if then.types.inferred_type in ("Integral", "Fractional"):
        threshold = monitoring.comparison_threshold
        distance = distances.numerical(then.distribution, now.distribution, method)
    elif (
        monitoring.categorical_drift_method == "LInfinity"
        and then.categories.counts is not None
        and now.categories.counts is not None
    ):
        threshold = monitoring.categorical_comparison_threshold
        distance = distances.categorical(then.categories.counts, now.categories.counts, method)
    else:
        return None
    if distance is None:
        return None
    violated = distance > threshold
    return Measurement(
        feature=feature.name,
        check="baseline_drift_check",
        kind="drift",
        expected=f"distance at most {threshold}",
        observed=f"distance {distance:.4g}",
        value=distance,
        threshold=threshold,
        violated=violated,
        severity="warning",
        description=f"Baseline drift distance: {distance} exceeds threshold: {threshold}" if violated else "",
    )

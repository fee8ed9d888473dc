"""Summary + baseline -> every measured value, and one verdict.

| check                    | violated when                                                  | judged from        |
|--------------------------|----------------------------------------------------------------|--------------------|
| data_type_check          | share of present cells of exactly the type under its threshold | minimum_rows       |
| completeness_check       | share of present cells under the feature's completeness        | minimum_rows       |
| missing_column_check     | rows have fewer columns than the baseline has features         | minimum_rows       |
| extra_column_check       | rows have more columns than the baseline has features          | minimum_rows       |
| categorical_values_check | share of cells within the domain under its threshold           | minimum_rows       |
| vedette_..._check        | see `own`                                                      | minimum_rows       |
| baseline_drift_check     | distance of the distributions over its threshold, see `drift`  | minimum_drift_rows |

| input                                    | handled                                | said instead of judged   |
|------------------------------------------|----------------------------------------|--------------------------|
| rows of differing layouts                | laid over it by name, else by position | columns, with row counts |
| a feature absent from some JSON records  | missing cells                          |                          |
| a baseline without statistics            | everything but drift                   | a note                   |
| too few rows                             | the value is kept, `judged` is False   | InsufficientData         |
| no lines                                 |                                        | NoData                   |
| over one line in twenty unreadable       | what could be read is judged           | MonitorFailed            |
| disabled checks                          |                                        | a note                   |

The sentences are Model Monitor's own (aws-behaviour: violation-sentences); categorical_values_check has only been
seen in its wording of 2019. How loudly a violation is said: `measurement`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal, Protocol

import msgspec

from chalicelib.constraints.column_alignment import Alignment, align_columns
from chalicelib.constraints.column_checks import column_checks
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.drift import drift_check
from chalicelib.constraints.extension_checks import extension_checks, volume_check
from chalicelib.constraints.measurement import Measurement, Verdict
from chalicelib.constraints.schema_checks import column_count_checks, columns_by_feature
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table

Checks = Literal["all", "hard", "drift"]

MINIMUM_ROWS = 20
MINIMUM_DRIFT_ROWS = 100
UNREADABLE_SHARE = 0.05


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

    @property
    def alertable(self) -> tuple[Measurement, ...]:
        """The violations that a person is told of."""
        return tuple(measurement for measurement in self.measurements if measurement.alertable)


class Summary(Protocol):
    """What is evaluated: a capture.summary.CaptureSummary, or anything of its form."""

    @property
    def rows(self) -> int:
        """Rows in all tables."""

    @property
    def lines(self) -> int:
        """Lines that were captured."""

    @property
    def rejected_lines(self) -> int:
        """Lines that could not be read."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """The statistics, a table for each layout of columns."""


def evaluate(
    summary: Summary,
    baseline: Baseline,
    *,
    checks: Checks = "all",
    critical: Collection[str] = (),
    hours: float | None = None,
    minimum_rows: int = MINIMUM_ROWS,
    minimum_drift_rows: int = MINIMUM_DRIFT_ROWS,
    unreadable_share: float = UNREADABLE_SHARE,
) -> Evaluation:
    """Judge a summary.

    `checks="hard"` leaves drift out, `checks="drift"` everything else. `critical` names the features whose violations
    are always critical. `hours` is the length of a closed window; without it the volume is not judged.
    """
    constraints = baseline.constraints
    matches = [align_columns(table, [feature.name for feature in constraints.features]) for table in summary.tables]
    measurements: list[Measurement] = []
    if constraints.monitoring().enabled and summary.rows:
        columns = columns_by_feature(matches)
        if checks != "drift":
            measurements += column_count_checks(matches, len(constraints.features), summary.rows, minimum_rows)
            measurements += _hard(constraints, columns, critical, minimum_rows)
            measurements += volume_check(constraints, summary.rows, hours) if hours else ()
        if checks != "hard" and baseline.statistics is not None:
            measurements += _drift(constraints, baseline.statistics, columns, critical, minimum_drift_rows)
    return Evaluation(
        verdict=_verdict(summary, measurements, unreadable_share),
        rows=summary.rows,
        measurements=tuple(measurements),
        notes=tuple(_notes(summary, baseline, checks, matches)),
    )


def _hard(
    constraints: Constraints, columns: dict[str, ColumnStatistics], critical: Collection[str], minimum_rows: int
) -> Iterator[Measurement]:
    for feature in constraints.features:
        column = columns.get(feature.name)
        monitoring = constraints.monitoring(feature)
        if column is None or not monitoring.enabled:
            continue
        rows = column.types.present + column.types.missing
        for measurement in column_checks(feature, column, monitoring, critical=feature.name in critical):
            yield _if_enough(measurement, rows, minimum_rows)
        for measurement in extension_checks(feature, column, critical=feature.name in critical):
            yield _if_enough(measurement, rows, minimum_rows)


def _drift(
    constraints: Constraints,
    statistics: Table,
    columns: dict[str, ColumnStatistics],
    critical: Collection[str],
    minimum_rows: int,
) -> Iterator[Measurement]:
    before = dict(zip(statistics.feature_names, statistics.columns, strict=True))
    for feature in constraints.features:
        monitoring = constraints.monitoring(feature)
        then, now = before.get(feature.name), columns.get(feature.name)
        if monitoring.enabled and monitoring.perform_comparison and then is not None and now is not None:
            for measurement in drift_check(feature, then, now, monitoring, critical=feature.name in critical):
                yield _if_enough(measurement, now.types.present, minimum_rows)


def _if_enough(measurement: Measurement, rows: int, minimum_rows: int) -> Measurement:
    """The measurement, withheld from judgement when there are too few rows."""
    if rows >= minimum_rows:
        return measurement
    return msgspec.structs.replace(
        measurement, violated=False, evaluated=False, rows_needed=minimum_rows - rows, description=""
    )


def _verdict(summary: Summary, measurements: list[Measurement], unreadable_share: float) -> Verdict:
    if any(measurement.violated for measurement in measurements):
        return "Violations"
    if summary.rejected_lines > unreadable_share * summary.lines:
        return "MonitorFailed"
    if not summary.rows:
        return "InsufficientData" if summary.lines else "NoData"
    return "InsufficientData" if any(measurement.rows_needed for measurement in measurements) else "OK"


def _notes(summary: Summary, baseline: Baseline, checks: Checks, matches: list[Alignment]) -> Iterator[str]:
    monitoring = baseline.constraints.monitoring()
    if summary.rejected_lines:
        yield f"{summary.rejected_lines} of {summary.lines} lines could not be read"
    if not monitoring.enabled:
        yield "nothing was judged: evaluate_constraints is Disabled"
    if checks != "hard" and baseline.statistics is None:
        yield "drift was not judged: the baseline has no statistics"
    elif checks != "hard" and not monitoring.perform_comparison:
        yield "drift was not judged: perform_comparison is Disabled"
    elif checks != "hard" and (absent := _without_statistics(baseline)):
        yield f"drift was not judged for {absent} features: the baseline's statistics lack them"
    unlaid = sum(found.table.rows for found in matches if found.columns is None)
    if unlaid:
        yield f"{unlaid} of {summary.rows} rows could not be laid over the baseline: their columns differ in number"


def _without_statistics(baseline: Baseline) -> int:
    known = set(baseline.statistics.feature_names) if baseline.statistics else set()
    return sum(feature.name not in known for feature in baseline.constraints.features)

"""Summary + baseline -> every measured value, and one verdict.

| check                    | violated when                                                    | rows needed        |
|--------------------------|------------------------------------------------------------------|--------------------|
| data_type_check          | share of present cells of exactly the type is below its threshold| minimum_rows       |
| completeness_check       | share of present cells is below the feature's completeness;      | minimum_rows       |
|                          | blank texts are none (in the alert, not in the file)             |                    |
| missing_column_check     | rows are too narrow, or no object has a feature                  | minimum_rows       |
| extra_column_check       | rows are too wide, or an object has a key that is no feature     | minimum_rows       |
| categorical_values_check | share of cells within the domain is below its threshold          | minimum_rows       |
| vedette_..._check        | see `extension_checks`                                           | minimum_rows       |
| baseline_drift_check     | distance of the distributions is above its threshold, see `drift`| minimum_drift_rows |
| vedette_..._drift_check  | the day lies outside the reference days, see `day_drift`         | minimum_drift_rows |

| input                                    | handled                                    | reported as              |
|------------------------------------------|--------------------------------------------|--------------------------|
| rows of differing layouts                | aligned by name, else by position          | columns, with row counts |
| a feature absent from some JSON records  | missing cells                              |                          |
| a baseline without statistics            | everything but drift                       | a note                   |
| rows by position, and a baseline of as   | the inputs are evaluated, the outputs not  | a note                   |
| many features as they have inputs        |                                            |                          |
| labels in the baseline, captured scores  | everything but drift, see `labels`         | a note                   |
| columns that fit far better with the     | as they are                                | a note that asks whether |
| last feature first                       |                                            | the label is last        |
| too few rows                             | the value is kept, `evaluated` is False    | InsufficientData         |
| no lines                                 |                                            | NoData                   |
| more than one line in twenty unreadable  | the readable lines are evaluated           | MonitorFailed            |
| disabled checks                          |                                            | a note                   |
| private features, current or in baseline | types and completeness are evaluated       | a note that names them   |
| free text; no values in the baseline     | types and completeness are evaluated       | a note that names them   |

The sentences are Model Monitor's own; categorical_values_check has only been seen in its wording of 2019. The severity
of a violation: `measurement`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Protocol

import msgspec

from chalicelib.constraints.column_alignment import Alignment, align_with_baseline, shifted_by_one
from chalicelib.constraints.column_checks import column_checks
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.day_drift import DayComparison, alert_above, day_drift_checks, day_notes
from chalicelib.constraints.drift import drift_check
from chalicelib.constraints.extension_checks import extension_checks, volume_check
from chalicelib.constraints.labels import labels_against_scores
from chalicelib.constraints.measurement import Checks, Measurement, Verdict
from chalicelib.constraints.schema_checks import column_count_checks, columns_by_feature
from chalicelib.constraints.unevaluated import unevaluated_features
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table

MINIMUM_ROWS = 20
MINIMUM_DRIFT_ROWS = 100
MAX_NAMES_IN_NOTE = 5
MAX_UNREADABLE_SHARE = 0.05  # of the lines; beyond it the verdict is MonitorFailed


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """The reference of an evaluation; without statistics, drift cannot be evaluated."""

    constraints: Constraints
    statistics: Table | None = None

    @property
    def columns(self) -> dict[str, ColumnStatistics]:
        """The statistics of each feature, as far as there are any."""
        table = self.statistics
        return dict(zip(table.feature_names, table.columns, strict=True)) if table is not None else {}


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict with every measured value."""

    verdict: Verdict
    rows: int
    measurements: tuple[Measurement, ...] = ()
    notes: tuple[str, ...] = ()  # what was not evaluated, and why
    day_type: str = ""  # with which reference days a day was compared; "" when it was not

    @property
    def violations(self) -> tuple[Measurement, ...]:
        """The measurements that violate the baseline."""
        return tuple(measurement for measurement in self.measurements if measurement.violated)

    @property
    def alertable(self) -> tuple[Measurement, ...]:
        """The violations that may raise an alert."""
        return tuple(measurement for measurement in self.measurements if measurement.alertable)


class Summary(Protocol):
    """The data to evaluate: a capture.summary.CaptureSummary, or anything of its form."""

    @property
    def rows(self) -> int:
        """Rows in all tables."""

    @property
    def lines(self) -> int:
        """Captured lines."""

    @property
    def rejected_lines(self) -> int:
        """Lines that could not be read."""

    @property
    def unread(self) -> tuple[str, ...]:
        """What was captured and is in no row, one sentence each."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """The statistics, one table for each layout of columns."""


def evaluate(
    summary: Summary,
    baseline: Baseline,
    *,
    checks: Checks = Checks.ALL,
    day: DayComparison | None = None,
    critical: Collection[str] = (),
    hours: float | None = None,
    minimum_rows: int = MINIMUM_ROWS,
    minimum_drift_rows: int = MINIMUM_DRIFT_ROWS,
    unreadable_share: float = MAX_UNREADABLE_SHARE,
) -> Evaluation:
    """Evaluate a summary against a baseline.

    Parameters
    ----------
    day
        Where the window is a day: how it compares with the reference days, which then decide about drift.
    critical
        The features whose violations are always critical.
    hours
        The length of a closed window; without it the volume is not evaluated.
    minimum_rows, minimum_drift_rows
        With fewer rows a check, or a drift check, is measured but not evaluated.
    unreadable_share
        The share of unreadable lines beyond which the verdict is MonitorFailed.
    """
    constraints = baseline.constraints
    alignments = [align_with_baseline(table, constraints, baseline.statistics) for table in summary.tables]
    columns = columns_by_feature(alignments)
    scores = _scores_of_labels(baseline, columns, alignments) if checks != Checks.HARD else set()
    measurements: list[Measurement] = []
    unevaluated: list[str] = []
    if constraints.monitoring().enabled and summary.rows:
        if checks != Checks.DRIFT:
            measurements += column_count_checks(alignments, len(constraints.features), summary.rows, minimum_rows)
            measurements += _hard(baseline, columns, critical, minimum_rows)
            measurements += volume_check(constraints, summary.rows, hours) if hours else ()
        if checks != Checks.HARD:
            measurements += _drift(baseline, columns, scores, day, critical, minimum_drift_rows)
        unevaluated += _unevaluated(baseline, columns, measurements, checks)
    return Evaluation(
        verdict=_verdict(summary, measurements, unreadable_share),
        rows=summary.rows,
        measurements=tuple(measurements),
        notes=(
            *_notes(summary, baseline, checks, alignments, by_days=day is not None),
            *_alignment_notes(baseline, alignments, scores, violated=any(one.violated for one in measurements)),
            *unevaluated,
            *(day_notes(day) if day else ()),
        ),
        day_type=day.day_type if day else "",
    )


def features_of(summary: Summary, baseline: Baseline) -> tuple[dict[str, ColumnStatistics], frozenset[str]]:
    """The columns of a summary by the feature that each one is, and which of the features are outputs."""
    alignments = [align_with_baseline(table, baseline.constraints, baseline.statistics) for table in summary.tables]
    return columns_by_feature(alignments), frozenset(name for found in alignments for name in found.outputs)


def _hard(
    baseline: Baseline, columns: dict[str, ColumnStatistics], critical: Collection[str], minimum_rows: int
) -> Iterator[Measurement]:
    before = baseline.columns
    for feature in baseline.constraints.features:
        column = columns.get(feature.name)
        monitoring = baseline.constraints.monitoring(feature)
        if column is None or not monitoring.enabled:
            continue
        rows = column.types.present + column.types.missing
        known, is_critical = before.get(feature.name), feature.name in critical
        for measurement in column_checks(feature, column, monitoring, known, critical=is_critical):
            yield _if_enough(measurement, rows, minimum_rows)
        for measurement in extension_checks(feature, column, critical=is_critical):
            yield _if_enough(measurement, rows, minimum_rows)


def _drift(
    baseline: Baseline,
    columns: dict[str, ColumnStatistics],
    set_aside: Collection[str],
    day: DayComparison | None,
    critical: Collection[str],
    minimum_rows: int,
) -> Iterator[Measurement]:
    statistics = baseline.columns
    for feature in baseline.constraints.features:
        monitoring = baseline.constraints.monitoring(feature)
        before, current = statistics.get(feature.name), columns.get(feature.name)
        if not monitoring.enabled or not monitoring.perform_comparison or current is None:
            continue
        is_critical = feature.name in critical
        found = list(day_drift_checks(feature, current, day, critical=is_critical)) if day else []
        if before is not None and feature.name not in set_aside:
            above = alert_above(feature.name, day)
            found += drift_check(feature, before, current, monitoring, critical=is_critical, alert_above=above)
        for measurement in found:
            yield _if_enough(measurement, current.types.present, minimum_rows)


def _if_enough(measurement: Measurement, rows: int, minimum_rows: int) -> Measurement:
    """The measurement; not evaluated when there are too few rows."""
    if rows >= minimum_rows:
        return measurement
    return msgspec.structs.replace(
        measurement, violated=False, lasts=False, evaluated=False, rows_needed=minimum_rows - rows, description=""
    )


def _verdict(summary: Summary, measurements: list[Measurement], unreadable_share: float) -> Verdict:
    if any(measurement.violated for measurement in measurements):
        return Verdict.VIOLATIONS
    if summary.rejected_lines > unreadable_share * summary.lines:
        return Verdict.MONITOR_FAILED
    if not summary.rows:
        return Verdict.INSUFFICIENT_DATA if summary.lines else Verdict.NO_DATA
    missing_rows = any(measurement.rows_needed for measurement in measurements)
    return Verdict.INSUFFICIENT_DATA if missing_rows else Verdict.OK


def _notes(
    summary: Summary, baseline: Baseline, checks: Checks, alignments: list[Alignment], *, by_days: bool
) -> Iterator[str]:
    monitoring = baseline.constraints.monitoring()
    if summary.rejected_lines:
        yield f"{summary.rejected_lines} of {summary.lines} lines could not be read"
    yield from summary.unread
    if not monitoring.enabled:
        yield "nothing was evaluated: evaluate_constraints is Disabled"
    if checks != Checks.HARD and baseline.statistics is None and not by_days:
        yield "drift was not evaluated: the baseline has no statistics"
    elif checks != Checks.HARD and not monitoring.perform_comparison:
        yield "drift was not evaluated: perform_comparison is Disabled"
    elif checks != Checks.HARD and not by_days and (absent := _without_statistics(baseline)):
        yield f"drift was not evaluated for {absent} features: the baseline's statistics lack them"
    private = {name for found in alignments for name, column in (found.columns or {}).items() if column.private}
    if checks != Checks.DRIFT and private:
        yield f"private: domains and bounds not evaluated for {_listed(private)}"
    if checks != Checks.HARD and (private := private | _private_in_statistics(baseline)):
        yield f"private: drift not evaluated for {_listed(private)}"
    beside = {name for found in alignments for name in found.beside}
    if beside:
        yield f"not in the baseline, and not evaluated: {_listed(beside)}"
    skipped = sum(found.table.rows for found in alignments if found.columns is None)
    if skipped:
        yield f"{skipped} of {summary.rows} rows have other columns than the baseline and were skipped"


def _unevaluated(
    baseline: Baseline, columns: dict[str, ColumnStatistics], measurements: list[Measurement], checks: Checks
) -> Iterator[str]:
    """Which checks of values did not run, and what ran instead."""
    constraints = baseline.constraints
    features = [feature for feature in constraints.features if constraints.monitoring(feature).enabled]
    lacking = {Checks.HARD: "domain", Checks.DRIFT: "drift"}.get(checks, "domain and drift")
    for (reason, ran), names in unevaluated_features(features, baseline.columns, columns, measurements).items():
        only = f"only {' and '.join(ran)} evaluated for {_listed(names)}; {lacking} not evaluated"
        yield f"{reason}: {only if ran else f'{lacking} not evaluated for {_listed(names)}'}"


def _alignment_notes(
    baseline: Baseline, alignments: list[Alignment], scores: set[str], *, violated: bool
) -> Iterator[str]:
    if scores:
        yield f"drift not evaluated for {_listed(scores)}: the baseline has labels, the captured data scores"
    alone = sum(found.table.rows for found in alignments if found.inputs_alone)
    if alone:
        yield f"{alone} rows evaluated by their inputs alone: the baseline has a column for each input, and no outputs"
    largest = max(alignments, key=lambda found: found.table.rows, default=None)
    if violated and largest and shifted_by_one(largest, baseline.constraints, baseline.statistics):
        yield (
            "the columns look shifted by one: is the label last in the training data? `vedette baseline --label last` "
            "puts it first"
        )


def _scores_of_labels(
    baseline: Baseline, columns: dict[str, ColumnStatistics], alignments: list[Alignment]
) -> set[str]:
    """The outputs of which the baseline has labels and the captured data scores: their distance says nothing."""
    constraints, labels = baseline.constraints, baseline.columns
    outputs = {name for found in alignments for name in found.outputs if name in labels}
    return {
        feature.name
        for feature in constraints.features
        if feature.name in outputs
        and constraints.monitoring(feature).enabled
        and constraints.monitoring(feature).perform_comparison
        and labels_against_scores(labels[feature.name], columns[feature.name])
    }


def _without_statistics(baseline: Baseline) -> int:
    known = set(baseline.statistics.feature_names) if baseline.statistics else set()
    return sum(feature.name not in known for feature in baseline.constraints.features)


def _private_in_statistics(baseline: Baseline) -> set[str]:
    return {name for name, column in baseline.columns.items() if column.private}


def _listed(names: Collection[str]) -> str:
    """The first names in order, and how many more there are.

    Examples
    --------
    >>> _listed({"b", "a"}), _listed("abcdefg")
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    first = sorted(names)[:MAX_NAMES_IN_NOTE]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")

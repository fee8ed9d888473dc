"""The drift check: how far the distribution of a feature is from the baseline's.

| column                                        | distance                      | violated when                       |
|-----------------------------------------------|-------------------------------|-------------------------------------|
| numbers                                       | L-infinity, Simple or Robust  | above comparison_threshold          |
| few texts, categorical_drift_method LInfinity | L-infinity, Simple or Robust  | above categorical_comparison_...    |
| few texts, ChiSquared                         | 1 - p of the chi-squared test | p below categorical_comparison_...  |
| many texts, or every cell missing             | none                          |                                     |
| private, in the baseline or currently         | none                          |                                     |

How Model Monitor compares a chi-squared value with the threshold is unknown (aws-behaviour: chi-squared-threshold).
Here the threshold is the level of the test, and the sentence keeps the form "distance: x exceeds threshold: y", which
AWS's own tools parse, with x = 1 - p and y = 1 - level.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from chalicelib.constraints import check_types
from chalicelib.constraints.constraints import FeatureConstraints, Monitoring
from chalicelib.constraints.measurement import Measurement, Severity
from chalicelib.statistics import NUMERIC_TYPES, distances
from chalicelib.statistics.column import ColumnStatistics

GROSS_DRIFT = 0.5  # a distance that alerts before the days of an endpoint are known


def drift_check(
    feature: FeatureConstraints,
    baseline: ColumnStatistics,
    current: ColumnStatistics,
    monitoring: Monitoring,
    *,
    critical: bool,
    alert_above: float = 0.0,
) -> Iterator[Measurement]:
    """baseline_drift_check of one feature; nothing when its distance is not defined.

    A violation whose distance is at most `alert_above` is information: it stands in the files, and alerts nobody.
    """
    severity = Severity.CRITICAL if critical else Severity.WARNING
    for measurement, distance in _measured(feature, baseline, current, monitoring, severity):
        alerts = distance > alert_above or not measurement.violated
        # An open alert of gross drift stays open where the days decide by now: they may hold the same fault.
        gross = alert_above > GROSS_DRIFT and distance > GROSS_DRIFT
        yield measurement if alerts else replace(measurement, severity=Severity.INFORMATION, lasts=gross)


def _measured(
    feature: FeatureConstraints,
    baseline: ColumnStatistics,
    current: ColumnStatistics,
    monitoring: Monitoring,
    severity: Severity,
) -> Iterator[tuple[Measurement, float]]:
    """The measurement and its distance.

    The p-value of a chi-squared test says whether there is a change, not whether it matters: of a million rows, half a
    point is enough. The effect that decides about an alert is the Robust distance, which subtracts chance.
    """
    if baseline.types.inferred_type in NUMERIC_TYPES:
        numerical = distances.numerical(baseline.distribution, current.distribution, monitoring.comparison_method)
        if numerical is not None:
            yield _distance(feature.name, numerical, monitoring.comparison_threshold, severity), numerical
        return
    before, after = baseline.categories.counts, current.categories.counts
    if before is None or after is None:
        return
    threshold = monitoring.categorical_comparison_threshold
    if monitoring.categorical_drift_method == "ChiSquared":
        p, effect = distances.chi_squared(before, after), distances.categorical(before, after)
        if p is not None and effect is not None:
            matters = effect > monitoring.comparison_threshold
            severity = severity if matters else Severity.INFORMATION
            yield _chi_squared(feature.name, p, threshold, severity), effect
        return
    distance = distances.categorical(before, after, monitoring.comparison_method)
    if distance is not None:
        yield _distance(feature.name, distance, threshold, severity), distance


def _distance(name: str, distance: float, threshold: float, severity: Severity) -> Measurement:
    violated = distance > threshold
    return Measurement(
        feature=name,
        check=check_types.DRIFT,
        kind="drift",
        expected=f"distance at most {threshold}",
        observed=f"distance {distance:.4g}",
        value=distance,
        threshold=threshold,
        violated=violated,
        severity=severity,
        description=f"Baseline drift distance: {distance} exceeds threshold: {threshold}" if violated else "",
    )


def _chi_squared(name: str, p: float, level: float, severity: Severity) -> Measurement:
    violated = p < level
    return Measurement(
        feature=name,
        check=check_types.DRIFT,
        kind="drift",
        expected=f"chi-squared p-value at least {level}",
        observed=f"chi-squared p-value {p:.4g}",
        value=1 - p,
        threshold=1 - level,
        violated=violated,
        severity=severity,
        description=(
            f"Chi-squared p-value {p:.4g} is below {level}. Baseline drift distance: {1 - p} exceeds threshold: "
            f"{1 - level}"
        )
        if violated
        else "",
    )

"""The drift of one feature: which distance, against which threshold, in which words."""

import pytest

from chalicelib.constraints.constraints import FeatureConstraints, Monitoring
from chalicelib.constraints.drift import drift_check
from chalicelib.constraints.measurement import Measurement
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.distances import chi_squared

NUMBERS = [str(i) for i in range(64)]
COLOURS = ["red", "blue"] * 32
TEXTS = [f"text {i}" for i in range(200)]


def drift(before, after, critical=False, **monitoring) -> list[Measurement]:
    columns = ColumnStatistics.of(before), ColumnStatistics.of(after)
    return list(drift_check(FeatureConstraints({"name": "x"}), *columns, Monitoring(**monitoring), critical=critical))


def measured(**values) -> Measurement:
    return Measurement(feature="x", check="baseline_drift_check", kind="drift", **values)


@pytest.mark.parametrize(
    ("before", "after", "threshold_of"),
    [
        (NUMBERS, [str(16 + i) for i in range(64)], "comparison_threshold"),
        ([f"{i}.5" for i in range(64)], [f"{16 + i}.5" for i in range(64)], "comparison_threshold"),
        (COLOURS, ["red"] * 75 + ["blue"] * 25, "categorical_comparison_threshold"),
    ],
)
@pytest.mark.parametrize(("critical", "severity"), [(False, "warning"), (True, "critical")])
def test_a_distance_above_the_threshold_is_said_with_both(before, after, threshold_of, critical, severity):
    found = drift(before, after, critical, comparison_method="Simple", **{threshold_of: 0.2})
    assert found == [
        measured(
            expected="distance at most 0.2",
            observed="distance 0.25",
            value=0.25,
            threshold=0.2,
            violated=True,
            severity=severity,
            description="Baseline drift distance: 0.25 exceeds threshold: 0.2",
        )
    ]
    (at_the_threshold,) = drift(before, after, comparison_method="Simple", **{threshold_of: 0.25})
    assert (at_the_threshold.violated, at_the_threshold.description) == (False, "")


def test_the_robust_distance_is_corrected_for_chance():
    by_chance = 1.8 * (128 / 4096) ** 0.5
    (numbers,) = drift(NUMBERS, [str(32 + i) for i in range(64)])
    (categories,) = drift(COLOURS, ["red"] * 64)
    assert numbers.value == categories.value == pytest.approx(0.5 - by_chance)
    assert numbers.observed == "distance 0.1818"


def test_chi_squared_is_violated_below_its_level():
    after = ["red"] * 60 + ["blue"] * 40
    p = chi_squared({"red": 50, "blue": 50}, {"red": 60, "blue": 40})
    method = {"categorical_drift_method": "ChiSquared"}
    assert drift(COLOURS, after, **method, categorical_comparison_threshold=0.25) == [
        measured(
            expected="chi-squared p-value at least 0.25",
            observed="chi-squared p-value 0.0455",
            value=1 - p,
            threshold=0.75,
            violated=True,
            severity="information",
            description=(
                f"Chi-squared p-value 0.0455 is below 0.25. Baseline drift distance: {1 - p} exceeds threshold: 0.75"
            ),
        )
    ]
    (at_the_level,) = drift(COLOURS, after, **method, categorical_comparison_threshold=p)
    assert (at_the_level.violated, at_the_level.description) == (False, "")


@pytest.mark.parametrize(
    ("red", "rows", "critical", "severity"),
    [
        (0.505, 1_000_000, False, "information"),  # half a point: significant, and of no importance
        (0.58, 1_000, False, "information"),
        (0.7, 1_000, False, "warning"),
        (0.7, 1_000, True, "critical"),
    ],
)
def test_chi_squared_alerts_by_the_size_of_the_change(red, rows, critical, severity):
    monitoring = Monitoring(categorical_drift_method="ChiSquared")
    before, after = (
        ColumnStatistics.of_counts({"red": round(share * rows), "blue": round((1 - share) * rows)}, 0)
        for share in (0.5, red)
    )
    (found,) = drift_check(FeatureConstraints({"name": "x"}), before, after, monitoring, critical=critical)
    assert (found.violated, found.severity) == (True, severity)


def test_a_violation_up_to_alert_above_is_information():
    before, after = ColumnStatistics.of(NUMBERS), ColumnStatistics.of([str(16 + i) for i in range(64)])
    monitoring = Monitoring(comparison_method="Simple")
    (found,) = drift_check(
        FeatureConstraints({"name": "x"}), before, after, monitoring, critical=True, alert_above=0.25
    )
    assert (found.value, found.violated, found.severity) == (0.25, True, "information")
    (found,) = drift_check(
        FeatureConstraints({"name": "x"}), before, after, monitoring, critical=True, alert_above=0.24
    )
    assert found.severity == "critical"


@pytest.mark.parametrize(
    ("before", "after", "method"),
    [
        (NUMBERS, [None] * 100, "LInfinity"),
        (COLOURS, [None] * 100, "LInfinity"),
        (COLOURS, TEXTS, "LInfinity"),
        (TEXTS, COLOURS, "LInfinity"),
        (COLOURS, ["red", "blue"], "ChiSquared"),
    ],
)
def test_without_a_distance_nothing_is_measured(before, after, method):
    assert drift(before, after, categorical_drift_method=method) == []

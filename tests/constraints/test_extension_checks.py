"""Vedette's own checks: negative numbers, ranges, and rows an hour."""

import pytest

from chalicelib.constraints.constraints import Constraints, FeatureConstraints
from chalicelib.constraints.extension_checks import extension_checks, volume_check
from chalicelib.constraints.measurement import Measurement
from chalicelib.statistics.column import ColumnStatistics

ONE_TO_HUNDRED = [str(i) for i in range(1, 101)]


def found(cells, critical=False, **numbers) -> list[Measurement]:
    feature = FeatureConstraints({"name": "x", "num_constraints": numbers})
    return list(extension_checks(feature, ColumnStatistics.of(cells), critical=critical))


def non_negative(**values) -> Measurement:
    return Measurement(
        feature="x", check="vedette_non_negative_check", kind="hard", expected="not negative", threshold=0.0, **values
    )


@pytest.mark.parametrize(
    ("negative", "critical", "severity"),
    [(30, False, "warning"), (50, False, "critical"), (30, True, "critical")],
)
def test_negative_numbers_are_said_with_their_share(negative, critical, severity):
    assert found(["1"] * (100 - negative) + ["-1"] * negative, critical, is_non_negative=True) == [
        non_negative(
            observed=f"{negative}.0% negative",
            value=negative / 100,
            violated=True,
            severity=severity,
            description=f"{negative}.0% of the numbers are negative.",
        )
    ]


def test_nothing_is_not_negative():
    assert found(["0"] * 100, is_non_negative=True) == [
        non_negative(observed="0.0% negative", value=0.0, violated=False)
    ]


@pytest.mark.parametrize(
    ("bounds", "expected", "outside"),
    [
        ({"minimum": 1, "maximum": 100}, "1.0 to 100.0", 0),
        ({"minimum": 1}, "at least 1.0", 0),
        ({"maximum": 100}, "at most 100.0", 0),
        ({"minimum": 2}, "at least 2.0", 1),
        ({"maximum": 99}, "at most 99.0", 1),
        ({"minimum": 11, "maximum": 60}, "11.0 to 60.0", 50),
        ({"minimum": 51, "maximum": 100}, "51.0 to 100.0", 50),
    ],
)
def test_numbers_out_of_a_range_are_said_with_their_share(bounds, expected, outside):
    assert found(ONE_TO_HUNDRED, **bounds) == [
        Measurement(
            feature="x",
            check="vedette_range_check",
            kind="hard",
            expected=expected,
            observed=f"{outside}.0% out of range",
            value=outside / 100,
            threshold=0.0,
            violated=outside > 0,
            severity="critical" if outside == 50 else "information",
            description=f"{outside}.0% of the numbers are out of range." if outside else "",
        )
    ]


def test_one_number_out_of_range_in_a_critical_feature_is_critical():
    (measurement,) = found(ONE_TO_HUNDRED, critical=True, maximum=99)
    assert measurement.severity == "critical"


def test_both_rules_are_checked_and_a_column_without_numbers_by_neither():
    rules = {"is_non_negative": True, "minimum": 1}
    assert [one.check for one in found(["1"], **rules)] == ["vedette_non_negative_check", "vedette_range_check"]
    assert found(["a", None], **rules) == []
    assert found(["-1"], is_non_negative=False) == []


@pytest.mark.parametrize(
    ("low", "high", "rows", "said", "expected", "threshold", "violated"),
    [
        (100, 800, 198, "99", "100.0 to 800.0", 100.0, True),
        (100, 800, 200, "100", "100.0 to 800.0", 800.0, False),
        (100, 800, 1600, "800", "100.0 to 800.0", 800.0, False),
        (100, 800, 3000, "1,500", "100.0 to 800.0", 800.0, True),
        (100, None, 20, "10", "at least 100.0", 100.0, True),
        (100, None, 500, "250", "at least 100.0", 100.0, False),
        (None, 800, 20, "10", "at most 800.0", 800.0, False),
        (None, 800, 2000, "1,000", "at most 800.0", 800.0, True),
    ],
)
def test_the_rows_an_hour_lie_between_the_bounds_or_are_said(low, high, rows, said, expected, threshold, violated):
    rule = {"minimum_rows_per_hour": low, "maximum_rows_per_hour": high}
    assert list(volume_check(Constraints({"features": [], "volume_constraints": rule}), rows, 2.0)) == [
        Measurement(
            feature="rows",
            check="vedette_volume_check",
            kind="hard",
            expected=f"{expected} rows an hour",
            observed=f"{said} rows an hour",
            value=rows / 2,
            threshold=threshold,
            violated=violated,
            severity="warning",
            description=f"There were {said} rows an hour." if violated else "",
        )
    ]


def test_without_a_rule_the_volume_is_not_measured():
    assert list(volume_check(Constraints({"features": []}), 5, 1.0)) == []

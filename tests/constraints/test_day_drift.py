"""A day against the reference days: within or outside, sudden or slow, and what the verdict says of it."""

from datetime import date, timedelta

import msgspec
import numpy as np
import pytest

from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.day_drift import (
    DayComparison,
    FeatureDistance,
    alert_above,
    compare_day,
    day_notes,
    reference_notes,
    with_recent_days,
)
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.measurement import Checks, Measurement
from chalicelib.constraints.reference_days import Day, DayType, FeatureReference, Reference, learned
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.distribution import Distribution
from chalicelib.statistics.lexical import TypeCounts
from chalicelib.statistics.table import Table

MONDAY = date(2026, 3, 2)
NEXT = MONDAY + timedelta(days=28)  # the Monday after the reference days
CONSTRAINTS = Constraints({"features": [{"name": "x", "inferred_type": "Fractional"}]})
SUDDEN, SLOW, OF_FILE = "vedette_sudden_drift_check", "vedette_slow_drift_check", "baseline_drift_check"


def numbers(mean: float, seed: int, rows: int = 2_000) -> ColumnStatistics:
    values = np.random.default_rng(seed).normal(mean, 1, rows)
    return ColumnStatistics(types=TypeCounts(fractional=rows), distribution=Distribution.of(values))


def day_of(day: date, mean: float) -> Day:
    return Day(day, "1", {"x": numbers(mean, day.toordinal())})


def days_with(mean=lambda day: 0.0, count: int = 28, first: date = MONDAY) -> list[Day]:
    return [day_of(one, mean(one)) for one in (first + timedelta(days=number) for number in range(count))]


def weekend_effect(day: date) -> float:
    return 1.0 if day.weekday() >= 5 else 0.0


def reference_of(days: list[Day]) -> Reference:
    return learned(Reference(), days, {"x": "Fractional"}, days[-1].date + timedelta(days=1))


def measured(
    today: Day, earlier: list[Day], reference: Reference, critical=(), statistics=None
) -> dict[str, Measurement]:
    compared = with_recent_days(compare_day(reference, today.date, today.columns, CONSTRAINTS), earlier)
    column = today.columns["x"]
    table = Table(names=("x",), rows=column.types.present + column.types.missing, columns=(column,))
    summary = CaptureSummary(events=1, rows=table.rows, tables=(table,))
    found = evaluate(
        summary, Baseline(constraints=CONSTRAINTS, statistics=statistics), checks=Checks.DRIFT, day=compared,
        critical=critical,
    )  # fmt: skip
    return {one.check: one for one in found.measurements}


def test_a_day_like_the_others_passes():
    days = days_with()
    found = measured(day_of(NEXT, 0.0), days, reference_of(days))
    assert [(one.violated, one.lasts, one.evaluated) for one in found.values()] == [(False, False, True)] * 2


@pytest.mark.parametrize(("critical", "severity"), [((), "warning"), (("x",), "critical")])
def test_a_jump_is_sudden_drift(critical, severity):
    days = days_with()
    found = measured(day_of(NEXT, 1.0), days, reference_of(days), critical)
    assert (found[SUDDEN].violated, found[SUDDEN].alertable, found[SUDDEN].severity) == (True, True, severity)
    assert found[SUDDEN].threshold == 0.1
    assert found[SUDDEN].expected == "distance at most 0.1 from its working days"
    assert found[SUDDEN].observed.endswith(" from the last working days")
    assert (found[SLOW].violated, found[SLOW].alertable, found[SLOW].severity) == (True, False, "information")


def test_what_has_been_so_for_weeks_is_slow_drift_and_keeps_an_alert_open():
    days = days_with() + days_with(lambda day: 1.0, 20, NEXT)
    found = measured(day_of(NEXT + timedelta(days=20), 1.0), days[28:], reference_of(days[:28]))
    assert (found[SUDDEN].violated, found[SUDDEN].lasts, found[SLOW].violated) == (False, True, True)


def test_the_distances_of_the_reference_days_stand_beside_the_distance_of_the_day_and_nowhere_else():
    days = days_with()
    reference = reference_of(days)
    found = measured(day_of(NEXT, 1.0), days, reference)
    assert found[SLOW].reference_distances == reference.features["x"].day_distances
    assert found[SLOW].reference_distances[1] < found[SLOW].value
    stored = {one.check: msgspec.json.decode(msgspec.json.encode(one)) for one in found.values()}
    assert [check for check, one in stored.items() if "reference_distances" in one] == [SLOW]


def test_without_days_before_it_a_day_outside_is_sudden():
    found = measured(day_of(NEXT, 1.0), [], reference_of(days_with()))
    assert found[SUDDEN].violated
    assert "last" not in found[SUDDEN].observed


def test_the_second_day_of_a_jump_is_not_compared_with_the_first():
    days = [*days_with(), day_of(NEXT, 1.0)]
    assert measured(day_of(NEXT + timedelta(days=1), 1.0), days, reference_of(days[:28]))[SUDDEN].violated


@pytest.mark.parametrize(
    ("day", "mean", "violated"), [(5, 1.0, False), (5, 0.0, True), (5, 2.0, True), (0, 0.0, False), (0, 1.0, True)]
)
def test_a_day_is_compared_with_days_of_its_type(day, mean, violated):
    days = days_with(weekend_effect)
    found = measured(day_of(NEXT + timedelta(days=day), mean), days, reference_of(days))
    assert found[SUDDEN].violated == violated


def days_of(weekend_rows: int, features: int) -> list[Day]:
    """Four weeks whose weekend days have other values, and so many rows."""
    dates = [MONDAY + timedelta(days=number) for number in range(28)]
    return [
        Day(day, "1", {f"x{n}": numbers(weekend_effect(day), day.toordinal() * 10 + n, rows) for n in range(features)})
        for day in dates
        if (rows := weekend_rows if day.weekday() >= 5 else 2_000)
    ]


@pytest.mark.parametrize(
    ("weekend_rows", "rows", "features", "holiday"),
    [
        (800, 800, 1, True),  # the rows of a weekend day, too
        (800, 2_000, 1, False),  # the rows of a working day: something else is the matter
        (800, 2_000, 4, False),
        (2_000, 2_000, 4, True),  # the rows say nothing, and four features agree
        (2_000, 2_000, 2, False),
    ],
)
def test_a_holiday_is_compared_with_weekend_days_and_the_verdict_says_so(weekend_rows, rows, features, holiday):
    names = [f"x{number}" for number in range(features)]
    constraints = Constraints({"features": [{"name": name, "inferred_type": "Fractional"} for name in names]})
    days = days_of(weekend_rows, features)
    reference = learned(Reference(), days, dict.fromkeys(names, "Fractional"), NEXT)
    columns = {name: numbers(1.0, number, rows) for number, name in enumerate(names)}
    compared = compare_day(reference, NEXT, columns, constraints)
    assert (compared.day_type == DayType.WEEKEND, compared.is_outside) == (holiday, not holiday)
    note = "2026-03-30 was compared with weekend days: its traffic is like theirs"
    assert list(day_notes(compared)) == ([note] if holiday else [])


WORKING_DAYS = [day for number in range(28) if (day := MONDAY + timedelta(days=number)).weekday() < 5]
HOLIDAYS = [(day, "weekend day") for day in WORKING_DAYS]


@pytest.mark.parametrize(
    ("before", "holiday"),
    [
        (HOLIDAYS[:5], False),  # without an end: the traffic has changed
        (HOLIDAYS[:4], True),
        ([*HOLIDAYS[:4], (WORKING_DAYS[4], "working day")], True),
        ([(MONDAY + timedelta(days=number), "weekend day") for number in (5, 6, 12, 13, 19, 20)], True),
    ],
)
def test_a_holiday_ends_after_five_working_days(before, holiday):
    looks = {f"x{number}": numbers(1.0, number, 800) for number in range(4)}
    names = Constraints({"features": [{"name": name, "inferred_type": "Fractional"} for name in looks]})
    known = learned(Reference(), days_of(800, 4), dict.fromkeys(looks, "Fractional"), NEXT)
    assert compare_day(known, NEXT, looks, names, lambda: before).is_holiday == holiday


def test_the_threshold_of_the_file_counts_where_it_is_larger():
    strict = Constraints({**CONSTRAINTS.document, "monitoring_config": {"comparison_threshold": 0.0}})
    loose = Constraints({**CONSTRAINTS.document, "monitoring_config": {"comparison_threshold": 0.6}})
    reference = reference_of(days_with())
    variation = reference.features["x"].variation
    today = {"x": numbers(1.0, 1)}
    assert compare_day(reference, NEXT, today, strict).features["x"].threshold == variation
    assert compare_day(reference, NEXT, today, loose).features["x"].threshold == 0.6


def test_while_the_days_are_learned_only_gross_drift_of_the_file_alerts():
    statistics = Table(names=("x",), rows=2_000, columns=(numbers(0.0, 99),))
    days = days_with(count=5)
    reference = reference_of(days)
    for mean, violated, alertable in ((0.0, False, False), (1.0, True, False), (2.0, True, True)):
        found = measured(day_of(MONDAY + timedelta(days=5), mean), days, reference, statistics=statistics)
        assert set(found) == {OF_FILE}
        assert (found[OF_FILE].violated, found[OF_FILE].alertable) == (violated, alertable)
    (note,) = day_notes(compare_day(reference, NEXT, {"x": numbers(0.0, 1)}, CONSTRAINTS))
    assert note == "learning: 5 of 14 days of 1 of 1 features are known, so only gross drift alerts"


def test_what_has_no_distance_is_not_learned():
    texts = ColumnStatistics.of([f"text {number}" for number in range(200)])
    compared = compare_day(reference_of(days_with(count=5)), NEXT, {"x": texts}, CONSTRAINTS)
    assert list(day_notes(compared)) == []


def test_where_the_days_decide_the_file_keeps_model_monitors_rule_and_alerts_nobody():
    statistics = Table(names=("x",), rows=2_000, columns=(numbers(5.0, 99),))  # the training data differ
    days = days_with()
    found = measured(day_of(NEXT, 0.0), days, reference_of(days), statistics=statistics)
    assert (found[OF_FILE].violated, found[OF_FILE].alertable, found[SUDDEN].violated) == (True, False, False)


def test_a_feature_without_reference_days_is_alerted_by_the_rule_of_the_file():
    assert alert_above("x", None) == 0.0
    unreadable = DayComparison(Reference(), NEXT, DayType.WORKING, {}, unreadable="reference.json: not JSON")
    assert alert_above("other", unreadable) == 0.0
    assert list(day_notes(unreadable)) == [
        "the reference days cannot be read, so the rule of the file decides about drift: reference.json: not JSON"
    ]


def test_of_a_feature_that_no_day_can_evaluate_only_gross_drift_alerts():
    assert alert_above("other", DayComparison(Reference(), NEXT, DayType.WORKING, {})) == 0.5


@pytest.mark.parametrize(
    "column", [ColumnStatistics.of([f"text {n}" for n in range(200)]), ColumnStatistics.all_missing(200)]
)
def test_what_cannot_be_compared_is_not_evaluated_and_no_recovery(column):
    days = days_with()
    found = measured(Day(NEXT, "1", {"x": column}), days, reference_of(days))
    assert {(one.check, one.violated, one.lasts, one.evaluated) for one in found.values()} == {
        (SUDDEN, False, False, False),
        (SLOW, False, False, False),
    }


def test_a_feature_whose_days_differ_too_much_is_named_and_not_evaluated():
    days = days_with(lambda day: 5.0 * (day.toordinal() % 4))
    reference = reference_of(days)
    assert compare_day(reference, NEXT, {"x": numbers(9.0, 1)}, CONSTRAINTS).features == {}
    (note,) = reference_notes(reference)
    assert note.startswith("drift is not evaluated by the day, since their own days differ too much: x (")


def test_an_unstable_feature_is_named():
    (note,) = reference_notes(
        Reference(features={name: FeatureReference(since=MONDAY, variation=0.1, halves=halves)
                            for name, halves in (("x", 0.3), ("y", 0.05))})
    )  # fmt: skip
    assert note == "unstable: the second half of the reference days has drifted from the first: x (0.30)"


def test_too_few_rows_are_not_evaluated():
    days = days_with()
    today = Day(NEXT, "1", {"x": numbers(1.0, 1, rows=99)})
    found = measured(today, days, reference_of(days))
    assert {(one.violated, one.lasts, one.evaluated, one.rows_needed) for one in found.values()} == {
        (False, False, False, 1)
    }


@pytest.mark.parametrize(("distance", "outside"), [(0.1, False), (0.1001, True)])
def test_a_distance_at_the_threshold_is_within(distance, outside):
    assert FeatureDistance(distance, 0.1).is_outside == outside

"""Which windows are closed, and what runs in each."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Baseline, Evaluation, evaluate
from chalicelib.constraints.windows import RECENTLY_CLOSED, checks_for_length, closed_windows, evaluate_closed_window
from chalicelib.window import Window, open_window
from tests.constraints.tables import baseline_of, column, summary

HOUR = timedelta(hours=1)
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def names(windows) -> list[str]:
    return [window.name for window in windows]


@pytest.mark.parametrize(
    ("past_nine", "latest"),
    [(4.9, "2026-03-02T07-00Z_60m"), (5, "2026-03-02T08-00Z_60m"), (64, "2026-03-02T08-00Z_60m")],
)
def test_a_window_closes_five_minutes_after_its_end(past_nine, latest):
    assert names(closed_windows(60, NINE + minutes(past_nine), 1)) == [latest]


def test_closed_windows_are_the_latest_ones_with_the_oldest_first():
    assert closed_windows(60, NINE + minutes(7), 3) == [Window(NINE - n * HOUR, HOUR) for n in (3, 2, 1)]
    assert names(closed_windows(1440, NINE, 2)) == ["2026-02-28T00-00Z_1440m", "2026-03-01T00-00Z_1440m"]


@pytest.mark.parametrize(("past_nine", "found"), [(5, True), (14, True), (14.1, False)])
def test_only_a_window_that_closed_a_short_time_ago_is_recently_closed(past_nine, found):
    assert bool(closed_windows(60, NINE + minutes(past_nine), 1, within=RECENTLY_CLOSED)) is found


@pytest.mark.parametrize(
    ("length", "past_nine", "name"),
    [
        (60, 0, "2026-03-02T09-00Z_60m"),
        (60, 59.9, "2026-03-02T09-00Z_60m"),
        (15, 31, "2026-03-02T09-30Z_15m"),
        (1440, 7, "2026-03-02T00-00Z_1440m"),
    ],
)
def test_the_open_window_contains_now(length, past_nine, name):
    assert open_window(length, NINE + minutes(past_nine)).name == name


@pytest.mark.parametrize(
    ("window", "drift_window", "length", "checks"),
    [
        (60, 1440, 15, "hard"),
        (60, 1440, 60, "hard"),
        (60, 1440, 61, "drift"),
        (60, 1440, 1440, "drift"),
        (60, 60, 60, "all"),
        (1440, 60, 1440, "all"),
    ],
)
def test_hard_checks_run_in_short_windows_and_drift_in_long_ones(window, drift_window, length, checks):
    assert checks_for_length(window, drift_window, minutes(length)) == checks


# --- evaluation of a closed window ------------------------------------------------------------------------------------

BASELINE = baseline_of(column(["1", "2"] * 100))
WITH_VOLUME = Baseline(
    constraints=Constraints({**BASELINE.constraints.document, "volume_constraints": {"minimum_rows_per_hour": 150}}),
    statistics=BASELINE.statistics,
)
WITHOUT_STATISTICS = Baseline(constraints=WITH_VOLUME.constraints)
TRAFFIC = summary(column(["1"] * 199 + ["x"]), refused=1)
SERVED = "mixed: versions 3 and 4 served in this window, so"


@pytest.mark.parametrize("checks", ["all", "hard", "drift"])
@pytest.mark.parametrize("versions", [(), ("3",)])
def test_one_version_is_evaluated_with_the_length_of_the_window_and_the_critical_features(checks, versions):
    expected = evaluate(TRAFFIC, WITH_VOLUME, checks=checks, critical=("x",), hours=2.0)
    assert expected.violations
    assert all(one.severity == "critical" for one in expected.violations if one.feature == "x")
    found = evaluate_closed_window(TRAFFIC, WITH_VOLUME, checks, 2 * HOUR, versions, ("x",))
    assert found == (checks, expected)


@pytest.mark.parametrize("checks", ["all", "hard"])
def test_of_two_versions_only_the_hard_checks_run_and_this_is_said_last(checks):
    expected = evaluate(TRAFFIC, WITH_VOLUME, checks="hard", critical=("x",), hours=2.0)
    ran, found = evaluate_closed_window(TRAFFIC, WITH_VOLUME, checks, 2 * HOUR, ("3", "4"), ("x",))
    assert (ran, found.verdict, found.measurements) == ("hard", "Violations", expected.measurements)
    assert found.notes == ("1 of 201 lines could not be read", f"{SERVED} only the hard checks ran")


@pytest.mark.parametrize(
    ("baseline", "versions", "note"),
    [
        (WITH_VOLUME, ("3", "4"), f"{SERVED} drift was not evaluated"),
        (WITHOUT_STATISTICS, ("3", "4"), f"{SERVED} drift was not evaluated"),
        (WITHOUT_STATISTICS, ("3",), "the baseline has no statistics, so drift was not evaluated"),
    ],
)
def test_a_window_of_drift_alone_says_why_nothing_was_evaluated(baseline, versions, note):
    assert evaluate_closed_window(TRAFFIC, baseline, "drift", 24 * HOUR, versions) == (
        "drift",
        Evaluation(verdict="InsufficientData", rows=200, notes=(note,)),
    )


def test_hard_checks_need_no_statistics():
    ran, found = evaluate_closed_window(TRAFFIC, WITHOUT_STATISTICS, "hard", HOUR)
    assert (ran, found) == ("hard", evaluate(TRAFFIC, WITHOUT_STATISTICS, checks="hard", hours=1.0))

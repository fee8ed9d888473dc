"""Alert state: one alert per episode, whatever repeats, and whatever comes late."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.alerts.state import Thresholds, Transition, transition
from chalicelib.constraints.evaluation import Measurement
from chalicelib.records import AlertBook, Execution

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOBODY = AlertBook(endpoint="site", variant="AllTraffic")
DEFAULTS = Thresholds()


def measured(feature: str = "b", violated: bool = True, kind: str = "hard", judged: bool = True) -> Measurement:
    return Measurement(
        feature=feature,
        check="data_type_check" if kind == "hard" else "baseline_drift_check",
        kind=kind,
        expected="Integral",
        observed="50.0% Integral",
        value=0.5,
        threshold=1.0,
        violated=violated,
        judged=judged,
        severity="critical" if kind == "hard" else "warning",
        description="sentence" if violated else "",
    )


def window(hour: int, *measurements: Measurement, verdict: str | None = None, closed: bool = True) -> Execution:
    return Execution(
        endpoint="site",
        variant="AllTraffic",
        window_start=NOON + hour * HOUR,
        window_end=NOON + (hour + 1) * HOUR,
        closed=closed,
        package_version="2",
        revision=1,
        baseline="v1",
        verdict=verdict or ("Violations" if any(m.violated for m in measurements) else "OK"),
        events=480,
        rows=480,
        refused={},
        measurements=measurements,
        parts=(),
        folder="f/",
        judged_at=NOON,
    )


def told(executions: list[Execution], thresholds: Thresholds = DEFAULTS) -> list[tuple[str, ...]]:
    """What each execution gives a reason to say."""
    book, said = NOBODY, []
    for execution in executions:
        moved = transition(book, execution, thresholds)
        book = moved.book
        said.append(
            tuple(
                f"{state} {measurement.feature}"
                for state in ("new", "recovered")
                for measurement in getattr(moved, state)
            )
        )
    return said


def test_twenty_four_windows_of_the_same_violation_are_one_alert_and_two_clean_ones_recover():
    bad = [window(hour, measured()) for hour in range(24)]
    good = [window(24 + hour, measured(violated=False)) for hour in range(3)]
    said = told(bad + good)
    assert said[0] == ("new b",)
    assert said[1:25] == [()] * 24
    assert said[25] == ("recovered b",)
    assert said[26] == ()


def test_drift_fires_in_two_of_three_windows():
    drifts = [True, False, True, True, False, False]
    said = told([window(hour, measured(violated=v, kind="drift")) for hour, v in enumerate(drifts)])
    assert [n for n, words in enumerate(said) if words == ("new b",)] == [2]
    assert said[-1] == ("recovered b",)


def test_a_hard_violation_of_an_object_fires_at_once_and_the_closed_window_adds_nothing():
    seen = [window(0, measured(), closed=False), window(0, measured()), window(1, measured())]
    assert told(seen) == [("new b",), (), ()]


def test_a_single_object_never_recovers_anything_and_its_drift_counts_for_nothing():
    assert told([window(0, measured(kind="drift"), closed=False)]) == [()]
    seen = [window(0, measured()), *[window(1, measured(violated=False), closed=False)] * 5]
    assert told(seen)[1:] == [()] * 5


def test_an_object_of_a_window_that_was_closed_before_changes_nothing():
    moved = transition(NOBODY, window(0, measured(violated=False)), DEFAULTS)
    assert transition(moved.book, window(0, measured(), closed=False), DEFAULTS) == Transition(moved.book)


@pytest.mark.parametrize("again", [window(3, measured()), window(1, measured("a"))])
def test_a_repeated_or_older_window_changes_nothing(again):
    moved = transition(NOBODY, window(3, measured()), DEFAULTS)
    assert transition(moved.book, again, DEFAULTS) == Transition(moved.book)


def test_a_window_with_too_few_rows_is_neither_clean_nor_violated():
    few = [window(1 + n, measured(violated=False, judged=False), verdict="InsufficientData") for n in range(5)]
    said = told([window(0, measured()), *few, window(6, measured())])
    assert said[1:] == [()] * 6


def test_silence_is_said_once_and_only_where_there_was_data_before():
    quiet = [window(n, verdict="NoData") for n in range(3)]
    assert told(quiet) == [(), ("new capture",), ()]
    back = [window(3 + n, measured(violated=False)) for n in range(2)]
    assert told(quiet + back)[-1] == ("recovered capture",)


def test_a_silent_window_does_not_recover_a_violation():
    said = told(
        [window(0, measured()), window(1, verdict="NoData"), window(2, verdict="NoData"), window(3, measured())]
    )
    assert ("recovered b",) not in said
    assert said[3] == ()


def test_what_is_no_longer_measured_recovers():
    said = told([window(0, measured()), window(1, verdict="OK"), window(2, verdict="OK")])
    assert said[2] == ("recovered b",)


histories = st.lists(st.booleans(), min_size=1, max_size=20)


@given(histories, st.integers(1, 3), st.integers(1, 3))
def test_news_and_recoveries_alternate_and_the_book_is_empty_exactly_when_all_is_quiet(history, needed, clean):
    thresholds = Thresholds(hard_violated=needed, hard_of=3, recovery_clean=clean)
    said = [w for w in told([window(n, measured(violated=v)) for n, v in enumerate(history)], thresholds) if w]
    assert said == [("new b",) if n % 2 == 0 else ("recovered b",) for n in range(len(said))]


@given(histories, st.randoms())
def test_repetitions_and_late_copies_do_not_change_the_book(history, random):
    executions = [window(n, measured(violated=v)) for n, v in enumerate(history)]
    book = repeated = NOBODY
    for n, execution in enumerate(executions):
        book = transition(book, execution, DEFAULTS).book
        for copy in [execution, *random.choices(executions[: n + 1], k=3)]:
            repeated = transition(repeated, copy, DEFAULTS).book
    assert repeated == book


def test_the_severity_of_a_firing_fingerprint_is_that_of_its_last_violation():
    first = transition(NOBODY, window(0, measured()), DEFAULTS).book
    milder = replace(measured(), severity="information")
    after = transition(first, window(1, milder), DEFAULTS).book
    assert after.fingerprints["data_type_check|b"].severity == "information"

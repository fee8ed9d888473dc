"""Late data: a window that was counted before is not counted again, and what nobody was notified of is raised."""

import pytest
from msgspec.structs import replace

from chalicelib.alerts.counted_windows import REMEMBERED
from chalicelib.alerts.email_text import text
from chalicelib.alerts.message import messages
from chalicelib.alerts.state import (
    MISSING_DATA_FINGERPRINTS,
    StoredExecutions,
    Transition,
    never_muted,
    transition,
)
from chalicelib.records import AlertState, Execution, Thresholds
from tests.alerts.factories import HOUR, NOON, WHERE, book, clean, drift, execution, violation

DEFAULTS = Thresholds()


class Watched:
    """An alert state, and the executions that are stored about its windows."""

    def __init__(self, thresholds: Thresholds = DEFAULTS, state: AlertState | None = None) -> None:
        self.state, self.thresholds, self.stored = state or book(), thresholds, []

    def evaluated(self, made: Execution, muted=never_muted) -> Transition:
        self.stored.append(made)
        moved = transition(self.state, made, self.thresholds, muted, lambda: self.found(made))
        self.state = moved.after
        return moved

    def found(self, late: Execution) -> StoredExecutions:
        same = [one for one in self.stored if one.window == late.window and one.revision < late.revision]
        latest = {one.window: one for one in sorted(self.stored, key=lambda one: one.revision)}
        return StoredExecutions(tuple(same), tuple(latest.values()))


def good(hour: int, **changes) -> Execution:
    return execution(clean(), hour=hour, **changes)


def bad(hour: int, *more, **changes) -> Execution:
    return execution(violation(), *more, hour=hour, **changes)


def names(found) -> list[str]:
    return [one.feature for one in found]


@pytest.mark.parametrize("windows_later", [1, 2, 24])
def test_a_violation_of_late_data_is_raised_once_and_marked(windows_later):
    watched = Watched()
    for hour in range(windows_later + 1):
        watched.evaluated(good(hour))
    late = bad(0, revision=2)
    moved = watched.evaluated(late)
    assert (names(moved.new), moved.late) == (["b"], True)
    [message] = messages(moved, late, WHERE)
    assert message.late
    assert message.headline.endswith(", in data that arrived late")
    assert "this data arrived after its window had been evaluated" in " ".join(text(message).split())
    assert watched.evaluated(late).after == moved.after
    assert watched.evaluated(bad(0, revision=3)).new == (), "it fires already"


def test_a_window_whose_first_verdict_comes_late_is_raised_too():
    watched = Watched()
    for hour in (0, 2):
        watched.evaluated(good(hour))
    assert names(watched.evaluated(bad(1)).new) == ["b"]


def test_a_late_revision_raises_only_what_no_earlier_one_violated():
    watched = Watched()
    watched.evaluated(bad(0))
    for hour in (1, 2):
        watched.evaluated(good(hour))
    assert watched.state.fingerprints == {}, "it has recovered"
    moved = watched.evaluated(bad(0, violation("c"), revision=2))
    assert names(moved.new) == ["c"]


def test_a_verdict_that_was_stored_and_never_counted_hides_nothing():
    watched = Watched()
    watched.evaluated(good(0))
    watched.stored.append(bad(1))  # its event was lost, and late data made a revision before the sweep came
    watched.evaluated(good(2))
    assert names(watched.evaluated(bad(1, revision=2)).new) == ["b"]


def test_a_late_revision_recovers_nothing():
    watched = Watched(Thresholds(recovery_clean=1))
    watched.evaluated(bad(0))
    watched.evaluated(bad(1))
    moved = watched.evaluated(good(0, revision=2))
    assert (moved.recovered, names_firing(watched)) == ((), ["b"])


def names_firing(watched: Watched) -> list[str]:
    return [of.subject for of, one in watched.state.fingerprints.items() if one.state == "firing"]


def test_what_a_late_revision_raised_recovers_as_any_other():
    watched = Watched()
    for hour in (0, 1):
        watched.evaluated(good(hour))
    watched.evaluated(bad(0, revision=2))
    assert [names(watched.evaluated(good(hour)).recovered) for hour in (2, 3)] == [[], ["b"]]


def test_a_muted_late_violation_notifies_nobody():
    watched = Watched()
    for hour in (0, 1):
        watched.evaluated(good(hour))
    moved = watched.evaluated(bad(0, revision=2), muted=lambda fingerprint: True)
    assert (moved.new, names(moved.muted)) == ((), ["b"])


@pytest.mark.parametrize("verdict", ["NoData", "CaptureStopped", "MonitorFailed"])
@pytest.mark.parametrize("violated", [1, 2])
def test_missing_data_whose_first_verdict_comes_late_is_raised_and_recovers(verdict, violated):
    watched = Watched(Thresholds(hard_violated=violated, hard_of=violated), book(had_rows=True))
    if violated == 2:
        watched.evaluated(execution(hour=0, verdict=verdict))
    watched.evaluated(good(2))
    late = execution(hour=1, verdict=verdict)  # EventBridge refused its event
    [missing] = watched.evaluated(late).new
    assert missing.fingerprint == MISSING_DATA_FINGERPRINTS[verdict]
    assert watched.evaluated(late).new == ()
    assert sum(len(watched.evaluated(good(hour)).recovered) for hour in (3, 4)) == 1


# --- several windows --------------------------------------------------------------------------------------------------


def drifted(hour: int, violated: bool, **changes) -> Execution:
    return execution(drift(violated=violated), hour=hour, **changes)


@pytest.mark.parametrize(
    ("before", "late_hour", "fires"),
    [
        ([False, True, False], 0, True),  # x x .
        ([True, False, False], 2, True),  # x . x
        ([True, False, False, False], 3, False),  # x . . x
        ([False, False, False], 1, False),
    ],
)
def test_drift_is_counted_again_from_the_stored_windows(before, late_hour, fires):
    watched = Watched()
    for hour, violated in enumerate(before):
        watched.evaluated(drifted(hour, violated))
    moved = watched.evaluated(drifted(late_hour, True, revision=2))
    assert bool(moved.new) == fires


def test_what_was_counted_again_counts_for_the_next_window():
    watched = Watched()
    for hour in range(2):
        watched.evaluated(drifted(hour, False))
    assert watched.evaluated(drifted(1, True, revision=2)).new == ()
    assert names(watched.evaluated(drifted(2, True)).new) == ["b"]


def test_a_window_that_evaluated_nothing_is_not_counted():
    watched = Watched()
    watched.evaluated(drifted(0, False))
    watched.evaluated(execution(hour=1, verdict="InsufficientData"))
    watched.evaluated(drifted(2, True))
    assert names(watched.evaluated(drifted(0, True, revision=2)).new) == ["b"]


# --- remembered -------------------------------------------------------------------------------------------------------


def test_windows_are_forgotten_after_some_days_and_count_as_counted():
    watched = Watched()
    for hour in range(5 * 24):
        watched.evaluated(good(hour))
    assert len(watched.state.counted_windows) == REMEMBERED // HOUR
    assert watched.evaluated(bad(3)).new == ()
    assert names(watched.evaluated(bad(3, violation("c"), revision=2)).new) == ["c"]


def test_a_state_of_an_earlier_version_takes_its_windows_as_counted():
    watched = Watched(state=book(last_closed_window_end=NOON + 5 * HOUR))
    assert watched.evaluated(bad(2)).new == ()
    watched.evaluated(good(5))
    assert watched.evaluated(bad(2)).new == ()
    assert names(watched.evaluated(bad(2, violation("c"), revision=2)).new) == ["c"]


def test_an_hour_and_a_day_that_end_together_are_two_windows():
    watched = Watched()
    watched.evaluated(good(23, checks_run="hard"))
    day = execution(drift(), hour=0, checks_run="drift", window_end=NOON + 24 * HOUR)
    watched.evaluated(day)
    late = replace(day, revision=2, measurements=(drift("c"),))
    watched.evaluated(late)
    assert {of.subject for of in watched.state.fingerprints} == {"b", "c"}

"""Model quality has days of its own, each evaluated twice, beside the windows of captured data."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.alerts.counted_windows import MAX_QUALITY_WINDOWS
from chalicelib.alerts.message import messages
from chalicelib.alerts.next_steps import AlertContext
from chalicelib.alerts.state import StoredExecutions, Transition, transition
from chalicelib.constraints.measurement import Checks, Fingerprint
from chalicelib.records import AlertState, Execution, Thresholds
from tests.alerts.factories import NOON, WHERE, book, clean, drift, execution, violation

DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)
RECALL = Fingerprint("LessThanThreshold", "recall")
STOPPED = Fingerprint("labels_stopped", "labels")


def metric(violated: bool, **changes):
    values = {"check": "LessThanThreshold", "kind": "drift", "severity": "warning", "value": 0.5, "threshold": 0.8}
    return violation("recall", violated=violated, **(values | changes))


def day(number: int, verdict: str, revision: int = 1, **changes) -> Execution:
    """The evaluation of a day of predictions; a violation of recall is one that alerts."""
    measured = {"OK": (metric(False),), "Violations": (metric(True),)}.get(verdict, ())
    made = execution(*measured, revision=revision, checks_run=Checks.QUALITY, verdict=verdict)
    start = MIDNIGHT + number * DAY
    folder = f"monitoring/preferred-site/AllTraffic/quality/{start:%Y-%m-%d}/{revision:04d}/"
    return replace(made, window_start=start, window_end=start + DAY, folder=folder, **changes)


class Watched:
    """An alert state, and the stored executions of the days."""

    def __init__(self) -> None:
        self.state: AlertState = book()
        self.stored: list[Execution] = []

    def evaluated(self, made: Execution) -> Transition:
        self.stored.append(made)

        def found() -> StoredExecutions:
            same = [one for one in self.stored if one.window == made.window and one.revision < made.revision]
            latest = {one.window: one for one in sorted(self.stored, key=lambda one: one.revision)}
            return StoredExecutions(tuple(same), tuple(latest.values()))

        moved = transition(self.state, made, Thresholds(), stored=found)
        self.state = moved.after
        return moved

    def new(self, *made: Execution) -> list[str]:
        return [one.feature for each in made for one in self.evaluated(each).new]


def test_two_of_three_days_are_an_alert_and_two_clean_ones_end_it():
    watched = Watched()
    assert watched.new(day(0, "Violations")) == []
    assert watched.new(day(1, "OK"), day(2, "Violations")) == ["recall"]
    assert watched.evaluated(day(3, "OK")).recovered == ()
    assert [one.feature for one in watched.evaluated(day(4, "OK")).recovered] == ["recall"]


def test_a_repeated_event_changes_nothing():
    watched = Watched()
    for made in (day(0, "Violations"), day(1, "SelectiveLabels"), day(2, "LabelsStopped"), day(3, "Violations")):
        watched.evaluated(made)
        assert watched.evaluated(made).after == watched.state


def test_days_of_quality_and_windows_of_captured_data_leave_each_other_alone():
    watched = Watched()
    watched.new(day(0, "Violations"), day(1, "Violations"))
    assert watched.state.fires(RECALL)
    for number in range(3):
        moved = transition(watched.state, execution(clean(), drift(violated=False), hour=12 + number), Thresholds())
        watched.state = moved.after
    assert watched.state.fires(RECALL)
    hard = transition(watched.state, execution(violation(), hour=20), Thresholds()).after
    watched.state = hard
    watched.new(day(2, "OK"), day(3, "OK"))
    assert watched.state.fires(Fingerprint("data_type_check", "b"))
    assert RECALL not in watched.state.fingerprints
    assert watched.state.last_closed_window_end == hard.last_closed_window_end
    assert watched.state.counted_windows == hard.counted_windows


@pytest.mark.parametrize("verdict", ["InsufficientLabels", "SelectiveLabels"])
def test_a_day_without_a_metric_is_neither_clean_nor_violated(verdict):
    watched = Watched()
    watched.new(day(0, "Violations"), day(1, "Violations"))
    before = watched.state
    for number in range(2, 6):
        moved = watched.evaluated(day(number, verdict))
        assert (moved.new, moved.recovered) == ((), ())
    assert watched.state.fingerprints == before.fingerprints
    assert watched.state.last_quality_window_end == before.last_quality_window_end


def test_where_only_the_second_verdict_has_a_metric_it_alerts_and_recovers_as_any_other():
    watched = Watched()
    for number in range(40):
        watched.evaluated(day(number, "SelectiveLabels"))
    assert watched.new(day(0, "Violations", 2), day(1, "Violations", 2)) == ["recall"]
    watched.evaluated(day(2, "OK", 2))
    moved = watched.evaluated(day(3, "OK", 2))
    assert ([one.feature for one in moved.recovered], moved.late) == (["recall"], False)


def test_a_second_verdict_raises_what_the_first_did_not_and_recovers_nothing():
    watched = Watched()
    for number in range(32):
        watched.evaluated(day(number, "OK"))
    first, second = day(0, "Violations", 2), day(1, "Violations", 2)
    assert watched.new(first) == []
    moved = watched.evaluated(second)
    assert ([one.feature for one in moved.new], moved.late) == (["recall"], True)
    [message] = messages(moved, second, WHERE)
    assert message.headline.endswith("in data that arrived late")
    assert watched.evaluated(day(2, "OK", 2)).recovered == ()
    assert watched.new(first, second) == [], "their events are repeated"


def test_a_second_verdict_that_says_the_same_notifies_nobody():
    watched = Watched()
    assert watched.new(day(0, "Violations"), day(1, "Violations")) == ["recall"]
    watched.new(*(day(number, "OK") for number in range(2, 33)))
    assert RECALL not in watched.state.fingerprints
    assert watched.new(day(0, "Violations", 2), day(1, "Violations", 2)) == []


# --- labels that stop -------------------------------------------------------------------------------------------------


def test_labels_that_stop_are_one_message_and_one_when_they_come_again():
    watched = Watched()
    watched.evaluated(day(0, "OK"))
    stopped = day(1, "LabelsStopped")
    moved = watched.evaluated(stopped)
    [message] = messages(moved, stopped, AlertContext(bucket="b"))
    assert (message.kind, message.severity) == ("labels stopped", "warning")
    assert message.headline == "labels have stopped, so the quality of the model is not known"
    assert (
        "vedette show violations preferred-site --variant AllTraffic --window quality/2026-03-03"
        in (message.what_to_do[0])
    )
    assert watched.new(day(2, "LabelsStopped"), day(3, "LabelsStopped")) == []
    watched.evaluated(day(4, "OK"))
    again = day(5, "OK")
    moved = watched.evaluated(again)
    [message] = messages(moved, again, AlertContext(bucket="b"))
    assert (message.kind, message.headline) == ("recovered", "labels come again after 3 days")


def test_few_labels_do_not_end_it_and_selective_ones_do():
    watched = Watched()
    watched.new(day(0, "OK"), day(1, "LabelsStopped"))
    for number in range(2, 5):
        watched.evaluated(day(number, "InsufficientLabels"))
    assert watched.state.fires(STOPPED)
    for number in range(5, 7):
        watched.evaluated(day(number, "SelectiveLabels"))
    assert STOPPED not in watched.state.fingerprints


def test_labels_of_an_old_day_that_never_came_are_no_new_alert_once_others_come():
    watched = Watched()
    watched.new(day(0, "OK"), day(1, "LabelsStopped"))
    watched.new(*(day(number, "OK") for number in range(2, 32)))
    assert watched.new(day(1, "LabelsStopped", 2)) == []
    assert STOPPED not in watched.state.fingerprints


def test_captured_data_says_nothing_about_labels():
    watched = Watched()
    watched.new(day(0, "OK"), day(1, "LabelsStopped"))
    for hour in range(3):
        watched.state = transition(watched.state, execution(clean(), hour=hour + 48), Thresholds()).after
    assert watched.state.fires(STOPPED)


def test_what_is_remembered_of_days_is_bounded():
    watched = Watched()
    for number in range(MAX_QUALITY_WINDOWS + 50):
        watched.evaluated(day(number, "OK"))
    assert len(watched.state.counted_quality_windows) == MAX_QUALITY_WINDOWS
    assert max(watched.state.counted_quality_windows) == day(MAX_QUALITY_WINDOWS + 49, "OK").window.name

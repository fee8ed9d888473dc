"""Slow drift: told once for each feature, together once a week, as information."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.alerts.slow_drift import GONE_AFTER, MAX_FEATURES, MAX_WEEKS, follow_slow_drift
from chalicelib.alerts.state import transition
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.records import AlertState, SlowDrift, Thresholds
from tests.alerts.factories import NOON, book, drift, execution, violation

DAY = timedelta(days=1)
MONDAY = NOON.replace(hour=0)  # 2026-03-02
SUDDEN, SLOW = "vedette_sudden_drift_check", "vedette_slow_drift_check"


def slow(feature: str = "x", violated: bool = True, distance: float = 0.2, **changes):
    values = {
        "check": SLOW,
        "kind": "drift",
        "severity": "information",
        "value": distance,
        "threshold": 0.1,
        "expected": "distance at most 0.1 from its working days",
        "observed": f"distance {distance}",
        "description": "",
    }
    return violation(feature, violated=violated, **(values | changes))


def sudden(feature: str = "x", **changes):
    return violation(feature, check=SUDDEN, kind="drift", severity="warning", value=0.4, threshold=0.1, **changes)


def day(number: int, *measurements, **changes):
    start = MONDAY + number * DAY
    return execution(*measurements, window_start=start, window_end=start + DAY, checks_run="drift", **changes)


class Told:
    """An alert state that days pass by, and the messages on slow drift."""

    def __init__(self, state: AlertState | None = None) -> None:
        self.state, self.messages, self.number = state or book(), [], 0

    def passes(self, *measurements, days: int = 1, muted=lambda fingerprint: False, **changes) -> "Told":
        for _ in range(days):
            made = day(self.number, *measurements, **changes)
            moved = transition(self.state, made, Thresholds(), muted)
            assert not [one for one in moved.new if one.check == SLOW], "slow drift is no alert"
            self.state, found = follow_slow_drift(moved.after, made, Thresholds(), muted)
            self.messages += found
            self.number += 1
        return self

    @property
    def named(self) -> list[list[str]]:
        return [[item.subject for item in one.items if item.state == "new"] for one in self.messages]


def test_a_feature_is_named_at_the_end_of_the_week_and_then_no_more():
    told = Told().passes(slow(), days=6)
    assert told.messages == []
    told.passes(slow())  # the window that ends on Monday
    (message,) = told.messages
    assert (message.kind, message.severity, message.window_end) == ("slow drift", "information", MONDAY + 7 * DAY)
    assert message.headline == "x has drifted slowly: distance 0.20, where its days allow 0.10"
    (item,) = message.items
    assert (item.since, item.observed) == (MONDAY, "distance 0.2; by week 0.20")
    assert [step.split("\n")[-1] for step in message.what_to_do[1:]] == [
        "vedette report preferred-site --variant AllTraffic --window 2026-03-08",
        "vedette constraints accept preferred-site --variant AllTraffic --window 2026-03-08 --feature x --reason WHY",
    ]
    assert told.passes(slow(), days=70).named == [["x"]]


def test_one_day_of_three_is_not_enough():
    told = Told().passes(slow(violated=False), days=6).passes(slow(), days=1)
    assert told.messages == []
    assert told.passes(slow(violated=False), days=7).state.slow_drift == {}
    assert told.messages == []


def test_features_of_one_week_are_one_message_and_later_ones_show_the_curve_of_earlier_ones():
    told = Told().passes(slow("x"), slow("y", distance=0.3), days=7)
    told.passes(slow("x", distance=0.25), slow("y", distance=0.35), slow("z"), days=7)
    assert told.named == [["y", "x"], ["z"]]
    assert told.messages[0].headline.endswith(", and 1 more")
    curves = {item.subject: item.observed.partition("by week ")[2] for item in told.messages[1].items}
    assert curves == {"z": "0.20", "x": "0.20 0.25", "y": "0.30 0.35"}


def test_a_feature_that_was_gone_for_four_weeks_is_named_again():
    told = Told().passes(slow(), days=7).passes(slow(violated=False), days=GONE_AFTER - 1)
    assert told.state.slow_drift["x"].reported
    assert told.passes(slow(violated=False)).state.slow_drift == {}
    assert told.passes(slow(), days=7).named == [["x"], ["x"]]


def test_an_accepted_feature_is_forgotten():
    """Its reference days begin anew, so that it is not measured."""
    told = Told().passes(slow("x"), slow("y"), days=7).passes(slow("y"))
    assert set(told.state.slow_drift) == {"y"}


def test_a_day_of_two_versions_changes_nothing():
    told = Told().passes(slow(), days=7)
    before = told.state.slow_drift
    assert told.passes(verdict="InsufficientData").state.slow_drift == before


def test_days_without_a_verdict_change_nothing():
    told = Told().passes(slow(), days=3)
    before = told.state.slow_drift
    assert told.passes(verdict="NoData").state.slow_drift == before
    assert told.passes(slow(evaluated=False), verdict="InsufficientData").state.slow_drift == before


def test_what_is_told_as_sudden_is_not_told_as_slow():
    told = Told().passes(sudden(), slow(), days=7)
    assert told.state.fingerprints[Fingerprint(SUDDEN, "x")].state == "firing"
    assert told.messages == []


@pytest.mark.parametrize("muted_check", [SLOW])
def test_a_muted_feature_is_named_once_the_mute_has_ended(muted_check):
    told = Told().passes(slow(), days=7, muted=lambda fingerprint: fingerprint.check == muted_check)
    assert told.messages == []
    assert told.passes(slow(), days=7).named == [["x"]]


def test_hours_between_the_days_keep_the_state():
    told = Told().passes(slow(), days=3)
    made = execution(violation(), hour=24 * 4, checks_run="hard")
    moved = transition(told.state, made, Thresholds())
    state, found = follow_slow_drift(moved.after, made, Thresholds())
    assert (state.slow_drift, found) == (told.state.slow_drift, ())


def test_a_missing_monday_does_not_lose_the_message():
    told = Told().passes(slow(), days=5)
    told.number = 9
    assert told.passes(slow()).named == [["x"]]


def test_a_state_stays_small():
    told = Told().passes(*(slow(f"x{number}") for number in range(MAX_FEATURES + 50)), days=2)
    assert len(told.state.slow_drift) == MAX_FEATURES
    (one, *_) = told.state.slow_drift.values()
    assert one == SlowDrift(since=MONDAY, recent=(True, True), distance=0.2)
    old = replace(one, weekly=(0.2,) * MAX_WEEKS)
    assert len(Told(book(slow_drift={"x": old})).passes(slow(), days=7).state.slow_drift["x"].weekly) == MAX_WEEKS


def test_sudden_drift_that_lasts_stays_open_and_recovers_within_the_reference_days():
    told = Told().passes(sudden(), slow(), days=2)
    lasting = sudden(violated=False, lasts=True)
    assert told.passes(lasting, slow(), days=30).state.fingerprints[Fingerprint(SUDDEN, "x")].state == "firing"
    told.passes(sudden(violated=False), slow(violated=False), days=2)
    assert told.state.fingerprints == {}


def test_drift_that_only_lasts_raises_nothing():
    told = Told().passes(sudden(violated=False, lasts=True), slow(), days=10)
    assert told.state.fingerprints == {}


def test_an_alert_of_the_rule_of_the_file_ends_in_silence_where_the_days_decide():
    """It is still violated in the file, so that a message `recovered` would be wrong."""
    state = book()
    for number in range(2):
        state = transition(state, day(number, drift("x")), Thresholds()).after
    assert state.fingerprints[Fingerprint("baseline_drift_check", "x")].state == "firing"
    by_file, by_days = drift("x", severity="information"), sudden("x", violated=False)
    for measured, recovered in ((by_file, by_days), []), ((by_file,), ["x"]):
        found, after = [], state
        for number in range(2, 5):
            moved = transition(after, day(number, *measured), Thresholds())
            after, found = moved.after, [*found, *(one.feature for one in moved.recovered)]
        assert (after.fingerprints, found) == ({}, recovered)

"""A finding that comes and goes notifies three times, and then once more when it has gone for a day."""

import random
import string

from chalicelib import records
from chalicelib.alerts.email_text import text
from chalicelib.alerts.flapping import MAX_FOLLOWED, MAX_FOLLOWED_BYTES, is_flapping, with_alerts
from chalicelib.alerts.message import messages
from chalicelib.alerts.state import transition
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.records import AlertMessage, Thresholds
from tests.alerts.factories import HOUR, NOON, WHERE, book, clean, execution, violation

WEEK = 7 * 24


def sent(violated: list[bool], thresholds: Thresholds = Thresholds()) -> list[tuple[int, AlertMessage]]:  # noqa: B008
    """The messages of hourly windows, each with its hour."""
    state, found = book(), []
    for hour, bad in enumerate(violated):
        made = execution(violation() if bad else clean(), hour=hour, folder=f"monitoring/{hour}/")
        moved = transition(state, made, thresholds)
        state = moved.after
        found += [(hour, message) for message in messages(moved, made, WHERE)]
    return found


def test_one_hour_in_three_for_a_week_is_three_alerts_and_one_resolve_at_the_end():
    found = sent([hour % 3 == 0 for hour in range(WEEK)] + [False] * 30)
    assert [(hour, str(message.kind)) for hour, message in found] == [
        (0, "violations"),
        (2, "recovered"),
        (3, "violations"),
        (5, "recovered"),
        (6, "violations"),
        (WEEK - 3 + 24, "recovered"),
    ]
    assert len({message.alert_id for _, message in found}) == len(found)


def test_the_third_alert_says_when_it_recovers_and_the_others_do_not():
    alerts = [message for _, message in sent([hour % 3 == 0 for hour in range(9)]) if message.kind == "violations"]
    said = [" ".join(text(message).split()) for message in alerts]
    sentence = "recovers after a day without a violation: this is its third alert within a day"
    assert [sentence in words for words in said] == [False, False, True]


def test_alerts_more_than_a_day_apart_do_not_flap():
    found = sent([hour % 13 == 0 for hour in range(WEEK)])
    assert [hour for hour, message in found if message.kind == "recovered"][:3] == [2, 15, 28]


def test_a_late_alert_of_two_days_ago_is_no_third_one_within_a_day():
    fingerprint, state = Fingerprint("data_type_check", "b"), book()
    for hours in (-20, -1, -47):
        state = with_alerts(state, [fingerprint], NOON + hours * HOUR)
    assert not is_flapping(state, fingerprint)
    assert is_flapping(with_alerts(state, [fingerprint], NOON - 22 * HOUR), fingerprint)


def test_with_one_clean_window_each_episode_has_an_id_of_its_own():
    found = sent([True, False, True, False], Thresholds(recovery_clean=1))
    assert [str(message.kind) for _, message in found] == ["violations", "recovered"] * 2
    assert len({message.alert_id for _, message in found}) == 4


def test_a_clean_window_that_began_before_the_violation_does_not_recover_it():
    thresholds = Thresholds(recovery_clean=1)
    state = transition(book(), execution(violation(), hour=1, window_closed=False), thresholds).after
    for hour in (0, 1):
        moved = transition(state, execution(clean(), hour=hour), thresholds)
        assert moved.recovered == ()
        state = moved.after
    again = transition(state, execution(violation(), hour=2, window_closed=False), thresholds).after
    assert transition(again, execution(clean(), hour=2), thresholds).recovered == ()
    assert transition(state, execution(clean(), hour=2), thresholds).recovered != ()


def test_what_is_remembered_is_bounded_and_forgotten_after_a_day():
    many = [violation(f"f{number}") for number in range(MAX_FOLLOWED + 20)]
    state = transition(book(), execution(*many), Thresholds()).after
    assert len(state.recent_alerts) == MAX_FOLLOWED
    for hour in range(1, 30):
        state = transition(state, execution(*[clean(one.feature) for one in many], hour=hour), Thresholds()).after
    assert state.recent_alerts == {}
    assert Fingerprint("data_type_check", "f0") not in state.fingerprints


def test_long_names_of_features_that_come_and_go_do_not_fill_the_item_of_the_state():
    numbers, state = random.Random(0), book()
    for hour in range(23):
        names = ["".join(numbers.choices(string.ascii_letters, k=20_000)) for _ in range(4)]
        made = execution(*[violation(name) for name in names], hour=hour)
        state = transition(state, made, Thresholds(recovery_clean=1)).after
    assert 0 < sum(len(one.subject) for one in state.recent_alerts) <= MAX_FOLLOWED_BYTES
    assert len(records.write(state)) < 400_000

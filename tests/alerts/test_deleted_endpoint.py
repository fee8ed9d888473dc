"""The alerts of a deleted endpoint: listed in one message, closed, and not opened again by what is read later."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.alerts import email_text
from chalicelib.alerts.deleted_endpoint import MAX_LISTED, close, open_alerts, report_deleted
from chalicelib.alerts.endpoint_notifications import DELETED, sync_conditions
from chalicelib.alerts.state import Transition, transition
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.records import AlertState, SlowDrift, Thresholds
from tests.alerts.factories import HOUR, NOON, book, drift, execution, sent, violation

OF_ENDPOINT = AlertState(endpoint="preferred-site", variant="")
GONE_AT = NOON + 3 * HOUR


def firing(*features: str) -> AlertState:
    found = execution(*(violation(feature) for feature in features))
    return transition(book(), found, Thresholds()).after


def reported(*states: AlertState, of_endpoint: AlertState = OF_ENDPOINT, next_step: str = ""):
    after = report_deleted(of_endpoint, open_alerts((of_endpoint, *states)), next_step, GONE_AT)
    (pending,) = after.outbox[len(of_endpoint.outbox) :]
    return after, pending.message


@pytest.mark.parametrize(
    ("features", "headline"),
    [
        ((), "the endpoint was deleted"),
        (("a",), "the endpoint was deleted, and its open alert is closed"),
        (("a", "b"), "the endpoint was deleted, and its 2 open alerts are closed"),
    ],
)
def test_one_message_counts_and_lists_what_it_closes(features, headline):
    _, message = reported(firing(*features))
    assert (message.headline, message.kind) == (headline, "endpoint gone")
    words = " ".join(email_text.text(sent(message)).split())
    for feature in features:
        assert f"{feature.upper()}: data_type_check (AllTraffic): firing since 2026-03-02 12:00 UTC; closed" in words


def test_it_is_said_once_for_as_long_as_it_lasts():
    after, _ = reported(firing("a"))
    assert report_deleted(after, [], "", GONE_AT + HOUR) == after
    back = sync_conditions(after, "endpoint", {}, GONE_AT + HOUR)
    assert DELETED not in back.fingerprints
    assert len(report_deleted(back, [], "", GONE_AT + 2 * HOUR).outbox) == 2


def test_what_is_only_about_to_fire_is_neither_listed_nor_counted_but_closed_too():
    pending = transition(book(), execution(drift("a")), Thresholds()).after
    assert pending.fingerprints
    assert open_alerts([pending]) == []
    assert close(pending, GONE_AT).fingerprints == {}


def test_no_more_than_ten_are_listed_and_the_others_counted():
    _, message = reported(firing(*(f"f{number:02d}" for number in range(MAX_LISTED + 3))))
    assert len(message.items) == MAX_LISTED + 1
    assert (message.items[-1].subject, message.items[-1].observed) == ("more", "3 closed alerts not listed here")


def test_a_hostile_feature_name_is_one_harmless_line():
    _, message = reported(firing("x\n\u202ehttps://evil.example/" + "y" * 500))
    (item,) = message.items
    assert not {"\n", "\u202e"} & set(item.subject)
    assert "https://" not in item.subject
    assert len(item.subject) < 250


def test_conditions_of_capture_and_evaluation_are_closed_and_none_begins_while_it_is_gone():
    off = sync_conditions(OF_ENDPOINT, "capture", {"off": "capture is off"}, NOON)
    off = sync_conditions(off, "deployment", {"pin": "the pin is void"}, NOON)
    after, message = reported(of_endpoint=off)
    assert set(after.fingerprints) == {DELETED, Fingerprint("deployment", "pin")}
    assert [item.subject for item in message.items] == ["off: capture"]
    assert sync_conditions(after, "capture", {"off": "capture is off"}, NOON) == after
    assert sync_conditions(after, "monitoring", {"no baseline": "it has none"}, NOON) == after
    assert sync_conditions(after, "deployment", {"stop": "no role"}, NOON) != after


def test_it_says_what_vedette_does_next():
    _, message = reported(next_step="Vedette creates it again while a version is wanted")
    assert "Next: Vedette creates it again while a version is wanted." in email_text.text(sent(message))


def test_closing_is_done_once_for_each_deletion():
    slow = replace(firing("a"), slow_drift={"a": SlowDrift(since=NOON)}, slow_drift_due=NOON)
    closed = close(slow, GONE_AT)
    assert (closed.fingerprints, closed.slow_drift, closed.slow_drift_due) == ({}, {}, None)
    reopened = transition(closed, execution(violation(), hour=4), Thresholds()).after
    assert close(reopened, GONE_AT) == reopened
    assert close(reopened, GONE_AT + 2 * HOUR).fingerprints == {}


def test_a_window_from_before_opens_nothing_and_the_next_one_is_a_new_episode():
    closed = close(firing("b"), GONE_AT)
    for late in (execution(violation(), hour=2), execution(violation(), hour=2, window_closed=False)):
        assert transition(closed, late, Thresholds()) == Transition(closed)
    moved = transition(closed, execution(violation(), hour=3), Thresholds())
    assert [one.feature for one in moved.new] == ["b"]
    assert moved.since[violation().fingerprint] == NOON + timedelta(hours=3)
    assert moved.recovered == ()

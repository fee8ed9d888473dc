"""Incidents: each trigger has its resolve, an episode has one key, and no sink gets them in the wrong order."""

from datetime import timedelta
from functools import partial

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.alerts import incidents, outbox
from chalicelib.alerts.endpoint_notifications import (
    describe_condition,
    notify_deployed,
    notify_deployment_failed,
    notify_once,
    sync_conditions,
)
from chalicelib.alerts.machine_event import MAX_TITLE_CHARS, attributes, machine_event
from chalicelib.alerts.message import describe_findings, messages
from chalicelib.alerts.mutes import always_muted
from chalicelib.alerts.next_steps import Step
from chalicelib.alerts.sns_payload import with_routing
from chalicelib.alerts.state import MAX_FINGERPRINTS, never_muted, transition
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.records import AlertEvent, AlertState, FingerprintState, Sink, Thresholds, read, write
from tests.alerts.factories import HOUR, NOON, PLACE, WHERE, book, clean, execution, violation
from tests.alerts.test_endpoint_notifications import ENTRY, FAILURE, SECOND

BOTH = set(Sink)


def moved(state: AlertState, *measurements, hour: int = 0, muted=never_muted, observes: bool = False) -> AlertState:
    """The state after one window, as the service stores it."""
    made = execution(*measurements, hour=hour)
    found = transition(state, made, Thresholds(), muted)
    if observes:
        return incidents.withdraw(state, found.after, made.window_end)
    describe = describe_findings(found, made, messages(found, made, WHERE))
    return incidents.follow(state, found.after, made.window_end, describe)


def conditions(state: AlertState, names: dict[str, str], now=NOON, family: str = "capture") -> AlertState:
    after = sync_conditions(state, family, names, now)
    return incidents.follow(state, after, now, partial(describe_condition, state, after))


def events(state: AlertState) -> list[AlertEvent]:
    return [machine_event(one, state, "search", PLACE) for one in state.events]


def actions(state: AlertState) -> list[tuple[str, str, str]]:
    return [(one.action, one.severity, one.subject) for one in state.events]


def delivered(state: AlertState) -> AlertState:
    return incidents.acknowledge(state, {one.event_id: BOTH for one in state.events}, {})


# --- what begins and what ends ----------------------------------------------------------------------------------------


def test_an_incident_is_one_trigger_and_one_resolve_with_the_same_key_and_severity():
    state = moved(book(), violation())
    for hour, found in ((1, violation()), (2, clean()), (3, clean()), (4, clean())):
        state = moved(state, found, hour=hour)
    begin, end = events(state)
    assert (begin.action, end.action) == ("trigger", "resolve")
    assert begin.dedup_key == end.dedup_key == "vedette.dev.preferred-site.AllTraffic.614728c245da.20260302T120000Z"
    assert (begin.severity, end.severity) == ("critical", "critical")
    assert begin.headline == "b is not Integral in 50.0% of 480 rows"
    assert end.headline == "b is as expected again (Integral)"
    assert begin.event_id != end.event_id


def test_each_finding_of_a_verdict_is_an_incident_of_its_own_with_the_message_that_names_it():
    made = execution(violation("a"), violation("b", severity="warning"))
    (message,) = messages(transition(book(), made, Thresholds()), made, WHERE)
    found = events(moved(book(), violation("a"), violation("b", severity="warning")))
    assert [(one.subject, one.severity, one.pagerduty_severity, one.priority) for one in found] == [
        ("a", "critical", "critical", "P1"),
        ("b", "warning", "warning", "P3"),
    ]
    assert {one.alert_id for one in found} == {message.alert_id}
    assert len({one.dedup_key for one in found}) == 2


def test_the_next_episode_has_another_key():
    state = moved(book(), violation())
    for hour, found in ((1, clean()), (2, clean()), (3, violation())):
        state = moved(state, found, hour=hour)
    first, _, second = events(state)
    assert first.dedup_key != second.dedup_key


def test_a_severity_that_rises_triggers_once_more_with_the_same_key_and_the_resolve_has_the_worst():
    state = moved(book(), violation(severity="warning"))
    for hour, found in ((1, violation()), (2, violation(severity="warning")), (3, clean()), (4, clean())):
        state = moved(state, found, hour=hour)
    assert actions(state) == [("trigger", "warning", "b"), ("trigger", "critical", "b"), ("resolve", "critical", "b")]
    assert len({one.dedup_key for one in events(state)}) == 1


def test_what_fires_and_ends_while_muted_says_nothing():
    state = moved(book(), violation(), muted=always_muted)
    for hour in (1, 2):
        state = moved(state, clean(), hour=hour, muted=always_muted)
    assert (actions(state), state.fingerprints) == ([], {})


def test_what_was_triggered_before_a_mute_resolves_under_it():
    state = moved(moved(book(), violation()), violation(), hour=1, muted=always_muted)
    for hour in (2, 3):
        state = moved(state, clean(), hour=hour, muted=always_muted)
    assert [action for action, _, _ in actions(state)] == ["trigger", "resolve"]
    assert len({one.dedup_key for one in events(state)}) == 1


def test_what_still_fires_when_a_mute_ends_triggers_then_unless_it_is_open_already():
    muted = moved(book(), violation(), muted=always_muted)
    assert actions(moved(muted, violation(), hour=1)) == [("trigger", "critical", "b")]
    again = moved(moved(book(), violation()), violation(), hour=1, muted=always_muted)
    assert actions(moved(again, violation(), hour=2)) == [("trigger", "critical", "b")]


def test_a_condition_triggers_and_resolves_with_its_sentence():
    on = conditions(AlertState(endpoint="site", variant=""), {"off": "data capture is off"})
    begin, end = events(conditions(on, {}, NOON + HOUR))
    assert (begin.action, begin.headline, begin.kind) == ("trigger", "data capture is off", "capture stopped")
    assert (end.action, end.headline) == ("resolve", "resolved: data capture is off")
    assert (begin.pagerduty_severity, begin.priority) == ("error", "P2")
    (said,) = with_routing(on.outbox[0].message, "", PLACE).incidents
    assert begin.dedup_key == end.dedup_key == said.dedup_key
    assert begin.alert_id == on.outbox[0].alert_id


def test_what_happens_once_informs_and_opens_nothing():
    state = notify_once(book(), "x", "version 3 was approved", "information", "3", {"by": "ann"}, [Step("Wait.")])
    state = notify_once(state, "x", "version 3 was approved", "information", "3", {"by": "ann"}, [Step("Wait.")])
    (only,) = events(incidents.follow(book(), state, NOON))
    assert (only.action, only.headline, only.alert_id) == ("inform", "version 3 was approved", state.outbox[0].alert_id)
    assert not incidents.unreported(state, notifies=False)


def failed(state: AlertState, attempt=SECOND) -> AlertState:
    after = notify_deployment_failed(state, attempt, "no memory", FAILURE, "version 1 is served")
    return incidents.follow(state, after, NOON)


def test_a_failed_deployment_is_an_incident_until_one_is_verified():
    first = failed(AlertState(endpoint="site", variant=""))
    second = failed(first, replace(SECOND, package_version="3", config="config-3", requested_at=NOON + HOUR))
    done = incidents.follow(second, notify_deployed(second, ENTRY, SECOND, "v1"), NOON + 2 * HOUR)
    found = events(done)
    assert [one.action for one in found] == ["trigger", "trigger", "resolve", "inform"]
    assert len({one.dedup_key for one in found[:3]}) == 1
    assert [one.severity for one in found[:3]] == ["critical"] * 3
    assert done.failed_deployment is None


def test_an_endpoint_about_which_nobody_is_notified_resolves_what_is_open_and_triggers_nothing():
    state = failed(moved(book(), violation()))
    quiet = moved(state, violation(), violation("c"), hour=1, observes=True)
    assert [one.action for one in quiet.events] == ["trigger", "trigger", "resolve", "resolve"]
    assert incidents.unreported(state, notifies=False)
    assert not incidents.unreported(quiet, notifies=False)
    again = moved(delivered(quiet), violation(), violation("c"), hour=2)
    assert sorted(actions(again)) == [("trigger", "critical", "b"), ("trigger", "critical", "c")]


def test_alerts_that_an_earlier_version_opened_are_triggered_by_the_next_decision():
    firing = FingerprintState(state="firing", severity="warning", since=NOON, last_seen=NOON)
    before = book(fingerprints={Fingerprint("data_type_check", "b"): firing})
    assert incidents.unreported(before, notifies=True)
    after = incidents.follow(before, before, NOON)
    assert actions(after) == [("trigger", "warning", "b")]
    assert not incidents.unreported(after, notifies=True)
    assert incidents.follow(after, after, NOON) == after


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_500_findings_at_once_are_500_triggers_a_part_at_a_time_and_the_worst_first():
    found = [violation(f"f{n:03}", severity="critical" if n % 2 else "warning") for n in range(500)]
    state, sent = moved(book(), *found), []
    while state.events:
        assert len(state.events) <= incidents.MAX_PENDING_EVENTS
        sent += state.events
        done = delivered(state)
        state = incidents.follow(state, done, NOON)
    assert len({one.fingerprint for one in sent}) == len(sent) == 500
    assert {one.severity for one in sent[:200]} == {"critical"}


def test_1_000_findings_that_end_at_once_are_1_000_resolves_the_later_ones_without_text():
    names = [f"{n:0100}" for n in range(MAX_FINGERPRINTS)]
    firing = FingerprintState(state="firing", severity="critical", since=NOON, last_seen=NOON, triggered="critical")
    before = book(fingerprints={Fingerprint("data_type_check", name): firing for name in names})
    after = incidents.follow(before, replace(before, fingerprints={}), NOON)
    assert len(after.events) == MAX_FINGERPRINTS
    assert len({one.dedup_key for one in events(after)}) == MAX_FINGERPRINTS
    assert all(one.headline for one in events(after))
    assert len(write(after)) < 400_000


# --- sinks ------------------------------------------------------------------------------------------------------------


def test_an_event_waits_until_each_sink_has_accepted_it():
    state = moved(book(), violation())
    (event,) = state.events
    once = incidents.acknowledge(state, {event.event_id: {Sink.BUS}}, {event.event_id: "KMSDisabled"})
    assert (once.events[0].awaiting, once.events[0].last_error) == ((Sink.TOPIC,), "KMSDisabled")
    assert incidents.acknowledge(once, {event.event_id: {Sink.TOPIC}}, {}).events == ()


def test_an_event_is_leased_by_one_until_its_lease_ends():
    state, leased = incidents.lease(moved(book(), violation()), NOON)
    assert len(leased) == 1
    assert incidents.lease(state, NOON + incidents.LEASE_DURATION - timedelta(seconds=1))[1] == ()
    again, taken = incidents.lease(state, NOON + incidents.LEASE_DURATION)
    assert ([one.event_id for one in taken], again.events[0].attempts) == ([leased[0].event_id], 2)


def test_no_sink_gets_a_resolve_before_the_trigger_of_its_episode():
    state = moved(book(), violation())
    for hour in (1, 2):
        state = moved(state, clean(), hour=hour)
    trigger, resolve = state.events
    leased_state, (first,) = incidents.lease(state, NOON)
    assert first.event_id == trigger.event_id
    assert incidents.lease(leased_state, NOON)[1] == ()
    on_bus = incidents.acknowledge(leased_state, {trigger.event_id: {Sink.BUS}}, {trigger.event_id: "refused"})
    _, (second,) = incidents.lease(on_bus, NOON)
    assert (second.event_id, second.awaiting) == (resolve.event_id, (Sink.BUS,))


def test_an_event_that_a_sink_refuses_delays_no_other():
    state = moved(book(), *(violation(f"f{n:02}") for n in range(12)))
    state, first = incidents.lease(state, NOON)
    later = NOON + incidents.LEASE_DURATION
    _, second = incidents.lease(state, later)
    assert len(first) == incidents.BATCH
    assert [one.subject for one in second[:2]] == ["f10", "f11"]


def test_the_age_of_what_waits_counts_events():
    state = moved(book(), violation())
    assert outbox.oldest_pending([state]) == NOON + HOUR


@given(
    st.lists(
        st.tuples(
            st.sets(st.sampled_from("abc")),
            st.sampled_from(["warning", "critical"]),
            st.booleans(),
            st.booleans(),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_whatever_happens_every_open_incident_is_known_and_every_other_has_its_resolve(history):
    """A receiver that follows the events in their order has open what `triggered` says; nothing resolves twice."""
    state, opened = book(), {}
    for hour, (violated, severity, muted, observes, accepts) in enumerate(history):
        found = [violation(f, severity=severity) if f in violated else clean(f) for f in "abc"]
        before = {one.event_id for one in state.events}
        state = moved(
            state, *found, hour=hour, muted=always_muted if muted else never_muted, observes=observes and not muted
        )
        for pending in state.events:
            if pending.event_id in before:
                continue
            event = machine_event(pending, state, "", PLACE)
            if event.action == "trigger":
                assert event.dedup_key not in opened or opened[event.dedup_key] == "warning"
                opened[event.dedup_key] = event.severity
            else:
                assert opened.pop(event.dedup_key) == event.severity
        known = {one.since for one in state.fingerprints.values() if one.triggered}
        assert len(opened) == sum(one.triggered is not None for one in state.fingerprints.values()), known
        state = delivered(state) if accepts else state


# --- the event --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["v" * 63, ""])
def test_a_key_has_at_most_255_characters_that_need_no_encoding(variant):
    key = incidents.dedup_key("s" * 20, "e" * 63, variant, "614728c245da", NOON + timedelta(microseconds=5))
    assert len(key) <= 255
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")
    assert key.endswith(".20260302T120000.000005Z")


def test_a_hostile_name_is_one_harmless_line_in_an_event():
    hostile = "b\r\n<!channel> https://evil.example " + "x" * 5_000
    (event,) = events(moved(book(), violation(hostile)))
    assert "evil.example" not in event.headline + event.subject + event.title
    assert max(len(event.subject), len(event.title)) <= MAX_TITLE_CHARS
    assert "\n" not in event.title + event.headline + event.subject
    assert read(AlertEvent, write(event), "bus") == event


def test_the_attributes_of_an_event_have_one_value_each():
    (event,) = events(moved(book(), violation()))
    assert attributes(event) == {
        "dedup_key": event.dedup_key,
        "action": "trigger",
        "severity": "critical",
        "endpoint": "preferred-site",
        "check": "data_type_check",
        "team": "search",
        "kind": "violations",
    }


def test_a_pending_event_that_is_stored_reads_back():
    state = moved(book(), violation())
    assert read(AlertState, write(state), "table") == state
    assert "awaiting" not in msgspec.to_builtins(state.events[0])

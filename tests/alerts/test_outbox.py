"""The outbox: pending once, leased by one, taken over when a lease ends, gone when delivered; and the hourly limit."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.alerts import outbox
from chalicelib.alerts.endpoint_notifications import notify_once, sync_conditions
from chalicelib.alerts.next_steps import Step
from chalicelib.alerts.outbox import (
    LEASE_DURATION,
    acknowledge,
    enqueue,
    enqueue_rate_limited,
    flush_suppressed,
    lease_next,
    record_failure,
)
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.records import AlertItem, AlertMessage, AlertState, OutboxMessage, Suppressed

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EMPTY = AlertState(endpoint="site", variant="")


def noticed(book: AlertState = EMPTY, occasion: str = "deployed 1") -> AlertState:
    return notify_once(book, occasion, "version 1 is deployed", "information", "1", {"was": "nothing"}, [Step("Wait.")])


def message(number: int, severity: str = "warning", items: int = 1) -> AlertMessage:
    found = tuple(
        AlertItem(
            subject=f"f{number}.{n}",
            check="c",
            state="new",
            severity=severity,
            expected="",
            observed="",
            description="",
        )
        for n in range(items)
    )
    return AlertMessage(
        alert_id=f"m{number}",
        kind="violations",
        severity=severity,
        endpoint="site",
        variant="v",
        headline=f"headline {number}",
        items=found,
    )


def test_the_same_occasion_is_pending_once_even_after_it_was_delivered():
    book = noticed()
    assert len(book.outbox) == 1
    assert noticed(book) == book
    gone = acknowledge(book, book.outbox[0].alert_id)
    assert gone.outbox == ()
    assert noticed(gone) == gone
    assert len(noticed(gone, "deployed 2").outbox) == 1


def test_a_message_is_held_by_one_until_its_lease_ends():
    book, current = lease_next(noticed(), NOON)
    assert current is not None
    assert current.alert_id == book.outbox[0].alert_id
    assert lease_next(book, NOON + LEASE_DURATION - timedelta(seconds=1)) == (book, None)
    again, taken_over = lease_next(book, NOON + LEASE_DURATION)
    assert taken_over is not None
    assert (taken_over.alert_id, taken_over.attempts) == (current.alert_id, 2)
    assert again.outbox[0].leased_until == NOON + 2 * LEASE_DURATION


def test_a_lease_ends_before_lambda_delivers_the_event_again():
    assert timedelta(seconds=50) < LEASE_DURATION < timedelta(seconds=60)


def test_owing_nothing_changes_nothing():
    assert enqueue(EMPTY, ()) is EMPTY
    assert lease_next(EMPTY, NOON) == (EMPTY, None)
    assert record_failure(EMPTY, "x", "why") is EMPTY


def test_what_sns_refused_stays_pending_with_the_reason():
    book, current = lease_next(noticed(), NOON)
    kept = record_failure(book, current.alert_id, "no topic")
    assert [(pending.alert_id, pending.last_error, pending.attempts) for pending in kept.outbox] == [
        (current.alert_id, "no topic", 1)
    ]


def test_a_condition_is_reported_when_it_begins_and_again_only_after_it_had_ended():
    on = sync_conditions(EMPTY, "deployment", {"stop": "site is Failed"}, NOON)
    assert len(on.outbox) == 1
    assert sync_conditions(on, "deployment", {"stop": "site is Failed"}, NOON + 60 * MINUTE) == on
    off = sync_conditions(on, "deployment", {}, NOON + 120 * MINUTE)
    assert off.fingerprints == {}
    again = sync_conditions(off, "deployment", {"stop": "site is Failed"}, NOON + 180 * MINUTE)
    assert len(again.outbox) == 2


def test_conditions_of_another_family_stay():
    one = sync_conditions(EMPTY, "deployment", {"stop": "site is Failed"}, NOON)
    both = sync_conditions(one, "monitoring", {"no baseline": "site has no baseline"}, NOON)
    assert set(both.fingerprints) == {Fingerprint("deployment", "stop"), Fingerprint("monitoring", "no baseline")}
    assert set(sync_conditions(both, "monitoring", {}, NOON).fingerprints) == {Fingerprint("deployment", "stop")}


def pending(number: int, **changes) -> OutboxMessage:
    return replace(OutboxMessage(alert_id=f"m{number}", message=message(number)), **changes)


TWO = enqueue(EMPTY, [message(0), message(1)])


def test_messages_are_pending_in_their_order_under_no_lease():
    three = replace(EMPTY, outbox=(pending(0), pending(1), pending(2)), sent_ids=("m0", "m1", "m2"))
    assert enqueue(TWO, [message(1), message(2)]) == three


def test_a_lease_a_failure_and_an_acknowledgement_change_one_message_only():
    leased = pending(0, leased_until=NOON + LEASE_DURATION, attempts=1)
    current = replace(TWO, outbox=(leased, pending(1)))
    assert lease_next(TWO, NOON) == (current, leased)
    refused = record_failure(current, "m1", "no topic")
    assert refused == replace(current, outbox=(leased, pending(1, last_error="no topic")))
    assert record_failure(current, "m2", "no topic") is current
    assert acknowledge(current, "m0") == replace(current, outbox=(pending(1),))


def test_what_was_held_back_is_leased_once_the_hour_is_over():
    full = enqueue_rate_limited(EMPTY, [message(0), message(1)], 1, NOON)
    full = acknowledge(full, "m0")
    assert lease_next(full, NOON + 59 * MINUTE) == (full, None)
    book, current = lease_next(full, NOON + 60 * MINUTE)
    assert (current.message.kind, current.attempts, book.suppressed) == ("held back", 1, None)


# --- the hourly limit -------------------------------------------------------------------------------------------------


def flooded(messages: int, per_hour: int = 3, every: timedelta = MINUTE) -> AlertState:
    book = EMPTY
    for number in range(messages):
        book = enqueue_rate_limited(book, [message(number)], per_hour, NOON + number * every)
    return book


def test_what_is_more_than_the_hourly_limit_is_held_back_and_said_later_as_a_count():
    book = flooded(8)
    assert [pending.alert_id for pending in book.outbox] == ["m0", "m1", "m2"]
    assert (book.suppressed.count, book.suppressed.until) == (5, NOON + 60 * MINUTE)
    assert flush_suppressed(book, NOON + 59 * MINUTE) == book
    later = flush_suppressed(book, NOON + 60 * MINUTE)
    reported = later.outbox[-1].message
    assert (reported.kind, later.suppressed) == ("held back", None)
    assert reported.headline.startswith("5 messages suppressed since 2026-03-02 12:03 UTC")
    assert [item.subject for item in reported.items] == [f"f{n}.0" for n in range(3, 8)]


def test_of_what_is_held_back_the_worst_is_shown_and_the_rest_is_counted():
    book = enqueue_rate_limited(EMPTY, [message(0)], 1, NOON)
    book = enqueue_rate_limited(
        book, [message(1, items=8), message(2, items=8), message(3, "critical", 2)], 1, NOON + MINUTE
    )
    reported = flush_suppressed(book, NOON + 61 * MINUTE).outbox[-1].message
    assert reported.severity == "critical"
    assert [item.subject for item in reported.items[:2]] == ["f3.0", "f3.1"]
    assert (len(reported.items), reported.more) == (10, {"new": 8})


def test_what_was_held_back_is_not_pending_again_when_its_event_is_repeated():
    book = flooded(8)
    assert enqueue_rate_limited(book, [message(7)], 3, NOON + 9 * MINUTE) == book


def test_what_is_held_back_is_kept_with_its_worst_severity_until_the_first_was_an_hour_ago():
    book = enqueue_rate_limited(EMPTY, [message(0)], 1, NOON)
    late = NOON + 10 * MINUTE
    book = enqueue_rate_limited(book, [message(1), replace(message(2, "critical"), more={"new": 4})], 1, late)
    assert book == replace(
        EMPTY,
        outbox=(pending(0),),
        sent_ids=("m0", "m1", "m2"),
        recent_sends=(NOON,),
        suppressed=Suppressed(
            since=late,
            until=NOON + 60 * MINUTE,
            count=2,
            severity="critical",
            items=(*message(2, "critical").items, *message(1).items),
            more={"new": 4},
        ),
    )


def test_the_hour_of_the_limit_ends_after_exactly_an_hour():
    book = enqueue_rate_limited(EMPTY, [message(0)], 1, NOON)
    over = enqueue_rate_limited(book, [message(1)], 1, NOON + 60 * MINUTE)
    assert (over.suppressed, over.recent_sends) == (None, (NOON + 60 * MINUTE,))
    nearly = enqueue_rate_limited(book, [message(1)], 1, NOON + 59 * MINUTE)
    assert (nearly.suppressed.count, nearly.recent_sends) == (1, (NOON,))


def test_the_summary_counts_as_a_message_of_its_hour():
    over = NOON + 60 * MINUTE
    book = flush_suppressed(flooded(4), over)
    assert book.recent_sends == (NOON + MINUTE, NOON + 2 * MINUTE, over)
    assert book.sent_ids[-1] == book.outbox[-1].alert_id


def test_a_full_outbox_holds_back_for_an_hour_from_now_where_nothing_was_sent_lately():
    book = enqueue(EMPTY, [message(number) for number in range(outbox.MAX_PENDING)])
    book = enqueue_rate_limited(book, [message(100)], 1, NOON)
    assert (book.suppressed.since, book.suppressed.until) == (NOON, NOON + 60 * MINUTE)
    assert flush_suppressed(book, NOON + 60 * MINUTE) is book
    assert flush_suppressed(acknowledge(book, "m0"), NOON + 60 * MINUTE).suppressed is None


def test_of_the_items_held_back_ten_are_kept_and_the_others_are_counted_by_their_state():
    book = enqueue_rate_limited(EMPTY, [message(0)], 1, NOON)
    recovered = replace(message(2), items=tuple(replace(one, state="recovered") for one in message(2, items=2).items))
    book = enqueue_rate_limited(book, [message(1, items=9), recovered, message(3, items=2)], 1, NOON)
    assert [one.subject for one in book.suppressed.items] == [*(f"f1.{n}" for n in range(9)), "f2.0"]
    assert book.suppressed.more == {"recovered": 1, "new": 2}


def test_few_messages_an_hour_are_never_held_back():
    assert flooded(20, every=timedelta(minutes=21)).suppressed is None


def test_while_nobody_receives_them_messages_are_counted_and_the_book_stays_short():
    book = flooded(1_000, per_hour=60, every=timedelta(minutes=5))
    assert len(book.outbox) == outbox.MAX_PENDING
    assert book.suppressed.count == 1_000 - outbox.MAX_PENDING
    late = NOON + timedelta(days=9)
    assert flush_suppressed(book, late) == book
    for pending in book.outbox:
        book = acknowledge(book, pending.alert_id)
    assert "950 messages suppressed since" in flush_suppressed(book, late).outbox[0].message.headline


def test_what_was_tried_least_is_tried_first():
    book = noticed(noticed(), "deployed 2")
    book, first = lease_next(book, NOON)
    later = NOON + LEASE_DURATION
    book, second = lease_next(book, later)
    assert [first.alert_id, second.alert_id] == [pending.alert_id for pending in book.outbox]


def test_notices_about_deployments_are_not_limited():
    book = EMPTY
    for number in range(50):
        book = noticed(book, str(number))
    assert (len(book.outbox), book.suppressed) == (50, None)


@given(st.lists(st.integers(0, 40), max_size=40), st.integers(1, 5))
def test_every_message_is_reported_or_counted_and_no_hour_has_more_than_the_limit(gaps, per_hour):
    book, now, times = EMPTY, NOON, []
    for number, gap in enumerate(gaps):
        now += gap * MINUTE
        book = flush_suppressed(book, now)
        book = enqueue_rate_limited(book, [message(number)], per_hour, now)
        times += [now] * (len(book.outbox) - len(times))
    book = flush_suppressed(book, now + outbox.HOUR)
    plain = sum(pending.message.kind == "violations" for pending in book.outbox)
    counted = sum(int(m.headline.split()[0]) for m in (o.message for o in book.outbox) if m.kind == "held back")
    assert plain + counted == len(gaps)
    for begin in times:
        assert sum(begin <= at < begin + outbox.HOUR for at in times) <= per_hour + 1


@pytest.mark.parametrize("number", [0, 199, 200, 500])
def test_only_the_latest_ids_are_remembered(number):
    book = EMPTY
    for n in range(number + 1):
        book = noticed(book, str(n))
    assert len(book.sent_ids) == min(number + 1, 200)


@pytest.mark.parametrize(
    ("family", "kind", "command"),
    [
        ("deployment", "deployment", None),
        ("monitoring", "monitor failed", "vedette constraints versions site"),
        ("capture", "capture stopped", "vedette capture status site"),
    ],
)
def test_a_condition_is_reported_as_what_it_is_with_what_to_look_at(family, kind, command):
    (pending,) = sync_conditions(EMPTY, family, {"x": "something is wrong"}, NOON).outbox
    assert pending.message.kind == kind
    assert [step.split("\n")[1] for step in pending.message.what_to_do] == ([command] if command else [])

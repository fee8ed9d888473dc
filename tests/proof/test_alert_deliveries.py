"""Every order of the calls of two deliveries, and a crash before and after every call: one alert, never none."""

from datetime import timedelta

import pytest
import time_machine

from chalicelib.alerts.outbox import LEASE_DURATION
from chalicelib.errors import NotReady
from tests.alerts.delivery_model import Aws, Died, every_schedule, interleaved, ledger
from tests.alerts.factories import HOUR, NOON, clean, execution, violation
from tests.runs import alert_on, send_pending

FIRST = execution(violation())
SECOND = execution(violation("a"), hour=1, folder="monitoring/preferred-site/AllTraffic/2026-03-02T13-00Z_60m/2/0001/")
OBJECT = execution(violation(), window_closed=False, window_end=NOON + timedelta(minutes=1), folder="monitoring/o/")
# What never changes here, what the bus takes, and the page: none of them says which alerts are sent.
UNGATED = frozenset({"get_object", "put_object", "list_objects_v2", "query", "get_topic_attributes", "put_events"})
MOST = 4_000  # runs: more would be a pair whose calls have come to depend on each other


@pytest.fixture(autouse=True)
def a_clock_that_stands_still():
    with time_machine.travel(NOON + 2 * HOUR, tick=False) as clock:
        yield clock


def jobs_of(pair):
    """What each of the two does: tells of a verdict, or sweeps."""
    return tuple(
        (lambda: send_pending("preferred-site", "AllTraffic")) if made is None else (lambda made=made: alert_on(made))
        for made in pair
    )


PAIRS = {
    "the same window twice": (FIRST, FIRST),
    "the object and its window": (OBJECT, FIRST),
    "a window and the one after it, in either order": (FIRST, SECOND),
    "a window and the sweep": (FIRST, None),
}


@pytest.mark.parametrize("name", PAIRS)
def test_every_order_of_two_deliveries_leaves_each_alert_reported_once_and_the_state_where_it_belongs(
    name, record_property
):
    jobs = jobs_of(PAIRS[name])
    newest = max(made.window_end for made in PAIRS[name] if made and made.window_closed)
    outcomes = set()

    def run(prefix):
        with ledger(FIRST, SECOND) as aws, time_machine.travel(NOON + 2 * HOUR, tick=False) as clock:
            # What both only read does not change, so the order of reading it says nothing: read before they meet.
            skip_reads_until_the_book(aws)
            steps, raised = interleaved(aws, jobs, prefix)
            chosen = [step.chosen for step in steps]
            assert all(isinstance(error, NotReady) for error in raised.values()), raised
            clock.shift(LEASE_DURATION + timedelta(seconds=5))
            for number in raised:  # Lambda's own repetition
                jobs[number]()
            send_pending("preferred-site", "AllTraffic")
            assert len(aws.published) == len(set(aws.published)), (name, chosen)
            book = aws.book()
            assert book.outbox == ()
            assert book.last_closed_window_end == newest, (name, chosen)
            assert set(aws.published) == set(book.sent_ids)
            assert book.events == ()
            triggers = [event["dedup_key"] for event in aws.events]
            assert len(triggers) == len(set(triggers)), (name, chosen)
            open_ones = [one for one in book.fingerprints.values() if one.triggered]
            assert len(triggers) == len(open_ones), (name, chosen)
            outcomes.add(len(aws.published))
            return steps

    runs = every_schedule(run)
    assert 6 <= runs <= MOST
    assert outcomes <= ({1, 2} if SECOND in PAIRS[name] else {1})
    record_property("schedules", runs)


def skip_reads_until_the_book(aws: Aws) -> None:
    """Answer without the gate what says nothing about the order of the two: see UNGATED."""
    gated = aws.call

    def call(touch, work):
        return work() if touch.name in UNGATED else gated(touch, work)

    aws.call = call


def crashes() -> list[tuple[str, int]]:
    with time_machine.travel(NOON + 2 * HOUR, tick=False), ledger(FIRST) as aws:
        alert_on(FIRST)
        return [(when, number) for number in range(len(aws.calls)) for when in ("before", "after")]


@pytest.mark.parametrize(("when", "number"), crashes())
def test_a_crash_before_or_after_any_call_loses_nothing_and_copies_only_between_publish_and_mark(when, number):
    with ledger(FIRST) as aws, time_machine.travel(NOON + 2 * HOUR, tick=False) as clock:
        seen = []

        def die(call: str) -> None:
            seen.append(call)
            if len(seen) == number + 1:
                raise Died

        setattr(aws, when, die)
        with pytest.raises(Died):
            alert_on(FIRST)
        aws.before = aws.after = lambda call: None
        crashed_unmarked = len(aws.published) == 1 and aws.book().outbox != ()
        clock.shift(LEASE_DURATION + timedelta(seconds=5))
        alert_on(FIRST)
        send_pending("preferred-site", "AllTraffic")
        assert len(set(aws.published)) == 1
        assert len(aws.published) == (2 if crashed_unmarked else 1), (when, number, aws.calls)
        assert aws.book().outbox == ()


def test_24_hourly_executions_delivered_twice_and_shuffled_are_one_alert_and_one_recovery():
    bad = [execution(violation(), hour=hour, folder=f"m/{hour}/") for hour in range(24)]
    good = [execution(clean(), hour=24 + hour, folder=f"m/{24 + hour}/") for hour in range(3)]
    with ledger(*bad, *good) as aws, time_machine.travel(NOON, tick=False) as clock:
        for made in [*bad, *good]:
            clock.move_to(made.window_end + timedelta(minutes=6))
            alert_on(made)
            alert_on(made)
            alert_on(bad[0])
        assert len(aws.published) == 2


def test_calls_of_one_delivery_are_few():
    with ledger(FIRST) as aws:
        alert_on(FIRST)
        assert aws.calls == [
            "get_object",
            "query",
            "query",
            "get_item",
            "list_objects_v2",
            "put_item",
            *("get_item", "put_item"),  # the state of the team
            *("put_object", "get_object", "list_objects_v2", "get_object", "get_object", "put_object"),  # the page
            "get_topic_attributes",
            "publish",
            "get_item",
            "put_item",  # acknowledges the message, and leases the events
            "put_events",
            "get_item",
            "put_item",
        ]

"""The outbox: owed once, leased by one, taken over when a lease ends, gone when delivered."""

from datetime import UTC, datetime, timedelta

from chalicelib.alerts.notices import told_once, told_while
from chalicelib.alerts.outbox import LEASE, delivered, leased, owe
from chalicelib.records import AlertBook

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EMPTY = AlertBook(endpoint="site", variant="")


def noticed(book: AlertBook = EMPTY, occasion: str = "deployed 1") -> AlertBook:
    return told_once(book, occasion, "version 1 is deployed", "information", "1", {"was": "nothing"}, ("Nothing.",))


def test_the_same_occasion_is_owed_once_even_after_it_was_delivered():
    book = noticed()
    assert len(book.outbox) == 1
    assert noticed(book) == book
    gone = delivered(book, book.outbox[0].alert_id)
    assert gone.outbox == ()
    assert noticed(gone) == gone
    assert len(noticed(gone, "deployed 2").outbox) == 1


def test_a_message_is_held_by_one_until_its_lease_ends():
    book, held = leased(noticed(), NOON)
    assert [m.alert_id for m in held] == [book.outbox[0].alert_id]
    assert leased(book, NOON + LEASE - timedelta(seconds=1)) == (book, ())
    again, taken_over = leased(book, NOON + LEASE)
    assert [m.alert_id for m in taken_over] == [m.alert_id for m in held]
    assert again.outbox[0].leased_until == NOON + 2 * LEASE


def test_a_lease_ends_before_lambda_delivers_the_event_again():
    assert timedelta(seconds=50) < LEASE < timedelta(seconds=60)


def test_owing_nothing_changes_nothing():
    assert owe(EMPTY, ()) is EMPTY
    assert leased(EMPTY, NOON) == (EMPTY, ())


def test_a_condition_is_told_when_it_begins_and_again_only_after_it_had_ended():
    on = told_while(EMPTY, "deployment", {"stop": "site is Failed"}, NOON)
    assert len(on.outbox) == 1
    assert told_while(on, "deployment", {"stop": "site is Failed"}, NOON + timedelta(hours=1)) == on
    off = told_while(on, "deployment", {}, NOON + timedelta(hours=2))
    assert off.fingerprints == {}
    again = told_while(off, "deployment", {"stop": "site is Failed"}, NOON + timedelta(hours=3))
    assert len(again.outbox) == 2


def test_conditions_of_another_family_stay():
    one = told_while(EMPTY, "deployment", {"stop": "site is Failed"}, NOON)
    both = told_while(one, "monitoring", {"no baseline": "site has no baseline"}, NOON)
    assert set(both.fingerprints) == {"deployment|stop", "monitoring|no baseline"}
    assert set(told_while(both, "monitoring", {}, NOON).fingerprints) == {"deployment|stop"}

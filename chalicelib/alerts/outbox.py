"""The outbox of an alert book: what is owed, under a lease, and what was told.

    decide:  the message is put into the book, leased by the invocation that writes it      (one conditional write)
    publish: SNS takes it, one attempt
    mark:    it leaves the outbox                                                           (one conditional write)

Whoever finds a lease that expired takes it over. So nothing is lost, repeated events add nothing, and only a crash
between publish and mark sends a second copy, with the same alert id.

| input                                     | handled                                                         |
|-------------------------------------------|-----------------------------------------------------------------|
| a message that was owed before            | nothing                                                         |
| more messages within an hour than allowed | counted in `held_back`, with the worst of what they say         |
| the hour is over                          | one message says what was held back                             |
| SNS refused a message                     | it stays, with the reason; tried again when its lease has ended |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from chalicelib.alerts.message import MOST_ITEMS, held_back
from chalicelib.alerts.state import SEVERITIES, worst
from chalicelib.records import AlertBook, AlertMessage, HeldBack, OutboxMessage

# Longer than one Publish may take (2 s to connect, 10 s to read), shorter than Lambda's first retry after 60 seconds.
LEASE = timedelta(seconds=55)
REMEMBERED = 200  # ids of messages, enough for a week of hourly ones
MOST_OWED = 50  # when so many wait for SNS, what comes is held back and counted: a book stays of bounded length
HOUR = timedelta(hours=1)


def owe(book: AlertBook, messages: Iterable[AlertMessage]) -> AlertBook:
    """Put messages into the outbox, those excepted that were owed before."""
    fresh = _fresh(book, messages)
    if not fresh:
        return book
    owed = tuple(OutboxMessage(alert_id=message.alert_id, message=message) for message in fresh)
    return replace(_remembered(book, fresh), outbox=(*book.outbox, *owed))


def owe_at_most(book: AlertBook, messages: Iterable[AlertMessage], per_hour: int, now: datetime) -> AlertBook:
    """The same, as long as there were fewer than so many in the hour before; the others are held back."""
    for message in _fresh(book, messages):
        lately = _lately(book, now)
        if len(lately) < per_hour and len(book.outbox) < MOST_OWED:
            book = replace(owe(book, [message]), owed_at=(*lately, now))
        else:
            held = _with(book.held_back, message, now, until=min(lately, default=now) + HOUR)
            book = replace(_remembered(book, [message]), held_back=held)
    return book


def _fresh(book: AlertBook, messages: Iterable[AlertMessage]) -> list[AlertMessage]:
    return [message for message in messages if message.alert_id not in book.told]


def _remembered(book: AlertBook, messages: Iterable[AlertMessage]) -> AlertBook:
    return replace(book, told=(*book.told, *(message.alert_id for message in messages))[-REMEMBERED:])


def _lately(book: AlertBook, now: datetime) -> tuple[datetime, ...]:
    return tuple(at for at in book.owed_at if at > now - HOUR)


def _with(held: HeldBack | None, message: AlertMessage, now: datetime, until: datetime) -> HeldBack:
    if held is None:
        held = HeldBack(since=now, until=until, count=0, severity="information", items=())
    items = sorted((*held.items, *message.items), key=lambda item: SEVERITIES.index(item.severity))
    more = Counter(held.more) + Counter(message.more) + Counter(item.state for item in items[MOST_ITEMS:])
    return replace(
        held,
        count=held.count + 1,
        severity=worst(held.severity, message.severity),
        items=tuple(items[:MOST_ITEMS]),
        more=dict(more),
    )


def released(book: AlertBook, now: datetime) -> AlertBook:
    """Owe the message about what was held back, once the hour is over."""
    held = book.held_back
    if held is None or now < held.until or len(book.outbox) >= MOST_OWED:
        return book
    freed = replace(book, held_back=None, owed_at=(*_lately(book, now), now))
    return owe(freed, [held_back(book.endpoint, book.variant, held)])


def leased(book: AlertBook, now: datetime) -> tuple[AlertBook, OutboxMessage | None]:
    """Take a lease on the first message that nobody holds; the book with the lease, and the message, if there is one.

    One at a time, just before it is published, so that a lease outlives its one attempt; what was tried least comes
    first, so that a message that SNS refuses holds no other back.
    """
    book = released(book, now)
    free = (message for message in book.outbox if message.leased_until is None or message.leased_until <= now)
    first = min(free, key=lambda message: message.tries, default=None)
    if first is None:
        return book, None
    held = replace(first, leased_until=now + LEASE, tries=first.tries + 1)
    return _with_message(book, held), held


def refused(book: AlertBook, alert_id: str, reason: str) -> AlertBook:
    """Keep why a message could not be published."""
    found = next((message for message in book.outbox if message.alert_id == alert_id), None)
    return book if found is None else _with_message(book, replace(found, refused=reason))


def _with_message(book: AlertBook, changed: OutboxMessage) -> AlertBook:
    outbox = tuple(changed if message.alert_id == changed.alert_id else message for message in book.outbox)
    return replace(book, outbox=outbox)


def delivered(book: AlertBook, alert_id: str) -> AlertBook:
    """Take a message out of the outbox."""
    return replace(book, outbox=tuple(message for message in book.outbox if message.alert_id != alert_id))

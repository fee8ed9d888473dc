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

from chalicelib.alerts.message import MAX_ITEMS, suppressed_summary
from chalicelib.alerts.state import SEVERITIES, worst
from chalicelib.records import AlertMessage, AlertState, OutboxMessage, SuppressedMessages

# Longer than one Publish may take (2 s to connect, 10 s to read), shorter than Lambda's first retry after 60 seconds.
LEASE_DURATION = timedelta(seconds=55)
MAX_SENT_IDS = 200  # ids of messages, enough for a week of hourly ones
MAX_PENDING = 50  # when so many wait for SNS, what comes is held back and counted: a book stays of bounded length
HOUR = timedelta(hours=1)


def enqueue(book: AlertState, messages: Iterable[AlertMessage]) -> AlertState:
    """Put messages into the outbox, those excepted that were owed before."""
    fresh = _fresh(book, messages)
    if not fresh:
        return book
    owed = tuple(OutboxMessage(alert_id=message.alert_id, message=message) for message in fresh)
    return replace(_remembered(book, fresh), outbox=(*book.outbox, *owed))


def enqueue_rate_limited(
    book: AlertState, messages: Iterable[AlertMessage], per_hour: int, now: datetime
) -> AlertState:
    """The same, as long as there were fewer than so many in the hour before; the others are held back."""
    for message in _fresh(book, messages):
        lately = _lately(book, now)
        if len(lately) < per_hour and len(book.outbox) < MAX_PENDING:
            book = replace(enqueue(book, [message]), recent_sends=(*lately, now))
        else:
            held = _with(book.suppressed, message, now, until=min(lately, default=now) + HOUR)
            book = replace(_remembered(book, [message]), suppressed=held)
    return book


def _fresh(book: AlertState, messages: Iterable[AlertMessage]) -> list[AlertMessage]:
    return [message for message in messages if message.alert_id not in book.sent_ids]


def _remembered(book: AlertState, messages: Iterable[AlertMessage]) -> AlertState:
    return replace(book, sent_ids=(*book.sent_ids, *(message.alert_id for message in messages))[-MAX_SENT_IDS:])


def _lately(book: AlertState, now: datetime) -> tuple[datetime, ...]:
    return tuple(at for at in book.recent_sends if at > now - HOUR)


def _with(held: SuppressedMessages | None, message: AlertMessage, now: datetime, until: datetime) -> SuppressedMessages:
    if held is None:
        held = SuppressedMessages(since=now, until=until, count=0, severity="information", items=())
    items = sorted((*held.items, *message.items), key=lambda item: SEVERITIES.index(item.severity))
    more = Counter(held.more) + Counter(message.more) + Counter(item.state for item in items[MAX_ITEMS:])
    return replace(
        held,
        count=held.count + 1,
        severity=worst(held.severity, message.severity),
        items=tuple(items[:MAX_ITEMS]),
        more=dict(more),
    )


def flush_suppressed(book: AlertState, now: datetime) -> AlertState:
    """Owe the message about what was held back, once the hour is over."""
    held = book.suppressed
    if held is None or now < held.until or len(book.outbox) >= MAX_PENDING:
        return book
    freed = replace(book, suppressed=None, recent_sends=(*_lately(book, now), now))
    return enqueue(freed, [suppressed_summary(book.endpoint, book.variant, held)])


def lease_next(book: AlertState, now: datetime) -> tuple[AlertState, OutboxMessage | None]:
    """Take a lease on the first message that nobody holds; the book with the lease, and the message, if there is one.

    One at a time, just before it is published, so that a lease outlives its one attempt; what was tried least comes
    first, so that a message that SNS refuses holds no other back.
    """
    book = flush_suppressed(book, now)
    free = (message for message in book.outbox if message.leased_until is None or message.leased_until <= now)
    first = min(free, key=lambda message: message.attempts, default=None)
    if first is None:
        return book, None
    held = replace(first, leased_until=now + LEASE_DURATION, attempts=first.attempts + 1)
    return _with_message(book, held), held


def record_failure(book: AlertState, alert_id: str, reason: str) -> AlertState:
    """Keep why a message could not be published."""
    found = next((message for message in book.outbox if message.alert_id == alert_id), None)
    return book if found is None else _with_message(book, replace(found, last_error=reason))


def _with_message(book: AlertState, changed: OutboxMessage) -> AlertState:
    outbox = tuple(changed if message.alert_id == changed.alert_id else message for message in book.outbox)
    return replace(book, outbox=outbox)


def acknowledge(book: AlertState, alert_id: str) -> AlertState:
    """Take a message out of the outbox."""
    return replace(book, outbox=tuple(message for message in book.outbox if message.alert_id != alert_id))

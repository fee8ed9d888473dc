"""The outbox of an alert book: what is owed, under a lease, and what was told.

    decide:  the message is put into the book, leased by the invocation that writes it      (one conditional write)
    publish: SNS takes it, one attempt
    mark:    it leaves the outbox                                                           (one conditional write)

Whoever finds a lease that expired takes it over. So nothing is lost, repeated events add nothing, and only a crash
between publish and mark sends a second copy, with the same alert id.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from chalicelib.records import AlertBook, OutboxMessage

# Longer than one Publish may take (2 s to connect, 10 s to read), shorter than Lambda's first retry after 60 seconds.
LEASE = timedelta(seconds=55)
REMEMBERED = 200  # ids of messages, enough for a week of hourly ones


def owe(book: AlertBook, messages: Iterable[OutboxMessage]) -> AlertBook:
    """Put messages into the outbox, those excepted that were owed before."""
    fresh = tuple(message for message in messages if message.alert_id not in book.told)
    if not fresh:
        return book
    told = (*book.told, *(message.alert_id for message in fresh))[-REMEMBERED:]
    return replace(book, outbox=(*book.outbox, *fresh), told=told)


def leased(book: AlertBook, now: datetime) -> tuple[AlertBook, tuple[OutboxMessage, ...]]:
    """Take a lease on the first message that nobody holds; the book with the lease, and the message, if there is one.

    One at a time, just before it is published, so that a lease outlives its one attempt.
    """
    free = (message for message in book.outbox if message.leased_until is None or message.leased_until <= now)
    first = next(free, None)
    if first is None:
        return book, ()
    held = replace(first, leased_until=now + LEASE)
    outbox = tuple(held if message.alert_id == held.alert_id else message for message in book.outbox)
    return replace(book, outbox=outbox), (held,)


def delivered(book: AlertBook, alert_id: str) -> AlertBook:
    """Take a message out of the outbox."""
    return replace(book, outbox=tuple(message for message in book.outbox if message.alert_id != alert_id))

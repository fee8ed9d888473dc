"""The outbox of an alert state: pending messages, each under a lease, and the ids of those already enqueued.

    enqueue:     the message is stored, leased by the invocation that stores it                 (one conditional write)
    publish:     SNS accepts it, one attempt
    acknowledge: it leaves the outbox                                                           (one conditional write)

An invocation that finds an expired lease takes it over. So nothing is lost, repeated events add nothing, and only a
crash between publish and acknowledge sends a second copy, with the same alert id.

| input                                     | handled                                                            |
|-------------------------------------------|--------------------------------------------------------------------|
| a message that was enqueued before        | skipped                                                            |
| more messages within an hour than allowed | counted in `suppressed`, with their worst items                    |
| the hour is over                          | one message summarizes the suppressed ones                         |
| SNS refused a message                     | it stays, with the reason; it is retried when its lease has ended  |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace

from chalicelib.alerts.message import suppressed_summary
from chalicelib.alerts.next_steps import MAX_ITEMS
from chalicelib.constraints.measurement import Fingerprint, Severity
from chalicelib.constraints.severity_order import order, worst
from chalicelib.records import AlertItem, AlertKind, AlertMessage, AlertState, OutboxMessage, Suppressed

# Longer than one Publish may take (2 s to connect, 10 s to read), shorter than Lambda's first retry after 60 seconds.
LEASE_DURATION = timedelta(seconds=55)
MAX_SENT_IDS = 200  # enough for a week of hourly messages
MAX_PENDING = 50  # beyond it new messages are suppressed and counted, so that the state stays small
HOUR = timedelta(hours=1)
S = TypeVar("S", bound=AlertState)


def enqueue(state: S, messages: Iterable[AlertMessage]) -> S:
    """Put messages into the outbox, except those that were enqueued before."""
    fresh = _not_enqueued(state, messages)
    if not fresh:
        return state
    pending = tuple(OutboxMessage(alert_id=message.alert_id, message=message) for message in fresh)
    return replace(_with_ids(state, fresh), outbox=(*state.outbox, *pending))


def enqueue_rate_limited(state: AlertState, messages: Iterable[AlertMessage], limit: int, now: datetime) -> AlertState:
    """The same, for at most `limit` messages within an hour; further ones are suppressed and counted."""
    for message in _not_enqueued(state, messages):
        recent = _recent_sends(state, now)
        if len(recent) < limit and len(state.outbox) < MAX_PENDING:
            state = replace(enqueue(state, [message]), recent_sends=(*recent, now))
        else:
            suppressed = _with_message(state.suppressed, message, now, until=min(recent, default=now) + HOUR)
            state = replace(_with_ids(state, [message]), suppressed=suppressed)
    return state


def sends_left(state: AlertState, limit: int, now: datetime) -> int:
    """How many more messages the hourly limit allows at this time."""
    return max(0, limit - len(_recent_sends(state, now)))


def with_enqueue_times(before: AlertState, after: AlertState, now: datetime) -> AlertState:
    """The state after a decision, whose new messages bear the time of the decision."""
    known = {message.alert_id for message in before.outbox}
    if all(message.alert_id in known for message in after.outbox):
        return after
    stamped = (m if m.alert_id in known else replace(m, enqueued_at=now) for m in after.outbox)
    return replace(after, outbox=tuple(stamped))


def oldest_pending(states: Iterable[AlertState]) -> datetime | None:
    """Since when the oldest message or event waits; None when none does, or no record says since when."""
    times = (at for state in states for at in (*(m.enqueued_at for m in state.outbox), *(e.at for e in state.events)))
    return min(filter(None, times), default=None)


def _not_enqueued(state: AlertState, messages: Iterable[AlertMessage]) -> list[AlertMessage]:
    return [message for message in messages if message.alert_id not in state.sent_ids]


def _with_ids(state: S, messages: Iterable[AlertMessage]) -> S:
    ids = (*state.sent_ids, *(message.alert_id for message in messages))
    return replace(state, sent_ids=ids[-MAX_SENT_IDS:])


def _recent_sends(state: AlertState, now: datetime) -> tuple[datetime, ...]:
    return tuple(at for at in state.recent_sends if at > now - HOUR)


def _with_message(suppressed: Suppressed | None, message: AlertMessage, now: datetime, until: datetime) -> Suppressed:
    if suppressed is None:
        suppressed = Suppressed(since=now, until=until, count=0, severity=Severity.INFORMATION, items=())
    severity = Severity.INFORMATION if message.kind == AlertKind.RECOVERED else message.severity
    items = sorted((*suppressed.items, *message.items), key=_order_of_item)
    more = Counter(suppressed.more) + Counter(message.more) + Counter(str(item.state) for item in items[MAX_ITEMS:])
    return replace(
        suppressed,
        count=suppressed.count + 1,
        severity=worst([suppressed.severity, severity]),
        items=tuple(items[:MAX_ITEMS]),
        more=dict(more),
    )


def _order_of_item(item: AlertItem) -> tuple[int, float, str, str]:
    return order(item.severity, Fingerprint(item.check, item.subject), item.value, item.threshold)


def flush_suppressed(state: AlertState, now: datetime) -> AlertState:
    """Enqueue the summary of the suppressed messages, once the hour is over."""
    suppressed = state.suppressed
    if suppressed is None or now < suppressed.until or len(state.outbox) >= MAX_PENDING:
        return state
    flushed = replace(state, suppressed=None, recent_sends=(*_recent_sends(state, now), now))
    return enqueue(flushed, [suppressed_summary(state.endpoint, state.variant, suppressed)])


def lease_next(state: AlertState, now: datetime) -> tuple[AlertState, OutboxMessage | None]:
    """Take a lease on the first message without one: the state with the lease, and the message, if there is one.

    One message at a time, just before it is published, so that the lease outlives its one attempt. The message with
    the fewest attempts comes first, so that a message that SNS refuses delays no other.
    """
    state = flush_suppressed(state, now)
    free = (message for message in state.outbox if message.leased_until is None or message.leased_until <= now)
    first = min(free, key=lambda message: message.attempts, default=None)
    if first is None:
        return state, None
    leased = replace(first, leased_until=now + LEASE_DURATION, attempts=first.attempts + 1)
    return _with_changed(state, leased), leased


def record_failure(state: AlertState, alert_id: str, reason: str) -> AlertState:
    """Store why a message could not be published."""
    found = next((message for message in state.outbox if message.alert_id == alert_id), None)
    return state if found is None else _with_changed(state, replace(found, last_error=reason))


def _with_changed(state: AlertState, changed: OutboxMessage) -> AlertState:
    outbox = tuple(changed if message.alert_id == changed.alert_id else message for message in state.outbox)
    return replace(state, outbox=outbox)


def acknowledge(state: AlertState, alert_id: str) -> AlertState:
    """Remove a published message from the outbox."""
    return replace(state, outbox=tuple(message for message in state.outbox if message.alert_id != alert_id))

"""What is still pending of an endpoint that left the fleet: it is sent for a day, and then dropped.

`fleet.apply` stores that an endpoint leaves, before the fleet changes. The sweep of the fleet starts the sweep of such
an endpoint too, which sends what its outboxes hold, and forgets it when they are empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from msgspec.structs import replace

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, Stores
from chalicelib.errors import NotReady
from chalicelib.observability import count, logger
from chalicelib.records import AlertState, Mode
from chalicelib.services import alerting

KEPT_AT_LEAST = timedelta(hours=1)  # a function that began before may still enqueue
DROPPED_AFTER = timedelta(days=1)


def waiting(stores: Stores) -> list[str]:
    """The endpoints that left the fleet and may have something pending; one that is in it again is forgotten."""
    fleet, found = stores.fleet.get(), []
    for departed in stores.alert_states.departed():
        if fleet.entry(departed.entry.endpoint) is None:
            found.append(departed.entry.endpoint)
        else:
            stores.alert_states.forget_departed(departed.entry.endpoint)
    return found


@dataclass(frozen=True)
class Sent:
    """What became of the messages of an endpoint that left the fleet."""

    unfinished: ClassVar = False
    endpoint: str
    delivered: int
    dropped: int

    def summary(self) -> dict[str, Any]:
        """The answer of the function."""
        return {"endpoint": self.endpoint, "delivered": self.delivered, "dropped": self.dropped}


def send_rest(endpoint: str, stores: Stores, deadline: Deadline) -> Sent | None:
    """Send what is pending, drop it after a day, and forget the endpoint once nothing is; None if it did not leave."""
    departed = stores.alert_states.departed_endpoint(endpoint)
    if departed is None:
        return None
    # Nobody is notified of it any more, as in mode observe: so its open incidents are resolved.
    run = EndpointRun(replace(departed.entry, mode=Mode.OBSERVE), datetime.now(UTC), deadline, stores)
    sent, left = 0, 0
    for state in stores.alert_states.of_endpoint(endpoint):
        try:
            sent += len(alerting.send_pending(run, state.variant))
        except NotReady:  # another invocation is sending it
            left += 1
    pending = [state for state in stores.alert_states.of_endpoint(endpoint) if alerting.has_pending(run, state)]
    dropped = sum(_drop(run, state) for state in pending) if run.now - departed.at >= DROPPED_AFTER else 0
    left += 0 if dropped else len(pending)
    if not left and run.now - departed.at >= KEPT_AT_LEAST:
        stores.alert_states.forget_departed(endpoint)
    return Sent(endpoint, sent, dropped)


def _drop(run: EndpointRun, state: AlertState) -> int:
    """Drop what nobody accepted, and say so: how many messages."""
    suppressed = state.suppressed.count if state.suppressed else 0
    logger.error(
        "the alerts of an endpoint that left the fleet were dropped",
        endpoint=run.endpoint,
        alert_ids=[message.alert_id for message in state.outbox],
        event_ids=[event.event_id for event in state.events],
        suppressed=suppressed,
        reasons=sorted({m.last_error for m in state.outbox} | {event.last_error for event in state.events}),
    )
    number = len(state.outbox) + len(state.events) + suppressed
    count("AlertsDropped", number)
    alerting.update(run, state.variant, lambda known: replace(known, outbox=(), events=(), suppressed=None))
    return number

"""Events of incidents: put on the event bus and published to the incidents topic, ten at a time.

| input                                              | outcome                                                         |
|----------------------------------------------------|-----------------------------------------------------------------|
| an event that a sink accepts                       | it no longer waits for this sink                                |
| the bus or the topic refuses it                    | metric, error log, the reason in the alert state; sweep repeats |
| a sink throttles or fails                          | the other sink still gets it; then the error propagates         |
| an incident that ended                             | the team's fleet incidents know it first (`fleet_grouping`)     |
| a stage without an incidents topic                 | nothing waits for that sink                                     |
| an incidents topic without a subscription          | SNS accepts the event: nobody wants it                          |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib.alerts import machine_event
from chalicelib.aws import messages
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import Undeliverable
from chalicelib.locations import ALERT_DETAIL_TYPE
from chalicelib.observability import count, logger
from chalicelib.records import AlertEvent, AlertState, PendingEvent, Sink, write
from chalicelib.services import fleet_grouping
from chalicelib.services.installation import installation, runbook_of
from chalicelib.settings import settings


@dataclass
class Outcome:
    """What became of some events, by event id."""

    accepted: dict[str, set[Sink]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    error: Exception | None = None  # raised by the caller, after everything else was sent

    def _accept(self, event: PendingEvent, sink: Sink) -> None:
        self.accepted.setdefault(event.event_id, set()).add(sink)

    def _refuse(self, event: PendingEvent, sink: Sink, reason: str) -> None:
        self.refused[event.event_id] = reason
        count("AlertEventsUndelivered")
        logger.error("an alert event could not be sent", event_id=event.event_id, sink=sink, reason=reason)

    def to_bus(self, events: Sequence[tuple[PendingEvent, AlertEvent]]) -> None:
        """Put the events on the bus: one request."""
        if not events:
            return
        try:
            reasons = messages.put_events(ALERT_DETAIL_TYPE, [write(event) for _, event in events])
        except Undeliverable as error:
            reasons = [str(error)] * len(events)
        except Exception as error:  # noqa: BLE001 - raised by the caller, after everything else was sent
            self.error = error
            return
        for (pending, _), reason in zip(events, reasons, strict=True):
            if reason:
                self._refuse(pending, Sink.BUS, reason)
            else:
                self._accept(pending, Sink.BUS)

    def to_topic(self, topic: str, events: Sequence[tuple[PendingEvent, AlertEvent]]) -> None:
        """Publish each event to the incidents topic; what comes after one that is refused waits with it."""
        for position, (pending, event) in enumerate(events):
            try:
                if topic:
                    messages.publish_data(topic, write(event).decode(), machine_event.attributes(event))
            except Undeliverable as error:
                for left, _ in events[position:]:
                    self._refuse(left, Sink.TOPIC, str(error))
                return
            except Exception as error:  # noqa: BLE001 - raised by the caller, after everything else was sent
                self.error = error
                return
            self._accept(pending, Sink.TOPIC)


def send(run: EndpointRun, state: AlertState, leased: Sequence[PendingEvent]) -> Outcome:
    """Send leased events of an alert state to the sinks that each waits for."""
    outcome, place, runbook = Outcome(), installation(run.entry), runbook_of(run.entry)
    try:
        fleet_grouping.note_ended(run, state.variant, leased)
    except Exception as error:  # noqa: BLE001 - raised by the caller; the events are sent later
        outcome.error = error
        return outcome
    routed = [(event, machine_event.machine_event(event, state, run.entry.team, place, runbook)) for event in leased]
    outcome.to_bus([(pending, event) for pending, event in routed if Sink.BUS in pending.awaiting])
    to_topic = [(pending, event) for pending, event in routed if Sink.TOPIC in pending.awaiting]
    outcome.to_topic(settings().incidents_topic_arn, to_topic)
    sent = sum(bool(outcome.accepted.get(event.event_id)) for event in leased)
    if sent:
        count("AlertEventsSent", sent)
    return outcome

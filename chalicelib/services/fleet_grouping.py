"""Whether a message of an endpoint is sent, or one of its team in its place; see `alerts.fleet_incidents`.

| input                                            | outcome                                                           |
|--------------------------------------------------|-------------------------------------------------------------------|
| a message about a finding, just before it is sent| it is registered in the team's alert state: one conditional write |
| ... again, after a crash                         | the same answer, nothing is written                               |
| ... and others go on changing that state         | NotReady: it stays in the outbox of its endpoint                  |
| a message about something else                   | sent; nothing is read                                             |
| an incident that ended, with or without a message| it is known to have ended, before machines get its resolve        |
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from chalicelib.alerts import fleet_incidents, repeats
from chalicelib.alerts.fleet_incidents import EndedAlert
from chalicelib.endpoint_run import EndpointRun
from chalicelib.records import AlertMessage, IncidentAction, PendingEvent, TeamAlertState


def is_sent_singly(run: EndpointRun, message: AlertMessage) -> bool:
    """Register a message that is about to be sent; False where a message of the team is sent in its place.

    Raises
    ------
    NotReady
        When other endpoints of the team go on changing its state.
    """
    if not fleet_incidents.is_groupable(message):
        return True
    singly = True

    def change(state: TeamAlertState) -> TeamAlertState:
        nonlocal singly
        interval = repeats.interval_of(run.entry, message.severity)
        changed, singly = fleet_incidents.register(state, message, (), interval, run.now)
        return changed

    run.stores.alert_states.change_team(run.entry.team, change)
    return singly


def note_ended(run: EndpointRun, variant: str, events: Sequence[PendingEvent]) -> None:
    """Register the incidents of a variant that have ended: whatever ends is a resolve for machines.

    Raises
    ------
    NotReady
        When other endpoints of the team go on changing its state. The events stay where they are, and are sent later.
    """
    ended = [
        EndedAlert(event.group, run.endpoint, variant, event.since)
        for event in events
        if variant and event.action == IncidentAction.RESOLVE and event.group and event.since is not None
    ]
    if ended:
        change = partial(_with_ended, ended=ended, run=run)
        run.stores.alert_states.change_team(run.entry.team, change)


def _with_ended(state: TeamAlertState, ended: Sequence[EndedAlert], run: EndpointRun) -> TeamAlertState:
    return fleet_incidents.register(state, None, ended, None, run.now)[0]

"""What the teams of a stage are sent: messages about fleet incidents, and daily digests. Run with every sweep.

| input                                        | outcome                                                              |
|----------------------------------------------|----------------------------------------------------------------------|
| nothing is open in any team, and no digest   | one query                                                            |
| a fleet incident that has begun or ended     | a message in the outbox of the team's state, sent as that of others  |
| ... and the team is muted                    | it waits; what ended meanwhile is not sent                           |
| the hour of a team's digest has come         | one message, from what its endpoints' sweeps have stored             |
| a message that SNS did not accept            | tried again by the next sweep                                        |
| a team fails                                 | the other teams are notified; then the error propagates              |
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import cast

from chalicelib.alerts import fleet_incidents, mutes, outbox, team_digest
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, Stores
from chalicelib.errors import NotReady
from chalicelib.observability import logger
from chalicelib.records import AlertState, DigestEntry, FleetEntry, Mode, SweepCheckpoint, TeamAlertState
from chalicelib.services import alerting, emf_metrics
from chalicelib.settings import settings
from chalicelib.stores.alert_states import TEAM


def notify_teams(stores: Stores, deadline: Deadline) -> int:
    """Send every team what is due; how many messages were sent."""
    watched: dict[str, set[str]] = {}
    for entry in stores.fleet.get().entries:
        if entry.mode != Mode.OBSERVE:
            watched.setdefault(entry.team, set()).add(entry.endpoint)
    states = stores.alert_states.teams()
    with_digest = {team for team in watched if settings().digest_of(team)}
    sent, failed = 0, []
    for team in sorted(states.keys() | with_digest):
        run = EndpointRun(FleetEntry(endpoint=TEAM, team=team, mode=Mode.ALERT), datetime.now(UTC), deadline, stores)
        state = states.get(team) or TeamAlertState(endpoint=TEAM, variant=team)
        try:
            sent += _notify(run, state, watched.get(team, set()))
        except Exception as error:  # noqa: BLE001 - raised below, after the other teams
            logger.error("a team could not be notified", team=team, kind=type(error).__name__)
            failed.append(error)
    if failed:
        raise failed[0]
    return sent


def _notify(run: EndpointRun, state: TeamAlertState, watched: Collection[str]) -> int:
    team, now = run.entry.team, run.now
    at = settings().digest_of(team) if watched else ""
    has_digest = bool(at) and team_digest.is_due(state, at, now)
    due = partial(fleet_incidents.enqueue_due, watched=watched, now=now, stage=settings().stage)
    if not has_digest and due(state, muted=False) == state and not state.outbox:
        return 0
    muted = bool(team) and any(mute.team == team for mute in mutes.in_force(run.stores.alert_states.mutes(), now))
    entries = run.stores.alert_states.digest_entries(team) if has_digest else []
    of_team = [entry for entry in entries if entry.endpoint in watched]

    def decide(known: AlertState) -> AlertState:
        changed = due(cast(TeamAlertState, known), muted=muted)
        if not has_digest:
            return changed
        return team_digest.enqueue_digest(changed, at, of_team, len(watched), now)

    sent: list[str] = []
    with suppress(NotReady):  # another invocation is sending it
        sent = alerting.update_and_send(run, team, decide)
    if has_digest:
        _forget(run, entries, watched)
    _emit_oldest_pending(run, state)
    return len(sent)


def _forget(run: EndpointRun, entries: Collection[DigestEntry], watched: Collection[str]) -> None:
    """Delete what no later digest needs: of endpoints that left the team, and of those where nothing is open."""
    for entry in entries:
        recent = any(line.until and line.until > run.now - team_digest.KEPT for line in entry.ended)
        if entry.endpoint not in watched or not (entry.lines or recent):
            run.stores.alert_states.forget_digest_entry(run.entry.team, entry)


def _emit_oldest_pending(run: EndpointRun, before: TeamAlertState) -> None:
    """A metric of the age of what waited before this run and still does."""
    if not before.outbox:
        return
    state = run.stores.alert_states.teams().get(run.entry.team)
    oldest = outbox.oldest_pending([state]) if state else None
    if oldest is not None:
        emf_metrics.emit_oldest_pending((run.now - oldest).total_seconds())


def store_for_digest(run: EndpointRun, checkpoint: SweepCheckpoint, *, is_long: bool) -> str:
    """Store the open alerts of an endpoint for the digest of its team, if they have changed; what stands for them.

    Nothing is read or written while they are those of the last sweep; once a day (`is_long`) what is stored is checked.
    """
    states = () if run.entry.mode == Mode.OBSERVE else run.alert_states.values()
    lines = team_digest.lines_of(states)
    digest = team_digest.digest_of(run.entry.team, lines)
    if digest != checkpoint.digest or (digest and is_long):
        change = partial(team_digest.with_lines, lines=lines, now=run.now)
        run.stores.alert_states.change_digest_entry(run.entry.team, run.endpoint, change)
    return digest

"""Fleet incidents: the same check of the same feature begins on several endpoints of a team.

| what happens                                        | message                                                        |
|-----------------------------------------------------|----------------------------------------------------------------|
| it begins on up to three endpoints within an hour   | each has its own                                               |
| it begins on a fourth one, and on more              | one of the team, ten minutes later; it names all endpoints     |
| it begins on more of them after that                | one more of the team, at most one an hour                      |
| its severity rises on some of them                  | the same                                                       |
| an endpoint has another new finding, too            | its own message, which says both                               |
| it ends on some of them                             | none                                                           |
| it has ended on all of them                         | one of the team                                                |
| an endpoint repeats its open alert                  | one of the team, in place of those of its endpoints            |
| an endpoint is deleted, or leaves team or fleet     | it has ended there                                             |
| the team is muted                                   | none; what is open when the mute ends is sent then             |
| an incident has more endpoints than a state holds   | the others have messages of their own                          |

The message of an endpoint asks, just before it is sent, whether the team's message is sent in its place (`register`).
The answer is stored with the endpoint in the state of the team, in one conditional write: a repetition gets the same
answer. The team's message waits in the outbox of that state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from chalicelib.alerts.incidents import group_id, group_key
from chalicelib.alerts.message import message_id
from chalicelib.alerts.outbox import enqueue
from chalicelib.alerts.team_message import MAX_TEAM_ITEMS, TeamFinding, team_message
from chalicelib.constraints.measurement import Fingerprint, Severity
from chalicelib.constraints.severity_order import RANKS, State, order, worst
from chalicelib.records import (
    AlertItem,
    AlertKind,
    AlertMessage,
    FindingState,
    FleetIncident,
    FleetMember,
    TeamAlertState,
)
from chalicelib.window import DAY, HOUR

SINGLE_MESSAGES = 3
WITHIN = HOUR  # in which it begins on so many endpoints
GATHER = timedelta(minutes=10)  # from the first endpoint that a message of the team is to name
KEPT_CLOSED = DAY  # so that what comes late of an incident that has ended is not sent by itself
KINDS = {
    AlertKind.VIOLATIONS,
    AlertKind.RECOVERED,
    AlertKind.NO_DATA,
    AlertKind.CAPTURE_STOPPED,
    AlertKind.MONITOR_FAILED,
    AlertKind.LABELS_STOPPED,
    AlertKind.JOB_FAILED,
}
# A state must fit an item of DynamoDB, 400 KB; it is compressed, and names of the worst kind shrink to three quarters.
MAX_BYTES = 450_000
MEMBER_BYTES, INCIDENT_BYTES = 110, 500  # beside the names


@dataclass(frozen=True)
class EndedAlert:
    """An alert that has ended on an endpoint, with or without a message: muted, say."""

    group: str  # see `group_id`
    endpoint: str
    variant: str
    since: datetime


@dataclass(frozen=True)
class _Occurrence:
    fingerprint: Fingerprint
    endpoint: str
    variant: str
    since: datetime


# --- an endpoint's message is about to be sent ------------------------------------------------------------------------


def is_groupable(message: AlertMessage) -> bool:
    """Whether a message is about findings of an endpoint, which the message of a team may take the place of."""
    return bool(message.variant) and message.kind in KINDS and any(item.fingerprint for item in message.items)


def register(
    state: TeamAlertState,
    message: AlertMessage | None,
    ended: Iterable[EndedAlert],
    repeat_interval: timedelta | None,
    now: datetime,
) -> tuple[TeamAlertState, bool]:
    """The state that knows of a message that is about to be sent, and of what ended; whether to send the message.

    Parameters
    ----------
    message
        Of an endpoint of the team; None when there is only something that ended.
    repeat_interval
        After which an open alert of the endpoint is repeated, for a message that repeats one.
    """
    state = _without_old(state, now)
    known = {group_id(fingerprint): fingerprint for fingerprint in state.fleet_incidents}
    for one in ended:
        if one.group in known:
            state, _ = _end(state, _Occurrence(known[one.group], one.endpoint, one.variant, one.since))
    if message is None or not is_groupable(message):
        return state, True
    grouped = []
    repeats = all(item.state == FindingState.CONTINUING for item in message.items)
    for item in message.items:
        if not item.fingerprint or item.since is None:
            continue
        about = _Occurrence(Fingerprint(item.check, item.subject), message.endpoint, message.variant, item.since)
        if item.state == FindingState.NEW:
            state, of_team = _begin(state, about, item, now)
        elif item.state == FindingState.RECOVERED:
            state, of_team = _end(state, about)
        elif repeats:
            state, of_team = _repeat(state, about, repeat_interval, now)
        else:
            continue
        grouped.append(of_team)
    return state, not (grouped and all(grouped))


def _begin(state: TeamAlertState, about: _Occurrence, item: AlertItem, now: datetime) -> tuple[TeamAlertState, bool]:
    incident = state.fleet_incidents.get(about.fingerprint, FleetIncident(expected=item.expected))
    found = _member(incident, about)
    if incident.closed_at is not None:
        if found is not None and about.since <= found.since:
            return state, True  # it comes late: the team's message has said that it began and ended
        incident, found = FleetIncident(expected=item.expected), None
    if found is not None and about.since <= found.since:
        if RANKS[State(item.severity)] >= RANKS[State(found.severity)]:
            return state, not found.singly and incident.grouped_at is not None
        risen = replace(found, severity=item.severity)
        if incident.grouped_at is not None:
            risen = replace(risen, singly=False, reported=False, at=now)
        return _with(state, about.fingerprint, _with_member(incident, risen)), incident.grouped_at is not None
    if _bytes(state) + _member_bytes(about) > MAX_BYTES:
        return state, False
    if incident.grouped_at is None:
        members = tuple(one for one in incident.members if one.at > now - WITHIN)
        others = {one.endpoint for one in members} - {about.endpoint}
        incident = replace(incident, members=members, grouped_at=now if len(others) >= SINGLE_MESSAGES else None)
    singly = incident.grouped_at is None
    member = FleetMember(about.endpoint, about.variant, about.since, item.severity, now, singly)
    return _with(state, about.fingerprint, _with_member(incident, member)), not singly


def _end(state: TeamAlertState, about: _Occurrence) -> tuple[TeamAlertState, bool]:
    incident = state.fleet_incidents.get(about.fingerprint)
    member = None if incident is None else _member(incident, about)
    if incident is None or member is None or about.since < member.since:
        return state, False
    if incident.grouped_at is None:
        members = tuple(one for one in incident.members if one is not member)
        return _with(state, about.fingerprint, replace(incident, members=members)), False
    return _with(state, about.fingerprint, _with_member(incident, replace(member, ended=True))), True


def _repeat(
    state: TeamAlertState, about: _Occurrence, interval: timedelta | None, now: datetime
) -> tuple[TeamAlertState, bool]:
    incident = state.fleet_incidents.get(about.fingerprint)
    member = None if incident is None else _member(incident, about)
    if incident is None or incident.grouped_at is None or member is None or member.ended:
        return state, False
    # The endpoints were notified within an hour or so: the first one that is due asks for all of them.
    pause = max(HOUR, (interval or DAY) - HOUR)
    if incident.sent_at is None or now - incident.sent_at < pause:
        return state, True
    return _with(state, about.fingerprint, replace(incident, repeat=True)), True


def _member(incident: FleetIncident, about: _Occurrence) -> FleetMember | None:
    key = about.endpoint, about.variant
    return next((one for one in incident.members if (one.endpoint, one.variant) == key), None)


def _with_member(incident: FleetIncident, member: FleetMember) -> FleetIncident:
    """The incident with a member, in place of what is known of its endpoint and variant."""
    key = member.endpoint, member.variant
    others = (one for one in incident.members if (one.endpoint, one.variant) != key)
    return replace(incident, members=(*others, member))


def _with(state: TeamAlertState, fingerprint: Fingerprint, incident: FleetIncident) -> TeamAlertState:
    incidents = {**state.fleet_incidents, fingerprint: incident}
    if not incident.members:
        del incidents[fingerprint]
    return replace(state, fleet_incidents=incidents)


def _without_old(state: TeamAlertState, now: datetime) -> TeamAlertState:
    """The state without incidents that ended long ago, and those that did not reach enough endpoints."""
    kept = {
        fingerprint: one
        for fingerprint, one in state.fleet_incidents.items()
        if (one.closed_at is None or one.closed_at > now - KEPT_CLOSED)
        and (one.grouped_at is not None or any(member.at > now - WITHIN for member in one.members))
    }
    return state if len(kept) == len(state.fleet_incidents) else replace(state, fleet_incidents=kept)


def _bytes(state: TeamAlertState) -> int:
    return sum(
        INCIDENT_BYTES + sum(MEMBER_BYTES + len(one.endpoint) + len(one.variant) for one in incident.members)
        for incident in state.fleet_incidents.values()
    )


def _member_bytes(about: _Occurrence) -> int:
    return INCIDENT_BYTES + MEMBER_BYTES + len(about.endpoint) + len(about.variant)


# --- the team's message -----------------------------------------------------------------------------------------------


def enqueue_due(
    state: TeamAlertState, watched: Collection[str], now: datetime, stage: str, *, muted: bool
) -> TeamAlertState:
    """Enqueue the team's message about what began, and the one about what has ended on every endpoint.

    While a message of the team is pending, none is added: it would name the same endpoints once more.

    Parameters
    ----------
    watched
        The endpoints of the team that are in the fleet and may alert; on the others everything has ended.
    """
    state = _without_old(_without_departed(state, watched), now)
    if state.outbox:
        return state
    begun = {f: one for f, one in state.fleet_incidents.items() if _begin_is_due(one, now)}
    ended = {f: one for f, one in state.fleet_incidents.items() if _end_is_due(one)}
    if muted:
        # What ended under the mute is not sent; what is open waits for the end of the mute.
        return _changed(state, {f: replace(one, closed_at=now) for f, one in ended.items()})
    messages = []
    if begun:
        repeats = all(one.repeat and not _unreported(one) for one in begun.values())
        kind = FindingState.CONTINUING if repeats else FindingState.NEW
        messages.append(_message(state.variant, begun, kind, now, stage))
    if ended:
        messages.append(_message(state.variant, ended, FindingState.RECOVERED, now, stage))
    state = _changed(state, {f: _reported(one, now) for f, one in begun.items()})
    state = _changed(state, {f: replace(one, closed_at=now) for f, one in ended.items()})
    return enqueue(state, messages)


def _without_departed(state: TeamAlertState, watched: Collection[str]) -> TeamAlertState:
    changed = {}
    for fingerprint, incident in state.fleet_incidents.items():
        if any(one.endpoint not in watched and not one.ended for one in incident.members):
            members = tuple(one if one.endpoint in watched else replace(one, ended=True) for one in incident.members)
            changed[fingerprint] = replace(incident, members=members)
    return _changed(state, changed)


def _changed(state: TeamAlertState, changed: dict[Fingerprint, FleetIncident]) -> TeamAlertState:
    return replace(state, fleet_incidents={**state.fleet_incidents, **changed}) if changed else state


def _unreported(incident: FleetIncident) -> list[FleetMember]:
    return [one for one in incident.members if not (one.ended or one.singly or one.reported)]


def _begin_is_due(incident: FleetIncident, now: datetime) -> bool:
    if incident.grouped_at is None or (incident.sent_at is not None and now - incident.sent_at < HOUR):
        return False
    unreported = _unreported(incident)
    if unreported and now - min(one.at for one in unreported) >= GATHER:
        return True
    return incident.repeat and any(not one.ended for one in incident.members)


def _end_is_due(incident: FleetIncident) -> bool:
    return incident.grouped_at is not None and incident.closed_at is None and all(one.ended for one in incident.members)


def _reported(incident: FleetIncident, now: datetime) -> FleetIncident:
    members = tuple(one if one.ended else replace(one, reported=True) for one in incident.members)
    return replace(incident, members=members, sent_at=now, repeat=False)


def _message(
    team: str, incidents: dict[Fingerprint, FleetIncident], state: FindingState, now: datetime, stage: str
) -> AlertMessage:
    """One message about several incidents, the worst first."""
    shown = {f: _shown(one, state) for f, one in incidents.items()}
    ranked = sorted(shown, key=lambda f: order(_worst(shown[f]), f, None, None))
    findings = [
        TeamFinding(
            fingerprint=fingerprint,
            severity=_worst(shown[fingerprint]),
            since=min(one.since for one in shown[fingerprint]),
            until=now if state == FindingState.RECOVERED else None,
            endpoints=tuple(sorted({one.endpoint for one in shown[fingerprint]})),
            expected=incidents[fingerprint].expected,
            singly=len({one.endpoint for one in shown[fingerprint] if one.singly}),
        )
        for fingerprint in ranked
    ]
    facts = (f"{f!s} {one.grouped_at} {one.sent_at}" for f, one in sorted(incidents.items()))
    worst_key = group_key(stage, team, group_id(ranked[0]))
    number = message_id("team", team, state, *facts)
    return team_message(number, team, findings[:MAX_TEAM_ITEMS], state, len(findings), worst_key)


def _shown(incident: FleetIncident, state: FindingState) -> list[FleetMember]:
    """The endpoints that a message names: those where it is open; of what has ended, all."""
    return [one for one in incident.members if state == FindingState.RECOVERED or not one.ended]


def _worst(members: Iterable[FleetMember]) -> Severity:
    return worst(one.severity for one in members)

"""Incidents: what the alert states say to machines, one event when an episode begins and one when it ends.

An incident is one episode of one fingerprint. A message to people groups several; a machine gets an event for each.

| change of the alert state                            | event                                                     |
|------------------------------------------------------|-----------------------------------------------------------|
| a fingerprint fires that was not triggered           | trigger                                                   |
| its severity rises while it fires                    | trigger, with the same key and the new severity           |
| it fires while muted                                 | none; when the mute ends and it still fires: trigger      |
| it ends, muted or not, and was triggered             | resolve, with the severity of what ended                  |
| its endpoint was deleted, left the fleet, or is only | resolve: nothing says any more when it ends               |
| observed                                             |                                                           |
| a deployment failed                                  | trigger; a later verified deployment resolves it          |
| what happens once: a deployment, a test, slow drift  | inform: no incident                                       |
| more triggers than MAX_PENDING_EVENTS are pending    | the worst first; the others once there is room            |

`FingerprintState.triggered` says whether an incident is open with machines, so that every trigger has its resolve. The
key of an episode holds its start: what comes late of an episode never touches the next one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from chalicelib.alerts.sanitize import sanitize, sanitize_name
from chalicelib.alerts.state import fingerprint_id
from chalicelib.alerts.wording import NAMELESS
from chalicelib.constraints.measurement import Fingerprint, Severity
from chalicelib.constraints.severity_order import RANKS, State, order
from chalicelib.records import (
    AlertKind,
    AlertMessage,
    AlertState,
    Deployment,
    Episode,
    FingerprintState,
    FingerprintStatus,
    IncidentAction,
    PendingEvent,
    Sink,
    Source,
)

# A state must fit an item of DynamoDB: beyond this many events triggers wait, and resolves have no text.
MAX_PENDING_EVENTS = 100
BATCH = 10  # entries of one PutEvents (aws-behaviour: put-events-entries)
LEASE_DURATION = timedelta(seconds=55)  # as that of a message: shorter than Lambda's first retry after 60 seconds
FAILED_DEPLOYMENT = Fingerprint("deployment", "failed")


@dataclass(frozen=True)
class Details:
    """What an event says about its fingerprint, beside the state."""

    begins: str  # a sentence, without a capital and a full stop
    ends: str
    kind: AlertKind = AlertKind.VIOLATIONS
    alert_id: str = ""
    cause: str = ""
    package_version: str = ""
    window_start: datetime | None = None
    window_end: datetime | None = None
    folder: str = ""
    source: Source = "vedette"
    job: str = ""


Describe = Callable[[Fingerprint], Details]


def describe_by_name(fingerprint: Fingerprint) -> Details:
    """What is known of a fingerprint without the evaluation that found it."""
    name = f"{sanitize_name(fingerprint.subject, 60) or NAMELESS}, {sanitize(fingerprint.check, 60)}"
    return Details(f"{name}: an alert is open", f"{name}: no alert is open any more")


def dedup_key(stage: str, endpoint: str, variant: str, fingerprint: str, since: datetime) -> str:
    """The key of one episode: at most 255 of the characters A-Z a-z 0-9 . - (they need no encoding in a URL).

    Stage, endpoint and variant have at most 20, 63 and 63 characters; the fingerprint's id makes the key unique.

    Examples
    --------
    >>> from datetime import UTC
    >>> dedup_key("prod", "site", "", "614728c245da", datetime(2026, 3, 2, 12, tzinfo=UTC))
    'vedette.prod.site.614728c245da.20260302T120000Z'
    """
    begun = f"{since:%Y%m%dT%H%M%S}{f'{since:.%f}' if since.microsecond else ''}Z"
    parts = ("vedette", stage, endpoint, variant, fingerprint, begun)
    return ".".join(re.sub(r"[^A-Za-z0-9-]", "-", part) if part is not begun else part for part in parts if part)


def group_id(fingerprint: Fingerprint) -> str:
    """The id of a check of a feature on whichever endpoint: 12 hexadecimal digits.

    Examples
    --------
    >>> group_id(Fingerprint("data_type_check", "b"))
    '5b3d42151638'
    """
    return hashlib.sha256(str(fingerprint).encode(errors="backslashreplace")).hexdigest()[:12]


def group_key(stage: str, team: str, group: str) -> str:
    """The key of a fleet incident: the same for a check of a feature on every endpoint of a team, so that pagers group.

    Examples
    --------
    >>> group_key("prod", "search", "614728c245da")
    'vedette.prod.search.614728c245da'
    """
    name = "".join(letter if letter.isascii() and (letter.isalnum() or letter == "-") else "-" for letter in team)
    return ".".join(filter(None, ("vedette", stage, name[:63], group)))


# --- from the alert state to its events -------------------------------------------------------------------------------


def follow(before: AlertState, after: AlertState, now: datetime, describe: Describe = describe_by_name) -> AlertState:
    """The state after a decision, with the events of what began and ended since `before`."""
    known = dict(after.fingerprints)
    ended = []
    for fingerprint, one in before.fingerprints.items():
        if one.triggered is None:
            continue
        still = known.get(fingerprint)
        if still is not None and still.since == one.since:
            known[fingerprint] = replace(still, triggered=still.triggered or one.triggered)
        else:
            ended.append((fingerprint, one))
    events = [_resolve(after, fingerprint, one, describe) for fingerprint, one in ended]
    room = MAX_PENDING_EVENTS - len(after.events) - len(events)
    begun = [(fingerprint, one) for fingerprint, one in known.items() if _begins(one)]
    for fingerprint, one in sorted(begun, key=_worst)[: max(0, room)]:
        known[fingerprint] = replace(one, triggered=one.severity)
        found = describe(fingerprint)
        trigger = IncidentAction.TRIGGER
        events.append(_event(after, fingerprint, trigger, one.severity, one.since, found.begins, found))
    if known != after.fingerprints:
        after = replace(after, fingerprints=known)
    return _stamped(_with_events(after, events), now)


def withdraw(before: AlertState, after: AlertState, now: datetime) -> AlertState:
    """The state of an endpoint about which nobody is notified any more: its open incidents are resolved."""
    quiet = {name: replace(one, triggered=None) for name, one in after.fingerprints.items()}
    silent = follow(before, replace(after, fingerprints={}), now)
    return _stamped(resolve_deployment(replace(silent, fingerprints=quiet)), now)


def unreported(state: AlertState, *, notifies: bool) -> bool:
    """Whether an incident is to be triggered, or (where nobody is notified any more) to be resolved."""
    if notifies:
        return any(_begins(one) for one in state.fingerprints.values())
    return state.failed_deployment is not None or any(one.triggered for one in state.fingerprints.values())


def _begins(one: FingerprintState) -> bool:
    if one.state != FingerprintStatus.FIRING:
        return False
    return one.triggered is None or RANKS[State(one.severity)] < RANKS[State(one.triggered)]


def _worst(alert: tuple[Fingerprint, FingerprintState]) -> tuple[int, float, str, str]:
    return order(alert[1].severity, alert[0], None, None)


def _resolve(state: AlertState, fingerprint: Fingerprint, one: FingerprintState, describe: Describe) -> PendingEvent:
    found = describe(fingerprint)
    severity = one.triggered or one.severity
    return _event(state, fingerprint, IncidentAction.RESOLVE, severity, one.since, found.ends, found)


# --- what is no fingerprint -------------------------------------------------------------------------------------------


def failing_since(state: AlertState, failed: Deployment) -> datetime:
    """Since when deployments of the endpoint fail: from the first one after the last that was verified."""
    return state.failed_deployment.since if state.failed_deployment else failed.requested_at


def trigger_deployment(state: AlertState, message: AlertMessage, failed: Deployment) -> AlertState:
    """Open the incident of a failed deployment; another failure before it ends belongs to the same incident."""
    since, details = failing_since(state, failed), _of_message(message)
    episode = Episode(since=since, severity=Severity.CRITICAL, package_version=failed.package_version)
    trigger = IncidentAction.TRIGGER
    event = _event(state, FAILED_DEPLOYMENT, trigger, episode.severity, episode.since, details.begins, details)
    return _with_events(replace(state, failed_deployment=episode), [event])


def resolve_deployment(state: AlertState, message: AlertMessage | None = None) -> AlertState:
    """Close the incident of a failed deployment, if one is open; `message` says how it ended."""
    episode = state.failed_deployment
    if episode is None:
        return state
    ends = f"version {episode.package_version} could not be deployed: no alert about it is open any more"
    details = _of_message(message) if message else Details("", ends, AlertKind.DEPLOYMENT)
    resolve = IncidentAction.RESOLVE
    event = _event(state, FAILED_DEPLOYMENT, resolve, episode.severity, episode.since, details.ends, details)
    return _with_events(replace(state, failed_deployment=None), [event])


def inform(state: AlertState, message: AlertMessage) -> AlertState:
    """Enqueue the event of something that happened once, and is said in a message to people."""
    check, subject = (message.items[0].check, message.items[0].subject) if message.items else (str(message.kind), "")
    about, details = Fingerprint(check, message.alert_id), _of_message(message)
    event = _event(state, about, IncidentAction.INFORM, message.severity, None, details.begins, details)
    return _with_events(state, [replace(event, subject=subject or str(message.kind))])


def _of_message(message: AlertMessage) -> Details:
    return Details(
        begins=message.headline,
        ends=message.headline,
        kind=message.kind,
        alert_id=message.alert_id,
        cause=message.cause,
        package_version=message.package_version,
        window_start=message.window_start,
        window_end=message.window_end,
        folder=message.folder,
        job=message.job,
        source=message.source,
    )


# --- pending events ---------------------------------------------------------------------------------------------------


def _event(
    state: AlertState,
    fingerprint: Fingerprint,
    action: IncidentAction,
    severity: Severity,
    since: datetime | None,
    headline: str,
    details: Details,
) -> PendingEvent:
    check, subject = sanitize(fingerprint.check, 60) or "check", sanitize_name(fingerprint.subject, 100) or NAMELESS
    return PendingEvent(
        fingerprint=fingerprint_id(state.endpoint, state.variant, fingerprint),
        group="" if since is None else group_id(Fingerprint(check, subject)),
        action=action,
        severity=severity,
        kind=details.kind,
        check=check,
        subject=subject,
        since=since,
        headline=sanitize(headline, 400),
        alert_id=details.alert_id,
        cause=sanitize(details.cause, 400),
        package_version=sanitize(details.package_version, 100),
        window_start=details.window_start,
        window_end=details.window_end,
        folder=details.folder,
        job=details.job,
        source=details.source,
    )


def _with_events(state: AlertState, events: list[PendingEvent]) -> AlertState:
    if not events:
        return state
    room = max(0, MAX_PENDING_EVENTS - len(state.events))
    bare = (replace(event, subject="", headline="", cause="") for event in events[room:])
    return replace(state, events=(*state.events, *events[:room], *bare))


def _stamped(state: AlertState, now: datetime) -> AlertState:
    """The state whose new events bear the time of the decision, and an id."""
    if all(one.at is not None for one in state.events):
        return state
    return replace(state, events=tuple(_with_time(one, now) if one.at is None else one for one in state.events))


def _with_time(event: PendingEvent, now: datetime) -> PendingEvent:
    since = event.since or now
    facts = "\n".join((event.fingerprint, since.isoformat(), event.action, event.severity, now.isoformat()))
    return replace(event, since=since, at=now, event_id=hashlib.sha256(facts.encode()).hexdigest()[:16])


def lease(state: AlertState, now: datetime, limit: int = BATCH) -> tuple[AlertState, tuple[PendingEvent, ...]]:
    """Take a lease on the next events: the state with the leases, and the events, each with the sinks that get it now.

    A sink gets the events of one episode in their order: a resolve waits until its trigger was accepted, so that no
    trigger opens an incident that was resolved before. Those with the fewest attempts come first, so that an event
    that a sink refuses delays no other.
    """
    awaited: dict[tuple[str, datetime | None], set[Sink]] = {}
    free = []
    for event in state.events:
        before = awaited.setdefault((event.fingerprint, event.since), set())
        sinks = tuple(sink for sink in event.awaiting if sink not in before)
        before |= set(event.awaiting)
        if sinks and (event.leased_until is None or event.leased_until <= now):
            free.append(replace(event, awaiting=sinks))
    chosen = {event.event_id: event for event in sorted(free, key=lambda event: event.attempts)[:limit]}
    if not chosen:
        return state, ()
    until = now + LEASE_DURATION
    events = tuple(
        replace(one, leased_until=until, attempts=one.attempts + 1) if one.event_id in chosen else one
        for one in state.events
    )
    return replace(state, events=events), tuple(chosen.values())


def acknowledge(state: AlertState, accepted: Mapping[str, Collection[Sink]], refused: Mapping[str, str]) -> AlertState:
    """The state without what the sinks accepted, by event id; `refused` says why others did not."""
    events = []
    for one in state.events:
        left = tuple(sink for sink in one.awaiting if sink not in accepted.get(one.event_id, ()))
        if left:
            events.append(replace(one, awaiting=left, last_error=refused.get(one.event_id, one.last_error)))
    return replace(state, events=tuple(events)) if events or state.events else state

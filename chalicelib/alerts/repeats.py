"""Repetitions: an open alert that nobody ended or muted is sent again, once in an interval.

| alert                        | repeated                                                                      |
|------------------------------|-------------------------------------------------------------------------------|
| critical                     | every 24 hours, unless the endpoint says otherwise                            |
| warning                      | where the endpoint has an interval                                            |
| muted, pending               | never                                                                         |
| several of a variant         | in one message: those that are due, and those that are due within an hour     |
| for machines                 | no event: the incident is open, and stays so                                  |
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from chalicelib.alerts.message import message_id
from chalicelib.alerts.next_steps import MAX_ITEMS, Step, to_texts
from chalicelib.alerts.outbox import enqueue_rate_limited
from chalicelib.alerts.sanitize import sanitize, sanitize_name
from chalicelib.alerts.state import Muted, fingerprint_id
from chalicelib.alerts.wording import NAMELESS, and_more, counted, duration, open_alert
from chalicelib.constraints.measurement import Fingerprint, Severity
from chalicelib.constraints.severity_order import order
from chalicelib.records import (
    AlertItem,
    AlertKind,
    AlertMessage,
    AlertState,
    FindingState,
    FingerprintState,
    FingerprintStatus,
    FleetEntry,
    Incident,
    IncidentAction,
)

CRITICAL_INTERVAL = timedelta(hours=24)
TOGETHER = timedelta(hours=1)
OpenAlert = tuple[Fingerprint, FingerprintState]


def interval_of(entry: FleetEntry, severity: Severity) -> timedelta | None:
    """After which time an open alert of an endpoint is repeated; None: it is not.

    Examples
    --------
    >>> site = FleetEntry(endpoint="site")
    >>> interval_of(site, Severity.CRITICAL), interval_of(site, Severity.WARNING)
    (datetime.timedelta(days=1), None)
    >>> interval_of(replace(site, repeat_interval_hours=0), Severity.CRITICAL) is None
    True
    """
    if entry.repeat_interval_hours is None:
        return CRITICAL_INTERVAL if severity == Severity.CRITICAL else None
    return timedelta(hours=entry.repeat_interval_hours) or None


def due(state: AlertState, entry: FleetEntry, now: datetime) -> list[OpenAlert]:
    """The open alerts to repeat now, the worst first; none while none of them is due."""
    waiting = {
        fingerprint: (one.notified_at or one.since) + interval
        for fingerprint, one in state.fingerprints.items()
        if one.state == FingerprintStatus.FIRING and (interval := interval_of(entry, one.severity)) is not None
    }
    if not any(at <= now for at in waiting.values()):
        return []
    found = [(one, state.fingerprints[one]) for one, at in waiting.items() if at <= now + TOGETHER]
    return sorted(found, key=lambda alert: order(alert[1].severity, alert[0], None, None))


def repeat(
    state: AlertState, entry: FleetEntry, muted: Muted, reported: Mapping[str, AlertItem], now: datetime
) -> AlertState:
    """Enqueue one message that repeats what is due and not muted.

    Parameters
    ----------
    reported
        What the messages said that reported them, by fingerprint id; where that is not known, the name is said alone.
    """
    found = [(fingerprint, one) for fingerprint, one in due(state, entry, now) if not muted(fingerprint)]
    if not found:
        return state
    message = _message(state, entry, found, reported, now)
    state = with_notified(state, [fingerprint for fingerprint, _ in found], now)
    return enqueue_rate_limited(state, [message], entry.alerts_per_hour, now)


def with_notified(state: AlertState, fingerprints: Collection[Fingerprint], now: datetime) -> AlertState:
    """The state that knows that a message about these open alerts is enqueued."""
    changed = {
        one: replace(state.fingerprints[one], notified_at=now) for one in fingerprints if one in state.fingerprints
    }
    return replace(state, fingerprints={**state.fingerprints, **changed}) if changed else state


def _message(
    state: AlertState,
    entry: FleetEntry,
    found: list[OpenAlert],
    reported: Mapping[str, AlertItem],
    now: datetime,
) -> AlertMessage:
    items = tuple(_item(state, fingerprint, one, reported) for fingerprint, one in found[:MAX_ITEMS])
    rest = len(found) - len(items)
    tail = and_more(len(found) - 1)
    facts = (f"{fingerprint!s} {one.since} {one.notified_at}" for fingerprint, one in found)
    incidents = (_incident(state, fingerprint, one) for fingerprint, one in found[:MAX_ITEMS])
    return AlertMessage(
        alert_id=message_id(state.endpoint, state.variant, "repeat", *facts),
        kind=AlertKind.VIOLATIONS,
        severity=found[0][1].severity,
        endpoint=state.endpoint,
        variant=state.variant,
        headline=_headline(*found[0], now) + tail,
        headline_tail=tail,
        items=items,
        more={str(FindingState.CONTINUING): rest} if rest else {},
        since=min(one.since for _, one in found),
        what_to_do=to_texts(_steps(state.endpoint, entry, items, found[0][1].severity)),
        incidents=tuple(incidents),
    )


def _incident(state: AlertState, fingerprint: Fingerprint, one: FingerprintState) -> Incident:
    """The incident that is open: the same key as its trigger, and nothing to do for a machine."""
    number = fingerprint_id(state.endpoint, state.variant, fingerprint)
    return Incident(fingerprint=number, since=one.since, action=IncidentAction.INFORM)


def _headline(fingerprint: Fingerprint, one: FingerprintState, now: datetime) -> str:
    lasts = f", for {duration(now - one.since)} now"
    if one.headline:
        return one.headline + lasts
    return open_alert(fingerprint.check, fingerprint.subject, still=True) + lasts


def _item(
    state: AlertState, fingerprint: Fingerprint, one: FingerprintState, reported: Mapping[str, AlertItem]
) -> AlertItem:
    number = fingerprint_id(state.endpoint, state.variant, fingerprint)
    before = reported.get(number)
    return AlertItem(
        subject=sanitize_name(fingerprint.subject, 100) or NAMELESS,
        check=sanitize(fingerprint.check, 60) or "check",
        state=FindingState.CONTINUING,
        severity=one.severity,
        expected=before.expected if before else "",
        observed=before.observed if before else "",
        description="",
        since=one.since,
        fingerprint=number,
    )


def _steps(endpoint: str, entry: FleetEntry, items: tuple[AlertItem, ...], severity: Severity) -> list[Step]:
    target = items[0].fingerprint if len(items) == 1 else f"--endpoint {endpoint}"
    see = f"vedette alerts show {items[0].fingerprint}" if len(items) == 1 else f"vedette alerts list {endpoint}"
    interval = interval_of(entry, severity) or CRITICAL_INTERVAL
    every = counted(int(interval.total_seconds() // 3600), "hour")
    return [
        Step("See what is open:", see),
        Step(
            f"It is repeated every {every} until it ends. To stop that, mute it:",
            f"vedette alerts mute {target} --until 7d --reason WHY",
        ),
    ]

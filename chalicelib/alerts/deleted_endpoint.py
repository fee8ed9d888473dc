"""An endpoint that was deleted: its open alerts are closed, and nothing that is read of it later opens one.

| alert state                               | when the endpoint was deleted                                            |
|-------------------------------------------|--------------------------------------------------------------------------|
| of the endpoint                           | the condition "deleted", whose message lists the alerts that it closes   |
| of a variant                              | has no fingerprint and no slow drift any more: closed, not recovered     |
| ... a verdict on data from before         | no change                                                                |
| ... a verdict on data of a new endpoint   | a new episode                                                            |
| conditions of capture and of evaluation   | closed; none begins while the endpoint does not exist                    |
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from chalicelib.alerts.endpoint_notifications import DELETED, ENDPOINT_FAMILY, SILENT_WHILE_DELETED, sync_conditions
from chalicelib.alerts.incidents import resolve_deployment
from chalicelib.alerts.sanitize import sanitize, sanitize_name
from chalicelib.alerts.wording import counted, minute
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.constraints.severity_order import order
from chalicelib.records import AlertState, FingerprintState, FingerprintStatus

MAX_LISTED = 10
OPEN = {FingerprintStatus.FIRING, FingerprintStatus.MUTED}

OpenAlert = tuple[str, Fingerprint, FingerprintState]  # the variant, "" for the endpoint itself


def open_alerts(states: Iterable[AlertState]) -> list[OpenAlert]:
    """The alerts that are closed with an endpoint, the worst first."""
    found = [
        (state.variant, fingerprint, one)
        for state in states
        for fingerprint, one in state.fingerprints.items()
        if one.state in OPEN and (state.variant or fingerprint.check in SILENT_WHILE_DELETED)
    ]
    return sorted(found, key=lambda alert: (order(alert[2].severity, alert[1], None, None), alert[0]))


def report_deleted(state: AlertState, closed: Iterable[OpenAlert], next_step: str, now: datetime) -> AlertState:
    """Enqueue one message that the endpoint was deleted; it lasts until an endpoint of that name exists.

    Parameters
    ----------
    state
        The alert state of the endpoint itself.
    closed
        The alerts that are closed with it.
    next_step
        What Vedette does now, in words; "" for nothing.
    """
    known = list(closed)
    firing = sum(one.state == FingerprintStatus.FIRING for _, _, one in known)
    ends = {0: "", 1: ", and its open alert is closed"}.get(firing, f", and its {firing} open alerts are closed")
    facts = {"next": next_step} if next_step else {}
    for variant, fingerprint, one in known[:MAX_LISTED]:
        about = f"{sanitize_name(fingerprint.subject, 100)}: {sanitize(fingerprint.check, 60)}"
        name = f"{about} ({sanitize(variant, 63)})" if variant else about
        facts[name] = f"{one.state} since {minute(one.since)} UTC; closed, since the endpoint was deleted"
    if len(known) > MAX_LISTED:
        facts["more"] = f"{counted(len(known) - MAX_LISTED, 'closed alert')} not listed here"
    quiet = {f: one for f, one in state.fingerprints.items() if f.check not in SILENT_WHILE_DELETED}
    sentence = {DELETED.subject: f"the endpoint was deleted{ends}"}
    state = resolve_deployment(replace(state, fingerprints=quiet))
    return sync_conditions(state, ENDPOINT_FAMILY, sentence, now, facts)


def close(state: AlertState, deleted_at: datetime) -> AlertState:
    """The alert state of a variant without its alerts; the same state when it was closed before."""
    if state.endpoint_deleted_at is not None and state.endpoint_deleted_at >= deleted_at:
        return state
    return replace(state, fingerprints={}, slow_drift={}, slow_drift_due=None, endpoint_deleted_at=deleted_at)

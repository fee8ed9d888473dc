"""An alert in three sentences: what is wrong, since when, and what it began with.

The mail, the page and the terminal print these, so that one incident has one story.

| in the message        | in the sentences                                       |
|-----------------------|--------------------------------------------------------|
| a headline            | with a capital, unless it begins with a name           |
| a severity and `since`| "Critical since 2026-03-02 12:00 UTC."                 |
| ... information       | "Since 2026-03-02 12:00 UTC."                          |
| a recovery            | "Recovered; it began 2026-03-02 12:00 UTC."            |
| a cause               | as it is                                               |
| no `since`            | nothing: it is about no data                           |
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.alerts.wording import capitalized, minute
from chalicelib.constraints.measurement import Severity
from chalicelib.constraints.severity_order import RANKS, State
from chalicelib.records import AlertKind, AlertMessage

LABELS = {AlertKind.RECOVERED: "recovered", AlertKind.TEST: "test", AlertKind.DIGEST: "digest"}


def label(alert: AlertMessage) -> str:
    """The word in brackets of a subject: the severity, `recovered`, `test` or `digest`."""
    return LABELS.get(alert.kind, alert.severity)


def place(alert: AlertMessage) -> str:
    """What a message is about: its transform job or its endpoint; of a message of a team, the team."""
    return alert.job or alert.endpoint or alert.team or "all endpoints"


def headline(alert: AlertMessage) -> str:
    """The headline as a sentence."""
    names = [alert.endpoint, *(item.subject for item in alert.items)]
    return capitalized(alert.headline, names) + "."


def since(alert: AlertMessage) -> str:
    """Severity, since when, and the cause, in sentences; "" for an alert about no data.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from chalicelib.constraints.measurement import Severity
    >>> since(AlertMessage(alert_id="x", kind=AlertKind.VIOLATIONS, severity=Severity.CRITICAL, endpoint="e",
    ...     variant="v", headline="b is", items=(), since=datetime(2026, 3, 2, 12, tzinfo=UTC), cause="It rained."))
    'Critical since 2026-03-02 12:00 UTC. It rained.'
    """
    if alert.since is None:
        return alert.cause
    began = "Recovered; it began" if alert.kind == AlertKind.RECOVERED else severity_since(alert.severity)
    return f"{began} {minute(alert.since)} UTC. {alert.cause}".rstrip()


def severity_since(severity: Severity) -> str:
    """How the sentence about the beginning of something of this severity starts.

    Examples
    --------
    >>> severity_since(Severity.CRITICAL), severity_since(Severity.INFORMATION)
    ('Critical since', 'Since')
    """
    return "Since" if severity == Severity.INFORMATION else f"{severity.capitalize()} since"


def whole(alert: AlertMessage) -> str:
    """All of it."""
    return f"{headline(alert)} {since(alert)}".rstrip()


def main_alert(alerts: Iterable[AlertMessage]) -> AlertMessage | None:
    """The alert that an execution is headed with, of several: the worst that is not a recovery; None without one."""
    return min(alerts, key=_order, default=None)


def _order(alert: AlertMessage) -> tuple[bool, bool, int, str]:
    recovered, slow = alert.kind == AlertKind.RECOVERED, alert.kind == AlertKind.SLOW_DRIFT
    return recovered, slow, RANKS[State(alert.severity)], alert.alert_id

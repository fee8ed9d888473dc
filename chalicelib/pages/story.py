"""The head of a page: what is wrong, since when, and what it began with. An alert puts its own there.

| the page of                            | its head                                                              |
|----------------------------------------|-----------------------------------------------------------------------|
| an execution without an alert          | its verdict, since when, and the cause by the rule of `alerts.cause`  |
| one with an alert                      | the headline, severity, since-when and cause of that alert            |
| one with several alerts                | of the worst that is not a recovery                                   |

The head stands between two marks, so that an alert replaces it in the stored page. The marks cannot occur elsewhere:
a page escapes every text that it shows.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.alerts import email_text
from chalicelib.alerts.wording import capitalized, minute
from chalicelib.constraints.measurement import Severity
from chalicelib.pages import html
from chalicelib.records import AlertKind, AlertMessage

_BEGIN, _END = b"<!--story-->", b"<!--/story-->"
_SEVERITIES = list(Severity)


def main_alert(alerts: Iterable[AlertMessage]) -> AlertMessage | None:
    """The alert of an execution that its page is headed with; None without one."""
    return min(alerts, key=_order, default=None)


def _order(alert: AlertMessage) -> tuple[bool, bool, int, str]:
    recovered, slow = alert.kind == AlertKind.RECOVERED, alert.kind == AlertKind.SLOW_DRIFT
    return recovered, slow, -_SEVERITIES.index(alert.severity), alert.alert_id


def headline(alert: AlertMessage) -> str:
    """The headline of an alert as a sentence: as the mail begins."""
    names = [alert.endpoint, *(item.subject for item in alert.items)]
    return capitalized(alert.headline, names) + "."


def since(alert: AlertMessage) -> str:
    """Severity, since when, and the cause of an alert, in sentences.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> since(AlertMessage(alert_id="x", kind=AlertKind.VIOLATIONS, severity=Severity.CRITICAL, endpoint="e",
    ...     variant="v", headline="b is", items=(), since=datetime(2026, 3, 2, 12, tzinfo=UTC), cause="It rained."))
    'Critical since 2026-03-02 12:00 UTC. It rained.'
    """
    label = email_text.label(alert).capitalize()
    began = f"{label}; it began {minute(alert.since)} UTC." if alert.since and alert.kind == AlertKind.RECOVERED else ""
    if alert.since is not None and not began:
        began = f"{label} since {minute(alert.since)} UTC."
    return " ".join(filter(None, (began or f"{label}.", alert.cause)))


def has_story(page: bytes) -> bool:
    """Whether the head of a page can be replaced: not in pages of earlier versions."""
    return _BEGIN in page and _END in page


def with_alert(page: bytes, alert: AlertMessage) -> bytes:
    """The page headed with an alert; pages of earlier versions stay as they are."""
    if not has_story(page):
        return page
    before, _, rest = page.partition(_BEGIN)
    return before + html.rendered("story.html", sentence=headline(alert), since=since(alert)) + rest.partition(_END)[2]

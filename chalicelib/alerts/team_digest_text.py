"""The daily digest of a team as a mail: a section for each kind of what is open, and one for what has ended."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import fill

from chalicelib.alerts.wording import minute
from chalicelib.constraints import check_types
from chalicelib.constraints.measurement import Severity
from chalicelib.records import AlertItem, AlertMessage, FindingState

WIDTH = 72
SILENT, FAILED, ENDED = "Not monitored", "Failed deployments", "Ended since the last digest"
DEPLOYMENT = "deployment"
# Checks of the data, and families of conditions (`endpoint_notifications`): while one is open, nothing is evaluated.
SILENT_CHECKS = {
    check_types.NO_DATA,
    check_types.CAPTURE_STOPPED,
    check_types.MONITOR_FAILED,
    check_types.LABELS_STOPPED,
    check_types.JOB_FAILED,
    "capture",
    "monitoring",
    "endpoint",
}
_HEADINGS = {Severity.CRITICAL: "Critical", Severity.WARNING: "Warning", Severity.INFORMATION: "Information"}
HEADINGS = (FAILED, *_HEADINGS.values(), SILENT, ENDED)


def sections(message: AlertMessage) -> list[str]:
    """The sections that have something, in the order of HEADINGS; each with its lines."""
    blocks = []
    for heading in HEADINGS:
        found = [item for item in message.items if heading_of(item) == heading]
        if found:
            blocks.append("\n".join([heading, *map(_line, found)]))
    more = sum(message.more.values())
    return [*blocks, f"And {more:,} more, which are not listed."] if more else blocks


def heading_of(item: AlertItem) -> str:
    """The heading under which an alert is listed."""
    if item.state == FindingState.RECOVERED:
        return ENDED
    if item.check == DEPLOYMENT:
        return FAILED
    return SILENT if item.check in SILENT_CHECKS else _HEADINGS[item.severity]


def _line(item: AlertItem) -> str:
    when = f"since {minute(item.since)} UTC" if item.since else ""
    if item.until is not None and item.since is not None:
        when = f"{minute(item.since)} to {minute(item.until)} UTC"
    words = ", ".join(_words([item.endpoint, item.observed, f"{item.subject}: {item.check}", when]))
    return fill(words, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _words(words: Iterable[str]) -> list[str]:
    return [word for word in words if word]

"""The event of an incident as machines get it: the detail of "Vedette Alert" on the event bus, and an SNS message.

| severity    | kind                                             | PagerDuty's | Jira's priority |
|-------------|--------------------------------------------------|-------------|-----------------|
| critical    |                                                  | critical    | P1              |
| warning     | capture stopped, monitor failed, labels stopped, | error       | P2              |
|             | endpoint gone: nothing is evaluated              |             |                 |
| warning     | others                                           | warning     | P3              |
| information |                                                  | info        | P5              |

A resolve has the severity of what ended, so that a rule for a severity gets both ends of an incident.
"""

from __future__ import annotations

from chalicelib.alerts.incidents import dedup_key, group_key
from chalicelib.alerts.sns_payload import Installation, links_of
from chalicelib.constraints.measurement import Severity
from chalicelib.records import AlertEvent, AlertKind, AlertState, IncidentAction, PagerDutySeverity, PendingEvent

MAX_TITLE_CHARS = 130  # of an alert's message in Jira Service Management (formerly Opsgenie)
LABELS = {IncidentAction.RESOLVE: "resolved"}
NO_TEXT = {
    IncidentAction.TRIGGER: "an alert began",
    IncidentAction.RESOLVE: "an alert ended",
    IncidentAction.INFORM: "for your information",
}
BROKEN = {
    AlertKind.CAPTURE_STOPPED,
    AlertKind.MONITOR_FAILED,
    AlertKind.LABELS_STOPPED,
    AlertKind.ENDPOINT_GONE,
}
_PRIORITIES = {
    PagerDutySeverity.CRITICAL: "P1",
    PagerDutySeverity.ERROR: "P2",
    PagerDutySeverity.WARNING: "P3",
    PagerDutySeverity.INFO: "P5",
}


def pagerduty_severity(severity: Severity, kind: AlertKind) -> PagerDutySeverity:
    """The severity in PagerDuty's words.

    Examples
    --------
    >>> str(pagerduty_severity(Severity.WARNING, AlertKind.MONITOR_FAILED))
    'error'
    """
    if severity == Severity.CRITICAL:
        return PagerDutySeverity.CRITICAL
    if severity == Severity.INFORMATION:
        return PagerDutySeverity.INFO
    return PagerDutySeverity.ERROR if kind in BROKEN else PagerDutySeverity.WARNING


def machine_event(
    pending: PendingEvent, state: AlertState, team: str, installation: Installation, runbook_url: str = ""
) -> AlertEvent:
    """A pending event of an alert state as it is sent."""
    assert pending.at is not None and pending.since is not None  # noqa: S101, PT018 - set with the decision
    severity = pagerduty_severity(pending.severity, pending.kind)
    headline = pending.headline or NO_TEXT[pending.action]
    label = LABELS.get(pending.action, pending.severity)
    links = links_of(state.endpoint, pending.folder, pending.source, installation, pending.job)
    return AlertEvent(
        event_id=pending.event_id,
        dedup_key=dedup_key(installation.stage, state.endpoint, state.variant, pending.fingerprint, pending.since),
        action=pending.action,
        severity=pending.severity,
        pagerduty_severity=severity,
        priority=_PRIORITIES[severity],
        kind=pending.kind,
        check=pending.check,
        subject=pending.subject,
        title=_cut(f"[{label}] {pending.job or state.endpoint}: {headline}", MAX_TITLE_CHARS),
        headline=headline,
        endpoint=state.endpoint,
        variant=state.variant,
        team=team,
        stage=installation.stage,
        account=installation.account,
        region=installation.region,
        package_version=pending.package_version,
        since=pending.since,
        at=pending.at,
        alert_id=pending.alert_id,
        cause=pending.cause,
        runbook_url=runbook_url,
        window_start=pending.window_start,
        window_end=pending.window_end,
        job=pending.job,
        group_key=group_key(installation.stage, team, pending.group) if pending.group else "",
        report_url=links.get("report") or links.get("job") or links.get("endpoint") or links.get("records", ""),
        links=links,
    )


def attributes(event: AlertEvent) -> dict[str, str | list[str]]:
    """The message attributes of an event on the incidents topic, for filter policies; one value each."""
    found: dict[str, str | list[str]] = {
        "dedup_key": event.dedup_key,
        "action": event.action,
        "severity": event.severity,
        "endpoint": event.endpoint,
        "check": event.check,
        "team": event.team,
        "kind": event.kind,
    }
    return {name: value for name, value in found.items() if value}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"

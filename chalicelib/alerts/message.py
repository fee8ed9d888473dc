"""One message for one evaluation, as data: what began, what continues, what recovered, and what a person can do next.

| input                                    | message                                                              |
|------------------------------------------|----------------------------------------------------------------------|
| new violations                           | kind "violations": the worst in one sentence, then every finding     |
| only recoveries                          | kind "recovered"                                                     |
| NoData                                   | kind "no data", never mixed with violations                          |
| CaptureStopped                           | kind "capture stopped"                                               |
| MonitorFailed                            | kind "monitor failed"                                                |
| LabelsStopped                            | kind "labels stopped"                                                |
| JobFailed                                | kind "job failed"                                                    |
| an execution of a transform job          | names the job                                                        |
| messages beyond the hourly limit         | kind "held back": one summary, once the hour is over                 |
| a window that was evaluated before       | marked as late: its data arrived after that                          |
| the third alert of a finding in a day    | says that it recovers after a day without a violation                |
| more findings than fit                   | new ones first, the worst ten, and how many more there are           |
| hostile feature names, reasons, versions | one harmless line each (`sanitize`)                                  |

The message as a mail: `email_text`. The message as SNS gets it: `sns_payload`. Its sentences: `wording`, `next_steps`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from chalicelib.alerts.cause import Cause, cause_of, served_since
from chalicelib.alerts.flapping import is_flapping
from chalicelib.alerts.incidents import Describe, Details, describe_by_name
from chalicelib.alerts.next_steps import KINDS, MAX_ITEMS, NO_CAUSE, AlertContext, Step, next_steps, to_texts
from chalicelib.alerts.sanitize import sanitize, sanitize_name
from chalicelib.alerts.state import MISSING_DATA_FINGERPRINTS, Transition, fingerprint_id
from chalicelib.alerts.wording import NAMELESS, and_more, counted, duration, finding_sentence, minute, open_alert
from chalicelib.constraints import check_types
from chalicelib.constraints.measurement import Fingerprint, Measurement, Severity
from chalicelib.constraints.severity_order import worst, worst_first
from chalicelib.records import (
    AlertItem,
    AlertKind,
    AlertMessage,
    Execution,
    FindingState,
    Incident,
    IncidentAction,
    Suppressed,
)

FLAPPING = "after a day without a violation: this is its third alert within a day"
_KINDS = {
    MISSING_DATA_FINGERPRINTS[verdict]: kind for verdict, kind in KINDS.items() if verdict in MISSING_DATA_FINGERPRINTS
}
Findings = dict[FindingState, list[Measurement]]


def kind_of(fingerprint: Fingerprint) -> AlertKind:
    """The kind of the message that says that a fingerprint began to fire."""
    return _KINDS.get(fingerprint, AlertKind.VIOLATIONS)


def messages(transition: Transition, execution: Execution, context: AlertContext) -> tuple[AlertMessage, ...]:
    """The messages of a transition: none, one, or one more for each kind of missing data."""
    groups: dict[AlertKind, Findings] = {}
    for state in FindingState:
        for measurement in getattr(transition, state):
            group = groups.setdefault(kind_of(measurement.fingerprint), {})
            group.setdefault(state, []).append(measurement)
    return tuple(
        _message(kind, findings, transition, execution, context)
        for kind, findings in sorted(groups.items())
        if FindingState.NEW in findings or FindingState.RECOVERED in findings
    )


def _message(
    kind: AlertKind, findings: Findings, transition: Transition, execution: Execution, context: AlertContext
) -> AlertMessage:
    ordered = {state: worst_first(findings.get(state, ())) for state in FindingState}
    new, continuing, recovered = ordered.values()
    ours = execution.source == "vedette"
    ranked = [(state, measurement) for state, found in ordered.items() for measurement in found]
    items = tuple(_item(measurement, state, execution, transition) for state, measurement in ranked[:MAX_ITEMS])
    changed = sorted(f"{state}:{m.fingerprint!s}" for state, m in ranked if state != FindingState.CONTINUING)
    shown_kind = kind if new else AlertKind.RECOVERED
    main = new or recovered
    left_out = transition.left_out if shown_kind == AlertKind.VIOLATIONS else 0
    tail = and_more(len(main) - 1 + left_out)
    more = Counter(str(state) for state, _ in ranked[MAX_ITEMS:])
    if left_out:
        more[str(FindingState.NEW)] += left_out
    if not new and continuing:
        tail += f"; {counted(len(continuing), 'other violation')} not yet recovered"
    if transition.late:
        tail += ", in data that arrived late"
    headline = _sentence(main[0], execution, recovered=not new)
    if not new and not execution.job:  # of jobs, the time between them says nothing
        headline += _lasted(main[0], transition)
    cause = _cause(new, transition, execution, context)
    return AlertMessage(
        alert_id=message_id(execution.endpoint, execution.variant, kind, _execution_id(execution), *changed),
        kind=shown_kind,
        severity=worst(m.severity for m in new) if new else _severity_of_recovered(recovered, transition),
        endpoint=execution.endpoint,
        variant=execution.variant,
        headline=headline + tail,
        headline_tail=tail,
        items=items,
        more=dict(more),
        source=execution.source,
        package_version=sanitize(execution.package_version, 100),
        served_since=served_since(context.history, execution.package_version, execution.window_end),
        began_after_deployment=cause.is_after_deployment,
        since=min((transition.since[m.fingerprint] for m in main if m.fingerprint in transition.since), default=None),
        cause=cause.sentence,
        window_start=execution.window_start,
        window_end=execution.window_end,
        closed=execution.window_closed,
        late=transition.late,
        rows=execution.rows if ours else None,  # Model Monitor does not report it
        refused=sum(execution.rejected.values()) if ours else None,
        folder=execution.folder,
        job=execution.job,
        what_to_do=to_texts(next_steps(shown_kind, items, execution, context, len(continuing), cause)),
        incidents=tuple(_incidents(items)),
    )


def _sentence(measurement: Measurement, execution: Execution, *, recovered: bool = False) -> str:
    if execution.job and measurement.check == check_types.NO_DATA and not recovered:
        return "the transform job wrote no rows"
    return finding_sentence(measurement, execution.rows, recovered=recovered)


def _cause(new: list[Measurement], transition: Transition, execution: Execution, context: AlertContext) -> Cause:
    """What the worst new finding began with."""
    since = transition.since.get(new[0].fingerprint) if new else None
    if since is None:
        return NO_CAUSE
    return cause_of(new[0].fingerprint, since, execution, context.history, context.before())


def _lasted(measurement: Measurement, transition: Transition) -> str:
    """How long a finding lasted that has recovered."""
    since, until = (of.get(measurement.fingerprint) for of in (transition.since, transition.until))
    return f" after {duration(until - since)}" if since is not None and until is not None and until > since else ""


def _severity_of_recovered(recovered: list[Measurement], transition: Transition) -> Severity:
    """The worst severity of what recovered, so that a filter for a severity gets both ends of an alert."""
    known = transition.severities
    return worst(known.get(m.fingerprint, Severity.INFORMATION) for m in recovered)


def _incidents(items: Iterable[AlertItem]) -> Iterator[Incident]:
    actions = {FindingState.NEW: IncidentAction.TRIGGER, FindingState.RECOVERED: IncidentAction.RESOLVE}
    for item in items:
        if item.state in actions and item.since is not None:
            yield Incident(fingerprint=item.fingerprint, since=item.since, action=actions[item.state])


def describe_findings(transition: Transition, execution: Execution, sent: Collection[AlertMessage]) -> Describe:
    """What the events say about the findings of an execution; `sent` are its messages to people."""
    found = (transition.new, transition.continuing, transition.recovered, transition.muted, execution.measurements)
    measured = {m.fingerprint: m for measurements in reversed(found) for m in measurements}
    endpoint, variant = execution.endpoint, execution.variant

    def describe(fingerprint: Fingerprint) -> Details:
        kind, number = kind_of(fingerprint), fingerprint_id(endpoint, variant, fingerprint)
        details, about = describe_by_name(fingerprint), _message_about(kind, number, sent)
        measurement = measured.get(fingerprint)
        if measurement is not None:
            begins, ends = (_sentence(measurement, execution, recovered=over) for over in (False, True))
            details = replace(details, begins=begins, ends=ends)
        return replace(
            details,
            kind=kind,
            alert_id=about.alert_id if about else "",
            cause=about.cause if about else "",
            package_version=execution.package_version,
            window_start=execution.window_start,
            window_end=execution.window_end,
            folder=execution.folder,
            source=execution.source,
            job=execution.job,
        )

    return describe


def _message_about(kind: AlertKind, fingerprint: str, sent: Collection[AlertMessage]) -> AlertMessage | None:
    """The message that names a finding, or else counts it among those that it does not list."""
    named = [one for one in sent if any(item.fingerprint == fingerprint for item in one.items)]
    return next(iter([*named, *(one for one in sent if one.kind in {kind, AlertKind.RECOVERED})]), None)


def suppressed_summary(endpoint: str, variant: str, suppressed: Suppressed) -> AlertMessage:
    """One message in place of the suppressed ones."""
    count, since = counted(suppressed.count, "message"), minute(suppressed.since)
    worst_open = next((item for item in suppressed.items if item.state != FindingState.RECOVERED), None)
    tail = f"; the worst: {open_alert(worst_open.check, worst_open.subject)}" if worst_open else ""
    raise_limit = Step("If this many alerts are right, raise alerts_per_hour of the endpoint in fleet.toml.")
    return AlertMessage(
        alert_id=message_id(endpoint, variant, "held back", suppressed.since.isoformat(), suppressed.until.isoformat()),
        kind=AlertKind.SUPPRESSED,
        severity=suppressed.severity,
        endpoint=endpoint,
        variant=variant,
        headline=f"{count} suppressed since {since} UTC, because of the hourly limit{tail}",
        items=suppressed.items,
        more=suppressed.more,
        what_to_do=to_texts([Step("See the open alerts:", f"vedette alerts list {endpoint}"), raise_limit]),
    )


def _execution_id(execution: Execution) -> str:
    """Two executions never give one alert id: the next episode of a finding has an id of its own."""
    return f"{execution.window_end.isoformat()} {execution.folder}"


def message_id(*parts: str) -> str:
    """The id of a message: the same facts always have the same id, so that a second copy can be recognised."""
    return hashlib.sha256("\n".join(parts).encode(errors="backslashreplace")).hexdigest()[:16]


def _item(measurement: Measurement, state: FindingState, execution: Execution, transition: Transition) -> AlertItem:
    fingerprint = measurement.fingerprint
    severities = transition.severities if state == FindingState.RECOVERED else {}
    return AlertItem(
        subject=sanitize_name(measurement.feature, 100) or NAMELESS,
        check=sanitize(measurement.check, 60) or "check",
        state=state,
        severity=severities.get(fingerprint, measurement.severity),
        expected=sanitize(measurement.expected, 100, [measurement.feature]),
        observed=sanitize(measurement.observed, 100, [measurement.feature]),
        description=sanitize(measurement.description, 300, [measurement.feature]),
        value=measurement.value,
        threshold=measurement.threshold,
        since=transition.since.get(fingerprint),
        until=transition.until.get(fingerprint) if state == FindingState.RECOVERED else None,
        recovers=FLAPPING if state == FindingState.NEW and is_flapping(transition.after, fingerprint) else "",
        fingerprint=fingerprint_id(execution.endpoint, execution.variant, fingerprint),
    )

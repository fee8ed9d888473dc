"""One message for one verdict, as data: what began, what goes on, what recovered, and what a person can do next.

| input                                    | message                                                              |
|------------------------------------------|----------------------------------------------------------------------|
| new violations                           | kind "violations": what is wrong in one sentence, then every finding |
| recoveries alone                         | kind "recovered"                                                     |
| NoData                                   | kind "no data", never mixed with violations                          |
| CaptureStopped                           | kind "capture stopped"                                               |
| MonitorFailed                            | kind "monitor failed"                                                |
| messages beyond the hourly limit         | kind "held back", once they may be told                              |
| more findings than fit                   | the worst ten, what is new first, and how many more there are        |
| hostile feature names, reasons, versions | one sanitize line each (`text.sanitize`)                             |

How a message reads as a mail: `mail`. What SNS is given of it: `formats`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.alerts.sanitize import sanitize
from chalicelib.alerts.state import SEVERITIES, Transition, fingerprint, fingerprint_id, worst
from chalicelib.constraints import measurement as checks
from chalicelib.constraints.measurement import Measurement, rounded
from chalicelib.records import (
    AlertItem,
    AlertKind,
    AlertMessage,
    Deployment,
    Execution,
    FindingState,
    SuppressedMessages,
)

MAX_ITEMS = 10
NAMELESS = "(a feature without a name)"
POST_DEPLOYMENT_PERIOD = timedelta(
    days=1
)  # a violation that begins so soon after a deployment is named together with it
KINDS: Mapping[str, AlertKind] = {
    "no_data": "no data",
    "capture_stopped": "capture stopped",
    "monitor_failed": "monitor failed",
}
STATES: tuple[FindingState, ...] = ("new", "continuing", "recovered")
Findings = dict[FindingState, list[Measurement]]


@dataclass(frozen=True)
class AlertContext:
    """Where a person finds what a message speaks of, and since when its model version has served."""

    bucket: str
    deploys: bool = False  # Vedette deploys to this endpoint, so a person can roll back
    served_since: datetime | None = None


def served_since(history: Iterable[Deployment], version: str, at: datetime) -> datetime | None:
    """When a version was last verified before `at`; None when Vedette did not deploy it."""
    verified = (
        attempt.settled_at
        for attempt in history
        if attempt.state == "verified" and attempt.package_version == version and attempt.requested_at < at
        if attempt.settled_at is not None and not attempt.reason.startswith("adopted")
    )
    return max(verified, default=None)


def messages(transition: Transition, execution: Execution, where: AlertContext) -> tuple[AlertMessage, ...]:
    """The messages that a transition owes: none, one, or one more for each kind of silence."""
    if not transition.must_notify:
        return ()
    groups: dict[AlertKind, Findings] = {}
    told: Mapping[FindingState, tuple[Measurement, ...]] = {
        "new": transition.new,
        "continuing": transition.continuing,
        "recovered": transition.recovered,
    }
    for state, measurements in told.items():
        for measurement in measurements:
            group = groups.setdefault(KINDS.get(measurement.check, "violations"), {})
            group.setdefault(state, []).append(measurement)
    return tuple(
        _message(kind, findings, transition, execution, where)
        for kind, findings in sorted(groups.items())
        if findings.get("new") or findings.get("recovered")
    )


def _message(
    kind: AlertKind, findings: Findings, transition: Transition, execution: Execution, where: AlertContext
) -> AlertMessage:
    new, recovered = findings.get("new", []), findings.get("recovered", [])
    ours = execution.source == "vedette"
    ranked = [(state, measurement) for state in STATES for measurement in worst_first(findings.get(state, []))]
    items = tuple(_item(measurement, state, execution, transition) for state, measurement in ranked[:MAX_ITEMS])
    told_kind: AlertKind = kind if new else "recovered"
    goes_on = len(findings.get("continuing", []))
    return AlertMessage(
        alert_id=message_id(
            execution.endpoint,
            execution.variant,
            kind,
            execution.window_end.isoformat(),
            *sorted(f"{state}:{fingerprint(m)}" for state in ("new", "recovered") for m in findings.get(state, [])),
        ),
        kind=told_kind,
        severity=worst(*(m.severity for m in new)) if new else "information",
        endpoint=execution.endpoint,
        variant=execution.variant,
        headline=_headline(new, recovered, goes_on, execution.rows),
        items=items,
        more=dict(Counter(state for state, _ in ranked[MAX_ITEMS:])),
        package_version=sanitize(execution.package_version, 100),
        served_since=where.served_since,
        began_after_deployment=bool(new) and _is_fresh(where.served_since, new, transition),
        window_start=execution.window_start,
        window_end=execution.window_end,
        closed=execution.closed,
        rows=execution.rows if ours else None,  # Model Monitor does not say
        refused=sum(execution.refused.values()) if ours else None,
        folder=execution.folder,
        what_to_do=what_to_do(told_kind, items, execution, where, goes_on=goes_on),
    )


def _headline(new: list[Measurement], recovered: list[Measurement], goes_on: int, rows: int) -> str:
    main = new or recovered
    head = sentence(worst_first(main)[0], rows, recovered=not new)
    if len(main) > 1:
        head += f", and {len(main) - 1:,} more"
    if not new and goes_on:
        head += f"; {counted(goes_on, 'violation goes', 'violations go')} on"
    return head


def _is_fresh(served_since: datetime | None, new: list[Measurement], transition: Transition) -> bool:
    if served_since is None:
        return False
    begins = [transition.since[name] for name in map(fingerprint, new) if name in transition.since]
    # The window in which a version began to serve begins before it.
    return any(served_since - timedelta(hours=1) <= begin < served_since + POST_DEPLOYMENT_PERIOD for begin in begins)


def suppressed_summary(endpoint: str, variant: str, held: SuppressedMessages) -> AlertMessage:
    """What was held back, said in one message."""
    number = counted(held.count, "message was", "messages were")
    return AlertMessage(
        alert_id=message_id(endpoint, variant, "held back", held.since.isoformat(), held.until.isoformat()),
        kind="held back",
        severity=held.severity,
        endpoint=endpoint,
        variant=variant,
        headline=f"{number} held back since {held.since:%Y-%m-%d %H:%M} UTC, because there were too many",
        items=held.items,
        more=held.more,
        what_to_do=(
            f"See what fires now:\nvedette alerts list {endpoint}",
            "If so many are right, raise alerts_per_hour of the endpoint in fleet.toml.",
        ),
    )


def message_id(*parts: str) -> str:
    """The id of a message: the same facts always get the same id, so that a second copy can be recognised."""
    return hashlib.sha256("\n".join(parts).encode(errors="backslashreplace")).hexdigest()[:16]


def sentence(measurement: Measurement, rows: int, *, recovered: bool = False) -> str:
    """What a measurement found, in words that a person would use."""
    name = sanitize(measurement.feature, 60) or NAMELESS
    expected, observed = sanitize(measurement.expected, 60), sanitize(measurement.observed, 60)
    value, of_rows = measurement.value, counted(rows, "row", "rows")
    if recovered:
        return _recovery(measurement, name)
    match measurement.check:
        case "data_type_check" if value is not None:
            return f"{name} is not {expected} in {rounded(1 - value)} of {of_rows}"
        case "data_type_check":  # Model Monitor gives its sentence alone
            return f"{name} holds values of another type than the baseline"
        case "completeness_check" if value is not None:
            return f"{name} is missing in {rounded(1 - value)} of {of_rows}"
        case "completeness_check":
            return f"{name} is missing in more rows than the baseline allows"
        case "baseline_drift_check" if value is not None:
            return f"{name} has drifted: distance {value:.2f}, allowed {measurement.threshold}"
        case "baseline_drift_check":
            return f"{name} has drifted from the baseline"
        case "categorical_values_check":
            return f"{name} holds values that the baseline does not know" + (f" ({observed})" if observed else "")
        case checks.NON_NEGATIVE_CHECK if value is not None:
            return f"{name} is negative in {rounded(value)} of its numbers"
        case checks.RANGE_CHECK if value is not None:
            return f"{name} is out of its range ({expected}) in {rounded(value)} of its numbers"
        case checks.VOLUME_CHECK:
            return f"traffic is unusual: {observed}, expected {expected}"
        case "missing_column_check" | "extra_column_check":
            return f"rows have another number of columns than the baseline: {observed}, expected {expected}"
        case "no_data":
            return "nothing was captured in the last window"
        case "capture_stopped":
            return "the endpoint has traffic, but nothing is captured"
        case "monitor_failed":
            return f"the monitor could not judge: {observed}"
        case _:
            return f"{name} fails {sanitize(measurement.check, 60)}"


def _recovery(measurement: Measurement, name: str) -> str:
    match measurement.check:
        case "no_data" | "capture_stopped":
            return "data are captured again"
        case "monitor_failed":
            return "the monitor can judge again"
        case _:
            expected = sanitize(measurement.expected, 60)
            return f"{name} is as expected again" + (f" ({expected})" if expected else "")


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "row", "rows"), counted(1200, "row", "rows")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {one if number == 1 else many}"


def worst_first(measurements: Sequence[Measurement]) -> list[Measurement]:
    """By severity, then by how far a value is from what is allowed."""

    def badness(measurement: Measurement) -> tuple[int, float, str]:
        distance = 0.0
        if measurement.value is not None and measurement.threshold is not None:
            distance = -abs(measurement.value - measurement.threshold)
        return SEVERITIES.index(measurement.severity), distance, measurement.feature

    return sorted(measurements, key=badness)


def _item(measurement: Measurement, state: FindingState, execution: Execution, transition: Transition) -> AlertItem:
    name = fingerprint(measurement)
    return AlertItem(
        subject=sanitize(measurement.feature, 100) or NAMELESS,
        check=sanitize(measurement.check, 60) or "check",
        state=state,
        severity=measurement.severity,
        expected=sanitize(measurement.expected, 100),
        observed=sanitize(measurement.observed, 100),
        description=sanitize(measurement.description, 300),
        value=measurement.value,
        threshold=measurement.threshold,
        since=transition.since.get(name),
        fingerprint=fingerprint_id(execution.endpoint, execution.variant, name),
    )


def what_to_do(
    kind: AlertKind, items: Sequence[AlertItem], execution: Execution, where: AlertContext, *, goes_on: int = 0
) -> tuple[str, ...]:
    """What a person does next: a sentence each, the command in it, if any, on a line of its own."""
    endpoint, ours = execution.endpoint, execution.source == "vedette"
    report = f"s3://{where.bucket}/{execution.folder}" if ours else f"{execution.folder}/"
    mute = _mute(endpoint, items)
    match kind:
        case "recovered" if not goes_on:
            return (f"Nothing. What was judged lies at\n{report}",)
        case "no data":
            return (
                "If the endpoint should have traffic, see whether it is called (CloudWatch metric Invocations).",
                f"If it is called, see whether it captures:\nvedette capture status {endpoint}",
                mute,
            )
        case "capture stopped":
            return (
                f"See whether capture is on, and where it writes:\nvedette capture status {endpoint}",
                "If it is on, the endpoint's role may have lost s3:PutObject on the capture bucket, or its KMS key.",
                mute,
            )
        case "monitor failed":
            return (f"Read the reason above, and what was judged at\n{report}", mute)
    return (*(_our_steps(execution, where) if ours else _model_monitors(report)), mute)


def _our_steps(execution: Execution, where: AlertContext) -> tuple[str, ...]:
    endpoint = execution.endpoint
    window = f" --window {execution.window_start:%Y-%m-%dT%H:%M}" if execution.closed else ""
    back = f"If the model is at fault, go back to the version before:\nvedette rollback {endpoint} --reason WHY"
    accept = f"vedette constraints accept {endpoint}{window} --reason WHY"
    return (
        f"See all that was found:\nvedette show violations {endpoint}{window}",
        "If a client sends something wrong, tell its owner; the lines above say what.",
        *((back,) if where.deploys and execution.package_version.isdigit() else ()),
        f"Before you change a threshold, judge the last weeks anew:\nvedette replay {endpoint} --from 14d",
        f"If it shall be like this from now on, accept it as the rule:\n{accept}",
    )


def _model_monitors(report: str) -> tuple[str, ...]:
    return (
        f"See all that was found:\n{report}constraint_violations.json",
        "If a client sends something wrong, tell its owner; the lines above say what.",
        "If this is how it should be from now on, edit the constraints of the schedule.",
    )


def _mute(endpoint: str, items: Sequence[AlertItem]) -> str:
    live = [item for item in items if item.state != "recovered"]
    target = live[0].fingerprint if len(live) == 1 else f"--endpoint {endpoint}"
    return f"To hear nothing of it for a while:\nvedette alerts mute {target} --until 12h --reason WHY"

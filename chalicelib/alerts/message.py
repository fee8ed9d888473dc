"""The words: one message for one verdict, as a mail that a person can act on and as data for programs.

| input                                    | message                                                              |
|------------------------------------------|----------------------------------------------------------------------|
| new violations                           | kind "violations": what is wrong in one sentence, then every finding |
| recoveries alone                         | kind "recovered"                                                     |
| NoData, CaptureStopped                   | kind "no data", never mixed with violations                          |
| MonitorFailed                            | kind "monitor failed", never mixed either                            |
| more findings than fit                   | the worst ten of each state, and "and N more"                        |
| hostile feature names, reasons, versions | one harmless line each (`text.harmless`)                             |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from textwrap import fill
from typing import Literal

from chalicelib.alerts.state import Transition, fingerprint
from chalicelib.alerts.text import harmless, subject
from chalicelib.constraints.evaluation import Measurement, Severity
from chalicelib.records import AlertItem, AlertMessage, Execution, OutboxMessage, write

WIDTH = 72  # readable on a phone
MOST_FINDINGS = 10
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "information")
KINDS = {"no_data": "no data", "capture_stopped": "no data", "monitor_failed": "monitor failed"}
REJECT = "If the model is at fault, reject its version in the registry: Vedette serves the one before again."
HEADINGS = {"new": "New", "continuing": "Going on", "recovered": "Recovered"}
Kind = Literal["violations", "recovered", "no data", "monitor failed", "deployment"]
State = Literal["new", "continuing", "recovered"]


@dataclass(frozen=True)
class Whereabouts:
    """Where a person finds what a message speaks of."""

    bucket: str
    capture_uri: str
    deploys: bool = False  # Vedette deploys to this endpoint, so rejecting a version brings back the one before


def messages(transition: Transition, execution: Execution, where: Whereabouts) -> tuple[OutboxMessage, ...]:
    """The messages that a transition owes: none, one, or one more for silence."""
    if not transition.worth_telling:
        return ()
    groups: dict[str, dict[State, list[Measurement]]] = {}
    told: dict[State, tuple[Measurement, ...]] = {
        "new": transition.new,
        "continuing": transition.continuing,
        "recovered": transition.recovered,
    }
    for state, measurements in told.items():
        for measurement in measurements:
            group = groups.setdefault(KINDS.get(measurement.check, "violations"), {})
            group.setdefault(state, []).append(measurement)
    return tuple(
        _message(kind, findings, execution, where)
        for kind, findings in sorted(groups.items())
        if findings.get("new") or findings.get("recovered")
    )


def _message(
    kind: str, findings: dict[State, list[Measurement]], execution: Execution, where: Whereabouts
) -> OutboxMessage:
    new, recovered = findings.get("new", []), findings.get("recovered", [])
    main = new or recovered
    head = sentence(_worst_first(main)[0], execution.rows, recovered=not new)
    if len(main) > 1:
        head += f", and {len(main) - 1} more"
    if not new and findings.get("continuing"):
        head += f"; {_counted(len(findings['continuing']), 'violation goes', 'violations go')} on"
    alert_id = identity(
        execution.endpoint,
        execution.variant,
        kind,
        execution.window_end.isoformat(),
        *sorted(f"{state}:{fingerprint(m)}" for state in ("new", "recovered") for m in findings.get(state, [])),
    )
    told_kind: Kind = kind if new else "recovered"  # type: ignore[assignment]
    severity: Severity = min((m.severity for m in new), key=SEVERITIES.index) if new else "information"
    message = AlertMessage(
        alert_id=alert_id,
        kind=told_kind,
        severity=severity,
        endpoint=execution.endpoint,
        variant=execution.variant,
        headline=head,
        items=tuple(
            _item(measurement, state)
            for state, measurements in findings.items()
            for measurement in _worst_first(measurements)[:MOST_FINDINGS]
        ),
        package_version=execution.package_version,
        window_start=execution.window_start,
        window_end=execution.window_end,
        rows=execution.rows if execution.source == "vedette" else None,  # Model Monitor does not say
        refused=sum(execution.refused.values()),
        folder=execution.folder,
        closed=execution.closed,
        what_to_do=_what_to_do(told_kind, bool(findings.get("continuing")), execution, where),
    )
    hidden: dict[State, int] = {state: max(0, len(found) - MOST_FINDINGS) for state, found in findings.items()}
    return outgoing(message, hidden)


def outgoing(message: AlertMessage, hidden: dict[State, int] | None = None) -> OutboxMessage:
    """A message with its subject and its text."""
    label = "recovered" if message.kind == "recovered" else message.severity
    return OutboxMessage(
        alert_id=message.alert_id,
        subject=subject(f"[{label}] {message.endpoint}: {message.headline}"),
        text=_text(message, hidden or {}),
        message=message,
    )


def sns_message(owed: OutboxMessage) -> str:
    """The body of a Publish: people receive the text by e-mail, every other subscriber receives the data.

    At most 262,144 bytes with the attributes (aws-facts 5): the caps on every text of an item, at four bytes for each
    character, on both sides, keep it below 200,000.
    """
    per_protocol = {"default": write(owed.message).decode(), "email": owed.text}
    return json.dumps(per_protocol, ensure_ascii=False)


def identity(*parts: str) -> str:
    """The id of a message: the same facts always get the same id, so that a second copy can be recognised."""
    return hashlib.sha256("\n".join(parts).encode(errors="backslashreplace")).hexdigest()[:16]


def sentence(measurement: Measurement, rows: int, *, recovered: bool = False) -> str:
    """What a measurement found, in words that a person would use."""
    name, expected, observed = (
        harmless(text, 60) for text in (measurement.feature, measurement.expected, measurement.observed)
    )
    counted = f"{rows:,} row{'' if rows == 1 else 's'}"
    if recovered:
        return f"{name} is as expected again" + (f" ({expected})" if expected else "")
    match measurement.check:
        case "data_type_check" if measurement.value is not None:
            return f"{name} is not {expected} in {100 * (1 - measurement.value):.1f}% of {counted}"
        case "completeness_check" if measurement.value is not None:
            return f"{name} is missing in {100 * (1 - measurement.value):.1f}% of {counted}"
        case "baseline_drift_check" if measurement.value is not None:
            return f"{name} has drifted: distance {measurement.value:.2f}, allowed {measurement.threshold}"
        case "categorical_values_check":
            return f"{name} holds values that the baseline does not know ({observed})"
        case "missing_column_check" | "extra_column_check":
            return f"rows have another number of columns than the baseline: {observed}, expected {expected}"
        case "no_data":
            return "nothing was captured in the last window"
        case "capture_stopped":
            return "the endpoint has traffic, but nothing is captured"
        case "monitor_failed":
            return f"the monitor could not judge: {observed}"
        case _:
            return f"{name} fails {harmless(measurement.check, 60)}"


def _worst_first(measurements: Sequence[Measurement]) -> list[Measurement]:
    def badness(measurement: Measurement) -> tuple[int, float, str]:
        distance = 0.0
        if measurement.value is not None and measurement.threshold is not None:
            distance = -abs(measurement.value - measurement.threshold)
        return SEVERITIES.index(measurement.severity), distance, measurement.feature

    return sorted(measurements, key=badness)


def _item(measurement: Measurement, state: State) -> AlertItem:
    return AlertItem(
        subject=harmless(measurement.feature, 100),
        check=harmless(measurement.check, 60),
        state=state,
        severity=measurement.severity,
        expected=harmless(measurement.expected, 100),
        observed=harmless(measurement.observed, 100),
        description=harmless(measurement.description, 300),
    )


def _text(message: AlertMessage, hidden: dict[State, int]) -> str:
    blocks = [fill(_capital(message.headline) + ".", WIDTH), "\n".join(_facts(message))]
    if message.kind == "deployment":
        blocks += [fill(f"{_capital(item.subject)}: {item.observed.rstrip('.')}.", WIDTH) for item in message.items]
    for state, heading in HEADINGS.items():
        found = [item for item in message.items if item.state == state and message.kind != "deployment"]
        if found:
            more = hidden.get(state, 0)  # type: ignore[call-overload]
            blocks.append("\n".join([heading, *(_finding(item) for item in found), *_more(more)]))
    if message.what_to_do:
        steps = [_step(number, step) for number, step in enumerate(message.what_to_do, start=1)]
        blocks.append("\n".join(["What to do", *steps]))
    blocks.append(f"Alert {message.alert_id}, sent by Vedette.")
    return "\n\n".join(blocks) + "\n"


def _facts(message: AlertMessage) -> list[str]:
    named = message.variant if message.variant.startswith("schedule ") else f"variant {message.variant}"
    facts = [f"Endpoint  {message.endpoint}" + (f", {named}" if message.variant else "")]
    if message.package_version:
        version = harmless(message.package_version)
        known = message.package_version.isdigit()
        facts.append(f"Model     {f'version {version}' if known else 'not a version of the registry'}")
    if message.window_start is not None and message.window_end is not None and message.closed:
        facts.append(f"Window    {_time(message.window_start)} to {_time(message.window_end)} UTC")
    elif message.window_start is not None:
        facts.append(f"Captured  {_time(message.window_start)} UTC, one file of the hour that goes on")
    if message.rows is not None:
        unread = _counted(message.refused or 0, "line", "lines")
        facts.append(f"Rows      {message.rows:,} judged, {unread} could not be read")
    return facts


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _finding(item: AlertItem) -> str:
    lines = [
        fill(f"{item.subject}: {item.check} ({item.severity})", WIDTH, initial_indent="  ", subsequent_indent="  ")
    ]
    for name, value in (("expected", item.expected), ("observed", item.observed)):
        if value:
            lines.append(fill(f"{name}  {value}", WIDTH, initial_indent="    ", subsequent_indent=" " * 14))
    if item.description and item.state != "recovered":
        lines.append(fill(item.description, WIDTH, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(lines)


def _more(hidden: int) -> list[str]:
    return [f"  and {hidden} more; the report has them all"] if hidden else []


def _step(number: int, step: str) -> str:
    """A step; a command in it stays on a line of its own, whole, so that it can be copied."""
    words, _, command = step.partition("\n")
    text = fill(words, WIDTH, initial_indent=f"  {number}. ", subsequent_indent="     ")
    return f"{text}\n     {command}" if command else text


def _capital(text: str) -> str:
    """A sentence begins with a capital; a feature's name stays as it is."""
    words = ("the ", "nothing ", "rows ", "version ", "every ", "somebody ", "reason", "deployed", "verified")
    return text[0].upper() + text[1:] if text.startswith(words) else text


def _what_to_do(kind: Kind, goes_on: bool, execution: Execution, where: Whereabouts) -> tuple[str, ...]:
    endpoint = execution.endpoint
    captured = f"{where.capture_uri}/{endpoint}/{execution.variant}/{execution.window_start:%Y/%m/%d/%H}/"
    baseline = f"s3://{where.bucket}/baselines/{endpoint}/{execution.baseline}/"
    ours = execution.source == "vedette"
    report = f"s3://{where.bucket}/{execution.folder}" if ours else f"{execution.folder}/"
    if kind == "recovered" and not goes_on:
        return (f"Nothing. The report lies at\n{report}",)
    if kind == "no data":
        return (
            "If the endpoint should have traffic, see whether it is called (CloudWatch metric Invocations).",
            "If it is called, see whether it captures:\n"
            f"aws sagemaker describe-endpoint --endpoint-name {endpoint} --query DataCaptureConfig",
        )
    if kind == "monitor failed":
        return (f"Read the reason above and the report at\n{report}",)
    look = f"Look at the values that came in:\nvedette evaluate {captured} --baseline {baseline} --report report.html"
    edit = f"If this is how it should be from now on, edit the constraints:\n{baseline}constraints.json"
    return (
        *((look,) if ours else ()),
        "If the clients send something wrong, tell them: the sentences above say what.",
        *((edit,) if ours else ("If this is how it should be from now on, edit the constraints of the schedule.",)),
        *((REJECT,) if where.deploys and execution.package_version.isdigit() else ()),
        f"All that was found:\n{report}constraint_violations.json",
    )

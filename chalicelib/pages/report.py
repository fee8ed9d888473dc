"""The page of one execution: what is wrong and since when, then why, then what to do.

| what is known                                    | the page                                                          |
|--------------------------------------------------|-------------------------------------------------------------------|
| an execution and earlier windows                 | everything                                                        |
| files that were evaluated without an installation| the verdict and the features; no endpoint, no history, no commands|
| no statistics (no rows, Model Monitor's own run) | only the checks                                                   |
| an execution of model quality                    | its metrics as the features, and `quality_figures`                |
| names, reasons, notes, categories                | harmless text, see `features`                                     |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from chalicelib.alerts import email_text, story
from chalicelib.alerts.cause import Cause, cause_of
from chalicelib.alerts.next_steps import KINDS, NO_CAUSE, AlertContext, Step, next_steps
from chalicelib.alerts.sanitize import sanitize
from chalicelib.alerts.state import fingerprint_id
from chalicelib.alerts.wording import and_more, counted, duration, minute, period
from chalicelib.constraints.evaluation import Baseline, Evaluation
from chalicelib.constraints.measurement import Fingerprint, Measurement, Verdict
from chalicelib.constraints.severity_order import order_of
from chalicelib.pages import html
from chalicelib.pages.captured_hours import CapturedHours, captured_strip
from chalicelib.pages.features import Cards, Feature, Finding
from chalicelib.pages.history import WINDOWS, History, Since
from chalicelib.pages.labels import length, tone, verdict_sentence, version, window
from chalicelib.pages.not_evaluated import not_evaluated
from chalicelib.pages.quality_figures import QualityFigures
from chalicelib.records import AlertItem, AlertMessage, Deployment, Execution
from chalicelib.statistics.table import Table

MAX_OPEN_CARDS = 3  # open when the page loads
MAX_TOP_FINDINGS = 5  # listed at the top of the page
MAX_SOURCES = 5  # places of captures
MAX_CARDS = 1000  # the worst features: 5 MB, which a browser still opens at once


@dataclass(frozen=True)
class MonitoredExecution:
    """An execution of an endpoint with its context.

    `before` holds the executions of earlier windows of the same length, in any order; `drift` those of the longer
    windows that evaluate only drift, if the endpoint has them.
    """

    execution: Execution
    before: Sequence[Execution] = ()
    drift: Sequence[Execution] = ()
    served_since: datetime | None = None  # when the version was verified
    firing: Mapping[Fingerprint, datetime] = field(default_factory=dict)  # the first window of each open alert
    stage: str = ""
    bucket: str = ""
    deploys: bool = False  # Vedette deploys to this endpoint
    deployments: tuple[Deployment, ...] = ()  # also one that is in progress
    window_minutes: int = 60
    region: str = ""
    records: str = ""  # the s3 place of own records; "" of an endpoint
    alert: AlertMessage | None = None  # about this execution
    reported: AlertMessage | None = None  # the open alert about its worst violation, of an earlier execution


@dataclass(frozen=True)
class ReportContent:
    """The content of a page."""

    title: str
    evaluation: Evaluation
    requests: int | None  # captured requests; None of a plain table
    rejected: Mapping[str, int]  # reason -> lines that could not be read
    baseline: Baseline | None = None
    current: Table | None = None
    monitored: MonitoredExecution | None = None
    counted: bool = True  # False: `current` is from a statistics.json, which has no counts of types
    sources: Sequence[str] = ()  # the places of the captures
    captured: tuple[datetime, datetime] | None = None  # the first and the last inference
    baseline_place: str = ""
    hours: CapturedHours | None = None
    quality: QualityFigures | None = None  # of model quality, which has no baseline and no table


class Window(NamedTuple):
    """A window of the strip."""

    at: str
    verdict: str
    tone: str
    version: str
    violations: int
    is_new_version: bool


def execution_report(
    monitored: MonitoredExecution,
    baseline: Baseline | None,
    current: Table | None,
    *,
    counted: bool = True,
    quality: QualityFigures | None = None,
) -> bytes:
    """The page of a stored execution; for `counted` see `ReportContent`."""
    execution = monitored.execution
    evaluation = Evaluation(
        verdict=execution.verdict, rows=execution.rows, measurements=execution.measurements, notes=execution.notes
    )
    content = ReportContent(
        execution.job or f"{execution.endpoint}, {execution.variant}",
        evaluation,
        None if execution.job else execution.requests,
        execution.rejected,
        baseline,
        current,
        monitored,
        counted,
        quality=quality,
    )
    return report(content)


def report(content: ReportContent) -> bytes:
    """The page: one file in UTF-8 that loads nothing.

    Examples
    --------
    >>> page = report(ReportContent("<x>", Evaluation(verdict=Verdict.NO_DATA, rows=0), requests=0, rejected={}))
    >>> b"<x>" in page, b"&lt;x&gt;" in page
    (False, True)
    """
    evaluation, monitored = content.evaluation, content.monitored
    history, drift = _histories(monitored)
    apart = tuple(one for one in drift.latest.measurements if one.kind == "drift") if drift is not history else ()
    measurements = evaluation.measurements + apart
    histories = {"hard": history, "drift": drift}
    checks = {name: i for i, name in enumerate(sorted({m.check for m in measurements}))}
    cards = Cards(evaluation.rows, content.baseline, content.current, histories, checks, content.counted)
    features = cards.of(measurements)
    findings = [(i, finding) for i, feature in enumerate(features) for finding in feature.findings]
    findings.sort(key=lambda found: order_of(found[1][0]))
    cause = _cause(_main_finding(evaluation, findings), monitored)
    return html.rendered(
        "report.html",
        title=sanitize(content.title),
        verdict=evaluation.verdict,
        tone="poor"
        if evaluation.verdict == Verdict.OK and findings
        else tone(evaluation.verdict, evaluation.measurements),
        **_story(evaluation, findings, history, monitored, cause),
        drifted=_drifted(findings, drift) if apart else "",
        facts=_facts(content, history, drift if apart else None),
        findings=findings[:MAX_TOP_FINDINGS],
        more_findings=len(findings) - MAX_TOP_FINDINGS,
        steps=_steps(monitored, cause),
        notes=[sanitize(note, 300).rstrip(".") for note in evaluation.notes],
        not_evaluated=not_evaluated(features[:MAX_CARDS]),
        strip=captured_strip(content.hours) if content.hours is not None else None,
        timeline=_timeline(history),
        deployments=history.deployments,
        banded=any(line.banded for feature in features[:MAX_CARDS] for line in feature.lines),
        features=features[:MAX_CARDS],
        hidden=max(0, len(features) - MAX_CARDS),
        checks={sanitize(name, 60): i for name, i in checks.items()},
        opened=_opened(features),
        monitored=monitored,
        thresholds=_thresholds(content.baseline),
        quality=content.quality,
        short=_short,
    )


def _histories(monitored: MonitoredExecution | None) -> tuple[History, History]:
    """The windows of the verdict and of drift: the same, unless drift has windows of its own."""
    if monitored is None:
        none = History((), {})
        return none, none
    execution = monitored.execution
    history = History.ending_with(execution, monitored.before, monitored.firing)
    fresh = [one for one in monitored.drift if execution.window_end - one.window_end <= 2 * length(one)]
    if not fresh or any(one.kind == "drift" for one in execution.measurements):
        return history, history
    latest = max(fresh, key=lambda one: (one.window_start, one.revision))
    return history, History.ending_with(latest, monitored.drift, monitored.firing)


def _opened(features: Sequence[Feature]) -> int:
    """How many cards are open: the worst violated ones, or the first of a small page."""
    violated = sum(bool(feature.findings) for feature in features)
    return min(violated, MAX_OPEN_CARDS) or (1 if len(features) <= MAX_OPEN_CARDS else 0)


def _main_finding(evaluation: Evaluation, findings: Sequence[tuple[int, Finding]]) -> tuple[Measurement, Since] | None:
    """The violation that the headline names, and its beginning. Drift with windows of its own does not count."""
    own = {id(one) for one in evaluation.measurements}
    found = ((one, began) for _, (one, _, began) in findings if id(one) in own and began is not None)
    return next(found, None) if evaluation.verdict == Verdict.VIOLATIONS else None


def _story(
    evaluation: Evaluation,
    findings: Sequence[tuple[int, Finding]],
    history: History,
    monitored: MonitoredExecution | None,
    cause: Cause,
) -> dict[str, str]:
    """The head of the page: that of the alert about this execution, or the verdict and since when."""
    if monitored is not None and monitored.alert is not None:
        return {"sentence": story.headline(monitored.alert), "since": story.since(monitored.alert)}
    return {"sentence": verdict_sentence(evaluation), "since": _headline(evaluation, findings, history, cause)}


def _headline(evaluation: Evaluation, findings: Sequence[tuple[int, Finding]], history: History, cause: Cause) -> str:
    """Since when the headline is true, and the cause."""
    if evaluation.verdict == Verdict.VIOLATIONS:
        found = _main_finding(evaluation, findings)
        if found is None:
            return ""
        one, began = found
        since = story.severity_since(one.severity) + _short(began).removeprefix("Since")
        return f"{since}. {cause.sentence}".rstrip()
    return _short(history.verdict_since()) if evaluation.verdict != Verdict.OK and history.executions else ""


def _drifted(findings: Sequence[tuple[int, Finding]], drift: History) -> str:
    """The worst drift, where drift has windows of its own."""
    found = [text for _, (one, text, _) in findings if one.kind == "drift"]
    if not found:
        return ""
    return f"Drift, evaluated over {duration(length(drift.latest))}: {found[0]}{and_more(len(found) - 1)}."


def _cause(finding: tuple[Measurement, Since] | None, monitored: MonitoredExecution | None) -> Cause:
    """What a violation began with: in the words of its open alert, by the same rule."""
    if finding is None or monitored is None or finding[1].or_before:
        return NO_CAUSE
    measurement, since = finding
    before = (*monitored.before, *monitored.drift)
    found = cause_of(measurement.fingerprint, since.at, monitored.execution, monitored.deployments, before)
    reported = monitored.reported
    return replace(found, sentence=reported.cause) if reported is not None and reported.since == since.at else found


def _short(since: Since | None) -> str:
    """Since when, and for how many windows."""
    if since is None:
        return ""
    text = f"Since {minute(since.at)} UTC"
    if since.or_before:
        text += " or before" if since.windows >= WINDOWS else ", the first window known"
    return f"{text}, {since.windows} windows in a row" if since.windows > 1 else text


def _facts(content: ReportContent, history: History, drift: History | None) -> list[tuple[str, list[str]]]:
    """Names and values, a line each."""
    evaluation, monitored = content.evaluation, content.monitored
    facts: list[tuple[str, list[str]]] = []
    if monitored is not None:
        execution = monitored.execution
        if execution.source == "model monitor":
            return _facts_of_schedule(execution, content.current)
        facts += [
            *_subject(monitored, history),
            ("Window" if execution.window_closed else "Captured", [window(execution)]),
        ]
    if content.sources:
        more = len(content.sources) - MAX_SOURCES
        places = [sanitize(place) for place in content.sources[:MAX_SOURCES]]
        facts.append(("Source", [*places, *([f"and {more:,} more"] if more > 0 else [])]))
    if content.captured is not None:
        facts.append(("Captured", [period(*content.captured)]))
    if content.quality is not None:
        return [*facts, *content.quality.facts]
    captured = f" in {counted(content.requests, 'request')}" if content.requests is not None else ""
    facts.append(("Rows", [f"{counted(evaluation.rows, 'row')}{captured}"]))
    unread = [f"{counted(count, 'line')}: {sanitize(reason, 100)}" for reason, count in content.rejected.items()]
    facts.append(("Rejected", unread or ["0 lines"]))
    named = monitored.execution.baseline if monitored is not None else content.baseline_place
    if monitored is not None or content.baseline is not None:
        facts.append(("Baseline", [sanitize(named) or "none", *_baseline_size(content.baseline)]))
    if drift is not None:
        facts.append(("Drift evaluated", [window(drift.latest)]))
    return facts


def _subject(monitored: MonitoredExecution, history: History) -> list[tuple[str, list[str]]]:
    """What was evaluated: an endpoint's variant and its model, or a transform job."""
    execution = monitored.execution
    if execution.job:
        return [("Job", [sanitize(execution.job)]), ("Jobs of", [sanitize(execution.endpoint)])]
    return [
        ("Endpoint", [sanitize(execution.endpoint)]),
        ("Variant", [sanitize(execution.variant)]),
        ("Model", [_served(monitored, history)]),
    ]


def _baseline_size(baseline: Baseline | None) -> list[str]:
    """How many features and rows a baseline has."""
    if baseline is None:
        return []
    features = counted(len(baseline.constraints.features), "feature")
    statistics = baseline.statistics
    return [features if statistics is None else f"{features}, {counted(statistics.rows, 'row')}"]


def _facts_of_schedule(execution: Execution, current: Table | None) -> list[tuple[str, list[str]]]:
    """The facts in Model Monitor's files, which name no versions, requests or unreadable lines."""
    facts = [
        ("Endpoint", [sanitize(execution.endpoint)]),
        ("Evaluated by", [f"Model Monitor, {sanitize(execution.variant)}"]),
        ("Window", [window(execution)]),
    ]
    return [*facts, ("Rows", [counted(current.rows, "row")])] if current is not None else facts


def _served(monitored: MonitoredExecution, history: History) -> str:
    """The version, and since when it has served."""
    named = version(monitored.execution)
    if monitored.served_since is not None:
        return f"{named}, verified {minute(monitored.served_since)} UTC"
    began = history.deployments[-1] if history.deployments else 0
    known = " or before" if not began else ""
    return f"{named}, since {minute(history.executions[began].window_start)} UTC{known}"


def _steps(monitored: MonitoredExecution | None, cause: Cause) -> list[Step]:
    """The steps of the mail about this execution, or those that a mail about such a verdict has."""
    if monitored is None:
        return []
    if monitored.alert is not None:
        return email_text.steps(monitored.alert)
    kind = KINDS.get(monitored.execution.verdict)
    if kind is None:
        return []
    context = AlertContext(
        bucket=monitored.bucket,
        deploys=monitored.deploys,
        history=monitored.deployments,
        window_minutes=monitored.window_minutes,
        records=monitored.records,
    )
    steps = next_steps(kind, _open_items(monitored), monitored.execution, context, cause=cause)
    return [step.for_stage(monitored.stage, monitored.region) for step in steps]


def _open_items(monitored: MonitoredExecution) -> list[AlertItem]:
    """What the open alert lists of the violations of this execution, if it lists all of them."""
    execution = monitored.execution
    violated = {
        fingerprint_id(execution.endpoint, execution.variant, one.fingerprint)
        for one in execution.measurements
        if one.alertable
    }
    items = [one for one in (monitored.reported.items if monitored.reported else ()) if one.fingerprint in violated]
    return items if len(items) == len(violated) else []


def _timeline(history: History) -> list[Window]:
    """The windows of the strip, oldest first."""
    served = [version(one) for one in history.executions]
    return [
        Window(
            at=minute(one.window_start),
            verdict=one.verdict,
            tone=tone(one.verdict, one.measurements),
            version=served[i],
            violations=sum(m.violated for m in one.measurements),
            is_new_version=i in history.deployments,
        )
        for i, one in enumerate(history.executions)
    ]


def _thresholds(baseline: Baseline | None) -> list[tuple[str, str]]:
    """The thresholds of all features, unless a feature overrides them."""
    if baseline is None:
        return []
    config = baseline.constraints.monitoring()
    return [
        ("evaluate_constraints", "Enabled" if config.enabled else "Disabled"),
        ("datatype_check_threshold", f"{config.datatype_check_threshold:g}"),
        ("domain_content_threshold", f"{config.domain_content_threshold:g}"),
        ("perform_comparison", "Enabled" if config.perform_comparison else "Disabled"),
        ("comparison_threshold", f"{config.comparison_threshold:g}"),
        ("comparison_method", config.comparison_method),
        ("categorical_comparison_threshold", f"{config.categorical_comparison_threshold:g}"),
        ("categorical_drift_method", sanitize(config.categorical_drift_method, 60)),
    ]

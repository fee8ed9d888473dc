"""Evaluates captured data of one window against the baseline in force, and records the verdict once.

| window                                       | verdict, stored as one execution                                     |
|----------------------------------------------|----------------------------------------------------------------------|
| closed, with parts                           | of the sum of its parts                                              |
| ... in which two versions served             | of the hard checks alone, with a note "mixed: ..."; no drift         |
| ... whose stored verdict used the same parts | none                                                                 |
| ... with late parts                          | a new revision                                                       |
| closed, without parts                        | CaptureStopped when requests were made that must have been captured, |
|                                              | else NoData; none while objects wait to be summarized                |
| open                                         | when more is violated than in its last verdict                       |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from chalicelib import locations
from chalicelib.aws import cloudwatch
from chalicelib.constraints.evaluation import Evaluation
from chalicelib.constraints.measurement import Checks, Verdict
from chalicelib.constraints.missing_capture import evaluate_missing_capture, with_volume_check
from chalicelib.constraints.windows import evaluate_closed_window
from chalicelib.endpoint_run import EndpointRun, read_once
from chalicelib.records import Execution
from chalicelib.registry.versions import MIXED
from chalicelib.services import aggregation, capture_backlog, day_comparison, execution_recording, serving
from chalicelib.services.aggregation import WindowSum
from chalicelib.services.execution_recording import Evaluated
from chalicelib.stores.baselines import VersionedBaseline
from chalicelib.window import Window

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class EvaluationContext:
    """What all window evaluations of one endpoint share, read once."""

    run: EndpointRun
    baseline: VersionedBaseline

    @read_once
    def last_seen_version(self) -> str:
        """The version that the endpoint served when it was last looked at."""
        return serving.last_seen_version(self.run)

    def served(self, window: Window) -> tuple[str, ...]:
        """The versions that answered in a window: by the history, and where that ends, as last seen."""
        return serving.versions_in(self.run, window, lambda: self.last_seen_version)


def evaluate_window(
    context: EvaluationContext,
    variant: str,
    window: Window,
    keys: tuple[str, ...],
    checks: Checks,
    *,
    variant_exists: bool,
) -> Execution | None:
    """Evaluate a closed window; None when a stored verdict used the same parts, or there is nothing to evaluate.

    Parameters
    ----------
    keys
        The keys of the window's parts.
    variant_exists
        Whether the endpoint shows the variant now: only then is a window without parts a verdict at all. Before its
        first data a variant has none; one that never had any can only be CaptureStopped.

    Raises
    ------
    NotReady
        When the deadline would come before the parts are added up.
    """
    run = context.run
    if not keys and not variant_exists:
        return None
    latest = run.stores.executions.latest_of_window(run.endpoint, variant, window)
    if latest is not None and latest.used(keys):
        return _repair_missing_files(context, latest)
    if not keys:
        first = run.stores.parts.first_begun(run.endpoint, variant)
        before_first_data = first is not None and window.end <= first
        return None if before_first_data else _evaluate_empty(context, variant, window, checks, first is not None)
    added = aggregation.window_sum(run, variant, keys)
    versions, baseline = context.served(window), context.baseline.content
    version = versions[0] if len(versions) == 1 else MIXED
    day = None
    if checks != Checks.HARD and version != MIXED:
        day = day_comparison.compared_day(run, variant, window, added.summary, baseline, version)
    checks, evaluation = evaluate_closed_window(
        added.summary, baseline, checks, window.length, versions, run.entry.critical_features, day
    )
    revision = latest.revision + 1 if latest else 1
    return _recorded(context, variant, window, added, evaluation, version, checks, revision)


def _evaluate_empty(
    context: EvaluationContext, variant: str, window: Window, checks: Checks, had_data: bool
) -> Execution | None:
    """NoData or CaptureStopped; None when there are objects that only wait to be summarized."""
    run = context.run
    if capture_backlog.may_have_unprocessed(run, variant, window):
        return None
    requests = 0
    if run.entry.is_endpoint:  # CloudWatch counts no other requests
        requests = cloudwatch.invocations(run.endpoint, variant, window.start, window.end)
    evaluation = evaluate_missing_capture(requests, run.entry.capture_percentage)
    if checks == Checks.DRIFT and evaluation.verdict == Verdict.CAPTURE_STOPPED:
        return None  # the shorter windows report it
    if checks != Checks.DRIFT:
        evaluation = with_volume_check(evaluation, context.baseline.content.constraints, window.length / HOUR)
    if evaluation.verdict == Verdict.NO_DATA and not had_data:
        return None
    version = context.served(window)[-1]
    return _recorded(context, variant, window, WindowSum.empty(), evaluation, version, checks, 1)


def _recorded(
    context: EvaluationContext,
    variant: str,
    window: Window,
    added: WindowSum,
    evaluation: Evaluation,
    version: str,
    checks: Checks,
    revision: int,
) -> Execution | None:
    run = context.run
    evaluated = Evaluated(variant, window, added, evaluation, context.baseline)
    folder = locations.execution(run.endpoint, variant, window, version, revision)
    execution = execution_recording.execution_of(
        run, evaluated, folder, version, closed=True, revision=revision, checks=checks
    )
    return execution if execution_recording.record(run, execution, evaluated) else None


def evaluate_open_window(
    context: EvaluationContext, variant: str, window: Window, keys: tuple[str, ...]
) -> Execution | None:
    """Evaluate the parts that an open window has by now; None unless more is violated than in its last verdict.

    Raises
    ------
    NotReady
        When the deadline would come before the parts are added up.
    """
    run = context.run
    added = aggregation.window_sum(run, variant, keys)
    evaluation = execution_recording.hard_evaluation(run, added.summary, context.baseline.content)
    if not evaluation.alertable:
        return None
    latest = run.stores.executions.latest_of_open_window(run.endpoint, variant, window)
    known = (
        {(one.check, one.feature, one.severity) for one in latest.measurements if one.alertable} if latest else set()
    )
    found = {(one.check, one.feature, one.severity) for one in evaluation.alertable}
    if latest is not None and found <= known:
        return _repair_missing_files(context, latest)
    revision = latest.revision + 1 if latest else 1
    so_far = Window(window.start, run.now - window.start)
    evaluated = Evaluated(variant, so_far, added, evaluation, context.baseline)
    folder = locations.execution_of_open_window(run.endpoint, variant, window, revision)
    execution = execution_recording.execution_of(
        run, evaluated, folder, context.last_seen_version, closed=False, revision=revision
    )
    return execution if execution_recording.record(run, execution, evaluated) else None


def _repair_missing_files(context: EvaluationContext, execution: Execution) -> Execution | None:
    """Write the files of a record that a crash left without them; None when it has them, and nothing is new."""
    run = context.run
    if run.stores.executions.has_files(execution):
        return None
    summary = aggregation.execution_summary(run, execution)
    if summary is None:  # more parts have come since, so the next revision takes its place
        return None
    execution_recording.write_files(run, execution, summary, context.baseline.content)
    return execution

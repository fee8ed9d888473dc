"""Every few minutes, for each endpoint: evaluates the windows that have closed, and the open one.

| input                                          | outcome                                                             |
|------------------------------------------------|---------------------------------------------------------------------|
| an endpoint of the fleet                       | its newest closed windows are evaluated, stored, published          |
| ... and the window that is open                | its hard violations, once each                                      |
| five minutes of many parts                     | their roll-up, see `aggregation`                                    |
| a window evaluated before, from the same parts | nothing                                                             |
| an endpoint that is quiet, see `activity`      | nothing is listed, and SageMaker is not called                      |
| a window with late parts                       | a new revision                                                      |
| a window without parts                         | NoData, once the endpoint has had data; CaptureStopped with traffic |
| an endpoint without a baseline                 | notified once (not in mode observe)                                 |
| less than Deadline.WINDOW left                 | the other windows are left to the next run, and to the sweep        |

Which windows there are, and which checks run on each: `constraints.windows`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib import locations
from chalicelib.alerts import endpoint_notifications
from chalicelib.constraints.measurement import Checks
from chalicelib.constraints.windows import RECENTLY_CLOSED, checks_for_length, closed_windows
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import UnreadableFile
from chalicelib.observability import count
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.records import Execution, FleetEntry, Mode
from chalicelib.services import (
    activity,
    aggregation,
    alerting,
    capture_backlog,
    emf_metrics,
    execution_recording,
    serving,
    window_evaluation,
)
from chalicelib.services.window_evaluation import EvaluationContext
from chalicelib.window import Window, open_window

if TYPE_CHECKING:
    from chalicelib.services.quality_monitoring import EvaluatedDays

PartKeys = Callable[[str, Window], tuple[str, ...] | None]  # of a variant's window; None: not listed yet


@dataclass(frozen=True)
class EvaluatedWindows:
    """What became of the closed windows of an endpoint."""

    executions: tuple[Execution, ...] = ()
    remaining: int = 0  # windows that the deadline left to the next run
    open_violations: int = 0  # executions of the open window

    @property
    def unfinished(self) -> bool:
        """Whether windows are left."""
        return self.remaining > 0

    def summary(self) -> dict[str, Any]:
        """The answer of the function."""
        verdicts = [execution.verdict for execution in self.executions]
        return {"verdicts": verdicts, "remaining windows": self.remaining, "open": self.open_violations}


@dataclass(frozen=True)
class Monitored:
    """What became of the windows of an endpoint, and of its days of model quality."""

    windows: EvaluatedWindows | Skipped
    days: EvaluatedDays | Skipped

    @property
    def unfinished(self) -> bool:
        """Whether windows or days are left."""
        return self.windows.unfinished or self.days.unfinished

    def summary(self) -> dict[str, Any]:
        """The answer of the function."""
        return {**self.windows.summary(), "quality": self.days.summary()}


def evaluate_due_windows(run: EndpointRun) -> EvaluatedWindows | Skipped:
    """Evaluate the windows of one endpoint that have just closed, and the one that is open."""
    window, closed = open_window(run.entry.window_minutes, run.now), recently_closed(run)
    begin = min(window.start, aggregation.first_slot(run.now), *(one.start for one in closed))
    if not closed and activity.is_quiet_since(run, begin):
        return Skipped(
            SkipReason.QUIET, f"nothing was captured at {run.endpoint} lately, and no window has just closed"
        )
    parts = {
        variant: capture_backlog.part_keys(run, variant, Window(begin, run.now - begin))
        for variant in capture_backlog.known_variants(run)
    }
    for variant, keys in parts.items():
        aggregation.roll_up(run, variant, keys)

    def keys_in(variant: str, wanted: Window) -> tuple[str, ...] | None:
        if variant not in parts:
            return None
        return tuple(key for key in parts[variant] if wanted.contains(locations.part_begun(key)))

    due = {variant: in_window for variant in parts if (in_window := keys_in(variant, window))}
    if not closed and not due:
        return Skipped(SkipReason.NO_CLOSED_WINDOW, f"no window of {run.endpoint} has closed just now")
    context = evaluation_context(run)
    in_time = run.deadline.has_left(Deadline.WINDOW)
    found = _evaluate_open(context, window, due) if in_time and isinstance(context, EvaluationContext) else 0
    if not closed:
        return EvaluatedWindows(open_violations=found)
    evaluated = evaluate_closed(run, closed, context, parts, keys_in)
    return evaluated if isinstance(evaluated, Skipped) else replace(evaluated, open_violations=found)


def monitor(run: EndpointRun) -> EvaluatedWindows | Skipped | Monitored:
    """Evaluate what is due of one endpoint: windows of captured data, and days of model quality where it is set up.

    A transform job is evaluated when it has ended (`transform_monitoring`): it has no windows of the clock.
    """
    if run.entry.transform_jobs:
        return Skipped(SkipReason.EVALUATED_BY_JOB, f"{run.endpoint} names transform jobs")
    windows = evaluate_due_windows(run)
    if run.entry.quality is None:
        return windows
    from chalicelib.services import quality_monitoring  # few endpoints have labels

    return Monitored(windows, quality_monitoring.evaluate_due_days(run))


def recently_closed(run: EndpointRun, within: timedelta = RECENTLY_CLOSED) -> list[Window]:
    """The windows of an endpoint that have closed just now: of an hour, and of a day for drift."""
    entry = run.entry
    lengths = {entry.window_minutes, max(entry.window_minutes, entry.drift_window_minutes)}
    return [window for minutes in sorted(lengths) for window in closed_windows(minutes, run.now, 1, within=within)]


def evaluate_closed(
    run: EndpointRun,
    windows: Sequence[Window],
    context: EvaluationContext | Skipped,
    captured_variants: Collection[str],
    keys_in: PartKeys,
) -> EvaluatedWindows | Skipped:
    """Evaluate closed windows of an endpoint; the sweep does the same, with a longer look back.

    Skipped when no baseline can be used; a person is notified of that, unless the endpoint is in mode observe.
    """
    shown = serving.shown(run)
    variants = sorted({*captured_variants, *shown.variants})
    executions: list[Execution] = []
    remaining: list[tuple[str, Window]] = []
    if isinstance(context, EvaluationContext):
        remaining = [(variant, window) for variant in variants for window in windows]
        while remaining and run.deadline.has_left(Deadline.WINDOW):
            variant, window = remaining.pop(0)
            execution = _evaluate(
                context,
                variant,
                window,
                keys_in(variant, window),
                variant_exists=shown.existed(variant, window),
            )
            if execution is not None:
                execution_recording.publish(execution)
                emf_metrics.emit(execution, run.entry)
                executions.append(execution)
        if remaining:
            count("WindowsLeft", len(remaining))
    report_missing_baseline(run, context, has_data=bool(variants))
    return context if isinstance(context, Skipped) else EvaluatedWindows(tuple(executions), len(remaining))


def report_missing_baseline(run: EndpointRun, context: EvaluationContext | Skipped | None, *, has_data: bool) -> None:
    """Raise a condition while there is data and no baseline can be used; not in mode observe."""
    if run.entry.mode != Mode.OBSERVE:
        missing = {context.reason.value: context.detail} if isinstance(context, Skipped) and has_data else {}
        sync = partial(endpoint_notifications.sync_conditions, family="monitoring", conditions=missing, now=run.now)
        alerting.sync(run, sync)


def evaluation_context(run: EndpointRun) -> EvaluationContext | Skipped:
    """What the window evaluations of an endpoint share; skipped when no baseline can be used."""
    try:
        baseline = run.stores.baselines.get_in_force(run.endpoint)
    except UnreadableFile as error:
        return Skipped(SkipReason.BASELINE_UNREADABLE, f"nothing is evaluated: {error}")
    if baseline is None and run.entry.transform_jobs:
        return Skipped(SkipReason.NO_BASELINE_OF_JOBS, "the jobs have no baseline, so their outputs are not evaluated")
    if baseline is None:
        return Skipped(SkipReason.NO_BASELINE, "the endpoint has no baseline, so its captured data is not evaluated")
    return EvaluationContext(run, baseline)


def checks_of(entry: FleetEntry, window: Window) -> Checks:
    """The checks that run on a closed window of an endpoint, by its length."""
    return checks_for_length(entry.window_minutes, entry.drift_window_minutes, window.length)


def _evaluate(
    context: EvaluationContext, variant: str, window: Window, keys: tuple[str, ...] | None, *, variant_exists: bool
) -> Execution | None:
    run = context.run
    if keys is None:
        keys = run.stores.parts.keys(run.endpoint, variant, window.start, window.end)
    return window_evaluation.evaluate_window(
        context, variant, window, keys, checks_of(run.entry, window), variant_exists=variant_exists
    )


def _evaluate_open(context: EvaluationContext, window: Window, parts: dict[str, tuple[str, ...]]) -> int:
    """Evaluate the open window; how many executions that gave. A missing baseline is notified when a window closes."""
    found = 0
    for variant, keys in parts.items():
        execution = window_evaluation.evaluate_open_window(context, variant, window, keys)
        if execution is not None:
            execution_recording.publish(execution)
            found += 1
    return found

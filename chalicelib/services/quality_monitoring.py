"""Every few minutes, for each endpoint with a quality table: evaluates the days of predictions whose labels are ripe.

| a look at a day (`quality.ripeness`)              | outcome                                                        |
|---------------------------------------------------|----------------------------------------------------------------|
| due since the last run                            | predictions and labels are joined; stored, published           |
| made before, with the same predictions and labels | nothing; what a crash left out is written                      |
| made before, and more has come late               | a new revision                                                 |
| the first, and the final one was made             | nothing                                                        |
| a day without predictions                         | nothing                                                        |
| an endpoint without a baseline of model quality   | nothing is evaluated until there is one; notified once (not in |
|                                                   | mode observe)                                                  |
| less than Deadline.QUALITY_DAY left               | the other looks are left to the next run                       |

The checkpoint says up to which moment the looks were made. To lose it, or to crash before it is written, costs only
that looks are made again, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Any

from chalicelib import locations, records
from chalicelib.alerts import endpoint_notifications
from chalicelib.constraints.evaluation import Evaluation
from chalicelib.constraints.measurement import Checks
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, read_once
from chalicelib.errors import UnreadableFile
from chalicelib.observability import count
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.quality.constraints import file_violations
from chalicelib.quality.coverage import groups
from chalicelib.quality.evaluation import LabelHistory, evaluate_quality
from chalicelib.quality.files import QualityBaseline, quality_statistics, write_statistics, write_violations
from chalicelib.quality.joined import Joined, join
from chalicelib.quality.metrics import Problem
from chalicelib.quality.ripeness import Look, looks
from chalicelib.quality.settings import QualitySettings
from chalicelib.quality.state import QualityState
from chalicelib.records import Execution, LabelCounts, LateQualityParts, Mode, QualityCheckpoint, parts_digest
from chalicelib.registry.versions import MIXED
from chalicelib.services import (
    alerting,
    emf_metrics,
    execution_recording,
    label_selection,
    reporting,
    serving,
)
from chalicelib.stores.baselines import VersionedQualityBaseline
from chalicelib.window import DAY, Window

GRACE = timedelta(minutes=15)  # from the moment of a look on: labels that were written before are read by then
HISTORY_DAYS = 7  # whose coverage is the usual one
MIN_PREDICTIONS = 20  # of such a day


@dataclass(frozen=True)
class EvaluatedDays:
    """What became of the looks that were due."""

    executions: tuple[Execution, ...] = ()
    remaining: int = 0  # looks that the deadline left to the next run

    @property
    def unfinished(self) -> bool:
        """Whether looks are left."""
        return self.remaining > 0

    def summary(self) -> dict[str, Any]:
        """The answer of the function."""
        verdicts = [execution.verdict for execution in self.executions]
        return {"quality verdicts": verdicts, "remaining days": self.remaining}


@dataclass(frozen=True)
class JoinedDay:
    """What one look sees: the predictions of a variant's day, joined to the labels that had come by then."""

    variant: str
    look: Look
    joined: Joined
    part_count: int  # of predictions and labels
    parts_digest: str


@dataclass(frozen=True)
class QualityContext:
    """What the looks of one endpoint share, read once."""

    run: EndpointRun
    settings: QualitySettings
    baseline: VersionedQualityBaseline
    of_backfill: bool = False
    published: list[Execution] = field(default_factory=list)

    @property
    def problem(self) -> Problem:
        """What the metrics are computed of."""
        return Problem.of(self.settings)

    @read_once
    def last_seen_version(self) -> str:
        """The version that the endpoint served when it was last looked at."""
        return serving.last_seen_version(self.run)

    def served(self, day: Window) -> tuple[str, ...]:
        """The versions that answered on a day."""
        return serving.versions_in(self.run, day, lambda: self.last_seen_version)


def evaluate_due_days(run: EndpointRun) -> EvaluatedDays | Skipped:
    """Make the looks that are due, the earliest first."""
    settings = run.entry.quality
    if settings is None:
        return EvaluatedDays()
    until = run.now - GRACE
    checkpoint, revision = run.stores.checkpoints.quality(run.endpoint)
    late = run.quality_parts.late(run.endpoint)
    since = _since(run, checkpoint, late)
    due = [] if since is None else looks(settings, since, until)
    if not due:
        if checkpoint is None or late.is_pending:
            _save(run, late, until, checkpoint, revision)
        return EvaluatedDays()
    context = quality_context(run, settings)
    _sync_condition(run, context)
    if isinstance(context, Skipped):
        return context
    variants = run.quality_parts.prediction_variants(run.endpoint)
    made = 0
    while made < len(due) and run.deadline.has_left(Deadline.QUALITY_DAY):
        for variant in variants:
            _publish(context, evaluate_day(context, variant, due[made]))
        made += 1
    remaining = len(due) - made
    if remaining:
        count("QualityDaysLeft", remaining)
    if made:
        _save(run, late, due[made - 1].at if remaining else until, checkpoint, revision, is_complete=not remaining)
    return EvaluatedDays(tuple(context.published), remaining)


def leave_to_backfill(run: EndpointRun, start: datetime) -> None:
    """Write that every look up to now was made, where none was, and no prediction from before `start` is stored.

    So a day is not evaluated, and alerted on, while a backfill from `start` on has stored a part of it.
    """
    checkpoint, revision = run.stores.checkpoints.quality(run.endpoint)
    first = run.quality_parts.first_predicted(run.endpoint)
    if checkpoint is None and (first is None or first >= start):
        checkpoint = QualityCheckpoint(endpoint=run.endpoint, evaluated_until=run.now - GRACE)
        run.stores.checkpoints.put_quality(checkpoint, revision)


def _since(run: EndpointRun, checkpoint: QualityCheckpoint | None, late: LateQualityParts) -> datetime | None:
    """From when on looks may be missing; None before the first prediction."""
    known = checkpoint.evaluated_until if checkpoint else run.quality_parts.first_predicted(run.endpoint)
    return None if known is None else min([known, *late.since])


def _save(
    run: EndpointRun,
    late: LateQualityParts,
    until: datetime,
    checkpoint: QualityCheckpoint | None,
    revision: int,
    *,
    is_complete: bool = True,
) -> None:
    """Write up to when the looks were made; never earlier than it says. Losing this write is safe."""
    if checkpoint is None or checkpoint.evaluated_until < until:
        run.stores.checkpoints.put_quality(QualityCheckpoint(endpoint=run.endpoint, evaluated_until=until), revision)
    if is_complete and late.is_pending:
        run.quality_parts.clear_late(late)


def quality_context(
    run: EndpointRun, settings: QualitySettings, *, of_backfill: bool = False
) -> QualityContext | Skipped:
    """The context of an endpoint's looks; skipped when no baseline of model quality can be used."""
    try:
        baseline = run.stores.quality_baselines.get_in_force(run.endpoint)
    except UnreadableFile as error:
        return Skipped(SkipReason.BASELINE_UNREADABLE, f"the quality of the model is not evaluated: {error}")
    if baseline is None:
        why = "there is no baseline of model quality, so the quality of the model is not evaluated"
        return Skipped(SkipReason.NO_BASELINE, why)
    problem_type = baseline.content.constraints.problem_type
    if problem_type != settings.problem_type:
        why = f"the baseline {baseline.version} is of a {problem_type}, and the fleet names a {settings.problem_type}"
        return Skipped(SkipReason.BASELINE_UNREADABLE, f"the quality of the model is not evaluated: {why}")
    return QualityContext(run, settings, baseline, of_backfill)


def _sync_condition(run: EndpointRun, context: QualityContext | Skipped) -> None:
    """Notify once while no baseline of model quality can be used."""
    if run.entry.mode == Mode.OBSERVE:
        return
    missing = {context.reason.value: context.detail} if isinstance(context, Skipped) else {}
    sync = partial(endpoint_notifications.sync_conditions, family="quality", conditions=missing, now=run.now)
    alerting.sync(run, sync)


def _publish(context: QualityContext, execution: Execution | None) -> None:
    if execution is not None:
        execution_recording.publish(execution)
        emf_metrics.emit(execution, context.run.entry)
        context.published.append(execution)


def evaluate_day(context: QualityContext, variant: str, look: Look) -> Execution | None:
    """Make one look at a variant's predictions of a day; None when there is nothing to evaluate, or nothing new."""
    day = join_day(context.run, context.settings, variant, look)
    return None if day is None else store_day(context, day)


def join_day(run: EndpointRun, settings: QualitySettings, variant: str, look: Look) -> JoinedDay | None:
    """What a look sees; None when there is nothing to evaluate, or nothing new. It needs no other day."""
    parts = run.quality_parts
    keys = parts.prediction_keys(run.endpoint, variant, look.day.start, look.day.end)
    if not keys:
        return None
    label_keys = label_selection.label_keys_of_day(run, variant, look.day, keys, look.at)
    digest = parts_digest((*keys, *label_keys))
    latest = run.stores.executions.latest_of_window(run.endpoint, variant, look.day, of_quality=True)
    if _comes_too_late(look, latest) or (
        latest is not None and _is_of(latest, look, digest) and run.stores.executions.has_files(latest)
    ):
        return None
    joined = join(parts.read_predictions(keys), parts.read_labels(label_keys), settings)
    # Without a block every row was left out.
    return JoinedDay(variant, look, joined, len(keys) + len(label_keys), digest) if joined.blocks else None


def store_day(context: QualityContext, day: JoinedDay) -> Execution | None:
    """Evaluate a joined day beside the days before, and store it; None when another invocation was first."""
    executions = context.run.stores.executions
    latest = executions.latest_of_window(context.run.endpoint, day.variant, day.look.day, of_quality=True)
    if _comes_too_late(day.look, latest):
        return None
    if latest is not None and _is_of(latest, day.look, day.parts_digest):
        _write_files(context, latest, day.joined)  # what a crash left out
        return latest
    execution = _execution(context, day, latest)
    if not executions.put(execution):
        return None  # its execution stays
    _write_files(context, execution, day.joined)
    return execution


def _comes_too_late(look: Look, latest: Execution | None) -> bool:
    """Whether the final look at the day was made, and this is the first."""
    return latest is not None and latest.labels is not None and latest.labels.is_final and not look.is_final


def _is_of(execution: Execution, look: Look, digest: str) -> bool:
    """Whether an execution is of the same look, and of the same predictions and labels."""
    labels = execution.labels
    return labels is not None and labels.is_final == look.is_final and execution.parts_digest == digest


def _execution(context: QualityContext, day: JoinedDay, latest: Execution | None) -> Execution:
    """The verdict of a look at a day."""
    run, window = context.run, day.look.day
    recorded = latest.package_version if latest else ""  # all looks at a day have the version of the first
    versions = context.served(window) if recorded in {"", MIXED} else (recorded,)
    version = recorded or (versions[0] if len(versions) == 1 else MIXED)
    evaluation = _evaluation(context, day, versions)
    revision = latest.revision + 1 if latest else 1
    folder = locations.execution(run.endpoint, day.variant, window, version, revision, of_quality=True)
    return Execution(
        endpoint=run.endpoint,
        variant=day.variant,
        window_start=window.start,
        window_end=window.end,
        window_closed=True,
        package_version=version,
        revision=revision,
        baseline=context.baseline.version,
        verdict=evaluation.verdict,
        requests=day.joined.requests,
        rows=evaluation.rows,
        rejected={},  # the notes name what was left out
        measurements=evaluation.measurements,
        notes=evaluation.notes,
        parts=(),
        part_count=day.part_count,
        parts_digest=day.parts_digest,
        folder=folder,
        evaluated_at=datetime.now(UTC),
        checks_run=Checks.QUALITY,
        labels=_label_counts(day, latest),
        of_backfill=context.of_backfill,
    )


def _evaluation(context: QualityContext, day: JoinedDay, versions: tuple[str, ...]) -> Evaluation:
    entry, baseline = context.run.entry, context.baseline.content
    mixed = f"mixed: versions {' and '.join(versions)} answered on this day, and the metrics are of all of them"
    notes = day.joined.notes(are_all_predictions=False)
    return evaluate_quality(
        day.joined.states,
        baseline.constraints,
        context.problem,
        baseline=baseline.statistics,
        history=LabelHistory(
            usual_coverage=_usual_coverage(context, day),
            capture_percentage=entry.capture_percentage,
            notes=(mixed, *notes) if len(versions) > 1 else notes,
        ),
        critical=entry.critical_features,
    )


def _label_counts(day: JoinedDay, latest: Execution | None) -> LabelCounts:
    total, is_final = QualityState.total(day.joined.states), day.look.is_final
    at_delay = latest.labels.labelled_at_delay if latest and latest.labels else None
    return LabelCounts(
        predictions=total.predictions,
        labelled=total.labelled,
        is_final=is_final,
        labelled_at_delay=at_delay if is_final else total.labelled,
        groups=groups(total),
    )


def _usual_coverage(context: QualityContext, day: JoinedDay) -> float | None:
    """The share of predictions that had a label at the same age on the days before; None when it is not known."""
    start = day.look.day.start
    before = context.run.stores.executions.of_windows(
        context.run.endpoint, day.variant, start - HISTORY_DAYS * DAY, start, DAY, of_quality=True
    )
    found = list(_coverages((one.labels for one in before), is_final=day.look.is_final))
    return median(found) if found else None


def _coverages(days: Iterable[LabelCounts | None], *, is_final: bool) -> Iterable[float]:
    for day in days:
        if day is None or day.predictions < MIN_PREDICTIONS or (is_final and not day.is_final):
            continue
        labelled = day.labelled if is_final else day.labelled_at_delay
        if labelled is not None:
            yield labelled / day.predictions


def _write_files(context: QualityContext, execution: Execution, joined: Joined) -> None:
    """The joined day, Model Monitor's files and the page, the violations last: where they are, everything is."""
    executions, baseline = context.run.stores.executions, context.baseline.content
    total = QualityState.total(joined.states)
    executions.put_file(execution, locations.JOINED_FILE, records.write(joined))
    statistics = write_statistics(total, context.problem, execution.window_end)
    executions.put_file(execution, locations.STATISTICS_FILE, statistics)
    reporting.write_quality_report(context.run, execution, statistics)
    executions.put_file(execution, locations.VIOLATIONS_FILE, _violations(total, context.problem, baseline))


def _violations(total: QualityState, problem: Problem, baseline: QualityBaseline) -> bytes:
    found = quality_statistics(total, problem)
    return write_violations(file_violations(found.values, found.deviations, baseline.constraints))

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
from chalicelib.quality.joined import Joined
from chalicelib.quality.metrics import Problem
from chalicelib.quality.ripeness import Look, looks
from chalicelib.quality.settings import QualitySettings
from chalicelib.quality.state import QualityState
from chalicelib.records import Execution, LabelCounts, LateQualityParts, Mode, QualityCheckpoint, parts_digest
from chalicelib.registry.versions import MIXED
from chalicelib.services import (
    alerting,
    day_joining,
    emf_metrics,
    execution_recording,
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
class QualityContext:
    """What the looks of one endpoint share, read once."""

    run: EndpointRun
    settings: QualitySettings
    baseline: VersionedQualityBaseline
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
    context = _context(run, settings)
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


def _context(run: EndpointRun, settings: QualitySettings) -> QualityContext | Skipped:
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
    return QualityContext(run, settings, baseline)


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
    run = context.run
    keys = day_joining.keys_of_look(run, variant, look)
    if not keys.predictions:
        return None
    latest = run.stores.executions.latest_of_window(run.endpoint, variant, look.day, of_quality=True)
    before = latest.labels if latest else None
    if before is not None and before.is_final and not look.is_final:
        return None
    known = before is not None and before.is_final == look.is_final
    repaired = latest if latest is not None and known and latest.used(keys.all) else None
    if repaired is not None and run.stores.executions.has_files(repaired):
        return None
    joined = day_joining.joined(run, context.settings, variant, look, keys)
    if not joined.blocks:
        return None  # every row was left out
    if repaired is not None:
        _write_files(context, repaired, joined)
        return repaired
    execution = _execution(context, variant, look, joined, latest, keys.all)
    if not run.stores.executions.put(execution):
        return None  # another invocation was first, and its execution stays
    _write_files(context, execution, joined)
    return execution


def _execution(
    context: QualityContext, variant: str, look: Look, joined: Joined, latest: Execution | None, keys: tuple[str, ...]
) -> Execution:
    """The verdict of a look at a day."""
    run, day = context.run, look.day
    recorded = latest.package_version if latest else ""  # all looks at a day have the version of the first
    versions = context.served(day) if recorded in {"", MIXED} else (recorded,)
    version = recorded or (versions[0] if len(versions) == 1 else MIXED)
    evaluation = _evaluation(context, variant, look, joined, versions)
    revision = latest.revision + 1 if latest else 1
    folder = locations.execution(run.endpoint, variant, day, version, revision, of_quality=True)
    return Execution(
        endpoint=run.endpoint,
        variant=variant,
        window_start=day.start,
        window_end=day.end,
        window_closed=True,
        package_version=version,
        revision=revision,
        baseline=context.baseline.version,
        verdict=evaluation.verdict,
        requests=joined.requests,
        rows=evaluation.rows,
        rejected={},  # the notes name what was left out
        measurements=evaluation.measurements,
        notes=evaluation.notes,
        parts=(),
        part_count=len(keys),
        parts_digest=parts_digest(keys),
        folder=folder,
        evaluated_at=datetime.now(UTC),
        checks_run=Checks.QUALITY,
        labels=_label_counts(look, joined, latest),
    )


def _evaluation(
    context: QualityContext, variant: str, look: Look, joined: Joined, versions: tuple[str, ...]
) -> Evaluation:
    entry, baseline = context.run.entry, context.baseline.content
    mixed = f"mixed: versions {' and '.join(versions)} answered on this day, and the metrics are of all of them"
    notes = joined.notes(are_all_predictions=False)
    return evaluate_quality(
        joined.states,
        baseline.constraints,
        context.problem,
        baseline=baseline.statistics,
        history=LabelHistory(
            usual_coverage=_usual_coverage(context, variant, look),
            capture_percentage=entry.capture_percentage,
            notes=(mixed, *notes) if len(versions) > 1 else notes,
        ),
        critical=entry.critical_features,
    )


def _label_counts(look: Look, joined: Joined, latest: Execution | None) -> LabelCounts:
    total = QualityState.total(joined.states)
    at_delay = latest.labels.labelled_at_delay if latest and latest.labels else None
    return LabelCounts(
        predictions=total.predictions,
        labelled=total.labelled,
        is_final=look.is_final,
        labelled_at_delay=at_delay if look.is_final else total.labelled,
        groups=groups(total),
    )


def _usual_coverage(context: QualityContext, variant: str, look: Look) -> float | None:
    """The share of predictions that had a label at the same age on the days before; None when it is not known."""
    start = look.day.start
    days = context.run.stores.executions.of_windows(
        context.run.endpoint, variant, start - HISTORY_DAYS * DAY, start, DAY, of_quality=True
    )
    found = list(_coverages((day.labels for day in days), is_final=look.is_final))
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

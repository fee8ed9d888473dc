"""Evaluates a batch transform job when it has ended: one execution, whose window is the time in which it ran.

| job                                               | outcome                                                         |
|---------------------------------------------------|-----------------------------------------------------------------|
| Completed                                         | the parts of its outputs; when all are there, all checks on     |
|                                                   | their sum, stored once and published                            |
| ... evaluated before (a repeated event)           | published again; the alert state knows it                       |
| ... and more outputs than there is time for       | unfinished: the sweep goes on with the others                   |
| ... without any output                            | NoData                                                          |
| ... without a baseline                            | the parts alone: from them a baseline can be suggested          |
| two jobs that ran in the same minutes             | the second one's window is a minute longer                      |
| Failed                                            | JobFailed, with SageMaker's FailureReason; its outputs are not  |
|                                                   | evaluated                                                       |
| Stopped                                           | Skipped: a person stopped it                                    |
| still running, or unknown to SageMaker            | Skipped                                                         |
| a name that no fleet entry's `transform_jobs`     | Skipped                                                         |
| begins                                            |                                                                 |
| ended in the last two days, not reported (sweep)  | the same as its event                                           |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from chalicelib import locations
from chalicelib.alerts.wording import counted
from chalicelib.aws import sagemaker
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.summary import CaptureSummary
from chalicelib.capture.transform_job import JobStatus, TransformJob
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import MAX_UNREADABLE_SHARE, Baseline, Evaluation
from chalicelib.constraints.measurement import Checks, Verdict
from chalicelib.constraints.windows import evaluate_closed_window
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, Stores
from chalicelib.errors import NotReady
from chalicelib.events import TransformJobStateChanged
from chalicelib.locations import TRANSFORM_VARIANT
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.records import Execution
from chalicelib.registry.versions import UNVERSIONED
from chalicelib.services import emf_metrics, execution_recording, monitoring, transform_objects, transform_processing
from chalicelib.services.aggregation import WindowSum
from chalicelib.services.execution_recording import Evaluated
from chalicelib.services.window_evaluation import EvaluationContext
from chalicelib.stores.baselines import VersionedBaseline
from chalicelib.window import MINUTE, Window

MAX_SAME_MINUTES = 50  # attempts to find a window that no other job of the entry has
CUT_OFF = frozenset({RejectionReason.BAD_GZIP.value, RejectionReason.GZIP_BOMB.value})  # one line, and all behind it
_NO_BASELINE = VersionedBaseline("", Baseline(constraints=Constraints({"version": 0.0, "features": []})))


@dataclass(frozen=True)
class MonitoredJob:
    """What became of a job; no execution while outputs are left, or without a baseline."""

    job: str
    execution: Execution | None = None
    outputs: int = 0
    remaining: int = 0  # outputs that the deadline left
    no_baseline: Skipped | None = None

    @property
    def unfinished(self) -> bool:
        """Whether outputs are left."""
        return self.remaining > 0

    def summary(self) -> dict[str, Any]:
        """The answer of the function."""
        verdict = {"verdict": self.execution.verdict} if self.execution else {}
        missing = self.no_baseline.summary() if self.no_baseline else {}
        return {"job": self.job, "outputs": self.outputs, "remaining outputs": self.remaining, **verdict, **missing}


def process_event(changed: TransformJobStateChanged, stores: Stores, deadline: Deadline) -> MonitoredJob | Skipped:
    """Evaluate the job whose event arrived, if it belongs to an entry of the fleet.

    Raises
    ------
    SourceAccessDenied
        When its objects may not be read.
    """
    entry = stores.fleet.get().entry_of_job(changed.job_name)
    if entry is None:
        return Skipped(SkipReason.NOT_IN_FLEET, f"{changed.job_name}: no transform_jobs of the fleet begins so")
    return monitor_job(EndpointRun(entry, datetime.now(UTC), deadline, stores), changed.job_name)


def monitor_job(run: EndpointRun, name: str) -> MonitoredJob | Skipped:
    """Evaluate a job that has ended, and publish the verdict. Raises as `process_event`."""
    described = sagemaker.describe_transform_job(name)
    if described is None:
        return Skipped(SkipReason.JOB_GONE, f"there is no transform job {name}")
    job = TransformJob.of(described)
    match job.status:
        case JobStatus.COMPLETED:
            return _evaluate(run, job)
        case JobStatus.FAILED:
            return _published(run, job, _failure(run, job))
        case JobStatus.STOPPED:
            return Skipped(SkipReason.JOB_STOPPED, f"{name} was stopped, so its outputs are not evaluated")
    return Skipped(SkipReason.NOT_ENDED, f"{name} is {job.status}")


def ended_jobs(run: EndpointRun, since: datetime) -> list[tuple[str, datetime]]:
    """The jobs of an entry that completed or failed after a time, and when, the earliest first.

    One request for a hundred jobs.
    """
    fleet, found = run.stores.fleet.get(), []
    for summary in sagemaker.transform_jobs(run.entry.transform_jobs, since):
        name = str(summary["TransformJobName"])
        belongs = fleet.entry_of_job(name)
        is_ours = belongs is not None and belongs.endpoint == run.endpoint
        if is_ours and summary["TransformJobStatus"] in {JobStatus.COMPLETED, JobStatus.FAILED}:
            found.append((name, (summary.get("TransformEndTime") or summary["CreationTime"]).astimezone(UTC)))
    return sorted(found, key=lambda job: job[1])


def _evaluate(run: EndpointRun, job: TransformJob) -> MonitoredJob:
    stored = _stored(run, job)
    if stored is not None and run.stores.executions.has_files(stored):
        execution_recording.publish(stored)
        return MonitoredJob(job.name, stored, outputs=stored.part_count)
    outputs = transform_objects.outputs_of(run, job)
    remaining = transform_processing.create_parts(run, job, outputs)
    if remaining:
        return MonitoredJob(job.name, outputs=len(outputs), remaining=remaining)
    context = monitoring.evaluation_context(run)
    if isinstance(context, Skipped):
        return MonitoredJob(job.name, outputs=len(outputs), no_baseline=context)
    if not run.deadline.has_left(Deadline.VERDICT):
        raise NotReady(f"{job.name}: the verdict takes longer than the run has left.")
    keys = run.stores.parts.keys_of_job(run.endpoint, job.name, job.started)
    unread: list[tuple[str, ...]] = []

    def summaries() -> Iterator[CaptureSummary]:
        for part in run.stores.parts.read(keys):
            reasons = _unread_reasons(part.summary)
            if reasons:
                unread.append(reasons)
            yield part.summary

    added = WindowSum(CaptureSummary.total(summaries()), (), keys, keys)
    return _published(run, job, _verdict(run, job, added, unread, context))


def _unread_reasons(summary: CaptureSummary) -> tuple[str, ...]:
    """Why an output object was not read, or not whole; none if at most a few of its lines were rejected."""
    lines = summary.rows + summary.rejected_lines
    too_many = summary.rejected_lines > MAX_UNREADABLE_SHARE * lines
    return tuple(summary.rejected) if too_many else tuple(summary.rejected.keys() & CUT_OFF)


def _verdict(
    run: EndpointRun, job: TransformJob, added: WindowSum, unread: list[tuple[str, ...]], context: EvaluationContext
) -> _Verdict:
    """The verdict of a job; `unread` has the reasons of each output object that was not read whole."""
    critical, length = run.entry.critical_features, job.window.length
    _, found = evaluate_closed_window(added.summary, context.baseline.content, Checks.ALL, length, critical=critical)
    outputs, notes = len(added.all_parts), []
    if unread:
        reasons = "; ".join(sorted({reason for one in unread for reason in one}))
        notes.append(f"{len(unread)} of {counted(outputs, 'output object')} not read, or not whole: {reasons}")
    if job.form.has_unknown_filter:
        notes.append("the InputFilter cannot be applied here, so the inputs are evaluated as they lie")
    # An object that was not read counts as one line, whatever it held: so their share is looked at too.
    too_many = len(unread) > MAX_UNREADABLE_SHARE * outputs
    verdict = Verdict.MONITOR_FAILED if too_many and found.verdict != Verdict.VIOLATIONS else found.verdict
    return _Verdict(added, replace(found, verdict=verdict, notes=(*notes, *found.notes)), context.baseline)


class _Verdict(NamedTuple):
    """What is recorded of a job."""

    sum: WindowSum
    evaluation: Evaluation
    baseline: VersionedBaseline


def _failure(run: EndpointRun, job: TransformJob) -> _Verdict:
    reason = job.failure_reason or "SageMaker gives no reason"
    return _Verdict(WindowSum.empty(), Evaluation(verdict=Verdict.JOB_FAILED, rows=0, notes=(reason,)), _NO_BASELINE)


def _published(run: EndpointRun, job: TransformJob, verdict: _Verdict) -> MonitoredJob:
    execution, is_new = _recorded(run, job, verdict)
    execution_recording.publish(execution)
    if is_new:
        emf_metrics.emit(execution, run.entry)
    return MonitoredJob(job.name, execution, outputs=len(verdict.sum.all_parts))


def _recorded(run: EndpointRun, job: TransformJob, verdict: _Verdict) -> tuple[Execution, bool]:
    """The execution of a job, and whether it is new.

    It is stored once, under the first window that no other job of these minutes has.

    Raises
    ------
    NotReady
        When other invocations go on taking the windows.
    """
    for _ in range(MAX_SAME_MINUTES):
        mine = _stored(run, job)
        if mine is not None:
            if not run.stores.executions.has_files(mine):
                execution_recording.write_files(run, mine, verdict.sum.summary, verdict.baseline.content)
            return mine, False
        window = _free_window(job.window, {one.window for one in _of_these_minutes(run, job)})
        evaluated = Evaluated(TRANSFORM_VARIANT, window, *verdict)
        folder = locations.execution(run.endpoint, TRANSFORM_VARIANT, window, UNVERSIONED, 1)
        made = execution_recording.execution_of(
            run, evaluated, folder, UNVERSIONED, closed=True, checks=Checks.ALL, job=job.name
        )
        if execution_recording.record(run, made, evaluated):
            return made, True
    raise NotReady(f"{job.name}: too many jobs of {run.endpoint} ran in the same minutes.")


def _stored(run: EndpointRun, job: TransformJob) -> Execution | None:
    """The execution of a job, if it has one."""
    return next((one for one in _of_these_minutes(run, job) if one.job == job.name), None)


def _of_these_minutes(run: EndpointRun, job: TransformJob) -> Iterator[Execution]:
    """The executions of the jobs that began in the same minute."""
    start = job.window.start
    return run.stores.executions.of_windows(run.endpoint, TRANSFORM_VARIANT, start, start + MINUTE)


def _free_window(window: Window, taken: set[Window]) -> Window:
    """The window, or one that is longer by as many minutes as it takes to differ from those of other jobs."""
    while window in taken:
        window = Window(window.start, window.length + MINUTE)
    return window

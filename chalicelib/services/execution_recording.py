"""Stores a verdict with its files, and publishes it on the bus.

execution.json is written with If-None-Match and is the lock between two invocations that evaluate the same data: only
its writer writes the other files. If it crashes in between, the next run that finds the record without files writes
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from chalicelib.aws import messages
from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.column_alignment import aligned_table
from chalicelib.constraints.evaluation import Baseline, Evaluation, evaluate
from chalicelib.constraints.files import write_violations
from chalicelib.constraints.measurement import Checks
from chalicelib.endpoint_run import EndpointRun
from chalicelib.locations import EXECUTION_DETAIL_TYPE, STATISTICS_FILE, VIOLATIONS_FILE
from chalicelib.observability import count
from chalicelib.records import MAX_NAMED_PARTS, Execution, ExecutionEvent, parts_digest
from chalicelib.services.aggregation import WindowSum
from chalicelib.services.reporting import write_report
from chalicelib.statistics.files import write_statistics
from chalicelib.stores.baselines import VersionedBaseline
from chalicelib.window import Window

OBJECT_MIN_ROWS = 20  # fewer rows than this say nothing about an object on its own


@dataclass(frozen=True)
class Evaluated:
    """The sum of a window's parts, and what the baseline says about it."""

    variant: str
    window: Window
    sum: WindowSum
    evaluation: Evaluation
    baseline: VersionedBaseline


def hard_evaluation(run: EndpointRun, summary: CaptureSummary, baseline: Baseline) -> Evaluation:
    """What the hard checks say about data that is still arriving: one object, or an open window."""
    critical = run.entry.critical_features
    return evaluate(summary, baseline, checks=Checks.HARD, critical=critical, minimum_rows=OBJECT_MIN_ROWS)


def execution_of(
    run: EndpointRun,
    evaluated: Evaluated,
    folder: str,
    package_version: str,
    *,
    closed: bool,
    revision: int = 1,
    checks: Checks = Checks.HARD,
    job: str = "",
) -> Execution:
    """The record of an evaluation; `job` is the transform job that it is of, if it is of one."""
    added = evaluated.sum
    return Execution(
        endpoint=run.endpoint,
        variant=evaluated.variant,
        window_start=evaluated.window.start,
        window_end=evaluated.window.end,
        window_closed=closed,
        package_version=package_version,
        revision=revision,
        baseline=evaluated.baseline.version,
        verdict=evaluated.evaluation.verdict,
        requests=added.summary.events,
        rows=evaluated.evaluation.rows,
        rejected=added.summary.rejected,
        measurements=evaluated.evaluation.measurements,
        notes=evaluated.evaluation.notes,
        parts=added.parts[:MAX_NAMED_PARTS],
        rollups=added.rollups,
        part_count=len(added.all_parts),
        parts_digest=parts_digest(added.all_parts),
        folder=folder,
        evaluated_at=datetime.now(UTC),
        checks_run=checks,
        day_type=evaluated.evaluation.day_type,
        job=job,
    )


def record(run: EndpointRun, execution: Execution, evaluated: Evaluated) -> bool:
    """Write the record, and then its files; False when another invocation was first, and its execution stays."""
    if not execution.window_closed:
        run.stores.activity.record_violation(run.endpoint, run.now)
    if not run.stores.executions.put(execution):
        return False
    write_files(run, execution, evaluated.sum.summary, evaluated.baseline.content)
    return True


def write_files(run: EndpointRun, execution: Execution, summary: CaptureSummary, baseline: Baseline) -> None:
    """Model Monitor's files and the page, the violations last: where they are, everything is."""
    executions = run.stores.executions
    table = aligned_table(summary.tables, baseline.constraints, baseline.statistics)
    if table is not None:
        executions.put_file(execution, STATISTICS_FILE, write_statistics(table))
    if execution.window_closed:
        write_report(run, execution, baseline, table)
    executions.put_file(execution, VIOLATIONS_FILE, write_violations(execution.measurements))


def publish(execution: Execution) -> None:
    """Put a "Vedette Monitoring Execution" event on the bus: a verdict is stored."""
    event = ExecutionEvent(
        endpoint=execution.endpoint,
        variant=execution.variant,
        verdict=execution.verdict,
        window_start=execution.window_start,
        window_end=execution.window_end,
        window_closed=execution.window_closed,
        folder=execution.folder,
    )
    messages.put_event(EXECUTION_DETAIL_TYPE, msgspec.json.encode(event))
    count("Executions")

"""Judge captured data against the baseline in force, store the verdict once, and say so on the bus.

| judged                                     | verdict, stored as one execution                                     |
|--------------------------------------------|----------------------------------------------------------------------|
| a closed window with parts                 | what `evaluate` says of their sum                                    |
| ... in which two versions served           | of the hard checks alone, with a note "mixed: ..."; drift waits      |
| ... whose stored verdict is of these parts | none                                                                 |
| ... with late parts                        | a new revision                                                       |
| a closed window without parts              | CaptureStopped when requests were made that must have been captured, |
|                                            | else NoData; none while objects wait to be summarized                |
| the open window                            | when more is violated than its last verdict said                     |
| one object with a alertable violation       | what its rows say alone                                              |

The record decides between two who judge at once: it is written first and once, and only who wrote it writes the two
files of Model Monitor beside it. Who dies between leaves a record without files, which the next look completes.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec

from chalicelib import locations
from chalicelib.aws import cloudwatch, deployment, messages, s3, store
from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.column_alignment import aligned_table
from chalicelib.constraints.evaluation import Baseline, Evaluation, evaluate
from chalicelib.constraints.files import write_violations
from chalicelib.constraints.measurement import Checks
from chalicelib.constraints.missing_capture import evaluate_missing_capture, with_volume_check
from chalicelib.constraints.windows import evaluate_closed_window
from chalicelib.handlers import forgotten, summing
from chalicelib.handlers.reporting import write_report
from chalicelib.locations import EXECUTION_DETAIL_TYPE
from chalicelib.observability import count
from chalicelib.parts import Part
from chalicelib.records import Deployment, Execution, ExecutionEvent, FleetEntry
from chalicelib.registry.served import UNVERSIONED, versions_between
from chalicelib.registry.versions import version_of
from chalicelib.statistics.files import write_statistics
from chalicelib.window import Window

HARD_CHECK_ROWS = 20  # fewer rows than this say nothing about an object on its own
HOUR = timedelta(hours=1)
MIXED = "mixed"
Remaining = Callable[[], int]  # milliseconds that the invocation may still take


@dataclass(frozen=True)
class Held:
    """What an endpoint's windows are held against."""

    entry: FleetEntry
    version: str  # of the baseline
    baseline: Baseline
    deployments: tuple[Deployment, ...]
    remaining: Remaining
    described: dict[str, Any] | None = None  # DescribeEndpoint, where it was asked already

    @cached_property
    def served_now(self) -> str:
        """The version that the endpoint serves now."""
        return served_version(self.entry.endpoint, self.described)

    def served(self, start: datetime, end: datetime) -> tuple[str, ...]:
        """The versions that answered in a window: the history's, and where that ends what the endpoint says."""
        versions = versions_between(self.deployments, start, end)
        later = any(one.begun and one.requested_at >= end for one in self.deployments)
        return versions if len(versions) > 1 or (versions and later) else (self.served_now,)


def hard_evaluation(summary: CaptureSummary, baseline: Baseline, critical: Collection[str] = ()) -> Evaluation:
    """What the hard constraints say about one object alone."""
    return evaluate(summary, baseline, checks=Checks.HARD, critical=critical, minimum_rows=HARD_CHECK_ROWS)


def judge_window(
    held: Held, variant: str, window: Window, keys: tuple[str, ...], checks: Checks, *, silent: bool
) -> Execution | None:
    """Judge a closed window; None when a stored verdict judged the same parts already, or there is nothing to judge.

    `keys` are its parts. `silent` says whether a window without parts is a verdict at all. Before its first data a
    variant is not silent; one that never had any can only be CaptureStopped.

    Raises
    ------
    NotReady
        When its parts cannot be summed in the time that is left.
    """
    endpoint = held.entry.endpoint
    if not keys and not silent:
        return None
    latest = store.latest_execution(locations.executions_of_window(endpoint, variant, window))
    if latest is not None and latest.parts == keys:
        return latest if _completed(latest, held) else None
    if not keys:
        first = store.first_part(endpoint, variant)
        before_any = first is not None and window.end <= first
        return None if before_any else _judge_silence(held, variant, window, checks, had_data=first is not None)
    summary = summing.window_summary(endpoint, variant, keys, held.remaining)
    versions = held.served(window.start, window.end)
    critical = held.entry.critical_features
    checks, evaluation = evaluate_closed_window(summary, held.baseline, checks, window.length, versions, critical)
    judged = _Judged(endpoint, variant, window.start, window.end, summary, evaluation)
    revision = latest.revision + 1 if latest else 1
    served = versions[0] if len(versions) == 1 else MIXED
    folder = locations.execution(endpoint, variant, window, served, revision)
    execution = judged.execution(folder, keys, served, held.version, closed=True, revision=revision, checks=checks)
    return execution if judged.stored(execution, held.baseline) else None


def _judge_silence(held: Held, variant: str, window: Window, checks: Checks, *, had_data: bool) -> Execution | None:
    """NoData or CaptureStopped; None when there are objects that only wait to be summarized."""
    endpoint = held.entry.endpoint
    if forgotten.may_wait(held.entry, variant, window.start, window.end):
        return None
    requests = cloudwatch.invocations(endpoint, variant, window.start, window.end)
    evaluation = evaluate_missing_capture(requests, held.entry.capture_percentage)
    if checks == "drift" and evaluation.verdict == "CaptureStopped":
        return None  # the shorter windows say so
    if checks != "drift":
        evaluation = with_volume_check(evaluation, held.baseline.constraints, window.length / HOUR)
    if evaluation.verdict == "NoData" and not had_data:
        return None
    judged = _Judged(endpoint, variant, window.start, window.end, CaptureSummary(), evaluation)
    served = held.served(window.start, window.end)[-1]
    folder = locations.execution(endpoint, variant, window, served, 1)
    execution = judged.execution(folder, (), served, held.version, closed=True, checks=checks)
    return execution if judged.stored(execution, held.baseline) else None


def judge_open_window(
    held: Held, variant: str, window: Window, now: datetime, keys: tuple[str, ...]
) -> Execution | None:
    """Judge the parts that an open window has by now; None unless they violate what its last verdict did not say."""
    endpoint = held.entry.endpoint
    summary = summing.window_summary(endpoint, variant, keys, held.remaining)
    evaluation = hard_evaluation(summary, held.baseline, held.entry.critical_features)
    if not evaluation.alertable:
        return None
    latest = store.latest_execution(locations.executions_of_open_window(endpoint, variant, window))
    known = (
        {(one.check, one.feature, one.severity) for one in latest.measurements if one.alertable} if latest else set()
    )
    if latest is not None and {(one.check, one.feature, one.severity) for one in evaluation.alertable} <= known:
        return latest if _completed(latest, held) else None
    revision = latest.revision + 1 if latest else 1
    judged = _Judged(endpoint, variant, window.start, now, summary, evaluation)
    folder = locations.execution_of_open_window(endpoint, variant, window, revision)
    execution = judged.execution(
        folder, keys, held.served_now, held.version, closed=False, revision=revision, checks=Checks.HARD
    )
    return execution if judged.stored(execution, held.baseline) else None


def judge_object(
    part: Part,
    key: str,
    capture: locations.CaptureKey,
    version: str,
    baseline: Baseline,
    critical: Collection[str] = (),
) -> Execution:
    """The execution of one violated object; the one that was stored first, when this is a repetition."""
    folder = locations.execution_of_object(capture)
    end = part.begun + timedelta(minutes=1)
    evaluation = hard_evaluation(part.summary, baseline, critical)
    judged = _Judged(part.endpoint, part.variant, part.begun, end, part.summary, evaluation)
    known = store.execution(folder)
    if known is None:
        served = served_version(part.endpoint)
        known = judged.execution(folder, (key,), served, version, closed=False, checks=Checks.HARD)
        if judged.stored(known, baseline):
            return known
        known = store.execution(folder) or known
    if _without_files(known):
        judged.write_files(known, baseline)
    return known


def announce(execution: Execution) -> None:
    """Say on the bus that a verdict is stored."""
    event = ExecutionEvent(
        endpoint=execution.endpoint,
        variant=execution.variant,
        verdict=execution.verdict,
        window_start=execution.window_start,
        window_end=execution.window_end,
        closed=execution.closed,
        folder=execution.folder,
    )
    messages.put_event(EXECUTION_DETAIL_TYPE, msgspec.json.encode(event))
    count("Executions")


def served_version(endpoint: str, described: dict[str, Any] | None = None) -> str:
    """The version that the endpoint serves now; "unversioned" when it was not made from a package."""
    served = deployment.served(endpoint, described)
    return version_of(served.package_arn) if served else UNVERSIONED


def _without_files(execution: Execution) -> bool:
    return s3.get(execution.folder + "constraint_violations.json") is None


def _completed(execution: Execution, held: Held) -> bool:
    """Write the files of a record that was left without them; False when it has them."""
    if not _without_files(execution):
        return False
    start, end = execution.window_start, execution.window_end
    summary = summing.window_summary(execution.endpoint, execution.variant, execution.parts, held.remaining)
    evaluation = Evaluation(verdict=execution.verdict, rows=execution.rows, measurements=execution.measurements)
    judged = _Judged(execution.endpoint, execution.variant, start, end, summary, evaluation)
    judged.write_files(execution, held.baseline)
    return True


@dataclass(frozen=True)
class _Judged:
    """A sum of parts with what the baseline says about it."""

    endpoint: str
    variant: str
    start: datetime
    end: datetime
    summary: CaptureSummary
    evaluation: Evaluation

    def execution(
        self,
        folder: str,
        parts: tuple[str, ...],
        served: str,
        baseline: str,
        *,
        closed: bool,
        revision: int = 1,
        checks: Checks = Checks.ALL,
    ) -> Execution:
        return Execution(
            endpoint=self.endpoint,
            variant=self.variant,
            window_start=self.start,
            window_end=self.end,
            closed=closed,
            package_version=served,
            revision=revision,
            baseline=baseline,
            verdict=self.evaluation.verdict,
            events=self.summary.events,
            rows=self.evaluation.rows,
            refused=self.summary.rejected,
            measurements=self.evaluation.measurements,
            notes=self.evaluation.notes,
            parts=parts,
            folder=folder,
            judged_at=datetime.now(UTC),
            checks=checks,
        )

    def stored(self, execution: Execution, baseline: Baseline) -> bool:
        """Write the record, and then its files; False when another invocation was first, and its execution stays.

        A write whose reply was lost is sent again by botocore and then refused: what is stored is compared.
        """
        if not store.put_execution(execution) and store.execution(execution.folder) != execution:
            return False
        self.write_files(execution, baseline)
        return True

    def write_files(self, execution: Execution, baseline: Baseline) -> None:
        """The files of Model Monitor and the page, the violations last: where they are, everything is."""
        table = aligned_table(self.summary.tables, baseline.constraints)
        if table is not None:
            s3.put(execution.folder + "statistics.json", write_statistics(table))
        if execution.closed:
            write_report(execution, baseline, table)
        s3.put(execution.folder + "constraint_violations.json", write_violations(execution.measurements))

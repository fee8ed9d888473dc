"""Judge captured data against the baseline in force, store the verdict once, and say so on the bus."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from chalicelib import locations
from chalicelib.aws import deployment, messages, s3, store
from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.evaluation import Baseline, Evaluation, evaluate
from chalicelib.constraints.files import write_violations
from chalicelib.constraints.naming import named_table
from chalicelib.handlers import summing
from chalicelib.locations import EXECUTION_DETAIL_TYPE
from chalicelib.observability import count
from chalicelib.records import Execution, ExecutionEvent, Part
from chalicelib.registry.versions import version_of
from chalicelib.statistics.files import write_statistics

HARD_CHECK_ROWS = 20  # fewer rows than this say nothing about an object on its own


def hard_evaluation(summary: CaptureSummary, baseline: Baseline) -> Evaluation:
    """What the hard constraints say about one object alone."""
    return evaluate(summary, baseline, checks="hard", minimum_rows=HARD_CHECK_ROWS)


def judge_window(
    endpoint: str, variant: str, start: datetime, length: timedelta, version: str, baseline: Baseline, *, silent: bool
) -> Execution | None:
    """Judge a closed window; None when a stored verdict judged the same parts already.

    `silent` says whether a window without parts is a verdict (NoData) or nothing at all.
    """
    keys = store.part_keys(endpoint, variant, start, start + length)
    if not keys and not silent:
        return None
    latest = store.latest_execution(locations.executions_of_window(endpoint, variant, start, length))
    if latest is not None and latest.parts == keys:
        return None
    summary = summing.window_summary(endpoint, variant, start, start + length, keys)
    served = served_version(endpoint)
    revision = latest.revision + 1 if latest else 1
    judged = _Judged(endpoint, variant, start, start + length, summary, evaluate(summary, baseline))
    folder = locations.execution(endpoint, variant, start, length, served, revision)
    execution = judged.execution(folder, keys, served, version, closed=True, revision=revision)
    return execution if judged.stored(execution, baseline) else None


def judge_object(part: Part, key: str, capture: locations.CaptureKey, version: str, baseline: Baseline) -> Execution:
    """The execution of one violated object; the one that was stored first, when this is a repetition."""
    folder = locations.execution_of_object(capture)
    known = store.execution(folder)
    if known is not None:
        return known
    end = part.begun + timedelta(minutes=1)
    evaluation = hard_evaluation(part.summary, baseline)
    judged = _Judged(part.endpoint, part.variant, part.begun, end, part.summary, evaluation)
    execution = judged.execution(folder, (key,), served_version(part.endpoint), version, closed=False)
    judged.stored(execution, baseline)
    return execution


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


def served_version(endpoint: str) -> str:
    """The version that the endpoint serves now; "unversioned" when it was not made from a package."""
    served = deployment.served(endpoint)
    return version_of(served.package_arn) if served else "unversioned"


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
        self, folder: str, parts: tuple[str, ...], served: str, baseline: str, *, closed: bool, revision: int = 1
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
            refused=self.summary.refused,
            measurements=self.evaluation.measurements,
            notes=self.evaluation.notes,
            parts=parts,
            folder=folder,
            judged_at=datetime.now(UTC),
        )

    def stored(self, execution: Execution, baseline: Baseline) -> bool:
        """Write the files of Model Monitor first and the record last: the record is what makes the verdict stand."""
        table = named_table(self.summary.tables, baseline.constraints)
        if table is not None:
            s3.put(execution.folder + "statistics.json", write_statistics(table))
        s3.put(execution.folder + "constraint_violations.json", write_violations(self.evaluation.violations))
        return store.put_execution(execution)

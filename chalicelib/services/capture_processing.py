"""One capture object becomes one part; a hard violation in it becomes an execution at once.

| input                                           | outcome                                                   |
|-------------------------------------------------|-----------------------------------------------------------|
| capture object of an endpoint in the fleet      | one part, written once                                    |
| the same object again                           | the part stays; an unpublished verdict is published again |
| at least 20 rows that violate a hard constraint | an execution of this object, stored before its part, and  |
|                                                 | published at once                                         |
| endpoint whose source is another place          | Skipped: captured to another place                        |
| object gone                                     | Skipped: object gone                                      |
| object overwritten after it was summarized      | its part stays, and a metric counts the event: SageMaker  |
|                                                 | never overwrites a capture object                         |
| object deleted after it was summarized          | no event: its part stays                                  |
| lines that cannot be read                       | counted by reason, with their byte range                  |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib import locations
from chalicelib.aws import sagemaker
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.constraints.evaluation import Evaluation
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import UnreadableFile
from chalicelib.events import DataCaptured
from chalicelib.observability import count, logger
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.parts import Part
from chalicelib.records import Execution
from chalicelib.registry.plan import Served
from chalicelib.registry.versions import UNVERSIONED
from chalicelib.services import execution_recording
from chalicelib.services.execution_recording import Evaluated
from chalicelib.stores.baselines import VersionedBaseline
from chalicelib.window import Window


@dataclass(frozen=True)
class ProcessedObject:
    """The part of a capture object."""

    part: Part
    created: bool  # by this call

    def summary(self) -> dict[str, Any]:
        """The answer of the function."""
        counted = self.part.summary
        return {
            "endpoint": self.part.endpoint,
            "rows": counted.rows,
            "rejected": counted.rejected,
            "violated": self.part.violated,
        }


def process(run: EndpointRun, captured: DataCaptured) -> ProcessedObject | Skipped:
    """Create the part of one object, and publish what violates; the sweep does the same for events that were lost."""
    if not locations.captures_to(run.capture_uri, captured.bucket, captured.capture):
        return Skipped(SkipReason.OTHER_SOURCE, f"{run.endpoint} captures to {run.capture_uri}, not here")
    known = run.stores.parts.get(captured.capture)
    if known is not None:
        return _repeated(run, captured, known)
    baseline = _baseline(run)
    summary = _summary(run, captured)
    if summary is None:
        count("GoneObjects")
        return Skipped(SkipReason.OBJECT_GONE, f"s3://{captured.bucket}/{captured.key} is gone")
    evaluation = execution_recording.hard_evaluation(run, summary, baseline.content) if baseline else None
    part = _part(captured, summary, evaluation)
    if baseline is None or not part.violated:
        return _counted(_stored(run, captured, part))
    # The verdict is stored before the part: once there is a part, its verdict is there too, and the sweep finds it.
    execution = _record(run, part, baseline, evaluation)
    processed = _counted(_stored(run, captured, part))
    execution_recording.publish(execution)
    return processed


def create_part(run: EndpointRun, captured: DataCaptured) -> ProcessedObject | Skipped:
    """Create the part of one object without evaluating it, for captures from before Vedette watched the endpoint.

    No metric counts it: `vedette backfill` runs this outside of Lambda.
    """
    known = run.stores.parts.get(captured.capture)
    if known is not None:
        return ProcessedObject(known, created=False)
    summary = _summary(run, captured)
    if summary is None:
        return Skipped(SkipReason.OBJECT_GONE, f"s3://{captured.bucket}/{captured.key} is gone")
    return _stored(run, captured, _part(captured, summary, None))


def _baseline(run: EndpointRun) -> VersionedBaseline | None:
    """The baseline in force; without one that can be read the part is created and not evaluated by itself."""
    try:
        return run.stores.baselines.get_in_force(run.endpoint)
    except UnreadableFile as error:  # `monitoring` notifies a person
        logger.error("baseline cannot be read", endpoint=run.endpoint, reason=str(error))
        return None


def _summary(run: EndpointRun, captured: DataCaptured) -> CaptureSummary | None:
    entry = run.entry
    options = CaptureOptions(
        header=entry.capture_header,
        test_marker=entry.test_marker,
        private=entry.private,
        features=_features(run) if entry.private else (),
    )
    chunks = run.stores.bucket_of(captured.bucket).get_chunks(captured.key)
    return None if chunks is None else summarize(chunks, options=options)


def _features(run: EndpointRun) -> tuple[str, ...]:
    """The features of the baseline in force, which name columns that have no names."""
    baseline = _baseline(run)
    return tuple(feature.name for feature in baseline.content.constraints.features) if baseline else ()


def _part(captured: DataCaptured, summary: CaptureSummary, evaluation: Evaluation | None) -> Part:
    return Part(
        endpoint=captured.capture.endpoint,
        variant=captured.capture.variant,
        bucket=captured.bucket,
        key=captured.key,
        etag=captured.etag,
        size=captured.size,
        begun=captured.capture.begun,
        summary=summary,
        evaluated=evaluation is not None,
        violated=evaluation is not None and bool(evaluation.alertable),
    )


def _stored(run: EndpointRun, captured: DataCaptured, part: Part) -> ProcessedObject:
    if not run.stores.parts.put(captured.capture, part):
        return ProcessedObject(run.stores.parts.get(captured.capture) or part, created=False)
    return ProcessedObject(part, created=True)


def _counted(processed: ProcessedObject) -> ProcessedObject:
    if processed.created:
        count("CapturedObjects")
        count("CapturedRows", processed.part.summary.rows)
        count("CapturedRejectedLines", processed.part.summary.rejected_lines)
    return processed


def _repeated(run: EndpointRun, captured: DataCaptured, part: Part) -> ProcessedObject:
    """An object that has its part: publish its verdict again, in case the first attempt failed behind the part."""
    if captured.etag and captured.etag != part.etag:
        count("OverwrittenObjects")
    baseline = _baseline(run) if part.violated else None
    if baseline is not None:
        execution_recording.publish(_record(run, part, baseline))
    return ProcessedObject(part, created=False)


def _record(
    run: EndpointRun, part: Part, baseline: VersionedBaseline, evaluation: Evaluation | None = None
) -> Execution:
    """The execution of a violating object; the one that was stored first, when this is a repetition."""
    capture = locations.capture_key(part.key)
    if capture is None:  # a part is created for capture objects alone
        raise UnreadableFile(f"{part.key}: the part's own key is not that of a capture object")
    folder = locations.execution_of_object(capture)
    stored = run.stores.executions.get(folder)
    if stored is None:
        evaluation = evaluation or execution_recording.hard_evaluation(run, part.summary, baseline.content)
        window = Window(part.begun, timedelta(minutes=1))
        evaluated = Evaluated(part.variant, window, part.summary, evaluation, baseline)
        served = Served.of(sagemaker.describe_served(run.endpoint))
        version = served.version if served else UNVERSIONED
        execution = execution_recording.execution_of(
            run, evaluated, folder, (locations.part(capture),), version, closed=False
        )
        if execution_recording.record(run, execution, evaluated):
            return execution
        stored = run.stores.executions.get(folder) or execution
    if not run.stores.executions.has_files(stored):
        execution_recording.write_files(run, stored, part.summary, baseline.content)
    return stored

"""One capture object becomes one part; a hard violation in it becomes an execution at once.

| input                                           | outcome                                                   |
|-------------------------------------------------|-----------------------------------------------------------|
| capture object of an endpoint in the fleet      | one part, written once                                    |
| the same object again                           | the part stays; an unpublished verdict is published again |
| at least 20 rows that violate a hard constraint | an execution of this object, stored before its part, and  |
|                                                 | published at once                                         |
| endpoint whose source is another place          | Skipped: captured to another place                        |
| object gone                                     | Skipped: object gone; remembered, and reported            |
| object that S3 or KMS refuses, while the source | Skipped: object denied; remembered, tried again, reported |
| gives others                                    |                                                           |
| source that gives no object                     | AccessDenied                                              |
| a reader fails on it                            | read again by the exact reader alone                      |
| every reader fails on it                        | Skipped: object unreadable; remembered, tried again,      |
|                                                 | reported                                                  |
| object overwritten after it was summarized      | its part stays, and a metric counts the event: SageMaker  |
|                                                 | never overwrites a capture object                         |
| object deleted after it was summarized          | no event: its part stays                                  |
| object whose window had closed before           | the same; the sweep evaluates the window again            |
| lines that cannot be read                       | counted by reason, with their byte range                  |
| object of an endpoint with a quality table      | its predictions are stored before its part                |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from chalicelib import locations
from chalicelib.capture.block_reader import VectorizedBlockReader
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.record_reader import RecordReader
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.constraints.evaluation import Evaluation
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import AccessDenied, UnreadableFile
from chalicelib.events import DataCaptured
from chalicelib.guarded_reading import read_guarded
from chalicelib.observability import count, logger
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.parts import Part
from chalicelib.records import Execution, UnreadableReason
from chalicelib.registry.plan import Served
from chalicelib.registry.versions import UNVERSIONED
from chalicelib.services import capture_backlog, execution_recording, unreadable_objects
from chalicelib.services.aggregation import WindowSum
from chalicelib.services.execution_recording import Evaluated
from chalicelib.stores.baselines import VersionedBaseline
from chalicelib.window import LATE_DATA_GRACE, Window, open_window

READERS = ((VectorizedBlockReader, RecordReader), (RecordReader,))  # of the first attempt, and of the second
SKIP_REASONS = {
    UnreadableReason.DENIED: SkipReason.OBJECT_DENIED,
    UnreadableReason.GONE: SkipReason.OBJECT_GONE,
    UnreadableReason.UNEXPECTED_CONTENT: SkipReason.OBJECT_UNREADABLE,
}


@dataclass(frozen=True)
class ProcessedObject:
    """The part of a capture object."""

    part: Part
    created: bool  # by this call
    predictions_added: bool = False  # to a part that had none

    def summary(self) -> dict[str, Any]:
        """The answer of the function."""
        counted = self.part.summary
        return {
            "endpoint": self.part.endpoint,
            "rows": counted.rows,
            "rejected": counted.rejected,
            "violated": self.part.violated,
        }


@dataclass(frozen=True)
class _ReadObject:
    """What a capture object contains, and what the baseline says about it; None where there is no baseline."""

    summary: CaptureSummary
    evaluation: Evaluation | None


def process_event(run: EndpointRun, captured: DataCaptured) -> ProcessedObject | Skipped:
    """Create the part of an object whose event arrived; a late one is left to the sweep's evaluation of its window.

    Raises
    ------
    AccessDenied
        When the source gives no object.
    """
    processed = process(run, captured)
    begun = captured.capture.begun
    window_had_closed = begun < open_window(run.entry.window_minutes, run.now - LATE_DATA_GRACE).start
    if isinstance(processed, ProcessedObject) and window_had_closed:
        run.stores.activity.record_late(run.endpoint, begun, run.now)
    return processed


def process(run: EndpointRun, captured: DataCaptured, *, source_is_readable: bool = False) -> ProcessedObject | Skipped:
    """Create the part of one object, and publish what violates; the sweep does this for events that were lost.

    An object that cannot be read is remembered. `source_is_readable` spares the look whether its source gives others.

    Raises
    ------
    AccessDenied
        When the source gives no object.
    """
    if not locations.captures_to(run.capture_uri, captured.bucket, captured.capture):
        return Skipped(SkipReason.OTHER_SOURCE, f"{run.endpoint} captures to {run.capture_uri}, not here")
    known = run.stores.parts.get(captured.capture)
    if known is not None:
        return _repeated(run, captured, known)
    baseline = _baseline(run)
    try:
        read = _read(run, captured, baseline)
    except AccessDenied:
        if not source_is_readable and not capture_backlog.another_can_be_read(run, captured):
            raise
        read = UnreadableReason.DENIED
    if isinstance(read, UnreadableReason):
        if read == UnreadableReason.GONE:
            count("GoneObjects")
        else:
            count("UnreadableObjects")
        unreadable_objects.remember(run, captured, read)
        return _skipped(captured, read)
    _record_predictions(run, captured)
    part = _part(captured, read.summary, read.evaluation)
    if baseline is None or not part.violated:
        return _counted(_stored(run, captured, part))
    # The verdict is stored before the part: once there is a part, its verdict is there too, and the sweep finds it.
    execution = _record(run, part, baseline, read.evaluation)
    processed = _counted(_stored(run, captured, part))
    execution_recording.publish(execution)
    return processed


def create_part(run: EndpointRun, captured: DataCaptured) -> ProcessedObject | Skipped:
    """Create the part of one object without evaluating it, for captures from before Vedette watched the endpoint.

    No metric counts it, and what cannot be read is not remembered: `vedette backfill` runs this outside of Lambda.

    Raises
    ------
    AccessDenied
        When S3 or KMS refuses it.
    """
    known = run.stores.parts.get(captured.capture)
    if known is not None:
        missing = run.entry.quality is not None and not run.quality_parts.has_predictions(captured.capture)
        return ProcessedObject(known, created=False, predictions_added=missing and _store_predictions(run, captured))
    read = _read(run, captured, None)
    if isinstance(read, UnreadableReason):
        return _skipped(captured, read)
    _store_predictions(run, captured)
    return _stored(run, captured, _part(captured, read.summary, None))


def capture_options(run: EndpointRun, baseline: VersionedBaseline | None) -> CaptureOptions:
    """How the captures of an endpoint are read; the baseline is read for it where it was not, and is needed."""
    entry = run.entry
    return CaptureOptions(
        header=entry.capture_header,
        test_marker=entry.test_marker,
        private=entry.private,
        features=_features(baseline or _baseline(run)) if entry.private else (),
    )


def _baseline(run: EndpointRun) -> VersionedBaseline | None:
    """The baseline in force; without one that can be read the part is created and not evaluated by itself."""
    try:
        return run.stores.baselines.get_in_force(run.endpoint)
    except UnreadableFile as error:  # `monitoring` notifies a person
        logger.error("baseline cannot be read", endpoint=run.endpoint, reason=str(error))
        return None


def _read(
    run: EndpointRun, captured: DataCaptured, baseline: VersionedBaseline | None
) -> _ReadObject | UnreadableReason:
    """Summarize an object and evaluate the summary; why neither attempt could, if so."""
    options = capture_options(run, baseline)

    def summarized(readers: Sequence[Callable[..., Any]], chunks: Iterable[bytes]) -> _ReadObject:
        summary = summarize(chunks, options=options, readers=readers)
        evaluation = execution_recording.hard_evaluation(run, summary, baseline.content) if baseline else None
        return _ReadObject(summary, evaluation)

    for readers in READERS:
        found = run.stores.bucket_of(captured.bucket).get_chunks(captured.key)
        if found is None:
            return UnreadableReason.GONE
        read = partial(summarized, readers)
        result = read_guarded(found, read, "a reader failed", endpoint=run.endpoint, key=captured.key)
        if result is not None:
            return result
    return UnreadableReason.UNEXPECTED_CONTENT


def _record_predictions(run: EndpointRun, captured: DataCaptured) -> None:
    """Store what labels are joined to, before the part: once there is a part, its predictions are there too."""
    if run.entry.quality is not None:
        from chalicelib.services import prediction_recording

        prediction_recording.record(run, captured, run.entry.quality)


def _store_predictions(run: EndpointRun, captured: DataCaptured) -> bool:
    """The same for captures from before; whether this call stored them."""
    if run.entry.quality is None:
        return False
    from chalicelib.services import prediction_recording

    stored = prediction_recording.store(run, captured, run.entry.quality)
    return stored is not None and stored.created


def _skipped(captured: DataCaptured, reason: UnreadableReason) -> Skipped:
    return Skipped(SKIP_REASONS[reason], f"s3://{captured.bucket}/{captured.key}: {reason.value}")


def _features(baseline: VersionedBaseline | None) -> tuple[str, ...]:
    """The features of the baseline in force, which name columns that have no names."""
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
    run.stores.activity.record_part(run.endpoint, run.now)
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
        key = (locations.part(capture),)
        evaluated = Evaluated(part.variant, window, WindowSum(part.summary, (), key, key), evaluation, baseline)
        served = Served.of(run.describe_served())
        version = served.version if served else UNVERSIONED
        execution = execution_recording.execution_of(run, evaluated, folder, version, closed=False)
        if execution_recording.record(run, execution, evaluated):
            return execution
        stored = run.stores.executions.get(folder) or execution
    if not run.stores.executions.has_files(stored):
        execution_recording.write_files(run, stored, part.summary, baseline.content)
    return stored

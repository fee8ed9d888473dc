"""One label object becomes one label part of each endpoint that has its labels there.

| input                                               | outcome                                                      |
|-----------------------------------------------------|--------------------------------------------------------------|
| label object                                        | one part, written once; what is no label is counted by       |
|                                                     | reason in it                                                 |
| the same object again                               | the part stays                                               |
| object that was written again                       | one more part: the latest label of a row counts              |
| object in which no line is a label                  | its part, and it is remembered, and reported                 |
| object that S3 or KMS refuses; a reader fails on it | Skipped; remembered, tried again, reported                   |
| object that is gone, or empty                       | Skipped                                                      |
| processed later than LATE after it was written      | recorded: the days that it concerns may have been evaluated  |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.aws.s3 import OpenObject
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import AccessDenied
from chalicelib.events import GroundTruthUploaded
from chalicelib.guarded_reading import read_guarded
from chalicelib.observability import count
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.quality.ids import IdHash
from chalicelib.quality.label_parts import LabelPart, label_part
from chalicelib.records import UnreadableReason
from chalicelib.services import unreadable_objects

LATE = timedelta(minutes=15)  # an event is delivered within seconds; a day is evaluated so long after it is due


@dataclass(frozen=True)
class ProcessedLabels:
    """The label part of an object, of one endpoint."""

    endpoint: str
    part: LabelPart
    created: bool  # by this call

    def summary(self) -> dict[str, Any]:
        """The answer of the function."""
        return {"endpoint": self.endpoint, "labels": self.part.count, "rejected": self.part.rejected}


def process_each(runs: Iterable[EndpointRun], uploaded: GroundTruthUploaded) -> list[ProcessedLabels | Skipped]:
    """Make the label part of an object for each endpoint, also when one of them fails."""
    done, failed = [], []
    for run in runs:
        try:
            done.append(process(run, uploaded))
        except Exception as error:  # noqa: BLE001 - raised below, after the other endpoints
            failed.append(error)
    if failed:
        raise failed[0]
    return done


def process(run: EndpointRun, uploaded: GroundTruthUploaded) -> ProcessedLabels | Skipped:
    """Make the label part of an object for one endpoint; the sweep does this for events that were lost."""
    try:
        processed = create_part(run, uploaded)
    except AccessDenied:
        return _unreadable(run, uploaded, UnreadableReason.DENIED)
    if isinstance(processed, Skipped):
        unreadable = processed.reason == SkipReason.OBJECT_UNREADABLE
        return _unreadable(run, uploaded, UnreadableReason.UNEXPECTED_CONTENT) if unreadable else processed
    part = processed.part
    if processed.created:
        count("Labels", part.count)
        count("RejectedLabels", sum(part.rejected.values()))
    if run.now - part.last_modified > LATE:
        run.quality_parts.record_late_labels(run.endpoint, part.last_modified)
    if not part.count:
        unreadable_objects.remember(run, uploaded, UnreadableReason.NO_LABELS, unreadable_objects.labels)
    else:
        unreadable_objects.forget(run, [(uploaded.bucket, uploaded.key)], unreadable_objects.labels)
    return processed


def create_part(run: EndpointRun, uploaded: GroundTruthUploaded) -> ProcessedLabels | Skipped:
    """Make the label part of an object, and nothing else: `vedette backfill` runs this outside of Lambda.

    No metric counts it, what cannot be read is not remembered, and no evaluated day is looked at again.

    Raises
    ------
    AccessDenied
        When S3 or KMS refuses the object.
    """
    uri = f"s3://{uploaded.bucket}/{uploaded.key}"
    opened = run.stores.bucket_of(uploaded.bucket).open(uploaded.key)
    if opened is None:
        return Skipped(SkipReason.OBJECT_GONE, f"{uri}: {UnreadableReason.GONE.value}")
    part = _part(run, uri, opened)
    if part is None:
        return Skipped(SkipReason.OBJECT_UNREADABLE, f"{uri}: {UnreadableReason.UNEXPECTED_CONTENT.value}")
    if not part.count and not part.rejected:
        return Skipped(SkipReason.NOT_LABELS, f"{uri}: it is empty")
    return ProcessedLabels(run.endpoint, part, run.quality_parts.put_labels(run.endpoint, part, opened.etag))


def _part(run: EndpointRun, uri: str, opened: OpenObject) -> LabelPart | None:
    """The labels of an object; None when the reader fails on it."""
    settings = run.entry.quality
    assert settings is not None  # noqa: S101 - an endpoint without it has no places of labels
    ids = IdHash(run.stores.id_secret.get())

    def read(chunks: Iterable[bytes]) -> LabelPart:
        return label_part(uri, opened.last_modified, chunks, settings, ids)

    return read_guarded(opened.chunks, read, "labels cannot be read", endpoint=run.endpoint, key=uri)


def _unreadable(run: EndpointRun, uploaded: GroundTruthUploaded, reason: UnreadableReason) -> Skipped:
    count("UnreadableObjects")
    unreadable_objects.remember(run, uploaded, reason, unreadable_objects.labels)
    skipped = SkipReason.OBJECT_DENIED if reason == UnreadableReason.DENIED else SkipReason.OBJECT_UNREADABLE
    return Skipped(skipped, f"s3://{uploaded.bucket}/{uploaded.key}: {reason.value}")

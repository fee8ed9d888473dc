"""The predictions of a capture object, by hashed id, for the labels that come later.

| input                                              | outcome                                                       |
|----------------------------------------------------|---------------------------------------------------------------|
| capture object of an endpoint with a quality table | one prediction part, written once                             |
| the same object again                              | the part stays                                                |
| rows without a usable prediction                   | counted by reason in the part                                 |
| a reader fails on the object                       | a part without predictions, which says so                     |
| deleted since its statistics were made             | none                                                          |
| captured after its day may have been evaluated     | recorded, so that the day is looked at again                  |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from chalicelib.capture.options import CaptureOptions
from chalicelib.endpoint_run import EndpointRun
from chalicelib.events import DataCaptured
from chalicelib.guarded_reading import read_guarded
from chalicelib.observability import count
from chalicelib.quality.ids import IdHash
from chalicelib.quality.predictions import PredictionPart, prediction_part
from chalicelib.quality.reasons import PredictionReason
from chalicelib.quality.ripeness import is_ripe
from chalicelib.quality.settings import QualitySettings
from chalicelib.window import day_of


class StoredPredictions(NamedTuple):
    """The predictions of a capture object."""

    part: PredictionPart
    created: bool  # by this call


def record(run: EndpointRun, captured: DataCaptured, settings: QualitySettings) -> None:
    """Store the predictions of a capture object, count them, and record that they came late, if they did.

    Raises
    ------
    AccessDenied
        When S3 or KMS refuses the object.
    """
    stored = store(run, captured, settings)
    if stored is None:
        return
    if stored.created:
        count("Predictions", stored.part.count)
    begun = captured.capture.begun
    if is_ripe(day_of(begun), settings, run.now):
        run.quality_parts.record_late_predictions(run.endpoint, begun)


def store(run: EndpointRun, captured: DataCaptured, settings: QualitySettings) -> StoredPredictions | None:
    """Store the predictions of a capture object, and nothing else; None when it is gone.

    Raises
    ------
    AccessDenied
        When S3 or KMS refuses the object.
    """
    part = _part(run, captured, settings)
    return None if part is None else StoredPredictions(part, run.quality_parts.put_predictions(captured.capture, part))


def _part(run: EndpointRun, captured: DataCaptured, settings: QualitySettings) -> PredictionPart | None:
    """The predictions of an object; None when it is gone."""
    found = run.stores.bucket_of(captured.bucket).get_chunks(captured.key)
    if found is None:
        return None
    ids = IdHash(run.stores.id_secret.get())
    options = CaptureOptions(header=run.entry.capture_header, test_marker=run.entry.test_marker)
    begun = captured.capture.begun

    def read(chunks: Iterable[bytes]) -> PredictionPart:
        return prediction_part(captured.key, chunks, begun, settings, ids, options)

    part = read_guarded(found, read, "predictions cannot be read", endpoint=run.endpoint, key=captured.key)
    return part or replace(read(()), skipped={str(PredictionReason.UNREADABLE): 1})

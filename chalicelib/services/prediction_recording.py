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

from chalicelib.aws.s3 import Chunks
from chalicelib.capture.options import CaptureOptions
from chalicelib.endpoint_run import EndpointRun
from chalicelib.events import DataCaptured
from chalicelib.observability import count, logger
from chalicelib.quality.ids import IdHash
from chalicelib.quality.predictions import PredictionPart, prediction_part
from chalicelib.quality.reasons import PredictionReason
from chalicelib.quality.ripeness import is_due
from chalicelib.quality.settings import QualitySettings
from chalicelib.window import DAY, open_window

MINUTES_OF_DAY = DAY.total_seconds() // 60


def record(run: EndpointRun, captured: DataCaptured) -> bool:
    """Store the predictions of a capture object; whether this call did.

    Raises
    ------
    AccessDenied
        When S3 or KMS refuses the object.
    """
    settings = run.entry.quality
    if settings is None:
        return False
    part = _part(run, captured, settings)
    if part is None:
        return False
    created = run.quality_parts.put_predictions(captured.capture, part)
    if created:
        count("Predictions", part.count)
    begun = captured.capture.begun
    if is_due(open_window(int(MINUTES_OF_DAY), begun), settings, run.now, None):
        run.quality_parts.record_late_predictions(run.endpoint, begun)
    return created


def _part(run: EndpointRun, captured: DataCaptured, settings: QualitySettings) -> PredictionPart | None:
    """The predictions of an object; None when it is gone. The text of an error could hold a payload: not logged."""
    found = run.stores.bucket_of(captured.bucket).get_chunks(captured.key)
    if found is None:
        return None
    ids = IdHash(run.stores.id_secret.get())
    options = CaptureOptions(header=run.entry.capture_header, test_marker=run.entry.test_marker)
    chunks = Chunks(found)
    begun = captured.capture.begun
    try:
        return prediction_part(captured.key, chunks, begun, settings, ids, options)
    except ImportError:  # the package is not whole, which no captured byte brings about
        raise
    except Exception as error:
        if chunks.interrupted:
            raise
        logger.error("predictions cannot be read", endpoint=run.endpoint, key=captured.key, kind=type(error).__name__)
    empty = prediction_part(captured.key, (), begun, settings, ids, options)
    return PredictionPart(
        key=captured.key,
        requests=0,
        without_inference_id=0,
        skipped={str(PredictionReason.UNREADABLE): 1},
        ids=b"",
        rows=b"",
        request_rows=b"",
        times=b"",
        values=empty.values,
    )

"""Capture objects and label objects, line by line."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from chalicelib.quality.ids import IdHash
from chalicelib.quality.label_parts import LabelPart, label_part
from chalicelib.quality.predictions import PredictionPart, prediction_part
from chalicelib.quality.settings import ProblemType, QualitySettings

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
IDS = IdHash(b"a secret of a stage")
SCORED = QualitySettings(problem_type=ProblemType.BINARY, score="0")
NUMBERS = QualitySettings(problem_type=ProblemType.REGRESSION)


def captured(
    output: str, *, inference_id: str = "", event_id: str = "e", encoding: str = "CSV", time: datetime = NOON, rows=1
) -> bytes:
    """One captured request, with as many rows of input."""
    data = {
        "endpointInput": {"observedContentType": "text/csv", "data": "1,2\n" * rows, "encoding": "CSV"},
        "endpointOutput": {"observedContentType": "text/csv", "data": output, "encoding": encoding},
    }
    metadata = {"eventId": event_id, "inferenceTime": time.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if inference_id:
        metadata["inferenceId"] = inference_id
    return json.dumps({"captureData": data, "eventMetadata": metadata}).encode() + b"\n"


def label(request_id: str, data: object, encoding: str = "CSV", **more: object) -> bytes:
    """One label record."""
    ground_truth = {"data": data, "encoding": encoding}
    record = {"groundTruthData": ground_truth, "eventMetadata": {"eventId": request_id}, "eventVersion": "0", **more}
    return json.dumps(record).encode() + b"\n"


def predictions_of(lines: Iterable[bytes], settings=SCORED, key="capture", begun=None) -> PredictionPart:
    return prediction_part(key, [b"".join(lines)], begun, settings, IDS)


def labels_of(lines: Iterable[bytes], settings=SCORED, key="labels", hours: float = 0) -> LabelPart:
    """The labels of an object that was written so many hours after noon."""
    return label_part(key, NOON + timedelta(hours=hours), [b"".join(lines)], settings, IDS)

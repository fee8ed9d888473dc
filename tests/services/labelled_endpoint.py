"""An endpoint with model quality: its captures with inference ids, and the labels that people upload."""

import json
import os
from datetime import timedelta

import boto3
from msgspec.structs import replace

from chalicelib.quality.settings import ProblemType, QualitySettings
from tests.runs import run_of
from tests.services.conftest import ENDPOINT, ENTRY
from vedette.local.application import load_app

SETTINGS = QualitySettings(problem_type=ProblemType.BINARY, score="0", label_delay_hours=24, label_limit_hours=240)
LABELLED = replace(ENTRY, mode="alert", package_group="", golden_payload=None, quality=SETTINGS)
PREFIX = f"ground-truth/{ENDPOINT}"


def record(number: int, score: float, *, inference_id: str = "") -> str:
    """One captured request: its event id is e{number}."""
    sides = {
        "endpointInput": {"data": "1,2", "encoding": "CSV"},
        "endpointOutput": {"data": str(score), "encoding": "CSV"},
    }
    metadata = {"eventId": f"e{number}", **({"inferenceId": inference_id} if inference_id else {})}
    return json.dumps({"captureData": sides, "eventMetadata": metadata, "eventVersion": "0"})


def capture_key(begun, number: int = 0) -> str:
    """The key of a capture object that was begun at a time."""
    return f"data-capture/{ENDPOINT}/AllTraffic/{begun:%Y/%m/%d/%H/%M}-00-{number:03}-11111111-2222.jsonl"


def capture(world, records, begun=None, number: int = 0) -> str:
    """Write a capture object, as SageMaker does; its key."""
    key = capture_key(begun or world.cloud.clock.now(), number)
    boto3.client("s3").put_object(Bucket=world.bucket, Key=key, Body="\n".join(records).encode())
    world.cloud.settle()
    return key


def upload(world, name: str, content: bytes | str, prefix: str = PREFIX) -> str:
    """Upload a label object; its key."""
    body = content.encode() if isinstance(content, str) else content
    boto3.client("s3").put_object(Bucket=world.bucket, Key=f"{prefix}/{name}", Body=body)
    world.cloud.settle()
    return f"{prefix}/{name}"


def label_parts():
    """The stored labels of two days, by the time at which their objects were written."""
    run = run_of()
    keys = run.quality_parts.label_keys(ENDPOINT, run.now - timedelta(days=2), run.now + timedelta(minutes=1))
    return list(run.quality_parts.read_labels(keys))


def prediction_parts():
    """The stored predictions of two days."""
    run = run_of()
    span = (run.now - timedelta(days=2), run.now + timedelta(minutes=1))
    return list(run.quality_parts.read_predictions(run.quality_parts.prediction_keys(ENDPOINT, "AllTraffic", *span)))


def reads_labels_in(world, *prefixes: str) -> None:
    """Install the stage again, with more places of labels in its bucket."""
    os.environ["VEDETTE_GROUND_TRUTH_SOURCES"] = ",".join(f"{world.bucket}/{prefix}" for prefix in prefixes)
    world.cloud.run_functions(load_app(dict(os.environ)))


def answers(world, function: str = "on_ground_truth") -> list[str]:
    """How the deliveries to a function ended."""
    return [delivery.outcome for delivery in world.cloud.bus.deliveries if delivery.function == function]

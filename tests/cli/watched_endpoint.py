"""An endpoint that another team made, capturing to a bucket of their own."""

import json
from datetime import timedelta

import boto3
import pytest

from chalicelib.settings import settings
from tests.capture.captures import line, side
from vedette.demo import user_actions

LAKE = "team-lake"
CHURN = "churn"


@pytest.fixture
def lake(stage):
    """The bucket of a team, which sends no events."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=LAKE, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return s3


def let_the_stage_read(monkeypatch, source: str = f"{LAKE}/captures/2026/") -> None:
    """The first of the owners' changes: the stage's roles may read the place; its rule is as it was deployed."""
    monkeypatch.setenv("VEDETTE_CAPTURE_SOURCES", source)
    settings.cache_clear()


def churn(stage, destination: str = f"s3://{LAKE}/captures/2026", enabled: bool = True, **more) -> None:
    """An endpoint as Terraform would make it."""
    sagemaker = boto3.client("sagemaker")
    container = {"Image": user_actions.IMAGES["knn"], "ModelDataUrl": stage.model_data()}
    role = "arn:aws:iam::123456789012:role/theirs"
    sagemaker.create_model(ModelName="churn-model", ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {
        "VariantName": "blue",
        "ModelName": "churn-model",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    captured = {
        "EnableCapture": enabled,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": destination,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        **more,
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName="churn-config", ProductionVariants=[variant], DataCaptureConfig=captured
    )
    sagemaker.create_endpoint(EndpointName=CHURN, EndpointConfigName="churn-config")
    stage.cloud.turn(minutes=6)


def write_constraints(folder) -> None:
    """Constraints as Model Monitor left them."""
    features = [
        {"name": name, "inferred_type": kind, "completeness": 1.0}
        for name, kind in (("label", "Fractional"), ("a", "Integral"), ("b", "Integral"))
    ]
    (folder / "constraints.json").write_text(json.dumps({"version": 0.0, "features": features}))


def capture_key(stage, ago: timedelta, name: str = "x", root: str = "captures/2026") -> str:
    begun = stage.cloud.clock.now() - ago
    return f"{root}/{CHURN}/blue/{begun:%Y/%m/%d/%H/%M}-00-000-{name}.jsonl"


def rows(number: int, b: str = "2") -> bytes:
    return line(side(f"1,{b}"), side("0.5")) * number

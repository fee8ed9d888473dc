"""The actions of users in the demo, as the commands and calls that they would use on a real account."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import boto3

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.files import write_constraints
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import BaselineInForce, FleetEntry
from chalicelib.statistics.files import write_statistics
from chalicelib.statistics.table import Table
from vedette.local.inference import train
from vedette.operations import aws, fleet, packages

IMAGES = {
    "knn": "438346466558.dkr.ecr.eu-west-1.amazonaws.com/knn:1",
    "linear-learner": "438346466558.dkr.ecr.eu-west-1.amazonaws.com/linear-learner:1",
}
Cell = str


def register(
    group: str, kind: str, training_csv: bytes, bucket: str, status: str = "PendingManualApproval", **more: Any
) -> str:
    """Train a model, put its artifact into S3, and register it as `vedette register` does; returns its ARN."""
    key = f"models/{group}/{kind}/model.tar.gz"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=train(kind, training_csv))
    registration = packages.prepare(
        group, IMAGES[kind], f"s3://{bucket}/{key}", content_types=("text/csv", "application/json"), status=status
    )
    registration.request.update(more)
    return packages.register(registration)


def deploy_by_hand(name: str, kind: str, training_csv: bytes, bucket: str) -> None:
    """Create an endpoint as Terraform would: without the registry, with capture to `data-capture/` in the bucket."""
    sagemaker = boto3.client("sagemaker")
    key = f"models/{name}/model.tar.gz"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=train(kind, training_csv))
    container = {"Image": IMAGES[kind], "ModelDataUrl": f"s3://{bucket}/{key}"}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=os.environ["VEDETTE_ROLE_ARN"], PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    capture: dict[str, Any] = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/data-capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], DataCaptureConfig=capture)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


def set_approval(package_arn: str, status: str) -> None:
    """Approve or reject a version in the registry."""
    boto3.client("sagemaker").update_model_package(ModelPackageArn=package_arn, ModelApprovalStatus=status)


def predict(endpoint: str, rows: Sequence[Sequence[Cell]], **more: Any) -> str:
    """Send rows as CSV in one request; returns the response as text."""
    body = "\n".join(",".join(row) for row in rows)
    answer = boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, Body=body.encode(), **{"ContentType": "text/csv", "Accept": "text/csv", **more}
    )
    return str(answer["Body"].read().decode())


def apply_fleet(*entries: FleetEntry) -> None:
    """Replace the fleet."""
    _, etag = aws.get_fleet()
    fleet.apply(entries, etag=etag, by="demo")


def put_baseline_in_force(endpoint: str, version: str, constraints: Constraints, statistics: Table | None) -> None:
    """Store a baseline, and use it from now on."""
    named = BaselineInForce(version=version, by="demo", at=datetime.now(UTC))
    written = None if statistics is None else write_statistics(statistics)
    stage_stores().baselines.put(endpoint, named, write_constraints(constraints), written)

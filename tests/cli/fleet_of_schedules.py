"""Endpoints with Model Monitor's schedules, as an account has them that used it."""

import json
from collections.abc import Sequence

from chalicelib.aws.clients import client
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import FleetEntry
from vedette.demo import user_actions

ROLE = "arn:aws:iam::123456789012:role/theirs"
IMAGE = "468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"
FEATURES = (("label", "Fractional"), ("a", "Integral"), ("b", "Integral"))


def endpoints(stage, names: Sequence[str]) -> None:
    """Endpoints of one model, capturing to the stage's bucket."""
    sagemaker = client("sagemaker")
    container = {"Image": user_actions.IMAGES["knn"], "ModelDataUrl": stage.model_data()}
    sagemaker.create_model(ModelName="shared", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "blue", "ModelName": "shared", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    captured = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{stage.bucket}/data-capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName="shared", ProductionVariants=[variant], DataCaptureConfig=captured
    )
    for name in names:
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="shared")
    stage.cloud.turn(minutes=6)


def baseline(stage, endpoint: str, file: str = "constraints.json", **types: str) -> str:
    """Constraints in S3 as Model Monitor's baselining job left them; their URI."""
    features = [{"name": name, "inferred_type": types.get(name, kind), "completeness": 1.0} for name, kind in FEATURES]
    key = f"baselines-of-model-monitor/{endpoint}/{file}"
    body = json.dumps({"version": 0.0, "features": features}).encode()
    client("s3").put_object(Bucket=stage.bucket, Key=key, Body=body)
    return f"s3://{stage.bucket}/{key}"


def _inputs(endpoint: str) -> dict:
    return {"EndpointInput": {"EndpointName": endpoint, "LocalPath": "/opt/ml/processing/input/endpoint"}}


def _outputs(stage) -> dict:
    target = {"S3Uri": f"s3://{stage.bucket}/reports", "LocalPath": "/opt/ml/processing/output"}
    return {"MonitoringOutputs": [{"S3Output": target}]}


RESOURCES = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}}


def schedule(
    stage,
    endpoint: str,
    baseline_config: dict,
    name: str = "",
    cron: str = "cron(0 * ? * * *)",
    code: dict | None = None,
) -> None:
    """A data quality schedule with a job definition of its own."""
    name = name or f"{endpoint}-schedule"
    sagemaker = client("sagemaker")
    sagemaker.create_data_quality_job_definition(
        JobDefinitionName=name,
        DataQualityBaselineConfig=baseline_config,
        DataQualityAppSpecification={"ImageUri": IMAGE, **(code or {})},
        DataQualityJobInput=_inputs(endpoint),
        DataQualityJobOutputConfig=_outputs(stage),
        JobResources=RESOURCES,
        RoleArn=ROLE,
    )
    config = {"MonitoringJobDefinitionName": name, "MonitoringType": "DataQuality"}
    _create(name, config, cron)


def inline_schedule(stage, endpoint: str, baseline_config: dict, cron: str = "cron(0 * ? * * *)") -> None:
    """A schedule of the old style, with its definition in it."""
    definition = {
        "BaselineConfig": baseline_config,
        "MonitoringInputs": [_inputs(endpoint)],
        "MonitoringOutputConfig": _outputs(stage),
        "MonitoringResources": RESOURCES,
        "MonitoringAppSpecification": {"ImageUri": IMAGE},
        "RoleArn": ROLE,
    }
    _create(f"{endpoint}-schedule", {"MonitoringJobDefinition": definition}, cron)


def model_quality_schedule(stage, endpoint: str) -> None:
    """A schedule of a kind that compares with labels."""
    client("sagemaker").create_model_quality_job_definition(
        JobDefinitionName=f"{endpoint}-quality",
        ModelQualityAppSpecification={"ImageUri": IMAGE, "ProblemType": "BinaryClassification"},
        ModelQualityJobInput={**_inputs(endpoint), "GroundTruthS3Input": {"S3Uri": f"s3://{stage.bucket}/labels"}},
        ModelQualityJobOutputConfig=_outputs(stage),
        JobResources=RESOURCES,
        RoleArn=ROLE,
    )
    config = {"MonitoringJobDefinitionName": f"{endpoint}-quality", "MonitoringType": "ModelQuality"}
    _create(f"{endpoint}-quality", config, "cron(0 * ? * * *)")


def _create(name: str, config: dict, cron: str) -> None:
    client("sagemaker").create_monitoring_schedule(
        MonitoringScheduleName=name,
        MonitoringScheduleConfig={"ScheduleConfig": {"ScheduleExpression": cron}, **config},
    )


def fleet() -> dict[str, FleetEntry]:
    """The stored entries by endpoint."""
    return {entry.endpoint: entry for entry in stage_stores().fleet.get().entries}

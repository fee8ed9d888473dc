"""Create a SageMaker pipeline whose first step is the quality gate; add your own steps after it.

    python pipeline.py --image 123456789012.dkr.ecr.eu-west-1.amazonaws.com/vedette:0.1.0 \
        --role arn:aws:iam::123456789012:role/sagemaker --bucket my-bucket

It writes the pipeline's definition with boto3, so it does not depend on a version of the SageMaker SDK. In a pipeline
that the SDK builds, use quality_gate.py in a step of your own (README.md).
"""

import argparse
import json
import uuid

import boto3

DATA, BASELINE, OUTPUT = ({"Get": f"Parameters.{name}"} for name in ("Data", "Baseline", "Output"))


def definition(image: str, role: str, bucket: str) -> dict:
    """The definition of a pipeline with one step."""
    return {
        "Version": "2020-12-01",
        "Parameters": [
            {"Name": "Data", "Type": "String", "DefaultValue": f"s3://{bucket}/batch/"},
            {"Name": "Baseline", "Type": "String", "DefaultValue": f"s3://{bucket}/baseline/"},
            {"Name": "Output", "Type": "String", "DefaultValue": f"s3://{bucket}/quality-gate/"},
        ],
        "Steps": [quality_gate(image, role)],
    }


def quality_gate(image: str, role: str) -> dict:
    """The step. The steps that need good data name it in their `DependsOn`."""
    return {
        "Name": "QualityGate",
        "Type": "Processing",
        "Arguments": {
            "RoleArn": role,
            "AppSpecification": {
                "ImageUri": image,
                "ContainerEntrypoint": ["python", "/quality_gate.py"],
                "ContainerArguments": ["--fail-on", "warning"],
            },
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
            },
            "ProcessingInputs": [_input("data", DATA), _input("baseline", BASELINE)],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "results",
                        "S3Output": {
                            "S3Uri": OUTPUT,
                            "LocalPath": "/opt/ml/processing/output",
                            "S3UploadMode": "Continuous",  # so that the report of a failed job is there, too
                        },
                    }
                ]
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        },
    }


def _input(name: str, uri: dict) -> dict:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }


def main() -> None:
    """Create the pipeline."""
    parser = argparse.ArgumentParser(description="Create a pipeline whose first step is the quality gate.")
    for name in ("image", "role", "bucket"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--name", default="quality-gate")
    arguments = parser.parse_args()
    body = json.dumps(definition(arguments.image, arguments.role, arguments.bucket), indent=2)
    made = boto3.client("sagemaker").create_pipeline(
        PipelineName=arguments.name,
        PipelineDefinition=body,
        RoleArn=arguments.role,
        ClientRequestToken=uuid.uuid4().hex,
    )
    print(made["PipelineArn"])


if __name__ == "__main__":
    main()

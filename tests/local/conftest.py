"""A cloud with a stage installed, and the steps that many tests begin with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from vedette.local import Cloud
from vedette.local.inference import train

ROWS = b"".join(b"%d,%d,%d\n" % (i % 2, (i % 2) * 10 + i % 7, (i % 2) * 10 + i % 5) for i in range(60))
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
}


@dataclass
class Account:
    """A cloud, its stage, and hands."""

    cloud: Cloud
    environment: dict[str, str]

    @property
    def bucket(self) -> str:
        return self.environment["VEDETTE_BUCKET"]

    def client(self, service: str) -> Any:
        return boto3.client(service)

    def specification(self, kind: str = "knn") -> dict:
        key = f"models/{kind}.tar.gz"
        self.cloud.write(f"s3://{self.bucket}/{key}", train(kind, ROWS))
        image = f"000000000000.dkr.ecr.eu-west-1.amazonaws.com/{kind}:1"
        return {
            "Containers": [{"Image": image, "ModelDataUrl": f"s3://{self.bucket}/{key}"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        }

    def package(self, group: str = "site", status: str = "Approved", kind: str = "knn", **more: Any) -> str:
        sagemaker = self.client("sagemaker")
        if group not in {g["ModelPackageGroupName"] for g in self.cloud.sagemaker.registry.groups.values()}:
            sagemaker.create_model_package_group(ModelPackageGroupName=group)
        return sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus=status,
            InferenceSpecification=self.specification(kind),
            **more,
        )["ModelPackageArn"]

    def model(self, name: str, kind: str = "knn") -> None:
        self.client("sagemaker").create_model(
            ModelName=name,
            ExecutionRoleArn=self.environment["VEDETTE_ROLE_ARN"],
            PrimaryContainer=self.specification(kind)["Containers"][0],
        )

    def config(self, name: str, model: str, count: int = 1, **more: Any) -> None:
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": model,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": count,
        }
        self.client("sagemaker").create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **more)

    def capturing(self, **changes: Any) -> dict:
        return {"DataCaptureConfig": {**CAPTURE, "DestinationS3Uri": f"s3://{self.bucket}/data-capture", **changes}}

    def endpoint(self, name: str = "site", kind: str = "knn", **config: Any) -> None:
        """An endpoint in service."""
        self.model(f"{name}-model", kind)
        self.config(f"{name}-config", f"{name}-model", **config)
        self.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")
        self.cloud.turn(minutes=5)

    def status(self, name: str = "site") -> str:
        return self.client("sagemaker").describe_endpoint(EndpointName=name)["EndpointStatus"]

    def predict(self, body: str = "1,2", name: str = "site", **more: Any) -> Any:
        return self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=name, Body=body, **{"ContentType": "text/csv", "Accept": "text/csv", **more}
        )

    def captured(self) -> list[str]:
        pages = self.client("s3").list_objects_v2(Bucket=self.bucket, Prefix="data-capture/")
        return [found["Key"] for found in pages.get("Contents", ())]

    def events(self, detail_type: str) -> list[dict]:
        return [event for event in self.cloud.bus.events if event["detail-type"] == detail_type]


@contextmanager
def installed(*args: Any, **kwargs: Any) -> Iterator[Account]:
    with Cloud(*args, **kwargs) as cloud:
        yield Account(cloud, cloud.install())


@pytest.fixture
def account() -> Iterator[Account]:
    with installed() as account:
        yield account


@pytest.fixture
def account_with() -> Any:
    """An account whose cloud has other settings: `with account_with(seed=2) as account:`."""
    return installed


class Refused:
    """What AWS answered to a call that it refused."""

    code = ""
    message = ""
    response: dict = {}

    def __enter__(self) -> "Refused":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        assert isinstance(error, ClientError), f"it was not refused, but {error!r}"
        self.response = error.response
        self.code, self.message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        return True


@pytest.fixture
def refused() -> type[Refused]:
    return Refused

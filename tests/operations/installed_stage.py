"""A stage in the AWS simulator with the real app in it, and the hands of the people who use it."""

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from click.testing import CliRunner, Result

from chalicelib.aws import sagemaker
from chalicelib.records import FleetEntry, GoldenPayload
from chalicelib.registry.plan import Served
from chalicelib.registry.versions import version_of
from chalicelib.settings import settings
from vedette.cli import main
from vedette.demo import user_actions
from vedette.local import Cloud
from vedette.local.application import load_app
from vedette.local.inference import train

SITE, OTHER = "preferred-site", "preferred-site-10"  # one name begins with the other
TRAINING = b"".join(f"{int(a + b > 100)},{a},{b}\n".encode() for a in range(0, 100, 10) for b in range(0, 100, 10))


@dataclass
class Installed:
    cloud: Cloud
    bucket: str

    def run(self, *arguments, typed: str = "") -> Result:
        """A command, as a person would call it."""
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(main, words, input=typed, catch_exceptions=False)

    def done(self, *arguments, typed: str = "") -> str:
        """A command that must succeed; what it said."""
        result = self.run(*arguments, typed=typed)
        assert result.exit_code == 0, result.output
        return result.output

    def refused(self, *arguments, typed: str = "") -> str:
        """A command that must be refused in one sentence; the sentence."""
        result = self.run(*arguments, typed=typed)
        assert result.exit_code == 2, result.output
        sentence = result.stderr.strip().splitlines()[-1]
        assert sentence.startswith("Error: "), result.output
        assert "Traceback" not in result.output
        return sentence.removeprefix("Error: ")

    def answer(self, *arguments):
        """What a command answers to a machine, without the metrics of the functions, which run in this process."""
        lines = self.run(*arguments, "--json").stdout.splitlines()
        return json.loads("\n".join(line for line in lines if not line.startswith('{"_aws":')))

    def register(self, kind: str = "knn", status: str = "Approved", group: str = SITE) -> str:
        arn = user_actions.register(group, kind, TRAINING, self.bucket, status)
        self.cloud.settle()
        return arn

    def entry(self, endpoint: str = SITE, **more) -> FleetEntry:
        golden = GoldenPayload(body="60,70")
        return FleetEntry(
            **{"endpoint": endpoint, "mode": "deploy", "package_group": endpoint, "golden_payload": golden} | more
        )

    def deployed(self, *kinds: str, endpoint: str = SITE) -> None:
        """An endpoint on which these versions were deployed and verified, one after the other."""
        for kind in kinds or ("knn",):
            self.register(kind, group=endpoint)
            self.cloud.turn(minutes=25)

    def by_hand(self, name: str, *, capture: bool = False) -> None:
        """An endpoint that another team made."""
        sagemaker = boto3.client("sagemaker")
        container = {"Image": user_actions.IMAGES["knn"], "ModelDataUrl": self.model_data()}
        role = os.environ["VEDETTE_ROLE_ARN"]
        sagemaker.create_model(ModelName=f"{name}-model", ExecutionRoleArn=role, PrimaryContainer=container)
        variant = {
            "VariantName": "blue",
            "ModelName": f"{name}-model",
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 2,
        }
        captured = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 20,
            "DestinationS3Uri": f"s3://{self.bucket}/data-capture",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        }
        sagemaker.create_endpoint_config(
            EndpointConfigName=f"{name}-config",
            ProductionVariants=[variant],
            Tags=[{"Key": "team", "Value": "search"}],
            **({"DataCaptureConfig": captured} if capture else {}),
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")
        self.cloud.turn(minutes=6)

    def model_data(self) -> str:
        key = "models/by-hand/model.tar.gz"
        boto3.client("s3").put_object(Bucket=self.bucket, Key=key, Body=train("knn", TRAINING))
        return f"s3://{self.bucket}/{key}"

    def served(self, endpoint: str = SITE) -> str:
        found = Served.of(sagemaker.describe_served(endpoint))
        return version_of(found.package_arn) if found else ""

    def config(self, endpoint: str = SITE) -> dict:
        name = boto3.client("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
        return boto3.client("sagemaker").describe_endpoint_config(EndpointConfigName=name)

    def made(self) -> set[str]:
        """Every endpoint, config and model there is, by its kind and name."""
        hosting, endpoints = self.cloud.sagemaker.hosting, self.cloud.sagemaker.endpoints
        kinds = {"endpoint": endpoints.endpoints, "config": hosting.configs, "model": hosting.models}
        return {f"{kind} {name}" for kind, found in kinds.items() for name in found}

    def changes(self) -> list[str]:
        """What was asked of AWS that changes something, so far."""
        reads = ("Get", "List", "Describe", "Head", "Query", "Invoke", "BatchGet", "Simulate")
        return [call.operation for call in self.cloud.recorder.calls if not call.operation.startswith(reads)]


@contextmanager
def installed(monkeypatch):
    """A stage at work; sleeping turns the cloud's clock."""
    saved = dict(os.environ)
    with Cloud() as cloud:
        environment = cloud.install()
        cloud.run_functions(load_app(environment))
        monkeypatch.setattr("time.sleep", lambda seconds: cloud.turn(seconds=seconds))
        made = Installed(cloud, environment["VEDETTE_BUCKET"])
        user_actions.apply_fleet(made.entry())
        yield made
        monkeypatch.undo()
        assert not cloud.bus.failed, [str(error) for failed in cloud.bus.failed for error in failed.errors]
    for name in set(os.environ) - set(saved):
        del os.environ[name]
    settings.cache_clear()

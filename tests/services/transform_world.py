"""A nightly transform job over CSV, and what a person sees of it."""

import json
from dataclasses import dataclass

import boto3

from chalicelib.capture.summary import summarize
from chalicelib.constraints.evaluation import Baseline
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import JOB_THRESHOLDS, FleetEntry
from tests.services.conftest import World
from vedette.demo import user_actions
from vedette.local.inference.predictors import BadRequest

NIGHTLY = "churn-nightly"
ENTRY = FleetEntry(endpoint=NIGHTLY, mode="alert", transform_jobs="churn-nightly-", thresholds=JOB_THRESHOLDS)
IMAGE = "example.com/score:1"
GOOD = [f"{n},{n % 7}.5" for n in range(200)]
BAD = [f"{n}.25,{n % 7}.5" for n in range(200)]  # the first feature was a whole number


def score(body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    """A model that answers each row of CSV with a score."""
    try:
        values = [float(line.split(b",")[0]) for line in body.splitlines() if line]
    except ValueError as error:
        raise BadRequest("unable to evaluate payload") from error
    return b"".join(b"%.4f\n" % (value % 10 / 10) for value in values), "text/csv"


@dataclass
class TransformWorld:
    """Jobs of one fleet entry, in the bucket of the stage."""

    world: World

    def __post_init__(self) -> None:
        self.cloud, self.bucket = self.world.cloud, self.world.bucket
        self.sagemaker, self.s3 = boto3.client("sagemaker"), boto3.client("s3")
        self.cloud.runtime.register(IMAGE, score)
        self.sagemaker.create_model(
            ModelName="score",
            PrimaryContainer={"Image": IMAGE},
            ExecutionRoleArn="arn:aws:iam::123456789012:role/vedette-local-models",
        )

    def uri(self, name: str) -> str:
        return f"s3://{self.bucket}/data-capture/{name}"

    def put(self, name: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"data-capture/{name}", Body=content)

    def create(self, name: str, lines=GOOD, *, folder: str = "", objects: int = 1, processing=None, **more) -> None:
        """Write the inputs of a job, and create it."""
        folder = folder or name
        for number in range(objects):
            self.put(f"in/{folder}/part-{number}.csv", ("\n".join(lines) + "\n").encode())
        form = {"ContentType": "text/csv", "SplitType": "Line", **more.pop("given", {})}
        written = {"Accept": "text/csv", "AssembleWith": "Line", **more.pop("written", {})}
        self.sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName="score",
            TransformInput={
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": self.uri(f"in/{folder}/")}},
                **form,
            },
            TransformOutput={"S3OutputPath": self.uri(f"out/{folder}"), **written},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **({"DataProcessing": processing} if processing else {}),
            **more,
        )

    def run(self, name: str, lines=GOOD, **more) -> None:
        """The same, and wait until it has ended."""
        self.create(name, lines, **more)
        self.cloud.turn(minutes=9)

    def use_baseline(self, lines=GOOD) -> None:
        """The baseline that the training data has: the score and both features."""
        self.use_baseline_of(lines, score("\n".join(lines).encode(), "text/csv", "text/csv")[0].decode().split())

    def use_baseline_of(self, lines, answers, encoding: str = "CSV") -> None:
        """The baseline of these inputs and outputs."""
        record = {
            "endpointInput": {"data": "\n".join(lines), "encoding": encoding},
            "endpointOutput": {"data": "\n".join(answers), "encoding": encoding},
        }
        table = summarize([json.dumps({"captureData": record}).encode()]).tables[0]
        found = Baseline(constraints=suggested_constraints(table), statistics=table)
        user_actions.put_baseline_in_force(NIGHTLY, "v1", found.constraints, found.statistics)

    def executions(self):
        return list(stage_stores().executions.latest_before(NIGHTLY, "transform", self.cloud.clock.now(), 50))

    def verdicts(self) -> dict[str, str]:
        return {one.job: str(one.verdict) for one in self.executions()}

    @property
    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.cloud.mailbox.mails]

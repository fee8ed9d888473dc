"""What the reader of a document has: an account, a stage, endpoints, and files in the working directory."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pandas as pd

import vedette
from tests.cli import fleet_of_schedules
from tests.documents import ROOT, blocks
from tests.installation.conftest import cloned
from tests.operations.evaluated_windows import evaluated
from tests.operations.installed_stage import Installed, installed
from tests.services.transform_world import TransformWorld
from vedette.demo import user_actions

COUNT = 400


def capture_line(number: int, row: str, answer: str) -> str:
    """One captured request, as SageMaker writes it."""

    def side(data: str, mode: str) -> dict[str, str]:
        return {"observedContentType": "text/csv", "mode": mode, "data": data, "encoding": "CSV"}

    return json.dumps(
        {
            "captureData": {"endpointInput": side(row, "INPUT"), "endpointOutput": side(answer, "OUTPUT")},
            "eventMetadata": {
                "eventId": f"e-{number}",
                "inferenceId": f"a{number}",
                "inferenceTime": f"2026-03-02T08:{number % 60:02}:00Z",
            },
            "eventVersion": "0",
        }
    )


def files(folder: Path) -> None:
    """The files that documents name: data, captures with labels, and a baseline of each kind."""
    random = np.random.default_rng(7)
    score = random.random(COUNT).round(3)
    fraud = (random.random(COUNT) < score).astype(int)
    age = random.integers(20, 70, COUNT)
    pd.DataFrame({"score": score, "age": age, "plan": ["basic", "pro"] * (COUNT // 2)}).to_csv(
        folder / "train.csv", index=False
    )
    pd.DataFrame({"fraud": fraud, "p": score}).to_csv(folder / "test.csv", index=False)
    captures = folder / "captures"
    captures.mkdir()
    lines = [capture_line(i, f"{age[i]},{'pro' if i % 2 else 'basic'}", f"{score[i]}") for i in range(COUNT)]
    (captures / "00-12-123-0f6c1d1e.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "labels.csv").write_text("".join(f"a{i},{fraud[i]}\n" for i in range(COUNT)))
    train = pd.read_csv(folder / "train.csv")
    train.to_parquet(folder / "batch.parquet")
    vedette.baseline(train).save(folder / "baseline")
    (folder / "constraints.json").write_bytes((folder / "baseline" / "constraints.json").read_bytes())
    result = vedette.evaluate(train.assign(plan=None), folder / "baseline")
    (folder / "constraint_violations.json").write_bytes(result.violations_file())


def in_my_bucket(folder: Path) -> None:
    """The captures and the baseline, in S3 too."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="my-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for file in (folder / "captures").iterdir():
        s3.put_object(
            Bucket="my-bucket",
            Key=f"data-capture/my-endpoint/AllTraffic/2026/11/22/08/{file.name}",
            Body=file.read_bytes(),
        )


@contextmanager
def endpoint(monkeypatch, folder: Path) -> Iterator[Any]:
    """An endpoint whose last window violates a constraint; the folder has the fleet.toml of docs/fleet.md."""
    example = next(block for block in blocks(ROOT / "docs" / "fleet.md") if block.language == "toml")
    (folder / "fleet.toml").write_text(example.content)
    files(folder)
    with installed(monkeypatch) as stage:
        yield evaluated(stage)


@contextmanager
def two_endpoints(monkeypatch, folder: Path) -> Iterator[Any]:
    """The same, and the endpoint of another team that docs/fleet.md names."""
    with endpoint(monkeypatch, folder) as stage:
        stage.by_hand("churn")
        yield stage


@contextmanager
def only_files(monkeypatch, folder: Path) -> Iterator[Any]:
    """Files, on disk and in S3; nothing is installed."""
    files(folder)
    with cloned(folder) as clone:
        in_my_bucket(folder)
        yield clone


@contextmanager
def account(monkeypatch, folder: Path) -> Iterator[Any]:
    """An empty account."""
    with cloned(folder) as clone:
        yield clone


@contextmanager
def set_up(monkeypatch, folder: Path) -> Iterator[Any]:
    """An account with a stage, without functions."""
    with cloned(folder) as clone:
        clone.done("setup", "--stage", "dev", "--email", "you@example.com", "--yes")
        yield clone


@contextmanager
def company_account(monkeypatch, folder: Path) -> Iterator[Any]:
    """An account that has a bucket, a topic, a role for models, a permissions boundary and a network already."""
    with cloned(folder) as clone:
        (roles,) = [one for one in clone.cloud.cloudformation.operator_policy["Statement"] if one["Sid"] == "Roles"]
        roles["Resource"] = [roles["Resource"], "arn:aws:iam::*:role/ml/vedette-*"]
        clone.client("s3").create_bucket(
            Bucket="our-ml-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        clone.client("sns").create_topic(Name="ml-alerts")
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        clone.client("iam").create_role(RoleName="sagemaker", AssumeRolePolicyDocument=document)
        yield clone


@contextmanager
def captured_endpoint(monkeypatch, folder: Path) -> Iterator[Any]:
    """A stage, and an endpoint of another team that captures its requests; its training data."""
    (folder / "train.csv").write_bytes(
        b"label,a,b\n" + b"".join(b"%d.0,%d,%d\n" % (i % 2, i, 100 - i) for i in range(100))
    )
    with installed(monkeypatch) as stage:
        fleet_of_schedules.endpoints(stage, ["churn"])
        yield stage


@contextmanager
def own_records(monkeypatch, folder: Path) -> Iterator[Any]:
    """A stage, a bucket, and a program with the writer of the examples beside it; a baseline of its training data."""
    monkeypatch.syspath_prepend(ROOT / "examples" / "records")
    with captured_endpoint(monkeypatch, folder) as stage:
        boto3.client("s3").create_bucket(
            Bucket="my-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        vedette.baseline(folder / "train.csv").save(folder / "baseline")
        yield stage


def _records(stage: Installed) -> None:
    from capture_writer import CaptureWriter

    writer = CaptureWriter(f"s3://{stage.bucket}/data-capture", "scores", is_background=False)
    for number in range(40):
        writer.record(f"{number},{100 - number}".encode(), b"0.5")
    writer.flush()
    stage.cloud.turn(minutes=75)


@contextmanager
def captured_before(monkeypatch, folder: Path) -> Iterator[Any]:
    """The same endpoint, which captured for some hours before it was watched."""
    with captured_endpoint(monkeypatch, folder) as stage:
        for cents in ("", "", "", ".50"):
            _traffic(stage, cents)
        stage.cloud.turn(minutes=150)
        vedette.baseline(folder / "train.csv").save(folder / "baseline")
        stage.done("watch", "churn", "--baseline", folder / "baseline", "--yes")
        yield stage


@contextmanager
def schedules(monkeypatch, folder: Path) -> Iterator[Any]:
    """A stage, and endpoints with schedules of Model Monitor: of data quality, of the old style, of model quality."""
    with installed(monkeypatch) as stage:
        fleet_of_schedules.endpoints(stage, ["churn", "pricing"])
        baseline = {name: fleet_of_schedules.baseline(stage, name) for name in ("churn", "pricing")}
        fleet_of_schedules.schedule(stage, "churn", {"ConstraintsResource": {"S3Uri": baseline["churn"]}})
        fleet_of_schedules.inline_schedule(stage, "pricing", {"ConstraintsResource": {"S3Uri": baseline["pricing"]}})
        fleet_of_schedules.model_quality_schedule(stage, "churn")
        stage.cloud.turn(minutes=10)
        yield stage


@contextmanager
def transform_jobs(monkeypatch, folder: Path) -> Iterator[Any]:
    """A stage, a model whose job runs each night, and its training data."""
    rows = "\n".join(["score,a,b", *(f"{n % 10 / 10:.4f},{n},{n % 7}.5" for n in range(200))])
    (folder / "train.csv").write_text(rows + "\n")
    with installed(monkeypatch) as stage:
        stage.jobs = TransformWorld(stage)
        _night(stage)
        yield stage


def _night(stage: Any, cents: str = "") -> None:
    night = f"{stage.cloud.clock.now():%Y-%m-%d}"
    stage.jobs.run(f"churn-nightly-{night}", [f"{n}{cents},{n % 7}.5" for n in range(200)])
    stage.cloud.schedules_enabled = False
    stage.cloud.turn(hours=24)


@contextmanager
def models(monkeypatch, folder: Path) -> Iterator[Any]:
    """A stage, and a trained model in S3."""
    with installed(monkeypatch) as stage:
        stage.model_data()
        yield stage


def _traffic(stage: Installed, cents: str = "") -> None:
    rows = [(str(i), str(100 - i)) for i in range(40)]
    user_actions.predict("churn", [(a, b + cents) for a, b in rows])
    stage.cloud.turn(minutes=75)


# What happens between two blocks of a document
MEANWHILE: dict[str, Callable[[Any], None]] = {
    "an hour with requests": _traffic,
    "an hour in which b has cents": lambda stage: _traffic(stage, ".50"),
    "a night": _night,
    "a night in which a has cents": lambda stage: _night(stage, ".25"),
    "ten minutes": lambda stage: stage.cloud.turn(minutes=10),
    "an hour with records": _records,
    "half an hour": lambda stage: stage.cloud.turn(minutes=30),
}

# The document -> what its reader has when its Python runs
PYTHON_SCENARIOS: dict[str, Callable[..., Any]] = {"docs/own-records.md": own_records}

# The document -> what its reader has
SCENARIOS: dict[str, Callable[..., Any]] = {
    "README.md": only_files,
    "docs/alerts.md": endpoint,
    "docs/backfill.md": captured_before,
    "docs/batch-transform.md": transform_jobs,
    "docs/company-account.md": company_account,
    "docs/configure.md": set_up,
    "docs/constraints.md": endpoint,
    "docs/cost.md": endpoint,
    "docs/deploy.md": models,
    "docs/evaluate.md": only_files,
    "docs/fleet.md": two_endpoints,
    "docs/from-model-monitor.md": schedules,
    "docs/install.md": account,
    "docs/metrics.md": two_endpoints,
    "docs/operate.md": endpoint,
    "docs/own-records.md": own_records,
    "docs/quality-metrics.md": only_files,
    "docs/receive-alerts.md": endpoint,
    "docs/spark.md": captured_before,
    "docs/uninstall.md": set_up,
    "docs/watch.md": captured_endpoint,
    "examples/sagemaker_pipelines/README.md": only_files,
}

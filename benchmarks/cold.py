"""The cold start of each function, from the start of its process to its first answer, and the size of the zip.

    python -m benchmarks.cold [--rounds 9] [--bare]        (without --bare it writes COLD.md)

Beside it, an app with boto3 and Powertools alone that makes the same calls for the same event: the calls that the
recorder saw, made again by plain clients. Both run from a zip with byte code, as `make deploy` and `make package` ship
it, or both without, as a bare `chalice deploy` does (--bare), under AWS's own runtime client, one after the other in
each round. The ratio is the median of the rounds' ratios of CPU seconds: the wall clock of a shared machine says
little.

`run_monitoring` and `sweep` start twice: for the clock's event, which they pass on, and for one endpoint.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from benchmarks.levels import Level, machine, spread, table
from chalicelib.constraints.constraints import Constraints
from chalicelib.events import Scheduled
from chalicelib.records import FleetEntry
from chalicelib.settings import settings
from vedette.demo import user_actions
from vedette.installation import byte_code
from vedette.installation.check_functions import synthetic_events
from vedette.installation.functions import NAMES
from vedette.local import Cloud
from vedette.local.application import load_app
from vedette.local.artifact import Artifact
from vedette.local.functions import Function

ROOT = Path(__file__).parents[1]
TARGET = Path(__file__).parent / "COLD.md"
ONE = ", of one endpoint"
STARTS = (*NAMES, "run_monitoring" + ONE, "sweep" + ONE)
PARSES = {"on_data_captured", "run_monitoring" + ONE, "sweep" + ONE}  # captures, or what was summed of them
LEVELS = {True: 1.5, False: 1.1}  # with numpy, without it: times the CPU of a bare app
PLAIN = """
import json
import os

import boto3
from aws_lambda_powertools import Logger, Metrics
from chalice import Chalice
from chalice.app import ConvertToMiddleware

app = Chalice(app_name="plain", configure_logs=False)
logger, metrics = Logger(service="plain"), Metrics(namespace="Plain", service="plain")
app.register_middleware(ConvertToMiddleware(logger.inject_lambda_context))


@app.lambda_function()
def plain(event, context):
    clients = {}
    for service, operation, arguments in json.loads(os.environ["CALLS"]):
        client = clients.get(service) or clients.setdefault(service, boto3.client(service))
        try:
            answer = getattr(client, operation)(**arguments)
            if "Body" in answer:
                answer["Body"].read()
        except client.exceptions.ClientError:
            pass
    logger.info("done", answer={"calls": len(json.loads(os.environ["CALLS"]))})
    return {"left alone": "plain"}
"""
READS = {  # operation -> method, and the names of its arguments among those that the recorder keeps
    "GetObject": ("get_object", ("Bucket", "Key")),
    "PutObject": ("put_object", ("Bucket", "Key")),
    "ListObjectsV2": ("list_objects_v2", ("Bucket",)),
    "GetItem": ("get_item", ("TableName",)),
    "DescribeEndpoint": ("describe_endpoint", ("EndpointName",)),
    "DescribeEndpointConfig": ("describe_endpoint_config", ("EndpointConfigName",)),
    "DescribeModel": ("describe_model", ("ModelName",)),
}


def built() -> bytes:
    """The zip that Chalice builds, without byte code."""
    with tempfile.TemporaryDirectory() as folder:
        chalice = Path(sys.executable).parent / "chalice"
        subprocess.run(
            [chalice, "--project-dir", ROOT / "chalice_app", "package", "--stage", "dev", folder],
            check=True,
            capture_output=True,
            env={**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        return (Path(folder) / "deployment.zip").read_bytes()


def with_byte_code(content: bytes) -> bytes:
    """A zip as `make deploy` ships it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "deployment.zip"
        file.write_bytes(content)
        byte_code.add(file)
        return file.read_bytes()


def plain_zip(ours: bytes) -> bytes:
    """The app with boto3 and Powertools alone: Chalice's and Powertools' files of our zip, and PLAIN."""
    kept = ("chalice/", "aws_lambda_powertools/", "jmespath/", "typing_extensions.py")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(ours)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            if entry.filename.startswith(kept):
                new.writestr(entry, old.read(entry))
        new.writestr("app.py", PLAIN)
    return out.getvalue()


def captured_object(bucket: str) -> str:
    """A capture object of 1,000 rows of 20 columns, where an endpoint would have written it."""
    lines = []
    for number in range(1_000):
        row = ",".join(str(number * column % 97) for column in range(20))
        side = {"observedContentType": "text/csv", "encoding": "CSV"}
        data = {"endpointInput": {**side, "data": row}, "endpointOutput": {**side, "data": "1.0"}}
        lines.append(json.dumps({"captureData": data, "eventMetadata": {"eventId": str(number)}, "eventVersion": "0"}))
    key = f"data-capture/site/AllTraffic/{datetime.now(UTC):%Y/%m/%d/%H/%M-%S}-000-1111-2222.jsonl"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body="\n".join(lines).encode() + b"\n")
    return key


def first_events(bucket: str) -> dict[str, dict[str, Any]]:
    """One event a function; that of on_data_captured names a real object of an endpoint in the fleet."""
    events = synthetic_events(settings())
    events["on_data_captured"]["detail"]["object"]["key"] = captured_object(bucket)
    for name in ("run_monitoring", "sweep"):
        events[name + ONE] = Scheduled.for_endpoints(["site"], events[name], settings())
        events[name] = {**events[name], "source": "aws.events", "detail": {}}
    return events


def started(artifact: Artifact, function: Function, event: dict[str, Any]) -> tuple[float, float]:
    """CPU and wall seconds from the start of a process to the answer to its first event."""
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), datetime.now(UTC)
    environment = artifact.environment_of(function)
    environment.invoke(event)
    wall = (datetime.now(UTC) - clock).total_seconds()
    environment.close()
    artifact._warm.clear()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def calls_of(cloud: Cloud, since: int) -> list[tuple[str, str, dict[str, Any]]]:
    """The calls of the first event, as plain clients can make them again."""
    found = []
    for call in cloud.recorder.calls[since:]:
        if call.operation in READS:
            method, names = READS[call.operation]
            arguments: dict[str, Any] = {name: call.parameters[name] for name in names if name in call.parameters}
            if call.operation == "GetItem":
                arguments["Key"] = {name: {"S": call.parameters.get(name, "-")} for name in ("pk", "sk")}
            if call.operation == "PutObject":
                arguments["Body"] = "{}"
                arguments["Key"] = "plain/" + arguments["Key"]
            found.append((call.service, method, arguments))
    return found


def measured(rounds: int, *, bare: bool) -> list[str]:
    """The tables of levels and of seconds."""
    shipped = (lambda content: content) if bare else with_byte_code
    ours = shipped(built())
    plain_app = shipped(plain_zip(ours))
    with zipfile.ZipFile(io.BytesIO(ours)) as archive:
        unzipped = sum(entry.file_size for entry in archive.infolist())
    levels = [
        Level("zip, MB", [len(ours) / 1e6], 22, at_most=True),
        Level("zip, unpacked, MB", [unzipped / 1e6], 80, at_most=True),
    ]
    lines = ["| function | CPU s | wall s | plain app, CPU s |", "|---|---|---|---|"]
    with Cloud(start=datetime.now(UTC), real_time=True) as cloud:
        environment = cloud.install()
        load_app(environment)
        cloud.schedules_enabled = False
        artifact = cloud.run_artifact(ours, environment, load_app(environment))
        user_actions.apply_fleet(FleetEntry(endpoint="site"))
        user_actions.put_baseline_in_force("site", "v1", Constraints({"version": 0.0, "features": []}), None)
        url = cloud.child_environment(cloud.router.url)
        for name in STARTS:
            function = next(found for found in cloud.bus.functions if found.name == name.removesuffix(ONE))
            ratios, cpus, walls, plains = [], [], [], []
            for turn in range(rounds + 1):
                event = first_events(environment["VEDETTE_BUCKET"])[name]
                since = len(cloud.recorder.calls)
                cpu, wall = started(artifact, function, event)
                replayed = calls_of(cloud, since)
                plain = Artifact(plain_app, {**url, "CALLS": json.dumps(replayed)})
                other, _ = started(plain, Function("plain", "plain", "app.plain", "arn:plain"), {})
                plain.close()
                if turn:  # the first round warms the machine
                    for kept, one in ((cpus, cpu), (walls, wall), (plains, other), (ratios, cpu / other)):
                        kept.append(one)
            levels.append(Level(f"{name}: times a plain app's CPU", ratios, LEVELS[name in PARSES], at_most=True))
            lines.append(f"| {name} | {spread(cpus)} | {spread(walls)} | {spread(plains)} |")
            print(lines[-1], flush=True)
    return [*table(levels), *lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--bare", action="store_true", help="without byte code")
    given = parser.parse_args()
    begun = machine()
    shipped = "without byte code, as a bare `chalice deploy` ships it" if given.bare else "as `make deploy` ships it"
    lines = [
        "# Cold starts and the size of the package",
        "",
        f"Written by `python -m benchmarks.cold`. {begun}. {given.rounds} rounds; {shipped}.",
        "From the start of a process to the answer to its first event.",
        "The plain app has boto3 and Powertools alone, and makes the same calls.",
        "",
        *measured(given.rounds, bare=given.bare),
    ]
    text = "\n".join(lines).rstrip() + "\n"
    print(text)
    if not given.bare:
        TARGET.write_text(text)


if __name__ == "__main__":
    main()

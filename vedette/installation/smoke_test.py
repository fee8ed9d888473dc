"""`make aws-check`: an installation proven in a real account, and removed again.

One deploy, one capture, one alert, one forced duplicate. No endpoint is made: the captured file is written as SageMaker
writes it, so that it costs cents. Everything has the stage's name; bucket and table are deleted at the end as well.

    python -m vedette.installation.smoke_test --stage check --email you@example.com
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import boto3

from chalicelib.aws import store, table
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.files import write_constraints
from chalicelib.errors import VedetteError
from chalicelib.records import AlertState, BaselineInForce, FleetEntry
from vedette.cli import sentence
from vedette.installation import account, project
from vedette.installation.check_functions import synthetic_events
from vedette.installation.functions import full_name
from vedette.operations import aws, fleet, stages

COST = """This installs stage {stage} into account {account}, {region}, proves it, and removes it:
about 200 requests to S3, DynamoDB, Lambda, SNS and EventBridge, and 14 alarm metrics for some minutes: less than
0.10 USD at list prices. No endpoint is made. You get two mails to confirm; they need no answer."""
ENDPOINT, VARIANT, ROWS = "vedette-check", "AllTraffic", 200
TIMEOUT_SECONDS = 180


def main() -> None:
    """Ask, prove, remove; exit code 2 when that could not be done."""
    try:
        _run()
    except subprocess.CalledProcessError as error:  # the command has said why
        raise SystemExit(error.returncode) from None
    except Exception as error:
        text = sentence(error)
        if text is None:
            raise
        sys.stderr.write(f"Error: {text}\n")
        raise SystemExit(2) from None


def _run() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", default="check")
    parser.add_argument("--email", required=True)
    parser.add_argument("--yes", action="store_true")
    given = parser.parse_args()
    boto3.setup_default_session()
    _, owner, region = account.identity()
    say(COST.format(stage=given.stage, account=owner, region=region))
    if not given.yes and input(f"Type {given.stage} to go on: ") != given.stage:
        raise VedetteError("Nothing was done.")
    if account.describe_stack(f"vedette-{given.stage}"):
        raise VedetteError(f"Stage {given.stage} exists already; name another with --stage.")
    try:
        vedette("setup", given.stage, "--email", given.email, "--yes")
        vedette("install", given.stage)
        found = project.found(Path.cwd())
        with stages.entered(found.stage(given.stage)["environment_variables"], None, None):
            verify(given.stage)
        say("Proven: one deploy, one capture, one alert, and a duplicate that changed nothing.")
    finally:
        remove(given.stage)


def say(text: str) -> None:
    """A line for the person who waits."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def vedette(command: str, stage: str, *arguments: str) -> None:
    """A command, as a person would call it."""
    program = Path(sys.executable).parent / "vedette"
    say(f"$ vedette {command} --stage {stage} {' '.join(arguments)}")
    subprocess.run([program, command, "--stage", stage, *arguments], check=True)  # noqa: S603


def verify(stage: str) -> None:
    """A capture becomes a part and one alert; the same event again changes nothing."""
    from chalicelib.settings import settings

    _, etag = aws.get_fleet()
    fleet.apply((FleetEntry(endpoint=ENDPOINT, mode="alert"),), etag=etag, by="aws-check")
    constraints = Constraints({"version": 0.0, "features": [{"name": "a", "inferred_type": "Integral"}]})
    named = BaselineInForce(version="check", by="aws-check", at=datetime.now(UTC))
    store.put_baseline(ENDPOINT, named, write_constraints(constraints), None)
    key = f"data-capture/{ENDPOINT}/{VARIANT}/{datetime.now(UTC):%Y/%m/%d/%H/%M-%S}-000-aws-check.jsonl"
    answer = boto3.client("s3").put_object(Bucket=settings().bucket, Key=key, Body=captured())
    parts = f"parts/{ENDPOINT}/{VARIANT}/"
    wait_until(lambda: len(keys(settings().bucket, parts)) == 1, "the captured object became a part")
    wait_until(lambda: bool(sent_alerts()), "an alert was sent")
    before = sent_alerts()
    event = synthetic_events(settings())["on_data_captured"]
    event["detail"]["object"] |= {"key": key, "etag": answer["ETag"].strip('"'), "size": len(captured())}
    aws.run_function(full_name(stage, "on_data_captured"), event)
    time.sleep(20)
    if sent_alerts() != before or len(keys(settings().bucket, parts)) != 1:
        raise VedetteError("The same event again made another part or another alert.")
    say("  the same event again: no other part, no other alert")


def captured() -> bytes:
    """A captured file in which a column is not what its baseline says."""
    lines = []
    for number in range(ROWS):
        sides = {"endpointInput": {"data": f"{number}.5"}, "endpointOutput": {"data": "1.0"}}
        for side in sides.values():
            side |= {"observedContentType": "text/csv", "encoding": "CSV"}
        lines.append(json.dumps({"captureData": sides, "eventMetadata": {"eventId": str(number)}, "eventVersion": "0"}))
    return "\n".join(lines).encode() + b"\n"


def sent_alerts() -> tuple[str, ...]:
    """The alerts that were sent."""
    books = table.query(AlertState, table.endpoint_key(ENDPOINT), "alerts#")
    return tuple(sorted(alert for book in books.values() for alert in book.sent_ids))


def keys(bucket: str, prefix: str) -> list[str]:
    """What lies under a prefix."""
    return [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())]


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that must happen."""
    for _ in range(TIMEOUT_SECONDS // 3):
        if holds():
            say(f"  {what}")
            return
        time.sleep(3)
    raise VedetteError(f"After {TIMEOUT_SECONDS} s it was not so: {what}.")


def remove(stage: str) -> None:
    """Uninstall, and delete what an uninstall leaves: it was made for this proof alone."""
    outputs = account.outputs_of(account.describe_stack(f"vedette-{stage}"))
    if not outputs:
        return
    vedette("uninstall", stage, "--yes")
    s3, bucket = boto3.client("s3"), outputs["Bucket"]
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for found in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            s3.delete_object(Bucket=bucket, Key=found["Key"], VersionId=found["VersionId"])
    s3.delete_bucket(Bucket=bucket)
    boto3.client("dynamodb").delete_table(TableName=outputs["Table"])
    say(f"Removed: bucket {bucket}, table {outputs['Table']}.")


if __name__ == "__main__":
    main()

"""`make aws-check`: install a stage in a real account, test it, and remove it; what was learned is written to a file.

The test is one deployment, one capture, one alert and one duplicate event, the assumptions about AWS that need no
endpoint (`assumption_checks`), and an installation after an uninstall. It creates no endpoint, but writes a captured
file in SageMaker's format, so that it costs cents. At the end it also deletes the bucket and the table.

    python -m vedette.installation.smoke_test --stage check --email you@example.com
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.files import write_constraints
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import VedetteError
from chalicelib.records import BaselineInForce, FleetEntry, Mode
from vedette.cli import sentence
from vedette.installation import account, assumption_checks, project
from vedette.installation.assumption_checks import Outcome, Settled
from vedette.installation.check_functions import synthetic_events
from vedette.installation.check_report import Run, report
from vedette.installation.functions import full_name
from vedette.operations import aws, fleet, stages

COST = "less than 0.10 USD at list prices"
QUESTION = """This installs stage {stage} in account {account}, {region}, tests it, and removes it, twice. It makes
about 500 requests to S3, DynamoDB, Lambda, SNS, SageMaker and EventBridge, and 14 alarm metrics for some minutes. The
cost is {cost}. No endpoint is created. You get confirmation e-mails; you can ignore them. The report is written to
{file}."""
ENDPOINT, VARIANT, ROWS = "vedette-check", "AllTraffic", 200
TIMEOUT_SECONDS = 180


@dataclass
class Learned:
    """What a run has seen so far."""

    started: datetime
    passed: list[str] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)

    def saw(self, what: str, *slugs: str) -> None:
        """Note something that worked, and the assumptions that it confirms."""
        say(f"  {what}")
        self.passed.append(what)
        self.settled += (Settled(slug, Outcome.CONFIRMED, what) for slug in slugs)

    def count(self, model: Any, **_: Any) -> None:
        """Count one request (botocore's event before-call)."""
        self.requests[model.service_model.service_name] += 1


def main() -> None:
    """Ask for confirmation, test and remove; exit code 2 if that fails, 1 if an assumption is wrong."""
    try:
        refuted = _run()
    except subprocess.CalledProcessError as error:  # the command has printed the reason
        raise SystemExit(error.returncode) from None
    except Exception as error:
        text = sentence(error)
        if text is None:
            raise
        sys.stderr.write(f"Error: {text}\n")
        raise SystemExit(2) from None
    raise SystemExit(1 if refuted else 0)


def _run() -> bool:
    """Whether an assumption was refuted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", default="check")
    parser.add_argument("--email", required=True)
    parser.add_argument("--yes", action="store_true")
    options = parser.parse_args()
    boto3.setup_default_session()
    stage: str = options.stage
    _, owner, region = account.identity()
    file = Path(f"aws-check-{stage}.md")
    say(QUESTION.format(stage=stage, account=owner, region=region, cost=COST, file=file))
    if not options.yes and input(f"Type {stage} to continue: ") != stage:
        raise VedetteError("Nothing was changed.")
    if account.describe_stack(f"vedette-{stage}"):
        raise VedetteError(f"Stage {stage} already exists; choose another with --stage.")
    learned = Learned(datetime.now(UTC))
    boto3.DEFAULT_SESSION.events.register("before-call", learned.count)
    failure = ""
    try:
        _learn(learned, stage, options.email)
    except BaseException as error:
        failure = sentence(error) or type(error).__name__ if isinstance(error, Exception) else type(error).__name__
        raise
    finally:
        try:
            remove(stage)
        finally:
            now = datetime.now(UTC)
            run = Run(stage, owner, region, learned.started, now, learned.passed, failure, learned.requests, COST)
            file.write_text(report(run, learned.settled))
            say(f"The report is in {file}.")
    say("Passed: one deployment, one capture, one alert, and a duplicate event that changed nothing.")
    wrong = [one for one in learned.settled if one.outcome == Outcome.REFUTED]
    for one in wrong:
        say(f"Refuted: {one.slug}: {one.evidence}")
    return bool(wrong)


def _learn(learned: Learned, stage: str, email: str) -> None:
    """Install, test, settle the assumptions, uninstall, and install again."""
    vedette("setup", stage, "--email", email, "--yes")
    vedette("setup", stage, "--email", email, "--yes")
    learned.saw("a second setup found nothing to change", "empty-change-set")
    vedette("install", stage, "--yes")
    stack = str((account.describe_stack(f"vedette-{stage}") or {})["StackId"])
    found = project.found(Path.cwd())
    with stages.entered(found.stage(stage)["environment_variables"], None, None) as settings:
        verify(learned, stage)
        for one in assumption_checks.run(assumption_checks.CHECKS, settings):
            say(f"  {one.slug}: {one.outcome}: {one.evidence}")
            learned.settled.append(one)
        bucket = settings.bucket
    vedette("uninstall", stage, "--yes")
    _forgotten(learned, stage, stack)
    learned.saw("the bucket and its history stay after an uninstall", "stack-deletion")
    vedette("setup", stage, "--email", email, "--yes")
    if not keys(bucket, f"parts/{ENDPOINT}/"):
        raise VedetteError(f"The second installation has lost the history in {bucket}.")
    learned.saw("an installation after an uninstall has its history", "import-existing", "imported-configuration")


def _forgotten(learned: Learned, stage: str, stack: str) -> None:
    """A deleted stack is found by its id alone."""
    if account.describe_stack(f"vedette-{stage}") is not None:
        raise VedetteError(f"The stack vedette-{stage} is still there.")
    try:
        (described,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        learned.settled.append(Settled("deleted-stack", Outcome.REFUTED, f"by its id: {aws.message(error)}"))
        return
    learned.saw(f"the deleted stack is {described['StackStatus']} by its id, and gone by its name", "deleted-stack")


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def vedette(command: str, stage: str, *arguments: str) -> None:
    """Run a command, as a user would."""
    program = Path(sys.executable).parent / "vedette"
    say(f"$ vedette {command} --stage {stage} {' '.join(arguments)}")
    subprocess.run([program, command, "--stage", stage, *arguments], check=True)  # noqa: S603


def verify(learned: Learned, stage: str) -> None:
    """Check that a capture becomes a part and one alert, and that a duplicate event changes nothing."""
    from chalicelib.settings import settings

    _, etag = aws.get_fleet()
    fleet.apply((FleetEntry(endpoint=ENDPOINT, mode=Mode.ALERT),), etag=etag, by="aws-check")
    constraints = Constraints({"version": 0.0, "features": [{"name": "a", "inferred_type": "Integral"}]})
    named = BaselineInForce(version="check", by="aws-check", at=datetime.now(UTC))
    stage_stores().baselines.put(ENDPOINT, named, write_constraints(constraints), None)
    key = f"data-capture/{ENDPOINT}/{VARIANT}/{datetime.now(UTC):%Y/%m/%d/%H/%M-%S}-000-aws-check.jsonl"
    answer = boto3.client("s3").put_object(Bucket=settings().bucket, Key=key, Body=captured())
    parts = f"parts/{ENDPOINT}/{VARIANT}/"
    wait_until(lambda: len(keys(settings().bucket, parts)) == 1, "the captured object became a part")
    learned.saw("the captured object became a part", "object-event")
    wait_until(lambda: bool(sent_alerts()), "an alert was sent")
    learned.saw("an alert was sent to a topic that nobody has confirmed", "sns-unconfirmed")
    before = sent_alerts()
    event = synthetic_events(settings())["on_data_captured"]
    event["detail"]["object"] |= {"key": key, "etag": answer["ETag"].strip('"'), "size": len(captured())}
    aws.run_function(full_name(stage, "on_data_captured"), event)
    time.sleep(20)
    if sent_alerts() != before or len(keys(settings().bucket, parts)) != 1:
        raise VedetteError("The duplicate event created another part or another alert.")
    learned.saw("the duplicate event created no other part and no other alert")


def captured() -> bytes:
    """A captured file in which a column violates its baseline."""
    lines = []
    for number in range(ROWS):
        sides = {"endpointInput": {"data": f"{number}.5"}, "endpointOutput": {"data": "1.0"}}
        for side in sides.values():
            side |= {"observedContentType": "text/csv", "encoding": "CSV"}
        lines.append(json.dumps({"captureData": sides, "eventMetadata": {"eventId": str(number)}, "eventVersion": "0"}))
    return "\n".join(lines).encode() + b"\n"


def sent_alerts() -> tuple[str, ...]:
    """The alerts about the capture that were sent; that there is no such endpoint is another one."""
    states = stage_stores().alert_states.of_endpoint(ENDPOINT)
    return tuple(sorted(alert for state in states if state.variant for alert in state.sent_ids))


def keys(bucket: str, prefix: str) -> list[str]:
    """The keys under a prefix."""
    return [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())]


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds; raises VedetteError after TIMEOUT_SECONDS."""
    for _ in range(TIMEOUT_SECONDS // 3):
        if holds():
            return
        time.sleep(3)
    raise VedetteError(f"This did not happen within {TIMEOUT_SECONDS} s: {what}.")


def remove(stage: str) -> None:
    """Uninstall the stage, and delete the data that an uninstall keeps: it belongs to this test."""
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

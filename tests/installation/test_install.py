"""From a clone to a working installation and back, with the very commands, against the AWS simulator over HTTP.

The functions run from the deployed package under AWS's own runtime client; events reach them by the deployed rules.
"""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import boto3
import pytest

from chalicelib.constraints.constraints import Constraints
from chalicelib.records import FleetEntry, GoldenPayload
from chalicelib.settings import settings
from tests.installation.conftest import Clone, copied, operator_policy
from vedette.demo import user_actions
from vedette.installation.functions import NAMES, full_name
from vedette.installation.policies import listed
from vedette.local import Cloud

pytestmark = pytest.mark.artifact
MAIL = "oncall@example.com"
BUCKET = "vedette-dev-123456789012-eu-west-1"
ENDPOINT = "site"


class Shell(Clone):
    """A person at a shell: each command is a process of its own."""

    url = ""
    planned: ClassVar[dict] = {}  # what a dry run said before anything was deployed
    printed = ""  # while it was deployed
    asked: ClassVar[list] = []  # what commands asked of AWS, themselves

    def run(self, *arguments: str, typed: str = "", folder: Path | None = None):
        environment = {**os.environ, **self.cloud.child_environment(self.url), "PYTHONDONTWRITEBYTECODE": "1"}
        program = Path(sys.executable).parent / arguments[0]
        before = len(self.cloud.recorder.calls)
        done = subprocess.run(
            [program, *arguments[1:]],
            cwd=folder or self.project.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        self.asked += [call for call in self.cloud.recorder.calls[before:] if call.function is None]
        done.output, done.exit_code = done.stdout + done.stderr, done.returncode
        return done

    def findings(self, *arguments: str) -> dict[str, dict]:
        done = self.run("vedette", "doctor", "--stage", "dev", "--json", *arguments)
        answer = json.loads(done.stdout)
        assert done.exit_code == (1 if answer["fault"] else 0)
        return {one["what"]: one for one in answer["findings"] if one["outcome"] != "ok"}


@pytest.fixture(scope="module")
def shell(tmp_path_factory, package):
    saved = dict(os.environ)
    project = copied(tmp_path_factory.mktemp("clone"), built=True)
    with Cloud(start=datetime.now(UTC), real_time=True) as cloud, cloud.serve() as url:
        cloud.schedules_enabled = False
        cloud.cloudformation.operator_policy = operator_policy()
        shell = Shell(cloud, project)
        shell.url = url
        shell.done("vedette", "setup", "--stage", "dev", "--email", MAIL, "--yes")
        shell.planned = json.loads(shell.run("vedette", "install", "--stage", "dev", "--dry-run", "--json").stdout)
        assert boto3.client("lambda").list_functions()["Functions"] == []
        shell.printed = shell.done("vedette", "install", "--stage", "dev", "--yes")
        cloud.run_deployed()
        yield shell
    os.environ.clear()
    os.environ.update(saved)
    settings.cache_clear()


def test_a_fresh_installation_has_no_fault_and_every_function_runs(shell):
    found = shell.findings("--live")
    assert not [what for what, one in found.items() if one["outcome"] != "warning"]
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert set(found) == ({"the Python is supported"} if python == "python3.11" else set())


def test_a_dry_run_shows_what_is_then_deployed(shell):
    planned = {one["name"]: one for one in shell.planned["functions"]}
    assert {one["action"] for one in planned.values()} == {"Add"}
    assert shell.planned["zip_bytes"] > 1 << 20
    deployed = {one["FunctionName"]: one for one in boto3.client("lambda").list_functions()["Functions"]}
    assert set(planned) == set(deployed)
    for name, one in planned.items():
        found = deployed[name]
        assert (one["memory_mb"], one["timeout_seconds"]) == (found["MemorySize"], found["Timeout"])
        assert found["CodeSize"] == shell.planned["zip_bytes"]
        role = boto3.client("iam").get_role_policy(RoleName=name, PolicyName=name)
        assert role["PolicyDocument"] == one["policy"]
        reserved = boto3.client("lambda").get_function_concurrency(FunctionName=name)
        assert reserved["ReservedConcurrentExecutions"] == one["reserved_concurrency"]


def test_a_deployment_says_what_it_does_while_it_does_it(shell):
    lines = shell.printed.splitlines()
    steps = ["Building the package ...", "chalice deploy ...", "Making the settings that Chalice cannot make ..."]
    assert [line for line in lines if line in steps] == steps
    assert all(f"  Creating lambda function: vedette-dev-{name}" in lines for name in NAMES)


def test_a_second_dry_run_finds_nothing_to_change(shell):
    printed = shell.done("vedette", "install", "--stage", "dev", "--dry-run")
    assert "The functions do not change." in printed
    assert sum(line.startswith("  vedette-dev-") for line in printed.splitlines()) == len(NAMES)
    assert printed.rstrip().endswith("Dry run: nothing was changed.")


def test_without_a_yes_nothing_is_deployed(shell):
    function = full_name("dev", "sweep")
    boto3.client("lambda").update_function_configuration(FunctionName=function, MemorySize=512)
    done = shell.run("vedette", "install", "--stage", "dev")
    assert done.exit_code == 2
    assert f"~ {function}: " in done.stdout
    assert "    memory: 512 -> 1769" in done.stdout
    assert "Not confirmed" in done.stderr
    assert boto3.client("lambda").get_function(FunctionName=function)["Configuration"]["MemorySize"] == 512
    boto3.client("lambda").update_function_configuration(FunctionName=function, MemorySize=1769)


def captured_line(number: int) -> str:
    data = {"endpointInput": {"data": f"{number},{number}.50"}, "endpointOutput": {"data": "1.0"}}
    for side in data.values():
        side |= {"observedContentType": "text/csv", "encoding": "CSV"}
    return json.dumps({"captureData": data, "eventMetadata": {"eventId": str(number)}, "eventVersion": "0"}) + "\n"


def test_events_reach_the_deployed_package_by_the_deployed_rules(shell):
    cloud = shell.cloud
    os.environ.update(shell.project.stage("dev")["environment_variables"])
    settings.cache_clear()
    golden = GoldenPayload(body="60,70")
    user_actions.apply_fleet(
        FleetEntry(endpoint=ENDPOINT, mode="deploy", package_group=ENDPOINT, golden_payload=golden)
    )
    kinds = zip("yab", ["Fractional", "Integral", "Integral"], strict=True)
    features = [{"name": name, "inferred_type": kind} for name, kind in kinds]
    user_actions.put_baseline_in_force(ENDPOINT, "v1", Constraints({"version": 0.0, "features": features}), None)
    user_actions.register(ENDPOINT, "knn", b"0.0,1,1\n1.0,90,90\n0.0,2,1\n1.0,80,90\n", BUCKET, "Approved")
    cloud.turn(minutes=6)
    key = f"data-capture/{ENDPOINT}/AllTraffic/{datetime.now(UTC):%Y/%m/%d/%H/%M}-00-000-{'1' * 8}-2222.jsonl"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body="".join(map(captured_line, range(200))).encode())
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"ground-truth/{ENDPOINT}/labels.csv", Body=b"1,0\n")
    cloud.settle()
    cloud.invoke("run_monitoring", cloud.scheduled_event("vedette-dev-run_monitoring"))
    cloud.invoke("sweep", cloud.scheduled_event("vedette-dev-sweep"))
    cloud.settle()
    assert cloud.bus.failed == []
    ran = {delivery.function for delivery in cloud.bus.deliveries if delivery.outcome == "ok"}
    assert ran == set(NAMES)
    assert boto3.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"] == "InService"
    subjects = [mail.subject for mail in cloud.mailbox.mails]
    assert any("is deployed and verified" in subject for subject in subjects)
    assert any("b is not Integral" in subject for subject in subjects)


def test_after_a_bare_chalice_deploy_it_works_and_doctor_says_what_is_missing_and_mends_it(shell):
    functions = boto3.client("lambda")
    functions.update_function_configuration(FunctionName=full_name("dev", "sweep"), Handler="app.swept")
    functions.delete_function_event_invoke_config(FunctionName=full_name("dev", "on_data_captured"))
    done = shell.run("chalice", "deploy", "--stage", "dev", folder=shell.project.app)
    assert done.exit_code == 0, done.output
    found = shell.findings()
    assert found["sweep has the right handler"]["outcome"] == "fault"
    assert found["failed events of on_data_captured are kept"]["remedy"] == "vedette doctor --fix"
    assert found["sweep has a reserved concurrency of 5"]["outcome"] == "warning"
    assert shell.run("vedette", "doctor", "--stage", "dev", "--fix").exit_code == 0
    shell.cloud.run_deployed()
    left_alone = shell.cloud.invoke("sweep", shell.cloud.scheduled_event("vedette-dev-sweep"))
    assert left_alone["endpoints"] == 1


def test_a_machine_without_memory_deploys_the_same(shell, tmp_path):
    before = {f["FunctionName"]: f["Role"] for f in boto3.client("lambda").list_functions()["Functions"]}
    other = Shell(shell.cloud, copied(tmp_path, built=True))
    other.url = shell.url
    other.done("vedette", "install", "--stage", "dev", "--yes")
    after = {f["FunctionName"]: f["Role"] for f in boto3.client("lambda").list_functions()["Functions"]}
    assert after == before
    assert len(boto3.client("events").list_rules()["Rules"]) == len(NAMES)
    assert other.project.deployed("dev").read_bytes() == shell.project.deployed("dev").read_bytes()


def test_a_stage_that_was_never_set_up_is_not_deployed(shell):
    said = shell.refused("vedette", "install", "--stage", "test")
    assert said.startswith("Stage test is not set up in 123456789012, eu-west-1")


def left() -> dict[str, list[str]]:
    """Everything in the account that an installation could have made."""
    asked = {
        "function": ("lambda", "list_functions", "Functions", "FunctionName"),
        "rule": ("events", "list_rules", "Rules", "Name"),
        "role": ("iam", "list_roles", "Roles", "RoleName"),
        "topic": ("sns", "list_topics", "Topics", "TopicArn"),
        "subscription": ("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
        "log group": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
        "alarm": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "bucket": ("s3", "list_buckets", "Buckets", "Name"),
        "endpoint": ("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    }
    found = {
        kind: [one[name] for one in getattr(boto3.client(service), operation)()[key]]
        for kind, (service, operation, key, name) in asked.items()
    }
    found["table"] = boto3.client("dynamodb").list_tables()["TableNames"]
    found["queue"] = boto3.client("sqs").list_queues().get("QueueUrls", [])
    return {kind: names for kind, names in found.items() if names}


def test_uninstalling_leaves_what_it_lists_and_nothing_else(shell):
    captures = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="data-capture/")["KeyCount"]
    listed = json.loads(shell.done("vedette", "uninstall", "--stage", "dev", "--yes", "--json"))["stays"]
    assert f"endpoint {ENDPOINT}" in listed
    assert "IAM Role vedette-dev-models" in listed  # a model runs as it
    assert {f"S3 Bucket {BUCKET}", "DynamoDB Table vedette-dev"} <= set(listed)
    remaining = left()
    names = {line.rpartition(" ")[2] for line in listed}
    assert {name for there in remaining.values() for name in there} <= names
    assert set(remaining) <= {"bucket", "table", "endpoint", "alarm", "role"}
    assert boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="data-capture/")["KeyCount"] == captures
    assert boto3.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"] == "InService"
    assert "dev" not in shell.project.config()["stages"]
    assert not shell.project.folder("dev").exists()


S3_ACTIONS = {
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
}
NEEDS_NOTHING = {"sts:GetCallerIdentity"}  # aws-behaviour: caller-identity


def test_whoever_installs_needs_what_the_operators_policy_says(shell):
    """What the commands above asked themselves; CloudFormation asks the rest with the same credentials."""
    assert len(shell.asked) > 100
    needed = set()
    for call in shell.asked:
        name = S3_ACTIONS.get(call.operation, call.operation) if call.service == "s3" else call.operation
        needed.add(f"{call.service}:{'InvokeFunction' if call.name == 'lambda:Invoke' else name}")
    allowed = {action for statement in operator_policy()["Statement"] for action in listed(statement["Action"])}
    assert needed - NEEDS_NOTHING - allowed == set()
    assert not [action for action in allowed if "*" in action]

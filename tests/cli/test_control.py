"""Decisions of people: what each command shows, writes down, and makes Vedette do at once."""

import json
import os

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.locations import endpoint_partition
from tests.operations.installed_stage import SITE
from vedette.demo import user_actions


def test_a_plan_shows_action_reason_requests_and_difference_and_changes_nothing(stage):
    stage.deployed("linear-learner", "knn")
    stage.done("pin", SITE, "--version", 1, "--yes")
    before = len(stage.changes())
    found = stage.answer("plan", SITE)
    assert (found["action"], stage.changes()[before:]) == ("update", [])
    assert "version 1 is pinned by user/moto" in found["reason"]
    assert [one["operation"] for one in found["requests"]][-2:] == ["CreateEndpointConfig", "UpdateEndpoint"]
    assert any("ModelName" in change for change in found["changes"])
    assert "Changes from the served config to the planned config:" in stage.done("plan", SITE)


@pytest.fixture
def bare_role(stage):
    """The role of models, without a policy."""
    name = os.environ["VEDETTE_ROLE_ARN"].rpartition("/")[2]
    boto3.client("iam").delete_role_policy(RoleName=name, PolicyName="model")
    return os.environ["VEDETTE_ROLE_ARN"]


def test_a_plan_says_what_to_add_where_the_role_may_not_read_the_alarms(stage):
    stage.deployed("linear-learner", "knn")
    stage.done("pin", SITE, "--version", 1, "--yes")
    assert stage.answer("plan", SITE)["remarks"] == []
    role = os.environ["VEDETTE_ROLE_ARN"]
    boto3.client("iam").delete_role_policy(RoleName=role.rpartition("/")[2], PolicyName="model")
    (remark,) = stage.answer("plan", SITE)["remarks"]
    assert remark.startswith(f"{role} may not read the alarms that roll an update back; add to its policy: {{")
    statement = json.loads(remark.partition("policy: ")[2])
    assert statement["Action"] == ["cloudwatch:DescribeAlarms"]
    alarms = [f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:vedette-{SITE}-{what}" for what in ("5xx", "latency")]
    assert statement["Resource"] == alarms
    assert f"note: {remark}" in stage.done("plan", SITE)
    boto3.client("iam").delete_role(RoleName=role.rpartition("/")[2])
    (remark,) = stage.answer("plan", SITE)["remarks"]
    assert remark.startswith(f"IAM does not say what {role} may do: The role with name ")


@pytest.mark.usefixtures("bare_role")
def test_without_the_permission_sagemaker_rolls_the_update_back(stage):
    stage.deployed("linear-learner")
    stage.deployed("knn")
    assert stage.served() == "1"
    (failed,) = stage.answer("failed-versions", SITE)
    assert "not authorized to perform cloudwatch:DescribeAlarms" in failed["reason"]


def test_a_plan_says_what_a_capture_with_a_customers_key_needs(stage):
    stage.deployed("linear-learner")
    sagemaker = boto3.client("sagemaker")
    key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    served = stage.config()
    captured = {**served["DataCaptureConfig"], "KmsKeyId": key}
    sagemaker.create_endpoint_config(
        EndpointConfigName="theirs", ProductionVariants=served["ProductionVariants"], DataCaptureConfig=captured
    )
    sagemaker.update_endpoint(EndpointName=SITE, EndpointConfigName="theirs")
    stage.cloud.turn(minutes=20)
    stage.done("adopt", SITE, "--yes")
    stage.cloud.bus.drop(lambda event, function: True)
    stage.register("knn")
    (remark,) = stage.answer("plan", SITE)["remarks"]
    statement = json.loads(remark.partition("policy: ")[2])
    assert statement["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"]
    assert statement["Resource"] == [key]
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}


def test_deploying_an_older_version_pins_it_and_the_endpoint_serves_it_without_waiting_for_a_schedule(stage):
    stage.deployed("linear-learner", "knn")
    stage.cloud.schedules_enabled = False
    said = stage.done("deploy", SITE, "--version", 1, "--yes")
    assert "update: the endpoint serves version 2, and version 1 is pinned by user/moto" in said
    stage.cloud.turn(minutes=10)
    assert stage.served() == "1"


def test_a_version_that_is_not_approved_cannot_be_pinned_and_one_that_is_not_there_neither(stage):
    stage.register("knn", "PendingManualApproval")
    assert "Version 1 of preferred-site is not approved; approve it first:" in stage.refused(
        "pin", SITE, "--version", 1, "--yes"
    )
    assert stage.refused("pin", SITE, "--version", 7, "--yes") == "preferred-site has no version 7; it has 1."
    user_actions.set_approval(_arn(stage, 1), "Approved")
    until = ("pin", SITE, "--version", 1, "--yes", "--until")
    assert stage.refused(*until, "2020-01-01") == "2020-01-01 is in the past."
    assert "is neither a time like" in stage.refused(*until, "tomorrow")
    stage.done("manage", SITE, "--endpoint", SITE, "--mode", "alert", "--force", "--yes")
    assert "is in mode alert, so Vedette does not deploy" in stage.refused("deploy", SITE, "--version", 1, "--yes")


def test_a_pin_ends_by_itself_or_when_it_is_taken_away(stage):
    stage.deployed("linear-learner", "knn")
    stage.done("pin", SITE, "--version", 1, "--until", "2h", "--yes")
    stage.cloud.turn(minutes=40)
    assert stage.served() == "1"
    stage.cloud.turn(hours=2)
    assert stage.served() == "2"
    stage.done("deploy", SITE, "--version", 1, "--yes")
    stage.cloud.turn(minutes=10)
    assert stage.answer("unpin", SITE, "--yes")["pin"]["by"] == "user/moto"
    stage.cloud.turn(minutes=10)
    assert stage.served() == "2"
    assert "No version of preferred-site is pinned." in stage.done("unpin", SITE)


def test_rolling_back_brings_the_verified_version_before_and_passes_over_one_that_is_rejected_now(stage):
    stage.deployed("linear-learner", "knn", "linear-learner")
    user_actions.set_approval(_arn(stage, 2), "Rejected")
    stage.cloud.settle()
    assert "before the served one is version 1" in stage.done("rollback", SITE, "--reason", "wrong", "--yes")
    stage.cloud.turn(minutes=10)
    assert stage.served() == "1"
    sentence = stage.refused("rollback", SITE, "--yes")
    assert sentence == "preferred-site serves version 1, and no other version was verified before."


def test_a_failed_version_is_stored_as_failed_until_a_person_retries(stage):
    stage.deployed("linear-learner")
    stage.cloud.sagemaker.fail_next_update(SITE, "did not pass the ping health check")
    stage.register("knn")
    stage.cloud.turn(minutes=60)
    assert stage.served() == "1"
    assert [mark["package_arn"][-2:] for mark in stage.answer("failed-versions", SITE)] == ["/2"]
    assert [attempt["state"] for attempt in stage.answer("history", SITE)] == ["rolled back", "verified"]
    stage.done("retry", SITE, "--yes")
    stage.cloud.turn(minutes=10)
    assert (stage.served(), stage.answer("failed-versions", SITE)) == ("2", [])


def test_an_endpoint_of_another_team_is_changed_only_after_its_adoption_was_shown_and_confirmed(stage):
    stage.by_hand(SITE)
    stage.register("knn")
    stage.cloud.turn(minutes=30)
    config = stage.config()["EndpointConfigName"]
    assert config == f"{SITE}-config"
    shown = stage.done("adopt", SITE, "--dry-run")
    assert "DataCaptureConfig.EnableCapture: absent -> True" in shown
    assert "Not confirmed" in stage.refused("adopt", SITE, typed="n\n")
    stage.cloud.turn(minutes=30)
    assert stage.config()["EndpointConfigName"] == config
    stage.done("adopt", SITE, typed="y\n")
    stage.cloud.turn(minutes=10)
    served = stage.config()
    assert (stage.served(), served["ProductionVariants"][0]["InitialInstanceCount"]) == ("1", 2)
    assert [attempt["reason"] for attempt in stage.answer("history", SITE)][-1] == "adopted by user/moto"
    assert "nothing to adopt" in stage.refused("adopt", SITE, "--yes")


def test_while_the_stage_is_paused_every_change_is_refused_and_nothing_is_deployed(stage):
    stage.deployed("linear-learner")
    stage.done("pause", "--reason", "change freeze", "--yes")
    stage.register("knn")
    stage.cloud.turn(minutes=30)
    assert stage.served() == "1"
    words = "is paused by user/moto since"
    for command in (
        ("pin", SITE, "--version", 1),
        ("deploy", SITE, "--version", 2),
        ("retry", SITE),
        ("adopt", SITE),
        ("rollback", SITE),
        ("unpin", SITE),
        ("delete", SITE),
        ("orphans", "--delete"),
        ("capture", "off", SITE),
        ("manage", SITE, "--endpoint", SITE),
        ("register", SITE, "--image", "x", "--model-data", "s3://b/k"),
    ):
        assert words in stage.refused(*command, "--yes"), command
    assert "change freeze" in stage.done("pause", "--reason", "another", "--yes")
    assert "paused" in stage.done("plan", SITE)
    stage.done("resume", "--yes")
    stage.cloud.turn(minutes=30)
    assert stage.served() == "2"


@pytest.mark.parametrize(
    "command",
    [("pin", SITE, "--version", 1), ("deploy", SITE, "--version", 1), ("retry", SITE), ("pause", "--reason", "x")],
)
def test_a_dry_run_writes_nothing_down_and_nobody_is_asked(stage, command):
    stage.register("knn")
    stage.cloud.turn(minutes=10)
    before = len(stage.changes())
    stage.done(*command, "--dry-run")
    assert stage.changes()[before:] == []


def test_the_history_of_nothing_is_empty_and_an_unknown_endpoint_is_named(stage):
    assert stage.answer("history", SITE) == []
    assert "Vedette has not deployed anything" in stage.done("history", SITE)
    assert stage.refused("plan", "no-such").startswith("no-such is not in the fleet of stage local;")


def _arn(stage, version: int) -> str:
    found = boto3.client("sagemaker").list_model_packages(ModelPackageGroupName=SITE)["ModelPackageSummaryList"]
    return next(p["ModelPackageArn"] for p in found if p["ModelPackageVersion"] == version)


def test_both_registered_approved_the_first_deployed_by_version_then_the_second(stage):
    """Two packages are registered as Approved; one is deployed, then the model behind it replaced."""
    stage.done("manage", SITE, "--endpoint", SITE, "--mode", "observe", "--force", "--yes")
    stage.register("knn", "Approved")
    stage.register("linear-learner", "Approved")
    stage.cloud.turn(minutes=20)
    assert stage.served() == ""
    stage.done("manage", SITE, "--endpoint", SITE, "--mode", "deploy", "--yes")
    stage.done("deploy", SITE, "--version", 1, "--yes")
    stage.cloud.turn(minutes=20)
    assert stage.served() == "1"
    assert "predicted_label" in user_actions.predict(SITE, [("60", "70")], Accept="application/json")
    stage.done("deploy", SITE, "--version", 2, "--yes")
    stage.cloud.turn(minutes=20)
    assert stage.served() == "2"
    assert "score" in user_actions.predict(SITE, [("60", "70")], Accept="application/json")


def test_a_plan_and_an_adoption_show_what_changes_of_the_model_beside_the_config(stage):
    sagemaker = boto3.client("sagemaker")
    container = {
        "Image": user_actions.IMAGES["knn"],
        "ModelDataUrl": stage.model_data(),
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "s3://old-bucket/old/sourcedir.tar.gz",
            "SAGEMAKER_REGION": "eu-west-1",
        },
    }
    role = os.environ["VEDETTE_ROLE_ARN"]
    sagemaker.create_model(ModelName="sdk-model", ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "sdk-model",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="sdk-config", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=SITE, EndpointConfigName="sdk-config")
    stage.cloud.turn(minutes=10)
    arn = stage.register("linear-learner")
    found = stage.answer("adopt", SITE, "--dry-run")
    said = stage.done("adopt", SITE, "--yes")
    data = stage.model_data()
    image = user_actions.IMAGES["linear-learner"]
    expected = {
        "Environment.SAGEMAKER_PROGRAM: inference.py -> absent",
        "Environment.SAGEMAKER_SUBMIT_DIRECTORY: s3://old-bucket/old/sourcedir.tar.gz -> absent",
        f"Image: {container['Image']} -> {image}",
        f"ModelPackageName: absent -> {arn}",
    }
    assert expected < set(found["model_changes"])
    (other,) = set(found["model_changes"]) - expected
    assert other.startswith(f"ModelDataUrl: {data} -> s3://")
    assert "Changes from the served model to the planned model:" in said
    assert all(f"  {change}" in said for change in expected)
    stage.cloud.turn(minutes=20)
    name = stage.config()["ProductionVariants"][0]["ModelName"]
    (created,) = sagemaker.describe_model(ModelName=name)["Containers"]
    assert created["Environment"] == {"SAGEMAKER_REGION": "eu-west-1"}


def test_an_attempt_that_was_never_seen_to_begin_is_retried_by_a_person(stage):
    stage.deployed("linear-learner")
    stage.done("pause", "--reason", "a look", "--yes")
    stage.register("knn")
    config = stage.answer("plan", SITE)["requests"]
    assert config == []
    stage.done("resume", "--yes")
    deployments = stage_stores().deployments
    stored = deployments.get(SITE)
    planned = stage.answer("plan", SITE)["requests"][-1]["request"]["EndpointConfigName"]
    attempt = replace(
        stored.latest,
        state="failed",
        config=planned,
        previous_config=stored.latest.config,
        package_arn=_arn(stage, 2),
        package_version="2",
        unproven=3,
        reason="nothing shows that SageMaker began it",
    )
    assert deployments.put_latest(attempt, stored.revision)
    assert stage.answer("plan", SITE)["action"] == "stop"
    assert stage.done("retry", SITE, "--version", 1) == "Version 1 of preferred-site has not failed.\n"
    said = stage.done("retry", SITE, "--version", 2, "--yes")
    assert "version 2: nothing shows that SageMaker began it" in said
    stage.cloud.turn(minutes=10)
    assert stage.served() == "2"


def test_an_endpoint_whose_attempt_another_actor_replaced_can_be_adopted(stage):
    stage.deployed("linear-learner")
    sagemaker = boto3.client("sagemaker")
    variants = stage.config()["ProductionVariants"]
    sagemaker.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=variants)
    stage.register("knn")
    stage.cloud.turn(minutes=1)
    stage.done("pause", "--reason", "a look", "--yes")
    stage.cloud.turn(minutes=10)
    sagemaker.update_endpoint(EndpointName=SITE, EndpointConfigName="by-hand")
    stage.cloud.turn(minutes=10)
    assert stage_stores().deployments.get(SITE).latest.state == "requested"
    stage.done("resume", "--yes")
    assert stage.answer("adopt", SITE, "--yes")["adopted"]
    stage.cloud.turn(minutes=20)
    assert stage.served() == "2"


def test_a_config_that_was_deleted_under_the_endpoint_is_named_by_every_command_that_looks_at_it(stage):
    stage.deployed("linear-learner")
    sagemaker = boto3.client("sagemaker")
    name = sagemaker.describe_endpoint(EndpointName=SITE)["EndpointConfigName"]
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    what = f"the config {name} that the endpoint runs on was deleted"
    way_out = "create it again under the same name, or delete the endpoint"
    for command in ("plan", "capture status"):
        words = " ".join(stage.done(*command.split(), SITE).split())
        assert what in words
        assert way_out in words
    assert stage.answer("capture", "status", SITE)["config_deleted"].startswith(what)
    shown = stage.run("status", SITE, "--json")
    assert (shown.exit_code, f'"deleted": "{what}"' in shown.output) == (1, True)
    assert "was deleted" in " ".join(stage.run("status").output.split())
    stage_stores().deployments.table.delete(endpoint_partition(SITE), "deployment")
    assert stage.refused("adopt", SITE, "--yes").startswith(f"{SITE} cannot be adopted: {what}, so")
    stage.done("manage", SITE, "--endpoint", SITE, "--mode", "alert", "--yes")
    assert stage.refused("watch", SITE).startswith(f"{SITE} cannot be watched: {what}, so")
    assert stage.refused("capture", "off", SITE).startswith(f"The capture of {SITE} cannot be changed: {what}, so")

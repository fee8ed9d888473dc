"""Decisions of people: what each command shows, writes down, and makes Vedette do at once."""

import boto3
import pytest

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

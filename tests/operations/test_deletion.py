"""A deletion that is killed before or after any of its calls is finished by the same deletion again."""

import boto3
import pytest

from chalicelib.errors import NotReady
from tests.cli.test_delete import monitored
from tests.operations.installed_stage import SITE
from vedette.local import Crash
from vedette.operations import aws, deletion


def test_what_never_ends_is_not_awaited_for_ever_and_the_same_command_goes_on_later(stage):
    stage.deployed()
    stage.cloud.sagemaker.force_status(SITE, "SystemUpdating")
    with pytest.raises(NotReady, match="After 3 h the endpoint preferred-site is busy; run the same command again"):
        deletion.delete(deletion.prepared(SITE), lambda seconds: None)
    stage.cloud.sagemaker.force_status(SITE, "InService")
    found = deletion.prepared(SITE)
    assert found.resumed
    deletion.delete(found, lambda seconds: stage.cloud.turn(seconds=seconds))
    assert stage.made() == set()


def test_no_config_is_deleted_while_an_endpoint_runs_on_it(stage):
    """SageMaker would take the call, and refuse every update of the endpoint from then on."""
    stage.deployed("linear-learner", "knn")
    used: list[str | None] = []

    def gate(call) -> None:
        if call.operation == "DeleteEndpointConfig":
            used.append(stage.cloud.sagemaker.endpoints.using(call.parameters["EndpointConfigName"]))

    stage.cloud.faults.gate = gate
    deletion.delete(deletion.prepared(SITE), lambda seconds: stage.cloud.turn(seconds=seconds))
    assert used == [None, None]
    assert stage.made() == set()


@pytest.mark.parametrize("kind", ["crash_before", "crash_after"])
def test_a_crash_at_any_call_that_changes_something_leaves_nothing_behind_after_the_next_call(stage, kind):
    """One crash after another, at every change in turn: each is followed by a new attempt, which goes further."""
    stage.deployed("linear-learner", "knn")
    monitored(stage, SITE)
    stage.by_hand("twin")
    kept = {thing for thing in stage.made() if "twin" in thing}
    stage.cloud.turn(minutes=2)
    operations = (
        ("s3", "PutObject"),
        ("dynamodb", "PutItem"),
        ("sagemaker", "StopMonitoringSchedule"),
        ("sagemaker", "DeleteMonitoringSchedule"),
        ("sagemaker", "DeleteDataQualityJobDefinition"),
        ("sagemaker", "DeleteEndpoint"),
        ("sagemaker", "DeleteEndpointConfig"),
        ("sagemaker", "DeleteModel"),
        ("cloudwatch", "DeleteAlarms"),
        ("dynamodb", "DeleteItem"),
    )
    crashes = 0
    for service, operation in operations:
        stage.cloud.faults.clear()
        stage.cloud.faults.add(kind, service, operation)
        try:
            deletion.delete(deletion.prepared(SITE), lambda seconds: stage.cloud.turn(seconds=seconds))
        except Crash:
            crashes += 1
    stage.cloud.faults.clear()
    deletion.delete(deletion.prepared(SITE), lambda seconds: stage.cloud.turn(seconds=seconds))
    assert crashes >= len(operations) - 1
    assert stage.made() == kept
    assert not stage.cloud.sagemaker.monitoring.schedules
    assert not stage.cloud.sagemaker.monitoring.definitions
    assert boto3.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert aws.get_fleet()[0].entries == ()
    assert not deletion.prepared(SITE).resumed

"""Deletion: in SageMaker's order, by exact name and tag, resumed after a crash; and what is left over."""

import boto3
import pytest

from tests.operations.installed_stage import OTHER, SITE
from vedette.demo import user_actions
from vedette.local import Crash
from vedette.operations import deletion

WATCHED = "first-look"


def monitored(stage, endpoint: str) -> None:
    """An hourly schedule of Model Monitor, with an execution under way."""
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_data_quality_job_definition(
        JobDefinitionName=endpoint,
        DataQualityAppSpecification={"ImageUri": "1.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"},
        DataQualityJobInput={"EndpointInput": {"EndpointName": endpoint, "LocalPath": "/opt/ml/processing/input"}},
        DataQualityJobOutputConfig={
            "MonitoringOutputs": [{"S3Output": {"S3Uri": f"s3://{stage.bucket}/reports", "LocalPath": "/opt/ml/out"}}]
        },
        JobResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
        RoleArn="arn:aws:iam::123456789012:role/monitor",
    )
    sagemaker.create_monitoring_schedule(
        MonitoringScheduleName=endpoint,
        MonitoringScheduleConfig={
            "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            "MonitoringJobDefinitionName": endpoint,
            "MonitoringType": "DataQuality",
        },
    )


def until_an_execution_runs(stage, endpoint: str) -> None:
    schedule = stage.cloud.sagemaker.monitoring.schedules[endpoint]
    while not any(found["MonitoringExecutionStatus"] == "InProgress" for found in schedule.executions):
        stage.cloud.turn(minutes=1)


def test_an_endpoint_goes_with_its_running_monitor_its_configs_models_and_alarms_and_its_namesake_stays(stage):
    user_actions.apply_fleet(stage.entry(), stage.entry(OTHER))
    stage.deployed("linear-learner", "knn")
    stage.deployed("knn", endpoint=OTHER)
    kept = {thing for thing in stage.made() if OTHER in thing}
    assert len(kept) == 3
    for endpoint in (SITE, OTHER):
        monitored(stage, endpoint)
    until_an_execution_runs(stage, SITE)
    stage.done("delete", SITE, "--yes")
    assert stage.made() == kept
    assert list(stage.cloud.sagemaker.monitoring.schedules) == [OTHER]
    assert [name for _, name in stage.cloud.sagemaker.monitoring.definitions] == [OTHER]
    alarms = [alarm["AlarmName"] for alarm in boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]]
    assert not [name for name in alarms if not name.startswith(f"vedette-{OTHER}-")]
    assert [entry["endpoint"] for entry in stage.answer("fleet", "show")["entries"]] == [OTHER]
    stage.cloud.turn(hours=2)
    assert stage.made() == kept
    assert "There is nothing to delete." in stage.done("delete", SITE, "--yes")


def test_a_dry_run_lists_every_name_and_deletes_nothing(stage):
    stage.deployed("linear-learner", "knn")
    monitored(stage, SITE)
    made, before = stage.made(), len(stage.changes())
    found = stage.answer("delete", SITE, "--dry-run")
    names = {f"{item['kind'].replace('endpoint config', 'config')} {item['name']}" for item in found["items"]}
    assert made <= names
    assert (stage.made(), stage.changes()[before:]) == (made, [])
    kinds = [item["kind"] for item in found["items"]]
    order = ["monitoring schedule", "DataQuality job definition", "endpoint", "endpoint config", "model", "alarm"]
    assert list(dict.fromkeys(kinds)) == order


def test_what_another_team_made_goes_only_when_it_is_asked_for_and_its_name_is_typed(stage):
    stage.by_hand(WATCHED)
    made = stage.made()
    assert "There is nothing to delete." in stage.done("delete", WATCHED, "--yes")
    assert "That is not first-look" in stage.refused("delete", WATCHED, "--delete-endpoint", "--yes", typed="first\n")
    assert stage.made() == made
    stage.done("delete", WATCHED, "--delete-endpoint", "--yes", typed=f"{WATCHED}\n")
    assert stage.made() == set()


def test_a_config_or_model_that_another_endpoint_uses_stays(stage):
    stage.by_hand(WATCHED)
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_endpoint(EndpointName="twin", EndpointConfigName=f"{WATCHED}-config")
    stage.cloud.turn(minutes=6)
    found = stage.answer("delete", WATCHED, "--delete-endpoint", "--dry-run")
    assert {thing["why"] for thing in found["kept"]} == {
        "the endpoint twin is on it",
        f"the config {WATCHED}-config names it",
    }
    stage.done("delete", WATCHED, "--delete-endpoint", "--yes", typed=f"{WATCHED}\n")
    assert stage.made() == {"endpoint twin", f"config {WATCHED}-config", f"model {WATCHED}-model"}


def test_a_deletion_that_crashed_anywhere_is_finished_by_the_same_command(stage):
    stage.by_hand(WATCHED)
    monitored(stage, WATCHED)
    stage.cloud.turn(minutes=2)
    found = deletion.prepared(WATCHED, everything=True)
    waits = 0

    class Killed(Exception):
        pass

    def wait(seconds):
        nonlocal waits
        waits += 1
        stage.cloud.turn(seconds=seconds)
        if waits % 2:
            raise Killed

    lines = []
    for _ in range(40):
        try:
            deletion.delete(found, wait, lines.append)
        except Killed:
            found = deletion.prepared(WATCHED)
            assert found.resumed
        else:
            break
    assert stage.made() == set()
    assert waits > 2
    assert not deletion.prepared(WATCHED).items


def test_a_deletion_begun_long_ago_does_not_touch_an_endpoint_made_again_since(stage):
    stage.by_hand(WATCHED)
    found = deletion.prepared(WATCHED, everything=True)

    def wait(seconds):
        raise Crash("killed")

    with pytest.raises(Crash):
        deletion.delete(found, wait)
    stage.cloud.turn(minutes=10)
    boto3.client("sagemaker").create_endpoint(EndpointName=WATCHED, EndpointConfigName=f"{WATCHED}-config")
    stage.cloud.turn(minutes=10)
    assert not deletion.prepared(WATCHED).items


def test_what_is_left_over_is_own_tagged_unused_and_older_than_a_day(stage):
    stage.deployed("linear-learner", "knn")
    sagemaker = boto3.client("sagemaker")
    used = stage.made()
    variant = stage.config()["ProductionVariants"][0]
    for name, tags in (
        ("vedette-capture-mine", [{"Key": "vedette:endpoint", "Value": "gone"}]),
        ("vedette-not-tagged", []),
        ("terraform", [{"Key": "vedette:endpoint", "Value": "gone"}]),
    ):
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], Tags=tags)
    assert stage.answer("orphans")["orphans"] == []
    stage.cloud.schedules_enabled = False
    stage.cloud.turn(hours=25)
    stage.cloud.schedules_enabled = True
    assert [found["name"] for found in stage.answer("orphans")["orphans"]] == ["vedette-capture-mine"]
    assert "vedette-capture-mine" in stage.done("orphans", "--delete", "--dry-run")
    stage.done("orphans", "--delete", "--yes")
    assert stage.made() == used | {"config vedette-not-tagged", "config terraform"}
    assert "There are no unused resources." in stage.done("orphans")


def test_the_last_three_configs_of_an_endpoint_are_never_left_over(stage):
    stage.deployed("linear-learner", "knn", "linear-learner", "knn", "linear-learner")
    stage.cloud.schedules_enabled = False
    stage.cloud.turn(hours=25)
    stage.cloud.schedules_enabled = True
    assert len(stage.cloud.sagemaker.hosting.configs) == 5
    stage.done("orphans", "--delete", "--yes")
    assert len(stage.cloud.sagemaker.hosting.configs) == 3
    assert len(stage.cloud.sagemaker.hosting.models) == 3
    stage.done("rollback", SITE, "--yes")
    stage.cloud.turn(minutes=10)
    assert stage.served() == "4"

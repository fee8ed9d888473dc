"""Registry to endpoint, on the AWS simulator: what is approved is served, verified, and comes back when it fails."""

from datetime import timedelta

import boto3
from msgspec.structs import replace

from chalicelib.aws import sagemaker
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import RequestRejected
from chalicelib.locations import endpoint_partition
from chalicelib.records import Deployment, FleetEntry, GoldenPayload
from chalicelib.registry.plan import Served
from chalicelib.services import deployment_execution

ENDPOINT = "preferred-site"


def deployment() -> Deployment:
    found, _ = stage_stores().deployments.table.get(Deployment, endpoint_partition(ENDPOINT), "deployment")
    return found


def calls(world, operation: str) -> int:
    return sum(call.operation == operation and call.error is None for call in world.cloud.recorder.calls)


def test_an_approved_version_becomes_an_endpoint_with_capture_on_verified_and_announced(world):
    arn = world.register(status="PendingManualApproval")
    world.cloud.turn(minutes=20)
    assert world.served == ""
    world.set_approval(arn, "Approved")
    world.cloud.turn(minutes=20)
    assert world.served == arn
    assert deployment().state == "verified"
    described = boto3.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    assert world.deployment_subjects == ["[information] preferred-site: version 1 is deployed and verified"]
    assert "the golden request was answered" in world.deployment_words


def test_a_version_that_is_approved_when_it_is_registered_counts(world):
    arn = world.deployed()
    assert world.served == arn


def test_a_newer_approval_replaces_the_model_behind_the_same_endpoint(world):
    world.deployed()
    second = world.register("linear-learner")
    world.cloud.turn(minutes=20)
    assert world.served == second
    assert calls(world, "UpdateEndpoint") == 1
    assert world.deployment_subjects[-1] == "[information] preferred-site: version 2 is deployed and verified"


def test_rejecting_the_served_version_brings_back_the_one_before(world):
    first = world.deployed()
    second = world.register("linear-learner")
    world.cloud.turn(minutes=20)
    world.set_approval(second, "Rejected")
    world.cloud.turn(minutes=20)
    assert world.served == first


def test_going_back_and_forth_makes_no_second_model_or_config_of_a_version(world):
    first = world.deployed()
    second = world.register("linear-learner")
    world.cloud.turn(minutes=20)
    for served, status in ((first, "Rejected"), (second, "Approved")):
        world.set_approval(second, status)
        world.cloud.turn(minutes=20)
        assert world.served == served
    sagemaker = boto3.client("sagemaker")
    assert len(sagemaker.list_models()["Models"]) == 2
    assert len(sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 2


def test_lost_events_are_made_up_for_by_the_sweep(world):
    world.cloud.bus.drop(lambda event, function: event["source"] == "aws.sagemaker")
    arn = world.register()
    world.cloud.turn(minutes=40)
    assert world.served == arn
    assert deployment().state == "verified"


def test_a_version_that_failed_is_tried_again_when_it_is_approved_again(world):
    world.deployed()
    world.cloud.sagemaker.fail_next_update(ENDPOINT, "CannotStartContainerError")
    second = world.register("linear-learner")
    world.pass_hours(1)
    world.set_approval(second, "PendingManualApproval")
    world.cloud.turn(minutes=1)
    world.set_approval(second, "Approved")
    world.cloud.turn(minutes=20)
    assert world.served == second


def test_a_golden_request_that_fails_puts_the_endpoint_back_once(world):
    first = world.deployed()
    world.apply(replace(entry_of(world), golden_payload=GoldenPayload(body="not,numbers,at,all")))
    world.register("linear-learner")
    world.pass_hours(1)
    assert world.served == first
    assert calls(world, "UpdateEndpoint") == 2
    assert world.deployment_subjects[1:] == [
        "[critical] preferred-site: version 2 could not be deployed; version 1 is served"
    ]
    assert "the golden request failed" in world.deployment_words


def entry_of(world) -> FleetEntry:
    return world.fleet.entry(ENDPOINT)


def test_a_newer_approval_during_an_update_is_served_after_it(world):
    world.deployed()
    world.register("linear-learner")
    third = world.register("knn")
    world.pass_hours(1)
    assert world.served == third
    assert calls(world, "UpdateEndpoint") == 2


def test_when_nothing_is_approved_any_more_the_endpoint_stays_and_a_person_is_notified_once(world):
    first = world.deployed()
    world.set_approval(first, "Rejected")
    world.pass_hours(2)
    assert world.served == first
    assert world.deployment_subjects[1:] == [
        "[warning] preferred-site: the registry shows no approved version; version 1 stays in service"
    ]


def test_a_group_that_is_not_in_the_fleet_is_left_alone_and_says_so(world):
    world.apply()
    world.register()
    world.cloud.turn(minutes=20)
    assert world.served == ""
    answers = [d.answer for d in world.cloud.bus.deliveries if d.function == "on_model_package_state_change"]
    assert answers == [{"skipped": "not in the fleet", "detail": "the group preferred-site is in no fleet entry"}]


def test_an_endpoint_of_another_team_is_not_touched_before_it_is_adopted(world):
    world.deployed()
    stage_stores().deployments.table.delete(endpoint_partition(ENDPOINT), "deployment")
    second = world.register("linear-learner")
    world.cloud.turn(minutes=30)
    assert world.served != second
    assert "was not created by Vedette" in world.deployment_words
    adopt(world)
    world.cloud.turn(minutes=30)
    assert world.served == second


def adopt(world) -> None:
    """What `vedette adopt` writes: the config that is served counts as ours."""
    now = Served.of(sagemaker.describe_served(ENDPOINT))
    record = Deployment(
        endpoint=ENDPOINT,
        package_arn=now.package_arn,
        package_version="1",
        config=now.config_name,
        previous_config="",
        previous_package_arn="",
        requested_at=now.modified_at,
        state="verified",
        reason="adopted by ann",
        adopted=True,
    )
    assert stage_stores().deployments.table.put(record, endpoint_partition(ENDPOINT), "deployment", 0)


def test_an_endpoint_of_another_mode_is_watched_and_never_deployed_to(world):
    world.apply(replace(entry_of(world), mode="alert"))
    world.register()
    world.cloud.turn(minutes=30)
    assert world.served == ""
    assert world.deployment_subjects == []


def test_the_baseline_follows_the_served_version_and_one_of_another_version_is_removed_with_a_notification(world):
    folder = f"s3://{world.bucket}/models/baseline"
    constraints = b'{"version": 0.0, "features": [{"name": "label", "inferred_type": "Fractional"}]}'
    boto3.client("s3").put_object(Bucket=world.bucket, Key="models/baseline/constraints.json", Body=constraints)
    quality = {"Constraints": {"ContentType": "application/json", "S3Uri": f"{folder}/constraints.json"}}
    boto3.client("sagemaker").create_model_package_group(ModelPackageGroupName=ENDPOINT)
    first = world.register_with(DriftCheckBaselines={"ModelDataQuality": quality})
    world.cloud.turn(minutes=10)
    assert world.served == first
    assert stage_stores().baselines.in_force(ENDPOINT).version == "package-1"
    assert "package-1, brought by version 1" in world.deployment_words
    world.register("linear-learner")
    world.cloud.turn(minutes=20)
    assert stage_stores().baselines.in_force(ENDPOINT) is None
    assert "none: the previous one belongs to version 1" in " ".join(world.deployment_mails[1].text.split())


def test_a_baseline_that_a_person_put_in_force_stays_through_a_replacement(world):
    world.deployed()
    world.register("linear-learner")
    world.cloud.turn(minutes=20)
    assert stage_stores().baselines.in_force(ENDPOINT).by == "demo"
    assert "put in force by demo" in world.deployment_words


def test_approving_an_older_version_answers_with_what_is_served_and_how_to_pin(world):
    first = world.register(status="PendingManualApproval")
    second = world.register("linear-learner")
    world.cloud.turn(minutes=20)
    world.set_approval(first, "Approved")
    world.cloud.turn(minutes=20)
    assert world.served == second
    assert calls(world, "UpdateEndpoint") == 0
    assert "Version 1 was approved, but version 2 stays in service" in world.deployment_words
    assert "vedette pin preferred-site --version 1" in world.deployment_words


def test_another_actor_is_named_and_vedette_waits_for_a_person(world):
    world.deployed()
    sagemaker = boto3.client("sagemaker")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=world.config)
    sagemaker.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=config["ProductionVariants"])
    sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="by-hand")
    world.pass_hours(1)
    second = world.register("linear-learner")
    world.pass_hours(1)
    assert world.served != second
    (reported,) = world.deployment_subjects[1:]
    assert reported.startswith("[warning] preferred-site: arn:aws:iam::123456789012:user/operator put the endpoint on")
    assert "by-hand" in world.deployment_words


def test_an_edit_of_metadata_redeploys_nothing(world):
    first = world.deployed()
    boto3.client("sagemaker").update_model_package(ModelPackageArn=first, CustomerMetadataProperties={"owner": "ann"})
    world.cloud.turn(minutes=20)
    assert calls(world, "UpdateEndpoint") == 0
    assert len(world.deployment_subjects) == 1


def test_a_deployment_whose_golden_request_is_not_captured_is_reported(world):
    world.cloud.bus.drop(lambda event, function: event["source"] == "aws.s3")
    world.cloud.capture_delay = timedelta(hours=12)
    world.deployed()
    world.cloud.turn(hours=1)
    assert [subject for subject in world.subjects if "verified, and" in subject] == [
        "[warning] preferred-site: the endpoint was verified, and not even its golden request was captured"
    ]


def test_a_sweep_that_cannot_list_the_source_does_not_say_that_nothing_was_captured(world):
    world.deployed()
    world.pass_hours(1)
    world.cloud.faults.add("throttle", "s3", "ListObjectsV2", times=3, function="sweep")
    world.cloud.turn(minutes=20)
    assert [subject for subject in world.subjects if "captured" in subject] == []


def test_server_errors_of_the_new_version_roll_it_back_by_its_alarm_and_it_is_not_tried_again(world):
    first = world.deployed()
    second = world.register("linear-learner")
    world.cloud.turn(minutes=2)
    alarm = f"vedette-{ENDPOINT}-5xx"
    boto3.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="5 % server errors")
    world.cloud.turn(minutes=20)
    boto3.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="none")
    world.pass_hours(1)
    assert (world.served, world.served == second) == (first, False)
    assert calls(world, "UpdateEndpoint") == 1
    assert world.deployment_subjects[1:] == [
        "[critical] preferred-site: version 2 could not be deployed; version 1 is served"
    ]
    assert alarm in world.deployment_words


def test_a_new_config_of_the_served_version_that_fails_is_rolled_back_and_no_older_version_is_deployed(world):
    world.deployed()
    second = world.register("linear-learner")
    world.cloud.turn(minutes=20)
    config = world.config
    world.cloud.faults.add("timeout", "sagemaker-runtime", "InvokeEndpoint", times=50)
    world.apply(replace(entry_of(world), capture_percentage=50))
    world.pass_hours(3)
    assert (world.served, world.config) == (second, config)
    assert calls(world, "UpdateEndpoint") == 3  # to version 2, to the new config, and back
    assert world.deployment_subjects[2:] == [
        "[critical] preferred-site: the new config of version 2 failed; the previous config is served"
    ]


def test_a_new_config_of_the_served_version_keeps_the_users_tags_and_waits_for_an_alarm(world):
    world.deployed()
    sagemaker = boto3.client("sagemaker")
    arn = sagemaker.describe_endpoint_config(EndpointConfigName=world.config)["EndpointConfigArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "cost-center", "Value": "42"}])
    world.apply(replace(entry_of(world), capture_percentage=50))
    world.cloud.turn(hours=1)
    described = sagemaker.describe_endpoint_config(EndpointConfigName=world.config)
    assert described["DataCaptureConfig"]["InitialSamplingPercentage"] == 50
    tags = sagemaker.list_tags(ResourceArn=described["EndpointConfigArn"])["Tags"]
    assert {"Key": "cost-center", "Value": "42"} in tags
    alarm = f"vedette-{ENDPOINT}-5xx"
    boto3.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="5 % server errors")
    world.apply(replace(entry_of(world), capture_percentage=60))
    updates = calls(world, "UpdateEndpoint")
    world.cloud.turn(hours=1)
    assert calls(world, "UpdateEndpoint") == updates
    assert "an update would be rolled back at once" in world.deployment_words


def test_a_rollback_that_sagemaker_rejects_is_reported_and_the_attempt_is_settled(world, monkeypatch):
    def rejected(latest):
        raise RequestRejected("ValidationException", f"{latest.previous_config} does not exist.")

    monkeypatch.setattr(deployment_execution, "roll_back", rejected)
    first = world.deployed()
    before = world.config
    world.register("linear-learner")
    world.cloud.faults.add("timeout", "sagemaker-runtime", "InvokeEndpoint", times=50)
    world.pass_hours(1)
    assert world.served == first  # with a config of its own, since the previous one is gone
    words = " ".join(" ".join(mail.text.split()) for mail in world.deployment_mails)
    assert f"SageMaker rejected the rollback to {before}" in words

"""Registry to endpoint, on the AWS simulator: what is approved is served, verified, and comes back when it fails."""

from datetime import timedelta

import boto3
import pytest
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
        "[critical] preferred-site: version 2 could not be deployed; version 1 comes back"
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
    words = "Version 1 was approved, which changes nothing: version 2 is newer and approved; version 2 is served"
    assert words in world.deployment_words
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
        "[critical] preferred-site: the new config of version 2 failed; the previous one comes back"
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


def test_an_older_approval_while_the_newer_version_rolls_out_says_what_is_served_now(world):
    first = world.register(status="PendingManualApproval")
    second = world.register("linear-learner", "PendingManualApproval")
    world.register("knn")
    world.cloud.turn(minutes=20)
    world.set_approval(first, "Approved")
    world.register("linear-learner")
    world.cloud.turn(minutes=1)
    world.set_approval(second, "Approved")
    words = "Version 2 was approved, which changes nothing: version 4 is newer and approved; version 3 is served"
    assert words in world.deployment_words


def test_the_event_of_an_old_approval_that_comes_again_a_day_later_tells_nobody_anything(world):
    first = world.deployed()
    event = events_of(world, first)[0]
    world.register("linear-learner")
    world.cloud.turn(minutes=20)
    mails = len(world.deployment_subjects)
    world.pass_hours(24)
    world.cloud.invoke("on_model_package_state_change", event)
    world.cloud.turn(minutes=20)
    assert len(world.deployment_subjects) == mails


def events_of(world, arn: str) -> list[dict]:
    """The events of the registry about a version, the earliest first."""
    found = [e for e in world.cloud.bus.events if e["detail-type"] == "SageMaker Model Package State Change"]
    return [event for event in found if event["detail"]["ModelPackageArn"] == arn]


def edit(arn: str) -> None:
    boto3.client("sagemaker").update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"ticket": "OPS-1"})


def with_failed_second(world) -> str:
    """Version 1 is served, and version 2 was approved and has failed."""
    world.deployed()
    second = world.register("linear-learner", "PendingManualApproval")
    world.cloud.sagemaker.fail_next_update(ENDPOINT, "CannotStartContainerError")
    world.set_approval(second, "Approved")
    world.cloud.turn(minutes=40)
    assert calls(world, "UpdateEndpoint") == 1
    assert [failed.package_arn for failed in failed_versions()] == [second]
    return second


def failed_versions():
    return stage_stores().deployments.get(ENDPOINT).failed_versions


def test_neither_an_edit_nor_the_approval_that_comes_again_a_day_later_retries_a_failed_version(world):
    second = with_failed_second(world)
    edit(second)
    world.cloud.turn(minutes=20)
    world.pass_hours(24)
    for event in reversed(events_of(world, second)):
        world.cloud.invoke("on_model_package_state_change", event)
    world.cloud.turn(minutes=20)
    assert calls(world, "UpdateEndpoint") == 1
    assert len(failed_versions()) == 1


def test_an_update_that_never_began_is_requested_again_after_a_new_approval_and_not_after_an_old_one(world):
    second = with_failed_second(world)
    deployments = stage_stores().deployments
    stored = deployments.get(ENDPOINT)
    for failed in stored.failed_versions:
        deployments.delete_failed_version(failed)
    deployments.put_latest(replace(stored.latest, begun=False, unproven=3), stored.revision)
    for event in events_of(world, second):
        world.cloud.invoke("on_model_package_state_change", event)
    assert (calls(world, "UpdateEndpoint"), deployment().unproven) == (1, 3)
    world.set_approval(second, "Approved")
    assert (calls(world, "UpdateEndpoint"), deployment().unproven) == (2, 0)


def test_clocks_that_are_five_minutes_apart_make_no_old_approval_a_new_one(world):
    """SageMaker is ahead of us: by our clock the approval comes after the failure."""
    second = with_failed_second(world)
    (failed,) = failed_versions()
    behind = replace(failed, at=failed.package_modified_at - timedelta(minutes=5))
    _, revision = stage_stores().deployments.failed_version(failed)
    stage_stores().deployments.put_failed_version(behind, revision)
    world.cloud.invoke("on_model_package_state_change", events_of(world, second)[-1])
    world.cloud.turn(minutes=20)
    assert calls(world, "UpdateEndpoint") == 1


def test_an_approval_event_that_does_not_say_so_or_when_clears_nothing(world):
    second = with_failed_second(world)
    world.cloud.bus.drop(lambda event, function: event["source"] == "aws.sagemaker")
    world.set_approval(second, "Approved")
    event = events_of(world, second)[-1]
    for unknown in ({"UpdatedModelPackageFields": None}, {"UpdatedModelPackageFields": ["ModelCard"]}):
        world.cloud.invoke("on_model_package_state_change", {**event, "detail": {**event["detail"], **unknown}})
    undated = {**event, "time": "soon", "detail": {**event["detail"], "LastModifiedTime": None}}
    world.cloud.invoke("on_model_package_state_change", undated)
    world.pass_hours(1)  # the sweep does not guess
    assert len(failed_versions()) == 1
    world.cloud.invoke("on_model_package_state_change", event)
    assert failed_versions() == ()
    assert calls(world, "UpdateEndpoint") == 2


def test_a_version_of_a_group_that_is_not_listed_for_a_while_stays_failed(world):
    second = with_failed_second(world)
    entry = entry_of(world)
    world.apply(replace(entry, package_group="a-typo"))
    world.pass_hours(1)
    world.apply(entry)
    world.pass_hours(1)
    assert [failed.package_arn for failed in failed_versions()] == [second]
    assert calls(world, "UpdateEndpoint") == 1


def test_a_failure_that_was_stored_since_it_was_read_is_not_deleted(world):
    with_failed_second(world)
    deployments = stage_stores().deployments
    (read,) = failed_versions()
    since = replace(read, tries=2)
    assert deployments.put_failed_version(since, deployments.failed_version(read)[1])
    deployments.delete_failed_version(read)
    assert failed_versions() == (since,)
    deployments.delete_failed_version(since)
    assert failed_versions() == ()


# --- only what Vedette began can fail ---------------------------------------------------------------------------------


def interfere(world, times: int = 1) -> None:
    """Another actor's UpdateEndpoint, which fails, lands between our look at the endpoint and our own request."""
    sagemaker = boto3.client("sagemaker")
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=world.config)["ProductionVariants"]
    sagemaker.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=variants)
    done: list[str] = []
    busy = False

    def gate(call) -> None:
        nonlocal busy
        if call.operation == "UpdateEndpoint" and not busy and len(done) < times:
            done.append(call.name)
            busy = True
            world.cloud.sagemaker.fail_next_update(ENDPOINT, "The container did not pass the ping health check.")
            sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="by-hand")
            busy = False

    world.cloud.faults.gate = gate


def test_the_failing_update_of_another_actor_is_no_failure_of_our_version_which_is_tried_afterwards(world):
    world.deployed()
    interfere(world)
    second = world.register("linear-learner")
    world.pass_hours(1)
    assert world.served == second
    assert failed_versions() == ()
    assert [subject for subject in world.deployment_subjects if "could not" in subject] == []
    states = [one.state for one in stage_stores().deployments.get(ENDPOINT).history]
    assert states == ["verified", "failed", "verified"]


def test_a_version_that_others_keep_from_being_tried_is_not_requested_for_ever_and_waits_for_a_person(world):
    first = world.deployed()
    interfere(world, times=9)
    second = world.register("linear-learner")
    world.pass_hours(4)
    assert world.served == first
    assert failed_versions() == ()
    refused = [c for c in world.cloud.recorder.calls if c.operation == "UpdateEndpoint" and c.function and c.error]
    assert len(refused) == 3
    assert len(world.deployment_mails) == 2
    assert "was requested 3 times, and nothing shows that SageMaker began it" in world.deployment_words
    world.cloud.faults.clear()
    world.set_approval(second, "Approved")
    world.cloud.turn(minutes=20)
    assert world.served == second


@pytest.mark.parametrize("lost", [False, True])
def test_a_crash_right_after_the_request_of_a_failing_update_marks_only_with_evidence(world, lost):
    """SageMaker took the request. Without the events of the update nothing has shown it, so it is requested again."""
    first = world.deployed()
    world.cloud.sagemaker.fail_next_update(ENDPOINT, "The container did not pass the ping health check.")
    world.cloud.faults.add("crash_after", "sagemaker", "UpdateEndpoint")
    if lost:
        world.cloud.bus.drop(lambda event, function: event["source"] == "aws.sagemaker")
        world.cloud.sagemaker.endpoints.update_minutes = 0.5
    second = world.register("linear-learner")
    world.pass_hours(2)
    requests = [call for call in world.cloud.recorder.calls if call.operation == "UpdateEndpoint"]
    if lost:
        assert (world.served, len(requests), failed_versions()) == (second, 2, ())
        return
    assert (world.served, len(requests)) == (first, 1)
    assert [failed.package_arn for failed in failed_versions()] == [second]


@pytest.mark.parametrize("status", ["Failed", "UpdateRollbackFailed"])
def test_an_update_that_ends_in_a_broken_endpoint_settles_its_attempt_and_is_told_once(world, status):
    world.deployed()
    world.cloud.sagemaker.fail_next_update(ENDPOINT, "InternalFailure", ends_in=status)
    second = world.register("linear-learner")
    world.pass_hours(2)
    assert deployment().state == "failed"
    assert [failed.package_arn for failed in failed_versions()] == [second]
    assert world.deployment_subjects[1:] == [
        f"[critical] preferred-site: version 2 could not be deployed; the endpoint is {status}"
    ]


def test_a_refusal_that_another_actor_has_caused_is_no_failure_of_the_version(world):
    """Somebody breaks the endpoint between our look and our request, which SageMaker then refuses for good."""
    world.deployed()

    def gate(call) -> None:
        if call.operation == "UpdateEndpoint" and call.function:
            world.cloud.faults.gate = None
            world.cloud.sagemaker.force_status(ENDPOINT, "OutOfService")

    world.cloud.faults.gate = gate
    second = world.register("linear-learner")
    world.cloud.turn(minutes=5)
    assert failed_versions() == ()
    world.cloud.sagemaker.force_status(ENDPOINT, "InService")
    world.cloud.turn(minutes=20)
    assert world.served == second


# --- deleted under the endpoint ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["deploy", "alert"])
def test_a_config_that_was_deleted_under_the_endpoint_is_told_once_with_the_way_out_and_ends_when_it_is_back(
    world, mode
):
    world.deployed()
    world.apply(replace(entry_of(world), mode=mode))
    sagemaker, name = boto3.client("sagemaker"), world.config
    config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    world.pass_hours(1)
    second = world.register("linear-learner")
    world.pass_hours(1)
    assert (calls(world, "UpdateEndpoint"), len(failed_versions())) == (0, 0)
    (mail,) = world.deployment_mails[1:]
    words = " ".join(mail.text.split())
    assert f"he config {name} that the endpoint runs on was deleted" in words
    assert "`aws sagemaker delete-endpoint --endpoint-name preferred-site`" in words
    fields = {key: config[key] for key in ("EndpointConfigName", "ProductionVariants", "DataCaptureConfig")}
    sagemaker.create_endpoint_config(**fields)
    world.pass_hours(2)
    assert len(world.deployment_mails) == (3 if mode == "deploy" else 2)
    assert (world.served == second) == (mode == "deploy")


def test_an_endpoint_that_is_deleted_after_its_config_as_the_sdk_does_it_is_no_deleted_config(world):
    world.deployed()
    world.apply(replace(entry_of(world), mode="alert"))
    boto3.client("sagemaker").delete_endpoint_config(EndpointConfigName=world.config)
    boto3.client("sagemaker").delete_endpoint(EndpointName=entry_of(world).endpoint)
    world.pass_hours(1)
    assert [mail for mail in world.deployment_mails[1:] if "was deleted" in mail.text] == []


def test_capture_types_and_options_of_a_person_stay_through_an_adoption_and_an_update(world):
    world.deployed()
    sagemaker = boto3.client("sagemaker")
    served = sagemaker.describe_endpoint_config(EndpointConfigName=world.config)
    theirs = {
        **served["DataCaptureConfig"],
        "KmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/abc",
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
        "CaptureContentTypeHeader": {
            "CsvContentTypes": ["text/csv", "text/x-csv"],
            "JsonContentTypes": ["application/json", "application/jsonlines"],
        },
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName="by-hand", ProductionVariants=served["ProductionVariants"], DataCaptureConfig=theirs
    )
    sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="by-hand")
    world.cloud.turn(minutes=10)
    stage_stores().deployments.table.delete(endpoint_partition(ENDPOINT), "deployment")
    adopt(world)
    second = world.register("linear-learner")
    world.cloud.turn(minutes=30)
    assert world.served == second
    after = sagemaker.describe_endpoint_config(EndpointConfigName=world.config)["DataCaptureConfig"]
    assert after == theirs

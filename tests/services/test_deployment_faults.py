"""Registry to endpoint: what goes wrong, each with its right outcome.

Crashes at every call, two deliveries at once and random histories go further in tests/proof.
"""

import json
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from chalicelib import locations
from chalicelib.endpoint_run import stage_stores
from chalicelib.locations import endpoint_partition
from chalicelib.records import Deployment, GoldenPayload, Pin
from chalicelib.registry.versions import PackageVersion, wanted
from chalicelib.settings import settings
from tests.services.conftest import ENTRY, TRAINING
from vedette.demo import user_actions

ENDPOINT = "preferred-site"
PACKAGE_EVENT = "SageMaker Model Package State Change"
POLICIES = Path(__file__).parents[2] / ".chalice"
DEPLOYING = ("on_model_package_state_change", "on_endpoint_state_change", "sweep")


def deployment() -> Deployment:
    found, _ = stage_stores().deployments.table.get(Deployment, endpoint_partition(ENDPOINT), "deployment")
    return found


def calls(world, operation: str) -> int:
    return sum(call.operation == operation and call.error is None for call in world.cloud.recorder.calls)


def package_event(world, arn: str) -> dict:
    found = [event for event in world.cloud.bus.events if event["detail-type"] == PACKAGE_EVENT]
    return next(event for event in found if event["detail"]["ModelPackageArn"] == arn)


def test_d1_repeated_and_reordered_events_make_one_update_and_no_leftovers(world):
    world.cloud.bus.duplicate(2)
    world.cloud.bus.reorder(7)
    world.deployed()
    second = world.register("linear-learner")
    world.cloud.turn(minutes=30)
    assert world.served == second
    assert (calls(world, "CreateEndpoint"), calls(world, "UpdateEndpoint")) == (1, 1)
    sagemaker = boto3.client("sagemaker")
    assert len(sagemaker.list_models()["Models"]) == 2
    assert len(sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 2
    assert len(world.deployment_subjects) == 2


def test_d2_a_late_event_of_an_older_version_changes_nothing(world):
    world.deployed()
    second = world.register("linear-learner")
    third = world.register("knn")
    world.cloud.turn(minutes=30)
    updates = calls(world, "UpdateEndpoint")
    world.cloud.invoke("on_model_package_state_change", package_event(world, second))
    world.cloud.turn(minutes=20)
    assert world.served == third
    assert calls(world, "UpdateEndpoint") == updates


def test_d3_a_rejection_while_the_version_rolls_out_goes_back_when_the_endpoint_has_settled(world):
    first = world.deployed()
    second = world.register("linear-learner")
    world.cloud.turn(minutes=1)
    world.set_approval(second, "Rejected")
    world.cloud.turn(minutes=30)
    assert world.served == first
    assert calls(world, "UpdateEndpoint") == 2


def test_d3_a_rejection_before_the_event_arrives_deploys_nothing(world):
    first = world.deployed()
    world.cloud.bus.delay(timedelta(minutes=2))
    second = world.register("linear-learner")
    world.set_approval(second, "Rejected")
    world.cloud.turn(minutes=30)
    assert world.served == first
    assert calls(world, "UpdateEndpoint") == 0


def test_d4_flapping_ends_on_the_last_decision_within_the_limit_of_updates(world):
    world.apply(replace(ENTRY, updates_per_hour=3))
    first = world.deployed()
    second = world.register("linear-learner")
    for flip in range(8):
        world.cloud.turn(minutes=7)
        world.set_approval(second, "Rejected" if flip % 2 == 0 else "Approved")
    assert calls(world, "UpdateEndpoint") <= 3
    world.set_approval(second, "Rejected")
    world.pass_hours(2)
    assert world.served == first


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "RollingBack"])
def test_d5_a_busy_endpoint_is_no_error_and_its_own_event_continues(world, status):
    world.deployed()
    world.cloud.sagemaker.force_status(ENDPOINT, status)
    second = world.register("linear-learner")
    world.cloud.turn(minutes=10)
    assert calls(world, "UpdateEndpoint") == 0
    assert [delivery.outcome for delivery in world.cloud.bus.deliveries if delivery.outcome != "ok"] == []
    world.cloud.sagemaker.force_status(ENDPOINT, "InService")
    world.cloud.turn(minutes=10)
    assert world.served == second


def test_d6_a_failed_creation_tells_the_only_command_that_is_left_and_deletes_nothing(world):
    world.cloud.sagemaker.fail_next_create(ENDPOINT, "CannotStartContainerError")
    world.register()
    world.pass_hours(1)
    assert len(world.deployment_subjects) == 1
    assert "aws sagemaker delete-endpoint --endpoint-name preferred-site" in world.deployment_words
    assert calls(world, "DeleteEndpoint") == 0


def test_d7_an_update_that_came_back_to_the_old_config_is_caught_marked_and_not_tried_again(world):
    first = world.deployed()
    world.cloud.sagemaker.fail_next_update(ENDPOINT, "The primary container did not pass the ping health check.")
    world.register("linear-learner")
    world.pass_hours(2)
    assert world.served == first
    assert deployment().state == "rolled back"
    assert calls(world, "UpdateEndpoint") == 1
    assert world.deployment_subjects[1:] == [
        "[critical] preferred-site: version 2 could not be deployed; version 1 is served"
    ]
    assert "ping health check" in world.deployment_words


def test_d7_a_pinned_version_that_failed_is_not_tried_again_before_it_is_pinned_again(world):
    first = world.deployed()
    second = world.register("linear-learner", "PendingManualApproval")
    pin(world, second)
    world.apply(replace(ENTRY, golden_payload=GoldenPayload(body="not,numbers")))
    world.set_approval(second, "Approved")
    world.pass_hours(3)
    assert world.served == first
    assert calls(world, "UpdateEndpoint") == 2  # there, and back
    assert sum("could not be deployed" in subject for subject in world.deployment_subjects) == 1
    world.apply(ENTRY)
    pin(world, second)
    world.cloud.turn(minutes=40)
    assert world.served == second


def pin(world, arn: str) -> None:
    _, revision = stage_stores().deployments.table.get(Pin, endpoint_partition(ENDPOINT), "pin")
    pinned = Pin(endpoint=ENDPOINT, package_arn=arn, by="ann", reason="why", at=world.cloud.clock.now())
    assert stage_stores().deployments.table.put(pinned, endpoint_partition(ENDPOINT), "pin", revision)


@pytest.mark.parametrize("status", ["UpdateRollbackFailed", "OutOfService", "Deleting"])
def test_d8_a_broken_endpoint_is_reported_and_not_touched(world, status):
    world.deployed()
    world.cloud.sagemaker.force_status(ENDPOINT, status)
    world.register("linear-learner")
    world.pass_hours(2)
    warnings = [subject for subject in world.deployment_subjects if subject.startswith("[warning]")]
    reported = [subject for subject in warnings if status in subject]
    assert len(reported) == 1
    assert (calls(world, "UpdateEndpoint"), calls(world, "DeleteEndpoint")) == (0, 0)


def test_d9_a_version_that_found_no_capacity_is_tried_again_after_a_while(world):
    world.deployed()
    world.cloud.sagemaker.fail_next_update(ENDPOINT, "InsufficientInstanceCapacity")
    second = world.register("linear-learner")
    world.cloud.turn(hours=1)
    assert world.served == second
    assert "It is retried after" in " ".join(world.deployment_mails[1].text.split())
    assert calls(world, "UpdateEndpoint") == 2


def test_d9_a_missing_quota_is_named_and_the_update_is_not_tried_again(world):
    world.deployed()
    quota = "ResourceLimitExceeded: The account-level service limit 'ml.m5.large for endpoint usage' is 1 Instances"
    world.cloud.sagemaker.fail_next_update(ENDPOINT, quota)
    world.register("linear-learner")
    world.pass_hours(3)
    assert calls(world, "UpdateEndpoint") == 1
    assert "ml.m5.large for endpoint usage" in world.deployment_words


@pytest.mark.parametrize("kind", ["crash_before", "crash_after"])
@pytest.mark.parametrize("operation", ["CreateModel", "CreateEndpointConfig", "UpdateEndpoint"])
def test_d10_a_crash_leaves_nothing_over(world, operation, kind):
    world.deployed()
    world.cloud.faults.add(kind, "sagemaker", operation)
    second = world.register("linear-learner")
    world.cloud.turn(minutes=30)
    assert world.served == second
    assert len(world.cloud.sagemaker.hosting.models) == 2
    assert len(world.cloud.sagemaker.hosting.configs) == 2
    assert deployment().state == "verified"


ARNS = some.builds(
    "arn:aws:sagemaker:eu-west-1:123456789012:model-package/{}/{}".format,
    some.from_regex(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", fullmatch=True),
    some.integers(1, 10**6),
)


@given(some.sets(some.tuples(ARNS, some.text(max_size=8)), min_size=2, max_size=20))
def test_d11_names_are_valid_and_different_wishes_have_different_names(wishes):
    names = [locations.model_name(*wish) for wish in wishes] + [
        locations.endpoint_config_name(*wish) for wish in wishes
    ]
    assert len(set(names)) == 2 * len(wishes)
    for name in names:
        assert len(name) <= 63
        assert name.replace("-", "").isalnum()
        assert name.isascii()
        assert not name.startswith("-")
        assert not name.endswith("-")


def test_d12_no_model_or_config_is_ever_deleted_by_a_function(world):
    world.deployed()
    second = world.register("linear-learner")
    world.cloud.turn(minutes=20)
    world.set_approval(second, "Rejected")
    world.pass_hours(2)
    deleted = [call.name for call in world.cloud.recorder.calls if call.function and "Delete" in call.operation]
    assert [name for name in deleted if name.startswith("sagemaker:")] == []


def test_d13_an_endpoint_whose_name_begins_alike_is_not_touched(world):
    other = f"{ENDPOINT}-10"
    world.apply(ENTRY, replace(ENTRY, endpoint=other, package_group="another-group"))
    world.deployed()
    sagemaker = boto3.client("sagemaker")
    served = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
    sagemaker.create_endpoint(EndpointName=other, EndpointConfigName=served)
    world.cloud.turn(minutes=10)
    world.register("linear-learner")
    world.pass_hours(1)
    assert sagemaker.describe_endpoint(EndpointName=other)["EndpointConfigName"] == served
    changed = [call for call in world.cloud.recorder.calls if call.operation in {"UpdateEndpoint", "DeleteEndpoint"}]
    assert {call.parameters["EndpointName"] for call in changed} == {ENDPOINT}


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Failed", "Deleting"])
def test_d14_a_version_that_is_not_completed_is_never_wanted(status):
    summary = {
        "ModelPackageArn": "arn:aws:sagemaker:eu-west-1:123456789012:model-package/preferred-site/1",
        "ModelPackageVersion": 1,
        "ModelApprovalStatus": "Approved",
        "ModelPackageStatus": status,
    }
    assert wanted([PackageVersion.from_summary(summary)], None, [], None).version is None


def test_d14_a_version_of_a_group_that_no_endpoint_of_the_fleet_serves_is_left_alone(world):
    user_actions.register("another-group", "knn", TRAINING, world.bucket, "Approved")
    world.pass_hours(1)
    assert calls(world, "CreateEndpoint") == 0


def test_d14_an_image_of_a_registry_that_the_stage_does_not_allow_is_never_deployed(world, monkeypatch):
    first = world.deployed()
    monkeypatch.setenv("VEDETTE_IMAGE_ACCOUNTS", "210987654321")
    settings.cache_clear()
    world.register("linear-learner")
    world.pass_hours(2)
    assert world.served == first
    assert calls(world, "UpdateEndpoint") == 0
    reported = [subject for subject in world.deployment_subjects if "version 2 runs the image" in subject]
    assert len(reported) == 1


@pytest.mark.parametrize("function", DEPLOYING)
def test_d15_updating_an_endpoint_is_allowed_on_the_endpoint_and_on_its_config(function):
    policy = json.loads((POLICIES / f"policy-{function}.json").read_text())
    allowed = [statement for statement in policy["Statement"] if "sagemaker:UpdateEndpoint" in statement["Action"]]
    resources = " ".join(str(statement["Resource"]) for statement in allowed)
    assert ":endpoint/" in resources
    assert ":endpoint-config/" in resources


def test_d16_the_number_of_instances_that_autoscaling_has_set_stays(world):
    world.deployed()
    sagemaker = boto3.client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=ENDPOINT, DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}]
    )
    world.cloud.turn(minutes=10)
    second = world.register("linear-learner")
    world.cloud.turn(minutes=20)
    assert world.served == second
    (variant,) = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["ProductionVariants"]
    assert (variant["DesiredInstanceCount"], variant["CurrentInstanceCount"]) == (3, 3)


def test_d17_capture_stays_on_with_its_header_lists_through_an_update(world):
    world.deployed()
    world.register("linear-learner")
    world.cloud.turn(minutes=20)
    sagemaker = boto3.client("sagemaker")
    described = sagemaker.describe_endpoint(EndpointName=ENDPOINT)
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    capture = config["DataCaptureConfig"]
    assert [option["CaptureMode"] for option in capture["CaptureOptions"]] == ["Input", "Output"]
    assert capture["CaptureContentTypeHeader"]["CsvContentTypes"] == ["text/csv"]


def test_d18_an_endpoint_stuck_in_creation_is_reported_once_and_not_created_again(world):
    world.cloud.sagemaker.endpoints.create_minutes = 100_000
    world.register()
    world.pass_hours(4)
    assert calls(world, "CreateEndpoint") == 1
    reported = [subject for subject in world.deployment_subjects if "Creating for more than 1 h" in subject]
    assert len(reported) == 1

"""One row of the planner's table after the other."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.records import Deployment, FleetEntry
from chalicelib.registry import resource_specs, traffic_shifting
from chalicelib.registry.failures import failed_version_after
from chalicelib.registry.plan import (
    STATUS_TIMEOUTS,
    UNRECOVERABLE_STATUSES,
    Condition,
    ConditionCode,
    Create,
    Delete,
    DeploymentTarget,
    EndpointSnapshot,
    NoChange,
    Plan,
    RecordFailure,
    Served,
    Stop,
    Update,
    Verify,
    Wait,
    is_foreign,
    requests,
    unsupported_kind,
    what_serves,
)
from chalicelib.registry.plan import plan as planned
from chalicelib.registry.versions import PackageVersion

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/site/{}"
PLACE = DeploymentTarget("arn:aws:iam::123456789012:role/models", "s3://bucket/data-capture")
ENTRY = FleetEntry(endpoint="site", mode="deploy", package_group="site")
FIELDS_ONLY_AWS_KNOWS = {"EnableNetworkIsolation": True, "VpcConfig": {"Subnets": ["subnet-1"]}, "NewFieldOf2027": [1]}


def wants(*versions: int) -> tuple[PackageVersion, ...]:
    return tuple(PackageVersion(ARN.format(version), version, True, True) for version in versions)


def plan(entry: FleetEntry, versions, served, deployment, place: DeploymentTarget, **more) -> Plan:
    fields = {"pin": None, "failed_versions": (), "history": (), "now": NOW, **more}
    return planned(
        EndpointSnapshot(entry=entry, versions=versions, served=served, deployment=deployment, target=place, **fields)
    )


def described(request: dict) -> dict:
    """What a Describe call answers for a created thing: defaults and times are added."""
    answer = {**request, "CreationTime": NOW, "EndpointConfigArn": "arn", **FIELDS_ONLY_AWS_KNOWS}
    answer.pop("Tags")
    return answer


def serving(version: int, status: str = "InService", **changes) -> Served:
    made = plan(ENTRY, wants(version), None, None, PLACE)
    fields = {
        "status": status,
        "config_name": made.config_name,
        "modified_at": NOW,
        "failure_reason": "",
        "config": described(made.config),
        "model": described(made.model),
    }
    return Served(**{**fields, **changes})


def deployed(served: Served, state: str = "verified", **changes) -> Deployment:
    record = Deployment(
        endpoint="site",
        package_arn=served.package_arn,
        package_version="1",
        config=served.config_name,
        previous_config="",
        previous_package_arn="",
        requested_at=NOW - timedelta(minutes=5),
        state=state,
    )
    return replace(record, **changes)


def test_an_endpoint_that_does_not_exist_is_created_with_capture_on():
    made = plan(ENTRY, wants(1), None, None, PLACE)
    assert made.action == "create"
    capture = made.config["DataCaptureConfig"]
    assert capture["EnableCapture"]
    assert capture["DestinationS3Uri"] == "s3://bucket/data-capture"
    assert capture["CaptureContentTypeHeader"]["CsvContentTypes"] == ["text/csv"]
    assert made.config["ProductionVariants"][0]["ModelName"] == made.model["ModelName"]


def test_the_same_wish_gives_the_same_names_and_another_wish_another_name():
    again = plan(ENTRY, wants(1), None, None, PLACE)
    assert again == plan(ENTRY, wants(1), None, None, PLACE)
    bigger = replace(ENTRY, instance_type="ml.m5.xlarge")
    assert plan(bigger, wants(1), None, None, PLACE).config_name != again.config_name
    assert plan(ENTRY, wants(2), None, None, PLACE).model["ModelName"] != again.model["ModelName"]


def test_an_endpoint_that_serves_what_is_wanted_is_left_alone_although_aws_added_defaults():
    served = serving(1)
    assert plan(ENTRY, wants(1), served, deployed(served), PLACE).action == "nothing"


def test_an_update_keeps_every_field_of_the_served_config_and_model():
    served = serving(1)
    made = plan(ENTRY, wants(2), served, deployed(served), PLACE)
    assert made.action == "update"
    for field, value in FIELDS_ONLY_AWS_KNOWS.items():
        assert made.config[field] == value
        assert made.model[field] == value
    assert resource_specs.package_of(made.model) == ARN.format(2)


def test_going_back_to_a_version_reuses_the_names_of_its_first_update():
    first = serving(1)
    to_second = plan(ENTRY, wants(2), first, deployed(first), PLACE)
    second = serving(
        2, config_name=to_second.config_name, config=described(to_second.config), model=described(to_second.model)
    )
    back = plan(ENTRY, wants(1), second, deployed(second), PLACE)
    once_more = serving(1, config_name=back.config_name, config=described(back.config), model=described(back.model))
    forth = plan(ENTRY, wants(2), once_more, deployed(once_more), PLACE)
    assert forth.config_name == to_second.config_name
    assert forth.model["ModelName"] == to_second.model["ModelName"]


@pytest.mark.parametrize("status", sorted(STATUS_TIMEOUTS))
def test_a_busy_endpoint_is_waited_for(status):
    assert plan(ENTRY, wants(2), serving(1, status), None, PLACE).action == "wait"


@pytest.mark.parametrize("status", sorted(UNRECOVERABLE_STATUSES))
def test_a_broken_endpoint_stops_the_plan_and_a_person_is_notified(status):
    made = plan(ENTRY, wants(2), serving(1, status), None, PLACE)
    assert (made.action, made.condition is not None) == ("stop", True)


def test_a_failed_endpoint_names_the_only_command_that_sagemaker_allows():
    reason = plan(ENTRY, wants(2), serving(1, "Failed", failure_reason="no capacity"), None, PLACE).reason
    assert "`aws sagemaker delete-endpoint --endpoint-name site`" in reason
    assert "no capacity" in reason


def test_in_service_on_the_requested_config_is_verified():
    served = serving(1)
    assert plan(ENTRY, wants(1), served, deployed(served, "requested"), PLACE).action == "verify"


def test_in_service_on_the_old_config_after_the_update_began_is_a_silent_roll_back():
    served = serving(1, failure_reason="ModelError")
    old = {"config": "the-new-one", "previous_config": served.config_name}
    record = deployed(served, "requested", package_arn=ARN.format(2), begun=True, **old)
    made = plan(ENTRY, wants(2), served, record, PLACE)
    assert (made.action, made.state) == ("record failure", "rolled back")
    assert "the update to version 2 did not hold" in made.reason
    assert "ModelError" in made.reason


def test_an_update_that_was_written_down_and_never_begun_is_begun():
    served = serving(1, modified_at=NOW - timedelta(hours=1))
    record = deployed(served, "requested", config="new", previous_config=served.config_name, requested_at=NOW)
    assert plan(ENTRY, wants(2), served, record, PLACE).action == "update"


def test_the_config_of_another_team_stops_the_plan_and_names_them_until_it_is_adopted():
    served = serving(1, config_name="made-by-terraform", changed_by="arn:aws:iam::123456789012:user/tina")
    made = plan(ENTRY, wants(2), served, deployed(served, config="ours"), PLACE)
    assert (made.action, made.condition is not None) == ("stop", True)
    assert made.reason.startswith(
        "arn:aws:iam::123456789012:user/tina put the endpoint on the config made-by-terraform"
    )
    assert plan(ENTRY, wants(2), served, deployed(served), PLACE).action == "update"


def test_a_person_who_goes_back_to_the_config_before_is_not_overruled():
    before = serving(1)
    record = deployed(before, config="ours", previous_config=before.config_name, package_arn=ARN.format(2))
    made = plan(ENTRY, wants(1, 2), before, record, PLACE)
    assert (made.action, made.condition.code) == ("stop", ConditionCode.FOREIGN_CONFIG)
    assert before.config_name in made.reason
    requested = replace(record, state="requested")
    assert plan(ENTRY, wants(1, 2), before, requested, PLACE).action != "stop"


def test_an_endpoint_that_vedette_did_not_create_is_not_touched_before_it_is_adopted():
    assert plan(ENTRY, wants(2), serving(1), None, PLACE).action == "stop"
    assert plan(ENTRY, wants(2), serving(1), deployed(serving(1)), PLACE).action == "update"


@pytest.mark.parametrize("mode", ["observe", "alert"])
def test_a_mode_other_than_deploy_plans_nothing(mode):
    assert plan(replace(ENTRY, mode=mode), wants(2), serving(1), None, PLACE).action == "nothing"


def test_a_pause_stops_every_change():
    assert plan(ENTRY, wants(1), None, None, PLACE, paused=True).action == "nothing"


def test_when_nothing_is_approved_any_more_what_is_served_stays_and_a_person_is_notified():
    served = serving(1)
    made = plan(ENTRY, (), served, deployed(served), PLACE)
    assert (made.action, made.condition is not None) == ("nothing", True)
    assert made.reason == "the registry shows no approved version; version 1 stays in service"


KINDS = {
    "an asynchronous endpoint": {"AsyncInferenceConfig": {"OutputConfig": {}}},
    "an endpoint with shadow variants": {"ShadowProductionVariants": [{}]},
    "a multi-variant endpoint (2 variants)": {"ProductionVariants": [{"ModelName": "a"}, {"ModelName": "b"}]},
    "a serverless endpoint": {"ProductionVariants": [{"ModelName": "a", "ServerlessConfig": {"MaxConcurrency": 1}}]},
    "an endpoint of inference components": {"ProductionVariants": [{"VariantName": "AllTraffic"}]},
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_kinds_that_this_release_does_not_deploy_to_are_refused_by_name(kind):
    served = serving(1)
    odd = serving(1, config={**served.config, **KINDS[kind]})
    made = plan(ENTRY, wants(2), odd, deployed(odd), PLACE)
    assert made.action == "stop"
    assert kind in made.reason


def test_a_multi_model_endpoint_and_a_pipeline_are_refused_by_name():
    served = serving(1)
    several = serving(1, model={**served.model, "PrimaryContainer": {"Mode": "MultiModel"}})
    assert "a multi-model endpoint" in plan(ENTRY, wants(2), several, deployed(several), PLACE).reason
    pipeline = serving(1, model={"Containers": [{"Image": "a"}, {"Image": "b"}]})
    assert "an inference pipeline" in plan(ENTRY, wants(2), pipeline, deployed(pipeline), PLACE).reason


def test_an_endpoint_that_stays_busy_for_longer_than_it_may_is_reported():
    for status, longest in STATUS_TIMEOUTS.items():
        served = serving(1, status, modified_at=NOW - longest - timedelta(minutes=1))
        made = plan(ENTRY, wants(2), served, None, PLACE)
        assert (made.action, made.condition is not None) == ("wait", True)
        assert f"has been {status} for more than" in made.reason


def test_a_first_creation_takes_the_instance_type_of_the_fleet_or_the_first_that_the_package_supports():
    package = {"InferenceSpecification": {"SupportedRealtimeInferenceInstanceTypes": ["ml.c5.large", "ml.m5.xlarge"]}}
    made = plan(ENTRY, wants(1), None, None, PLACE, package=package)
    assert made.config["ProductionVariants"][0]["InstanceType"] == "ml.c5.large"
    asked = replace(ENTRY, instance_type="ml.m5.xlarge")
    made = plan(asked, wants(1), None, None, PLACE, package=package)
    assert made.config["ProductionVariants"][0]["InstanceType"] == "ml.m5.xlarge"
    refused = plan(replace(ENTRY, instance_type="ml.p4d.24xlarge"), wants(1), None, None, PLACE, package=package)
    assert (refused.action, refused.condition is not None) == ("stop", True)
    assert "does not support ml.p4d.24xlarge" in refused.reason


def test_an_image_of_no_allowed_registry_is_refused_and_what_is_served_stays():
    package = {"InferenceSpecification": {"Containers": [{"Image": "666666666666.dkr.ecr.eu-west-1.amazonaws.com/x"}]}}
    served = serving(1)
    for account, actions in (("666666666666", ("create", "update")), ("123456789012", ("stop", "stop"))):
        place = DeploymentTarget(PLACE.role_arn, PLACE.capture_uri, (account,))
        creation = plan(ENTRY, wants(2), None, None, place, package=package)
        update = plan(ENTRY, wants(2), served, deployed(served), place, package=package)
        assert (creation.action, update.action) == actions
    assert update.condition
    assert "version 2 runs the image 666666666666.dkr.ecr" in update.reason


def test_an_update_names_what_changes_and_puts_its_alarms_first():
    served = serving(1)
    made = plan(ENTRY, wants(2), served, deployed(served), PLACE)
    assert [operation for operation, _ in requests(made)] == ["PutMetricAlarm", "CreateModel", "CreateEndpointConfig"]
    assert len(made.changes) == 1
    assert made.changes[0].startswith("ProductionVariants[0].ModelName: ")
    alarms = made.deployment_config["AutoRollbackConfiguration"]["Alarms"]
    assert alarms == [{"AlarmName": "vedette-site-5xx"}]


def test_no_update_begins_while_a_roll_back_alarm_is_in_alarm():
    served = serving(1)
    made = plan(ENTRY, wants(2), served, deployed(served), PLACE, alarms_firing=("vedette-site-5xx",))
    assert (made.action, made.condition is not None) == ("wait", True)
    assert "vedette-site-5xx is in ALARM" in made.reason


def test_updates_are_limited_within_an_hour():
    served = serving(1)
    history = tuple(deployed(served, requested_at=NOW - timedelta(minutes=9 * n)) for n in range(6))
    made = plan(ENTRY, wants(2), served, deployed(served), PLACE, history=history)
    assert (made.action, made.condition is not None) == ("wait", True)
    later = plan(ENTRY, wants(2), served, deployed(served), PLACE, history=history, now=NOW + timedelta(hours=1))
    assert later.action == "update"


def test_the_tags_of_what_was_served_are_kept_except_those_that_aws_alone_may_set():
    served = serving(1, tags={"cost-center": "7", "aws:cloudformation:stack-name": "x"})
    made = plan(ENTRY, wants(2), served, deployed(served), PLACE)
    tags = [{"Key": "cost-center", "Value": "7"}, {"Key": "vedette:endpoint", "Value": "site"}]
    assert made.config["Tags"] == made.model["Tags"] == tags


def test_a_version_must_have_reached_the_stage_that_the_fleet_requires():
    entry = replace(ENTRY, model_life_cycle_stage="Production")
    one, two = wants(1, 2)
    ready = PackageVersion(one.arn, 1, True, True, "Production")
    assert plan(entry, (ready, two), None, None, PLACE).package_arn == one.arn
    assert "in stage Production" in plan(entry, (two,), None, None, PLACE).reason


def test_a_failed_creation_stores_its_version_as_failed_and_is_deleted_only_where_that_is_allowed():
    served = serving(1, "Failed", failure_reason="CannotStartContainerError")
    first = plan(ENTRY, wants(1), served, deployed(served, "requested"), PLACE)
    assert (first.action, first.state) == ("record failure", "failed")
    assert first.attempt.package_arn == ARN.format(1)
    attempt = deployed(served, "failed")
    assert plan(ENTRY, wants(2), served, attempt, PLACE).action == "stop"
    allowed = replace(ENTRY, recreate_failed=True)
    assert plan(allowed, wants(2), served, attempt, PLACE).action == "delete"
    assert plan(allowed, (), served, attempt, PLACE).action == "stop"
    assert plan(allowed, wants(2), served, attempt, PLACE, history=(deployed(served),)).action == "stop"


def test_a_failed_config_of_the_served_version_is_not_tried_again_and_the_version_stays_wanted():
    served = serving(2)
    entry = replace(ENTRY, capture_percentage=50)
    update = plan(entry, wants(1, 2), served, deployed(served), PLACE)
    assert (update.action, update.package_arn) == ("update", served.package_arn)
    attempt = deployed(served, "rolled back", config=update.config_name, previous_config=served.config_name)
    failed = failed_version_after(attempt, "no answer", NOW, None)
    stopped = plan(entry, wants(1, 2), served, attempt, PLACE, failed_versions=(failed,))
    assert (stopped.action, stopped.condition) == ("stop", None)
    assert stopped.reason == f"the config {update.config_name} has failed: no answer"
    other = replace(ENTRY, capture_percentage=60)
    assert plan(other, wants(1, 2), served, attempt, PLACE, failed_versions=(failed,)).action == "update"


# --- whole plans: every word, condition and field that a person or SageMaker gets -------------------------------------

TAGS = [{"Key": "vedette:endpoint", "Value": "site"}]
BROKEN = "`aws sagemaker delete-endpoint --endpoint-name site`; Vedette then creates it"


def stop(code: ConditionCode, reason: str, about: str = "") -> Stop:
    return Stop(reason, Condition(code, reason, about))


@pytest.mark.parametrize(
    ("supported", "asked", "instance_type"),
    [((), "", "ml.m5.large"), (("ml.c5.large",), "", "ml.c5.large"), ((), "ml.p3.2xlarge", "ml.p3.2xlarge")],
)
def test_the_whole_creation(supported, asked, instance_type):
    package = {"InferenceSpecification": {"SupportedRealtimeInferenceInstanceTypes": supported}}
    entry = replace(ENTRY, instance_type=asked)
    model = resource_specs.new_model(ARN.format(1), PLACE.role_arn, TAGS)
    config = resource_specs.new_endpoint_config(
        ARN.format(1), model["ModelName"], entry, instance_type, PLACE.capture_uri, TAGS
    )
    made = plan(entry, wants(1), None, None, PLACE, package=package)
    reason = "the endpoint does not exist, and version 1 is the newest approved version"
    assert made == Create(reason, ARN.format(1), model, config)
    assert made.config_name == config["EndpointConfigName"]
    assert requests(made) == (("CreateModel", model), ("CreateEndpointConfig", config))


@pytest.mark.parametrize(
    ("entry", "more", "expected"),
    [
        (
            replace(ENTRY, mode="alert"),
            {},
            NoChange("the endpoint is in mode alert: Vedette monitors it and deploys nothing"),
        ),
        (ENTRY, {"paused": True}, NoChange("Vedette is paused: it changes nothing until `vedette resume`")),
        (
            ENTRY,
            {"versions": ()},
            NoChange("the endpoint does not exist, and the registry shows no approved version"),
        ),
        (
            replace(ENTRY, instance_type="ml.p4d.24xlarge"),
            {"package": {"InferenceSpecification": {"SupportedRealtimeInferenceInstanceTypes": ["a", "b"]}}},
            stop(
                ConditionCode.INSTANCE_TYPE,
                "version 1 does not support ml.p4d.24xlarge, which the fleet names; it supports a, b",
            ),
        ),
        (
            ENTRY,
            {"place": DeploymentTarget("", PLACE.capture_uri)},
            stop(
                ConditionCode.NO_ROLE,
                "no execution role is named for the models: set VEDETTE_ROLE_ARN in .chalice/config.json",
            ),
        ),
        (
            ENTRY,
            {
                "place": DeploymentTarget(PLACE.role_arn, PLACE.capture_uri, ("1" * 12, "2" * 12)),
                "package": {"InferenceSpecification": {"Containers": [{"Image": "docker.io/x"}]}},
            },
            stop(
                ConditionCode.IMAGE_REGISTRY,
                "version 1 runs the image docker.io/x, and this stage allows images of 111111111111, 222222222222"
                " alone (VEDETTE_IMAGE_ACCOUNTS)",
            ),
        ),
    ],
)
def test_what_holds_a_creation_back(entry, more, expected):
    fields = {"versions": wants(1), "served": None, "deployment": None, "place": PLACE, **more}
    assert plan(entry, **fields) == expected


@pytest.mark.parametrize(
    ("status", "hours"), [("Creating", 1), ("Updating", 2), ("SystemUpdating", 8), ("RollingBack", 2), ("Deleting", 1)]
)
def test_a_status_is_slow_only_after_its_time(status, hours):
    served = serving(1, status, modified_at=NOW - timedelta(hours=hours))
    assert plan(ENTRY, wants(2), served, None, PLACE) == Wait(f"the endpoint is {status}; its next event continues")
    reason = f"the endpoint has been {status} for more than {hours} h; look at it in the SageMaker console"
    slow = plan(ENTRY, wants(2), served, None, PLACE, now=NOW + timedelta(seconds=1))
    assert slow == Wait(reason, Condition(ConditionCode.SLOW, reason))


@pytest.mark.parametrize(("failure", "cause"), [("", ""), ("no capacity", " (no capacity)")])
def test_what_follows_when_an_endpoint_is_broken(failure, cause):
    out = serving(1, "OutOfService", failure_reason=failure)
    reason = f"the endpoint is OutOfService{cause}; Vedette changes nothing until it is InService"
    assert plan(ENTRY, wants(2), out, None, PLACE) == stop(ConditionCode.STATUS, reason, "OutOfService")
    served = serving(1, "Failed", failure_reason=failure)
    reason = f"the endpoint is Failed{cause}, and SageMaker allows only its deletion: {BROKEN}"
    reported = stop(ConditionCode.STATUS, reason, "Failed")
    tried, failed = deployed(served, "requested"), deployed(served, "failed")
    another, begun = replace(tried, config="another"), {"begun": True, "endpoint_modified_at": served.modified_at}
    allowed = replace(ENTRY, recreate_failed=True)
    delete = Delete("the endpoint is Failed, never served, and version 2 is the newest approved version")
    verified = {"history": (deployed(served),)}
    for entry, attempt, more, expected in (
        (ENTRY, None, {}, reported),
        (allowed, None, {}, reported),
        (ENTRY, tried, {}, RecordFailure(reason, replace(tried, **begun), "failed")),
        (ENTRY, failed, {}, Stop(reason, None)),
        (ENTRY, deployed(served), {}, reported),
        (ENTRY, replace(failed, config="another"), {}, reported),
        (allowed, replace(failed, config="another"), {}, reported),
        (ENTRY, replace(another, begun=True), {}, RecordFailure(reason, replace(another, **begun), "failed")),
        (ENTRY, replace(another, state="failed", **begun), {}, Stop(reason, None)),
        (ENTRY, replace(another, state="failed", begun=True, endpoint_modified_at=NOW - HOUR), {}, reported),
        (allowed, failed, {}, delete),
        (allowed, failed, {"history": (failed,)}, delete),
        (allowed, failed, verified, Stop(reason, None)),
    ):
        assert plan(entry, wants(2), served, attempt, PLACE, **more) == expected


@pytest.mark.parametrize("status", ["Failed", "UpdateRollbackFailed"])
def test_an_attempt_that_never_began_is_settled_when_the_endpoint_is_broken_and_its_version_has_not_failed(status):
    served = serving(1, status)
    tried = deployed(served, "requested", config="another", previous_config=served.config_name)
    made = plan(ENTRY, wants(2), served, tried, PLACE)
    assert (made.action, made.version_failed, made.attempt.begun) == ("record failure", False, False)
    shown = plan(ENTRY, wants(2), serving(1, status, pending_config="another"), tried, PLACE)
    assert (shown.version_failed, shown.attempt.begun) == (True, True)


def test_what_follows_when_an_attempt_is_in_service_or_its_old_config_is():
    served = serving(1)
    attempt = deployed(served, "requested")
    verify = Verify(f"the endpoint is InService on {served.config_name}", attempt)
    assert plan(ENTRY, wants(1), served, attempt, PLACE) == verify
    old = {"config": "new", "previous_config": served.config_name, "package_arn": ARN.format(2)}
    attempt = deployed(served, "requested", requested_at=NOW, **old)
    unverified = replace(attempt, reason="no answer")
    assert plan(ENTRY, wants(2), served, unverified, PLACE) == RecordFailure("no answer", unverified, "failed")
    again = f"the endpoint is InService again on its old config {served.config_name}"
    for failure, cause in (("", "SageMaker gives no reason"), ("ModelError", "ModelError")):
        now = replace(attempt, begun=True)
        failed = serving(1, failure_reason=failure)
        reason = f"the update to version 2 did not hold: {again}: {cause}"
        assert plan(ENTRY, wants(2), failed, now, PLACE) == RecordFailure(reason, now, "rolled back")
        reason = f"nothing shows that SageMaker began the update to version 2: {again}: {cause}"
        expected = RecordFailure(reason, attempt, "failed", version_failed=False)
        assert plan(ENTRY, wants(2), failed, attempt, PLACE) == expected
    earlier = serving(1, modified_at=NOW - timedelta(seconds=1), failure_reason="of an update before")
    for now in (attempt, replace(attempt, begun=True)):
        assert plan(ENTRY, wants(2), earlier, now, PLACE).action == "update"


@pytest.mark.parametrize("ours_is_ahead", [timedelta(minutes=5), -timedelta(minutes=5)])
def test_whether_the_endpoint_has_changed_since_is_told_by_sagemakers_clock_alone(ours_is_ahead):
    before, after = serving(1), serving(1, modified_at=NOW + timedelta(minutes=2), failure_reason="ModelError")
    attempt = deployed(
        before,
        "requested",
        config="new",
        previous_config=before.config_name,
        package_arn=ARN.format(2),
        begun=True,
        requested_at=NOW + ours_is_ahead,
        endpoint_modified_at=before.modified_at,
    )
    assert plan(ENTRY, wants(2), before, attempt, PLACE).action == "update"
    assert plan(ENTRY, wants(2), after, attempt, PLACE).action == "record failure"


def test_an_attempt_on_an_endpoint_that_another_actor_replaced_is_settled_and_its_version_has_not_failed():
    theirs = serving(1, config_name="theirs")
    attempt = deployed(theirs, "requested", config="new", previous_config="before", package_arn=ARN.format(2))
    reason = "the endpoint was put on the config theirs before version 2 was verified"
    for one in (attempt, replace(attempt, begun=True)):
        expected = RecordFailure(reason, one, "failed", version_failed=False)
        assert plan(ENTRY, wants(2), theirs, one, PLACE) == expected


def test_an_update_that_is_never_seen_to_begin_is_not_requested_for_ever():
    served = serving(1)
    config = plan(ENTRY, wants(2), served, deployed(served), PLACE).config_name
    fields = {"config": config, "previous_config": served.config_name, "package_arn": ARN.format(2)}
    for unproven, action in ((2, "update"), (3, "stop")):
        attempt = deployed(served, "failed", unproven=unproven, package_version="2", **fields)
        assert plan(ENTRY, wants(2), served, attempt, PLACE).action == action
    reason = (
        "the update to version 2 was requested 3 times, and nothing shows that SageMaker began it: each time the"
        f" endpoint was InService again on {served.config_name}; see who else updates it, then run `vedette retry site`"
    )
    assert plan(ENTRY, wants(2), served, attempt, PLACE) == stop(ConditionCode.UNPROVEN, reason, config)
    assert plan(ENTRY, wants(3), served, attempt, PLACE).action == "update"


def test_a_config_or_model_that_was_deleted_under_the_endpoint_stops_the_plan_with_the_way_out():
    served = serving(1)
    way_out = (
        "create it again under the same name, or delete the endpoint (`aws sagemaker delete-endpoint --endpoint-name"
        " site`) and create that again"
    )
    what = f"the config {served.config_name} that the endpoint runs on was deleted"
    gone = serving(1, config={}, model={})
    reason = f"{what}, so SageMaker refuses to update the endpoint; {way_out}"
    expected = stop(ConditionCode.DELETED, reason, served.config_name)
    assert gone.deleted == what
    for versions in (wants(1), wants(2), ()):
        assert plan(ENTRY, versions, gone, deployed(gone), PLACE) == expected
    assert plan(ENTRY, wants(2), serving(1, "Updating", config={}, model={}), deployed(gone), PLACE).action == "wait"
    name = served.config["ProductionVariants"][0]["ModelName"]
    reason = (
        f"the model {name} that the endpoint runs was deleted, so the next version would lose its settings; {way_out}"
    )
    made = plan(ENTRY, wants(2), serving(1, model={}), deployed(served), PLACE)
    assert made == stop(ConditionCode.DELETED, reason, served.config_name)
    assert served.deleted == ""


@pytest.mark.parametrize(
    ("served", "clause"),
    [
        (None, "nothing is served"),
        (("InService", {}), "version 1 is served"),
        (("Updating", {}), "version 1 is served"),
        (("RollingBack", {}), "version 1 is served"),
        (("Creating", {}), "the endpoint is Creating"),
        (("Failed", {}), "the endpoint is Failed"),
        (("OutOfService", {}), "the endpoint is OutOfService"),
        (("InService", {"model": {"ExecutionRoleArn": "r"}}), "a model that is not from a registry is served"),
        (("InService", {"config": {}}), "what is served is not known"),
    ],
)
def test_a_version_is_said_to_be_served_only_when_it_answers(served, clause):
    assert what_serves(serving(1, served[0], **served[1]) if served else None) == clause


@pytest.mark.parametrize(
    ("fields", "actor"),
    [
        ({}, "another tool or person"),
        ({"tags": {"team": "a"}}, "another tool or person"),
        ({"tags": {"managed-by": "terraform"}}, "terraform"),
        ({"tags": {"managed-by": "terraform"}, "changed_by": "tina"}, "tina"),
    ],
)
def test_what_is_said_of_an_endpoint_that_vedette_must_not_touch(fields, actor):
    theirs = serving(1, config_name="theirs", **fields)
    reason = "the endpoint exists and was not created by Vedette; nothing is changed before `vedette adopt`"
    assert plan(ENTRY, wants(2), theirs, None, PLACE) == stop(ConditionCode.FOREIGN_CONFIG, reason, "theirs")
    reason = (
        f"{actor} put the endpoint on the config theirs, Vedette's was ours; Vedette changes nothing before"
        " `vedette adopt`"
    )
    latest = deployed(theirs, config="ours", previous_config="before")
    assert plan(ENTRY, wants(2), theirs, latest, PLACE) == stop(ConditionCode.FOREIGN_CONFIG, reason, "theirs")


def test_a_config_is_foreign_when_neither_the_attempt_nor_an_unsettled_one_before_it_put_it_there():
    served = serving(1)
    before = deployed(served, config="ours", previous_config=served.config_name)
    assert not is_foreign(served, None)
    assert not is_foreign(served, deployed(served))
    assert is_foreign(served, before)
    assert not is_foreign(served, replace(before, state="failed"))


@pytest.mark.parametrize(
    ("config", "model", "kind"),
    [
        ({}, {}, ""),
        ({}, {"PrimaryContainer": {"Mode": "SingleModel"}}, ""),
        ({"ProductionVariants": []}, {}, "a multi-variant endpoint (0 variants)"),
        *(({**config}, {}, kind) for kind, config in KINDS.items()),
        ({}, {"PrimaryContainer": {"Mode": "MultiModel"}}, "a multi-model endpoint"),
        ({}, {"Containers": [{"Mode": "MultiModel"}]}, "a multi-model endpoint"),
        ({}, {"Containers": [{"Image": "a"}]}, ""),
        ({}, {"Containers": [{"Image": "a"}, {"Image": "b"}]}, "an inference pipeline"),
    ],
)
def test_the_kinds_of_endpoints(config, model, kind):
    config = {"ProductionVariants": [{"ModelName": "a"}], **config}
    served = serving(1, config=config, model={"ExecutionRoleArn": "role", **model})
    assert unsupported_kind(served) == kind
    if kind:
        reason = f"the endpoint is {kind}; Vedette watches such endpoints if they capture, but does not deploy to them"
        expected = stop(ConditionCode.UNSUPPORTED_KIND, reason, kind)
        assert plan(ENTRY, wants(2), served, deployed(served), PLACE) == expected


def test_a_config_without_variants_is_of_no_kind_that_vedette_deploys_to():
    assert unsupported_kind(serving(1, config={})) == "a multi-variant endpoint (0 variants)"


def test_what_leaves_an_endpoint_as_it_is():
    served = serving(1)
    same = NoChange("the endpoint serves what is wanted: version 1 is the newest approved version")
    assert plan(ENTRY, wants(1), served, deployed(served), PLACE) == same
    other = {"ExecutionRoleArn": "role"}
    for model, what in ((served.model, "version 1"), (other, "a model that is not from a registry")):
        one = serving(1, model=model)
        reason = f"the registry shows no approved version; {what} stays in service"
        condition = Condition(ConditionCode.NOTHING_WANTED, reason, "none approved")
        assert plan(ENTRY, (), one, deployed(one), PLACE) == NoChange(reason, condition)


def test_what_makes_an_update_wait():
    served = serving(1)
    reason = "the alarm vedette-site-5xx is in ALARM: an update would be rolled back at once"
    made = plan(ENTRY, wants(2), served, deployed(served), PLACE, alarms_firing=("vedette-site-5xx", "another"))
    assert made == Wait(reason, Condition(ConditionCode.ALARM, reason))
    entry = replace(ENTRY, updates_per_hour=2)
    within = deployed(served, requested_at=NOW - timedelta(minutes=59))
    hour_ago = deployed(served, requested_at=NOW - timedelta(hours=1))
    reason = "2 updates were tried within the hour, and 2 are allowed"
    made = plan(entry, wants(2), served, deployed(served), PLACE, history=(within, within))
    assert made == Wait(reason, Condition(ConditionCode.TOO_MANY_UPDATES, reason))
    made = plan(entry, wants(2), served, deployed(served), PLACE, history=(within, hour_ago))
    assert made.action == "update"


@pytest.mark.parametrize(
    ("shifting", "instances", "remarks"),
    [
        ("all at once", 1, ()),
        ("canary", 20, ()),
        ("canary", 1, ("a canary needs two instances and there is one: traffic shifts all at once",)),
    ],
)
def test_the_whole_update(shifting, instances, remarks):
    first = serving(1)
    variant = {**first.config["ProductionVariants"][0], "VariantName": "blue"}
    served = serving(1, config={**first.config, "ProductionVariants": [variant]}, instances=instances)
    entry = replace(ENTRY, traffic_shifting=shifting)
    model = resource_specs.next_model(served.model, ARN.format(2), TAGS)
    config = resource_specs.next_endpoint_config(
        served.config, ARN.format(2), model["ModelName"], entry, PLACE.capture_uri, TAGS
    )
    days = (200_000.0,) * 14
    alarms = traffic_shifting.alarms("site", "blue", days)
    names = ["vedette-site-5xx", "vedette-site-latency"]
    made = plan(entry, wants(2), served, deployed(served), PLACE, daily_p99=days)
    assert made == Update(
        reason="the endpoint serves version 1, and version 2 is the newest approved version",
        package_arn=ARN.format(2),
        model=model,
        config=config,
        deployment_config=traffic_shifting.deployment_config(entry, instances, names)[0],
        alarms=alarms,
        changes=(f"ProductionVariants[0].ModelName: {variant['ModelName']} -> {model['ModelName']}",),
        model_changes=(f"ModelPackageName: {ARN.format(1)} -> {ARN.format(2)}",),
        remarks=remarks,
    )
    assert made.config_name == config["EndpointConfigName"]


def test_an_update_of_the_capture_alone_keeps_the_model_and_sends_no_request_for_one():
    served = serving(1)
    made = plan(replace(ENTRY, capture_percentage=50), wants(1), served, deployed(served), PLACE)
    assert made.model is None
    assert made.config["ProductionVariants"][0]["ModelName"] == served.config["ProductionVariants"][0]["ModelName"]
    assert made.changes == ("DataCaptureConfig.InitialSamplingPercentage: 100 -> 50",)
    assert [operation for operation, _ in requests(made)] == ["PutMetricAlarm", "CreateEndpointConfig"]
    record = deployed(served, "failed", config=made.config_name, previous_config=served.config_name)
    lacking = failed_version_after(record, "InsufficientInstanceCapacity", NOW, None)
    for minutes, action in ((14, "stop"), (15, "update")):
        now = NOW + timedelta(minutes=minutes)
        more = {"failed_versions": (lacking,), "now": now}
        again = plan(replace(ENTRY, capture_percentage=50), wants(1), served, record, PLACE, **more)
        assert again.action == action


ENDPOINT = {"EndpointStatus": "InService", "EndpointConfigName": "c", "LastModifiedTime": NOW}


@pytest.mark.parametrize(
    ("endpoint", "config", "failure", "instances"),
    [
        ({}, {}, "", 1),
        ({}, {"ProductionVariants": []}, "", 1),
        ({"FailureReason": "no capacity"}, {}, "no capacity", 1),
        ({}, {"ProductionVariants": [{"InitialInstanceCount": 3}, {"InitialInstanceCount": 4}]}, "", 3),
        ({}, {"ProductionVariants": [{"ServerlessConfig": {}}]}, "", 1),
        ({"ProductionVariants": []}, {"ProductionVariants": [{"InitialInstanceCount": 3}]}, "", 3),
        ({"ProductionVariants": [{}]}, {"ProductionVariants": [{"InitialInstanceCount": 3}]}, "", 3),
        (
            {"ProductionVariants": [{"CurrentInstanceCount": 5}, {"CurrentInstanceCount": 6}]},
            {"ProductionVariants": [{"InitialInstanceCount": 3}]},
            "",
            5,
        ),
    ],
)
def test_the_descriptions_of_an_endpoint_are_read(endpoint, config, failure, instances):
    model = {"Containers": []}
    assert Served.of(({**ENDPOINT, **endpoint}, config, model)) == Served(
        status="InService",
        config_name="c",
        modified_at=NOW,
        failure_reason=failure,
        config=config,
        model=model,
        instances=instances,
    )


def test_no_endpoint_is_read_as_none():
    assert Served.of(None) is None


@pytest.mark.parametrize(
    ("config", "variant"),
    [
        ({}, "AllTraffic"),
        ({"ProductionVariants": [{}]}, "AllTraffic"),
        ({"ProductionVariants": [{"VariantName": "blue"}, {"VariantName": "green"}]}, "blue"),
    ],
)
def test_the_variant_of_an_endpoint_is_its_first(config, variant):
    served = serving(1, config=config)
    assert (served.variant, served.version, served.package_arn) == (variant, "1", ARN.format(1))

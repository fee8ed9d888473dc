"""One model package group behind several endpoints: each version goes from gate to gate."""

import boto3
from msgspec.structs import replace

from chalicelib.aws import sagemaker
from chalicelib.errors import NotReady
from chalicelib.registry.plan import Served
from chalicelib.registry.versions import version_of
from chalicelib.services import reconciliation
from tests.services.conftest import ENDPOINT, ENTRY
from vedette.demo import user_actions

DEV = replace(ENTRY, endpoint="dev")
STAGING = replace(ENTRY, endpoint="staging", model_life_cycle_stage=("Staging", "Production"))
PRODUCTION = replace(ENTRY, model_life_cycle_stage="Production")


def promote(world, arn: str, stage: str) -> None:
    life_cycle = {"Stage": stage, "StageStatus": "Approved"}
    boto3.client("sagemaker").update_model_package(ModelPackageArn=arn, ModelLifeCycle=life_cycle)
    world.cloud.settle()
    world.cloud.turn(minutes=10)


def served(*endpoints: str) -> list[str]:
    found = [Served.of(sagemaker.describe_served(name)) for name in endpoints]
    return [version_of(one.package_arn) if one else "" for one in found]


def test_a_version_is_deployed_where_its_stage_is_the_gate_and_stays_where_it_was(world):
    world.apply(DEV, STAGING, PRODUCTION)
    first = world.register()
    world.cloud.turn(minutes=10)
    assert served("dev", "staging", ENDPOINT) == ["1", "", ""]
    promote(world, first, "Staging")
    assert served("dev", "staging", ENDPOINT) == ["1", "1", ""]
    promote(world, first, "Production")
    assert served("dev", "staging", ENDPOINT) == ["1", "1", "1"]
    second = world.register("linear-learner")
    world.cloud.turn(minutes=10)
    assert served("dev", "staging", ENDPOINT) == ["2", "1", "1"]
    promote(world, second, "Staging")
    assert served("dev", "staging", ENDPOINT) == ["2", "2", "1"]
    kinds = [mail.subject for mail in world.deployment_mails if "[information]" not in mail.subject]
    assert kinds == []


def test_endpoints_that_share_a_gate_get_each_version_at_once(world):
    world.apply(replace(ENTRY, shared_gate=True), replace(ENTRY, endpoint="second", shared_gate=True))
    world.register()
    world.cloud.turn(minutes=10)
    assert served(ENDPOINT, "second") == ["1", "1"]


def test_an_endpoint_that_fails_does_not_stand_in_the_way_of_the_others_and_the_event_comes_again(world, monkeypatch):
    real, seen = reconciliation.reconcile, []

    def fails_once(run, approval=None):
        seen.append(run.endpoint)
        if run.endpoint == "dev" and seen.count("dev") == 1:
            raise NotReady("it is busy")
        return real(run, approval)

    world.cloud.schedules_enabled = False
    world.apply(DEV, STAGING, replace(ENTRY, model_life_cycle_stage="", shared_gate=True, endpoint="other"))
    monkeypatch.setattr(reconciliation, "reconcile", fails_once)
    user_actions.register(ENDPOINT, "knn", b"1,2,3\n0,1,2\n" * 30, world.bucket, "Approved")
    world.cloud.settle()
    assert seen[:3] == ["dev", "staging", "other"]
    assert (sagemaker.describe_endpoint("other") is not None, sagemaker.describe_endpoint("dev")) == (True, None)
    world.cloud.turn(minutes=5)
    assert seen.count("staging") == 2
    assert sagemaker.describe_endpoint("dev") is not None


def test_an_older_version_that_another_endpoint_waits_for_is_no_news_for_this_one(world):
    world.apply(DEV, PRODUCTION)
    first, second = world.register(status="PendingManualApproval"), world.register("linear-learner")
    promote(world, second, "Production")
    assert served("dev", ENDPOINT) == ["2", "2"]
    world.set_approval(first, "Approved")
    world.cloud.turn(minutes=10)
    subjects = [mail.subject for mail in world.deployment_mails if "version 1" in mail.subject]
    assert [subject.split(" ")[1] for subject in subjects] == ["dev:"]


def test_the_event_of_a_group_says_which_endpoints_were_reconciled(world):
    world.apply(DEV, PRODUCTION)
    world.register()
    answers = [d.answer for d in world.cloud.bus.deliveries if d.function == "on_model_package_state_change"]
    assert [one["endpoint"] for one in answers[0]["endpoints"]] == ["dev", ENDPOINT]

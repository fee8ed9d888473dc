"""What a review found, each held by a test: one broken thing stops no other, and nothing is lost in silence."""

import boto3
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.locations import endpoint_partition
from chalicelib.records import AlertState, Deployment

ENDPOINT = "preferred-site"
BAD = "[critical] preferred-site: b is not Integral in 50.0% of 40 rows"


def state() -> str:
    found, _ = stage_stores().deployments.table.get(Deployment, endpoint_partition(ENDPOINT), "deployment")
    return found.state


def test_an_endpoint_without_a_package_group_is_swept_like_every_other(world):
    world.deployed()
    world.apply(replace(world.fleet.entry(ENDPOINT), mode="alert", package_group=""))
    world.cloud.bus.drop(lambda event, function: function == "on_data_captured")
    world.send(good=20, bad=20)
    world.cloud.turn(hours=2)
    assert BAD in world.subjects


def test_a_request_whose_reply_was_lost_is_still_verified(world):
    world.deployed()
    world.cloud.faults.add("reply_lost", "sagemaker", "UpdateEndpoint")
    second = world.register("linear-learner")
    world.pass_hours(1)
    assert (world.served, state()) == (second, "verified")
    assert world.deployment_subjects[-1] == "[information] preferred-site: version 2 is deployed and verified"


def test_a_model_that_hangs_on_the_golden_request_is_rolled_back_and_reported(world):
    first = world.deployed()
    world.cloud.faults.add("timeout", "sagemaker-runtime", "InvokeEndpoint", times=50)
    world.register("linear-learner")
    world.pass_hours(1)
    assert world.served == first
    assert "did not answer within a minute" in world.deployment_words


def test_constraints_that_cannot_be_read_are_reported_and_parts_are_made_all_the_same(world):
    world.deployed()
    world.cloud.turn(minutes=5)
    parts = len(world.keys(f"parts/{ENDPOINT}/"))
    key = next(key for key in world.keys(f"baselines/{ENDPOINT}/") if key.endswith("constraints.json"))
    boto3.client("s3").put_object(Bucket=world.bucket, Key=key, Body=b'{"features": [{"nam": "a"}]}')
    world.send(good=20, bad=20)
    world.cloud.turn(hours=2)
    assert len(world.keys(f"parts/{ENDPOINT}/")) == parts + 1
    reported = [subject for subject in world.subjects if "nothing is evaluated" in subject]
    assert len(reported) == 1
    world.baseline()
    world.cloud.turn(minutes=30)
    assert any("b is not Integral" in subject for subject in world.subjects)


def test_a_person_who_goes_back_by_hand_is_not_overridden(world):
    world.deployed()
    before = world.config
    second = world.register("linear-learner")
    world.cloud.turn(minutes=20)
    boto3.client("sagemaker").update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=before)
    world.pass_hours(1)
    assert world.served != second
    assert "Vedette changes nothing before `vedette adopt`" in world.deployment_words


def test_a_topic_that_is_gone_stops_neither_deployment_nor_evaluation_and_nothing_is_lost(world):
    world.cloud.faults.add("server_error", "sns", "Publish", times=1000)
    first = world.register()
    world.cloud.turn(minutes=30)
    assert (world.served, state()) == (first, "verified")
    world.send(good=20, bad=20)
    world.pass_hours(2)
    assert [key for key in world.keys(f"monitoring/{ENDPOINT}/AllTraffic/2") if key.endswith("execution.json")]
    assert world.subjects == []
    world.cloud.faults.clear()
    world.cloud.bus.failed.clear()
    world.cloud.turn(minutes=30)
    assert {"[information] preferred-site: version 1 is deployed and verified", BAD} <= set(world.subjects)
    assert len(world.subjects) == len(set(world.subjects))


def test_a_variant_that_the_endpoint_no_longer_shows_is_not_called_silent(world):
    world.deployed()
    start = world.cloud.clock.now()
    key = (
        f"data-capture/{ENDPOINT}/old-variant/{start:%Y/%m/%d/%H/%M}-00-000-11111111-2222-3333-4444-555555555555.jsonl"
    )
    output = b'"endpointOutput":{"data":"1.0","encoding":"CSV"}'
    line = b'{"captureData":{"endpointInput":{"data":"1,2","encoding":"CSV"},' + output + b"}}\n"
    boto3.client("s3").put_object(Bucket=world.bucket, Key=key, Body=line * 40)
    for _ in range(4):
        world.send(good=40)
        world.pass_hours(1)
    assert not [subject for subject in world.subjects if "captured" in subject]


def test_an_endpoint_that_nobody_has_called_is_not_called_silent(world):
    world.deployed()
    world.pass_hours(6)
    assert world.subjects == ["[information] preferred-site: version 1 is deployed and verified"]


def test_a_second_reason_to_stop_is_reported_although_the_first_one_was(world):
    world.deployed()
    sagemaker = boto3.client("sagemaker")
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=world.config)["ProductionVariants"]
    for name in ("by-hand", "by-hand-again"):
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
        sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=name)
        world.pass_hours(1)
    reported = [" ".join(mail.text.split()) for mail in world.deployment_mails[1:]]
    assert len(reported) == 2
    assert "the config by-hand," in reported[0]
    assert "the config by-hand-again," in reported[1]


def test_objects_that_have_a_part_are_not_summarized_again(world):
    world.deployed()
    for _ in range(3):
        world.send(good=20, bad=20)
        world.pass_hours(1)
    answers = [d.answer for d in world.cloud.bus.deliveries if d.function == "sweep" and d.answer]
    assert {answer["summarized"] for answer in answers if "summarized" in answer} == {0}


def test_a_lost_approval_after_a_rejection_is_made_up_for(world):
    world.deployed()
    world.cloud.sagemaker.fail_next_update(ENDPOINT, "CannotStartContainerError")
    second = world.register("linear-learner")
    world.cloud.turn(minutes=30)
    world.cloud.bus.drop(lambda event, function: function == "on_model_package_state_change")
    world.set_approval(second, "Rejected")
    world.cloud.turn(minutes=20)
    world.set_approval(second, "Approved")
    world.cloud.turn(hours=1)
    assert world.served == second


def test_an_outbox_of_a_schedule_is_emptied_by_the_sweep(world):
    from chalicelib.alerts.endpoint_notifications import notify_once

    world.deployed()
    book = notify_once(AlertState(endpoint=ENDPOINT, variant="schedule s"), "x", "left behind", "warning", "", {}, ())
    assert stage_stores().deployments.table.put(book, endpoint_partition(ENDPOINT), "alerts#schedule s", 0)
    world.cloud.turn(minutes=20)
    assert "[warning] preferred-site: left behind" in world.subjects


def test_no_role_for_the_models_is_reported_and_not_tried(world, monkeypatch):
    from chalicelib.settings import settings

    monkeypatch.setenv("VEDETTE_ROLE_ARN", "")
    settings.cache_clear()
    world.register()
    world.pass_hours(1)
    assert len(world.deployment_subjects) == 1
    assert "VEDETTE_ROLE_ARN" in world.deployment_words

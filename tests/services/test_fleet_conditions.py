"""What the fleet names and does not exist: said once while it lasts; the alerts of a deleted endpoint are closed."""

from datetime import timedelta

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.settings import settings
from tests.alerts.factories import execution, violation
from tests.runs import alert_on
from tests.services.conftest import ENDPOINT, ENTRY

GONE = "endpoint gone"


def kinds(world, since: int = 0) -> list[str]:
    return [mail.attributes["kind"] for mail in world.cloud.mailbox.mails[since:]]


def states() -> dict:
    return {state.variant: state for state in stage_stores().alert_states.of_endpoint(ENDPOINT)}


def delete_by_hand(world, *, quietly: bool = False) -> None:
    """As a person does it in the console; quietly: the event of it is lost."""
    if quietly:
        world.cloud.bus.drop(lambda event, function: function == "on_endpoint_state_change")
    boto3.client("sagemaker").delete_endpoint(EndpointName=ENDPOINT)
    world.cloud.turn(minutes=5)


def swept(world) -> None:
    world.cloud.invoke("sweep", world.cloud.scheduled_event("vedette-local-sweep"))
    world.cloud.settle()


@pytest.fixture
def firing(world):
    """A deployed endpoint in mode alert whose closed window was violated."""
    world.deployed()
    world.apply(replace(ENTRY, mode="alert"))
    world.cloud.schedules_enabled = False
    world.cloud.turn(to=world.cloud.clock.now().replace(minute=0) + timedelta(hours=1))
    world.send(good=20, bad=20)
    world.pass_hours(1)
    world.cloud.schedules_enabled = False
    assert kinds(world)[-1] == "violations"
    assert states()["AllTraffic"].fingerprints
    return world


@pytest.mark.parametrize("quietly", [True, False])
def test_a_deleted_endpoint_is_reported_once_and_its_alerts_are_closed(firing, quietly):
    before = len(firing.subjects)
    delete_by_hand(firing, quietly=quietly)
    if not quietly:
        assert kinds(firing, before) == [GONE]  # before any sweep
    firing.pass_hours(30)
    (mail,) = firing.cloud.mailbox.mails[before:]
    assert mail.attributes["kind"] == GONE
    assert mail.subject == "[warning] preferred-site: the endpoint was deleted, and its open alert is closed"
    words = " ".join(mail.text.split())
    assert "B: data_type_check (AllTraffic): firing since" in words
    assert "closed, since the endpoint was deleted" in words
    assert "vedette delete preferred-site" in words
    assert states()["AllTraffic"].fingerprints == {}


def test_an_endpoint_whose_config_was_deleted_first_as_by_the_sdk_is_reported_as_deleted_alone(firing):
    before = len(firing.subjects)
    boto3.client("sagemaker").delete_endpoint_config(EndpointConfigName=firing.config)
    boto3.client("sagemaker").delete_endpoint(EndpointName=ENDPOINT)
    swept(firing)  # while SageMaker deletes it
    firing.pass_hours(2)
    assert kinds(firing, before) == [GONE]


def test_windows_without_data_after_it_was_deleted_are_not_evaluated(firing):
    delete_by_hand(firing)
    known = set(firing.keys(f"monitoring/{ENDPOINT}/"))
    firing.pass_hours(5)
    assert {key for key in firing.keys(f"monitoring/{ENDPOINT}/") if "execution" in key} <= known


def test_a_verdict_on_data_of_the_deleted_endpoint_opens_no_alert(firing):
    delete_by_hand(firing)
    now = firing.cloud.clock.now()
    before = len(firing.subjects)
    late = execution(violation("late"), window_start=now - timedelta(hours=1), window_end=now)
    assert alert_on(late) == []
    assert alert_on(replace(late, window_closed=False)) == []
    assert len(firing.subjects) == before
    assert states()["AllTraffic"].fingerprints == {}


def test_an_endpoint_that_comes_back_begins_new_episodes_and_is_said_again_when_it_goes(firing):
    config = boto3.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
    delete_by_hand(firing)
    firing.pass_hours(3)
    boto3.client("sagemaker").create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=config)
    firing.cloud.turn(minutes=10)
    before = len(firing.subjects)
    swept(firing)
    firing.cloud.turn(to=firing.cloud.clock.now().replace(minute=0) + timedelta(hours=1))
    firing.send(good=20, bad=20)
    firing.pass_hours(1)
    assert kinds(firing, before) == ["violations"]  # and neither "no data" nor a recovery
    delete_by_hand(firing)
    firing.pass_hours(1)
    assert kinds(firing, before) == ["violations", GONE]


@pytest.mark.parametrize("write", [1, 2, 3])
@pytest.mark.parametrize("kind", ["crash_before", "crash_after"])
def test_a_crash_at_any_write_of_the_alert_states_is_made_good(firing, kind, write):
    before = len(firing.subjects)
    firing.cloud.bus.drop(lambda event, function: function == "on_endpoint_state_change")
    boto3.client("sagemaker").delete_endpoint(EndpointName=ENDPOINT)
    fault = firing.cloud.faults.add(kind, "dynamodb", "PutItem", k=write, function="sweep")
    swept(firing)
    firing.cloud.turn(minutes=10)
    assert fault.seen >= write
    firing.pass_hours(2)
    assert kinds(firing, before) == [GONE]
    assert "its open alert is closed" in firing.subjects[before]
    assert states()["AllTraffic"].fingerprints == {}


def test_vedette_delete_does_not_raise_it(firing):
    from vedette.operations import deletion

    before = len(firing.subjects)
    found = deletion.prepared(ENDPOINT, everything=True)
    deletion.delete(found, wait=lambda seconds: firing.cloud.turn(seconds=seconds))
    firing.pass_hours(2)
    assert kinds(firing, before) == []


def test_in_mode_deploy_it_is_created_again_and_a_person_hears_that_it_was_gone(world):
    world.deployed()
    before = len(world.subjects)
    delete_by_hand(world)
    world.cloud.turn(minutes=30)
    assert world.served
    gone, verified = world.cloud.mailbox.mails[before:]
    assert gone.subject == "[warning] preferred-site: the endpoint was deleted"
    assert "Vedette creates it again while a version is wanted" in " ".join(gone.text.split())
    assert "is deployed and verified" in verified.subject
    assert not [one for one in states()[""].fingerprints if one.check == "endpoint"]


def test_in_mode_deploy_an_endpoint_that_never_was_is_no_alert(world):
    world.cloud.turn(minutes=40)
    assert world.subjects == []


def test_in_mode_observe_nobody_is_notified(firing):
    firing.apply(replace(ENTRY, mode="observe"))
    before = len(firing.subjects)
    delete_by_hand(firing)
    firing.pass_hours(2)
    assert kinds(firing, before) == []


def test_an_endpoint_that_does_not_exist_is_one_alert_until_it_does(world):
    world.apply(replace(ENTRY, mode="alert"))
    world.pass_hours(3)
    assert world.subjects == ["[warning] preferred-site: the endpoint is in the fleet, but does not exist"]
    assert states()[""].fingerprints
    world.apply(ENTRY)
    world.deployed()
    world.apply(replace(ENTRY, mode="alert"))
    swept(world)
    assert not [one for one in states()[""].fingerprints if one.check == "endpoint"]


def test_a_team_without_a_topic_and_a_baseline_that_is_not_there_are_one_alert_each(world, monkeypatch):
    world.deployed()
    before = len(world.subjects)
    world.apply(replace(ENTRY, team="search", baseline=f"s3://{world.bucket}/nothing/"))
    swept(world)
    assert [subject.split(": ")[1] for subject in world.subjects[before:]] == [
        "the baseline of the fleet cannot be used"
    ]  # no team of this stage has a topic, so a team is a label
    monkeypatch.setenv("VEDETTE_TOPICS", f"ranking={settings().topic_arn}")
    settings.cache_clear()
    swept(world)
    swept(world)
    assert len(world.subjects) == before + 2
    assert world.subjects[-1].startswith("[warning] preferred-site: the team search has no topic")
    world.apply(replace(ENTRY, team="ranking"))
    swept(world)
    assert not [one for one in states()[""].fingerprints if one.check == "fleet"]

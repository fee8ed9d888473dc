"""Events of incidents on the AWS simulator: on the bus and on the incidents topic, each acknowledged on its own."""

import json
import logging

import boto3
import pytest
from moto.sns.models import sns_backends
from msgspec.structs import replace

from chalicelib import observability
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import AlertEvent, AlertState, Mute, read
from chalicelib.settings import settings
from tests.alerts.factories import clean, execution, violation
from tests.runs import alert_on, send_pending
from tests.services.test_alerting import metrics

ENDPOINT = "preferred-site"
PUT_EVENTS = "events", "PutEvents"


@pytest.fixture
def watched(world):
    """An endpoint in mode alert; no functions run by themselves, so that what is tested is one delivery."""
    world.cloud.schedules_enabled = False
    world.apply(replace(world.fleet.entry(ENDPOINT), mode="alert"))
    return world


def on_bus(world) -> list[AlertEvent]:
    found = [event for event in world.cloud.bus.events if event["detail-type"] == "Vedette Alert"]
    assert {event["source"] for event in found} <= {"vedette.local"}
    return [read(AlertEvent, json.dumps(event["detail"]).encode(), "bus") for event in found]


def on_topic(world) -> list[AlertEvent]:
    return [read(AlertEvent, json.dumps(one).encode(), "queue") for one in world.cloud.mailbox.incidents]


def actions(events: list[AlertEvent]) -> list[tuple[str, str]]:
    return [(event.action, event.subject) for event in events]


def state() -> AlertState:
    found, _ = stage_stores().alert_states.get(ENDPOINT, "AllTraffic")
    return found


def test_each_incident_is_one_event_on_the_bus_and_one_message_when_it_begins_and_when_it_ends(watched):
    alert_on(execution(violation("a"), violation("b")))
    for hour in (1, 2):
        alert_on(execution(clean("a"), clean("b"), hour=hour))
    assert actions(on_bus(watched)) == [("trigger", "a"), ("trigger", "b"), ("resolve", "a"), ("resolve", "b")]
    assert on_topic(watched) == on_bus(watched)
    assert {event.dedup_key for event in on_bus(watched)[:2]} == {event.dedup_key for event in on_bus(watched)[2:]}
    assert len(watched.cloud.mailbox.mails) == 2
    assert state().events == ()


def test_an_event_says_where_it_comes_from_and_names_the_message_to_people(watched):
    watched.apply(replace(watched.fleet.entry(ENDPOINT), team="search"))
    alert_on(execution(violation()))
    (event,), (mail,) = on_bus(watched), watched.cloud.mailbox.mails
    stage = settings()
    assert (event.team, event.stage, event.account, event.region) == ("search", "local", stage.account, stage.region)
    (said,) = watched.cloud.mailbox.messages[0]["incidents"]
    assert (event.alert_id, event.dedup_key) == (mail.attributes["alert_id"], said["dedup_key"])
    assert event.report_url.endswith(f"{execution(violation()).folder}report.html")


def test_the_hourly_limit_of_people_holds_no_event_back(watched):
    watched.apply(replace(watched.fleet.entry(ENDPOINT), alerts_per_hour=1))
    for number in range(4):
        alert_on(execution(violation(f"f{number}"), window_closed=False, folder=f"monitoring/{number}/"))
    assert (len(watched.cloud.mailbox.mails), len(on_bus(watched)), len(on_topic(watched))) == (1, 4, 4)


def test_a_mute_silences_a_trigger_and_no_resolve(watched):
    alert_on(execution(violation("a")))
    now = watched.cloud.clock.now()
    mute = Mute(mute_id="m", endpoint=ENDPOINT, begins=now, until=now.replace(year=2030), by="a", reason="r", at=now)
    stage_stores().alert_states.put_mute(mute)
    alert_on(execution(violation("a"), violation("b"), hour=1))
    for hour in (2, 3):
        alert_on(execution(clean("a"), clean("b"), hour=hour))
    assert actions(on_bus(watched)) == actions(on_topic(watched)) == [("trigger", "a"), ("resolve", "a")]


def test_120_findings_at_once_all_arrive_by_one_delivery(watched):
    alert_on(execution(*(violation(f"f{number:03}") for number in range(120))))
    assert len({event.dedup_key for event in on_bus(watched)}) == len(on_bus(watched)) == 120
    assert all("is not Integral" in event.headline for event in on_bus(watched))
    assert len(on_topic(watched)) == 120


# --- two sinks --------------------------------------------------------------------------------------------------------


def test_what_the_topic_refuses_reaches_the_bus_and_later_the_topic_once(watched, caplog):
    backend = sns_backends[watched.cloud.account.account_id][watched.cloud.region]
    topic = backend.topics.pop(settings().incidents_topic_arn)
    with caplog.at_level(logging.ERROR, logger="vedette"):
        alert_on(execution(violation()))
    assert (len(on_bus(watched)), len(watched.cloud.mailbox.mails)) == (1, 1)
    (left,) = state().events
    assert (left.awaiting, left.last_error.rpartition(" ")[2]) == (("topic",), "NotFound")
    assert "an alert event could not be sent" in caplog.text
    backend.topics[settings().incidents_topic_arn] = topic
    watched.cloud.turn(minutes=2)
    send_pending(ENDPOINT, "AllTraffic")
    assert (len(on_bus(watched)), len(on_topic(watched)), state().events) == (1, 1, ())


def test_what_the_bus_refuses_reaches_people_and_the_topic_and_is_repeated(watched):
    watched.cloud.faults.add("partial_failure", *PUT_EVENTS)
    alert_on(execution(violation()))
    assert (len(on_bus(watched)), len(on_topic(watched)), len(watched.cloud.mailbox.mails)) == (0, 1, 1)
    assert state().events[0].last_error.startswith("EventBridge refused the event: ")
    watched.cloud.turn(minutes=2)
    send_pending(ENDPOINT, "AllTraffic")
    assert (len(on_bus(watched)), len(on_topic(watched)), state().events) == (1, 1, ())


def test_a_bus_that_throttles_raises_after_people_and_the_topic_were_served(watched):
    watched.cloud.faults.add("throttle", *PUT_EVENTS, times=50)
    with pytest.raises(Exception, match="Throttling"):
        alert_on(execution(violation()))
    assert (len(on_topic(watched)), len(watched.cloud.mailbox.mails)) == (1, 1)
    assert state().events[0].awaiting == ("bus",)


def test_a_stage_without_an_incidents_topic_uses_the_bus_alone(watched, monkeypatch):
    monkeypatch.delenv("VEDETTE_INCIDENTS_TOPIC_ARN")
    settings.cache_clear()
    alert_on(execution(violation()))
    assert (len(on_bus(watched)), on_topic(watched), state().events) == (1, [], ())


def test_a_topic_without_a_subscriber_takes_the_events(watched):
    sns = boto3.client("sns")
    for one in sns.list_subscriptions_by_topic(TopicArn=settings().incidents_topic_arn)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    alert_on(execution(violation()))
    assert (len(on_bus(watched)), on_topic(watched), state().events) == (1, [], ())


# --- conditions, deployments, and when nobody is notified any more ----------------------------------------------------


def test_an_endpoint_that_goes_to_observe_has_its_incidents_resolved(watched):
    alert_on(execution(violation()))
    watched.apply(replace(watched.fleet.entry(ENDPOINT), mode="observe"))
    send_pending(ENDPOINT, "AllTraffic")
    assert actions(on_bus(watched)) == [("trigger", "b"), ("resolve", "b")]
    watched.apply(replace(watched.fleet.entry(ENDPOINT), mode="alert"))
    alert_on(execution(violation(), hour=1))
    assert actions(on_bus(watched))[2:] == [("trigger", "b")]


def test_a_failed_deployment_and_a_condition_resolve_by_the_functions_under_their_policies(world, capsys):
    observability.metrics.clear_metrics()  # what tests without a function left
    world.deployed()
    world.cloud.sagemaker.fail_next_update(ENDPOINT, "CannotStartContainerError")
    world.register("linear-learner")
    world.cloud.turn(minutes=20)
    world.register("knn")
    world.cloud.turn(minutes=20)
    found = [event for event in on_bus(world) if event.check == "deployment"]
    assert [event.action for event in found] == ["inform", "trigger", "resolve", "inform"]
    assert found[1].dedup_key == found[2].dedup_key
    assert (found[1].severity, found[2].severity) == ("critical", "critical")
    boto3.client("s3").delete_object(Bucket=world.bucket, Key=f"baselines/{ENDPOINT}/current.json")
    world.send(good=20)
    world.pass_hours(1)
    world.baseline()
    world.send(good=20)
    world.pass_hours(1)
    ends = [(event.action, event.kind) for event in on_bus(world) if event.check == "monitoring"]
    assert ends == [("trigger", "monitor failed"), ("resolve", "monitor failed")]
    assert on_topic(world) == on_bus(world)
    assert metrics(capsys)["AlertEventsSent"] == len(on_bus(world))

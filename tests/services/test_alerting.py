"""Alerts on the AWS simulator: mutes, routing, SNS errors, long alert states, a real mail, no captured words."""

import json
import logging
import random

import boto3
import pytest
from moto.sns.models import sns_backends
from msgspec.structs import replace

from chalicelib.alerts import outbox, state
from chalicelib.alerts.email_text import text as mail_text
from chalicelib.alerts.state import transition
from chalicelib.aws import messages
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import Undeliverable, UnreadableFile
from chalicelib.locations import endpoint_partition
from chalicelib.records import (
    AlertItem,
    AlertMessage,
    AlertState,
    FingerprintState,
    Mute,
    OutboxMessage,
    Thresholds,
    read,
)
from chalicelib.settings import settings
from tests.alerts.factories import NOON, clean, drift, execution, violation
from tests.runs import alert_on, send_pending, store_in_s3
from vedette.local.errors import AwsError
from vedette.local.smtp_server import smtp_server

ENDPOINT = "preferred-site"
ANNA = "anna@example.com"


@pytest.fixture
def watched(world):
    """An endpoint in mode alert; no functions run by themselves, so that what is tested is one delivery."""
    world.cloud.schedules_enabled = False
    world.apply(replace(world.fleet.entry(ENDPOINT), mode="alert"))
    return world


def book(variant: str = "AllTraffic") -> AlertState:
    found, _ = stage_stores().deployments.table.get(AlertState, endpoint_partition(ENDPOINT), f"alerts#{variant}")
    return found


def reported(*measurements, hour: int = 0, **changes) -> list[str]:
    return alert_on(execution(*measurements, hour=hour, **changes))


def metrics(capsys) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in capsys.readouterr().out.splitlines():
        if line.startswith('{"_aws"'):
            data = json.loads(line)
            for metric in data["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                found[metric["Name"]] = found.get(metric["Name"], 0) + sum(data[metric["Name"]])
    return found


# --- one message, in every form ---------------------------------------------------------------------------------------


def test_people_receive_a_text_queues_the_data_and_chat_clients_their_schema(watched):
    boto3.client("sns").subscribe(
        TopicArn=settings().topic_arn, Protocol="https", Endpoint="https://global.sns-api.chatbot.amazonaws.com"
    )
    reported(violation())
    (queued,) = watched.cloud.mailbox.messages
    alert = read(AlertMessage, json.dumps(queued).encode(), "queue")
    assert watched.cloud.mailbox.last.text == mail_text(alert)
    chat = json.loads(watched.cloud.mailbox.posts[-1].message)
    assert read(AlertMessage, chat["metadata"]["additionalContext"]["alert"].encode(), "chat") == alert
    assert watched.cloud.mailbox.last.attributes["check"] == '["data_type_check"]'


def test_a_mail_goes_over_smtp_and_is_read_back_as_it_was_written(watched):
    with smtp_server() as received:
        watched.cloud.mailbox.smtp = received.address
        reported(violation("b\r\nBcc: everyone@example.com"), drift("ünïcödé 漢字"))
    (mail,) = received.mails
    sent = watched.cloud.mailbox.last
    assert (mail["To"], mail["Subject"], mail["Bcc"]) == ("operator@example.com", sent.subject, None)
    assert mail.get_content().splitlines() == sent.text.splitlines()
    assert mail["Subject"].startswith("[critical] preferred-site: b Bcc: everyone@example")
    assert mail.get_content_type() == "text/plain"
    assert max(map(len, received.raw[0].splitlines())) < 998


def test_a_filter_policy_chooses_by_check_and_severity(watched):
    sns = boto3.client("sns")
    arn = sns.subscribe(TopicArn=settings().topic_arn, Protocol="email", Endpoint=ANNA, ReturnSubscriptionArn=True)
    policy = json.dumps({"check": ["baseline_drift_check"], "severity": ["warning"]})
    sns.set_subscription_attributes(
        SubscriptionArn=arn["SubscriptionArn"], AttributeName="FilterPolicy", AttributeValue=policy
    )
    reported(violation())
    reported(drift("d"), hour=1)
    reported(drift("d"), hour=2)
    assert [mail.subject.split(": ")[1][:1] for mail in watched.cloud.mailbox.mails if mail.receiver == ANNA] == ["d"]


# --- mutes ------------------------------------------------------------------------------------------------------------


def test_a_mute_silences_until_its_end_and_then_tells_once(watched, capsys):
    now = watched.cloud.clock.now()
    until = now.replace(hour=now.hour + 3)
    mute = Mute(mute_id="m", endpoint=ENDPOINT, begins=now, until=until, by="ann", reason="move", at=now)
    assert stage_stores().deployments.table.put(mute, "mutes", "mute#m", 0)
    sent = []
    for hour in range(6):
        sent.append(len(reported(violation(), hour=hour)))
        watched.cloud.turn(hours=1)
    assert sent == [0, 0, 0, 1, 0, 0]
    assert [mail.subject for mail in watched.cloud.mailbox.mails] == [
        "[critical] preferred-site: b is not Integral in 50.0% of 480 rows"
    ]


# --- routing ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def teams(watched, monkeypatch):
    """The team search has a topic of its own, which Anna reads."""
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="vedette-local-search")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=ANNA)
    monkeypatch.setenv("VEDETTE_TOPICS", f"search={topic}")
    settings.cache_clear()
    return watched


def belongs_to(world, team: str) -> None:
    world.apply(replace(world.fleet.entry(ENDPOINT), team=team))


def test_the_alerts_of_a_team_go_to_its_topic_alone(teams):
    belongs_to(teams, "search")
    reported(violation())
    assert [mail.receiver for mail in teams.cloud.mailbox.mails] == [ANNA]
    assert teams.cloud.mailbox.last.attributes["team"] == "search"


def test_the_alerts_of_a_team_that_the_stage_does_not_know_reach_the_default_topic_and_are_counted(teams, caplog):
    belongs_to(teams, "sales")
    with caplog.at_level(logging.ERROR, logger="vedette"):
        reported(violation())
    assert [mail.receiver for mail in teams.cloud.mailbox.mails] == ["operator@example.com"]
    assert "the team has no topic" in caplog.text


def test_deployments_go_to_their_own_topic_if_the_stage_has_one_and_other_alerts_do_not(world, monkeypatch):
    topic = boto3.client("sns").create_topic(Name="vedette-local-deployments")["TopicArn"]
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=ANNA)
    monkeypatch.setenv("VEDETTE_TOPICS", f"deployments={topic}")
    settings.cache_clear()
    belongs_to(world, "search")  # a label, since no team has a topic
    world.deployed()
    alert_on(execution(violation()))
    by_receiver = {(mail.receiver, mail.attributes["kind"]) for mail in world.cloud.mailbox.mails}
    assert by_receiver == {(ANNA, "deployment"), ("operator@example.com", "violations")}
    assert not settings().lacks_topic_of("search")


def test_without_a_team_the_default_topic_is_right(teams, caplog):
    reported(violation())
    assert [mail.receiver for mail in teams.cloud.mailbox.mails] == ["operator@example.com"]
    assert "no topic" not in caplog.text


# --- what SNS refuses -------------------------------------------------------------------------------------------------


def test_without_a_confirmed_subscription_nothing_is_lost_and_it_arrives_once_a_person_confirms(watched, caplog):
    mailbox = watched.cloud.mailbox
    for subscription in boto3.client("sns").list_subscriptions()["Subscriptions"]:
        mailbox.unconfirmed.add(subscription["Endpoint"])
    assert reported(violation()) == []
    (pending,) = book().outbox
    assert (pending.attempts, pending.last_error) == (
        1,
        f"the topic {settings().topic_arn} has no confirmed subscription",
    )
    assert "an alert could not be published" in caplog.text
    watched.cloud.turn(minutes=2)
    assert reported(violation()) == []
    assert book().outbox[0].attempts == 2
    mailbox.unconfirmed.clear()
    watched.cloud.turn(minutes=2)
    watched.cloud.schedules_enabled = True
    watched.cloud.turn(minutes=20)
    assert [mail.subject for mail in watched.data_mails] == [
        "[critical] preferred-site: b is not Integral in 50.0% of 480 rows"
    ]
    assert book().outbox == ()


def test_a_topic_that_is_gone_keeps_the_alert_and_the_sweep_sends_it_when_it_is_back(watched):
    backend = sns_backends[watched.cloud.account.account_id][watched.cloud.region]
    topic = backend.topics.pop(settings().topic_arn)
    assert reported(violation()) == []
    assert book().outbox[0].last_error == f"SNS refuses to publish to {settings().topic_arn}: NotFound"
    backend.topics[settings().topic_arn] = topic
    watched.cloud.schedules_enabled = True
    watched.cloud.turn(minutes=20)
    assert len(watched.data_mails) == 1


@pytest.mark.parametrize("code", ["KMSAccessDenied", "KMSDisabled", "KMSNotFound", "AuthorizationError"])
def test_a_key_or_a_role_that_refuses_is_recorded_with_its_reason(watched, code):
    def refuse(request, operation):
        raise AwsError(code, "arn:aws:kms:eu-west-1:123456789012:key/x is disabled", 400)

    watched.cloud.router.validators["sns", "Publish"] = refuse
    assert reported(violation()) == []
    assert book().outbox[0].last_error.endswith(f": {code}")


def test_a_refusal_holds_no_other_message_back_and_no_invocation_fails(watched):
    refusing = {"on": True}
    allowed = watched.cloud.router.validators["sns", "Publish"]

    def refuse(request, operation):
        if refusing["on"]:
            refusing["on"] = False
            raise AwsError("KMSDisabled", "x", 400)
        return allowed(request, operation)

    watched.cloud.router.validators["sns", "Publish"] = refuse
    assert reported(violation()) == []
    assert len(reported(violation(), violation("c"), hour=1)) == 1
    watched.cloud.turn(minutes=2)
    assert len(reported(violation(), violation("c"), hour=2)) == 1
    assert len(watched.cloud.mailbox.mails) == 2


def test_of_many_messages_that_cannot_be_sent_five_are_tried_and_all_arrive_in_the_end(watched):
    backend = sns_backends[watched.cloud.account.account_id][watched.cloud.region]
    topic = backend.topics.pop(settings().topic_arn)
    for number in range(8):
        alert_on(execution(violation(f"f{number}"), window_closed=False, folder=f"monitoring/{number}/"))
    before = len(watched.cloud.recorder.calls)
    watched.cloud.turn(minutes=2)
    assert send_pending(ENDPOINT, "AllTraffic") == []
    assert sum(call.operation == "Publish" for call in watched.cloud.recorder.calls[before:]) == 5
    backend.topics[settings().topic_arn] = topic
    watched.cloud.turn(minutes=2)
    assert len(send_pending(ENDPOINT, "AllTraffic")) == 8


def test_throttling_is_no_refusal_and_rises(watched):
    watched.cloud.faults.add("throttle", "sns", "Publish")
    with pytest.raises(Exception, match="Throttling"):
        reported(violation())
    assert book().outbox[0].last_error == ""


def test_undeliverable_says_why(watched):
    with pytest.raises(Undeliverable, match="NotFound"):
        messages.publish(settings().topic_arn + "-gone", "s", '{"default": "x"}', {})


# --- the hourly limit -------------------------------------------------------------------------------------------------


def test_a_storm_is_cut_off_and_its_count_is_reported_by_the_sweep(watched):
    watched.apply(replace(watched.fleet.entry(ENDPOINT), alerts_per_hour=3))
    for number in range(9):
        alert_on(execution(violation(f"f{number}"), window_closed=False, folder=f"monitoring/{number}/"))
    assert len(watched.cloud.mailbox.mails) == 3
    watched.cloud.schedules_enabled = True
    watched.cloud.turn(minutes=80)
    subjects = [mail.subject for mail in watched.cloud.mailbox.mails if "suppressed" in mail.subject]
    assert len(subjects) == 1
    assert "6 messages suppressed" in subjects[0]


# --- long states ------------------------------------------------------------------------------------------------------


def a_state(fingerprints: int) -> AlertState:
    draw = random.Random(1)
    names = ("".join(draw.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=64)) for _ in range(fingerprints))
    firing = FingerprintState(state="firing", severity="critical", since=NOON, last_seen=NOON, recent=(True, True))
    return AlertState(
        endpoint=ENDPOINT,
        variant="AllTraffic",
        fingerprints={Fingerprint("data_type_check", name): firing for name in names},
    )


PK, SK = endpoint_partition(ENDPOINT), "alerts#AllTraffic"


def test_a_state_whose_body_lies_in_s3_is_read_and_then_stored_in_its_item(watched, monkeypatch):
    monkeypatch.setattr(state, "MAX_FINGERPRINTS", 100)
    store_in_s3(a_state(10_000))
    table = stage_stores().deployments.table
    assert table.get(AlertState, PK, SK) == (a_state(10_000), 1)
    assert table.query(AlertState, PK, "alerts#") == {SK: a_state(10_000)}
    assert reported(clean("x"), hour=0) == []
    stored = boto3.client("dynamodb").get_item(TableName=table.name, Key={"pk": {"S": PK}, "sk": {"S": SK}})["Item"]
    assert "body" not in stored
    assert len(table.get(AlertState, PK, SK)[0].fingerprints) == 100


def test_the_functions_that_alert_read_a_state_in_s3(world):
    world.deployed()
    world.apply(replace(world.fleet.entry(ENDPOINT), mode="alert"))
    states = stage_stores().alert_states
    store_in_s3(AlertState(endpoint=ENDPOINT, variant="AllTraffic"))
    world.send(good=20, bad=20)
    world.cloud.turn(minutes=10)
    assert states.get(ENDPOINT, "AllTraffic")[1] > 1
    boto3.client("s3").delete_object(Bucket=world.bucket, Key=f"baselines/{ENDPOINT}/current.json")
    world.cloud.schedules_enabled = False
    world.cloud.turn(to=world.cloud.clock.now().replace(hour=10, minute=6))
    for function in ("run_monitoring", "sweep"):
        store_in_s3(AlertState(endpoint=ENDPOINT, variant=""))
        world.cloud.invoke(function, world.cloud.scheduled_event(f"vedette-local-{function}"))
        world.cloud.settle()
        assert states.get(ENDPOINT, "")[1] > 1, function
    reported = [mail.subject for mail in world.cloud.mailbox.mails]
    assert sum("b is not Integral" in subject for subject in reported) == 1
    assert sum("has no baseline" in subject for subject in reported) == 2  # once of each of the two states


def test_a_body_that_is_gone_is_said_with_its_place(watched):
    boto3.client("s3").delete_object(Bucket=watched.bucket, Key=store_in_s3(a_state(1)))
    with pytest.raises(UnreadableFile, match=r"alerts#AllTraffic: its body alerts/.* is gone"):
        stage_stores().deployments.table.get(AlertState, PK, SK)


def test_the_longest_state_fits_an_item(watched):
    """Random subjects, which hardly compress: as many as the bytes allow, and a full outbox of 50 messages."""
    draw = random.Random(2)
    names = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=100)) for _ in range(3_000)]
    moved = transition(
        AlertState(endpoint=ENDPOINT, variant="AllTraffic"),
        execution(*(violation(name, severity="critical") for name in names)),
        Thresholds(hard_violated=1, hard_of=1),
    )
    assert len(moved.new) == len(moved.after.fingerprints) == state.MAX_FINGERPRINTS
    assert moved.left_out == 2_000
    message = AlertMessage(
        alert_id="1",
        kind="violations",
        severity="warning",
        endpoint=ENDPOINT,
        variant="blue",
        headline="x" * 300,
        items=tuple(
            AlertItem(
                subject=name, check="c", state="new", severity="critical", expected=name, observed=name, description=""
            )
            for name in names[:10]
        ),
    )
    pending = tuple(OutboxMessage(alert_id=name[:16], message=message) for name in names[: outbox.MAX_PENDING])
    longest = replace(moved.after, outbox=pending)
    assert stage_stores().deployments.table.put(longest, PK, SK, 0)
    assert stage_stores().deployments.table.get(AlertState, PK, SK) == (longest, 1)


def test_100_fingerprints_that_recover_at_once_are_one_message(watched):
    stage_stores().deployments.table.put(a_state(100), PK, SK, 0)
    assert reported(clean("x"), hour=0) == []
    (sent,) = [*reported(clean("x"), hour=1), *reported(clean("x"), hour=2)]
    assert sent
    assert "and 99 more" in watched.cloud.mailbox.last.subject


# --- privacy ----------------------------------------------------------------------------------------------------------

CANARY = "CANARY7f3a"


def test_of_10_000_captured_events_no_word_reaches_an_alert_a_log_a_metric_or_the_table(world, capsys, caplog):
    world.deployed()
    world.cloud.mailbox.mails.clear()
    capsys.readouterr()
    lines = []
    for number in range(10_000):
        row = f"{CANARY}a{number},{CANARY}b{number}"
        body = json.dumps({"data": row, "encoding": "CSV", "mode": "INPUT", "observedContentType": "text/csv"})
        output = json.dumps({"data": f"{CANARY}o{number}", "encoding": "CSV", "mode": "OUTPUT"})
        if number % 50 == 0:
            lines.append(f'{{"captureData": {{"endpointInput": {body[:-20]} {CANARY} not JSON')
        else:
            lines.append(
                f'{{"captureData":{{"endpointInput":{body},"endpointOutput":{output}}},'
                f'"eventMetadata":{{"eventId":"{CANARY}-{number}","customAttributes":["{CANARY}"]}},"eventVersion":"0"}}'
            )
    begun = world.cloud.clock.now()
    key = f"data-capture/{ENDPOINT}/AllTraffic/{begun:%Y/%m/%d/%H/%M}-00-000-11111111-2222-3333-4444-555555555555.jsonl"
    boto3.client("s3").put_object(Bucket=world.bucket, Key=key, Body="\n".join(lines).encode())
    world.cloud.turn(hours=1, minutes=20)
    assert world.cloud.mailbox.mails, "something was reported"
    outside = [mail.subject + mail.text + str(mail.attributes) for mail in world.cloud.mailbox.mails]
    outside += [json.dumps(message) for message in world.cloud.mailbox.messages]
    outside += [caplog.text, *capsys.readouterr()]
    rows = boto3.client("dynamodb").scan(TableName=settings().table)["Items"]
    outside += [str(item) for item in rows]
    outside += [str(stage_stores().deployments.table.query(AlertState, endpoint_partition(ENDPOINT), "alerts#"))]
    outside += [str(delivery.answer) + str(delivery.error) for delivery in world.cloud.bus.deliveries]
    outside += [json.dumps(event, default=str) for event in world.cloud.bus.events]
    assert sum(CANARY in text for text in outside) == 0
    assert any("10,000" in text or "9,800" in text for text in outside)
    assert stage_stores().parts.variants(ENDPOINT) == ["AllTraffic"]

"""Faults strike the call they were made for, before or after its work, and the recorder tells of it."""

import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from chalice import Chalice

from vedette.local import Crash
from vedette.local.recorder import calling_as


def client(service, attempts=1):
    return boto3.client(service, config=Config(retries={"mode": "standard", "total_max_attempts": attempts}))


def put(account, s3=None, key="a"):
    (s3 or client("s3")).put_object(Bucket=account.bucket, Key=key, Body=b"1")


def exists(account, key="a"):
    return "Contents" in account.client("s3").list_objects_v2(Bucket=account.bucket, Prefix=key)


@pytest.mark.parametrize(
    ("kind", "raised", "worked"),
    [
        ("crash_before", Crash, False),
        ("crash_after", Crash, True),
        ("throttle", ClientError, False),
        ("server_error", ClientError, False),
        ("timeout", ReadTimeoutError, False),
        ("reply_lost", ConnectionClosedError, True),
    ],
)
def test_each_kind_does_what_its_name_says(account, kind, raised, worked):
    account.cloud.faults.add(kind, "s3", "PutObject")
    with pytest.raises(raised):
        put(account)
    assert exists(account) is worked
    (struck,) = account.cloud.faults.affected
    assert (struck.name, struck.fault) == ("s3:PutObject", kind)
    assert struck.error is not None
    put(account)


def test_the_kth_call_is_struck_and_no_other(account):
    account.cloud.faults.add("throttle", "s3", "PutObject", k=2)
    put(account, key="first")
    client("dynamodb").list_tables()
    with pytest.raises(ClientError, match="SlowDown"):
        put(account, key="second")
    put(account, key="third")
    assert [exists(account, key) for key in ("first", "second", "third")] == [True, False, True]


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("sns", lambda c: c.list_topics(), "Throttling"),
        ("dynamodb", lambda c: c.list_tables(), "ThrottlingException"),
        ("sagemaker", lambda c: c.list_models(), "ThrottlingException"),
        ("lambda", lambda c: c.list_functions(), "TooManyRequestsException"),
        ("sqs", lambda c: c.list_queues(), "RequestThrottled"),
        ("cloudwatch", lambda c: c.list_metrics(), "ThrottlingException"),
        ("events", lambda c: c.list_rules(), "ThrottlingException"),
    ],
)
def test_each_protocol_reads_the_error(account, service, call, code):
    account.cloud.faults.add("throttle", service)
    with pytest.raises(ClientError) as raised:
        call(client(service))
    assert raised.value.response["Error"]["Code"] == code


def test_botocore_repeats_a_throttled_call_without_waiting(account, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail(f"slept {seconds} seconds"))
    account.cloud.faults.add("throttle", "s3", "PutObject", times=2)
    put(account, client("s3", attempts=3))
    assert [call.error for call in account.cloud.recorder.of("PutObject")] == ["SlowDown", "SlowDown", None]


def test_a_publish_whose_reply_is_lost_is_sent_twice_by_botocore_and_once_with_one_attempt(account):
    topic = account.environment["VEDETTE_TOPIC_ARN"]
    account.cloud.faults.add("reply_lost", "sns", "Publish")
    client("sns", attempts=3).publish(TopicArn=topic, Message="m")
    assert len(account.cloud.mailbox.mails) == 2
    account.cloud.faults.add("reply_lost", "sns", "Publish")
    with pytest.raises(ConnectionClosedError):
        client("sns").publish(TopicArn=topic, Message="m")
    assert len(account.cloud.mailbox.mails) == 3


def test_a_function_that_crashes_is_delivered_again(account):
    app = Chalice("vedette")

    @app.on_cw_event({"source": ["mine"]})
    def on_mine(event):
        try:
            put(account, key=event.detail["key"])
        except Exception as error:
            raise AssertionError("a crash cannot be caught") from error

    account.cloud.run_functions(app)
    account.cloud.faults.add("crash_after", "s3", "PutObject", function="on_mine")
    account.cloud.put_event("mine", "d", {"key": "a"})
    account.cloud.turn(minutes=1)
    first, second = account.cloud.bus.deliveries
    assert (first.outcome, first.error.split(":")[0], second.outcome) == ("failed", "Runtime.ExitError", "ok")
    assert account.cloud.recorder.names("on_mine") == ["s3:PutObject", "s3:PutObject"]


def test_a_gate_sees_every_call_before_it_happens(account):
    seen = []
    account.cloud.faults.gate = lambda call: seen.append((call.name, exists_now(account)))
    put(account)
    account.cloud.faults.clear()
    put(account, key="b")
    assert seen == [("s3:PutObject", False)]


def exists_now(account):
    with calling_as("aws"):
        return exists(account)


def test_an_unknown_kind_is_refused(account):
    with pytest.raises(ValueError, match="choose one of crash_before"):
        account.cloud.faults.add("earthquake")


def test_over_http_a_lost_reply_closes_the_connection(account):
    with account.cloud.serve() as url:
        account.cloud.faults.add("reply_lost", "s3", "PutObject")
        session = boto3.Session(aws_access_key_id="t", aws_secret_access_key="t", region_name="eu-west-1")
        s3 = session.client("s3", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}))
        with pytest.raises(ConnectionClosedError):
            put(account, s3)
    assert exists(account)


def test_a_partial_failure_answers_200_and_puts_nothing_on_the_bus(account):
    account.cloud.faults.add("partial_failure", "events", "PutEvents")
    entry = {"Source": "vedette.test", "DetailType": "x", "Detail": "{}"}
    refused = client("events").put_events(Entries=[entry])
    assert (refused["FailedEntryCount"], refused["Entries"][0]["ErrorCode"]) == (1, "ThrottlingException")
    assert account.cloud.bus.events == []
    assert client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

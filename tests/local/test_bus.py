"""Events reach the functions of a Chalice app as Lambda would bring them."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from chalice import Chalice, Cron, Rate


class App:
    """A Chalice app that notes what its functions were given, and fails on request."""

    def __init__(self):
        self.seen = []
        self.failures = 0
        self.app = Chalice("vedette")

        @self.app.on_cw_event({"source": ["mine"], "detail": {"n": [{"numeric": [">", 0]}]}})
        def on_mine(event):
            self.seen.append(("on_mine", event.to_dict(), event.context))
            if self.failures:
                self.failures -= 1
                raise RuntimeError(f"no {self.failures}")
            return {"n": event.detail["n"]}

        @self.app.schedule(Rate(5, unit=Rate.MINUTES))
        def every_five(event):
            self.seen.append(("every_five", event.to_dict(), event.context))

        @self.app.lambda_function()
        def plain(event, context):
            self.seen.append(("plain", event, context))
            return {"given": event}

    def names(self):
        return [name for name, _, _ in self.seen]


@pytest.fixture
def running(account):
    running = App()
    account.cloud.run_functions(running.app)
    account.cloud.schedules_enabled = False
    return running


def put(account, n=1, source="mine"):
    account.cloud.put_event(source, "Thing Done", {"n": n})


def test_an_event_is_matched_against_the_pattern_of_the_app_and_delivered_asynchronously(account, running):
    put(account)
    put(account, n=0)
    put(account, source="other")
    assert running.seen == []
    account.cloud.settle()
    ((_, event, context),) = running.seen
    assert event["detail"] == {"n": 1}
    assert (event["account"], event["region"]) == ("123456789012", "eu-west-1")
    assert context.function_name == "vedette-local-on_mine"
    assert context.invoked_function_arn.endswith(":function:vedette-local-on_mine")
    assert 59_000 < context.get_remaining_time_in_millis() <= 60_000
    (delivery,) = account.cloud.bus.deliveries
    assert (delivery.outcome, delivery.attempt, delivery.answer) == ("ok", 1, {"n": 1})
    assert delivery.event_id == event["id"]


def test_a_failed_function_is_run_again_one_minute_later_and_two_minutes_after_that(account, running):
    running.failures, began = 9, account.cloud.clock.now()
    put(account)
    account.cloud.turn(hours=1)
    deliveries = account.cloud.bus.deliveries
    assert [delivery.time - began for delivery in deliveries] == [timedelta(minutes=m) for m in (0, 1, 3)]
    assert [delivery.outcome for delivery in deliveries] == ["failed"] * 3
    (failed,) = account.cloud.bus.failed
    assert [str(error) for error in failed.errors] == [f"RuntimeError: no {n}" for n in (8, 7, 6)]
    assert "in on_mine" in failed.errors[0].trace
    assert len({context.aws_request_id for _, _, context in running.seen}) == 1


def test_a_function_that_succeeds_at_the_third_attempt_is_not_given_up(account, running):
    running.failures = 2
    put(account)
    account.cloud.turn(minutes=3)
    assert account.cloud.bus.deliveries[-1].outcome == "ok"
    assert account.cloud.bus.failed == []


def test_schedules_fire_at_multiples_of_their_rate(account, running):
    account.cloud.schedules_enabled = True
    account.cloud.turn(minutes=2)
    account.cloud.turn(minutes=9)
    times = [event["time"][11:16] for _, event, _ in running.seen]
    event = running.seen[0][1]
    assert times == ["09:05", "09:10"]
    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.events", "Scheduled Event", {})
    assert event["resources"] == ["arn:aws:events:eu-west-1:123456789012:rule/vedette-local-every_five-event"]


def test_schedules_keep_silent_when_they_are_switched_off(account, running):
    account.cloud.turn(hours=1)
    assert running.seen == []


def test_a_cron_schedule_is_refused_with_a_sentence(account):
    app = Chalice("vedette")
    app.schedule(Cron(0, 12, "*", "*", "?", "*"))(lambda event: None)
    with pytest.raises(ValueError, match=r"rate\(\.\.\.\) schedules"):
        account.cloud.run_functions(app)


def test_duplicates_reordering_losses_and_delays_come_on_request(account, running):
    bus = account.cloud.bus
    bus.duplicate(3)
    put(account)
    account.cloud.settle()
    assert len(running.seen) == 3
    bus.clear_disturbances()
    bus.drop(lambda event, function: event["detail"]["n"] == 2)
    put(account, n=2)
    bus.delay(timedelta(minutes=4))
    put(account, n=3)
    account.cloud.turn(minutes=3)
    assert len(running.seen) == 3
    account.cloud.turn(minutes=1)
    assert running.seen[-1][1]["detail"]["n"] == 3
    assert [delivery.outcome for delivery in bus.deliveries] == ["ok", "ok", "ok", "dropped", "ok"]
    bus.clear_disturbances()
    bus.reorder(seed=4)
    for n in range(1, 9):
        put(account, n=n)
    account.cloud.settle()
    order = [event["detail"]["n"] for _, event, _ in running.seen[4:]]
    assert sorted(order) == list(range(1, 9))
    assert order != sorted(order)


def test_lambda_invoke_reaches_the_same_functions(account, running):
    client = account.client("lambda")
    answer = client.invoke(FunctionName="vedette-local-plain", Payload=json.dumps({"a": 1}))
    assert json.loads(answer["Payload"].read()) == {"given": {"a": 1}}
    queued = client.invoke(FunctionName="vedette-local-plain", InvocationType="Event", Payload=b'{"a": 2}')
    assert (queued["StatusCode"], len(running.seen)) == (202, 1)
    account.cloud.settle()
    assert running.seen[-1][1] == {"a": 2}


def test_lambda_reports_a_failure_and_an_unknown_function(account, running, refused):
    running.failures = 1
    event = {"source": "mine", "detail": {"n": 1}, "detail-type": "x", "version": "0", "id": "1"}
    event.update(account="1", time="t", region="r", resources=[])
    answer = account.client("lambda").invoke(FunctionName="vedette-local-on_mine", Payload=json.dumps(event))
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "RuntimeError"
    with refused() as unknown:
        account.client("lambda").invoke(FunctionName="nobody")
    assert unknown.code == "ResourceNotFoundException"


def test_functions_that_feed_each_other_for_ever_are_stopped(account):
    app = Chalice("vedette")

    @app.on_cw_event({"source": ["mine"]})
    def on_mine(event):
        entry = {"Source": "mine", "DetailType": "Thing Done", "Detail": json.dumps({"n": 1})}
        boto3.client("events").put_events(Entries=[entry])

    account.cloud.run_functions(app)
    account.cloud.bus.max_deliveries = 20
    put(account)
    with pytest.raises(RuntimeError, match="trigger each other"):
        account.cloud.settle()


def test_the_whole_process_sees_the_turned_clock(account, running):
    account.cloud.turn(to=datetime(2026, 7, 1, 12, tzinfo=UTC))
    account.client("s3").put_object(Bucket=account.bucket, Key="a", Body=b"")
    assert datetime.now(UTC) == account.cloud.clock.now() == datetime(2026, 7, 1, 12, tzinfo=UTC)
    modified = account.client("s3").head_object(Bucket=account.bucket, Key="a")["LastModified"]
    assert modified == account.cloud.clock.now()

"""The sweep alerts on a day of model quality whose event was lost: once, whatever else fails."""

from datetime import timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.records import FleetEntry, Thresholds
from chalicelib.services import alerting, quality_monitoring
from chalicelib.services.sweep import sweep
from chalicelib.window import Window
from tests.capture.captures import line, side
from tests.runs import run_of
from tests.services.quality_days import BAD, DAY, SETTINGS, capture_day, label_day, put_baseline, rows_of
from vedette.local.errors import AwsError

ENDPOINT = "fraud"
AT_ONCE = Thresholds(drift_violated=1, drift_of=1)
FUNCTION = "on_monitoring_execution"


class Watched:
    """An endpoint with a bad day whose labels are ripe, and a sweep that has run before."""

    def __init__(self, world) -> None:
        self.cloud = world.cloud
        world.apply(
            FleetEntry(endpoint=ENDPOINT, mode="alert", quality=replace(SETTINGS, ground_truth=()), thresholds=AT_ONCE)
        )
        self.cloud.schedules_enabled = False
        self.start = (self.cloud.clock.now() + DAY).replace(hour=0, minute=0, second=0, microsecond=0)
        put_baseline(ENDPOINT, self.start)
        day = rows_of(self.start, BAD)
        capture_day(ENDPOINT, day, hours=8)
        label_day(ENDPOINT, day, self.start + DAY + timedelta(hours=3))
        self.cloud.turn(to=self.start + 2 * DAY + timedelta(minutes=5))
        key = f"data-capture/{ENDPOINT}/AllTraffic/{self.cloud.clock.now():%Y/%m/%d/%H/%M}-00-000-1111.jsonl"
        boto3.client("s3").put_object(Bucket=world.bucket, Key=key, Body=line(side("1,2"), side("0.5")))
        self.cloud.settle()
        sweep(run_of(ENDPOINT))
        self.cloud.turn(minutes=15)
        self.cloud.settle()

    def evaluate(self):
        done = quality_monitoring.evaluate_due_days(run_of(ENDPOINT))
        self.cloud.settle()
        return done.executions

    def swept(self, minutes: int = 15) -> int:
        """Sweep after some minutes; how many alerts on days of model quality it sent."""
        self.cloud.turn(minutes=minutes)
        self.cloud.settle()
        return sweep(run_of(ENDPOINT)).summary()["quality"]

    @property
    def alerts(self) -> list[str]:
        mails = (mail for mail in self.cloud.mailbox.mails if "--window quality/" in mail.text)
        return [mail.attributes["kind"] for mail in mails]

    @property
    def stored(self):
        window = Window(self.start, DAY)
        return stage_stores().executions.latest_of_window(ENDPOINT, "AllTraffic", window, of_quality=True)


@pytest.fixture
def watched(world):
    return Watched(world)


def test_a_day_whose_event_was_lost_is_alerted_on_by_the_next_sweep_and_by_no_other(watched):
    watched.cloud.bus.drop(lambda event, function: function == FUNCTION)
    [day] = watched.evaluate()
    assert (day.verdict, watched.alerts) == ("Violations", [])
    assert watched.swept() == 1
    assert watched.alerts == ["violations"]
    assert [watched.swept() for _ in range(3)] == [0, 0, 0]
    alerting.alert_on(run_of(ENDPOINT), day)
    assert watched.alerts == ["violations"], "the event comes after all"


def test_a_day_that_is_evaluated_long_after_its_labels_were_ripe_is_alerted_on_too(watched):
    watched.cloud.bus.drop(lambda event, function: function == FUNCTION)
    watched.cloud.turn(to=watched.start + 60 * DAY)
    first, *_ = watched.evaluate()
    assert first.window_start == watched.start
    assert watched.swept() >= 1
    assert watched.alerts == ["violations"]


def test_a_day_whose_event_was_delivered_is_not_alerted_on_again(watched):
    watched.evaluate()
    assert watched.alerts == ["violations"]
    assert [watched.swept() for _ in range(2)] == [0, 0]
    assert watched.alerts == ["violations"]


@pytest.mark.parametrize("kind", ["partial_failure", "server_error"])
def test_a_day_whose_event_the_bus_refused_is_alerted_on_by_the_sweep(watched, kind):
    watched.cloud.faults.add(kind, "events", "PutEvents", times=50)
    with pytest.raises(Exception, match=r"PutEvents|EventBridge"):
        watched.evaluate()
    watched.cloud.faults.clear()
    assert watched.stored.verdict == "Violations"
    assert watched.evaluate() == (), "it is stored, so no run makes it again"
    assert watched.swept() == 1
    assert watched.alerts == ["violations"]


def test_a_day_on_which_the_function_failed_at_every_attempt_is_alerted_on_by_the_sweep(watched):
    watched.cloud.faults.add("server_error", "dynamodb", "PutItem", times=1000, function=FUNCTION)
    watched.evaluate()
    watched.cloud.turn(hours=1)
    watched.cloud.faults.clear()
    watched.cloud.bus.failed.clear()
    assert watched.alerts == []
    assert watched.swept() == 1
    assert watched.alerts == ["violations"]


@pytest.mark.parametrize("operation", ["ListObjectsV2", "GetObject"])
def test_a_sweep_that_cannot_read_the_days_leaves_them_to_the_next_one(watched, operation):
    watched.cloud.bus.drop(lambda event, function: function == FUNCTION)
    watched.evaluate()

    def refuse(call):
        place = str(call.parameters)
        if call.operation == operation and "monitoring/fraud/AllTraffic/quality/" in place:
            raise AwsError("InternalFailure", "We encountered an internal error.", 500)

    watched.cloud.faults.gate = refuse
    with pytest.raises(ClientError, match="InternalFailure"):
        watched.swept()
    watched.cloud.faults.clear()
    assert watched.alerts == []
    assert watched.swept() == 1
    assert watched.alerts == ["violations"]

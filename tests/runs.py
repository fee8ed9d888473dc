"""Runs of an endpoint for tests that call a service as a handler does, and states as earlier versions stored them."""

import zlib
from datetime import timedelta

import boto3

from chalicelib import records
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.locations import endpoint_partition
from chalicelib.outcomes import Skipped
from chalicelib.records import AlertState, Execution, FleetEntry
from chalicelib.services import alerting
from chalicelib.settings import settings
from vedette.local import Cloud

ENDPOINT = "preferred-site"


class DeadlineAfter(Deadline):
    """A deadline that comes after the clock was read so many times."""

    def __init__(self, reads: int) -> None:
        super().__init__(0.0)
        object.__setattr__(self, "reads", reads)

    def has_left(self, reserve: float) -> bool:
        object.__setattr__(self, "reads", self.reads - 1)
        return self.reads >= 0

    def earlier_by_share(self, share: float) -> Deadline:
        return self


def run_of(endpoint: str = ENDPOINT, deadline: Deadline | None = None) -> EndpointRun:
    """The run of an endpoint of the applied fleet."""
    run = EndpointRun.of(endpoint, deadline or Deadline.never(), stage_stores())
    assert isinstance(run, EndpointRun), run
    return run


def run_of_entry(entry: FleetEntry, deadline: Deadline | None = None) -> EndpointRun:
    """The run of an entry that need not be applied."""
    run = EndpointRun.without_deadline(entry)
    return run if deadline is None else EndpointRun(entry, run.now, deadline, run.stores)


def alert_on(execution: Execution) -> list[str]:
    """Alert on an execution of an endpoint of the fleet; the ids of the messages that were sent."""
    outcome = alerting.alert_on(run_of(execution.endpoint), execution)
    return [] if isinstance(outcome, Skipped) else list(outcome.sent)


def send_pending(endpoint: str, variant: str) -> list[str]:
    """Send what is pending; the ids of the messages that were sent."""
    return alerting.send_pending(run_of(endpoint), variant)


def pass_hours(cloud: Cloud, hours: int) -> None:
    """Let hours pass in which the timers run once each, after the hour has closed: much faster than `Cloud.turn`."""
    cloud.schedules_enabled = False
    for _ in range(hours):
        cloud.turn(to=cloud.clock.now().replace(minute=6, second=0, microsecond=0) + timedelta(hours=1))
        for name in ("run_monitoring", "sweep"):
            cloud.invoke(name, cloud.scheduled_event(f"vedette-local-{name}"))
            cloud.settle()
    cloud.schedules_enabled = True


def store_in_s3(state: AlertState, revision: int = 1) -> str:
    """Store an alert state as earlier versions did when it was too long for an item; the key of its body in S3."""
    key = f"alerts/{state.endpoint}/{state.variant or 'endpoint'}"
    boto3.client("s3").put_object(Bucket=settings().bucket, Key=key, Body=zlib.compress(records.write(state)))
    names = {"pk": endpoint_partition(state.endpoint), "sk": f"alerts#{state.variant}", "body": key}
    item = {name: {"S": value} for name, value in names.items()} | {"revision": {"N": str(revision)}}
    boto3.client("dynamodb").put_item(TableName=settings().table, Item=item)
    return key

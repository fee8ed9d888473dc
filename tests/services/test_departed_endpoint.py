"""What is pending of an endpoint that leaves the fleet is sent, or dropped by name; the age of what waits is shown."""

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.alerts.outbox import oldest_pending
from chalicelib.endpoint_run import stage_stores
from tests.alerts.factories import execution, violation
from tests.runs import alert_on
from tests.services.conftest import ENDPOINT, ENTRY
from vedette.operations import aws, fleet

OTHER = replace(ENTRY, endpoint="other", package_group="other")


def swept(world) -> None:
    """The sweep of the fleet, and those of single endpoints that it starts."""
    world.cloud.invoke("sweep", world.cloud.scheduled_event("vedette-local-sweep"))
    world.cloud.settle()


def outbox() -> tuple:
    state, _ = stage_stores().alert_states.get(ENDPOINT, "AllTraffic")
    return state.outbox


def apply(*entries) -> None:
    """As `vedette apply` does it."""
    fleet.apply(entries, etag=aws.get_fleet()[1], by="ann")


@pytest.fixture
def pending(world):
    """An alert that nobody can receive yet, when its endpoint leaves the fleet."""
    world.cloud.schedules_enabled = False
    world.apply(replace(ENTRY, mode="alert"), OTHER)
    mailbox = world.cloud.mailbox
    mailbox.unconfirmed |= {one["Endpoint"] for one in boto3.client("sns").list_subscriptions()["Subscriptions"]}
    assert alert_on(execution(violation())) == []
    assert len(outbox()) == 1
    world.cloud.turn(minutes=2)
    assert fleet.pending_of(world.fleet.entries) == [
        "preferred-site: 1 notification not sent yet; the sweep tries for a day, and drops the rest"
    ]
    apply(OTHER)
    return world


def test_it_is_sent_by_the_sweep_as_soon_as_somebody_receives_it(pending):
    swept(pending)
    assert pending.cloud.mailbox.mails == []
    pending.cloud.mailbox.unconfirmed.clear()
    pending.cloud.turn(minutes=2)
    swept(pending)
    assert [mail.attributes["kind"] for mail in pending.cloud.mailbox.mails] == ["violations"]
    assert outbox() == ()
    pending.cloud.turn(hours=1)
    swept(pending)
    assert stage_stores().alert_states.departed() == []
    swept(pending)
    assert len(pending.cloud.mailbox.mails) == 1


def test_what_cannot_be_sent_in_a_day_is_dropped_by_name(pending, caplog, capsys):
    (message,) = outbox()
    pending.cloud.turn(hours=25)
    swept(pending)
    (dropped,) = [one for one in caplog.records if "were dropped" in one.message]
    assert dropped.alert_ids == [message.alert_id]
    assert dropped.reasons == [message.last_error]
    assert '"AlertsDropped":[1.0]' in capsys.readouterr().out
    assert outbox() == ()
    assert stage_stores().alert_states.departed() == []
    pending.cloud.mailbox.unconfirmed.clear()
    swept(pending)
    assert pending.cloud.mailbox.mails == []


def test_an_endpoint_that_is_in_the_fleet_again_is_swept_as_before(pending):
    apply(OTHER, replace(ENTRY, mode="alert"))
    swept(pending)
    assert stage_stores().alert_states.departed() == []
    pending.cloud.mailbox.unconfirmed.clear()
    pending.cloud.turn(minutes=2)
    swept(pending)
    assert "violations" in {mail.attributes["kind"] for mail in pending.cloud.mailbox.mails}


def test_an_endpoint_without_anything_pending_is_forgotten_after_an_hour(world):
    world.cloud.schedules_enabled = False
    world.apply(ENTRY, OTHER)
    apply(OTHER)
    swept(world)
    assert [one.entry.endpoint for one in stage_stores().alert_states.departed()] == [ENDPOINT]
    world.cloud.turn(hours=1)
    swept(world)
    assert stage_stores().alert_states.departed() == []


def test_the_age_of_what_waits_is_a_metric_and_is_in_status_and_unknown_for_old_records(pending, capsys):
    from vedette.cli.status import _age
    from vedette.operations import status

    apply(OTHER, replace(ENTRY, mode="alert"))
    since = outbox()[0].enqueued_at
    pending.cloud.turn(hours=3)
    swept(pending)
    age = (pending.cloud.clock.now() - since).total_seconds()
    assert f'"OldestPendingAlertSeconds":[{age}]' in capsys.readouterr().out
    found = status.of_all([pending.fleet.entry(ENDPOINT)])[0]
    assert found.oldest_undelivered == since
    assert _age(found) == ", the oldest for 3 hours"
    state, _ = stage_stores().alert_states.get(ENDPOINT, "AllTraffic")
    old = replace(state, outbox=tuple(replace(one, enqueued_at=None) for one in state.outbox))
    assert oldest_pending([old]) is None
    assert _age(replace(found, oldest_undelivered=None)) == ""

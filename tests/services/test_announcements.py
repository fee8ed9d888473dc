"""A stored verdict is announced, whatever fails in between: of a closed window, an open one, and a single object."""

from datetime import timedelta

import pytest

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def watched(world):
    world.alerts_on_good_traffic()
    world.cloud.turn(minutes=10)
    return world


def violations(world) -> list[str]:
    return [mail.subject for mail in world.cloud.mailbox.mails if mail.attributes["kind"] == "violations"]


def an_object(world) -> None:
    world.send(good=20, bad=20)
    world.cloud.turn(minutes=2)


def an_open_window(world) -> None:
    for _ in range(3):  # each too small to be evaluated by itself
        world.send(good=5, bad=5)
        world.cloud.turn(minutes=4)


def a_closed_window(world) -> None:
    now = world.cloud.clock.now()
    world.cloud.schedules_enabled = False
    for _ in range(3):
        world.send(good=5, bad=5)
        world.cloud.turn(minutes=3)
    world.cloud.turn(to=now.replace(minute=0) + HOUR + 5 * MINUTE)
    world.cloud.schedules_enabled = True
    world.cloud.turn(minutes=3)


@pytest.mark.parametrize("kind", ["partial_failure", "crash_before", "server_error"])
@pytest.mark.parametrize("violated", [an_object, an_open_window, a_closed_window])
def test_a_verdict_whose_event_was_refused_is_alerted_by_the_sweep(watched, violated, kind):
    watched.cloud.faults.add(kind, "events", "PutEvents", times=50)
    violated(watched)
    watched.cloud.turn(minutes=30)
    assert watched.cloud.faults.affected, "an event was refused"
    watched.cloud.faults.clear()
    assert len(violations(watched)) == 1
    watched.cloud.turn(minutes=60)
    assert len(violations(watched)) == 1
    watched.cloud.bus.failed.clear()

"""Bad rows whose event is late, or which the sweep alone reads: one alert each, whenever they come."""

from datetime import timedelta

import pytest

from chalicelib.endpoint_run import stage_stores
from tests.capture.captures import line, side
from tests.services.conftest import ENDPOINT

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CAPTURED = "on_data_captured"


@pytest.fixture
def watched(world):
    """An endpoint in mode alert with an hour of good traffic behind it, a minute before an hour is over."""
    world.alerts_on_good_traffic()
    world.cloud.turn(minutes=30)
    now = world.cloud.clock.now()
    world.cloud.turn(to=now.replace(minute=59, second=0, microsecond=0))
    return world


def alerts(world) -> list:
    return [mail for mail in world.cloud.mailbox.mails if mail.attributes["kind"] == "violations"]


def verdicts(world) -> list[tuple[str, int]]:
    now = world.cloud.clock.now()
    found = stage_stores().executions.of_windows(ENDPOINT, "AllTraffic", now - 3 * HOUR * 24, now, HOUR)
    return [(str(one.verdict), one.revision) for one in found if one.rows > 20]


@pytest.mark.parametrize("late", [1 * MINUTE, 8 * MINUTE, 20 * MINUTE])
def test_a_late_event_of_violating_data_alerts_once(watched, late):
    watched.cloud.bus.delay(lambda event, function: late if function == CAPTURED else timedelta())
    watched.send(good=0, bad=200)
    watched.cloud.turn(to=watched.cloud.clock.now() + late)
    watched.cloud.bus.clear_disturbances()
    watched.cloud.turn(minutes=100)
    assert len(alerts(watched)) == 1, verdicts(watched)
    assert verdicts(watched)[-1][0] == "Violations"


def test_what_only_the_sweep_reads_alerts_once_and_says_that_it_was_late(watched):
    watched.cloud.bus.drop(lambda event, function: function == CAPTURED)
    watched.send(good=0, bad=200)
    watched.cloud.turn(minutes=100)
    [alert] = alerts(watched)
    assert verdicts(watched) == [("Violations", 2)]
    assert "in data that arrived late" in " ".join(alert.text.split())
    assert "Late      this data arrived after its window had been evaluated" in alert.text


@pytest.mark.parametrize("hours", [5, 23])
@pytest.mark.parametrize("by_event", [True, False])
def test_an_object_that_comes_hours_late_alerts_once(watched, hours, by_event):
    begun = watched.cloud.clock.now()
    for _ in range(hours):
        watched.send(good=20)
        watched.pass_hours(1)
    if not by_event:
        watched.cloud.bus.drop(lambda event, function: function == CAPTURED)
    key = f"data-capture/{ENDPOINT}/AllTraffic/{begun:%Y/%m/%d/%H/%M}-00-000-late.jsonl"
    watched.cloud.write(f"s3://{watched.bucket}/{key}", line(side("12,34.5"), side("1.0")) * 200)
    watched.cloud.settle()
    watched.cloud.bus.clear_disturbances()
    for _ in range(25):
        watched.send(good=20)
        watched.pass_hours(1)
    [alert] = alerts(watched)
    assert "in data that arrived late" in " ".join(alert.text.split())

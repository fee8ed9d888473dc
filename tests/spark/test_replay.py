"""`replay --engine spark`: the same weeks and alerts as in one process, of captured data and of model quality."""

from datetime import timedelta

import pytest

from chalicelib.constraints.constraints import Constraints
from chalicelib.endpoint_run import EndpointRun
from chalicelib.records import FleetEntry
from chalicelib.services import quality_monitoring
from chalicelib.statistics.table import Table
from tests.capture.captures import line, side
from tests.services.quality_days import BAD, DAY, GOOD, SETTINGS, capture_day, label_day, put_baseline, rows_of
from tests.spark.conftest import watched
from vedette.demo import user_actions

SITE, FRAUD = "site", "fraud"
SPARK = ("--engine", "spark", "--master", "local[2]")
FEATURES = (("label", "Fractional"), ("a", "Integral"), ("b", "Integral"))


@pytest.fixture(scope="module")
def fleet(stage):
    quality = FleetEntry(endpoint=FRAUD, quality=SETTINGS)
    watched(FleetEntry(endpoint=SITE, mode="alert"), quality)
    return stage


def test_windows_and_alerts_are_those_of_one_process(fleet):
    """Three days: whole hours, objects that violate alone, and drift by the day."""
    features = [{"name": name, "inferred_type": kind, "completeness": 1.0} for name, kind in FEATURES]
    statistics = Table.of([["0.5", str(number), "7"] for number in range(200)], tuple(name for name, _ in FEATURES))
    user_actions.put_baseline_in_force(SITE, "v1", Constraints({"version": 0.0, "features": features}), statistics)
    for hour in range(3, 75, 4):
        second = "2.50" if hour in (15, 19, 51) else "2"
        content = b"".join(line(side(f"{row},{second if row % 2 else 2}"), side("0.5")) for row in range(30))
        fleet.put(SITE, timedelta(hours=hour), "x", content)
    fleet.answer("backfill", SITE, "--from", "4d", "--yes")
    here = fleet.answer("replay", SITE, "--from", "4d", code=1)
    assert here["replayed"][0]["alerts"] > 0
    assert sum(week["windows"] for week in here["replayed"][0]["weeks"]) > 10
    assert fleet.answer("replay", SITE, "--from", "4d", *SPARK, code=1) == here


def test_days_of_model_quality_are_those_of_one_process(fleet):
    today = fleet.now.replace(hour=0, minute=0)
    put_baseline(FRAUD, today)
    for number in range(2, 6):
        day = rows_of(today - number * DAY, GOOD if number > 3 else BAD)
        capture_day(FRAUD, day, hours=4)
        label_day(FRAUD, day, day.start + DAY)
    entry = FleetEntry(endpoint=FRAUD, quality=SETTINGS)
    quality_monitoring.evaluate_due_days(EndpointRun.without_deadline(entry))
    here = fleet.answer("replay", FRAUD, "--quality", "--from", "9d", code=1)
    assert (here["parts"], here["replayed"][0]["alerts"]) == (4, 1)
    there = fleet.answer("replay", FRAUD, "--quality", "--from", "9d", *SPARK, code=1)
    assert (there["parts"], there["replayed"]) == (4, here["replayed"])

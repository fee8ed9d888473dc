"""`vedette status` shows captured objects that cannot be read (how many, which, why, and when they are tried), and the
latest day of model quality."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.events import DataCaptured
from chalicelib.locations import capture_key
from chalicelib.records import FleetEntry, Thresholds, UnreadableReason
from chalicelib.services import quality_monitoring, unreadable_objects
from chalicelib.window import Window
from tests.operations.installed_stage import SITE
from tests.runs import run_of
from tests.services.quality_days import BAD, DAY, GOOD, SETTINGS, capture_day, label_day, put_baseline, rows_of
from vedette.demo import user_actions

QUALITY = "fraud"


def test_status_shows_captured_objects_that_cannot_be_read(stage):
    stage.done("manage", SITE, "--endpoint", SITE, "--mode", "observe", "--force", "--yes")
    assert stage.answer("status", SITE)["endpoints"][0]["unreadable"] == []
    run = run_of(SITE)
    keys = [f"data-capture/{SITE}/AllTraffic/2026/03/02/09/0{n}-00-000-\x1b[31mx.jsonl" for n in range(2)]
    for key, reason in zip(keys, (UnreadableReason.DENIED, UnreadableReason.GONE), strict=True):
        unreadable_objects.remember(run, DataCaptured("lake", key, "", 0, capture_key(key)), reason)
    stage_stores().unreadable_objects.change(SITE, lambda known: replace(known, more=3), attempts=1)

    shown = stage.run("status", SITE)
    assert shown.exit_code == 1
    retried = run.now + timedelta(minutes=15)
    place = f"s3://lake/data-capture/{SITE}/AllTraffic/2026/03/02/09/0"
    words = " ".join(shown.output.split())
    assert (
        f"{SITE}: {place}0-00-000- [31mx.jsonl cannot be read (S3 or KMS refuses it)"
        f" and is tried again after {retried:%Y-%m-%d %H:%M} UTC"
    ) in words
    assert (
        f"{place}1-00-000- [31mx.jsonl cannot be read (it was deleted before it was read) and is not tried again"
        in words
    )
    assert "3 captured objects more cannot be read" in words
    assert "\x1b[31mx" not in shown.output
    assert f"{place}1" not in stage.run("status").output

    found = stage.run("status", SITE, "--json")
    assert '"unreadable_more": 3' in found.output


@pytest.fixture
def labelled(stage):
    """An endpoint without a baseline of captured data, whose model is evaluated with labels."""
    stage.cloud.schedules_enabled = False
    thresholds = Thresholds(drift_violated=1, drift_of=1)
    user_actions.apply_fleet(FleetEntry(endpoint=QUALITY, mode="alert", quality=SETTINGS, thresholds=thresholds))
    start = (stage.cloud.clock.now() + DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    put_baseline(QUALITY, start)
    for number, separation in enumerate((GOOD, BAD)):
        day = rows_of(start + number * DAY, separation)
        capture_day(QUALITY, day, hours=8)
        label_day(QUALITY, day, start + (number + 1) * DAY + timedelta(hours=3))
    return stage, start


def test_status_shows_the_latest_day_of_model_quality_and_its_findings(labelled):
    stage, start = labelled
    assert stage.answer("status", QUALITY)["endpoints"][0]["verdicts"] == []

    def evaluated(days: int) -> dict:
        stage.cloud.turn(to=start + days * DAY + timedelta(minutes=20))
        quality_monitoring.evaluate_due_days(run_of(QUALITY))
        stage.cloud.settle()
        return stage.answer("status", QUALITY)["endpoints"][0]

    good = evaluated(2)
    [day] = good["verdicts"]
    assert day["name"] == "AllTraffic (model quality)"
    assert (day["until"], good["alerts"], good["trouble"]) == (f"{start + DAY:%Y-%m-%dT%H:%M:%SZ}", [], "")
    assert day["tone"] != "bad"
    bad = evaluated(3)
    [day] = bad["verdicts"]
    assert (day["verdict"], day["tone"]) == ("Violations", "bad")
    assert day["until"] == f"{start + 2 * DAY:%Y-%m-%dT%H:%M:%SZ}"
    subjects = {one["subject"] for one in bad["alerts"]}
    assert "recall" in subjects
    proven = [
        one
        for one in stage_stores()
        .executions.latest_of_window(QUALITY, "AllTraffic", Window(start + DAY, DAY), of_quality=True)
        .measurements
        if one.is_proven
    ]
    assert day["violations"] == len(proven) == len(subjects), "what chance may explain is no finding"
    shown = stage.run("status", QUALITY)
    words = " ".join(shown.output.split())
    assert (shown.exit_code, f"{QUALITY}: recall, LessThanThreshold" in words) == (1, True)
    assert f"AllTraffic (model quality): Violations, window until {start + 2 * DAY:%Y-%m-%d %H:%M} UTC" in words

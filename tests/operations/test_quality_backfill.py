"""The past of model quality: the label parts and evaluated days of the functions, once, and no alert."""

from datetime import timedelta

import boto3
import msgspec
import numpy as np
import pytest

from chalicelib.endpoint_run import stage_stores
from chalicelib.outcomes import Skipped
from chalicelib.records import Execution, FleetEntry
from chalicelib.services import quality_monitoring
from chalicelib.window import Window
from tests.capture.captures import line, side
from tests.runs import run_of
from tests.services.quality_days import (
    BAD,
    DAY,
    EXECUTION,
    GOOD,
    SETTINGS,
    capture_day,
    label_day,
    put_baseline,
    rows_of,
    stored_days,
)
from vedette.demo import user_actions
from vedette.local.errors import AwsError, Crash
from vedette.operations import quality_backfill

ENDPOINT = "fraud"
QUALITY = msgspec.structs.replace(SETTINGS, ground_truth=())
ENTRY = FleetEntry(endpoint=ENDPOINT, mode="alert", quality=QUALITY)


@pytest.fixture
def watched(stage):
    """A stage whose timers are still, with the endpoint in its fleet, at an hour of a day."""
    stage.cloud.schedules_enabled = False
    user_actions.apply_fleet(ENTRY)
    stage.cloud.turn(to=(stage.cloud.clock.now() + DAY).replace(hour=0, minute=20, second=0, microsecond=0))
    stage.start = stage.cloud.clock.now().replace(minute=0)
    return stage


@pytest.fixture
def days(watched):
    """Eight days of predictions and labels, of which three are bad and one has few labels; nothing is evaluated."""
    for number in range(8):
        day = rows_of(watched.start + number * DAY, BAD if number in (3, 4, 6) else GOOD)
        capture_day(ENDPOINT, day, hours=4)
        chosen = np.arange(len(day.ids)) % (9 if number == 5 else 2) == 0
        label_day(ENDPOINT, day, day.start + DAY + timedelta(hours=6), chosen)
        label_day(ENDPOINT, day, day.start + DAY + timedelta(hours=60), ~chosen, "b")
    put_baseline(ENDPOINT, watched.start)
    return watched


def look_at(stage, days: float):
    """Let the time be so many days after the start, and make the looks that are due."""
    stage.cloud.turn(to=stage.start + timedelta(days=days, minutes=20))
    quality_monitoring.evaluate_due_days(run_of(ENDPOINT))
    stage.cloud.settle()


def backfilled(stage) -> list[Execution]:
    """What a backfill from the start on evaluates."""
    context = quality_backfill.context_of(ENTRY, stage.start)
    return list(quality_backfill.evaluate_days(context, stage.start))


def verdicts() -> dict[str, bytes]:
    return stored_days(ENDPOINT)


def erase_verdicts() -> None:
    for key in verdicts():
        stage_stores().bucket.delete(key)


def mails(stage) -> list[str]:
    return [mail.attributes["kind"] for mail in stage.cloud.mailbox.mails if mail.attributes["kind"] != "endpoint gone"]


def test_the_days_are_those_of_looks_that_are_made_day_by_day(days):
    """In mode observe, since a page shows what its violations were alerted of."""
    user_actions.apply_fleet(msgspec.structs.replace(ENTRY, mode="observe"))
    for number in range(2, 13):
        look_at(days, number)
    expected = verdicts()
    assert sum(key.endswith(EXECUTION) for key in expected) == 16
    erase_verdicts()
    made = backfilled(days)
    assert verdicts() == expected
    assert all(one.of_backfill for one in made)
    assert len(made) == 16
    assert backfilled(days) == []


def test_past_days_raise_no_alert_and_the_next_one_does(days):
    days.cloud.turn(to=days.start + timedelta(days=7, minutes=20))
    assert "Violations" in {one.verdict for one in backfilled(days)}
    before = verdicts()
    look_at(days, 7.1)
    days.cloud.invoke("sweep", days.cloud.scheduled_event("vedette-local-sweep"))
    days.cloud.settle()
    assert (verdicts(), mails(days)) == (before, [])
    look_at(days, 8)  # the first look at day 6, which is bad
    assert mails(days) == ["violations"]


def test_a_backfill_that_died_is_completed_by_the_next_one(days):
    days.cloud.turn(to=days.start + timedelta(days=13, minutes=20))
    backfilled(days)
    expected = verdicts()
    erase_verdicts()
    died = 0
    for k in (1, 2, 3, 7, 40):
        days.cloud.faults.add("crash_after", "s3", "PutObject", k=k)
        try:
            backfilled(days)
        except Crash:
            died += 1
        days.cloud.faults.clear()
    backfilled(days)
    assert died >= 4
    assert verdicts() == expected


def test_a_look_that_run_monitoring_made_meanwhile_stays(days):
    days.cloud.turn(to=days.start + timedelta(days=13, minutes=20))
    context = quality_monitoring.quality_context(run_of(ENDPOINT), QUALITY, of_backfill=True)
    due = quality_backfill.looks(QUALITY, days.start, context.run.now)
    joined = [quality_monitoring.join_day(context.run, QUALITY, "AllTraffic", look) for look in due]
    assert sum(one is not None for one in joined) == 16
    look_at(days, 13)
    before = {key for key in verdicts() if key.endswith(EXECUTION)}
    made = [quality_monitoring.store_day(context, one) for one in joined if one is not None]
    assert len(before) == 16
    assert {key for key in verdicts() if key.endswith(EXECUTION)} == before
    assert not any(execution.of_backfill for execution in made if execution is not None)


def test_days_before_the_beginning_are_left_alone(days):
    days.cloud.turn(to=days.start + timedelta(days=13, minutes=20))
    since = days.start + timedelta(days=5, hours=7)  # in the middle of a day: it is evaluated whole
    context = quality_backfill.context_of(ENTRY, since)
    made = list(quality_backfill.evaluate_days(context, since))
    assert {one.window_start for one in made} == {days.start + number * DAY for number in (5, 6, 7)}
    assert run_of(ENDPOINT).stores.checkpoints.quality(ENDPOINT)[0] is None, "run_monitoring has days of before to do"


def test_while_a_backfill_runs_no_other_evaluates_its_days(watched):
    put_baseline(ENDPOINT, watched.start)
    watched.cloud.turn(to=watched.start + timedelta(days=5, minutes=20))
    context = quality_backfill.context_of(ENTRY, watched.start)
    day = rows_of(watched.start, BAD)
    capture_day(ENDPOINT, day, hours=4)
    label_day(ENDPOINT, day, day.start + DAY)
    look_at(watched, 5.1)
    assert verdicts() == {}
    assert len(list(quality_backfill.evaluate_days(context, watched.start))) == 2
    assert mails(watched) == []


def upload(stage, name: str, content: str) -> str:
    key = f"ground-truth/{ENDPOINT}/{name}"
    boto3.client("s3").put_object(Bucket=stage.bucket, Key=key, Body=content.encode())
    return key


def label_parts() -> dict[str, bytes]:
    bucket = stage_stores().bucket
    found = bucket.list_objects(f"labels/{ENDPOINT}/")
    return {one.key: bucket.get(one.key) for one in found if not {"days", "ids"} & set(one.key.split("/"))}


def test_label_parts_are_those_of_the_function_and_made_once(watched):
    for number, content in enumerate(("a,1\nb,0\n", "c,1\nd,nonsense\n", "nothing\n", "")):
        upload(watched, f"{number}.csv", content)
        watched.cloud.settle()
        watched.cloud.turn(minutes=1)
    expected = label_parts()
    assert len(expected) == 3
    for key in expected:
        stage_stores().bucket.delete(key)
    now = watched.cloud.clock.now()
    found = quality_backfill.backlog(ENTRY, watched.start + timedelta(hours=9), now)
    assert [one.key[-5:] for one in found.objects] == ["0.csv", "1.csv", "2.csv"]
    counts = quality_backfill.process_labels(found, ENTRY)
    assert (counts.outcomes, counts.rows, counts.rejected) == ({"created": 3}, 3, 2)
    assert label_parts() == expected
    again = quality_backfill.backlog(ENTRY, watched.start, now)
    assert (again.objects, again.have) == ((), 3)
    assert quality_backfill.backlog(ENTRY, now + DAY, now).objects == ()


def test_the_command_reads_captures_and_labels_and_evaluates_the_days(watched, monkeypatch):
    watched.cloud.bus.backend = None  # no function reads them
    put_baseline(ENDPOINT, watched.start)
    day = rows_of(watched.start, BAD, rows=400)
    content = b"".join(
        line(side("1,2"), side(repr(float(score))), eventId=f"e{number}") for number, score in enumerate(day.scores)
    )
    key = f"data-capture/{ENDPOINT}/AllTraffic/{watched.start:%Y/%m/%d}/03/10-00-000-x.jsonl"
    boto3.client("s3").put_object(Bucket=watched.bucket, Key=key, Body=content)
    watched.cloud.turn(hours=20)
    upload(watched, "a.csv", "".join(f"e{number},{label}\n" for number, label in enumerate(day.labels)))
    watched.cloud.turn(to=watched.start + timedelta(days=6))
    counted = watched.done("backfill", ENDPOINT, "--from", "7d", "--dry-run")
    assert "Found 1 label object (0.0 MB) to process; 0 already have a label part and are skipped." in counted
    said = watched.done("backfill", ENDPOINT, "--from", "7d", "--yes")
    assert "Label parts: 1 created. They hold 400 labels; 0 were rejected." in said
    assert "Days of model quality: 1 evaluated: 1 Violations." in said
    answer = watched.answer("backfill", ENDPOINT, "--from", "7d", "--yes")
    assert (answer["parts"], answer["labels"], answer["days"]) == ({}, {}, {})
    assert "1 day of model quality" in watched.run("replay", ENDPOINT, "--quality", "--from", "7d").output


def test_without_a_baseline_of_model_quality_the_command_says_so(watched):
    said = watched.done("backfill", ENDPOINT, "--from", "7d", "--yes")
    assert "No day was evaluated: there is no baseline of model quality" in said
    assert isinstance(quality_backfill.context_of(ENTRY, watched.start), Skipped)
    assert run_of(ENDPOINT).stores.checkpoints.quality(ENDPOINT)[0] is None


def test_labels_that_may_not_be_read_are_named_after_all_others(watched, monkeypatch):
    watched.cloud.bus.backend = None
    put_baseline(ENDPOINT, watched.start)
    refused = upload(watched, "0.csv", "a,1\n")
    upload(watched, "1.csv", "b,1\n")
    known = watched.cloud.router.validators["s3", "*"]

    def validate(request, operation):
        if operation.path_parameters.get("Key") == refused:
            raise AwsError("AccessDenied", "Access Denied", 403)
        return known(request, operation)

    monkeypatch.setitem(watched.cloud.router.validators, ("s3", "GetObject"), validate)
    sentence = watched.refused("backfill", ENDPOINT, "--from", "7d", "--yes")
    assert sentence == f"s3://{watched.bucket}/{refused}: access is denied"
    assert len(label_parts()) == 1


def test_a_place_of_labels_that_is_not_there_is_one_sentence(watched):
    user_actions.apply_fleet(FleetEntry(endpoint=ENDPOINT, quality=SETTINGS))
    assert "s3://l" in watched.refused("backfill", ENDPOINT, "--from", "7d", "--yes")


def test_days_are_windows_of_a_day(days):
    """The window of an evaluated day is what `show --window quality/DAY` names."""
    days.cloud.turn(to=days.start + timedelta(days=4, minutes=20))
    assert {one.window for one in backfilled(days)} == {Window(days.start + number * DAY, DAY) for number in range(3)}

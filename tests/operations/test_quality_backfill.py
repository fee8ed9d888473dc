"""The past of model quality: the label parts of the functions, and joins from which the same days are evaluated."""

from datetime import timedelta

import boto3
import numpy as np
import pytest
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.records import FleetEntry
from chalicelib.services import quality_monitoring
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
QUALITY = replace(SETTINGS, ground_truth=())
ENTRY = FleetEntry(endpoint=ENDPOINT, mode="alert", quality=QUALITY)
NOTHING = quality_backfill.LabelBacklog((), 0)


@pytest.fixture
def watched(stage):
    """A stage whose timers are still, with the endpoint in its fleet, at the beginning of a day."""
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


def backfilled(stage, number: float = 0, found=NOTHING) -> int:
    """How many joins a backfill makes, from so many days after the start on."""
    return quality_backfill.process(found, ENTRY, QUALITY, stage.start + number * DAY)[1]


def executions() -> list[str]:
    return [key for key in stored_days(ENDPOINT) if key.endswith(EXECUTION)]


def forget_verdicts() -> None:
    """Erase the evaluated days, and that they were evaluated."""
    for key in stored_days(ENDPOINT):
        stage_stores().bucket.delete(key)
    stage_stores().checkpoints.table.delete(f"endpoint#{ENDPOINT}", "quality")


def reads(stage) -> int:
    """How many parts of predictions and labels were read since the recorder was cleared."""
    keys = [one.parameters["Key"] for one in stage.cloud.recorder.calls if one.operation == "GetObject"]
    stage.cloud.recorder.clear()
    return sum(key.startswith("predictions/") or key.endswith(("-a.csv", "-b.csv")) for key in keys)


def mails(stage) -> list[str]:
    return [mail.attributes["kind"] for mail in stage.cloud.mailbox.mails if mail.attributes["kind"] != "endpoint gone"]


def test_the_days_are_those_that_are_evaluated_day_by_day_and_their_parts_are_not_read_again(days):
    """In mode observe, since a page shows what its violations were alerted of."""
    user_actions.apply_fleet(replace(ENTRY, mode="observe"))
    for number in range(2, 13):
        look_at(days, number)
    expected = stored_days(ENDPOINT)
    assert len(executions()) == 16
    forget_verdicts()
    assert backfilled(days) == 16
    assert backfilled(days) == 0
    days.cloud.recorder.clear()
    look_at(days, 12.1)
    assert reads(days) == 0
    assert stored_days(ENDPOINT) == expected
    assert backfilled(days) == 0, "the looks were made"


def test_a_join_is_made_anew_when_a_part_has_come_since(days):
    days.cloud.turn(to=days.start + timedelta(days=12, minutes=20))
    backfilled(days)
    label_day(ENDPOINT, rows_of(days.start), days.start + timedelta(days=2, hours=1), name="c")
    look_at(days, 12)
    final = run_of(ENDPOINT).stores.executions.latest_of_window(
        ENDPOINT, "AllTraffic", quality_backfill.day_of(days.start), of_quality=True
    )
    assert final.part_count == 4 + 3
    assert final.labels.is_final


def test_days_of_an_outage_are_alerted_on_as_always(days):
    """`run_monitoring` works until day 5 and then not for three days, of which a person fills in the past."""
    look_at(days, 5.1)
    before = len(mails(days))
    days.cloud.turn(to=days.start + timedelta(days=8, minutes=20))
    backfilled(days, 5)
    look_at(days, 8.01)
    with_backfill = mails(days)[before:]
    assert with_backfill, "day 6 is bad"


def test_a_baseline_may_come_later(watched):
    watched.cloud.turn(to=watched.start + timedelta(days=5, minutes=20))
    look_at(watched, 5.1)  # as soon as there is a quality table: nothing is there yet
    day = rows_of(watched.start, BAD)
    capture_day(ENDPOINT, day, hours=4)
    label_day(ENDPOINT, day, day.start + DAY)
    assert backfilled(watched) == 1, "both looks have the same labels"
    look_at(watched, 5.2)
    assert executions() == []
    put_baseline(ENDPOINT, watched.start)
    look_at(watched, 5.3)
    assert len(executions()) == 2


def test_labels_of_days_before_the_beginning_count_too(days):
    for number in range(2, 13):
        look_at(days, number)
    assert len(executions()) == 16
    label_day(ENDPOINT, rows_of(days.start), days.start + timedelta(days=3, hours=23), name="late")
    assert backfilled(days, 3.5) == 1
    look_at(days, 12.1)
    assert len(executions()) == 17


def test_a_backfill_that_died_is_completed_by_the_next_one(days):
    days.cloud.turn(to=days.start + timedelta(days=13, minutes=20))
    died = 0
    for k in (1, 2, 3, 7, 20):
        days.cloud.faults.add("crash_after", "s3", "PutObject", k=k)
        try:
            backfilled(days)
        except Crash:
            died += 1
        days.cloud.faults.clear()
    assert died >= 4
    backfilled(days)
    days.cloud.recorder.clear()
    look_at(days, 13.1)
    assert reads(days) == 0
    assert len(executions()) == 16


def upload(stage, name: str, content: str) -> str:
    key = f"ground-truth/{ENDPOINT}/{name}"
    boto3.client("s3").put_object(Bucket=stage.bucket, Key=key, Body=content.encode())
    return key


def label_parts() -> dict[str, bytes]:
    bucket = stage_stores().bucket
    found = bucket.list_objects(f"labels/{ENDPOINT}/")
    return {one.key: bucket.get(one.key) for one in found if not {"days", "ids", "joined"} & set(one.key.split("/"))}


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
    found = quality_backfill.backlog(ENTRY, QUALITY, watched.start, now)
    assert [one.key[-5:] for one in found.objects] == ["0.csv", "1.csv", "2.csv"]
    counts, _ = quality_backfill.process(found, ENTRY, QUALITY, watched.start)
    assert (counts.outcomes, counts.rows, counts.rejected) == ({"created": 3}, 3, 2)
    assert label_parts() == expected
    again = quality_backfill.backlog(ENTRY, QUALITY, watched.start, now)
    assert (again.objects, again.have) == ((), 3)
    assert quality_backfill.backlog(ENTRY, QUALITY, now + DAY, now).objects == ()


def test_a_label_object_that_was_denied_and_is_read_by_a_backfill_is_no_longer_remembered(watched, monkeypatch):
    refused = upload(watched, "0.csv", "a,1\n")
    with monkeypatch.context() as patched:
        _refuse(watched, patched, refused)
        watched.cloud.settle()
    assert len(stage_stores().unreadable_labels.get(ENDPOINT)[0].objects) == 1
    now = watched.cloud.clock.now()
    quality_backfill.process(quality_backfill.backlog(ENTRY, QUALITY, watched.start, now), ENTRY, QUALITY, now)
    watched.cloud.turn(hours=1)
    watched.cloud.invoke("sweep", watched.cloud.scheduled_event("vedette-local-sweep"))
    watched.cloud.settle()
    assert stage_stores().unreadable_labels.get(ENDPOINT)[0].objects == ()


def _refuse(stage, monkeypatch, key: str) -> None:
    known = stage.cloud.router.validators["s3", "*"]

    def validate(request, operation):
        if operation.path_parameters.get("Key") == key:
            raise AwsError("AccessDenied", "Access Denied", 403)
        return known(request, operation)

    monkeypatch.setitem(stage.cloud.router.validators, ("s3", "GetObject"), validate)


def test_the_command_reads_captures_and_labels_and_joins_whole_days(watched):
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
    watched.cloud.turn(to=watched.start + timedelta(days=6, hours=5))
    since = ("--from", f"{watched.start:%Y-%m-%dT}05:00")  # in the middle of the day
    counted = watched.done("backfill", ENDPOINT, *since, "--dry-run")
    assert "Found 1 label object (0.0 MB) to process; 0 already have a label part and are skipped." in counted
    assert watched.answer("backfill", ENDPOINT, *since, "--dry-run")["labels_waiting"] == 1
    said = watched.done("backfill", ENDPOINT, *since, "--yes")
    assert "In mode alert it alerts on them as on new days." in said
    assert "Parts: 1 created. They hold 400 rows" in said
    assert "Label parts: 1 created. They hold 400 labels; 0 were rejected." in said
    assert "Joins of predictions and labels: 1 created." in said
    answer = watched.answer("backfill", ENDPOINT, *since, "--yes")
    assert (answer["parts"], answer["labels"], answer["joined"]) == ({}, {}, 0)
    look_at(watched, 6.3)
    assert len(executions()) == 2
    assert "1 day of model quality" in watched.run("replay", ENDPOINT, "--quality", "--from", "7d").output


def test_labels_that_may_not_be_read_are_named_after_all_others(watched, monkeypatch):
    watched.cloud.bus.backend = None
    refused = upload(watched, "0.csv", "a,1\n")
    upload(watched, "1.csv", "b,1\n")
    _refuse(watched, monkeypatch, refused)
    sentence = watched.refused("backfill", ENDPOINT, "--from", "7d", "--yes")
    assert sentence == f"s3://{watched.bucket}/{refused}: access is denied"
    assert len(label_parts()) == 1


def test_a_place_of_labels_that_is_not_there_is_named_after_all_captures(watched):
    watched.cloud.bus.backend = None
    user_actions.apply_fleet(FleetEntry(endpoint=ENDPOINT, quality=SETTINGS))
    key = f"data-capture/{ENDPOINT}/AllTraffic/{watched.start - DAY:%Y/%m/%d}/03/10-00-000-x.jsonl"
    boto3.client("s3").put_object(Bucket=watched.bucket, Key=key, Body=line(side("1,2"), side("0.5")))
    assert "s3://l" in watched.refused("backfill", ENDPOINT, "--from", "7d", "--yes")
    assert len(list(stage_stores().bucket.list_objects(f"parts/{ENDPOINT}/"))) == 1

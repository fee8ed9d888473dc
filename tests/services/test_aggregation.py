"""Roll-ups: each part counts once, whatever was rolled up, when, and how often."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import msgspec
import pytest

from chalicelib import locations
from chalicelib.aws.s3 import Bucket
from chalicelib.capture.summary import summarize
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.measurement import Checks
from chalicelib.endpoint_run import stage_stores
from chalicelib.events import DataCaptured
from chalicelib.parts import Part
from chalicelib.records import FleetEntry
from chalicelib.services import aggregation, execution_recording
from chalicelib.services.capture_processing import ProcessedObject, process
from chalicelib.services.execution_recording import Evaluated
from chalicelib.stores.baselines import VersionedBaseline
from chalicelib.window import Window
from tests.runs import run_of_entry

HOUR = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = HOUR + timedelta(minutes=20)
SITE = FleetEntry(endpoint="site")


def rolled_up() -> int:
    """How many roll-ups are written at NOW."""
    run = replace(run_of_entry(SITE), now=NOW)
    keys = run.stores.parts.keys("site", "AllTraffic", aggregation.first_slot(NOW), NOW)
    return aggregation.roll_up(run, "AllTraffic", keys)


def put_part(second: int, minute: int = 0) -> str:
    key = f"data-capture/site/AllTraffic/2026/03/02/09/{minute:02d}-{second:02d}-000-x.jsonl"
    capture = locations.capture_key(key)
    line = b'{"captureData": {"endpointInput": {"data": "%d,2", "encoding": "CSV"}}}' % second
    part = Part(
        endpoint="site",
        variant="AllTraffic",
        bucket="b",
        key=key,
        etag="e",
        size=len(line),
        begun=capture.begun,
        summary=summarize([line]),
    )
    stage_stores().parts.put(capture, part)
    return locations.part(capture)


@pytest.fixture
def reads(world, monkeypatch):
    seen = []
    get = Bucket.get_record
    monkeypatch.setattr(Bucket, "get_record", lambda self, kind, key: (seen.append(key), get(self, kind, key))[1])
    return seen


def window(minutes: int = 60):
    keys = stage_stores().parts.keys("site", "AllTraffic", HOUR, HOUR + timedelta(minutes=minutes))
    return aggregation.window_sum(run_of_entry(SITE), "AllTraffic", keys).summary


def test_a_window_reads_its_roll_ups_and_the_parts_that_came_later(reads):
    for second in range(30):
        put_part(second)
    whole = window()
    assert rolled_up() == 1
    late = put_part(45)
    reads.clear()
    summed = window()
    assert reads == ["rollups/site/AllTraffic/2026/03/02/09/00.json", late]
    assert (summed.rows, whole.rows) == (31, 30)
    assert summed.tables[0].columns[0].moments.sum == sum(range(30)) + 45


def test_a_roll_up_is_written_once_and_names_its_parts(world):
    keys = tuple(put_part(second) for second in range(25))
    assert rolled_up() == 1
    put_part(40)
    assert rolled_up() == 0
    (rolled,) = stage_stores().parts.rollups("site", "AllTraffic", [HOUR])
    assert (rolled.parts, rolled.summary.rows) == (keys, 25)
    assert not stage_stores().parts.put_rollup(rolled)


def test_few_parts_and_parts_that_may_still_come_are_not_rolled_up(world):
    for second in range(19):
        put_part(second)
        put_part(second, minute=16)
    put_part(20, minute=16)
    assert rolled_up() == 0


def test_a_roll_up_that_reaches_beyond_the_window_is_left(world):
    for second in range(25):
        put_part(second)
        put_part(second, minute=3)
    assert rolled_up() == 1
    assert window(minutes=2).rows == 25
    assert window().rows == 50


def test_an_object_overwritten_after_it_was_summarized_keeps_its_part(world):
    rolled = put_part(7)
    capture = locations.capture_key("data-capture/site/AllTraffic/2026/03/02/09/00-07-000-x.jsonl")
    newer = DataCaptured(
        world.bucket, "data-capture/site/AllTraffic/2026/03/02/09/00-07-000-x.jsonl", "new", 9, capture
    )
    before = stage_stores().bucket.get(rolled)
    answer = process(run_of_entry(SITE), newer)
    assert isinstance(answer, ProcessedObject)
    assert not answer.created
    assert stage_stores().bucket.get(rolled) == before


def test_the_functions_roll_up_and_read_back(world):
    world.deployed()
    begun = world.cloud.clock.now().replace(minute=10)
    line = b'{"captureData": {"endpointInput": {"data": "1,2", "encoding": "CSV"}, "endpointOutput": {"data": "0.5"}}}'

    def captured(minute: int, second: int) -> None:
        key = f"data-capture/preferred-site/AllTraffic/{begun:%Y/%m/%d/%H}/{minute:02d}-{second:02d}-000-x.jsonl"
        boto3.client("s3").put_object(Bucket=world.bucket, Key=key, Body=line)

    for second in range(25):
        captured(11, second)
    world.cloud.turn(minutes=15)
    assert world.keys("rollups/") == [f"rollups/preferred-site/AllTraffic/{begun:%Y/%m/%d/%H}/10.json"]
    world.cloud.turn(to=begun + timedelta(hours=1, minutes=20))
    captured(50, 0)  # too late for run_monitoring; the sweep evaluates the window again
    world.cloud.turn(minutes=30)
    evaluated = [key for key in world.keys("monitoring/") if key.endswith("/execution.json")]
    assert {stage_stores().executions.get(key.removesuffix("execution.json")).rows for key in evaluated} >= {25, 26}


# --- what an execution names ------------------------------------------------------------------------------------------


def execution_of(added: aggregation.WindowSum):
    """The record of the hour that was added up."""
    run = run_of_entry(SITE)
    baseline = VersionedBaseline("v1", Baseline(constraints=Constraints({"version": 0.0, "features": []})))
    evaluation = evaluate(added.summary, baseline.content, checks=Checks.HARD)
    evaluated = Evaluated("AllTraffic", Window(HOUR, timedelta(hours=1)), added, evaluation, baseline)
    return execution_recording.execution_of(run, evaluated, "monitoring/x/", "1", closed=True)


def added_up() -> aggregation.WindowSum:
    keys = stage_stores().parts.keys("site", "AllTraffic", HOUR, HOUR + timedelta(hours=1))
    return aggregation.window_sum(run_of_entry(SITE), "AllTraffic", keys)


def test_an_execution_names_its_roll_ups_and_the_parts_outside_them_and_is_added_up_from_these(world):
    for second in range(30):
        put_part(second)
    rolled_up()
    late = put_part(45)
    added = added_up()
    execution = execution_of(added)
    assert execution.rollups == ("rollups/site/AllTraffic/2026/03/02/09/00.json",)
    assert (execution.parts, execution.part_count) == ((late,), 31)
    put_part(50)
    assert aggregation.execution_summary(run_of_entry(SITE), execution).rows == 31
    assert execution.used(added.all_parts)
    assert not execution.used(added_up().all_parts)


def test_of_too_many_parts_the_first_are_named_and_all_are_in_the_digest(world, monkeypatch):
    monkeypatch.setattr(execution_recording, "MAX_NAMED_PARTS", 3)
    for second in range(10):
        put_part(second)
    execution = execution_of(added_up())
    assert (len(execution.parts), execution.part_count) == (3, 10)
    assert aggregation.execution_summary(run_of_entry(SITE), execution).rows == 10
    put_part(50)
    assert aggregation.execution_summary(run_of_entry(SITE), execution) is None, "its parts are not known any more"


def test_a_record_of_an_earlier_version_names_every_part(world):
    keys = tuple(put_part(second) for second in range(3))
    earlier = msgspec.structs.replace(execution_of(added_up()), parts_digest="", part_count=0)
    assert (earlier.used(keys), earlier.used(keys[:2])) == (True, False)
    assert aggregation.execution_summary(run_of_entry(SITE), earlier).rows == 3

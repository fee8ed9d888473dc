"""Roll-ups of the past: of minutes with many parts, once, and after all parts."""

from datetime import timedelta

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import records
from chalicelib.endpoint_run import stage_stores
from chalicelib.parts import RollUp
from chalicelib.records import FleetEntry
from chalicelib.services.aggregation import ROLLUP_MIN_PARTS
from tests.capture.captures import line, side
from vedette.local.errors import AwsError
from vedette.operations import backfill, past_objects
from vedette.operations.backfill import Backlog
from vedette.operations.past_objects import Counts
from vedette.spark import slices

CHURN = FleetEntry(endpoint="churn")


@pytest.fixture
def captured(stage):
    """Puts objects of two rows each, begun some time ago."""

    def put(ago: timedelta, number: int, variant: str = "blue") -> None:
        begun = stage.cloud.clock.now() - ago
        for name in range(number):
            key = f"data-capture/churn/{variant}/{begun:%Y/%m/%d/%H/%M}-00-000-n{name}.jsonl"
            boto3.client("s3").put_object(Bucket=stage.bucket, Key=key, Body=line(side("1,2"), side("0.5")) * 2)

    stage.cloud.bus.backend = None  # no function reads them
    stage.cloud.schedules_enabled = False
    return put


def missing(stage) -> Backlog:
    now = stage.cloud.clock.now()
    return backfill.backlog(CHURN, now - timedelta(days=1), now)


def rollups() -> list[RollUp]:
    bucket = stage_stores().bucket
    return [records.read(RollUp, bucket.get(one.key), one.key) for one in bucket.list_objects("rollups/churn/")]


def test_minutes_with_many_objects_get_a_roll_up(stage, captured):
    captured(timedelta(hours=5), ROLLUP_MIN_PARTS)
    captured(timedelta(hours=4), ROLLUP_MIN_PARTS - 1)
    captured(timedelta(hours=4), ROLLUP_MIN_PARTS, "green")
    counts = backfill.process(missing(stage), CHURN)
    assert (counts.outcomes, counts.rows, counts.rollups) == ({"created": 3 * ROLLUP_MIN_PARTS - 1}, 118, 2)
    found = rollups()
    assert [(one.variant, len(one.parts), one.summary.rows) for one in found] == [("blue", 20, 40), ("green", 20, 40)]
    assert missing(stage) == Backlog((), 3 * ROLLUP_MIN_PARTS - 1)


def test_a_run_that_was_cut_short_before_its_roll_ups_writes_them_later(stage, captured):
    captured(timedelta(hours=5), ROLLUP_MIN_PARTS)
    list(backfill.create_parts(CHURN, missing(stage).objects))
    answer = stage.answer("backfill", *_applied(stage), "--from", "1d", "--yes")
    assert (answer["waiting"], answer["parts"], answer["rollups"]) == (0, {}, 1)
    assert "Roll-ups" not in stage.done("backfill", "churn", "--from", "1d", "--yes")


def _applied(stage) -> tuple[str]:
    from vedette.demo import user_actions

    user_actions.apply_fleet(CHURN)
    return ("churn",)


def test_a_part_that_came_after_its_roll_up_changes_no_roll_up(stage, captured):
    captured(timedelta(hours=5), ROLLUP_MIN_PARTS)
    backfill.process(missing(stage), CHURN)
    captured(timedelta(hours=5), ROLLUP_MIN_PARTS + 1)
    counts = backfill.process(missing(stage), CHURN)
    assert (counts.outcomes, counts.rollups) == ({"created": 1}, 0)
    assert [len(one.parts) for one in rollups()] == [ROLLUP_MIN_PARTS]


def test_objects_that_cannot_be_read_do_not_count_for_a_roll_up(stage, captured):
    captured(timedelta(hours=5), ROLLUP_MIN_PARTS)
    found = missing(stage)
    boto3.client("s3").delete_object(Bucket=stage.bucket, Key=found.objects[0].key)
    counts = backfill.process(found, CHURN)
    assert (counts.outcomes, counts.rollups) == ({"created": ROLLUP_MIN_PARTS - 1, "object gone": 1}, 0)


@pytest.fixture
def refuse(stage, monkeypatch):
    """Let S3 refuse the objects whose key a function chooses."""

    def refused(chosen) -> None:
        known = stage.cloud.router.validators["s3", "*"]

        def validate(request, operation):
            if chosen(operation.path_parameters.get("Key", "")):
                raise AwsError("AccessDenied", "Access Denied", 403)
            return known(request, operation)

        monkeypatch.setitem(stage.cloud.router.validators, ("s3", "GetObject"), validate)

    return refused


def test_an_object_that_may_not_be_read_stands_in_no_ones_way(stage, captured, refuse):
    _applied(stage)
    captured(timedelta(hours=5), ROLLUP_MIN_PARTS + 2)
    refuse(lambda key: key.startswith("data-capture/") and key.endswith(("n0.jsonl", "n1.jsonl")))
    sentence = stage.refused("backfill", "churn", "--from", "1d", "--yes")
    assert sentence.startswith(f"s3://{stage.bucket}/data-capture/churn/blue/")
    assert sentence.endswith("00-000-n0.jsonl: access is denied, and to 1 other object")
    assert len(rollups()[0].parts) == ROLLUP_MIN_PARTS
    assert len(missing(stage).objects) == 2


def test_a_source_that_gives_nothing_is_not_asked_for_all(stage, captured, refuse, monkeypatch):
    monkeypatch.setattr(past_objects, "MAX_DENIED", 3)
    captured(timedelta(hours=5), 30)
    refuse(lambda key: key.startswith("data-capture/"))
    counts = backfill.process(missing(stage), CHURN)
    assert (counts.outcomes, len(counts.denied), counts.rollups) == ({"object denied": 3}, 3, 0)


def test_counts_add_up():
    assert Counts.total([]) == Counts()
    one, two = Counts({"created": 2}, 10, 1, 99), Counts({"created": 1, "object gone": 1}, 5, 0, 1, 3)
    assert Counts.total([one, two]) == Counts({"created": 3, "object gone": 1}, 15, 1, 100, 3)
    assert Counts.total([Counts(denied=("a",)), one, Counts(denied=("b",))]).denied == ("a", "b")


@given(st.lists(st.integers(0, 1 << 31), max_size=60), st.integers(1, 8))
def test_slices_hold_each_item_once_and_are_about_equal(sizes, cores):
    items = list(enumerate(sizes))
    found = slices.slices(items, lambda item: item[1], cores)
    assert sorted(item for one in found for item in one) == items
    assert all(one == sorted(one) for one in found)
    loads = [sum(size + slices.OPEN_COST_BYTES for _, size in one) for one in found]
    assert loads == sorted(loads, reverse=True)
    if sizes:
        assert len(found) >= min(len(items), cores)
        assert max(loads) <= sum(loads) / len(found) + max(sizes) + slices.OPEN_COST_BYTES

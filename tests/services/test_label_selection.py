"""A day of predictions is joined to the label parts that concern it; S3 calls grow with the days touched."""

from collections import Counter
from datetime import timedelta

import boto3
import pytest

from chalicelib.services import label_selection
from chalicelib.window import DAY, open_window
from tests.runs import run_of
from tests.services.conftest import ENDPOINT
from tests.services.labelled_endpoint import LABELLED, capture, record, upload

DAYS, FILES = 6, 4  # label files of each day


@pytest.fixture
def labelled(world):
    """Predictions of six days; the labels of a day come on the day after, in four files."""
    world.apply(LABELLED)
    world.cloud.schedules_enabled = False
    world.first = world.cloud.clock.now()
    for day in range(DAYS):
        for number in range(FILES):
            capture(world, [record(100 * day + number, 0.5)], number=number)
            if day:
                upload(world, f"{day}/{number}.csv", f"e{100 * (day - 1) + number},1\n")
        world.cloud.turn(hours=24)
    world.cloud.recorder.clear()
    return world


def selected(world, number: int) -> tuple[str, ...]:
    """The label parts of the n-th day of predictions, until now."""
    run = run_of()
    day = open_window(1440, world.first + number * DAY)
    keys = run.quality_parts.prediction_keys(ENDPOINT, "AllTraffic", day.start, day.end)
    assert len(keys) == FILES
    return label_selection.label_keys_of_day(run, "AllTraffic", day, keys, world.cloud.clock.now())


def calls(world) -> Counter[str]:
    counted = Counter(call.operation for call in world.cloud.recorder.calls if call.service == "s3")
    world.cloud.recorder.clear()
    return counted


def test_a_day_has_the_label_parts_that_hold_its_ids_and_no_others(labelled):
    run = run_of()
    for number in range(DAYS - 1):
        keys = selected(labelled, number)
        arrived = (labelled.first + (number + 1) * DAY).date()
        assert [part.last_modified.date() for part in run.quality_parts.read_labels(keys)] == [arrived] * FILES


def test_each_day_of_arrival_is_indexed_once_and_then_costs_one_read(labelled):
    selected(labelled, 0)
    first = calls(labelled)
    assert first["PutObject"] == DAYS  # the ids of the day, and five days of arrival
    assert first["GetObject"] == 1 + FILES + 1 + (DAYS - 1) * (1 + FILES)
    selected(labelled, 0)
    again = calls(labelled)
    assert (again["PutObject"], again["GetObject"]) == (0, 1 + 1 + DAYS - 1)
    selected(labelled, 1)  # an index serves every day of predictions
    other = calls(labelled)
    assert (other["PutObject"], other["GetObject"]) == (1, 1 + FILES + 1 + DAYS - 1)


def test_a_label_part_that_comes_late_is_seen(labelled):
    before = selected(labelled, 3)
    labelled.cloud.bus.delay(timedelta(hours=30))
    upload(labelled, "late.csv", "e300,0\ne301,0\n")
    labelled.cloud.turn(hours=24)
    assert selected(labelled, 3) == before
    labelled.cloud.turn(hours=7)
    assert len(selected(labelled, 3)) == len(before) + 1


def test_an_index_is_not_stored_in_the_name_of_a_part_that_is_gone(labelled):
    run = run_of()
    keys = run.quality_parts.label_keys(ENDPOINT, labelled.first, labelled.cloud.clock.now())
    boto3.client("s3").delete_object(Bucket=labelled.bucket, Key=keys[0])
    with pytest.raises(Exception, match="1 parts of model quality were deleted since they were listed"):
        run.quality_parts.label_day(ENDPOINT, labelled.first, keys)
    assert not labelled.keys(f"labels/{ENDPOINT}/{LABELLED.quality.form}/days/")


def test_no_predictions_cost_nothing(labelled):
    day = open_window(1440, labelled.first)
    assert label_selection.label_keys_of_day(run_of(), "AllTraffic", day, (), labelled.first + DAY) == ()
    assert calls(labelled)["ListObjectsV2"] == 0

"""An endpoint's activity is seldom written, by however many processes, and late parts stay in it until a sweep."""

from datetime import timedelta

import pytest

from chalicelib.aws.dynamodb import Table
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import Activity
from chalicelib.services import activity
from chalicelib.stores.parts import ACTIVE_FOR, ActivityStore
from tests.runs import run_of
from tests.services.conftest import ENDPOINT

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def stored() -> Activity:
    return stage_stores().activity.get(ENDPOINT)[0]


def revision() -> int:
    return stage_stores().activity.get(ENDPOINT)[1]


@pytest.mark.parametrize("record", [ActivityStore.record_part, ActivityStore.record_violation])
def test_many_processes_write_once_in_some_minutes(world, record):
    now = world.cloud.clock.now()
    for number in range(20):
        record(stage_stores().activity, ENDPOINT, now + number * timedelta(seconds=1))
    assert revision() == 1
    record(stage_stores().activity, ENDPOINT, now + 6 * MINUTE)
    assert revision() == 2
    if record is ActivityStore.record_part:
        assert stored().active_until == now + 6 * MINUTE + ACTIVE_FOR


def test_late_parts_are_over_when_a_sweep_has_seen_them_although_others_were_created_meanwhile(world):
    now = world.cloud.clock.now()
    stage_stores().activity.record_late(ENDPOINT, now - 5 * HOUR, now)
    run = run_of()
    found = activity.begin_sweep(run)
    stage_stores().activity.record_part(ENDPOINT, now + 30 * MINUTE)
    activity.end_sweep(run, found)
    assert (stored().late_from, stored().active_until) == (None, now + 30 * MINUTE + ACTIVE_FOR)


def test_late_parts_that_come_during_a_sweep_are_left_to_the_next_one(world):
    now = world.cloud.clock.now()
    stage_stores().activity.record_late(ENDPOINT, now - 5 * HOUR, now)
    run = run_of()
    found = activity.begin_sweep(run)
    stage_stores().activity.record_late(ENDPOINT, now - 2 * HOUR, now)  # of a later capture: the time stays
    activity.end_sweep(run, found)
    assert stored().late_from == now - 5 * HOUR


@pytest.mark.parametrize(("theirs", "writes"), [(-3 * HOUR, 2), (-HOUR, 3)])
def test_a_late_part_is_recorded_by_what_another_invocation_records_at_the_same_time(
    world, monkeypatch, theirs, writes
):
    """Only of an earlier capture: the sweep looks back to the earliest."""
    now = world.cloud.clock.now()
    ours, put, calls = stage_stores().activity, Table.put, []

    def after_another(table, *changed):
        calls.append(changed)
        if len(calls) == 1:
            stage_stores().activity.record_late(ENDPOINT, now + theirs, now)
        return put(table, *changed)

    monkeypatch.setattr(Table, "put", after_another)
    ours.record_late(ENDPOINT, now - 2 * HOUR, now)
    assert len(calls) == writes
    assert stored().late_from == min(now + theirs, now - 2 * HOUR)

"""A bounded form of the benchmark: a model that does not change alerts nobody, and a much worse one somebody."""

import pytest

from benchmarks.quality_false_alarms import POWER, WORLDS, power, quiet, tasks


@pytest.mark.parametrize("world", WORLDS)
def test_a_model_that_does_not_change_alerts_nobody_in_two_weeks(world):
    found = quiet(world, 800, 2, seed=31)
    assert found.alerts == 0
    assert found.days == 14


def test_labels_of_frauds_alone_give_no_metric_at_the_delay_and_one_at_the_limit():
    found = quiet("binary, frauds within days, others at the limit", 3_000, 1, seed=32)
    assert found.without_metric == (7, 0)


@pytest.mark.parametrize("kind", POWER)
def test_a_much_worse_model_alerts_within_a_week(kind):
    _, qualities = POWER[kind]
    found = power(kind, min(qualities), seed=33)
    assert found.day is not None
    assert found.day <= 7


def test_every_world_has_small_and_large_endpoints():
    drawn = list(tasks(40, 26, 1))
    assert len(drawn) == 40
    for world in WORLDS:
        rows = [volume for name, volume, _, _ in drawn if name == world]
        assert min(rows) < 1_000 < 10_000 < max(rows)

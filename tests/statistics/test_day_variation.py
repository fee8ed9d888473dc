"""Distances of whole days, left out one by one."""

import math

import numpy as np
import pytest

from chalicelib.statistics.categories import Categories
from chalicelib.statistics.day_variation import between, categorical_days, from_groups, leave_one_out, numeric_days
from chalicelib.statistics.distances import categorical, numerical
from chalicelib.statistics.distribution import Distribution


def day(mean: float, seed: int, rows: int = 2_000) -> Distribution:
    return Distribution.of(np.random.default_rng(seed).normal(mean, 1, rows))


@pytest.mark.parametrize("k", [200, 2048])
def test_a_day_left_out_is_as_far_as_its_distance_from_the_sum_of_the_others(k):
    days = [Distribution.of(np.random.default_rng(seed).normal(seed / 5, 1, 3_000), k) for seed in range(6)]
    expected = [numerical(Distribution.total(days[:i] + days[i + 1 :]), days[i]) for i in range(6)]
    # both read the same sketches, at other points
    assert leave_one_out(numeric_days(days), [0] * 6).tolist() == pytest.approx(expected, abs=0.02)


def test_few_values_are_compared_exactly():
    counts = [{"a": 70, "b": 30}, {"a": 60, "b": 40, "c": 5}, {"a": 10, "b": 90}]
    total = [Categories.total(Categories(counts=one) for one in counts[:i] + counts[i + 1 :]).counts for i in range(3)]
    assert leave_one_out(categorical_days(counts), [0, 0, 0]).tolist() == pytest.approx(
        [categorical(others, own) for others, own in zip(total, counts, strict=True)]
    )


def test_days_are_compared_within_their_group_alone():
    days = numeric_days([day(0, 1), day(0, 2), day(3, 3), day(3, 4)])
    assert leave_one_out(days, [0, 0, 1, 1]).max() < 0.05
    assert leave_one_out(days, [0, 0, 0, 0]).min() > 0.2
    to_second = from_groups(days, [0, 0, 1, 1], 1)
    assert to_second[:2].min() > 0.8
    assert to_second[2:].max() < 0.05


def test_what_cannot_be_compared_is_not_a_number():
    days = numeric_days([day(0, 1), day(0, 2), Distribution()])
    assert [math.isnan(one) for one in leave_one_out(days, [0, 1, 1])] == [True, True, True]
    assert [math.isnan(one) for one in leave_one_out(days, [0, 0, 0])] == [False, False, True]
    assert math.isnan(between(days, [True, True, False]))
    assert math.isnan(leave_one_out(categorical_days([{}, {}]), [0, 0])[0])

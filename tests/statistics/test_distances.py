"""Pearson's test by our own gamma function, against scipy's."""

import random

import pytest
from scipy import stats
from scipy.special import gammaincc

from chalicelib.statistics.distances import chi_squared, upper_gamma


def test_the_upper_gamma_function_is_scipys():
    choose = random.Random(5)
    for _ in range(3000):
        a, x = choose.choice([0.5, 1, 1.5, 2, 5, 10, 31.5, 64]), choose.expovariate(1 / 40)
        assert upper_gamma(a, x) == pytest.approx(float(gammaincc(a, x)), rel=1e-11, abs=1e-290)


def test_the_p_value_is_scipys():
    choose = random.Random(6)
    for _ in range(300):
        names = [f"c{i}" for i in range(choose.randint(2, 12))]
        baseline = {name: choose.randint(100, 900) for name in names}
        current = {name: choose.randint(100, 900) for name in names}
        scale = sum(current.values()) / sum(baseline.values())
        expected = stats.chisquare(
            [current[name] for name in names], [baseline[name] * scale for name in names], sum_check=False
        )
        assert chi_squared(baseline, current) == pytest.approx(float(expected.pvalue), rel=1e-9, abs=1e-290)


def test_under_the_null_a_twentieth_is_below_a_twentieth():
    choose = random.Random(7)
    baseline = {"a": 500, "b": 300, "c": 190, "d": 10}
    names, weights = zip(*baseline.items(), strict=True)
    below = 0
    for _ in range(2000):
        drawn = choose.choices(names, weights, k=400)
        below += chi_squared(baseline, {name: drawn.count(name) for name in names}) < 0.05
    assert 0.03 < below / 2000 < 0.07


def test_small_categories_are_merged_and_unknown_ones_left_out():
    baseline = {"a": 500, "b": 480, "c": 10, "d": 10}
    assert chi_squared(baseline, {"a": 50, "b": 48, "c": 1, "d": 1}) == pytest.approx(1.0)
    assert chi_squared({"a": 50, "b": 50}, {"a": 40, "b": 40, "z": 900}) == pytest.approx(1.0)
    assert chi_squared({"a": 50}, {"a": 40}) is None
    assert chi_squared({}, {"a": 40}) is None

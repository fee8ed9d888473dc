"""Sums of sketches hold every number with its weight: datasketches' own iterator loses weights after some merges."""

import numpy as np
import pytest

from chalicelib.statistics import PART_K
from chalicelib.statistics.distribution import Distribution


def hours(seed):
    """A day of hours, mostly zero: some of them few values, some sketches."""
    random = np.random.default_rng(seed)
    return [
        np.where(random.uniform(size=size) < 0.8, 0.0, random.uniform(1, 2, size))
        for size in random.integers(60, 900, 24)
    ]


@pytest.mark.parametrize("seed", range(40))
def test_the_weights_of_a_sum_are_as_many_as_its_numbers(seed):
    parts = hours(seed)
    whole = np.concatenate(parts)
    values, weights = Distribution.total(Distribution.of(part, PART_K) for part in parts).items()
    assert weights.sum() == len(whole)
    assert (weights > 0).all()
    assert (np.diff(values) > 0).all()
    assert weights[values == 0].sum() / len(whole) == pytest.approx((whole == 0).mean(), abs=0.03)
    for point in (1.2, 1.5, 1.8):
        assert weights[values <= point].sum() / len(whole) == pytest.approx((whole <= point).mean(), abs=0.03)


def test_the_fault_that_this_goes_round_is_still_there():
    """When it is mended, `Distribution.items` may iterate again."""
    from datasketches import kll_doubles_sketch

    wrong = 0
    for seed in range(40):
        merged = kll_doubles_sketch(PART_K)
        for part in hours(seed):
            sketch = kll_doubles_sketch(PART_K)
            sketch.update(part)
            merged.merge(sketch)
        wrong += sum(weight for _, weight in merged) != merged.n
    assert wrong

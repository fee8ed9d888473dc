"""Laws of the axes: round, evenly spaced, and around everything that is drawn."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.pages import axes

numbers = st.floats(-1e12, 1e12).map(lambda value: round(value, 6))


@given(st.lists(numbers, min_size=1, max_size=30))
def test_a_scale_holds_every_value_between_round_and_evenly_spaced_numbers(values):
    found = axes.scale(values).values
    step = found[1] - found[0]
    assert found[0] <= min(values) + 1e-6 * step
    assert found[-1] >= max(values) - 1e-6 * step
    assert 2 <= len(found) <= axes.MAX_INTERVALS + 2
    steps = [high - low for low, high in pairwise(found)]
    assert steps == pytest.approx([step] * len(steps), rel=1e-6)
    digits = step / 10 ** math.floor(math.log10(step * (1 + 1e-9)))
    assert min(abs(digits - factor) for factor in (1, 2, 5, 10)) < 1e-6


def test_a_scale_begins_at_zero_unless_all_values_are_in_its_upper_half():
    assert axes.scale([0.02, 0.3]).values[0] == 0
    assert axes.scale([0.97, 0.99, 1.0]).values[0] > 0.9


@given(st.floats(0.0, 1e-200))
def test_the_smallest_numbers_have_a_scale(value):
    assert 0 <= axes.scale([value]).share(value) <= 1


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=12))
def test_labels_of_bars_fit_beside_each_other(labels):
    found = axes.bar_ticks(labels)
    assert found[0].label == labels[0]
    assert sum(len(tick.label) + 1 for tick in found) <= 1.5 * axes.MAX_LABEL_CHARS + max(map(len, labels)) + 1

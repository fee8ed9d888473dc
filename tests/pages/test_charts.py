"""Laws of what is drawn: shares are those of the data, shapes stay on the paper, and nothing but numbers is in them."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.pages import charts
from chalicelib.pages.charts import Compared, Point
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.distribution import Distribution

values = st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 3)), min_size=1, max_size=300).map(np.array)
shares = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30)


@given(values, values)
def test_the_bars_of_a_distribution_are_all_of_it(before, now):
    bars = charts.compared_numbers(Distribution.of(before, BASELINE_K), Distribution.of(now))
    assert 1 <= len(bars) <= charts.BUCKETS + 4
    assert sum(bar.baseline for bar in bars) == pytest.approx(1)
    assert sum(bar.current for bar in bars) == pytest.approx(1)
    assert len({bar.label for bar in bars}) == len(bars)


def test_a_far_value_does_not_hide_the_others():
    ordinary = np.random.default_rng(1).normal(50, 5, 5000)
    far = np.append(ordinary, [1e9, -1e9])
    bars = charts.compared_numbers(Distribution.of(ordinary, BASELINE_K), Distribution.of(far))
    assert max(bar.current for bar in bars) < 0.5
    assert bars[0].label.startswith("below")
    assert bars[-1].label.endswith("and more")


def test_few_values_have_a_bar_each():
    bars = charts.compared_numbers(Distribution.of(np.array([0.0, 0.0, 1.0])), Distribution.of(np.array([1.0, 7.0])))
    assert bars == [Compared("0", 2 / 3, 0.0), Compared("1", 1 / 3, 0.5), Compared("7", 0.0, 0.5)]


def test_one_side_alone_is_drawn_alone():
    bars = charts.compared_numbers(None, Distribution.of(np.arange(1000.0)))
    assert all(bar.baseline is None for bar in bars)
    assert charts.compared_numbers(None, None) == []
    assert charts.compared_numbers(Distribution(), Distribution()) == []


@given(
    st.dictionaries(st.text(max_size=9), st.integers(1, 1000), max_size=40),
    st.dictionaries(st.text(max_size=9), st.integers(1, 1000), max_size=40),
)
def test_categories_and_the_others_are_all_of_them(before, now):
    bars, others = charts.compared_categories(before, now)
    assert len(bars) <= charts.MAX_CATEGORIES + 1
    every = [bar for _, bar in bars] + ([others] if others else [])
    for counts, position in ((before, 1), (now, 2)):
        if counts:
            assert sum(bar[position] for bar in every) == pytest.approx(1)
        else:
            assert all(bar[position] is None for bar in every)


def on_paper(shape: str, most: float) -> bool:
    """Whether every absolute point lies within the height, as far as the path says it."""
    return all(-1 <= float(y) <= most for y in re.findall(r"[ML][-\d.e+]+ ([-\d.e+]+)", shape))


@given(shares)
def test_shapes_hold_numbers_and_our_own_classes_alone(pairs):
    bars = [Compared("<script>", before, now) for before, now in pairs]
    points = [Point(now, now > 0.5) for _, now in pairs]
    drawn = [
        charts.overlaid_histogram(bars),
        charts.stacked_bar([("integral", before) for before, _ in pairs]),
        charts.line_chart(points, 0.1, list(range(1, len(pairs), 3))),
        charts.horizontal_bar(bars[0], 1.0),
    ]
    for shape in drawn:
        assert re.fullmatch(r'(<path class="[a-z]+" d="[MLHVhvz\d\s.e+-]*"/>)*', shape), shape
        assert on_paper(shape, charts.HEIGHT)


def test_a_window_without_a_value_is_a_gap_in_the_line():
    assert charts.line_chart([Point(1.0), Point(None), Point(1.0)], None, []).count("M") == 2
    assert charts.line_chart([Point(1.0), Point(1.0), Point(1.0)], None, []).count("M") == 1

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
    bars = charts.compared_numbers(Distribution.of(before, BASELINE_K), Distribution.of(now)).bars
    assert 1 <= len(bars) <= charts.BUCKETS + 4
    assert sum(bar.baseline for bar in bars) == pytest.approx(1)
    assert sum(bar.current for bar in bars) == pytest.approx(1)
    assert len({bar.label for bar in bars}) == len(bars)


def test_a_far_value_does_not_hide_the_others():
    ordinary = np.random.default_rng(1).normal(50, 5, 5000)
    far = np.append(ordinary, [1e9, -1e9])
    bars = charts.compared_numbers(Distribution.of(ordinary, BASELINE_K), Distribution.of(far)).bars
    assert max(bar.current for bar in bars) < 0.5
    assert bars[0].label.startswith("below")
    assert bars[-1].label.endswith("and more")


def test_few_values_have_a_bar_each():
    found = charts.compared_numbers(Distribution.of(np.array([0.0, 0.0, 1.0])), Distribution.of(np.array([1.0, 7.0])))
    assert found.bars == (Compared("0", 2 / 3, 0.0), Compared("1", 1 / 3, 0.5), Compared("7", 0.0, 0.5))
    assert [tick.label for tick in found.ticks] == ["0", "1", "7"]


def test_buckets_of_whole_numbers_hold_as_many_numbers_each():
    """2.5 wide, they would hold two and three in turn, and a smooth distribution would look like a comb."""
    now = Distribution.of(np.random.default_rng(1).poisson(30, 5000).astype(float))
    found = charts.compared_numbers(None, now, integral=True)
    inner = [bar.label for bar in found.bars if not bar.label.startswith("below") and not bar.label.endswith("more")]
    sizes = {1 + int(last) - int(first) for first, _, last in (label.partition(" to ") for label in inner)}
    assert sizes == {5}
    assert all(int(tick.label) % 10 == 0 for tick in found.ticks)


@given(values, values, st.booleans())
def test_the_labels_below_the_bars_are_round_and_stand_at_their_edges(before, now, integral):
    found = charts.compared_numbers(Distribution.of(before), Distribution.of(now), integral=integral)
    assert [tick.at for tick in found.ticks] == sorted(tick.at for tick in found.ticks)
    assert all(0 <= tick.at <= 1 for tick in found.ticks)
    if len(found.bars) > charts.MAX_DISTINCT_BARS:
        for tick in found.ticks:
            to_the_right = found.bars[min(round(tick.at * len(found.bars)), len(found.bars) - 1)].label
            to_the_left = found.bars[max(round(tick.at * len(found.bars)) - 1, 0)].label
            assert tick.label in {to_the_right.split()[0], to_the_left.split()[-1]}


@pytest.mark.parametrize("far", [1e-320, 1e-30, 1e30, 8e307])
def test_the_smallest_and_the_largest_numbers_are_drawn(far):
    numbers = np.concatenate([np.linspace(-far, far, 300), np.zeros(3)])
    found = charts.compared_numbers(Distribution.of(numbers, BASELINE_K), Distribution.of(numbers))
    assert sum(bar.current for bar in found.bars) == pytest.approx(1)
    assert charts.overlaid_histogram(found.bars, charts.share_scale(found.bars))


def test_one_side_alone_is_drawn_alone():
    bars = charts.compared_numbers(None, Distribution.of(np.arange(1000.0))).bars
    assert all(bar.baseline is None for bar in bars)
    assert charts.compared_numbers(None, None).bars == ()
    assert charts.compared_numbers(Distribution(), Distribution()).bars == ()


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
    band = (min(pairs[0]), max(pairs[0]))
    drawn = [
        charts.overlaid_histogram(bars, charts.share_scale(bars)),
        charts.stacked_bar([("integral", before) for before, _ in pairs]),
        charts.line_chart(points, 0.1, list(range(1, len(pairs), 3)), charts.line_scale(points, 0.1, band), band),
        charts.horizontal_bar(bars[0], 1.0),
    ]
    for shape in drawn:
        assert re.fullmatch(r'(<path class="[a-z]+" d="[MLHVhvz\d\s.e+-]*"/>)*', shape), shape
        assert on_paper(shape, charts.HEIGHT)


def line(points, threshold=None, band=None):
    return charts.line_chart(points, threshold, [], charts.line_scale(points, threshold, band), band)


def test_a_window_without_a_value_is_a_gap_in_the_line():
    def drawn(*values):
        return re.search(r'class="l" d="([^"]*)"', line([Point(value) for value in values]))[1]

    assert drawn(1.0, None, 1.0).count("M") == 2
    assert drawn(1.0, 1.0, 1.0).count("M") == 1


def test_the_band_reaches_from_the_smallest_to_the_largest_distance_of_the_reference_days():
    shape = line([Point(0.1), Point(0.4)], 0.3, (0.1, 0.2))  # the axis ends at 0.4
    top, bottom = 0.5 * charts.HEIGHT, 0.75 * charts.HEIGHT
    assert f'<path class="r" d="M0 {bottom:g}V{top:g}H{charts.WIDTH}V{bottom:g}z"/>' in shape
    assert 'class="r"' not in line([Point(0.1), Point(0.4)], 0.3)

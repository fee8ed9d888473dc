"""Laws of distributions and their distances."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import UnreadableFile
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.distances import categorical, numerical
from chalicelib.statistics.distribution import MAX_EXACT_VALUES, Distribution

numbers = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 2)), min_size=1, max_size=300).map(np.array)


def expanded(distribution: Distribution) -> list[float]:
    return np.repeat(*distribution.items()).tolist()


@given(numbers)
def test_a_baseline_keeps_every_value(values):
    assert expanded(Distribution.of(values, BASELINE_K)) == sorted(values.tolist())


@given(numbers)
def test_levels_weigh_two_to_the_level(values):
    for k in (8, BASELINE_K):
        distribution = Distribution.of(values, k)
        total = sum(len(level) << depth for depth, level in enumerate(distribution.levels()))
        assert total == len(values)


@pytest.mark.parametrize("k", [100, 130, 1_000])
def test_as_many_values_as_a_sketch_holds_are_one_level(k):
    """Where values are counted (100) and where they are sketched (130 and more distinct ones)."""
    values = np.arange(float(k))
    assert Distribution.of(values, k).levels() == [values.tolist()]
    more = Distribution.of(np.arange(k + 1.0), k).levels()
    assert len(more) > 1 or k == 100
    assert sum(len(level) << depth for depth, level in enumerate(more)) == k + 1


def test_as_many_counted_values_as_fit_are_listed_one_by_one():
    assert Distribution(values=(1.0, 2.0), weights=(3, 1), k=4).levels() == [[1.0, 1.0, 1.0, 2.0]]
    assert Distribution(values=(1.0, 2.0), weights=(4, 1), k=4).levels() == [[2.0], [], [1.0]]


@pytest.mark.parametrize("count", [100, 1_000])  # counted, sketched
def test_quantiles_and_shares_are_exact_where_every_value_is_held(count):
    distribution = Distribution.of(np.arange(1.0, count + 1.0), BASELINE_K)
    assert [distribution.quantile(rank) for rank in (0.01, 0.5, 0.501, 1.0)] == [
        count * 0.01,
        count * 0.5,
        np.ceil(count * 0.501),
        count,
    ]
    edges = [count * 0.2 + 1, count * 0.5 + 1]  # an edge belongs to what is above it
    assert distribution.shares(edges) == pytest.approx([0.2, 0.3, 0.5], abs=1e-12)


def test_a_value_on_an_edge_belongs_to_the_bucket_above_and_the_largest_to_the_last():
    counts = [count for _, _, count in Distribution.of(np.arange(11.0), BASELINE_K).buckets(0.0, 10.0)]
    assert counts == [1] * 9 + [2]


@given(numbers)
def test_buckets_hold_every_value_once(values):
    buckets = Distribution.of(values, BASELINE_K).buckets(values.min(), values.max())
    assert sum(count for _, _, count in buckets) == len(values)
    assert buckets[0][0] == values.min()
    assert buckets[-1][1] == values.max()


@given(numbers)
def test_buckets_are_those_of_numpy(values):
    if len(set(values.tolist())) == 1:
        return
    buckets = Distribution.of(values, BASELINE_K).buckets(values.min(), values.max())
    edges = [lower for lower, _, _ in buckets] + [buckets[-1][1]]
    assert [count for _, _, count in buckets] == np.histogram(values, np.array(edges))[0].tolist()


@given(numbers, numbers)
def test_the_simple_distance_is_the_kolmogorov_smirnov_statistic(x, y):
    found = numerical(Distribution.of(x, BASELINE_K), Distribution.of(y, BASELINE_K), "Simple")
    assert found == pytest.approx(
        scipy.stats.ks_2samp(np.tile(x, 2), np.tile(y, 2), method="asymp").statistic, abs=1e-12
    )


@given(numbers)
def test_nothing_is_far_from_itself(values):
    distribution = Distribution.of(values)
    assert numerical(distribution, distribution, "Simple") == 0.0


@given(numbers, numbers)
def test_robust_takes_off_what_chance_would_show(x, y):
    one, two = Distribution.of(x), Distribution.of(y)
    simple, robust = numerical(one, two, "Simple"), numerical(one, two, "Robust")
    assert robust == pytest.approx(max(0.0, simple - 1.8 * np.sqrt((len(x) + len(y)) / (len(x) * len(y)))))


def test_a_shift_of_large_samples_is_found_from_merged_sketches():
    random = np.random.default_rng(7)
    baseline = Distribution.of(random.normal(size=50_000), BASELINE_K)
    parts = Distribution.total(Distribution.of(random.normal(1.0, size=500)) for _ in range(40))
    assert parts.count == 20_000
    exact = 2 * scipy.stats.norm.cdf(0.5) - 1
    assert numerical(baseline, parts, "Simple") == pytest.approx(exact, abs=0.03)


def test_the_rank_error_of_merged_parts_stays_within_the_sketch_bound():
    values = np.random.default_rng(3).exponential(size=100_000)
    merged = Distribution.total(Distribution.of(part) for part in np.array_split(values, 200))
    for rank in (0.01, 0.25, 0.5, 0.75, 0.99):
        assert (values <= merged.quantile(rank)).mean() == pytest.approx(rank, abs=0.0265)  # 2 x 1.33 % at k = 200


@given(st.dictionaries(st.floats(-100, 100), st.integers(1, 2**40), min_size=1, max_size=200))
def test_weights_of_any_size_keep_their_total(items):
    distribution = Distribution.from_counts(items)
    assert distribution.count == sum(items.values())
    assert len(distribution.items()[0]) < 2_000


@given(numbers, st.lists(st.floats(-50, 50), min_size=1, max_size=9, unique=True))
def test_shares_between_edges_are_those_of_the_numbers_themselves(values, edges):
    edges = sorted(edges)
    counts = np.histogram(values, [-np.inf, *edges, np.inf])[0]
    assert Distribution.of(values).shares(edges) == pytest.approx(counts / len(values), abs=0.03)


def test_exactness_depends_on_the_number_of_distinct_values_alone():
    few = np.arange(float(MAX_EXACT_VALUES))
    assert (Distribution.of(few) + Distribution.of(few)).sketch == b""
    assert (Distribution.of(few) + Distribution.of(few + 0.5)).sketch
    assert Distribution.of(np.arange(MAX_EXACT_VALUES + 1.0)).sketch


def test_a_damaged_sketch_is_said_in_one_sentence():
    with pytest.raises(UnreadableFile, match="damaged"):
        Distribution(sketch=b"junk").items()


def test_categorical_distance_counts_an_absent_category_as_zero():
    assert categorical({"a": 3, "b": 1}, {"c": 4}, "Simple") == 1.0
    assert categorical({"a": 3, "b": 1}, {"b": 1, "a": 3}, "Simple") == 0.0
    assert categorical({}, {"a": 1}) is None

"""The estimate of the number of distinct values: its error, its stored forms, and those of earlier versions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import UnreadableFile
from chalicelib.statistics.categories import MAX_CATEGORIES, Categories
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.hyperloglog import (
    COARSE_MAX_RANK,
    MAX_RANK,
    REGISTERS,
    coarse_union,
    estimate,
    registers_of,
    stored,
    stored_coarse,
    union,
)


def sketched(count: int, seed: int) -> np.ndarray:
    return registers_of(np.random.default_rng(seed).random(count), [])


def test_of_300_sets_of_20_000_values_99_of_100_are_estimated_within_4_percent():
    errors = np.array([estimate(sketched(20_000, seed)) / 20_000 - 1 for seed in range(300)])
    assert (abs(errors) <= 0.04).mean() >= 0.99
    assert abs(errors.mean()) < 0.003  # no bias: three standard errors of a mean of 300


@pytest.mark.parametrize("count", [1, 200, 1_000, 5_000, 10_000, 50_000, 1_000_000])
def test_there_is_no_bias_at_any_size(count):
    assert np.mean([estimate(sketched(count, seed)) for seed in range(5)]) == pytest.approx(count, rel=0.025)


@pytest.mark.parametrize("count", [MAX_CATEGORIES + 1, 1_000, 20_000])
def test_texts_and_numbers_are_estimated_and_added_up(count):
    numbers = ColumnStatistics.of([str(i) for i in range(count)])
    texts = ColumnStatistics.of([f"t{i}" for i in range(count)])
    for column in (numbers, texts):
        assert type(column.categories.distinct) is int
        assert column.categories.distinct == pytest.approx(count, rel=0.05)
    assert (texts + texts).categories == texts.categories
    assert (numbers + texts).categories.distinct == pytest.approx(2 * count, rel=0.05)


@given(st.lists(st.sampled_from([1, 100, 511, 512, 3_000, 20_000]), min_size=1, max_size=4))
def test_stored_sketches_add_up_as_their_values_do(counts):
    parts = [sketched(count, seed) for seed, count in enumerate(counts)]
    assert union([stored(part) for part in parts]).tolist() == np.maximum.reduce(parts).tolist()


def test_the_forms_are_as_short_as_documented():
    few, many = sketched(100, 1), sketched(20_000, 1)
    assert len(stored(few)) == 2 * np.count_nonzero(few)
    assert len(stored(many)) == REGISTERS // 2
    assert stored(few)[:2] == bytes([np.flatnonzero(few)[0] << 4 & 255 | few[few > 0][0], np.flatnonzero(few)[0] >> 4])
    assert stored(many)[7] == many[7] | many[7 + 2048] << 4


def test_full_registers_are_a_large_number_and_not_infinite():
    assert 10**7 < estimate(np.full(REGISTERS, MAX_RANK - 1, dtype=np.uint8)) < 10**9


def coarse(sets: list[np.ndarray]) -> bytes:
    """As earlier versions stored a count of distinct numbers: 512 registers, chosen by 9 bits of the hash."""
    return stored_coarse(coarse_union([], np.maximum.reduce(sets)))


def test_a_count_of_an_earlier_version_is_read_and_added():
    before = Categories(counts=None, coarse_sketch=coarse([sketched(5_000, 1)]))
    assert before.distinct == pytest.approx(5_000, rel=0.15)
    today = Categories(counts=None, sketch=stored(sketched(10_000, 2)))
    both = today + before + Categories(counts={"x": 1})
    assert both.sketch == b""
    assert both.distinct == pytest.approx(15_001, rel=0.15)
    assert both + before == both
    assert estimate(coarse_union([both.coarse_sketch], sketched(0, 1)), COARSE_MAX_RANK) == pytest.approx(
        15_001, rel=0.15
    )


@pytest.mark.parametrize(
    "damaged",
    [
        Categories(counts=None, sketch=b"odd"),
        Categories(counts=None, sketch=b"x" * 4096),
        Categories(counts=None, coarse_sketch=b"damaged"),
        Categories(counts=None, coarse_sketch=stored_coarse(np.zeros(100, dtype=np.uint8))),
    ],
)
def test_a_damaged_sketch_is_said(damaged):
    with pytest.raises(UnreadableFile, match="distinct values"):
        _ = damaged.distinct
    with pytest.raises(UnreadableFile, match="distinct values"):
        _ = damaged + damaged

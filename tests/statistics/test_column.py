"""Laws of one column: parts = whole in any split and order, zero is neutral, and an exact reference agrees."""

import math
import re
from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.lexical import MAX_ABS_VALUE

integers = st.integers(-(10**20), 10**20).map(str)
decimals = st.decimals(-(10**9), 10**9, places=3).map(str)
exponents = st.builds("{}e{}".format, st.integers(-999, 999), st.integers(-30, 30))
oddities = st.sampled_from(
    ["", " 5", "5 ", "- 5", "+7", ".5", "5.", "007", "NaN", "inf", "true", "false", "True", "1_0", "1,5", "1e999", "-0",
     "0x1F", "٣", "[1", "1]", '"1"', "9" * 400, "null", "1e-400"]
)  # fmt: skip
cells = st.none() | integers | decimals | exponents | oddities | st.text(max_size=4)
columns = st.lists(cells, max_size=60) | st.lists(integers | decimals, min_size=130, max_size=300, unique=True)

FRACTIONAL = re.compile(r"(-|\+)? ?[0-9]+((\.[0-9]+)|((?:\.[0-9]+)?[Ee][-+]?[0-9]+))")


def reference(column: list[str | None]) -> dict:
    """Deequ's words, one cell at a time."""
    present = [cell for cell in column if cell is not None]
    integral = [cell for cell in present if re.fullmatch(r"(-|\+)? ?[0-9]+", cell)]
    fractional = [cell for cell in present if FRACTIONAL.fullmatch(cell)]
    boolean = [cell for cell in present if cell in ("true", "false")]
    numbers = [float(cell.replace(" ", "")) for cell in integral + fractional]
    return {
        "types": (len(fractional), len(integral), len(boolean)),
        "string": len(present) - len(fractional) - len(integral) - len(boolean),
        "missing": len(column) - len(present),
        "numbers": [number for number in numbers if abs(number) <= MAX_ABS_VALUE],
        "distinct": Counter(present),
    }


@given(columns)
def test_a_slow_exact_reference_agrees(column):
    found, exact = ColumnStatistics.of(column), reference(column)
    types = found.types
    assert (types.fractional, types.integral, types.boolean) == exact["types"]
    assert (types.string, types.missing) == (exact["string"], exact["missing"])
    numbers = exact["numbers"]
    assert found.moments.count == len(numbers) == found.distribution.count
    if numbers:
        scale = max(map(abs, numbers)) or 1.0
        assert found.moments.minimum == min(numbers)
        assert found.moments.maximum == max(numbers)
        assert found.moments.sum == math.fsum(numbers)
        assert found.moments.std_dev == pytest.approx(np.std(numbers), rel=1e-9, abs=1e-12 * scale)
    if found.categories.counts is not None:
        assert found.categories.counts == exact["distinct"]


@given(columns, st.data())
def test_parts_in_any_split_and_order_are_the_whole(column, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(column)), max_size=4)))
    pieces = [column[a:b] for a, b in zip([0, *cuts], [*cuts, len(column)], strict=True)]
    pieces = data.draw(st.permutations(pieces))
    whole, parts = ColumnStatistics.of(column), ColumnStatistics.total(map(ColumnStatistics.of, pieces))
    assert parts.types == whole.types
    assert parts.categories == whole.categories
    assert parts.lengths == whole.lengths
    assert parts.moments.count == whole.moments.count
    assert (parts.moments.minimum, parts.moments.maximum) == (whole.moments.minimum, whole.moments.maximum)
    assert parts.distribution.count == whole.distribution.count
    assert parts.distribution.values == whole.distribution.values
    assert parts.distribution.weights == whole.distribution.weights
    if whole.moments.count:
        scale = max(abs(whole.moments.minimum), abs(whole.moments.maximum)) * whole.moments.count
        assert parts.moments.sum == pytest.approx(whole.moments.sum, rel=1e-12, abs=1e-15 * scale)
        assert parts.moments.std_dev == pytest.approx(whole.moments.std_dev, rel=1e-9, abs=1e-12 * scale)


@given(columns)
def test_zero_is_neutral(column):
    found = ColumnStatistics.of(column)
    assert found + ColumnStatistics() == found
    assert ColumnStatistics() + found == found


@given(columns)
def test_what_was_stored_as_json_is_the_same_again(column):
    found = ColumnStatistics.of(column)
    stored = msgspec.json.encode(found)
    assert msgspec.json.decode(stored, type=ColumnStatistics) == found
    assert b"null" not in stored.replace(b'"counts":null', b"").replace(b'"null"', b"")


def test_no_data_is_none_and_never_zero():
    for column in (ColumnStatistics(), ColumnStatistics.of([]), ColumnStatistics.all_missing(3)):
        moments = column.moments
        assert (moments.mean, moments.std_dev, moments.minimum, moments.maximum) == (None,) * 4
        assert column.distribution.quantile(0.5) is None
        assert column.lengths.mean is None
        assert column.types.share_of("Integral") is None


def test_one_row_has_a_mean_and_no_deviation():
    moments = ColumnStatistics.of(["5"]).moments
    assert (moments.mean, moments.std_dev) == (5.0, 0.0)


def test_values_far_from_zero_keep_their_deviation():
    numbers = [1e9 + offset for offset in (4.0, 7.0, 13.0, 16.0)] * 50
    parts = [ColumnStatistics.of([repr(number)]) for number in numbers]
    assert ColumnStatistics.total(parts).moments.std_dev == pytest.approx(np.std([4, 7, 13, 16]), rel=1e-9)


def test_a_sum_survives_cancellation_across_parts():
    parts = [ColumnStatistics.of([cell]) for cell in ("1e16", "1", "-1e16")]
    for order in (parts, parts[::-1], [parts[1], parts[0], parts[2]]):
        assert ColumnStatistics.total(order).moments.sum == 1.0


def test_a_number_too_large_to_square_is_counted_and_not_measured():
    column = ColumnStatistics.of(["1e200", "2", "9" * 400])
    assert (column.types.fractional, column.types.integral) == (1, 2)
    assert (column.moments.count, column.moments.maximum) == (1, 2.0)


def test_one_text_among_many_numbers_makes_the_column_text():
    column = ColumnStatistics.of([str(i) for i in range(1000)] + ["x"])
    assert column.types.inferred_type == "String"
    assert column.types.integral == 1000
    assert column.moments.mean == pytest.approx(499.5)
    assert column.categories.distinct == pytest.approx(1001, rel=0.06)


def test_a_million_categories_cost_no_more_than_a_few():
    parts = (ColumnStatistics.of([f"{part}-{i}" for i in range(1000)]) for part in range(50))
    assert len(msgspec.json.encode(ColumnStatistics.total(parts))) < 3_000


def test_a_long_text_is_no_category():
    column = ColumnStatistics.of(["x" * 1000])
    assert column.categories.counts is None
    assert (column.lengths.minimum, column.lengths.maximum, column.lengths.mean) == (1000, 1000, 1000.0)

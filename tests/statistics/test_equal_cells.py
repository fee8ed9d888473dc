"""Groups of equal cells are those that counting the cells one by one finds."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.statistics.equal_cells import MAX_COMPARED_BYTES, equal_cells, words_at_each_byte

LONG = b"x" * MAX_COMPARED_BYTES
cells_of = st.lists(
    st.binary(max_size=20) | st.sampled_from([b"", b"\0", b"\0\0", b"12345678", b"123456789", b"12345678\0", LONG]),
    min_size=1,
)


def groups(cells):
    sizes = np.array([len(cell) for cell in cells])
    words = words_at_each_byte(np.frombuffer(b"".join(cells), np.uint8))
    first, counts = equal_cells(words, np.cumsum(sizes) - sizes, sizes)
    return [(cells[position], count) for position, count in zip(first.tolist(), counts.tolist(), strict=True)]


@given(cells_of, st.integers(1, 5))
def test_each_value_is_one_group_in_the_order_of_first_appearance(cells, times):
    assert groups(cells * times) == list(Counter(cells * times).items())


def test_cells_that_are_too_long_are_given_one_by_one():
    assert groups([LONG, LONG + b"x", b"a", LONG + b"x", LONG]) == [
        (LONG, 2),
        (LONG + b"x", 1),
        (b"a", 1),
        (LONG + b"x", 1),
    ]


def hash_after(*parts):
    """The hash of a cell after these parts: its size, then eight bytes at a time."""
    value = 0
    for part in parts:
        value = ((value ^ part) * 0x9E3779B97F4A7C15) % 2**64
        value ^= value >> 32
    return value


def test_two_values_of_one_hash_are_never_taken_for_one():
    first, second = b"12345678", b"abcdefgh"
    begin, other = (int.from_bytes(part, "little") for part in (first, second))
    end = int.from_bytes(b"the end.", "little")
    same = end ^ hash_after(16, begin) ^ hash_after(16, other)
    one, two = first + b"the end.", second + same.to_bytes(8, "little")
    assert hash_after(16, begin, end) == hash_after(16, other, same)
    found = groups([one, two] * 500)
    assert {cell for cell, _ in found} == {one, two}
    total = Counter()
    for cell, count in found:
        total[cell] += count
    assert total == {one: 500, two: 500}

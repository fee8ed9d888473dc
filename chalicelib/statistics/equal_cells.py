"""How often each value of a column occurs, without an object for each cell: columns of text repeat a few values.

Cells are ordered by a hash of their bytes, eight bytes of all cells at a time; neighbours are then compared byte by
byte, so two values are never taken for one. Where two values have one hash, one of them may come twice: a caller adds
up the counts by value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_COMPARED_BYTES = 64  # cells that are longer are seldom equal: each of them is given by itself
_WORD = 8  # bytes that are read at once
_LOW_BYTES = np.array([(1 << 8 * count) - 1 for count in range(_WORD + 1)], dtype=np.uint64)
_ODD, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)  # a multiplier of splitmix64 (see `hyperloglog`)


def words_at_each_byte(content: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The eight bytes from each byte on as one number, zeros behind the last one; shape as `content`, (bytes,)."""
    padded = np.concatenate([content, np.zeros(_WORD, np.uint8)])
    return np.ndarray(content.shape, "<u8", padded.data, strides=(1,))


def equal_cells(
    words: NDArray[np.uint64], starts: NDArray[np.int64], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Groups of equal cells, in the order of their first appearance.

    Parameters
    ----------
    words
        Of the bytes in which the cells lie, by `words_at_each_byte`.
    starts, sizes
        The first byte of each cell, and how many bytes it has; both of shape (cells,), at least one cell.

    Returns
    -------
    The position of the first cell of each group, and how many cells the group has; both of shape (groups,).

    Examples
    --------
    >>> text = np.frombuffer(b"ab,c,ab,", np.uint8)
    >>> equal_cells(words_at_each_byte(text), np.array([0, 3, 5]), np.array([2, 1, 2]))
    (array([0, 1]), array([2, 1]))
    """
    parts = [sizes.astype(np.uint64), *_parts(words, starts, sizes)]
    hashes = np.zeros(len(sizes), dtype=np.uint64)
    for part in parts:
        hashes = (hashes ^ part) * _ODD
        hashes ^= hashes >> _HALF
    order = np.argsort(hashes)
    begins_group = np.ones(len(order), dtype=bool)
    begins_group[1:] = sizes[order[1:]] > MAX_COMPARED_BYTES
    for part in parts:
        ordered = part[order]
        begins_group[1:] |= ordered[1:] != ordered[:-1]
    begins = np.flatnonzero(begins_group)
    first, counts = np.minimum.reduceat(order, begins), np.diff(begins, append=len(order))
    by_appearance = np.argsort(first)
    return first[by_appearance], counts[by_appearance]


def _parts(words: NDArray[np.uint64], starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> list[NDArray[np.uint64]]:
    """Eight bytes of every cell, the next eight, and so on; zeros where a cell is shorter."""
    parts = []
    for offset in range(0, min(int(sizes.max()), MAX_COMPARED_BYTES), _WORD):
        part = np.zeros(len(sizes), dtype=np.uint64)
        longer = np.flatnonzero(sizes > offset)
        part[longer] = words[starts[longer] + offset] & _LOW_BYTES[np.minimum(sizes[longer] - offset, _WORD)]
        parts.append(part)
    return parts

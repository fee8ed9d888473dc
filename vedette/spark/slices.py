"""Objects in slices of about the same work, one slice a task."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from typing import TypeVar

SLICE_BYTES = 256 << 20  # some seconds of reading
# What opening an object costs, in bytes read at the same time (spark.sql.files.openCostInBytes is the same idea).
OPEN_COST_BYTES = 1 << 20
SLICES_PER_CORE = 4  # so that cores are idle only for a small part of the time, at the end
T = TypeVar("T")


def slices(items: Sequence[T], size: Callable[[T], int], cores: int) -> list[list[T]]:
    """Items in slices of about the same total size, the largest slice first; the items of a slice keep their order.

    Each item, the largest first, is added to the slice that is the smallest then (Graham's LPT rule).

    Parameters
    ----------
    size
        Bytes of an item.
    cores
        How many slices are worked on at the same time, at least.

    Examples
    --------
    >>> slices([5 << 20, 1 << 20, 2 << 20, 3 << 20, 1 << 20], lambda size: size, cores=1)
    [[5242880], [3145728], [1048576, 1048576], [2097152]]
    """
    weights = [size(item) + OPEN_COST_BYTES for item in items]
    number = min(len(items), max(math.ceil(sum(weights) / SLICE_BYTES), SLICES_PER_CORE * cores))
    found: list[list[int]] = [[] for _ in range(number)]
    smallest = [(0, index) for index in range(number)]
    for position in sorted(range(len(items)), key=lambda position: -weights[position]):
        weight, index = smallest[0]
        found[index].append(position)
        heapq.heapreplace(smallest, (weight + weights[position], index))
    found.sort(key=lambda positions: -sum(weights[position] for position in positions))
    return [[items[position] for position in sorted(positions)] for positions in found]

"""Rows as they pass from one stage to the next: their names, their cells, and rows that are only made when iterated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

Names = tuple[str, ...]  # of the columns of one side; "" for a column that is known by its position
Row = tuple[Names, list[Any]]  # names and as many cells; None is a missing cell
MAX_EAGER_ROWS = 10_000  # of one payload; more rows are made when they are iterated


class SizedIterable(Collection[Any]):
    """A collection of known size whose items are made again by each iteration, so that they are never all in memory.

    Parameters
    ----------
    count
        How many items an iteration yields.
    make
        Returns a new iterator over the items.

    Examples
    --------
    >>> squares = SizedIterable(3, lambda: (i * i for i in range(3)))
    >>> len(squares), list(squares), list(squares)
    (3, [0, 1, 4], [0, 1, 4])
    """

    def __init__(self, count: int, make: Callable[[], Iterator[Any]]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        return self._make()

    def __contains__(self, item: object) -> bool:
        return any(item == own for own in self)


def blank_names(columns: int) -> Names:
    """The names of columns that are known by their positions.

    >>> blank_names(2)
    ('', '')
    """
    return ("",) * columns

"""Items that are made each time they are asked for, so that a million rows are never held together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any


class SizedIterable(Collection[Any]):
    """A collection whose items are made by each iteration, and whose size is known.

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
        return any(item == mine for mine in self)

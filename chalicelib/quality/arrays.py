"""Columns of predictions and labels while an object is read, and as they are stored."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from chalicelib.quality.settings import MAX_CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Values(msgspec.Struct, frozen=True, kw_only=True):
    """Labels or predictions: classes, or numbers.

    Attributes
    ----------
    classes
        The names of the classes, in order; () for numbers.
    content
        The positions in `classes` (one byte each), or the numbers (doubles, little-endian).
    """

    classes: tuple[str, ...] = ()
    content: bytes = b""

    def codes(self) -> NDArray[np.int64]:
        """The positions of the classes."""
        return np.frombuffer(self.content, dtype="u1").astype(np.int64)

    def numbers(self) -> NDArray[np.float64]:
        """The numbers."""
        return np.frombuffer(self.content, dtype="<f8").astype(np.float64)


class ClassColumn:
    """Classes as they come.

    >>> column = ClassColumn()
    >>> [column.append(name) for name in ("b", "a", "b")], column.values(np.array([0, 1, 2])).classes
    ([True, True, True], ('a', 'b'))
    """

    def __init__(self) -> None:
        self._codes = array("B")
        self._names: dict[str, int] = {}

    def append(self, name: str) -> bool:
        """Append a class; False, and it is not appended, when it is one too many."""
        code = self._names.get(name)
        if code is None:
            if len(self._names) == MAX_CLASSES:
                return False
            code = self._names[name] = len(self._names)
        self._codes.append(code)
        return True

    def values(self, order: NDArray[np.intp]) -> Values:
        """The classes in another order of the rows."""
        names = sorted(self._names)
        places = np.array([names.index(name) for name in self._names], dtype="u1")
        return Values(classes=tuple(names), content=places[as_numpy(self._codes)[order]].tobytes())


class NumberColumn:
    """Numbers as they come."""

    def __init__(self) -> None:
        self._numbers = array("d")

    def append(self, number: float) -> bool:
        """Append a number."""
        self._numbers.append(number)
        return True

    def values(self, order: NDArray[np.intp]) -> Values:
        """The numbers in another order of the rows."""
        return Values(content=as_numpy(self._numbers)[order].astype("<f8").tobytes())


def as_numpy(column: array) -> NDArray:  # type: ignore[type-arg]
    """The items of an array, without a copy."""
    return np.frombuffer(column, dtype=column.typecode)


def stored(column: array, order: NDArray[np.intp]) -> bytes:  # type: ignore[type-arg]
    """The items of an array in another order, as little-endian bytes."""
    items = as_numpy(column)[order]
    return items.astype(items.dtype.newbyteorder("<")).tobytes()


def united(names: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The names of all, in order.

    >>> united([("b",), ("a", "b")])
    ('a', 'b')
    """
    return tuple(sorted({one for each in names for one in each}))

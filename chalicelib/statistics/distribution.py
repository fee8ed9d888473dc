"""The distribution of the numbers of a column: exact while few values are distinct, afterwards a KLL sketch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from chalicelib.errors import UnreadableFile
from chalicelib.statistics import PART_K
from chalicelib.statistics.categories import MAX_CATEGORIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_EXACT_VALUES = MAX_CATEGORIES  # distinct values that are counted instead of sketched: as many as categories
BUCKETS = 10  # Model Monitor's, not configurable there


class Distribution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A distribution of numbers that adds up.

    Either `values` with `weights` (ascending, at most MAX_EXACT_VALUES distinct), or the bytes of an Apache KLL sketch
    in doubles: floats against doubles would drift apart by rounding alone. Which of the two depends only on the number
    of distinct values, so parts and whole agree. Sketches are randomized: equal data may give different bytes, ranks
    within the sketch's bound.

    Examples
    --------
    >>> import numpy as np
    >>> one, two = Distribution.of(np.array([1.0, 1.0])), Distribution.of(np.array([2.0]))
    >>> both = one + two
    >>> both.values, both.weights, both.count
    ((1.0, 2.0), (2, 1), 3)
    >>> Distribution.of(np.arange(5000.0)).count
    5000

    References
    ----------
    Karnin, Lang, Liberty (2016), Optimal Quantile Approximation in Streams; datasketches.apache.org.
    """

    values: tuple[float, ...] = ()
    weights: tuple[int, ...] = ()
    sketch: bytes = b""
    k: int = PART_K

    @classmethod
    def of(cls, numbers: NDArray[np.float64], k: int = PART_K) -> Distribution:
        """The distribution of an array of finite numbers; shape (n,)."""
        if not len(numbers):
            return cls(k=k)
        ascending = np.sort(numbers)
        values, weights = distinct(ascending)
        if len(values) <= MAX_EXACT_VALUES:
            return cls(values=tuple(values.tolist()), weights=tuple(weights.tolist()), k=k)
        return cls.from_sorted(ascending, k)

    @classmethod
    def from_sorted(cls, numbers: NDArray[np.float64], k: int = PART_K) -> Distribution:
        """The distribution of ascending numbers, of which more than MAX_EXACT_VALUES are distinct."""
        kll = _empty_sketch(k)
        # datasketches refuses arrays that are read-only or not contiguous
        kll.update(numbers if numbers.flags.carray else numbers.copy())
        return cls(sketch=kll.serialize(), k=k)

    @classmethod
    def from_counts(cls, items: dict[float, int], k: int = PART_K) -> Distribution:
        """The distribution of values with the number of times that each occurs."""
        if len(items) <= MAX_EXACT_VALUES:
            ascending = sorted(items)
            return cls(values=tuple(ascending), weights=tuple(items[value] for value in ascending), k=k)
        return cls(sketch=_sketch_of_counts(items, k).serialize(), k=k)

    @classmethod
    def total(cls, distributions: Iterable[Distribution]) -> Distribution:
        """The sum of any number of distributions."""
        parts = list(distributions)
        k = max((part.k for part in parts), default=PART_K)
        exact: dict[float, int] = {}
        for part in parts:
            for value, weight in zip(part.values, part.weights, strict=True):
                exact[value] = exact.get(value, 0) + weight
        sketches = [part for part in parts if part.sketch]
        if not sketches:
            return cls.from_counts(exact, k)
        if len(sketches) == 1 and not exact:
            return sketches[0]
        merged = _empty_sketch(k)
        for part in sketches:
            merged.merge(part._kll())
        if exact:
            merged.merge(_sketch_of_counts(exact, k))
        return cls(sketch=merged.serialize(), k=k)

    def __add__(self, other: Distribution) -> Distribution:
        return Distribution.total((self, other))

    @property
    def count(self) -> int:
        """How many numbers."""
        return int(self._kll().n) if self.sketch else sum(self.weights)

    def items(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The retained values, ascending, and the weight of each; both of shape (retained,).

        Raises
        ------
        UnreadableFile
            When the stored sketch is damaged; so do the other methods that read it.
        """
        if not self.sketch:
            return np.array(self.values, dtype=np.float64), np.array(self.weights, dtype=np.int64)
        return _items_of_sketch(self.sketch)

    def quantile(self, rank: float) -> float | None:
        """The value at or below which a share `rank` (0 to 1) of the numbers lies; None without numbers.

        Examples
        --------
        >>> import numpy as np
        >>> Distribution.of(np.arange(1.0, 101.0)).quantile(0.5)
        50.0
        """
        found = self.quantiles((rank,))
        return found[0] if found else None

    def quantiles(self, ranks: Sequence[float]) -> list[float]:
        """The `quantile` of each rank, for one reading of the sketch; empty without numbers.

        Examples
        --------
        >>> import numpy as np
        >>> Distribution.of(np.arange(1.0, 101.0)).quantiles((0.25, 0.5))
        [25.0, 50.0]
        """
        if self.sketch:
            return [float(value) for value in self._kll().get_quantiles(list(ranks), True)]
        values, weights = self.items()
        if not len(values):
            return []
        reached = np.cumsum(weights)
        at = np.searchsorted(reached, np.asarray(ranks) * reached[-1])
        return [float(value) for value in values[np.minimum(at, len(values) - 1)]]

    def shares(self, edges: Sequence[float]) -> list[float]:
        """The shares of the numbers below the first edge, between each two edges (left-closed), and from the last on.

        `edges` must ascend strictly; the result is one longer, and empty without numbers.

        Examples
        --------
        >>> import numpy as np
        >>> Distribution.of(np.array([1.0, 2.0, 2.0, 3.0])).shares([2.0, 3.0])
        [0.25, 0.5, 0.25]
        """
        if self.sketch:
            return list(self._kll().get_pmf(list(edges)))
        values, weights = self.items()
        if not len(values):
            return []
        reached = np.concatenate([[0], np.cumsum(weights)])
        below = reached[np.searchsorted(values, edges, side="left")]
        counts = np.diff(np.concatenate([[0], below, [reached[-1]]]))
        return [count / int(reached[-1]) for count in counts.tolist()]

    def buckets(self, minimum: float, maximum: float) -> list[tuple[float, float, int]]:
        """Ten equal-width buckets (lower, upper, count), left-closed, the last one closed.

        Edge i is `minimum + i * (maximum - minimum) / 10`, in this order of operations, which gives Model Monitor's
        own edges to the bit; the last edge is the maximum itself. (Model Monitor computes that one too, and loses the
        largest values when it rounds down: INDUS of the conformance pair P07.)

        Examples
        --------
        >>> import numpy as np
        >>> Distribution.of(np.array([0.0, 0.05, 1.0])).buckets(0.0, 1.0)[0]
        (0.0, 0.1, 2)
        """
        width = maximum - minimum
        edges = np.array([minimum + i * width / BUCKETS for i in range(BUCKETS)] + [maximum])
        values, weights = self.items()
        counts = np.zeros(BUCKETS, dtype=np.int64)
        place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, BUCKETS - 1)
        np.add.at(counts, place, weights)
        bounds = edges.tolist()
        return list(zip(bounds[:-1], bounds[1:], counts.tolist(), strict=True))

    def levels(self) -> list[list[float]]:
        """The retained values by weight: level i holds those of weight 2**i, as statistics.json keeps them.

        A value with another weight appears in the levels of its binary digits.

        Examples
        --------
        >>> Distribution(values=(1.0, 2.0), weights=(5, 1), k=4).levels()
        [[1.0, 2.0], [], [1.0]]
        """
        values, weights = self.items()
        if int(weights.sum()) <= self.k:
            return [np.repeat(values, weights).tolist()] if len(values) else []
        depth = int(weights.max()).bit_length()
        return [values[(weights >> level) & 1 == 1].tolist() for level in range(depth)]

    def _kll(self) -> Any:
        return _read_sketch(self.sketch)


def _read_sketch(sketch: bytes) -> Any:
    from datasketches import kll_doubles_sketch

    try:
        return kll_doubles_sketch.deserialize(sketch)
    except (ValueError, IndexError, RuntimeError) as error:
        raise UnreadableFile(f"a stored KLL sketch of {len(sketch)} bytes is damaged") from error


@lru_cache(maxsize=128)  # one evaluation compares a column with its baseline, and with the reference days of each type
def _items_of_sketch(sketch: bytes) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The retained values, ascending, and the weight of each; both arrays are read-only."""
    # Not the pairs that the sketch iterates over: after a merge that leaves its lowest level empty, datasketches
    # 5.2.0 gives every one of them weight 1 (tests/statistics/test_merged_sketches.py). Its ranks are right.
    kll = _read_sketch(sketch)
    values, _ = distinct(np.sort([value for value, _ in kll]))
    reached = np.rint(np.array(kll.get_cdf(values, True)[:-1]) * kll.n).astype(np.int64)
    weights = np.diff(reached, prepend=0)
    values.setflags(write=False)
    weights.setflags(write=False)
    return values, weights


def distinct(ascending: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The distinct values of ascending numbers, and how often each occurs; both of shape (distinct,).

    (np.unique imports numpy.ma the first time, which takes longer than to read a small object.)

    Examples
    --------
    >>> distinct(np.array([1.0, 1.0, 2.0]))
    (array([1., 2.]), array([2, 1]))
    """
    begins = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]])[: len(ascending)])
    return ascending[begins], np.diff(begins, append=len(ascending))


def _empty_sketch(k: int) -> Any:
    from datasketches import kll_doubles_sketch

    return kll_doubles_sketch(k)


def _sketch_of_counts(items: dict[float, int], k: int) -> Any:
    """A sketch of weighted values, by Horner's scheme over the binary digits of the weights.

    Doubling a sketch is merging it with its copy, so that a weight of 2**40 costs forty merges, not 2**40 updates.
    """
    kll = _empty_sketch(k)
    for level in range(max(items.values()).bit_length() - 1, -1, -1):
        if not kll.is_empty():
            kll.merge(type(kll).deserialize(kll.serialize()))
        digit = [value for value, weight in items.items() if weight >> level & 1]
        if digit:
            kll.update(np.array(digit))
    return kll

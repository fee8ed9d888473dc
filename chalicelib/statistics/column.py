"""Everything that is known of one column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from chalicelib.statistics.categories import MOST, Categories
from chalicelib.statistics.distribution import PART_K, Distribution
from chalicelib.statistics.lexical import LARGEST, TypeCounts, lexical_type, number
from chalicelib.statistics.moments import Moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERS = msgspec.json.Decoder(list[int | float]).decode
_BLANKS = (" ", "\t", "\r", "\n")


class Lengths(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lengths in characters of the cells that are text.

    Examples
    --------
    >>> (Lengths.of({"abc": 2}) + Lengths.of({"a": 1})).mean
    2.3333333333333335
    """

    count: int = 0
    total: int = 0
    minimum: int | None = None
    maximum: int | None = None

    @classmethod
    def of(cls, texts: dict[str, int]) -> Lengths:
        """The lengths of counted texts."""
        if not texts:
            return cls()
        lengths = [len(text) for text in texts]
        return cls(
            count=sum(texts.values()),
            total=sum(length * count for length, count in zip(lengths, texts.values(), strict=True)),
            minimum=min(lengths),
            maximum=max(lengths),
        )

    def __add__(self, other: Lengths) -> Lengths:
        if self.minimum is None or self.maximum is None:
            return other
        if other.minimum is None or other.maximum is None:
            return self
        return Lengths(
            count=self.count + other.count,
            total=self.total + other.total,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
        )

    @property
    def mean(self) -> float | None:
        """The mean length; None without texts."""
        return self.total / self.count if self.count else None


class ColumnStatistics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The statistics of one column of text cells, None being a missing one.

    Numbers too large to be measured (`lexical.LARGEST`) count in their type alone.

    Examples
    --------
    >>> column = ColumnStatistics.of(["18", "18.00", "x", None])
    >>> column.types
    TypeCounts(fractional=1, integral=1, boolean=0, string=1, missing=1)
    >>> column.moments.mean, column.categories.counts
    (18.0, {'18': 1, '18.00': 1, 'x': 1})
    >>> column + ColumnStatistics() == column
    True
    """

    types: TypeCounts = TypeCounts()
    moments: Moments = Moments()
    distribution: Distribution = Distribution()
    categories: Categories = Categories()
    lengths: Lengths = Lengths()

    @classmethod
    def of(cls, cells: Sequence[str | None], k: int = PART_K) -> ColumnStatistics:
        """The statistics of the cells of one column; `k` is the size of the sketch."""
        present = [cell for cell in cells if cell is not None]
        missing = len(cells) - len(present)
        if len(set(present[: 10 * MOST])) > MOST:
            plain = _plain_numbers(present)
            if plain is not None:
                numbers, integral = plain
                return cls(
                    types=TypeCounts(integral=integral, fractional=len(present) - integral, missing=missing),
                    moments=Moments.of(numbers),
                    distribution=Distribution.of(numbers, k),
                    categories=Categories.many(numbers, ()),
                )
        return cls._counted(Counter(present), missing, k)

    @classmethod
    def _counted(cls, counts: Counter[str], missing: int, k: int) -> ColumnStatistics:
        by_type: dict[str, dict[str, int]] = {"fractional": {}, "integral": {}, "boolean": {}, "string": {}}
        for cell, count in counts.items():
            by_type[lexical_type(cell)][cell] = count
        values: list[float] = []
        repeats: list[int] = []
        for cell, count in (by_type["integral"] | by_type["fractional"]).items():
            value = number(cell)
            if value is not None:
                values.append(value)
                repeats.append(count)
        numbers = np.repeat(np.array(values, dtype=np.float64), np.array(repeats, dtype=np.intp))
        return cls(
            types=TypeCounts(**{kind: sum(cells.values()) for kind, cells in by_type.items()}, missing=missing),
            moments=Moments.of(numbers),
            distribution=Distribution.of(numbers, k),
            categories=Categories.of(counts),
            lengths=Lengths.of(by_type["string"] | by_type["boolean"]),
        )

    @classmethod
    def missing(cls, rows: int) -> ColumnStatistics:
        """A column that was absent from so many rows."""
        return cls(types=TypeCounts(missing=rows))

    @classmethod
    def total(cls, columns: Iterable[ColumnStatistics]) -> ColumnStatistics:
        """The sum of any number of columns."""
        parts = list(columns)
        lengths = Lengths()
        for part in parts:
            lengths = lengths + part.lengths
        return cls(
            types=TypeCounts.total(part.types for part in parts),
            moments=Moments.total_of(part.moments for part in parts),
            distribution=Distribution.total(part.distribution for part in parts),
            categories=Categories.total(part.categories for part in parts),
            lengths=lengths,
        )

    def __add__(self, other: ColumnStatistics) -> ColumnStatistics:
        return ColumnStatistics.total((self, other))


def _plain_numbers(cells: list[str]) -> tuple[NDArray[np.float64], int] | None:
    """The values of a column of numbers and how many are Integral; None when any cell is not plainly a number.

    Every JSON number has the same lexical type for Deequ: digits alone are Integral, a point or an exponent makes it
    Fractional. So one decode of the joined cells classifies and converts them exactly, as long as no cell could have
    joined two (commas, counted) or hidden blanks (JSON allows them, Deequ does not).
    """
    joined = ",".join(cells)
    if any(blank in joined for blank in _BLANKS):
        return None
    try:
        decoded = _NUMBERS(f"[{joined}]")
        numbers = np.array(decoded, dtype=np.float64)
    except (msgspec.MsgspecError, OverflowError, RecursionError):
        return None
    if len(decoded) != len(cells) or (len(numbers) and float(np.abs(numbers).max()) > LARGEST):
        return None
    return numbers, sum(type(value) is int for value in decoded)

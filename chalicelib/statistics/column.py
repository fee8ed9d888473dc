"""All statistics of one column of cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from struct import error as StructError  # noqa: N812
from struct import pack
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from chalicelib.statistics import PART_K
from chalicelib.statistics.categories import MAX_CATEGORIES, Categories
from chalicelib.statistics.distribution import Distribution, distinct
from chalicelib.statistics.lengths import Lengths
from chalicelib.statistics.lexical import MAX_ABS_VALUE, TypeCounts, lexical_type, number, numeric_cells
from chalicelib.statistics.moments import Moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERS = msgspec.json.Decoder(list[float]).decode
_BLANKS = (b" ", b"\t", b"\r", b"\n")
_SAMPLE_CELLS = 4 * MAX_CATEGORIES  # show whether a column has too many distinct cells to count each
_MAX_EXACT_INTEGER = 2.0**53  # doubles tell whole numbers below it apart


class ColumnStatistics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The statistics of one column of text cells, None being a missing one.

    Numbers beyond `lexical.MAX_ABS_VALUE` count in their type alone. Lengths and words are those of the cells that are
    text; the texts themselves are stored only as `categories` allows. A private column has its types alone, and makes
    every sum private.

    Examples
    --------
    >>> column = ColumnStatistics.of(["18", "18.00", "x", None])
    >>> column.types
    TypeCounts(fractional=1, integral=1, boolean=0, string=1, missing=1, blank=0)
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
    words: Lengths = Lengths()
    private: bool = False

    @classmethod
    def of(cls, cells: Sequence[str | None], k: int = PART_K, missing: str | None = None) -> ColumnStatistics:
        """The statistics of the cells of one column.

        Parameters
        ----------
        k
            The size of the sketch of its numbers.
        missing
            The cell that stands for a missing one: "" in CSV.
        """
        # In CSV "" alone is false, and filter is thrice as fast as a comprehension.
        present = list(filter(None, cells)) if missing == "" else [cell for cell in cells if cell is not None]
        absent = len(cells) - len(present)
        if len(set(present[:_SAMPLE_CELLS])) > MAX_CATEGORIES and (plain := _parse_column(present)) is not None:
            counted = cls.of_numbers(*plain, absent, k)
            if counted is not None and counted.categories.counts is None:
                return counted
        return cls.of_counts(Counter(present), absent, k)

    @classmethod
    def of_json_values(cls, cells: Sequence[Any], k: int = PART_K) -> ColumnStatistics:
        """The statistics of cells that are JSON's own values, which are those of their texts.

        Examples
        --------
        >>> ColumnStatistics.of_json_values([1, 2.5, True, None]).types
        TypeCounts(fractional=1, integral=1, boolean=1, string=0, missing=1, blank=0)
        """
        kind_of_each = list(map(type, cells))
        kinds = set(kind_of_each)
        present = [cell for cell in cells if cell is not None] if type(None) in kinds else cells
        kinds.discard(type(None))
        if kinds and kinds <= {int, float} and (values := _as_doubles(present)) is not None:
            integral = len(present) if kinds == {int} else kind_of_each.count(int) if int in kinds else 0
            counted = cls.of_numbers(values, integral, len(cells) - len(present), k)
            if counted is not None:
                return counted
        # 1, 1.0 and True are equal, as are 0.0 and -0.0: only their texts differ.
        counts = Counter(present if kinds in ({int}, {str}, {bool}) else map(_cell_text, present))
        texts = counts if kinds == {str} else Counter({_cell_text(cell): count for cell, count in counts.items()})
        return cls.of_counts(texts, len(cells) - len(present), k)

    @classmethod
    def of_numbers(
        cls, values: NDArray[np.float64], integral: int, missing: int, k: int = PART_K
    ) -> ColumnStatistics | None:
        """The statistics of a column of numbers that are all written as JSON writes numbers.

        Parameters
        ----------
        values
            Shape (n,), none beyond MAX_ABS_VALUE.
        integral, missing
            How many of the numbers are Integral, and how many more cells are missing.

        Returns
        -------
        None when the texts of the cells are needed and cannot be derived: they are the categories of a column of few
        distinct cells, where `1.50` and `1.5` are two. So are `0` and `-0`, but a number does not show that: the
        caller must exclude `-0`.
        """
        count = len(values)
        types = TypeCounts(integral=integral, fractional=count - integral, missing=missing)
        if not count:
            return cls(types=types, distribution=Distribution(k=k))
        ascending = np.sort(values)
        different, repeats = distinct(ascending)
        if len(different) > MAX_CATEGORIES:
            categories = Categories.from_distinct(different, ())
            distribution = Distribution.from_sorted(ascending, k)
        elif integral < count or ascending[0] <= -_MAX_EXACT_INTEGER or ascending[-1] >= _MAX_EXACT_INTEGER:
            return None
        else:
            weights = dict(zip(different.tolist(), repeats.tolist(), strict=True))
            categories = Categories(counts={str(int(value)): weight for value, weight in weights.items()})
            distribution = Distribution.from_counts(weights, k)
        return cls(types=types, moments=Moments.of(values), distribution=distribution, categories=categories)

    @classmethod
    def of_counts(cls, counts: Mapping[str, int], missing: int, k: int = PART_K) -> ColumnStatistics:
        """The statistics of a column from the count of each distinct cell, and the number of missing ones."""
        by_type: dict[str, dict[str, int]] = {"fractional": {}, "integral": {}, "boolean": {}, "string": {}}
        for cell in numeric_cells(counts):
            by_type[lexical_type(cell)][cell] = counts[cell]
        numeric = by_type["integral"] | by_type["fractional"]
        texts = dict(counts)
        for cell in numeric:
            del texts[cell]
        boolean = texts.get("true", 0) + texts.get("false", 0)
        measured = {cell: value for cell in numeric if (value := number(cell)) is not None}
        repeats = np.array([counts[cell] for cell in measured], dtype=np.intp)
        numbers = np.repeat(np.array(list(measured.values()), dtype=np.float64), repeats)
        words = Lengths.of_words(texts)
        return cls(
            types=TypeCounts(
                fractional=sum(by_type["fractional"].values()),
                integral=sum(by_type["integral"].values()),
                boolean=boolean,
                string=sum(texts.values()) - boolean,
                missing=missing,
                blank=0 if words.minimum else sum(count for text, count in texts.items() if not text.strip()),
            ),
            moments=Moments.of(numbers),
            distribution=Distribution.of(numbers, k),
            categories=Categories.of(counts, measured),
            lengths=Lengths.of(texts),
            words=words,
        )

    @classmethod
    def all_missing(cls, rows: int) -> ColumnStatistics:
        """The statistics of a column that is absent from this number of rows."""
        return cls(types=TypeCounts(missing=rows))

    def padded_to(self, rows: int) -> ColumnStatistics:
        """The statistics in a table of this number of rows; the column is missing from those beyond its own.

        A column of the elements of lists, `a[]`, may have more cells than there are rows: its missing cells are then
        fewer than none, so that sums do not depend on how the rows were divided. Whoever reads them takes 0.
        """
        absent = rows - self.types.present - self.types.missing
        return msgspec.structs.replace(self, types=self.types + TypeCounts(missing=absent)) if absent else self

    def without_values(self) -> ColumnStatistics:
        """The column as a private one: no category, extreme, length or sketch.

        Examples
        --------
        >>> private = ColumnStatistics.of(["18", "x"]).without_values()
        >>> private.types.present, private.moments.maximum, private.categories.counts
        (2, None, None)
        >>> (private + ColumnStatistics.of(["19"])).private
        True
        """
        return ColumnStatistics(types=self.types, categories=Categories.unknown(), private=True)

    @classmethod
    def total(cls, columns: Iterable[ColumnStatistics]) -> ColumnStatistics:
        """The sum of any number of columns."""
        parts = list(columns)
        types = TypeCounts.total(part.types for part in parts)
        if any(part.private for part in parts):
            return cls(types=types).without_values()
        return cls(
            types=types,
            moments=Moments.total(part.moments for part in parts),
            distribution=Distribution.total(part.distribution for part in parts),
            categories=Categories.total(part.categories for part in parts),
            lengths=sum((part.lengths for part in parts), Lengths()),
            words=sum((part.words for part in parts), Lengths()),
        )

    def __add__(self, other: ColumnStatistics) -> ColumnStatistics:
        return ColumnStatistics.total((self, other))


def parse_numbers(joined: str | bytes, count: int) -> NDArray[np.float64] | None:
    """The values of this number of cells, joined by commas; None when any of them is not plainly a number.

    Every JSON number has one lexical type for Deequ: digits alone are Integral, a point or an exponent makes it
    Fractional. So one decode converts all cells exactly, as long as no cell holds a comma (the cells are counted) or a
    blank (JSON allows it, Deequ does not). None, too, when a number is beyond MAX_ABS_VALUE. Shape (count,).

    Examples
    --------
    >>> parse_numbers("18,1.50,-7e1", 3)
    array([ 18. ,   1.5, -70. ])
    >>> parse_numbers("1, 2", 2), parse_numbers("1,x", 2), parse_numbers("1,2", 1), parse_numbers("1e200", 1)
    (None, None, None, None)
    """
    text = joined.encode() if isinstance(joined, str) else joined
    if any(blank in text for blank in _BLANKS):
        return None
    try:
        decoded = _NUMBERS(b"[%b]" % text)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return _as_doubles(decoded) if len(decoded) == count else None


def _parse_column(cells: Sequence[str]) -> tuple[NDArray[np.float64], int] | None:
    """The values of the cells, and how many are Integral; None when any cell is not plainly a number."""
    joined = ",".join(cells)
    values = parse_numbers(joined, len(cells))
    if values is None:
        return None
    return values, len(values) - joined.count(".") - _exponents_without_point(joined)


def _exponents_without_point(joined: str) -> int:
    """How many of the joined numbers are Fractional by their exponent alone: `1e5`."""
    count = 0
    for letter in "eE":
        at = joined.find(letter)
        while at >= 0:
            count += "." not in joined[joined.rfind(",", 0, at) + 1 : at]
            at = joined.find(letter, at + 1)
    return count


def _as_doubles(numbers: Sequence[float]) -> NDArray[np.float64] | None:
    """Numbers as doubles; None when any is too large to be measured."""
    try:
        values = np.frombuffer(pack(f"{len(numbers)}d", *numbers))  # five times as fast as np.array
    except StructError:  # an integer beyond every double
        return None
    return values if not len(values) or max(-values.min(), values.max()) <= MAX_ABS_VALUE else None


def _cell_text(value: Any) -> str:
    """As `capture.flatten.cell_text`, for a cell that is present."""
    return value if type(value) is str else repr(value).lower() if type(value) is bool else repr(value)

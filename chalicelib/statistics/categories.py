"""The distinct cells of a column: their counts while they are few and short, afterwards an estimate of their number.

What is a category, and what is private text? Model Monitor's statistics.json holds categories in clear, so ours must;
but a review or an address is no category. A column keeps its cells only while it has at most MAX_CATEGORIES different
ones, none longer than MAX_CATEGORY_CHARS characters or MAX_CATEGORY_WORDS words. One cell beyond that makes the whole
column text: from then on only hashes enter (a HyperLogLog, from which no text can be recovered), beside the lengths and
word counts of `lengths`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from chalicelib.statistics import hyperloglog
from chalicelib.statistics.lexical import number, numeric_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_CATEGORIES = 120  # distinct cells that are counted: the default of Deequ's profiler
MAX_CATEGORY_CHARS = 64  # characters of a category; a longer text is no category
MAX_CATEGORY_WORDS = 8  # of a category


class Categories(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Counts of the distinct cells; None and a HyperLogLog for more than MAX_CATEGORIES of them, or when one is text.

    Examples
    --------
    >>> both = Categories.of({"a": 2, "b": 1}) + Categories.of({"a": 1})
    >>> both.counts, both.distinct
    ({'a': 3, 'b': 1}, 2)
    >>> many = Categories.of({str(i): 1 for i in range(1000)})
    >>> many.counts is None, 950 < many.distinct < 1050
    (True, True)
    """

    counts: dict[str, int] | None = {}
    sketch: bytes = b""
    coarse_sketch: bytes = msgspec.field(default=b"", name="registers")  # by earlier versions, and of sums with theirs
    distinct_in_file: int = 0  # what a statistics.json without the cells says; a sum does not know it

    @classmethod
    def of(cls, counts: Mapping[str, int], numbers: Mapping[str, float] | None = None) -> Categories:
        """The categories of counted cells; `numbers` are the values of the cells that are numbers, if known."""
        if len(counts) <= MAX_CATEGORIES and not any(map(_is_text, counts)):
            return cls(counts=dict(counts))
        return cls.from_distinct(*_numbers_and_texts(counts, numbers))

    @classmethod
    def from_distinct(cls, numbers: NDArray[np.float64], texts: Iterable[str]) -> Categories:
        """The estimate for more than MAX_CATEGORIES distinct cells: numbers, shape (n,), and other texts."""
        return cls(counts=None, sketch=hyperloglog.stored(hyperloglog.registers_of(numbers, texts)))

    @classmethod
    def unknown(cls, distinct: int = 0) -> Categories:
        """The categories of a column whose file does not hold them; 0 where it does not say how many there are."""
        return cls(counts=None, distinct_in_file=distinct)

    @classmethod
    def total(cls, categories: Iterable[Categories]) -> Categories:
        """The sum of any number of categories."""
        counts: dict[str, int] = {}
        sketches: list[bytes] = []
        coarse: list[bytes] = []
        are_counted = True
        for part in categories:
            for cell, count in (part.counts or {}).items():
                counts[cell] = counts.get(cell, 0) + count
            if part.counts is None:
                are_counted = False
                sketches.append(part.sketch)
                coarse += [part.coarse_sketch] if part.coarse_sketch else []
            if len(counts) > MAX_CATEGORIES:  # folded in at once, so that memory stays flat
                are_counted = False
                sketches.append(hyperloglog.stored(hyperloglog.registers_of(*_numbers_and_texts(counts))))
                counts = {}
        if are_counted:
            return cls(counts=counts)
        sketches.append(hyperloglog.stored(hyperloglog.registers_of(*_numbers_and_texts(counts))))
        registers = hyperloglog.union(sketches)
        if coarse:
            folded = hyperloglog.coarse_union(coarse, registers)
            return cls(counts=None, coarse_sketch=hyperloglog.stored_coarse(folded))
        return cls(counts=None, sketch=hyperloglog.stored(registers))

    def __add__(self, other: Categories) -> Categories:
        return Categories.total((self, other))

    @property
    def distinct(self) -> int:
        """How many distinct cells: exact while they are counted, else an estimate (standard error 1.6 %)."""
        if self.counts is not None:
            return len(self.counts)
        if not self.sketch and not self.coarse_sketch:
            return self.distinct_in_file
        registers = hyperloglog.union([self.sketch])
        if self.coarse_sketch:
            coarse = hyperloglog.coarse_union([self.coarse_sketch], registers)
            return round(hyperloglog.estimate(coarse, hyperloglog.COARSE_MAX_RANK))
        return round(hyperloglog.estimate(registers))


def _is_text(cell: str) -> bool:
    may_have_many_words = len(cell) >= 2 * MAX_CATEGORY_WORDS
    return len(cell) > MAX_CATEGORY_CHARS or (may_have_many_words and len(cell.split()) > MAX_CATEGORY_WORDS)


def _numbers_and_texts(
    cells: Iterable[str], numbers: Mapping[str, float] | None = None
) -> tuple[NDArray[np.float64], list[str]]:
    cells = list(cells)
    if numbers is None:
        numbers = {cell: value for cell in numeric_cells(cells) if (value := number(cell)) is not None}
    texts = [cell for cell in cells if cell not in numbers] if numbers else cells
    return np.array(list(numbers.values()), dtype=np.float64), texts

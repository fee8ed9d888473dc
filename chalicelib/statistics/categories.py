"""The distinct cells of a column: their counts while they are few and short, afterwards an estimate of their number.

What is a category, and what is private text? Model Monitor's statistics.json holds categories in clear, so ours must;
but a review or an address is no category. A column keeps its cells only while it has at most MAX_CATEGORIES different
ones, none longer than MAX_CATEGORY_CHARS characters or MAX_CATEGORY_WORDS words. One cell beyond that makes the whole
column text: from then on only hashes enter (a HyperLogLog, from which no text can be recovered), beside the lengths and
word counts of `lengths`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from zlib import DEFLATED, MAX_WBITS, Z_HUFFMAN_ONLY, compressobj, crc32, decompress, error

import msgspec
import numpy as np

from chalicelib.errors import UnreadableFile
from chalicelib.statistics.lexical import number, numeric_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_CATEGORIES = 120  # distinct cells that are counted: the default of Deequ's profiler
MAX_CATEGORY_CHARS = 64  # characters of a category; a longer text is no category
MAX_CATEGORY_WORDS = 8  # of a category
_REGISTERS = 512  # standard error 1.04 / sqrt(512) = 4.6 %; Deequ's own is 5 %
_LOW_52_BITS = np.uint64((1 << 52) - 1)


class Categories(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Counts of the distinct cells; None and a HyperLogLog for more than MAX_CATEGORIES of them, or when one is text.

    The hash is stable: Python's own is salted per process, and sketches made with it do not merge. Numbers are hashed
    by value, texts by the CRC-32 of their UTF-8 bytes and their length (32 bits: its collisions stay below the
    estimate's own error up to 10^8 texts). The registers are stored deflated: 200 bytes at 1,000 cells instead of 512.

    Examples
    --------
    >>> both = Categories.of({"a": 2, "b": 1}) + Categories.of({"a": 1})
    >>> both.counts, both.distinct
    ({'a': 3, 'b': 1}, 2.0)
    >>> many = Categories.of({str(i): 1 for i in range(1000)})
    >>> many.counts is None, 900 < many.distinct < 1100
    (True, True)

    References
    ----------
    Flajolet et al. (2007), HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm.
    """

    counts: dict[str, int] | None = {}
    registers: bytes = b""

    @classmethod
    def of(cls, counts: Mapping[str, int], numbers: Mapping[str, float] | None = None) -> Categories:
        """The categories of counted cells; `numbers` are the values of the cells that are numbers, if known."""
        if len(counts) <= MAX_CATEGORIES and not any(map(_is_text, counts)):
            return cls(counts=dict(counts))
        return cls.from_distinct(*_numbers_and_texts(counts, numbers))

    @classmethod
    def from_distinct(cls, numbers: NDArray[np.float64], texts: Iterable[str]) -> Categories:
        """The estimate for more than MAX_CATEGORIES distinct cells: numbers, shape (n,), and other texts."""
        return cls(counts=None, registers=_compress(_registers(numbers, texts)))

    @classmethod
    def unknown(cls) -> Categories:
        """The categories of a column whose file does not hold them; `distinct` is then 0."""
        return cls(counts=None)

    @classmethod
    def total(cls, categories: Iterable[Categories]) -> Categories:
        """The sum of any number of categories."""
        counts: dict[str, int] = {}
        registers = np.zeros(_REGISTERS, dtype=np.uint8)
        are_counted = True
        for part in categories:
            for cell, count in (part.counts or {}).items():
                counts[cell] = counts.get(cell, 0) + count
            if part.counts is None:
                are_counted = False
                np.maximum(registers, _decompress(part.registers), out=registers)
            if len(counts) > MAX_CATEGORIES:  # folded in at once, so that memory stays flat
                are_counted = False
                np.maximum(registers, _registers(*_numbers_and_texts(counts)), out=registers)
                counts = {}
        if are_counted:
            return cls(counts=counts)
        np.maximum(registers, _registers(*_numbers_and_texts(counts)), out=registers)
        return cls(counts=None, registers=_compress(registers))

    def __add__(self, other: Categories) -> Categories:
        return Categories.total((self, other))

    @property
    def distinct(self) -> float:
        """How many distinct cells: exact while they are counted, else an estimate (standard error 4.6 %)."""
        if self.counts is not None:
            return float(len(self.counts))
        registers = _decompress(self.registers)
        raw = 0.7213 / (1 + 1.079 / _REGISTERS) * _REGISTERS**2 / float(np.exp2(-registers.astype(np.float64)).sum())
        empty = int((registers == 0).sum())
        if raw <= 2.5 * _REGISTERS and empty:
            return _REGISTERS * math.log(_REGISTERS / empty)  # linear counting
        return raw


def _is_text(cell: str) -> bool:
    may_have_many_words = len(cell) >= 2 * MAX_CATEGORY_WORDS
    return len(cell) > MAX_CATEGORY_CHARS or (may_have_many_words and len(cell.split()) > MAX_CATEGORY_WORDS)


def _compress(registers: NDArray[np.uint8]) -> bytes:
    deflate = compressobj(1, DEFLATED, -9, 4, Z_HUFFMAN_ONLY)  # no text repeats in registers: no window
    return deflate.compress(registers.tobytes()) + deflate.flush()


def _decompress(registers: bytes) -> NDArray[np.uint8]:
    if not registers:
        return np.zeros(_REGISTERS, dtype=np.uint8)
    try:
        found = np.frombuffer(decompress(registers, -MAX_WBITS, _REGISTERS), dtype=np.uint8)
    except error:
        found = np.zeros(0, dtype=np.uint8)
    if len(found) != _REGISTERS:
        raise UnreadableFile(f"a stored count of distinct values of {len(registers)} bytes is damaged")
    return found


def _numbers_and_texts(
    cells: Iterable[str], numbers: Mapping[str, float] | None = None
) -> tuple[NDArray[np.float64], list[str]]:
    cells = list(cells)
    if numbers is None:
        numbers = {cell: value for cell in numeric_cells(cells) if (value := number(cell)) is not None}
    texts = [cell for cell in cells if cell not in numbers] if numbers else cells
    return np.array(list(numbers.values()), dtype=np.float64), texts


def _registers(numbers: NDArray[np.float64], texts: Iterable[str]) -> NDArray[np.uint8]:
    hashes = np.concatenate([_hashes_of_numbers(numbers), _hashes_of_texts(texts)])
    registers = np.zeros(_REGISTERS, dtype=np.uint8)
    # 9 high bits choose the register, 52 low bits (exact in a double) give the position of the first one.
    first_one = 53 - np.frexp((hashes & _LOW_52_BITS).astype(np.float64))[1]
    np.maximum.at(registers, (hashes >> np.uint64(55)).astype(np.intp), first_one.astype(np.uint8))
    return registers


def _hashes_of_numbers(numbers: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Hashes of the bits; + 0.0 makes one of the two zeros."""
    return _mixed((numbers + 0.0).view(np.uint64))


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64: every bit of the result depends on every bit of the input (Steele, Lea, Flood 2014)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return mixed


def _hashes_of_texts(texts: Iterable[str]) -> NDArray[np.uint64]:
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    lengths = np.fromiter(map(len, encoded), np.uint64, len(encoded))
    return _mixed(np.fromiter(map(crc32, encoded), np.uint64, len(encoded)) ^ (lengths << np.uint64(32)))

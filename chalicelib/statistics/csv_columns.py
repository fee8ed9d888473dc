"""Statistics of all columns of many rows of CSV at once: the cells stay bytes until they are numbers.

A column whose every cell is a JSON number (Deequ's Integral and Fractional without a plus, a leading zero or a blank)
is decoded together with all other such columns; the cells of any other column, and those of few rows, are counted. The
result equals `ColumnStatistics.of` for every column (a property test compares the two).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.statistics import PART_K
from chalicelib.statistics.column import ColumnStatistics, parse_numbers
from chalicelib.statistics.equal_cells import equal_cells, words_at_each_byte

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMMA, LINE_END, POINT, QUOTE = b',\n."'
_MINUS, _ZERO = b"-0"
_LENGTH_OF_ZERO = 2  # with the dividing byte
MIN_ROWS_FOR_NUMBERS = 100  # below it counting the cells of a column is faster than looking for numbers (measured)
MIN_ROWS_TOGETHER = 2_000  # below it counting the cells of a column one by one is faster (measured)
_SAMPLE_CELLS = 16  # of a column, which are decoded to see whether it holds numbers


class CsvBlock(NamedTuple):
    r"""Rows of one width, cell after cell.

    One byte divides each cell from the next. A cell may be in quotes; a quote within is doubled.

    Examples
    --------
    >>> content = np.frombuffer(bytearray(b'1,"a,b"\n2,""\n'), np.uint8)
    >>> block = CsvBlock(content, np.array([1, 7, 9, 12]), np.zeros(4, bool), 2)
    >>> [column.types.inferred_type for column in block.columns()], block.columns()[1].categories.counts
    (['Integral', 'String'], {'a,b': 1})
    """

    content: NDArray[np.uint8]  # writable: the dividing bytes are overwritten; shape (bytes,)
    ends: NDArray[np.int64]  # where the dividing byte of each cell lies; shape (cells,)
    has_point: NDArray[np.bool_]  # which cells hold a decimal point; shape (cells,)
    width: int  # cells of a row

    @classmethod
    def joined(cls, blocks: list[CsvBlock]) -> CsvBlock:
        """The rows of blocks of one width as one block."""
        if len(blocks) == 1:
            return blocks[0]
        offsets = np.cumsum([0, *(len(block.content) for block in blocks[:-1])])
        return cls(
            np.concatenate([block.content for block in blocks]),
            np.concatenate([block.ends + offset for block, offset in zip(blocks, offsets, strict=True)]),
            np.concatenate([block.has_point for block in blocks]),
            blocks[0].width,
        )

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.ends) // self.width

    def columns(self, k: int = PART_K) -> tuple[ColumnStatistics, ...]:
        """The statistics of every column; `k` is the size of the sketches."""
        cells = CellIndex(self)
        counted = self._of_numbers(cells, k) if self.rows >= MIN_ROWS_FOR_NUMBERS else {}
        for position, counts in cells.counts([position for position in range(self.width) if position not in counted]):
            missing = counts.pop("", 0)
            counted[position] = ColumnStatistics.of_counts(counts, missing, k)
        return tuple(counted[position] for position in range(self.width))

    def _of_numbers(self, cells: CellIndex, k: int) -> dict[int, ColumnStatistics]:
        """The columns that hold nothing but numbers, by their positions."""
        numbers = cells.numbers()
        fractional = np.add.reduce(self.has_point.reshape(-1, self.width), axis=0, dtype=np.int64).tolist()
        counted: dict[int, ColumnStatistics] = {}
        for position, values in numbers.items():
            integral = len(values) - fractional[position]
            column = ColumnStatistics.of_numbers(values, integral, self.rows - len(values), k)
            counts = column.categories.counts if column is not None else None
            if column is not None and not (counts and "0" in counts and cells.may_hold_minus_zero(position, values)):
                counted[position] = column
        return counted


class CellIndex:
    """Where the cells of a block begin and end, without their quotes."""

    def __init__(self, block: CsvBlock) -> None:
        self.block = block
        self.lengths = np.empty(len(block.ends), dtype=np.int64)  # with the dividing byte
        self.lengths[0] = block.ends[0] + 1
        np.subtract(block.ends[1:], block.ends[:-1], out=self.lengths[1:])
        self.quotes: NDArray[np.intp] | None = None
        present = self.lengths > 1
        if (block.content == QUOTE).any():
            starts = block.ends + 1 - self.lengths
            quoted = np.flatnonzero(block.content[starts] == QUOTE)
            self.quotes = np.concatenate([starts[quoted], block.ends[quoted] - 1])
            present[quoted] = self.lengths[quoted] > 3
        self.present = present.reshape(-1, block.width)

    def numbers(self) -> dict[int, NDArray[np.float64]]:
        """The values of each column that holds nothing but numbers, by its position."""
        positions = [position for position in range(self.block.width) if self._sample_is_numeric(position)]
        for _ in range(2):
            together = self._decoded(positions)
            if together is not None:
                return dict(zip(positions, together, strict=True))
            positions = self._numeric_looking(positions)
        found = ((position, self._decoded([position])) for position in positions)
        return {position: alone[0] for position, alone in found if alone is not None}

    def counts(self, positions: list[int]) -> Iterator[tuple[int, dict[str, int]]]:
        """How often each cell of a column occurs, with the position of the column; a missing cell is ""."""
        if not positions:
            return
        if self.block.rows < MIN_ROWS_TOGETHER:
            yield from self._counts_one_by_one(positions)
            return
        content, words = self.block.content.tobytes(), words_at_each_byte(self.block.content)
        for position in positions:
            starts, sizes = self._places(position)
            first, counts = equal_cells(words, starts, sizes)
            slices = map(slice, starts[first].tolist(), (starts + sizes)[first].tolist())
            yield position, _by_text(map(content.__getitem__, slices), counts.tolist())

    def _counts_one_by_one(self, positions: list[int]) -> Iterator[tuple[int, dict[str, int]]]:
        chosen = np.zeros((self.block.rows, self.block.width), dtype=bool)
        chosen[:, positions] = True
        cells = self._stream(chosen.ravel(), LINE_END).split(b"\n")[:-1]
        for place, position in enumerate(positions):
            counted = Counter(cells[place :: len(positions)])
            yield position, _by_text(counted, counted.values())

    def _places(self, position: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first byte of each cell of a column, and its size, without the quotes around it; shape (rows,)."""
        column = slice(position, None, self.block.width)
        sizes = self.lengths[column] - 1
        starts = self.block.ends[column] - sizes
        if self.quotes is not None:
            quoted = self.block.content[starts] == QUOTE
            starts, sizes = starts + quoted, sizes - 2 * quoted
        return starts, sizes

    def may_hold_minus_zero(self, position: int, values: NDArray[np.float64]) -> bool:
        """Whether a zero among the values of a column of whole numbers is longer than `0`: `-0`, or in quotes."""
        zeros = np.flatnonzero(self.present[:, position])[values == 0]
        return bool((self.lengths[position :: self.block.width][zeros] > _LENGTH_OF_ZERO).any())

    def _sample_is_numeric(self, position: int) -> bool:
        """Whether a few cells of a column, from all over it, are numbers."""
        places = np.flatnonzero(self.present[:: 1 + self.block.rows // (2 * _SAMPLE_CELLS), position])[:_SAMPLE_CELLS]
        places = places * (1 + self.block.rows // (2 * _SAMPLE_CELLS)) * self.block.width + position
        cells = [self._cell(place) for place in places.tolist()]
        return parse_numbers(b",".join(cells), len(cells)) is not None

    def _cell(self, place: int) -> bytes:
        end = int(self.block.ends[place])
        cell: bytes = self.block.content[end + 1 - int(self.lengths[place]) : end].tobytes()
        return cell[1:-1] if cell.startswith(b'"') else cell

    def _numeric_looking(self, positions: list[int]) -> list[int]:
        """Those of the columns whose cells all begin and end as numbers do, which no cell in quotes does."""
        content, width = self.block.content, self.block.width
        first, last = content[self.block.ends + 1 - self.lengths], content[self.block.ends - 1]
        # the subtraction wraps around: what is below "0" becomes large
        alike = ((first - _ZERO < 10) | (first == _MINUS)) & (last - _ZERO < 10)
        columns = (alike.reshape(-1, width) | ~self.present).all(axis=0)
        return [position for position in positions if columns[position]]

    def _decoded(self, positions: list[int]) -> list[NDArray[np.float64]] | None:
        """The values of columns; None when a cell is no number, or one too large to be measured."""
        chosen = self.present
        if len(positions) < self.block.width:
            taken = np.zeros(self.block.width, dtype=bool)
            taken[positions] = True
            chosen = self.present & taken
        flat = chosen.ravel()
        count = int(np.count_nonzero(flat))
        stream = self._stream(flat, COMMA)
        values = parse_numbers(stream[:-1], count)
        if values is None:
            return None
        if b"e" in stream or b"E" in stream:
            self._note_exponents(stream, np.flatnonzero(flat))
        shape = (self.block.rows, len(positions))
        if count == shape[0] * shape[1]:
            return list(np.ascontiguousarray(values.reshape(shape).T))
        present = self.present[:, positions]
        table = np.empty(shape)
        table[present] = values
        columns = zip(np.ascontiguousarray(table.T), np.ascontiguousarray(present.T), strict=True)
        return [column if mask.all() else column[mask] for column, mask in columns]

    def _stream(self, chosen: NDArray[np.bool_], divider: int) -> bytes:
        """The bytes of chosen cells without their quotes, each followed by the divider."""
        content = self.block.content
        content[self.block.ends] = divider
        if chosen.all() and self.quotes is None:
            return content.tobytes()
        mask = np.repeat(chosen, self.lengths)
        if self.quotes is not None:
            mask[self.quotes] = False
        return content[mask].tobytes()

    def _note_exponents(self, stream: bytes, cells: NDArray[np.intp]) -> None:
        """Numbers with an exponent are Fractional, with or without a point."""
        marks = np.frombuffer(stream, np.uint8)
        ends = np.flatnonzero(marks == COMMA)
        self.block.has_point[cells[np.searchsorted(ends, np.flatnonzero((marks | 32) == ord("e")))]] = True


def _by_text(cells: Iterable[bytes], counts: Iterable[int]) -> dict[str, int]:
    """The counts of cells in UTF-8, whose quotes are still doubled, by their texts; a cell may come several times."""
    joined = b"\n".join(cells).replace(b'""', b'"')  # all at once; no cell holds a line end
    total: dict[str, int] = {}
    for text, count in zip(joined.decode().split("\n"), counts, strict=True):
        total[text] = total.get(text, 0) + count
    return total

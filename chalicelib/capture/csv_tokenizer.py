"""The CSV payloads of many requests -> where each cell lies, without making the cells.

Payloads that are not plainly one row a line are reported by their indices, and go to the exact reader:

| a payload                                                                 | recognised by                      |
|---------------------------------------------------------------------------|------------------------------------|
| nothing, or nothing but a line end; a carriage return; very large         | its bytes                          |
| an open quote                                                             | an odd number of quotes            |
| a quote within a cell that has none around it, text behind a closing one  | the bytes before and behind quotes |
| a line end in quotes                                                      | its quotes                         |
| rows of differing widths, a blank line among longer ones                  | the widths of its lines            |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.statistics.csv_columns import COMMA, LINE_END, POINT, QUOTE, CsvBlock

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PAYLOAD_BYTES = 1 << 20
_RETURN = ord("\r")
_BOUNDARY = np.zeros(256, dtype=bool)
_BOUNDARY[[COMMA, LINE_END, QUOTE]] = True


class TokenizedCsv(NamedTuple):
    """The cells of many payloads, each cell followed by one byte that divides it from the next."""

    content: NDArray[np.uint8]
    ends: NDArray[np.int64]  # where the dividing byte of each cell lies; shape (cells,)
    has_point: NDArray[np.bool_]  # which cells hold a decimal point; shape (cells,)
    widths: NDArray[np.int64]  # cells of each line; shape (lines,)
    line_counts: NDArray[np.int64]  # lines of each payload; shape (payloads,)

    def block(self, chosen: NDArray[np.bool_] | None = None) -> CsvBlock:
        """The chosen lines, which must have one width; shape (lines,), None for every line."""
        if chosen is None:
            return CsvBlock(self.content, self.ends, self.has_point, int(self.widths[0]))
        cells = np.repeat(chosen, self.widths)
        lengths = np.diff(self.ends, prepend=-1)
        content = self.content[np.repeat(cells, lengths)]
        return CsvBlock(content, np.cumsum(lengths[cells]) - 1, self.has_point[cells], int(self.widths[chosen][0]))


def tokenize(payloads: list[bytes]) -> TokenizedCsv | set[int]:
    r"""Find the cells of all payloads.

    Returns
    -------
    The cells; or, when payloads are not plain, the indices of some of these, for another call without them. That the
    lines have one width is not checked.

    Examples
    --------
    >>> csv = tokenize([b"1,2.5", b'3,"a,b"\n4,\n'])
    >>> csv.ends.tolist(), csv.widths.tolist(), csv.line_counts.tolist()
    ([1, 5, 7, 13, 15, 16], [2, 2, 2], [1, 2])
    >>> tokenize([b"1", b"", b"\n", b"2\r"]), tokenize([b"1", b'"', b'"a"']), tokenize([b"1", b'"a"b', b'"a\nb"'])
    ({1, 2, 3}, {1}, {1, 2})
    """
    content = np.frombuffer(bytearray(b"\n").join([*payloads, b""]), dtype=np.uint8)
    sizes = np.fromiter(map(len, payloads), np.int64, len(payloads))
    behind = np.cumsum(sizes + 1) - 1  # where the line end behind each payload lies
    own = content[behind - 1] == LINE_END
    if own.any():
        stripped = payloads if own.all() else [payload.removesuffix(b"\n") + b"\n" for payload in payloads]
        content = np.frombuffer(bytearray().join(stripped), dtype=np.uint8)
        sizes -= own
        behind = np.cumsum(sizes + 1) - 1
    wrong = (sizes <= 0) | (sizes > MAX_PAYLOAD_BYTES)
    wrong[np.searchsorted(behind, np.flatnonzero(content == _RETURN))] = True
    if wrong.any():
        return _positions(wrong)
    marks = np.flatnonzero((content == COMMA) | (content == LINE_END) | (content == POINT))
    quotes = np.flatnonzero(content == QUOTE)
    if len(quotes):
        owners = np.searchsorted(behind, quotes)
        wrong = np.bincount(owners, minlength=len(payloads)) & 1 == 1
        if not wrong.any():
            wrong[owners[_misplaced(content, quotes)]] = True
            inside = _inside(marks, quotes)
            kinds = content[marks[inside]]
            wrong[np.searchsorted(behind, marks[inside[kinds == LINE_END]])] = True
            marks = np.delete(marks, inside[kinds != POINT])
        if wrong.any():
            return _positions(wrong)
    kinds = content[marks]
    at = np.flatnonzero(kinds != POINT)
    ends, kinds = marks[at], kinds[at]
    has_point = np.empty(len(at), dtype=bool)  # where other marks lie between the end of a cell and the end before
    has_point[:1] = at[:1] > 0
    np.greater(at[1:] - at[:-1], 1, out=has_point[1:])
    last = np.flatnonzero(kinds == LINE_END)
    line_counts = np.ones(len(payloads), dtype=np.int64)
    if len(last) > len(payloads):
        line_counts = np.diff(np.searchsorted(ends[last], behind), prepend=-1)
    return TokenizedCsv(content, ends, has_point, np.diff(last, prepend=-1), line_counts)


def _positions(wrong: NDArray[np.bool_]) -> set[int]:
    return set(np.flatnonzero(wrong).tolist())


def _misplaced(content: NDArray[np.uint8], quotes: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which quotes neither open nor close a cell, nor are doubled within one; every second quote closes.

    The byte before the first one is the last one (index -1), which is a line end.
    """
    misplaced = np.empty(len(quotes), dtype=bool)
    misplaced[::2] = ~_BOUNDARY[content[quotes[::2] - 1]]
    misplaced[1::2] = ~_BOUNDARY[content[quotes[1::2] + 1]]
    return misplaced


def _inside(marks: NDArray[np.intp], quotes: NDArray[np.intp]) -> NDArray[np.intp]:
    """The positions of the marks that lie between an opening quote and its closing one."""
    first = np.searchsorted(marks, quotes[::2])
    counts = np.searchsorted(marks, quotes[1::2]) - first
    first, counts = first[counts > 0], counts[counts > 0]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    inside: NDArray[np.intp] = np.repeat(first, counts) + within
    return inside

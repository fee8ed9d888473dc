"""A CSV payload -> rows of cells. Each payload is a document of its own, so an open quote ends with its payload.

The line end at the end begins no row. A blank line is a missing cell in a payload of one column, and nothing in a
wider one. A blank cell is missing. A payload of more than LAZY_PAYLOAD_CHARS characters is read again at each
iteration over its rows, so that a million rows in one request are never in memory together.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from functools import partial

from chalicelib.capture.lazy_rows import Row, SizedIterable, blank_names
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.errors import RejectedRecord

LAZY_PAYLOAD_CHARS = 1 << 18
_MAX_CELL_CHARS = 1 << 30  # lines are bounded before that


def normalize_line_ends(text: str) -> str:
    r"""The payload with "\n" for every "\r\n", and without a line end at its end."""
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return text[:-1] if text.endswith("\n") else text


def csv_rows(text: str, *, header: bool = False) -> tuple[Collection[Row], int]:
    r"""Read a payload of CSV.

    Parameters
    ----------
    header
        Whether the first row holds the names of the columns.

    Returns
    -------
    The rows without the header, and how many cells the widest row has.

    Raises
    ------
    RejectedRecord
        EMPTY_PAYLOAD, or PAYLOAD_NOT_CSV when quotes do not pair.

    Examples
    --------
    >>> csv_rows("1,,x\n")
    ([(('', '', ''), ['1', None, 'x'])], 3)
    >>> csv_rows('a,b\n1,"2,3"\n', header=True)[0]
    [(('a', 'b'), ['1', '2,3'])]
    """
    text = normalize_line_ends(text)
    if not text:
        raise RejectedRecord(RejectionReason.EMPTY_PAYLOAD)
    if "\n" not in text and '"' not in text and not header:
        cells: list[str | None] = [cell or None for cell in text.split(",")]
        return [(blank_names(len(cells)), cells)], len(cells)
    try:
        count, width = 0, 1
        for row in _raw(text):
            count += bool(row)
            width = max(width, len(row))
    except csv.Error:
        raise RejectedRecord(RejectionReason.PAYLOAD_NOT_CSV) from None
    if width == 1:
        count = sum(1 for _ in _raw(text))
    if count == header:
        raise RejectedRecord(RejectionReason.EMPTY_PAYLOAD)
    rows = SizedIterable(count - header, partial(_rows, text, width, header))
    return (rows if len(text) > LAZY_PAYLOAD_CHARS else list(rows)), width


def _raw(text: str) -> Iterator[list[str]]:
    if '"' in text:
        # A StringIO takes four bytes a character, but it alone ends lines at a lone carriage return, as csv does.
        lines = io.StringIO(text, newline="") if "\r" in text else (line + "\n" for line in _lines(text))
        reader = csv.reader(lines, strict=True)
        return long_cells(reader) if len(text) > csv.field_size_limit() else reader
    return (line.split(",") if line else [] for line in _lines(text))


def long_cells(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows of a csv.reader, whose cells may be of any length.

    The csv module's limit is 131,072 characters a cell for the whole process, so it is lifted only while a row is read.
    """
    while True:
        limit = csv.field_size_limit(_MAX_CELL_CHARS)
        try:
            row = next(rows, None)
        finally:
            csv.field_size_limit(limit)
        if row is None:
            return
        yield row


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, which is split a quarter of a megabyte at a time."""
    begin = 0
    while len(text) - begin > LAZY_PAYLOAD_CHARS:
        cut = text.find("\n", begin + LAZY_PAYLOAD_CHARS)
        if cut < 0:
            break
        yield from text[begin:cut].split("\n")
        begin = cut + 1
    yield from text[begin:].split("\n")


def _rows(text: str, width: int, header: bool) -> Iterator[Row]:
    rows = iter(_raw(text))
    names: tuple[str, ...] = ()
    if header:
        names = tuple(next(rows))
    for row in rows:
        if row or width == 1:
            cells: list[str | None] = [cell or None for cell in row] or [None]
            yield names if len(names) == len(cells) else blank_names(len(cells)), cells

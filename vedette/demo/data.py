"""The data of the demo: a labelled data set, traffic drawn from it, and corrupted values."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass
from functools import cached_property

from chalicelib.errors import UnreadableFile

ROWS = 6000
SEED = 7
MAX_CLASSES = 20


@dataclass(frozen=True)
class DataSet:
    """Rows of text cells, with the label in the first column."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def csv(self) -> bytes:
        """The data set as a CSV file with a header."""
        return _csv([self.names, *self.rows])

    @property
    def training_csv(self) -> bytes:
        """The data set as SageMaker's built-in algorithms need it: no header, label first."""
        return _csv(self.rows)

    def traffic(self, seed: int, count: int) -> list[tuple[str, ...]]:
        """Feature rows drawn from the data set, as clients send them: columns of whole numbers without `.0`."""
        drawn = random.Random(seed).choices(self.rows, k=count)  # noqa: S311 - seeded on purpose
        return [self._sent(row) for row in drawn]

    @property
    def sent_csv(self) -> bytes:
        """The data set as a CSV file with a header, its features as clients send them."""
        return _csv([self.names, *((row[0], *self._sent(row)) for row in self.rows)])

    def _sent(self, row: tuple[str, ...]) -> tuple[str, ...]:
        """The features of a row as clients send them."""
        return tuple(_sent(cell, name in self.whole) for name, cell in zip(self.names[1:], row[1:], strict=True))

    @cached_property
    def whole(self) -> frozenset[str]:
        """The features that contain only whole numbers."""
        columns = dict(zip(self.names[1:], list(zip(*self.rows, strict=True))[1:], strict=True))
        return frozenset(name for name, cells in columns.items() if all(float(cell).is_integer() for cell in cells))


def sites() -> DataSet:
    """A synthetic data set of 6,000 rows: whether a site is preferred (label), given its coordinates a and b.

    The coordinates are whole numbers with a decimal point, as pandas writes a column that once had a missing value. So
    the suggested type is Fractional, and a user corrects it to Integral.
    """
    draw = random.Random(SEED)  # noqa: S311 - seeded on purpose
    rows = []
    for _ in range(ROWS):
        a, b = draw.randint(-100, 100), draw.randint(-100, 100)
        rows.append((f"{float(a + b > 0)}", f"{float(a)}", f"{float(b)}"))
    return DataSet(("label", "a", "b"), tuple(rows))


def from_file(content: bytes, place: str) -> DataSet:
    """A data set from a CSV file whose first column is the label; a first row without numbers is the header.

    Raises
    ------
    UnreadableFile
        If the file is not such a CSV.
    """
    try:
        rows = [tuple(row) for row in csv.reader(io.StringIO(content.decode("utf-8-sig")), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"{place}: not a CSV file in UTF-8") from error
    if not rows or len(rows[0]) < 2:
        raise UnreadableFile(f"{place}: needs a label and at least one feature in each row")
    header = not any(_is_number(cell) for cell in rows[0])
    names = rows[0] if header else ("label", *(f"x{position}" for position in range(1, len(rows[0]))))
    body = rows[1:] if header else rows
    for number, row in enumerate(body, start=1 + header):
        if len(row) != len(names):
            raise UnreadableFile(f"{place}: row {number} has {len(row)} cells instead of {len(names)}")
        if not all(_is_number(cell) for cell in row):
            raise UnreadableFile(f"{place}: row {number} has a cell that is not a number; the demo needs numbers")
    if len(body) < MAX_CLASSES * 5:
        raise UnreadableFile(f"{place}: {len(body)} rows are too few; the demo needs {MAX_CLASSES * 5}")
    classes = len({float(row[0]) for row in body})
    if not 2 <= classes <= MAX_CLASSES:
        values = "one value" if classes == 1 else f"{classes} different values"
        raise UnreadableFile(f"{place}: the first column has {values}; a label has 2 to {MAX_CLASSES} classes")
    return DataSet(names, tuple((f"{float(row[0])}", *row[1:]) for row in body))


def _sent(cell: str, whole: bool) -> str:
    """A cell as a client sends it: always in the lexical type of its column."""
    if whole:
        return str(int(float(cell)))
    return f"{float(cell)}" if float(cell).is_integer() else cell


def corrupted(cell: str) -> str:
    """A value that the model still accepts, with another lexical type: a number with `.50`, or a trailing blank.

    Examples
    --------
    >>> corrupted("12"), corrupted("-3"), corrupted("2.75")
    ('12.50', '-3.50', '2.75 ')
    """
    return f"{cell}.50" if cell.lstrip("+-").isdigit() else f"{cell} "


def half_corrupted(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows, with the last value of every second row corrupted."""
    return [(*row[:-1], corrupted(row[-1])) if position % 2 else row for position, row in enumerate(rows)]


def _csv(rows: list[tuple[str, ...]] | tuple[tuple[str, ...], ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _is_number(cell: str) -> bool:
    try:
        return float(cell) == float(cell)  # NaN is not a number
    except ValueError:
        return False

r"""The type of a cell by its text alone: `18` is Integral, `18.00` and `1e5` are Fractional, `.5` is text.

The rules are those of Deequ's StatefulDataType, matched against the whole cell (aws-behaviour: inferred-type).
Java's `\d` is ASCII, so the digits are spelled out: Python's `\d` would take Arabic digits too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

LexicalType = Literal["fractional", "integral", "boolean", "string"]
InferredType = Literal["Fractional", "Integral", "String", "Unknown"]

_FRACTIONAL = re.compile(r"[-+]? ?[0-9]+(?:\.[0-9]+|(?:\.[0-9]+)?[Ee][-+]?[0-9]+)").fullmatch
_INTEGRAL = re.compile(r"[-+]? ?[0-9]+").fullmatch

# Cells that are numbers, of many cells each between two line ends: one call for a thousand cells. It begins with a
# plain character, which is searched for quickly, and is possessive: text that is no number fails at once.
_NUMBERS_OF_LINES = re.compile(r"\n([-+]? ?[0-9]++(?:\.[0-9]++)?(?:[Ee][-+]?[0-9]++)?)(?=\n)").findall

# Beyond this a square summed over 10^8 rows would overflow a double: counted by type, left out of the moments.
MAX_ABS_VALUE = 1e150


def lexical_type(cell: str) -> LexicalType:
    """The type of one cell that is present.

    Examples
    --------
    >>> [lexical_type(cell) for cell in ("18", "- 5", "18.00", "1e5", "true", ".5", "5.", "5 ", "NaN", "1_0")]
    ['integral', 'integral', 'fractional', 'fractional', 'boolean', 'string', 'string', 'string', 'string', 'string']
    """
    if _INTEGRAL(cell):
        return "integral"
    if _FRACTIONAL(cell):
        return "fractional"
    return "boolean" if cell in ("true", "false") else "string"


def numeric_cells(cells: Collection[str]) -> list[str]:
    r"""The cells that are Integral or Fractional.

    Examples
    --------
    >>> numeric_cells(["18", "a", "1.5", "2\n3", "", "5 "])
    ['18', '1.5']
    """
    joined = "\n".join(["", *cells, ""])
    if joined.count("\n") > len(cells) + 1:
        joined = "\n".join(["", *(cell for cell in cells if "\n" not in cell), ""])
    return _NUMBERS_OF_LINES(joined)


def number(cell: str) -> float | None:
    """The value of a numeric cell; None beyond MAX_ABS_VALUE.

    Examples
    --------
    >>> number("- 5"), number("18.00"), number("1e999")
    (-5.0, 18.0, None)
    """
    value = float(cell.replace(" ", ""))
    return value if abs(value) <= MAX_ABS_VALUE else None


class TypeCounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many cells of a column have each lexical type, and how many are missing."""

    fractional: int = 0
    integral: int = 0
    boolean: int = 0
    string: int = 0
    missing: int = 0
    blank: int = 0  # of the strings: empty, or white space alone; of parts from before they were counted 0

    @classmethod
    def total(cls, counts: Iterable[TypeCounts]) -> TypeCounts:
        """The sum of any number of counts."""
        fractional = integral = boolean = string = missing = blank = 0
        for one in counts:  # half as long as a sum of tuples; this runs for each column of each part
            fractional += one.fractional
            integral += one.integral
            boolean += one.boolean
            string += one.string
            missing += one.missing
            blank += one.blank
        return cls(
            fractional=fractional, integral=integral, boolean=boolean, string=string, missing=missing, blank=blank
        )

    def __add__(self, other: TypeCounts) -> TypeCounts:
        return TypeCounts.total((self, other))

    @property
    def present(self) -> int:
        """Cells that are not missing."""
        return self.fractional + self.integral + self.boolean + self.string

    @property
    def completeness(self) -> float | None:
        """Share of the cells that are present (0 to 1); None without cells."""
        rows = self.present + max(0, self.missing)
        return self.present / rows if rows else None

    @property
    def blank_share(self) -> float:
        """Share of the cells that are blank texts (0 to 1); Model Monitor counts these as present.

        Examples
        --------
        >>> TypeCounts(string=3, blank=2, missing=1).blank_share
        0.5
        """
        rows = self.present + self.missing
        return self.blank / rows if rows else 0.0

    @property
    def inferred_type(self) -> InferredType:
        """The type of the column as Deequ's determineType infers it; Booleans count as String.

        Examples
        --------
        >>> TypeCounts(integral=3, fractional=1).inferred_type, TypeCounts(integral=3, string=1).inferred_type
        ('Fractional', 'String')
        >>> TypeCounts(missing=3).inferred_type
        'Unknown'
        """
        if self.string or self.boolean:
            return "String"
        if self.fractional:
            return "Fractional"
        return "Integral" if self.integral else "Unknown"

    def share_of(self, expected: str) -> float | None:
        """Share of the present cells that have exactly this inferred type (0 to 1); an Integral is not a Fractional.

        None without present cells, or for a type that cells do not have.

        Examples
        --------
        >>> TypeCounts(integral=1, fractional=1, missing=2).share_of("Integral")
        0.5
        """
        counts = {"Fractional": self.fractional, "Integral": self.integral, "String": self.string + self.boolean}
        counted = counts.get(expected)
        return counted / self.present if counted is not None and self.present else None

"""Cells of captures and labels -> classes, numbers and scores; and where they are in a row."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

from chalicelib.capture.lazy_rows import Names

MAX_CLASS_CHARS = 64  # of the name of a class; a longer text is none
_WHOLE = re.compile(r"-?\d+\.0+", re.ASCII).fullmatch


def class_of(cell: Any) -> str | None:
    """The class that a cell names; None when it is missing, a list, or too long.

    A whole number is one class however it is written.

    Examples
    --------
    >>> [class_of(cell) for cell in ("1", "1.0", 1, 1.0, " cat", "", None)]
    ['1', '1', '1', '1', 'cat', None, None]
    """
    if cell is None or isinstance(cell, list | dict):
        return None
    text = str(cell).strip()
    if not text or len(text) > MAX_CLASS_CHARS:
        return None
    return text.partition(".")[0] if _WHOLE(text) else text


def number_of(cell: Any) -> float | None:
    """The finite number of a cell; None when it is none.

    >>> [number_of(cell) for cell in ("1.5", " 2 ", "1_000", "nan", "1e999", "x", None)]
    [1.5, 2.0, None, None, None, None, None]
    """
    if not isinstance(cell, str | int | float) or (isinstance(cell, str) and "_" in cell):
        return None
    try:
        value = float(cell)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


@lru_cache(maxsize=256)
def column(place: str, names: Names, outputs: int) -> int | None:
    """The position of a column in a row, whose outputs come first; None when it has no such column.

    Parameters
    ----------
    place
        A name, of the outputs before the inputs; or the position of an output.

    Examples
    --------
    >>> column("score", ("label", "score", "x"), 2), column("0", ("", "", ""), 2), column("2", ("", "", ""), 2)
    (1, 0, None)
    """
    if place in names:
        return names.index(place)
    return int(place) if place.isascii() and place.isdigit() and len(place) < 6 and int(place) < outputs else None


@lru_cache(maxsize=256)
def columns_of_list(place: str, names: Names, outputs: int, count: int) -> tuple[int, ...]:
    """The positions of the elements of a list, `place.0` and so on, or of as many outputs from a position on.

    () when the row has no such list.

    Examples
    --------
    >>> columns_of_list("p", ("y", "p.0", "p.1"), 3, 2), columns_of_list("1", ("", "", ""), 3, 2)
    ((1, 2), (1, 2))
    >>> columns_of_list("1", ("", ""), 2, 2)
    ()
    """
    wanted = [f"{place}.{position}" for position in range(count)]
    if set(wanted) <= set(names):
        return tuple(map(names.index, wanted))
    first = column(place, names, outputs)
    return tuple(range(first, first + count)) if first is not None and first + count <= outputs else ()

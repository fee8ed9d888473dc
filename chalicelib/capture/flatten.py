r"""A JSON document -> rows of named text cells.

Naming: the keys on the way to a value, joined by dots; elements of a list below a key are counted from 0
(`{"a": {"b": 1}, "c": [2, 3]}` -> `a.b`, `c.0`, `c.1`). The cells of a row that is a list have no names and are known
by position, as are those of `{"features": [...]}`. A cell is the text of the number, `true`/`false`, the string itself,
or None for null and for an empty list or object.

| document                                                   | rows                                            |
|------------------------------------------------------------|-------------------------------------------------|
| `{"instances": [...]}`, `predictions`, `inputs`, `outputs` | one for each element                            |
| `{"features": [...]}` and nothing else                     | one when the elements are scalars               |
| `[[...], [...]]`, `[{...}, {...}]`                         | one for each element                            |
| `[1, 2]`                                                   | one; n of one column if the other side has n    |
| `{"instances": [1, 2]}`                                    | two; one of n columns if the other side has one |
| any other object                                           | one, flattened                                  |
| a scalar                                                   | one of one cell                                 |
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from chalicelib.capture import reasons
from chalicelib.errors import Refused

Row = tuple[tuple[str, ...], list[str | None]]  # names, cells
CONTAINERS = ("instances", "predictions", "inputs", "outputs")
DEEPEST = 32


@lru_cache(maxsize=1024)
def unnamed(columns: int) -> tuple[str, ...]:
    """The names of columns that are known by position."""
    return ("",) * columns


def _no_constant(_: str) -> None:
    raise ValueError  # NaN and Infinity are not JSON


_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_constant)


def document(text: str) -> Any:
    """Parse JSON, numbers kept as the text they were written in.

    Raises
    ------
    Refused
        With a word of `reasons`.
    """
    try:
        parsed = _DECODER.decode(text)
    except RecursionError:
        raise Refused(reasons.TOO_DEEP) from None
    except ValueError:
        raise Refused(reasons.PAYLOAD_NOT_JSON) from None
    if "\\u" in text and "\\ud" in text.lower():
        try:
            json.dumps(parsed, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise Refused(reasons.LONE_SURROGATE) from None
    return parsed


def rows_of(parsed: Any) -> tuple[list[Row], bool]:
    """The rows of a document, and whether they are one list of scalars whose direction only the other side knows.

    Examples
    --------
    >>> rows_of({"instances": [{"a": "1", "b": {"c": None}}]})
    ([(('a', 'b.c'), ['1', None])], False)
    >>> rows_of({"predictions": ["3.5", "4.0"]})
    ([(('',), ['3.5']), (('',), ['4.0'])], True)
    >>> rows_of(["1", "2"])
    ([(('', ''), ['1', '2'])], True)
    """
    if isinstance(parsed, dict):
        for key in CONTAINERS:
            inside = parsed.get(key)
            if isinstance(inside, list):
                return [_row(item) for item in inside], _all_scalars(inside)
            if isinstance(inside, dict) and len(parsed) == 1:
                return rows_of(inside)
        if parsed.keys() == {"features"}:
            return rows_of(parsed["features"])
        return [_row(parsed)], False
    if isinstance(parsed, list) and parsed and not _all_scalars(parsed):
        return [_row(item) for item in parsed], False
    return [_row(parsed)], isinstance(parsed, list) and len(parsed) > 1


def is_error(parsed: Any) -> bool:
    """Whether an answer is an error response: `{"code": ..., "message": ...}` or `{"error": ...}`.

    The first form is the one AWS's own sample handler looks for (aws-facts 2.3).
    """
    return isinstance(parsed, dict) and (parsed.keys() >= {"code", "message"} or parsed.keys() == {"error"})


def _all_scalars(items: list[Any]) -> bool:
    return bool(items) and not any(isinstance(item, (dict, list)) for item in items)


def _row(item: Any) -> Row:
    if isinstance(item, dict) and item.keys() == {"features"}:
        item = item["features"]
    if not isinstance(item, (dict, list)):
        return unnamed(1), [_cell(item)]
    names: list[str] = []
    cells: list[str | None] = []
    _flatten(item, "", names, cells, 0)
    if isinstance(item, list) and not any(isinstance(element, dict) for element in item):
        return unnamed(len(cells)), cells
    return tuple(names), cells


def _flatten(item: Any, name: str, names: list[str], cells: list[str | None], depth: int) -> None:
    if not item or not isinstance(item, (dict, list)):
        names.append(name)
        cells.append(None if isinstance(item, (dict, list)) else _cell(item))
        return
    if depth == DEEPEST:
        raise Refused(reasons.TOO_DEEP)
    inside = item.items() if isinstance(item, dict) else enumerate(item)
    for key, value in inside:
        _flatten(value, f"{name}.{key}" if name else str(key), names, cells, depth + 1)


def _cell(value: Any) -> str | None:
    if value is True or value is False:
        return "true" if value else "false"
    return value  # type: ignore[no-any-return]  # text or None: numbers were kept as text

r"""A JSON document -> rows of named cells.

Naming: the keys on the way to a value, joined by dots; elements of a list below a key are counted from 0
(`{"a": {"b": 1}, "c": [2, 3]}` -> `a.b`, `c.0`, `c.1`). The cells of a row that is a list have no names and are known
by position, as are those of `{"features": [...]}`. A cell is a number, a truth value, a text, or None for null and for
an empty list or object; `cell_text` gives its text. In JSON a number is its value, so `18.00` reads 18.0; its lexical
type is kept: a number with a point or an exponent is a float here, and Fractional.

| document                                                   | rows                                            |
|------------------------------------------------------------|-------------------------------------------------|
| `{"instances": [...]}`, `predictions`, `inputs`, `outputs` | one for each element                            |
| `{"features": [...]}` and nothing else                     | one when the elements are scalars               |
| `[[...], [...]]`, `[{...}, {...}]`                         | one for each element                            |
| `[1, 2]`                                                   | one; n of one column if the other side has n    |
| `{"instances": [1, 2]}`                                    | two; one of n columns if the other side has one |
| any other object                                           | one, flattened                                  |
| `[]`, `{}`                                                 | none                                            |
| a scalar                                                   | one of one cell                                 |
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any

import msgspec

from chalicelib.capture.lazy_rows import MAX_EAGER_ROWS, Row, SizedIterable, blank_names
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.errors import RejectedRecord

CONTAINERS = ("instances", "predictions", "inputs", "outputs")
_CONTAINERS = frozenset(CONTAINERS)
MAX_DEPTH = 32  # of nested lists and objects in one row


def _no_constant(_: str) -> None:
    raise ValueError  # NaN and Infinity are not JSON


def _float(text: str) -> float | str:
    """The value, or the text itself where no double holds the value: such a cell counts in its lexical type alone."""
    value = float(text)
    return value if math.isfinite(value) else text


def _int(text: str) -> int | str:
    return int(text) if len(text) <= _DIGITS else text


_DIGITS = 4300  # Python refuses to convert more (sys.int_info.default_max_str_digits)
_FAST = msgspec.json.Decoder().decode
_EXACT = json.JSONDecoder(parse_float=_float, parse_int=_int, parse_constant=_no_constant)


def parse_json(text: str) -> Any:
    """Parse a JSON document; a number that no double and no integer of Python holds becomes its text.

    msgspec parses well-formed documents; json parses what msgspec refuses, and tells what is wrong with it.

    Raises
    ------
    RejectedRecord
        PAYLOAD_NOT_JSON, TOO_DEEP, or LONE_SURROGATE.

    Examples
    --------
    >>> parse_json('[18, 18.00, 1e999, null]')
    [18, 18.0, '1e999', None]
    """
    try:
        return _FAST(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _parse_exactly(text)


def _parse_exactly(text: str) -> Any:
    try:
        parsed = _EXACT.decode(text)
    except RecursionError:
        raise RejectedRecord(RejectionReason.TOO_DEEP) from None
    except ValueError:
        raise RejectedRecord(RejectionReason.PAYLOAD_NOT_JSON) from None
    if "\\u" in text and "\\ud" in text.lower():
        try:
            json.dumps(parsed, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise RejectedRecord(RejectionReason.LONE_SURROGATE) from None
    return parsed


def cell_text(cell: Any) -> str | None:
    """The text of one of JSON's own values, with the lexical type that it has in the document; None for null.

    Examples
    --------
    >>> [cell_text(cell) for cell in (18, 18.0, True, "x", None)]
    ['18', '18.0', 'true', 'x', None]
    """
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return repr(cell)


def rows_of(parsed: Any) -> tuple[Collection[Row], bool]:
    """The rows of a parsed document.

    Returns
    -------
    The rows, and whether they are one list of scalars, which may be one row or one column: the other side decides.

    Raises
    ------
    RejectedRecord
        TOO_DEEP.

    Examples
    --------
    >>> rows_of({"instances": [{"a": 1, "b": {"c": None}}]})
    ([(('a', 'b.c'), [1, None])], False)
    >>> rows_of({"predictions": [3.5, 4.0]})
    ([(('',), [3.5]), (('',), [4.0])], True)
    >>> rows_of([1, 2])
    ([(('', ''), [1, 2])], True)
    """
    if parsed in ([], {}):
        return [], False
    if isinstance(parsed, dict):
        for key in _CONTAINERS.intersection(parsed) and CONTAINERS:
            inside = parsed.get(key)
            if isinstance(inside, list):
                return _rows(inside), _all_scalars(inside)
            if isinstance(inside, dict) and len(parsed) == 1:
                return rows_of(inside)
        if parsed.keys() == {"features"}:
            return rows_of(parsed["features"])
        return [_row(parsed)], False
    if isinstance(parsed, list) and parsed and not _all_scalars(parsed):
        return _rows(parsed), False
    return [_row(parsed)], isinstance(parsed, list) and len(parsed) > 1


def _rows(items: list[Any]) -> Collection[Row]:
    if len(items) <= MAX_EAGER_ROWS:
        return [_row(item) for item in items]
    return SizedIterable(len(items), partial(map, _row, items))


def rows_of_chunks(chunks: Iterable[str]) -> Collection[Row]:
    """The rows of a large list that comes as documents of some of its elements; each iteration parses them again.

    Raises
    ------
    RejectedRecord
        As `parse_json`.
    """
    return SizedIterable(sum(len(parse_json(chunk)) for chunk in chunks), partial(_rows_of_chunks, chunks))


def _rows_of_chunks(chunks: Iterable[str]) -> Iterator[Row]:
    for chunk in chunks:
        yield from map(_row, parse_json(chunk))


def is_error(parsed: Any) -> bool:
    """Whether a document is an error response: `{"code": ..., "message": ...}` or `{"error": ...}`.

    The first form is the one AWS's own sample handler looks for (aws-behaviour: capture-of-errors).
    """
    return isinstance(parsed, dict) and (parsed.keys() >= {"code", "message"} or parsed.keys() == {"error"})


def _all_scalars(items: list[Any]) -> bool:
    return bool(items) and _NESTED.isdisjoint(map(type, items))


_NESTED = frozenset({dict, list})


def _row(item: Any) -> Row:
    if isinstance(item, dict):
        if len(item) == 1 and "features" in item:
            return _row(item["features"])
        cells = list(item.values())
        kinds = set(map(type, cells))
        if cells and _NESTED.isdisjoint(kinds):
            return tuple(item), cells
        if cells and dict not in kinds:
            return _with_lists(item)
    elif not isinstance(item, list):
        return blank_names(1), [item]
    elif _all_scalars(item):
        return blank_names(len(item)), item
    names: list[str] = []
    flat: list[Any] = []
    _flatten(item, "", names, flat, 0)
    if isinstance(item, list) and not any(isinstance(element, dict) for element in item):
        return blank_names(len(flat)), flat
    return tuple(names), flat


def _with_lists(item: dict[str, Any]) -> Row:
    """As `_flatten`, for an object of scalars and lists (most often of scores); the names of its lists are cached."""
    names: list[str] = []
    cells: list[Any] = []
    for name, value in item.items():
        if type(value) is not list:
            names.append(name)
            cells.append(value)
        elif name and _all_scalars(value):
            names += _numbered(name, len(value))
            cells += value
        else:
            _flatten(value, name, names, cells, 1)
    return tuple(names), cells


@lru_cache(maxsize=1024)
def _numbered(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}.{position}" for position in range(count))


def _flatten(item: Any, name: str, names: list[str], cells: list[Any], depth: int) -> None:
    if not item or not isinstance(item, (dict, list)):
        names.append(name)
        cells.append(None if isinstance(item, (dict, list)) else item)
        return
    if depth == MAX_DEPTH:
        raise RejectedRecord(RejectionReason.TOO_DEEP)
    inside = item.items() if isinstance(item, dict) else enumerate(item)
    for key, value in inside:
        _flatten(value, f"{name}.{key}" if name else str(key), names, cells, depth + 1)

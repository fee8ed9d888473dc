"""A record of JSON -> one row of named cells.

| in the record                                   | columns                                                        |
|-------------------------------------------------|----------------------------------------------------------------|
| `{"a": {"b": 1}}`                               | `a.b`: the keys on the way to a value, joined by dots          |
| `{"scores": [0.1, 0.9]}`: numbers               | `scores.0`, `scores.1`: each place has a meaning of its own    |
| `{"tags": ["new", "red"]}`: texts               | `tags[]`, and `tags#count`: how many elements there are        |
| `{"messages": [{"role": "user"}, ...]}`: objects | `messages[].role`, and `messages#count`                       |
| `{"messages": []}`                              | `messages#count`                                               |
| `[1, "x"]`, `{"features": [1, "x"]}` alone      | no names: known by position                                    |

A cell is a number, a truth value, a text, None for null and for an empty object, or, in a column whose name has `[]`,
the list of such values of all elements. So a longer list is no new column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from chalicelib.capture.lazy_rows import Row, blank_names
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.errors import RejectedRecord

ELEMENTS = "[]"  # in the name of a column whose cells are lists
COUNT = "#count"
MAX_DEPTH = 32  # of nested lists and objects in one row
_SHORT = 1_000  # names of longer lists are not kept: whoever calls an endpoint decides how long they are
_NESTED = frozenset({dict, list})
_NUMBERS = frozenset({int, float, bool, type(None)})
_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})  # texts that stand for numbers, see `json_values`


def row_of(record: Any) -> Row:
    """The row of a record.

    Raises
    ------
    RejectedRecord
        TOO_DEEP.

    Examples
    --------
    >>> row_of({"a": 1, "b": {"c": None}, "scores": [0.25, 0.75]})
    (('a', 'b.c', 'scores.0', 'scores.1'), [1, None, 0.25, 0.75])
    >>> row_of({"messages": [{"role": "system"}, {"role": "user"}]})
    (('messages#count', 'messages[].role'), [2, ['system', 'user']])
    >>> row_of([1, "x"])
    (('', ''), [1, 'x'])
    """
    if isinstance(record, dict):
        if len(record) == 1 and "features" in record:
            return row_of(record["features"])
        cells = list(record.values())
        kinds = set(map(type, cells))
        if cells and _NESTED.isdisjoint(kinds):
            return tuple(record), cells
        if cells and dict not in kinds:
            return _with_lists(record)
    elif not isinstance(record, list):
        return blank_names(1), [record]
    elif all_scalars(record):
        return blank_names(len(record)), record
    names: list[str] = []
    flat: list[Any] = []
    _flatten(record, "", names, flat, 0, under_key=False)
    if isinstance(record, list) and not any(isinstance(element, dict) for element in record):
        return blank_names(len(flat)), flat
    return tuple(names), flat


def cells_below(value: Any, name: str) -> Row:
    """The columns of one value of an object, which stands under a name.

    Examples
    --------
    >>> cells_below([0.5, 0.25], "scores")
    (('scores.0', 'scores.1'), [0.5, 0.25])
    """
    if type(value) not in _NESTED:
        return (name,), [value]
    names: list[str] = []
    cells: list[Any] = []
    _flatten(value, name, names, cells, 1, under_key=True)
    return tuple(names), cells


def values_of(name: str, cells: list[Any]) -> list[Any]:
    """The values in the cells of a column: where its name says that its cells are lists, those of every element.

    Examples
    --------
    >>> values_of("messages[].role", [["system", "user"], None])
    ['system', 'user', None]
    """
    if ELEMENTS not in name or list not in map(type, cells):
        return cells
    return [value for cell in cells for value in (cell if type(cell) is list else (cell,))]


def all_scalars(items: Sequence[Any]) -> bool:
    """Whether a list holds values, and neither lists nor objects; False when it is empty."""
    return bool(items) and _NESTED.isdisjoint(map(type, items))


def is_vector(items: list[Any]) -> bool:
    """Whether a list holds numbers alone, so that each place has a meaning of its own; False when it is empty."""
    kinds = set(map(type, items))
    if kinds <= _NUMBERS:
        return bool(items)
    return kinds <= _NUMBERS | {str} and all(item in _NOT_FINITE for item in items if type(item) is str)


def _with_lists(record: dict[str, Any]) -> Row:
    """As `_flatten`, for an object of scalars and lists (most often of scores); the names of its lists are cached."""
    names: list[str] = []
    cells: list[Any] = []
    for name, value in record.items():
        if type(value) is not list:
            names.append(name)
            cells.append(value)
        elif name and is_vector(value):
            names += _numbered(name, len(value))
            cells += value
        else:
            _flatten(value, name, names, cells, 1, under_key=True)
    return tuple(names), cells


def _numbered(name: str, count: int) -> tuple[str, ...]:
    return _names_of_short_list(name, count) if count <= _SHORT else tuple(_places(name, count))


@lru_cache(maxsize=1024)
def _names_of_short_list(name: str, count: int) -> tuple[str, ...]:
    return tuple(_places(name, count))


def _places(name: str, count: int) -> Iterator[str]:
    return (f"{name}.{position}" for position in range(count))


def _flatten(item: Any, name: str, names: list[str], cells: list[Any], depth: int, *, under_key: bool) -> None:
    """Append the columns of a value; a list that stands under a key is one of places or one of elements."""
    if type(item) not in _NESTED:
        names.append(name)
        cells.append(item)
        return
    if depth == MAX_DEPTH:
        raise RejectedRecord(RejectionReason.TOO_DEEP)
    if isinstance(item, list) and under_key and not _is_of_numbers(item, MAX_DEPTH - depth):
        _collapse(item, name, names, cells, depth)
    elif not item:
        names.append(name)
        cells.append(None)
    else:
        inside = item.items() if isinstance(item, dict) else enumerate(item)
        under_key = under_key or isinstance(item, dict)
        for key, value in inside:
            _flatten(value, f"{name}.{key}" if name else str(key), names, cells, depth + 1, under_key=under_key)


def _is_of_numbers(items: list[Any], levels: int) -> bool:
    """Whether a list holds numbers alone, or lists of them, through so many levels at most (a matrix)."""
    if is_vector(items):
        return True
    matrix = bool(items) and levels > 0 and set(map(type, items)) == {list}
    return matrix and all(_is_of_numbers(inside, levels - 1) for inside in items)


def _collapse(items: list[Any], name: str, names: list[str], cells: list[Any], depth: int) -> None:
    """Append the columns of a list of elements: how many there are, and the values of each path in them."""
    names.append(name + COUNT)
    cells.append(len(items))
    values: dict[str, list[Any]] = {}
    for element in items:
        inside: list[str] = []
        found: list[Any] = []
        _flatten(element, name + ELEMENTS, inside, found, depth + 1, under_key=True)
        for path, cell in zip(inside, found, strict=True):
            values.setdefault(path, []).extend(cell if isinstance(cell, list) else (cell,))
    names += values
    cells += values.values()

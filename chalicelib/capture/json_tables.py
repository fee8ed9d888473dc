"""A document of JSON -> the readings of it: the rows that it may stand for.

| document                                                       | rows                                                |
|----------------------------------------------------------------|-----------------------------------------------------|
| `{"instances": [...]}`, or another key of CONTAINERS           | one for each element                                |
| `[[...], [...]]`, `[{...}, {...}]` (pandas: records)           | one for each element                                |
| `{"a": [1, 2], "b": [3, 4]}` (pandas: list; TensorFlow         | one for each place of the lists, which are equally  |
| Serving: also in `inputs` or `outputs`)                        | long; one of all cells if the other side has one    |
| `{"columns": [...], "data": [[...], ...]}` (pandas: split;     | one for each list in `data`, with these names       |
| MLflow: in `dataframe_split`)                                  |                                                     |
| `{"0": {"a": 1}, "1": {"a": 2}}` (pandas: index),              | one for each index; of labels that are no numbers,  |
| `{"a": {"0": 1, "1": 2}}` (pandas: columns)                    | if the other side has as many                       |
| `{"inputs": [{"name": "x", "shape": [2, 3], "data": [...]}]}`, | as many as the first dimension of every shape       |
| `outputs`: tensors (KServe v2, Triton)                         |                                                     |
| `[1, 2]`, `{"instances": [1, 2]}`                              | one, or one for each element: the other side decides|
| `{"features": [...]}` and nothing else                         | as its list                                         |
| any other object                                               | one, see `flatten`                                  |
| `[]`, `{}`                                                     | none                                                |
| a scalar                                                       | one of one cell                                     |

What lies in the same object beside the rows belongs to them: a list with an element for each row is a column, a scalar
or an object repeats in each row. What fits neither, or has the name of a column, is named in `Rows.left_out`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from math import prod
from typing import Any, NamedTuple

from chalicelib.capture.flatten import all_scalars, cells_below, is_vector, row_of
from chalicelib.capture.json_values import parse_json
from chalicelib.capture.lazy_rows import MAX_EAGER_ROWS, Row, SizedIterable

CONTAINERS = ("dataframe_records", "instances", "predictions", "inputs", "outputs")
_SPLIT = "dataframe_split"
_TENSOR_KEYS = frozenset({"name", "shape", "data"})
_INDEX = re.compile(r"-?\d+").fullmatch


class Rows(NamedTuple):
    """The rows of one side, and the keys of what belongs to none of them."""

    rows: Collection[Row]
    left_out: tuple[str, ...] = ()


class Reading(NamedTuple):
    """One way to read a document: how many rows it has then, and the function that makes them."""

    size: int
    make: Callable[[], Rows]

    @classmethod
    def of(cls, rows: Collection[Row]) -> Reading:
        """The reading whose rows are known."""
        return cls(len(rows), lambda: Rows(rows))


def readings(document: Any) -> list[Reading]:
    """The readings of a parsed document, the most likely one first; `paired` chooses where there are several.

    Examples
    --------
    >>> [reading.make().rows for reading in readings({"a": [1, 2], "b": [3, 4]})]
    [[(('a', 'b'), [1, 3]), (('a', 'b'), [2, 4])], [(('a.0', 'a.1', 'b.0', 'b.1'), [1, 2, 3, 4])]]
    >>> readings({"predictions": [0.5], "model": "v3", "classes": ["x", "y"]})[0].make()
    Rows(rows=[(('', 'model'), [0.5, 'v3'])], left_out=('classes',))
    """
    if isinstance(document, dict):
        return _of_object(document) if document else [Reading.of([])]
    return _of_list(document) if isinstance(document, list) else [Reading.of([row_of(document)])]


def paired(outputs: Sequence[Reading], inputs: Sequence[Reading]) -> tuple[Reading, Reading] | None:
    """The readings of two sides that have as many rows; None when no two have.

    Of several pairs the likeliest is taken, that is the one with the lowest sum of places, and of those the one with
    the most rows: that two sides have lists of the same length is hardly chance.

    Examples
    --------
    >>> answer, request = paired(readings({"y": [0.1, 0.2]}), readings({"a": [1, 2], "b": [3, 4]}))
    >>> answer.make().rows, request.size
    ([(('y',), [0.1]), (('y',), [0.2])], 2)
    """
    if outputs[0].size == inputs[0].size:
        return outputs[0], inputs[0]
    pairs = [
        (place + other_place, -output.size, output, input_)
        for place, output in enumerate(outputs)
        for other_place, input_ in enumerate(inputs)
        if output.size == input_.size
    ]
    return min(pairs, key=lambda pair: pair[:2])[2:] if pairs else None


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
        yield from map(row_of, parse_json(chunk))


def _of_list(items: list[Any]) -> list[Reading]:
    """A list of records is as many rows; a list of scalars is one row, or one column."""
    if not items or not all_scalars(items):
        return [Reading.of(_each(items))]
    row = Reading(1, lambda: Rows([row_of(items)]))
    return [row, Reading(len(items), lambda: Rows(_each(items)))] if len(items) > 1 else [row]


def _each(items: list[Any]) -> Collection[Row]:
    return _eager(len(items), partial(map, row_of, items))


def _eager(count: int, make: Callable[[], Iterator[Row]]) -> Collection[Row]:
    return list(make()) if count <= MAX_EAGER_ROWS else SizedIterable(count, make)


def _of_object(document: dict[str, Any]) -> list[Reading]:
    for key in (_SPLIT, *CONTAINERS):
        inside = document.get(key)
        if isinstance(inside, dict) or (isinstance(inside, list) and key != _SPLIT):
            rest = {name: value for name, value in document.items() if name != key}
            return _with_rest(_of_container(inside), rest)
    if document.keys() == {"features"}:
        return readings(document["features"])
    return _of_split(document) or _of_columns(document)


def _of_container(inside: list[Any] | dict[str, Any]) -> list[Reading]:
    """The readings of what a container holds: here lists are columns first."""
    if isinstance(inside, dict):
        return sorted(readings(inside), key=lambda reading: -reading.size)
    return _of_tensors(inside) or _of_list(inside)[::-1]


def _with_rest(found: list[Reading], rest: dict[str, Any]) -> list[Reading]:
    return [Reading(one.size, partial(_beside, one, rest)) for one in found] if rest else found


def _beside(reading: Reading, rest: Mapping[str, Any]) -> Rows:
    """The rows of a reading with the columns of what lies beside them."""
    rows, left_out = reading.make()
    known = {name for names, _ in rows for name in names if name}
    left = list(left_out)
    repeated: list[Row] = []
    columns: dict[str, list[Any]] = {}
    for key, value in rest.items():
        is_column = isinstance(value, list)
        placed = [cells_below(element, key) for element in (value if is_column else [value])]
        names = {name for found, _ in placed for name in found}
        if (is_column and len(value) != reading.size) or not known.isdisjoint(names):
            left.append(key)
            continue
        known |= names
        if is_column:
            columns[key] = value
        else:
            repeated += placed
    return Rows(_eager(reading.size, partial(_joined, rows, columns, repeated)), tuple(left))


def _joined(rows: Collection[Row], columns: Mapping[str, list[Any]], repeated: Sequence[Row]) -> Iterator[Row]:
    for place, (names, cells) in enumerate(rows):
        more = [*(cells_below(values[place], key) for key, values in columns.items()), *repeated]
        yield (
            names + tuple(name for found, _ in more for name in found),
            [*cells, *(cell for _, found in more for cell in found)],
        )


def _of_split(document: dict[str, Any]) -> list[Reading] | None:
    """The orientation "split" of pandas: names, and lists of cells; None when it is no such object."""
    names, data = document.get("columns"), document.get("data")
    if not isinstance(names, list) or not isinstance(data, list) or not all_scalars(names):
        return None
    if not all(isinstance(row, list) and len(row) == len(names) for row in data):
        return None
    texts = tuple(map(str, names))
    if len(set(texts)) < len(texts):
        return None
    rest = {key: value for key, value in document.items() if key not in ("columns", "data")}
    columns = [dict(zip(texts, row, strict=True)) for row in data]
    return _with_rest([Reading.of(_each(columns))], rest)


def _of_columns(document: dict[str, Any]) -> list[Reading]:
    """An object as a table by column, and as one record.

    It is a table first where it holds several lists and nothing else. A table of one row is the record, named as a
    table of more rows.
    """
    record = Reading(1, lambda: Rows([row_of(document)]))
    kinds = [type(value) for value in document.values()]
    if list not in kinds:
        return _of_index(document, record)
    columns = _columns(document)
    if columns is None:
        return [record]
    table = _of_table(columns)
    if table.size == 1:
        return [table]
    return [table, record] if kinds.count(list) == len(kinds) > 1 else [record, table]


def _columns(document: dict[str, Any]) -> Mapping[str, Sequence[Any]] | None:
    """The columns of a table by column, each as long as the others; None when an object can be none.

    Beside lists of numbers, a scalar repeats in each row.
    """
    lists = [value for value in document.values() if isinstance(value, list)]
    count = len(lists[0])
    if not count or len(set(map(len, lists))) > 1 or any(dict in map(type, value) for value in lists):
        return None
    if len(lists) == len(document):
        return document
    if not all(map(is_vector, lists)) or dict in map(type, document.values()):
        return None
    return {key: value if isinstance(value, list) else [value] * count for key, value in document.items()}


def _of_index(document: dict[str, Any], record: Reading) -> list[Reading]:
    """Objects with the same keys as a table of pandas: {index: {column: cell}} or {column: {index: cell}}.

    It is one first where the index are numbers; other labels may be the keys of a record, so the other side decides.
    """
    rows = list(document.values())
    if set(map(type, rows)) != {dict} or not rows[0] or any(list(row) != list(rows[0]) for row in rows):
        return [record]
    by_index = _of_table({name: [row[name] for row in rows] for name in rows[0]})
    by_column = _of_table({name: list(row.values()) for name, row in document.items()})
    if all(map(_INDEX, document)):
        return [by_index]
    if all(map(_INDEX, rows[0])):
        return [by_column]
    return [record, *(table for table in (by_index, by_column) if table.size > 1)]


def _of_table(columns: Mapping[str, Sequence[Any]]) -> Reading:
    return Reading(len(next(iter(columns.values()))), lambda: Rows(_rows_of_columns(columns)))


def _rows_of_columns(columns: Mapping[str, Sequence[Any]]) -> Collection[Row]:
    return _eager(len(next(iter(columns.values()))), partial(_made_of_columns, columns))


def _made_of_columns(columns: Mapping[str, Sequence[Any]]) -> Iterator[Row]:
    names, rows = tuple(columns), zip(*columns.values(), strict=True)
    if all(map(all_scalars, columns.values())):
        yield from ((names, list(cells)) for cells in rows)
    else:
        yield from (row_of(dict(zip(names, cells, strict=True))) for cells in rows)


def is_tensor(item: Any) -> bool:
    """Whether an element of a container looks like a tensor of KServe v2."""
    return isinstance(item, dict) and item.keys() >= _TENSOR_KEYS


def _of_tensors(items: list[Any]) -> list[Reading] | None:
    """Tensors by name; None when the list holds anything else, or tensors of different first dimensions.

    A tensor of shape [rows, ...] is flattened behind its rows: its columns are named as those of nested lists.
    """
    if not items or not all(map(is_tensor, items)):
        return None
    columns: dict[str, list[Any]] = {}
    left: list[str] = []
    counts = set()
    for tensor in items:
        name, shape, data = tensor["name"], tensor["shape"], tensor["data"]
        if not isinstance(name, str) or not isinstance(shape, list) or not isinstance(data, list) or name in columns:
            return None
        if not shape or not all(type(size) is int and size > 0 for size in shape):
            return None
        cells = row_of(data)[1]
        if len(cells) != prod(shape):
            return None
        counts.add(shape[0])
        left += [f"{name}.{key}" for key in tensor if key not in ("name", "shape", "data", "datatype")]
        width = len(cells) // shape[0]
        places = [".".join(map(str, place)) for place in product(*map(range, shape[1:]))]
        for position, place in enumerate(places):
            columns[f"{name}.{place}" if width > 1 else name] = cells[position::width]
    if len(counts) > 1:
        return None
    return [Reading(counts.pop(), lambda: Rows(_rows_of_columns(columns), tuple(left)))]

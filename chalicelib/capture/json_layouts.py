"""JSON documents of one layout -> their cells, without making a dictionary of each document.

The layout is learned from a few documents: where the records lie, and the keys of a record. A decoder for this layout
reads every document that matches and refuses any other, which is left for `flatten`. Both read the same cells:

| a document                                               | matches a layout                                   |
|----------------------------------------------------------|----------------------------------------------------|
| `{"instances": [{...}, ...]}` or another container alone | with this container and nothing else               |
| `[{...}, ...]`, `{...}`                                  | with records alone                                 |
| a record of scalars and of lists of numbers              | with the same keys; scalars may lack               |
| `[[...], ...]`, also in a container                      | with records that are as many scalars              |
| `[1]`, also in a container; `[1, 2]` in a container      | with one scalar; with any number of them           |
| `{"a": [...], "b": [...]}`, also in a container          | with lists of scalars under the same keys, equally |
|                                                          | long, where these are the rows                     |
| a key unknown, a value nested deeper, an error response, | never                                              |
| a tensor                                                 |                                                    |
| a key with a quote, a backslash or a control character   | never                                              |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import accumulate, chain, compress
from operator import itemgetter
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import astuple

from chalicelib.capture.flatten import all_scalars, is_vector
from chalicelib.capture.json_tables import CONTAINERS, is_tensor
from chalicelib.capture.lazy_rows import MAX_EAGER_ROWS, Names, blank_names

Scalar = int | float | str | bool | None
Number = int | float | bool | None
Kind = Literal["record", "records", "scalars", "columns"]  # of what a document holds
_SCALARS = frozenset({int, float, str, bool, type(None)})
_UNNAMED = ""  # stands for the cells of a record that is a list
_NO_FIELD_NAME = re.compile(r'["\\\x00-\x1f\ud800-\udfff]').search  # msgspec takes no such name of a field
_KEYS_WITH_MEANING = frozenset({"", "features", "code", "message", "error"})  # `flatten` reads such records differently
_DOCUMENTS_PER_DECODE = 128  # where one of them does not match, each is decoded by itself
_ENDS = itemgetter(0, -1)
_ANY = msgspec.json.Decoder().decode


class Cells(NamedTuple):
    """The cells of documents, row after row, and how many rows each document has (0: it does not match)."""

    flat: list[Any]
    rows: list[int]

    def of(self, chosen: Sequence[bool], width: int) -> list[Any]:
        """The cells of the chosen documents, whose rows are `width` cells wide.

        Examples
        --------
        >>> Cells(["a", "b", "c", "d"], [1, 0, 1]).of([False, False, True], 2)
        ['c', 'd']
        """
        if all(chosen):
            return self.flat
        ends = list(accumulate(rows * width for rows in self.rows))
        begins = [0, *ends[:-1]]
        slices = (self.flat[begin:end] for begin, end in compress(zip(begins, ends, strict=True), chosen))
        return list(chain.from_iterable(slices))


class JsonLayout(NamedTuple):
    """How to read documents of one layout."""

    names: Names
    decode: Callable[[Sequence[str]], Cells | None]  # documents -> cells; None when one of them does not match
    is_one_list: bool  # {"a": [...]}: where both sides are, the other side does not decide (see `json_tables`)

    def decode_matching(self, texts: Sequence[str]) -> Cells:
        """The cells of those documents that match; any other has no rows."""
        flat: list[Any] = []
        rows: list[int] = []
        for begin in range(0, len(texts), _DOCUMENTS_PER_DECODE):
            group = texts[begin : begin + _DOCUMENTS_PER_DECODE]
            found = self.decode(group)
            for cells in [found] if found else [self.decode([text]) or Cells([], [0]) for text in group]:
                flat += cells.flat
                rows += cells.rows
        return Cells(flat, rows)

    @classmethod
    def of(cls, texts: Sequence[str], rows: Sequence[int]) -> JsonLayout | None:
        """The layout that documents have in common, with the keys of all of them; None when they have none.

        Parameters
        ----------
        rows
            How many rows each document has: an object of lists may be a table by column or one record.

        Examples
        --------
        >>> learned = '{"instances": [{"a": 1, "b": [2, 3]}]}', '{"instances": [{"a": 1, "b": [4, 5], "c": 6}]}'
        >>> layout = JsonLayout.of(learned, [1, 1])
        >>> layout.names, layout.decode(['{"instances": [{"b": [0.5, null], "a": "x"}]}'])
        (('a', 'b.0', 'b.1', 'c'), Cells(flat=['x', 0.5, None, None], rows=[1]))
        >>> layout.decode(['{"instances": [{"b": [0.5], "a": "x"}]}']), JsonLayout.of(["[1, 2]"], [1])
        (None, None)
        >>> JsonLayout.of(['{"a": [1, 2], "b": [3, 4]}'], [2]).decode(['{"a": [5, 6, 7], "b": [8, 9, 0]}'])
        Cells(flat=[5, 8, 6, 9, 7, 0], rows=[3])
        """
        forms = [_document_form(text, count) for text, count in zip(texts, rows, strict=True)]
        found = [form for form in forms if form is not None]
        if not found or len(found) < len(forms):
            return None
        fields: dict[str, int | None] = {}
        for form in found:
            if any(fields.setdefault(key, length) != length for key, length in form.fields.items()):
                return None
        required = {key for key, length in fields.items() if length is not None}
        places = {form[:2] for form in found}
        if len(places) > 1 or not all(required <= form.fields.keys() for form in found):
            return None
        ((container, kind),) = places
        return _json_layout(container, kind, tuple(fields.items()))


class _Form(NamedTuple):
    """Where the rows of a document lie, and the keys of the first one, each with the length of its list."""

    container: str
    kind: Kind
    fields: dict[str, int | None]  # None: a scalar; of a table by column, 0


def _document_form(text: str, rows: int) -> _Form | None:
    """The form of a document that has so many rows; None when it has none that can be learned."""
    try:
        parsed = _ANY(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    container = ""
    if isinstance(parsed, dict) and len(parsed) == 1 and next(iter(parsed)) in CONTAINERS:
        ((container, parsed),) = parsed.items()
        if not isinstance(parsed, (list, dict)):
            return None
    listed = isinstance(parsed, list)
    record = parsed[0] if listed and parsed else parsed
    if listed and type(record) in _SCALARS:
        if len(parsed) == 1:
            return _Form(container, "record", {_UNNAMED: 1})
        return _Form(container, "scalars", {_UNNAMED: 1}) if container and all_scalars(parsed) else None
    if isinstance(record, list):
        flat = all_scalars(record) and record is not parsed
        return _Form(container, "records", {_UNNAMED: len(record)}) if flat else None
    if not isinstance(record, dict) or not record or not _KEYS_WITH_MEANING.isdisjoint(record):
        return None
    if any(map(_NO_FIELD_NAME, record)) or (not listed and not record.keys().isdisjoint(CONTAINERS)):
        return None
    if container and is_tensor(record):
        return None
    return _record_form(container, record, rows, listed=listed)


def _record_form(container: str, record: dict[str, Any], rows: int, *, listed: bool) -> _Form | None:
    lists = [value for value in record.values() if isinstance(value, list)]
    if not listed and lists and len(set(map(len, lists))) == 1:
        if len(lists) == len(record) and len(lists[0]) == rows and all(map(all_scalars, lists)):
            return _Form(container, "columns", dict.fromkeys(record, 0))
        if len(lists) == len(record) > 1 or len(lists[0]) == 1:
            return None  # whether it is one record, the other side decides anew for each document
    if container and not listed:
        return None
    if not all(type(value) in _SCALARS or (type(value) is list and is_vector(value)) for value in record.values()):
        return None
    fields = {key: len(value) if isinstance(value, list) else None for key, value in record.items()}
    return _Form(container, "records" if listed else "record", fields)


@lru_cache(maxsize=64)
def _json_layout(container: str, kind: Kind, fields: tuple[tuple[str, int | None], ...]) -> JsonLayout | None:
    unnamed = fields[0][1] if fields[0][0] == _UNNAMED else None
    names = blank_names(unnamed) if unnamed else _names(fields)
    if len(set(names)) < len(names) and unnamed is None:
        return None
    record: Any = list[Scalar] if unnamed else _record(fields)
    document: Any = list[record] if kind == "records" else record
    if container:
        inside = ("records", document, msgspec.field(name=container))
        document = msgspec.defstruct("Document", [inside], forbid_unknown_fields=True, gc=False)
    decoder = msgspec.json.Decoder(document)
    brackets = ("[", "]") if (kind == "records" or unnamed) and not container else ("{", "}")
    cells_of = {"columns": _cells_of_columns, "scalars": _cells_of_scalars}.get(kind) or partial(
        _cells_of_records, listed=kind == "records", unnamed=unnamed, fields=fields
    )

    def decode(texts: Sequence[str]) -> Cells | None:
        found = _decoded(decoder, texts, brackets)
        if found is None:
            return None
        return cells_of([one.records for one in found] if container else found)

    return JsonLayout(names, decode, kind == "columns" and len(fields) == 1)


def _cells_of_records(
    found: list[Any], *, listed: bool, unnamed: int | None, fields: tuple[tuple[str, int | None], ...]
) -> Cells | None:
    """The cells of documents that hold one record each, or a list of records; None when one of them does not match."""
    rows = list(map(len, found)) if listed else [1] * len(found)
    if not 0 < min(rows) <= max(rows) <= MAX_EAGER_ROWS:
        return None
    records = list(chain.from_iterable(found)) if listed else found
    if unnamed:
        return Cells(list(chain.from_iterable(records)), rows) if set(map(len, records)) == {unnamed} else None
    records = list(map(astuple, records))
    if (None,) * len(fields) in records:  # perhaps a record without any key, which is no row (see `flatten`)
        return None
    lists = [(place, length) for place, (_, length) in enumerate(fields) if length is not None][::-1]
    flat = _flat(records, lists)
    return None if flat is None else Cells(flat, rows)


def _cells_of_scalars(found: list[Any]) -> Cells | None:
    """The cells of lists of scalars, one for each row."""
    rows = list(map(len, found))
    return Cells(list(chain.from_iterable(found)), rows) if 0 < min(rows) <= max(rows) <= MAX_EAGER_ROWS else None


def _cells_of_columns(found: list[Any]) -> Cells | None:
    """The cells of tables by column; None when the columns of one of them differ in length."""
    tables = list(map(astuple, found))
    lengths = [set(map(len, table)) for table in tables]
    if any(len(of_table) > 1 for of_table in lengths):
        return None
    rows = [length for of_table in lengths for length in of_table]
    if not 0 < min(rows) <= max(rows) <= MAX_EAGER_ROWS:
        return None
    columns = [list(chain.from_iterable(column)) for column in zip(*tables, strict=True)]
    return Cells(list(chain.from_iterable(zip(*columns, strict=True))), rows)


def _names(fields: tuple[tuple[str, int | None], ...]) -> tuple[str, ...]:
    return tuple(name for key, n in fields for name in ([f"{key}.{i}" for i in range(n)] if n else [key]))


def _record(fields: tuple[tuple[str, int | None], ...]) -> type[msgspec.Struct]:
    members: list[Any] = []
    for place, (key, length) in enumerate(fields):
        optional = {"default": None} if length is None else {}
        kind = Scalar if length is None else list[Number] if length else list[Scalar]
        members.append((f"f{place}", kind, msgspec.field(name=key, **optional)))
    return msgspec.defstruct("Record", members, forbid_unknown_fields=True, gc=False, kw_only=True)


def _decoded(decoder: msgspec.json.Decoder[Any], texts: Sequence[str], brackets: tuple[str, str]) -> list[Any] | None:
    """Documents decoded at once; None when one of them does not match, or is not one document on one line.

    A line end within a string is no JSON, and behind a closing bracket no JSON value can go on with an opening one: so
    where every text begins and ends with its brackets, each line end lies between two documents.
    """
    try:
        if len(texts) == 1:
            return [decoder.decode(texts[0])]
        if not all(texts) or set(map(_ENDS, texts)) != {brackets}:
            return None
        found = decoder.decode_lines("\n".join(texts))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return found if len(found) == len(texts) else None


def _flat(rows: list[tuple[Any, ...]], lists: list[tuple[int, int]]) -> list[Any] | None:
    """The cells of rows, each list as so many cells, from the last list on; None when a list has another length."""
    if not lists:
        return list(chain.from_iterable(rows))
    columns = list(zip(*rows, strict=True))
    for place, length in lists:
        if set(map(len, columns[place])) != {length}:
            return None
        columns[place : place + 1] = zip(*columns[place], strict=True)
    return list(chain.from_iterable(zip(*columns, strict=True)))

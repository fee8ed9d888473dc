"""JSON documents of one layout -> their cells, without making a dictionary of each document.

The layout is learned from a few documents: where the records lie, and the keys of a record. A decoder for this layout
reads every document that matches and refuses any other, which is left for `flatten`. Both read the same cells:

| a document                                               | matches a layout                                   |
|----------------------------------------------------------|----------------------------------------------------|
| `{"instances": [{...}, ...]}` or another container alone | with this container and nothing else               |
| `[{...}, ...]`, `{...}`                                  | with records alone                                 |
| a record of scalars and of lists of scalars              | with the same keys; scalars may lack               |
| `[[...], ...]`, also in a container                      | with records that are as many scalars              |
| `[1]`, also in a container                               | with one scalar                                    |
| a key unknown, a value nested deeper, an error response  | never                                              |
| a key with a quote, a backslash or a control character   | never                                              |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate, chain, compress
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import astuple

from chalicelib.capture.flatten import CONTAINERS
from chalicelib.capture.lazy_rows import MAX_EAGER_ROWS, Names, blank_names

Scalar = int | float | str | bool | None
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
    def of(cls, texts: Sequence[str]) -> JsonLayout | None:
        """The layout that documents have in common, with the keys of all of them; None when they have none.

        Examples
        --------
        >>> learned = '{"instances": [{"a": 1, "b": [2, 3]}]}', '{"instances": [{"a": 1, "b": [4, 5], "c": 6}]}'
        >>> layout = JsonLayout.of(learned)
        >>> layout.names, layout.decode(['{"instances": [{"b": [0.5, null], "a": "x"}]}'])
        (('a', 'b.0', 'b.1', 'c'), Cells(flat=['x', 0.5, None, None], rows=[1]))
        >>> layout.decode(['{"instances": [{"b": [0.5], "a": "x"}]}']), JsonLayout.of(["[1, 2]"])
        (None, None)
        """
        forms = [_document_form(text) for text in texts]
        if not forms or None in forms:
            return None
        places = {(container, listed) for container, listed, _ in forms}  # type: ignore[misc]
        fields: dict[str, int | None] = {}
        for _, _, keys in forms:  # type: ignore[misc]
            if any(fields.setdefault(key, length) != length for key, length in keys.items()):
                return None
        lists = {key for key, length in fields.items() if length is not None}
        if len(places) > 1 or not all(lists <= keys.keys() for _, _, keys in forms):  # type: ignore[misc]
            return None
        ((container, listed),) = places
        return _json_layout(container, listed, tuple(fields.items()))


def _document_form(text: str) -> tuple[str, bool, dict[str, int | None]] | None:
    """The container of a document's records, whether they are a list, and the keys of the first with list lengths."""
    try:
        parsed = _ANY(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    container = ""
    if isinstance(parsed, dict) and len(parsed) == 1 and next(iter(parsed)) in CONTAINERS:
        ((container, parsed),) = parsed.items()
        if not isinstance(parsed, list):
            return None
    listed = isinstance(parsed, list)
    record = parsed[0] if listed and parsed else parsed
    if listed and len(parsed) == 1 and type(record) in _SCALARS:
        return container, False, {_UNNAMED: 1}
    if isinstance(record, list):
        return (container, listed, {_UNNAMED: len(record)}) if _is_flat(record) and record is not parsed else None
    if not isinstance(record, dict) or not record or not _KEYS_WITH_MEANING.isdisjoint(record):
        return None
    if any(map(_NO_FIELD_NAME, record)):
        return None
    if (not listed and not record.keys().isdisjoint(CONTAINERS)) or not all(map(_is_flat, record.values())):
        return None
    return container, listed, {key: len(value) if isinstance(value, list) else None for key, value in record.items()}


def _is_flat(value: Any) -> bool:
    """Whether a value is a scalar, or a list of scalars."""
    if isinstance(value, list):
        return bool(value) and _SCALARS.issuperset(map(type, value))
    return type(value) in _SCALARS


@lru_cache(maxsize=64)
def _json_layout(container: str, listed: bool, fields: tuple[tuple[str, int | None], ...]) -> JsonLayout | None:
    of_lists = fields[0][1] if fields[0][0] == _UNNAMED else None
    names = blank_names(of_lists) if of_lists else _names(fields)
    if of_lists is None and len(set(names)) < len(names):
        return None
    record: Any = list[Scalar] if of_lists else _record(fields)
    document: Any = list[record] if listed else record
    if container:
        inside = ("records", document, msgspec.field(name=container))
        document = msgspec.defstruct("Document", [inside], forbid_unknown_fields=True, gc=False)
    decoder = msgspec.json.Decoder(document)
    brackets = ("[", "]") if (listed or of_lists) and not container else ("{", "}")
    lists = [(place, length) for place, (_, length) in enumerate(fields) if length is not None][::-1]
    nothing = (None,) * len(fields)

    def decode(texts: Sequence[str]) -> Cells | None:
        found = _decoded(decoder, texts, brackets)
        if found is None:
            return None
        if container:
            found = [one.records for one in found]
        rows = list(map(len, found)) if listed else [1] * len(found)
        if not 0 < min(rows) <= max(rows) <= MAX_EAGER_ROWS:
            return None
        records = list(chain.from_iterable(found)) if listed else found
        if of_lists:
            flat = list(chain.from_iterable(records)) if set(map(len, records)) == {of_lists} else None
        else:
            records = list(map(astuple, records))
            # Of nothing but missing cells: perhaps a record without any key, which is no row (see `flatten`).
            flat = None if nothing in records else _flat(records, lists)
        return None if flat is None else Cells(flat, rows)

    return JsonLayout(names, decode)


def _names(fields: tuple[tuple[str, int | None], ...]) -> tuple[str, ...]:
    return tuple(name for key, n in fields for name in ([key] if n is None else [f"{key}.{i}" for i in range(n)]))


def _record(fields: tuple[tuple[str, int | None], ...]) -> type[msgspec.Struct]:
    members: list[Any] = []
    for place, (key, length) in enumerate(fields):
        optional = {"default": None} if length is None else {}
        kind = Scalar if length is None else list[Scalar]
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

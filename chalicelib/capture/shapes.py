"""JSON documents of one shape, read without making a dictionary of each.

The shape is learned from a few documents: where its records lie, and the keys of a record. A decoder made for it reads
every document that fits and refuses any other, which is left to `flatten`. What it reads is what `flatten` reads:

| a document                                               | fits                                               |
|----------------------------------------------------------|----------------------------------------------------|
| `{"instances": [{...}, ...]}` or another container alone | with this container and nothing else               |
| `[{...}, ...]`, `{...}`                                  | with records alone                                 |
| a record of scalars and of lists of scalars              | with the same keys; most scalars may lack          |
| a key unknown, a value nested deeper, an error response  | never                                              |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from chalicelib.capture.flatten import CONTAINERS, ROWS_AT_ONCE

Scalar = int | float | str | bool | None
_SCALARS = frozenset({int, float, str, bool, type(None)})
_READ_OTHERWISE = frozenset({"", "features", "code", "message", "error"})  # keys that give a record another meaning
_ANY = msgspec.json.Decoder().decode


class Shape(NamedTuple):
    """How to read documents of one shape."""

    names: tuple[str, ...]
    cells: Callable[[str], list[Any] | None]  # of a document, row after row; None when it does not fit

    @classmethod
    def of(cls, texts: Sequence[str]) -> Shape | None:
        """The shape that documents have in common, with the keys of all of them; None when they have none.

        Examples
        --------
        >>> learned = '{"instances": [{"a": 1, "b": [2, 3]}]}', '{"instances": [{"a": 1, "b": [4, 5], "c": 6}]}'
        >>> shape = Shape.of(learned)
        >>> shape.names, shape.cells('{"instances": [{"b": [0.5, null], "a": "x"}]}')
        (('a', 'b.0', 'b.1', 'c'), ['x', 0.5, None, None])
        >>> shape.cells('{"instances": [{"b": [0.5], "a": "x"}]}'), Shape.of(["[1, 2]"])
        (None, None)
        """
        layouts = [_layout(text) for text in texts]
        if not layouts or None in layouts:
            return None
        places = {(container, listed) for container, listed, _ in layouts}  # type: ignore[misc]
        fields: dict[str, int | None] = {}
        for _, _, keys in layouts:  # type: ignore[misc]
            if any(fields.setdefault(key, length) != length for key, length in keys.items()):
                return None
        always = [key for key in fields if all(key in keys for _, _, keys in layouts)]  # type: ignore[misc]
        lists = {key for key, length in fields.items() if length is not None}
        if len(places) > 1 or not always or not lists.issubset(always):
            return None
        ((container, listed),) = places
        return _shape(container, listed, tuple(fields.items()), always[0])


def _layout(text: str) -> tuple[str, bool, dict[str, int | None]] | None:
    """The container of a document's records, whether they are a list, and the keys of the first, with list lengths."""
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
    if not isinstance(record, dict) or not record or not _READ_OTHERWISE.isdisjoint(record):
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
def _shape(container: str, listed: bool, fields: tuple[tuple[str, int | None], ...], always: str) -> Shape | None:
    names: list[str] = []
    members: list[Any] = []
    for place, (key, length) in enumerate(fields):
        names += [key] if length is None else [f"{key}.{i}" for i in range(length)]
        # One key must be there: a record without any is no row of missing cells (see `flatten`).
        optional = {"default": None} if length is None and key != always else {}
        kind = Scalar if length is None else list[Scalar]
        members.append((f"f{place}", kind, msgspec.field(name=key, **optional)))
    if len(set(names)) < len(names):
        return None
    record: Any = msgspec.defstruct("Record", members, forbid_unknown_fields=True, gc=False, kw_only=True)
    document: Any = list[record] if listed else record
    if container:
        inside = ("records", document, msgspec.field(name=container))
        document = msgspec.defstruct("Document", [inside], forbid_unknown_fields=True, gc=False)
    decode = msgspec.json.Decoder(document).decode
    lists = [(place, length) for place, (_, length) in enumerate(fields) if length is not None][::-1]
    row = attrgetter(*(f"f{place}" for place in range(len(fields))))  # one field alone is not given as a tuple

    def cells(text: str) -> list[Any] | None:
        try:
            found = decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        records = found.records if container else found
        rows = list(map(row, records)) if listed else [row(records)]
        if not rows or len(rows) > ROWS_AT_ONCE:
            return None
        if len(names) == 1:
            return rows
        if lists:
            return _spread(rows, lists)
        return list(rows[0]) if len(rows) == 1 else list(chain.from_iterable(rows))

    return Shape(tuple(names), cells)


def _spread(rows: list[Any], lists: list[tuple[int, int]]) -> list[Any] | None:
    """Rows with their lists laid out, from the last one on; None when one of them has another length."""
    flat: list[Any] = []
    for row in rows:
        cells = list(row)
        for place, length in lists:
            value = cells[place]
            if len(value) != length:
                return None
            cells[place : place + 1] = value
        flat += cells
    return flat

"""The requests of a block, grouped by how their two payloads are written."""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator
from itertools import compress
from typing import Any, Literal, NamedTuple

from chalicelib.capture.envelope import BYTE_ORDER_MARK, PlainSide, Side, media_type

Form = Literal["csv", "base64", "json", "absent", "other"]  # base64: of text/csv
Sides = list[Side | PlainSide | None]


class RequestGroup(NamedTuple):
    """Requests whose outputs have one form, and whose inputs have one form."""

    output_form: Form
    input_form: Form
    positions: list[int]  # in the block
    outputs: Sides
    inputs: Sides


def group_by_form(positions: list[int], outputs: Sides, inputs: Sides) -> Iterator[RequestGroup]:
    """Group the requests at these positions of a block; the sides come in the order of the positions."""
    output_forms, input_forms = _forms(outputs), _forms(inputs)
    if len(output_forms) == len(input_forms) == 1:
        yield RequestGroup(output_forms[0], input_forms[0], positions, outputs, inputs)
        return
    forms = list(zip(*(side * (len(positions) // len(side)) for side in (output_forms, input_forms)), strict=True))
    for pair in dict.fromkeys(forms):
        chosen = [one == pair for one in forms]
        yield RequestGroup(*pair, *(list(compress(side, chosen)) for side in (positions, outputs, inputs)))


def _forms(sides: Sides) -> list[Form]:
    """The one form of all sides, or the form of each."""
    encodings = set() if None in sides else {side.encoding for side in sides if side is not None}
    if encodings in ({"CSV"}, {"JSON"}):
        return ["csv" if encodings == {"CSV"} else "json"]
    kinds = [(side.encoding, side.observedContentType) if side is not None else None for side in sides]
    forms: dict[Any, Form] = {kind: _form(kind) for kind in set(kinds)} or {None: "other"}
    distinct = list(set(forms.values()))
    return distinct if len(distinct) == 1 else [forms[kind] for kind in kinds]


def _form(kind: tuple[str | None, str | None] | None) -> Form:
    if kind is None:
        return "absent"
    encoding, content_type = kind
    if encoding == "BASE64":
        return "base64" if media_type(content_type) == "text/csv" else "other"
    return "csv" if encoding == "CSV" else "json" if encoding == "JSON" else "other"


def texts(sides: Sides) -> list[str]:
    """The payloads of sides, none of which is absent, as they were captured but for a byte order mark."""
    found = [side.data or "" for side in sides]  # type: ignore[union-attr]
    if BYTE_ORDER_MARK in "".join(found):
        return [text.removeprefix(BYTE_ORDER_MARK) for text in found]
    return found


def csv_payloads(sides: Sides, form: Form) -> list[bytes] | None:
    """The payloads of sides of the form csv or base64 in UTF-8, b"" for damaged ones; None for the form absent."""
    if form == "absent":
        return None
    return [text.encode() for text in texts(sides)] if form == "csv" else list(map(_decoded, texts(sides)))


def _decoded(text: str) -> bytes:
    try:
        content = a2b_base64(text, strict_mode=True).removeprefix(BYTE_ORDER_MARK.encode())
        if not content.isascii():
            content.decode()
    except (Base64Error, ValueError):
        return b""
    return content

"""The requests of a block, grouped by how their two payloads are written."""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator
from typing import Literal, NamedTuple

from chalicelib.capture.envelope import PlainSide, Side, media_type

Form = Literal["csv", "base64", "json", "absent", "other"]  # base64: of text/csv
Sides = list[Side | PlainSide | None]
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class RequestGroup(NamedTuple):
    """Requests whose outputs have one form, and whose inputs have one form."""

    positions: list[int]  # in the block
    output_form: Form
    outputs: Sides
    input_form: Form
    inputs: Sides


def group_by_form(positions: list[int], outputs: Sides, inputs: Sides) -> Iterator[RequestGroup]:
    """The requests at these positions of a block, whose sides are given in the same order, in groups."""
    output_forms, input_forms = _forms(outputs), _forms(inputs)
    if isinstance(output_forms, str) and isinstance(input_forms, str):
        yield RequestGroup(positions, output_forms, outputs, input_forms, inputs)
        return
    groups: dict[tuple[Form, Form], list[int]] = {}
    output_forms = [output_forms] * len(positions) if isinstance(output_forms, str) else output_forms
    input_forms = [input_forms] * len(positions) if isinstance(input_forms, str) else input_forms
    for index, forms in enumerate(zip(output_forms, input_forms, strict=True)):
        groups.setdefault(forms, []).append(index)
    for (output_form, input_form), indices in groups.items():
        chosen, some_outputs, some_inputs = ([side[i] for i in indices] for side in (positions, outputs, inputs))
        yield RequestGroup(chosen, output_form, some_outputs, input_form, some_inputs)  # type: ignore[arg-type]


def _forms(sides: Sides) -> Form | list[Form]:
    """The one form of all sides, or the form of each."""
    if not sides:
        return "other"
    if None not in sides:
        encodings = {side.encoding for side in sides}  # type: ignore[union-attr]
        if encodings == {"CSV"}:
            return "csv"
        if encodings == {"JSON"}:
            return "json"
    kinds = [(side.encoding, side.observedContentType) if side is not None else None for side in sides]
    forms = {kind: _form(kind) for kind in set(kinds)}
    if len(set(forms.values())) == 1:
        return forms[kinds[0]]
    return [forms[kind] for kind in kinds]


def _form(kind: tuple[str | None, str | None] | None) -> Form:
    if kind is None:
        return "absent"
    encoding, content_type = kind
    if encoding == "BASE64":
        return "base64" if media_type(content_type) == "text/csv" else "other"
    return "csv" if encoding == "CSV" else "json" if encoding == "JSON" else "other"


def texts(sides: Sides) -> list[str]:
    """The payloads of sides, none of which is absent, as they were captured."""
    return [side.data or "" for side in sides]  # type: ignore[union-attr]


def csv_payloads(sides: Sides, form: Form) -> list[bytes] | None:
    """The payloads of sides of the form csv or base64 in UTF-8, b"" for damaged ones; None for the form absent."""
    if form == "absent":
        return None
    return [text.encode() for text in texts(sides)] if form == "csv" else list(map(_decoded, texts(sides)))


def _decoded(text: str) -> bytes:
    try:
        content = a2b_base64(text, strict_mode=True).removeprefix(_BYTE_ORDER_MARK)
        if not content.isascii():
            content.decode()
    except (Base64Error, ValueError):
        return b""
    return content

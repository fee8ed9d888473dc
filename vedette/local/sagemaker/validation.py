"""Validation of requests with botocore's model of SageMaker, with the error texts of AWS's request validator.

`2 validation errors detected: Value 'a_b' at 'endpointName' failed to satisfy constraint: Member must satisfy regular
expression pattern: ...; Value null at ...` (the form of every Coral-based AWS service). Unknown members are ignored, as
the JSON protocol does.
"""

from __future__ import annotations

import itertools
import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import OperationModel, Shape

from vedette.local.errors import AwsError

PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
}
# What Java calls a category, as Unicode's general categories (java.util.regex.Pattern); \p{Alnum} is ASCII there.
CATEGORY = re.compile(r"\\p\{(\w+)\}")


def check(operation: OperationModel, parameters: dict[str, Any]) -> None:
    """Raise AWS's ValidationException if the request is invalid."""
    if operation.input_shape is None:
        return
    failures = list(_failures(operation.input_shape, parameters, ""))
    if failures:
        noun = "error" if len(failures) == 1 else "errors"
        raise AwsError("ValidationException", f"{len(failures)} validation {noun} detected: {'; '.join(failures)}")


def _failures(shape: Shape, value: Any, path: str) -> Iterator[str]:
    _check_type(shape, value, path)
    if shape.type_name == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"Value null at '{_member(path, name)}' failed to satisfy constraint: Member must not be null"
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _failures(member, value[name], _member(path, name))
        return
    if shape.type_name == "list":
        yield from _bounds(shape, len(value), "Member must have length", value, path)
        for number, item in enumerate(value, 1):
            yield from _failures(shape.member, item, f"{path}.{number}.member")
        return
    if shape.type_name == "map":
        yield from _bounds(shape, len(value), "Member must have length", value, path)
        for key, item in value.items():
            yield from _failures(shape.key, key, path)
            yield from _failures(shape.value, item, f"{path}.{key}.member")
        return
    yield from _scalar(shape, value, path)


def _scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "string":
        yield from _bounds(shape, len(value), "Member must have length", value, path)
        enum = shape.metadata.get("enum")
        if enum and value not in enum:
            yield _failed(value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]")
        pattern = shape.metadata.get("pattern")
        if pattern and not _compiled(pattern).fullmatch(value):
            yield _failed(value, path, f"Member must satisfy regular expression pattern: {pattern}")
    elif shape.type_name in {"integer", "long", "float", "double"}:
        yield from _bounds(shape, value, "Member must have value", value, path)


def _bounds(shape: Shape, size: float, what: str, value: Any, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield _failed(value, path, f"{what} greater than or equal to {low}")
    if high is not None and size > high:
        yield _failed(value, path, f"{what} less than or equal to {high}")


def _check_type(shape: Shape, value: Any, path: str) -> None:
    expected = PYTHON_TYPES[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        where = path or "the request"
        raise AwsError("SerializationException", f"{type(value).__name__} can not be read as {shape.name} at {where}")


def _failed(value: Any, path: str, constraint: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


def _member(path: str, name: str) -> str:
    lowered = name[:1].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    r"""The Java pattern of a shape for Python.

    Three things differ: \p{L} and its kin; `${1,128}` at the end of two patterns, which has no meaning; and the
    surrogate ranges of the Athena names, which cannot occur in a Python string.
    """
    translated = CATEGORY.sub(lambda match: _category(match[1]), pattern)
    translated = re.sub(r"\$\{\d+,\d+\}$", "", translated)
    translated = translated.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff")
    return re.compile(translated)


def _category(name: str) -> str:
    """The content of a character class for a Unicode category."""
    return "a-zA-Z0-9" if name == "Alnum" else _categories()[name]


@cache
def _categories() -> dict[str, str]:
    """Every general category (its first letter) as ranges of characters."""
    ranges: dict[str, list[str]] = {}
    points = ((unicodedata.category(chr(point))[0], point) for point in range(sys.maxunicode + 1))
    for name, run in itertools.groupby(points, key=lambda pair: pair[0]):
        members = [point for _, point in run]
        ranges.setdefault(name, []).append(f"{re.escape(chr(members[0]))}-{re.escape(chr(members[-1]))}")
    return {name: "".join(found) for name, found in ranges.items()}

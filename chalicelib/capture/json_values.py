"""A JSON document -> JSON's own values, and their texts.

In JSON a number is its value, so `18.00` reads 18.0; its lexical type is kept: a number with a point or an exponent is
a float here, and Fractional. Clients in Python send NaN and Infinity, which are not JSON: such a cell is its text, as
in CSV, so that its feature is found.
"""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.errors import RejectedRecord


def _float(text: str) -> float | str:
    """The value, or the text itself where no double holds the value: such a cell counts in its lexical type alone."""
    value = float(text)
    return value if math.isfinite(value) else text


def _int(text: str) -> int | str:
    return int(text) if len(text) <= _DIGITS else text


_DIGITS = 4300  # Python refuses to convert more (sys.int_info.default_max_str_digits)
_FAST = msgspec.json.Decoder().decode
_EXACT = json.JSONDecoder(parse_float=_float, parse_int=_int, parse_constant=str)


def parse_json(text: str) -> Any:
    r"""Parse a JSON document; a number that no double and no integer of Python holds becomes its text.

    msgspec parses well-formed documents; json parses what msgspec refuses, and tells what is wrong with it.

    Raises
    ------
    RejectedRecord
        PAYLOAD_NOT_JSON or TOO_DEEP.

    Examples
    --------
    >>> parse_json('[18, 18.00, 1e999, NaN, null]')
    [18, 18.0, '1e999', 'NaN', None]
    >>> print(parse_json(r'["\ud83d", "\ud83d\ude00"]')[0])
    \ud83d
    """
    try:
        return _FAST(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _parse_exactly(text)


def _parse_exactly(text: str) -> Any:
    try:
        parsed = _EXACT.decode(text)
        return _encodable(parsed) if "\\ud" in text.lower() else parsed
    except RecursionError:
        raise RejectedRecord(RejectionReason.TOO_DEEP) from None
    except ValueError:
        raise RejectedRecord(RejectionReason.PAYLOAD_NOT_JSON) from None


def _encodable(value: Any) -> Any:
    """A value whose texts can be written in UTF-8: a lone surrogate, which has no character, stands as its escape."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_encodable(element) for element in value]
    return {_encodable(key): _encodable(one) for key, one in value.items()} if isinstance(value, dict) else value


def cell_text(cell: Any) -> Any:
    """The text of one of JSON's own values, with the lexical type that it has in the document; None for null.

    The cell of a list whose elements share a path (see `flatten`) is the list of their texts.

    Examples
    --------
    >>> [cell_text(cell) for cell in (18, 18.0, True, "x", None, ["user", 2])]
    ['18', '18.0', 'true', 'x', None, ['user', '2']]
    """
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return [cell_text(element) for element in cell] if isinstance(cell, list) else repr(cell)


def is_error(document: Any) -> bool:
    """Whether a document is an error response: `{"code": ..., "message": ...}` or `{"error": ...}`.

    The first form is the one AWS's own sample handler looks for (aws-behaviour: capture-of-errors).
    """
    return isinstance(document, dict) and (document.keys() >= {"code", "message"} or document.keys() == {"error"})

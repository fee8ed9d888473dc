"""EventBridge's input transformer: what a rule's target receives of an event (aws-behaviour: input-transformer).

It is stricter than EventBridge, which leaves out a variable whose path does not exist in the event: here that is an
error, as is a text within quotation marks that would have to be escaped, and a result that is not JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

MAX_PATHS = 100
MAX_TEMPLATE_CHARS = 8_192
_PATH = re.compile(r"\$(?:\.[A-Za-z0-9_-]+)*")
_VARIABLE = re.compile(r"<([A-Za-z0-9_-]+)>")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def value_at(path: str, event: Mapping[str, Any]) -> Any:
    """The value at a JSON path in dot notation.

    Raises
    ------
    KeyError
        When the event has no such value.

    Examples
    --------
    >>> value_at("$.detail.state", {"detail": {"state": "on"}})
    'on'
    """
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is not a JSON path in dot notation.")
    found: Any = event
    for name in path.split(".")[1:]:
        found = found[name]
    return found


def transform(paths: Mapping[str, str], template: str, event: Mapping[str, Any]) -> Any:
    r"""What a target receives, decoded.

    Examples
    --------
    >>> event = {"detail": {"state": "on", "text": 'a "b"', "size": 3}}
    >>> paths = {"state": "$.detail.state", "text": "$.detail.text", "size": "$.detail.size"}
    >>> transform(paths, '{"a": <text>, "b": "it is <state>", "c": [<size>]}', event)
    {'a': 'a "b"', 'b': 'it is on', 'c': [3]}
    """
    if len(paths) > MAX_PATHS or len(template) > MAX_TEMPLATE_CHARS:
        raise ValueError("An input transformer has at most 100 paths and a template of 8,192 characters.")
    values = {name: value_at(path, event) for name, path in paths.items()}
    unused = set(values) ^ set(_VARIABLE.findall(template))
    if unused:
        raise ValueError(f"These variables are not both defined and used: {', '.join(sorted(unused))}.")
    within = _STRING.sub(lambda text: _VARIABLE.sub(lambda one: _inside(values[one[1]]), text[0]), template)
    return json.loads(_VARIABLE.sub(lambda one: json.dumps(values[one[1]]), within))


def _inside(value: Any) -> str:
    """A value within quotation marks, where EventBridge escapes nothing."""
    text = value if isinstance(value, str) else json.dumps(value)
    if json.dumps(text, ensure_ascii=False) != f'"{text}"' or "<" in text:
        raise ValueError(f"{text!r} would have to be escaped within quotation marks.")
    return text

"""The JSONPath expressions of batch transform's filters, which select a part of a record.

| operator           | selects                                                       |
|--------------------|---------------------------------------------------------------|
| `$`                | the whole record                                              |
| `.name`            | a child                                                       |
| `.*`, `[*]`        | every child, as a list                                        |
| `['a','b']`        | children of these names, as an object; a single one by itself |
| `[1]`, `[0,-1]`    | elements, as a list; a single one by itself                   |
| `[1:]`, `[:3]`     | a slice; a last index that is not negative is included        |

A row of CSV is a list of its cells (aws-behaviour: transform-filters, transform-slice-end).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

_CHILD = r"\.?\[(?P<children>'[^']*'(?:\s*,\s*'[^']*')*)\]"
_STEP = re.compile(
    rf"{_CHILD}|\.?\[\s*(?P<wild>\*)\s*\]|\.(?P<star>\*)|\.(?P<name>[^.\[\]'*\s]+)"
    r"|\.?\[\s*(?P<indexes>-?\d+(?:\s*,\s*-?\d+)*)\s*\]|\.?\[\s*(?P<first>-?\d*)\s*:\s*(?P<last>-?\d*)\s*\]"
)
_Step = Callable[[Any], Any]


@dataclass(frozen=True)
class JsonPath:
    """A parsed expression; `select` raises LookupError or TypeError where a record has no such part.

    Examples
    --------
    >>> JsonPath.of("$[1:]").select(["7", "a", "b"]), JsonPath.of("$[0,-1]").select(["7", "a", "b"])
    (['a', 'b'], ['7', 'b'])
    >>> JsonPath.of("$['id','SageMakerOutput']").select({"id": 1, "x": 2, "SageMakerOutput": {"score": 0.5}})
    {'id': 1, 'SageMakerOutput': {'score': 0.5}}
    >>> JsonPath.of("$.a.*").select({"a": {"b": 1, "c": 2}}), JsonPath.of("$[?(@.a)]")
    ([1, 2], None)
    """

    text: str
    steps: tuple[_Step, ...]

    @classmethod
    def of(cls, text: str) -> JsonPath | None:
        """The expression; None when it has an operator that batch transform does not support."""
        text = text.strip()
        if not text.startswith("$"):
            return None
        steps: list[_Step] = []
        position = 1
        while position < len(text):
            match = _STEP.match(text, position)
            if match is None:
                return None
            steps.append(_step(match))
            position = match.end()
        return cls(text, tuple(steps))

    @property
    def selects_all(self) -> bool:
        """Whether it is the whole record."""
        return not self.steps

    def select(self, record: Any) -> Any:
        """The selected part of a record."""
        for step in self.steps:
            record = step(record)
        return record


def _step(match: re.Match[str]) -> _Step:
    if match["children"] is not None:
        return partial(_children, names=tuple(re.findall(r"'([^']*)'", match["children"])))
    if match["name"] is not None:
        return partial(_children, names=(match["name"],))
    if match["indexes"] is not None:
        return partial(_elements, indexes=tuple(int(one) for one in match["indexes"].split(",")))
    if match["wild"] or match["star"]:
        return _every_child
    first, last = match["first"], match["last"]
    end = None if not last else int(last) if int(last) < 0 else int(last) + 1
    return partial(_slice, bounds=slice(int(first) if first else None, end))


def _children(record: Any, names: tuple[str, ...]) -> Any:
    if not isinstance(record, dict):
        raise TypeError("only an object has children with names")
    return record[names[0]] if len(names) == 1 else {name: record[name] for name in names if name in record}


def _elements(record: Any, indexes: tuple[int, ...]) -> Any:
    if not isinstance(record, list):
        raise TypeError("only a list has elements")
    return record[indexes[0]] if len(indexes) == 1 else [record[index] for index in indexes]


def _slice(record: Any, bounds: slice) -> Any:
    if not isinstance(record, list):
        raise TypeError("only a list has elements")
    return record[bounds]


def _every_child(record: Any) -> Any:
    if isinstance(record, dict):
        return list(record.values())
    if isinstance(record, list):
        return list(record)
    raise TypeError("only an object or a list has children")

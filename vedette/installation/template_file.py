"""A CloudFormation template as a YAML file for people: a comment before each resource, and a stable order.

Only what YAML needs: mappings and lists as blocks, and whatever fits into one line as JSON, which is YAML, too. So no
package for YAML is installed, and comments stay where they belong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

LINE = 100  # characters
PLAIN = re.compile(r"[A-Za-z][\w./:-]*(?<!:)")  # needs no quotes, except for WORDS
WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})  # YAML 1.1 reads them as other types
STATEMENT = re.compile(r"(?P<indent> *)- Sid: (?P<sid>\w+)")
NO_REASONS: Mapping[str, str] = {}


def yaml_of(
    template: Mapping[str, Any], purposes: Mapping[str, str], heading: str, reasons: Mapping[str, str] = NO_REASONS
) -> str:
    """The text of a template: its heading, each resource's purpose, and the reasons of statements, as comments.

    Examples
    --------
    >>> made = {"Resources": {"Alerts": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "a"}}}}
    >>> print(yaml_of(made, {"Alerts": "Sends alerts."}, "Deploy it."), end="")
    # Deploy it.
    <BLANKLINE>
    Resources:
    <BLANKLINE>
      # Sends alerts.
      Alerts:
        Type: AWS::SNS::Topic
        Properties: {"TopicName": "a"}
    """
    lines = [f"# {line}".rstrip() for line in heading.splitlines()]
    for section, content in template.items():
        lines.append("")
        if section != "Resources":
            lines += _entry(section, content, 0)
            continue
        lines.append("Resources:")
        for logical, resource in content.items():
            lines += ["", f"  # {purposes[logical]}"]
            for line in _resource(logical, resource):
                statement = STATEMENT.fullmatch(line)
                if statement and statement["sid"] in reasons:
                    lines.append(f"{statement['indent']}# {reasons[statement['sid']]}")
                lines.append(line)
    return "\n".join(lines) + "\n"


def _resource(logical: str, resource: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {logical}:"
    for name, value in resource.items():
        yield from _entry(name, value, 4)


def _entry(name: str, value: Any, indent: int) -> Iterator[str]:
    """The lines of `name: value`."""
    yield from _value(f"{' ' * indent}{_scalar(name)}:", value, indent)


def _value(lead: str, value: Any, indent: int) -> Iterator[str]:
    """The lines of a value after its key or dash: on the same line if it fits, else as a block below."""
    line = f"{lead} {_scalar(value)}"
    if len(line) <= LINE or not isinstance(value, (dict, list, str)):
        yield line
    elif isinstance(value, dict):
        yield lead
        for name, item in value.items():
            yield from _entry(name, item, indent + 2)
    elif isinstance(value, list):
        yield lead
        for item in value:
            yield from _item(item, indent + 2)
    elif "\n" in value or value != value.strip():
        yield line
    else:
        yield f"{lead} >-"
        yield from (" " * (indent + 2) + part for part in _folded(value))


def _item(value: Any, indent: int) -> Iterator[str]:
    """The lines of an item of a list."""
    dash = f"{' ' * indent}-"
    if not isinstance(value, dict) or len(f"{dash} {_scalar(value)}") <= LINE:
        yield from _value(dash, value, indent)
        return
    first, *others = (line for name, item in value.items() for line in _entry(name, item, indent + 2))
    yield f"{dash} {first.lstrip()}"
    yield from others


def _folded(text: str) -> Iterator[str]:
    """A text in lines that YAML joins with one blank each: it is broken at single blanks only."""
    line = ""
    for word in re.split(r"(?<=\S) (?=\S)", text):
        if line and len(line) + 1 + len(word) > LINE:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _scalar(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)

"""What the documents name is what there is, and what there is they name."""

import json
import re
import shlex
from pathlib import Path

import click
import pytest
from msgspec.structs import fields

from chalicelib.constraints import check_types
from chalicelib.constraints.files import read_constraints
from chalicelib.records import FleetEntry, Thresholds
from vedette.cli import COMMANDS, main
from vedette.operations import fleet

ROOT = Path(__file__).parents[1]
DOCS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def indented(text: str) -> str:
    """The indented blocks of a document: its examples."""
    return "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second level."""
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_every_key_of_the_fleet_is_explained_with_its_default():
    text = (ROOT / "docs" / "fleet.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^|]*?)`? \|", text, re.MULTILINE))
    for field in fields(FleetEntry):
        if field.name in ("endpoint", "thresholds") or field.default is None:
            continue
        shown = rows[field.name]
        assert json.loads(shown) == (list(field.default) if isinstance(field.default, tuple) else field.default), field
    assert all(f"`{field.name}`" in text for field in (*fields(Thresholds), *fields(FleetEntry)[1:]))


def test_the_example_of_a_fleet_is_one():
    assert [entry.mode for entry in fleet.parse(indented((ROOT / "docs" / "fleet.md").read_text()).encode(), "x")] == [
        "deploy",
        "alert",
    ]


def test_the_other_examples_of_a_fleet_are_fleets():
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "fleet.md").read_text(), re.DOTALL)
    found = [fleet.parse(block.encode(), "docs/fleet.md") for block in blocks]
    assert ("Staging", "Production") in {entry.gate for entries in found for entry in entries}


def test_every_check_is_explained_and_the_example_is_a_constraints_json():
    text = (ROOT / "docs" / "constraints.md").read_text()
    assert {check for check in check_types.MODEL_MONITOR | check_types.VEDETTE if f"`{check}`" not in text} == set()
    example = read_constraints(indented(section(text, "Example")).encode(), "docs/constraints.md")
    assert example.features[1].bounds == (None, 100.0)
    assert example.monitoring(example.features[1]).datatype_check_threshold == 0.98


def test_every_action_on_all_resources_is_named():
    text = (ROOT / "docs" / "security.md").read_text()
    found = {
        action
        for policy in (ROOT / ".chalice").glob("policy-*.json")
        for statement in json.loads(policy.read_text())["Statement"]
        if statement["Resource"] == "*"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert {action for action in found if f"`{action}`" not in text} == set()


def commands(text: str) -> set[tuple[str, ...]]:
    """What follows `vedette` in a document's examples and in backquotes, up to the first option."""
    lines = [*map(str.strip, indented(text).splitlines()), *re.findall(r"`([^`\n]+)`", text)]
    found = (re.match(r"(?:\.venv/bin/)?vedette ((?:[a-z][a-z-]*\s*)+)", line) for line in lines)
    return {tuple(match[1].split()) for match in found if match}


def commands_exist(lines: list[str]) -> bool:
    """Whether lines such as `vedette apply -f fleet.toml --yes` name commands and options that there are."""
    for line in lines:
        _, *words = shlex.split(line)
        command, context = main, click.Context(main)
        while isinstance(command, click.Group):
            name, *words = words
            command = command.get_command(context, name)
            assert command is not None, line
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if re.match(r"--?[a-z]", word)} <= known, line
    return bool(lines)


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_command_that_is_named_exists(document):
    for named in commands(document.read_text()):
        assert named[0] in COMMANDS, named
        command = main.get_command(click.Context(main), named[0])
        if isinstance(command, click.Group) and len(named) > 1:
            assert named[1] in command.commands, named


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_link_between_documents_resolves(document):
    links = re.findall(r"\]\(([^)#\s]+)\)", document.read_text())
    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(document):
    """Paths that begin with a folder of the repository; a star is a pattern."""
    named = re.findall(
        r"`((?:chalicelib|chalice_app|vedette|tests|benchmarks|docs|examples)/[\w./*-]*)`", document.read_text()
    )
    assert [path for path in named if not list(ROOT.glob(path.rstrip("/")))] == []


def test_every_document_is_linked_from_the_readme():
    linked = set(re.findall(r"\]\((docs/[^)#\s]+)\)", (ROOT / "README.md").read_text()))
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")} <= linked

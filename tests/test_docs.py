"""What the documents name is what there is, and what there is they name."""

import json
import re
from pathlib import Path

import click
import pytest
from msgspec.structs import fields

from chalicelib import parts, records
from chalicelib.constraints import check_types
from chalicelib.constraints.constraints import Monitoring
from chalicelib.constraints.files import read_constraints
from chalicelib.constraints.measurement import Verdict
from chalicelib.records import FleetEntry, Thresholds
from tests.documents import DOCS, ROOT, anchors, blocks, links
from vedette.cli import main
from vedette.operations import fleet

FLEET = ROOT / "docs" / "fleet.md"
LANGUAGES = {"console", "shell", "python", "toml", "json", "terraform", "text"}
MAX_BLOCKS_NOT_RUN = 42


def of_language(document: Path, language: str) -> list[str]:
    """The blocks of a document in a language."""
    return [block.content for block in blocks(document) if block.language == language]


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
    assert [entry.mode for entry in fleet.parse(of_language(FLEET, "toml")[0].encode(), "x")] == [
        "deploy",
        "alert",
    ]


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_other_toml_is_a_fleet_too(document):
    for block in of_language(document, "toml"):
        assert fleet.parse(block.encode(), document.name)


def test_the_gate_of_stages_is_shown():
    found = [
        entry
        for block in of_language(ROOT / "docs" / "deploy.md", "toml")
        for entry in fleet.parse(block.encode(), "x")
    ]
    assert ("Staging", "Production") in {entry.gate for entry in found}


def test_every_check_is_explained_and_the_example_is_a_constraints_json():
    text = (ROOT / "docs" / "constraints.md").read_text()
    assert {check for check in check_types.MODEL_MONITOR | check_types.VEDETTE if f"`{check}`" not in text} == set()
    example = read_constraints(of_language(ROOT / "docs" / "constraints.md", "json")[0].encode(), "docs/constraints.md")
    assert example.features[1].bounds == (None, 100.0)
    assert example.monitoring(example.features[1]).datatype_check_threshold == 0.98


def test_every_threshold_is_explained():
    rows = re.findall(
        r"^\| `(\w+)` \|", section((ROOT / "docs" / "constraints.md").read_text(), "Thresholds"), re.MULTILINE
    )
    known = {field.name for field in fields(Monitoring)} - {"enabled"} | {"evaluate_constraints"}
    assert set(rows) == known


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


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_link_between_documents_resolves(document):
    there = [(path, anchor, (document.parent / path) if path else document) for path, anchor in links(document)]
    assert [path for path, _, file in there if not file.exists()] == []
    missing = [
        f"{path}#{anchor}"
        for path, anchor, file in there
        if anchor and file.suffix == ".md" and anchor not in anchors(file)
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(document):
    """Paths that begin with a folder of the repository; a star is a pattern."""
    named = re.findall(
        r"`((?:chalicelib|chalice_app|vedette|tests|benchmarks|docs|examples)/[\w./*-]*)`", document.read_text()
    )
    assert [path for path in named if not list(ROOT.glob(path.rstrip("/")))] == []


def test_every_document_is_one_click_from_the_index_and_the_index_from_the_readme():
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / path).resolve() for path, _ in links(index)}
    others = {path for path in DOCS if path.name != "README.md" and path.parent.name != "decisions"}
    assert others - linked - {index} == set()
    assert ("docs/index.md", "") in links(ROOT / "README.md")


def test_each_of_the_twenty_questions_is_one_click_from_its_answer():
    questions = re.findall(
        r"^\d+\. \[.+\?\]\((.+\.md#.+)\)$", (ROOT / "docs" / "questions.md").read_text(), re.MULTILINE
    )
    assert len(set(questions)) == 20


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_block_names_its_language(document):
    assert [block.place for block in blocks(document) if block.language not in LANGUAGES] == []


def test_few_blocks_are_not_run_and_each_says_why():
    """Their number may fall. A new block that cannot run here needs a reason, and this number a second thought."""
    not_run = [block.place for document in DOCS for block in blocks(document) if block.not_run]
    assert len(not_run) <= MAX_BLOCKS_NOT_RUN, not_run


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_json_is_json(document):
    assert all(json.loads(block) for block in of_language(document, "json"))


def test_the_figures_of_false_alarms_are_those_that_were_measured():
    text = (ROOT / "docs" / "drift.md").read_text()
    measured = (ROOT / "benchmarks" / "FALSE_ALARMS.md").read_text(), (ROOT / "benchmarks" / "REAL_YEAR.md").read_text()
    simulated = dict(re.findall(r"^\| ([a-z ]+) \| \d+ \| \*\*([\d.]+)\*\*", measured[0], re.MULTILINE))
    real = dict(re.findall(r"^\| ([^|]+) \| ([\d.]+) \|", measured[1], re.MULTILINE))
    assert re.findall(r"^\| .+ \| (\d+\.\d+) \|$", text, re.MULTILINE) == [
        simulated["weekends"],
        simulated["weekends and day effects"],
        real["Vedette, drift"],
        real["Model Monitor's rule, as it is"],
    ]


def test_every_record_is_named_with_its_place():
    text = (ROOT / "docs" / "records.md").read_text()
    kinds = [kind for kind in vars(records).values() if isinstance(kind, type) and issubclass(kind, records.Record)]
    named = {kind.__name__ for kind in [*kinds, parts.Part, parts.RollUp] if kind is not records.Record}
    assert {name for name in named if f"`{name}`" not in text} == set()


@pytest.mark.parametrize(
    ("kind", "heading"), [(records.Execution, "## The verdict"), (records.ExecutionEvent, "### The event of a verdict")]
)
def test_every_field_of_a_verdict_is_explained(kind, heading):
    text = (ROOT / "docs" / "records.md").read_text().partition(f"\n{heading}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(field.encode_name for field in fields(kind))


def test_every_field_of_an_event_is_explained():
    text = (ROOT / "docs" / "incidents.md").read_text()
    internal = {"schema_version", "kind", "window_start", "window_end"}
    named = {field.encode_name for field in fields(records.AlertEvent)} - internal
    assert {name for name in named if f"`{name}`" not in text} == set()


def test_every_kind_of_message_can_be_filtered():
    text = (ROOT / "docs" / "receive-alerts.md").read_text().partition("\n## Filter alerts\n")[2]
    listed = re.search(r"`kind` \(([^)]+)\)", text)[1]
    assert {kind.strip() for kind in listed.replace("\n", " ").split(",")} == {str(kind) for kind in records.AlertKind}


def test_every_verdict_is_in_the_glossary():
    text = (ROOT / "docs" / "glossary.md").read_text()
    assert {verdict.value for verdict in Verdict if f"`{verdict.value}`" not in text} == set()


def test_every_metric_of_the_functions_is_explained():
    code = "".join(path.read_text() for path in (ROOT / "chalicelib").rglob("*.py"))
    counted = set(re.findall(r'\bcount\(\s*"([A-Z]\w+)"', code))
    assert {name for name in counted if f"`{name}`" not in (ROOT / "docs" / "metrics.md").read_text()} == set()


def test_every_option_of_setup_is_explained():
    text = "".join((ROOT / "docs" / name).read_text() for name in ("configure.md", "company-account.md", "install.md"))
    setup = main.get_command(click.Context(main), "setup")
    assert {
        option for one in setup.params for option in one.opts if option.startswith("--") and option not in text
    } <= {
        *("--profile", "--region", "--json", "--yes"),
    }

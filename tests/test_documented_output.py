"""The outputs that the documents show are what the commands print on the AWS simulator.

VEDETTE_DOCS=write pytest tests/test_documented_output.py      # writes the outputs again
"""

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.installation.conftest import cloned
from tests.operations.evaluated_windows import evaluated
from tests.operations.installed_stage import installed
from tests.test_docs import indented

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"```console\n(.*?)\n```", re.DOTALL)
RANDOM = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f-]{27})?\b")  # ids that differ from run to run


@contextmanager
def endpoint(monkeypatch, folder: Path) -> Iterator[Any]:
    """An endpoint whose last window violates a constraint; the folder has the fleet.toml of docs/fleet.md."""
    (folder / "fleet.toml").write_text(indented((ROOT / "docs" / "fleet.md").read_text()))
    with installed(monkeypatch) as stage:
        yield evaluated(stage)


@contextmanager
def two_endpoints(monkeypatch, folder: Path) -> Iterator[Any]:
    """The same, and the endpoint of another team that docs/fleet.md names."""
    with endpoint(monkeypatch, folder) as stage:
        stage.by_hand("churn")
        yield stage


@contextmanager
def account(monkeypatch, folder: Path) -> Iterator[Any]:
    """An empty account."""
    with cloned(folder) as clone:
        yield clone


@contextmanager
def set_up(monkeypatch, folder: Path) -> Iterator[Any]:
    """An account with a stage, without functions."""
    with cloned(folder) as clone:
        clone.done("setup", "--stage", "dev", "--email", "you@example.com", "--yes")
        yield clone


SCENARIOS = {
    "alerts.md": endpoint,
    "constraints.md": endpoint,
    "fleet.md": two_endpoints,
    "operate.md": endpoint,
    "install.md": account,
    "uninstall.md": set_up,
}


def played(shell: Any, block: str) -> str:
    """A block, its commands run and their output below each."""
    lines = []
    for command in re.findall(r"^\$ vedette (.*)$", block, re.MULTILINE):
        output = shell.run(*shlex.split(command)).output
        printed = [
            line.rstrip() for line in output.splitlines() if not line.startswith("{")
        ]  # without the functions' log
        lines += [f"$ vedette {command}", *printed]
    return "\n".join(lines).rstrip()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_document_shows_what_its_commands_print(name, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    document = ROOT / "docs" / name
    with SCENARIOS[name](monkeypatch, tmp_path) as shell:
        shown = BLOCK.sub(lambda block: f"```console\n{played(shell, block[1])}\n```", document.read_text())
    assert BLOCK.search(shown)
    same = RANDOM.sub("ID", document.read_text()) == RANDOM.sub("ID", shown)
    if os.environ.get("VEDETTE_DOCS") == "write" and not same:
        document.write_text(shown)
    else:
        assert same, f"VEDETTE_DOCS=write pytest {__file__} writes docs/{name} again, as:\n{shown}"


def test_every_document_with_an_output_has_a_scenario():
    assert {path.name for path in (ROOT / "docs").glob("*.md") if BLOCK.search(path.read_text())} == set(SCENARIOS)

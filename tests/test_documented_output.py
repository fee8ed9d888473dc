"""The blocks of the documents run on the AWS simulator, in order, and print what the documents show.

VEDETTE_DOCS=write pytest tests/test_documented_output.py      # writes the outputs again
"""

import os
import re
import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.documented_scenarios import MEANWHILE, PYTHON_SCENARIOS, SCENARIOS
from tests.documents import DOCS, ROOT, Block, blocks

RANDOM = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f-]{27})?\b")  # ids that differ from run to run
PLAYED = ("console", "shell")
PYTHON = [path for path in DOCS if any(block.language == "python" for block in blocks(path))]


def done(shell: Any, command: str, place: str, answers: str = "") -> str:
    """The output of `vedette ...`, without the functions' log. Violations are a result; not to have run is none."""
    assert command.startswith("vedette "), f"{place}: no test can run {command!r}"
    result = shell.run(*shlex.split(command, comments=True)[1:], typed=answers)
    shown = "\n".join(line.rstrip() for line in result.output.splitlines() if not line.startswith("{")).rstrip()
    assert result.exit_code in (0, 1), f"{place}: {command}\n{shown}"
    assert "Aborted!" not in shown, f"{place}: {command}\n{shown}"
    return shown


def played(shell: Any, block: Block) -> str:
    """What a block must hold: its commands, run; in a console block with their output below each."""
    if block.language == "shell":
        for command in block.commands:
            done(shell, command, block.place, "y\n" * 3)
        return block.content
    commands = re.findall(r"^\$ (.*)$", block.content, re.MULTILINE)
    lines = [text for command in commands for text in (f"$ {command}", done(shell, command, block.place)) if text]
    return "\n".join(lines) + "\n"


def documents() -> list[str]:
    """The documents with blocks that run."""
    named = {
        block.document.relative_to(ROOT)
        for document in DOCS
        for block in blocks(document)
        if block.language in PLAYED and not block.not_run
    }
    return sorted(map(str, named))


def replaced(document: Path, written: dict[Block, str]) -> None:
    """Compare the blocks of a document with what they should hold; with VEDETTE_DOCS=write, write that."""
    lines = document.read_text().splitlines(keepends=True)
    shown = list(lines)
    for block, content in written.items():
        first, last = block.lines
        if content != block.content:
            shown[first + 1 : last - 1] = [content, *[""] * (last - first - 3)]
    before, after = "".join(lines), "".join(shown)
    if RANDOM.sub("ID", before) == RANDOM.sub("ID", after):
        return
    if os.environ.get("VEDETTE_DOCS") == "write":
        document.write_text(after)
    else:
        pytest.fail(f"VEDETTE_DOCS=write pytest {__file__} writes {document.relative_to(ROOT)} again, as:\n{after}")


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_document_shows_what_its_commands_print(name, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    written = {}
    with SCENARIOS[name](monkeypatch, tmp_path) as shell:
        for block in blocks(ROOT / name):
            if block.meanwhile:
                MEANWHILE[block.meanwhile](shell)
            if block.language in PLAYED and not block.not_run:
                written[block] = played(shell, block)
    replaced(ROOT / name, written)


def test_every_document_with_blocks_that_run_has_a_scenario():
    assert documents() == sorted(SCENARIOS)


@pytest.mark.parametrize("document", PYTHON, ids=lambda path: path.name)
def test_a_document_shows_what_its_python_prints(document, tmp_path, monkeypatch, capsys):
    """The blocks of a document share their names; a block of text below one is what it prints."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    written = {}
    found = blocks(document)
    scenario = PYTHON_SCENARIOS.get(str(document.relative_to(ROOT)), lambda *_: nullcontext())
    with scenario(monkeypatch, tmp_path):
        for block, below in zip(found, [*found[1:], None], strict=True):
            if block.language == "python" and not block.not_run:
                capsys.readouterr()
                exec(compile(block.content, block.place, "exec"), names)  # noqa: S102 - our own document
                printed = capsys.readouterr().out
                is_below = below and below.language == "text" and below.lines[0] == block.lines[1] + 1
                assert bool(printed) == bool(is_below)
                if below and printed:
                    written[below] = printed
    replaced(document, written)

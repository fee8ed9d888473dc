"""Nasty objects, one kind of nastiness a file: what is read of each, and that nothing of them is fatal or lost.

expected.json holds the outcome of every file; a new file needs its line there.
"""

import json
from pathlib import Path

import pytest

from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.summary import summarize

CORPUS = Path(__file__).parent / "corpus"
EXPECTED = json.loads((CORPUS / "expected.json").read_text())
LETTERS = {"fractional": "F", "integral": "I", "boolean": "B", "string": "S"}
COUNTS = ("probes", "errors", "shadows", "ground_truth")


def outcome(content: bytes) -> dict:
    summary = summarize([content])
    found = {"events": summary.events, "rows": summary.rows}
    if summary.rejected:
        found["rejected"] = summary.rejected
    found |= {name: getattr(summary, name) for name in COUNTS if getattr(summary, name)}
    if summary.left_out:
        found["left_out"] = summary.left_out
    if summary.opaque:
        found["opaque"] = {kind: sizes.total for kind, sizes in summary.opaque.items()}
    if summary.tables and len(summary.tables) < 4:
        found["types"] = ["".join(letter(column.types) for column in table.columns) for table in summary.tables]
    return found


def letter(types) -> str:
    return next((letter for name, letter in LETTERS.items() if getattr(types, name)), "-")


def test_the_corpus_is_whole():
    assert {path.stem for path in CORPUS.glob("*.jsonl")} == EXPECTED.keys()
    assert len(EXPECTED) >= 80


@pytest.mark.parametrize("name", EXPECTED)
def test_each_nasty_object_has_its_outcome(name):
    content = (CORPUS / f"{name}.jsonl").read_bytes()
    assert outcome(content) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_chunks_and_neighbours_change_nothing(name):
    content = (CORPUS / f"{name}.jsonl").read_bytes()
    whole = summarize([content])
    if len(content) < 3000:
        pieces = summarize([content[i : i + 7] for i in range(0, len(content), 7)])
        assert (pieces.events, pieces.rows, pieces.rejected) == (whole.events, whole.rows, whole.rejected)
    if not content.startswith(b"\x1f\x8b") and content.endswith(b"\n") and name != "many-layouts":
        good = (CORPUS / "no-line-end.jsonl").read_bytes()
        assert summarize([content, good]).events == whole.events + 1


@pytest.mark.parametrize("name", [name for name in EXPECTED if (CORPUS / f"{name}.jsonl").stat().st_size < 900])
def test_a_cut_at_any_byte_costs_no_other_line(name):
    content = (CORPUS / f"{name}.jsonl").read_bytes()
    if content.startswith(b"\x1f\x8b"):
        return
    for cut in range(0, len(content), 3):
        summary = summarize([content[:cut]])
        assert summary.rejected.keys() <= set(RejectionReason) - {RejectionReason.UNEXPECTED}
        assert summary.lines <= content[:cut].count(b"\n") + 1

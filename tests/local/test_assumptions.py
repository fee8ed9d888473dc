"""What is assumed about AWS is written down once, with public sources, and the code names entries that exist."""

import re
from pathlib import Path

import pytest

from vedette.local.assumptions import ASSUMPTIONS, Certainty, page

ROOT = Path(__file__).parents[2]
SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
# One or more slugs behind "aws-behaviour:", separated by commas; a comment may break the line in between.
REFERENCE = re.compile(rf"aws-behaviour:[\s#]+({SLUG}(?:,[\s#]+{SLUG})*)(?![\w-])")


def references(text: str) -> list[str]:
    return [slug for found in REFERENCE.findall(text) for slug in re.split(r",[\s#]+", found)]


def code() -> list[Path]:
    folders = ("chalicelib", "chalice_app", "vedette", "tests", "benchmarks")
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")) if path.is_file())
    return [path for path in found if not any(part.startswith(".venv") for part in path.relative_to(ROOT).parts)]


def test_every_assumption_has_its_own_slug_and_claim():
    assert len({item.slug for item in ASSUMPTIONS}) == len({item.claim for item in ASSUMPTIONS}) == len(ASSUMPTIONS)
    assert all(re.fullmatch(SLUG, item.slug) for item in ASSUMPTIONS)
    assert {item.certainty for item in ASSUMPTIONS} == set(Certainty)


@pytest.mark.parametrize("item", ASSUMPTIONS, ids=lambda item: item.slug)
def test_every_source_is_public_and_an_unknown_says_what_was_searched(item):
    assert all(re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]+/\S+", source) for source in item.sources)
    assert item.searched if item.certainty is Certainty.UNKNOWN else item.sources


def test_the_page_is_what_the_list_says():
    """`python -m vedette.local.assumptions > docs/aws-behaviour.md` writes it."""
    assert (ROOT / "docs" / "aws-behaviour.md").read_text() == page()


def test_the_code_refers_to_assumptions_that_exist():
    slugs = {item.slug for item in ASSUMPTIONS}
    found = {path: references(path.read_text()) for path in code()}
    assert {(path.relative_to(ROOT), slug) for path in found for slug in found[path] if slug not in slugs} == set()
    assert sum(map(len, found.values())) > 50


def test_references_are_found_in_comments_of_every_form():
    marker = "aws-" + "behaviour: "
    assert references(f"# {marker}capture-delay\n") == ["capture-delay"]
    assert references(f"({marker}capture-key,\n# capture-delay).") == ["capture-key", "capture-delay"]


def test_the_decisions_name_assumptions_that_exist():
    slugs = {item.slug for item in ASSUMPTIONS}
    for path in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        assert {
            named for named in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", path.read_text()) if named not in slugs
        } == set()

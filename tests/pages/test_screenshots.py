"""The pictures in the documents are screenshots of the pages, and say what the pages say now.

VEDETTE_DOCS=write pytest tests/pages/test_screenshots.py      # makes them again; needs Chromium
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.documents import DOCS, ROOT, links
from tests.pages.samples import by_days, sample

IMAGES = ROOT / "docs" / "images"
TEXTS = IMAGES / "texts.json"  # picture -> a digest of the text of what it shows


@dataclass(frozen=True)
class Picture:
    """What a screenshot shows: the top of a page, or one element of it."""

    page: Callable[[], bytes]
    element: str = "body"


PICTURES = {
    "report.png": Picture(lambda: sample(8).page),
    "feature.png": Picture(lambda: by_days(8).page, element="details.feature[open]"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_says_what_the_page_says(name, opened):
    picture = PICTURES[name]
    height = 900 if picture.element == "body" else 4000  # the bar that stays at the top would cover an element
    page = opened(picture.page(), width=1100, height=height, color_scheme="light").page
    shown = page.locator(picture.element).first
    text = hashlib.sha256(shown.inner_text().encode()).hexdigest()[:16]
    known = json.loads(TEXTS.read_bytes()) if TEXTS.exists() else {}
    if os.environ.get("VEDETTE_DOCS") == "write":
        target = page if picture.element == "body" else shown
        target.screenshot(path=IMAGES / name)
        TEXTS.write_text(json.dumps(known | {name: text}, indent=2, sort_keys=True) + "\n")
    else:
        assert known.get(name) == text, f"VEDETTE_DOCS=write pytest {__file__} makes docs/images/{name} again"


def test_every_picture_is_a_screenshot_and_is_shown():
    shown = {
        (document.parent / path).resolve() for document in DOCS for path, _ in links(document) if path.endswith("png")
    }
    assert shown == {IMAGES / name for name in PICTURES} == set(IMAGES.glob("*.png"))

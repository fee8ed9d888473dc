"""The built site: every link resolves, and it asks nobody else for anything. `make site` builds it and runs this."""

import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from playwright.sync_api import sync_playwright

SITE = Path(os.environ.get("VEDETTE_SITE", "")).resolve()
pytestmark = pytest.mark.skipif("VEDETTE_SITE" not in os.environ, reason="`make site` builds the site")
ASKING = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "srcset")}


class Page(HTMLParser):
    """The links, the anchors and the loaded resources of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        if tag == "a" and (link := given.get("href")):
            self.links.append(link)
        self.loaded += [value for name, value in attrs if (tag, name) in ASKING and value]


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    return {path: Page(path.read_text()) for path in sorted(SITE.rglob("*.html"))}


def test_every_link_within_the_site_resolves(pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            target, anchor = urldefrag(link)
            if re.match(r"[a-z]+:", target):
                continue
            file = (path.parent / unquote(target)).resolve() if target else path
            there = file.exists() and file.is_relative_to(SITE)
            if not there or (anchor and file.suffix == ".html" and unquote(anchor) not in pages[file].anchors):
                broken.append(f"{path.relative_to(SITE)}: {link}")
    assert broken == []


def test_no_page_loads_anything_from_elsewhere(pages):
    assert {link for page in pages.values() for link in page.loaded if re.match(r"(https?:)?//", link)} == set()
    styles = [
        path for path in SITE.rglob("*.css") if re.search(r"(@import|url\()\s*[\"']?(https?:)?//", path.read_text())
    ]
    assert styles == []


def test_every_document_is_in_the_sidebar_of_the_first_page(pages):
    listed = {(SITE / "docs" / urldefrag(link)[0]).resolve() for link in pages[SITE / "docs" / "index.html"].links}
    documents = {path for path in pages if path.parent.name in ("docs", "benchmarks", "examples")}
    assert documents - listed - {SITE / "docs" / "index.html"} == set()


def test_a_browser_that_opens_the_site_and_searches_asks_nobody_else():
    chromium = os.environ.get("VEDETTE_CHROMIUM") or shutil.which("chromium")
    if not chromium:
        pytest.skip("no Chromium is installed; `make chromium` installs Debian's")
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]).new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((SITE / "index.html").as_uri())
        page.wait_for_url("**/docs/index.html")
        page.goto((SITE / "search.html").as_uri() + "?q=PagerDuty")
        page.wait_for_selector("#search-results li a")
        assert page.locator("#search-results li a", has_text="Receive alerts").count()
    assert [url for url in asked if not url.startswith("file:")] == []

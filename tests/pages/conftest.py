"""A stage with an endpoint that was evaluated, and a real browser to look with."""

import contextlib
import io
import os
import shutil
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from chalicelib.constraints.suggestion import suggested_constraints
from tests.operations.installed_stage import SITE, installed
from vedette.data_sets import baseline_statistics
from vedette.demo import user_actions
from vedette.demo.data import half_corrupted, sites

HOURS = 3


@pytest.fixture(scope="module")
def evaluated():
    """An endpoint with three closed windows; in the last one half of a column is written otherwise."""
    with pytest.MonkeyPatch.context() as patch, installed(patch) as stage, contextlib.redirect_stdout(io.StringIO()):
        patch.setenv("COLUMNS", "160")  # whatever terminal the tests run in
        data = sites()
        statistics = baseline_statistics([data.csv], "data set")
        constraints = suggested_constraints(statistics)
        for feature, kind in zip(constraints.features, ("Fractional", "Integral", "Integral"), strict=True):
            constraints = constraints.with_type(feature.name, kind)
        user_actions.put_baseline_in_force(SITE, "v1", constraints, statistics)
        stage.deployed("knn")
        stage.cloud.turn(minutes=61 - stage.cloud.clock.now().minute)
        for hour in range(HOURS):
            for number in range(6):
                rows = data.traffic(6 * hour + number, 40)
                user_actions.predict(SITE, half_corrupted(rows) if hour == HOURS - 1 else rows)
            stage.cloud.turn(minutes=60)
        stage.cloud.turn(minutes=15)
        yield stage


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium. Where .ci/run has installed one it says so in VEDETTE_CHROMIUM, and not finding it fails."""
    promised = os.environ.get("VEDETTE_CHROMIUM")
    found = promised or shutil.which("chromium") or shutil.which("chromium-browser")
    if promised and not shutil.which(promised):
        pytest.fail(f"VEDETTE_CHROMIUM names {promised}, which cannot be run")
    if not found:
        pytest.skip("no Chromium is installed; `make chromium` installs Debian's")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@dataclass
class Opened:
    """A page that is open, with what it did."""

    page: Page
    complaints: list[str] = field(default_factory=list)  # of the console
    requests: list[str] = field(default_factory=list)  # beside the page itself


@pytest.fixture
def opened(browser: Browser, tmp_path):
    """Opens pages from files, as a person does who was sent one."""
    contexts = []

    def open_page(content: bytes, *, width: int = 1280, height: int = 800, **options) -> Opened:
        file = tmp_path / f"{len(contexts)}.html"
        file.write_bytes(content)
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        found = Opened(context.new_page())
        found.page.on("console", lambda message: found.complaints.append(message.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.goto(file.as_uri())
        found.requests.remove(file.as_uri())
        return found

    yield open_page
    for context in contexts:
        context.close()

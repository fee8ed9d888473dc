"""What the pages cost: bytes, CPU to write, first paint in a real browser, and Jinja2's share of a cold start.

    make pages

Printed as a table; it fails when a page is slower than LEVELS. "Days" is a page of a day: two lines for each feature.
CPU is the process's own, the best of five; "with history" adds the decoding of the 29 executions before, which the
Lambda reads from S3. Jinja2 is imported in a fresh process, with byte code and (as Lambda unpacks it) without.
"""

from __future__ import annotations

import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from chalicelib import records
from chalicelib.records import Execution
from tests.pages.samples import by_days, sample

FEATURES = (1, 30, 100, 500)
LEVELS = {30: (0.150, 1000), 500: (1.5, 2000)}  # CPU seconds to write, milliseconds to the first paint
TIMES = 5
_PAINT = "performance.getEntriesByName('first-contentful-paint')"
_IMPORT = "import time, msgspec, numpy; t = time.process_time(); import jinja2; print(time.process_time() - t)"


def main() -> None:
    """Measure, print, and fail if a page is slower than its level."""
    slow = []
    print(f"{'features':>8} {'windows':>8} {'page':>9} {'CPU':>8} {'with history':>13} {'first paint':>12}")
    for features, kind in ((features, kind) for features in FEATURES for kind in ("hours", "days")):
        made = sample(features) if kind == "hours" else by_days(features)
        content = made.page
        stored = [records.write(one) for one in made.monitored.before]
        write = best(lambda made=made: made.page)
        read = best(lambda stored=stored: [records.read(Execution, one, "x") for one in stored])
        paint = first_paint(content)
        shown = f"{paint:.0f} ms" if paint is not None else "no browser"
        cpu = f"{1000 * write:.0f} ms"
        both = f"{1000 * (write + read):.0f} ms"
        print(f"{features:8} {kind:>8} {len(content) / 1000:6.0f} kB {cpu:>8} {both:>13} {shown:>12}")
        most_cpu, most_paint = LEVELS.get(features, (math.inf, math.inf))
        if write > most_cpu or (paint or 0) > most_paint:
            slow.append(f"{features} features: more than {most_cpu} s, or than {most_paint} ms")
    for words, environment in (("with byte code", {}), ("without", {"PYTHONDONTWRITEBYTECODE": "1"})):
        print(f"import jinja2, {words}: {1000 * imported(environment):.0f} ms")
    size = sum(
        file.stat().st_size
        for name in ("jinja2", "markupsafe")
        for file in package(name).rglob("*")
        if file.suffix != ".pyc" and file.is_file()
    )
    print(f"Jinja2 and MarkupSafe, unpacked: {size / 1000:.0f} kB")
    sys.exit("\n".join(slow) or None)


def best(work: Callable[[], object]) -> float:
    """The least CPU seconds of several runs."""
    found = []
    for _ in range(TIMES):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def package(name: str) -> Path:
    """The folder of an installed package."""
    return Path(sys.modules[name].__file__ or "").parent


def imported(environment: dict[str, str]) -> float:
    """CPU seconds of Jinja2's import in a fresh process; without byte code from a copy that has none."""
    with tempfile.TemporaryDirectory() as folder:
        if environment:
            for name in ("jinja2", "markupsafe"):
                shutil.copytree(package(name), Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__"))
        path = {"PYTHONPATH": folder} if environment else {}
        command = [sys.executable, "-c", _IMPORT]
        runs = [
            subprocess.run(
                command, env={**os.environ, **environment, **path}, capture_output=True, text=True, check=True
            )
            for _ in range(TIMES)
        ]
    return statistics.median(float(run.stdout) for run in runs)


def first_paint(content: bytes) -> float | None:
    """Milliseconds to the first contentful paint, the median of several; None without a browser."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        return None
    found = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "page.html"
        file.write_bytes(content)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(TIMES):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(file.as_uri())
            while not page.evaluate(f"{_PAINT}.length"):  # wait_for_function evaluates, which the page's policy forbids
                page.wait_for_timeout(20)
            found.append(page.evaluate(f"{_PAINT}[0].startTime"))
            page.close()
        browser.close()
    return statistics.median(found)


if __name__ == "__main__":
    main()

"""Runs every contestant on the same files, one after the other and round by round, and writes RESULTS.md.

    python -m benchmarks.run [--quick] [--rounds 5]

Each contestant is a process of its own on one core, with one thread. Ratios are taken within a round, then the median.
All contestants must agree on rows, on the cells present in each column, and on the means of numeric columns. The run
fails when one of the bounds is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import captures

HERE = Path(__file__).parent
DATA = HERE / "data"
FUNCTION = json.loads((HERE.parent / ".chalice" / "config.json").read_text())["lambda_functions"]["on_data_captured"]
# One thread, and memory kept as in the function (docs/configure.md): the same for every contestant.
ENVIRONMENT = {
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "ARROW_NUM_THREADS"), "1"
    ),
    **FUNCTION["environment_variables"],
}
# About 60 MB each: large enough that what is imported only for large objects would show what it is worth.
EVENTS = {"two": 170_000, "wide": 100_000, "rows50": 4_500, "base64": 86_000, "json": 55_000, "text": 100_000}
SMALL = (100, 1_000)
SMALL_ROUNDS = 5
FIRST_TEXT = {"wide": 23, "base64": 23, "rows50": 23}  # columns left of the first text: str.split cuts quoted commas
ENVIRONMENTS = {
    "vedette": "",
    "notebook": "notebook",
    "pandas_describe": "notebook",
    "polars_inferred": "polars",
    "polars_lexical": "polars",
    "whylogs_profile": "whylogs",
    "text_classified": "",
    "pandas_reader": "",
    "limit": "polars",
}
CSV = ("two", "wide", "rows50", "base64")
LEVELS = {"wide": (7, 10), "two": (12, 18), "rows50": (7, 10), "base64": (7, 10), "json": (6, 9)}


def python_of(name: str) -> str:
    environment = ENVIRONMENTS[name]
    return str(HERE / "environments" / f".venv-{environment}" / "bin" / "python") if environment else sys.executable


def run(name: str, path: Path) -> dict[str, Any]:
    command = [python_of(name), str(HERE / "contestants" / f"{name}.py"), str(path)]
    if hasattr(os, "sched_setaffinity"):
        command = ["taskset", "-c", "0", *command]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **ENVIRONMENT})
    if done.returncode:
        raise SystemExit(f"{name} failed on {path.name}:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    found["process"] = found["import"] + found["cpu"]
    return found


def file_of(shape: str, events: int) -> Path:
    path = DATA / f"{shape}-{events}.jsonl"
    if not path.exists():
        DATA.mkdir(exist_ok=True)
        captures.write(shape, events, path)
    return path


def rounds(names: list[str], path: Path, count: int) -> dict[str, list[dict[str, Any]]]:
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for turn in range(count):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            results[name].append(run(name, path))
    return results


def disagreement(shape: str, name: str, found: dict[str, Any], ours: dict[str, Any]) -> str:
    """Where a contestant's figures differ from ours; "" when they agree."""
    if name == "limit":
        return ""
    if found["rows"] != ours["rows"]:
        return f"{found['rows']} rows instead of {ours['rows']}"
    limit = FIRST_TEXT.get(shape) if name == "notebook" else None
    mine, theirs = ours["columns"][:limit], found["columns"][:limit]
    if shape in ("json", "text"):  # columns by name there, in an order of their own
        mine, theirs = sorted(mine, key=str), sorted(theirs, key=str)
    for position, ((count, mean), (other_count, other_mean)) in enumerate(zip(mine, theirs, strict=False)):
        if count != other_count:
            return f"column {position}: {other_count} present instead of {count}"
        if mean is not None and other_mean is not None and abs(mean - other_mean) > 1e-9 * max(1.0, abs(mean)):
            return f"column {position}: mean {other_mean!r} instead of {mean!r}"
    return "" if len(mine) == len(theirs) else f"{len(theirs)} columns instead of {len(mine)}"


def table(shape: str, path: Path, results: dict[str, list[dict[str, Any]]]) -> list[str]:
    size = path.stat().st_size / 1e6
    ours = results["vedette"]
    lines = [
        f"### {shape}: {size:.1f} MB, {ours[0]['rows']} rows",
        "",
        "| contestant | CPU s | MB/s | times Vedette's | with imports: s | times Vedette's | peak RSS MB | agrees |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, found in results.items():
        cpu, process = (statistics.median(one[figure] for one in found) for figure in ("cpu", "process"))
        ratio, whole = (ratio_of(found, ours, figure) for figure in ("cpu", "process"))
        peak = max(one["peak_mb"] for one in found)
        agrees = disagreement(shape, name, found[0], ours[0]) or ("" if name == "limit" else "yes")
        figures = f"{cpu:.3f} | {size / cpu:.0f} | {ratio:.2f} | {process:.3f} | {whole:.2f} | {peak:.0f}"
        lines.append(f"| {name} | {figures} | {agrees} |")
        print(lines[-1], flush=True)
    return [*lines, ""]


def ratio_of(found: list[dict[str, Any]], ours: list[dict[str, Any]], figure: str) -> float:
    """The median of the ratios within a round."""
    return statistics.median(one[figure] / our[figure] for one, our in zip(found, ours, strict=True))


def levels(
    results: dict[str, dict[str, list[dict[str, Any]]]], small: dict[int, dict[str, list[dict[str, Any]]]]
) -> list[str]:
    """What was to be reached (the floor; the goal), and what was."""
    lines = ["| what | floor | goal | reached |", "|---|---|---|---|"]
    for shape, (floor, goal) in LEVELS.items():
        reached = ratio_of(results[shape]["notebook"], results[shape]["vedette"], "cpu")
        lines.append(f"| {shape}: against a notebook's way | {floor}x | {goal}x | {reached:.1f}x |")
    reached = ratio_of(results["wide"]["whylogs_profile"], results["wide"]["vedette"], "process")
    lines.append(f"| wide: whole process against whylogs | 4x | 6x | {reached:.1f}x |")
    for shape, found in results.items():
        ours, polars = found["vedette"], found["polars_lexical"]
        memory = max(one["peak_mb"] for one in ours) / max(one["peak_mb"] for one in polars)
        lines.append(
            f"| {shape}: against polars at the same work, its memory | 0.7x, 1/3 | 1.0x |"
            f" {ratio_of(polars, ours, 'cpu'):.2f}x, {memory:.2f} |"
        )
    for events, found in small.items():
        reached = ratio_of(found["notebook"], found["vedette"], "process")
        cpu = statistics.median(one["process"] for one in found["vedette"])
        peak = max(one["peak_mb"] for one in found["vedette"])
        lines.append(
            f"| {events} rows, cold process: against a notebook's way, CPU, memory | 4x, 0.15 s, 60 MB | |"
            f" {reached:.1f}x, {cpu:.3f} s, {peak:.0f} MB |"
        )
    return [*lines, ""]


def machine() -> str:
    model = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        model = next(
            (row.split(":", 1)[1].strip() for row in info.read_text().splitlines() if "model name" in row), model
        )
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {system}; load {load} at the start, {datetime.now(UTC):%Y-%m-%d}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth of the events, one round; into benchmarks/data")
    options = parser.parse_args()
    scale, count = (10, 1) if options.quick else (1, options.rounds)
    failed = False
    results: dict[str, dict[str, list[dict[str, Any]]]] = {}
    tables: list[str] = []
    for shape, events in EVENTS.items():
        names = ["vedette", "notebook", "pandas_describe", "polars_inferred", "polars_lexical", "limit"]
        names += ["text_classified", "pandas_reader"] if shape in CSV else []
        names += ["whylogs_profile"] if shape == "wide" else []
        path = file_of(shape, events // scale)
        print(f"{shape}: {path.stat().st_size / 1e6:.1f} MB", flush=True)
        results[shape] = rounds(names, path, count)
        tables += table(shape, path, results[shape])
    small: dict[int, dict[str, list[dict[str, Any]]]] = {}
    small_tables: list[str] = []
    for events in SMALL:
        path = file_of("wide", events)
        small[events] = rounds(["vedette", "notebook"], path, max(count, SMALL_ROUNDS))
        small_tables += table("wide", path, small[events])
    text = [
        "# Results",
        "",
        f"Written by `make bench`. {machine()}. {count} rounds, interleaved; medians; one core, one thread each.",
        "`times Vedette's` is the median of the ratios within a round: 7.00 means seven times as slow as Vedette.",
        "",
        "## Levels",
        "",
        *levels(results, small),
        (HERE / "notes.md").read_text(),
        "## Reading and statistics, without imports and with them",
        "",
        *tables,
        "## Cold process, small objects: from start to summary",
        "",
        *small_tables,
    ]
    for title, module in (("Parts and their sums", "sums"), ("Hostile and huge objects", "bounds")):
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{module}", *(["--quick"] if options.quick else [])],
            capture_output=True,
            text=True,
            env={**os.environ, **ENVIRONMENT},
        )
        print(done.stdout, done.stderr, flush=True)
        failed = failed or done.returncode != 0
        text += [f"## {title}", "", done.stdout.strip(), ""]
    target = HERE / ("data/quick.md" if options.quick else "RESULTS.md")
    target.write_text("\n".join(text).rstrip() + "\n")
    sys.exit(failed)


if __name__ == "__main__":
    main()

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
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import captures
from benchmarks.levels import Level, machine, spread
from benchmarks.levels import table as level_table

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
PANDAS = ("pandas_reader", "text_classified")  # the most that pandas could give: guessed types, exact types
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
        ratio, whole = (spread(ratios(found, ours, figure)) for figure in ("cpu", "process"))
        peak = max(one["peak_mb"] for one in found)
        agrees = disagreement(shape, name, found[0], ours[0]) or ("" if name == "limit" else "yes")
        figures = f"{cpu:.3f} | {size / cpu:.0f} | {ratio} | {process:.3f} | {whole} | {peak:.0f}"
        lines.append(f"| {name} | {figures} | {agrees} |")
        print(lines[-1], flush=True)
    return [*lines, ""]


def ratios(found: list[dict[str, Any]], ours: list[dict[str, Any]], figure: str) -> list[float]:
    """The ratio within each round."""
    return [one[figure] / our[figure] for one, our in zip(found, ours, strict=True)]


def levels(
    results: dict[str, dict[str, list[dict[str, Any]]]], small: dict[int, dict[str, list[dict[str, Any]]]]
) -> list[Level]:
    """What was to be reached."""
    found = []
    for shape, (floor, goal) in LEVELS.items():
        ours, notebook = results[shape]["vedette"], results[shape]["notebook"]
        found.append(Level(f"{shape}: times a notebook's CPU", ratios(notebook, ours, "cpu"), floor, goal))
    wide = results["wide"]
    whylogs = ratios(wide["whylogs_profile"], wide["vedette"], "process")
    found.append(Level("wide: times whylogs' CPU, whole process", whylogs, 4, 6))
    for shape, contestants in results.items():
        ours, polars = contestants["vedette"], contestants["polars_lexical"]
        found.append(Level(f"{shape}: times polars' CPU, the same work", ratios(polars, ours, "cpu"), 0.7, 1))
        memory = ratios(ours, polars, "peak_mb")
        found.append(Level(f"{shape}: share of polars' memory", memory, round(1 / 3, 3), at_most=True))
        pandas = [ratios(contestants[name], ours, "cpu") for name in PANDAS if name in contestants]
        found += [Level(f"{shape}: times pandas' CPU, which does not ship", one, 1 / 1.5) for one in pandas]
    for events, contestants in small.items():
        ours, what = contestants["vedette"], f"{events} rows, cold process"
        notebook = ratios(contestants["notebook"], ours, "process")
        found.append(Level(f"{what}: times a notebook's CPU", notebook, 4))
        found.append(Level(f"{what}: CPU seconds", [one["process"] for one in ours], 0.15, at_most=True))
        found.append(Level(f"{what}: MB of memory", [one["peak_mb"] for one in ours], 60, at_most=True))
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth of the events, one round; into benchmarks/data")
    options = parser.parse_args()
    scale, count = (10, 1) if options.quick else (1, options.rounds)
    failed, begun = False, machine()
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
        f"Written by `make bench`. {begun}. {count} rounds, interleaved; medians; one core, one thread each.",
        "`times Vedette's` is the median (lowest to highest) of the ratios within a round: 7 is seven times as slow.",
        "",
        "## Levels",
        "",
        *level_table(levels(results, small)),
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

"""Spark beside plain processes on the same captured objects, which lie on this machine's disk: SPARK.md.

    make spark-bench        or, in the environment of Spark:  python -m benchmarks.spark [--megabytes 2000] [--rounds 3]

| way              | what runs                                                                     |
|------------------|-------------------------------------------------------------------------------|
| one process      | a Python process that creates the parts of all objects, as `vedette backfill` |
| two processes    | two of them, each with half of the bytes                                      |
| Spark local[1]   | `vedette.spark.engine`, with a task at a time                                 |
| Spark local[2]   | two tasks at a time                                                           |

Every way runs `past_objects.created`, and writes each part once to a folder that is empty before. The ways take turns
in each round, so that what else the machine does slows all of them. Wall time of Spark is that of the job; the start of
the JVM is a column of its own. CPU time is that of the whole tree of processes, the start of the JVM included: this
process adopts orphans (PR_SET_CHILD_SUBREAPER), and the kernel says of each ended child what it and the children that
it waited for used (wait4). PySpark's daemon does not wait for its workers, so each task returns the CPU time of its own
process so far.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks import captures
from benchmarks.levels import Level, machine, spread, table
from chalicelib import locations
from chalicelib.aws.s3 import CHUNK_BYTES, Bucket, OpenObject
from chalicelib.endpoint_run import EndpointRun
from chalicelib.events import DataCaptured
from chalicelib.records import FleetEntry
from chalicelib.stores.parts import ActivityStore, PartStore
from vedette.operations.backfill import counts_of_part
from vedette.operations.past_objects import Counts, created
from vedette.operations.stages import entered
from vedette.spark import engine
from vedette.spark.slices import slices

RESULTS = Path(__file__).parent / "SPARK.md"
SHAPES = ("wide", "json", "two", "base64")
EVENTS = {"wide": 12_500, "json": 6_000, "two": 24_000, "base64": 10_000}  # about 8 MB each
BEGUN = datetime(2026, 3, 2, tzinfo=UTC)
STAGE = {
    "VEDETTE_STAGE": "bench",
    "VEDETTE_BUCKET": "bench",
    "VEDETTE_TABLE": "bench",
    "VEDETTE_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:bench",
}
GAIN, CPU = 0.9, 1.25
PR_SET_CHILD_SUBREAPER = 36


# --- a stage on this disk ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FolderBucket(Bucket):
    """A folder in place of a bucket."""

    folder: Path = Path()
    parts: Path = Path()

    def open(self, key: str) -> OpenObject | None:
        path = self._path(key)
        return OpenObject("", BEGUN, _chunks(path), path.stat().st_size) if path.exists() else None

    def put_once(self, key: str, content: bytes, content_type: str = "application/json") -> bool:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            return False
        return True

    def _path(self, key: str) -> Path:
        return (self.parts if key.startswith("parts/") else self.folder) / key


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(partial(file.read, CHUNK_BYTES), b"")


class NoActivity(ActivityStore):
    """Nothing is recorded: there is no table."""

    def record_part(self, endpoint: str, now: datetime) -> None:
        return


def run_in(folder: Path, parts: Path) -> EndpointRun:
    run = EndpointRun.without_deadline(FleetEntry(endpoint="site"))
    bucket = FolderBucket("bench", folder=folder, parts=parts)
    activity = NoActivity(run.stores.activity.table)
    return replace(run, stores=replace(run.stores, bucket=bucket, parts=PartStore(bucket), activity=activity))


class Created(NamedTuple):
    counts: Counts
    process: int
    cpu: float  # seconds of this process until now


def create_parts(folder: Path, parts: Path, objects: Sequence[DataCaptured]) -> Created:
    """What a task does, and a plain process."""
    run = run_in(folder, parts)
    counts = Counts.total(created(objects, partial(counts_of_part, run)))
    return Created(counts, os.getpid(), time.process_time())


def objects_in(folder: Path) -> list[DataCaptured]:
    found = []
    for path in sorted(folder.rglob("*.jsonl")):
        key = str(path.relative_to(folder))
        capture = locations.capture_key(key)
        assert capture is not None, key
        found.append(DataCaptured("bench", key, "", path.stat().st_size, capture))
    return found


def write_objects(folder: Path, megabytes: int) -> int:
    """Captured objects of four shapes in turn; their size in bytes."""
    written = number = 0
    with tempfile.TemporaryDirectory() as made:
        contents = []
        for shape in SHAPES:
            captures.write(shape, EVENTS[shape], Path(made) / shape)
            contents.append((Path(made) / shape).read_bytes())
        while written < megabytes * 1e6:
            begun = BEGUN + number * timedelta(minutes=2)
            path = folder / f"data-capture/site/AllTraffic/{begun:%Y/%m/%d/%H/%M}-00-000-n{number}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents[number % len(contents)])
            written += len(contents[number % len(contents)])
            number += 1
    return written


# --- one way, in processes of its own ---------------------------------------------------------------------------------


def plain(folder: Path, parts: Path, share: int, of: int) -> dict[str, Any]:
    """One of `of` plain processes."""
    halves = slices(objects_in(folder), lambda captured: captured.size, cores=1) if of > 1 else [objects_in(folder)]
    mine = [captured for half in halves[share::of] for captured in half]
    with entered(STAGE, None, None):
        return {"rows": create_parts(folder, parts, mine).counts.rows}


def on_spark(folder: Path, parts: Path, cores: int) -> dict[str, Any]:
    began = time.perf_counter()
    with entered(STAGE, None, None), engine.started(f"local[{cores}]") as spark:
        started = time.perf_counter()
        tasks = slices(objects_in(folder), lambda captured: captured.size, spark.cores)
        created = list(spark.map(partial(create_parts, folder, parts), tasks))
        ended = time.perf_counter()
    workers: dict[int, float] = {}
    for one in created:
        workers[one.process] = max(one.cpu, workers.get(one.process, 0.0))
    return {
        "rows": sum(one.counts.rows for one in created),
        "start": started - began,
        "job": ended - started,
        "cpu": sum(workers.values()),
    }


class Measured(NamedTuple):
    """What one way took in one round."""

    wall: float  # seconds; of Spark, without the start of the JVM
    cpu: float  # seconds of the whole tree
    start: float  # seconds until Spark can run a job
    rows: int


def measure(folder: Path, way: str, cores: int) -> Measured:
    with tempfile.TemporaryDirectory(dir=folder.parent) as parts:
        given = [str(folder), parts]
        kinds = (
            [["spark", str(cores), "1"]] if way == "spark" else [["plain", str(n), str(cores)] for n in range(cores)]
        )
        began = time.perf_counter()
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.spark", "--child", *kind, *given],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            for kind in kinds
        ]
        answers = [json.loads(process.stdout.read()) for process in running if process.stdout]
        wall = time.perf_counter() - began
        cpu = adopted_cpu_seconds() + answers[0].get("cpu", 0.0)
        created = sum(1 for _ in Path(parts).rglob("*.json"))
    if created != len(objects_in(folder)):
        raise SystemExit(f"{way} with {cores}: {created} parts of {len(objects_in(folder))} objects")
    rows = sum(answer["rows"] for answer in answers)
    return Measured(answers[0].get("job", wall), cpu, answers[0].get("start", 0.0), rows)


def adopt_orphans() -> None:
    """Processes whose parent has ended become children of this one, so that `wait4` gives their CPU time, too."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def adopted_cpu_seconds() -> float:
    """Wait for every child, and return the CPU seconds of them and of the children that they waited for."""
    seconds = 0.0
    while True:
        try:
            _, _, used = os.wait4(-1, 0)
        except ChildProcessError:
            return seconds
        seconds += used.ru_utime + used.ru_stime


# --- the results ------------------------------------------------------------------------------------------------------

WAYS = (("plain", 1), ("spark", 1), ("plain", 2), ("spark", 2))
NAMES = {("plain", 1): "one process", ("plain", 2): "two processes"} | {
    ("spark", cores): f"Spark local[{cores}]" for cores in (1, 2)
}
Rounds = dict[tuple[str, int], list[Measured]]


def levels(rounds: Rounds) -> list[Level]:
    def ratio(name: str, one: tuple[str, int], two: tuple[str, int]) -> list[float]:
        return [getattr(a, name) / getattr(b, name) for a, b in zip(rounds[one], rounds[two], strict=True)]

    gains = zip(ratio("wall", ("spark", 1), ("spark", 2)), ratio("wall", ("plain", 1), ("plain", 2)), strict=True)
    return [
        Level("gain of local[2] over local[1], times that of two processes over one", [a / b for a, b in gains], GAIN),
        Level("CPU of local[1], times that of one process", ratio("cpu", WAYS[1], WAYS[0]), CPU, at_most=True),
        Level("CPU of local[2], times that of two processes", ratio("cpu", WAYS[3], WAYS[2]), CPU, at_most=True),
    ]


def report(size: int, number: int, rounds: Rounds) -> Iterator[str]:
    found = levels(rounds)
    rows = rounds[WAYS[0]][0].rows
    yield "# Spark\n\nWritten by `make spark-bench`.\n"
    yield f"{machine()}. {number:,} captured objects, {size / 1e9:.2f} GB, {rows:,} rows; shapes {', '.join(SHAPES)}."
    yield f"{len(rounds[WAYS[0]])} rounds, in which the four ways take turns; median (lowest to highest).\n"
    yield from table(found)
    yield "| way | wall s | MB a second | CPU s a GB, the whole tree | start of Spark s |"
    yield "|---|---|---|---|---|"
    for way in WAYS:
        wall, cpu, start = ([getattr(one, name) for one in rounds[way]] for name in ("wall", "cpu", "start"))
        speed, cost = size / 1e6 / median(wall), spread([seconds / size * 1e9 for seconds in cpu])
        begin = spread(start) if way[0] == "spark" else "-"
        yield f"| {NAMES[way]} | {spread(wall)} | {speed:.0f} | {cost} | {begin} |"
    hours = 1000 * median(one.cpu / size * 1e9 for one in rounds[WAYS[3]]) / 3600
    yield f"\nAt the cost of local[2] a terabyte takes {hours:.1f} core hours."
    yield "\n" + " ".join((__doc__ or "").rpartition("|\n\n")[2].split())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.child:
        kind, number, of, folder, parts = asked.child
        answer = (
            on_spark(Path(folder), Path(parts), int(number))
            if kind == "spark"
            else plain(Path(folder), Path(parts), int(number), int(of))
        )
        print(json.dumps(answer))
        return 0
    adopt_orphans()
    rounds: Rounds = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "bucket"
        size = write_objects(folder, asked.megabytes)
        number = len(objects_in(folder))
        for turn in range(asked.rounds):
            for way in WAYS[turn % 4 :] + WAYS[: turn % 4]:
                rounds[way].append(measure(folder, *way))
                print(NAMES[way], rounds[way][-1], flush=True)
        shutil.rmtree(folder)
    RESULTS.write_text("\n".join(report(size, number, rounds)) + "\n")
    print(RESULTS.read_text())
    return 0 if all(level.reached for level in levels(rounds)) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Memory and CPU of one look at a large day of model quality: what `run_monitoring` does between S3 and S3.

    python -m benchmarks.quality_day [--predictions 1000000] [--objects 288] [--label-files 1000]

The parts are written to a folder first, by this process; a second process reads, joins, evaluates and writes the files,
and says its largest resident size and its CPU seconds. No AWS: what botocore holds comes on top, about 60 MB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.levels import machine
from chalicelib import records
from chalicelib.quality.arrays import Values
from chalicelib.quality.constraints import file_violations, suggested_constraints
from chalicelib.quality.coverage import groups
from chalicelib.quality.evaluation import evaluate_quality
from chalicelib.quality.files import quality_statistics, write_statistics, write_violations
from chalicelib.quality.joined import join
from chalicelib.quality.label_parts import LabelPart
from chalicelib.quality.metrics import Problem
from chalicelib.quality.predictions import PredictionPart
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.quality.state import QualityState

START = datetime(2026, 11, 1, tzinfo=UTC)
SETTINGS = QualitySettings(problem_type=ProblemType.BINARY, score="0")
LIMIT_MB = 512


def write_parts(folder: Path, predictions: int, objects: int, label_files: int) -> None:
    """Write the parts of a day; each label file has labels of all hours, and as many of other days."""
    random = np.random.default_rng(1)
    ids = random.integers(1, 2**63, predictions, dtype=np.uint64)
    labels = (random.uniform(size=predictions) < 0.1).astype("u1")
    scores = 1 / (1 + np.exp(-(2 * labels - 2 + random.normal(size=predictions))))
    for number, rows in enumerate(np.array_split(np.arange(predictions), objects)):
        chosen = rows[np.argsort(ids[rows])]
        begun = int(START.timestamp()) + 86_400 * number // objects
        part = PredictionPart(
            key=f"{number:05}",
            requests=len(rows),
            without_inference_id=0,
            skipped={},
            ids=ids[chosen].tobytes(),
            rows=np.zeros(len(rows), "<u4").tobytes(),
            request_rows=np.ones(len(rows), "<u4").tobytes(),
            times=np.full(len(rows), begun, "<u4").tobytes(),
            values=Values(classes=("0", "1"), content=(scores[chosen] >= 0.5).astype("u1").tobytes()),
            scores=scores[chosen].tobytes(),
        )
        (folder / f"p{number:05}").write_bytes(records.write(part))
    for number, rows in enumerate(np.array_split(random.permutation(predictions), label_files)):
        others = random.integers(1, 2**63, len(rows), dtype=np.uint64)
        found = np.concatenate([ids[rows], others])
        content = np.concatenate([labels[rows], labels[rows]])
        order = np.argsort(found)
        label_part = LabelPart(
            key=f"s3://l/{number:05}.csv",
            last_modified=START + timedelta(hours=number),
            rejected={},
            ids=found[order].tobytes(),
            rows=np.zeros(len(found), "<u4").tobytes(),
            request_rows=np.ones(len(found), "<u4").tobytes(),
            values=Values(classes=("0", "1"), content=content[order].tobytes()),
        )
        (folder / f"l{number:05}").write_bytes(records.write(label_part))


def look(folder: Path) -> None:
    """One look at the day, as `services.quality_monitoring` makes it; prints what it took."""
    begun = time.perf_counter()

    def read(prefix: str, kind: type[records.R]) -> Iterator[records.R]:
        for path in sorted(folder.glob(f"{prefix}*")):
            yield records.read(kind, path.read_bytes(), path.name)

    joined = join(read("p", PredictionPart), read("l", LabelPart), SETTINGS)
    problem, total = Problem.of(SETTINGS), QualityState.total(joined.states)
    statistics = quality_statistics(total, problem)
    constraints = suggested_constraints(statistics.values, ProblemType.BINARY)
    evaluation = evaluate_quality(joined.states, constraints, problem, baseline=statistics)
    groups(total)
    written = {
        "joined.json": records.write(joined),
        "statistics.json": write_statistics(total, problem),
        "violations": write_violations(file_violations(statistics.values, statistics.deviations, constraints)),
    }
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "verdict": evaluation.verdict,
                "labelled": total.labelled,
                "megabytes": round(usage.ru_maxrss / 1024),
                "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
                "seconds": round(time.perf_counter() - begun, 1),
                "written_kilobytes": {name: len(content) >> 10 for name, content in written.items()},
            }
        )
    )


def main(arguments: Sequence[str]) -> int:
    """Write the parts and make the look in another process; the exit code is 1 above LIMIT_MB."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--objects", type=int, default=288)
    parser.add_argument("--label-files", type=int, default=1_000)
    parser.add_argument("--look", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.look:
        look(chosen.look)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        write_parts(Path(folder), chosen.predictions, chosen.objects, chosen.label_files)
        command = [sys.executable, "-m", "benchmarks.quality_day", "--look", folder]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"{chosen.predictions:,} predictions, {chosen.label_files:,} label files; {machine()}")
    print(json.dumps(found, indent=2))
    return int(found["megabytes"] > LIMIT_MB or found["labelled"] != chosen.predictions)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the looks at days of predictions take: memory, CPU and calls of S3, written to QUALITY_DAY.md.

    python -m benchmarks.quality_day [--predictions 1000000] [--objects 288] [--label-files 1000]

The parts of the predictions and of their labels are written to a folder first, by this process. A second process has
that folder as the bucket of its stage, counts the calls, and makes both looks at each day by the code that ships. No
AWS: what botocore holds comes on top, about 60 MB.

| case                           | is                                                                                  |
|--------------------------------|-------------------------------------------------------------------------------------|
| one day                        | all predictions in 24 hours; their labels come in any order, in so many files that  |
|                                | are written one after the other over 30 days                                        |
| ... in another order           | the same labels in another order, and so in other files: the final look must write  |
|                                | the same bytes                                                                      |
| 30 days, labels within 29 days | as many predictions and files; each file has labels of up to 29 days                |
| 30 days, labels within 2 days  | the same; each file has labels of up to 3 days                                      |

Each day's metrics are compared with scikit-learn's.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.levels import machine
from chalicelib import locations, records
from chalicelib.aws.dynamodb import StoredItem, Table
from chalicelib.aws.s3 import Bucket, ListedObject
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, Stores
from chalicelib.quality.arrays import Values
from chalicelib.quality.constraints import suggested_constraints
from chalicelib.quality.files import QualityBaseline
from chalicelib.quality.label_parts import LabelPart
from chalicelib.quality.predictions import PredictionPart
from chalicelib.quality.ripeness import looks
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.records import FleetEntry
from chalicelib.services import quality_monitoring
from chalicelib.services.quality_monitoring import QualityContext
from chalicelib.settings import settings
from chalicelib.stores.alert_states import AlertStateStore
from chalicelib.stores.baselines import VersionedQualityBaseline
from chalicelib.stores.checkpoints import CheckpointStore
from chalicelib.stores.deployments import DeploymentStore
from chalicelib.stores.executions import ExecutionStore
from chalicelib.window import DAY, Window

REPORT = Path(__file__).parent / "QUALITY_DAY.md"
START = datetime(2026, 11, 1, tzinfo=UTC)
SETTINGS = QualitySettings(problem_type=ProblemType.BINARY, score="0", label_delay_hours=72, label_limit_hours=720)
ENDPOINT, VARIANT = "fraud", "AllTraffic"
LIMIT_MB = 512
PAGE = 1_000  # objects of one answer of ListObjectsV2
AUC_BOUND = 2e-5  # of scores in bins
TOPIC = "arn:aws:sns:eu-west-1:123456789012:vedette-local"
STAGE = {"VEDETTE_STAGE": "local", "VEDETTE_BUCKET": "b", "VEDETTE_TABLE": "t", "VEDETTE_TOPIC_ARN": TOPIC}
STAGE |= {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-1"}


@dataclass(frozen=True)
class Case:
    """How the predictions and their labels are spread."""

    name: str
    days: int = 1
    label_days: int = 29  # from the end of a prediction's day on
    order: int = 1  # seed of the order in which the labels come


CASES = (
    Case("one day"),
    Case("... in another order", order=2),
    Case("30 days, labels within 29 days", days=30),
    Case("30 days, labels within 2 days", days=30, label_days=2),
)


# --- the bucket -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FolderBucket(Bucket):
    """A folder in place of a bucket, which counts what would be calls."""

    folder: str = ""
    calls: Counter[str] = field(default_factory=Counter)

    def get(self, key: str) -> bytes | None:
        self.calls["GET"] += 1
        path = Path(self.folder, key)
        return path.read_bytes() if path.exists() else None

    def put(self, key: str, content: bytes, content_type: str = "") -> None:
        self.calls["PUT"] += 1
        path = Path(self.folder, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def put_once(self, key: str, content: bytes, content_type: str = "") -> bool:
        if Path(self.folder, key).exists():
            self.calls["PUT"] += 1
            return False
        self.put(key, content)
        return True

    def exists(self, key: str) -> bool:
        self.calls["HEAD"] += 1
        return Path(self.folder, key).exists()

    def list_objects(self, prefix: str, *, after: str = "", until: str = "") -> Iterator[ListedObject]:
        self.calls["LIST"] += 1
        for number, key in enumerate(key for key in self._keys(prefix) if after <= key < (until or "~")):
            if number and not number % PAGE:
                self.calls["LIST"] += 1
            yield ListedObject(key, "e", 1, START)

    def _keys(self, prefix: str) -> list[str]:
        top = Path(self.folder, prefix[: prefix.rfind("/")])
        found = (Path(at, name) for at, _, names in os.walk(top) for name in names)
        return sorted(key for path in found if (key := str(path.relative_to(self.folder))).startswith(prefix))


@dataclass(frozen=True)
class EmptyTable(Table):
    """The table of a stage that has neither deployed nor alerted."""

    def get(self, kind: type[records.R], pk: str, sk: str) -> tuple[records.R | None, int]:
        return None, 0

    def _query(self, pk: str, condition: str, values: dict[str, Any]) -> Iterator[StoredItem]:
        return iter(())


# --- predictions and labels -------------------------------------------------------------------------------------------


class Drawn(NamedTuple):
    """All predictions, day after day."""

    ids: NDArray[np.uint64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, predictions: int) -> Drawn:
        random = np.random.default_rng(1)
        labels = (random.uniform(size=predictions) < 0.1).astype(int)
        scores = 1 / (1 + np.exp(-(2 * labels - 2 + random.normal(size=predictions))))
        return cls(random.integers(1, 2**63, predictions, dtype=np.uint64), labels, scores)

    def metrics(self, rows: NDArray[np.int64]) -> dict[str, float]:
        """What scikit-learn says of some rows."""
        from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score  # not in the other process

        labels, predicted = self.labels[rows], self.scores[rows] >= 0.5
        return {
            "recall": recall_score(labels, predicted),
            "precision": precision_score(labels, predicted),
            "f1": f1_score(labels, predicted),
            "auc": roc_auc_score(labels, self.scores[rows]),
        }


def write_predictions(bucket: Bucket, drawn: Drawn, days: list[NDArray[np.int64]], objects: int) -> None:
    """One part for each capture object, evenly over each day."""
    for number, of_day in enumerate(days):
        for place, rows in enumerate(np.array_split(of_day, objects)):
            begun = START + number * DAY + place * DAY // objects
            name = f"{begun:%M}-00-000-{place:08}.jsonl"
            capture = locations.capture_key(f"c/{ENDPOINT}/{VARIANT}/{begun:%Y/%m/%d/%H}/{name}")
            assert capture is not None
            chosen = rows[np.argsort(drawn.ids[rows])]
            part = PredictionPart(
                key=name,
                requests=len(rows),
                without_inference_id=0,
                skipped={},
                times=np.full(len(rows), int(begun.timestamp()), "<u4").tobytes(),
                values=Values(classes=("0", "1"), content=(drawn.scores[chosen] >= 0.5).astype("u1").tobytes()),
                scores=drawn.scores[chosen].tobytes(),
                **_places(drawn.ids[chosen]),
            )
            bucket.put_once(locations.predictions(SETTINGS.form, capture), records.write(part))


def write_labels(bucket: Bucket, drawn: Drawn, days: list[NDArray[np.int64]], files: int, case: Case) -> None:
    """One part for each label file; the label of a prediction comes within `label_days` of the end of its day."""
    random = np.random.default_rng(case.order)
    day = np.repeat(np.arange(case.days), [len(rows) for rows in days])
    arrival = day + 1 + random.uniform(0, case.label_days, len(day))  # days since START
    span = case.days + case.label_days
    file_of = (arrival * files / (span + 1)).astype(int)
    for number in range(files):
        rows = np.flatnonzero(file_of == number)
        chosen = rows[np.argsort(drawn.ids[rows])]
        part = LabelPart(
            key=f"s3://l/{number:05}.csv",
            last_modified=START + (number + 1) * (span + 1) * DAY / files,
            rejected={},
            values=Values(classes=("0", "1"), content=drawn.labels[chosen].astype("u1").tobytes()),
            **_places(drawn.ids[chosen]),
        )
        key = locations.labels(ENDPOINT, SETTINGS.form, part.key, "e", part.last_modified)
        bucket.put_once(key, records.write(part))


def _places(ids: NDArray[np.uint64]) -> dict[str, bytes]:
    """The first and only row of each request."""
    rows = np.zeros(len(ids), "<u4")
    return {"ids": ids.astype("<u8").tobytes(), "rows": rows.tobytes(), "request_rows": (rows + 1).tobytes()}


# --- the looks, in a process of their own -----------------------------------------------------------------------------


class Context(QualityContext):
    """The looks of an endpoint that always served the same version."""

    def served(self, day: Window) -> tuple[str, ...]:
        return ("1",)


def make_looks(folder: str, days: int) -> dict[str, Any]:
    """Both looks at each day, in order of time: what each took, and what the final ones wrote."""
    bucket = FolderBucket("b", folder=folder)
    os.environ.update(STAGE)
    stores, table = Stores.of(settings()), EmptyTable("t", bucket)
    stores = replace(
        stores,
        bucket=bucket,
        executions=ExecutionStore(bucket),
        alert_states=AlertStateStore(table),
        deployments=DeploymentStore(table),
        checkpoints=CheckpointStore(table),
    )
    entry = FleetEntry(endpoint=ENDPOINT, quality=SETTINGS)
    run = EndpointRun(entry, START + (days + 40) * DAY, Deadline.never(), stores)
    thresholds = suggested_constraints({"recall": 0.3, "precision": 0.3, "auc": 0.8}, ProblemType.BINARY)
    context = Context(run, SETTINGS, VersionedQualityBaseline("v1", QualityBaseline(thresholds, None)))
    taken: dict[str, list[dict[str, float]]] = {"first": [], "final": []}
    written, labelled = [], []
    for look in looks(SETTINGS, START, START + (days + 31) * DAY):
        bucket.calls.clear()
        begun = time.process_time()
        execution = quality_monitoring.evaluate_day(context, VARIANT, look)
        seconds = time.process_time() - begun
        if execution is None or execution.labels is None:
            continue  # a day before the first
        taken["final" if look.is_final else "first"].append({**bucket.calls, "seconds": seconds})
        if look.is_final:
            labelled.append(execution.labels.labelled)
            written.append(_files(bucket, execution.folder))
    return {
        "taken": taken,
        "labelled": labelled,
        "statistics": [json.loads(files["statistics.json"]) for files in written],
        "digests": [hashlib.sha256(b"".join(files[name] for name in sorted(files))).hexdigest() for files in written],
        "megabytes": _peak(),
    }


def _files(bucket: Bucket, folder: str) -> dict[str, bytes]:
    """The files of an execution that name neither the labels' keys nor the time of the run."""
    names = (locations.JOINED_FILE, locations.STATISTICS_FILE, locations.VIOLATIONS_FILE)
    assert bucket.exists(folder + locations.REPORT_FILE), "the page is written, too"
    return {name: bucket.get(folder + name) or b"" for name in names}


def _peak() -> float:
    """Megabytes that this process held at most; `ru_maxrss` begins with those of the process that started it."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


# --- the report -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """What the looks of one case took, and whether they were right."""

    case: Case
    found: dict[str, Any]
    is_right: bool


def measure(case: Case, predictions: int, objects: int, label_files: int) -> Measured:
    """Write the parts of a case, and let another process make the looks."""
    drawn = Drawn.of(predictions)
    days = np.array_split(np.arange(predictions), case.days)
    with tempfile.TemporaryDirectory() as folder:
        bucket = FolderBucket("b", folder=folder)
        write_predictions(bucket, drawn, days, objects)
        write_labels(bucket, drawn, days, label_files, case)
        command = [sys.executable, "-m", "benchmarks.quality_day", "--looks", folder, "--days", str(case.days)]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    right = [len(day) for day in days] == found["labelled"] and all(
        _is_right(statistics, drawn.metrics(day)) for statistics, day in zip(found["statistics"], days, strict=True)
    )
    return Measured(case, found, right)


def _is_right(statistics: dict[str, Any], expected: dict[str, float]) -> bool:
    values = statistics["binary_classification_metrics"]
    bounds = {name: AUC_BOUND if name == "auc" else 1e-12 for name in expected}
    return all(abs(values[name]["value"] - expected[name]) <= bounds[name] for name in expected)


def table(measured: Sequence[Measured]) -> Iterator[str]:
    """A row for each case and look, by medians over the days."""
    yield "| case | look | LIST | GET | PUT | CPU | memory of the process | every day right |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in measured:
        for look, taken in one.found["taken"].items():
            calls = " | ".join(f"{median(day.get(name, 0) for day in taken):.0f}" for name in ("LIST", "GET", "PUT"))
            seconds = f"{median(day['seconds'] for day in taken):.2f} s"
            peak, right = f"{one.found['megabytes']:.0f} MB", "yes" if one.is_right else "**no**"
            yield f"| {one.case.name} | {look} | {calls} | {seconds} | {peak} | {right} |"


def main(arguments: Sequence[str]) -> int:
    """Write the report; the exit code is 1 above LIMIT_MB, or where a day is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--objects", type=int, default=288, help="capture objects a day")
    parser.add_argument("--label-files", type=int, default=1_000)
    parser.add_argument("--looks", help=argparse.SUPPRESS)
    parser.add_argument("--days", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.looks:
        print(json.dumps(make_looks(chosen.looks, chosen.days)))
        return 0
    measured = [measure(case, chosen.predictions, chosen.objects, chosen.label_files) for case in CASES]
    same = measured[0].found["digests"] == measured[1].found["digests"]
    most = max(one.found["megabytes"] for one in measured)
    lines = [
        "# Model quality: what the looks at a day take",
        "",
        f"Written by `python -m benchmarks.quality_day`, whose docstring says what is measured: {chosen.predictions:,} "
        f"predictions, {chosen.objects} capture objects a day, {chosen.label_files:,} label files. {machine()}.",
        "",
        *table(measured),
        "",
        "Medians over the days. A look costs what its own day has: its prediction parts, the label files that hold a "
        "label of it, and one index for each day on which labels came since. The look that needs the index of a day "
        "first also reads all label files of that day, once for all looks.",
        "",
        f"Labels in another order {'gave the same bytes' if same else '**gave other bytes**'}. "
        f"The process had at most {most:.0f} MB; the level is {LIMIT_MB} MB.",
    ]
    REPORT.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return int(most > LIMIT_MB or not same or not all(one.is_right for one in measured))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

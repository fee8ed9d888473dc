"""Days of predictions and their labels, stored as parts: a binary classification with scores."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from chalicelib import locations, records
from chalicelib.endpoint_run import stage_stores
from chalicelib.quality.arrays import Values
from chalicelib.quality.constraints import suggested_constraints
from chalicelib.quality.files import quality_statistics, write_constraints, write_statistics
from chalicelib.quality.label_parts import LabelPart
from chalicelib.quality.metrics import Problem
from chalicelib.quality.predictions import PredictionPart
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.quality.state import QualityState
from chalicelib.records import BaselineInForce, Execution, FleetEntry
from chalicelib.stores.quality_parts import QualityPartStore
from tests.runs import run_of_entry

DAY = timedelta(days=1)
ROWS = 2_400
SETTINGS = QualitySettings(
    problem_type=ProblemType.BINARY, score="0", label_delay_hours=24, label_limit_hours=72, ground_truth=("s3://l/x",)
)
BINARY = Problem(type=ProblemType.BINARY, classes=("0", "1"))
GOOD, BAD = 3.0, 0.8  # how far the scores of both classes are apart
EXECUTION = "/execution.json"
EVALUATED = re.compile(rb"Evaluated [0-9: -]+ UTC")  # of a page


class DayRows(NamedTuple):
    """The rows of a day, by hour."""

    start: datetime
    ids: np.ndarray
    labels: np.ndarray
    scores: np.ndarray

    @property
    def predictions(self) -> np.ndarray:
        return (self.scores >= 0.5).astype(int)

    def state(self) -> QualityState:
        return QualityState.of_classes(("0", "1"), self.labels, self.predictions, self.scores, "1")


def rows_of(start: datetime, separation: float = GOOD, rows: int = ROWS) -> DayRows:
    random = np.random.default_rng([start.toordinal(), int(separation * 10)])
    labels = (random.uniform(size=rows) < 0.3).astype(int)
    scores = 1 / (1 + np.exp(-(separation * (labels - 0.5) + random.normal(size=rows))))
    ids = random.integers(1, 2**63, rows, dtype=np.uint64)
    return DayRows(start, ids, labels, scores)


def capture_day(endpoint: str, day: DayRows, variant: str = "AllTraffic", hours: int = 24) -> None:
    """Store one part for each hour."""
    for hour, rows in enumerate(np.array_split(np.arange(len(day.ids)), hours)):
        begun = day.start + timedelta(hours=hour * 24 // hours)
        name = f"{begun:%M}-00-000-{begun:%Y%m%d%H}.jsonl"
        capture = locations.capture_key(f"data-capture/{endpoint}/{variant}/{begun:%Y/%m/%d/%H}/{name}")
        assert _parts(endpoint).put_predictions(capture, _predictions(day, rows, begun, name))


def _parts(endpoint: str) -> QualityPartStore:
    return run_of_entry(FleetEntry(endpoint=endpoint, quality=SETTINGS)).quality_parts


def _predictions(day: DayRows, rows: np.ndarray, begun: datetime, key: str) -> PredictionPart:
    rows = rows[np.argsort(day.ids[rows])]
    return PredictionPart(
        key=key,
        requests=len(rows),
        without_inference_id=0,
        skipped={},
        ids=day.ids[rows].astype("<u8").tobytes(),
        rows=np.zeros(len(rows), "<u4").tobytes(),
        request_rows=np.ones(len(rows), "<u4").tobytes(),
        times=np.full(len(rows), int(begun.timestamp()), "<u4").tobytes(),
        values=Values(classes=("0", "1"), content=day.predictions[rows].astype("u1").tobytes()),
        scores=day.scores[rows].astype("<f8").tobytes(),
    )


def label_day(endpoint: str, day: DayRows, at: datetime, chosen: np.ndarray | None = None, name: str = "a") -> None:
    """Store the labels of a day, or of some of its rows, as one object written at a time."""
    rows = np.arange(len(day.ids)) if chosen is None else np.flatnonzero(chosen)
    rows = rows[np.argsort(day.ids[rows])]
    part = LabelPart(
        key=f"s3://l/x/{day.start:%Y-%m-%d}-{name}.csv",
        last_modified=at,
        rejected={},
        ids=day.ids[rows].astype("<u8").tobytes(),
        rows=np.zeros(len(rows), "<u4").tobytes(),
        request_rows=np.ones(len(rows), "<u4").tobytes(),
        values=Values(classes=("0", "1"), content=day.labels[rows].astype("u1").tobytes()),
    )
    assert _parts(endpoint).put_labels(endpoint, part, f"etag-{at:%d%H}{name}")


def stored_days(endpoint: str) -> dict[str, bytes]:
    """What is stored of the evaluated days, without when they were evaluated."""
    bucket = stage_stores().bucket
    found = {one.key: bucket.get(one.key) for one in bucket.list_objects(f"monitoring/{endpoint}/")}
    for key, content in found.items():
        if key.endswith(EXECUTION):
            execution = records.read(Execution, content, key)
            content = records.write(replace(execution, evaluated_at=execution.window_end))
        found[key] = EVALUATED.sub(b"", content)
    return found


def put_baseline(endpoint: str, start: datetime) -> None:
    """Put the metrics of a week of a good model in force."""
    state = QualityState.total(rows_of(start - number * DAY).state() for number in range(100, 107))
    found = quality_statistics(state, BINARY)
    constraints = write_constraints(suggested_constraints(found.values, ProblemType.BINARY))
    named = BaselineInForce(version="v1", by="ann", at=start)
    stage_stores().quality_baselines.put(endpoint, named, constraints, write_statistics(state, BINARY))

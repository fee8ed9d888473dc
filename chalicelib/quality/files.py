"""statistics.json, constraints.json and constraint_violations.json of model quality, in Model Monitor's form.

| file                       | written                                         | read                              |
|----------------------------|-------------------------------------------------|-----------------------------------|
| statistics.json            | `{problem}_metrics`: each a value with a        | values and deviations             |
|                            | standard_deviation; confusion matrix and curves |                                   |
| constraints.json           | `{problem}_constraints`: thresholds             | the same; unknown keys are kept   |
| constraint_violations.json | metric_name, constraint_check_type, description | by `chalicelib.constraints.files` |

Model Monitor takes a standard deviation over five random samples of 80 % of the rows. Such a sample varies by half of
the standard error (sqrt((1 - 0.8) / 0.8)), which is written here: it is computed from the counts, and not random. It is
the text "NaN" under 200 rows, and so is a value that is not defined.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from chalicelib.constraints.check_types import MODEL_QUALITY
from chalicelib.constraints.files import Violation
from chalicelib.errors import UnreadableFile
from chalicelib.quality.confusion import Values
from chalicelib.quality.constraints import QualityConstraints, Threshold
from chalicelib.quality.curves import precision_recall_curve, roc_curve
from chalicelib.quality.metrics import Problem, independent_errors, metrics
from chalicelib.quality.settings import ProblemType
from chalicelib.quality.state import QualityState
from chalicelib.statistics.monitor_files import kind_of_document

MIN_DEVIATION_ROWS = 200  # with fewer, Model Monitor gives no standard deviation
SAMPLE_DEVIATION = 0.5  # standard deviations of a sample of 80 %, in standard errors
_STEMS = {
    ProblemType.BINARY: "binary_classification",
    ProblemType.MULTICLASS: "multiclass_classification",
    ProblemType.REGRESSION: "regression",
}
_NAN = "NaN"


class QualityStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """The metrics of a statistics.json."""

    problem_type: ProblemType
    rows: int
    values: Values
    deviations: Values  # of samples of 80 %; None where the file says "NaN"


class QualityBaseline(NamedTuple):
    """What metrics are compared with."""

    constraints: QualityConstraints
    statistics: QualityStatistics | None  # None: the chance in the thresholds is not known


def read_baseline(
    constraints: bytes, place: str, statistics: bytes | None = None, statistics_place: str = ""
) -> QualityBaseline:
    """A baseline from its two files.

    Raises
    ------
    UnreadableFile
        When one of them is not of model quality, or they are of different problem types.
    """
    limits = read_constraints(constraints, place)
    found = None if statistics is None else read_statistics(statistics, statistics_place)
    if found is not None and found.problem_type != limits.problem_type:
        raise UnreadableFile(f"{place}: statistics of a {found.problem_type}, constraints of {limits.problem_type}")
    return QualityBaseline(limits, found)


def quality_statistics(state: QualityState, problem: Problem) -> QualityStatistics:
    """The metrics of a state, with the deviations that the file gives."""
    errors = independent_errors(state, problem) if state.labelled >= MIN_DEVIATION_ROWS else {}
    values = metrics(state, problem)
    deviations = {name: None if (error := errors.get(name)) is None else SAMPLE_DEVIATION * error for name in values}
    return QualityStatistics(problem_type=problem.type, rows=state.labelled, values=values, deviations=deviations)


def write_statistics(state: QualityState, problem: Problem, evaluated_at: datetime | None = None) -> bytes:
    """The statistics.json of a state.

    Examples
    --------
    >>> import numpy as np
    >>> state = QualityState.of_numbers(np.array([1.0, 3.0]), np.array([1.0, 2.0]))
    >>> print(json.loads(write_statistics(state, Problem(type=ProblemType.REGRESSION)))["regression_metrics"]["mae"])
    {'value': 0.5, 'standard_deviation': 'NaN'}
    """
    found = quality_statistics(state, problem)
    scalars = {
        name: {"value": _number(value), "standard_deviation": _number(found.deviations[name])}
        for name, value in found.values.items()
    }
    dataset: dict[str, Any] = {"item_count": state.labelled}
    if evaluated_at is not None:
        dataset["evaluation_time"] = evaluated_at.isoformat()
    matrix = {"confusion_matrix": state.confusion.table(problem.classes)} if state.confusion.counts else {}
    body = {**matrix, **scalars, **_curves(state, problem)}
    return _written({"version": 0.0, "dataset": dataset, f"{_STEMS[problem.type]}_metrics": body})


def _curves(state: QualityState, problem: Problem) -> dict[str, Any]:
    if not state.has_scores(problem.type):
        return {}
    found: dict[str, Any] = {}
    if roc := roc_curve(state.scores):
        found["receiver_operating_characteristic_curve"] = {"false_positive_rates": roc.x, "true_positive_rates": roc.y}
    if curve := precision_recall_curve(state.scores):
        found["precision_recall_curve"] = {"precisions": curve.x, "recalls": curve.y}
    return found


def read_statistics(content: bytes, place: str) -> QualityStatistics:
    """A statistics.json of model quality.

    Raises
    ------
    UnreadableFile
        When it is not one; the message names the place and the cause.
    """
    document, problem_type, body = _document(content, place, "metrics", "statistics.json")
    scalars = {name: one for name, one in body.items() if isinstance(one, dict) and "value" in one}
    dataset = document.get("dataset")
    rows = dataset.get("item_count") if isinstance(dataset, dict) else 0
    return QualityStatistics(
        problem_type=problem_type,
        rows=rows if isinstance(rows, int) else 0,
        values={name: _value(one["value"]) for name, one in scalars.items()},
        deviations={name: _value(one.get("standard_deviation")) for name, one in scalars.items()},
    )


def read_constraints(content: bytes, place: str) -> QualityConstraints:
    """A constraints.json of model quality.

    Raises
    ------
    UnreadableFile
        When it is not one; the message names the place and the cause.

    Examples
    --------
    >>> limit = b'{"regression_constraints": {"mae": {"threshold": 1, "comparison_operator": "GreaterThanThreshold"}}}'
    >>> read_constraints(limit, "x").thresholds["mae"].threshold
    1.0
    >>> read_constraints(b'{"features": []}', "x")
    Traceback (most recent call last):
    chalicelib.errors.UnreadableFile: x: not a constraints.json of model quality
    """
    document, problem_type, body = _document(content, place, "constraints", "constraints.json")
    thresholds = {name: _threshold(one, f"{place}: {name}") for name, one in body.items()}
    if not thresholds:
        raise UnreadableFile(f"{place}: no thresholds")
    rest = {
        key: value for key, value in document.items() if key not in ("version", f"{_STEMS[problem_type]}_constraints")
    }
    return QualityConstraints(problem_type=problem_type, thresholds=thresholds, additional=rest)


def write_constraints(constraints: QualityConstraints) -> bytes:
    """Constraints as constraints.json."""
    thresholds = {
        name: {"threshold": one.threshold, "comparison_operator": one.comparison_operator, **one.additional}
        for name, one in constraints.thresholds.items()
    }
    stem = _STEMS[constraints.problem_type]
    return _written({"version": 0.0, f"{stem}_constraints": thresholds, **constraints.additional})


def write_violations(violations: Iterable[Violation]) -> bytes:
    """Violations as constraint_violations.json.

    >>> json.loads(write_violations(()))
    {'violations': []}
    """
    keys = ("constraint_check_type", "metric_name", "description")
    return _written({"violations": [{key: getattr(one, key) for key in keys} for one in violations]})


def is_quality_constraints(content: bytes) -> bool:
    """Whether content is a constraints.json of model quality, rather than of data quality."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and any(f"{stem}_constraints" in document for stem in _STEMS.values())


def _document(content: bytes, place: str, part: str, kind: str) -> tuple[dict[str, Any], ProblemType, dict[str, Any]]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise UnreadableFile(f"{place}: not JSON") from None
    found = [one for one, stem in _STEMS.items() if isinstance(document, dict) and f"{stem}_{part}" in document]
    if len(found) > 1:
        raise UnreadableFile(f"{place}: {' and '.join(found)} in one file")
    body = document[f"{_STEMS[found[0]]}_{part}"] if found else None
    if not isinstance(body, dict):
        other = kind_of_document(document)
        found_kind = f" but a {other}" if other and other not in (kind, "model-quality file") else ""
        raise UnreadableFile(f"{place}: not a {kind} of model quality{found_kind}")
    return document, found[0], body


def _threshold(entry: Any, place: str) -> Threshold:
    if not isinstance(entry, Mapping):
        raise UnreadableFile(f"{place} is not an object")
    value, operator = _value(entry.get("threshold")), entry.get("comparison_operator")
    if value is None:
        raise UnreadableFile(f"{place}: the threshold is not a number")
    if operator not in MODEL_QUALITY:
        raise UnreadableFile(f"{place}: comparison_operator must be {' or '.join(sorted(MODEL_QUALITY))}")
    rest = {key: other for key, other in entry.items() if key not in ("threshold", "comparison_operator")}
    return Threshold(threshold=value, comparison_operator=operator, additional=rest)


def _value(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _number(value: float | None) -> float | str:
    return _NAN if value is None else value


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace")

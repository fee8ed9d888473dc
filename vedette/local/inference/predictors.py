"""The containers of the endpoints: the built-in k-NN and linear learner, with SageMaker's documented formats.

| request                                                          | content type       |
|------------------------------------------------------------------|--------------------|
| `1.5,2` per row                                                    | text/csv           |
| `{"instances": [[1.5, 2]]}`, `[{"features": [1.5, 2]}]`, or      | application/json   |
| `[{"data": {"features": {"values": [1.5, 2]}}}]`                 |                    |

| answer          | application/json                                              | text/csv         |
|-----------------|---------------------------------------------------------------|------------------|
| k-NN            | `{"predictions": [{"predicted_label": 1.0}]}`                 | `1.0` a row      |
| linear learner  | `{"predictions": [{"score": 0.97, "predicted_label": 1}]}`    | `1` a row        |

See aws-behaviour: built-in-formats, answer-format, linear-learner-csv.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

JSON, CSV = "application/json", "text/csv"
CSV_ANSWER = "text/csv; charset=utf-8"

Predictor = Callable[[bytes, str, str], tuple[bytes, str]]  # (body, content type, accept) -> (body, content type)


class BadRequest(Exception):
    """The container returns an error."""

    def __init__(self, message: str, status: int = 400):
        super().__init__(message)
        self.message = message
        self.status = status


def media_type(content_type: str) -> str:
    """The media type without parameters."""
    return content_type.partition(";")[0].strip().lower()


class KNearestNeighbours:
    """The built-in k-NN, as a classifier."""

    def __init__(self, model: dict[str, Any]):
        self._features = len(model["features"][0])
        self._classifier = KNeighborsClassifier(n_neighbors=model["neighbours"])
        self._classifier.fit(np.asarray(model["features"]), np.asarray(model["labels"]))

    def __call__(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        rows = read_rows(body, content_type, self._features)
        labels = [float(label) for label in self._classifier.predict(rows)]
        if _answers_csv(accept):
            return "".join(f"{label}\n" for label in labels).encode(), CSV_ANSWER
        return json.dumps({"predictions": [{"predicted_label": label} for label in labels]}).encode(), JSON


class LinearLearner:
    """The built-in linear learner, as a classifier of two or more classes."""

    def __init__(self, model: dict[str, Any]):
        self._classes = [int(label) if float(label).is_integer() else label for label in model["classes"]]
        self._coefficients = np.asarray(model["coefficients"])
        self._intercepts = np.asarray(model["intercepts"])
        self._means, self._scales = np.asarray(model["means"]), np.asarray(model["scales"])

    def __call__(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        rows = read_rows(body, content_type, len(self._means))
        logits = (rows - self._means) / self._scales @ self._coefficients.T + self._intercepts
        predictions = [self._prediction(row) for row in logits]
        if _answers_csv(accept):
            return "".join(f"{found['predicted_label']}\n" for found in predictions).encode(), CSV_ANSWER
        return json.dumps({"predictions": predictions}).encode(), JSON

    def _prediction(self, logits: np.ndarray) -> dict[str, Any]:
        if len(logits) == 1:  # two classes: the score is the probability of the second
            score = float(1 / (1 + np.exp(-np.clip(logits[0], -700, 700))))
            return {"score": score, "predicted_label": self._classes[int(score >= 0.5)]}
        weights = np.exp(logits - logits.max())
        scores = (weights / weights.sum()).tolist()
        return {"score": scores, "predicted_label": self._classes[int(np.argmax(scores))]}


ALGORITHMS: dict[str, Callable[[dict[str, Any]], Predictor]] = {
    "knn": KNearestNeighbours,
    "linear-learner": LinearLearner,
}


def algorithm(image: str) -> str | None:
    """The built-in algorithm of an image such as `…amazonaws.com/knn:1`.

    Examples
    --------
    >>> algorithm("438346466558.dkr.ecr.eu-west-1.amazonaws.com/linear-learner:1")
    'linear-learner'
    >>> algorithm("example.com/mine:2") is None
    True
    """
    name = image.rpartition("/")[2].partition(":")[0].partition("@")[0]
    return name if name in ALGORITHMS else None


def read_rows(body: bytes, content_type: str, features: int) -> np.ndarray:
    """The rows of a request.

    Raises
    ------
    BadRequest
        If the body is not rows with the expected number of values.
    """
    kind = media_type(content_type)
    if kind == CSV:
        rows = _csv_rows(body)
    elif kind == JSON:
        rows = _json_rows(body)
    else:
        raise BadRequest(f"Content-type {content_type} not supported. Supported content-type: {CSV}, {JSON}", 415)
    for row in rows:
        if len(row) != features:
            raise BadRequest(f"The dimension of the input ({len(row)}) does not match the model's ({features}).")
    return np.asarray(rows, dtype=float)


def _csv_rows(body: bytes) -> list[list[float]]:
    try:
        lines = [line for line in body.decode().splitlines() if line.strip()]
        rows = [[float(cell) for cell in line.split(",")] for line in lines]
    except ValueError as error:
        raise BadRequest(f"unable to evaluate payload provided: {error}") from error
    if not rows:
        raise BadRequest("unable to evaluate payload provided: it is empty")
    return rows


def _json_rows(body: bytes) -> list[list[float]]:
    try:
        instances = json.loads(body)["instances"]
        rows = [[float(cell) for cell in _features_of(instance)] for instance in instances]
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest('unable to evaluate payload provided: expected {"instances": [[...], ...]}') from error
    if not rows:
        raise BadRequest("unable to evaluate payload provided: it has no instances")
    return rows


def _features_of(instance: Any) -> Any:
    if isinstance(instance, list):
        return instance
    if "features" in instance:
        return instance["features"]
    return instance["data"]["features"]["values"]


def _answers_csv(accept: str) -> bool:
    """Whether the response is CSV; the built-in algorithms return JSON by default."""
    return media_type(accept) == CSV

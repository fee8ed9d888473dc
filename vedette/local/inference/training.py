"""Model artifacts of the two built-in algorithms, trained with scikit-learn: a model.tar.gz with one JSON file.

Instead of a pickle, the file has the training data of a k-NN model or the coefficients of a linear learner. The
training data have the format of SageMaker's built-in algorithms: CSV without a header, label first
(aws-behaviour: built-in-formats).
"""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

KINDS = ("knn", "linear-learner")
MAX_CLASSES = 1000
MODEL_FILE = "model.json"


def train(kind: str, csv_bytes: bytes, *, neighbours: int = 5) -> bytes:
    r"""A model.tar.gz trained on labelled rows.

    Raises
    ------
    ValueError
        If the kind is unknown, or the rows are not numbers with a label of few classes.

    Examples
    --------
    >>> artifact = train("knn", b"0,1,1\n1,5,5\n", neighbours=1)
    >>> load(artifact)["labels"]
    [0.0, 1.0]
    """
    labels, features = _rows(csv_bytes)
    if kind == "knn":
        model: dict[str, Any] = {"neighbours": min(neighbours, len(labels))}
        model.update(labels=labels.tolist(), features=features.tolist())
    elif kind == "linear-learner":
        model = _linear(labels, features)
    else:
        raise ValueError(f"There is no algorithm {kind!r}; choose one of {', '.join(KINDS)}.")
    return _packed({"kind": kind, **model})


def _rows(csv_bytes: bytes) -> tuple[np.ndarray, np.ndarray]:
    try:
        rows = np.loadtxt(io.BytesIO(csv_bytes), delimiter=",", ndmin=2)
    except ValueError as error:
        raise ValueError(f"The training data must be numbers, without a header, the label first: {error}") from error
    if rows.shape[0] == 0 or rows.shape[1] < 2:
        raise ValueError("The training data must have a label and at least one feature in each row.")
    if len(np.unique(rows[:, 0])) > MAX_CLASSES:
        raise ValueError(f"The first column has more than {MAX_CLASSES} values; it must be the label of a class.")
    return rows[:, 0], rows[:, 1:]


def _linear(labels: np.ndarray, features: np.ndarray) -> dict[str, Any]:
    scaler = StandardScaler().fit(features)
    classifier = LogisticRegression(max_iter=1000).fit(scaler.transform(features), labels)
    return {
        "classes": classifier.classes_.tolist(),
        "coefficients": classifier.coef_.tolist(),
        "intercepts": classifier.intercept_.tolist(),
        "means": scaler.mean_.tolist(),
        "scales": scaler.scale_.tolist(),
    }


def _packed(model: dict[str, Any]) -> bytes:
    content = json.dumps(model).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo(MODEL_FILE)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def load(artifact: bytes) -> dict[str, Any]:
    """Read a model.tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(artifact), mode="r:gz") as archive:
        member = archive.extractfile(MODEL_FILE)
        if member is None:
            raise ValueError(f"{MODEL_FILE} in the model artifact is not a file.")
        model: dict[str, Any] = json.loads(member.read())
    return model

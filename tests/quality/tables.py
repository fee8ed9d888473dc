"""Random tables of labels and predictions, and their metrics by scikit-learn."""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn import metrics as sklearn

from chalicelib.quality.metrics import Problem
from chalicelib.quality.settings import ProblemType
from chalicelib.quality.state import QualityState

BINARY = Problem(type=ProblemType.BINARY, classes=("0", "1"))
MULTICLASS = Problem(type=ProblemType.MULTICLASS)
BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}
CONSTANT = "_best_constant_classifier"
REGRESSION = Problem(type=ProblemType.REGRESSION)


class BinaryRows(NamedTuple):
    labels: np.ndarray
    predictions: np.ndarray
    scores: np.ndarray

    def state(self, chosen=slice(None)) -> QualityState:
        rows = (self.labels[chosen], self.predictions[chosen], self.scores[chosen])
        return QualityState.of_classes(("0", "1"), *rows, positive="1")


def binary_rows(random: np.random.Generator, rows: int, distinct: int = 0) -> BinaryRows:
    """Labels with any share of positives, none and all among them; scores with ties, if `distinct` is given."""
    share = random.choice([0.0, 1.0, random.uniform()], p=[0.1, 0.1, 0.8])
    labels = (random.uniform(size=rows) < share).astype(int)
    scores = 1 / (1 + np.exp(-random.normal(2 * labels - 1, 1.5)))
    if distinct:
        scores = np.round(scores * distinct) / distinct
    return BinaryRows(labels, (scores >= random.choice([0.0, 0.5, 1.1])).astype(int), scores)


def sklearn_binary(rows: BinaryRows) -> dict[str, float]:
    labels, predictions = rows.labels, rows.predictions
    matrix = sklearn.confusion_matrix(labels, predictions, labels=[0, 1])
    found = {}
    for suffix, chosen in (("", predictions), (CONSTANT, np.ones_like(labels))):
        found[f"accuracy{suffix}"] = sklearn.accuracy_score(labels, chosen)
        for name, beta in BETAS.items():
            precision, recall, score, _ = sklearn.precision_recall_fscore_support(
                labels, chosen, beta=beta, average="binary", zero_division=0.0
            )
            found |= {f"precision{suffix}": precision, f"recall{suffix}": recall, f"{name}{suffix}": score}
    if labels.any():
        found["true_positive_rate"] = matrix[1, 1] / matrix[1].sum()
        found["false_negative_rate"] = matrix[1, 0] / matrix[1].sum()
    if not labels.all():
        found["true_negative_rate"] = matrix[0, 0] / matrix[0].sum()
        found["false_positive_rate"] = matrix[0, 1] / matrix[0].sum()
    if labels.any() and not labels.all():
        found["auc"] = sklearn.roc_auc_score(labels, rows.scores)
    return found


def sklearn_multiclass(labels, predictions) -> dict[str, float]:
    found = {}
    for suffix, chosen in (("", predictions), (CONSTANT, np.full(len(labels), max(labels)))):
        found[f"accuracy{suffix}"] = sklearn.accuracy_score(labels, chosen)
        for name, beta in BETAS.items():
            precision, recall, score, _ = sklearn.precision_recall_fscore_support(
                labels, chosen, beta=beta, average="weighted", zero_division=0.0
            )
            values = {"weighted_precision": precision, "weighted_recall": recall, f"weighted_{name}": score}
            found |= {f"{one}{suffix}": value for one, value in values.items()}
    return found


def sklearn_regression(labels, predictions) -> dict[str, float]:
    mse = sklearn.mean_squared_error(labels, predictions)
    found = {"mae": sklearn.mean_absolute_error(labels, predictions), "mse": mse, "rmse": np.sqrt(mse)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of one row, whose r2 is not defined
        r2 = sklearn.r2_score(labels, predictions)
    return found if np.isnan(r2) else {**found, "r2": r2}

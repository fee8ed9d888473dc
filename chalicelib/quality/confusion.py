"""Counts of rows by label and prediction, in a form that adds up, and the metrics of classification.

With TP_k the rows of class k that are predicted as k, T_k the rows labelled k and P_k the rows predicted as k:

    precision_k = TP_k / P_k      recall_k = TP_k / T_k      F_beta,k = (1 + beta^2) TP_k / (beta^2 T_k + P_k)

Binary metrics are those of the positive class. Weighted metrics are means over the classes, weighted by T_k. A quotient
0 / 0 of precision, recall and F is 0, as in scikit-learn; a rate of a class without rows is None.

The best constant classifier of the files predicts one class for every row. In Model Monitor's published values this is
the positive class of a binary problem, and class 1 of classes 0 and 1 of a multiclass problem although class 0 has four
times as many rows; so it is the last class here. It serves the files alone.

References
----------
https://scikit-learn.org/stable/modules/model_evaluation.html#classification-metrics
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Counts = dict[str, dict[str, int]]  # label -> prediction -> rows
Values = dict[str, float | None]  # metric -> value; None when it is undefined
BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}
BEST_CONSTANT = "_best_constant_classifier"


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by label and prediction; classes in order, and only counts above zero.

    Examples
    --------
    >>> one = Confusion.of(["0", "1"], ["0", "0"])
    >>> (one + Confusion.of(["1"], ["1"])).counts
    {'0': {'0': 1}, '1': {'0': 1, '1': 1}}
    >>> one + Confusion() == one
    True
    """

    counts: Counts = {}

    @classmethod
    def of(cls, labels: Sequence[str], predictions: Sequence[str]) -> Confusion:
        """The counts of rows; both sequences have one class a row."""
        counts: Counts = {}
        for label, prediction in zip(labels, predictions, strict=True):
            row = counts.setdefault(label, {})
            row[prediction] = row.get(prediction, 0) + 1
        return cls(counts=_ordered(counts))

    @classmethod
    def of_codes(
        cls, labels: NDArray[np.integer], predictions: NDArray[np.integer], classes: Sequence[str]
    ) -> Confusion:
        """The counts of rows whose classes are positions in `classes`."""
        size = len(classes)
        matrix = np.bincount(labels * size + predictions, minlength=size * size)
        counts: Counts = {}
        for place in np.flatnonzero(matrix).tolist():
            counts.setdefault(classes[place // size], {})[classes[place % size]] = int(matrix[place])
        return cls(counts=_ordered(counts))

    def __add__(self, other: Confusion) -> Confusion:
        counts = {label: dict(row) for label, row in self.counts.items()}
        for label, row in other.counts.items():
            own = counts.setdefault(label, {})
            for prediction, rows in row.items():
                own[prediction] = own.get(prediction, 0) + rows
        return Confusion(counts=_ordered(counts))

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(sum(row.values()) for row in self.counts.values())

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of labels and predictions, in order."""
        return tuple(sorted({*self.counts, *(one for row in self.counts.values() for one in row)}, key=class_order))

    def labelled(self, name: str) -> int:
        """The rows with this label."""
        return sum(self.counts.get(name, {}).values())

    def predicted(self) -> dict[str, int]:
        """Rows by predicted class."""
        return {name: sum(row.get(name, 0) for row in self.counts.values()) for name in self.classes}

    def matrix(self, classes: Sequence[str] = ()) -> NDArray[np.float64]:
        """Rows by label (first axis) and prediction; shape (classes, classes)."""
        names = classes or self.classes
        found = [[self.counts.get(label, {}).get(one, 0) for one in names] for label in names]
        return np.array(found, dtype=np.float64).reshape(len(names), len(names))

    def table(self, classes: Sequence[str] = ()) -> Counts:
        """As Model Monitor writes it: every class with every class, zeros included."""
        names = sorted({*self.classes, *classes}, key=class_order)
        return {label: {one: self.counts.get(label, {}).get(one, 0) for one in names} for label in names}


def class_order(name: str) -> tuple[bool, float, str]:
    """Numbers by value, then texts.

    >>> sorted(["b", "10", "9", "nan"], key=class_order)
    ['9', '10', 'b', 'nan']
    """
    try:
        number = float(name)
    except ValueError:
        return True, 0.0, name
    return (False, number, name) if np.isfinite(number) else (True, 0.0, name)


def binary_metrics(matrix: NDArray[np.float64]) -> Values:
    """The metrics of the positive class.

    Parameters
    ----------
    matrix
        Rows by label and prediction, the negative class first; shape (2, 2).

    Examples
    --------
    >>> found = binary_metrics(np.array([[50.0, 10.0], [5.0, 35.0]]))
    >>> found["recall"], found["false_positive_rate"], round(found["f1"], 4)
    (0.875, 0.16666666666666666, 0.8235)
    """
    (tn, fp), (fn, tp) = matrix.tolist()
    rows, positives, predicted = tn + fp + fn + tp, fn + tp, fp + tp
    if not rows:
        return {}
    recall, false_alarms = _rate(tp, positives), _rate(fp, tn + fp)
    constant = {"recall": _quotient(positives, positives), "precision": positives / rows, "accuracy": positives / rows}
    constant |= {name: _f(beta, positives, positives, rows) for name, beta in BETAS.items()}
    return {
        "recall": _quotient(tp, positives),
        "precision": _quotient(tp, predicted),
        "accuracy": (tp + tn) / rows,
        **{f"{name}{BEST_CONSTANT}": value for name, value in constant.items()},
        "true_positive_rate": recall,
        "true_negative_rate": None if false_alarms is None else tn / (tn + fp),
        "false_positive_rate": false_alarms,
        "false_negative_rate": None if recall is None else fn / positives,
        **{name: _f(beta, tp, positives, predicted) for name, beta in BETAS.items()},
    }


def multiclass_metrics(matrix: NDArray[np.float64]) -> Values:
    """The metrics weighted by class.

    Parameters
    ----------
    matrix
        Rows by label and prediction, in one order of the classes; shape (classes, classes).

    Examples
    --------
    >>> found = multiclass_metrics(np.array([[1180.0, 510.0], [268.0, 138.0]]))
    >>> found["accuracy"], found["weighted_f2"], found["accuracy_best_constant_classifier"]
    (0.6288167938931297, 0.6384024354394601, 0.19370229007633588)
    """
    rows = float(matrix.sum())
    if not rows:
        return {}
    constant = np.zeros_like(matrix)
    constant[:, np.flatnonzero(matrix.sum(axis=1))[-1]] = matrix.sum(axis=1)
    best = {f"{name}{BEST_CONSTANT}": value for name, value in _weighted(constant, rows).items()}
    return {**_weighted(matrix, rows), **best}


def _weighted(matrix: NDArray[np.float64], rows: float) -> Values:
    hits, labelled, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)

    def mean(over: NDArray[np.float64], factor: float = 1.0) -> float:
        quotients = np.divide(factor * hits, over, out=np.zeros_like(hits), where=over > 0)
        return float((labelled * quotients).sum()) / rows

    return {
        "accuracy": float(hits.sum()) / rows,
        "weighted_recall": mean(labelled),
        "weighted_precision": mean(predicted),
        **{
            f"weighted_{name}": mean(beta * beta * labelled + predicted, 1 + beta * beta)
            for name, beta in BETAS.items()
        },
    }


def standard_errors(
    matrix: NDArray[np.float64], metrics: Callable[[NDArray[np.float64]], Values]
) -> Mapping[str, float | None]:
    """The standard errors of metrics if rows were independent: a jackknife over the rows, from the counts.

    All rows of a cell are alike, so leaving out one row of each cell is enough: with n_c rows in cell c and d_c the
    change of the metric without one of them, the variance is (n - 1) / n * sum(n_c (d_c - mean)^2), the mean weighted
    by n_c. Of a cell with less than one row, as smoothing makes them, all is left out, and d_c is scaled to one row.

    References
    ----------
    Efron, Stein (1981), The Jackknife Estimate of Variance.
    """
    rows = float(matrix.sum())
    whole = metrics(matrix)
    if rows <= 1:
        return dict.fromkeys(whole)
    cells = matrix[matrix > 0]
    left_out = np.minimum(cells, 1.0)
    without: list[Values] = []
    for place, weight in zip(np.argwhere(matrix > 0), left_out, strict=True):
        fewer = matrix.copy()
        fewer[tuple(place)] -= weight
        without.append(metrics(fewer))
    return {
        name: _jackknife([row.get(name) for row in without], value, cells, left_out) for name, value in whole.items()
    }


def _jackknife(
    without: list[float | None], whole: float | None, cells: NDArray[np.float64], left_out: NDArray[np.float64]
) -> float | None:
    values = [value for value in without if value is not None]
    if whole is None or len(values) < len(without):
        return None
    rows = cells.sum()
    changes = (np.array(values) - whole) / left_out
    mean = (cells * changes).sum() / rows
    return float(np.sqrt((rows - 1) / rows * (cells * (changes - mean) ** 2).sum()))


def _ordered(counts: Counts) -> Counts:
    return {
        label: {one: counts[label][one] for one in sorted(counts[label], key=class_order)}
        for label in sorted(counts, key=class_order)
    }


def _quotient(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _rate(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _f(beta: float, hits: float, labelled: float, predicted: float) -> float:
    square = beta * beta
    return _quotient((1 + square) * hits, square * labelled + predicted)

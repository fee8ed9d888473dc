"""A state -> the metrics of its problem type, with their standard errors.

| problem type             | metrics                                                                                   |
|--------------------------|-------------------------------------------------------------------------------------------|
| BinaryClassification     | those of `confusion.binary_metrics`; auc where predictions have scores                    |
| MulticlassClassification | those of `confusion.multiclass_metrics`                                                   |
| Regression               | mae, mse, rmse, r2                                                                        |

Standard errors are those of independent rows, from the counts; for clustered rows see `uncertainty`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from chalicelib.quality.confusion import Values, binary_metrics, multiclass_metrics, standard_errors
from chalicelib.quality.curves import auc, auc_standard_error
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.quality.state import QualityState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What the labels of a state are: the problem type and, of a binary one, the negative and the positive class."""

    type: ProblemType
    classes: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: QualitySettings) -> Problem:
        """What the metrics of these settings are computed of."""
        return cls(type=settings.problem_type, classes=settings.known_classes)


def metrics(state: QualityState, problem: Problem) -> Values:
    """The metrics of a state; empty without labelled rows, None where one is undefined.

    Examples
    --------
    >>> from chalicelib.quality.confusion import Confusion
    >>> state = QualityState(confusion=Confusion.of(["0", "1", "1"], ["0", "1", "0"]))
    >>> found = metrics(state, Problem(type=ProblemType.BINARY, classes=("0", "1")))
    >>> found["recall"], found["precision"], "auc" in found
    (0.5, 1.0, False)
    """
    if not state.labelled:
        return {}
    if problem.type == ProblemType.REGRESSION:
        return state.errors.metrics()
    if problem.type == ProblemType.MULTICLASS:
        return multiclass_metrics(state.confusion.matrix())
    found = binary_metrics(state.confusion.matrix(problem.classes))
    return {**found, "auc": auc(state.scores)} if state.has_scores(problem.type) else found


def independent_errors(state: QualityState, problem: Problem, pseudo_rows: float = 0.0) -> Mapping[str, float | None]:
    """The standard errors of the metrics if rows were independent.

    Parameters
    ----------
    pseudo_rows
        Rows that are added to the counts, evenly over labels and predictions, so that a share of 0 or 1 has an error.
    """
    if not state.labelled:
        return {}
    if problem.type == ProblemType.REGRESSION:
        return state.errors.standard_errors()
    matrix = _matrix(state, problem, pseudo_rows)
    if problem.type == ProblemType.MULTICLASS:
        return standard_errors(matrix, multiclass_metrics)
    found = standard_errors(matrix, binary_metrics)
    return {**found, "auc": auc_standard_error(state.scores)} if state.has_scores(problem.type) else found


def smoothed(state: QualityState, problem: Problem, pseudo_rows: float) -> Values:
    """The metrics with rows added evenly over labels and predictions; those of scores and errors as they are."""
    found = metrics(state, problem)
    if problem.type == ProblemType.REGRESSION or not state.labelled:
        return found
    of = multiclass_metrics if problem.type == ProblemType.MULTICLASS else binary_metrics
    return {**found, **of(_matrix(state, problem, pseudo_rows))}


def _matrix(state: QualityState, problem: Problem, pseudo_rows: float) -> NDArray[np.float64]:
    matrix = state.confusion.matrix(problem.classes if problem.type == ProblemType.BINARY else ())
    return matrix + pseudo_rows / matrix.size

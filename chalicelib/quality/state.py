"""What is known of one block of predictions and their labels, in a form that adds up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from chalicelib.quality.confusion import Confusion, class_order
from chalicelib.quality.regression import RegressionErrors
from chalicelib.quality.scores import NEGATIVE, POSITIVE, UNLABELLED, Scale, ScoreHistogram
from chalicelib.quality.settings import ProblemType

if TYPE_CHECKING:
    from numpy.typing import NDArray


class QualityState(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one block: labelled rows, and the predictions that have no label yet.

    Examples
    --------
    >>> one = QualityState.of_classes(
    ...     ["0", "1"], labels=np.array([1, -1]), predictions=np.array([1, 0]), scores=np.array([0.9, 0.2])
    ... )
    >>> one.predictions, one.labelled, one.unlabelled
    (2, 1, {'0': 1})
    >>> one + QualityState() == one
    True
    """

    confusion: Confusion = Confusion()
    errors: RegressionErrors = RegressionErrors()
    scores: ScoreHistogram = ScoreHistogram()  # of all predictions that have one; of a regression: the predictions
    unlabelled: dict[str, int] = {}  # predictions without a label, by predicted class; "" is a number

    @classmethod
    def of_classes(
        cls,
        classes: Sequence[str],
        labels: NDArray[np.integer],
        predictions: NDArray[np.integer],
        scores: NDArray[np.float64] | None = None,
        positive: str = "",
    ) -> QualityState:
        """The state of rows of a classification.

        Parameters
        ----------
        labels, predictions
            The positions of the classes in `classes`; a label of -1 is absent; shape (n,).
        scores
            Probabilities, NaN where a row has none; shape (n,).
        """
        has = labels >= 0
        missing = np.bincount(predictions[~has], minlength=len(classes))
        names = sorted((one for place, one in enumerate(classes) if missing[place]), key=class_order)
        is_positive = has & (labels == (classes.index(positive) if positive in classes else -1))
        histogram = ScoreHistogram()
        if scores is not None:
            known = ~np.isnan(scores)
            groups = np.where(has, np.where(is_positive, POSITIVE, NEGATIVE), UNLABELLED)
            histogram = ScoreHistogram.of(scores[known], groups[known]) if known.any() else histogram
        return cls(
            confusion=Confusion.of_codes(labels[has], predictions[has], classes),
            scores=histogram,
            unlabelled={one: int(missing[list(classes).index(one)]) for one in names},
        )

    @classmethod
    def of_numbers(cls, labels: NDArray[np.float64], predictions: NDArray[np.float64]) -> QualityState:
        """The state of rows of a regression.

        Parameters
        ----------
        labels, predictions
            Finite numbers; a label of NaN is absent; shape (n,).
        """
        has = ~np.isnan(labels)
        missing = int((~has).sum())
        groups = np.where(has, NEGATIVE, UNLABELLED)
        return cls(
            errors=RegressionErrors.of(labels[has], predictions[has]),
            scores=ScoreHistogram.of(predictions, groups, Scale.NUMBER) if len(predictions) else ScoreHistogram(),
            unlabelled={"": missing} if missing else {},
        )

    @classmethod
    def total(cls, states: Iterable[QualityState]) -> QualityState:
        """The sum of any number of states."""
        return sum(states, cls())

    def __add__(self, other: QualityState) -> QualityState:
        names = sorted({*self.unlabelled, *other.unlabelled}, key=class_order)
        return QualityState(
            confusion=self.confusion + other.confusion,
            errors=self.errors + other.errors,
            scores=self.scores + other.scores,
            unlabelled={one: self.unlabelled.get(one, 0) + other.unlabelled.get(one, 0) for one in names},
        )

    @property
    def labelled(self) -> int:
        """Predictions with a label."""
        return self.confusion.rows + self.errors.rows

    @property
    def predictions(self) -> int:
        """All predictions."""
        return self.labelled + sum(self.unlabelled.values())

    @property
    def coverage(self) -> float | None:
        """The share of predictions with a label; None without predictions."""
        return self.labelled / self.predictions if self.predictions else None

    def has_scores(self, problem_type: ProblemType) -> bool:
        """Whether AUC and the curves can be computed."""
        return problem_type == ProblemType.BINARY and bool(self.scores.scores)

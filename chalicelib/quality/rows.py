"""Rows that hold label and prediction side by side, as a data set does -> a state."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from typing import Any

import numpy as np

from chalicelib.capture.lazy_rows import Names
from chalicelib.quality.arrays import ClassColumn, NumberColumn, Values, as_numpy, united
from chalicelib.quality.labels import label_value
from chalicelib.quality.predictions import predicted
from chalicelib.quality.reasons import LabelReason, PredictionReason, by_reason
from chalicelib.quality.settings import QualitySettings
from chalicelib.quality.state import QualityState
from chalicelib.quality.values import column


class LabelledRows:
    """Collects rows of label, prediction and score.

    Examples
    --------
    >>> from chalicelib.quality.settings import ProblemType
    >>> settings = QualitySettings(problem_type=ProblemType.REGRESSION, label="y", prediction="p")
    >>> rows = LabelledRows(settings)
    >>> rows.append(("y", "p"), ["1", "1.5"]), rows.append(("y", "p"), ["x", "2"])
    (None, None)
    >>> rows.state().labelled, rows.skipped()
    (1, {'the label is no number': 1})
    """

    def __init__(self, settings: QualitySettings) -> None:
        self._settings = settings
        self._labels, self._predictions = self._column(), self._column()
        self._scores = array("d")
        self._skipped: Counter[str] = Counter()

    def _column(self) -> ClassColumn | NumberColumn:
        return ClassColumn() if self._settings.is_classification else NumberColumn()

    def append(self, names: Names, cells: list[Any]) -> None:
        """Append a row; what is no label or no prediction is counted by its reason."""
        place = column(self._settings.label, names, len(names))
        label = LabelReason.NO_SUCH_COLUMN if place is None else label_value(cells[place], self._settings)
        found = predicted(len(names), names, cells, self._settings)
        if isinstance(label, LabelReason) or isinstance(found, PredictionReason):
            self._skipped[label if isinstance(label, LabelReason) else found] += 1  # type: ignore[index]
            return
        if found.problem:
            self._skipped[found.problem] += 1
        if not self._labels.append(label):  # type: ignore[arg-type]
            self._skipped[LabelReason.TOO_MANY_CLASSES] += 1
            return
        self._predictions.append(found.value)  # type: ignore[arg-type]
        self._scores.append(found.score)

    def skipped(self) -> dict[str, int]:
        """Rows, and scores of rows, that are left out, by reason."""
        return by_reason(self._skipped)

    def state(self) -> QualityState:
        """The state of all rows so far."""
        order = np.arange(len(self._scores))
        labels, predictions = self._labels.values(order), self._predictions.values(order)
        if not self._settings.is_classification:
            return QualityState.of_numbers(labels.numbers(), predictions.numbers())
        classes = united([labels.classes, predictions.classes, self._settings.known_classes])
        scores = as_numpy(self._scores)
        has_scores = any(not math.isnan(score) for score in self._scores)
        return QualityState.of_classes(
            classes,
            _codes(labels, classes),
            _codes(predictions, classes),
            scores if has_scores else None,
            self._settings.positive,
        )


def _codes(values: Values, classes: tuple[str, ...]) -> np.ndarray:
    places = np.array([classes.index(name) for name in values.classes], dtype=np.int64)
    return places[values.codes()]

"""Whether labels are missing evenly. Where they are not, no metric of the labelled rows is one of the model.

A fraud is known within days, that there was none only after a month. Ten days after the predictions nearly all labels
are positive, and precision reads 1.00 for a true 0.61. It shows where predictions are compared by whether a label came:
by predicted class, and by tenth of the scores.

References
----------
Lakkaraju et al. (2017), The Selective Labels Problem.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from chalicelib.quality.confusion import class_order
from chalicelib.quality.scores import UNLABELLED, ScoreHistogram
from chalicelib.quality.state import QualityState
from chalicelib.records import LabelGroup

MIN_GROUP = 20  # predictions; a smaller group says nothing
MAX_RELATIVE_DIFFERENCE = 0.1  # of the coverage of a group and of the rest, in coverages of all
_Z = 2.0  # standard deviations: a number that is refused in doubt costs little
# Of ten rows of a client of which a third of the variance is shared (Kish 1965): whether a label comes depends less on
# the client than what is measured does.
_DESIGN_EFFECT = 4.0
_TENTHS = 10
MIN_SEPARATION = 0.25  # of the classes by a model that is in use


def groups(state: QualityState) -> tuple[LabelGroup, ...]:
    """The predictions by class and by tenth of the scores, those groups that hold any.

    Examples
    --------
    >>> state = QualityState.of_classes(["0", "1"], np.array([-1, 1, 1]), np.array([0, 1, 1]))
    >>> [(one.name, one.predictions, one.labelled) for one in groups(state)]
    [('predicted 0', 1, 0), ('predicted 1', 2, 2)]
    """
    labelled = state.confusion.predicted()
    names = sorted({*labelled, *state.unlabelled} - {""}, key=class_order)
    of_classes = [
        LabelGroup(
            name=f"predicted {name}",
            predictions=labelled.get(name, 0) + state.unlabelled.get(name, 0),
            labelled=labelled.get(name, 0),
            is_class=True,
        )
        for name in names
    ]
    return (*(one for one in of_classes if one.predictions), *_tenths(state.scores))


def _tenths(histogram: ScoreHistogram) -> list[LabelGroup]:
    """Tenths of the predictions in the order of their scores; equal scores stay together."""
    rows = histogram.rows()
    if len(rows) < 2:
        return []
    sizes = rows.sum(axis=1)
    middle = (np.cumsum(sizes) - sizes / 2) / sizes.sum()
    places = np.minimum((middle * _TENTHS).astype(int), _TENTHS - 1)
    all_rows = np.bincount(places, sizes, minlength=_TENTHS).astype(int)
    missing = np.bincount(places, rows[:, UNLABELLED], minlength=_TENTHS).astype(int)
    return [
        LabelGroup(
            name=f"tenth {place + 1} of the scores", predictions=int(count), labelled=int(count - missing[place])
        )
        for place, count in enumerate(all_rows)
        if count
    ]


def uneven(found: Sequence[LabelGroup], state: QualityState) -> tuple[LabelGroup, ...]:
    """The groups whose coverage differs from that of the rest by more than chance and more than a tenth.

    Examples
    --------
    >>> labels, predictions = np.repeat([1, -1, 0, -1], [60, 40, 50, 850]), np.repeat([1, 1, 0, 0], [60, 40, 50, 850])
    >>> state = QualityState.of_classes(["0", "1"], labels, predictions)
    >>> [one.name for one in uneven(groups(state), state)]
    ['predicted 0', 'predicted 1']
    """
    return tuple(
        one
        for one, difference in _differences(found, state)
        if difference > max(MAX_RELATIVE_DIFFERENCE, _Z * _chance(one, state))
    )


def selection_allowance(found: Sequence[LabelGroup], state: QualityState) -> float:
    """How far a share of the labelled rows may lie from that of all rows, by differences that are not yet `uneven`.

    Where labels of one class come r times as often, a share p moves by at most about (r - 1) / 4, since its log-odds
    move by ln(r) and p (1 - p) <= 1/4. What is known of r is how much the coverage of predicted classes differs. That
    is less than r - 1, by how much more often a class occurs where it is predicted, MIN_SEPARATION at least. One
    standard error of the difference is taken off, so that few labels at random allow nothing.

    Examples
    --------
    >>> counts = [7000, 3000, 6500, 3500]
    >>> labels, predictions = np.repeat([1, -1, 0, -1], counts), np.repeat([1, 1, 0, 0], counts)
    >>> state = QualityState.of_classes(["0", "1"], labels, predictions)
    >>> round(selection_allowance(groups(state), state), 4)
    0.0161
    """
    by_class = [one for one in found if one.is_class] or found
    independent = math.sqrt(_DESIGN_EFFECT)
    proven = (gap - _chance(one, state) / independent for one, gap in _differences(by_class, state))
    return max((0.0, *proven)) / 4 / _separation(state)


def _separation(state: QualityState) -> float:
    """The least share of a class where it is predicted, less its share elsewhere; 1 of numbers."""
    matrix = state.confusion.matrix()
    hits, labelled, predicted, rows = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0), matrix.sum()
    known = (predicted > 0) & (predicted < rows) & (labelled > 0)
    if not known.any():
        return 1.0
    shares = hits[known] / predicted[known] - (labelled - hits)[known] / (rows - predicted[known])
    return max(MIN_SEPARATION, float(shares.min()))


def _differences(found: Sequence[LabelGroup], state: QualityState) -> Iterator[tuple[LabelGroup, float]]:
    """How much the coverage of each group differs from that of the rest, in coverages of all."""
    total, labelled = state.predictions, state.labelled
    for one in found if 0 < labelled < total else ():
        rest = total - one.predictions
        if one.predictions >= MIN_GROUP and rest >= MIN_GROUP:
            yield one, abs(one.coverage - (labelled - one.labelled) / rest) * total / labelled


def _chance(one: LabelGroup, state: QualityState) -> float:
    """The standard error of that difference if labels were missing at random, clustered as rows are."""
    overall = state.labelled / state.predictions
    sizes = 1 / one.predictions + 1 / (state.predictions - one.predictions)
    return math.sqrt(overall * (1 - overall) * _DESIGN_EFFECT * sizes) / overall

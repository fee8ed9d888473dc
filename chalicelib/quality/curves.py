"""AUC, and the two curves of a binary classification, from a histogram of scores.

AUC is the probability that a positive row has a higher score than a negative one, a tie counting half:

    AUC = sum over scores s of P(s) (N(below s) + N(s) / 2) / (P N)

where P(s) and N(s) are the positive and negative rows with score s. In bins, where rows of one bin are no ties, the
half is corrected by the distance of the mean places x and y of both groups within the bin, in widths of the bin: with
densities that are straight lines within the bin, the probability is exactly 1/2 + x - y. That takes the error from 1e-3
to 1e-5 where nearly all scores lie within ten bins.

References
----------
Hanley, McNeil (1982), The Meaning and Use of the Area under a ROC Curve.
DeLong, DeLong, Clarke-Pearson (1988), Comparing the Areas under Two or More Correlated ROC Curves.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from chalicelib.quality.scores import NEGATIVE, PLACES, POSITIVE, ScoreHistogram

MAX_POINTS = 1_000  # of a curve in a file: more are not seen on a screen


class Curve(NamedTuple):
    """The points of a curve: false positive rates and true positive rates, or precisions and recalls."""

    x: list[float]
    y: list[float]


class _Ranks(NamedTuple):
    """Of each score or bin: its rows of either group, and the rows of the other group that rank below it."""

    positives: np.ndarray
    negatives: np.ndarray
    below_positive: np.ndarray
    below_negative: np.ndarray


def _ranks(histogram: ScoreHistogram) -> _Ranks | None:
    rows, offsets = histogram.rows(), histogram.offset_sums()
    positives, negatives = rows[:, POSITIVE].astype(float), rows[:, NEGATIVE].astype(float)
    if not positives.any() or not negatives.any():
        return None
    mean_positive = np.divide(offsets[:, POSITIVE], positives, out=np.zeros_like(positives), where=positives > 0)
    mean_negative = np.divide(offsets[:, NEGATIVE], negatives, out=np.zeros_like(negatives), where=negatives > 0)
    win = 0.5 + np.clip((mean_positive - mean_negative) / PLACES, -0.5, 0.5)
    return _Ranks(
        positives,
        negatives,
        np.cumsum(negatives) - negatives + win * negatives,
        np.cumsum(positives) - positives + (1 - win) * positives,
    )


def auc(histogram: ScoreHistogram) -> float | None:
    """The area under the ROC curve; None when a class has no rows.

    Examples
    --------
    >>> auc(ScoreHistogram.of(np.array([0.1, 0.4, 0.35, 0.8]), np.array([NEGATIVE, NEGATIVE, POSITIVE, POSITIVE])))
    0.75
    """
    ranks = _ranks(histogram)
    if ranks is None:
        return None
    return float((ranks.positives * ranks.below_positive).sum() / (ranks.positives.sum() * ranks.negatives.sum()))


def auc_standard_error(histogram: ScoreHistogram) -> float | None:
    """The standard error of AUC if rows were independent, by DeLong; None when a class has fewer than two rows."""
    ranks = _ranks(histogram)
    if ranks is None or min(ranks.positives.sum(), ranks.negatives.sum()) < 2:
        return None
    spread = 0.0
    for own, below, other in (
        (ranks.positives, ranks.below_positive, ranks.negatives.sum()),
        (ranks.negatives, ranks.below_negative, ranks.positives.sum()),
    ):
        shares = below / other
        mean = (own * shares).sum() / own.sum()
        spread += float((own * (shares - mean) ** 2).sum() / (own.sum() - 1) / own.sum())
    return math.sqrt(spread)


def roc_curve(histogram: ScoreHistogram) -> Curve | None:
    """False and true positive rates from the highest score down, as scikit-learn's `roc_curve`.

    Points between two others on one line are left out, and only MAX_POINTS are kept. None when a class has no rows.

    Examples
    --------
    >>> roc_curve(ScoreHistogram.of(np.array([0.1, 0.2, 0.8]), np.array([NEGATIVE, POSITIVE, POSITIVE])))
    Curve(x=[0.0, 0.0, 0.0, 1.0], y=[0.0, 0.5, 1.0, 1.0])
    """
    rows = histogram.rows()[::-1]
    positives, negatives = np.cumsum(rows[:, POSITIVE]), np.cumsum(rows[:, NEGATIVE])
    if not len(rows) or not positives[-1] or not negatives[-1]:
        return None
    scored = rows[:, POSITIVE] + rows[:, NEGATIVE] > 0
    x, y = negatives[scored], positives[scored]
    if len(x) > 2:
        bends = (np.diff(x, 2) != 0) | (np.diff(y, 2) != 0)
        kept = np.concatenate([[True], bends, [True]])
        x, y = x[kept], y[kept]
    x, y = np.concatenate([[0], x]) / negatives[-1], np.concatenate([[0], y]) / positives[-1]
    chosen = _chosen(len(x))
    return Curve(x[chosen].tolist(), y[chosen].tolist())


def precision_recall_curve(histogram: ScoreHistogram) -> Curve | None:
    """Precisions and recalls from the lowest score up, as scikit-learn's; the last point is (1, 0).

    None without a positive row. Only MAX_POINTS are kept.

    Examples
    --------
    >>> precision_recall_curve(ScoreHistogram.of(np.array([0.1, 0.8]), np.array([NEGATIVE, POSITIVE])))
    Curve(x=[0.5, 1.0, 1.0], y=[1.0, 1.0, 0.0])
    """
    rows = histogram.rows()
    rows = rows[rows[:, POSITIVE] + rows[:, NEGATIVE] > 0]
    hits = np.cumsum(rows[::-1, POSITIVE])[::-1]
    false_alarms = np.cumsum(rows[::-1, NEGATIVE])[::-1]
    if not len(rows) or not hits[0]:
        return None
    precisions = np.append(hits / (hits + false_alarms), 1.0)
    recalls = np.append(hits / hits[0], 0.0)
    chosen = _chosen(len(precisions))
    return Curve(precisions[chosen].tolist(), recalls[chosen].tolist())


def _chosen(points: int) -> np.ndarray:
    """The positions of the points that are kept: the first, the last, and evenly between them."""
    return np.unique(np.linspace(0, points - 1, min(points, MAX_POINTS)).round().astype(int))

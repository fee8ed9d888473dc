"""How scores are distributed over labels, in a form that adds up: exact while few are distinct, afterwards in bins.

Bins of equal width would hold all scores of a rare event in one: they are of equal width in log(p / (1 - p)) instead,
4,096 of them from -36 to 36, which is where doubles next to 0.0 and 1.0 end. Beside the rows of each bin stands the sum
of their places within it, in 1,024ths: AUC needs it, see `curves`. Numbers that are no probabilities (the predictions
of a regression, of which only the coverage by labels is asked) lie in bins of equal width in log|x|.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 4096  # also the number of distinct scores up to which a histogram is exact
PLACES = 1024  # within a bin
GROUPS = 3
NEGATIVE, POSITIVE, UNLABELLED = range(GROUPS)  # labelled rows that are not of the positive class are NEGATIVE
_MAX_LOGIT = 36.0
_MIN_OCTAVE, _MAX_OCTAVE = -32.0, 64.0  # log2|x|: from 2e-10 to 2e19


class Scale(StrEnum):
    """What the numbers are, which decides about the bins."""

    PROBABILITY = "probability"
    NUMBER = "number"


class ScoreHistogram(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by score and group.

    Whether it is exact depends only on the number of distinct scores, so parts and whole agree.

    Attributes
    ----------
    scores
        The distinct scores, or the positions of the bins that hold rows; ascending doubles, little-endian.
    counts
        The rows of each group; 64-bit integers of the shape (scores, 3).
    offsets
        In bins: the sums of the places of the labelled rows, of the shape (scores, 2). Empty when exact.

    Examples
    --------
    >>> one = ScoreHistogram.of(np.array([0.1, 0.9, 0.9]), np.array([NEGATIVE, POSITIVE, UNLABELLED]))
    >>> one.values().tolist(), one.rows().tolist()
    ([0.1, 0.9], [[1, 0, 0], [0, 1, 1]])
    >>> one + ScoreHistogram() == one
    True
    """

    scale: Scale = Scale.PROBABILITY
    binned: bool = False
    scores: bytes = b""
    counts: bytes = b""
    offsets: bytes = b""

    @classmethod
    def of(
        cls, scores: NDArray[np.float64], groups: NDArray[np.integer], scale: Scale = Scale.PROBABILITY
    ) -> ScoreHistogram:
        """The histogram of rows.

        Parameters
        ----------
        scores
            Finite numbers, probabilities between 0 and 1; shape (n,).
        groups
            NEGATIVE, POSITIVE or UNLABELLED of each row; shape (n,).
        """
        distinct, inverse = np.unique(scores + 0.0, return_inverse=True)  # -0.0 becomes 0.0
        counts = np.bincount(inverse * GROUPS + groups, minlength=len(distinct) * GROUPS).reshape(-1, GROUPS)
        return _exact_or_binned(scale, distinct, counts.astype(np.int64))

    def values(self) -> NDArray[np.float64]:
        """The distinct scores in order, or the positions of the bins; shape (k,)."""
        return np.frombuffer(self.scores, dtype="<f8")

    def rows(self) -> NDArray[np.int64]:
        """Rows by score and group; shape (k, 3)."""
        return np.frombuffer(self.counts, dtype="<i8").reshape(-1, GROUPS)

    def offset_sums(self) -> NDArray[np.int64]:
        """The sums of the places of the labelled rows; zeros when exact; shape (k, 2)."""
        if not self.binned:
            return np.zeros((len(self.values()), 2), dtype=np.int64)
        return np.frombuffer(self.offsets, dtype="<i8").reshape(-1, 2)

    def __add__(self, other: ScoreHistogram) -> ScoreHistogram:
        if not self.scores:
            return other
        if not other.scores:
            return self
        if self.scale != other.scale:
            raise ValueError(f"scores that are a {self.scale} and a {other.scale} do not add up")
        if self.binned or other.binned:
            return _sum_of_bins(self.scale, (self.in_bins(), other.in_bins()))
        distinct, inverse = np.unique(np.concatenate([self.values(), other.values()]), return_inverse=True)
        counts = np.zeros((len(distinct), GROUPS), dtype=np.int64)
        own = len(self.values())  # whose scores are distinct, as the other's are
        counts[inverse[:own]] += self.rows()
        counts[inverse[own:]] += other.rows()
        return _exact_or_binned(self.scale, distinct, counts)

    def in_bins(self) -> ScoreHistogram:
        """The same rows in bins."""
        return self if self.binned else _in_bins(self.scale, self.values(), self.rows())


def _exact_or_binned(scale: Scale, distinct: NDArray[np.float64], counts: NDArray[np.int64]) -> ScoreHistogram:
    if len(distinct) > BINS:
        return _in_bins(scale, distinct, counts)
    return ScoreHistogram(scale=scale, scores=distinct.astype("<f8").tobytes(), counts=counts.astype("<i8").tobytes())


def _in_bins(scale: Scale, scores: NDArray[np.float64], counts: NDArray[np.int64]) -> ScoreHistogram:
    """Rows of distinct scores, in bins."""
    fine = np.clip((_fraction(scores, scale) * BINS * PLACES).astype(np.int64), 0, BINS * PLACES - 1)
    bins, places = np.divmod(fine, PLACES)
    rows = np.zeros((BINS, GROUPS), dtype=np.int64)
    offsets = np.zeros((BINS, 2), dtype=np.int64)
    np.add.at(rows, bins, counts)
    np.add.at(offsets, bins, counts[:, :2] * places[:, None])
    return _of_bins(scale, rows, offsets)


def _of_bins(scale: Scale, rows: NDArray[np.int64], offsets: NDArray[np.int64]) -> ScoreHistogram:
    """Only the bins that hold rows are kept."""
    filled = np.flatnonzero(rows.any(axis=1))
    return ScoreHistogram(
        scale=scale,
        binned=True,
        scores=filled.astype("<f8").tobytes(),
        counts=rows[filled].astype("<i8").tobytes(),
        offsets=offsets[filled].astype("<i8").tobytes(),
    )


def _sum_of_bins(scale: Scale, histograms: tuple[ScoreHistogram, ...]) -> ScoreHistogram:
    rows = np.zeros((BINS, GROUPS), dtype=np.int64)
    offsets = np.zeros((BINS, 2), dtype=np.int64)
    for one in histograms:
        bins = one.values().astype(np.int64)
        rows[bins] += one.rows()
        offsets[bins] += one.offset_sums()
    return _of_bins(scale, rows, offsets)


def _fraction(scores: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    """Where scores lie among all bins, from 0 to 1."""
    fractions: NDArray[np.float64]
    with np.errstate(divide="ignore"):
        if scale == Scale.PROBABILITY:
            logits = np.clip(np.log(scores) - np.log1p(-scores), -_MAX_LOGIT, _MAX_LOGIT)
            fractions = (logits + _MAX_LOGIT) / (2 * _MAX_LOGIT)
        else:
            octaves = np.clip(np.log2(abs(scores)), _MIN_OCTAVE, _MAX_OCTAVE)
            fractions = (1 + np.sign(scores) * (octaves - _MIN_OCTAVE) / (_MAX_OCTAVE - _MIN_OCTAVE)) / 2
    return fractions

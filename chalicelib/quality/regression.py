"""Moments of labels and errors, in a form that adds up, and the metrics of regression.

With n rows, labels y, predictions p and errors e = y - p:

    mae = sum |e| / n      mse = sum e^2 / n      rmse = sqrt(mse)      r2 = 1 - sum e^2 / sum (y - mean(y))^2

As in scikit-learn, r2 of constant labels is 1 without any error and 0 with errors; r2 of one row is None.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from chalicelib.quality.confusion import Values
from chalicelib.statistics.moments import Moments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RegressionErrors(msgspec.Struct, frozen=True, kw_only=True):
    """Labels by their moments to the fourth about a centre, errors by their sums, and what both have in common.

    Sums of y and y^2 would lose six digits where labels are far from zero (y = 1e6 +- 1). The centre c is the rounded
    mean, and the sum of (y - c) is what rounding left of it, so that parts with means close to each other add up
    without loss. The fourth moments give the standard errors.

    Examples
    --------
    >>> import numpy as np
    >>> whole = RegressionErrors.of(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.5, 3.0]))
    >>> whole.metrics()["mse"], round(whole.metrics()["r2"], 4)
    (0.4166666666666667, 0.7321)
    >>> whole + RegressionErrors() == whole
    True

    References
    ----------
    Pebay (2008), Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order Statistical
    Moments.
    """

    rows: int = 0
    centre: float = 0.0
    label_sums: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)  # of (y - centre)^1 to (y - centre)^4
    minimum: float = 0.0  # of the labels
    maximum: float = 0.0
    absolute: Moments = Moments()  # of |e|
    squared: Moments = Moments()  # of e^2
    cross_sums: tuple[float, float] = (0.0, 0.0)  # of e^2 (y - centre) and e^2 (y - centre)^2

    @classmethod
    def of(cls, labels: NDArray[np.float64], predictions: NDArray[np.float64]) -> RegressionErrors:
        """The moments of rows; both arrays have the shape (n,) and are finite."""
        if not len(labels):
            return cls()
        centre = Moments.of(labels).sum / len(labels)
        deviations, errors = labels - centre, labels - predictions
        powers = deviations * deviations
        squares = errors * errors
        return cls(
            rows=len(labels),
            centre=centre,
            label_sums=(
                float(deviations.sum()),
                float(powers.sum()),
                float((powers * deviations).sum()),
                float((powers * powers).sum()),
            ),
            minimum=float(labels.min()),
            maximum=float(labels.max()),
            absolute=Moments.of(abs(errors)),
            squared=Moments.of(squares),
            cross_sums=(float((squares * deviations).sum()), float((squares * powers).sum())),
        )

    def __add__(self, other: RegressionErrors) -> RegressionErrors:
        if not self.rows:
            return other
        if not other.rows:
            return self
        rows = self.rows + other.rows
        distance = other.rows * (other.centre - self.centre)
        centre = self.centre + (distance + self.label_sums[0] + other.label_sums[0]) / rows
        (a1, a2, a3, a4), (b1, b2, b3, b4) = self._label_sums_about(centre), other._label_sums_about(centre)
        (c1, c2), (d1, d2) = self._cross_sums_about(centre), other._cross_sums_about(centre)
        return RegressionErrors(
            rows=rows,
            centre=centre,
            label_sums=(a1 + b1, a2 + b2, a3 + b3, a4 + b4),
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
            absolute=self.absolute + other.absolute,
            squared=self.squared + other.squared,
            cross_sums=(c1 + d1, c2 + d2),
        )

    def _label_sums_about(self, centre: float) -> tuple[float, float, float, float]:
        shift, rows = self.centre - centre, self.rows
        first, second, third, fourth = self.label_sums
        return (
            first + rows * shift,
            second + shift * (2 * first + rows * shift),
            third + shift * (3 * second + shift * (3 * first + rows * shift)),
            fourth + shift * (4 * third + shift * (6 * second + shift * (4 * first + rows * shift))),
        )

    def _cross_sums_about(self, centre: float) -> tuple[float, float]:
        shift, squares = self.centre - centre, self.squared.sum
        first, second = self.cross_sums
        return first + shift * squares, second + shift * (2 * first + shift * squares)

    @property
    def _variation(self) -> float:
        """The sum of (y - mean)^2; 0 when all labels are the same, whatever rounding left."""
        if self.minimum == self.maximum:
            return 0.0
        return self.label_sums[1] - self.label_sums[0] ** 2 / self.rows

    def metrics(self) -> Values:
        """The metrics mae, mse, rmse and r2; empty without rows."""
        if not self.rows:
            return {}
        mse = self.squared.sum / self.rows
        return {"mae": self.absolute.sum / self.rows, "mse": mse, "rmse": math.sqrt(mse), "r2": self._r2()}

    def _r2(self) -> float | None:
        if self.rows == 1:
            return None
        if not self._variation:
            return 0.0 if self.squared.sum else 1.0
        return 1 - self.squared.sum / self._variation

    def standard_errors(self) -> Values:
        """The standard errors if rows were independent (delta method); None for r2 of constant labels.

        With s = e^2 and c = (y - mean)^2: var(mae) = var(|e|) / n, var(mse) = var(s) / n, rmse = sqrt(mse), and
        r2 = 1 - mean(s) / mean(c) with var = mean((s - c mean(s) / mean(c))^2) / mean(c)^2 / n.
        """
        if not self.rows:
            return {}
        mse = self.squared.sum / self.rows
        of_mse = (self.squared.std_dev or 0.0) / math.sqrt(self.rows)
        return {
            "mae": (self.absolute.std_dev or 0.0) / math.sqrt(self.rows),
            "mse": of_mse,
            "rmse": of_mse / (2 * math.sqrt(mse)) if mse else 0.0,
            "r2": self._error_of_r2(mse),
        }

    def _error_of_r2(self, mse: float) -> float | None:
        variance = self._variation / self.rows
        if not variance:
            return None
        ratio = mse / variance
        fourth_of_errors = self.squared.sum_squared_deviations / self.rows + mse * mse
        common, fourth = self.cross_sums[1] / self.rows, self.label_sums[3] / self.rows
        return math.sqrt(max(fourth_of_errors - 2 * ratio * common + ratio**2 * fourth, 0.0) / self.rows) / variance

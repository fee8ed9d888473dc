"""How far the current data are from the baseline's: Deequ's distances, which Model Monitor uses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chalicelib.statistics.distribution import Distribution

Method = Literal["Simple", "Robust"]


def numerical(baseline: Distribution, current: Distribution, method: Method = "Robust") -> float | None:
    """Largest gap between two empirical distribution functions, over every value that either one retains.

    D = sup_x |F(x) - G(x)|, 0 <= D <= 1: the two-sample Kolmogorov-Smirnov statistic. None if either is empty.

    Examples
    --------
    >>> import numpy as np
    >>> numerical(Distribution.of(np.array([1.0, 2.0])), Distribution.of(np.array([3.0, 4.0])), "Simple")
    1.0
    >>> numerical(Distribution(), Distribution.of(np.array([1.0]))) is None
    True

    References
    ----------
    Deequ 2.0, analyzers/Distance.scala; Massey (1951), The Kolmogorov-Smirnov Test for Goodness of Fit.
    """
    (x, x_weights), (y, y_weights) = baseline.items(), current.items()
    n, m = int(x_weights.sum()), int(y_weights.sum())
    if not n or not m:
        return None
    points = np.union1d(x, y)
    gap = np.abs(_weight_up_to(points, x, x_weights) / n - _weight_up_to(points, y, y_weights) / m)
    return _corrected(float(gap.max()), n, m, method)


def categorical(baseline: Mapping[str, int], current: Mapping[str, int], method: Method = "Robust") -> float | None:
    """Largest difference between the shares of any one category; a category that is absent has share 0.

    Examples
    --------
    >>> categorical({"a": 1, "b": 1}, {"a": 1}, "Simple")
    0.5
    """
    n, m = sum(baseline.values()), sum(current.values())
    if not n or not m:
        return None
    names = baseline.keys() | current.keys()
    gap = max(abs(baseline.get(name, 0) / n - current.get(name, 0) / m) for name in names)
    return _corrected(gap, n, m, method)


def _weight_up_to(
    points: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Weight of the values that are at most each point."""
    reached: NDArray[np.int64] = np.concatenate([[0], np.cumsum(weights)])
    return reached[np.searchsorted(values, points, side="right")]


def _corrected(distance: float, n: int, m: int, method: Method) -> float:
    """Robust takes off what chance alone would show: 1.8 * sqrt((n + m) / (n * m)), alpha = 0.003."""
    return distance if method == "Simple" else max(0.0, distance - 1.8 * math.sqrt((n + m) / (n * m)))

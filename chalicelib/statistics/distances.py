"""Distances between the current data and the baseline: Deequ's, which Model Monitor uses."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from chalicelib.statistics import Method
from chalicelib.statistics.distribution import Distribution

_YATES, _YATES_SHARE, _COCHRAN = 5, 0.2, 10  # expected counts below which Pearson's test does not apply (Deequ's)
_ITERATIONS, _PRECISION = 10_000, 1e-15
CHANCE = 1.8  # Robust subtracts CHANCE * sqrt((n + m) / (n * m)), which chance exceeds with alpha = 0.003 (Deequ's)


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


def chi_squared(baseline: Mapping[str, int], current: Mapping[str, int]) -> float | None:
    """Probability that chance alone moves the counts of the categories this far: Pearson's test.

    X^2 = sum over the baseline's categories of (observed - expected)^2 / expected, where the expected counts are the
    baseline's, scaled to the current total; p = Q((categories - 1) / 2, X^2 / 2), see `upper_gamma`. As in Deequ,
    categories that the baseline does not know are left out (they are categorical_values_check's), and the smallest
    category is merged into the next one until at most a fifth of the expected counts lie below 5 (Yates), or, of two
    categories, none below 10 (Cochran). None when fewer than two are left, or either side is empty.

    Examples
    --------
    >>> round(chi_squared({"a": 50, "b": 50}, {"a": 60, "b": 40}), 6)
    0.0455
    >>> chi_squared({"a": 50, "b": 50}, {"a": 6, "b": 4}) is None
    True

    References
    ----------
    Pearson (1900); Deequ 2.0, analyzers/Distance.scala.
    """
    n, m = sum(baseline.values()), sum(current.get(name, 0) for name in baseline)
    if not n or not m:
        return None
    cells = sorted((count * m / n, float(current.get(name, 0))) for name, count in baseline.items() if count)
    while len(cells) > 1 and not _enough_expected([expected for expected, _ in cells]):
        (smallest, seen), (next_one, also_seen), *others = cells
        cells = sorted([(smallest + next_one, seen + also_seen), *others])
    if len(cells) < 2:
        return None
    statistic = sum((observed - expected) ** 2 / expected for expected, observed in cells)
    return upper_gamma((len(cells) - 1) / 2, statistic / 2)


def _enough_expected(expected: list[float]) -> bool:
    if len(expected) == 2:
        return min(expected) >= _COCHRAN
    return sum(count < _YATES for count in expected) <= _YATES_SHARE * len(expected)


def upper_gamma(a: float, x: float) -> float:
    """The regularised upper incomplete gamma function, for a > 0 and x >= 0.

    Q(a, x) = 1 / Gamma(a) * integral from x to infinity of t^(a-1) e^(-t) dt. For x < a + 1 by the series of
    P = 1 - Q: P = x^a e^(-x) / Gamma(a + 1) * sum of x^i / ((a + 1) ... (a + i)); beyond, by Lentz's continued
    fraction. Q(k / 2, X^2 / 2) is the chance of a chi-squared of k degrees of freedom above X^2.

    Examples
    --------
    >>> round(upper_gamma(0.5, 1.920729410347063), 12)
    0.05
    >>> upper_gamma(2.5, 0.0), upper_gamma(1.0, 800.0)
    (1.0, 0.0)

    References
    ----------
    Press et al. (2007), Numerical Recipes, 6.2; Abramowitz and Stegun (1964), 6.5.29 and 6.5.31.
    """
    if x <= 0:
        return 1.0
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for i in range(1, _ITERATIONS):
            term *= x / (a + i)
            total += term
            if term < total * _PRECISION:
                break
        return max(0.0, 1 - scale * total)
    b = x + 1 - a
    c, d = math.inf, 1 / b
    fraction = d
    for i in range(1, _ITERATIONS):
        numerator = -i * (i - a)
        b += 2
        d = 1 / (numerator * d + b)
        c = b + numerator / c
        fraction *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return scale * fraction


def _weight_up_to(
    points: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Weight of the values that are at most each point."""
    reached: NDArray[np.int64] = np.concatenate([[0], np.cumsum(weights)])
    return reached[np.searchsorted(values, points, side="right")]


def _corrected(distance: float, n: int, m: int, method: Method) -> float:
    """Robust subtracts the distance that chance alone may show."""
    return distance if method == "Simple" else max(0.0, distance - CHANCE * math.sqrt((n + m) / (n * m)))

"""Count, sum, mean, standard deviation and extremes of numbers, in a form that adds up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_STORED_NAMES = {"sum_high": "total", "sum_low": "carry", "sum_squared_deviations": "m2"}


class Moments(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=_STORED_NAMES):
    """Count, sum and sum of squared deviations from the mean, with the extremes.

    The sum is a pair: `sum_high + sum_low` keeps what one double would round away (Knuth's two-sum), so that adding
    parts in another order moves the result by less than one unit in the last place. Deviations are merged by Chan's
    formula

        M2 = M2_a + M2_b + (mean_b - mean_a)^2 * n_a * n_b / (n_a + n_b)

    which does not cancel for values far from zero. The standard deviation is the population's (ddof 0), as Model
    Monitor's is.

    Examples
    --------
    >>> import numpy as np
    >>> whole = Moments.of(np.array([1.0, 2.0, 3.0, 4.0]))
    >>> whole.mean, whole.std_dev, whole.sum
    (2.5, 1.118033988749895, 10.0)
    >>> Moments.of(np.array([1.0, 2.0])) + Moments.of(np.array([3.0, 4.0])) == whole
    True
    >>> Moments().mean is None
    True

    References
    ----------
    Chan, Golub, LeVeque (1979), Updating Formulae and a Pairwise Algorithm for Computing Sample Variances.
    """

    count: int = 0
    sum_high: float = 0.0
    sum_low: float = 0.0
    sum_squared_deviations: float = 0.0
    minimum: float | None = None
    maximum: float | None = None

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Moments:
        """The moments of finite numbers, none beyond `lexical.MAX_ABS_VALUE`; shape (n,)."""
        count = len(values)
        if not count:
            return cls()
        total = _twofold_sum(values)
        deviations = values - total / count
        # The second term removes the rounding error of the mean (corrected two-pass algorithm).
        # Not `deviations @ deviations`: BLAS would start its threads, which cost more than they save.
        squares = float((deviations * deviations).sum()) - float(deviations.sum()) ** 2 / count
        low, high = float(values.min()), float(values.max())
        return cls(count=count, sum_high=total, sum_squared_deviations=max(squares, 0.0), minimum=low, maximum=high)

    @classmethod
    def total(cls, moments: Iterable[Moments]) -> Moments:
        """The sum of any number of moments."""
        return sum(moments, cls())

    def __add__(self, other: Moments) -> Moments:
        if not self.count or self.mean is None:
            return other
        if not other.count or other.mean is None:
            return self
        count = self.count + other.count
        high, low = _two_sum(self.sum_high, other.sum_high)
        high, low = _two_sum(high, low + self.sum_low + other.sum_low)
        shift = other.mean - self.mean
        shifted = shift * shift * (self.count * other.count / count)
        return Moments(
            count=count,
            sum_high=high,
            sum_low=low,
            sum_squared_deviations=self.sum_squared_deviations + other.sum_squared_deviations + shifted,
            minimum=_extreme(min, self.minimum, other.minimum),
            maximum=_extreme(max, self.maximum, other.maximum),
        )

    @property
    def sum(self) -> float:
        """The sum of the values."""
        return self.sum_high + self.sum_low

    @property
    def mean(self) -> float | None:
        """The arithmetic mean; None without values."""
        return self.sum / self.count if self.count else None

    @property
    def std_dev(self) -> float | None:
        """The population's standard deviation (ddof 0); None without values."""
        return math.sqrt(self.sum_squared_deviations / self.count) if self.count else None


def _extreme(of: Callable[[float, float], float], a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else of(a, b)


def _twofold_sum(values: NDArray[np.float64]) -> float:
    """The sum as if it were computed with twice the digits, then rounded.

    Halves are added pairwise, and the rounding errors are summed apart; the last few values and the errors are added
    exactly. The error is that of Sum2: one rounding, and 2**-104 of the sum of the absolute values.

    References
    ----------
    Ogita, Rump, Oishi (2005), Accurate Sum and Dot Product.
    """
    lost: list[float] = []
    while len(values) > _MAX_EXACT_TERMS:
        if len(values) % 2:
            lost.append(float(values[-1]))
        half = len(values) // 2
        values, loss = _two_sum(values[:half], values[half : 2 * half])
        lost.append(float(loss.sum()))
    return math.fsum([*values.tolist(), *lost])


_MAX_EXACT_TERMS = 256
N = TypeVar("N", "float", "NDArray[np.float64]")


def _two_sum(a: N, b: N) -> tuple[N, N]:
    """The rounded sum and exactly what the rounding lost (Knuth, TAOCP 2, 4.2.2)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)

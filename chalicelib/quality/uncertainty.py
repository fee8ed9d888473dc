"""The standard error of a metric whose rows hang together: rows of one session or client are alike.

The error of independent rows is too small then. A jackknife over blocks of time is right: rows that hang together lie
mostly in one block. With g blocks of m_j of n rows, h_j = n / m_j, the metric T of all rows and T_j without block j
(Busing, Meijer, van der Leeden 1999, the delete-m_j jackknife):

    pseudo-values    P_j = h_j T - (h_j - 1) T_j
    estimate         J   = g T - sum_j (1 - m_j / n) T_j
    variance         sum_j (P_j - J)^2 / (h_j - 1) / g

With few blocks, the error itself is uncertain: its multiple is Student's t with g - 1 degrees of freedom. With fewer
than MIN_BLOCKS blocks nothing is known of the clusters, and the error of independent rows is multiplied by the root of
DESIGN_EFFECT, the one of `constraints.measurement`.

References
----------
Busing, Meijer, van der Leeden (1999), Delete-m Jackknife for Unequal m.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from chalicelib.constraints.measurement import DESIGN_EFFECT
from chalicelib.quality.confusion import Values
from chalicelib.quality.metrics import Problem, independent_errors, metrics
from chalicelib.quality.state import QualityState

MIN_BLOCKS = 8
PSEUDO_ROWS = 4.0  # of the smoothed interval (Agresti, Coull 1998): two successes and two failures
_Z = 3.0


def block_errors(blocks: Sequence[QualityState], problem: Problem) -> Values:
    """The jackknife's standard errors of the metrics over blocks; None where a metric is undefined without one.

    Empty with fewer than MIN_BLOCKS blocks of labelled rows.
    """
    found = [block for block in blocks if block.labelled]
    if len(found) < MIN_BLOCKS:
        return {}
    # All sums without one block, in two passes: there is no minus.
    before = list(accumulate(found, initial=QualityState()))
    after = list(accumulate(reversed(found), initial=QualityState()))[::-1]
    whole = metrics(before[-1], problem)
    without = [metrics(before[place] + after[place + 1], problem) for place in range(len(found))]
    rows = [block.labelled for block in found]
    return {name: _error([one.get(name) for one in without], value, rows) for name, value in whole.items()}


def _error(without: Sequence[float | None], whole: float | None, rows: Sequence[int]) -> float | None:
    values = [value for value in without if value is not None]
    if whole is None or len(values) < len(without):
        return None
    total, count = sum(rows), len(rows)
    estimate = count * whole - sum((1 - size / total) * value for size, value in zip(rows, values, strict=True))
    variance = 0.0
    for size, value in zip(rows, values, strict=True):
        ratio = total / size
        pseudo = ratio * whole - (ratio - 1) * value
        variance += (pseudo - estimate) ** 2 / (ratio - 1)
    return math.sqrt(variance / count)


def margins(blocks: Sequence[QualityState], problem: Problem) -> Values:
    """How far each metric may lie from its true value by chance, at three standard deviations; None: not known.

    The larger of two: of the jackknife over blocks with Student's t, and of independent rows with PSEUDO_ROWS added,
    which holds where few rows decide (3 of 3 positives found is no recall of 1.00 +- 0).
    """
    total = QualityState.total(blocks)
    independent = independent_errors(total, problem, PSEUDO_ROWS)
    clustered = block_errors(blocks, problem)
    count = sum(block.labelled > 0 for block in blocks)
    found: Values = {}
    for name, error in independent.items():
        if error is None:
            found[name] = None
        elif (of_blocks := clustered.get(name)) is None:
            found[name] = _Z * error * math.sqrt(DESIGN_EFFECT)
        else:
            found[name] = max(_Z * error, three_sigma_of_t(count - 1) * of_blocks)
    return found


def three_sigma_of_t(freedom: int) -> float:
    """The multiple of Student's t that is exceeded as seldom as three standard deviations of the normal distribution.

    The expansion of Fisher and Cornish in 1 / freedom; it is within 1 % from seven degrees of freedom on.

    Examples
    --------
    >>> [round(three_sigma_of_t(freedom), 2) for freedom in (7, 23, 1000)]
    [4.53, 3.36, 3.01]
    """
    z = _Z
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + first / freedom + second / freedom**2 + third / freedom**3 + fourth / freedom**4

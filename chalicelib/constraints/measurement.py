"""One value that was measured, and how loudly it is said.

| violated by                                                          | severity                                |
|----------------------------------------------------------------------|-----------------------------------------|
| under 1 % of the cells (or rows)                                     | information: in the files, nobody told  |
| under 10 %                                                           | warning                                 |
| more                                                                 | critical                                |
| anything, in a feature that the fleet calls critical                 | critical                                |
| cells that can be read as the expected type all the same (18 as 18.0)| information, unless every cell is so    |
| drift                                                                | warning                                 |

What chance decides (missing cells, unknown categories, values out of range) is counted with the share that is certain,
see `share_lower_bound`; an off type is not chance, so there the share itself decides. benchmarks/FALSE_ALARMS.md shows
what this is worth.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

Verdict = Literal["OK", "Violations", "InsufficientData", "NoData", "CaptureStopped", "MonitorFailed"]
Severity = Literal["critical", "warning", "information"]

MODEL_MONITOR_CHECKS = frozenset(
    {
        "data_type_check",
        "completeness_check",
        "missing_column_check",
        "extra_column_check",
        "categorical_values_check",
        "baseline_drift_check",
    }
)
NON_NEGATIVE_CHECK = "vedette_non_negative_check"
RANGE_CHECK = "vedette_range_check"
VOLUME_CHECK = "vedette_volume_check"
VEDETTE_CHECKS = frozenset({NON_NEGATIVE_CHECK, RANGE_CHECK, VOLUME_CHECK})  # Model Monitor has none like them

_TRACE = 0.01
_CRITICAL = 0.1
_Z = 3.0  # standard deviations that chance is given
# Rows come in clusters: m rows of one caller that share r of the variance count as one of m / (1 + (m - 1) r) (Kish
# 1965). 10 is a session of 19 rows that share half.
_CLUSTER = 10.0


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One value that was measured, whether it is a violation or not."""

    feature: str
    check: str
    kind: Literal["hard", "drift"]  # how alerts count: at once, or over several windows
    expected: str
    observed: str
    value: float | None
    threshold: float | None
    violated: bool
    evaluated: bool = msgspec.field(default=True, name="judged")  # False: there are too few rows, or no values
    rows_needed: int = msgspec.field(default=0, name="needed")  # rows still missing before it can be evaluated
    severity: Severity = "information"
    description: str = ""  # Model Monitor's sentence, when violated

    @property
    def alertable(self) -> bool:
        """Whether a person is told: violated, and by more than a trace; a silence is told at any severity."""
        return self.violated and (self.severity != "information" or self.check == "no_data")


def severity_of(share: float, *, critical: bool = False) -> Severity:
    """How loudly a violation is said whose share of cells is off.

    Examples
    --------
    >>> severity_of(0.004), severity_of(0.05), severity_of(0.5), severity_of(0.004, critical=True)
    ('information', 'warning', 'critical', 'critical')
    """
    if critical or share >= _CRITICAL:
        return "critical"
    return "warning" if share >= _TRACE else "information"


def share_lower_bound(count: float, rows: float) -> float:
    """The share that `count` of `rows` prove: the lower end of Wilson's score interval at three standard deviations.

    With p = count / rows, n = rows / 10 since rows come in clusters, and z = 3:
    (p + z^2/2n - z * sqrt(p (1 - p) / n + z^2/4n^2)) / (1 + z^2/n).

    Examples
    --------
    >>> round(share_lower_bound(1, 20), 4), round(share_lower_bound(20, 40), 3), round(share_lower_bound(500, 1000), 3)
    (0.0005, 0.084, 0.356)

    References
    ----------
    Wilson (1927), Probable Inference, the Law of Succession, and Statistical Inference.
    """
    if not rows:
        return 0.0
    share, n = count / rows, rows / _CLUSTER
    spread = _Z * _Z / n
    within = math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return min(share, max(0.0, (share + spread / 2 - _Z * within) / (1 + spread)))


def percent(share: float) -> str:
    """A share as Model Monitor prints it.

    Examples
    --------
    >>> percent(1.0), percent(0.5), percent(0.9964592817400101)
    ('100.0%', '50.0%', '99.64592817400101%')
    """
    return f"{share * 100}%"


def rounded(share: float, *others: float) -> str:
    """A share for people: one decimal, and more where that would be a tenth off or read like a share beside it.

    Examples
    --------
    >>> rounded(0.5), rounded(1.0), rounded(0.9996), rounded(0.00052), rounded(0.9512, 0.95), rounded(0.9498, 0.95)
    ('50.0%', '100.0%', '99.96%', '0.05%', '95.1%', '94.98%')
    """
    allowed = 10 * min(share, 1 - share)  # percentage points; 0 for nothing and for all
    for digits in range(1, 12):
        text = f"{100 * share:.{digits}f}%"
        near = abs(float(text[:-1]) - 100 * share) <= max(allowed, 1e-12)
        if near and text not in {f"{100 * other:.{digits}f}%" for other in others if other != share}:
            return text
    return percent(share)

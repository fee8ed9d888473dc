"""One measured value, and the rules for its severity.

| violated by                                                          | severity                                |
|----------------------------------------------------------------------|-----------------------------------------|
| under 1 % of the cells (or rows)                                     | information: in the files, no alert     |
| under 10 %                                                           | warning                                 |
| more                                                                 | critical                                |
| anything, in a feature that the fleet lists as critical              | critical                                |
| cells that can still be read as the expected type (18 as 18.0)       | information, unless every cell is so    |
| drift                                                                | warning                                 |

Missing cells, unknown categories and values out of range occur by chance, so their severity comes from a lower bound of
the share, see `share_lower_bound`. A wrong type does not occur by chance, so its severity comes from the share itself.
benchmarks/FALSE_ALARMS.md measures the effect. The order of several violations: `severity_order`.
"""

from __future__ import annotations

import math
from enum import StrEnum
from operator import itemgetter
from typing import Literal

import msgspec

from chalicelib.constraints import check_types


class Verdict(StrEnum):
    """The result of one evaluation."""

    OK = "OK"
    VIOLATIONS = "Violations"
    INSUFFICIENT_DATA = "InsufficientData"
    NO_DATA = "NoData"
    CAPTURE_STOPPED = "CaptureStopped"
    MONITOR_FAILED = "MonitorFailed"
    JOB_FAILED = "JobFailed"  # a batch transform job failed, so there are no predictions to evaluate
    # Of model quality:
    INSUFFICIENT_LABELS = "InsufficientLabels"  # too few for a metric
    SELECTIVE_LABELS = "SelectiveLabels"  # their presence depends on the prediction, so no metric is a fair one
    LABELS_STOPPED = "LabelsStopped"  # labels that came on earlier days do not come any more


class Severity(StrEnum):
    """How serious a violation is, the worst first."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFORMATION = "information"


class Checks(StrEnum):
    """Which checks an evaluation runs."""

    ALL = "all"
    HARD = "hard"  # everything but drift
    DRIFT = "drift"
    QUALITY = "quality"  # of the model, with labels: on days of its own


_WARNING_SHARE = 0.01
_CRITICAL_SHARE = 0.1
_Z = 3.0  # standard deviations of the lower bound
# Rows come in clusters: m rows of one caller that share r of the variance count as one of m / (1 + (m - 1) r) (Kish
# 1965). 10 is a session of 19 rows that share half.
DESIGN_EFFECT = 10.0


class Fingerprint(tuple[str, str]):
    """What an alert is about, on one endpoint and variant: a check and its subject. Hashable and ordered.

    `str()` and `from_text` are its form as a key in JSON.

    Examples
    --------
    >>> str(Fingerprint("data_type_check", "a|b"))
    'data_type_check|a|b'
    >>> Fingerprint.from_text("data_type_check|a|b").subject
    'a|b'
    """

    __slots__ = ()

    def __new__(cls, check: str, subject: str) -> Fingerprint:
        """Both parts as text; a check holds no `|`."""
        return super().__new__(cls, (check, subject))

    check: str = property(itemgetter(0))  # type: ignore[assignment]
    subject: str = property(itemgetter(1))  # type: ignore[assignment]

    def __str__(self) -> str:
        return "|".join(self)

    def __getnewargs__(self) -> tuple[str, str]:
        """What `copy` and `pickle` create it from."""
        return self[0], self[1]

    @classmethod
    def from_text(cls, text: str) -> Fingerprint:
        """The fingerprint of a key in JSON."""
        check, _, subject = text.partition("|")
        return cls(check, subject)


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value, violated or not."""

    feature: str
    check: str
    kind: Literal["hard", "drift"]  # decides how many windows must be violated before an alert
    expected: str
    observed: str
    value: float | None = None
    threshold: float | None = None
    violated: bool
    lasts: bool = False  # no new violation, but not clean either: an open alert stays open
    evaluated: bool = msgspec.field(default=True, name="judged")  # False: too few rows, or no values
    rows_needed: int = msgspec.field(default=0, name="needed")  # rows still missing before it can be evaluated
    severity: Severity = Severity.INFORMATION
    description: str = ""  # Model Monitor's sentence; "" when its rule is not violated
    # Drift of a day: the smallest and the largest distance of one of its reference days from the others.
    reference_distances: tuple[float, float] | msgspec.UnsetType = msgspec.UNSET
    # Of model quality: how far chance may move the value, at three standard deviations.
    margin: float | msgspec.UnsetType = msgspec.UNSET

    @property
    def fingerprint(self) -> Fingerprint:
        """The check and the feature."""
        return Fingerprint(self.check, self.feature)

    @property
    def alertable(self) -> bool:
        """Whether it may raise an alert: violated, and worse than information. Missing data always may."""
        return self.violated and (self.severity != Severity.INFORMATION or self.check == check_types.NO_DATA)

    @property
    def is_proven(self) -> bool:
        """Whether it is violated by more than chance: half of the quiet days of model quality are violations."""
        return self.alertable if self.check in check_types.MODEL_QUALITY else self.violated


def severity_of(share: float, *, critical: bool = False) -> Severity:
    """The severity of a violation by the share of cells that violate it; `critical` features are always critical.

    Examples
    --------
    >>> [str(severity_of(share)) for share in (0.004, 0.05, 0.5)], str(severity_of(0.004, critical=True))
    (['information', 'warning', 'critical'], 'critical')
    """
    if critical or share >= _CRITICAL_SHARE:
        return Severity.CRITICAL
    return Severity.WARNING if share >= _WARNING_SHARE else Severity.INFORMATION


def share_lower_bound(count: float, rows: float) -> float:
    """The share that `count` of `rows` prove: the lower bound of Wilson's score interval at three standard deviations.

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
    share, n = count / rows, rows / DESIGN_EFFECT
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


def limit_words(check: str, threshold: float) -> str:
    """What a check of model quality expects of a metric.

    Examples
    --------
    >>> limit_words("LessThanThreshold", 0.85), limit_words("GreaterThanThreshold", 12.5)
    ('at least 0.85', 'at most 12.5')
    """
    return f"{'at least' if check == check_types.LESS_THAN else 'at most'} {threshold:.4g}"


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

"""The thresholds of a constraints.json of model quality: suggested from a baseline, and compared with a metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.constraints.check_types import GREATER_THAN, LESS_THAN
from chalicelib.constraints.files import Violation, camel_case
from chalicelib.quality.confusion import BEST_CONSTANT, Values
from chalicelib.quality.settings import ProblemType

_LOWER_IS_BETTER = frozenset({"mae", "mse", "rmse", "false_positive_rate", "false_negative_rate"})
_ROUNDING = 1e-12  # relative: the same rows, added up in another order, are no violation


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """The worst value that a metric may have."""

    threshold: float
    comparison_operator: str  # LESS_THAN or GREATER_THAN: which values violate it
    additional: dict[str, Any] = {}  # keys of the file that Vedette does not use

    def violated_by(self, value: float) -> bool:
        """Whether a value is beyond the threshold, by more than rounding.

        Examples
        --------
        >>> limit = Threshold(threshold=0.9, comparison_operator=LESS_THAN)
        >>> limit.violated_by(0.89), limit.violated_by(0.9), limit.violated_by(0.91)
        (True, False, False)
        """
        return self.gap(value) > _ROUNDING * max(abs(self.threshold), abs(value))

    def gap(self, value: float) -> float:
        """How far a value is beyond the threshold; negative within it."""
        below = self.threshold - value
        return below if self.comparison_operator == LESS_THAN else -below


class QualityConstraints(msgspec.Struct, frozen=True, kw_only=True):
    """What a constraints.json of model quality says."""

    problem_type: ProblemType
    thresholds: dict[str, Threshold]  # metric -> threshold
    additional: dict[str, Any] = {}  # other keys of the file


def suggested_constraints(values: Values, problem_type: ProblemType) -> QualityConstraints:
    """The metrics of a baseline as thresholds, as Model Monitor suggests them; undefined metrics have none.

    Examples
    --------
    >>> found = suggested_constraints({"mae": 0.5, "r2": None}, ProblemType.REGRESSION).thresholds
    >>> list(found), found["mae"].comparison_operator
    (['mae'], 'GreaterThanThreshold')
    """
    thresholds = {
        name: Threshold(threshold=value, comparison_operator=GREATER_THAN if name in _LOWER_IS_BETTER else LESS_THAN)
        for name, value in values.items()
        if value is not None and not name.endswith(BEST_CONSTANT)
    }
    return QualityConstraints(problem_type=problem_type, thresholds=thresholds)


def file_violations(
    values: Values, deviations: Mapping[str, float | None], constraints: QualityConstraints
) -> tuple[Violation, ...]:
    """What Model Monitor's rule says: every metric beyond its threshold, whatever chance may explain.

    Parameters
    ----------
    deviations
        The standard deviations of the statistics.json; None where it has none.

    Examples
    --------
    >>> limits = suggested_constraints({"weighted_f2": 0.41}, ProblemType.MULTICLASS)
    >>> print(file_violations({"weighted_f2": 0.39}, {"weighted_f2": 0.01}, limits)[0].description)
    Metric weightedF2 with 0.39 +/- 0.01 was LessThanThreshold '0.41'
    """
    return tuple(
        Violation(
            subject=camel_case(name),
            metric_name=camel_case(name),
            constraint_check_type=limit.comparison_operator,
            description=violation_sentence(name, value, deviations.get(name), limit),
        )
        for name, limit in constraints.thresholds.items()
        if (value := values.get(name)) is not None and limit.violated_by(value)
    )


def violation_sentence(name: str, value: float, deviation: float | None, limit: Threshold) -> str:
    """Model Monitor's sentence about a violated threshold."""
    spread = "" if deviation is None else f" +/- {deviation}"
    return f"Metric {camel_case(name)} with {value}{spread} was {limit.comparison_operator} '{limit.threshold}'"

"""The one order of findings, the worst first: for the mail, the page, the terminal and the JSON.

| first                                              | then                                                         |
|----------------------------------------------------|--------------------------------------------------------------|
| state: critical, warning, information (violated),  | how far the value is beyond its threshold, see `excess`; a   |
| not evaluated, passed                              | finding without a value last; then feature and check by name |
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from chalicelib.constraints import check_types
from chalicelib.constraints.measurement import Fingerprint, Measurement, Severity

# Their value is a share that must reach the threshold.
_MINIMUM_CHECKS = {check_types.DATA_TYPE, check_types.COMPLETENESS, check_types.CATEGORICAL_VALUES}


class State(StrEnum):
    """The state of a measurement, the worst first."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFORMATION = "information"
    NOT_EVALUATED = "open"
    PASSED = "passed"


RANKS = {state: rank for rank, state in enumerate(State)}


def state_of(measurement: Measurement) -> State:
    """The severity of a violation; else whether it passed."""
    if measurement.violated:
        return State(measurement.severity)
    return State.PASSED if measurement.evaluated else State.NOT_EVALUATED


def excess(check: str, value: float | None, threshold: float | None) -> float:
    """How far a value is beyond its threshold: 0 at the threshold, 1 at the worst value that is possible.

    | check                                     | violated when         | excess                               |
    |-------------------------------------------|-----------------------|--------------------------------------|
    | data type, completeness, known values     | v < t, shares         | (t - v) / t                          |
    | drift distances, bad cells, bad rows      | v > t, at most 1      | (v - t) / (1 - t)                    |
    | volume, rows an hour                      | outside of a range    | their gap / the larger of v and t    |
    | metrics of model quality                  | v < t, or v > t       | the same, of their sizes, at most 1  |
    | no value (Model Monitor's sentence alone) |                       | 0                                    |

    Examples
    --------
    >>> round(excess("data_type_check", 0.88, 1.0), 2), round(excess("vedette_non_negative_check", 0.99, 0.0), 2)
    (0.12, 0.99)
    >>> excess("baseline_drift_check", 0.75, 0.5), excess("vedette_volume_check", 25.0, 100.0)
    (0.5, 0.75)
    """
    if value is None or threshold is None:
        return 0.0
    if check == check_types.VOLUME:
        return abs(value - threshold) / (max(value, threshold) or 1.0)
    if check in check_types.MODEL_QUALITY:
        return min(abs(value - threshold) / (max(abs(value), abs(threshold)) or 1.0), 1.0)
    if check in _MINIMUM_CHECKS:
        return (threshold - value) / (threshold or 1.0)
    return (value - threshold) / (1 - threshold if threshold < 1 else 1.0)


def order(
    state: State | Severity, fingerprint: Fingerprint, value: float | None, threshold: float | None
) -> tuple[int, float, str, str]:
    """The sort key of a finding: the smallest is the worst."""
    check, subject = fingerprint
    return RANKS[State(state)], -excess(check, value, threshold), subject, check


def order_of(measurement: Measurement) -> tuple[int, float, str, str]:
    """The sort key of a measurement."""
    return order(state_of(measurement), measurement.fingerprint, measurement.value, measurement.threshold)


def any_at_least(severity: Severity, measurements: Iterable[Measurement]) -> bool:
    """Whether any violation is of this severity or worse.

    Examples
    --------
    >>> slight = Measurement(feature="a", check="c", kind="hard", expected="", observed="", violated=True)
    >>> any_at_least(Severity.WARNING, [slight]), any_at_least(Severity.INFORMATION, [slight])
    (False, True)
    """
    least = RANKS[State(severity)]
    return any(one.violated and RANKS[state_of(one)] <= least for one in measurements)


def worst_first(measurements: Iterable[Measurement]) -> list[Measurement]:
    """The measurements in this order.

    Examples
    --------
    >>> def violation(feature: str, check: str, value: float, threshold: float) -> Measurement:
    ...     return Measurement(feature=feature, check=check, kind="hard", expected="", observed="", value=value,
    ...                        threshold=threshold, violated=True, severity=Severity.CRITICAL)
    >>> found = [violation("qty", "data_type_check", 0.88, 1.0), violation("price", "vedette_range_check", 0.99, 0.0)]
    >>> [measurement.feature for measurement in worst_first(found)]
    ['price', 'qty']
    """
    return sorted(measurements, key=order_of)


def worst(severities: Iterable[Severity]) -> Severity:
    """The worst of some severities.

    Examples
    --------
    >>> str(worst([Severity.INFORMATION, Severity.CRITICAL, Severity.WARNING]))
    'critical'
    """
    return min(severities, key=lambda severity: RANKS[State(severity)])

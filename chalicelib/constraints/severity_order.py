"""How bad a measurement is: the order of everything on a page."""

from __future__ import annotations

from typing import Literal

from chalicelib.constraints.measurement import Measurement

State = Literal["critical", "warning", "information", "open", "passed"]
STATES: tuple[State, ...] = ("critical", "warning", "information", "open", "passed")
_TOO_HIGH = ("baseline_drift_check", "missing_column_check", "extra_column_check")


def state_of(measurement: Measurement) -> State:
    """How bad a measurement is."""
    if measurement.violated:
        return measurement.severity
    return "passed" if measurement.evaluated else "open"


def badness(measurement: Measurement) -> tuple[int, float]:
    """A key that sorts the worst first: by state, then by how far from the threshold."""
    excess = 0.0
    if measurement.value is not None and measurement.threshold is not None:
        over = measurement.value - measurement.threshold
        excess = over if measurement.check in _TOO_HIGH else -over
    return STATES.index(state_of(measurement)), -excess

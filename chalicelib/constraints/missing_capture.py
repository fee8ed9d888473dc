"""Nothing was captured in a window: is the endpoint quiet, or is its capture broken.

| CloudWatch counted                               | verdict                                               |
|--------------------------------------------------|-------------------------------------------------------|
| no request                                       | NoData                                                |
| ... and a person has set a minimum volume        | Violations: vedette_volume_check                      |
| so many that sampling cannot have left out all   | CaptureStopped                                        |
| some                                             | NoData, with their number                             |
"""

from __future__ import annotations

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Evaluation
from chalicelib.constraints.extension_checks import volume_check

_CERTAIN = 0.001  # chance that sampling alone captured none of the requests


def evaluate_missing_capture(requests: int, capture_percentage: int) -> Evaluation:
    """NoData, or CaptureStopped when so many requests cannot all have been left out by sampling.

    With a share p captured, all of n requests are left out with probability (1 - p)^n.

    Examples
    --------
    >>> pairs = ((0, 100), (12, 100), (12, 10), (80, 10))
    >>> [str(evaluate_missing_capture(requests, percentage).verdict) for requests, percentage in pairs]
    ['NoData', 'CaptureStopped', 'NoData', 'CaptureStopped']
    >>> evaluate_missing_capture(80, 10).notes
    ('80 requests were made, of which 10 % should be captured, and nothing was captured',)
    """
    if not requests:
        return Evaluation(verdict="NoData", rows=0)
    left_out = (1 - capture_percentage / 100) ** requests
    if left_out < _CERTAIN:
        note = (
            f"{requests} requests were made, of which {capture_percentage} % should be captured, "
            "and nothing was captured"
        )
        return Evaluation(verdict="CaptureStopped", rows=0, notes=(note,))
    note = f"{requests} requests were made; at {capture_percentage} % that none was captured may be chance"
    return Evaluation(verdict="NoData", rows=0, notes=(note,))


def with_volume_check(evaluation: Evaluation, constraints: Constraints, hours: float) -> Evaluation:
    """The same with the volume of a window of so many hours that has no rows; a capture that stopped says enough."""
    measured = tuple(volume_check(constraints, 0, hours))
    if evaluation.verdict != "NoData" or not any(one.violated for one in measured):
        return evaluation
    return Evaluation(verdict="Violations", rows=0, measurements=measured, notes=evaluation.notes)

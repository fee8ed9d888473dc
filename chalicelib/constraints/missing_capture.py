"""The verdict of a window without captured data: no traffic, or a broken capture.

| CloudWatch counted                               | verdict                                               |
|--------------------------------------------------|-------------------------------------------------------|
| no request                                       | NoData                                                |
| ... and constraints.json has a minimum volume    | Violations: vedette_volume_check                      |
| too many for sampling to have skipped all        | CaptureStopped                                        |
| some                                             | NoData, with their number                             |
"""

from __future__ import annotations

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Evaluation
from chalicelib.constraints.extension_checks import volume_check
from chalicelib.constraints.measurement import Verdict

_MAX_PROBABILITY = 0.001  # of skipping every request: below it the capture has stopped


def evaluate_missing_capture(requests: int, capture_percentage: int) -> Evaluation:
    """NoData, or CaptureStopped when sampling alone cannot explain that no request was captured.

    With a captured share p (`capture_percentage` / 100), all of n requests are skipped with probability (1 - p)^n.

    Examples
    --------
    >>> pairs = ((0, 100), (12, 100), (12, 10), (80, 10))
    >>> [str(evaluate_missing_capture(requests, percentage).verdict) for requests, percentage in pairs]
    ['NoData', 'CaptureStopped', 'NoData', 'CaptureStopped']
    >>> evaluate_missing_capture(80, 10).notes
    ('80 requests arrived and 10 % should be captured, but nothing was captured',)
    """
    if not requests:
        return Evaluation(verdict=Verdict.NO_DATA, rows=0)
    skipped = (1 - capture_percentage / 100) ** requests
    if skipped < _MAX_PROBABILITY:
        note = f"{requests} requests arrived and {capture_percentage} % should be captured, but nothing was captured"
        return Evaluation(verdict=Verdict.CAPTURE_STOPPED, rows=0, notes=(note,))
    note = f"{requests} requests arrived; that none was captured at {capture_percentage} % may be chance"
    return Evaluation(verdict=Verdict.NO_DATA, rows=0, notes=(note,))


def with_volume_check(evaluation: Evaluation, constraints: Constraints, hours: float) -> Evaluation:
    """Add the volume check to the evaluation of an empty window of `hours` hours; CaptureStopped stays as it is."""
    measured = tuple(volume_check(constraints, 0, hours))
    if evaluation.verdict != Verdict.NO_DATA or not any(one.violated for one in measured):
        return evaluation
    return Evaluation(verdict=Verdict.VIOLATIONS, rows=0, measurements=measured, notes=evaluation.notes)

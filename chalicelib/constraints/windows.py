"""Which windows there are, and which checks run in each: the one place for these numbers.

| window                                      | evaluated                                             | checks |
|---------------------------------------------|-------------------------------------------------------|--------|
| closed, `window_minutes` long (an hour)     | once it has closed, and again when late parts arrive  | hard   |
| closed, `drift_window_minutes` long (a day) | the same                                              | drift  |
| closed, where both are equal                | the same                                              | all    |
| closed and empty                            | once: each is NoData; only an empty day raises alerts |        |
| open, `window_minutes` long                 | every five minutes                                    | hard   |

Drift has a window of its own because traffic has a daily rhythm: an hour of the night always differs from a baseline
of whole days (benchmarks/FALSE_ALARMS.md). A window closes five minutes after its end: SageMaker delivers capture files
within about two (docs/aws-behaviour.md).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from chalicelib.constraints.day_drift import DayComparison
from chalicelib.constraints.evaluation import Baseline, Evaluation, Summary, evaluate
from chalicelib.constraints.measurement import Checks, Verdict
from chalicelib.window import LATE_DATA_GRACE, Window, open_window

HOUR = timedelta(hours=1)
RECENTLY_CLOSED = timedelta(minutes=9)  # two runs evaluate a closed window; later ones leave it to the sweep


def closed_windows(minutes: int, now: datetime, count: int, within: timedelta = timedelta.max) -> list[Window]:
    """The latest `count` closed windows of a length, oldest first.

    The list is empty when the latest of them closed longer ago than `within`.

    Examples
    --------
    >>> from datetime import UTC
    >>> now = datetime(2026, 3, 2, 9, 7, tzinfo=UTC)
    >>> [window.name for window in closed_windows(60, now, 2)]
    ['2026-03-02T07-00Z_60m', '2026-03-02T08-00Z_60m']
    >>> closed_windows(60, now + timedelta(minutes=30), 1, within=RECENTLY_CLOSED)
    []
    """
    closing = now - LATE_DATA_GRACE
    latest = open_window(minutes, closing)
    if closing - latest.start > within:
        return []
    return [Window(latest.start - n * latest.length, latest.length) for n in range(count, 0, -1)]


def checks_for_length(window_minutes: int, drift_window_minutes: int, length: timedelta) -> Checks:
    """The checks that run in a closed window of this length.

    Examples
    --------
    >>> [str(checks_for_length(60, drift, timedelta(minutes=m))) for drift, m in ((1440, 60), (1440, 1440), (60, 60))]
    ['hard', 'drift', 'all']
    """
    if window_minutes >= drift_window_minutes:
        return Checks.ALL
    return Checks.HARD if length <= timedelta(minutes=window_minutes) else Checks.DRIFT


def evaluate_closed_window(
    summary: Summary,
    baseline: Baseline,
    checks: Checks,
    length: timedelta,
    versions: Sequence[str] = (),
    critical: Collection[str] = (),
    day: DayComparison | None = None,
) -> tuple[Checks, Evaluation]:
    """Evaluate the summed parts of a closed window.

    Parameters
    ----------
    versions
        The model versions that served in the window. When there are several, drift is not evaluated.
    critical
        The features whose violations are always critical.
    day
        How a window of a day compares with the reference days, if they are known.

    Returns
    -------
    tuple
        The checks that ran, and their evaluation.
    """
    mixed = f"mixed: versions {' and '.join(versions)} served in this window, so" if len(versions) > 1 else ""
    if checks == Checks.DRIFT and (mixed or (baseline.statistics is None and day is None)):
        note = f"{mixed or 'the baseline has no statistics, so'} drift was not evaluated"
        return checks, Evaluation(verdict=Verdict.INSUFFICIENT_DATA, rows=summary.rows, notes=(note,))
    if mixed:
        checks = Checks.HARD
    evaluation = evaluate(summary, baseline, checks=checks, day=day, critical=critical, hours=length / HOUR)
    if not mixed:
        return checks, evaluation
    return checks, replace(evaluation, notes=(*evaluation.notes, f"{mixed} only the hard checks ran"))

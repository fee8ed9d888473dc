"""Which windows there are, and what is judged of each: the one place for these numbers.

| window                                      | judged                                              | checks |
|---------------------------------------------|-----------------------------------------------------|--------|
| closed, `window_minutes` long (an hour)     | once it has closed, and anew when late parts arrive | hard   |
| closed, `drift_window_minutes` long (a day) | the same                                            | drift  |
| closed, where both are equal                | the same                                            | all    |
| closed and empty                            | once: each is NoData; a person is told of the day   |        |
| open, `window_minutes` long                 | every five minutes                                  | hard   |

Drift has a window of its own because traffic has a daily rhythm: an hour of the night always differs from a baseline
of whole days (benchmarks/FALSE_ALARMS.md). A window closes five minutes after its end: SageMaker delivers capture files
within about two (aws-behaviour: capture-delay).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from chalicelib.constraints.evaluation import Baseline, Checks, Evaluation, Summary, evaluate

HOUR = timedelta(hours=1)
LATE_DATA_GRACE = timedelta(minutes=5)
RECENTLY_CLOSED = timedelta(minutes=9)  # two runs look at a window that has closed; later ones leave it to the sweep
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)  # windows are counted from here, so that a day's windows begin at midnight
Window = tuple[datetime, timedelta]  # start and length


def closed_windows(minutes: int, now: datetime, count: int, within: timedelta = timedelta.max) -> list[Window]:
    """The latest closed windows, oldest first; none when the latest of them closed longer ago than `within`.

    Examples
    --------
    >>> now = datetime(2026, 3, 2, 9, 7, tzinfo=UTC)
    >>> [f"{start:%H:%M}" for start, _ in closed_windows(60, now, 2)]
    ['07:00', '08:00']
    >>> closed_windows(60, now + timedelta(minutes=30), 1, within=RECENTLY_CLOSED)
    []
    """
    length = timedelta(minutes=minutes)
    end = now - LATE_DATA_GRACE
    end -= (end - EPOCH) % length
    if now - LATE_DATA_GRACE - end > within:
        return []
    return [(end - n * length, length) for n in range(count, 0, -1)]


def open_window(minutes: int, now: datetime) -> Window:
    """The window that goes on.

    Examples
    --------
    >>> start, length = open_window(60, datetime(2026, 3, 2, 9, 7, tzinfo=UTC))
    >>> f"{start:%H:%M}", str(length)
    ('09:00', '1:00:00')
    """
    length = timedelta(minutes=minutes)
    return now - (now - EPOCH) % length, length


def checks_for_length(window_minutes: int, drift_window_minutes: int, length: timedelta) -> Checks:
    """What is judged of a closed window of this length.

    Examples
    --------
    >>> [checks_for_length(60, drift, timedelta(minutes=m)) for drift, m in ((1440, 60), (1440, 1440), (60, 60))]
    ['hard', 'drift', 'all']
    """
    if window_minutes >= drift_window_minutes:
        return "all"
    return "hard" if length <= timedelta(minutes=window_minutes) else "drift"


def evaluate_closed_window(
    summary: Summary,
    baseline: Baseline,
    checks: Checks,
    length: timedelta,
    versions: Sequence[str] = (),
    critical: Collection[str] = (),
) -> tuple[Checks, Evaluation]:
    """Judge the sum of a closed window, and say what was judged; where two versions served, the hard checks alone."""
    mixed = f"mixed: versions {' and '.join(versions)} served in this window, so" if len(versions) > 1 else ""
    if checks == "drift" and (mixed or baseline.statistics is None):
        note = f"{mixed or 'the baseline has no statistics, so'} drift was not judged"
        return "drift", Evaluation(verdict="InsufficientData", rows=summary.rows, notes=(note,))
    if mixed:
        checks = "hard"
    evaluation = evaluate(summary, baseline, checks=checks, critical=critical, hours=length / HOUR)
    if not mixed:
        return checks, evaluation
    return checks, replace(evaluation, notes=(*evaluation.notes, f"{mixed} the hard checks alone were made"))

"""When a day of predictions is evaluated: twice, not at each file of labels.

Looking at every file and alerting at the first that shows three standard errors raises several times as many false
alarms as one look; and the first labels are seldom a fair sample.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.quality.settings import QualitySettings
from chalicelib.window import Window


def evaluation_times(day: Window, settings: QualitySettings) -> tuple[datetime, datetime]:
    """When the labels of a window of predictions are expected, and when no more are: `label_delay`, `label_limit`.

    Examples
    --------
    >>> from datetime import UTC
    >>> from chalicelib.quality.settings import ProblemType
    >>> day = Window(datetime(2026, 11, 1, tzinfo=UTC), timedelta(days=1))
    >>> settings = QualitySettings(problem_type=ProblemType.REGRESSION, label_delay_hours=48, label_limit_hours=720)
    >>> [f"{moment:%m-%d}" for moment in evaluation_times(day, settings)]
    ['11-04', '12-02']
    """
    delay, limit = settings.label_delay_hours, settings.label_limit_hours
    return day.end + timedelta(hours=delay), day.end + timedelta(hours=limit)


def is_due(day: Window, settings: QualitySettings, now: datetime, evaluated_at: datetime | None) -> bool:
    """Whether a window of predictions is to be evaluated now.

    Parameters
    ----------
    evaluated_at
        When it was last evaluated; None: never.

    Examples
    --------
    >>> from datetime import UTC
    >>> from chalicelib.quality.settings import ProblemType
    >>> day = Window(datetime(2026, 11, 1, tzinfo=UTC), timedelta(days=1))
    >>> settings = QualitySettings(problem_type=ProblemType.REGRESSION, label_delay_hours=48, label_limit_hours=720)
    >>> moments = [datetime(2026, month, day, tzinfo=UTC) for month, day in ((11, 3), (11, 5), (12, 3))]
    >>> [is_due(day, settings, moment, None) for moment in moments]
    [False, True, True]
    >>> [is_due(day, settings, moment, moments[1]) for moment in moments]
    [False, False, True]
    """
    passed = [moment for moment in evaluation_times(day, settings) if moment <= now]
    return bool(passed) and (evaluated_at is None or evaluated_at < passed[-1])

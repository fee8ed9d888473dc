"""When a day of predictions is evaluated: twice, not at each file of labels.

Looking at every file and alerting at the first that shows three standard errors raises several times as many false
alarms as one look; and the first labels are seldom a fair sample.

Each look has a moment, and only labels that were written before it count: so the same look always has the same labels,
whenever it is made.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib.quality.settings import QualitySettings
from chalicelib.window import DAY, Window, open_window

_DAY_MINUTES = DAY // timedelta(minutes=1)


class Look(NamedTuple):
    """One of the two evaluations of a day of predictions."""

    at: datetime  # labels that were written before count
    day: Window
    is_final: bool  # no more labels are expected


def is_ripe(day: Window, settings: QualitySettings, now: datetime) -> bool:
    """Whether the first look at a day is due, or was."""
    return day.end + timedelta(hours=settings.label_delay_hours) <= now


def looks(settings: QualitySettings, since: datetime, until: datetime) -> list[Look]:
    """The looks that fall due in (since, until], in order of time; one alone where delay and limit are the same.

    Examples
    --------
    >>> from datetime import UTC
    >>> from chalicelib.quality.settings import ProblemType
    >>> settings = QualitySettings(problem_type=ProblemType.REGRESSION, label_delay_hours=48, label_limit_hours=720)
    >>> moments = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)
    >>> [(f"{look.day.start:%m-%d}", look.is_final) for look in looks(settings, *moments)]
    [('11-01', True), ('11-29', False)]
    >>> looks(settings, moments[1], moments[1])
    []
    """
    delays = {timedelta(hours=settings.label_delay_hours): False, timedelta(hours=settings.label_limit_hours): True}
    found: list[Look] = []
    for delay, is_final in delays.items():
        day = open_window(_DAY_MINUTES, since - delay - DAY)
        while day.end + delay <= until:
            if day.end + delay > since:
                found.append(Look(day.end + delay, day, is_final))
            day = Window(day.end, DAY)
    return sorted(found)

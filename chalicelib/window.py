"""The time window that one execution evaluates, and where windows begin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LATE_DATA_GRACE = timedelta(minutes=5)  # a window closes so long after its end
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)  # windows are counted from here, so that a day's windows start at midnight
START_FORMAT = "%Y-%m-%dT%H-%MZ"  # of the folder name, which sorts by time


@dataclass(frozen=True, order=True, slots=True)
class Window:
    """A half-open time span [start, start + length), in UTC. Windows sort by start, then by length.

    Examples
    --------
    >>> window = Window(datetime(2026, 11, 22, 9, tzinfo=UTC), timedelta(hours=1))
    >>> f"{window.end:%H:%M}", window.contains(window.start), window.contains(window.end)
    ('10:00', True, False)
    >>> window.name
    '2026-11-22T09-00Z_60m'
    >>> Window.from_name(window.name) == window
    True
    """

    start: datetime
    length: timedelta

    @property
    def end(self) -> datetime:
        """The first moment after the window."""
        return self.start + self.length

    @property
    def name(self) -> str:
        """The folder name in S3: the start to the minute, and the length in minutes."""
        return f"{self.start:{START_FORMAT}}_{self.length // MINUTE}m"

    def contains(self, moment: datetime) -> bool:
        """Whether a moment lies in the window."""
        return self.start <= moment < self.end

    @classmethod
    def from_name(cls, text: str) -> Window | None:
        """The window with this folder name; None when the text is not exactly such a name.

        Examples
        --------
        >>> Window.from_name("2026-11-22T09-00Z_1440m").length
        datetime.timedelta(days=1)
        >>> [Window.from_name(text) for text in ("objects", "2026-11-22T09-00Z", "2026-11-22T9-00Z_60m")]
        [None, None, None]
        """
        start, _, minutes = text.partition("_")
        try:
            length = timedelta(minutes=int(minutes.removesuffix("m")))
            window = cls(datetime.strptime(start, START_FORMAT).replace(tzinfo=UTC), length)
        except (ValueError, OverflowError):
            return None
        return window if window.name == text else None


def open_window(minutes: int, now: datetime) -> Window:
    """The window of a length that contains `now`.

    Examples
    --------
    >>> open_window(60, datetime(2026, 3, 2, 9, 7, tzinfo=UTC)).name
    '2026-03-02T09-00Z_60m'
    """
    length = timedelta(minutes=minutes)
    return Window(now - (now - EPOCH) % length, length)


def day_of(time: datetime) -> Window:
    """The day, in UTC, that contains a time.

    Examples
    --------
    >>> day_of(datetime(2026, 3, 2, 9, 7, tzinfo=UTC)).name
    '2026-03-02T00-00Z_1440m'
    """
    return open_window(DAY // MINUTE, time)

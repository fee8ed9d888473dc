"""The captured hours of some files, as a strip: a gap in it is an hour without captures.

| captures                             | strip                                                    |
|--------------------------------------|----------------------------------------------------------|
| of at most MAX_SLOTS hours           | a slot for each hour, from the first to the last request |
| of more                              | a slot for each day, the last MAX_SLOTS of them          |
| a file of several hours              | counted in its first hour; the others are covered by it  |
| a file whose requests have no times  | counted apart                                            |
| none with times                      | no strip                                                 |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib.alerts.wording import counted, minute
from chalicelib.capture.summary import CaptureSummary
from chalicelib.window import DAY, HOUR

MAX_SLOTS = 96
_MAX_HOURS_OF_A_FILE = 24 * 31  # that are marked as covered


class Counts(NamedTuple):
    """What was captured in one hour or day."""

    requests: int = 0
    rows: int = 0
    rejected: int = 0  # lines
    covered: bool = False  # by a file that began before

    def __add__(self, other: Counts) -> Counts:  # type: ignore[override]
        return Counts(
            self.requests + other.requests,
            self.rows + other.rows,
            self.rejected + other.rejected,
            self.covered or other.covered,
        )

    @property
    def tone(self) -> str:
        """How a slot looks: captured, captured with lines that could not be read, or empty."""
        if self.rejected:
            return "poor"
        return "good" if self.requests or self.covered else "none"

    @property
    def words(self) -> str:
        """The counts in words."""
        if not self.requests and not self.rejected:
            return "in a file that began before" if self.covered else "nothing captured"
        rejected = f", {counted(self.rejected, 'line')} rejected" if self.rejected else ""
        return f"{counted(self.requests, 'request')}, {counted(self.rows, 'row')}{rejected}"


@dataclass
class CapturedHours:
    """The counts of each hour; files are added one by one."""

    hours: dict[datetime, Counts] = field(default_factory=dict)
    without_time: Counts = field(default_factory=Counts)

    def add(self, summary: CaptureSummary) -> None:
        """Count one file."""
        counts = Counts(summary.events, summary.rows, summary.rejected_lines)
        if summary.period is None:
            self.without_time += counts
            return
        first, last = (_floor(one, HOUR) for one in summary.period)
        self.hours[first] = self.hours.get(first, Counts()) + counts
        for number in range(1, min((last - first) // HOUR, _MAX_HOURS_OF_A_FILE) + 1):
            at = first + number * HOUR
            self.hours[at] = self.hours.get(at, Counts()) + Counts(covered=True)


class Slot(NamedTuple):
    """One hour or day of the strip."""

    at: str
    counts: Counts


class Strip(NamedTuple):
    """The strip, and how many of its slots have captures."""

    title: str
    slots: tuple[Slot, ...]
    note: str = ""


def captured_strip(captured: CapturedHours) -> Strip | None:
    """The strip of the captured hours; None when no request has a time.

    Examples
    --------
    >>> captured = CapturedHours()
    >>> captured.hours = {datetime(2026, 11, 22, hour): Counts(requests=1) for hour in (3, 5)}
    >>> strip = captured_strip(captured)
    >>> strip.title, [slot.counts.tone for slot in strip.slots]
    ('Captured in 2 of 3 hours', ['good', 'none', 'good'])
    """
    if not captured.hours:
        return None
    span = max(captured.hours) - min(captured.hours) + HOUR
    length = HOUR if span <= MAX_SLOTS * HOUR else DAY
    counts = captured.hours if length == HOUR else _by_day(captured.hours)
    last = max(counts)
    number = min((last - min(counts)) // length + 1, MAX_SLOTS)
    starts = [last - back * length for back in range(number - 1, -1, -1)]
    slots = tuple(
        Slot(minute(start) if length == HOUR else f"{start:%Y-%m-%d}", counts.get(start, Counts())) for start in starts
    )
    filled = sum(slot.counts.tone != "none" for slot in slots)
    unit = "hour" if length == HOUR else "day"
    title = f"Captured in {filled} of {counted(len(slots), unit)}"
    undated = captured.without_time.requests
    notes = [f"{counted(undated, 'request')} without a time"] if undated else []
    if earlier := len([one for one in counts if one < starts[0]]):
        notes.append(f"not shown: {counted(earlier, unit)} before")
    return Strip(title, slots, "; ".join(notes))


def _by_day(hours: Mapping[datetime, Counts]) -> dict[datetime, Counts]:
    days: dict[datetime, Counts] = {}
    for at, counts in hours.items():
        day = _floor(at, DAY)
        days[day] = days.get(day, Counts()) + counts
    return days


def _floor(moment: datetime, length: timedelta) -> datetime:
    start = moment.replace(minute=0, second=0, microsecond=0)
    return start if length == HOUR else start.replace(hour=0)

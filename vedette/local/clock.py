"""The time of the stand-in: it moves only when its owner turns it.

While a Cloud is entered, the whole process sees this time (time-machine replaces `time.time`, `datetime.now` and their
kin, for moto and for the handlers alike). `time.monotonic` and `time.perf_counter` go on as they are, so real
durations can be measured and waits with a timeout still end.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(order=True)
class Timer:
    """Something that will happen at a time."""

    when: datetime
    number: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Let it not happen."""
        self.cancelled = True


class Clock:
    """A clock and the things that are due on it.

    With `real_time` the process keeps its own time, and turning adds to the difference between the two: for functions
    that run in processes of their own, which a turned clock cannot reach.
    """

    def __init__(self, start: datetime = START, real_time: bool = False):
        self.real_time = real_time
        self._now = start.astimezone(UTC)
        self._ahead = timedelta()
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._travel: time_machine.travel | None = None
        self._traveller: Any = None

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return datetime.now(UTC) + self._ahead if self.real_time else self._now

    def at(self, when: datetime, action: Callable[[], None]) -> Timer:
        """Have something happen at a time."""
        timer = Timer(when, next(self._numbers), action)
        with self._lock:
            heapq.heappush(self._timers, timer)
        return timer

    def after(self, delay: timedelta, action: Callable[[], None]) -> Timer:
        """Have something happen after a while."""
        return self.at(self.now() + delay, action)

    def next_due(self) -> datetime | None:
        """The time of the next thing that will happen."""
        with self._lock:
            while self._timers and self._timers[0].cancelled:
                heapq.heappop(self._timers)
            return self._timers[0].when if self._timers else None

    def pop_due(self, until: datetime) -> Timer | None:
        """The next thing that happens no later than `until`."""
        due = self.next_due()
        if due is None or due > until:
            return None
        with self._lock:
            return heapq.heappop(self._timers)

    def move_to(self, when: datetime) -> None:
        """Turn the clock forward; it never goes back."""
        if when <= self.now():
            return
        if self.real_time:
            self._ahead = when - datetime.now(UTC)
            return
        self._now = when
        if self._traveller is not None:
            self._traveller.move_to(when)

    def __enter__(self) -> Clock:
        if not self.real_time:
            self._travel = time_machine.travel(self._now, tick=False)
            self._traveller = self._travel.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._travel is not None:
            self._travel.stop()
            self._travel = self._traveller = None

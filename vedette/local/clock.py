"""The simulated clock, which moves only when the simulator advances it.

While a Cloud is entered, the whole process sees this time (time-machine replaces `time.time`, `datetime.now` and
similar functions, for moto and for the handlers). `time.monotonic` and `time.perf_counter` keep real time, so that
durations can be measured and timeouts expire.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(order=True)
class Timer:
    """An action that is scheduled for a time."""

    when: datetime
    number: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Cancel the action."""
        self.cancelled = True


class Clock:
    """A clock and its scheduled actions.

    With `real_time`, the process keeps real time, and advancing the clock adds to an offset. This is for functions that
    run in other processes, whose clocks the simulator cannot change.
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
        """The current time, in UTC with time zone."""
        return datetime.now(UTC) + self._ahead if self.real_time else self._now

    def at(self, when: datetime, action: Callable[[], None]) -> Timer:
        """Schedule an action for a time."""
        timer = Timer(when, next(self._numbers), action)
        with self._lock:
            heapq.heappush(self._timers, timer)
        return timer

    def after(self, delay: timedelta, action: Callable[[], None]) -> Timer:
        """Schedule an action after a delay."""
        return self.at(self.now() + delay, action)

    def next_due(self) -> datetime | None:
        """The time of the next action; None if there is none."""
        with self._lock:
            while self._timers and self._timers[0].cancelled:
                heapq.heappop(self._timers)
            return self._timers[0].when if self._timers else None

    def pop_due(self, until: datetime) -> Timer | None:
        """Remove and return the next action that is due by `until`, if any."""
        due = self.next_due()
        if due is None or due > until:
            return None
        with self._lock:
            return heapq.heappop(self._timers)

    def move_to(self, when: datetime) -> None:
        """Advance the clock to a time; an earlier time has no effect."""
        if when <= self.now():
            return
        if self.real_time:
            self._ahead = when - datetime.now(UTC)
            return
        self._now = when
        if self._traveller is not None:
            self._traveller.move_to(when)

    @contextmanager
    def skewed(self, by: timedelta) -> Iterator[None]:
        """The process sees a time that is ahead or behind, as on a machine whose clock is wrong; nothing becomes due.

        Without effect with `real_time`.
        """
        if self._traveller is not None:
            self._traveller.move_to(self._now + by)
        try:
            yield
        finally:
            if self._traveller is not None:
                self._traveller.move_to(self._now)

    def __enter__(self) -> Clock:
        if not self.real_time:
            self._travel = time_machine.travel(self._now, tick=False)
            self._traveller = self._travel.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._travel is not None:
            self._travel.stop()
            self._travel = self._traveller = None

"""The event bus and Lambda's asynchronous queue.

An event that matches a function's rule is queued for it; a failed attempt is retried after one minute, and then
after two more minutes; after the third failure the event is dropped (aws-behaviour: lambda-retries). All
of this happens in simulated time, in the thread that advances the clock.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from vedette.local.clock import Clock
from vedette.local.functions import Backend, Function, FunctionError
from vedette.local.ids import Ids

RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=2))

Event = dict[str, Any]


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver one event to one function."""

    time: datetime
    event_id: str
    function: str
    attempt: int
    outcome: str  # ok, failed or dropped
    seconds: float
    error: str | None = None
    answer: Any = None


@dataclass(frozen=True)
class Failed:
    """An event that failed all attempts, with the error of each attempt."""

    function: str
    event: Event
    errors: tuple[FunctionError, ...]


@dataclass
class _Queued:
    function: Function
    event: Event
    due: datetime
    request_id: str
    attempt: int = 1
    errors: tuple[FunctionError, ...] = ()


@dataclass
class Bus:
    """Routes events to functions; repeats, reorders, delays and drops them on request."""

    clock: Clock
    ids: Ids
    functions: list[Function] = field(default_factory=list)
    backend: Backend | None = None
    events: list[Event] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    listeners: list[Callable[[Event], None]] = field(default_factory=list)
    max_deliveries: int = (
        10_000  # deliveries at one simulated time; more means that functions trigger each other in a loop
    )
    _queue: list[_Queued] = field(default_factory=list)
    _copies: int = 1
    _shuffle: random.Random | None = None
    _dropped: Callable[[Event, str], bool] | None = None
    _delay: Callable[[Event, str], timedelta] | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def duplicate(self, copies: int) -> None:
        """Deliver every event `copies` times (1 is normal)."""
        self._copies = copies

    def reorder(self, seed: int | None) -> None:
        """Deliver due events in shuffled order; None restores the order of arrival."""
        self._shuffle = None if seed is None else random.Random(seed)  # noqa: S311

    def drop(self, predicate: Callable[[Event, str], bool] | None) -> None:
        """Lose the events for which `predicate(event, function name)` holds."""
        self._dropped = predicate

    def delay(self, by: timedelta | Callable[[Event, str], timedelta] | None) -> None:
        """Deliver events later: by a fixed time, or by `by(event, function name)`."""
        self._delay = (lambda event, function: by) if isinstance(by, timedelta) else by

    def clear_disturbances(self) -> None:
        """Stop duplicating, shuffling, dropping and delaying events."""
        self._copies, self._shuffle, self._dropped, self._delay = 1, None, None, None

    def put(self, event: Event) -> None:
        """Queue an event for every function whose rule matches."""
        with self._lock:
            self.events.append(event)
            matching = [function for function in self.functions if function.listens_to(event)]
        for function in matching:
            self.queue(function, event)
        for listener in self.listeners:
            listener(event)

    def queue(self, function: Function, event: Event) -> None:
        """Add an event to a function's asynchronous queue."""
        with self._lock:
            now = self.clock.now()
            if self._dropped is not None and self._dropped(event, function.name):
                self._record(now, function, event, 1, "dropped", 0.0)
                return
            due = now + self._delay(event, function.name) if self._delay else now
            self._queue += [_Queued(function, event, due, self.ids.uuid()) for _ in range(self._copies)]

    def next_due(self) -> datetime | None:
        """When the next delivery is due."""
        with self._lock:
            return min((queued.due for queued in self._queue), default=None)

    @property
    def waiting(self) -> int:
        """The number of queued deliveries, due or not."""
        return len(self._queue)

    def deliver_due(self) -> int:
        """Attempt all due deliveries, including those that they cause; returns the number of attempts."""
        attempts = 0
        while (queued := self._next()) is not None:
            self._attempt(queued)
            attempts += 1
            if attempts > self.max_deliveries:
                raise RuntimeError(
                    f"{self.max_deliveries} deliveries without the clock moving, the last to {queued.function.name}: "
                    "the functions trigger each other in a loop."
                )
        return attempts

    def _next(self) -> _Queued | None:
        with self._lock:
            now = self.clock.now()
            due = [queued for queued in self._queue if queued.due <= now]
            if not due or self.backend is None:
                return None
            chosen = self._shuffle.choice(due) if self._shuffle else min(due, key=lambda queued: queued.due)
            self._queue.remove(chosen)
            return chosen

    def _attempt(self, queued: _Queued) -> None:
        assert self.backend is not None  # noqa: S101 - _next returns None without a backend
        began, started = self.clock.now(), time.perf_counter()
        try:
            answer = self.backend.invoke(queued.function, queued.event, queued.request_id)
        except FunctionError as error:
            seconds = time.perf_counter() - started
            self._record(began, queued.function, queued.event, queued.attempt, "failed", seconds, str(error))
            self._retry(queued, error)
            return
        seconds = time.perf_counter() - started
        self._record(began, queued.function, queued.event, queued.attempt, "ok", seconds, answer=answer)

    def _retry(self, queued: _Queued, error: FunctionError) -> None:
        errors = (*queued.errors, error)
        with self._lock:
            if queued.attempt > len(RETRY_AFTER):
                self.failed.append(Failed(queued.function.name, queued.event, errors))
                return
            due = self.clock.now() + RETRY_AFTER[queued.attempt - 1]
            again = _Queued(queued.function, queued.event, due, queued.request_id, queued.attempt + 1, errors)
            self._queue.append(again)

    def _record(
        self,
        when: datetime,
        function: Function,
        event: Mapping[str, Any],
        attempt: int,
        outcome: str,
        seconds: float,
        error: str | None = None,
        answer: Any = None,
    ) -> None:
        event_id = str(event.get("id", "")) if isinstance(event, Mapping) else ""
        delivery = Delivery(when, event_id, function.name, attempt, outcome, seconds, error, answer)
        with self._lock:
            self.deliveries.append(delivery)

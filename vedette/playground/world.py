"""The world of one `vedette local`: its requests, its time and its functions, one at a time.

Simulated time passes like real time, and `turn` adds to it. Before a request, everything that became due happens. So
what a request finds depends on the requests before it and on their times alone: a restart that handles them again at
these times makes the same account.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from vedette.local.http_messages import Request, Response
from vedette.local.operations import operation_of
from vedette.playground import controls
from vedette.playground.account import Account
from vedette.playground.client import PREFIX
from vedette.playground.journal import Entry, Journal

_READS = ("Get", "List", "Describe", "Head", "Query", "Scan", "BatchGet", "Lookup", "Search", "Filter", "Simulate")


@dataclass
class World:
    """An account and its time. Every method may be called by any thread."""

    account: Account
    journal: Journal
    _zero: datetime = field(init=False)  # the account's time when the process's monotonic clock was 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._resume_time()

    def handle(self, request: Request) -> Response:
        """Answer a request now, and record it if it may change the account."""
        with self._lock:
            self._advance()
            at = self.account.cloud.clock.now()
            response = self._respond(request)
            if _may_change(request):
                self.journal.add(Entry(at, request, response.status))
            return response

    def pass_time(self) -> None:
        """Let everything happen that became due; to be called every second or so."""
        with self._lock:
            self._advance()

    def turn(self, by: timedelta) -> None:
        """Advance the account's time; real time does not count meanwhile."""
        with self._lock:
            self.account.cloud.turn(seconds=by.total_seconds())
            self._resume_time()

    def restore(self) -> list[Entry]:
        """Handle the requests of the journal again, at their times; returns those that had another result."""
        different = []
        for entry in self.journal.entries:
            self.account.cloud.turn(to=entry.at)
            if self._respond(entry.request).status != entry.status:
                different.append(entry)
        self._resume_time()
        return different

    def close(self) -> None:
        """Record the time that was reached, and close the journal."""
        with self._lock:
            self._advance()
            reached = Request("POST", "", f"{PREFIX}turn", "", {}, json.dumps({"seconds": 0}).encode())
            self.journal.add(Entry(self.account.cloud.clock.now(), reached, 200))
            self.journal.close()

    def _respond(self, request: Request) -> Response:
        if controls.is_own(request):
            return controls.respond(self, request)
        return self.account.cloud.router.handle(request)

    def _advance(self) -> None:
        self.account.cloud.turn(to=self._zero + _monotonic())

    def _resume_time(self) -> None:
        self._zero = self.account.cloud.clock.now() - _monotonic()


def _monotonic() -> timedelta:
    """Real time: the simulated clock leaves this one alone."""
    return timedelta(seconds=time.monotonic())


def _may_change(request: Request) -> bool:
    if controls.is_own(request):
        return request.method == "POST"
    name = operation_of(request).name
    return not name.startswith(_READS) if name else request.method not in {"GET", "HEAD", "OPTIONS"}

"""What a warm process read moments ago."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

MAX_AGE = timedelta(seconds=30)
MAX_KEPT = 20  # the fleet, and baselines; one of 500 features takes a few MB
T = TypeVar("T")


class RecentReads:
    """Values by key, each used again for up to MAX_AGE: a function that runs for every captured object reads them once.

    A change is seen up to MAX_AGE late.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[datetime, Any]] = {}

    def get(self, key: str, read: Callable[[], T]) -> T:
        """The value that was read under a key, or what `read` returns now."""
        now = datetime.now(UTC)
        if key in self._kept:
            read_at, value = self._kept.pop(key)
            if timedelta(0) <= now - read_at < MAX_AGE:
                self._kept[key] = read_at, value
                return value  # type: ignore[no-any-return]
        value = read()
        self._kept[key] = now, value
        if len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]  # the one that was used longest ago
        return value

"""What the results files have in common: the machine, figures with their spread, and levels that are reached or missed.

Nothing here is written by hand: every sentence follows from the figures of the run.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple


class Level(NamedTuple):
    """A figure that was measured in every round, and the limit for its median.

    Examples
    --------
    >>> fast = Level("wide: times a notebook", (8.1, 8.6, 9.4), floor=7, goal=10)
    >>> fast.row()
    '| wide: times a notebook | at least 7 | 10 | 8.6 (8.1 to 9.4) | reached |'
    >>> sentence([fast, fast._replace(what="its memory", floor=9)])
    'Missed, 1 of 2 levels: its memory.'
    >>> sentence([fast, Level("seconds", (0.9, 1.0), floor=2, at_most=True)])
    'All 2 levels are reached.'
    """

    what: str
    rounds: Sequence[float]
    floor: float
    goal: float | None = None
    at_most: bool = False

    @property
    def median(self) -> float:
        """The figure that counts."""
        return statistics.median(self.rounds)

    @property
    def reached(self) -> bool:
        """Whether the median keeps the limit."""
        return self.median <= self.floor if self.at_most else self.median >= self.floor

    def row(self) -> str:
        """A row of the table."""
        limit = f"{'at most' if self.at_most else 'at least'} {self.floor:g}"
        goal = "" if self.goal is None else f"{self.goal:g}"
        return f"| {self.what} | {limit} | {goal} | {spread(self.rounds)} | {'reached' if self.reached else 'MISSED'} |"


def table(levels: Sequence[Level]) -> list[str]:
    """The levels as a table, and below it which were missed."""
    header = ["| what | level | goal | median (lowest to highest round) | |", "|---|---|---|---|---|"]
    return [*header, *(level.row() for level in levels), "", sentence(levels), ""]


def sentence(levels: Sequence[Level]) -> str:
    """Which levels were missed, by name."""
    missed = [level.what for level in levels if not level.reached]
    if not missed:
        return f"All {len(levels)} levels are reached."
    return f"Missed, {len(missed)} of {len(levels)} levels: {'; '.join(missed)}."


def spread(rounds: Sequence[float]) -> str:
    """The median, and the lowest and highest round.

    Examples
    --------
    >>> spread([0.123, 0.119, 0.2]), spread([7.0])
    ('0.123 (0.119 to 0.2)', '7')
    """
    low, middle, high = (f"{value:.3g}" for value in (min(rounds), statistics.median(rounds), max(rounds)))
    return middle if low == high else f"{middle} ({low} to {high})"


def machine() -> str:
    """The machine, its load and the day."""
    model = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = (row.split(":", 1)[1].strip() for row in info.read_text().splitlines() if "model name" in row)
        model = next(found, model)
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {system}; load {load}, {datetime.now(UTC):%Y-%m-%d}"

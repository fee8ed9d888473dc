"""Which captured objects are read when reading all of them would cost more than a person allows.

| input                                         | answer                                                |
|-----------------------------------------------|-------------------------------------------------------|
| objects an hour (mean of a day) and a ceiling | the share whose month costs the ceiling               |
| a ceiling that even skipping would exceed     | the least share: TOLERABLE objects an hour            |
| an object's key and a share                   | read, or not: for the same key always the same answer |

What an object costs is counted on the stand-in (`vedette cost` shows how, tests/operations/test_cost.py holds it).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from msgspec import Struct

HOURS_PER_MONTH = 730
HOURS_OF_A_DAY = 24
TOLERABLE = 20  # objects an hour, so that no window stays empty by chance: e^-20
ENDPOINT_USD = 2.2  # a month of looking at an endpoint, whether anything is captured or not
OBJECT_USD = 25e-6  # reading one object: requests, and seconds of the function
SKIPPED_USD = 5e-6  # leaving one out: its event, the function's start, three reads


class Step(Struct, frozen=True, kw_only=True):
    """From when on which share of the objects is read."""

    since: datetime
    share: float


def share(objects_per_hour: float, ceiling_usd: float) -> float:
    """The share of the objects that can be read below a monthly ceiling.

    730 n (s c_read + (1 - s) c_skipped) + c_endpoint <= ceiling, solved for s.

    Examples
    --------
    >>> share(60, 20.0), share(10_000, 100.0), share(10_000, 1.0)
    (1.0, 0.419863, 0.002)
    """
    if objects_per_hour <= TOLERABLE:
        return 1.0
    each = (ceiling_usd - ENDPOINT_USD) / HOURS_PER_MONTH / objects_per_hour
    found = (each - SKIPPED_USD) / (OBJECT_USD - SKIPPED_USD)
    return min(1.0, max(round(found, 6), TOLERABLE / objects_per_hour))


def is_sampled(key: str, share: float) -> bool:
    """Whether the object under this key is among the share that is read.

    Examples
    --------
    >>> is_sampled("a", 1.0), is_sampled("a", 0.0), is_sampled("a", 0.5) == is_sampled("a", 0.5)
    (True, False, True)
    """
    drawn = int.from_bytes(hashlib.sha256(key.encode(errors="surrogatepass")).digest()[:8])
    return drawn < share * 2**64


def share_at(steps: Sequence[Step], time: datetime) -> float:
    """The share of the objects begun at a time; all of them before the first step."""
    return next((step.share for step in reversed(steps) if step.since <= time), 1.0)


def mean_share(steps: Sequence[Step], start: datetime, end: datetime) -> float:
    """The share over [start, end), weighted by time.

    Examples
    --------
    >>> nine, ten, eleven = (datetime(2026, 11, 22, hour) for hour in (9, 10, 11))
    >>> mean_share([Step(since=ten, share=0.5)], nine, eleven)
    0.75
    """
    edges = [start, *(step.since for step in steps if start < step.since < end), end]
    parts = [(later - earlier) * share_at(steps, earlier) for earlier, later in pairwise(edges)]
    return sum(part.total_seconds() for part in parts) / (end - start).total_seconds()

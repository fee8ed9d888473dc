"""What is stored of captured data: parts and their sums.

Apart from `records`, because a summary needs numpy: functions that read no captures start without it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from chalicelib.capture.summary import CaptureSummary
from chalicelib.records import Record


class Part(Record, frozen=True, kw_only=True):
    """What one capture object held. Immutable; a window is the sum of its parts' summaries."""

    endpoint: str
    variant: str
    bucket: str
    key: str
    etag: str
    size: int
    begun: datetime  # the minute in the object's key, which decides the window
    summary: CaptureSummary
    # The hard checks ran on this object alone ...
    evaluated: bool = msgspec.field(default=False, name="judged")
    violated: bool = False  # ... and found something: an execution is stored before the part


class RollUp(Record, frozen=True, kw_only=True):
    """The sum of named parts, all begun in [start, end). Immutable: a part that came later is not in it."""

    endpoint: str
    variant: str
    start: datetime
    end: datetime
    parts: tuple[str, ...]  # keys
    summary: CaptureSummary

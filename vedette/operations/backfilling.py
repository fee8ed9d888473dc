"""Make the parts of captures that were there before Vedette was: the same function and keys as the Lambda's.

Objects that have a part are skipped, so that a run that was cut short is run again. Nothing is announced: the parts
say that they were not judged by themselves. What was begun within the sweep's look back is left to the sweep, which
judges it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from chalicelib.aws import store
from chalicelib.events import DataCaptured
from chalicelib.handlers import data_captured, forgotten
from chalicelib.handlers.sweep import LOOK_BACK
from chalicelib.records import FleetEntry


class Waiting(msgspec.Struct, frozen=True):
    """What lies at a source without a part."""

    objects: tuple[DataCaptured, ...]
    have: int  # objects of the same time that have one

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(captured.size for captured in self.objects)


def waiting(entry: FleetEntry, since: datetime, now: datetime) -> Waiting:
    """The capture objects begun in [since, two hours ago) that have no part, the earliest first."""
    until = max(since, now - LOOK_BACK)
    found: list[Iterator[DataCaptured]] = []
    have = 0
    for variant in sorted(forgotten.captured_variants(entry)):
        parts = store.part_times(entry.endpoint, variant, since, until)
        have += len(parts)
        found.append(forgotten.without_part(entry, variant, since, until, parts))
    return Waiting(tuple(forgotten.in_order_of_time(*found)), have)


def make(captured: DataCaptured, entry: FleetEntry) -> data_captured.Summarized | str:
    """The part of one object; words when there is nothing to make it of."""
    return data_captured.summarized(captured, entry, None)

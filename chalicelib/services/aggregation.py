"""Adds up the parts of a window, each read once; where there are many, five minutes at a time.

| input                                                               | outcome                                       |
|---------------------------------------------------------------------|-----------------------------------------------|
| five minutes that ended LATE_DATA_GRACE ago, ROLLUP_MIN_PARTS parts | one roll-up, written once, naming its parts   |
| the same again, or two invocations at once                          | the first roll-up stays                       |
| fewer parts                                                         | no roll-up: reading the parts is as cheap     |
| a window                                                            | its roll-ups, and the parts in none of them   |
| a part later than its roll-up                                       | read by itself                                |
| a roll-up with a part that the window does not have                 | skipped; its parts are read                   |
| the roll-ups of a window                                            | read by name where many parts are: no listing |
| an execution                                                        | the sum of what its record names              |
| ... that names not every part: there were too many                  | of the parts that its window has, if the same |

Twelve roll-ups stand for an hour of 10,000 parts, so that the window's verdict reads a dozen objects, not 10,000.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from chalicelib import locations
from chalicelib.capture.summary import CaptureSummary
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, Stores
from chalicelib.errors import NotReady
from chalicelib.locations import ROLLUP_LENGTH
from chalicelib.parts import Part, RollUp
from chalicelib.records import Execution
from chalicelib.window import LATE_DATA_GRACE

SLOTS_EXAMINED = 3  # five-minute slots, so that a run that failed is made up for
ROLLUP_MIN_PARTS = 20
PARTS_BETWEEN_CLOCK_READS = 100


@dataclass(frozen=True)
class WindowSum:
    """The sum of a window's parts, and what was added up."""

    summary: CaptureSummary
    rollups: tuple[str, ...] = ()  # keys
    parts: tuple[str, ...] = ()  # keys of the parts outside the roll-ups
    all_parts: tuple[str, ...] = ()  # keys, in order

    @classmethod
    def empty(cls) -> WindowSum:
        """A window without parts."""
        return cls(CaptureSummary())


def window_sum(run: EndpointRun, variant: str, keys: tuple[str, ...]) -> WindowSum:
    """The sum of the parts with these keys, which are in order.

    Raises
    ------
    NotReady
        When the deadline would come before the verdict: an error that says where is better than being killed.
    """
    rollups: list[str] = []
    outside = dict.fromkeys(keys)

    def pieces() -> Iterator[RollUp | Part]:
        for piece in rollups_and_parts(run.stores, run.endpoint, variant, keys):
            if isinstance(piece, RollUp):
                rollups.append(locations.rollup(run.endpoint, variant, piece.start))
                for key in piece.parts:
                    del outside[key]
            yield piece

    summary = _total(run, pieces(), keys)
    return WindowSum(summary, tuple(rollups), tuple(outside), keys)


def execution_summary(run: EndpointRun, execution: Execution) -> CaptureSummary | None:
    """The sum that an execution evaluated; None when it does not name all of its parts, and others have come since.

    Raises
    ------
    NotReady
        As `window_sum`.
    """
    parts = run.stores.parts
    rollups = list(parts.read_rollups(execution.rollups))
    named = sum(len(rollup.parts) for rollup in rollups) + len(execution.parts)
    if named >= execution.part_count:
        return _total(run, chain(rollups, parts.read(execution.parts)), execution.parts)
    keys = parts.keys(run.endpoint, execution.variant, execution.window_start, execution.window_end)
    return window_sum(run, execution.variant, keys).summary if execution.used(keys) else None


def _total(run: EndpointRun, pieces: Iterable[RollUp | Part], keys: tuple[str, ...]) -> CaptureSummary:
    def in_time() -> Iterator[CaptureSummary]:
        for number, piece in enumerate(pieces):
            if number % PARTS_BETWEEN_CLOCK_READS == 0 and not run.deadline.has_left(Deadline.VERDICT):
                since = f" since {locations.part_begun(keys[0]):%Y-%m-%d %H:%M}" if keys else ""
                raise NotReady(f"{run.endpoint}: the parts{since} take longer to add up than a run has.")
            yield piece.summary

    return CaptureSummary.total(in_time())


def rollups_and_parts(stores: Stores, endpoint: str, variant: str, keys: tuple[str, ...]) -> Iterator[RollUp | Part]:
    """The roll-ups and single parts that hold the parts with these keys, each once."""
    wanted = dict.fromkeys(keys)
    for rollup in stores.parts.rollups(endpoint, variant, slots_with_many_parts(keys)):
        if all(key in wanted for key in rollup.parts):
            for key in rollup.parts:
                del wanted[key]
            yield rollup
    yield from stores.parts.read(wanted)


def slots_with_many_parts(keys: Iterable[str]) -> dict[datetime, tuple[str, ...]]:
    """The slots with ROLLUP_MIN_PARTS of these parts, and their keys: no other has a roll-up."""
    slots: dict[datetime, list[str]] = {}
    for key in keys:
        slots.setdefault(locations.five_minute_slot(locations.part_begun(key)), []).append(key)
    return {begin: tuple(found) for begin, found in slots.items() if len(found) >= ROLLUP_MIN_PARTS}


def first_slot(now: datetime) -> datetime:
    """When the earliest of the slots begins that are rolled up now."""
    return locations.five_minute_slot(now - LATE_DATA_GRACE) - SLOTS_EXAMINED * ROLLUP_LENGTH


def roll_up(run: EndpointRun, variant: str, keys: Iterable[str]) -> int:
    """Write the roll-ups of the slots that have just ended; how many were written.

    `keys` are those of the parts since the first slot.
    """
    start, end = first_slot(run.now), locations.five_minute_slot(run.now - LATE_DATA_GRACE)
    ended = (key for key in keys if start <= locations.part_begun(key) < end)
    return sum(
        write_rollup(run, variant, begin, slot_keys, run.stores.parts.read(slot_keys))
        for begin, slot_keys in slots_with_many_parts(ended).items()
        if not run.stores.parts.has_rollup(run.endpoint, variant, begin)
    )


def write_rollup(run: EndpointRun, variant: str, begin: datetime, keys: tuple[str, ...], parts: Iterable[Part]) -> bool:
    """Write the roll-up of the five minutes that begin at a time, of the parts with these keys; False if it exists."""
    rollup = RollUp(
        endpoint=run.endpoint,
        variant=variant,
        start=begin,
        end=begin + ROLLUP_LENGTH,
        parts=keys,
        summary=CaptureSummary.total(part.summary for part in parts),
    )
    return run.stores.parts.put_rollup(rollup)

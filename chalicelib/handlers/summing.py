"""SUMMED: the parts of a window are added up, each read once; where they are many, five minutes at a time.

| input                                                     | answer                                              |
|-----------------------------------------------------------|-----------------------------------------------------|
| five minutes that ended at least GRACE ago, MANY parts    | one roll-up, written once, which names its parts    |
| the same again, or two invocations at once                | the first roll-up stays (sketches are randomized)   |
| fewer parts                                               | no roll-up: reading them is as cheap                |
| a window                                                  | its roll-ups, and the parts that none of them names |
| a part later than its roll-up                             | read by itself                                      |
| a roll-up with a part that the window does not ask for    | left; its parts are read                            |

Twelve roll-ups stand for an hour of 10,000 parts, so that the window's verdict reads a dozen objects, not 10,000.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from chalicelib import locations
from chalicelib.aws import store
from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.windows import GRACE
from chalicelib.errors import NotReady
from chalicelib.parts import Part, RollUp

SLOT = locations.ROLL_UP
LOOK_BACK = 3  # slots, so that a run that failed is made up for
MANY = 20
LAST_MILLISECONDS = 20_000  # what the verdict itself may take


def window_summary(
    endpoint: str, variant: str, start: datetime, end: datetime, keys: tuple[str, ...], remaining: Callable[[], int]
) -> CaptureSummary:
    """The sum of the parts named by their keys, all begun in [start, end).

    Raises
    ------
    NotReady
        When fewer than LAST_MILLISECONDS `remaining`: better said than killed.
    """

    def in_time() -> Iterator[CaptureSummary]:
        for number, piece in enumerate(pieces(endpoint, variant, start, end, keys)):
            if number % 100 == 0 and remaining() < LAST_MILLISECONDS:
                raise NotReady(
                    f"{endpoint}: {len(keys)} parts since {start:%Y-%m-%d %H:%M} took longer than a run has."
                )
            yield piece.summary

    return CaptureSummary.total(in_time())


def pieces(
    endpoint: str, variant: str, start: datetime, end: datetime, keys: tuple[str, ...]
) -> Iterator[RollUp | Part]:
    """The roll-ups and single parts that the parts named by their keys lie in, each of these once."""
    wanted = dict.fromkeys(keys)
    if len(wanted) >= MANY:
        for rolled in store.roll_ups(endpoint, variant, start, end):
            if all(key in wanted for key in rolled.parts):
                for key in rolled.parts:
                    del wanted[key]
                yield rolled
    yield from store.parts(wanted)


def first_slot(now: datetime) -> datetime:
    """When the earliest of the slots begins that are rolled up now."""
    return locations.slot(now - GRACE) - LOOK_BACK * SLOT


def roll_up(endpoint: str, variant: str, now: datetime, parts: Iterable[str] | None = None) -> int:
    """Write the roll-ups of the slots that have just ended; how many were written.

    `parts` are the keys since the first slot, where they have been listed already.
    """
    start, end = first_slot(now), locations.slot(now - GRACE)
    listed = store.part_keys(endpoint, variant, start, end) if parts is None else parts
    by_slot: dict[datetime, list[str]] = {}
    for key in (key for key in listed if start <= locations.part_begun(key) < end):
        by_slot.setdefault(locations.slot(locations.part_begun(key)), []).append(key)
    many = {begin: tuple(keys) for begin, keys in by_slot.items() if len(keys) >= MANY}
    if not many:
        return 0
    known = store.roll_up_starts(endpoint, variant, start, end)
    written = 0
    for begin, keys in many.items():
        if begin not in known:
            summary = CaptureSummary.total(part.summary for part in store.parts(keys))
            rolled = RollUp(
                endpoint=endpoint, variant=variant, start=begin, end=begin + SLOT, parts=keys, summary=summary
            )
            written += store.put_roll_up(rolled)
    return written

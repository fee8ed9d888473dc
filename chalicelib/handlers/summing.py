"""SUMMED: the parts of a window are added up, each read once; where they are many, five minutes at a time.

| input                                                     | answer                                              |
|-----------------------------------------------------------|-----------------------------------------------------|
| five minutes that ended at least GRACE ago, MANY parts    | one roll-up, written once, which names its parts    |
| the same again, or two invocations at once                | the first roll-up stays (sketches are randomized)   |
| fewer parts                                               | no roll-up: reading them is as cheap                |
| a window                                                  | its roll-ups, and the parts that none of them names |
| a part later than its roll-up                             | read by itself                                      |
| a roll-up with a part that the window does not ask for    | left; its parts are read                            |
| the roll-ups of a window                                  | asked for by name, where MANY parts are: no listing |

Twelve roll-ups stand for an hour of 10,000 parts, so that the window's verdict reads a dozen objects, not 10,000.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from chalicelib import locations
from chalicelib.aws import store
from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.windows import LATE_DATA_GRACE
from chalicelib.errors import NotReady
from chalicelib.parts import Part, RollUp

SLOT = locations.ROLL_UP
LOOK_BACK = 3  # slots, so that a run that failed is made up for
MANY = 20
LAST_MILLISECONDS = 20_000  # what the verdict itself may take


def window_summary(endpoint: str, variant: str, keys: tuple[str, ...], remaining: Callable[[], int]) -> CaptureSummary:
    """The sum of the parts named by their keys, in order.

    Raises
    ------
    NotReady
        When fewer than LAST_MILLISECONDS `remaining`: better said than killed.
    """

    def in_time() -> Iterator[CaptureSummary]:
        for number, piece in enumerate(pieces(endpoint, variant, keys)):
            if number % 100 == 0 and remaining() < LAST_MILLISECONDS:
                since = locations.part_begun(keys[0])
                raise NotReady(
                    f"{endpoint}: {len(keys)} parts since {since:%Y-%m-%d %H:%M} take longer than a run has."
                )
            yield piece.summary

    return CaptureSummary.total(in_time())


def pieces(endpoint: str, variant: str, keys: tuple[str, ...]) -> Iterator[RollUp | Part]:
    """The roll-ups and single parts that the parts named by their keys lie in, each of these once."""
    wanted = dict.fromkeys(keys)
    for rolled in store.roll_ups(endpoint, variant, _crowded(keys)):
        if all(key in wanted for key in rolled.parts):
            for key in rolled.parts:
                del wanted[key]
            yield rolled
    yield from store.parts(wanted)


def _crowded(keys: Iterable[str]) -> dict[datetime, tuple[str, ...]]:
    """The slots that have MANY of these parts, and these: no other has a roll-up, so that none need be listed."""
    slots: dict[datetime, list[str]] = {}
    for key in keys:
        slots.setdefault(locations.slot(locations.part_begun(key)), []).append(key)
    return {begin: tuple(found) for begin, found in slots.items() if len(found) >= MANY}


def first_slot(now: datetime) -> datetime:
    """When the earliest of the slots begins that are rolled up now."""
    return locations.slot(now - LATE_DATA_GRACE) - LOOK_BACK * SLOT


def roll_up(endpoint: str, variant: str, now: datetime, parts: Iterable[str] | None = None) -> int:
    """Write the roll-ups of the slots that have just ended; how many were written.

    `parts` are the keys since the first slot, where they have been listed already.
    """
    start, end = first_slot(now), locations.slot(now - LATE_DATA_GRACE)
    listed = store.part_keys(endpoint, variant, start, end) if parts is None else parts
    ended = (key for key in listed if start <= locations.part_begun(key) < end)
    written = 0
    for begin, keys in _crowded(ended).items():
        if not store.is_rolled_up(endpoint, variant, begin):
            summary = CaptureSummary.total(part.summary for part in store.parts(keys))
            rolled = RollUp(
                endpoint=endpoint, variant=variant, start=begin, end=begin + SLOT, parts=keys, summary=summary
            )
            written += store.put_roll_up(rolled)
    return written

"""Which of some hashed ids a day of predictions may hold: a Bloom filter, so that a label part is joined to few days.

Ids are hashes already, so the k places of an id come from two halves of it (Kirsch, Mitzenmacher 2008): the place i is
(a + i b) mod m. With 10 bits an id and 7 places, 1 % of other ids are taken for ids of the day; no id of the day is
ever missed.

References
----------
Bloom (1970), Space/Time Trade-offs in Hash Coding with Allowable Errors.
Kirsch, Mitzenmacher (2008), Less Hashing, Same Performance: Building a Better Bloom Filter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BITS_OF_ID = 10
PLACES = 7
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


class IdFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A set of hashed ids that may say yes by mistake, and never no.

    Examples
    --------
    >>> ids = np.arange(1, 5, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    >>> IdFilter.of(ids).may_hold(ids).tolist()
    [True, True, True, True]
    """

    bits: bytes = b""

    @classmethod
    def of(cls, ids: NDArray[np.uint64]) -> IdFilter:
        """The filter of a day's ids; shape (n,)."""
        if not len(ids):
            return cls()
        found = np.zeros(-(-len(ids) * BITS_OF_ID // 8) * 8, dtype=np.uint8)
        for places in _places(ids, len(found)):
            found[places] = 1
        return cls(bits=np.packbits(found).tobytes())

    def may_hold(self, ids: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each id may be one of the day; shape (n,)."""
        content = np.frombuffer(self.bits, dtype=np.uint8)
        found = np.full(len(ids), len(content) > 0)
        for places in _places(ids, len(content) * 8) if len(content) else ():
            found &= (content[places >> 3] >> (7 - (places & 7)).astype(np.uint8)) & 1 == 1
        return found


def _places(ids: NDArray[np.uint64], size: int) -> Iterator[NDArray[np.int64]]:
    low, high = ids & _LOW, (ids >> _HALF) | np.uint64(1)
    for number in range(PLACES):
        yield ((low + np.uint64(number) * high) % np.uint64(size)).astype(np.int64)

"""Which label parts concern a day of predictions, found without reading each of them again.

Labels of one day of predictions come over weeks, among those of many other days. All label parts of one day of arrival
are therefore indexed once: their ids, ascending, and the part of each. A day of predictions is then compared with as
many indexes as there were days since, and reads only the parts that hold one of its ids. The comparison is exact: of a
part with a thousand labels, a filter that errs for 1 % of ids would name every day.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from chalicelib.quality.label_parts import LabelPart
from chalicelib.quality.predictions import PredictionPart
from chalicelib.records import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray


class PredictedIds(Record, frozen=True, kw_only=True):
    """The hashed ids of a day of predictions.

    Attributes
    ----------
    ids
        64-bit, little-endian, ascending, each once.
    """

    ids: bytes

    @classmethod
    def of(cls, parts: Iterable[PredictionPart]) -> PredictedIds:
        """The ids of prediction parts, in any order."""
        return cls(ids=np.unique(_joined(part.ids for part in parts)).astype("<u8").tobytes())


class LabelDay(Record, frozen=True, kw_only=True):
    """The hashed ids of the label parts that were written on one day, or until a moment of it.

    Attributes
    ----------
    parts
        The keys of the label parts, in order.
    ids
        64-bit, little-endian, ascending.
    numbers
        The position in `parts` of each id; 32-bit, little-endian.

    Examples
    --------
    >>> numbers = np.array([1, 0], "<u4").tobytes()
    >>> day = LabelDay(parts=("a", "b"), ids=np.array([3, 7], "<u8").tobytes(), numbers=numbers)
    >>> day.concerning(PredictedIds(ids=np.array([3, 5], "<u8").tobytes()))
    ('b',)
    """

    parts: tuple[str, ...]
    ids: bytes
    numbers: bytes

    @classmethod
    def of(cls, keys: tuple[str, ...], parts: Iterable[LabelPart]) -> LabelDay:
        """The index of label parts, given with their keys in the same order."""
        content = [part.ids for part in parts]
        ids = _joined(content)
        numbers = np.repeat(np.arange(len(content), dtype=np.uint32), [len(one) // 8 for one in content])
        order = np.lexsort((numbers, ids))
        return cls(parts=keys, ids=ids[order].astype("<u8").tobytes(), numbers=numbers[order].astype("<u4").tobytes())

    def concerning(self, predicted: PredictedIds) -> tuple[str, ...]:
        """The keys of the parts that hold a label of one of these predictions, in order."""
        ids, wanted = np.frombuffer(self.ids, "<u8"), np.frombuffer(predicted.ids, "<u8")
        if not len(ids) or not len(wanted):
            return ()
        places = np.minimum(np.searchsorted(wanted, ids), len(wanted) - 1)
        numbers = np.unique(np.frombuffer(self.numbers, "<u4")[wanted[places] == ids])
        return tuple(self.parts[number] for number in numbers)


def _joined(content: Iterable[bytes]) -> NDArray[np.uint64]:
    columns = [np.frombuffer(one, "<u8") for one in content]
    return np.concatenate(columns) if columns else np.zeros(0, dtype="<u8")

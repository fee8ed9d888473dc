"""A label object -> its labels by hashed id, as they are stored."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import numpy as np

from chalicelib.quality.arrays import ClassColumn, NumberColumn, Values, stored
from chalicelib.quality.ids import IdHash
from chalicelib.quality.labels import Label, labels
from chalicelib.quality.reasons import LabelReason, by_reason
from chalicelib.quality.settings import QualitySettings
from chalicelib.records import Record


class LabelPart(Record, frozen=True, kw_only=True):
    """The labels of one object, by id and row. Immutable: an object that is written again makes another part.

    Attributes
    ----------
    last_modified, key
        Of two labels of one row the later counts, by (last_modified, key, line).
    ids
        Hashed ids, ascending, and for one id and row by line; 64-bit, as all columns unsigned and little-endian.
    rows, request_rows
        The row within the request, and how many labels that has; 32-bit.
    values
        The labels.
    """

    key: str
    last_modified: datetime
    rejected: dict[str, int]  # lines and rows without a label, by reason
    ids: bytes
    rows: bytes
    request_rows: bytes
    values: Values

    @property
    def count(self) -> int:
        """The number of labels, repeated ones included."""
        return len(self.ids) // 8


def label_part(
    key: str, last_modified: datetime, chunks: Iterable[bytes], settings: QualitySettings, ids: IdHash
) -> LabelPart:
    r"""The labels of an object.

    Parameters
    ----------
    key
        What names the object among all label objects of the endpoint: its S3 URI.
    chunks
        Its bytes; in gzip or not.

    Examples
    --------
    >>> from datetime import UTC
    >>> from chalicelib.quality.settings import ProblemType
    >>> settings = QualitySettings(problem_type=ProblemType.REGRESSION)
    >>> part = label_part("k", datetime(2026, 11, 1, tzinfo=UTC), [b"a,1.5\nb,x\n"], settings, IdHash(b"0" * 16))
    >>> part.count, part.values.numbers().tolist(), part.rejected
    (1, [1.5], {'the label is no number': 1})
    """
    rejected: Counter[str] = Counter()
    hashes, rows, request_rows = array("Q"), array("I"), array("I")
    values = ClassColumn() if settings.is_classification else NumberColumn()
    for found in labels(chunks, settings):
        if not isinstance(found, Label):
            rejected[found.reason] += 1
        elif not values.append(found.value):  # type: ignore[arg-type]
            rejected[LabelReason.TOO_MANY_CLASSES] += 1
        else:
            hashes.append(ids.of(found.id))
            rows.append(found.row)
            request_rows.append(found.request_rows)
    lines = np.arange(len(hashes))
    order = np.lexsort((lines, np.frombuffer(rows, dtype="I"), np.frombuffer(hashes, dtype="Q")))
    return LabelPart(
        key=key,
        last_modified=last_modified,
        rejected=by_reason(rejected),
        ids=stored(hashes, order),
        rows=stored(rows, order),
        request_rows=stored(request_rows, order),
        values=values.values(order),
    )

"""Prediction parts and label parts -> one state for each hour of predictions. Pure, and the same in any order.

| input                                             | counts                                                           |
|---------------------------------------------------|------------------------------------------------------------------|
| a prediction with an id and row of an earlier one | the earliest, by (time, key of the part); `repeated_predictions` |
| several labels of one id and row                  | the latest, by (last_modified, key, line); `repeated_labels`     |
| ... that differ                                   | the latest; the row is one of `corrected`                        |
| a label whose id no prediction has                | `unknown_ids`: of another time, or never captured                |
| a label of a request with another number of rows  | none, since its row is not known; `mismatched_rows`              |

The blocks of the jackknife are hours of prediction, see `uncertainty`. Memory: about 100 bytes for each prediction, and
one label part at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from chalicelib.quality.arrays import Values, united
from chalicelib.quality.ids import row_keys
from chalicelib.quality.label_parts import LabelPart
from chalicelib.quality.predictions import PredictionPart
from chalicelib.quality.reasons import by_reason
from chalicelib.quality.settings import QualitySettings
from chalicelib.quality.state import QualityState
from chalicelib.records import Record
from chalicelib.window import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_SECONDS = 3600
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class JoinedBlock(msgspec.Struct, frozen=True, kw_only=True):
    """The predictions of one hour."""

    start: datetime
    state: QualityState


class Joined(Record, frozen=True, kw_only=True):
    """Predictions with their labels as far as these have come, by hour; equal inputs give equal bytes."""

    blocks: tuple[JoinedBlock, ...] = ()
    requests: int = 0
    without_inference_id: int = 0
    skipped: dict[str, int] = {}  # captured rows without a prediction, by reason
    repeated_predictions: int = 0
    labels: int = 0  # in all parts
    rejected_labels: dict[str, int] = {}
    repeated_labels: int = 0
    corrected: int = 0
    unknown_ids: int = 0
    mismatched_rows: int = 0

    @property
    def states(self) -> tuple[QualityState, ...]:
        """The states of the blocks, in order."""
        return tuple(block.state for block in self.blocks)

    def within(self, window: Window) -> tuple[QualityState, ...]:
        """The states of the blocks that begin in a window."""
        return tuple(block.state for block in self.blocks if window.contains(block.start))

    def notes(self, *, are_all_predictions: bool = True) -> tuple[str, ...]:
        """What was left out, one sentence each.

        Parameters
        ----------
        are_all_predictions
            False: the labels may be of predictions of other days, so that an unknown id says nothing.
        """
        return tuple(_notes(self, are_all_predictions=are_all_predictions))


def join(predictions: Iterable[PredictionPart], labels: Iterable[LabelPart], settings: QualitySettings) -> Joined:
    """Join label parts to the predictions of a window, a day say.

    Parameters
    ----------
    predictions
        The parts of the window, each once, in any order.
    labels
        All parts that may hold labels of these predictions, each once, in any order.
    """
    parts = sorted(predictions, key=lambda part: part.key)
    table = _Predictions.of(parts)
    found = _Labels(table, settings.is_classification)
    rejected: Counter[str] = Counter()
    for part in labels:
        found.add(part)
        rejected.update(part.rejected)
    skipped: Counter[str] = Counter()
    for one in parts:
        skipped.update(one.skipped)
    return Joined(
        blocks=tuple(_blocks(table, found, settings)),
        requests=sum(one.requests for one in parts),
        without_inference_id=sum(one.without_inference_id for one in parts),
        skipped=by_reason(skipped),
        repeated_predictions=table.repeated,
        labels=found.total,
        rejected_labels=by_reason(rejected),
        repeated_labels=found.matched - found.distinct,
        corrected=found.corrected,
        unknown_ids=found.unknown,
        mismatched_rows=found.mismatched,
    )


class _Predictions(NamedTuple):
    """The predictions of all parts, one for each id and row, by ascending key."""

    keys: NDArray[np.uint64]
    request_rows: NDArray[np.uint32]
    times: NDArray[np.uint32]
    classes: tuple[str, ...]
    values: NDArray  # type: ignore[type-arg]  # positions in `classes`, or numbers
    scores: NDArray[np.float64] | None
    repeated: int

    @classmethod
    def of(cls, parts: Sequence[PredictionPart]) -> _Predictions:
        keys = _joined([row_keys(_column(one.ids, "<u8"), _column(one.rows, "<u4")) for one in parts], np.uint64)
        times = _joined([_column(one.times, "<u4") for one in parts], np.uint32)
        order = np.lexsort((times, keys))  # stable: then by the keys of the parts
        first = np.ones(len(keys), dtype=bool)
        first[1:] = keys[order][1:] != keys[order][:-1]
        chosen = order[first]
        classes = united([one.values.classes for one in parts])
        has_scores = any(one.scores for one in parts)
        scores = [_column(one.scores, "<f8") if one.scores else np.full(one.count, np.nan) for one in parts]
        return cls(
            keys=keys[chosen],
            request_rows=_joined([_column(one.request_rows, "<u4") for one in parts], np.uint32)[chosen],
            times=times[chosen],
            classes=classes,
            values=_joined([_values(one.values, classes) for one in parts], np.float64)[chosen],
            scores=_joined(scores, np.float64)[chosen] if has_scores else None,
            repeated=len(keys) - len(chosen),
        )


class _Labels:
    """The latest label of each prediction, as parts are added in any order."""

    def __init__(self, table: _Predictions, is_classification: bool) -> None:
        count = len(table.keys)
        self._table = table
        self._is_classification = is_classification
        self._codes: dict[str, int] = {}
        self._parts: list[tuple[datetime, str]] = []  # what orders them
        self._winner = np.full(count, -1, dtype=np.int32)  # which part gave the label
        self._lowest, self._highest = np.full(count, np.inf), np.full(count, -np.inf)
        self.values = np.full(count, np.nan)
        self.total = self.matched = self.unknown = self.mismatched = 0

    def add(self, part: LabelPart) -> None:
        """Add the labels of a part."""
        ids, rows = _column(part.ids, "<u8"), _column(part.rows, "<u4")
        keys = row_keys(ids, rows)
        places, known = self._find(keys)
        same = known & (self._request_rows_at(places) == _column(part.request_rows, "<u4"))
        has_id = self._find(ids)[1]
        self.total += len(keys)
        self.matched += int(same.sum())
        self.unknown += int((~same & ~has_id).sum())
        self.mismatched += int((~same & has_id).sum())
        self._take(part, places[same], self._values_of(part.values)[same])

    def _take(self, part: LabelPart, places: NDArray[np.intp], values: NDArray[np.float64]) -> None:
        np.minimum.at(self._lowest, places, values)
        np.maximum.at(self._highest, places, values)
        last = np.ones(len(places), dtype=bool)  # of one row: a part has its labels by line
        last[:-1] = places[1:] != places[:-1]
        places, values = places[last], values[last]
        order = (part.last_modified, part.key)
        later_than = np.array([order > other for other in self._parts] + [True])  # the last one: than none at all
        wins = later_than[self._winner[places]]
        self.values[places[wins]] = values[wins]
        self._winner[places[wins]] = len(self._parts)
        self._parts.append(order)

    @property
    def distinct(self) -> int:
        """Predictions with a label."""
        return int((self._winner >= 0).sum())

    @property
    def corrected(self) -> int:
        """Predictions whose labels differ."""
        return int((self._lowest < self._highest).sum())

    def class_names(self) -> list[str]:
        """The classes by their codes."""
        return list(self._codes)

    def _find(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Where keys are among those of the predictions, and whether they are."""
        if not len(self._table.keys):
            return np.zeros(len(keys), dtype=np.intp), np.zeros(len(keys), dtype=bool)
        places = np.minimum(np.searchsorted(self._table.keys, keys), len(self._table.keys) - 1)
        return places, self._table.keys[places] == keys

    def _request_rows_at(self, places: NDArray[np.intp]) -> NDArray[np.uint32]:
        return self._table.request_rows[places] if len(self._table.keys) else np.zeros(len(places), dtype=np.uint32)

    def _values_of(self, values: Values) -> NDArray[np.float64]:
        if not self._is_classification:
            return values.numbers()
        codes = [self._codes.setdefault(name, len(self._codes)) for name in values.classes]
        return np.array(codes, dtype=np.float64)[values.codes()]


def _blocks(table: _Predictions, labels: _Labels, settings: QualitySettings) -> Iterator[JoinedBlock]:
    hours = table.times // BLOCK_SECONDS
    order = np.argsort(hours, kind="stable")  # within an hour by key, so that sums have one order
    bounds = np.flatnonzero(np.diff(hours[order])) + 1
    classes = united([table.classes, labels.class_names(), settings.known_classes])
    label_codes = np.array([classes.index(name) for name in labels.class_names()], dtype=np.int64)
    own_codes = np.array([classes.index(name) for name in table.classes], dtype=np.int64)
    for rows in np.split(order, bounds) if len(order) else ():
        found = labels.values[rows]
        if settings.is_classification:
            has = ~np.isnan(found)
            codes = np.full(len(rows), -1, dtype=np.int64)
            codes[has] = label_codes[found[has].astype(np.int64)]
            predicted = own_codes[table.values[rows].astype(np.int64)]
            scores = None if table.scores is None else table.scores[rows]
            state = QualityState.of_classes(classes, codes, predicted, scores, settings.positive)
        else:
            state = QualityState.of_numbers(found, table.values[rows])
        start = _EPOCH + timedelta(seconds=int(hours[rows[0]]) * BLOCK_SECONDS)
        yield JoinedBlock(start=start, state=state)


def _notes(joined: Joined, *, are_all_predictions: bool) -> Iterator[str]:
    if joined.without_inference_id:
        without = f"requests without an inference id: {joined.without_inference_id} of {joined.requests}"
        yield f"{without}; their labels must name the event id"
    for reason, count in joined.skipped.items():
        yield f"captured rows left out: {count} ({reason})"
    if joined.repeated_predictions:
        yield f"predictions with the id of an earlier one, which counts: {joined.repeated_predictions}"
    for reason, count in joined.rejected_labels.items():
        yield f"labels rejected: {count} ({reason})"
    if joined.unknown_ids == joined.labels and joined.labels and not are_all_predictions:
        yield f"none of the {joined.labels} labels that came since this day began has the id of one of its predictions"
    elif joined.unknown_ids and are_all_predictions:
        yield f"labels whose id no captured request has: {joined.unknown_ids} of {joined.labels}"
    if joined.mismatched_rows:
        yield f"labels of requests with another number of rows: {joined.mismatched_rows}"
    if joined.corrected:
        yield f"predictions whose label was corrected: {joined.corrected}; the latest label counts"


def _column(content: bytes, kind: str) -> NDArray:  # type: ignore[type-arg]
    return np.frombuffer(content, dtype=kind)


def _joined(columns: Sequence[NDArray], kind: type) -> NDArray:  # type: ignore[type-arg]
    return np.concatenate(columns).astype(kind) if columns else np.zeros(0, dtype=kind)


def _values(values: Values, classes: Sequence[str]) -> NDArray[np.float64]:
    """Numbers, or positions in `classes`."""
    if not values.classes:
        return values.numbers()
    places = np.array([classes.index(name) for name in values.classes], dtype=np.float64)
    return places[values.codes()]

"""A capture object -> its predictions, by hashed id: what a label is joined to later.

| problem type             | `prediction` is named      | only `score` is named                                    |
|--------------------------|----------------------------|----------------------------------------------------------|
| BinaryClassification     | the class of that column   | positive when the score is at least `threshold`          |
| MulticlassClassification | the class of that column   | the class with the highest of the probabilities          |
| Regression               | the number of that column  | (`prediction` is the first output unless it is named)    |

A row without a usable prediction is counted by its reason, see `reasons.PredictionReason`. A score that is no
probability costs only the score where the prediction has a column of its own.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from chalicelib.capture.captured_requests import captured_requests
from chalicelib.capture.envelope import RequestKind, parse_time
from chalicelib.capture.lazy_rows import Names
from chalicelib.capture.options import DEFAULT_OPTIONS, CaptureOptions
from chalicelib.capture.record_reader import CapturedRequest
from chalicelib.quality.arrays import ClassColumn, NumberColumn, Values, stored
from chalicelib.quality.ids import IdHash
from chalicelib.quality.reasons import PredictionReason, by_reason
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.quality.values import class_of, column, columns_of_list, number_of
from chalicelib.records import Record

_MAX_TIME = 2**32 - 1
_FIRST_OUTPUT = "0"


class Predicted(NamedTuple):
    """One prediction."""

    value: str | float  # a class, or the number of a regression
    score: float  # NaN without one
    problem: PredictionReason | None = None  # of the score, which is then NaN


class PredictionPart(Record, frozen=True, kw_only=True):
    """The predictions of one capture object, by id and row. Immutable, as the object.

    Attributes
    ----------
    ids
        Hashed ids, ascending; 64-bit, as all columns unsigned and little-endian.
    rows, request_rows
        The row within the request, and how many rows that has; 32-bit.
    times
        Seconds since 1970; 32-bit.
    values
        The predictions.
    scores
        Doubles, NaN where there is none; b"" when no prediction has one.
    """

    key: str
    requests: int
    without_inference_id: int  # of these: their labels can only name the event id
    skipped: dict[str, int]  # rows and lines without a prediction, by reason
    ids: bytes
    rows: bytes
    request_rows: bytes
    times: bytes
    values: Values
    scores: bytes = b""

    @property
    def count(self) -> int:
        """The number of predictions."""
        return len(self.ids) // 8


def prediction_part(
    key: str,
    chunks: Iterable[bytes],
    begun: datetime | None,
    settings: QualitySettings,
    ids: IdHash,
    options: CaptureOptions = DEFAULT_OPTIONS,
) -> PredictionPart:
    """The predictions of a capture object.

    Parameters
    ----------
    key
        The key of the object.
    chunks
        Its bytes; in gzip or not.
    begun
        The time of its predictions that have none of their own; None: 1970.
    """
    collected = _Collected(settings.is_classification)
    requests = without_inference_id = 0
    for request in captured_requests(chunks, options):
        if not isinstance(request, CapturedRequest):
            collected.skipped[PredictionReason.UNREADABLE] += 1
            continue
        if request.kind is not RequestKind.ROWS:
            continue
        requests += 1
        inference_id = request.envelope.text("inferenceId")
        without_inference_id += not inference_id
        request_id = inference_id or request.envelope.text("eventId")
        if not request_id:
            collected.skipped[PredictionReason.NO_ID] += max(1, len(request.rows))
            continue
        moment = parse_time(request.envelope.inference_time) or begun
        collected.append(ids.of(request_id), _seconds(moment), request, settings)
    return collected.part(key, requests, without_inference_id)


class _Collected:
    """The columns of a part, as its object is read."""

    def __init__(self, is_classification: bool) -> None:
        self.skipped: Counter[str] = Counter()
        self._ids, self._rows, self._request_rows, self._times = array("Q"), array("I"), array("I"), array("I")
        self._values = ClassColumn() if is_classification else NumberColumn()
        self._scores = array("d")

    def append(self, request_id: int, seconds: int, request: CapturedRequest, settings: QualitySettings) -> None:
        if not request.rows:
            self.skipped[PredictionReason.NO_OUTPUT] += 1
        for row, found in enumerate(predicted_rows(request, settings)):
            if isinstance(found, PredictionReason):
                self.skipped[found] += 1
                continue
            if not self._values.append(found.value):  # type: ignore[arg-type]
                self.skipped[PredictionReason.TOO_MANY_CLASSES] += 1
                continue
            if found.problem:
                self.skipped[found.problem] += 1
            self._ids.append(request_id)
            self._rows.append(row)
            self._request_rows.append(len(request.rows))
            self._times.append(seconds)
            self._scores.append(found.score)

    def part(self, key: str, requests: int, without_inference_id: int) -> PredictionPart:
        lines = np.arange(len(self._ids))
        columns = (np.frombuffer(one, dtype=one.typecode) for one in (self._times, self._rows, self._ids))
        order = np.lexsort((lines, *columns))
        has_scores = any(not math.isnan(score) for score in self._scores)
        return PredictionPart(
            key=key,
            requests=requests,
            without_inference_id=without_inference_id,
            skipped=by_reason(self.skipped),
            ids=stored(self._ids, order),
            rows=stored(self._rows, order),
            request_rows=stored(self._request_rows, order),
            times=stored(self._times, order),
            values=self._values.values(order),
            scores=stored(self._scores, order) if has_scores else b"",
        )


def predicted_rows(request: CapturedRequest, settings: QualitySettings) -> Iterator[Predicted | PredictionReason]:
    """The prediction of each row of a request, or the reason why it has none."""
    for (outputs, cells), (inputs, input_cells) in request.rows:
        if outputs:
            yield predicted(len(outputs), outputs + inputs, [*cells, *input_cells], settings)
        else:
            yield PredictionReason.NO_OUTPUT


def predicted(outputs: int, names: Names, cells: list[Any], settings: QualitySettings) -> Predicted | PredictionReason:
    """The prediction of one row, or the reason why it has none.

    Parameters
    ----------
    outputs
        How many of the cells are outputs; they come first.
    """
    if settings.problem_type == ProblemType.REGRESSION:
        found = _cell(settings.prediction or _FIRST_OUTPUT, outputs, names, cells)
        if isinstance(found, PredictionReason):
            return found
        number = number_of(found)
        return PredictionReason.NOT_A_NUMBER if number is None else Predicted(number, math.nan)
    scores = _scores(outputs, names, cells, settings)
    if not settings.prediction:
        return scores if isinstance(scores, PredictionReason) else _by_score(scores, settings)
    found = _cell(settings.prediction, outputs, names, cells)
    if isinstance(found, PredictionReason):
        return found
    name = class_of(found)
    if name is None:
        return PredictionReason.NOT_A_CLASS
    if settings.known_classes and name not in settings.known_classes:
        return PredictionReason.UNKNOWN_CLASS
    if isinstance(scores, PredictionReason):
        return Predicted(name, math.nan, scores)
    return Predicted(name, max(scores, default=math.nan))


def _by_score(scores: list[float], settings: QualitySettings) -> Predicted:
    if settings.problem_type == ProblemType.MULTICLASS:
        highest = max(scores)
        return Predicted(settings.classes[scores.index(highest)], highest)
    negative, positive = settings.known_classes
    return Predicted(positive if scores[0] >= settings.threshold else negative, scores[0])


def _scores(outputs: int, names: Names, cells: list[Any], settings: QualitySettings) -> list[float] | PredictionReason:
    """The probability of the positive class, or of each class; [] when the settings name none."""
    if not settings.score:
        return []
    places: tuple[int, ...]
    if settings.problem_type == ProblemType.BINARY:
        place = column(settings.score, names, outputs)
        places = () if place is None else (place,)
    else:
        places = columns_of_list(settings.score, names, outputs, len(settings.classes))
    if not places:
        return PredictionReason.NO_SUCH_COLUMN
    found = [number_of(cells[place]) for place in places]
    scores = [one for one in found if one is not None and 0 <= one <= 1]
    return scores if len(scores) == len(found) else PredictionReason.NOT_A_PROBABILITY


def _cell(place: str, outputs: int, names: Names, cells: list[Any]) -> Any:
    found = column(place, names, outputs)
    return PredictionReason.NO_SUCH_COLUMN if found is None else cells[found]


def _seconds(moment: datetime | None) -> int:
    return 0 if moment is None else min(max(int(moment.timestamp()), 0), _MAX_TIME)

"""Captured rows with their labels -> the settings that they suggest.

| problem type             | labels                                                                                   |
|--------------------------|------------------------------------------------------------------------------------------|
| BinaryClassification     | at most two different ones                                                               |
| MulticlassClassification | at most MAX_CLASSES texts, or at most MAX_WHOLE_CLASSES whole numbers                    |
| Regression               | other numbers                                                                            |

The prediction is the output that agrees with most labels (of a regression: with the smallest mean error), the score is
the probability that ranks the labels best.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from chalicelib.capture.lazy_rows import Names
from chalicelib.errors import UnreadableFile
from chalicelib.quality.confusion import class_order
from chalicelib.quality.curves import auc
from chalicelib.quality.scores import NEGATIVE, POSITIVE, ScoreHistogram
from chalicelib.quality.settings import MAX_CLASSES, ProblemType, QualitySettings
from chalicelib.quality.values import class_of, column, columns_of_list, number_of

MAX_WHOLE_CLASSES = 20  # more different whole numbers are amounts
_ZERO_AND_ONE = ("0", "1")


class LabelledRow(NamedTuple):
    """The outputs of one captured row, and its label."""

    names: Names  # of the outputs
    outputs: list[Any]
    label: str


class _Column(NamedTuple):
    place: str
    cells: list[Any]


def suggested_problem_type(labels: Iterable[str]) -> ProblemType:
    """The problem type that labels suggest.

    Examples
    --------
    >>> [str(suggested_problem_type(one)) for one in (["0", "1"], ["a", "b", "c"], ["0.5", "2.5", "7"])]
    ['BinaryClassification', 'MulticlassClassification', 'Regression']
    """
    names = {name for label in labels if (name := class_of(label)) is not None}
    if len(names) <= 2:
        return ProblemType.BINARY
    numbers = [number_of(name) for name in names]
    if None in numbers:
        return ProblemType.MULTICLASS
    whole = all(number is not None and number.is_integer() for number in numbers)
    return ProblemType.MULTICLASS if whole and len(names) <= MAX_WHOLE_CLASSES else ProblemType.REGRESSION


def classes_of(labels: Iterable[str]) -> tuple[str, ...]:
    """The classes of labels in order; the second of two is the positive one.

    >>> classes_of(["1", "0", "1.0"]), classes_of(["yes", "no"])
    (('0', '1'), ('no', 'yes'))
    """
    return tuple(sorted({name for label in labels if (name := class_of(label)) is not None}, key=class_order))


def suggested_settings(
    rows: Sequence[LabelledRow], problem_type: ProblemType | None = None, label: str = ""
) -> QualitySettings:
    """The settings that captured rows with their labels suggest.

    Parameters
    ----------
    problem_type
        None: what the labels suggest.
    label
        Where the label is in labels of several columns.

    Raises
    ------
    UnreadableFile
        When no output can be a prediction of the labels.

    Examples
    --------
    >>> rows = [LabelledRow(("", ""), [score, "x"], label) for score, label in (("0.9", "1"), ("0.2", "0"))]
    >>> suggested_settings(rows).score
    '0'
    """
    known = problem_type or suggested_problem_type(row.label for row in rows)
    suggest = {
        ProblemType.BINARY: _binary,
        ProblemType.MULTICLASS: _multiclass,
        ProblemType.REGRESSION: _regression,
    }[known]
    found = suggest(rows, list(_columns(rows)))
    if found is None:
        raise UnreadableFile(f"the captures: no output looks like the prediction of a {known}; name it in the settings")
    return QualitySettings(problem_type=known, label=label, **found)


def _columns(rows: Sequence[LabelledRow]) -> Iterator[_Column]:
    """The outputs that every row has."""
    first = rows[0] if rows else LabelledRow((), [], "")
    for position, name in enumerate(first.names):
        place = name or str(position)
        found = [column(place, row.names, len(row.names)) for row in rows]
        if None not in found:
            yield _Column(place, [row.outputs[at] for row, at in zip(rows, found, strict=True) if at is not None])


def _binary(rows: Sequence[LabelledRow], columns: list[_Column]) -> dict[str, Any] | None:
    classes = classes_of(row.label for row in rows)
    if len(classes) < 2:
        classes = _ZERO_AND_ONE
    labels = [class_of(row.label) for row in rows]
    groups = np.array([POSITIVE if name == classes[-1] else NEGATIVE for name in labels])
    scores = {
        one.place: auc(ScoreHistogram.of(np.array(numbers), groups)) or 0.0
        for one in columns
        if (numbers := _probabilities(one.cells)) is not None
    }
    found = _agreeing(labels, columns, classes)
    score = max(scores, key=lambda place: scores[place], default="")
    if not found and not score:
        return None
    named = {"prediction": found, "score": score}
    return {**named, "classes": () if classes == _ZERO_AND_ONE else classes}


def _multiclass(rows: Sequence[LabelledRow], columns: list[_Column]) -> dict[str, Any] | None:
    classes = classes_of(row.label for row in rows)
    labels = [class_of(row.label) for row in rows]
    prediction = _agreeing(labels, columns, classes) if len(classes) <= MAX_CLASSES else ""
    if prediction:
        return {"prediction": prediction}
    for place in dict.fromkeys(one.place.rpartition(".")[0] or one.place for one in columns):
        places = [columns_of_list(place, row.names, len(row.names), len(classes)) for row in rows]
        if all(places) and all(
            _is_distribution([row.outputs[at] for at in found]) for row, found in zip(rows, places, strict=True)
        ):
            return {"score": place, "classes": classes}
    return None


def _regression(rows: Sequence[LabelledRow], columns: list[_Column]) -> dict[str, Any] | None:
    errors: dict[str, float] = {}
    for one in columns:
        pairs = [(number_of(cell), number_of(row.label)) for cell, row in zip(one.cells, rows, strict=True)]
        gaps = [abs(cell - label) for cell, label in pairs if cell is not None and label is not None]
        if pairs and len(gaps) == len(pairs):
            errors[one.place] = sum(gaps) / len(gaps)
    return {"prediction": min(errors, key=lambda place: errors[place])} if errors else None


def _agreeing(labels: Sequence[str | None], columns: list[_Column], classes: Sequence[str]) -> str:
    """The column of classes that agrees with most labels; "" when there is none."""
    agreed: dict[str, int] = {}
    for one in columns:
        names = [class_of(cell) for cell in one.cells]
        if set(names) <= set(classes):
            agreed[one.place] = sum(name == label for name, label in zip(names, labels, strict=True))
    return max((place for place, count in agreed.items() if count), key=lambda place: agreed[place], default="")


def _probabilities(cells: Sequence[Any]) -> list[float] | None:
    """The probabilities of a column; None when it holds anything else, or classes 0 and 1 alone."""
    numbers = [number_of(cell) for cell in cells]
    found = [number for number in numbers if number is not None and 0 <= number <= 1]
    return found if len(found) == len(cells) and not set(found) <= {0.0, 1.0} else None


def _is_distribution(cells: Sequence[Any]) -> bool:
    numbers = [number_of(cell) for cell in cells]
    found = [number for number in numbers if number is not None and number >= 0]
    return len(found) == len(numbers) and abs(sum(found) - 1) < 1e-3


def settings_table(settings: QualitySettings, endpoint: str) -> str:
    """Settings as a table of fleet.toml, without the keys that have their default.

    Examples
    --------
    >>> print(settings_table(QualitySettings(problem_type=ProblemType.BINARY, score="0"), "fraud"))
    [endpoints.fraud.quality]
    problem_type = "BinaryClassification"
    score = "0"
    """
    values = msgspec.to_builtins(settings)
    lines = [  # TOML's basic strings are JSON strings, except that DEL is escaped too
        f"{field.name} = {json.dumps(values[field.name], ensure_ascii=False)}".replace("\x7f", "\\u007f")
        for field in msgspec.structs.fields(settings)
        if field.required or getattr(settings, field.name) != field.default
    ]
    return "\n".join([f"[endpoints.{endpoint}.quality]", *lines])

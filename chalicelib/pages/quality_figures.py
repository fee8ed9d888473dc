"""What the page of a day of model quality shows beside its metrics, from its statistics.json and its label counts.

| figure           | of                                                                                      |
|------------------|-----------------------------------------------------------------------------------------|
| confusion matrix | the labelled rows, MAX_CLASSES classes at most                                          |
| curves           | ROC, and precision over recall: of a binary classification with scores                  |
| coverage         | the share of predictions with a label, by predicted class and by tenth of the scores    |
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup

from chalicelib.alerts.sanitize import sanitize
from chalicelib.pages import axes, charts
from chalicelib.pages.charts import HEIGHT, WIDTH, Compared, exact_percent, percent
from chalicelib.pages.figures import Chart, table_body
from chalicelib.records import LabelCounts

MAX_CLASSES = 12
MAX_GROUPS = 40
MAX_NAME_CHARS = 40
_STEPS = 20  # of the table behind a curve
_UNIT = axes.Scale((0.0, 0.25, 0.5, 0.75, 1.0))


class Matrix(NamedTuple):
    """A confusion matrix: a row for each label with (rows, share of the label's rows) for each prediction."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    more: int  # classes that are not shown


class Coverage(NamedTuple):
    """Predictions that have something in common, and how many of them have a label."""

    name: str
    predictions: str
    labelled: str
    share: str
    shape: Markup


@dataclass(frozen=True)
class QualityFigures:
    """The figures of a day of model quality."""

    facts: tuple[tuple[str, list[str]], ...] = ()
    matrix: Matrix | None = None
    curves: tuple[Chart, ...] = ()
    coverage: tuple[Coverage, ...] = ()


def quality_figures(statistics: bytes | None, labels: LabelCounts | None, baseline: str = "") -> QualityFigures:
    """The figures of a day.

    Parameters
    ----------
    statistics
        Its statistics.json; None without one.
    baseline
        The version that its metrics are compared with.
    """
    metrics = _metrics(statistics)
    matrix = metrics.get("confusion_matrix")
    return QualityFigures(
        facts=(*(_facts(labels) if labels else ()), ("Baseline", [sanitize(baseline) or "none"])),
        matrix=_matrix(matrix) if isinstance(matrix, dict) and matrix else None,
        curves=tuple(_curves(metrics)),
        coverage=tuple(_coverage(labels)) if labels else (),
    )


def _metrics(statistics: bytes | None) -> Mapping[str, Any]:
    document = json.loads(statistics) if statistics else {}
    return next((body for name, body in document.items() if name.endswith("_metrics") and isinstance(body, dict)), {})


def _facts(labels: LabelCounts) -> list[tuple[str, list[str]]]:
    counts = f"{labels.labelled:,} of {labels.predictions:,} predictions ({percent(labels.coverage)})"
    stage = "the final look: no more are expected" if labels.is_final else "the first look; there will be a final one"
    return [("Labels", [counts, stage])]


def _matrix(matrix: Mapping[str, Mapping[str, int]]) -> Matrix:
    sizes = {name: sum(row.values()) + sum(one.get(name, 0) for one in matrix.values()) for name, row in matrix.items()}
    frequent = set(sorted(sizes, key=lambda name: -sizes[name])[:MAX_CLASSES])
    shown = [name for name in matrix if name in frequent]
    rows = []
    for label in shown:
        total = sum(matrix[label].values())
        cells = ((count := matrix[label].get(name, 0), count / total if total else None) for name in shown)
        rows.append((_name(label), tuple((f"{count:,}", percent(share)) for count, share in cells)))
    return Matrix(tuple(_name(name) for name in shown), tuple(rows), len(matrix) - len(shown))


def _name(name: str) -> str:
    return sanitize(name, MAX_NAME_CHARS) or "(blank)"


def _curves(metrics: Mapping[str, Any]) -> list[Chart]:
    found = []
    roc = metrics.get("receiver_operating_characteristic_curve")
    if roc:
        x, y = roc["false_positive_rates"], roc["true_positive_rates"]
        found.append(_curve("ROC", "true positive rate over false positive rate", x, y, is_diagonal=True))
    curve = metrics.get("precision_recall_curve")
    if curve:
        found.append(_curve("Precision and recall", "precision over recall", curve["recalls"], curve["precisions"]))
    return found


def _curve(title: str, note: str, x: Sequence[float], y: Sequence[float], *, is_diagonal: bool = False) -> Chart:
    """A curve in the unit square; the table behind it has the nearest point for every twentieth of the axis."""
    points = list(zip(x, y, strict=True))
    path = "M" + "L".join(f"{left * WIDTH:.4g} {HEIGHT - up * HEIGHT:.3g}" for left, up in points)
    diagonal = f'<path class="v" d="M0 {HEIGHT}L{WIDTH} 0"/>' if is_diagonal else ""
    nearest = [min(points, key=lambda one: abs(one[0] - step / _STEPS)) for step in range(_STEPS + 1)]
    middle = nearest[_STEPS // 2]
    ticks = [axes.Tick(share, exact_percent(share)) for share in (0.0, 0.5, 1.0)]
    return Chart(
        title=title,
        note=note,
        summary=f"{note}: {percent(middle[1])} at {percent(middle[0])}",
        shape=Markup(f'{charts.grid(_UNIT)}{diagonal}<path class="l" d="{path}"/>'),  # noqa: S704 - numbers
        vertical=axes.vertical_labels(_UNIT, exact_percent),
        horizontal=axes.horizontal_labels(ticks),
        header=tuple(part.strip().capitalize() for part in reversed(note.split(" over "))),
        body=table_body((percent(left), percent(up)) for left, up in nearest),
        is_line=True,
        is_square=True,
    )


def _coverage(labels: LabelCounts) -> list[Coverage]:
    return [
        Coverage(
            sanitize(one.name, MAX_NAME_CHARS + 10),
            f"{one.predictions:,}",
            f"{one.labelled:,}",
            percent(one.coverage),
            charts.horizontal_bar(Compared("", None, one.coverage), 1.0),
        )
        for one in labels.groups[:MAX_GROUPS]
    ]

"""Labels against scores: training data holds the label (0 or 1), a captured row the score of the model (0.13).

Their distributions differ for ever, whatever happens to the data, so that their distance says nothing. Model Monitor
reports no drift of such a column either.

| baseline of an output                       | captured                                      | drift                  |
|---------------------------------------------|-----------------------------------------------|------------------------|
| at most MAX_LABELS whole numbers or texts   | at least MIN_SCORES different fractions, a    | not evaluated, a note  |
|                                             | tenth of the cells or more (the others are 0  |                        |
|                                             | and 1 of a rounded score)                     |                        |
| the same                                    | labels, one constant fraction, a few strays   | evaluated              |
| anything else; any input                    | anything                                      | evaluated              |
"""

from __future__ import annotations

import numpy as np

from chalicelib.statistics.column import ColumnStatistics

MAX_LABELS = 20  # different labels of a baseline
MIN_SCORES = 10  # different fractions among the captured cells
_SCORES_SHARE = 0.1


def labels_against_scores(baseline: ColumnStatistics, current: ColumnStatistics) -> bool:
    """Whether the baseline of an output has labels, and its captured column scores.

    Examples
    --------
    >>> scores = ColumnStatistics.of([str(0.01 + i / 100) for i in range(50)])
    >>> [labels_against_scores(ColumnStatistics.of(cells), scores) for cells in (["0", "1"], ["True"], ["0.5", "1"])]
    [True, True, False]
    """
    return _are_labels(baseline) and _are_scores(current)


def _are_labels(column: ColumnStatistics) -> bool:
    if column.types.inferred_type == "String":
        return column.categories.counts is not None and 0 < len(column.categories.counts) <= MAX_LABELS
    values, _ = column.distribution.items()
    return 0 < len(values) <= MAX_LABELS and bool(np.all(values == np.floor(values)))


def _are_scores(column: ColumnStatistics) -> bool:
    values, weights = column.distribution.items()
    fractions = values != np.floor(values)
    cells = int(weights[fractions].sum())
    return int(fractions.sum()) >= MIN_SCORES and cells >= _SCORES_SHARE * column.types.present

"""How well columns fit the features that they are aligned with by position: which of two alignments is meant.

The mismatch of a column lies between 0 and 1. It is the larger of the share of cells that lack the feature's type,
beyond what its threshold allows, and the distance of its distribution from the baseline's. An alignment fits clearly
better than another when its mismatches add up to half of the other's at most, and the other's to a whole column.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.constraints.constraints import Constraints, FeatureConstraints
from chalicelib.constraints.labels import labels_against_scores
from chalicelib.statistics import distances
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table

_WHOLE_COLUMN = 1.0
_CLEARLY = 0.5


def total_mismatch(
    constraints: Constraints,
    statistics: Table | None,
    features: Sequence[FeatureConstraints],
    columns: Sequence[ColumnStatistics],
    outputs: int = 0,
) -> float | None:
    """The sum of the mismatches of columns with features, pair by pair; None when none of them can be compared.

    Parameters
    ----------
    constraints, statistics
        Those of the baseline.
    outputs
        How many of the columns, from the first one on, are outputs: scores fit labels.

    Examples
    --------
    >>> one = Constraints({"features": [{"name": "a", "inferred_type": "Integral"}]})
    >>> total_mismatch(one, None, one.features, [ColumnStatistics.of(["1", "2.5"])])
    0.5
    """
    known = dict(zip(statistics.feature_names, statistics.columns, strict=True)) if statistics else {}
    found = [
        _mismatch(
            feature,
            known.get(feature.name),
            column,
            constraints.monitoring(feature).datatype_check_threshold,
            is_output=position < outputs,
        )
        for position, (feature, column) in enumerate(zip(features, columns, strict=True))
    ]
    compared = [mismatch for mismatch in found if mismatch is not None]
    return sum(compared) if compared else None


def fits_clearly_better(mismatch: float | None, other: float | None) -> bool:
    """Whether an alignment with the first mismatch fits clearly better than one with the other.

    Examples
    --------
    >>> fits_clearly_better(0.4, 3.0), fits_clearly_better(0.0, 0.9), fits_clearly_better(2.0, 3.0)
    (True, False, False)
    """
    if mismatch is None or other is None:
        return False
    return other >= _WHOLE_COLUMN and mismatch <= _CLEARLY * other


def _mismatch(
    feature: FeatureConstraints,
    baseline: ColumnStatistics | None,
    column: ColumnStatistics,
    threshold: float,
    *,
    is_output: bool,
) -> float | None:
    share = column.types.share_of(feature.inferred_type)
    if share is None:
        return None
    if baseline is None:
        return max(0.0, threshold - share)
    if is_output and labels_against_scores(baseline, column):
        return 0.0
    return max(0.0, threshold - share, _distance(baseline, column) or 0.0)


def _distance(baseline: ColumnStatistics, column: ColumnStatistics) -> float | None:
    if baseline.types.inferred_type != "String":
        return distances.numerical(baseline.distribution, column.distribution)
    before, after = baseline.categories.counts, column.categories.counts
    return None if before is None or after is None else distances.categorical(before, after)

"""Constraints suggested from the statistics of a baseline, by Model Monitor's rules.

Equal to Model Monitor's own on every conformance pair that has both files (tests/cli/test_baseline.py). Where its
documentation and its runs disagree, or it leaves something open:

| what                          | Model Monitor                               | here                                 |
|-------------------------------|---------------------------------------------|--------------------------------------|
| datatype_check_threshold,     | 1.0 in the files of runs, 0.1 in the        | 1.0: the share that must match       |
| domain_content_threshold      | documentation                               |                                      |
| comparison_threshold          | 0.1 in both                                 | 0.1                                  |
| categorical_comparison_...,   | in files since 2024 only                    | written; older files are read with   |
| categorical_drift_method      |                                             | the same defaults                    |
| domains                       | order and limit not documented; Deequ: when | sorted; at most a tenth distinct     |
|                               | at most a tenth of the values are distinct  |                                      |
| a column of truth values      | no such type in its list                    | String                               |
| a column without values       | not seen                                    | Unknown, completeness 0.0, no rule   |
| a private feature             | no such thing                               | type and completeness, no rule       |
| a column of several types     | 1.0 for all, which its own data violates    | the share that has the type, as the  |
|                               |                                             | feature's own datatype threshold     |

So every suggested rule holds on the data from which it was suggested.
"""

from __future__ import annotations

from typing import Any

from chalicelib.constraints.constraints import Constraints
from chalicelib.statistics import NUMERIC_TYPES
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table

# Deequ's CategoricalRangeRule: a domain is suggested when at most a tenth of the values are distinct.
_DISTINCT_SHARE = 0.1


def suggested_constraints(statistics: Table) -> Constraints:
    """Type as inferred, completeness as observed, non-negative when the minimum is, domains of few categories.

    Examples
    --------
    >>> suggested = suggested_constraints(Table.of([["1"], ["2"], [None], ["4"]], ("x",)))
    >>> suggested.features[0].document
    {'name': 'x', 'inferred_type': 'Integral', 'completeness': 0.75, 'num_constraints': {'is_non_negative': True}}
    >>> suggested_constraints(Table.of([["10"], ["10.5"]], ("amount",))).features[0].overrides
    {'datatype_check_threshold': 0.5}
    """
    return Constraints(
        {
            "version": 0.0,
            "features": [
                _feature(name, column)
                for name, column in zip(statistics.feature_names, statistics.columns, strict=True)
            ],
            "monitoring_config": {
                "evaluate_constraints": "Enabled",
                "emit_metrics": "Enabled",
                "datatype_check_threshold": 1.0,
                "domain_content_threshold": 1.0,
                "distribution_constraints": {
                    "perform_comparison": "Enabled",
                    "comparison_threshold": 0.1,
                    "comparison_method": "Robust",
                    "categorical_comparison_threshold": 0.1,
                    "categorical_drift_method": "LInfinity",
                },
            },
        }
    )


def _feature(name: str, column: ColumnStatistics) -> dict[str, Any]:
    kind = column.types.inferred_type
    completeness = column.types.completeness
    share = column.types.share_of(kind)
    feature: dict[str, Any] = {"name": name, "inferred_type": kind}
    if completeness is not None:
        feature["completeness"] = completeness
    if kind in NUMERIC_TYPES and column.moments.minimum is not None:
        feature["num_constraints"] = {"is_non_negative": column.moments.minimum >= 0}
    categories = column.categories.counts
    if kind == "String" and categories and len(categories) <= _DISTINCT_SHARE * column.types.present:
        feature["string_constraints"] = {"domains": sorted(categories)}
    if share is not None and share < 1:  # 10 beside 10.5, or 12345 beside K1A
        feature["monitoringConfigOverrides"] = {"datatype_check_threshold": share}
    return feature

"""The constraints that are suggested from the statistics of a baseline."""

import pytest

from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.statistics.table import Table
from tests.constraints.tables import column


def test_the_document_is_model_monitors():
    assert suggested_constraints(Table.of([["1", "0.5"]], ("", "x"))).document == {
        "version": 0.0,
        "features": [
            {
                "name": "_c0",
                "inferred_type": "Integral",
                "completeness": 1.0,
                "num_constraints": {"is_non_negative": True},
            },
            {
                "name": "x",
                "inferred_type": "Fractional",
                "completeness": 1.0,
                "num_constraints": {"is_non_negative": True},
            },
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


@pytest.mark.parametrize(
    ("cells", "feature"),
    [
        (
            ["0", "1", None, None],
            {"inferred_type": "Integral", "completeness": 0.5, "num_constraints": {"is_non_negative": True}},
        ),
        (
            ["-0.5", "1.5"],
            {"inferred_type": "Fractional", "completeness": 1.0, "num_constraints": {"is_non_negative": False}},
        ),
        (["1e200"], {"inferred_type": "Fractional", "completeness": 1.0}),  # too large to be measured
        (
            ["b"] * 19 + ["a"],
            {"inferred_type": "String", "completeness": 1.0, "string_constraints": {"domains": ["a", "b"]}},
        ),
        (["b"] * 18 + ["a"], {"inferred_type": "String", "completeness": 1.0}),  # more than a tenth is distinct
        (["b"] * 18 + ["a"] + [None] * 19, {"inferred_type": "String", "completeness": 0.5}),
        ([f"w{i}" for i in range(121)] * 20, {"inferred_type": "String", "completeness": 1.0}),
        (["1"] * 20, {"inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": True}}),
        ([None], {"inferred_type": "Unknown", "completeness": 0.0}),
        ([], {"inferred_type": "Unknown"}),
    ],
)
def test_the_cells_of_a_column_suggest_its_rules(cells, feature):
    assert suggested_constraints(column(cells)).document["features"] == [{"name": "x", **feature}]

"""constraints.json as a value: what is malformed keeps the default, what is unknown is kept."""

import pytest

from chalicelib.constraints.constraints import Constraints, FeatureConstraints, Monitoring

NESTED = {
    "perform_comparison": "Disabled",
    "comparison_threshold": 0.2,
    "comparison_method": "Simple",
    "categorical_comparison_threshold": 0.3,
    "categorical_drift_method": "ChiSquared",
}
FLAT = {"evaluate_constraints": "Disabled", "datatype_check_threshold": 0.8, "domain_content_threshold": 0.7}
STRICT = Monitoring(
    enabled=False,
    datatype_check_threshold=0.8,
    domain_content_threshold=0.7,
    perform_comparison=False,
    comparison_threshold=0.2,
    comparison_method="Simple",
    categorical_comparison_threshold=0.3,
    categorical_drift_method="ChiSquared",
)


@pytest.mark.parametrize(
    ("documents", "monitoring"),
    [
        ((), Monitoring()),
        (({**FLAT, "distribution_constraints": NESTED},), STRICT),
        ((FLAT, NESTED), STRICT),
        (({**FLAT, "distribution_constraints": {"comparison_threshold": 0.9}}, NESTED), STRICT),
        (
            ({"evaluate_constraints": "Enabled", "perform_comparison": "Enabled", "enable_comparisons": True},),
            Monitoring(),
        ),
        (({"enable_comparisons": False},), Monitoring(perform_comparison=False)),
        (
            ({"comparison_threshold": 0.2},),
            Monitoring(comparison_threshold=0.2, categorical_comparison_threshold=0.2),
        ),
        (({"comparison_threshold": 1},), Monitoring(comparison_threshold=1.0, categorical_comparison_threshold=1.0)),
        (
            (
                {
                    "distribution_constraints": 3,
                    "comparison_method": "KS",
                    "comparison_threshold": "0.5",
                    "datatype_check_threshold": True,
                    "domain_content_threshold": None,
                },
            ),
            Monitoring(),
        ),
    ],
)
def test_the_last_document_wins_and_malformed_values_keep_the_default(documents, monitoring):
    assert Monitoring.of(*documents) == monitoring


def test_a_feature_overrides_the_configuration_of_all():
    overrides = {"monitoringConfigOverrides": {"datatype_check_threshold": 0.4}}
    constraints = Constraints(
        {"features": [{"name": "a"}, {"name": "b", **overrides}], "monitoring_config": {"comparison_threshold": 0.3}}
    )
    configured = Monitoring(comparison_threshold=0.3, categorical_comparison_threshold=0.3)
    a, b = constraints.features
    assert constraints.monitoring() == constraints.monitoring(a) == configured
    assert constraints.monitoring(b).datatype_check_threshold == 0.4


def test_parts_of_a_feature_that_are_absent_or_malformed_set_no_rule():
    for document in (
        {"name": "a"},
        {"name": "a", "num_constraints": 3, "string_constraints": [], "completeness": True},
    ):
        feature = FeatureConstraints(document)
        assert (feature.inferred_type, feature.completeness, feature.is_non_negative) == ("Unknown", None, None)
        assert (feature.bounds, feature.domains, feature.overrides) == ((None, None), None, {})


def test_another_type_changes_one_feature_and_nothing_else():
    a, b = {"name": "a", "inferred_type": "String", "ours": 1}, {"name": "b", "inferred_type": "String"}
    constraints = Constraints({"version": 0.0, "features": [a, b]})
    assert constraints.with_type("a", "Integral") == Constraints(
        {"version": 0.0, "features": [{**a, "inferred_type": "Integral"}, b]}
    )

"""What is wrong with a constraints.json, and where."""

import json

import pytest

from chalicelib.constraints.validation import validation_error

A = {"name": "a", "inferred_type": "String"}


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"features": [A]}, ""),
        ({"features": [{**A, "ours": 1}], "theirs": 2}, ""),
        ({}, "the document: object missing required field `features`"),
        ([], "the document: expected `object`, got `array`"),
        ({"features": 3}, "features: expected `array`, got `int`"),
        (
            {"features": [], "volume_constraints": {"minimum_rows_per_hour": -1}},
            "volume_constraints.minimum_rows_per_hour: expected `float` >= 0.0",
        ),
        (
            {"features": [A, {**A, "name": "b", "string_constraints": {"domains": ["red", 5]}}]},
            "features[1].string_constraints.domains[1] (feature 'b'): expected `str`, got `int`",
        ),
        ({"features": [A] * 11 + [{**A, "name": 5}]}, "features[11].name: expected `str`, got `int`"),
        (
            {"features": [A] * 11 + [{"name": "l"}]},
            "features[11] (feature 'l'): object missing required field `inferred_type`",
        ),
        ({"features": ["a"]}, "features[0]: expected `object`, got `str`"),
        (
            {"features": [{"name": "a", "inferred_type": "x - at `$.y`"}]},
            "features[0].inferred_type (feature 'a'): invalid enum value 'x - at `$.y`'",
        ),
    ],
)
def test_the_sentence_names_the_place_and_the_feature(document, sentence):
    assert validation_error(document) == sentence


DISTRIBUTION = {"perform_comparison": "Enabled", "comparison_threshold": 0.1}


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (
            {"features": [A], "monitoring_config": {"distribution_constraints": {"comparison_treshold": 0.5}}},
            "monitoring_config.distribution_constraints: unknown key 'comparison_treshold'; did you mean "
            "'comparison_threshold'?",
        ),
        (  # beside the right one too: a rule was written that never applies
            {
                "features": [A],
                "monitoring_config": {"distribution_constraints": {**DISTRIBUTION, "comparison_treshold": 0.5}},
            },
            "monitoring_config.distribution_constraints: unknown key 'comparison_treshold'; did you mean "
            "'comparison_threshold'?",
        ),
        (
            {"features": [A], "monitoring_config": {"datatypeCheckThreshold": 0.5}},
            "monitoring_config: unknown key 'datatypeCheckThreshold'; did you mean 'datatype_check_threshold'?",
        ),
        (
            {"features": [A], "monitoring_configs": {}},
            "the document: unknown key 'monitoring_configs'; did you mean 'monitoring_config'?",
        ),
        (
            {"features": [A], "volume_constraints": {"max_rows_per_hour": 5}},
            "volume_constraints: unknown key 'max_rows_per_hour'; did you mean 'maximum_rows_per_hour'?",
        ),
        (
            {"features": [{**A, "Completeness": 1.0}]},
            "features[0] (feature 'a'): unknown key 'Completeness'; did you mean 'completeness'?",
        ),
        (
            {"features": [A, {**A, "name": "b", "num_constraints": {"min": 5}}]},
            "features[1].num_constraints (feature 'b'): unknown key 'min'; did you mean 'minimum'?",
        ),
        (
            {"features": [{**A, "string_constraints": {"domain": ["x"]}}]},
            "features[0].string_constraints (feature 'a'): unknown key 'domain'; did you mean 'domains'?",
        ),
        (
            {"features": [{**A, "monitoringConfigOverrides": {"comparision_threshold": 0.5}}]},
            "features[0].monitoringConfigOverrides (feature 'a'): unknown key 'comparision_threshold'; did you mean "
            "'comparison_threshold'?",
        ),
        (
            {"features": [{**A, "string_constraints": {"monitoring_config_overrides": {"evaluate_constraint": "x"}}}]},
            "features[0].string_constraints.monitoring_config_overrides (feature 'a'): unknown key "
            "'evaluate_constraint'; did you mean 'evaluate_constraints'?",
        ),
        (
            {"features": [{**A, "domains": ["x"]}]},
            "features[0] (feature 'a'): unknown key 'domains'; it belongs in string_constraints",
        ),
        (
            {"features": [A], "comparison_threshold": 0.5},
            "the document: unknown key 'comparison_threshold'; it belongs in monitoring_config, or in a feature's "
            "monitoringConfigOverrides",
        ),
        (
            {"features": [{**A, "num_constraints": {"minimum": 5, "maximum": 3.5}}]},
            "features[0].num_constraints (feature 'a'): minimum 5 is above maximum 3.5",
        ),
        (
            {"features": [{**A, "num_constraints": {"maximum": float("nan")}}]},
            "features[0].num_constraints (feature 'a'): maximum is NaN",
        ),
        (
            {"features": [A], "volume_constraints": {"minimum_rows_per_hour": 9, "maximum_rows_per_hour": 1}},
            "volume_constraints: minimum_rows_per_hour 9 is above maximum_rows_per_hour 1",
        ),
    ],
)
def test_a_rule_that_would_never_apply_is_an_error_with_its_cure(document, sentence):
    assert validation_error(document) == sentence


@pytest.mark.parametrize(
    "document",
    [
        {"features": [A], "version": 0.0, "_comment": "by us", "bias_constraints": {"comparison_treshold": 1}},
        {"features": [{**A, "numerical_rules": {"domain": 1}, "comment": "x", "missing": None}]},
        {"features": [{**A, "num_constraints": {"minimum": 5, "maximum": 5}}]},
        {"features": [A], "volume_constraints": {"minimum_rows_per_hour": 0, "maximum_rows_per_hour": 0}},
        {  # of 2019
            "features": [A],
            "monitoring_config": {"distribution_constraints": {"enable_comparisons": True, "min_domain_mass": 1.0}},
        },
        {"features": [A], "monitoring_config": {"comparison_threshold": 0.2, "emit_metrics": "Enabled"}},
        {"features": [A], "monitoring_config": {"distribution_constraints": {"datatype_check_threshold": 0.9}}},
        {"features": [{**A, "string_constraints": {"monitoringConfigOverrides": {"comparison_method": "Simple"}}}]},
    ],
)
def test_keys_that_are_no_typing_errors_are_kept(document):
    assert validation_error(document) == ""


def test_every_constraints_file_of_model_monitor_is_valid(conformance):
    files = [
        *conformance.glob("pairs/P0[147]*/*constraints.json"),
        conformance / "violations/sdk_tests_dc87417773.json",
    ]
    assert len(files) == 5
    assert [validation_error(json.loads(file.read_text())) for file in files] == [""] * 5

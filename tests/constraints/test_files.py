"""constraints.json and constraint_violations.json: live forms read, unknown keys kept, the rest refused."""

import json

import pytest
from msgspec.structs import replace

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.files import (
    Violation,
    read_constraints,
    read_violations,
    write_constraints,
    write_violations,
)
from chalicelib.constraints.measurement import Measurement
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.errors import UnreadableFile
from chalicelib.statistics.files import read_statistics
from chalicelib.statistics.table import Table
from vedette.data_sets import baseline_statistics


def test_constraints_of_others_are_written_again_as_they_were(conformance):
    files = [*conformance.glob("pairs/P0[17]*/*constraints.json"), conformance / "violations/sdk_tests_dc87417773.json"]
    assert len(files) == 4
    for file in files:
        constraints = read_constraints(file.read_bytes(), file.name)
        assert json.loads(write_constraints(constraints)) == json.loads(file.read_text())
        assert all(feature.completeness == 1.0 for feature in constraints.features)


def test_the_constraints_suggested_for_p01_are_model_monitors(conformance):
    folder = next(conformance.glob("pairs/P01_*"))
    table = baseline_statistics([(folder / "baseline_dataset.csv").read_bytes()], "p01", header=False)
    ours = suggested_constraints(table).document
    theirs = json.loads((folder / "good_cases_constraints.json").read_text())
    assert ours["features"] == theirs["features"]
    assert (
        ours["monitoring_config"]["distribution_constraints"].items()
        >= theirs["monitoring_config"]["distribution_constraints"].items()
    )


def test_negative_values_text_and_missing_cells_shape_the_suggestion():
    rows = [["-1", "ab"[i % 2], f"text {i}", None] for i in range(40)]
    features = suggested_constraints(Table.of(rows, ("n", "kind", "free", "none"))).document["features"]
    assert features == [
        {"name": "n", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": False}},
        {"name": "kind", "inferred_type": "String", "completeness": 1.0, "string_constraints": {"domains": ["a", "b"]}},
        {"name": "free", "inferred_type": "String", "completeness": 1.0},
        {"name": "none", "inferred_type": "Unknown", "completeness": 0.0},
    ]


def test_violations_of_every_monitor_type_are_read(conformance):
    taxi = read_violations((conformance / "violations/sdk_constraint_violations_taxi.json").read_bytes(), "taxi")
    assert [violation.subject for violation in taxi[:2]] == ["store_and_fwd_flag", "fare_amount"]
    bias = read_violations((conformance / "violations/bias_endpoint.json").read_bytes(), "bias")
    assert (bias[0].subject, bias[0].metric_name) == ("Sex=0", "CDDPL")
    assert all(violation.description for violation in (*taxi, *bias))


def test_files_that_hold_no_violations_are_said_to_be_none(conformance):
    for name in ("sdk_tests_cc39d2b458.json", "sdk_tests_dc87417773.json"):
        with pytest.raises(UnreadableFile, match=r"not a constraint_violations\.json: no violations"):
            read_violations((conformance / "violations" / name).read_bytes(), name)


def test_what_is_written_is_read_again():
    measurement = Measurement(
        feature="b", check="data_type_check", kind="hard", expected="", observed="", value=0.5, threshold=1.0,
        violated=True, description="said",
    )  # fmt: skip
    (violation,) = read_violations(write_violations([measurement]), "x")
    assert (violation.subject, violation.constraint_check_type, violation.description) == (
        "b",
        "data_type_check",
        "said",
    )


def test_every_key_of_a_constraints_file_is_kept():
    features = [{"name": name, "inferred_type": "String", "theirs": 1} for name in ("a", "b")]
    document = {"version": 0.0, "features": features, "theirs": {"x": None}}
    assert read_constraints(json.dumps(document).encode(), "x") == Constraints(document)


def test_a_name_that_occurs_twice_is_of_an_output_and_then_of_an_input():
    features = [{"name": name, "inferred_type": "String", "theirs": 1} for name in ("id", "score", "id", "b")]
    read = read_constraints(json.dumps({"features": features}).encode(), "x")
    assert [feature.name for feature in read.features] == ["output.id", "score", "input.id", "b"]
    assert read_constraints(write_constraints(read), "x") == read


def test_files_are_indented_and_written_in_clear_even_when_a_text_is_no_unicode():
    written = write_constraints(Constraints({"features": [], "name": "Größe \ud800"}))
    assert written.decode() == '{\n  "features": [],\n  "name": "Größe \\ud800"\n}'


def test_the_file_has_the_violations_alone_without_vedettes_own_checks():
    found = Measurement(
        feature="b", check="data_type_check", kind="hard", expected="", observed="", violated=True, description="said"
    )
    others = [replace(found, violated=False), replace(found, check="vedette_range_check")]
    assert json.loads(write_violations([found, *others])) == {
        "violations": [{"feature_name": "b", "constraint_check_type": "data_type_check", "description": "said"}]
    }


@pytest.mark.parametrize(
    ("entry", "violation"),
    [
        (
            {"feature_name": "b", "constraint_check_type": "data_type_check", "description": "said", "label": "l"},
            Violation(subject="b", constraint_check_type="data_type_check", description="said"),
        ),
        (
            {"facet": "Sex", "facet_value": 0, "metric_name": "CDDPL", "label": "l"},
            Violation(subject="Sex=0", constraint_check_type="", description="", metric_name="CDDPL"),
        ),
        (
            {"label": "l", "metric_name": "m", "facet": None},
            Violation(subject="l", constraint_check_type="", description="", metric_name="m"),
        ),
        ({"metric_name": "m"}, Violation(subject="m", constraint_check_type="", description="", metric_name="m")),
        ({}, Violation(subject="", constraint_check_type="", description="")),
    ],
)
def test_the_subject_of_a_violation_is_its_feature_facet_label_or_metric(entry, violation):
    assert read_violations(json.dumps({"violations": [entry, "no object"]}).encode(), "x") == (violation,)


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"violations": {}}'])
def test_violations_that_are_no_list_are_refused(content):
    with pytest.raises(UnreadableFile) as refused:
        read_violations(content, "x")
    assert str(refused.value) == "x: not a constraint_violations.json: no violations"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "x: not JSON: line 1, column 2"),
        (b"[]", "x: not a constraints.json: no features"),
        (b'{"features": {}}', "x: not a constraints.json: no features"),
        (
            b'{"binary_classification_constraints": {"auc": {}}}',
            "x: this is a model-quality file, not a constraints.json of data quality",
        ),
        (
            b'{"version": "1.0", "post_training_bias_metrics": {}}',
            "x: this is a bias file, not a constraints.json of data quality",
        ),
        (
            b'{"explanations": {"kernel_shap": {}}}',
            "x: this is an explainability file, not a constraints.json of data quality",
        ),
        (b'{"violations": []}', "x: this is a constraint_violations.json, not a constraints.json of data quality"),
        (
            b'{"features": [{"name": "a", "inferred_type": "String", "string_statistics": {}}]}',
            "x: this is a statistics.json, not a constraints.json of data quality",
        ),
        (b"y,a\n1,2\n", "x: this looks like CSV: `vedette baseline x -o FOLDER` makes constraints from it"),
        (
            b"\xef\xbb\xbfy;a\r\n1;2\r\n",
            "x: this looks like CSV: `vedette baseline x -o FOLDER` makes constraints from it",
        ),
        (b"1,2.5\n3,4", "x: this looks like CSV: `vedette baseline x -o FOLDER` makes constraints from it"),
        (
            b'{"a": 1}\n{"a": 2}\n',
            "x: this looks like JSON lines: `vedette baseline x -o FOLDER` makes constraints from it",
        ),
        (b"PAR1\0", "x: this looks like Parquet: `vedette baseline x -o FOLDER` makes constraints from it"),
        (b'[{"a": 1},\n{"a": 2},\n', "x: not JSON: line 3, column 1"),
        (b"", "x: not JSON: line 1, column 1"),
        (b"\0,\0", "x: not JSON: line 1, column 1"),
        (b'{"features": [{}]}', "x: features[0]: object missing required field `name`"),
        (b'{"features": [3]}', "x: features[0]: expected `object`, got `int`"),
        (
            b'{"features": [{"name": "a", "infered_type": "Integral"}]}',
            "x: features[0] (feature 'a'): object missing required field `inferred_type`",
        ),
        (
            json.dumps({"features": [{"name": "a", "inferred_type": "String"}] * 3}).encode(),
            "x: two features named 'a'",
        ),
        (
            json.dumps(
                {"features": [{"name": name, "inferred_type": "String"} for name in ("a", "a", "input.a")]}
            ).encode(),
            "x: two features named 'input.a'",
        ),
    ],
)
def test_anything_else_is_refused_in_one_sentence(content, sentence):
    with pytest.raises(UnreadableFile) as refused:
        read_constraints(content, "x")
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "rule", [{"num_constraints": {"minimum": 2, "maximum": 1}}, {"completness": 1.0}, {"string_statistics": {}}]
)
def test_a_baseline_that_an_earlier_version_accepted_is_read_and_cannot_be_given_again(rule):
    content = json.dumps({"features": [{"name": "a", "inferred_type": "String", **rule}]}).encode()
    assert json.loads(write_constraints(read_constraints(content, "x", stored=True))) == json.loads(content)
    with pytest.raises(UnreadableFile):
        read_constraints(content, "x")
    malformed = content.replace(b'"String"', b'"Text"')
    with pytest.raises(UnreadableFile, match="inferred_type"):
        read_constraints(malformed, "x", stored=True)


def test_a_file_that_is_named_csv_is_csv_of_one_column_too():
    with pytest.raises(UnreadableFile, match=r"^train\.csv: this looks like CSV: "):
        read_constraints(b"age\n41\n17\n", "train.csv")


def test_files_of_other_monitors_are_named(conformance):
    others = {
        "pairs/P02*/*.json": "a model-quality file",
        "pairs/P15*/*.json": "a model-quality file",
        "pairs/P03*/*.json": "a bias file",
        "violations/bias_endpoint.json": "a constraint_violations.json",
    }
    for pattern, kind in others.items():
        files = list(conformance.glob(pattern))
        assert files
        for file in files:
            for read, wanted in ((read_constraints, "constraints.json"), (read_statistics, "statistics.json")):
                with pytest.raises(UnreadableFile) as refused:
                    read(file.read_bytes(), "x")
                assert str(refused.value) == f"x: this is {kind}, not a {wanted} of data quality"


@pytest.mark.parametrize(
    ("odd", "where"),
    [
        ({"inferred_type": "Whole"}, "features[0].inferred_type"),
        ({"completeness": "lots"}, "features[0].completeness"),
        ({"completeness": 7}, "features[0].completeness"),
        ({"num_constraints": 3}, "features[0].num_constraints"),
        ({"string_constraints": {"domains": "red"}}, "features[0].string_constraints.domains"),
        ({"monitoringConfigOverrides": {"comparison_threshold": "x"}}, "features[0].monitoringConfigOverrides"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_with_its_place_and_never_ignored(odd, where):
    feature = {"name": "a", "inferred_type": "Integral", **odd}
    with pytest.raises(UnreadableFile) as refused:
        read_constraints(json.dumps({"features": [feature]}).encode(), "x")
    assert str(refused.value).startswith(f"x: {where}")
    assert "(feature 'a')" in str(refused.value)


@pytest.mark.parametrize(
    "config",
    [
        {"evaluate_constraints": "Maybe"},
        {"datatype_check_threshold": 10},
        {"distribution_constraints": {"comparison_threshold": "x"}},
        {"distribution_constraints": {"comparison_method": "KS"}},
    ],
)
def test_a_monitoring_config_that_cannot_be_read_is_refused(config):
    with pytest.raises(UnreadableFile, match=r"x: monitoring_config\."):
        read_constraints(json.dumps({"features": [], "monitoring_config": config}).encode(), "x")

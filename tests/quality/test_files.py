"""Model Monitor's own files are reproduced and read."""

import csv
import json

import numpy as np
import pytest

from chalicelib.constraints.files import read_violations
from chalicelib.errors import UnreadableFile
from chalicelib.quality.confusion import Confusion
from chalicelib.quality.constraints import QualityConstraints, Threshold, file_violations, suggested_constraints
from chalicelib.quality.files import (
    is_quality_constraints,
    quality_statistics,
    read_constraints,
    read_statistics,
    write_constraints,
    write_statistics,
    write_violations,
)
from chalicelib.quality.settings import ProblemType
from chalicelib.quality.state import QualityState
from tests.quality.tables import BINARY, MULTICLASS, REGRESSION, binary_rows


@pytest.fixture
def guide(conformance):
    """Values that the developer guide prints, and the rows of its confusion matrix."""
    document = json.loads((conformance / "pairs/P15_devguide_model_quality/statistics.json").read_text())
    matrix = document["multiclass_classification_metrics"]["confusion_matrix"]
    rows = [(label, one) for label, row in matrix.items() for one, count in row.items() for _ in range(count)]
    return document, np.array(rows, dtype=int)


def values_of(body):
    return {name: one["value"] for name, one in body.items() if name != "confusion_matrix"}


def test_the_multiclass_values_of_the_developer_guide(guide):
    document, rows = guide
    expected = document["multiclass_classification_metrics"]
    state = QualityState.of_classes(("0", "1"), rows[:, 0], rows[:, 1])
    found = json.loads(write_statistics(state, MULTICLASS))
    assert found["dataset"]["item_count"] == document["dataset"]["item_count"]
    assert found["multiclass_classification_metrics"]["confusion_matrix"] == expected["confusion_matrix"]
    assert values_of(found["multiclass_classification_metrics"]) == pytest.approx(values_of(expected), rel=1e-12)


def test_the_regression_values_of_the_developer_guide(guide):
    document, rows = guide
    state = QualityState.of_numbers(rows[:, 0].astype(float), rows[:, 1].astype(float))
    found = json.loads(write_statistics(state, REGRESSION))["regression_metrics"]
    assert values_of(found) == pytest.approx(values_of(document["regression_metrics"]), rel=1e-12)


def test_the_deviations_of_the_developer_guide_are_of_our_size(guide):
    """They are those of five random samples: their own deviation is a third of them."""
    document, rows = guide
    expected = document["multiclass_classification_metrics"]
    state = QualityState.of_classes(("0", "1"), rows[:, 0], rows[:, 1])
    deviations = quality_statistics(state, MULTICLASS).deviations
    for name in ("accuracy", "weighted_precision", "weighted_f1"):
        assert 0.4 < expected[name]["standard_deviation"] / deviations[name] < 2.0


@pytest.fixture
def regression(conformance):
    """A data set, its statistics and two constraint files of the SageMaker SDK; its test swaps label and prediction."""
    folder = conformance / "pairs/P02_sdk_modelquality_regression"
    with (folder / "baseline_dataset.csv").open() as file:
        rows = list(csv.DictReader(file))
    labels, predictions = (np.array([float(row[name]) for row in rows]) for name in ("Prediction", "Label"))
    return folder, QualityState.of_numbers(labels, predictions)


def test_the_statistics_of_the_sagemaker_sdk(regression):
    folder, state = regression
    expected = json.loads((folder / "statistics.json").read_text())
    found = json.loads(write_statistics(state, REGRESSION))
    assert found["dataset"] == expected["dataset"]
    assert values_of(found["regression_metrics"]) == pytest.approx(values_of(expected["regression_metrics"]), rel=1e-12)
    assert {one["standard_deviation"] for one in found["regression_metrics"].values()} == {"NaN"}


@pytest.mark.parametrize(("name", "violated"), [("good_cases", []), ("bad_cases", ["mse"])])
def test_the_constraints_of_the_sagemaker_sdk_are_violated_as_its_files_say(regression, name, violated):
    folder, state = regression
    place = folder / f"{name}_constraints.json"
    constraints = read_constraints(place.read_bytes(), str(place))
    found = quality_statistics(state, REGRESSION)
    violations = file_violations(found.values, found.deviations, constraints)
    assert [one.metric_name for one in violations] == violated
    assert json.loads(write_constraints(constraints)) == json.loads(place.read_text())
    if violated:
        said = violations[0].description
        assert said.startswith("Metric mse with 0.333649336098")
        assert said.endswith(" was GreaterThanThreshold '0.03364933609800973'")


def test_statistics_are_read_as_they_were_written():
    state = binary_rows(np.random.default_rng(9), 500).state()
    found = read_statistics(write_statistics(state, BINARY), "x")
    assert found == quality_statistics(state, BINARY)
    assert found.rows == 500


def test_a_binary_file_has_the_keys_of_the_developer_guide():
    """https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html"""
    labels = np.array([0, 1] * 200)
    scores = np.linspace(0, 1, 400)
    state = QualityState.of_classes(("0", "1"), labels, (scores > 0.5).astype(int), scores, "1")
    body = json.loads(write_statistics(state, BINARY))["binary_classification_metrics"]
    constant = ("recall", "precision", "accuracy", "f0_5", "f1", "f2")
    assert set(body) == {
        *("confusion_matrix", "auc", "receiver_operating_characteristic_curve", "precision_recall_curve", *constant),
        *("true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate"),
        *(f"{name}_best_constant_classifier" for name in constant),
    }
    assert set(body["receiver_operating_characteristic_curve"]) == {"false_positive_rates", "true_positive_rates"}
    assert set(body["precision_recall_curve"]) == {"precisions", "recalls"}
    assert all(isinstance(body[name]["standard_deviation"], float) for name in ("recall", "auc"))


def test_the_binary_example_of_the_developer_guide():
    state = QualityState(confusion=Confusion.of("0001", "0111"))
    body = values_of(json.loads(write_statistics(state, BINARY))["binary_classification_metrics"])
    assert body["recall"] == body["recall_best_constant_classifier"] == 1.0
    assert body["precision"] == pytest.approx(1 / 3)
    assert body["precision_best_constant_classifier"] == body["accuracy_best_constant_classifier"] == 0.25
    assert body["f2_best_constant_classifier"] == 0.625


def test_an_undefined_value_is_written_as_nan_and_read_as_none():
    content = write_statistics(QualityState.of_numbers(np.array([1.0]), np.array([2.0])), REGRESSION)
    assert json.loads(content)["regression_metrics"]["r2"]["value"] == "NaN"
    assert read_statistics(content, "x").values["r2"] is None


def test_violations_are_read_as_they_were_written():
    constraints = suggested_constraints({"auc": 0.9, "false_positive_rate": 0.1}, ProblemType.BINARY)
    violations = file_violations({"auc": 0.8, "false_positive_rate": 0.2}, {"auc": 0.01}, constraints)
    assert read_violations(write_violations(violations), "x") == violations
    assert [one.description for one in violations] == [
        "Metric auc with 0.8 +/- 0.01 was LessThanThreshold '0.9'",
        "Metric falsePositiveRate with 0.2 was GreaterThanThreshold '0.1'",
    ]


def test_constraints_keep_what_vedette_does_not_know():
    document = {
        "version": 0.0,
        "binary_classification_constraints": {
            "auc": {"threshold": 0.9, "comparison_operator": "LessThanThreshold", "additional_properties": {"a": 1}}
        },
        "more": [1],
    }
    assert json.loads(write_constraints(read_constraints(json.dumps(document).encode(), "x"))) == document


def test_only_constraints_of_model_quality_are_taken_for_such():
    constraints = QualityConstraints(problem_type=ProblemType.BINARY, thresholds={})
    assert is_quality_constraints(write_constraints(constraints))
    assert not is_quality_constraints(b'{"features": []}')
    assert not is_quality_constraints(b"[" * 100_000)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"{oops", "x: not JSON"),
        (b"[]", "x: not a constraints.json of model quality"),
        (b'{"violations": []}', "x: not a constraints.json of model quality but a constraint_violations.json"),
        (b'{"regression_metrics": {}}', "x: not a constraints.json of model quality"),
        (b'{"regression_constraints": {}}', "x: no thresholds"),
        (b'{"regression_constraints": []}', "x: not a constraints.json of model quality"),
        (b'{"regression_constraints": {"mae": 1}}', "x: mae is not an object"),
        (b'{"regression_constraints": {"mae": {"threshold": "1"}}}', "x: mae: the threshold is not a number"),
        (
            b'{"regression_constraints": {"mae": {"threshold": 1, "comparison_operator": "<"}}}',
            "x: mae: comparison_operator must be GreaterThanThreshold or LessThanThreshold",
        ),
        (
            b'{"regression_constraints": {}, "binary_classification_constraints": {}}',
            "x: BinaryClassification and Regression in one file",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_place_and_cause(content, cause):
    with pytest.raises(UnreadableFile) as raised:
        read_constraints(content, "x")
    assert str(raised.value) == cause


def test_rounding_is_no_violation():
    limit = Threshold(threshold=0.1 + 0.2, comparison_operator="LessThanThreshold")
    assert not limit.violated_by(0.3)
    assert limit.violated_by(0.2999999)

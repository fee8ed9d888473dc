"""The metrics are scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

from chalicelib.quality.curves import auc, auc_standard_error, precision_recall_curve, roc_curve
from chalicelib.quality.metrics import independent_errors, metrics
from chalicelib.quality.state import QualityState
from tests.quality.tables import (
    BINARY,
    MULTICLASS,
    REGRESSION,
    BinaryRows,
    binary_rows,
    sklearn_binary,
    sklearn_multiclass,
    sklearn_regression,
)

TABLES = 170  # of each problem type


def assert_equal(found, expected):
    """Every value that is defined, and no other."""
    assert {name for name, value in found.items() if value is not None} == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12, abs=1e-12), name


def test_binary_metrics_of_random_tables():
    random = np.random.default_rng(1)
    for _ in range(TABLES):
        rows = binary_rows(random, int(random.integers(1, 300)), int(random.choice([0, 1, 5, 50])))
        assert_equal(metrics(rows.state(), BINARY), sklearn_binary(rows))


def test_multiclass_metrics_of_random_tables():
    random = np.random.default_rng(2)
    for _ in range(TABLES):
        size, classes = int(random.integers(1, 200)), int(random.integers(1, 8))
        labels, predictions = random.integers(0, classes, size), random.integers(0, int(random.integers(1, 9)), size)
        names = [str(place) for place in range(9)]
        state = QualityState.of_classes(names, labels, predictions)
        assert_equal(metrics(state, MULTICLASS), sklearn_multiclass(labels, predictions))


@pytest.mark.parametrize("centre", [0.0, 1e6])
def test_regression_metrics_of_random_tables(centre):
    random = np.random.default_rng(3)
    for _ in range(TABLES):
        size = int(random.integers(1, 300))
        labels = centre + random.choice([random.uniform(-1, 1, size), np.full(size, 3.0), random.integers(-1, 2, size)])
        predictions = labels + random.normal(0, random.choice([0.0, 0.1, 5.0]), size)
        assert_equal(
            metrics(QualityState.of_numbers(labels, predictions), REGRESSION), sklearn_regression(labels, predictions)
        )


def test_no_rows_have_no_metrics():
    for problem in (BINARY, MULTICLASS, REGRESSION):
        assert metrics(QualityState(), problem) == {}
        assert independent_errors(QualityState(), problem) == {}


@pytest.mark.parametrize("distinct", [0, 20])
def test_the_curves_are_those_of_scikit_learn(distinct):
    random = np.random.default_rng(4)
    for _ in range(50):
        rows = binary_rows(random, 400, distinct)
        scores = rows.state().scores
        if not rows.labels.any() or rows.labels.all():
            assert roc_curve(scores) is None
            continue
        false_alarms, hits, _ = sklearn.roc_curve(rows.labels, rows.scores)
        curve = roc_curve(scores)
        assert curve.x == pytest.approx(false_alarms)
        assert curve.y == pytest.approx(hits)
        precisions, recalls, _ = sklearn.precision_recall_curve(rows.labels, rows.scores)
        curve = precision_recall_curve(scores)
        assert curve.x == pytest.approx(precisions)
        assert curve.y == pytest.approx(recalls)


def logistic(values):
    return 1 / (1 + np.exp(-values))


RANDOM = np.random.default_rng(5)
ROWS = 200_000
RARE, EVEN = (RANDOM.uniform(size=ROWS) < 0.003).astype(int), (RANDOM.uniform(size=ROWS) < 0.5).astype(int)
SCORES = {
    "fraud near 1e-5": (RARE, logistic(RANDOM.normal(-11.5 + 1.6 * RARE, 1.0))),
    "fraud near 0.01": (RARE, logistic(RANDOM.normal(-4.6 + 1.3 * RARE, 0.8))),
    "fraud within a tenth": (RARE, logistic(RANDOM.normal(-11.5 + 0.15 * RARE, 0.1))),
    "balanced": (EVEN, logistic(RANDOM.normal(1.5 * EVEN, 1.5))),
    "balanced, all near 0.5": (EVEN, logistic(RANDOM.normal(0.05 * EVEN, 0.05))),
    "confident": (EVEN, logistic(RANDOM.normal(12 * EVEN - 8, 6.0))),
    "uniform": (EVEN, RANDOM.uniform(size=ROWS)),
}


@pytest.mark.parametrize("name", SCORES)
def test_auc_in_bins_is_within_a_fifty_thousandth(name):
    labels, scores = SCORES[name]
    state = BinaryRows(labels, labels, scores).state()
    assert state.scores.binned
    assert auc(state.scores) == pytest.approx(sklearn.roc_auc_score(labels, scores), abs=2e-5)


def test_auc_of_4096_distinct_scores_is_exact():
    labels = EVEN
    scores = np.round(SCORES["balanced"][1] * 4095) / 4095
    state = BinaryRows(labels, labels, scores).state()
    assert not state.scores.binned
    assert auc(state.scores) == pytest.approx(sklearn.roc_auc_score(labels, scores), abs=1e-12)


def test_standard_errors_are_how_much_samples_vary():
    random = np.random.default_rng(6)
    samples, errors = [], []
    for _ in range(400):
        labels = (random.uniform(size=400) < 0.3).astype(int)
        scores = logistic(random.normal(2 * labels - 1, 1.5))
        state = BinaryRows(labels, (scores >= 0.5).astype(int), scores).state()
        samples.append(metrics(state, BINARY))
        errors.append(independent_errors(state, BINARY))
    for name in ("recall", "precision", "accuracy", "false_positive_rate", "f1", "auc"):
        spread = np.std([one[name] for one in samples])
        assert np.mean([one[name] for one in errors]) == pytest.approx(spread, rel=0.12), name
    assert auc_standard_error(QualityState().scores) is None


def test_standard_errors_of_a_regression_are_how_much_samples_vary():
    random = np.random.default_rng(7)
    samples, errors = [], []
    for _ in range(400):
        labels = random.normal(50, 10, 400)
        state = QualityState.of_numbers(labels, labels + random.standard_t(8, 400) * 4)
        samples.append(metrics(state, REGRESSION))
        errors.append(independent_errors(state, REGRESSION))
    for name in ("mae", "mse", "rmse", "r2"):
        spread = np.std([one[name] for one in samples])
        assert np.mean([one[name] for one in errors]) == pytest.approx(spread, rel=0.12), name

"""Parts added up are the whole, in any order."""

from itertools import permutations

import msgspec
import numpy as np
import pytest

from chalicelib.quality.confusion import Confusion
from chalicelib.quality.curves import auc
from chalicelib.quality.metrics import independent_errors, metrics
from chalicelib.quality.regression import RegressionErrors
from chalicelib.quality.scores import NEGATIVE, POSITIVE, UNLABELLED, Scale, ScoreHistogram
from chalicelib.quality.state import QualityState
from tests.quality.tables import BINARY, MULTICLASS, REGRESSION, binary_rows

RANDOM = np.random.default_rng(8)


def histogram(size, distinct=0):
    scores = RANDOM.uniform(size=size)
    return ScoreHistogram.of(np.round(scores, 2) if distinct else scores, RANDOM.integers(0, 3, size))


def numbers(size, centre):
    labels = RANDOM.normal(centre, 1, size)
    return RegressionErrors.of(labels, labels + RANDOM.normal(0, 1, size))


ZEROS_AND_VALUES = {
    "confusion": (Confusion(), [Confusion.of("0110", "0101"), Confusion.of("ab", "ba"), Confusion.of("1", "9")]),
    "exact scores": (ScoreHistogram(), [histogram(300, 100) for _ in range(3)]),
    "scores in bins": (ScoreHistogram(), [histogram(5000), histogram(10), histogram(4000)]),
    "scores, in bins together": (ScoreHistogram(), [histogram(2000) for _ in range(3)]),
    "state": (QualityState(), [binary_rows(RANDOM, 50, 20).state() for _ in range(3)]),
}


@pytest.mark.parametrize("name", ZEROS_AND_VALUES)
def test_the_zero_is_neutral_and_the_order_does_not_matter(name):
    zero, values = ZEROS_AND_VALUES[name]
    assert zero + zero == zero
    assert all(zero + one == one == one + zero for one in values)
    totals = [sum(order, zero) for order in permutations(values)]
    totals.append(values[0] + (values[1] + values[2]))
    assert all(total == totals[0] for total in totals)


def test_scores_are_in_bins_only_when_more_than_4096_are_distinct():
    few, many = np.linspace(0, 1, 4096), np.linspace(0, 1, 4097)
    assert not ScoreHistogram.of(few, np.zeros(4096, int)).binned
    assert ScoreHistogram.of(many, np.zeros(4097, int)).binned
    halves = [ScoreHistogram.of(half, np.zeros(len(half), int)) for half in (many[:2000], many[2000:])]
    assert halves[0] + halves[1] == ScoreHistogram.of(many, np.zeros(4097, int))


def test_scores_of_two_scales_do_not_add_up():
    one = ScoreHistogram.of(np.array([0.5]), np.array([NEGATIVE]))
    with pytest.raises(ValueError, match="do not add up"):
        one + ScoreHistogram.of(np.array([0.5]), np.array([NEGATIVE]), Scale.NUMBER)


def test_numbers_of_any_size_have_a_bin_in_their_order():
    numbers = np.concatenate([-np.logspace(-12, 25, 3000)[::-1], [0.0], np.logspace(-12, 25, 3000)])
    found = ScoreHistogram.of(numbers, np.zeros(len(numbers), int), Scale.NUMBER)
    assert found.binned
    assert found.rows().sum() == len(numbers)
    assert (np.diff(found.values()) > 0).all()


def test_scores_at_both_ends_count():
    scores = np.concatenate([[0.0, 5e-324, 1e-300, 1.0, np.nextafter(1, 0)], np.linspace(0.1, 0.9, 5000)])
    groups = np.where(scores < 0.5, NEGATIVE, POSITIVE)
    found = ScoreHistogram.of(scores, groups)
    assert found.rows()[:, UNLABELLED].sum() == 0
    assert found.rows().sum() == len(scores)
    assert auc(found) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("centre", [0.0, 1e6])
def test_errors_in_parts_are_those_of_the_whole(centre):
    labels = RANDOM.normal(centre, 1, 1000)
    predictions = labels + RANDOM.normal(0, 1, 1000)
    whole = QualityState.of_numbers(labels, predictions)
    for cuts in ([500], [1, 2, 3], [999], [0, 0, 400]):
        parts = np.split(np.arange(1000), cuts)
        total = QualityState.total(QualityState.of_numbers(labels[part], predictions[part]) for part in parts)
        assert total.predictions == total.labelled == 1000
        assert metrics(total, REGRESSION) == pytest.approx(metrics(whole, REGRESSION), rel=1e-12)
        assert independent_errors(total, REGRESSION) == pytest.approx(independent_errors(whole, REGRESSION), rel=1e-6)


def test_constant_labels_stay_constant_when_added_up():
    parts = [RegressionErrors.of(np.full(n, 0.1), np.full(n, 0.1)) for n in (1, 3, 7)]
    assert sum(parts, RegressionErrors()).metrics()["r2"] == 1.0


def test_predictions_without_a_label_count_by_their_class():
    labels, predictions = np.array([0, -1, 1, -1]), np.array([0, 1, 1, 1])
    state = QualityState.of_classes(("0", "1"), labels, predictions, np.array([0.1, 0.7, np.nan, 0.9]), "1")
    assert (state.predictions, state.labelled, state.coverage) == (4, 2, 0.5)
    assert state.unlabelled == {"1": 2}
    assert state.scores.rows().tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]


@pytest.mark.parametrize("name", ZEROS_AND_VALUES)
def test_a_state_survives_being_stored(name):
    for value in ZEROS_AND_VALUES[name][1]:
        assert msgspec.json.decode(msgspec.json.encode(value), type=type(value)) == value


def test_classes_are_in_the_order_of_their_numbers():
    state = QualityState.of_classes(("10", "9", "b"), np.array([0, 1, 2]), np.array([1, 0, 0]))
    assert list(state.confusion.table()) == ["9", "10", "b"]
    assert metrics(state, MULTICLASS)["accuracy"] == 0.0
    assert metrics(QualityState(confusion=Confusion.of("1", "1")), BINARY)["recall"] == 1.0

"""What a person is alerted of, and what is no number."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from chalicelib.constraints.measurement import Severity, Verdict
from chalicelib.quality.constraints import QualityConstraints, Threshold, suggested_constraints
from chalicelib.quality.coverage import groups, uneven
from chalicelib.quality.evaluation import LabelHistory, evaluate_quality
from chalicelib.quality.files import quality_statistics
from chalicelib.quality.metrics import independent_errors, metrics
from chalicelib.quality.ripeness import looks
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.quality.state import QualityState
from chalicelib.quality.uncertainty import block_errors, margins
from chalicelib.window import Window
from tests.quality.tables import BINARY, REGRESSION

HOURS = 24


def day(random, rows=3000, separation=2.5, share=0.3, client=10, covered=None):
    """A day of predictions by hour; each client sends 10 rows in one hour that are alike."""
    clients = rows // client
    of_row = np.repeat(np.arange(clients), client)
    alike, own = random.normal(size=clients)[of_row], random.normal(size=rows)
    labels = (random.uniform(size=clients)[of_row] < share).astype(int)
    scores = 1 / (1 + np.exp(-(separation * (labels - share) + 0.8 * alike + 0.8 * own - 0.8)))
    predictions = (scores >= 0.5).astype(int)
    known = np.where(np.ones(rows, bool) if covered is None else covered(random, labels, predictions), labels, -1)
    hours = random.integers(0, HOURS, clients)[of_row]
    chosen = (hours == hour for hour in range(HOURS))
    return [QualityState.of_classes(("0", "1"), known[one], predictions[one], scores[one], "1") for one in chosen]


@pytest.fixture(scope="module")
def baseline():
    random = np.random.default_rng(20)
    total = QualityState.total(one for _ in range(10) for one in day(random))
    return quality_statistics(total, BINARY)


@pytest.fixture(scope="module")
def constraints(baseline):
    return suggested_constraints(baseline.values, ProblemType.BINARY)


def test_quiet_days_are_violations_of_the_file_and_alert_nobody(baseline, constraints):
    random = np.random.default_rng(21)
    found = [evaluate_quality(day(random), constraints, BINARY, baseline=baseline) for _ in range(20)]
    assert sum(one.verdict == Verdict.VIOLATIONS for one in found) >= 10
    assert [one.alertable for one in found if one.alertable] == []


def test_a_worse_model_is_alerted_of_on_its_first_days(baseline, constraints):
    random = np.random.default_rng(22)
    for _ in range(3):
        found = evaluate_quality(day(random, separation=1.0), constraints, BINARY, baseline=baseline)
        named = {one.feature: one for one in found.alertable}
        assert {"auc", "recall", "f1"} <= set(named)
        assert named["auc"].check == "LessThanThreshold"
        assert named["auc"].kind == "drift"
        assert named["auc"].description.startswith("Metric auc with 0.")
        assert "truePositiveRate" not in named  # it says what recall says


def test_a_metric_that_the_fleet_lists_is_critical(baseline, constraints):
    states = day(np.random.default_rng(23), separation=1.9, rows=20_000)
    found = {
        critical: {
            one.feature: one.severity
            for one in evaluate_quality(states, constraints, BINARY, critical=critical).alertable
        }
        for critical in ((), ("auc",))
    }
    assert found[()]["auc"] == Severity.WARNING
    assert found["auc",]["auc"] == Severity.CRITICAL


def test_the_error_of_clustered_rows_is_that_of_samples():
    random = np.random.default_rng(24)
    samples, clustered, independent = [], [], []
    for _ in range(100):
        blocks = day(random, rows=1000, client=20)
        total = QualityState.total(blocks)
        samples.append(metrics(total, BINARY)["accuracy"])
        clustered.append(block_errors(blocks, BINARY)["accuracy"])
        independent.append(independent_errors(total, BINARY)["accuracy"])
    spread = np.std(samples)
    assert np.mean(independent) < 0.75 * spread
    assert np.mean(clustered) == pytest.approx(spread, rel=0.25)


def test_few_blocks_and_few_positives_have_wide_margins():
    labels = np.repeat([0, 1], [300, 3])
    one_block = [QualityState.of_classes(("0", "1"), labels, labels)]
    assert block_errors(one_block, BINARY) == {}
    assert margins(one_block, BINARY)["recall"] > 0.5
    assert margins(one_block, BINARY)["accuracy"] < 0.1


def test_equal_blocks_have_no_error_of_their_own():
    block = QualityState.of_numbers(np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0]))
    assert block_errors([block] * 10, REGRESSION)["mse"] == pytest.approx(0.0, abs=1e-12)
    assert margins([block] * 10, REGRESSION)["mse"] > 0


def early_positives(random, labels, predictions):
    """What is known at day 10: frauds, and hardly anything else."""
    return np.where(labels == 1, random.uniform(size=len(labels)) < 0.9, random.uniform(size=len(labels)) < 0.02)


def test_labels_of_positives_alone_give_no_number(baseline, constraints):
    blocks = day(np.random.default_rng(25), rows=6000, covered=early_positives)
    total = QualityState.total(blocks)
    assert metrics(total, BINARY)["precision"] > 0.97  # of the labelled rows; of all it is 0.73
    found = evaluate_quality(blocks, constraints, BINARY, baseline=baseline)
    assert found.verdict == Verdict.SELECTIVE_LABELS
    assert found.measurements == ()
    assert any(note.startswith("labels of predicted 1: ") for note in found.notes)
    assert found.notes[-1].startswith("labels are missing unevenly")


def test_labels_that_are_missing_evenly_give_numbers(baseline, constraints):
    random = np.random.default_rng(26)
    for share in (0.3, 0.7, 0.99):
        blocks = day(
            random, rows=6000, covered=lambda source, labels, _, share=share: source.uniform(size=len(labels)) < share
        )
        assert uneven(groups(QualityState.total(blocks)), QualityState.total(blocks)) == ()
        assert evaluate_quality(blocks, constraints, BINARY, baseline=baseline).verdict != Verdict.SELECTIVE_LABELS


def test_labels_that_are_missing_a_little_unevenly_alert_nobody_in_large_windows(baseline, constraints):
    def slightly_selective(source, labels, _):
        return source.uniform(size=len(labels)) < np.where(labels == 1, 0.84, 0.9)

    random = np.random.default_rng(32)
    for _ in range(3):
        blocks = day(random, rows=60_000, covered=slightly_selective)
        found = evaluate_quality(blocks, constraints, BINARY, baseline=baseline)
        assert found.verdict != Verdict.SELECTIVE_LABELS
        assert found.alertable == ()


def test_labels_of_a_regression_that_come_for_small_numbers_first_give_no_number():
    random = np.random.default_rng(27)
    labels = random.gamma(2.0, 10.0, 6000)
    known = np.where(labels < 15, labels, np.nan)
    blocks = [
        QualityState.of_numbers(known[n::HOURS], labels[n::HOURS] + random.normal(0, 2, 250)) for n in range(HOURS)
    ]
    limits = suggested_constraints({"mae": 5.0}, ProblemType.REGRESSION)
    found = evaluate_quality(blocks, limits, REGRESSION)
    assert found.verdict == Verdict.SELECTIVE_LABELS
    assert any("tenth 10 of the scores" in note for note in found.notes)


def test_labels_that_stop_are_said_to_have_stopped(constraints):
    blocks = day(np.random.default_rng(28), covered=lambda _, labels, __: np.zeros(len(labels), bool))
    known = LabelHistory(usual_coverage=0.9)
    assert evaluate_quality(blocks, constraints, BINARY).verdict == Verdict.INSUFFICIENT_LABELS
    found = evaluate_quality(blocks, constraints, BINARY, history=known)
    assert found.verdict == Verdict.LABELS_STOPPED
    assert found.notes == (
        "0 of 3000 predictions have a label (0.0%)",
        "on earlier days 90.0% had one at this age",
    )
    assert evaluate_quality([], constraints, BINARY, history=known).verdict == Verdict.NO_DATA


@pytest.mark.parametrize(("labels", "needed"), [([0, 1] * 50, 100), ([0] * 300 + [1] * 5, 15), ([0, 1] * 100, 0)])
def test_too_few_labels_are_measured_and_not_evaluated(labels, needed):
    labels = np.array(labels)
    state = QualityState.of_classes(("0", "1"), labels, 1 - labels)
    limits = suggested_constraints({"accuracy": 0.9, "precision": 0.9}, ProblemType.BINARY)
    found = evaluate_quality([state], limits, BINARY)
    assert {one.rows_needed for one in found.measurements} == {needed}
    assert {one.violated for one in found.measurements} == {needed == 0}
    assert found.verdict == (Verdict.INSUFFICIENT_LABELS if needed else Verdict.VIOLATIONS)
    assert all(one.value == 0.0 for one in found.measurements)


def test_a_metric_that_cannot_be_computed_is_said_to_be_not_evaluated():
    labels = np.array([0, 1] * 200)
    state = QualityState.of_classes(("0", "1"), labels, labels)
    limits = suggested_constraints({"auc": 0.9, "accuracy": 0.9}, ProblemType.BINARY)
    found = evaluate_quality([state], limits, BINARY)
    assert found.verdict == Verdict.OK
    assert found.notes[-1] == "not evaluated: auc (auc needs scores)"


def test_an_error_above_its_threshold_is_a_violation_of_the_other_operator():
    random = np.random.default_rng(29)
    labels = random.normal(100, 20, 2400)
    blocks = [
        QualityState.of_numbers(labels[n::HOURS], labels[n::HOURS] + random.normal(0, 9, 100)) for n in range(HOURS)
    ]
    limits = suggested_constraints({"mae": 4.0, "mse": 25.0, "rmse": 5.0, "r2": 0.95}, ProblemType.REGRESSION)
    found = {one.feature: one for one in evaluate_quality(blocks, limits, REGRESSION).measurements}
    assert {one.check for one in (found["mae"], found["mse"], found["rmse"])} == {"GreaterThanThreshold"}
    assert {name for name, one in found.items() if one.alertable} == {"mae", "mse", "r2"}
    assert found["mae"].expected == "at most 4"


def test_a_threshold_of_a_person_has_no_chance_of_its_own(baseline):
    blocks = day(np.random.default_rng(30))
    own = baseline.values["accuracy"]
    operator = "LessThanThreshold"

    def margin(threshold):
        limit = Threshold(threshold=threshold, comparison_operator=operator)
        limits = QualityConstraints(problem_type=ProblemType.BINARY, thresholds={"accuracy": limit})
        observed = evaluate_quality(blocks, limits, BINARY, baseline=baseline).measurements[0].observed
        return float(observed.partition("+/- ")[2])

    assert margin(own) >= margin(own + 0.001) > 0


def test_a_capture_percentage_is_said(constraints):
    blocks = day(np.random.default_rng(31))
    found = evaluate_quality(blocks, constraints, BINARY, history=LabelHistory(capture_percentage=20, notes=("more",)))
    assert found.notes[-2:] == (
        "20 % of the requests are captured, so the labels of the others match none",
        "more",
    )


def test_a_day_is_looked_at_when_its_labels_are_expected_and_once_more_at_the_limit():
    settings = QualitySettings(problem_type=ProblemType.REGRESSION, label_delay_hours=24, label_limit_hours=72)
    window = Window(datetime(2026, 11, 1, tzinfo=UTC), timedelta(days=1))
    found = {}
    for minutes in range(0, 24 * 8 * 60, 5):
        now = window.start + timedelta(minutes=minutes)
        for look in looks(settings, now - timedelta(minutes=5), now):
            found.setdefault(look.day, []).append((minutes, look.is_final))
    assert found[window] == [(48 * 60, False), (96 * 60, True)]
    days = looks(settings, window.start, window.start + timedelta(days=8))
    assert days == sorted(days)
    assert len(days) == len(set(days)) == 16


def test_where_delay_and_limit_are_the_same_a_day_is_looked_at_once():
    settings = QualitySettings(problem_type=ProblemType.REGRESSION, label_delay_hours=36, label_limit_hours=36)
    start = datetime(2026, 11, 1, tzinfo=UTC)
    found = looks(settings, start, start + timedelta(days=1))
    assert [(look.at - start, look.is_final) for look in found] == [(timedelta(hours=12), True)]

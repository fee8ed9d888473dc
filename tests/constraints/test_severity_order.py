"""One order of findings: the mail, its JSON, the page and the terminal name the same violation first."""

import io
import math
import re

import pytest
from msgspec.structs import replace
from rich.console import Console

from chalicelib.alerts import email_text
from chalicelib.constraints.evaluation import Evaluation
from chalicelib.constraints.measurement import Fingerprint, Measurement, Severity
from chalicelib.constraints.severity_order import excess, order, order_of, state_of, worst, worst_first
from chalicelib.pages.labels import verdict_sentence
from chalicelib.pages.report import ReportContent, report
from tests.alerts.factories import drift, execution, said, sent, violation
from vedette.cli.rendering import show_measurements

QTY = violation("qty", value=0.88)
PRICE = violation("price", check="vedette_non_negative_check", value=0.99, threshold=0.0)
AGE = violation("age", check="completeness_check", value=0.3, threshold=1.0)
FAR = drift("far", value=0.95)
EXTRA = violation("Extra columns", check="extra_column_check", value=0.4, threshold=0.0)
SLIGHT = violation("slight", value=0.01, severity=Severity.WARNING)


@pytest.mark.parametrize(
    ("measurements", "first"),
    [
        ((QTY, PRICE), "price"),
        ((QTY, PRICE, AGE, EXTRA), "price"),
        ((QTY, AGE, EXTRA, SLIGHT), "age"),
        ((SLIGHT, QTY), "qty"),
        ((violation("b"), violation("a")), "a"),
        ((violation("a", value=None), QTY), "qty"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_mail_json_page_and_terminal_name_the_same_violation_first(measurements, first, backwards):
    made = execution(*(reversed(measurements) if backwards else measurements))
    (message,) = said(made)
    evaluation = Evaluation(verdict="Violations", rows=480, measurements=made.measurements)
    page = report(ReportContent("x", evaluation, 480, {})).decode()
    terminal = io.StringIO()
    show_measurements(Console(file=terminal, width=200), made.measurements, everything=False)
    assert message.items[0].subject == first
    assert message.headline.startswith(first)
    assert f": {first}" in email_text.subject(message)
    assert re.search(r"\nNew\n  (.*?):", email_text.text(sent(message)))[1] == first
    assert verdict_sentence(evaluation).startswith(first)
    assert re.search(r"<h1>(.*?)</h1>", page)[1].startswith(first)
    assert re.search(r'class="name">(.*?)<', page)[1] == first
    rows = [line for line in terminal.getvalue().splitlines() if "violated" in line]
    assert rows[0].split()[1] == first


def test_a_violation_comes_before_what_passed_and_severity_before_distance():
    passed = replace(FAR, feature="passed", violated=False)
    waiting = replace(FAR, feature="waiting", violated=False, evaluated=False)
    found = [measurement.feature for measurement in worst_first([passed, waiting, FAR, QTY])]
    assert found == ["qty", "far", "waiting", "passed"]


@pytest.mark.parametrize(
    ("check", "values", "threshold"),
    [
        ("data_type_check", (0.9, 0.5, 0.0), 1.0),
        ("categorical_values_check", (0.8, 0.1), 0.9),
        ("baseline_drift_check", (0.11, 0.5, 1.0), 0.1),
        ("vedette_range_check", (0.01, 0.99, 1.0), 0.0),
        ("vedette_volume_check", (99.0, 10.0, 0.0), 100.0),
        ("vedette_volume_check", (101.0, 1_000.0), 100.0),
    ],
)
def test_the_excess_grows_with_the_violation_and_stays_between_0_and_1(check, values, threshold):
    found = [excess(check, value, threshold) for value in values]
    assert found == sorted(found)
    assert all(0 < one <= 1 for one in found)


@pytest.mark.parametrize(
    ("check", "value", "threshold", "expected"),
    [
        ("data_type_check", 0.25, 0.5, 0.5),
        ("completeness_check", 0.2, 0.8, 0.75),
        ("categorical_values_check", 0.0, 0.9, 1.0),
        ("categorical_values_check", 0.5, 0.0, -0.5),
        ("baseline_drift_check", 0.75, 0.5, 0.5),
        ("baseline_drift_check", 1.5, 1.0, 0.5),
        ("baseline_drift_check", 2.5, 2.0, 0.5),
        ("vedette_volume_check", 25.0, 100.0, 0.75),
        ("vedette_volume_check", 400.0, 100.0, 0.75),
        ("vedette_volume_check", 0.0, 0.0, 0.0),
        ("vedette_volume_check", -0.5, 0.0, 0.5),
        ("LessThanThreshold", 0.4, 0.8, 0.5),
        ("LessThanThreshold", -1.0, 0.5, 1.0),
        ("GreaterThanThreshold", 6.0, 3.0, 0.5),
        ("data_type_check", None, 0.5, 0.0),
        ("data_type_check", 0.5, None, 0.0),
    ],
)
def test_the_excess_is_the_part_of_the_way_from_the_threshold_to_the_worst_value(check, value, threshold, expected):
    assert excess(check, value, threshold) == pytest.approx(expected)


def test_findings_are_sorted_by_state_excess_feature_and_check():
    assert (
        order_of(QTY) == order("critical", QTY.fingerprint, 0.88, 1.0) == (0, -(1.0 - 0.88), "qty", "data_type_check")
    )
    assert order_of(replace(QTY, violated=False)) == (4, -(1.0 - 0.88), "qty", "data_type_check")
    assert order("warning", AGE.fingerprint, 0.5, 1.0) == (1, -0.5, "age", "completeness_check")
    assert order("open", AGE.fingerprint, None, 1.0) == (3, 0.0, "age", "completeness_check")


def test_the_state_is_the_severity_of_a_violation_else_whether_it_passed():
    passed = replace(QTY, violated=False)
    assert [state_of(QTY), state_of(SLIGHT)] == ["critical", "warning"]
    assert [state_of(passed), state_of(replace(passed, evaluated=False))] == ["passed", "open"]


def test_the_worst_severity():
    assert worst([Severity.INFORMATION, Severity.WARNING]) == "warning"
    assert worst([Severity.WARNING, Severity.CRITICAL, Severity.INFORMATION]) == "critical"


@pytest.mark.parametrize("threshold", [None, 0.0, 1.0, 2.0])
def test_every_threshold_has_an_excess(threshold):
    for check in ("data_type_check", "baseline_drift_check", "vedette_volume_check"):
        assert math.isfinite(excess(check, 0.0, threshold))


def test_a_fingerprint_is_a_key_and_sorts():
    measurement: Measurement = QTY
    assert measurement.fingerprint == Fingerprint("data_type_check", "qty")
    assert len({QTY.fingerprint, replace(QTY, value=0.1).fingerprint}) == 1
    assert sorted([PRICE.fingerprint, QTY.fingerprint]) == [QTY.fingerprint, PRICE.fingerprint]
    assert Fingerprint.from_text(str(QTY.fingerprint)) == QTY.fingerprint

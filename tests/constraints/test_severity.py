"""How loudly a violation is said: the file says what Model Monitor would say; the alert does not cry."""

import json

import pytest

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.files import read_violations, write_violations
from chalicelib.constraints.measurement import rounded, share_lower_bound
from chalicelib.statistics.table import Table
from tests.constraints.tables import baseline_of, checked, column, summary


def evaluated(cells, baseline, check="data_type_check", **options):
    return checked(evaluate(summary(column(cells)), baseline, **options), check)


def test_the_sixty_violations_of_the_developer_guide_are_in_the_file_and_in_no_alert():
    """99.6 % Integral against 100 %: Model Monitor's own example (aws-behaviour: integral-violations)."""
    found = evaluated(["7"] * 996 + ["7.5"] * 4, baseline_of(column(["7"] * 100)))
    assert (found.violated, found.severity, found.alertable) == (True, "information", False)
    (violation,) = read_violations(write_violations([found]), "x")
    assert violation.description.endswith("Observed: Only 99.6% of data is Integral.")


@pytest.mark.parametrize(("off", "severity"), [(9, "information"), (10, "warning"), (99, "warning"), (100, "critical")])
def test_the_severity_of_an_off_type_follows_its_share(off, severity):
    assert evaluated(["7"] * (1000 - off) + ["x"] * off, baseline_of(column(["7"] * 100))).severity == severity


def test_one_bad_cell_in_a_critical_feature_is_critical():
    found = evaluated(["7"] * 999 + ["x"], baseline_of(column(["7"] * 100)), critical=("x",))
    assert (found.severity, found.alertable) == ("critical", True)


def test_whole_numbers_among_fractions_can_be_read_all_the_same():
    baseline = baseline_of(column(["18.25"] * 100))
    some = evaluated(["18"] * 300 + ["18.25"] * 100, baseline)
    assert (some.violated, some.value, some.severity) == (True, 0.25, "information")
    assert evaluated(["18"] * 400, baseline).severity == "critical"  # no cell has the form any more
    assert evaluated(["18"] * 300 + ["x"] * 20 + ["18.25"] * 80, baseline).severity == "warning"


def test_a_missing_cell_among_twenty_may_be_chance_and_half_of_them_are_not():
    baseline = baseline_of(column(["1"] * 100))
    assert evaluated(["1"] * 19 + [None], baseline, "completeness_check").severity == "information"
    assert evaluated(["1"] * 10 + [None] * 10, baseline, "completeness_check").severity == "warning"
    assert evaluated([None] * 20, baseline, "completeness_check").severity == "critical"


def test_a_feature_that_was_always_sometimes_missing_is_said_when_it_is_missing_more_often():
    baseline = baseline_of(column(["1"] * 97 + [None] * 3))
    as_ever = evaluated(["1"] * 94 + [None] * 6, baseline, "completeness_check")
    assert (as_ever.violated, as_ever.severity) == (True, "information")
    assert evaluated(["1"] * 50 + [None] * 50, baseline, "completeness_check").severity == "critical"


def test_a_rare_unknown_category_is_no_alarm_and_a_common_one_is():
    baseline = baseline_of(column(["red", "blue"] * 50))
    rare = evaluated(["red"] * 119 + ["pink"], baseline, "categorical_values_check")
    assert (rare.violated, rare.severity) == (True, "information")
    assert evaluated(["red"] * 90 + ["pink"] * 30, baseline, "categorical_values_check").severity == "warning"
    assert evaluated(["red"] * 300 + ["pink"] * 100, baseline, "categorical_values_check").severity == "critical"


def test_what_is_certain_is_never_more_than_what_was_seen():
    for rows in (1, 20, 100, 10_000):
        for count in range(0, rows + 1, max(1, rows // 20)):
            assert 0 <= share_lower_bound(count, rows) <= count / rows
    assert share_lower_bound(5_000, 10_000) == pytest.approx(0.5, abs=0.05)


def test_a_share_is_never_rounded_into_what_it_is_not():
    assert evaluated(["7"] * 9996 + ["x"] * 4, baseline_of(column(["7"] * 100))).observed == "99.96% Integral"
    for share in (0.9996, 0.99999, 1e-6, 0.4):
        assert rounded(share) not in {"100.0%", "0.0%"}
    assert rounded(0.949999, 0.95) != rounded(0.95)


# --- Vedette's own checks ---------------------------------------------------------------------------------------------


def ruled(table, document=None, **numbers):
    constraints = baseline_of(table).constraints.document
    features = [{**feature, "num_constraints": numbers} for feature in constraints["features"]]
    return Baseline(constraints=Constraints({**constraints, "features": features, **(document or {})}))


def test_negative_numbers_where_there_were_none_are_said_and_stay_out_of_model_monitors_file():
    evaluation = evaluate(summary(column(["1"] * 70 + ["-1"] * 30)), baseline_of(column(["1"] * 100)), checks="hard")
    (violation,) = evaluation.violations
    assert (violation.check, violation.observed) == ("vedette_non_negative_check", "30.0% negative")
    assert (violation.value, violation.severity) == (0.3, "warning")
    assert json.loads(write_violations(evaluation.violations)) == {"violations": []}


def test_a_column_that_was_negative_may_be_negative():
    evaluation = evaluate(summary(column(["-2"] * 100)), baseline_of(column(["-1"] * 100)), checks="hard")
    assert evaluation.violations == ()


def test_numbers_out_of_the_range_that_a_person_set():
    table = column([str(i) for i in range(2000)])
    both = evaluate(summary(table), ruled(table, minimum=100, maximum=1900), checks="hard")
    found = checked(both, "vedette_range_check")
    assert found.value == pytest.approx(0.1, abs=0.005)
    assert found.expected == "100.0 to 1900.0"
    assert evaluate(summary(table), ruled(table, minimum=0), checks="hard").violations == ()
    assert checked(evaluate(summary(table), ruled(table, maximum=1998)), "vedette_range_check").observed == (
        "0.05% out of range"
    )


@pytest.mark.parametrize(
    ("rows", "hours", "violated"), [(50, 1.0, True), (50, 0.25, False), (150, 1.0, False), (900, 1.0, True)]
)
def test_the_volume_of_a_closed_window_is_evaluated_by_the_hour(rows, hours, violated):
    table = column(["1"] * rows)
    baseline = ruled(table, {"volume_constraints": {"minimum_rows_per_hour": 100, "maximum_rows_per_hour": 800}})
    found = checked(evaluate(summary(table), baseline, hours=hours), "vedette_volume_check")
    assert (found.violated, found.value) == (violated, rows / hours)


def test_without_a_length_the_volume_is_not_evaluated():
    table = column(["1"] * 5)
    baseline = ruled(table, {"volume_constraints": {"minimum_rows_per_hour": 100}})
    assert all(one.check != "vedette_volume_check" for one in evaluate(summary(table), baseline).measurements)


# --- chi-squared ------------------------------------------------------------------------------------------------------


def chi(table, level=0.01):
    document = baseline_of(table).constraints.document
    config = {"distribution_constraints": {
        "categorical_drift_method": "ChiSquared", "categorical_comparison_threshold": level,
    }}  # fmt: skip
    return Baseline(constraints=Constraints({**document, "monitoring_config": config}), statistics=table)


def test_chi_squared_finds_what_chance_does_not_do_and_aws_tools_can_read_its_sentence():
    baseline = chi(column(["red", "blue", "green"] * 100))
    same = evaluated(["red", "blue", "green"] * 90, baseline, "baseline_drift_check")
    assert (same.violated, same.value, same.threshold) == (False, 0.0, 0.99)
    other = evaluated(["red"] * 150 + ["blue"] * 75 + ["green"] * 75, baseline, "baseline_drift_check")
    assert other.violated
    distance, _, threshold = other.description.partition("distance: ")[2].partition(" exceeds threshold: ")
    assert float(distance) > float(threshold) == 0.99


def test_with_too_few_of_every_category_chi_squared_says_nothing():
    evaluation = evaluate(summary(column(["red", "blue"] * 4)), chi(column(["red", "blue"] * 100)), checks="drift")
    assert evaluation.measurements == ()


def test_drift_alone():
    table = Table.of([["1", "a"], ["2", "b"]] * 100, ("x", "y"))
    evaluation = evaluate(summary(table), baseline_of(table), checks="drift")
    assert {one.kind for one in evaluation.measurements} == {"drift"}

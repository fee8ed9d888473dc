"""What is evaluated, in Model Monitor's words; what is not, and why."""

import random

import pytest

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Baseline, Evaluation, evaluate
from chalicelib.constraints.files import read_constraints
from chalicelib.constraints.measurement import Checks, Measurement
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.files import read_statistics
from chalicelib.statistics.private_features import without_private_values
from chalicelib.statistics.table import Table
from tests.constraints.tables import baseline_of, checked, column, summary


@pytest.fixture
def example():
    """6,000 x 3 (label, a, b), types of a and b edited to Integral."""
    choice = random.Random(8)
    rows = [[choice.choice("01"), str(choice.randint(-20, 20)), str(choice.randint(-20, 20))] for _ in range(6000)]
    table = Table.of(rows, ("label", "a", "b"), k=BASELINE_K)
    constraints = suggested_constraints(table).with_type("a", "Integral").with_type("b", "Integral")
    return rows, Baseline(constraints=constraints, statistics=table)


def test_half_of_b_ending_in_50_is_exactly_one_violation(example):
    rows, baseline = example
    traffic = [[label, a, b + ".50" if i % 2 else b] for i, (label, a, b) in enumerate(rows[:400])]
    evaluation = evaluate(summary(Table.of(traffic, ("",) * 3, 1)), baseline)
    assert evaluation.verdict == "Violations"
    (violation,) = evaluation.violations
    assert (violation.feature, violation.check, violation.severity) == ("b", "data_type_check", "critical")
    assert violation.expected == "Integral"
    assert violation.observed == "50.0% Integral"
    assert violation.description == (
        "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
        "Observed: Only 50.0% of data is Integral."
    )
    measured = {(one.feature, one.check) for one in evaluation.measurements}
    assert {(name, "baseline_drift_check") for name in ("label", "a", "b")} <= measured
    assert {("Missing columns", "missing_column_check"), ("Extra columns", "extra_column_check")} <= measured


def test_the_baselines_own_data_are_ok(example):
    rows, baseline = example
    evaluation = evaluate(summary(Table.of(rows[:500], ("",) * 3, 1)), baseline)
    assert (evaluation.verdict, evaluation.violations, evaluation.notes) == ("OK", (), ())
    assert all(measurement.description == "" for measurement in evaluation.measurements)


def test_hard_checks_leave_drift_out(example):
    rows, baseline = example
    evaluation = evaluate(summary(Table.of(rows[:50], ("",) * 3)), baseline, checks="hard")
    assert evaluation.verdict == "OK"
    assert {measurement.kind for measurement in evaluation.measurements} == {"hard"}


def test_an_integral_in_a_fractional_column_is_a_violation():
    evaluation = evaluate(summary(column(["18"] * 30)), baseline_of(column(["18.00"] * 30)))
    assert "Only 0.0% of data is Fractional." in checked(evaluation, "data_type_check").description


def test_missing_cells_under_the_completeness_are_said_as_model_monitor_says_them():
    evaluation = evaluate(summary(column(["1"] * 24 + [None])), baseline_of(column(["1"] * 40)))
    (violation,) = evaluation.violations
    assert violation.description == "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 96.0%."


@pytest.mark.parametrize(
    ("width", "feature", "sentence"),
    [
        (
            7,
            "Missing columns",
            "There are missing columns in current dataset. Number of columns in current dataset: 7, ",
        ),
        (23, "Extra columns", "There are extra columns in current dataset. Number of columns in current dataset: 23, "),
    ],
)
def test_another_number_of_columns_is_the_only_violation_of_its_run(width, feature, sentence):
    baseline = baseline_of(Table.of([["1"] * 21] * 30, tuple(f"f{i}" for i in range(21))))
    evaluation = evaluate(summary(Table.of([["x"] * width] * 30, ("",) * width)), baseline)
    (violation,) = evaluation.violations
    assert violation.feature == feature
    assert violation.description == sentence + "Number of columns in baseline constraints: 21"


def test_one_narrow_row_among_many_is_counted_and_the_others_are_evaluated():
    baseline = baseline_of(Table.of([["1", "2"]] * 30, ("a", "b")))
    evaluation = evaluate(summary(Table.of([["1", "2"]] * 99, ("", "")), Table.of([["9"]], ("",))), baseline)
    (violation,) = evaluation.violations
    assert violation.value == pytest.approx(0.01)
    assert "1 of 100 rows" in violation.observed
    assert checked(evaluation, "data_type_check").value == 1.0


def test_names_of_json_records_decide_over_their_order():
    baseline = baseline_of(Table.of([["1", "x"]] * 30, ("a", "b")))
    evaluation = evaluate(summary(Table.of([["x", "1"]] * 30, ("b", "a"))), baseline)
    assert evaluation.violations == ()


def test_a_key_absent_from_some_records_is_a_missing_cell():
    baseline = baseline_of(Table.of([["1", "2"]] * 40, ("a", "b")))
    tables = (Table.of([["1", "2"]] * 30, ("a", "b")), Table.of([["1"]] * 10, ("a",)))
    (violation,) = evaluate(summary(*tables), baseline).violations
    assert (violation.feature, violation.check, violation.value) == ("b", "completeness_check", 0.75)


def test_a_key_absent_from_every_record_is_a_missing_column():
    baseline = baseline_of(Table.of([["1", "2"]] * 40, ("a", "b")))
    (violation,) = evaluate(summary(Table.of([["1"]] * 40, ("a",))), baseline).violations
    assert violation.check == "missing_column_check"


def test_an_output_of_another_name_is_the_label_by_position():
    baseline = baseline_of(Table.of([["0", "1"]] * 40, ("label", "a")))
    assert evaluate(summary(Table.of([["0", "1"]] * 40, ("score", "a"), 1)), baseline).violations == ()


def test_an_input_of_another_name_is_another_column():
    baseline = baseline_of(Table.of([["0", "1"]] * 40, ("label", "a")))
    found = evaluate(summary(Table.of([["0", "1"]] * 40, ("label", "z"), 1)), baseline).violations
    assert {violation.feature for violation in found} == {"Missing columns", "Extra columns"}


def test_unknown_categories_are_violations_and_known_ones_are_not():
    baseline = baseline_of(column(["red", "blue"] * 50))
    assert evaluate(summary(column(["red"] * 60 + ["blue"] * 60)), baseline).violations == ()
    evaluation = evaluate(summary(column(["red"] * 60 + ["blue"] * 57 + ["pink"] * 3)), baseline)
    (violation,) = evaluation.violations
    assert (violation.check, violation.value) == ("categorical_values_check", 0.975)
    assert violation.description == "Value: 0.975 does not meet the constraint requirement! "


def test_more_values_than_can_be_counted_are_unknown_ones():
    baseline = baseline_of(column(["red", "blue"] * 50))
    evaluation = evaluate(summary(column([f"v{i}" for i in range(500)])), baseline)
    assert checked(evaluation, "categorical_values_check").violated


def test_drift_is_a_warning_with_its_distance():
    baseline = baseline_of(column([str(i % 100) for i in range(2000)]))
    evaluation = evaluate(summary(column([str(50 + i % 100) for i in range(2000)])), baseline)
    (violation,) = evaluation.violations
    assert (violation.check, violation.kind, violation.severity) == ("baseline_drift_check", "drift", "warning")
    assert violation.value == pytest.approx(0.5 - 1.8 * (4000 / 4_000_000) ** 0.5)
    assert violation.description == f"Baseline drift distance: {violation.value} exceeds threshold: 0.1"


def test_drift_of_categories_is_found():
    baseline = baseline_of(column(["red", "blue"] * 1000))
    evaluation = evaluate(summary(column(["red"] * 1800 + ["blue"] * 200)), baseline)
    (violation,) = evaluation.violations
    assert violation.value == pytest.approx(0.4 - 1.8 * (4000 / 4_000_000) ** 0.5)


def test_too_few_rows_are_never_ok_and_say_how_many_more():
    baseline = baseline_of(column(["1.5"] * 100))
    evaluation = evaluate(summary(column(["x"] * 12)), baseline, minimum_rows=20)
    assert evaluation.verdict == "InsufficientData"
    assert evaluation.violations == ()
    measured = checked(evaluation, "data_type_check")
    assert (measured.value, measured.evaluated, measured.rows_needed, measured.violated) == (0.0, False, 8, False)


@pytest.mark.parametrize(("rows", "evaluated"), [(19, False), (20, True)])
def test_twenty_rows_are_enough_for_every_hard_check(rows, evaluated):
    baseline = baseline_of(column(["1"] * 100))
    evaluation = evaluate(summary(column(["2"] * rows)), baseline, checks=Checks.HARD)
    assert {one.evaluated for one in evaluation.measurements} == {evaluated}
    assert evaluation.verdict == ("OK" if evaluated else "InsufficientData")


@pytest.mark.parametrize(("rows", "evaluated"), [(99, False), (100, True)])
def test_a_hundred_rows_are_enough_for_drift(rows, evaluated):
    baseline = baseline_of(column([str(i) for i in range(100)]))
    evaluation = evaluate(summary(column([str(i) for i in range(rows)])), baseline)
    assert checked(evaluation, "baseline_drift_check").evaluated is evaluated


def test_enough_rows_for_types_can_be_too_few_for_drift():
    baseline = baseline_of(column([str(i) for i in range(100)]))
    evaluation = evaluate(summary(column([str(i) for i in range(30)])), baseline)
    assert evaluation.verdict == "InsufficientData"
    assert checked(evaluation, "data_type_check").evaluated
    assert checked(evaluation, "baseline_drift_check").rows_needed == 70


def test_a_value_of_too_few_rows_is_kept_without_its_sentence():
    found = evaluate(summary(column(["x"] * 12)), baseline_of(column(["1.5"] * 100)), checks="hard")
    assert checked(found, "data_type_check") == Measurement(
        feature="x",
        check="data_type_check",
        kind="hard",
        expected="Fractional",
        observed="0.0% Fractional",
        value=0.0,
        threshold=1.0,
        violated=False,
        evaluated=False,
        rows_needed=8,
        severity="critical",
    )


def test_vedettes_own_checks_need_as_many_rows_and_drift_as_many_values():
    numbers = column(["1"] * 60 + ["2"] * 60)
    few = evaluate(summary(column(["-1"] * 19)), baseline_of(numbers), checks="hard")
    assert checked(few, "vedette_non_negative_check").rows_needed == 1
    half = evaluate(summary(column(["9"] * 60 + [None] * 60)), baseline_of(numbers), checks="drift")
    assert (half.verdict, checked(half, "baseline_drift_check").rows_needed) == ("InsufficientData", 40)
    assert evaluate(summary(column(["9"] * 60)), baseline_of(numbers), checks="drift", minimum_drift_rows=60).violations


def test_missing_cells_count_as_rows_of_the_hard_checks():
    found = evaluate(summary(column(["1"] * 10 + [None] * 10)), baseline_of(column(["1"] * 100)), checks="hard")
    assert [one.check for one in found.violations] == ["completeness_check"]


def test_a_critical_feature_is_critical_in_every_check():
    rows = [[str(i % 50), str(i % 50)] for i in range(1000)]
    baseline = baseline_of(Table.of(rows, ("x", "y"), k=BASELINE_K))
    traffic = [[str(40 + i % 50), str(40 + i % 50)] for i in range(990)] + [["-1", "-1"]] * 5 + [["a", "a"]] * 5
    found = evaluate(summary(Table.of(traffic, ("x", "y"))), baseline, critical=("y",)).violations
    assert [(one.feature, one.check, one.severity) for one in found] == [
        ("x", "data_type_check", "information"),
        ("x", "vedette_non_negative_check", "information"),
        ("y", "data_type_check", "critical"),
        ("y", "vedette_non_negative_check", "critical"),
        ("x", "baseline_drift_check", "warning"),
        ("y", "baseline_drift_check", "critical"),
    ]


def test_alertable_are_the_violations_that_are_more_than_information():
    rows = [["1", "1"]] * 995 + [["x", "x"]] * 5
    baseline = baseline_of(Table.of([["1", "1"]] * 100, ("x", "y")))
    found = evaluate(summary(Table.of(rows, ("x", "y"))), baseline, checks="hard", critical=("y",))
    assert [one.feature for one in found.violations] == ["x", "y"]
    assert [one.feature for one in found.alertable] == ["y"]


@pytest.mark.parametrize(
    ("disabled", "measured"),
    [
        (("x",), {"y"}),
        (("y",), {"x"}),
        (("x", "y"), set()),
    ],
)
def test_a_disabled_feature_is_left_out_of_every_check_of_cells(disabled, measured):
    table = Table.of([[str(i), str(i)] for i in range(100)], ("x", "y"), k=BASELINE_K)
    document = baseline_of(table).constraints.document
    off = {"monitoringConfigOverrides": {"evaluate_constraints": "Disabled"}}
    features = [{**one, **(off if one["name"] in disabled else {})} for one in document["features"]]
    baseline = Baseline(constraints=Constraints({**document, "features": features}), statistics=table)
    found = evaluate(summary(table), baseline).measurements
    for kind in ("hard", "drift"):
        assert {one.feature for one in found if one.kind == kind} - {"Missing columns", "Extra columns"} == measured


def test_a_missing_column_leaves_the_others_to_be_evaluated():
    baseline = baseline_of(Table.of([["1", "2"]] * 40, ("a", "b")))
    found = evaluate(summary(Table.of([["2"]] * 200, ("b",))), baseline).measurements
    assert [(one.feature, one.check) for one in found if one.feature in ("a", "b")] == [
        ("b", "data_type_check"),
        ("b", "completeness_check"),
        ("b", "vedette_non_negative_check"),
        ("b", "baseline_drift_check"),
    ]


def test_features_without_statistics_have_no_drift_and_are_counted():
    baseline = baseline_of(Table.of([["1", "2", "3"]] * 200, ("a", "b", "c")))
    alone = Baseline(constraints=baseline.constraints, statistics=Table.of([["3"]] * 200, ("c",), k=BASELINE_K))
    traffic = summary(Table.of([["1", "2", "3"]] * 200, ("a", "b", "c")))
    found = evaluate(traffic, alone)
    assert [one.feature for one in found.measurements if one.kind == "drift"] == ["c"]
    assert found.notes == ("drift was not evaluated for 2 features: the baseline's statistics lack them",)
    assert evaluate(traffic, alone, checks="hard").notes == ()
    assert evaluate(traffic, Baseline(constraints=baseline.constraints), checks="hard").notes == ()


def test_rows_of_another_width_are_skipped_and_said():
    baseline = baseline_of(Table.of([["1", "2"]] * 200, ("a", "b")))
    tables = (
        Table.of([["1", "2"]] * 190, ("", "")),
        Table.of([["1"]] * 7, ("",)),
        Table.of([["1"] * 3] * 3, ("",) * 3),
    )
    assert evaluate(summary(*tables), baseline).notes == (
        "10 of 200 rows have other columns than the baseline and were skipped",
    )


@pytest.mark.parametrize(
    ("rows", "refused", "verdict"),
    [(0, 0, "NoData"), (0, 1, "MonitorFailed"), (95, 5, "OK"), (94, 6, "MonitorFailed")],
)
def test_the_verdict_follows_the_share_of_unreadable_lines(rows, refused, verdict):
    baseline = baseline_of(column(["1"] * 100))
    tables = [column(["1"] * rows)] if rows else []
    assert evaluate(summary(*tables, refused=refused), baseline, checks="hard").verdict == verdict


def test_lines_that_may_be_unreadable_leave_too_few_rows():
    found = evaluate(summary(refused=2), baseline_of(column(["1"] * 100)), unreadable_share=1.0)
    assert found == Evaluation(verdict="InsufficientData", rows=0, notes=("2 of 2 lines could not be read",))


def test_silence_is_loud():
    baseline = baseline_of(column(["1"] * 100))
    good = column(["1"] * 100)
    assert evaluate(summary(), baseline).verdict == "NoData"
    assert evaluate(summary(refused=5), baseline).verdict == "MonitorFailed"
    assert evaluate(summary(good, refused=5), baseline).verdict == "OK"
    assert evaluate(summary(good, refused=6), baseline).verdict == "MonitorFailed"
    assert "6 of 106 lines could not be read" in evaluate(summary(good, refused=6), baseline).notes


def test_constraints_alone_evaluate_everything_but_drift_and_say_so(conformance):
    folder = next(conformance.glob("pairs/P07_*"))
    constraints = read_constraints((folder / "constraints.json").read_bytes(), "p07")
    traffic = Table.of([["1.5"] * 13] * 200, ("",) * 13, 1)
    evaluation = evaluate(summary(traffic), Baseline(constraints=constraints))
    assert evaluation.verdict == "OK"
    assert evaluation.notes == ("drift was not evaluated: the baseline has no statistics",)
    non_negative = sum(bool(feature.is_non_negative) for feature in constraints.features)
    assert len(evaluation.measurements) == 2 + 2 * 13 + non_negative


def test_p07_does_not_drift_from_itself(conformance):
    folder = next(conformance.glob("pairs/P07_*"))
    statistics = read_statistics((folder / "statistics.json").read_bytes(), "p07")
    constraints = read_constraints((folder / "constraints.json").read_bytes(), "p07")
    evaluation = evaluate(summary(statistics), Baseline(constraints=constraints, statistics=statistics))
    assert evaluation.verdict == "OK"
    drift = [one.value for one in evaluation.measurements if one.kind == "drift"]
    assert drift == [0.0] * 13


def test_the_bad_cases_of_p01_find_the_type_that_was_edited(conformance):
    folder = next(conformance.glob("pairs/P01_*"))
    statistics = read_statistics((folder / "statistics.json").read_bytes(), "p01")
    for name, expected in (("good", []), ("bad", ["_c5"])):
        constraints = read_constraints((folder / f"{name}_cases_constraints.json").read_bytes(), name)
        evaluation = evaluate(summary(statistics), Baseline(constraints=constraints, statistics=statistics))
        assert [violation.feature for violation in evaluation.violations] == expected


def test_disabled_checks_are_not_made_and_said():
    baseline = baseline_of(column(["1"] * 100))
    disabled = Constraints({**baseline.constraints.document, "monitoring_config": {"evaluate_constraints": "Disabled"}})
    evaluation = evaluate(summary(column(["x"] * 100)), Baseline(constraints=disabled, statistics=baseline.statistics))
    assert evaluation.violations == ()
    assert "nothing was evaluated: evaluate_constraints is Disabled" in evaluation.notes


DISABLED_COMPARISON = {"distribution_constraints": {"perform_comparison": "Disabled"}}


def test_a_disabled_comparison_is_not_made_and_said():
    baseline, traffic = baseline_of(column([str(i) for i in range(100)])), summary(column(["1"] * 200))
    assert checked(evaluate(traffic, baseline), "baseline_drift_check").violated
    disabled = Constraints({**baseline.constraints.document, "monitoring_config": DISABLED_COMPARISON})
    evaluation = evaluate(traffic, Baseline(constraints=disabled, statistics=baseline.statistics))
    assert not [one for one in evaluation.measurements if one.kind == "drift"]
    assert "drift was not evaluated: perform_comparison is Disabled" in evaluation.notes


def test_a_disabled_comparison_of_one_feature_leaves_the_others():
    rows = [[str(i), str(i)] for i in range(100)]
    baseline = baseline_of(Table.of(rows, ("x", "y"), k=BASELINE_K))
    first, second = baseline.constraints.document["features"]
    features = [{**first, "monitoringConfigOverrides": DISABLED_COMPARISON}, second]
    constraints = Constraints({**baseline.constraints.document, "features": features})
    traffic = summary(Table.of([["1", "1"]] * 200, ("x", "y")))
    evaluation = evaluate(traffic, Baseline(constraints=constraints, statistics=baseline.statistics))
    assert [one.feature for one in evaluation.measurements if one.kind == "drift"] == ["y"]


@pytest.mark.parametrize(
    "override",
    [
        {"monitoringConfigOverrides": {"datatype_check_threshold": 0.4}},
        {"monitoring_config_overrides": {"datatype_check_threshold": 0.4}},
        {"string_constraints": {"monitoring_config_overrides": {"datatype_check_threshold": 0.4}}},
        {"monitoringConfigOverrides": {"evaluate_constraints": "Disabled"}},
    ],
)
def test_a_feature_overrides_the_configuration_under_either_spelling(override):
    cells = ["1"] * 50 + ["2.5"] * 50
    baseline = baseline_of(column(["1"] * 100), **override)
    constraints = Baseline(constraints=baseline.constraints)
    assert evaluate(summary(column(cells)), constraints).violations == ()


# --- values that no check can evaluate --------------------------------------------------------------------------------

ANSWERS = [f"an answer of a customer, number {i}" for i in range(200)]
EMPTY = Table.of([[""]] * 2000, ("x",))


def test_free_text_is_not_evaluated_and_says_which_checks_ran():
    baseline = baseline_of(column(ANSWERS))
    evaluation = evaluate(summary(column(ANSWERS)), baseline)
    assert (evaluation.verdict, evaluation.notes) == (
        "OK",
        ("free text: only type and completeness evaluated for x; domain and drift not evaluated",),
    )
    notes = [evaluate(summary(column(ANSWERS)), baseline, checks=checks).notes for checks in ("hard", "drift")]
    assert notes == [
        ("free text: only type and completeness evaluated for x; domain not evaluated",),
        ("free text: drift not evaluated for x",),
    ]


def test_two_thousand_empty_answers_are_no_ok():
    evaluation = evaluate(summary(EMPTY), baseline_of(column(ANSWERS)))
    (violation,) = evaluation.alertable
    assert (evaluation.verdict, violation.check, violation.severity) == (
        "Violations",
        "completeness_check",
        "critical",
    )
    assert violation.observed == "0.0% present, 100.0% blank"
    assert evaluation.notes == (
        "free text: only type and completeness evaluated for x; domain and drift not evaluated",
    )


@pytest.mark.parametrize(
    ("before", "current", "changes", "note"),
    [
        (["a", "b"] * 60, ANSWERS, {"string_constraints": {}}, "free text: only type and completeness"),  # became text
        (["a", "b"] * 60, ["a", "b"] * 60, {}, ""),  # categories
        (ANSWERS, ANSWERS, {"completeness": None}, "free text: only type evaluated for x"),
        (ANSWERS, ["an answer"] * 100, {"string_constraints": {"domains": ["an answer"]}}, ""),  # a person's domain
        ([None] * 50, ["7"] * 100, {}, "no values in the baseline: only completeness evaluated for x"),
        (ANSWERS, [None] * 100, {}, ""),  # completeness says it
        (ANSWERS, ANSWERS, {"monitoringConfigOverrides": {"evaluate_constraints": "Disabled"}}, ""),
        (["1"] * 50, ["7"] * 100, {}, ""),
    ],
)
def test_values_are_named_as_not_evaluated_where_no_check_ran_on_them(before, current, changes, note):
    notes = evaluate(summary(column(current)), baseline_of(column(before), **changes)).notes
    assert [one.startswith(note) for one in notes] == ([True] if note else [])


def test_free_text_without_statistics_of_the_baseline_is_seen_in_the_captures():
    baseline = Baseline(constraints=baseline_of(column(ANSWERS)).constraints)
    assert any(one.startswith("free text: ") for one in evaluate(summary(column(ANSWERS)), baseline).notes)


def test_private_free_text_is_noted_once_as_private():
    private = without_private_values(column(ANSWERS), ("x",))
    notes = evaluate(summary(private), baseline_of(column(ANSWERS))).notes
    assert [one.partition(":")[0] for one in notes] == ["private", "private"]


# --- private features -------------------------------------------------------------------------------------------------


@pytest.fixture
def people():
    """500 x 3 (score, age, city), of which age has bounds and city a domain."""
    draw = random.Random(5)
    rows = [[str(draw.random()), str(draw.randint(20, 60)), draw.choice(["Bern", "Oslo"])] for _ in range(500)]
    table = Table.of(rows, ("score", "age", "city"), k=BASELINE_K)
    document = suggested_constraints(table).document
    document["features"][1]["num_constraints"] |= {"minimum": 20, "maximum": 60}
    return Baseline(constraints=Constraints(document), statistics=table)


def elsewhere(names: tuple[str, ...] = ("", "", "")) -> Table:
    """Rows that violate the bounds, the domain and the distribution of all."""
    return Table.of([[f"{5 + i}.5", str(-i), "Rome"] for i in range(200)], names, 1)


def test_of_a_private_feature_types_and_completeness_are_evaluated_and_the_rest_is_noted(people):
    private = without_private_values(elsewhere(), ("age", "city"), ("score", "age", "city"))
    evaluation = evaluate(summary(private), people)
    assert {one.check for one in evaluation.measurements if one.feature in ("age", "city")} == {
        "data_type_check",
        "completeness_check",
    }
    assert {(one.feature, one.check) for one in evaluation.violations} == {("score", "baseline_drift_check")}
    assert evaluation.notes == (
        "private: domains and bounds not evaluated for age, city",
        "private: drift not evaluated for age, city",
    )
    assert evaluate(summary(private), people, checks=Checks.HARD).notes == evaluation.notes[:1]
    assert evaluate(summary(private), people, checks=Checks.DRIFT).notes == evaluation.notes[1:]


def test_a_part_from_before_the_setting_adds_its_counts_and_none_of_its_values(people):
    private = without_private_values(elsewhere(), ("age", "city"), ("score", "age", "city"))
    both = evaluate(summary(elsewhere(), private), people)
    assert {one.check for one in both.measurements if one.feature == "city"} == {
        "data_type_check",
        "completeness_check",
    }
    assert both.rows == 400


def test_what_is_private_in_the_baseline_alone_has_no_drift_and_keeps_its_rules(people):
    private = without_private_values(people.statistics, ("age",))
    evaluation = evaluate(summary(elsewhere()), Baseline(constraints=people.constraints, statistics=private))
    assert evaluation.notes == ("private: drift not evaluated for age",)
    assert ("age", "vedette_range_check") in {(one.feature, one.check) for one in evaluation.violations}
    features = suggested_constraints(private).document["features"]
    assert features[1] == {"name": "age", "inferred_type": "Integral", "completeness": 1.0}


def test_a_column_beside_rows_without_names_is_noted_and_no_extra_column():
    rows = [["1", "2", "v3"]] * 40
    baseline = Baseline(constraints=Constraints({"features": [{"name": "y"}, {"name": "x"}]}))
    evaluation = evaluate(summary(Table.of(rows, ("", "", "model_version"), outputs=1)), baseline)
    assert not evaluation.violations
    assert "not in the baseline, and not evaluated: model_version" in evaluation.notes
    evaluation = evaluate(summary(Table.of(rows, ("", "", ""), outputs=1)), baseline)
    assert [one.check for one in evaluation.violations] == ["extra_column_check"]

"""A baseline of the inputs alone, and one with the label last: noticed by the columns' fit, and only then."""

import random

import pytest

from chalicelib.constraints.column_alignment import align_with_baseline, aligned_table
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.table import Table
from tests.constraints.tables import summary

HINT = (
    "the columns look shifted by one: is the label last in the training data? `vedette baseline --label last` puts it "
    "first"
)
COLUMNS = {
    "income": lambda draw: repr(draw.gauss(50_000, 9_000)),
    "age": lambda draw: str(draw.randint(18, 90)),
    "city": lambda draw: draw.choice(["Bern", "Oslo", "Rome"]),
    "rate": lambda draw: repr(draw.gauss(0, 1)),
}
OUTPUTS = {
    "labels": lambda draw: draw.choice("0001"),
    "scores": lambda draw: repr(draw.random()),
}


def rows(output: str, *names: str, count: int = 300, seed: int = 1) -> list[list[str]]:
    """Rows as they are captured: the output first."""
    draw = random.Random(seed)
    return [[OUTPUTS[output](draw), *(COLUMNS[name](draw) for name in names)] for _ in range(count)]


def baseline(training: list[list[str]], names: tuple[str, ...]) -> Baseline:
    table = Table.of(training, names, k=BASELINE_K)
    return Baseline(constraints=suggested_constraints(table), statistics=table)


def captured(rows: list[list[str]], names: tuple[str, ...] = (), outputs: int = 1) -> Table:
    return Table.of(rows, names or ("",) * len(rows[0]), outputs)


def label_last(names: tuple[str, ...], seed: int = 2) -> Baseline:
    return baseline([[*inputs, label] for label, *inputs in rows("labels", *names, seed=seed)], (*names, "label"))


# --- inputs alone -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inputs", [("income", "age", "city"), ("rate",), ("_c0", "_c1", "_c2")])
@pytest.mark.parametrize("output", OUTPUTS)
def test_a_baseline_of_the_inputs_alone_is_compared_with_the_inputs(inputs, output):
    kinds = ("income", "age", "city") if "_c0" in inputs else inputs
    reference = baseline([row[1:] for row in rows("labels", *kinds, seed=2)], inputs)
    found = evaluate(summary(captured(rows(output, *kinds))), reference)
    assert (found.verdict, found.violations) == ("OK", ())
    assert "300 rows evaluated by their inputs alone: the baseline has a column for each input, and no outputs" in (
        found.notes
    )
    assert {one.feature for one in found.measurements if one.check == "data_type_check"} == set(inputs)
    table = aligned_table([captured(rows(output, *kinds))], reference.constraints, reference.statistics)
    assert (table.names, table.rows) == (inputs, 300)


def test_the_inputs_are_judged_and_a_violation_names_its_input():
    reference = baseline([row[1:] for row in rows("labels", "income", "age", seed=2)], ("income", "age"))
    bad = [[score, income, "old"] for score, income, _ in rows("scores", "income", "age")]
    found = evaluate(summary(captured(bad)), reference)
    assert [(one.feature, one.check) for one in found.violations] == [("age", "data_type_check")]


def test_several_outputs_are_left_out_together():
    reference = baseline([row[1:] for row in rows("labels", "income", "age", seed=2)], ("income", "age"))
    two = [[score, *row] for score, row in zip("01" * 150, rows("scores", "income", "age"), strict=True)]
    assert evaluate(summary(captured(two, outputs=2)), reference).violations == ()
    assert evaluate(summary(captured(two, ("class", "score", "", ""), outputs=2)), reference).violations == ()


def test_an_input_too_many_is_an_extra_column_when_the_first_columns_fit():
    reference = baseline(rows("labels", "age", "income", seed=2), ("label", "age", "income"))
    found = evaluate(summary(captured(rows("scores", "age", "income", "rate"))), reference)
    assert [one.check for one in found.violations] == ["extra_column_check"]
    assert not any("inputs alone" in note for note in found.notes)


def test_names_decide_where_there_are_any():
    reference = baseline(rows("labels", "age", "income", seed=2), ("label", "age", "income"))
    names = ("label", "age", "income", "rate")
    found = evaluate(summary(captured(rows("labels", "age", "income", "rate"), names)), reference)
    assert [one.check for one in found.violations] == ["extra_column_check"]
    named_output = captured(rows("labels", "age", "income", "rate"), ("label", "", "", ""))
    assert not align_with_baseline(named_output, reference.constraints, reference.statistics).inputs_alone


def test_captures_of_the_inputs_alone_are_no_special_case():
    reference = baseline([row[1:] for row in rows("labels", "income", "age", seed=2)], ("income", "age"))
    inputs = Table.of([row[1:] for row in rows("scores", "income", "age")], ("", ""))
    found = evaluate(summary(inputs), reference)
    assert (found.verdict, found.notes) == ("OK", ())


# --- the label last ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("names", [("income", "age", "city"), ("rate", "income", "age", "city"), ("income",)])
def test_a_label_that_is_last_in_the_training_data_is_hinted_at(names, output):
    reference = label_last(names)
    found = evaluate(summary(captured(rows(output, *names))), reference)
    assert found.verdict == "Violations"
    assert HINT in found.notes
    right = baseline(rows("labels", *names, seed=2), ("label", *names))
    found = evaluate(summary(captured(rows(output, *names))), right)
    assert HINT not in found.notes


def test_the_types_alone_are_enough_for_the_hint():
    reference = Baseline(constraints=label_last(("income", "city")).constraints)
    assert HINT in evaluate(summary(captured(rows("labels", "income", "city"))), reference).notes


def test_columns_by_name_have_no_hint():
    names = ("income", "age")
    reference = label_last(names)
    table = captured(rows("labels", *names), ("label", *names))
    assert evaluate(summary(table), reference).notes == ()


def test_drift_of_every_column_is_no_shift():
    names = ("rate", "age", "income")
    reference = baseline(rows("labels", *names, seed=2), ("label", *names))
    moved = [["1", repr(float(rate) + 9), str(int(age) + 99), repr(float(income) * 3)]
             for _, rate, age, income in rows("scores", *names)]  # fmt: skip
    found = evaluate(summary(captured(moved)), reference)
    assert found.verdict == "Violations"
    assert HINT not in found.notes


def test_alike_columns_that_are_shifted_fit_as_before():
    """Twenty columns of one kind: the shift does not show, and no hint guesses."""
    draw = random.Random(3)
    alike = [[repr(draw.gauss(0, 1)) for _ in range(21)] for _ in range(300)]
    reference = baseline(alike, tuple(f"x{i}" for i in range(21)))
    moved = captured([[repr(float(cell) + 5) for cell in row] for row in alike])
    found = evaluate(summary(moved), reference)
    assert found.verdict == "Violations"
    assert HINT not in found.notes


def test_data_that_hold_have_no_hint_however_their_columns_look():
    names = ("income", "age")
    found = evaluate(summary(captured([[*row[1:], row[0]] for row in rows("labels", *names)])), label_last(names))
    assert (found.verdict, found.notes) == ("OK", ())


def test_private_columns_are_compared_by_their_types():
    reference = label_last(("income", "city"))
    table = captured(rows("labels", "income", "city"))
    private = Table(
        names=table.names, outputs=1, rows=table.rows, columns=tuple(one.without_values() for one in table.columns)
    )
    found = evaluate(summary(private), reference)
    assert HINT in found.notes


def test_without_anything_to_compare_the_rows_keep_their_alignment():
    bare = Constraints({"features": [{"name": "y"}, {"name": "x"}]})
    assert align_with_baseline(captured(rows("labels", "income", "age")), bare).columns is None

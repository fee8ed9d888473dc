"""Which captured column is which feature: by name first, then by position."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.constraints.column_alignment import (
    Alignment,
    align_columns,
    aligned_table,
    tables_with_baseline_names,
)
from chalicelib.constraints.constraints import Constraints
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table


def table(*names: str, outputs: int = 0, rows: int = 1) -> Table:
    """Rows whose cells are the positions of the columns."""
    return Table.of([[str(position) for position in range(len(names))]] * rows, names, outputs)


@pytest.mark.parametrize(
    ("names", "outputs", "features", "positions", "missing", "extra"),
    [
        (("b", "a"), 0, "ab", {"a": 1, "b": 0}, (), ()),  # by name
        (("", ""), 0, "ab", {"a": 0, "b": 1}, (), ()),  # by position
        (("p", "q"), 0, "ab", {"a": 0, "b": 1}, (), ()),  # no name is known
        (("b", ""), 0, "ab", {"a": 1, "b": 0}, (), ()),
        (("score", "a"), 1, "ya", {"y": 0, "a": 1}, (), ()),  # an output of another name
        (("y", "z"), 1, "ya", {"y": 0}, ("a",), ("z",)),  # an input of another name
        (("b", "z"), 0, "ab", {"b": 0}, ("a",), ("z",)),
        (("z", "a", ""), 0, "abc", {"a": 1}, ("b", "c"), ("z", "")),
        (("a", "a"), 0, "ab", {"a": 0}, ("b",), ("a#2",)),  # a name that one side has twice
        (("a", "b", ""), 0, "ab", {"a": 0, "b": 1}, (), ("",)),
        (("b",), 0, "ab", {"b": 0}, ("a",), ()),
        (("", ""), 0, "abc", None, (), ()),
        (("", "", "", ""), 0, "ab", None, (), ("", "")),
    ],
)
def test_columns_are_aligned_by_name_and_then_by_position(names, outputs, features, positions, missing, extra):
    found = table(*names, outputs=outputs)
    columns = positions and {name: found.columns[position] for name, position in positions.items()}
    assert align_columns(found, features) == Alignment(found, columns, missing, extra)


BOTH = ("output.id", "score", "input.id", "amount")  # of a baseline whose rows had `id` on both sides


@pytest.mark.parametrize(
    ("names", "outputs", "features", "positions", "missing", "extra"),
    [
        (("id", "score", "id", "amount"), 2, BOTH, (0, 1, 2, 3), (), ()),
        (("score", "id", "amount", "id"), 2, BOTH, (1, 0, 3, 2), (), ()),  # in another order
        (("id", "score", "amount"), 2, BOTH, (0, 1, None, 2), ("input.id",), ()),  # only the output has it
        (("score", "id", "amount"), 1, BOTH, (None, 0, 1, 2), ("output.id",), ()),  # only the input has it
        (("output.id", "score", "input.id", "amount"), 2, BOTH, (0, 1, 2, 3), (), ()),  # the payload's own words
        (("id", "score", "id", "z"), 2, BOTH, (0, 1, 2, None), ("amount",), ("z",)),
        (("id", "score", "id"), 2, ("score", "id"), (1, 2), (), ("output.id",)),  # the answer repeats an input
        (("id", "score", "id"), 2, ("id", "score"), (0, 1), (), ("input.id",)),  # the first feature is an output
        (("", "", "id", "id"), 3, ("_c0", "_c1", "output.id", "input.id"), (0, 1, 2, 3), (), ()),
        (("_c1", ""), 1, ("output._c1", "input._c1"), (0, 1), (), ()),  # a name like a position
        (("a.0", "a.0", "b"), 0, ("a.0", "a.0#2"), (0, 1), (), ("b",)),
    ],
)
def test_a_name_on_both_sides_is_found_with_its_side_or_without(names, outputs, features, positions, missing, extra):
    found = table(*names, outputs=outputs)
    aligned = zip(features, positions, strict=True)
    columns = {name: found.columns[position] for name, position in aligned if position is not None}
    assert align_columns(found, features) == Alignment(found, columns, missing, extra)


@given(
    st.lists(st.sampled_from(["", "a", "b", "a.b", "output.a", "input.a", "_c0", "_c1", "a#2"]), max_size=7), st.data()
)
def test_every_table_aligns_with_the_names_it_gave_to_a_baseline(names, data):
    found = table(*names, outputs=data.draw(st.integers(0, len(names))))
    features = found.feature_names
    assert len(set(features)) == len(names)
    aligned = align_columns(found, features)
    assert (aligned.missing, aligned.extra) == ((), ())
    assert sorted(aligned.columns or {}) == sorted(features)


def test_tables_that_align_have_the_names_of_the_baseline():
    tables = [
        Table.of([["1", "2"]], ("", ""), 1),
        Table.of([["3", "4", "5", "6"]], ("y", "x", "x", "z"), 2),
        Table.of([["7"]], ("",)),
    ]
    named = tables_with_baseline_names(tables, ("y", "x"))
    assert [one.names for one in named] == [("y", "x"), ("y", "output.x", "x", "z"), ("",)]
    assert [one.columns for one in named] == [one.columns for one in tables]


CONSTRAINTS = Constraints({"features": [{"name": "y"}, {"name": "x"}]})


def test_the_tables_that_align_are_summed_under_the_names_of_the_baseline():
    tables = [
        Table.of([["a", "b"]], ("", "")),
        Table.of([["c", "d"], ["e", "f"]], ("x", "y")),
        Table.of([["7"]] * 9, ("x",)),  # lacks y
        Table.of([["8"]] * 9, ("",)),  # cannot be aligned
    ]
    assert aligned_table(tables, CONSTRAINTS) == Table(
        names=("y", "x"),
        rows=3,
        columns=(ColumnStatistics.of(["a", "d", "f"]), ColumnStatistics.of(["b", "c", "e"])),
    )


def test_when_no_table_aligns_the_one_with_the_most_rows_is_kept_as_it_is():
    tables = [table("", rows=2), table("", "", "", rows=4), table("x", rows=3)]
    assert aligned_table(tables, CONSTRAINTS) == tables[1]


def test_no_tables_have_no_sum():
    assert aligned_table([], CONSTRAINTS) is None


def test_a_named_output_beside_one_input_too_many_moves_no_input():
    rows = [["0.5", "1", "2", "3"]]
    found = align_columns(Table.of(rows, ("score", "", "", ""), outputs=1), ["label", "age", "income"])
    assert found.columns is None
    found = align_columns(Table.of(rows, ("", "model_version", "", ""), outputs=2), ["label", "age", "income"])
    assert (sorted(found.columns), found.beside) == (["age", "income", "label"], ("model_version",))
    assert found.columns["age"].moments.maximum == 2

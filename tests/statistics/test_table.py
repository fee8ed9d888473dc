"""Rows of one layout add up; rows of differing layouts never shift a column."""

import pytest

from chalicelib.statistics.feature_names import feature_names
from chalicelib.statistics.table import Table, sum_of_tables


def test_json_objects_may_give_the_same_names_in_another_order():
    one = Table.of([["1", "x"]], ("a", "b"))
    two = Table.of([["y", "2"]], ("b", "a"))
    (both,) = sum_of_tables([one, two])
    assert both.names == ("a", "b")
    assert [column.types.integral for column in both.columns] == [2, 0]


def test_tables_of_differing_width_stay_apart():
    tables = sum_of_tables([Table.of([["1"]], ("",)), Table.of([["1", "2"]], ("", "")), Table.of([["3"]], ("",))])
    assert [(len(table.names), table.rows) for table in tables] == [(1, 2), (2, 1)]


def test_an_output_is_not_an_input():
    tables = sum_of_tables([Table.of([["1", "2"]], ("", ""), 1), Table.of([["1", "2"]], ("", ""), 2)])
    assert len(tables) == 2


def test_order_of_the_parts_does_not_matter():
    parts = [Table.of([["1"]], ("",)), Table.of([["1", "2"]], ("", "")), Table.of([["2"]], ("",))]
    assert sum_of_tables(parts) == sum_of_tables(parts[::-1])


def test_a_row_of_another_width_is_a_fault_of_the_caller():
    with pytest.raises(ValueError):
        Table.of([["1"], ["1", "2"]], ("a",))


@pytest.mark.parametrize(
    ("outputs", "inputs", "names"),
    [
        ([""], ["", ""], ("_c0", "_c1", "_c2")),
        (["score"], ["", "b"], ("score", "_c1", "b")),
        (["id", "score"], ["id", "amount"], ("output.id", "score", "input.id", "amount")),
        (["_c1"], [""], ("output._c1", "input._c1")),
        ([], ["_c1", "", "_c1"], ("_c1", "_c1#2", "_c1#3")),
        (["a", "a#2", "a"], [], ("a", "a#2", "a#3")),
        (["a", "output.a"], ["a"], ("output.a", "output.a#2", "input.a")),
        (["a", "a"], ["a"], ("output.a", "output.a#2", "input.a")),
    ],
)
def test_the_names_of_a_table_are_all_different(outputs, inputs, names):
    assert feature_names(outputs, inputs) == names


def test_ten_thousand_columns_of_one_name_are_named_in_the_order_of_the_columns():
    names = feature_names([], ["a"] * 10_000)
    assert (len(set(names)), names[0], names[-1]) == (10_000, "a", "a#10000")

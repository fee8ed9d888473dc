"""Which captured column is which feature: by name first, then by position."""

import pytest

from chalicelib.constraints.column_alignment import Alignment, align_columns, aligned_table
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
        (("a", "a"), 0, "ab", {"a": 0}, ("b",), ("a",)),  # a name that occurs twice
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

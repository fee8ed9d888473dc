"""Missing and extra columns: how many rows have them, in which words."""

import pytest

from chalicelib.constraints.column_alignment import align_columns
from chalicelib.constraints.measurement import Measurement
from chalicelib.constraints.schema_checks import column_count_checks, columns_by_feature
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table

LETTERS = "abcdefghijkl"


def table(names, rows: int) -> Table:
    return Table.of([["t"] * len(names)] * rows, tuple(names))


def counted(*tables: Table, features: str = "ab", minimum_rows: int = 20) -> list[Measurement]:
    alignments = [align_columns(one, features) for one in tables]
    rows = sum(one.rows for one in tables)
    return list(column_count_checks(alignments, len(features), rows, minimum_rows))


def missing(features: int = 2, **values) -> Measurement:
    return Measurement(
        feature="Missing columns",
        check="missing_column_check",
        kind="hard",
        expected=f"{features} columns",
        threshold=0.0,
        **values,
    )


def extra(**values) -> Measurement:
    return Measurement(
        feature="Extra columns",
        check="extra_column_check",
        kind="hard",
        expected="2 columns",
        threshold=0.0,
        **values,
    )


NONE_MISSING = missing(observed="2 columns", value=0.0, violated=False)
NONE_EXTRA = extra(observed="2 columns", value=0.0, violated=False)


def test_rows_of_the_right_width_have_no_missing_and_no_extra_columns():
    assert counted(table(["", ""], 20)) == [NONE_MISSING, NONE_EXTRA]


def test_narrow_rows_have_missing_columns():
    narrow = missing(
        observed="1 columns in 5 of 100 rows",
        value=0.05,
        violated=True,
        severity="warning",
        description="There are missing columns in current dataset. Number of columns in current dataset: 1, "
        "Number of columns in baseline constraints: 2",
    )
    assert counted(table(["", ""], 95), table([""], 5)) == [narrow, NONE_EXTRA]


def test_wide_rows_have_extra_columns_and_the_most_frequent_width_is_said():
    wide = extra(
        observed="4 columns in 25 of 100 rows",
        value=0.25,
        violated=True,
        severity="critical",
        description="There are extra columns in current dataset. Number of columns in current dataset: 4, "
        "Number of columns in baseline constraints: 2",
    )
    found = counted(table(["", ""], 75), table([""] * 3, 5), table([""] * 4, 15), table([""] * 5, 5))
    assert found == [NONE_MISSING, wide]


@pytest.mark.parametrize(
    ("tables", "features", "said"),
    [
        ([table("a", 30)], "ab", ("1 columns in 30 of 30 rows; missing: b", "2 columns")),
        ([table("az", 30)], "ab", ("2 columns in 30 of 30 rows; missing: b", "2 columns in 30 of 30 rows; extra: z")),
        (
            [table(["b", "a", "z"], 20), table(["a", "b", "y", ""], 10)],
            "ab",
            ("2 columns", "3 columns in 30 of 30 rows; extra: y, z"),
        ),
        (
            [table("a", 30)],
            LETTERS,
            ("1 columns in 30 of 30 rows; missing: b, c, d, e, f, g, h, i, j, k", "12 columns"),
        ),
        ([table("ab", 20), table("a", 10)], "ab", ("2 columns", "2 columns")),  # b is missing cells
        ([table(["", ""], 20), table("a", 10)], "ab", ("2 columns", "2 columns")),
    ],
)
def test_columns_with_names_are_named_at_most_ten_of_them(tables, features, said):
    assert tuple(one.observed for one in counted(*tables, features=features)) == said


@pytest.mark.parametrize(("rows", "needed"), [(19, 1), (7, 13)])
def test_with_too_few_rows_nothing_is_violated(rows, needed):
    too_few = {"violated": False, "evaluated": False, "rows_needed": needed}
    assert counted(table([""], rows)) == [
        missing(observed=f"1 columns in {rows} of {rows} rows", value=1.0, severity="critical", **too_few),
        extra(observed="2 columns", value=0.0, **too_few),
    ]


def test_enough_rows_are_evaluated():
    assert [one.violated for one in counted(table([""], 20))] == [True, False]


def test_rows_that_lack_a_feature_are_missing_cells_of_it_when_others_have_it():
    tables = [table("ab", 2), table("a", 3), table(["", ""], 4), table([""], 5)]
    found = columns_by_feature([align_columns(one, "ab") for one in tables])
    assert found == {"a": ColumnStatistics.of(["t"] * 9), "b": ColumnStatistics.of(["t"] * 6 + [None] * 3)}


def test_a_feature_that_no_row_has_has_no_column():
    assert columns_by_feature([align_columns(table("a", 3), "ab")]) == {"a": ColumnStatistics.of(["t"] * 3)}


def test_a_feature_of_two_tables_has_the_cells_of_both():
    alignments = [align_columns(one, "ab") for one in (table("ab", 3), table("ba", 4))]
    assert [column.types.present for column in columns_by_feature(alignments).values()] == [7, 7]

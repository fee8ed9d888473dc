"""Missing and extra columns: how many rows have them, in which words."""

import random
import re

import pytest

from chalicelib.constraints.column_alignment import align_columns
from chalicelib.constraints.measurement import Measurement
from chalicelib.constraints.schema_checks import column_count_checks, columns_by_feature
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table, sum_of_tables

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
        observed="1 column in 5 of 100 rows",
        value=0.05,
        violated=True,
        severity="warning",
        description="There are missing columns in current dataset. Number of columns in current dataset: 1, "
        "Number of columns in baseline constraints: 2",
    )
    assert counted(table(["", ""], 95), table([""], 5)) == [narrow, NONE_EXTRA]


def test_wide_rows_have_extra_columns_of_every_width_and_the_file_says_the_most_frequent():
    wide = extra(
        observed="3 to 5 columns in 25 of 100 rows",
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
        ([table("a", 30)], "ab", ("1 column in 30 of 30 rows; missing: b", "2 columns")),
        ([table("az", 30)], "ab", ("2 columns in 30 of 30 rows; missing: b", "2 columns in 30 of 30 rows; extra: z")),
        (
            [table(["b", "a", "z"], 20), table(["a", "b", "y", ""], 10)],
            "ab",
            ("2 columns", "3 to 4 columns in 30 of 30 rows; extra: y, z"),
        ),
        (
            [table("a", 30)],
            LETTERS,
            ("1 column in 30 of 30 rows; missing: b, c, d, e, f, g, h, i, j, k", "12 columns"),
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
        missing(observed=f"1 column in {rows} of {rows} rows", value=1.0, severity="critical", **too_few),
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


# --- objects: their table has the columns of all rows -----------------------------------------------------------------


def objects(*rows: dict[str, str | None], outputs: tuple[str, ...] = ()) -> Table:
    """The table of JSON objects as inputs; the outputs, with the names that are given, are of every row."""
    return sum_of_tables(
        Table.of([["0"] * len(outputs) + list(row.values())], outputs + tuple(row), len(outputs)) for row in rows
    )[0]


AB, ABZ = {"a": "1", "b": "2"}, {"a": "1", "b": "2", "z": "3"}


@pytest.mark.parametrize(
    ("rows", "observed", "value", "severity"),
    [
        ([AB] * 10999 + [ABZ], "z in 1 of 11000 rows", 1 / 11000, "information"),
        ([AB] * 19 + [ABZ], "z in 1 of 20 rows", 0.05, "information"),  # one row is chance
        ([AB] * 950 + [ABZ] * 50, "z in 50 of 1000 rows", 0.05, "warning"),
        ([AB] * 500 + [ABZ] * 500, "z in 500 of 1000 rows", 0.5, "critical"),
        ([ABZ] * 20, "3 columns in 20 of 20 rows; extra: z", 1.0, "critical"),  # each row is as wide
        ([AB] * 99 + [{"b": "2", "z": "3"}], "z in 1 of 100 rows", 0.01, "information"),  # no wider than the baseline
        ([AB] * 90 + [ABZ] * 6 + [AB | {"y": "3"}] * 4, "y in 4, z in 6 of 100 rows", 0.06, "information"),
        ([AB] * 99 + [AB | {"z": None}], "z with null alone of 100 rows", 0.01, "information"),
    ],
)
def test_a_key_that_some_objects_have_is_counted_by_row_and_claims_no_width(rows, observed, value, severity):
    absent, found = counted(objects(*rows))
    assert (absent.observed, absent.value, absent.violated) == ("2 columns", 0.0, False)
    assert (found.observed, found.value, found.violated, found.severity) == (observed, value, True, severity)


def test_the_file_says_the_columns_of_all_objects_as_the_data_set_has_them():
    _, found = counted(objects(*[AB] * 99, ABZ))
    assert found.description == (
        "There are extra columns in current dataset. Number of columns in current dataset: 3, "
        "Number of columns in baseline constraints: 2"
    )


def test_a_key_beside_an_output_without_a_name_is_counted_by_row():
    _, found = counted(objects(*[AB] * 99, ABZ, outputs=("",)), features=("label", "a", "b"))
    assert (found.observed, found.severity) == ("z in 1 of 100 rows", "information")


def test_an_output_key_that_some_rows_have_leaves_the_label_its_place():
    rare = [Table.of([["0", "1"]] * 99, ("score", "a"), 1), Table.of([["0", "w", "1"]], ("score", "warning", "a"), 2)]
    found = counted(*sum_of_tables(rare), features=("label", "a"))
    assert [(one.observed, one.severity) for one in found] == [
        ("2 columns", "information"),
        ("warning in 1 of 100 rows", "information"),
    ]


@pytest.mark.parametrize("output", ["", "score"])
def test_a_key_that_is_gone_leaves_the_label_its_place(output):
    found = counted(Table.of([["0", "1"]] * 30, (output, "a"), 1), features=("label", "a", "b"))
    assert [one.observed for one in found] == ["2 columns in 30 of 30 rows; missing: b", "3 columns"]


@pytest.mark.parametrize("names", [("score", "warning"), ("warning", "score")])
def test_of_two_outputs_the_one_that_every_row_has_is_the_label(names):
    rare = Table.of([["0", "w", "1"]], (*names, "a"), 2)
    tables = [rare, Table.of([["0", "1"]] * 99, ("score", "a"), 1)]
    (found,) = (align_columns(one, ("label", "a")) for one in sum_of_tables(tables))
    assert found.columns["label"].types.present == 100


def test_rows_of_csv_are_as_wide_as_their_table_even_with_empty_cells():
    _, found = counted(Table.of([["1", "2", None]] * 20 + [["1", "2", "3"]], ("", "", "")))
    assert (found.observed, found.severity) == ("3 columns in 21 of 21 rows", "critical")


def test_wide_rows_and_objects_with_one_more_key_are_counted_together():
    _, found = counted(objects(*[AB] * 80, ABZ), table([""] * 3, 19))
    assert (found.observed, found.value) == ("3 columns in 19, z in 1 of 100 rows", 0.2)


@pytest.mark.parametrize(
    ("rows", "observed"),
    [
        ([{"a": "1"}] * 30, "1 column in 30 of 30 rows; missing: b"),
        ([{"a": "1"}] * 29 + [{"z": "1"}], "no b in 30 of 30 rows"),
        ([{"a": None, "z": "1"}] * 30, "no b in 30 of 30 rows"),
    ],
)
def test_a_key_that_no_object_has_is_a_missing_column_of_every_row(rows, observed):
    found = counted(objects(*rows))[0]
    assert (found.violated, found.value, found.severity) == (True, 1.0, "critical")
    assert found.observed == observed


def test_objects_that_cannot_be_aligned_have_fewer_columns_than_the_baseline_and_no_width():
    found = counted(objects(*[{"y": "1"}] * 29, {"z": "1"}), features="abc")
    assert [one.observed for one in found] == ["fewer than 3 columns in 30 of 30 rows", "3 columns"]


def test_a_key_that_some_objects_lack_is_no_missing_column():
    assert [one.violated for one in counted(objects(*[AB] * 20, *[{"a": "1"}] * 80))] == [False, False]


@pytest.mark.parametrize("seed", range(40))
def test_what_is_said_of_random_objects_is_true_of_their_rows(seed):
    draw = random.Random(seed)
    often = {key: draw.choice([0.0, 0.02, 0.5, 1.0]) for key in "bxyz"}
    rows = [
        {"a": "1"} | {key: draw.choice(["1", None]) for key, share in often.items() if draw.random() < share}
        for _ in range(200)
    ]
    absent, found = counted(objects(*rows))
    assert absent.violated == (not any("b" in row for row in rows))
    extra = {key for row in rows for key in row} - {"a", "b"}
    assert found.violated == bool(extra)
    assert found.value * 200 <= sum(not extra.isdisjoint(row) for row in rows)
    for key, count in re.findall(r"([xyz]) in (\d+)", found.observed):
        assert sum(row.get(key) is not None for row in rows) == int(count)
    for width, count in re.findall(r"(\d+) columns? in (\d+)", found.observed):
        assert {len(row) for row in rows} == {int(width)}
        assert int(count) == 200

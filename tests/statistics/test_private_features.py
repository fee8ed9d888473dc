"""Private features: which columns are private, and that nothing but counts of types is left of them, in any sum."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.files import read_statistics, write_statistics
from chalicelib.statistics.private_features import private_positions, unknown_names, without_private_values
from chalicelib.statistics.table import Table

CELLS = st.lists(st.none() | st.sampled_from(["1", "2.5", "true", "x", "a b"]) | st.integers().map(str), max_size=30)
FEATURES = ("label", "age", "email")


def table(*names: str, outputs: int = 0) -> Table:
    return Table.of([["1"] * len(names)], names, outputs)


@pytest.mark.parametrize(
    ("made", "private", "features", "positions"),
    [
        (table("", "age", "email", outputs=1), ["email"], (), [2]),
        (table("id", "id", outputs=1), ["id"], (), [0, 1]),
        (table("id", "id", outputs=1), ["input.id"], (), [1]),
        (table("id", "id", outputs=1), ["output.id"], (), [0]),
        (table("person.name", "person.age", "personal"), ["person"], (), [0, 1]),
        (table("", "", "", outputs=1), ["_c2"], (), [2]),
        (table("", "age", outputs=1), ["_c0"], (), [0]),
        # named by the baseline
        (table("", "", "", outputs=1), ["email"], FEATURES, [2]),
        (table("score", "", "", outputs=1), ["email"], FEATURES, [2]),
        (table("score", "age", "email", outputs=1), ["label"], FEATURES, [0]),
        (table("score", "age", outputs=1), ["label"], FEATURES, [0]),
        (table("", "", "", outputs=1), ["_c2"], ("_c0", "_c1", "_c2"), [2]),
        (table("", "email", "age", outputs=1), ["age"], FEATURES, [2]),
        (table("", "", "", outputs=1), ["_c1"], ("_c0", "_c1"), [1, 2]),  # of the inputs alone, or an input too many
        # an absent key, and a name that is none of the columns
        (table("", "age", outputs=1), ["email"], FEATURES, []),
        (table("", "age", outputs=1), ["email"], (), []),
        (table("", "", "", outputs=1), ["other"], FEATURES, []),
        # not known which column it is
        (table("", "", "", outputs=1), ["email"], (), [0, 1, 2]),
        (table("", "", outputs=1), ["email"], FEATURES, [0, 1]),
        (table("score", "", "", "", outputs=1), ["email"], FEATURES, [1, 2, 3]),
    ],
)
def test_which_columns_are_private(made, private, features, positions):
    assert sorted(private_positions(made, private, features)) == positions


def test_without_a_private_name_every_table_stays_as_it_is():
    made = table("", "", outputs=1)
    assert without_private_values(made, (), FEATURES) is made


def test_a_name_that_no_column_has_is_known_as_such():
    assert unknown_names([table("a.b", ""), table("c")], ["a", "c", "_c1", "x", "x"]) == ["x"]
    assert unknown_names([table("", "", "")], ["age"], FEATURES) == []


@given(CELLS, CELLS, CELLS)
def test_a_sum_with_a_private_column_is_right_in_its_counts_and_has_no_value(one, two, three):
    parts = [ColumnStatistics.of(cells) for cells in (one, two, three)]
    whole = ColumnStatistics.of([*one, *two, *three])
    private = parts[1].without_values()
    for summed in (
        parts[0] + private + parts[2],
        private + ColumnStatistics.total([parts[0], parts[2]]),
        ColumnStatistics.total([parts[2], parts[0], private, ColumnStatistics()]),
        whole.without_values(),
    ):
        assert summed == ColumnStatistics(types=whole.types).without_values()
    assert private + ColumnStatistics() == private


def test_a_stored_private_column_holds_counts_alone():
    column = ColumnStatistics.of([f"secret {i}" for i in range(500)] + ["41.5", None]).without_values()
    assert msgspec.to_builtins(column) == {
        "types": {"fractional": 1, "string": 500, "missing": 1},
        "categories": {"counts": None},
        "private": True,
    }
    assert msgspec.json.decode(msgspec.json.encode(column), type=ColumnStatistics) == column


def test_a_file_says_what_is_private_and_is_read_back():
    made = Table.of([["41", "x"], ["42", None]], ("age", "city"))
    private = without_private_values(made, ("age", "city"))
    content = write_statistics(private)
    assert read_statistics(content, "x").columns == private.columns
    age, city = msgspec.json.decode(content)["features"]
    assert age == {
        "name": "age",
        "inferred_type": "Integral",
        "private": True,
        "numerical_statistics": {"common": {"num_present": 2, "num_missing": 0}, "completeness": 1.0},
    }
    assert city["string_statistics"] == {"common": {"num_present": 1, "num_missing": 1}, "completeness": 0.5}


def test_values_beside_the_word_private_are_not_read():
    content = write_statistics(Table.of([["41"], ["42"]], ("age",))).replace(
        b'"numerical', b'"private": true, "numerical'
    )
    assert read_statistics(content, "x").columns == (ColumnStatistics.of(["1", "2"]).without_values(),)


@pytest.mark.parametrize("name", ["chat[].role", "chat#count", "chat[]", "chat.0", "chat[].parts[].text"])
def test_a_private_list_hides_every_column_of_its_elements(name):
    table = Table.of([["1", "2"]], ("other", name))
    assert private_positions(table, ["chat"]) == {1}


@pytest.mark.parametrize("beside", ["signature_name", "model_version"])
def test_a_name_beside_rows_without_names_lets_no_private_value_through(beside):
    table = Table.of([["0.5", "1", "2", "x"]], ("", "", "", beside), outputs=1)
    assert private_positions(table, ["b"], ["y", "a", "b"]) == {2}
    assert private_positions(table, ["b"]) == {0, 1, 2}
    assert private_positions(table, ["b"], ["y", "a", "b", "c", "d"]) == {0, 1, 2}

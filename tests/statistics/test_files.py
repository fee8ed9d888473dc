"""statistics.json: equal to Model Monitor's on its own data, and read back into the same objects."""

import json
import math

import pytest

from chalicelib.errors import UnreadableFile
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.distances import numerical
from chalicelib.statistics.files import read_statistics, write_statistics
from chalicelib.statistics.table import Table
from vedette.data_sets import baseline_statistics


@pytest.fixture
def p01(conformance):
    return next(conformance.glob("pairs/P01_*"))


@pytest.fixture
def p07(conformance):
    return next(conformance.glob("pairs/P07_*"))


@pytest.mark.parametrize(
    ("cells", "written"), [(["", " ", "a", None], 2), (["", *(f"text {i}" for i in range(500))], 1), (["a"], None)]
)
def test_blank_texts_are_counted_again_by_their_key_or_their_categories(cells, written):
    column = Table.of([[cell] for cell in cells], ("x",))
    document = json.loads(write_statistics(column))
    assert document["features"][0].get("num_blank") == written
    assert read_statistics(json.dumps(document).encode(), "x").columns[0].types.blank == (written or 0)
    document["features"][0].pop("num_blank", None)  # as Model Monitor writes it
    again = read_statistics(json.dumps(document).encode(), "x").columns[0].types.blank
    assert again == ((written or 0) if len(cells) < 120 else 0)


def buckets(feature: dict) -> list[tuple[float, float, float]]:
    found = feature["numerical_statistics"]["distribution"]["kll"]["buckets"]
    return [(bucket["lower_bound"], bucket["upper_bound"], bucket["count"]) for bucket in found]


def assert_equal_features(ours: list[dict], theirs: list[dict]) -> None:
    assert [feature["name"] for feature in ours] == [feature["name"] for feature in theirs]
    for our, their in zip(ours, theirs, strict=True):
        assert our["inferred_type"] == their["inferred_type"]
        one, other = our["numerical_statistics"], their["numerical_statistics"]
        assert one["common"] == other["common"]
        for key in ("mean", "sum", "std_dev", "min", "max"):
            assert one[key] == pytest.approx(other[key], rel=1e-9, abs=1e-9), (our["name"], key)
        assert len(buckets(our)) == len(buckets(their)) == 10
        for mine, model_monitors in zip(buckets(our), buckets(their), strict=True):
            assert mine[:2] == pytest.approx(model_monitors[:2], rel=1e-9, abs=1e-9)
        sketch = one["distribution"]["kll"]["sketch"]
        assert sketch["parameters"] == other["distribution"]["kll"]["sketch"]["parameters"]
        assert sorted(sketch["data"][0]) == sorted(other["distribution"]["kll"]["sketch"]["data"][0])


def test_the_statistics_of_p01_are_model_monitors(p01):
    content = (p01 / "baseline_dataset.csv").read_bytes()
    ours = json.loads(write_statistics(baseline_statistics([content], "p01", header=False)))
    theirs = json.loads((p01 / "statistics.json").read_text())
    assert ours["dataset"] == theirs["dataset"]
    assert ours["version"] == theirs["version"]
    assert_equal_features(ours["features"], theirs["features"])
    assert list(map(buckets, ours["features"])) == list(map(buckets, theirs["features"]))


def test_p07_written_again_is_p07(p07):
    content = (p07 / "statistics.json").read_bytes()
    ours, theirs = json.loads(write_statistics(read_statistics(content, "p07"))), json.loads(content)
    assert_equal_features(ours["features"], theirs["features"])
    for our, their in zip(ours["features"], theirs["features"], strict=True):
        if our["name"] == "INDUS":  # Model Monitor's own last edge rounds down below its two largest values
            assert buckets(our)[-1][2] == buckets(their)[-1][2] + 2
        else:
            assert [count for *_, count in buckets(our)] == [count for *_, count in buckets(their)]


def test_p07_is_at_no_distance_from_itself(p07):
    one, two = (read_statistics((p07 / "statistics.json").read_bytes(), "p07") for _ in range(2))
    assert one.rows == 404
    for mine, other in zip(one.columns, two.columns, strict=True):
        assert mine.distribution.count == 404
        assert numerical(mine.distribution, other.distribution, "Simple") == 0.0


def test_the_keys_and_their_order_are_those_of_the_containers_of_2024():
    """aws-behaviour: statistics-file."""
    rows = [[str(i), f"{i}.5", f"text {i}", "abc"[i % 3], None if i % 4 else "7"] for i in range(1000)]
    document = json.loads(write_statistics(Table.of(rows, ("whole", "part", "free", "kind", "rare"))))
    whole, part, free, kind, rare = document["features"]
    numerical = ["common", "mean", "sum", "std_dev", "min", "max", "approximate_num_distinct_values", "completeness"]
    for feature in (whole, part, rare):
        assert list(feature) == ["name", "inferred_type", "numerical_statistics"]
        assert list(feature["numerical_statistics"]) == [*numerical, "distribution"]
    assert list(kind["string_statistics"]) == ["common", "distinct_count", "completeness", "distribution"]
    assert list(free["string_statistics"]) == ["common", "distinct_count", "completeness"]
    few = rare["numerical_statistics"]
    assert repr((few["approximate_num_distinct_values"], few["completeness"])) == "(1, 0.25)"
    many = whole["numerical_statistics"]["approximate_num_distinct_values"]
    assert isinstance(many, int)
    assert many == pytest.approx(1000, rel=0.1)
    assert isinstance(free["string_statistics"]["distinct_count"], float)


def test_the_number_of_distinct_values_is_what_the_file_said_and_left_out_where_it_said_nothing(p07):
    table = read_statistics((p07 / "statistics.json").read_bytes(), "p07")
    numerical = json.loads(write_statistics(table))["features"][0]["numerical_statistics"]
    assert "approximate_num_distinct_values" not in numerical
    assert numerical["completeness"] == 1.0
    many = b"""{"features": [{"name": "x", "inferred_type": "String", "string_statistics":
        {"common": {"num_present": 9, "num_missing": 1}, "distinct_count": 9.0, "completeness": 0.9}}]}"""
    string = json.loads(write_statistics(read_statistics(many, "x")))["features"][0]["string_statistics"]
    assert string == {"common": {"num_present": 9, "num_missing": 1}, "distinct_count": 9.0, "completeness": 0.9}


def test_distinct_values_are_known_after_reading_and_unknown_in_a_sum():
    table = Table.of([[str(i), f"text {i}"] for i in range(1000)], ("whole", "free"))
    again = read_statistics(write_statistics(table), "x")
    assert [one.categories.distinct for one in again.columns] == [one.categories.distinct for one in table.columns]
    assert [(one + one).categories.distinct for one in again.columns] == [0, 0]


def test_a_file_of_ours_is_read_back_into_the_same_objects():
    rows = [[str(i), f"{i / 7:.3f}", "abc"[i % 3], None if i % 5 else "x"] for i in range(1500)]
    table = Table.of(rows, ("whole", "part", "kind", "rare"), k=BASELINE_K)
    again = read_statistics(write_statistics(table), "x")
    assert again.rows == table.rows
    for before, after in zip(table.columns, again.columns, strict=True):
        assert after.types == before.types
        assert after.moments.mean == before.moments.mean
        assert after.moments.std_dev == pytest.approx(before.moments.std_dev) if before.moments.count else True
        if before.types.inferred_type == "String":
            assert after.categories == before.categories
        else:
            assert numerical(before.distribution, after.distribution, "Simple") == 0.0


def test_a_sketch_beyond_exactness_keeps_its_distribution_and_its_total():
    table = Table.of([[str(i)] for i in range(10_000)], ("x",))
    again = read_statistics(write_statistics(table), "x")
    assert again.columns[0].distribution.count == 10_000
    assert numerical(table.columns[0].distribution, again.columns[0].distribution, "Simple") < 0.05


def test_a_column_that_is_all_missing_or_beyond_measure_can_be_written():
    table = Table(
        names=("a", "b"), rows=2, columns=(ColumnStatistics.all_missing(2), ColumnStatistics.of(["1e999", "2e999"]))
    )
    again = read_statistics(write_statistics(table), "x")
    assert [column.types.inferred_type for column in again.columns] == ["Unknown", "Fractional"]


def test_files_of_2019_with_floats_for_counts_are_read(conformance):
    content = (
        conformance / "violations" / "sdk_tests_cc39d2b458.json"
    ).read_bytes()  # statistics, in spite of its folder
    table = read_statistics(content, "x")
    assert table.rows == 418
    assert table.columns[0].categories.counts == {"preproc-not-YET-supported-for-csv-json": 418}


def test_nan_and_infinity_are_left_out():
    content = b"""{"features": [{"name": "x", "inferred_type": "Fractional", "numerical_statistics":
        {"common": {"num_present": 2.0, "num_missing": NaN}, "mean": 1.5, "sum": 3, "std_dev": NaN, "min": 1, "max": 2,
         "distribution": {"kll": {"sketch": {"parameters": {"k": 2048.0}, "data": [[1, 2, Infinity]]}}}}}]}"""
    column = read_statistics(content, "x").columns[0]
    assert (column.moments.mean, column.moments.std_dev) == (1.5, 0.0)
    assert column.distribution.count == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "x: not JSON: line 1, column 1"),
        (b"\xff", "x: not JSON"),
        (b"[" * 100_000, "x: not JSON"),
        (b"y,a\n1,2\n", "x: looks like CSV, not a statistics.json"),
        (b'{"regression_metrics": {}}', "x: this is a model-quality file, not a statistics.json of data quality"),
        (
            b'{"features": [{"name": "a", "inferred_type": "String", "completeness": 1.0}]}',
            "x: this is a constraints.json, not a statistics.json of data quality",
        ),
        (b"[]", "x: not a statistics.json: no features"),
        (b'{"features": [1]}', "x: not a statistics.json: feature 0 has an unknown form"),
        (
            b'{"features": [{"name": "a", "numerical_statistics": {"common": 3}}]}',
            "x: not a statistics.json: feature 0",
        ),
        (b'{"features": [{"name": "a"}, {"name": "a"}, {"name": "a"}]}', "x: two features named 'a'"),
        (b'{"features": [{"name": "a"}, {"name": "a"}, {"name": "output.a"}]}', "x: two features named 'output.a'"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(content, sentence):
    with pytest.raises(UnreadableFile, match=sentence.replace("(", r"\(")):
        read_statistics(content, "x")


def test_a_name_that_occurs_twice_is_of_an_output_and_then_of_an_input():
    content = b'{"features": [{"name": "id"}, {"name": "score"}, {"name": "id"}, {"name": "b"}]}'
    table = read_statistics(content, "x")
    assert table.names == ("output.id", "score", "input.id", "b")
    assert read_statistics(write_statistics(table), "x").names == table.names


@pytest.mark.parametrize("cut", range(0, 1200, 7))
def test_a_truncated_file_is_refused(cut):
    content = write_statistics(Table.of([["1", "a"], ["2", "b"]], ("x", "y")))
    if cut < len(content):
        with pytest.raises(UnreadableFile):
            read_statistics(content[:cut], "x")


def test_a_sketch_of_ours_comes_back_to_the_byte_and_goes_on_growing():
    table = Table.of([[repr(math.sin(i))] for i in range(5000)], ("x",))
    again = read_statistics(write_statistics(table), "x")
    assert again.columns[0].distribution == table.columns[0].distribution
    assert (again + again).columns[0].distribution.count == 10_000


def test_damaged_bytes_of_a_sketch_are_refused():
    content = write_statistics(Table.of([[repr(math.sin(i))] for i in range(500)], ("x",)))
    start = content.index(b'"apache_kll_doubles": "') + 23
    for damaged in (content[:start] + b"*" + content[start + 1 :], content[:start] + b"AAAA" + content[start + 4 :]):
        with pytest.raises(UnreadableFile, match="feature 0"):
            read_statistics(damaged, "x")


def test_a_name_that_utf8_cannot_hold_is_escaped_and_read_back():
    table = Table.of([["1"]], ("half a character: \ud83d",))
    assert read_statistics(write_statistics(table), "x").names == table.names


def test_the_cells_of_each_type_are_kept_in_a_column_of_several_and_in_no_other():
    table = Table.of([["10", "K1A", "1"], ["10.5", "12345", "2"], ["7", "true", None]], ("amount", "zip", "n"))
    features = json.loads(write_statistics(table))["features"]
    assert [feature.get("lexical_types") for feature in features] == [
        {"fractional": 1, "integral": 2},
        {"integral": 1, "boolean": 1, "string": 1},
        None,
    ]
    again = read_statistics(write_statistics(table), "x")
    assert [column.types for column in again.columns] == [column.types for column in table.columns]


@pytest.mark.parametrize(
    "types", [{"integral": 1}, {"integral": 3}, {"integral": 3, "string": -1}, {"whole": 2}, {"fractional": 2}, [2], 2]
)
def test_cells_of_types_that_do_not_add_up_are_refused(types):
    feature = {"name": "a", "inferred_type": "Integral", "lexical_types": types}
    feature["numerical_statistics"] = {"common": {"num_present": 2, "num_missing": 0}}
    with pytest.raises(UnreadableFile, match="feature 0 has an unknown form"):
        read_statistics(json.dumps({"features": [feature]}).encode(), "x")

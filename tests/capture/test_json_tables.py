"""Tables in JSON: by column, by row, as tensors; what lies beside the rows; what the other side decides."""

import json
import random
from collections import Counter

import pytest

from chalicelib.capture.captured_requests import captured_requests
from chalicelib.capture.json_tables import readings
from chalicelib.capture.summary import summarize
from tests.capture.captures import base64_side, exactly, line, quickly, side

A_B = [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def table(given, answer=None):
    """The rows of a request as dictionaries; columns without a name have their place."""
    (item,) = captured_requests([line(*(one if one is None else side(one, "JSON") for one in (given, answer)))])
    return [
        {
            name or place: cell
            for place, (name, cell) in enumerate(zip(outputs + inputs, cells + input_cells, strict=True))
        }
        for (outputs, cells), (inputs, input_cells) in item.rows
    ]


@pytest.mark.parametrize(
    "document",
    [
        A_B,
        {"instances": A_B},
        {"dataframe_records": A_B},
        {"a": [1, 3], "b": [2, 4]},
        {"inputs": {"a": [1, 3], "b": [2, 4]}},
        {"outputs": {"a": [1, 3], "b": [2, 4]}},
        {"instances": {"a": [1, 3], "b": [2, 4]}},
        {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}},
        {"inputs": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}},
        {"0": {"a": 1, "b": 2}, "1": {"a": 3, "b": 4}},
        {"17": {"a": 1, "b": 2}, "-4": {"a": 3, "b": 4}},
        {"a": {"0": 1, "1": 3}, "b": {"0": 2, "1": 4}},
        {"dataframe_split": {"0": {"a": 1, "b": 2}, "1": {"a": 3, "b": 4}}},
        {"inputs": [{"name": "a", "shape": [2], "data": [1, 3]}, {"name": "b", "shape": [2, 1], "data": [2, 4]}]},
        {"inputs": [{"name": "a", "shape": [2], "data": [1, 3]}, {"name": "b", "shape": [2, 1], "data": [[2], [4]]}]},
    ],
)
def test_a_table_of_any_form_is_its_rows(document):
    assert table(document) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"a": [1], "b": [2]}, [{"a": "1", "b": "2"}]),
        ({"a": [0.5]}, [{"a": "0.5"}]),
        ({"inputs": {"x": [[1, 2], [3, 4]]}}, [{"x.0": "1", "x.1": "2"}, {"x.0": "3", "x.1": "4"}]),
        ({"a": [1, 2], "b": [3]}, [{"a.0": "1", "a.1": "2", "b.0": "3"}]),
        ({"a": [1, 2]}, [{"a.0": "1", "a.1": "2"}]),
        ({"a": [], "b": []}, [{"a#count": "0", "b#count": "0"}]),
        ({"a": {"x": 1}, "b": {"x": 2}}, [{"a.x": "1", "b.x": "2"}]),
        ({"0": {"a": 1}, "1": {"b": 2}}, [{"0.a": "1", "1.b": "2"}]),
        ({"columns": ["a", "a"], "data": [[1, 2]]}, [{"columns[]": ["a", "a"], "columns#count": "2"}]),
        ({"columns": ["a"], "data": [1]}, [{"columns": "a", "data": "1"}]),
    ],
)
def test_objects_that_are_no_table_or_one_of_one_row(document, expected):
    found = table(document)
    assert len(found) == len(expected)
    assert all(wanted.items() <= row.items() for wanted, row in zip(expected, found, strict=True))


@pytest.mark.parametrize(
    ("shape", "names"),
    [([1, 4], ["x.0", "x.1", "x.2", "x.3"]), ([1, 2, 2], ["x.0.0", "x.0.1", "x.1.0", "x.1.1"]), ([4], ["x"])],
)
def test_a_tensor_is_flattened_behind_its_first_dimension(shape, names):
    found = table({"inputs": [{"name": "x", "shape": shape, "datatype": "FP32", "data": [1, 2, 3, 4]}]})
    assert [list(row) for row in found] == [names] * shape[0]


@pytest.mark.parametrize(
    "tensors",
    [
        [{"name": "x", "shape": [2], "data": [1, 2, 3]}],
        [{"name": "x", "shape": [1], "data": [1]}, {"name": "y", "shape": [2], "data": [1, 2]}],
        [{"name": "x", "shape": [1], "data": [1]}, {"name": "x", "shape": [1], "data": [2]}],
        [{"name": "x", "shape": [], "data": [1]}],
        [{"name": "x", "shape": [-1], "data": [1]}],
        [{"name": 7, "shape": [1], "data": [1]}],
        [{"name": "x", "shape": [1], "data": [1]}, {"name": "y"}],
    ],
)
def test_what_looks_like_tensors_and_is_none_is_a_list_of_records(tensors):
    assert len(table({"inputs": tensors})) == len(tensors)


def test_what_lies_beside_the_rows_is_a_column_repeats_or_is_named():
    answer = {
        "predictions": [0.5, 0.25],
        "probabilities": [[0.5, 0.5], [0.25, 0.75]],
        "model_version": "3",
        "meta": {"region": "eu", "gpu": None},
        "classes": ["no", "yes", "perhaps"],
    }
    assert table(None, answer) == [
        {0: "0.5", "probabilities.0": "0.5", "probabilities.1": "0.5"}
        | {"model_version": "3", "meta.region": "eu", "meta.gpu": None},
        {0: "0.25", "probabilities.0": "0.25", "probabilities.1": "0.75"}
        | {"model_version": "3", "meta.region": "eu", "meta.gpu": None},
    ]
    summary = summarize([line(side({"instances": A_B}, "JSON"), side(answer, "JSON")) * 3])
    assert (summary.rows, summary.left_out) == (6, {"classes": 3})
    assert summary.unread == ("left out: classes (3 requests)",)


def test_a_key_beside_the_rows_that_a_row_has_as_well_is_named():
    (reading,) = readings({"id": "r", "instances": [{"id": 1}], "a": 1, "a.b": 2, "c": {"d": 3}, "c.d": 4})
    assert reading.make().left_out == ("id", "c.d")


def test_at_most_sixteen_left_out_keys_have_a_count_of_their_own():
    answers = ({"predictions": [1], f"k{i:02}": [1, 2]} for i in range(20))
    summary = summarize([b"".join(line(None, side(answer, "JSON")) for answer in answers)])
    assert (len(summary.left_out), summary.left_out["other"]) == (17, 4)
    assert (summary + summary).left_out["other"] == 8


@pytest.mark.parametrize(
    ("given", "answer", "rows"),
    [
        ({"a": [1, 2], "b": [3, 4]}, {"y": [5, 6]}, 2),
        ({"a": [1, 2], "b": [3, 4]}, {"y": [5, 6], "model": "v3"}, 2),
        ({"a": [1, 2], "b": [3, 4]}, {"y": 5}, 1),
        ({"a": [1, 2], "b": [3, 4]}, {"predictions": [5]}, 1),
        ({"a": [1, 2], "b": [3, 4]}, [5, 6], 2),
        ({"a": [1, 2]}, {"predictions": [5, 6]}, 2),
        ({"a": [1, 2]}, {"a": [5, 6]}, 1),
        ({"a": [1, 2], "id": 7}, {"y": [5, 6], "id": 7}, 1),
        ({"instances": [1, 2]}, {"outputs": {"y": [5, 6]}}, 2),
        ({"home": {"lat": 1}, "work": {"lat": 2}}, {"y": 5}, 1),
        ({"row 1": {"a": 1, "b": 2}, "row 2": {"a": 3, "b": 4}}, [[5], [6]], 2),
        ({"a": {"x": 1, "y": 2, "z": 3}, "b": {"x": 4, "y": 5, "z": 6}}, [[7], [8], [9]], 3),
    ],
)
def test_the_other_side_decides_what_may_be_one_row_or_many(given, answer, rows):
    assert len(table(given, answer)) == rows


def test_a_longer_list_of_elements_is_no_new_column():
    chats = [{"messages": [{"role": "user", "content": "x"}] * count, "tags": ["t"] * count} for count in (1, 5, 7)]
    summary = summarize([b"".join(line(side(chat, "JSON"), side({"answer": "y"}, "JSON")) for chat in chats)])
    (found,) = summary.tables
    assert found.names == ("answer", "messages#count", "messages[].role", "messages[].content", "tags#count", "tags[]")
    by_name = dict(zip(found.names, found.columns, strict=True))
    assert by_name["messages[].role"].types.string == 13
    assert (by_name["messages#count"].moments.minimum, by_name["messages#count"].moments.maximum) == (1, 7)


def test_a_list_of_numbers_keeps_its_places_with_nan_in_it():
    assert list(table({"scores": [0.5, None, True], "id": "x"})[0]) == ["scores.0", "scores.1", "scores.2", "id"]
    (item,) = captured_requests([line(side('{"scores": [NaN, 0.5], "id": "x"}', "JSON"))])
    assert item.rows[0][1] == (("scores.0", "scores.1", "id"), ["NaN", "0.5", "x"])


def test_a_batch_transform_with_joined_input_has_both_sides():
    merged = {"instances": [{"a": 1}, {"a": 2}], "SageMakerOutput": {"predictions": [{"y": 0.5}, {"y": 0.25}]}}
    content = {"captureData": {"batchTransformOutput": {"data": json.dumps(merged), "encoding": "JSON"}}}
    (item,) = captured_requests([json.dumps(content).encode()])
    assert item.rows == [((("y",), ["0.5"]), (("a",), ["1"])), ((("y",), ["0.25"]), (("a",), ["2"]))]
    lines = '{"features": [1, 2], "SageMakerOutput": {"y": 3}}\n{"features": [4, 5], "SageMakerOutput": {"y": 6}}'
    content = {"captureData": {"batchTransformOutput": {"data": lines, "encoding": "JSON"}}}
    (item,) = captured_requests([json.dumps(content).encode()])
    assert item.rows == [((("y",), ["3"]), (("", ""), ["1", "2"])), ((("y",), ["6"]), (("", ""), ["4", "5"]))]


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (side("\ufeff1.5,2,red"), side("0.5")),
        (base64_side("\ufeff1.5,2,red"), side("\ufeff0.5")),
        (side('\ufeff{"a": 1.5, "b": 2, "c": "red"}', "JSON"), side("0.5")),
        (side('\ufeff{"a": 1.5, "b": 2, "c": "red"}', "JSON"), side("\ufeff[0.5]", "JSON")),
        (base64_side('\ufeff{"a": 1.5, "b": 2, "c": "red"}', "application/json"), side("0.5")),
    ],
)
@pytest.mark.parametrize("read", [quickly, exactly])
def test_a_byte_order_mark_is_no_part_of_the_first_cell(given, answer, read):
    summary = read(line(given, answer) * 30)
    assert (summary.rows, summary.rejected) == (30, {})
    assert [column.types.inferred_type for column in summary.tables[0].columns] == [
        *("Fractional", "Fractional", "Integral", "String")
    ]


# --- every scalar that was sent --------------------------------------------------------------------------------------

SHAPES = {
    "records": lambda names, rows: [dict(zip(names, row, strict=True)) for row in rows],
    "instances": lambda names, rows: {"instances": [dict(zip(names, row, strict=True)) for row in rows]},
    "dataframe_records": lambda names, rows: {
        "dataframe_records": [dict(zip(names, row, strict=True)) for row in rows]
    },
    "dataframe_split": lambda names, rows: {"dataframe_split": {"columns": names, "data": rows}},
    "split": lambda names, rows: {"columns": names, "data": rows},
    "list": lambda names, rows: {name: list(cells) for name, cells in zip(names, zip(*rows, strict=True), strict=True)},
    "inputs": lambda names, rows: {"inputs": SHAPES["list"](names, rows)},
    "index": lambda names, rows: {str(at): dict(zip(names, row, strict=True)) for at, row in enumerate(rows)},
    "columns": lambda names, rows: {
        name: {str(at): cell for at, cell in enumerate(cells)}
        for name, cells in zip(names, zip(*rows, strict=True), strict=True)
    },
    "tensors": lambda names, rows: {
        "inputs": [
            {"name": name, "shape": [len(rows), 1], "datatype": "BYTES", "data": list(cells)}
            for name, cells in zip(names, zip(*rows, strict=True), strict=True)
        ]
    },
}
ANSWERS = {
    "predictions": lambda scores: {"predictions": scores},
    "predictions beside a version": lambda scores: {"predictions": scores, "model_version": "3"},
    "yhat": lambda scores: {"yhat": scores},
    "rows": lambda scores: [[score] for score in scores],
    "records": lambda scores: {"outputs": [{"yhat": score} for score in scores]},
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_scalar_is_in_its_row_and_column(shape, answer):
    """Batches of 1 to 50 rows; the expected table is the one that the shapes were made of, not one that was read."""
    draw = random.Random(f"{shape} {answer}")
    names = ["alpha", "beta", 'a "name"', "n.o"]
    content, expected = [], Counter()
    for _ in range(40):
        rows = [
            [draw.choice([draw.randint(-9, 9), draw.random(), f"t{draw.randint(0, 9)}", None, True]) for _ in names]
            for _ in range(draw.randint(1, 50))
        ]
        scores = [draw.random() for _ in rows]
        content.append(line(side(SHAPES[shape](names, rows), "JSON"), side(ANSWERS[answer](scores), "JSON")))
        expected.update(
            (json.dumps(score), *(None if cell is None else json.dumps(cell).strip('"') for cell in row))
            for score, row in zip(scores, rows, strict=True)
        )
    found = Counter()
    for item in captured_requests(content):
        for (_, (answered, *_)), (captured, cells) in item.rows:
            row = dict(zip(captured, cells, strict=True))
            found[(answered, *(row[name] for name in names))] += 1
    assert found == expected
    summary = quickly(b"".join(content))
    assert (summary.rows, len(summary.tables), summary.rejected, summary.left_out) == (expected.total(), 1, {}, {})

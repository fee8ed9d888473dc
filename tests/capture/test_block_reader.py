"""The vectorized reader reads the rows that the exact reader reads: no more, no fewer."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.capture.batch_accumulator import BatchAccumulator
from chalicelib.capture.block_reader import MIN_BYTES, MIN_REQUESTS, VectorizedBlockReader
from chalicelib.capture.csv_tokenizer import tokenize
from chalicelib.capture.json_layouts import JsonLayout
from chalicelib.capture.lines import Block
from chalicelib.capture.options import DEFAULT_OPTIONS, CaptureOptions
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.csv_columns import MIN_ROWS_FOR_NUMBERS, MIN_ROWS_TOGETHER
from tests.capture.captures import base64_side, difference, exactly, line, quickly, side

cell = st.sampled_from(
    [
        *("1", "18.00", "-7", "1e5", "1e400", "+3", "- 4", ".5", "5.", " 6", "NaN", "x", "", "", "true", "007"),
        *('say "hi"', "a,b", "x\ny", "\r", "é", "\u2028", "😀", "9" * 400, "a" * 70, "[1", "1,2", "null", "0x1"),
    ]
)
rows = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=4)
)
value = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | cell
key = st.sampled_from([*"abcd", 'a"b', "C:\\temp", "a\x01", "\n", "é", "😀", "a.b", " "])
document = st.dictionaries(key, value | st.lists(value, max_size=2), max_size=4)


def as_csv(cells, quoting):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=quoting).writerows(cells)
    return text.getvalue()


@st.composite
def payload(draw):
    if draw(st.booleans()):
        items = draw(st.lists(document, min_size=1, max_size=3) | st.lists(value | st.lists(value), min_size=1))
        return side(draw(st.sampled_from([{"instances": items}, {"predictions": items}, items, items[0]])), "JSON")
    text = as_csv(draw(rows), draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])))
    text = draw(
        st.sampled_from([text, text[:-1], text + "\n", text.replace('"', ""), text[:-2], text[1:], "\n" + text])
    )
    return draw(st.sampled_from([side(text), base64_side(text), base64_side(text, None)]))


ERRORS = [{"error": "x"}, {"code": 500, "message": "x"}, {"code": 1, "message": "x", "a": 1}, {"error": "x", "a": 1}]
JSON_ONE_BY_ONE = [
    [0.5],
    [True],
    [None],
    ["x"],
    [1, 2],
    [[1, "a"]],
    [[1, "a"], [2, None]],
    {"a": 1, "b": [1, 2]},
    {},
    {"features": 1},
    *ERRORS,
]


@given(st.lists(st.tuples(st.sampled_from(JSON_ONE_BY_ONE), st.integers(1, 3)), min_size=1), st.booleans())
def test_json_beside_csv_equals_the_exact_reader(documents, answers):
    def wrapped(one, rows):
        return {"predictions": one} if rows == 3 else one

    sides = [(side(wrapped(one, rows), "JSON"), side("7,x\n" * rows)) for one, rows in documents]
    content = b"".join(line(csv, one) if answers else line(one, csv) for one, csv in sides)
    assert difference(quickly(content), exactly(content)) == ""


NO_ROWS = [[], {}, [{}], {"instances": []}, {"predictions": [{}]}, {"outputs": {}}]
LEARNED_FROM = 8  # requests


@st.composite
def alike(draw):
    """Requests of one JSON layout, more than it is learned from, then such and others: odd ones, and errors."""
    sides = []
    for _ in range(2):
        keys = draw(st.lists(key, min_size=1, max_size=3, unique=True))
        lists = {key: draw(st.none() | st.integers(1, 3)) for key in keys}
        sides.append((lists, draw(st.sampled_from(["instances", "predictions", ""])), draw(st.integers(1, 3))))
    learned = [tuple(draw(document_of(*one, complete=True)) for one in sides)] * LEARNED_FROM
    followed = st.tuples(*(document_of(*one, complete=False) for one in sides))
    odd = st.sampled_from(ERRORS + NO_ROWS) | document
    odd_answer = st.tuples(followed.map(lambda pair: pair[0]), odd)
    return [*learned, *draw(st.lists(followed | st.tuples(odd, odd) | odd_answer, min_size=3))]


@st.composite
def document_of(draw, lists, container, count, complete):
    """A document of a layout: `count` records of scalars and lists of these lengths."""

    def record():
        present = [key for key in lists if complete or lists[key] is not None or draw(st.booleans())]
        return {key: draw(value) if lists[key] is None else [draw(value) for _ in range(lists[key])] for key in present}

    records = [record() for _ in range(count if complete else draw(st.integers(0, 3)))]
    if container:
        return {container: records}
    return records if count > 1 else (records[0] if records else {})


@given(alike())
def test_requests_of_a_learned_layout_equal_the_exact_reader(requests):
    content = b"".join(line(side(given, "JSON"), side(answer, "JSON")) for given, answer in requests)
    assert difference(quickly(content), exactly(content)) == ""


TABLES = {
    "columns": lambda keys, cells: dict(zip(keys, map(list, zip(*cells, strict=True)), strict=True)),
    "records": lambda keys, cells: [dict(zip(keys, row, strict=True)) for row in cells],
    "record": lambda keys, cells: dict(zip(keys, cells[0], strict=True)),
    "rows": lambda keys, cells: cells,
    "cells": lambda keys, cells: [row[0] for row in cells],
    "split": lambda keys, cells: {"columns": list(keys), "data": cells},
    "index": lambda keys, cells: {str(at): dict(zip(keys, row, strict=True)) for at, row in enumerate(cells)},
    "tensors": lambda keys, cells: [
        {"name": key, "shape": [len(cells), 1], "datatype": "FP32", "data": list(column)}
        for key, column in zip(keys, zip(*cells, strict=True), strict=True)
    ],
}


@st.composite
def tables(draw):
    """Requests whose sides are tables, most of them of the same form, some with more beside them or as CSV."""
    forms = [
        (
            draw(st.sampled_from([*TABLES])),
            draw(st.lists(key, min_size=1, max_size=3, unique=True)),
            draw(st.sampled_from(["", "", "inputs", "predictions", "dataframe_split"])),
            draw(st.sampled_from([value, st.integers(0, 9)])),
        )
        for _ in range(2)
    ]
    requests = []
    for _ in range(draw(st.integers(1, 12))):
        count, sides = draw(st.integers(1, 4)), []
        for name, keys, container, cells in forms:
            several = draw(st.sampled_from([count, count, count, count, 1, 2]))
            row = st.lists(cells, min_size=len(keys), max_size=len(keys))
            found = TABLES[name](keys, draw(st.lists(row, min_size=several, max_size=several)))
            found = {container: found} if container else found
            if isinstance(found, dict) and draw(st.integers(0, 9)) == 0:
                found |= draw(st.sampled_from([{"beside": 1}, {"beside": [1] * count}, {"beside": ["x"]}]))
            sides.append(side(found, "JSON") if draw(st.integers(0, 9)) else side("1,2\n" * several))
        requests.append(sides)
    return requests


@settings(max_examples=400)
@given(tables())
def test_tables_of_any_form_equal_the_exact_reader(requests):
    content = b"".join(line(*sides) for sides in requests)
    assert difference(quickly(content), exactly(content)) == ""


@pytest.mark.parametrize("odd", ERRORS + NO_ROWS)
@pytest.mark.parametrize("side_of_the_odd", ["output", "input"])
def test_an_error_or_no_rows_among_requests_of_a_learned_layout(odd, side_of_the_odd):
    pairs = [({"instances": [{"a": i}]}, {"predictions": [{"b": i / 2}]}) for i in range(3 * LEARNED_FROM)]
    odd_pair = (pairs[0][0], odd) if side_of_the_odd == "output" else (odd, pairs[0][1])
    content = b"".join(line(side(i, "JSON"), side(o, "JSON")) for i, o in (*pairs, odd_pair, *pairs, (odd, odd)))
    assert difference(quickly(content), exactly(content)) == ""
    assert quickly(content).rows >= len(pairs)


@pytest.mark.parametrize(
    "name", ['say "hi"', "C:\\temp", "tab\t", "\x00", "\x1f", "line\nend", "\x7f", "ключ", "", "a.0"]
)
def test_any_key_is_the_name_of_a_feature(name):
    content = b"".join(line(side({name: i, "b": 2}, "JSON"), side({"score": 0.5}, "JSON")) for i in range(40))
    found = quickly(content)
    assert (found.rows, found.rejected) == (40, {})
    assert found.tables[0].names == ("score", name, "b")
    assert difference(found, exactly(content)) == ""


@given(
    st.lists(st.tuples(payload(), payload(), st.sampled_from([{}, {"customAttributes": ["vedette-probe"]}]))),
    st.sampled_from(["", "input", "both"]),
    st.sampled_from([1, 1, 1, MIN_ROWS_FOR_NUMBERS, MIN_ROWS_TOGETHER]),
)
def test_the_vectorized_reader_equals_the_exact_one(requests, header, times):
    content = b"".join(line(given, answer, **metadata) for given, answer, metadata in requests) * times
    options = CaptureOptions(header=header)
    assert difference(quickly(content, options), exactly(content, options)) == ""


@given(
    st.lists(st.lists(cell | st.integers().map(str) | st.floats(allow_nan=False).map(str), min_size=2, max_size=2)),
    st.sampled_from([3, MIN_ROWS_FOR_NUMBERS, MIN_ROWS_TOGETHER]),
)
def test_a_csv_block_has_the_statistics_of_its_cells(cells, times):
    plain = [row for row in cells if not any(character in "".join(row) for character in "\r\n")] * times
    if not plain:
        return
    found = tokenize([as_csv([row], csv.QUOTE_MINIMAL).encode() for row in plain])
    for column, texts in zip(found.block().columns(), zip(*plain, strict=True), strict=True):
        exact = ColumnStatistics.of([text or None for text in texts])
        assert (column.types, column.categories, column.lengths) == (exact.types, exact.categories, exact.lengths)
        assert column.distribution == exact.distribution
        assert column.moments.sum == exact.moments.sum


@pytest.mark.parametrize("number", ["7", "2.50", "1e3", "-0", "1.5E2", "1e400", '"3"', '"3.0"', "007", "+1", "9" * 20])
@pytest.mark.parametrize("distinct", [3, 500])
def test_a_column_of_numbers_keeps_every_lexical_type(number, distinct):
    cells = [str(i % distinct / 4) if i % 2 else str(i % distinct) for i in range(1000)]
    cells[700] = number
    content = b"".join(line(side(f"{text},{i % 7}"), side("1")) for i, text in enumerate(cells))
    assert difference(quickly(content), exactly(content)) == ""


@pytest.mark.parametrize("zero", ["-0", '"-0"', "0", '"0"', "-0.0", "00"])
def test_minus_zero_is_a_category_of_its_own(zero):
    cells = ["0", "-5", zero, "7"] * MIN_ROWS_FOR_NUMBERS
    content = b"".join(line(side(f"{text},1"), side("1")) for text in cells)
    assert difference(quickly(content), exactly(content)) == ""


@pytest.mark.parametrize(("requests", "read_at_once"), [(MIN_REQUESTS - 1, False), (MIN_REQUESTS, True)])
def test_a_small_block_is_left_to_the_exact_reader(requests, read_at_once):
    block = Block(0, 1, line(side("1"), side("2")) * requests)
    batch = BatchAccumulator(DEFAULT_OPTIONS)
    left = VectorizedBlockReader(DEFAULT_OPTIONS, batch).read(block).left_over
    assert left == (() if read_at_once else None)


def test_few_large_requests_are_read_at_once():
    block = Block(0, 1, line(side("1\n" * MIN_BYTES), side("2\n" * MIN_BYTES)) * 2)
    assert (
        VectorizedBlockReader(DEFAULT_OPTIONS, BatchAccumulator(CaptureOptions(max_layouts=10, max_columns=10)))
        .read(block)
        .left_over
        == ()
    )


@pytest.mark.parametrize(
    ("document", "rows"),
    [
        ({"a": 0, "b": None, "c": False, "d": "", "e": [0, None]}, 1),
        ({"instances": [{"a": 0, "b": None}]}, 1),
        ({"predictions": [[0, None], [1, "x"]]}, 2),
        ({"predictions": [0, 0.5, None]}, 3),
        ({"a": [0, 1], "b": [None, "x"]}, 2),
        ({"inputs": {"a": [0, 1], "b": [None, "x"]}}, 2),
        ([{"a": 0}], 1),
        ([0], 1),
    ],
)
def test_layouts_that_are_learned(document, rows):
    text = json.dumps(document)
    layout = JsonLayout.of([text] * 3, [rows] * 3)
    assert layout is not None
    cells = layout.decode([text])
    assert cells == (list(cells.flat), [rows])

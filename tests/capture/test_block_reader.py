"""The vectorized reader reads the rows that the exact reader reads: no more, no fewer."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.csv_tokenizer import tokenize
from chalicelib.capture.options import DEFAULT_OPTIONS, CaptureOptions
from chalicelib.capture.record_reader import RecordReader
from chalicelib.capture.summary import summarize
from chalicelib.statistics.column import ColumnStatistics
from tests.capture.captures import base64_side, difference, line, side

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
document = st.dictionaries(st.sampled_from("abcd"), value | st.lists(value, max_size=2), max_size=4)


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


def exactly(content, options=DEFAULT_OPTIONS):
    return summarize([content], options=options, readers=(RecordReader,))


JSON_ONE_BY_ONE = [[0.5], [True], [None], ["x"], [1, 2], [[1, "a"]], [[1, "a"], [2, None]], {"a": 1, "b": [1, 2]}, {}]


@given(st.lists(st.tuples(st.sampled_from(JSON_ONE_BY_ONE), st.integers(1, 3)), min_size=1), st.booleans())
def test_json_beside_csv_equals_the_exact_reader(documents, answers):
    def wrapped(one, rows):
        return {"predictions": one} if rows == 3 else one

    sides = [(side(wrapped(one, rows), "JSON"), side("7,x\n" * rows)) for one, rows in documents]
    content = b"".join(line(csv, one) if answers else line(one, csv) for one, csv in sides)
    assert difference(summarize([content]), exactly(content)) == ""


@given(
    st.lists(st.tuples(payload(), payload(), st.sampled_from([{}, {"customAttributes": ["vedette-probe"]}]))),
    st.sampled_from(["", "input", "both"]),
)
def test_the_vectorized_reader_equals_the_exact_one(requests, header):
    content = b"".join(line(given, answer, **metadata) for given, answer, metadata in requests)
    options = CaptureOptions(header=header)
    assert difference(summarize([content], options=options), exactly(content, options)) == ""


@given(st.lists(st.lists(cell | st.integers().map(str) | st.floats(allow_nan=False).map(str), min_size=2, max_size=2)))
def test_a_csv_block_has_the_statistics_of_its_cells(cells):
    plain = [row for row in cells if not any(character in "".join(row) for character in "\r\n")] * 30
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
    assert difference(summarize([content]), exactly(content)) == ""


@pytest.mark.parametrize("zero", ["-0", '"-0"', "0", '"0"', "-0.0", "00"])
def test_minus_zero_is_a_category_of_its_own(zero):
    content = b"".join(line(side(f"{text},1"), side("1")) for text in ["0", "-5", zero, "7"])
    assert difference(summarize([content]), exactly(content)) == ""

"""The vectorized reader reads the rows that the exact reader reads: no more, no fewer."""

import csv
import gzip
import io
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.csv_tokenizer import tokenize
from chalicelib.capture.envelope import envelopes
from chalicelib.capture.gzip_stream import EXEMPT_BYTES
from chalicelib.capture.options import DEFAULT_OPTIONS, CaptureOptions
from chalicelib.capture.record_reader import RecordReader
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.summary import summarize
from chalicelib.statistics.column import ColumnStatistics
from tests.capture.captures import base64_side, difference, line, record, side

GOOD = line(side("1,2"), side("0.5"))

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


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"instances": rows}])
@pytest.mark.parametrize("row", [[0.25, "]", None], {"a": 1, "b": 'x"],[', "c": [1, {"d": 2}]}])
def test_a_large_list_is_read_in_pieces_as_a_small_one_is(wrap, row):
    (small,) = summarize([line(side(wrap([row] * 3), "JSON"))]).tables
    (large,) = summarize([line(side(wrap([row] * 30_000), "JSON"))]).tables
    assert (large.names, large.rows) == (small.names, 30_000)
    for one, other in zip(large.columns, small.columns, strict=True):
        assert [10_000 * count for count in msgspec.structs.astuple(other.types)] == [
            *msgspec.structs.astuple(one.types)
        ]


@pytest.mark.parametrize("end", ["", "]", "]}", "]] 2", ",]", '"]'])
def test_a_large_list_that_is_broken_is_rejected_whole(end):
    text = json.dumps([[1.5, "a"]] * 40_000)[:-1] + end
    read = summarize([line(side(text, "JSON"))])
    assert (read.rows, read.rejected) == ((40_000, {}) if end == "]" else (0, {RejectionReason.PAYLOAD_NOT_JSON: 1}))


@pytest.mark.parametrize(
    "content",
    [
        b'{"captureData": {}} {"captureData": {}}\n{"captureData":\n{}}\n',
        b'{"captureData": {}}\n\n{"captureData": {}}\n',
        b'{"captureData":\n {}}\n',
        b'{"captureData": {}}\n[]\n',
        b"{}\r\n{}",
        b"",
        b"\n",
    ],
)
def test_lines_are_decoded_at_once_only_when_each_is_one_record(content):
    assert envelopes(content) is None


def test_an_open_quote_never_swallows_the_next_request():
    content = GOOD + line(side('a,"b'), side("1")) + line(side('c,d"'), side("2")) + line(side('"e",f'), side("3"))
    read = summarize([content])
    assert read.rejected == {RejectionReason.PAYLOAD_NOT_CSV: 1}
    assert read.rows == 3


def test_answers_that_lack_a_key_leave_the_columns_of_csv_in_their_places():
    content = b"".join(line(side("1,x,2.5"), side({"a": 1, **({"b": 2} if i else {})}, "JSON")) for i in range(2))
    (table,) = summarize([content]).tables
    assert table.names == ("a", "b", "", "", "")
    assert [column.types.inferred_type for column in table.columns[2:]] == ["Integral", "String", "Fractional"]


def test_records_that_lack_a_key_are_one_table():
    content = b"".join(line(side({"a": 1, **({"b": i} if i % 2 else {})}, "JSON"), side("0")) for i in range(100))
    (table,) = summarize([content]).tables
    assert table.names == ("", "a", "b")
    assert table.columns[2].types.missing == 50


def test_objects_of_ever_new_keys_are_rejected_within_bounds():
    content = b"".join(line(side({f"{i}.{j}": 1 for j in range(100)}, "JSON")) for i in range(40))
    read = summarize([content], options=CaptureOptions(max_columns=1000))
    assert read.rejected == {RejectionReason.TOO_MANY_LAYOUTS: 30}
    assert len(read.tables[0].names) == 1000


def test_a_header_gives_the_names_where_the_setting_says_so():
    content = line(side("a,b\n1,2\n3,4\n"), side("0\n1\n")) + line(side("b,a\n2,1\n"), side("0"))
    (table,) = summarize([content], options=CaptureOptions(header="input")).tables
    assert table.names == ("", "a", "b")
    assert [column.moments.sum for column in table.columns] == [1.0, 5.0, 8.0]


def test_test_traffic_is_counted_apart_by_its_custom_attribute():
    content = GOOD + line(side("1,2"), side("0.5"), customAttributes=["load-test=7"])
    read = summarize([content], options=CaptureOptions(test_marker="load-test"))
    assert (read.events, read.tests, read.lines) == (1, 1, 2)
    assert summarize([content]).events == 2


def test_an_object_in_gzip_is_read_as_what_it_holds():
    content = gzip.compress(GOOD * 1000) + gzip.compress(GOOD)
    read = summarize([content[i : i + 100] for i in range(0, len(content), 100)])
    assert (read.events, read.rejected) == (1001, {})


@pytest.mark.parametrize("cut", [3, 12, -9, -1])
def test_a_damaged_gzip_gives_what_lies_before_the_damage(cut):
    read = summarize([gzip.compress(GOOD * 1000)[:cut]])
    assert read.rejected.get(RejectionReason.BAD_GZIP) == 1


def test_a_gzip_bomb_is_left_at_its_bound():
    piece = gzip.compress(b"\n" * (8 << 20))
    bomb = (piece for _ in range(1000))
    assert summarize(bomb).rejected == {RejectionReason.GZIP_BOMB: 1}
    assert EXEMPT_BYTES < 1 << 28


def test_a_million_rows_in_one_request_are_read_in_pieces():
    count = 300_000
    content = json.dumps(record(side("1.5,x\n" * count), side("7\n" * count))).encode()
    read = summarize([content])
    assert (read.events, read.rows) == (1, count)
    assert [column.types.present for column in read.tables[0].columns] == [count] * 3

"""Every payload form that SageMaker is known to capture, as rows: output columns first, then input columns."""

import csv
import json

import pytest

from chalicelib.capture.captured_requests import captured_requests
from chalicelib.capture.csv_reader import csv_rows
from chalicelib.capture.record_reader import CapturedRequest
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.row_reader import RejectedLine
from chalicelib.errors import RejectedRecord
from tests.capture.captures import base64_side, line, record, side


def rows(*arguments, **metadata):
    (item,) = captured_requests([line(*arguments, **metadata)])
    assert isinstance(item, CapturedRequest), item.reason
    return [[*cells, *input_cells] for (_, cells), (_, input_cells) in item.rows]


def names(*arguments):
    (item,) = captured_requests([line(*arguments)])
    return [outputs + inputs for (outputs, _), (inputs, _) in item.rows]


def reason(*arguments):
    (item,) = captured_requests([line(*arguments)])
    assert isinstance(item, RejectedLine)
    return item.reason


CSV = side("1,18.00\n")


@pytest.mark.parametrize(
    ("given", "answer", "expected"),
    [
        (CSV, side("0.5"), [["0.5", "1", "18.00"]]),
        (side("1,2", kind="text/csv; charset=utf-8"), side("0.5\n"), [["0.5", "1", "2"]]),
        (side("1,2", kind=None), side("0.5"), [["0.5", "1", "2"]]),
        (side("1,,3"), side("0"), [["0", "1", None, "3"]]),
        (side(",1"), side("0"), [["0", None, "1"]]),
        (side("1,"), side("0"), [["0", "1", None]]),
        (side('"a,b","say ""hi""","x\ny"'), side("0"), [["0", "a,b", 'say "hi"', "x\ny"]]),
        (side("1,2\r\n3,4\r\n"), side("0\n1\n"), [["0", "1", "2"], ["1", "3", "4"]]),
        (side("1,2\n\n3,4"), side("0\n1"), [["0", "1", "2"], ["1", "3", "4"]]),
        (side("1\n\n3"), side("0\n1\n2"), [["0", "1"], ["1", None], ["2", "3"]]),
        (side("1,2\n3,4\n5,6"), side("0.1,0.2,0.3"), [["0.1", "1", "2"], ["0.2", "3", "4"], ["0.3", "5", "6"]]),
        (side("1,2"), side("0.9,0.1"), [["0.9", "0.1", "1", "2"]]),
        (CSV, side({"score": 0.50}, "JSON"), [["0.5", "1", "18.00"]]),
        (CSV, side('{"score": 0.50, "label": true}', "JSON"), [["0.5", "true", "1", "18.00"]]),
        (base64_side("1,2\n"), base64_side('{"score": 1}', "text/html; charset=utf-8"), [["1", "1", "2"]]),
        (base64_side("1,2", None), base64_side("[0.5]", None), [["0.5", "1", "2"]]),
        (base64_side("\ufeff1,2"), side("0"), [["0", "1", "2"]]),
        ({"data": "1,2", "encoding": "base64x"[:0] or None}, side("0"), [["0", "1", "2"]]),
        (side("1,2", "csv"), side("0", "Csv"), [["0", "1", "2"]]),
        (side('{"a": 1}\n{"a": 2}\n', "JSON", "application/jsonlines"), side("0\n1"), [["0", "1"], ["1", "2"]]),
        (base64_side('{"a": 1}\n{"a": 2}', "application/jsonlines"), side("0\n1"), [["0", "1"], ["1", "2"]]),
    ],
)
def test_encodings_each_side_on_its_own(given, answer, expected):
    assert rows(given, answer) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{"instances": [{"features": [1, 2.50]}, {"features": [3, null]}]}', [["1", "2.5"], ["3", None]]),
        ('{"instances": [[1, 2], [3, 4]]}', [["1", "2"], ["3", "4"]]),
        ('{"instances": [{"a": 1, "b": "x"}]}', [["1", "x"]]),
        ('{"inputs": [[1, 2]], "parameters": {"top": 1}}', [["1", "2", "1"]]),
        ('{"features": [1, 2]}', [["1", "2"]]),
        ('{"features": [[1, 2], [3, 4]]}', [["1", "2"], ["3", "4"]]),
        ('{"features": {"a": 1}}', [["1"]]),
        ("[[1, 2], [3, 4]]", [["1", "2"], ["3", "4"]]),
        ('[{"a": 1}, {"a": 2}]', [["1"], ["2"]]),
        ("[1, 2]", [["1", "2"]]),
        ('{"instances": [1.0, 2.0]}', [["1.0"], ["2.0"]]),
        ('{"a": 1e5, "b": {"c": true, "d": {}}}', [["100000.0", "true", None]]),
        ('{"a": 1e5, "e": [1, {"f": null}]}', [["100000.0", "2", ["1"], [None]]]),
        ('{"a": NaN, "b": [-Infinity, 1]}', [["NaN", "-Infinity", "1"]]),
        (r'{"\uDC00": "\ud800"}', [[r"\ud800"]]),
        ("18.00", [["18.0"]]),
        ("[1e999, 1E2]", [["1e999", "100.0"]]),
        ('"text"', [["text"]]),
        ('{"a": 123456789012345678901234567890}', [["123456789012345678901234567890"]]),
        ('{"a": ""}', [[""]]),
    ],
)
def test_json_documents_keep_the_values_and_the_lexical_types_of_their_numbers(document, expected):
    assert rows(side(document, "JSON")) == expected
    assert rows(base64_side(document, "application/json")) == expected


def test_nested_objects_get_dotted_names():
    assert names(side('{"a": {"b": 1}, "c": [[2, 4], [3, 5]]}', "JSON")) == [
        ("a.b", "c.0.0", "c.0.1", "c.1.0", "c.1.1")
    ]
    assert names(side(r'{"a\"b": 1, "\uDC00": 2, "\u0001": 3}', "JSON")) == [('a"b', r"\udc00", "\x01")]
    assert names(side('{"instances": [{"features": [1, 2]}]}', "JSON")) == [("", "")]
    assert names(side("1,2"), side('{"predictions": [{"score": 1}]}', "JSON")) == [("score", "", "")]


def test_many_records_are_paired_with_as_many_predictions():
    given = side({"instances": [{"features": [1, 2]}, {"features": [3, 4]}]}, "JSON")
    answer = side({"predictions": [{"score": 0.9, "label": 1}, {"score": 0.5, "label": 0}]}, "JSON")
    assert rows(given, answer) == [["0.9", "1", "1", "2"], ["0.5", "0", "3", "4"]]


def test_a_list_of_scalars_takes_the_direction_of_the_other_side():
    assert rows(side("[1, 2]", "JSON"), side("0\n1")) == [["0", "1"], ["1", "2"]]
    assert rows(side('{"instances": [1, 2]}', "JSON"), side({"predictions": [[7]]}, "JSON")) == [["7", "1", "2"]]
    assert rows(side('{"instances": [1, 2]}', "JSON"), side("7,8")) == [["7", "1"], ["8", "2"]]


def test_one_side_alone_is_enough():
    assert rows(side("1,2")) == [["1", "2"]]
    assert rows(None, side("0.5")) == [["0.5"]]


def test_a_merged_batch_row_is_all_output():
    merged = record()
    merged["captureData"] = {"batchTransformOutput": {"data": "1,2,0.5", "encoding": "CSV"}}
    merged["groundTruthData"] = {"data": "1", "encoding": "CSV"}
    (item,) = captured_requests([json.dumps(merged).encode()])
    assert item.rows == [((("", "", ""), ["1", "2", "0.5"]), ((), []))]


def test_an_image_beside_an_answer_is_left_out_and_counted():
    (item,) = captured_requests([line(base64_side(b"\x89PNG\r\n\x1a\n", "image/png"), side("cat,0.9"))])
    assert [(cells, input_cells) for (_, cells), (_, input_cells) in item.rows] == [(["cat", "0.9"], [])]
    assert item.opaque == (("input", ("image/png", 9)),)


@pytest.mark.parametrize(
    "given",
    [
        base64_side(b"\xff\xd8\xff\xe0", "image/jpeg"),
        base64_side(b"\x93NUMPY\x01\x00", "application/x-npy"),
        base64_side(b"\x1f\x8b\x08\x00", None),
        base64_side("<html></html>", "text/html"),
        base64_side("a\x00b", None),
    ],
)
def test_what_is_not_tabular_has_a_size_and_a_media_type_and_no_rows(given):
    (item,) = captured_requests([line(given)])
    assert list(item.rows) == []
    assert [(side, one.media_type) for side, one in item.opaque] == [("input", given["observedContentType"] or "")]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((side("1", "XML"),), RejectionReason.UNKNOWN_ENCODING),
        ((side("no base64!", "BASE64"),), RejectionReason.BAD_BASE64),
        ((side("MSwy\nMw==", "BASE64"),), RejectionReason.BAD_BASE64),
        ((side("MSwy*", "BASE64"),), RejectionReason.BAD_BASE64),
        ((side("é", "BASE64"),), RejectionReason.BAD_BASE64),
        ((base64_side(b"\xff\xfe1", "text/csv"),), RejectionReason.NOT_UTF8),
        ((side("{oops", "JSON"),), RejectionReason.PAYLOAD_NOT_JSON),
        ((side('{"a": nan}', "JSON"),), RejectionReason.PAYLOAD_NOT_JSON),
        ((side('{"a": 1}\n{oops', "JSON"),), RejectionReason.PAYLOAD_NOT_JSON),
        ((side("[" * 100_000, "JSON"),), RejectionReason.TOO_DEEP),
        ((side("[" * 500 + "]" * 500, "JSON"),), RejectionReason.TOO_DEEP),
        ((side('{"a":' * 40 + "1" + "}" * 40, "JSON"),), RejectionReason.TOO_DEEP),
        ((side('"open,1'),), RejectionReason.PAYLOAD_NOT_CSV),
        ((side('"a"b,1'),), RejectionReason.PAYLOAD_NOT_CSV),
        ((side(""),), RejectionReason.EMPTY_PAYLOAD),
        ((side("\n"),), RejectionReason.EMPTY_PAYLOAD),
        ((side(None),), RejectionReason.EMPTY_PAYLOAD),
        ((base64_side(""),), RejectionReason.EMPTY_PAYLOAD),
        ((side('{"instances": []}', "JSON"),), RejectionReason.EMPTY_PAYLOAD),
        ((side(" \n ", "JSON"),), RejectionReason.PAYLOAD_NOT_JSON),
        ((side("1,2\n3,4"), side("0\n1\n2")), RejectionReason.UNPAIRED),
        ((side("a,b\n1,x\n3,y"), side("0\n1")), RejectionReason.HEADER_ROW),
        ((side("1,2,3"), side("score\n0.5")), RejectionReason.HEADER_ROW),
        ((side("1,2\nx,y\n3,z"), side("0\n1")), RejectionReason.UNPAIRED),
        ((base64_side("data: {}", "text/event-stream; charset=utf-8"), side("1")), RejectionReason.EVENT_STREAM),
        ((side("," * 20_000),), RejectionReason.TOO_MANY_COLUMNS),
    ],
)
def test_what_cannot_be_read_is_rejected_with_one_reason(arguments, expected):
    assert reason(*arguments) == expected
    assert expected in set(RejectionReason)


@pytest.mark.parametrize("form", ['"%s",1', '1,2\n"%s",3'])
def test_long_cells_leave_the_limit_of_the_csv_module_as_it_was(form):
    before = csv.field_size_limit()
    rows, _ = csv_rows(form % ("x" * (before + 1)))
    assert max(len(cell) for _, cells in rows for cell in cells) == before + 1
    assert csv.field_size_limit() == before


def test_a_long_cell_without_its_end_leaves_it_too():
    before = csv.field_size_limit()
    with pytest.raises(RejectedRecord) as rejected:
        csv_rows('"' + "x" * (before + 1))
    assert rejected.value.reason is RejectionReason.PAYLOAD_NOT_CSV
    assert csv.field_size_limit() == before

"""An output object beside its input object gives the rows that the pairs give one by one."""

import csv
import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.block_reader import VectorizedBlockReader
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.record_reader import RecordReader
from chalicelib.capture.summary import summarize
from chalicelib.capture.transform_job import RecordForm
from chalicelib.capture.transform_lines import one_row, rows_of_value
from chalicelib.capture.transform_reader import summarize_transform
from chalicelib.capture.transform_records import RECORD_ROWS
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.suggestion import suggested_constraints

READERS = (VectorizedBlockReader, RecordReader)
CSV = RecordForm(content_type="text/csv", split_type="Line")
JSON_LINES = RecordForm(content_type="application/jsonlines", split_type="Line")
DOCUMENT = RecordForm(content_type="application/json")
IDS = ", 1f1d57b1-2e6f-488c-8c30-db4e6d757861,2022-08-30T00:49:15Z"


def read(output, input_, form=CSV, row_count=one_row, chunk=1 << 16, size=0, **options):
    def chunks(content):
        return [content[begin : begin + chunk] for begin in range(0, len(content), chunk)]

    return summarize_transform(
        chunks(output), chunks(input_), form, row_count, CaptureOptions(**options), READERS, size
    )


def layout(summary):
    return [(table.feature_names, table.outputs, table.rows) for table in summary.tables]


def types(summary):
    return [column.types.inferred_type for column in summary.tables[0].columns]


CASES = {
    "lines of CSV": (b"0.5\n0.25\n", b"1,x\n2,y\n", CSV, 2, ["Fractional", "Integral", "String"]),
    "no line end at the end": (b"0.5\n0.25", b"1,x\n2,y", CSV, 2, ["Fractional", "Integral", "String"]),
    "carriage returns": (b"0.5\r\n0.25\r\n", b"1,x\r\n2,y\r\n", CSV, 2, ["Fractional", "Integral", "String"]),
    "blank lines": (b"0.5\n\n0.25\n", b"1,x\n2,y\n\n", CSV, 2, ["Fractional", "Integral", "String"]),
    "a byte order mark": (b"0.5\n", b"\xef\xbb\xbf1,x\n", CSV, 1, ["Fractional", "Integral", "String"]),
    "quotes": (b"0.5\n0.25\n", b'1,"x, y"\n2,"a ""b"""\n', CSV, 2, ["Fractional", "Integral", "String"]),
    "ids of CSV": (f"0.5{IDS}\n0.25{IDS}\n".encode(), b"1\n2\n", CSV, 2, ["Fractional", "Integral"]),
    "JSON beside CSV": (b'{"score": 0.5, "label": 1}\n' * 2, b"1\n2\n", CSV, 2, ["Fractional", "Integral", "Integral"]),
    "lists of JSON": (b"[0.5, 0.25]\n" * 2, b"1\n2\n", CSV, 2, ["Fractional", "Fractional", "Integral"]),
    "JSON lines": (b'{"y": 0.5}\n' * 2, b'{"a": 1}\n{"a": 2}\n', JSON_LINES, 2, ["Fractional", "Integral"]),
    "nested JSON": (b'{"predictions": [{"y": 0.5}]}\n' * 2, b"1\n2\n", CSV, 2, ["Fractional", "Integral"]),
    "a document": (b'{"predictions": [0.5, 0.25]}', b'{"instances": [[1, 2], [3, 4]]}', DOCUMENT, 2, None),
    "a document and lines": (b"0.5\n0.25\n", b'{"instances": [[1, 2], [3, 4]]}', DOCUMENT, 2, None),
    "in gzip": (b"0.5\n0.25\n", gzip.compress(b"1\n2\n"), CSV, 2, ["Fractional", "Integral"]),
    "nothing": (b"", b"", CSV, 0, None),
}


@pytest.mark.parametrize(("output", "input_", "form", "rows", "kinds"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("chunk", [3, 1 << 16])
def test_forms_of_input_and_output(output, input_, form, rows, kinds, chunk):
    found = read(output, input_, form, chunk=chunk)
    assert (found.rows, found.events, found.rejected) == (rows, rows, {})
    assert kinds is None or types(found) == kinds


def test_the_keys_of_an_inference_id_are_taken_off():
    line = json.dumps({"y": 0.5, "SageMakerInferenceId": "1f1d", "SageMakerInferenceTime": "2022-08-30T00:49:15Z"})
    assert layout(read(f"{line}\n{line}\n".encode(), b"1\n2\n"))[0][0] == ("y", "_c1")


@pytest.mark.parametrize(
    ("output", "input_", "form"),
    [
        (b"7,1.50,0.9\n8,2.50,0.8\n", b"7,1.50\n8,2.50\n", RecordForm(split_type="Line", joins_input=True)),
        (f"7,1.50,0.9{IDS}\n".encode(), b"7,1.50\n", RecordForm(split_type="Line", joins_input=True)),
        (b'7,"1.50",0.9\n', b"7,1.50\n", RecordForm(split_type="Line", joins_input=True)),
        (b"0.9\n", b"99,7,1.50\n", RecordForm(split_type="Line", input_filter="$[1:]")),
        (b"99,7,1.50,0.9\n", b"99,7,1.50\n", RecordForm(split_type="Line", input_filter="$[1:]", joins_input=True)),
    ],
)
def test_the_output_is_told_from_the_input_that_it_is_joined_to(output, input_, form):
    found = read(output, input_, form)
    assert layout(found)[0][:2] == (("_c0", "_c1", "_c2"), 1)
    assert types(found) == ["Fractional", "Integral", "Fractional"]


def test_joined_json_keeps_the_text_of_the_output():
    form = RecordForm(content_type="application/jsonlines", split_type="Line", joins_input=True, input_filter="$.a")
    found = read(b'{"SageMakerOutput":{"y":18.00},"a":[1,2],"id":7}\n', b'{"id": 7, "a": [1, 2]}\n', form)
    assert layout(found) == [(("y", "_c1", "_c2"), 1, 1)]
    assert types(found) == ["Fractional", "Integral", "Integral"]


def test_a_row_of_names_stands_before_the_rows_of_each_record():
    rows = RECORD_ROWS + 10
    found = read(b"0.5\n" * rows, b"a,b\n" + b"1,x\n" * rows, header="input")
    assert layout(found) == [(("_c0", "a", "b"), 1, rows)] or layout(found)[0][0][1:] == ("a", "b")
    assert (found.rows, found.rejected) == (rows, {})


def test_binary_inputs_are_counted_and_the_outputs_are_read_alone():
    form = RecordForm(content_type="application/x-recordio-protobuf", split_type="RecordIO")
    found = read(b"0.5\n0.25\n", b"", form, size=900)
    assert (found.rows, types(found)) == (2, ["Fractional"])
    assert found.unread == ("1 input is application/x-recordio-protobuf, not tabular",)


# --- what does not pair -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row_count", [one_row, rows_of_value])
@pytest.mark.parametrize(("output", "input_"), [(b"1\n2\n", b"1\n"), (b"1\n", b"1\n2\n"), (b"", b"1\n"), (b"1\n", b"")])
def test_counts_that_differ_give_nothing(output, input_, row_count):
    assert read(output, input_, row_count=row_count) is None


def test_an_output_line_may_answer_a_batch_of_inputs():
    output = b'{"predictions": [{"y": 0.5}, {"y": 0.25}]}\n{"predictions": [{"y": 0.75}]}\n'
    assert read(output, b"1\n2\n3\n") is None
    assert read(output, b"1\n2\n3\n", row_count=rows_of_value).rows == 3
    assert read(b"0.1,0.2,0.3\n", b"1\n2\n3\n", row_count=rows_of_value).rows == 3


def test_bad_lines_are_rejected_by_themselves():
    found = read(b"0.5\n0.25\n0.1\n", b'1,x\n\xff,y\n3,"z\n')
    assert (found.rows, found.rejected) == (1, {"not UTF-8": 1, "payload is not CSV": 1})
    long = read(b"0.5\n0.25\n", b"1,x\n2," + b"y" * 100 + b"\n", max_line_bytes=50)
    assert (long.rows, long.rejected) == (1, {"line too long": 1})


def test_rows_that_are_rejected_together_are_counted_one_by_one():
    wide = ",".join(["1"] * 20)
    found = read(b"0.5\n" * 30, f"{wide}\n".encode() * 30, max_columns=10)
    assert (found.rows, found.rejected) == (0, {"too many columns": 30})


def test_damaged_gzip_is_rejected():
    assert read(b"0.5\n", gzip.compress(b"1\n")[:-4]).rejected == {"gzip is damaged or cut off": 1}


def test_private_features_keep_no_values():
    found = read(b"0.5\n" * 30, b"1,secret\n" * 30, private=("_c2",))
    assert b"secret" not in json.dumps(str(found.tables)).encode()


# --- laws -------------------------------------------------------------------------------------------------------------

CELLS = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\n\r"), max_size=5)


def csv_line(cells):
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)
    return written.getvalue()


@given(st.lists(st.tuples(st.integers(0, 99), CELLS, CELLS), min_size=1, max_size=30), st.integers(1, 40))
def test_the_summary_is_that_of_a_record_for_each_pair(rows, chunk):
    inputs = [csv_line(["k", *row[1:]]) for row in rows]
    outputs = [str(row[0]) for row in rows]
    records = [
        {"endpointInput": {"data": one, "encoding": "CSV"}, "endpointOutput": {"data": other, "encoding": "CSV"}}
        for one, other in zip(inputs, outputs, strict=True)
    ]
    singly = summarize([json.dumps({"captureData": one}).encode() + b"\n" for one in records], readers=READERS)
    together = read("\n".join(outputs).encode(), "\n".join(inputs).encode(), chunk=chunk)
    assert (together.rows, together.rejected) == (singly.rows, singly.rejected)
    counts = [[(c.types, c.moments) for c in table.columns] for table in together.tables]
    assert counts == [[(c.types, c.moments) for c in table.columns] for table in singly.tables]


def test_a_million_cells_take_little_memory():
    import tracemalloc

    rows = 200_000
    output, input_ = b"0.5\n" * rows, b"1,2,3,4,abcdefgh\n" * rows
    tracemalloc.start()
    found = read(output, input_)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.rows == rows
    assert peak < 60 << 20


def test_merged_records_are_read_whole_and_judged(conformance):
    (file,) = (conformance / "capture").glob("*merged_batchtransformoutp*")
    found = summarize([file.read_bytes() * 200])
    table = found.tables[0]
    verdict = evaluate(found, Baseline(constraints=suggested_constraints(table), statistics=table))
    assert (found.rows, found.rejected, found.ground_truth, len(table.names)) == (200, {}, 200, 70)
    assert str(verdict.verdict) == "OK"


PIECES = st.lists(
    st.sampled_from(
        [
            b"1,2",
            b"0.5",
            b"\n",
            b"\r\n",
            b'"',
            b",",
            b"{",
            b"}",
            b'{"a": 1}',
            b"[1, 2]",
            b"\xff",
            b"\x00",
            b" ",
            b"\x1f\x8b",
        ]
    ),
    max_size=25,
).map(b"".join)
FORMS = [
    CSV,
    JSON_LINES,
    DOCUMENT,
    RecordForm(split_type="Line", joins_input=True, input_filter="$[1:]"),
    RecordForm(split_type="RecordIO"),
]


@given(
    PIECES,
    PIECES,
    st.sampled_from(FORMS),
    st.sampled_from(["", "input", "both"]),
    st.sampled_from([one_row, rows_of_value]),
)
def test_no_bytes_make_the_reader_fail(output, input_, form, header, row_count):
    found = read(output, input_, form, row_count, header=header)
    assert found is None or found.rows >= 0

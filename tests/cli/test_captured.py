"""The table of captured rows: the names of its columns, its ground truth, and CSV that no spreadsheet executes."""

import base64
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import vedette
from chalicelib.statistics.lexical import lexical_type
from tests.capture.captures import line, side
from vedette.cli import main
from vedette.dataframes import write_csv

METADATA = ["event_id", "inference_time", "inference_id"]


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)

    return invoke


def request(inputs, outputs=None, **metadata) -> bytes:
    """A captured request of JSON documents, or of CSV texts."""
    sides = [
        one if one is None else side(one) if isinstance(one, str) else side(json.dumps(one), "JSON")
        for one in (inputs, outputs)
    ]
    return line(*sides, **metadata)


def with_truth(captured: bytes, truth) -> bytes:
    return json.dumps({**json.loads(captured), "groundTruthData": truth}).encode() + b"\n"


def frame_of(tmp_path, *requests: bytes, **settings) -> pd.DataFrame:
    (tmp_path / "x.jsonl").write_bytes(b"".join(requests))
    return vedette.captured(str(tmp_path / "x.jsonl"), **settings)


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "outputs", "names"),
    [
        ("1,2", "3", ["_c0", "_c1", "_c2"]),
        ("1,2", {"score": 0.5}, ["score", "_c1", "_c2"]),
        ("1,2", None, ["_c0", "_c1"]),
        ({"id": 1, "b": 2}, {"id": 1, "score": 3}, ["output.id", "score", "input.id", "b"]),
        ({"a": [1, 4], "a.0": 2, "ground_truth": 3}, None, ["a.0", "a.1", "a.0#2", "ground_truth"]),
        ({"_c0": 1}, "2", ["output._c0", "input._c0"]),
    ],
)
def test_the_columns_have_the_names_of_the_statistics(run, tmp_path, inputs, outputs, names):
    assert list(frame_of(tmp_path, request(inputs, outputs)).columns) == [*METADATA, *names]
    assert run("summarize", tmp_path / "x.jsonl", "-o", tmp_path / "s.json").exit_code == 0
    features = json.loads((tmp_path / "s.json").read_text())["features"]
    assert [feature["name"] for feature in features] == names


def test_a_name_that_the_table_has_itself_is_prefixed(tmp_path):
    frame = frame_of(tmp_path, request({"event_id": 1, "inference_id": 2}, {"inference_time": 3}))
    assert list(frame.columns[3:]) == ["output.inference_time", "input.event_id", "input.inference_id"]


def test_a_name_of_both_sides_is_prefixed_in_all_rows(tmp_path):
    frame = frame_of(
        tmp_path,
        request({"id": 1, "b": 2}, {"score": 3}),
        request({"id": 4}, {"id": 5, "score": 6}),
        request("7", {"id": 8}),
    )
    assert list(frame.columns[3:]) == ["score", "output.id", "input.id", "b", "_c2"]
    assert frame["input.id"].tolist()[:2] == [1, 4]
    assert frame["output.id"].tolist()[1:] == [5, 8]


def test_a_position_is_that_of_the_rows_of_most(tmp_path):
    """An input is never in the column of an output, nor the second input in that of the first one."""
    frame = frame_of(tmp_path, request("5,6"), request("1,2", "3"), request("1,2", "3"), request("7,8", "9,10"))
    assert list(frame.columns[3:]) == ["_c0", "output._c1", "input._c1", "_c2"]
    assert frame["input._c1"].tolist() == [5, 1, 1, 7]
    assert frame["_c2"].tolist() == [6, 2, 2, 8]


def test_a_baseline_names_the_columns(run, tmp_path):
    baseline = tmp_path / "constraints.json"
    names = ("label", "age", "income")
    baseline.write_text(json.dumps({"features": [{"name": name, "inferred_type": "Integral"} for name in names]}))
    requests = request("1,2", "3"), request({"income": 4, "age": 5}, {"score": 6}), request("1,2,3,4", "5")
    frame = frame_of(tmp_path, *requests, baseline=str(baseline))
    assert list(frame.columns[3:]) == ["label", "_c0", "age", "income", "_c1", "_c2", "_c3", "_c4"]
    assert frame["age"].tolist()[:2] == [1, 5]
    assert frame["income"].tolist()[:2] == [2, 4]
    assert frame["label"].tolist()[:2] == [3, 6]
    assert frame.attrs["unaligned"] == 1
    warning = "Warning: 1 row cannot be aligned with the baseline: their columns keep their own names."
    found = run("captured", tmp_path / "x.jsonl", "--baseline", baseline, "-o", tmp_path / "x.csv")
    assert warning in found.output
    assert list(pd.read_csv(tmp_path / "x.csv").columns) == list(frame.columns)
    found = run("summarize", tmp_path / "x.jsonl", "--baseline", baseline, "-o", tmp_path / "s.json")
    assert warning in found.output
    assert [feature["name"] for feature in json.loads((tmp_path / "s.json").read_text())["features"]] == [*names]


def test_a_feature_may_have_the_name_of_a_column_of_the_table(tmp_path):
    baseline = tmp_path / "constraints.json"
    baseline.write_text(json.dumps({"features": [{"name": "event_id", "inferred_type": "Integral"}]}))
    assert list(frame_of(tmp_path, request("1"), baseline=str(baseline)).columns) == [*METADATA, "input.event_id"]


@pytest.mark.parametrize(
    "requests",
    [
        [request({"id": at, "b": at}, {"id": at, "score": 1}) for at in range(9)],
        [request({"a": [at, 0], "a.0": at}, "1") for at in range(9)],
        [request({"_c0": at}, "1") for at in range(9)],
        [request({"id": at}, {"id": at} if at % 2 else {"score": at}) for at in range(9)],
        [request({"output": {"id": at}, "id": at}, {"id": at}) for at in range(9)],
        [request({"x": {"id": at}}, {"x": {"id": at}}) for at in range(9)],
    ],
)
def test_a_baseline_of_captures_can_be_used_on_them(run, tmp_path, requests):
    (tmp_path / "x.jsonl").write_bytes(b"".join(requests))
    assert run("baseline", "--from-captures", tmp_path / "x.jsonl", "-o", tmp_path / "base").exit_code == 0
    found = run("evaluate", tmp_path / "x.jsonl", "--baseline", tmp_path / "base")
    assert (found.exit_code, "OK: " in found.output or "InsufficientData: " in found.output) == (0, True)
    frame = vedette.captured(str(tmp_path / "x.jsonl"), baseline=str(tmp_path / "base"))
    features = json.loads((tmp_path / "base" / "constraints.json").read_text())["features"]
    assert list(frame.columns[3:]) == [feature["name"] for feature in features]


def test_a_baseline_of_an_earlier_version_is_used(run, tmp_path):
    (tmp_path / "x.jsonl").write_bytes(b"".join(request({"id": at}, {"id": at, "score": 1}) for at in range(9)))
    run("baseline", "--from-captures", tmp_path / "x.jsonl", "-o", tmp_path / "base")
    for file in (tmp_path / "base").iterdir():
        file.write_text(re.sub(r'"(output|input)\.id"', '"id"', file.read_text()))
    found = run("evaluate", tmp_path / "x.jsonl", "--baseline", tmp_path / "base", "--all")
    assert (found.exit_code, "output.id" in found.output, "input.id" in found.output) == (0, True, True)


# --- ground truth -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("truth", "values"),
    [
        ({"data": "1\n0\n", "encoding": "CSV"}, ["1", "0"]),
        ({"data": "1,0", "encoding": "CSV"}, ["1", "0"]),
        ({"data": "[1, 0]", "encoding": "JSON"}, ["1", "0"]),
        ({"data": '{"label": 1}\n{"label": 0}', "encoding": "JSON"}, ["1", "0"]),
        ({"data": "MQowCg==", "encoding": "BASE64"}, ["1", "0"]),
        ([1, 0], ["1", "0"]),
        ({"data": "1", "encoding": "CSV"}, ["1", "1"]),
        ({"data": "a,b\nc,d", "encoding": "CSV"}, ["a,b\nc,d"] * 2),
        ({"data": '"open', "encoding": "CSV"}, ['"open'] * 2),
        ({"data": "x", "encoding": "?"}, ["x"] * 2),
        ("yes", ["yes"] * 2),
        ({"label": True}, ['{"label": true}'] * 2),
    ],
)
def test_ground_truth_is_a_column_with_a_value_a_row_or_all_of_it(tmp_path, truth, values):
    frame = frame_of(tmp_path, with_truth(request("1\n2"), truth), request("3"), types="text")
    assert list(frame.columns) == [*METADATA, "_c0", "ground_truth"]
    assert frame["ground_truth"].tolist()[:2] == values
    assert frame["ground_truth"].isna().tolist() == [False, False, True]


def test_without_ground_truth_there_is_no_column_for_it(tmp_path):
    assert list(frame_of(tmp_path, with_truth(request({"ground_truth": 1}), None)).columns[3:]) == ["ground_truth"]
    both = frame_of(tmp_path, with_truth(request({"ground_truth": 1}), {"data": "2", "encoding": "CSV"}))
    assert list(both.columns[3:]) == ["input.ground_truth", "ground_truth"]


# --- CSV --------------------------------------------------------------------------------------------------------------


LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
SIGNS = "=+-@"


def csv_of(**columns) -> bytes:
    target = io.BytesIO()
    write_csv(pd.DataFrame(columns), target)
    return target.getvalue()


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


@pytest.mark.parametrize("end", LINE_ENDS)
@pytest.mark.parametrize("begin", ["", " ", '"', '","', "\t", ";", "|", ",", "\xa0", "\ufeff", "\0", "text;", "a,"])
@pytest.mark.parametrize("sign", "=+-@\uff1d\uff0b\uff0d\uff20")
def test_no_line_of_a_cell_begins_a_formula(end, begin, sign):
    content = csv_of(city=[f"x{end}{begin}{sign}HYPERLINK(1)"], next=["b"])
    (cell, after) = read(content)[1]
    assert after == "b"
    assert cell.replace("'", "") == f"x{end}{begin}{sign}HYPERLINK(1)"
    assert content.decode().split("\n", 1)[1].startswith('"')
    for text in re.split(f"[{LINE_ENDS};|\t,]", cell):
        assert text.strip(' "\xa0\ufeff\0')[:1] != sign


@given(st.text(st.sampled_from("=-@+5.e'\";|,\t\0 x" + LINE_ENDS), max_size=12))
def test_a_cell_is_read_back_but_for_the_guards_and_a_number_is_unchanged(text):
    ((name, _), (cell, last)) = read(csv_of(**{"a" + text: [text], "b": ["end"]}))
    assert last == "end"
    assert name.replace("'", "") == ("a" + text).replace("'", "")
    assert cell.replace("'", "") == text.replace("'", "")
    if lexical_type(text) in ("integral", "fractional"):
        assert cell == text
    else:
        separators = f"[{LINE_ENDS};|\t]" + ("|," if re.search(f"[{LINE_ENDS}]", text) else "")
        assert not any(part.lstrip(' ",\0')[:1] in SIGNS for part in re.split(separators, cell) if part.lstrip(' ",\0'))


@pytest.mark.parametrize("text", ["-5", "+5", "- 5", "-1.5", "-1e5", "2026-03-02", "a-b", "x@y.z", "'=1", "5 = 5", ""])
def test_harmless_text_is_unchanged(text):
    assert read(csv_of(a=[text], b=["x"]))[1] == [text, "x"]


def test_a_request_with_a_carriage_return_stays_one_row(run, tmp_path):
    city = "x\r=cmd|' /C calc'!A0\r-"
    (tmp_path / "x.jsonl").write_bytes(b"".join(request({"name": one, "city": city}, "0.5") for one in ("ann", "bob")))
    assert run("captured", tmp_path / "x.jsonl", "-o", tmp_path / "x.csv").exit_code == 0
    rows = read((tmp_path / "x.csv").read_bytes())
    assert [row[-2:] for row in rows[1:]] == [[one, "x\r'=cmd|' /C calc'!A0\r'-"] for one in ("ann", "bob")]


def test_numbers_times_and_missing_cells_are_written_as_before(tmp_path):
    frame = frame_of(tmp_path, request("5,0.5,007"), request("6,,x", inferenceTime="no time"))
    target = io.BytesIO()
    write_csv(frame, target)
    rows = read(target.getvalue())
    assert rows[0] == [*METADATA, "_c0", "_c1", "_c2"]
    assert [row[3:] for row in rows[1:]] == [["5", "0.5", "007"], ["6", "", "x"]]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", rows[1][1])
    assert rows[2][1] == ""


def test_many_rows_are_written_in_their_order():
    rows = read(csv_of(a=[str(at) for at in range(25_000)]))
    assert rows == [["a"], *([str(at)] for at in range(25_000))]


def test_half_a_character_is_spelled_out():
    content = io.BytesIO()
    write_csv(pd.DataFrame({"k": pd.Series(["\ud83d"], dtype=object)}), content)
    assert read(content.getvalue()) == [["k"], ["\\ud83d"]]


# --- real captures: every value that was sent, found by another reader ------------------------------------------------


def scalars(value) -> Iterator[str]:
    """The values in a JSON document, as texts."""
    if isinstance(value, (dict, list)):
        for inside in value.values() if isinstance(value, dict) else value:
            yield from scalars(inside)
    elif value is not None:
        yield value if isinstance(value, str) else json.dumps(value)


def sent(side: dict[str, str]) -> Iterator[str]:
    """The values of one side of a captured request, read with json and csv alone."""
    data = base64.b64decode(side["data"]).decode() if side["encoding"] == "BASE64" else side["data"]
    if side["encoding"] == "JSON":
        yield from scalars(json.loads(data))
    else:
        yield from (cell for row in csv.reader(data.splitlines()) for cell in row if cell)


def test_every_value_of_real_captures_is_in_the_table(conformance):
    files = sorted((conformance / "capture").glob("*.jsonl"))
    assert len(files) >= 6
    for file in files:
        documents = [json.loads(text) for text in file.read_text().splitlines() if text.strip()]
        expected = Counter(value for one in documents for side in one["captureData"].values() for value in sent(side))
        frame = vedette.captured(str(file), types="text")
        features = frame.drop(columns=[*METADATA, "ground_truth"], errors="ignore")
        found = Counter(cell for name in features for cell in features[name].dropna())
        assert found == expected, file.name

"""What is a label, and why a line is none."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import records
from chalicelib.quality.label_parts import LabelPart
from chalicelib.quality.labels import Label, RejectedLabel, labels
from chalicelib.quality.settings import ProblemType, QualitySettings
from tests.quality.objects import IDS, NUMBERS, SCORED, captured, label, labels_of

CLASSES = QualitySettings(problem_type=ProblemType.MULTICLASS, prediction="0")
NAMED = QualitySettings(problem_type=ProblemType.BINARY, score="0", label="truth")


def read(content, settings=SCORED):
    return list(labels([content], settings))


def values(content, settings=SCORED):
    found = read(content, settings)
    assert all(isinstance(one, Label) for one in found), found
    return [(one.id, one.row, one.request_rows, one.value) for one in found]


@pytest.mark.parametrize(
    ("content", "settings", "expected"),
    [
        (label("a", "1"), SCORED, [("a", 0, 1, "1")]),
        (label("a", "1\n"), SCORED, [("a", 0, 1, "1")]),
        (label("a", "1\n0\n"), SCORED, [("a", 0, 2, "1"), ("a", 1, 2, "0")]),
        (label("a", "1,0"), SCORED, [("a", 0, 2, "1"), ("a", 1, 2, "0")]),  # as answers of several rows are written
        (label("a", 1), SCORED, [("a", 0, 1, "1")]),
        (label("a", "1.0"), SCORED, [("a", 0, 1, "1")]),
        (label("a", "2.5"), NUMBERS, [("a", 0, 1, 2.5)]),
        (label("a", "cat"), CLASSES, [("a", 0, 1, "cat")]),
        (label("a", "0,1"), QualitySettings(problem_type=ProblemType.BINARY, score="0", label="1"), [("a", 0, 1, "1")]),
        (
            label("a", '{"instances": [{"label": 0}, {"label": 1}]}', "JSON"),
            SCORED,
            [("a", 0, 2, "0"), ("a", 1, 2, "1")],
        ),
        (label("a", "[0, 1, 1]", "JSON"), SCORED, [("a", 0, 3, "0"), ("a", 1, 3, "1"), ("a", 2, 3, "1")]),
        (label("a", "1", "JSON"), SCORED, [("a", 0, 1, "1")]),
        (label("a", "MQo=", "BASE64"), SCORED, [("a", 0, 1, "1")]),
        (label("a", '{"truth": 1, "by": "ann"}', "JSON"), NAMED, [("a", 0, 1, "1")]),
        (b"id,label\na,1\n\nb,0\n", SCORED, [("a", 0, 1, "1"), ("b", 0, 1, "0")]),
        (b'\xef\xbb\xbfeventId,y\n"a,b",1\r\n', SCORED, [("a,b", 0, 1, "1")]),
        (b"a,1\nb,0", SCORED, [("a", 0, 1, "1"), ("b", 0, 1, "0")]),
    ],
)
def test_labels_in_every_form(content, settings, expected):
    assert values(content, settings) == expected
    assert values(gzip.compress(content), settings) == expected


def test_a_merged_record_has_the_label_beside_the_capture(conformance):
    """Real files of others: https://github.com/aws/amazon-sagemaker-examples"""
    name = "aws__amazon-sagemaker-examples_merged_batchtransformoutp-CSV.jsonl"
    content = (conformance / "capture" / name).read_bytes()
    found = read(content, CLASSES)
    records_ = [json.loads(line) for line in content.splitlines() if line.strip()]
    assert [one.id for one in found] == [record["eventMetadata"]["eventId"] for record in records_]
    expected = [record["groundTruthData"]["data"].strip() for record in records_]
    assert [float(one.value) for one in found] == [float(value) for value in expected]


def test_the_inference_id_of_a_merged_record_wins():
    record = json.loads(captured("0.7", inference_id="i", event_id="e"))
    record["groundTruthData"] = {"data": "1", "encoding": "CSV"}
    assert values(json.dumps(record).encode()) == [("i", 0, 1, "1")]


@pytest.mark.parametrize(
    ("content", "settings", "reason"),
    [
        (label("a", "x"), NUMBERS, "the label is no number"),
        (label("a", "inf"), NUMBERS, "the label is no number"),
        (label("a", "2"), SCORED, "the label is none of the classes"),
        (label("a", "x" * 65), CLASSES, "the label is no class"),
        (label("a", ""), SCORED, "the label is missing"),
        (label("a", '{"label": null}', "JSON"), SCORED, "the label is missing"),
        (label("a", "0,1\n1,1"), SCORED, "the label has several columns, and none is named"),
        (label("a", '{"y": 1}', "JSON"), NAMED, "the label has no such column"),
        (label("a", None), SCORED, "the label's payload cannot be read"),
        (label("a", {"label": 1}), SCORED, "the label's payload cannot be read"),
        (label("a", "{oops", "JSON"), SCORED, "the label's payload cannot be read"),
        (label("a", "1", "XML"), SCORED, "unknown encoding"),
        (label("", "1"), SCORED, "the label has no id"),
        (b",1\n", SCORED, "the label has no id"),
        (b"a\n", SCORED, "neither a label record nor id,label"),
        (b"a,1,2\n", SCORED, "neither a label record nor id,label"),
        (b"\xff,1\n", SCORED, "neither a label record nor id,label"),
        (b"{oops\n", SCORED, "neither a label record nor id,label"),
        (b'{"a": ' + b"[" * 5000 + b"\n", SCORED, "neither a label record nor id,label"),
        (captured("0.7"), SCORED, "the record has no label"),
        (b'{"groundTruthData": "1", "eventMetadata": {"eventId": "a"}}', SCORED, "the record has no label"),
        (gzip.compress(label("a", "1") * 100)[:-9], SCORED, "gzip is damaged or cut off"),
    ],
)
def test_a_line_without_a_label_is_counted_by_its_reason(content, settings, reason):
    found = [one for one in read(content, settings) if isinstance(one, RejectedLabel)]
    assert [str(one.reason) for one in found] == [reason]


def test_one_bad_line_costs_only_itself():
    content = label("a", "1") + b"{oops\n" + label("b", "1\n7\n0") + b"c,0\n"
    found = read(content)
    assert [(one.line, one.row) for one in found if isinstance(one, Label)] == [(0, 0), (2, 0), (2, 2), (3, 0)]
    assert [one.line for one in found if isinstance(one, RejectedLabel)] == [1, 2]


def test_a_part_counts_what_it_rejects_and_survives_being_stored():
    part = labels_of([b"b,1\n", b"a,0\n", b"a,7\n", b"a,1\n"])
    assert (part.count, part.rejected) == (3, {"the label is none of the classes": 1})
    assert records.read(LabelPart, records.write(part), "x") == part
    assert sorted({IDS.of("a"), IDS.of("b")}) == sorted({*_ids(part)})


def _ids(part):
    return [int.from_bytes(part.ids[place : place + 8], "little") for place in range(0, len(part.ids), 8)]


def test_more_than_a_hundred_classes_are_no_classes():
    part = labels_of([f"id{n},c{n}\n".encode() for n in range(150)], CLASSES)
    assert (part.count, part.rejected) == (100, {"too many classes": 50})


_HOSTILE = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=20).map(lambda text: label("a", text)),
    st.text(max_size=20).map(lambda text: label("a", text, "JSON")),
    st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)).map(
        lambda value: label("a", json.dumps(value), "JSON")
    ),
    st.dictionaries(
        st.sampled_from(["groundTruthData", "eventMetadata", "captureData"]), st.integers() | st.text()
    ).map(lambda record: json.dumps(record).encode()),
)


@given(st.lists(_HOSTILE, max_size=4))
def test_no_byte_makes_it_fail(lines):
    for settings in (SCORED, NUMBERS, NAMED, CLASSES):
        for found in labels([b"\n".join(lines)], settings):
            assert isinstance(found, Label) or found.reason != "unexpected content"

"""A whole capture object: what counts, what is counted apart, what is rejected, and that parts are the whole."""

import csv
import io
import json
import math
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.summary import MAX_REJECTED_RANGES, CaptureSummary, RejectedRange, summarize
from tests.capture.captures import base64_side, line, record, side

GOOD = line(side("1,2"), side("0.5"))


def test_every_record_of_the_conformance_files_is_read(conformance):
    files = sorted((conformance / "capture").glob("*.jsonl"))
    assert files
    for file in files:
        content = file.read_bytes()
        summary = summarize([content])
        assert summary.rejected == {}, file.name
        assert summary.events == len(content.splitlines()) == summary.lines, file.name
        assert summary.rows == sum(table.rows for table in summary.tables) >= summary.events


def test_a_multi_row_request_counts_every_row(conformance):
    (file,) = (conformance / "capture").glob("*JSON+output-JSON*")
    summary = summarize([file.read_bytes()])
    assert (summary.events, summary.rows) == (2, 6)
    assert [column.moments.sum for column in summary.tables[0].columns] == [26.0, 16.0]


def test_an_empty_object_is_the_zero():
    assert summarize([]) == summarize([b""]) == summarize([b"\n\n \r\n"]) == CaptureSummary()


def test_truncation_at_every_byte_costs_one_line_at_most():
    records = [line(side("1,x"), side("0.5")), line(side('{"a": 1.50}', "JSON")), line(base64_side("3,4"), side("1"))]
    content = b"".join(records)
    ends = [len(b"".join(records[: i + 1])) for i in range(3)]
    for cut in range(len(content) + 1):
        summary = summarize([content[:cut]])
        whole = sum(cut >= end - 1 for end in ends)  # the line end is not needed
        assert summary.events == whole
        assert summary.rejected_lines == (0 if cut in (0, *ends) or cut + 1 in ends else 1)
        assert all(content[at.start : cut] == content[at.start : at.end] for at in summary.rejected_at)


def test_chunks_of_one_byte_give_the_same_summary():
    content = GOOD + b"{oops\n" + line(side('{"a": "\u2028\u0085"}', "JSON"))
    assert summarize([bytes([byte]) for byte in content]) == summarize([content])


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault():
    content = b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") * 2
    assert summarize([content]).events == 2


BAD = [
    (b"not json", RejectionReason.NOT_JSON),
    (b'{"captureData": NaN}', RejectionReason.NOT_JSON),
    (b'{"captureData": {"endpointInput": {"data": "\\ud800", "encoding": "CSV"}}}', RejectionReason.NOT_JSON),
    (b"{} {}", RejectionReason.NOT_JSON),
    (b"\x00" * 10, RejectionReason.NOT_JSON),
    (b'{"captureData": {"endpointInput": {"data": "\xff", "encoding": "CSV"}}}', RejectionReason.NOT_UTF8),
    (b'{"x":' + b"[" * 100_000, RejectionReason.TOO_DEEP),
    (b"3", RejectionReason.WRONG_SHAPE),
    (b"null", RejectionReason.WRONG_SHAPE),
    (b'{"captureData": []}', RejectionReason.WRONG_SHAPE),
    (b'{"captureData": {"endpointInput": {"data": 5}}}', RejectionReason.WRONG_SHAPE),
    (b'{"captureData": {"endpointInput": "1,2"}}', RejectionReason.WRONG_SHAPE),
    (b"{}", RejectionReason.NO_CAPTURE_DATA),
    (b'{"captureData": {}}', RejectionReason.NO_CAPTURE_DATA),
    (b'{"captureData": null, "eventMetadata": null}', RejectionReason.NO_CAPTURE_DATA),
    (b'{"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {}}', RejectionReason.GROUND_TRUTH_ONLY),
    (b'[{"prefix": "s3://bucket/out/"}, "dummy_0.csv.out"]', RejectionReason.BATCH_MANIFEST),
    (b"[", RejectionReason.BATCH_MANIFEST),
    (b"[1]", RejectionReason.WRONG_SHAPE),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_line_is_counted_with_its_bytes_and_the_rest_counts(bad, reason):
    kept = []
    summary = summarize([GOOD + bad + b"\n" + GOOD], on_rejected=lambda line: kept.append(line.line))
    assert summary.events == summary.rows == 2
    assert summary.rejected == {reason: 1}
    assert summary.rejected_at == (RejectedRange(len(GOOD), len(GOOD) + len(bad), reason),)
    assert kept == [bad]


def test_an_over_long_line_is_skipped():
    options = CaptureOptions(max_line_bytes=len(GOOD))
    summary = summarize([GOOD + line(side("1," * 1000)) + GOOD], options=options)
    assert (summary.events, summary.rejected) == (2, {RejectionReason.LINE_TOO_LONG: 1})


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_only_counted_reasons_come_of_any_bytes(noise):
    summary = summarize([GOOD, noise, b"\n", GOOD])
    assert summary.rejected.keys() <= set(RejectionReason) - {RejectionReason.UNEXPECTED}
    assert summary.events >= 1


@given(
    st.text(max_size=40),
    st.sampled_from(["CSV", "JSON", "BASE64", None, "?"]),
    st.sampled_from([None, "text/csv", "a/b"]),
)
def test_only_counted_reasons_come_of_any_payload(data, encoding, kind):
    summary = summarize([line(side(data, encoding, kind), side("0.5"))])
    assert summary.lines == 1
    assert summary.rejected.keys() <= set(RejectionReason) - {RejectionReason.UNEXPECTED}
    assert msgspec.json.decode(msgspec.json.encode(summary), type=CaptureSummary) == summary


def test_no_payload_text_ever_enters_a_reason():
    secret = "S3CR3T"
    for data in (f'"{secret}', secret, f"{secret}{{"):
        for encoding in ("CSV", "JSON", "BASE64", secret):
            rejected = []
            summarize([line(side(data, encoding, secret), side("1\n2"))], on_rejected=rejected.append)
            assert all(secret not in item.reason for item in rejected)


def test_rows_of_differing_width_never_shift_a_column():
    summary = summarize([line(side("1,2,3"), side("9")), line(side("1,2"), side("9")), line(side("4,5,6"), side("9"))])
    assert [(table.outputs, len(table.names), table.rows) for table in summary.tables] == [(1, 3, 1), (1, 4, 2)]
    assert summary.tables[1].columns[3].moments.sum == 9.0


def test_too_many_layouts_are_rejected_and_the_known_ones_go_on():
    content = b"".join(line(side(",".join("1" * width))) for width in range(1, 50)) + line(side("1,1"))
    summary = summarize([content])
    assert len(summary.tables) == 32
    assert summary.rejected == {RejectionReason.TOO_MANY_LAYOUTS: 17}
    assert summary.tables[1].rows == 2


def test_golden_errors_and_shadows_are_counted_apart_and_enter_no_statistic():
    content = (
        GOOD
        + line(side("7,7"), side("7"), customAttributes=["trace=1", "vedette-probe"])
        + line(side("7,7"), side({"code": 400, "message": "bad"}, "JSON"))
        + line(side("7,7"), base64_side('{"code": 500, "message": "x"}', None))
        + line(side("7,7"), side("7"), invocationSource="ShadowExperiment")
    )
    summary = summarize([content])
    assert (summary.events, summary.probes, summary.errors, summary.shadows, summary.rows) == (1, 1, 2, 1, 1)
    assert summary.lines == 5
    assert [column.moments.sum for column in summary.tables[0].columns] == [0.5, 1.0, 2.0]


def test_ground_truth_beside_a_row_is_a_counted_fact():
    merged = {**record(side("1"), side("0")), "groundTruthData": {"data": "1", "encoding": "CSV"}}
    assert summarize([json.dumps(merged).encode()]).ground_truth == 1


def test_the_first_and_last_inference_are_kept():
    times = ["2026-11-22T09:00:01Z", "2026-11-22T08:59:59Z", "{%s}", None, "2026-02-31T00:00:00Z"]
    summary = summarize([line(side("1"), inferenceTime=time) for time in times])
    assert summary.events == 5
    assert summary.first_inference == datetime(2026, 11, 22, 8, 59, 59, tzinfo=UTC)
    assert summary.last_inference == datetime(2026, 11, 22, 9, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("metadata", [{"eventId": 5}, {"customAttributes": "x"}, {"customAttributes": {"a": 1}}])
def test_odd_metadata_never_costs_the_record(metadata):
    assert summarize([line(side("1"), **metadata)]).events == 1


def test_the_byte_ranges_kept_are_few_and_all_lines_are_counted():
    summary = summarize([b"oops\n" * 1000])
    assert summary.rejected == {RejectionReason.NOT_JSON: 1000}
    assert len((summary + summary).rejected_at) == MAX_REJECTED_RANGES


cell = st.sampled_from(["1", "18.00", "-7", "1e5", "x", "", "true", 'say "hi"', "a,b", "x\ny", "é"])
payloads = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=3)
)


def as_csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


@given(st.lists(payloads, max_size=12), st.data())
def test_parts_in_any_split_and_order_are_the_whole(requests, data):
    records = [line(side(as_csv(rows)) if data.draw(st.booleans()) else base64_side(as_csv(rows))) for rows in requests]
    cut = data.draw(st.integers(0, len(records)))
    pieces = data.draw(st.permutations([records[:cut], records[cut:], [b"oops\n"]]))
    whole = summarize([*records, b"oops\n"])
    parts = CaptureSummary.total(summarize(piece) for piece in pieces)
    plain, summed = (msgspec.structs.replace(one, rejected_at=(), tables=()) for one in (whole, parts))
    assert plain == summed
    assert whole.rows == sum(map(len, requests))
    for mine, theirs in zip(whole.tables, parts.tables, strict=True):
        assert (mine.names, mine.rows) == (theirs.names, theirs.rows)
        for one, other in zip(mine.columns, theirs.columns, strict=True):
            assert one.types == other.types
            assert one.categories == other.categories
            assert one.moments.mean == other.moments.mean
    for table in whole.tables:
        exact = [row for rows in requests for row in rows if len(row) == len(table.names)]
        for column, cells in zip(table.columns, zip(*exact, strict=True), strict=True):
            assert column.types.missing == cells.count("")
            assert column.types.present == len(cells) - cells.count("")


def test_zero_is_neutral():
    summary = summarize([GOOD, b"oops"])
    assert summary + CaptureSummary() == summary == CaptureSummary() + summary


def test_a_part_is_small():
    rows = "\n".join(repr(math.sin(i)) for i in range(1000))
    stored = msgspec.json.encode(summarize([line(side(rows))]).tables[0].columns[0])
    assert len(stored) <= 6_600  # 2,732 of them for the number of distinct values

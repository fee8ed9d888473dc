"""The exact reader: what only it reads."""

import json

from chalicelib.capture import record_reader
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.summary import summarize
from tests.capture.captures import line, record, side

GOOD = line(side("1,2"), side("0.5"))


def test_an_open_quote_never_swallows_the_next_request():
    content = GOOD + line(side('a,"b'), side("1")) + line(side('c,d"'), side("2")) + line(side('"e",f'), side("3"))
    read = summarize([content])
    assert read.rejected == {RejectionReason.PAYLOAD_NOT_CSV: 1}
    assert read.rows == 3


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


def test_a_million_rows_in_one_request_are_read_in_pieces():
    count = 300_000
    content = json.dumps(record(side("1.5,x\n" * count), side("7\n" * count))).encode()
    read = summarize([content])
    assert (read.events, read.rows) == (1, count)
    assert [column.types.present for column in read.tables[0].columns] == [count] * 3


def test_a_line_on_which_the_reader_itself_fails_is_rejected_and_the_others_count(monkeypatch):
    read = record_reader.payload

    def failing(given, **options):
        if "poison" in given.data:
            raise ZeroDivisionError
        return read(given, **options)

    monkeypatch.setattr(record_reader, "payload", failing)
    summary = summarize([line(side("1,2")) + line(side("poison")) + line(side("3,4"))])
    assert (summary.rows, summary.rejected) == (2, {"unexpected content": 1})
    assert len(summary.rejected_at) == 1

"""Rows -> tables: which rows are one table, and how many layouts and columns there may be."""

from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.summary import summarize
from tests.capture.captures import line, side


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

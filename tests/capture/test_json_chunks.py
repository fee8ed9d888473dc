"""A large JSON list is read in chunks, with the result of reading it whole."""

import json

import msgspec
import pytest

from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.summary import summarize
from tests.capture.captures import line, side


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

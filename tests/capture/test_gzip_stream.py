"""Objects in gzip: read like others, up to the damage, within a limit."""

import gzip

import pytest

from chalicelib.capture.gzip_stream import EXEMPT_BYTES
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.summary import summarize
from tests.capture.captures import line, side

GOOD = line(side("1,2"), side("0.5"))


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

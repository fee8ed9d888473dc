"""Hostile objects are read whole: every line counts. `benchmarks/bounds.py` holds their time and memory."""

import pytest

from chalicelib.capture.summary import summarize
from tests.capture.hostile import HOSTILE


@pytest.mark.parametrize("name", HOSTILE)
def test_every_line_is_read_or_rejected(name):
    content = HOSTILE[name]()
    summary = summarize([content])
    assert summary.lines == content.count(b"\n")

"""Both readers agree on random hostile files, and neither loses a line or comes to its end by an exception."""

import pytest

from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.summary import summarize
from chalicelib.statistics.files import read_statistics, write_statistics
from tests.capture.captures import difference, exactly, quickly
from tests.capture.hostile_files import hostile_file


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_both_readers_read_the_same_of_hostile_files(first):
    for seed in range(first, first + 50):
        content = hostile_file(seed)
        quick, exact = quickly(content), exactly(content)
        assert difference(quick, exact) == "", seed
        assert RejectionReason.UNEXPECTED not in exact.rejected, seed
        for table in exact.tables:
            if len(set(table.feature_names)) == len(table.names):
                read_statistics(write_statistics(table), "written")
        assert summarize([content]).lines == exact.lines

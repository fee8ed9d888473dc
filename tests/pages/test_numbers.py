"""The numbers of a card are those of the data, and what is not known is no number."""

import numpy as np
import pytest

from chalicelib.pages.numbers import UNKNOWN, compared_rows, mean_sentence
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.files import read_statistics, write_statistics
from chalicelib.statistics.table import Table

VALUES = np.random.default_rng(1).normal(50, 12, 4000).round(3)


def shown(baseline, current) -> dict[str, tuple[str, str]]:
    return {row.name: (row.baseline, row.current) for row in compared_rows(baseline, current)}


def test_the_numbers_are_those_of_numpy_for_a_baseline_that_was_read_from_its_file():
    table = Table.of([[str(value)] for value in VALUES], ("x",), k=2048)
    column = read_statistics(write_statistics(table), "x").columns[0]
    numeric = ("Mean", "Deviation", "Minimum", "25 %", "Median", "75 %", "Maximum")
    found = {name: float(shown(column, None)[name][0]) for name in numeric}
    assert found["Mean"] == pytest.approx(VALUES.mean(), abs=0.001)
    assert found["Deviation"] == pytest.approx(VALUES.std(), abs=0.001)
    assert (found["Minimum"], found["Maximum"]) == (VALUES.min(), VALUES.max())
    for name, rank in (("25 %", 0.25), ("Median", 0.5), ("75 %", 0.75)):
        assert np.mean(found[name] >= VALUES) == pytest.approx(rank, abs=0.01)
    about = shown(column, None)["Distinct"][0]
    assert int(about.removeprefix("about ").replace(",", "")) == pytest.approx(len(set(VALUES)), rel=0.06)


def test_missing_and_blank_cells_are_counted_with_their_share():
    found = shown(ColumnStatistics.of(["a", "b"]), ColumnStatistics.of(["a", " ", None, None]))
    assert found == {
        "Values": ("2", "2"),
        "Missing": ("0", "2 (50 %)"),
        "Blank": (UNKNOWN, "1 (25 %)"),
        "Distinct": ("2", "2"),
    }


def test_of_a_private_feature_only_counts_are_shown():
    private = ColumnStatistics.of(["18", "77", None]).without_values()
    assert shown(private, private) == {"Values": ("2", "2"), "Missing": ("1 (33.3 %)",) * 2}


@pytest.mark.parametrize("baseline", [None, ColumnStatistics(), ColumnStatistics.all_missing(9)])
def test_a_column_without_values_has_no_invented_numbers(baseline):
    found = shown(baseline, ColumnStatistics.of(["1", "2"]))
    assert found["Mean"] == (UNKNOWN, "1.5")
    assert found["Median"] == (UNKNOWN, "1")
    assert found["Distinct"] == (UNKNOWN, "2")
    assert mean_sentence(baseline, ColumnStatistics.of(["1", "2"])) == ""
    assert compared_rows(None, None) == ()

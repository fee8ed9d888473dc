"""What a card draws: categories that the baseline does not know by name, and one line for each measured distance."""

import msgspec

from chalicelib.constraints import check_types
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.pages import figures
from chalicelib.pages.figures import MAX_UNKNOWN_CATEGORIES
from chalicelib.pages.history import History
from chalicelib.statistics.column import ColumnStatistics
from tests.pages.samples import HOSTILE, by_days


def column(counts: dict[str, int]) -> ColumnStatistics:
    return ColumnStatistics.of_counts(counts, 0)


def test_unknown_categories_are_named_with_their_cells_even_where_they_are_rare():
    known = {f"kind {i}": 100 for i in range(30)}
    found = figures.categories(column(known), column(known | {"crypto": 2, "": 1, "voucher": 7}), None)
    assert found.unknown == (("voucher", "7"), ("crypto", "2"), ("(blank)", "1"))
    assert "crypto" not in [row.name for row in found.rows]  # one of the others


def test_a_domain_says_what_is_known_and_the_baseline_only_without_one():
    before, after = column({"a": 1, "b": 1}), column({"a": 1, "c": 4})
    assert figures.categories(before, after, ("a", "c")).unknown == ()
    assert figures.categories(before, after, None).unknown == (("c", "4"),)
    assert figures.categories(None, after, None).unknown == ()
    assert figures.categories(before, None, ("a",)).unknown == ()


def test_very_many_unknown_categories_are_counted():
    after = column({f"new {i:03}": 3 for i in range(100)} | {"a": 1})
    found = figures.categories(column({"a": 9}), after, None)
    assert len(found.unknown) == MAX_UNKNOWN_CATEGORIES
    assert found.more_unknown == "and 80 more in 240 cells"
    assert found.unknown_in_words == "Unknown: new 000 (3 cells), new 001 (3 cells), new 002 (3 cells) and others"


def test_hostile_categories_are_named_harmlessly():
    short = [text for text in HOSTILE if len(text) <= 64]
    found = figures.categories(column({"a": 1}), column(dict.fromkeys(short, 1)), None)
    assert len(found.unknown) >= 10
    for name, _ in found.unknown:
        assert len(name) <= 64
        assert "https://" not in name
        assert not set("\u202e\x00\x1b\r\n") & set(name)


def test_cells_of_all_bars_are_the_cells_of_the_column():
    after = column({f"kind {i}": i + 1 for i in range(40)})
    found = figures.categories(None, after, None)
    assert sum(int(row.cells.replace(",", "")) for row in found.rows) == after.types.present


def test_slow_and_sudden_drift_share_a_line_with_the_band_of_the_reference_days():
    monitored = by_days(1).monitored
    history = History.ending_with(monitored.execution, monitored.before, {})
    measured = [one for one in monitored.execution.measurements if one.feature == "amount_0"]
    found = list(figures.lines(measured, {"hard": history, "drift": history}))
    assert sorted(line.title for line in found) == ["Distance from its reference days", "Distance from the baseline"]
    by_day = next(line for line in found if line.banded)
    assert by_day.note == "vedette_slow_drift_check, threshold 0.12, reference days 0.01 to 0.09"
    assert 'class="r"' in by_day.shape
    assert "the reference days among themselves 0.01 to 0.09" in by_day.summary
    assert by_day.body.count("<tr>") == 30
    outside = [one for one in history.measurements(Fingerprint(check_types.SLOW_DRIFT, "amount_0")) if one.violated]
    assert outside
    assert by_day.body.count("violated") == len(outside)


def test_a_line_of_an_earlier_version_has_no_band():
    monitored = by_days(1).monitored
    slow = next(one for one in monitored.execution.measurements if one.check == check_types.SLOW_DRIFT)
    stored = msgspec.json.decode(msgspec.json.encode(slow))
    del stored["reference_distances"]
    old = msgspec.convert(stored, type(slow))
    history = History.ending_with(monitored.execution, monitored.before, {})
    (line,) = figures.lines([old], {"hard": history, "drift": history})
    assert not line.banded
    assert 'class="r"' not in line.shape

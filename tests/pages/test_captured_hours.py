"""The strip of captured hours: every hour has a place, and a gap is seen."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.capture.summary import CaptureSummary
from chalicelib.pages.captured_hours import MAX_SLOTS, CapturedHours, captured_strip
from chalicelib.pages.report import report
from tests.pages.samples import of_files

START = datetime(2026, 11, 21, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


def captured(*files: tuple[float, float], rejected: int = 0) -> CapturedHours:
    """Files of one request each, from their first to their last hour since START."""
    hours = CapturedHours()
    for first, last in files:
        summary = CaptureSummary(
            events=1,
            rows=2,
            rejected={"line is not JSON": rejected} if rejected else {},
            first_inference=START + first * HOUR,
            last_inference=START + last * HOUR,
        )
        hours.add(summary)
    return hours


def test_an_hour_without_captures_is_a_gap_in_the_strip():
    strip = captured_strip(captured((0, 0.9), (1.5, 1.6), (3, 3)))
    assert strip.title == "Captured in 3 of 4 hours"
    assert [slot.counts.tone for slot in strip.slots] == ["good", "good", "none", "good"]
    assert strip.slots[2].counts.words == "nothing captured"
    assert (strip.slots[0].at, strip.slots[-1].at) == ("2026-11-21 04:00", "2026-11-21 07:00")


def test_a_file_of_several_hours_covers_them():
    strip = captured_strip(captured((0, 2.5)))
    assert [slot.counts.words for slot in strip.slots] == [
        "1 request, 2 rows",
        "in a file that began before",
        "in a file that began before",
    ]
    assert strip.title == "Captured in 3 of 3 hours"


def test_rejected_lines_are_seen_in_their_hour():
    (slot,) = captured_strip(captured((0, 0), rejected=3)).slots
    assert (slot.counts.tone, slot.counts.words) == ("poor", "1 request, 2 rows, 3 lines rejected")


def test_a_long_time_is_shown_by_the_day():
    strip = captured_strip(captured(*((hour, hour) for hour in range(0, 24 * 20, 2))))
    assert strip.title == "Captured in 21 of 21 days"
    assert strip.slots[1].counts.requests == 12
    assert strip.slots[1].at == "2026-11-22"


@pytest.mark.parametrize("years", [1, 2000])
def test_of_very_many_days_the_last_are_shown(years):
    strip = captured_strip(captured((0, 0), (years * 365 * 24, years * 365 * 24)))
    assert len(strip.slots) == MAX_SLOTS
    assert strip.note == "not shown: 1 day before"
    assert strip.slots[-1].counts.tone == "good"


def test_a_file_that_claims_to_span_centuries_stays_small():
    assert len(captured((0, 24 * 365 * 300)).hours) < 1000


def test_requests_without_a_time_are_counted_apart():
    hours = captured((0, 0))
    hours.add(CaptureSummary(events=4, rows=4))
    assert captured_strip(hours).note == "4 requests without a time"
    assert captured_strip(CapturedHours()) is None


def test_a_page_of_files_shows_source_time_baseline_and_the_strip():
    page = report(of_files()).decode()
    for said in (
        "<dt>Source</dt><dd>captures/</dd>",
        "<dt>Captured</dt><dd>2026-11-21 04:00 to 2026-11-22 09:00 UTC</dd>",
        "<dt>Baseline</dt><dd>baseline/</dd><dd>8 features, 600 rows</dd>",
        "Captured in 27 of 30 hours",
        'title="2026-11-21 16:00, 20 requests, 20 rows, 1 line rejected"',
    ):
        assert said in page
    assert page.count('<i class="none"') == 3

"""Drift has windows of its own: what they say and what the shorter ones say do not touch each other."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.alerts.state import transition
from chalicelib.constraints.measurement import Measurement
from chalicelib.records import AlertState, Execution, Thresholds

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def measured(check, violated, severity="warning"):
    return Measurement(
        feature="b", check=check, kind="drift" if "drift" in check else "hard", expected="", observed="", value=0.5,
        threshold=0.1, violated=violated, severity=severity,
    )  # fmt: skip


def window(start_hour, hours, checks, *measurements, verdict="OK", rows=100):
    start = MIDNIGHT + timedelta(hours=start_hour)
    return Execution(
        endpoint="site", variant="AllTraffic", window_start=start, window_end=start + timedelta(hours=hours),
        window_closed=True, package_version="1", revision=1, baseline="v1",
        verdict="Violations" if any(m.violated for m in measurements) else verdict, requests=rows, rows=rows,
        rejected={}, measurements=measurements, parts=(), folder="", evaluated_at=start, checks_run=checks,
    )  # fmt: skip


def hour(number, violated=False, **more):
    return window(number, 1, "hard", measured("data_type_check", violated), **more)


def day(number, violated):
    return window(24 * number, 24, "drift", measured("baseline_drift_check", violated))


def reported(*executions):
    book, said = AlertState(endpoint="site", variant="AllTraffic", had_rows=True), []
    for execution in executions:
        moved = transition(book, execution, Thresholds())
        book = moved.after
        said += [("new", m.check) for m in moved.new] + [("recovered", m.check) for m in moved.recovered]
    return said


def test_two_days_of_drift_are_reported_once_though_every_hour_is_clean():
    days = [[*map(hour, range(24 * n, 24 * n + 24)), day(n, violated=n < 3)] for n in range(5)]
    assert reported(*(one for some in days for one in some)) == [
        ("new", "baseline_drift_check"), ("recovered", "baseline_drift_check"),
    ]  # fmt: skip


def test_a_day_does_not_end_what_its_hours_said():
    hours = [hour(n, violated=n < 24) for n in range(26)]
    assert reported(*hours[:24], day(0, violated=False), *hours[24:]) == [
        ("new", "data_type_check"), ("recovered", "data_type_check"),
    ]  # fmt: skip


def test_a_day_that_is_reported_again_or_late_changes_nothing():
    assert reported(day(0, True), day(1, True), day(1, True), day(0, False)) == [("new", "baseline_drift_check")]


def test_a_day_and_its_last_hour_end_at_the_same_time_and_both_count():
    assert reported(hour(23, violated=True), day(0, True), day(1, True)) == [
        ("new", "data_type_check"), ("new", "baseline_drift_check"),
    ]  # fmt: skip


def test_quiet_hours_are_no_alert_and_a_quiet_day_is_one():
    quiet = [window(n, 1, "hard", verdict="NoData", rows=0) for n in range(24)]
    assert reported(*quiet) == []
    empty = window(0, 24, "drift", verdict="NoData", rows=0)
    assert reported(*quiet, empty, hour(24), hour(25)) == [("new", "no_data"), ("recovered", "no_data")]


@pytest.mark.parametrize("verdict", ["CaptureStopped", "MonitorFailed"])
def test_other_silences_are_reported_by_the_hour(verdict):
    loud = window(0, 1, "hard", verdict=verdict, rows=0)
    check = {"CaptureStopped": "capture_stopped", "MonitorFailed": "monitor_failed"}[verdict]
    assert reported(loud) == [("new", check)]
    assert reported(replace(loud, checks_run="drift")) == []


def test_a_trace_is_clean():
    trace = window(0, 1, "hard", measured("data_type_check", True, severity="information"))
    assert reported(trace) == []

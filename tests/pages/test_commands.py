"""`vedette status` and `vedette report`, as a person and as a script call them."""

import json
import re

import pytest
from msgspec.structs import replace

from chalicelib.constraints.measurement import Fingerprint
from chalicelib.endpoint_run import stage_stores
from chalicelib.locations import endpoint_partition
from chalicelib.records import AlertMessage, AlertState, FingerprintState, OutboxMessage, SweepCheckpoint
from tests.operations.installed_stage import OTHER, SITE


def test_status_is_a_table_whose_words_need_no_colour(evaluated):
    result = evaluated.run("status")
    assert result.exit_code == 1  # an alert is open
    row = next(line for line in result.output.splitlines() if f"│ {SITE} " in line)
    cells = [cell.strip() for cell in row.split("│")[1:-1]]
    assert cells[:4] == [SITE, "deploy", "1", "1"]
    assert cells[5].startswith("Violations (1), ")
    assert cells[6] == "1"
    assert f"{SITE}: b, data_type_check (critical), since " in result.output
    assert "\x1b[" not in result.output


def test_status_of_one_endpoint_says_why_and_the_verdict_of_each_variant(evaluated):
    said = evaluated.run("status", SITE).output
    assert "Wanted: version 1 is the newest approved version." in said
    assert re.search(r"AllTraffic: Violations, window until \d{4}-\d\d-\d\d \d\d:\d\d UTC", said)
    assert "not in the fleet" in evaluated.refused("status", OTHER)


def test_status_for_scripts_is_json(evaluated):
    found = evaluated.answer("status")
    (one,) = found["endpoints"]
    assert (found["stage"], found["paused"]) == ("local", None)
    assert (one["endpoint"], one["mode"], one["state"]) == (SITE, "deploy", "InService")
    assert (one["served"], one["wanted"]) == ("1", "1")
    assert [alert["check"] for alert in one["alerts"]] == ["data_type_check"]
    assert one["verdicts"][0]["verdict"] == "Violations"
    assert one["last_capture"].startswith("2026-")
    assert (one["undelivered"], one["polled"]) == (0, False)


def test_status_says_who_paused_and_why(evaluated):
    evaluated.done("pause", "--reason", "change freeze", "--yes")
    try:
        assert "change freeze" in evaluated.run("status").output
        assert evaluated.answer("status")["paused"]["reason"] == "change freeze"
    finally:
        evaluated.done("resume", "--yes")


def test_status_says_what_is_muted_what_is_not_delivered_and_what_is_polled(evaluated):
    now = evaluated.cloud.clock.now()
    muted = FingerprintState(state="muted", severity="warning", since=now, last_seen=now)
    pending = FingerprintState(state="pending", severity="warning", since=now, last_seen=now)
    message = AlertMessage(
        alert_id="1", kind="violations", severity="warning", endpoint=SITE, variant="blue", headline="x", items=()
    )
    book = AlertState(
        endpoint=SITE,
        variant="blue",
        fingerprints={
            Fingerprint("baseline_drift_check", "\x1b[31mred"): muted,
            Fingerprint("baseline_drift_check", "a"): pending,
        },
        outbox=(OutboxMessage(alert_id="1", message=message),),
    )
    pk = endpoint_partition(SITE)
    swept, revision = stage_stores().deployments.table.get(SweepCheckpoint, pk, "sweep")
    assert stage_stores().deployments.table.put(book, pk, "alerts#blue", 0)
    polled = replace(swept or SweepCheckpoint(endpoint=SITE), delivery="polled")
    assert stage_stores().deployments.table.put(polled, pk, "sweep", revision)
    try:
        said = evaluated.run("status").output
        assert all(words in said for words in ("1 muted", "1 message", "polling (no", "EventBridge)"))
        assert "red, baseline_drift_check (warning, muted), since" in evaluated.run("status", SITE).output
        assert "\x1b[31m" not in said
        (one,) = evaluated.answer("status")["endpoints"]
        assert (len(one["alerts"]), one["undelivered"], one["polled"]) == (2, 1, True)
    finally:
        stage_stores().deployments.table.delete(pk, "alerts#blue")
        stage_stores().deployments.table.delete(pk, "sweep")


def test_status_says_that_captures_may_not_be_read_and_that_a_person_should_look(evaluated):
    pk = endpoint_partition(SITE)
    swept, revision = stage_stores().deployments.table.get(SweepCheckpoint, pk, "sweep")
    assert stage_stores().deployments.table.put(
        replace(swept or SweepCheckpoint(endpoint=SITE), delivery="closed"), pk, "sweep", revision
    )
    try:
        shown = evaluated.run("status")
        words = ("captures cannot", "vedette watch")
        assert (shown.exit_code, all(word in shown.output for word in words)) == (1, True)
        (one,) = evaluated.answer("status")["endpoints"]
        assert (one["polled"], one["closed"]) == (False, True)
    finally:
        stage_stores().deployments.table.delete(pk, "sweep")


def test_a_report_goes_to_a_file_or_to_standard_output(evaluated, tmp_path):
    said = evaluated.done("report", SITE, "-o", tmp_path / "site.html")
    assert said.startswith("Violations, AllTraffic, 2026-")
    page = (tmp_path / "site.html").read_bytes()
    assert page.startswith(b"<!doctype html>")
    assert evaluated.run("report", SITE, "-o", "-").stdout_bytes == page
    reported = evaluated.answer("report", SITE, "-o", tmp_path / "again.html")
    assert (reported["verdict"], reported["name"]) == ("Violations", "AllTraffic")


def test_a_page_is_made_again_where_none_was_written(evaluated, tmp_path):
    folder = evaluated.answer("report", SITE, "-o", tmp_path / "a.html")["folder"]
    stored = (tmp_path / "a.html").read_bytes()
    key = folder.removeprefix(f"s3://{evaluated.bucket}/") + "report.html"
    assert stage_stores().bucket.get(key) == stored
    stage_stores().bucket.delete(key)
    try:
        evaluated.done("report", SITE, "-o", tmp_path / "b.html")
        made = (tmp_path / "b.html").read_text()
        assert "b is not Integral in 50.0% of 240 rows." in made
        assert "another type 50 %" in made
    finally:
        stage_stores().bucket.put(key, stored, "text/html; charset=utf-8")


def test_earlier_windows_can_be_asked_for(evaluated, tmp_path):
    windows = re.findall(r'title="(\S+ \S+), OK', evaluated.run("report", SITE, "-o", "-").stdout)
    assert len(windows) == 2
    said = evaluated.done("report", SITE, "--window", windows[0].replace(" ", "T"), "-o", tmp_path / "old.html")
    assert said.startswith("OK, AllTraffic, ")
    assert "No results" in evaluated.refused("report", SITE, "--window", "2020-01-01T00")


def test_the_index_links_the_report_of_every_endpoint(evaluated, tmp_path):
    said = evaluated.done("report", "--all", "-o", tmp_path / "all")
    assert "1 endpoint, 1 needs attention" in said
    index = (tmp_path / "all/index.html").read_text()
    assert f'<a href="{SITE}.html">{SITE}</a>' in index
    assert (tmp_path / "all" / f"{SITE}.html").read_text().startswith("<!doctype html>")
    strip = re.search(r'class="timeline days" role="img" aria-label="([^"]*)"', index)[1]
    assert strip.startswith("30 days: ")
    assert "1 Violations; Violations last on 2026-" in strip
    assert index.count('<i class="') == 30


@pytest.mark.parametrize("words", [(), ("--all",), (SITE, "--all", "-o", "x")])
def test_what_cannot_be_meant_is_refused(evaluated, words):
    result = evaluated.run("report", *words)
    assert result.exit_code == 2
    assert "Name one endpoint, or use --all with -o DIR" in result.output


def test_answers_are_json_alone(evaluated, tmp_path):
    for words in (("status",), ("report", SITE, "-o", tmp_path / "x.html"), ("report", "--all", "-o", tmp_path)):
        assert json.dumps(evaluated.answer(*words))


def test_the_page_that_monitoring_has_written_opens_as_it_is(evaluated, opened, tmp_path):
    evaluated.run("report", SITE, "-o", tmp_path / "site.html")
    found = opened((tmp_path / "site.html").read_bytes())
    assert found.page.locator("h1").inner_text() == "b is not Integral in 50.0% of 240 rows."
    assert ": the data changed, not the model." in found.page.locator(".since").inner_text()
    assert found.page.locator(".timeline .good").count() == 2
    assert (found.complaints, found.requests) == ([], [])

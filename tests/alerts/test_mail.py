"""The mail, read as its receiver reads it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.alerts import email_text
from chalicelib.alerts.message import served_since
from chalicelib.alerts.next_steps import AlertContext
from chalicelib.alerts.state import transition
from chalicelib.records import Deployment, Thresholds
from tests.alerts.factories import (
    HOUR,
    NOON,
    SENTENCE,
    WHERE,
    book,
    clean,
    drift,
    execution,
    said,
    sent,
    shown,
    violation,
)

COMMANDS = (
    "vedette show violations preferred-site --window 2026-03-02T12:00 --stage dev",
    "vedette rollback preferred-site --reason WHY --stage dev",
    "vedette replay preferred-site --from 14d --stage dev",
    "vedette constraints accept preferred-site --window 2026-03-02T12:00 --reason WHY --stage dev",
    "vedette alerts mute 614728c245da --until 12h --reason WHY --stage dev",
)


def test_the_mail_tells_a_person_what_is_wrong_where_since_when_and_what_to_do():
    subject, text = shown(execution(violation()))
    assert subject == "[critical] preferred-site: b is not Integral in 50.0% of 480 rows"
    for fact in (
        "b is not Integral in 50.0% of 480 rows.",
        "Endpoint  preferred-site, variant AllTraffic",
        "Model     version 2, served for 3 hours, since 2026-03-02 10:00 UTC",
        "Window    2026-03-02 12:00 to 13:00 UTC",
        "Rows      480 evaluated, 3 lines rejected",
        "expected  Integral",
        "observed  50.0% Integral",
        "fingerprint 614728c245da",
        *COMMANDS,
    ):
        assert fact in text
    assert SENTENCE in " ".join(text.split())


def test_prose_is_72_columns_wide_and_only_commands_and_links_are_wider():
    _, text = shown(execution(violation(), drift("a long name of a feature " * 3), violation("c" * 90)))
    wide = [line.strip() for line in text.splitlines() if len(line) > 72]
    assert wide
    assert all(line.startswith(("vedette ", "https://")) for line in wide)


@pytest.mark.parametrize(
    ("served", "started"),
    [
        (NOON - 2 * HOUR, "Started 2 hours after version 2 was deployed."),
        (NOON + HOUR / 2, "Started in the window in which version 2 was deployed."),
        (NOON - 23 * HOUR, "Started 23 hours after version 2 was deployed."),
        (NOON - 30 * HOUR, None),
        (None, None),
    ],
)
def test_what_begins_within_a_day_after_a_deployment_says_how_long_after(served, started):
    _, text = shown(execution(violation()), where=AlertContext("b", served_since=served))
    assert started in text if started else "Started" not in text


def test_since_when_a_version_serves_is_its_last_verified_deployment_before_the_window():
    def attempt(version: str, hours: int, state: str = "verified", reason: str = "") -> Deployment:
        return Deployment(
            endpoint="preferred-site",
            package_arn="",
            package_version=version,
            config="c",
            previous_config="",
            previous_package_arn="",
            requested_at=NOON + hours * HOUR,
            settled_at=NOON + (hours + 1) * HOUR,
            state=state,
            reason=reason,
        )

    history = [attempt("2", -30), attempt("1", -20), attempt("2", -10), attempt("2", -5, "failed"), attempt("2", 5)]
    assert served_since(history, "2", NOON) == NOON - 9 * HOUR
    assert served_since(history, "3", NOON) is None
    assert served_since([attempt("2", -3, reason="adopted by ann")], "2", NOON) is None


def test_what_goes_on_and_what_recovered_stand_under_headings_of_their_own_with_since_when():
    before = transition(book(), execution(violation("a"), violation("r")), Thresholds()).after
    before = transition(before, execution(violation("a"), clean("r"), hour=1), Thresholds()).after
    _, text = shown(execution(violation("b"), violation("a"), clean("r"), hour=2), before=before)
    new, on, over = (text.index(f"\n{heading}\n") for heading in ("New", "Continuing", "Recovered"))
    assert new < text.index("  b: ") < on < text.index("  a: ") < over < text.index("  r: ")
    assert "since     2026-03-02 12:00 UTC" in text


def test_drift_shows_its_distance_and_what_is_allowed():
    before = transition(book(), execution(drift()), Thresholds()).after
    subject, text = shown(execution(drift(), hour=1), before=before)
    assert subject == "[warning] preferred-site: b has drifted: distance 0.31, threshold 0.1"
    assert "distance  0.310, threshold 0.1" in text


def test_a_recovery_says_that_nothing_needs_to_be_done():
    before = transition(book(), execution(violation()), Thresholds()).after
    before = transition(before, execution(clean(), hour=1), Thresholds()).after
    subject, text = shown(execution(clean(), hour=2), before=before)
    assert subject == "[recovered] preferred-site: b is as expected again (Integral)"
    assert "1. No action is needed." in text
    assert "mute" not in text


def test_a_subject_keeps_how_many_more_there_are_when_it_is_cut():
    subject, _ = shown(execution(*(violation(f"{'long_' * 11}{n}") for n in range(20)), endpoint="e" * 60))
    assert (len(subject), subject[-13:]) == (99, ", and 19 more")


@pytest.mark.parametrize(
    ("verdict", "notes", "subject"),
    [
        ("NoData", (), "[information] preferred-site: nothing was captured in the last window"),
        ("CaptureStopped", (), "[warning] preferred-site: the endpoint has traffic, but nothing is captured"),
        (
            "MonitorFailed",
            ("out of memory",),
            "[warning] preferred-site: the evaluation failed: out of memory",
        ),
    ],
)
def test_silences_have_words_and_commands_of_their_own(verdict, notes, subject):
    made = execution(verdict=verdict, notes=notes)
    found, text = shown(made, before=book(had_rows=True))
    assert found == subject
    assert "vedette alerts mute" in text
    assert ("vedette capture status preferred-site --stage dev" in text) == (verdict != "MonitorFailed")


def test_a_verdict_of_model_monitor_names_its_report_and_no_command_that_knows_nothing_of_it():
    made = execution(violation(), source="model monitor", folder="s3://b/reports/1", variant="schedule s")
    _, text = shown(made)
    assert "Endpoint  preferred-site, schedule s" in text
    assert "s3://b/reports/1/constraint_violations.json" in text
    assert "Rows" not in text
    assert "vedette show" not in text


def test_one_object_of_an_open_window_says_so():
    _, text = shown(execution(violation(), window_closed=False, window_end=NOON + timedelta(minutes=1)))
    assert "Captured  from 2026-03-02 12:00 UTC on, in a window that is still open" in text


def test_a_version_that_is_no_number_is_not_shown_as_one():
    _, text = shown(execution(violation(), package_version="unversioned"), where=replace_where())
    assert "Model     not from the model registry" in text
    assert "rollback" not in text


def replace_where() -> AlertContext:
    return AlertContext(WHERE.bucket, deploys=True)


def test_the_stage_is_named_in_every_vedette_command_once():
    (message,) = said(execution(violation()))
    once = sent(message)
    assert sent(replace(once, links={})).what_to_do == once.what_to_do
    assert email_text.text(once).count("--stage dev") == len(COMMANDS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "b is not Integral in 50.0% of 480 rows."),
        ({"value": None}, "b has values of another type than the baseline."),
        ({"value": 0.9996, "observed": "99.96%"}, "b is not Integral in 0.04% of 480 rows."),
        ({"check": "completeness_check", "value": 0.8}, "b is missing in 20.0% of 480 rows."),
        ({"check": "completeness_check", "value": None}, "b is missing in more rows than the baseline allows."),
        (
            {"check": "baseline_drift_check", "value": 0.5, "threshold": 0.1},
            "b has drifted: distance 0.50, threshold 0.1.",
        ),
        ({"check": "baseline_drift_check", "value": None}, "b has drifted from the baseline."),
        (
            {"check": "categorical_values_check", "observed": "90.0% known"},
            "b has values that the baseline does not have (90.0% known).",
        ),
        ({"check": "categorical_values_check", "observed": ""}, "b has values that the baseline does not have."),
        (
            {"check": "missing_column_check", "observed": "2 columns", "expected": "3 columns"},
            "The number of columns differs from the baseline: 2 columns, expected 3 columns.",
        ),
        ({"check": "vedette_non_negative_check", "value": 0.25}, "b is negative in 25.0% of its values."),
        (
            {"check": "vedette_range_check", "value": 0.25, "expected": "0 to 9"},
            "b is out of its range (0 to 9) in 25.0% of its values.",
        ),
        (
            {"check": "vedette_volume_check", "observed": "3 rows an hour", "expected": "90 to 400 rows an hour"},
            "Traffic is unusual: 3 rows an hour, expected 90 to 400 rows an hour.",
        ),
        ({"check": "another_teams_check"}, "b violates another_teams_check."),
        ({"feature": ""}, "(a feature without a name) is not Integral in 50.0% of 480 rows."),
    ],
)
def test_the_first_sentence_says_what_is_wrong_in_words(changes, words):
    _, text = shown(execution(violation(**changes)))
    assert " ".join(text.split("\n\n")[0].split()) == words


def test_a_place_in_a_sentence_is_not_parted_at_its_hyphens():
    place = "s3://our-ml-captures-eu-west-1/preferred-site"
    (message,) = said(execution(violation()))
    assert place in email_text.text(
        replace(message, headline=f"the endpoint captures to another place now, to {place}")
    )

"""The mail, read as its receiver reads it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.alerts import email_text
from chalicelib.alerts.cause import served_since
from chalicelib.alerts.next_steps import AlertContext
from chalicelib.alerts.state import transition
from chalicelib.records import AlertMessage, Deployment, Thresholds
from tests.alerts.factories import (
    HOUR,
    NOON,
    SENTENCE,
    WHERE,
    book,
    clean,
    drift,
    eventful,
    execution,
    said,
    sent,
    shown,
    violation,
)

WHOLE = """\
b is not Integral in 50.0% of 480 rows.

Critical since 2026-03-02 14:00 UTC. Began 4 hours after version 2 was
deployed.

Endpoint  preferred-site, variant AllTraffic
Model     version 2, served since 2026-03-02 10:00 UTC
Window    2026-03-02 14:00 to 15:00 UTC
Rows      480 evaluated, 3 lines rejected

New
  b: data_type_check, critical
    expected  Integral
    observed  50.0% Integral
    Data type match requirement is not met. Expected data type:
    Integral, Expected match: 100.0%. Observed: Only 50.0% of data is
    Integral.
    fingerprint 614728c245da
  and 1,200 more; the report has them all

Continuing
  a: data_type_check, critical
    expected  Integral
    observed  50.0% Integral
    since     2026-03-02 12:00 UTC
    fingerprint e366f3682342

Recovered
  r: data_type_check
    expected  Integral
    observed  100.0% Integral
    began     2026-03-02 12:00 UTC
    ended     2026-03-02 13:00 UTC

What to do
  1. If a client sends wrong data, tell its owner; the findings above
     say what is wrong.
  2. See all findings:
     vedette show violations preferred-site --stage dev

Links
  Endpoint
  https://console/endpoint
  Report
  https://console/report
  another
  https://console/another

Alert 0123456789abcdef, sent by Vedette in stage dev.
"""
WINDOW = "--variant AllTraffic --window 2026-03-02T12:00"
STAGE = "--stage dev --region eu-west-1"
COMMANDS = (
    f"vedette show violations preferred-site {WINDOW} {STAGE}",
    f"vedette rollback preferred-site --reason WHY {STAGE}",
    f"vedette replay preferred-site {WINDOW} --from 14d {STAGE}",
    f"vedette constraints accept preferred-site {WINDOW} --feature b --reason WHY {STAGE}",
    f"vedette alerts mute 614728c245da --until 12h --reason WHY {STAGE}",
)


def test_the_mail_tells_a_person_what_is_wrong_where_since_when_and_what_to_do():
    subject, text = shown(execution(violation()))
    assert subject == "[critical] preferred-site: b is not Integral in 50.0% of 480 rows"
    for fact in (
        "b is not Integral in 50.0% of 480 rows.",
        "Endpoint  preferred-site, variant AllTraffic",
        "Model     version 2, served since 2026-03-02 10:00 UTC",
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


def test_the_mail_says_what_a_violation_began_with():
    _, text = shown(execution(violation()))
    assert "Critical since 2026-03-02 12:00 UTC. Began 2 hours after version 2 was" in text
    _, text = shown(execution(violation()), where=AlertContext("b"))
    assert "Critical since 2026-03-02 12:00 UTC.\n" in text
    assert "Began" not in text


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
    assert served_since([attempt("2", 0)], "2", NOON) is None
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
    assert subject == "[recovered] preferred-site: b is as expected again (Integral) after 1 hour"
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
    assert ("vedette capture status preferred-site --stage dev --region eu-west-1" in text) == (
        verdict != "MonitorFailed"
    )


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
        ({"check": "completeness_check", "value": 0.8}, "b is missing or blank in 20.0% of 480 rows."),
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
            "The columns differ from the baseline: 2 columns, expected 3 columns.",
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


def whole(**changes) -> str:
    """The mail about the eventful message, with fewer steps and shorter links."""
    values = {
        "alert_id": "0123456789abcdef",
        "stage": "dev",
        "more": {"new": 1_200},
        "what_to_do": (
            "If a client sends wrong data, tell its owner; the findings above say what is wrong.",
            "See all findings:\nvedette show violations preferred-site --stage dev",
        ),
        "links": {name: f"https://console/{name}" for name in ("endpoint", "report", "another")},
    }
    return email_text.text(eventful(**(values | changes)))


def test_the_whole_mail():
    assert whole() == WHOLE


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"stage": ""}, " in stage dev"),
        ({"links": {}}, WHOLE[WHOLE.index("Links\n") : WHOLE.index("Alert 0")]),
        ({"what_to_do": ()}, WHOLE[WHOLE.index("What to do\n") : WHOLE.index("Links\n")]),
        ({"folder": ""}, "; the report has them all"),
        ({"more": {}}, "  and 1,200 more; the report has them all\n"),
        ({"cause": ""}, " Began 4 hours after version 2 was\ndeployed."),
        ({"variant": ""}, ", variant AllTraffic"),
        ({"rows": None}, "Rows      480 evaluated, 3 lines rejected\n"),
        ({"refused": 0}, ", 3 lines rejected"),
    ],
)
def test_what_a_message_does_not_have_is_left_out_of_its_mail(changes, missing):
    assert missing in WHOLE
    assert whole(**changes) == WHOLE.replace(missing, "")


def facts(**changes) -> dict[str, str]:
    return dict(email_text.facts(eventful(**changes)))


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"served_since": None}, "Model", "version 2"),
        ({"window_end": None}, "Model", "version 2, served since 2026-03-02 10:00 UTC"),
        ({"window_end": NOON - 2 * HOUR}, "Model", "version 2, served since 2026-03-02 10:00 UTC"),
        ({"package_version": ""}, "Model", None),
        ({"package_version": "2b"}, "Model", "not from the model registry"),
        ({"window_end": None}, "Window", None),
        ({"window_end": None}, "Captured", "from 2026-03-02 14:00 UTC on, in a window that is still open"),
        ({"closed": False}, "Captured", "from 2026-03-02 14:00 UTC on, in a window that is still open"),
        ({"closed": False}, "Window", None),
        ({"window_start": None}, "Window", None),
        ({"window_start": None}, "Captured", None),
        ({"window_end": NOON + 24 * HOUR}, "Window", "2026-03-02 14:00 to 2026-03-03 12:00 UTC"),
        ({"rows": 1_200, "refused": 1}, "Rows", "1,200 evaluated, 1 line rejected"),
        ({"rows": 0, "refused": None}, "Rows", "0 evaluated"),
        ({"variant": "x" * 400}, "Endpoint", "preferred-site, variant " + "x" * 275 + "…"),
        ({"variant": "schedule s", "source": "model monitor"}, "Endpoint", "preferred-site, schedule s"),
        ({"noun": "records"}, "Records", "preferred-site, variant AllTraffic"),
        ({"noun": "jobs", "variant": ""}, "Jobs of", "preferred-site"),
    ],
)
def test_the_facts_of_a_message_are_as_exact_as_it_is(changes, name, value):
    assert facts(**changes).get(name) == value


def test_a_finding_shows_only_what_it_has():
    bare = replace(
        eventful().items[0], expected="", observed="", description="", fingerprint="", since=None, check="a_check"
    )
    text = email_text.text(eventful(items=(bare,), more={"continuing": 2}))
    findings = text[text.index("New\n") : text.index("What to do")]
    assert findings == "New\n  b: a_check, critical\n\nContinuing\n  and 2 more; the report has them all\n\n"


def test_long_values_are_wrapped_below_their_names():
    wide = replace(eventful().items[0], subject="s " * 39 + "s", expected="long " * 20, description="d-d " * 20)
    text = email_text.text(eventful(items=(wide,), endpoint="an endpoint " * 8))
    assert "Endpoint  an endpoint an endpoint an endpoint an endpoint an endpoint an\n          endpoint an" in text
    assert "    expected  long long long long long long long long long long long\n              long long" in text
    assert f"\n  {'s ' * 34}s\n  s s s s s: data_type_check, critical\n" in text
    assert f"\n    {('d-d ' * 17).strip()}\n    d-d d-d d-d\n" in text


def test_the_distance_of_drift_needs_both_of_its_numbers():
    made = replace(eventful().items[0], check="baseline_drift_check", value=0.31, threshold=0.1)
    expected = [("expected", "Integral"), ("observed", "50.0% Integral")]
    assert email_text.values(made) == [*expected, ("distance", "0.310, threshold 0.1")]
    assert email_text.values(replace(made, value=None)) == expected
    assert email_text.values(replace(made, threshold=None)) == expected
    assert email_text.values(replace(made, check="data_type_check")) == expected


def test_long_steps_are_cut():
    (step,) = email_text.steps(eventful(what_to_do=("t" * 500 + "\n" + "c" * 1_300,)))
    assert step == ("t" * 399 + "…", "c" * 1_199 + "…")


def test_a_deployment_and_a_test_are_told_in_sentences():
    def notification(kind: str, *facts: tuple[str, str]) -> AlertMessage:
        template = eventful().items[0]
        return AlertMessage(
            alert_id="0123456789abcdef",
            kind=kind,
            severity="information",
            endpoint="site",
            variant="",
            headline="version 2 is deployed",
            items=tuple(replace(template, subject=name, observed=value) for name, value in facts),
            package_version="2",
        )

    ends = "\n\nAlert 0123456789abcdef, sent by Vedette.\n"
    begins = "Version 2 is deployed.\n\nEndpoint  site\nModel     version 2"
    deployed = notification("deployment", ("approved by", "ann"), ("remark", "... no alarm."))
    assert email_text.text(deployed) == f"{begins}\n\nApproved by: ann.\n\nRemark: ... no alarm.{ends}"
    assert email_text.text(notification("test", ("mark", "m"))) == f"{begins}\n\nMark: m.{ends}"
    assert email_text.subject(deployed) == "[information] site: version 2 is deployed"
    assert email_text.subject(notification("test")) == "[test] site: version 2 is deployed"

"""The mail, read as its receiver reads it, and the rules that SNS and safety set."""

import re
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.alerts.message import MOST_FINDINGS, Whereabouts, messages
from chalicelib.alerts.state import Thresholds, transition
from chalicelib.constraints.measurement import Measurement
from chalicelib.records import AlertBook, AlertMessage, Execution, read, write

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WHERE = Whereabouts(bucket="vedette-dev", capture_uri="s3://vedette-dev/data-capture")
SENTENCE = (
    "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
    "Observed: Only 50.0% of data is Integral."
)


def violation(feature: str = "b", **changes) -> Measurement:
    found = Measurement(
        feature=feature,
        check="data_type_check",
        kind="hard",
        expected="Integral",
        observed="50.0% Integral",
        value=0.5,
        threshold=1.0,
        violated=True,
        severity="critical",
        description=SENTENCE,
    )
    return replace(found, **changes)


def execution(*measurements: Measurement, **changes) -> Execution:
    made = Execution(
        endpoint="preferred-site",
        variant="AllTraffic",
        window_start=NOON,
        window_end=NOON + timedelta(hours=1),
        closed=True,
        package_version="2",
        revision=1,
        baseline="v1",
        verdict="Violations",
        events=480,
        rows=480,
        refused={"line is not JSON": 3},
        measurements=measurements,
        parts=(),
        folder="monitoring/preferred-site/AllTraffic/2026-03-02T12-00Z_60m/2/0001/",
        judged_at=NOON,
    )
    return replace(made, **changes)


def said(made: Execution, book: AlertBook | None = None):
    before = book or AlertBook(endpoint=made.endpoint, variant=made.variant)
    return messages(transition(before, made, Thresholds()), made, WHERE)


def test_the_mail_tells_a_person_what_is_wrong_where_and_what_to_do():
    (mail,) = said(execution(violation()))
    assert mail.subject == "[critical] preferred-site: b is not Integral in 50.0% of 480 rows"
    for fact in (
        "b is not Integral in 50.0% of 480 rows.",
        "Endpoint  preferred-site, variant AllTraffic",
        "Model     version 2",
        "Window    2026-03-02 12:00 to 2026-03-02 13:00 UTC",
        "Rows      480 judged, 3 lines could not be read",
        "expected  Integral",
        "observed  50.0% Integral",
        "What to do",
        "vedette evaluate s3://vedette-dev/data-capture/preferred-site/AllTraffic/2026/03/02/12/"
        " --baseline s3://vedette-dev/baselines/preferred-site/v1/ --report report.html",
    ):
        assert fact in mail.text
    assert SENTENCE in " ".join(mail.text.split())


def test_prose_is_72_columns_wide_and_only_a_command_on_a_line_of_its_own_is_wider():
    (mail,) = said(execution(violation()))
    wide = [line for line in mail.text.splitlines() if len(line) > 72]
    assert all(line.startswith("     ") and ("s3://" in line or "aws " in line) for line in wide)


def test_the_same_facts_have_the_same_id_and_the_data_reads_back():
    one, two = said(execution(violation()))[0], said(execution(violation(), judged_at=NOON + timedelta(days=1)))[0]
    assert one.alert_id == two.alert_id
    assert read(AlertMessage, write(one.message), "message") == one.message
    assert said(execution(violation("a")))[0].alert_id != one.alert_id


def test_many_violations_are_one_message_with_the_worst_and_a_number():
    found = [violation(f"f{n:05}") for n in range(10_000)]
    (mail,) = said(execution(*found))
    assert mail.subject.endswith("f00000 is not Integral in 50.0% of 480 rows, and 9999 more")
    assert mail.text.count("data_type_check") == MOST_FINDINGS
    assert f"and {10_000 - MOST_FINDINGS} more; the report has them all" in mail.text
    assert len(mail.text.encode()) + len(write(mail.message)) < 256 * 1024


def test_a_recovery_says_that_nothing_needs_to_be_done():
    book = transition(
        AlertBook(endpoint="preferred-site", variant="AllTraffic"), execution(violation()), Thresholds()
    ).book
    clean = [
        execution(
            violation(violated=False, observed="100.0% Integral", value=1.0, description=""),
            verdict="OK",
            window_start=NOON + timedelta(hours=n),
            window_end=NOON + timedelta(hours=n + 1),
        )
        for n in (1, 2)
    ]
    book = transition(book, clean[0], Thresholds()).book
    (mail,) = said(clean[1], book)
    assert mail.subject == "[recovered] preferred-site: b is as expected again (Integral)"
    assert mail.message.severity == "information"


def test_silence_and_violations_are_never_in_one_message():
    quiet = execution(verdict="NoData", rows=0, events=0)
    book = AlertBook(endpoint="preferred-site", variant="AllTraffic", last_closed_window_end=NOON, had_rows=True)
    (mail,) = said(quiet, book)
    assert mail.message.kind == "no data"
    assert "Nothing was captured in the last window." in mail.text


def test_a_monitor_that_failed_says_why():
    failed = execution(verdict="MonitorFailed", notes=("AlgorithmError: out of memory",))
    (mail,) = said(failed)
    assert mail.message.kind == "monitor failed"
    assert "out of memory" in mail.subject


HOSTILE = [
    "b\r\nBcc: everyone@example.com",
    "\u202egnirts desrever",
    "http://evil.example/login",
    "HTTPS://evil.example",
    "\x1b[31mred",
    "a\u2028b\u0085c",
    "\ud800 lone",
    "zero\u200bwidth",
    "x" * 5000,
    "",
    "<script>alert(1)</script>",
    "ünïcödé 漢字 🙂",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["feature", "expected", "observed", "description", "check"])
def test_hostile_text_breaks_no_rule_of_sns_and_shows_no_live_link(field, text):
    for mail in said(execution(violation(**{field: text}), package_version=text)):
        assert 0 < len(mail.subject) < 100
        assert set(mail.subject) <= set(string.printable) - set("\r\n\t\x0b\x0c")
        assert not re.search(r"https?://", mail.text, re.IGNORECASE)
        assert "\nBcc:" not in mail.text
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", mail.text)
        mail.text.encode()


@given(st.text(), st.text())
def test_any_feature_name_gives_a_mail_that_sns_takes(feature, observed):
    (mail,) = said(execution(violation(feature, observed=observed)))
    assert re.fullmatch(r"[\x20-\x7e]{1,99}", mail.subject)
    write(mail.message).decode()

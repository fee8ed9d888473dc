"""One message for one verdict: grouped, counted, capped, with the same id for the same facts."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.alerts import email_text, sns_payload
from chalicelib.alerts.message import MAX_ITEMS
from chalicelib.alerts.state import transition
from chalicelib.records import AlertMessage, Thresholds, read, write
from tests.alerts.factories import NOON, book, clean, drift, execution, said, sent, violation


def test_the_same_facts_have_the_same_id_and_the_data_reads_back():
    (one,), (two,) = said(execution(violation())), said(execution(violation(), evaluated_at=NOON + timedelta(days=1)))
    assert one.alert_id == two.alert_id
    assert read(AlertMessage, write(one), "message") == one
    assert said(execution(violation("a")))[0].alert_id != one.alert_id


def test_10_000_violations_are_one_message_with_the_worst_ten_and_a_number():
    found = [violation(f"f{n:05}", severity="critical" if n % 100 == 0 else "warning") for n in range(10_000)]
    (message,) = said(execution(*found))  # the state follows 1,000 of them; the message counts all
    assert (len(message.items), message.more) == (MAX_ITEMS, {"new": 9_990})
    assert {item.severity for item in message.items} == {"critical"}
    assert email_text.subject(message).endswith("f00000 is not Integral in 50.0% of 480 rows, and 9,999 more")
    text = email_text.text(sent(message))
    assert text.count("data_type_check, ") == MAX_ITEMS
    assert "and 9,990 more; the report has them all" in text
    assert len(sns_payload.sns_message(sent(message)).encode()) < 100_000


def test_what_is_new_comes_before_what_goes_on_and_what_recovered_within_the_ten():
    before = transition(book(), execution(*(violation(f"old{n}") for n in range(20))), Thresholds()).after
    news = [violation(f"new{n}", severity="warning") for n in range(4)]
    (message,) = said(execution(*news, *(violation(f"old{n}") for n in range(20)), hour=1), before)
    assert [item.state for item in message.items] == ["new"] * 4 + ["continuing"] * 6
    assert message.more == {"continuing": 14}


def test_silence_and_violations_are_never_in_one_message():
    before = transition(book(had_rows=True), execution(verdict="NoData"), Thresholds()).after
    before = transition(before, execution(clean(), hour=1), Thresholds()).after
    recovered, violated = said(execution(violation(), hour=2), before)
    assert (recovered.kind, [item.check for item in recovered.items]) == ("recovered", ["no_data"])
    assert (violated.kind, [item.check for item in violated.items]) == ("violations", ["data_type_check"])


def test_each_silence_is_a_kind_of_its_own():
    for verdict, kind in (
        ("NoData", "no data"),
        ("CaptureStopped", "capture stopped"),
        ("MonitorFailed", "monitor failed"),
    ):
        (message,) = said(execution(verdict=verdict), book(had_rows=True))
        assert message.kind == kind


def test_a_message_is_as_severe_as_the_worst_of_what_is_new():
    before = transition(book(), execution(violation("a")), Thresholds()).after
    (message,) = said(execution(violation("a"), violation("b", severity="warning"), hour=1), before)
    assert message.severity == "warning"


def test_what_goes_on_alone_and_what_is_muted_are_not_reported():
    before = transition(book(), execution(violation()), Thresholds()).after
    assert said(execution(violation(), hour=1), before) == ()
    assert said(execution(violation()), muted=lambda name: True) == ()


def test_a_muted_fingerprint_does_not_silence_the_others():
    (message,) = said(execution(violation("a"), violation("b")), muted=lambda fingerprint: fingerprint.subject == "a")
    assert [item.subject for item in message.items] == ["b"]


@given(st.text(), st.text(), st.text())
def test_any_feature_name_gives_a_message_that_sns_takes_and_programs_read(feature, observed, reason):
    (message,) = said(execution(violation(feature, observed=observed), drift(reason)))
    message = sent(message)
    assert email_text.subject(message).isascii()
    assert email_text.subject(message).isprintable()
    assert 0 < len(email_text.subject(message)) < 100
    assert read(AlertMessage, write(message), "message") == message
    assert len(message.items) == 1
    assert replace(message, links={}).links == {}

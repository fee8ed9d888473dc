"""One message for one verdict: grouped, counted, capped, with the same id for the same facts."""

from datetime import timedelta
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.alerts import email_text, sns_payload
from chalicelib.alerts.message import message_id, suppressed_summary
from chalicelib.alerts.next_steps import MAX_ITEMS
from chalicelib.alerts.state import transition
from chalicelib.constraints.measurement import Measurement
from chalicelib.records import AlertItem, AlertMessage, Incident, Suppressed, Thresholds, read, write
from tests.alerts.factories import (
    HOUR,
    NOON,
    SENTENCE,
    book,
    clean,
    drift,
    eventful,
    execution,
    said,
    sent,
    violation,
)


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


def item(subject: str, state: str, fingerprint: str, **changes) -> AlertItem:
    found = AlertItem(
        subject=subject,
        check="data_type_check",
        state=state,
        severity="critical",
        expected="Integral",
        observed="50.0% Integral",
        description=SENTENCE,
        value=0.5,
        threshold=1.0,
        since=NOON,
        fingerprint=fingerprint,
    )
    return replace(found, **changes)


def test_a_message_holds_every_fact_of_its_execution():
    assert eventful() == AlertMessage(
        alert_id=message_id(
            "preferred-site",
            "AllTraffic",
            "violations",
            "2026-03-02T15:00:00+00:00 monitoring/preferred-site/AllTraffic/2026-03-02T12-00Z_60m/2/0001/",
            "new:data_type_check|b",
            "recovered:data_type_check|r",
        ),
        kind="violations",
        severity="critical",
        endpoint="preferred-site",
        variant="AllTraffic",
        headline="b is not Integral in 50.0% of 480 rows",
        items=(
            item("b", "new", "614728c245da", since=NOON + 2 * HOUR),
            item("a", "continuing", "e366f3682342"),
            item(
                "r",
                "recovered",
                "b3b8e5dd8860",
                observed="100.0% Integral",
                value=1.0,
                description="",
                until=NOON + HOUR,
            ),
        ),
        package_version="2",
        served_since=NOON - 2 * HOUR,
        began_after_deployment=True,
        since=NOON + 2 * HOUR,
        cause="Began 4 hours after version 2 was deployed.",
        window_start=NOON + 2 * HOUR,
        window_end=NOON + 3 * HOUR,
        closed=True,
        rows=480,
        refused=3,
        folder="monitoring/preferred-site/AllTraffic/2026-03-02T12-00Z_60m/2/0001/",
        what_to_do=(
            "See all findings:\nvedette show violations preferred-site --variant AllTraffic --window 2026-03-02T14:00",
            "If a client sends wrong data, tell its owner; the findings above say what is wrong.",
            "If the model is at fault, go back to the previous version:\nvedette rollback preferred-site --reason WHY",
            "Before you change a threshold, test it on the last weeks:\n"
            "vedette replay preferred-site --variant AllTraffic --window 2026-03-02T14:00 --from 14d",
            "If this is the new normal, accept it as the baseline:\n"
            "vedette constraints accept preferred-site --variant AllTraffic --window 2026-03-02T14:00 --feature b"
            " --feature a --reason WHY",
            "Mute every alert of preferred-site:\n"
            "vedette alerts mute --endpoint preferred-site --until 12h --reason WHY",
        ),
        incidents=(
            Incident(fingerprint="614728c245da", since=NOON + 2 * HOUR, action="trigger"),
            Incident(fingerprint="b3b8e5dd8860", since=NOON, action="resolve"),
        ),
    )


def test_what_model_monitor_does_not_report_is_not_in_its_message():
    (message,) = said(execution(violation(), source="model monitor", folder="s3://b/1", window_closed=False))
    assert (message.source, message.rows, message.refused, message.closed) == ("model monitor", None, None, False)


def recovery(*others: Measurement, features: str = "b") -> AlertMessage:
    """The message when each of the features has recovered beside others that are still violated."""
    over = [clean(feature) for feature in features]
    before = transition(book(), execution(*map(violation, features), *others), Thresholds()).after
    before = transition(before, execution(*over, *others, hour=1), Thresholds()).after
    (message,) = said(execution(*over, *others, hour=2), before)
    return message


def test_a_recovery_has_the_severity_of_what_ended_and_counts_what_is_not_yet_recovered():
    alone, beside = recovery(), recovery(violation("a"), violation("c"))
    assert (alone.kind, alone.severity) == (beside.kind, beside.severity) == ("recovered", "critical")
    assert (alone.headline, alone.headline_tail) == ("b is as expected again (Integral) after 1 hour", "")
    tail = "; 2 other violations not yet recovered"
    assert (beside.headline, beside.headline_tail) == (f"b is as expected again (Integral) after 1 hour{tail}", tail)
    assert [len(message.what_to_do) for message in (alone, beside)] == [1, 6]
    assert recovery(violation("a")).headline_tail == "; 1 other violation not yet recovered"
    both = recovery(violation("a"), features="bc")
    assert both.headline_tail == ", and 1 more; 1 other violation not yet recovered"


def test_two_violations_are_one_and_one_more():
    (message,) = said(execution(violation("a"), violation("b")))
    assert message.headline == "a is not Integral in 50.0% of 480 rows, and 1 more"
    assert message.headline_tail == ", and 1 more"


def test_long_and_empty_texts_are_bounded_and_named():
    long = "x" * 400
    found = violation(long, check=long, expected=long, observed=long, description=long)
    (message,) = said(execution(found, package_version=long))
    shown = message.items[0]
    lengths = [len(text) for text in (shown.subject, shown.check, shown.expected, shown.observed, shown.description)]
    assert [*lengths, len(message.package_version)] == [100, 60, 100, 100, 300, 100]
    (nameless,) = said(execution(violation("", check="")))
    assert (nameless.items[0].subject, nameless.items[0].check) == ("(a feature without a name)", "check")


def test_what_was_held_back_is_one_message_with_its_worst_items():
    items = eventful().items
    suppressed = Suppressed(
        since=NOON, until=NOON + HOUR, count=1_200, severity="warning", items=items, more={"new": 3}
    )
    assert suppressed_summary("site", "v", suppressed) == AlertMessage(
        alert_id=message_id("site", "v", "held back", "2026-03-02T12:00:00+00:00", "2026-03-02T13:00:00+00:00"),
        kind="held back",
        severity="warning",
        endpoint="site",
        variant="v",
        headline=(
            "1,200 messages suppressed since 2026-03-02 12:00 UTC, because of the hourly limit;"
            " the worst: b (data_type_check) is violated"
        ),
        items=items,
        more={"new": 3},
        what_to_do=(
            "See the open alerts:\nvedette alerts list site",
            "If this many alerts are right, raise alerts_per_hour of the endpoint in fleet.toml.",
        ),
    )


def test_an_id_is_a_digest_of_its_parts_whatever_they_hold():
    assert message_id("a", "b") == sha256(b"a\nb").hexdigest()[:16]
    assert message_id("\ud800") == sha256(rb"\ud800").hexdigest()[:16]

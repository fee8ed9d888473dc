"""What each kind of subscriber is given: sizes, attributes, the two schemas, links."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from moto.sns.utils import FilterPolicyMatcher
from msgspec.structs import replace

from chalicelib.alerts import email_text, incidents, sns_payload
from chalicelib.alerts.machine_event import attributes, machine_event
from chalicelib.alerts.sns_payload import Installation
from chalicelib.alerts.state import transition
from chalicelib.records import AlertMessage, Thresholds, read, write
from tests.alerts.factories import PLACE, book, clean, drift, eventful, execution, said, sent, violation
from vedette.operations.alerts import schema

SCHEMA = Path(__file__).parents[2] / "docs" / "alert.schema.json"


class Content(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """As the administrator guide of Amazon Q Developer in chat applications shows it; nothing else is allowed here."""

    description: str
    text_type: str
    title: str
    next_steps: list[str]
    keywords: list[str]


class Metadata(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    thread_id: str
    summary: str
    event_type: str
    additional_context: dict[str, str]
    related_resources: list[str] = []


class CustomNotification(msgspec.Struct, forbid_unknown_fields=True):
    version: str
    source: str
    id: str
    content: Content
    metadata: Metadata


def message(*measurements, **changes) -> AlertMessage:
    return sent(said(execution(*(measurements or (violation(),)), **changes))[0], team="search")


def forms(of: AlertMessage) -> dict[str, str]:
    return json.loads(sns_payload.sns_message(of))


def test_one_publish_holds_a_form_for_each_kind_of_subscriber():
    one = message()
    found = forms(one)
    assert read(AlertMessage, found["default"].encode(), "sqs") == one
    assert found["email"] == email_text.text(one)
    assert found["sms"] == email_text.subject(one)
    assert set(found) == {"default", "email", "sms", "https"}


def test_chat_clients_receive_their_own_schema_and_web_hooks_the_whole_alert_within_it():
    one = message()
    found = msgspec.json.decode(forms(one)["https"], type=CustomNotification, strict=True)
    assert (found.version, found.source, found.content.text_type) == ("1.0", "custom", "client-markdown")
    assert found.content.title == "[critical] preferred-site: b is not Integral in 50.0% of 480 rows"
    assert (
        "`vedette alerts mute 614728c245da --until 12h --reason WHY --stage dev --region eu-west-1`"
        in found.content.next_steps[-1]
    )
    assert found.metadata.thread_id == "vedette.dev.preferred-site.AllTraffic.614728c245da.20260302T120000Z"
    assert read(AlertMessage, found.metadata.additional_context["alert"].encode(), "https") == one


def test_a_chat_notification_says_what_the_mail_says():
    one = eventful(
        alert_id="0123456789abcdef",
        team="search",
        more={"new": 1_200, "continuing": 2},
        what_to_do=("See all findings:\nvedette show violations preferred-site", "Wait for <ann>."),
        links={"endpoint": "https://console/endpoint", "another": "https://console/another"},
        incidents=(),
    )
    assert sns_payload.chat_notification(one) == {
        "version": "1.0",
        "source": "custom",
        "id": "0123456789abcdef",
        "content": {
            "textType": "client-markdown",
            "title": "[critical] preferred-site: b is not Integral in 50.0% of 480 rows",
            "description": (
                "Critical since 2026-03-02 14:00 UTC. Began 4 hours after version 2 was deployed.\n"
                "Endpoint: preferred-site, variant AllTraffic\n"
                "Model: version 2, served since 2026-03-02 10:00 UTC\n"
                "Window: 2026-03-02 14:00 to 15:00 UTC\n"
                "Rows: 480 evaluated, 3 lines rejected\n"
                "- new: b, data_type_check, critical: expected Integral, observed 50.0% Integral\n"
                "- continuing: a, data_type_check, critical: expected Integral, observed 50.0% Integral\n"
                "- recovered: r, data_type_check, critical: expected Integral, observed 100.0% Integral\n"
                "and 1,200 more (new)\n"
                "and 2 more (continuing)\n"
                "Endpoint: https://console/endpoint\n"
                "another: https://console/another"
            ),
            "nextSteps": ["See all findings: `vedette show violations preferred-site`", "Wait for &lt;ann&gt;."],
            "keywords": ["preferred-site", "violations", "critical", "search"],
        },
        "metadata": {
            "threadId": "preferred-site/AllTraffic",
            "summary": "b is not Integral in 50.0% of 480 rows",
            "eventType": "Vedette alert: violations",
            "additionalContext": {"alert": write(one).decode()},
        },
    }


def test_a_chat_notification_leaves_out_what_is_not_there():
    bare = replace(eventful().items[0], expected="", observed="")
    found = sns_payload.chat_notification(eventful(team="", variant="", items=(bare,), incidents=()))
    assert found["content"]["keywords"] == ["preferred-site", "violations", "critical"]
    assert found["content"]["description"].endswith("\n- new: b, data_type_check, critical")
    assert found["metadata"]["threadId"] == "preferred-site"


def test_chat_texts_are_cut_at_their_limits_and_hold_no_markup():
    many = tuple(replace(eventful().items[0], observed="o" * 900) for _ in range(10))
    hostile = "<&>`@" + "h" * 400
    found = sns_payload.chat_notification(eventful(items=many, headline=hostile, what_to_do=("s" * 400, "x" * 350)))
    shown = "&lt;&amp;&gt;'\uff20" + "h" * 400
    title = f"[critical] preferred-site: {shown}"
    assert found["content"]["title"] == title[:249] + "…"
    assert found["metadata"]["summary"] == shown[:299] + "…"
    assert found["content"]["nextSteps"] == ["s" * 349 + "…", "x" * 350]
    assert (len(found["content"]["description"]), found["content"]["description"][-1]) == (8_000, "…")


def test_chat_clients_receive_no_text_longer_than_they_show():
    names = (violation("&<>" * 40 + str(n), expected="<" * 500, observed="&" * 500) for n in range(30))
    found = msgspec.json.decode(forms(message(*names))["https"], type=CustomNotification, strict=True)
    assert len(found.content.title) <= 250
    assert len(found.content.description) <= 8_000
    assert max(map(len, found.content.next_steps)) <= 350
    assert len(found.metadata.summary) <= 300


def test_filter_policies_can_choose_by_nine_attributes_and_a_queue_takes_ten():
    found = sns_payload.message_attributes(message(violation(), drift("a"), violation("c", check="completeness_check")))
    assert found == {
        "severity": "critical",
        "endpoint": "preferred-site",
        "kind": "violations",
        "check": ["completeness_check", "data_type_check"],
        "state": "new",
        "team": "search",
        "alert_id": found["alert_id"],
        "action": ["trigger"],
    }
    assert len(found) + len({"dedup_key"}) <= 10


def test_a_message_about_one_incident_has_its_key_as_an_attribute():
    assert sns_payload.message_attributes(message())["dedup_key"] == (
        "vedette.dev.preferred-site.AllTraffic.614728c245da.20260302T120000Z"
    )


def test_the_incidents_of_a_message_say_what_each_begins_or_ends():
    found = sent(eventful()).incidents
    assert [(one.fingerprint, one.action) for one in found] == [
        ("614728c245da", "trigger"),
        ("b3b8e5dd8860", "resolve"),
    ]
    assert sns_payload.chat_notification(sent(eventful()))["metadata"]["threadId"] == found[0].dedup_key


def test_an_incident_is_one_thread_from_its_beginning_to_its_end():
    begun = message()
    state = transition(book(), execution(violation()), Thresholds()).after
    state = transition(state, execution(clean(), hour=1), Thresholds()).after
    (over,) = said(execution(clean(), hour=2), state)
    threads = {sns_payload.chat_notification(one)["metadata"]["threadId"] for one in (begun, sent(over))}
    assert threads == {begun.incidents[0].dedup_key}


def test_an_attribute_without_a_value_is_left_out():
    assert "team" not in sns_payload.message_attributes(replace(message(), team=""))


def test_a_filter_can_choose_recoveries():
    attributes = sns_payload.message_attributes(replace(message(), kind="recovered"))
    assert (attributes["kind"], attributes["state"]) == ("recovered", "recovered")


def test_a_message_is_sent_with_its_team_stage_and_links():
    one = replace(message(), team="", stage="", links={}, what_to_do=("See:\nvedette alerts list", "Wait."))
    console = "https://eu-west-1.console.aws.amazon.com"
    assert sns_payload.with_routing(one, "search", PLACE) == replace(
        one,
        team="search",
        stage="dev",
        account="123456789012",
        region="eu-west-1",
        what_to_do=("See:\nvedette alerts list --stage dev --region eu-west-1", "Wait."),
        links={
            "endpoint": f"{console}/sagemaker/home?region=eu-west-1#/endpoints/preferred-site",
            "report": f"{console}/s3/object/vedette-dev?region=eu-west-1&prefix={one.folder}report.html",
        },
    )


def test_other_scripts_are_sent_as_they_are():
    body = sns_payload.sns_message(message(violation("ü漢")))
    assert "ü漢" in body
    assert "\\u" not in body


def test_the_documented_schema_is_the_one_of_the_record():
    documented = json.loads(SCHEMA.read_text())
    assert documented == json.loads(json.dumps(schema())), "run: vedette alerts schema > docs/alert.schema.json"
    assert documented["title"].endswith("schema version 1")


def test_the_documented_schema_of_the_events_is_the_one_of_the_record():
    documented = json.loads(SCHEMA.with_name("alert-event.schema.json").read_text())
    written = "run: vedette alerts schema --events > docs/alert-event.schema.json"
    assert documented == json.loads(json.dumps(schema(events=True))), written


def test_every_field_of_a_message_is_in_the_documented_schema():
    known = json.loads(SCHEMA.read_text())["$defs"]
    data = json.loads(forms(message())["default"])
    assert set(data) == set(known["AlertMessage"]["properties"])
    assert set(data["items"][0]) == set(known["AlertItem"]["properties"])


@pytest.mark.parametrize("filling", ["x", "漢", "🙂", '"', "\\", "\x00", "&"])
def test_the_largest_message_fits_into_256_kb_whatever_it_is_made_of(filling):
    long = filling * 6_000
    found = [violation(f"{n}{long}", expected=long, observed=long, description=long, check=long) for n in range(200)]
    large = replace(message(*found, folder="f/" * 400), headline=filling * 400)
    body = sns_payload.sns_message(large)
    attributes = sum(
        len(json.dumps(value).encode())
        for value in sns_payload.message_attributes(sns_payload.truncate_to_limit(large)).values()
    )
    assert len(body.encode()) + attributes < sns_payload.MAX_MESSAGE_BYTES
    assert json.loads(body)["default"]


def test_what_does_not_fit_is_counted():
    found = [violation(f"f{n}") for n in range(10)]
    large = message(*found)
    huge = replace(large, items=tuple(replace(item, description="\\" * 9_000) for item in large.items))
    fitted = sns_payload.truncate_to_limit(huge)
    assert 0 < len(fitted.items) < 10
    assert len(fitted.items) + fitted.more["new"] == 10
    assert fitted.items == huge.items[: len(fitted.items)]
    counted = sns_payload.truncate_to_limit(replace(huge, more={"new": 5, "continuing": 2}))
    assert counted.more == {"new": 5 + fitted.more["new"], "continuing": 2}
    assert sns_payload.truncate_to_limit(large) == large


def test_a_message_of_exactly_the_limit_is_sent_whole(monkeypatch):
    one = message(violation("a"), violation("b"))
    limit = len(sns_payload.sns_message(one).encode()) + sns_payload.ATTRIBUTE_BYTES
    monkeypatch.setattr(sns_payload, "MAX_MESSAGE_BYTES", limit)
    assert sns_payload.truncate_to_limit(one) == one
    monkeypatch.setattr(sns_payload, "MAX_MESSAGE_BYTES", limit - 1)
    assert len(sns_payload.truncate_to_limit(one).items) == 1


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_links_lead_into_the_console_of_the_region_and_partition_and_carry_no_signature(partition, region, host):
    place = Installation("dev", "vedette-dev", region, "123456789012", partition)
    (one,) = said(execution(violation()))
    links = sns_payload.with_routing(one, "", place).links
    assert {urlsplit(url).netloc for url in links.values()} == {host}
    assert urlsplit(links["endpoint"]).fragment == "/endpoints/preferred-site"
    report = urlsplit(links["report"])
    assert report.path == "/s3/object/vedette-dev"
    assert parse_qs(report.query) == {"region": [region], "prefix": [one.folder + "report.html"]}
    assert not any(word in url for url in links.values() for word in ("X-Amz", "Signature", "token"))


def test_own_records_are_linked_in_place_of_an_endpoint():
    place = Installation(
        "dev", "b", "eu-west-1", "123456789012", noun="records", records="s3://our lake/own records/scores"
    )
    links = sns_payload.with_routing(replace(message(), folder=""), "", place).links
    url = "https://eu-west-1.console.aws.amazon.com/s3/buckets/our%20lake?region=eu-west-1&prefix=own%20records/scores/"
    assert links == {"records": url}


def test_a_report_of_model_monitor_is_linked_in_its_own_bucket():
    made = execution(violation(), source="model monitor", folder="s3://other/reports/1", variant="schedule s")
    link = sns_payload.with_routing(said(made)[0], "", PLACE).links["report"]
    assert "/s3/object/other?" in link
    assert link.endswith("prefix=reports/1/constraint_violations.json")


def link(**changes) -> str:
    """The link to the report, after the domain of the console."""
    links = sns_payload.with_routing(replace(message(), **changes), "", PLACE).links
    return links.get("report", "").partition("/s3/object/")[2]


def test_names_in_links_are_quoted_and_a_slash_in_a_folder_is_not():
    url = sns_payload.with_routing(replace(message(), endpoint="a/b c"), "", PLACE).links["endpoint"]
    assert url.endswith("#/endpoints/a%2Fb%20c")
    assert link(folder="f/a b+c/") == "vedette-dev?region=eu-west-1&prefix=f/a%20b%2Bc/report.html"
    assert link(source="model monitor", folder="s3://a b/x/") == (
        "a%20b?region=eu-west-1&prefix=x/constraint_violations.json"
    )


def test_a_window_that_is_still_open_has_a_page_and_what_has_no_folder_no_link():
    assert link(closed=False, folder="f/") == "vedette-dev?region=eu-west-1&prefix=f/report.html"
    assert link(folder="") == ""


def test_a_runbook_is_linked_first_in_every_form():
    one = sns_payload.with_routing(message(), "", PLACE, "https://wiki.example.com/ml")
    assert (one.runbook_url, next(iter(one.links))) == ("https://wiki.example.com/ml", "runbook")
    assert "Links\n  Runbook\n  https://wiki.example.com/ml\n" in email_text.text(one)
    assert "Runbook: https://wiki.example.com/ml" in sns_payload.chat_notification(one)["content"]["description"]
    assert sns_payload.with_routing(one, "", replace_partition("aws-iso"), one.runbook_url).links == {
        "runbook": one.runbook_url
    }


def test_an_isolated_partition_has_no_links():
    (one,) = said(execution(violation()))
    assert sns_payload.with_routing(one, "", replace_partition("aws-iso")).links == {}


def replace_partition(partition: str) -> Installation:
    return Installation(PLACE.stage, PLACE.bucket, PLACE.region, PLACE.account, partition)


def documented_policies() -> tuple[dict, dict]:
    """The filter policies that docs/receive-alerts.md prints: of machines, and of people."""
    lines = (Path(__file__).parents[2] / "docs" / "receive-alerts.md").read_text().splitlines()
    machines, people = (json.loads(line) for line in lines if line.startswith('{ "'))
    return machines, people


def passes(policy: dict, attributes: dict) -> bool:
    typed = {
        name: {"Type": "String", "Value": value}
        if isinstance(value, str)
        else {"Type": "String.Array", "Value": json.dumps(value)}
        for name, value in attributes.items()
    }
    return FilterPolicyMatcher(policy, "MessageAttributes").matches(typed, "")


def test_the_documented_policies_get_both_ends_of_an_alert_and_leave_out_the_others():
    def ends(**changes) -> list[AlertMessage]:
        state = transition(book(), execution(violation(**changes)), Thresholds()).after
        state = transition(state, execution(clean(), hour=1), Thresholds()).after
        (over,) = said(execution(clean(), hour=2), state)
        return [message(violation(**changes)), sent(over, team="search")]

    _, policy = documented_policies()
    assert [passes(policy, sns_payload.message_attributes(one)) for one in ends()] == [True, True]
    mild = [passes(policy, sns_payload.message_attributes(one)) for one in ends(severity="warning")]
    assert mild == [False, False]


def test_the_documented_policy_of_machines_gets_both_ends_of_an_incident():
    state = book()
    for hour, found in enumerate((violation(), clean(), clean())):
        made = execution(found, hour=hour)
        state = incidents.follow(state, transition(state, made, Thresholds()).after, made.window_end)
    policy, _ = documented_policies()
    for team, wanted in (("search", True), ("sales", False)):
        found = [machine_event(one, state, team, PLACE) for one in state.events]
        assert [passes(policy, attributes(one)) for one in found] == [wanted, wanted]

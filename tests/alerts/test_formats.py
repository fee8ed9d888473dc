"""What each kind of subscriber is given: sizes, attributes, the two schemas, links."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from msgspec.structs import replace

from chalicelib.alerts import email_text, sns_payload
from chalicelib.alerts.sns_payload import Installation
from chalicelib.records import AlertMessage, read
from tests.alerts.factories import PLACE, drift, execution, said, sent, violation
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
    assert "`vedette alerts mute 614728c245da --until 12h --reason WHY --stage dev`" in found.content.next_steps[-1]
    assert found.metadata.thread_id == "preferred-site/AllTraffic"
    assert read(AlertMessage, found.metadata.additional_context["alert"].encode(), "https") == one


def test_chat_clients_receive_no_text_longer_than_they_show():
    names = (violation("&<>" * 40 + str(n), expected="<" * 500, observed="&" * 500) for n in range(30))
    found = msgspec.json.decode(forms(message(*names))["https"], type=CustomNotification, strict=True)
    assert len(found.content.title) <= 250
    assert len(found.content.description) <= 8_000
    assert max(map(len, found.content.next_steps)) <= 350
    assert len(found.metadata.summary) <= 300


def test_filter_policies_can_choose_by_seven_attributes_and_a_queue_takes_ten():
    found = sns_payload.message_attributes(message(violation(), drift("a"), violation("c", check="completeness_check")))
    assert found == {
        "severity": "critical",
        "endpoint": "preferred-site",
        "kind": "violations",
        "check": ["completeness_check", "data_type_check"],
        "state": "new",
        "team": "search",
        "alert_id": found["alert_id"],
    }
    assert len(found) <= 10


def test_an_attribute_without_a_value_is_left_out():
    assert "team" not in sns_payload.message_attributes(replace(message(), team=""))


def test_the_documented_schema_is_the_one_of_the_record():
    documented = json.loads(SCHEMA.read_text())
    assert documented == json.loads(json.dumps(schema())), "run: vedette alerts schema > docs/alert.schema.json"
    assert documented["title"].endswith("schema version 1")


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


def test_a_report_of_model_monitor_is_linked_in_its_own_bucket():
    made = execution(violation(), source="model monitor", folder="s3://other/reports/1", variant="schedule s")
    link = sns_payload.with_routing(said(made)[0], "", PLACE).links["report"]
    assert "/s3/object/other?" in link
    assert link.endswith("prefix=reports/1/constraint_violations.json")


def test_an_isolated_partition_has_no_links():
    (one,) = said(execution(violation()))
    assert sns_payload.with_routing(one, "", replace_partition("aws-iso")).links == {}


def replace_partition(partition: str) -> Installation:
    return Installation(PLACE.stage, PLACE.bucket, PLACE.region, PLACE.account, partition)

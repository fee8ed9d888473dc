"""The templates in examples/: what the receivers get of real events is valid, and each incident is opened once."""

import itertools
import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from moto.events.models import EventPattern
from msgspec.structs import replace

from chalicelib.alerts import incidents
from chalicelib.alerts.endpoint_notifications import notify_deployed, notify_deployment_failed, sync_conditions
from chalicelib.alerts.machine_event import machine_event
from chalicelib.records import AlertEvent, AlertState, Sink, write
from tests.alerts.factories import HOUR, NOON, PLACE, book, clean, violation
from tests.alerts.hostile_text import BIDIRECTIONAL, CONTROLS, HIDDEN_LINKS, LINKS
from tests.alerts.test_endpoint_notifications import ENTRY, FAILURE, SECOND
from tests.alerts.test_incidents import moved
from tests.examples.receivers import JiraAlert, JiraClose, PagerDuty, PagerDutyEvent, SlackMessage, TeamsMessage
from vedette.local.input_transformer import transform, value_at

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
NAMES_OF_STRANGERS = [
    *LINKS[:11],
    *HIDDEN_LINKS,
    *CONTROLS[:4],
    *BIDIRECTIONAL[:2],
    "<!channel>",
    '"',
    "\\",
    "x" * 999,
    "",
]
PARAMETERS = {
    "Stage": "dev",
    "Severities": ["critical", "warning"],
    "Endpoint": "preferred-site",
    "Checks": ["vedette_sudden_drift_check", "baseline_drift_check"],
    "Pipeline": "retrain",
}


def template(name: str) -> dict[str, Any]:
    return yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())


def resolved(value: Any) -> Any:
    """A value of a template, with the parameters in it."""
    if isinstance(value, list):
        found = [resolved(one) for one in value]
        return found[0] if len(found) == 1 and isinstance(found[0], list) else found
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return PARAMETERS.get(value["Ref"], value["Ref"])
    if set(value) == {"Fn::Sub"}:
        text = value["Fn::Sub"]
        for parameter, given in PARAMETERS.items():
            text = text.replace(f"${{{parameter}}}", str(given))
        return text
    return {key: resolved(one) for key, one in value.items()}


def rules(name: str) -> dict[str, dict[str, Any]]:
    resources = template(name)["Resources"]
    return {key: one["Properties"] for key, one in resources.items() if one["Type"] == "AWS::Events::Rule"}


def on_the_bus(event: AlertEvent) -> dict[str, Any]:
    return {
        "version": "0",
        "id": event.event_id,
        "detail-type": "Vedette Alert",
        "source": "vedette.dev",
        "account": "123456789012",
        "time": "2026-03-02T12:00:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": json.loads(write(event)),
    }


def received(name: str, event: AlertEvent) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """What an example's rules send for an event: the rule, its target, and the body."""
    found = []
    for key, rule in rules(name).items():
        pattern = json.dumps(resolved(rule["EventPattern"]))
        (target,) = rule["Targets"]
        if EventPattern.load(pattern).matches_event(on_the_bus(event)):
            inputs = target["InputTransformer"]
            body = transform(inputs["InputPathsMap"], inputs["InputTemplate"], on_the_bus(event))
            found.append((key, target, body))
    return found


def events_of(state: AlertState) -> list[AlertEvent]:
    return [machine_event(one, state, "search", PLACE) for one in state.events]


def an_incident(name: str = "b", **changes) -> list[AlertEvent]:
    """The events of one finding, from its trigger to its resolve."""
    state = moved(book(), violation(name, **changes))
    for hour in (1, 2):
        state = moved(state, clean(name), hour=hour)
    return events_of(state)


def every_kind() -> list[AlertEvent]:
    """Findings of each severity, conditions, deployments, an event that informs, hostile names."""
    site = AlertState(endpoint="site", variant="")
    failed = notify_deployment_failed(site, SECOND, "no memory", FAILURE, "version 1 is served")
    failed = incidents.follow(site, failed, NOON)
    done = incidents.follow(failed, notify_deployed(failed, ENTRY, SECOND, "v1"), NOON)
    begun = incidents.follow(site, sync_conditions(site, "capture", {"off": "capture is off"}, NOON), NOON)
    ended = incidents.follow(begun, sync_conditions(begun, "capture", {}, NOON), NOON + HOUR)
    found = [*events_of(done), *events_of(ended), *an_incident("c", severity="warning"), *an_incident()]
    return found + [one for name in NAMES_OF_STRANGERS for one in an_incident(name)]


def sent(name: str, kind: type, events: list[AlertEvent]) -> list[Any]:
    return [msgspec.convert(body, kind) for event in events for _, _, body in received(name, event)]


# --- each payload is what the receiver's documentation asks for -------------------------------------------------------


def with_key(body: dict[str, Any]) -> PagerDutyEvent:
    """The request with what the connection adds to its body."""
    return msgspec.convert({**body, "routing_key": "k" * 32}, PagerDutyEvent, strict=False)


def to_pagerduty(events: list[AlertEvent]) -> list[PagerDutyEvent]:
    return [with_key(body) for event in events for _, _, body in received("pagerduty", event)]


def test_pagerduty_gets_valid_events_and_the_routing_key_from_the_connection():
    wanted = [event for event in every_kind() if event.action != "inform"]
    assert len(to_pagerduty(every_kind())) == len(wanted) > 8
    connection = template("pagerduty")["Resources"]["PagerDuty"]["Properties"]["AuthParameters"]
    (added,) = connection["InvocationHttpParameters"]["BodyParameters"]
    assert (added["Key"], added["IsValueSecret"]) == ("routing_key", True)
    assert "resolve:secretsmanager" in added["Value"]["Fn::Sub"]


def test_pagerduty_opens_and_resolves_the_same_incident():
    begin, end = to_pagerduty(an_incident())
    assert (begin.event_action, end.event_action) == ("trigger", "resolve")
    assert begin.dedup_key == end.dedup_key
    assert (begin.payload.severity, begin.payload.group) == ("critical", "search")
    assert begin.payload.summary == "[critical] preferred-site: b is not Integral in 50.0% of 480 rows"


def test_slack_and_teams_get_valid_messages_in_which_no_name_is_markup():
    wanted = [event for event in every_kind() if event.action != "inform"]
    slack, teams = sent("slack", SlackMessage, every_kind()), sent("teams", TeamsMessage, every_kind())
    assert len(slack) == len(teams) == len(wanted)
    for message in slack:
        assert set(message.text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-,: ")
        assert message.blocks[1].elements[1].text.startswith("https://eu-west-1.console.aws.amazon.com/")


def test_jira_creates_an_alert_for_a_trigger_and_closes_it_by_its_alias():
    for event in every_kind():
        for rule, target, body in received("jira-service-management", event):
            if rule == "Triggers":
                alert = msgspec.convert(body, JiraAlert)
                assert (alert.alias, alert.priority) == (event.dedup_key, event.priority)
                continue
            assert msgspec.convert(body, JiraClose).source == "Vedette"
            (path,) = target["HttpParameters"]["PathParameterValues"]
            assert value_at(path, on_the_bus(event)) == event.dedup_key
            assert target["HttpParameters"]["QueryStringParameters"] == {"identifierType": "alias"}
    begin, end = an_incident()
    assert [rule for event in (begin, end) for rule, _, _ in received("jira-service-management", event)] == [
        "Triggers",
        "Resolves",
    ]


def test_drift_alone_starts_the_pipeline_with_its_parameters():
    (rule,) = rules("retraining").values()
    pattern = EventPattern.load(json.dumps(resolved(rule["EventPattern"])))
    drift, end = an_incident("age", check="vedette_sudden_drift_check", kind="hard")
    other, _ = an_incident()
    elsewhere = replace(drift, endpoint="other")
    assert [pattern.matches_event(on_the_bus(one)) for one in (drift, end, other, elsewhere)] == [
        True,
        False,
        False,
        False,
    ]
    (target,) = rule["Targets"]
    parameters = target["SageMakerPipelineParameters"]["PipelineParameterList"]
    assert {one["Name"]: value_at(one["Value"], on_the_bus(drift)) for one in parameters} == {
        "Endpoint": "preferred-site",
        "Feature": "age",
        "Severity": "critical",
        "Since": "2026-03-02T12:00:00Z",
        "IncidentKey": drift.dedup_key,
    }


# --- repeated and reordered -------------------------------------------------------------------------------------------


def test_whatever_is_repeated_before_the_resolve_opens_no_second_incident():
    draw = random.Random(3)
    for _ in range(200):
        begin, end = to_pagerduty(an_incident())
        pager = PagerDuty()
        for event in [begin] * draw.randint(1, 4) + [end] * draw.randint(1, 4):
            pager.receive(event)
        assert (len(pager.opened), pager.open) == (1, {})


def test_in_whatever_order_the_events_of_several_incidents_arrive_each_is_opened_once_and_none_stays_open():
    """The outbox holds a resolve back until its trigger was accepted; the events of others come in any order."""
    pairs = [to_pagerduty(an_incident(name)) for name in "abc"]
    events = [(number, place) for number in range(3) for place in range(2)]
    for order in itertools.permutations(events):
        if any(order.index((number, 0)) > order.index((number, 1)) for number in range(3)):
            continue
        pager = PagerDuty()
        for number, place in order:
            pager.receive(pairs[number][place])
        assert (len(pager.opened), pager.open) == (3, {})


def test_a_late_resolve_of_an_episode_leaves_the_next_one_open():
    state = moved(book(), violation())
    for hour, found in ((1, clean()), (2, clean()), (3, violation())):
        state = moved(state, found, hour=hour)
    first, end, second = to_pagerduty(events_of(state))
    pager = PagerDuty()
    for event in (first, second, end):
        pager.receive(event)
    assert list(pager.open) == [second.dedup_key]


@pytest.mark.parametrize("refuses", [Sink.BUS, Sink.TOPIC])
def test_the_outbox_never_hands_out_a_resolve_before_its_trigger_whatever_a_sink_refuses(refuses):
    state = moved(book(), violation("a"), violation("b"))
    for hour in (1, 2):
        state = moved(state, clean("a"), clean("b"), hour=hour)
    draw, now, got = random.Random(5), NOON, {sink: [] for sink in Sink}
    for attempt in range(40):
        state, leased = incidents.lease(state, now, limit=draw.randint(1, 4))
        accepted: dict[str, set[Sink]] = {}
        for event in draw.sample(leased, len(leased)):
            for sink in event.awaiting:
                if sink != refuses or attempt > 20 or draw.random() < 0.2:
                    got[sink].append((event.fingerprint, event.action))
                    accepted.setdefault(event.event_id, set()).add(sink)
        state, now = incidents.acknowledge(state, accepted, {}), now + timedelta(minutes=1)
    assert state.events == ()
    for sink in Sink:
        for fingerprint in {name for name, _ in got[sink]}:
            assert [action for name, action in got[sink] if name == fingerprint] == ["trigger", "resolve"]


# --- the templates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_no_template_holds_a_secret_and_every_target_has_a_failure_queue_with_an_alarm(name):
    found = template(name)
    assert not any(one.get("NoEcho") for one in found["Parameters"].values())
    resources = found["Resources"]
    queues = [key for key, one in resources.items() if one["Type"] == "AWS::SQS::Queue"]
    watched = [
        one["Properties"]["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
        for one in resources.values()
        if one["Type"] == "AWS::CloudWatch::Alarm"
    ]
    (allowed,) = [one for one in resources.values() if one["Type"] == "AWS::SQS::QueuePolicy"]
    (statement,) = allowed["Properties"]["PolicyDocument"]["Statement"]
    sources = [one["Fn::GetAtt"][0] for one in statement["Condition"]["ArnEquals"]["aws:SourceArn"]]
    assert sources == list(rules(name))
    for rule in rules(name).values():
        for target in rule["Targets"]:
            assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] in queues
    assert watched == queues


@pytest.mark.parametrize("name", NAMES)
def test_the_role_of_a_template_may_call_its_targets_and_nothing_else(name):
    resources = template(name)["Resources"]
    (policy,) = resources["Caller"]["Properties"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    resource = statement["Resource"]
    targets = [target["Arn"] for rule in rules(name).values() for target in rule["Targets"]]
    assert (resource if isinstance(resource, list) else [resource]) == targets

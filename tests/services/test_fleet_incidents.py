"""Fleet incidents on the AWS simulator: what people get when one finding begins on many endpoints of a team."""

import json

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import AlertEvent, AlertState, FleetEntry, Mute, read
from chalicelib.services.team_notifications import notify_teams
from chalicelib.settings import settings
from tests.alerts.factories import clean, execution, violation
from tests.runs import alert_on, run_of, send_pending
from vedette.local.errors import Crash
from vedette.operations.alerts import undelivered

PUBLISH = "sns", "Publish"


def names(number: int, team: str = "search") -> list[str]:
    return [f"{team}-{position:02}" for position in range(number)]


@pytest.fixture
def fleet(world):
    """40 endpoints of the team search; no functions run by themselves."""
    world.cloud.schedules_enabled = False
    world.apply(*(FleetEntry(endpoint=name, mode="alert", team="search") for name in names(40)))
    return world


def breaks(endpoints: list[str], *features: str, hour: int = 0) -> None:
    for name in endpoints:
        found = [violation(feature) for feature in features or ("b",)]
        alert_on(execution(*found, endpoint=name, hour=hour, folder=f"monitoring/{name}/{hour}/"))


def recovers(endpoints: list[str], *features: str, hour: int = 1) -> None:
    for later in (hour, hour + 1):
        for name in endpoints:
            found = [clean(feature) for feature in features or ("b",)]
            alert_on(execution(*found, endpoint=name, hour=later, folder=f"monitoring/{name}/{later}/"))


def passes(world, minutes: int = 15) -> int:
    world.cloud.turn(minutes=minutes)
    return notify_teams(stage_stores(), Deadline.never())


def team_state(team: str = "search"):
    return stage_stores().alert_states.teams().get(team)


def on_topic(world) -> list[AlertEvent]:
    return [read(AlertEvent, json.dumps(one).encode(), "queue") for one in world.cloud.mailbox.incidents]


def test_one_broken_feature_on_40_endpoints_is_three_single_mails_one_of_the_team_and_one_when_it_has_ended(fleet):
    breaks(names(40))
    assert [mail.subject.split(":")[0] for mail in fleet.cloud.mailbox.mails] == [
        f"[critical] {name}" for name in names(3)
    ]
    assert passes(fleet, minutes=5) == 0, "the others are gathered"
    assert passes(fleet) == 1
    mail, data = fleet.cloud.mailbox.mails[-1], fleet.cloud.mailbox.messages[-1]
    assert mail.subject == "[critical] search: b (data_type_check) is violated on 40 endpoints"
    assert all(name in mail.text for name in names(40))
    assert (data["endpoints"], data["more_endpoints"], data["endpoint"]) == (names(40), 0, "")
    assert "3 of them reported before" in data["items"][0]["observed"]
    assert passes(fleet) == 0
    recovers(names(40))
    assert len(fleet.cloud.mailbox.mails) == 4
    assert passes(fleet) == 1
    assert fleet.cloud.mailbox.mails[-1].subject.startswith("[recovered] search: b (data_type_check) has ended")
    assert fleet.cloud.mailbox.messages[-1]["endpoints"] == names(40)
    assert passes(fleet) == 0


def test_machines_get_one_event_for_each_endpoint_with_the_same_group_key(fleet):
    breaks(names(6))
    recovers(names(6))
    events = on_topic(fleet)
    assert [event.action for event in events] == ["trigger"] * 6 + ["resolve"] * 6
    assert len({event.dedup_key for event in events}) == 6
    (key,) = {event.group_key for event in events}
    passes(fleet)
    assert fleet.cloud.mailbox.messages[-1]["group_key"] == key


def test_two_teams_are_kept_apart_and_each_message_goes_to_the_topic_of_its_team(fleet, monkeypatch):
    topic = boto3.client("sns").create_topic(Name="vedette-local-ads")["TopicArn"]
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="ads@example.com")
    monkeypatch.setenv("VEDETTE_TOPICS", f"search={settings().topic_arn},ads={topic}")
    settings.cache_clear()
    others = [FleetEntry(endpoint=name, mode="alert", team="ads") for name in names(3, "ads")]
    fleet.apply(*stage_stores().fleet.get().entries, *others)
    breaks([*names(3), *names(3, "ads")])
    assert len(fleet.cloud.mailbox.mails) == 6
    assert passes(fleet) == 0, "neither team has it on more than three"
    breaks(names(4))
    assert passes(fleet) == 1
    assert fleet.cloud.mailbox.messages[-1]["endpoints"] == names(4)


def test_endpoints_that_begin_later_are_named_by_one_more_message_an_hour(fleet):
    breaks(names(5))
    assert passes(fleet) == 1
    breaks(names(20)[5:])
    assert [passes(fleet) for _ in range(4)] == [0, 0, 0, 1]
    assert fleet.cloud.mailbox.messages[-1]["endpoints"] == names(20)
    assert len(fleet.cloud.mailbox.mails) == 5


def test_an_endpoint_with_a_finding_of_its_own_has_its_own_mail(fleet):
    breaks(names(5))
    breaks(["search-07"], "b", "own")
    assert fleet.cloud.mailbox.messages[-1]["endpoint"] == "search-07"
    assert len(fleet.cloud.mailbox.mails) == 4


def test_several_features_that_break_together_are_one_message_of_the_team(fleet):
    breaks(names(8), "a", "b", "c")
    assert len(fleet.cloud.mailbox.mails) == 3
    assert passes(fleet) == 1
    assert [item["subject"] for item in fleet.cloud.mailbox.messages[-1]["items"]] == ["a", "b", "c"]
    assert fleet.cloud.mailbox.mails[-1].subject.endswith("on 8 endpoints, and 2 more")


def test_repeated_events_add_nothing(fleet):
    for _ in range(3):
        breaks(names(8))
    assert len(fleet.cloud.mailbox.mails) == 3
    assert (passes(fleet), passes(fleet)) == (1, 0)


def test_what_begins_an_hour_apart_is_sent_singly_and_recovers_singly(fleet):
    for position in range(5):
        breaks([f"search-{position:02}"])
        passes(fleet, minutes=61)
    assert len(fleet.cloud.mailbox.mails) == 5
    recovers(names(5))
    assert len(fleet.cloud.mailbox.mails) == 10
    assert passes(fleet) == 0


def test_a_message_that_sns_refuses_is_sent_by_a_later_sweep_and_says_no_endpoint_twice(fleet):
    breaks(names(6))
    fleet.cloud.turn(minutes=15)
    fleet.cloud.faults.add("throttle", *PUBLISH)
    with pytest.raises(Exception, match="Throttl"):
        notify_teams(stage_stores(), Deadline.never())
    assert len(team_state().outbox) == 1
    assert [(one.endpoint, one.variant) for one in undelivered()] == [("", "search")]
    assert passes(fleet) == 1
    assert passes(fleet) == 0
    assert len(fleet.cloud.mailbox.mails) == 4


def test_what_ends_under_a_mute_or_leaves_the_fleet_counts_as_ended(fleet):
    breaks(names(6))
    passes(fleet)
    now = fleet.cloud.clock.now()
    mute = Mute(mute_id="m", endpoint="search-00", begins=now, until=now.replace(year=2030), by="a", reason="r", at=now)
    stage_stores().alert_states.put_mute(mute)
    recovers(names(5))
    assert passes(fleet) == 0, "search-05 is still violated"
    fleet.apply(*(FleetEntry(endpoint=name, mode="alert", team="search") for name in names(5)))
    assert passes(fleet) == 1
    assert fleet.cloud.mailbox.messages[-1]["kind"] == "recovered"


def test_a_muted_team_gets_its_message_when_the_mute_has_ended(fleet):
    breaks(names(6))
    now = fleet.cloud.clock.now()
    until = now.replace(hour=now.hour + 3)
    mute = Mute(mute_id="m", team="search", begins=now, until=until, by="a", reason="r", at=now)
    stage_stores().alert_states.put_mute(mute)
    assert passes(fleet) == 0
    assert passes(fleet, minutes=180) == 1


def test_a_repetition_on_all_endpoints_is_one_message_of_the_team(fleet):
    from chalicelib.services.repetition import repeat_open_alerts

    breaks(names(8))
    passes(fleet)
    fleet.cloud.turn(hours=25)
    assert sum(repeat_open_alerts(run_of(name)) for name in names(8)) == 0
    assert passes(fleet) == 1
    data = fleet.cloud.mailbox.messages[-1]
    assert (data["kind"], data["items"][0]["state"], len(data["endpoints"])) == ("violations", "continuing", 8)
    assert sum(repeat_open_alerts(run_of(name)) for name in names(8)) == 0
    assert passes(fleet) == 0


def test_the_hourly_limit_of_an_endpoint_holds(fleet):
    fleet.apply(*(replace(entry, alerts_per_hour=1) for entry in stage_stores().fleet.get().entries))
    breaks(names(6))
    for number in range(3):
        breaks(["search-00"], f"f{number}", hour=number + 1)
    sent = [one for one in fleet.cloud.mailbox.messages if one["endpoint"] == "search-00"]
    assert len(sent) == 1
    state: AlertState = run_of("search-00").alert_states["AllTraffic"]
    assert state.suppressed.count == 3


@pytest.mark.parametrize("kind", ["crash_before", "crash_after"])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_crash_at_any_write_about_the_fifth_endpoint_loses_nothing_and_sends_nothing_twice(fleet, kind, k):
    breaks(names(4))
    fault = fleet.cloud.faults.add(kind, "dynamodb", "PutItem", k=k)
    with pytest.raises(Crash):
        breaks(["search-04"])
    assert fault.seen == k
    fleet.cloud.turn(minutes=2)  # Lambda tries again when the lease has ended
    breaks(["search-04"])
    send_pending("search-04", "AllTraffic")
    assert passes(fleet) == 1
    assert len(fleet.cloud.mailbox.mails) == 4
    assert fleet.cloud.mailbox.messages[-1]["endpoints"] == names(5)


@pytest.mark.parametrize("kind", ["crash_before", "crash_after"])
@pytest.mark.parametrize(("operation", "k"), [("PutItem", 1), ("PutItem", 2), ("Publish", 1)])
def test_a_crash_while_a_team_is_notified_loses_nothing(fleet, kind, operation, k):
    breaks(names(6))
    fleet.cloud.turn(minutes=15)
    fleet.cloud.faults.add(kind, None, operation, k=k)
    with pytest.raises(Crash):
        notify_teams(stage_stores(), Deadline.never())
    passes(fleet)
    passes(fleet)
    sent = [one for one in fleet.cloud.mailbox.messages if not one["endpoint"]]
    assert {one["alert_id"] for one in sent} == {sent[0]["alert_id"]}, "a second copy has the same alert id"
    assert len(sent) <= 1 + (operation == "Publish" or k == 2)

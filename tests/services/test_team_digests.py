"""Daily digests of teams on the AWS simulator: what they say, when they are sent, and what they read."""

import pytest
from msgspec.structs import replace

from chalicelib.alerts import endpoint_notifications
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import FleetEntry
from chalicelib.services import alerting
from chalicelib.services.sweep import sweep
from chalicelib.services.team_notifications import notify_teams
from chalicelib.settings import settings
from tests.alerts.factories import clean, execution, violation
from tests.runs import alert_on, run_of

ENDPOINTS = ["churn", "fraud", "quiet", "silent"]
TABLE = {"GetItem", "PutItem", "Query", "DeleteItem"}


@pytest.fixture
def fleet(world, monkeypatch):
    """Four endpoints of the team search, whose digest is at noon; no functions run by themselves."""
    world.cloud.schedules_enabled = False
    monkeypatch.setenv("VEDETTE_TEAM_DIGESTS", "search=12:00")
    settings.cache_clear()
    world.apply(*(FleetEntry(endpoint=name, mode="alert", team="search") for name in ENDPOINTS))
    return world


def about(name: str, *measurements, hour: int = 0) -> None:
    alert_on(execution(*measurements, endpoint=name, hour=hour, folder=f"monitoring/{name}/{hour}/"))


def sweep_all() -> None:
    for name in ENDPOINTS:
        sweep(run_of(name))


def at(world, hour: int, minute: int = 0, days: int = 0) -> int:
    now = world.cloud.clock.now()
    day = now.day + days
    world.cloud.turn(to=now.replace(day=day, hour=hour, minute=minute, second=0, microsecond=0))
    return notify_teams(stage_stores(), Deadline.never())


def digests(world) -> list[dict]:
    return [one for one in world.cloud.mailbox.messages if one["kind"] == "digest"]


def test_a_digest_says_what_is_open_since_when_and_what_ended(fleet):
    about("churn", violation("b"), violation("a", severity="warning"))
    about("fraud", violation("c"))
    off = {"off": "data capture is off"}
    sync = lambda state: endpoint_notifications.sync_conditions(state, "capture", off, fleet.cloud.clock.now())  # noqa: E731
    alerting.update_and_send(run_of("silent"), "", sync)
    sweep_all()
    for hour in (1, 2):
        about("fraud", clean("c"), hour=hour)
    sweep_all()
    assert at(fleet, 11, 59) == 0
    assert at(fleet, 12) == 1
    mail = fleet.cloud.mailbox.mails[-1]
    assert mail.subject.startswith("[digest] search: ")
    for heading in ("Critical", "Warning", "Not monitored", "Ended since the last digest"):
        assert f"\n{heading}\n" in mail.text
    assert "churn, variant AllTraffic, b: data_type_check, since 2026-03-02" in " ".join(mail.text.split())
    assert at(fleet, 12, 15) == 0, "once a day"


def test_a_digest_of_a_team_without_an_open_alert_is_one_sentence(fleet):
    assert at(fleet, 12) == 1
    (one,) = digests(fleet)
    assert (one["headline"], one["items"], one["severity"]) == ("no alert is open on 4 endpoints", [], "information")


def test_what_has_ended_is_in_one_digest_and_no_more_in_the_next(fleet):
    about("churn", violation("b"))
    sweep_all()
    for hour in (1, 2):
        about("churn", clean("b"), hour=hour)
    sweep_all()
    assert at(fleet, 12) == 1
    assert at(fleet, 12, days=1) == 1
    first, second = (one["headline"] for one in digests(fleet))
    assert first.endswith("; 1 alert ended")
    assert "ended" not in second


def test_a_digest_reads_nothing_of_endpoints_that_have_nothing_to_say(fleet):
    many = [FleetEntry(endpoint=f"e{number}", mode="alert", team="search") for number in range(200)]
    fleet.apply(*stage_stores().fleet.get().entries, *many)
    fleet.cloud.recorder.clear()
    assert at(fleet, 12) == 1
    calls = [call.operation for call in fleet.cloud.recorder.calls if call.operation in TABLE]
    assert len(calls) <= 8, calls


def test_without_a_digest_no_sweep_stores_anything_for_one(fleet, monkeypatch):
    monkeypatch.delenv("VEDETTE_TEAM_DIGESTS")
    settings.cache_clear()
    about("churn", violation("b"))
    sweep_all()
    assert stage_stores().alert_states.digest_entries("search") == []
    assert at(fleet, 12) == 0


def test_an_open_critical_alert_is_repeated_once_a_day_and_machines_hear_nothing_of_it(fleet):
    about("churn", violation("b"), violation("a", severity="warning"))
    sent, events = len(fleet.cloud.mailbox.mails), len(fleet.cloud.mailbox.incidents)
    fleet.cloud.turn(hours=23)
    sweep(run_of("churn"))
    repeated = [one for one in fleet.cloud.mailbox.messages[sent:] if one["kind"] == "violations"]
    assert repeated == []
    fleet.cloud.turn(hours=2)
    for _ in range(2):
        sweep(run_of("churn"))
    (one,) = [one for one in fleet.cloud.mailbox.messages[sent:] if one["kind"] == "violations"]
    assert [(item["subject"], item["state"]) for item in one["items"]] == [("b", "continuing")]
    assert "b (data_type_check) is still violated, for " in one["headline"]
    (first, again) = (message["incidents"] for message in (fleet.cloud.mailbox.messages[0], one))
    keys = {incident["dedup_key"] for incident in first}
    assert [(incident["action"], incident["dedup_key"] in keys) for incident in again] == [("inform", True)]
    triggers = [event for event in fleet.cloud.mailbox.incidents[events:] if event["check"] == "data_type_check"]
    assert triggers == []


@pytest.mark.parametrize(("hours", "subjects"), [(0, []), (6, ["b", "a"])])
def test_an_endpoint_says_after_how_many_hours_any_open_alert_is_repeated(fleet, hours, subjects):
    fleet.apply(*(replace(entry, repeat_interval_hours=hours) for entry in stage_stores().fleet.get().entries))
    about("churn", violation("b"), violation("a", severity="warning"))
    fleet.cloud.turn(hours=25)
    sweep(run_of("churn"))
    found = [one for one in fleet.cloud.mailbox.messages[1:] if one["kind"] == "violations"]
    assert [item["subject"] for one in found for item in one["items"]] == subjects

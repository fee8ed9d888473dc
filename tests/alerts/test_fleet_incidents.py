"""Laws of fleet incidents: bounded, the same answer for the same message, nothing lost in any order."""

import random
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.alerts import sns_payload
from chalicelib.alerts.fleet_incidents import MAX_BYTES, EndedAlert, enqueue_due, register
from chalicelib.alerts.incidents import group_id
from chalicelib.aws.dynamodb import _encoded
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.records import AlertMessage, TeamAlertState, read, write
from tests.alerts.factories import NOON, PLACE, execution, said, violation

MINUTE = timedelta(minutes=1)
TEAM = TeamAlertState(endpoint="", variant="search")
LONG = "-" + "abcdefghijklmnopqrstuvwxyz0123456789" * 2


def message(endpoint: str, *features: str, hour: int = 0, **changes) -> AlertMessage:
    found = [violation(feature, **changes) for feature in features or ("b",)]
    (one,) = said(execution(*found, endpoint=endpoint, hour=hour))
    return one


def registered(state: TeamAlertState, messages: list[AlertMessage], now: datetime = NOON):
    answers = []
    for one in messages:
        state, singly = register(state, one, (), None, now)
        answers.append(singly)
    return state, answers


def due(state: TeamAlertState, names: list[str], now: datetime) -> tuple[TeamAlertState, list[AlertMessage]]:
    after = enqueue_due(state, names, now, "dev", muted=False)
    return replace(after, outbox=()), [one.message for one in after.outbox]


@pytest.mark.parametrize("number", [40, 1_000])
def test_the_state_and_the_message_of_the_longest_names_fit_into_an_item_and_a_publish(number):
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    names = ["".join(rng.choices(letters, k=63)) for _ in range(number)]
    features = ("a", "b", "c") if number > 40 else ("b",)
    state, answers = registered(TEAM, [message(name, *features) for name in names])
    assert answers[:3] == [True] * 3
    assert sum(answers) <= 3 or number > 40
    after = enqueue_due(state, names, NOON + 15 * MINUTE, "dev", muted=False)
    (body,) = _encoded(write(after)).values()
    assert len(next(iter(body.values()))) < 390_000
    assert read(TeamAlertState, write(after), "x") == after
    (sent,) = after.outbox
    routed = sns_payload.with_routing(sent.message, "search", PLACE)
    attributes = sum(len(str(value)) for value in sns_payload.message_attributes(routed).values())
    assert len(sns_payload.sns_message(routed).encode()) + attributes < sns_payload.MAX_MESSAGE_BYTES
    assert len(routed.endpoints) + routed.more_endpoints == len(
        {one.endpoint for incident in state.fleet_incidents.values() for one in incident.members}
    )


def test_beyond_what_a_state_holds_endpoints_send_their_own_messages():
    features = tuple(f"f{number}" for number in range(10))
    state, answers = registered(TEAM, [message(f"e{number}", *features) for number in range(500)])
    assert len(write(state)) < MAX_BYTES + 100_000
    assert answers[3] is False
    assert answers[-1] is True


@pytest.mark.parametrize("seed", range(20))
def test_in_any_order_with_repetitions_three_are_single_and_the_others_are_named_once(seed):
    rng = random.Random(seed)
    names = [f"e{number}" for number in range(12)]
    events = [message(name) for name in names for _ in range(rng.randint(1, 3))]
    rng.shuffle(events)
    state, singly = TEAM, {}
    for one in events:
        state, answer = register(state, one, (), None, NOON)
        assert singly.setdefault(one.endpoint, answer) is answer, "the same answer for the same message"
    assert sum(singly.values()) == 3
    state, sent = due(state, names, NOON + 15 * MINUTE)
    assert [one.endpoints for one in sent] == [tuple(sorted(names))]
    ends = [EndedAlert(group_id(Fingerprint("data_type_check", "b")), name, "AllTraffic", NOON) for name in names]
    rng.shuffle(ends)
    for one in ends[:-1]:
        state, _ = register(state, None, [one, one], None, NOON + 60 * MINUTE)
        state, sent = due(state, names, NOON + 60 * MINUTE)
        assert sent == []
    state, _ = register(state, None, ends, None, NOON + 90 * MINUTE)
    state, sent = due(state, names, NOON + 90 * MINUTE)
    assert [(one.kind, len(one.endpoints)) for one in sent] == [("recovered", 12)]
    state, sent = due(state, names, NOON + 120 * MINUTE)
    assert sent == []
    late, answer = register(state, events[0], (), None, NOON + 120 * MINUTE)
    assert (late, answer) == (state, False), "what comes late of an incident that has ended is not sent"


def test_a_severity_that_rises_on_many_endpoints_is_one_message_of_the_team():
    names = [f"e{number}" for number in range(8)]
    state, _ = registered(TEAM, [message(name, severity="warning") for name in names])
    state, _ = due(state, names, NOON + 15 * MINUTE)
    later = NOON + 120 * MINUTE
    state, answers = registered(state, [message(name) for name in names], later)
    assert not any(answers)
    state, sent = due(state, names, later + 15 * MINUTE)
    assert [(one.severity, len(one.endpoints)) for one in sent] == [("critical", 8)]


def test_a_new_episode_after_the_end_is_a_new_incident():
    names = [f"e{number}" for number in range(6)]
    state, _ = registered(TEAM, [message(name) for name in names])
    state, _ = due(state, [], NOON + 15 * MINUTE)
    assert all(one.closed_at for one in state.fleet_incidents.values())
    again = [message(name, hour=5) for name in names]
    state, answers = registered(state, again, NOON + 360 * MINUTE)
    assert answers == [True] * 3 + [False] * 3

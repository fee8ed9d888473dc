"""Alerts for operators: firing alerts, undelivered notifications, mutes, and a test of the delivery path.

The alert state of each endpoint and variant is one item; a mute is an item of its own. on_monitoring_execution reads
both, so a mute applies from the next verdict on.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from chalicelib import records
from chalicelib.alerts import endpoint_notifications, mutes, story
from chalicelib.alerts.state import fingerprint_id
from chalicelib.aws import messages as outgoing
from chalicelib.constraints.measurement import Fingerprint, Verdict
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.errors import VedetteError
from chalicelib.locations import EXECUTION_DETAIL_TYPE
from chalicelib.records import (
    AlertEvent,
    AlertKind,
    AlertMessage,
    AlertState,
    Execution,
    ExecutionEvent,
    FingerprintState,
    Mute,
    OutboxMessage,
)
from chalicelib.services import alerting
from chalicelib.settings import settings
from vedette.operations import aws

TEST_ALERT_TIMEOUT_SECONDS = 120  # for the event bus, Lambda and one Publish
LOOK_AGAIN = 2


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one fingerprint of an endpoint and variant, and its active mutes."""

    fingerprint: str
    endpoint: str
    variant: str
    subject: str
    check: str
    state: FingerprintState
    muted_by: tuple[Mute, ...] = ()
    headline: str = ""  # of the message that reported it; "" if none is stored
    sentence: str = ""  # the headline as the mail and the page give it
    cause: str = ""
    alert_id: str = ""


class Undelivered(msgspec.Struct, frozen=True, kw_only=True):
    """A message that SNS has not accepted yet."""

    endpoint: str
    variant: str
    outbox_message: OutboxMessage


# --- reading ----------------------------------------------------------------------------------------------------------


def books(endpoint: str = "") -> Iterator[AlertState]:
    """The alert states of one endpoint, or of the fleet."""
    names = [endpoint] if endpoint else [entry.endpoint for entry in stage_stores().fleet.get().entries]
    for name in names:
        yield from stage_stores().alert_states.of_endpoint(name)


def alerts(endpoint: str = "") -> list[Alert]:
    """All stored alerts: firing ones first, then sorted by endpoint and start."""
    active = mutes.in_force(all_mutes(), datetime.now(UTC))
    teams = {entry.endpoint: entry.team for entry in stage_stores().fleet.get().entries}
    found = [
        Alert(
            fingerprint=number,
            endpoint=book.endpoint,
            variant=book.variant,
            subject=subject,
            check=check,
            state=state,
            muted_by=tuple(
                mute for mute in active if _applies(mute, number, book.endpoint, teams.get(book.endpoint, ""))
            ),
        )
        for book in books(endpoint)
        for (check, subject), number, state in _fingerprints(book)
    ]
    order = {"firing": 0, "muted": 1, "pending": 2}
    return sorted(found, key=lambda alert: (order[alert.state.state], alert.endpoint, alert.state.since))


def _fingerprints(book: AlertState) -> Iterator[tuple[Fingerprint, str, FingerprintState]]:
    for fingerprint, state in book.fingerprints.items():
        yield fingerprint, fingerprint_id(book.endpoint, book.variant, fingerprint), state


def _applies(mute: Mute, fingerprint: str, endpoint: str, team: str) -> bool:
    return fingerprint == mute.fingerprint or endpoint == mute.endpoint or bool(team and team == mute.team)


def alert(fingerprint: str) -> Alert:
    """The alert of a fingerprint.

    Raises
    ------
    VedetteError
        If there is no alert with this fingerprint.
    """
    for found in alerts():
        if found.fingerprint == fingerprint:
            return with_stories([found])[0]
    raise VedetteError(f"There is no alert with the fingerprint {fingerprint}; `vedette alerts list` shows all alerts.")


# --- the messages that were sent --------------------------------------------------------------------------------------


def with_stories(found: Iterable[Alert]) -> list[Alert]:
    """The alerts with the headline and the cause of the messages that reported them."""
    messages: dict[str, list[AlertMessage]] = {}
    described = []
    for alert in found:
        folder = alert.state.folder
        if folder and "://" not in folder and folder not in messages:
            messages[folder] = stage_stores().executions.alerts(folder)
        sent = _reporting(messages.get(folder, ()), alert.fingerprint)
        described.append(alert if sent is None else _described(alert, sent))
    return described


def _described(alert: Alert, sent: AlertMessage) -> Alert:
    sentence = story.headline(sent)
    return replace(alert, headline=sent.headline, sentence=sentence, cause=sent.cause, alert_id=sent.alert_id)


def _reporting(messages: Iterable[AlertMessage], fingerprint: str) -> AlertMessage | None:
    """The message that reported a fingerprint, if one lists it."""
    sent = [message for message in messages if message.kind != AlertKind.RECOVERED]
    return next((one for one in sent if any(item.fingerprint == fingerprint for item in one.items)), None)


def about(execution: Execution) -> list[AlertMessage]:
    """The messages about an execution, as they were sent; else those of the open alerts that it violates."""
    if execution.source != "vedette":
        return []
    executions = stage_stores().executions
    found = executions.alerts(execution.folder)
    if found:
        return found
    state, _ = stage_stores().alert_states.get(execution.endpoint, execution.variant)
    known = state.fingerprints if state else {}
    open_alerts = {
        (known[one.fingerprint].folder, fingerprint_id(execution.endpoint, execution.variant, one.fingerprint))
        for one in execution.measurements
        if one.violated and one.fingerprint in known and known[one.fingerprint].since < execution.window_end
    }
    sent = [
        message
        for folder in sorted({folder for folder, _ in open_alerts if folder})
        for message in executions.alerts(folder)
        if any((folder, item.fingerprint) in open_alerts for item in message.items)
    ]
    return [message for message in sent if message.kind != AlertKind.RECOVERED]


def undelivered(endpoint: str = "") -> list[Undelivered]:
    """The messages in the outbox: delivery in progress, or failed; `attempts` and `last_error` say which.

    Without an endpoint, also those of endpoints that left the fleet, and those of teams: their `endpoint` is "", and
    their `variant` is the team.
    """
    names = [] if endpoint else [departed.entry.endpoint for departed in stage_stores().alert_states.departed()]
    found = {(book.endpoint, book.variant): book for name in [endpoint, *names] for book in books(name)}
    teams = [] if endpoint else list(stage_stores().alert_states.teams().values())
    return [
        Undelivered(endpoint=book.endpoint, variant=book.variant, outbox_message=pending)
        for book in (*found.values(), *teams)
        for pending in book.outbox
    ]


# --- mutes ------------------------------------------------------------------------------------------------------------


def all_mutes() -> list[Mute]:
    """All mutes, including ended ones, sorted by their end."""
    return sorted(stage_stores().alert_states.mutes(), key=lambda mute: mute.until)


def mute(*, fingerprint: str, endpoint: str, team: str, begins: datetime | None, until: datetime, reason: str) -> Mute:
    """Create a mute from options; `save` stores it.

    Raises
    ------
    VedetteError
        If not exactly one scope is named, it does not exist, or the mute ends before it begins.
    """
    if sum(map(bool, (fingerprint, endpoint, team))) != 1:
        raise VedetteError("Name exactly one of a fingerprint, --endpoint NAME and --team NAME.")
    fleet = stage_stores().fleet.get()
    if endpoint and fleet.entry(endpoint) is None:
        raise VedetteError(f"{endpoint} is not in the fleet of stage {settings().stage}.")
    if team and team not in {entry.team for entry in fleet.entries}:
        raise VedetteError(f"No endpoint of stage {settings().stage} belongs to a team {team}.")
    if fingerprint:
        alert(fingerprint)
    if not reason.strip():
        raise VedetteError("Give a reason with --reason.")
    now = datetime.now(UTC)
    if until <= (begins or now):
        raise VedetteError("The mute would end before it begins.")
    return Mute(
        mute_id=uuid.uuid4().hex[:8],
        fingerprint=fingerprint,
        endpoint=endpoint,
        team=team,
        begins=begins or now,
        until=until,
        by=aws.who(),
        reason=reason,
        at=now,
    )


def save(mute_to_store: Mute) -> None:
    """Store a mute."""
    stage_stores().alert_states.put_mute(mute_to_store)


def unmute(mute_id: str) -> None:
    """End a mute now."""
    stage_stores().alert_states.delete_mute(mute_id)


def mutes_of(name: str) -> list[Mute]:
    """The active mutes with this id, or of this fingerprint, endpoint or team."""
    now = datetime.now(UTC)
    return [
        found
        for found in all_mutes()
        if found.until > now and name in {found.mute_id, found.fingerprint, found.endpoint, found.team} - {""}
    ]


# --- a test through the real path -------------------------------------------------------------------------------------


def start_test(endpoint: str) -> str:
    """Announce a test alert in the table, and put its event on the bus, like that of a verdict; returns its nonce.

    Raises
    ------
    VedetteError
        If the endpoint is not in the fleet, EventBridge rejects the event, or the hourly limit is reached.
    """
    entry = stage_stores().fleet.get().entry(endpoint)
    if entry is None:
        raise VedetteError(f"{endpoint} is not in the fleet of stage {settings().stage}.")
    nonce, now = uuid.uuid4().hex, datetime.now(UTC)
    expect = partial(endpoint_notifications.expect_test, nonce=nonce, limit=entry.alerts_per_hour, now=now)
    alerting.update(EndpointRun.without_deadline(entry), alerting.ENDPOINT, expect)
    event = ExecutionEvent(
        endpoint=endpoint,
        variant="",
        verdict=Verdict.OK,
        window_start=now,
        window_end=now,
        window_closed=False,
        folder="",
        test=nonce,
    )
    outgoing.put_event(EXECUTION_DETAIL_TYPE, msgspec.json.encode(event))
    return nonce


def wait_for_test(endpoint: str, nonce: str, timeout_seconds: float = TEST_ALERT_TIMEOUT_SECONDS) -> str:
    """Wait until SNS has accepted the message of a test; returns its alert id.

    Raises
    ------
    VedetteError
        On timeout, with the last step that it reached and the reason.
    """
    wanted = endpoint_notifications.id_of_test(endpoint, nonce)
    ends, pending = time.monotonic() + timeout_seconds, None
    while True:
        book, _ = stage_stores().alert_states.get(endpoint, "")
        if book is not None and wanted in book.sent_ids:
            pending = next((message for message in book.outbox if message.alert_id == wanted), None)
            if pending is None:
                return wanted
            if pending.last_error:
                raise VedetteError(f"The test alert reached Vedette, but SNS did not accept it: {pending.last_error}.")
        if time.monotonic() >= ends:
            break
        time.sleep(LOOK_AGAIN)
    where = "was not published" if pending else "did not reach on_monitoring_execution"
    raise VedetteError(f"After {timeout_seconds:g} s the test {where}; see its log, and its rule on the event bus.")


# --- the form of an alert ---------------------------------------------------------------------------------------------


def schema(*, events: bool = False) -> dict[str, Any]:
    """The JSON Schema of what programs receive.

    It is docs/alert.schema.json: the alerts that queues, functions and webhooks receive; with `events`
    docs/alert-event.schema.json: the events on the bus, and the messages of the incidents topic.
    """
    title = "Vedette alert event" if events else "Vedette alert"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{title}, schema version {records.SCHEMA_VERSION}",
        **msgspec.json.schema(AlertEvent if events else AlertMessage),
    }

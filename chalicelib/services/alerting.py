"""Alerts: moves the alert state by a verdict, and sends what is pending. A transactional outbox.

    decide and lease:  a pure function changes the alert state, and the next pending message and events are leased:
                       one conditional write, repeated on a conflict
    publish:           SNS takes the message, one attempt; the bus and the incidents topic take the events
    acknowledge:       they leave the outbox, in the write that leases the next ones

| input                                              | outcome                                                         |
|----------------------------------------------------|-----------------------------------------------------------------|
| a verdict that changes the alert state             | a message, when something is new or has recovered               |
| the endpoint is in mode observe                    | Skipped: evaluated and reported, nobody is notified             |
| a window whose data came late                      | compared with its earlier revisions, and the windows around it  |
| a mute is in force                                 | the alert state changes; a metric, and no message               |
| CaptureStopped, and its cause was notified         | the same: one message for one broken capture                    |
| a message that another invocation has leased       | NotReady: a later delivery takes it over if that one dies       |
| topic gone, nobody subscribed, key or role refused | metric, error log, the reason in the alert state; sweep repeats |
| a message about an execution                       | stored beside it before it is sent, and its page headed with it |
| SNS throttles or fails                             | the others are sent; then the error propagates                  |
| an endpoint of a team with a topic of its own      | goes there; for a team without one: metric, error log, and the  |
|                                                    | stage's default topic                                           |
| a deployment, and the stage has a topic for them   | goes there, whatever the team                                   |
| an incident that began or ended                    | an event for machines, sent beside (`incident_delivery`)        |
| the same finding on several endpoints of a team    | a message of the team takes its place (`fleet_grouping`)        |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import islice
from typing import Any

from chalicelib.alerts import (
    email_text,
    endpoint_notifications,
    incidents,
    message,
    mutes,
    outbox,
    repeats,
    sns_payload,
)
from chalicelib.alerts.cause import WINDOWS_BEFORE
from chalicelib.alerts.incidents import BATCH, Describe
from chalicelib.alerts.model_monitor import TERMINAL, with_critical_features
from chalicelib.alerts.next_steps import AlertContext
from chalicelib.alerts.slow_drift import follow_slow_drift
from chalicelib.alerts.state import StoredExecutions, Transition, bounded, reach, transition
from chalicelib.aws import messages
from chalicelib.constraints.measurement import Checks, Verdict
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, Stores
from chalicelib.errors import MalformedEvent, NotReady, Undeliverable, UnexpectedTest
from chalicelib.events import ProcessingJobStateChanged
from chalicelib.observability import count, logger
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.records import (
    AlertKind,
    AlertMessage,
    AlertState,
    Execution,
    ExecutionEvent,
    Mode,
    OutboxMessage,
    PendingEvent,
)
from chalicelib.services import fleet_grouping, incident_delivery, reporting
from chalicelib.services.installation import installation, runbook_of
from chalicelib.settings import DEPLOYMENTS, settings
from chalicelib.window import DAY

MAX_UNDELIVERABLE = 5  # of one run: the messages of an alert state go to one topic, and the sweep comes again
ENDPOINT = ""  # the variant under which an endpoint's own notifications are kept
Decision = Callable[[AlertState], AlertState]  # pure: it may run more than once


@dataclass(frozen=True)
class Alerted:
    """What became of a verdict: the ids of the messages that were sent."""

    endpoint: str
    verdict: str
    sent: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """The answer of the function."""
        return {"endpoint": self.endpoint, "verdict": self.verdict, "alerts": list(self.sent)}


def alert_on_job(job: ProcessingJobStateChanged, stores: Stores, deadline: Deadline) -> Alerted | Skipped:
    """Alert on the execution of a processing job of Model Monitor that ended.

    Raises
    ------
    NotReady
        When its report may still be on its way.
    """
    from chalicelib.services import model_monitor  # few accounts still have its schedules

    if job.status not in TERMINAL:
        return Skipped(SkipReason.NOT_ENDED, f"{job.job_name} is {job.status}")
    execution = model_monitor.execution_of_job(job.job_name)
    if isinstance(execution, Skipped):
        return execution
    run = EndpointRun.of(execution.endpoint, deadline, stores)
    return run if isinstance(run, Skipped) else alert_on(run, execution)


def alert_on_announcement(run: EndpointRun, announced: ExecutionEvent) -> Alerted | Skipped:
    """Alert on the execution that an event announces; a test of `vedette alerts test` is sent in every mode.

    Raises
    ------
    UnexpectedTest
        When no operator has announced the test.
    MalformedEvent
        When the event names the execution of another endpoint.
    """
    if announced.test:
        return _send_test(run, announced.test)
    execution = run.stores.executions.get(announced.folder)
    if execution is None:
        return Skipped(SkipReason.EXECUTION_GONE, f"{announced.folder} is gone")
    if execution.endpoint != run.endpoint:
        raise MalformedEvent(f"{announced.folder} is an execution of {execution.endpoint}, not of {run.endpoint}.")
    return alert_on(run, execution)


def _send_test(run: EndpointRun, nonce: str) -> Alerted:
    """Send a test alert, if its nonce is in the table: whoever may put events can make up the event, but not that."""
    state, _ = run.stores.alert_states.get(run.endpoint, ENDPOINT)
    if state is None or not endpoint_notifications.is_known_test(state, nonce, run.now):
        raise UnexpectedTest(f"A test alert of {run.endpoint} was not announced by `vedette alerts test`.")
    limit = run.entry.alerts_per_hour
    notify = partial(endpoint_notifications.notify_test, nonce=nonce, limit=limit, now=run.now)
    return Alerted(run.endpoint, "test", tuple(update_and_send(run, ENDPOINT, notify)))


def alert_on(run: EndpointRun, execution: Execution) -> Alerted | Skipped:
    """Move the alert state of a variant by a verdict, and send what that makes pending."""
    entry = run.entry
    if entry.mode == Mode.OBSERVE:
        return Skipped(SkipReason.OBSERVE_MODE, f"{entry.endpoint} is in mode observe: nobody is notified")
    if execution.source == "model monitor":
        execution = with_critical_features(execution, entry.critical_features)
    muted = mutes.muted(run.stores.alert_states.mutes(), entry.endpoint, execution.variant, entry.team, run.now)
    if execution.verdict == Verdict.CAPTURE_STOPPED and _capture_condition_was_notified(run):
        muted = mutes.always_muted
    context = _context(run, execution)
    moved = Transition(AlertState(endpoint=execution.endpoint, variant=execution.variant))
    describe: Describe = incidents.describe_by_name

    def decide(state: AlertState) -> AlertState:
        nonlocal moved, describe
        moved = transition(state, execution, entry.thresholds, muted, partial(_stored_executions, run, execution))
        pending = message.messages(moved, execution, context)
        after = moved.after
        if after != state and not moved.late:  # each day counts once
            after, of_the_week = follow_slow_drift(after, execution, entry.thresholds, muted)
            pending = (*pending, *of_the_week)
            for one in of_the_week:
                after = incidents.inform(after, one)
        describe = message.describe_findings(moved, execution, pending)
        if pending:
            after = repeats.with_notified(after, [m.fingerprint for m in (*moved.new, *moved.continuing)], run.now)
        return outbox.enqueue_rate_limited(after, pending, entry.alerts_per_hour, run.now)

    sent = update_and_send(run, execution.variant, decide, lambda fingerprint: describe(fingerprint))
    if moved.muted:
        count("AlertsMuted", len(moved.muted))
    return Alerted(execution.endpoint, execution.verdict, tuple(sent))


def _stored_executions(run: EndpointRun, late: Execution) -> StoredExecutions:
    """The earlier revisions of a late execution's window, and the windows of its length around it."""
    executions, window = run.stores.executions, late.window
    earlier, far = tuple(executions.revisions_before(late)), reach(run.entry.thresholds) * window.length
    if not far:  # each check fires in a single window
        return StoredExecutions(earlier)
    if late.job:  # jobs have windows of any length
        count, until = reach(run.entry.thresholds), run.now + DAY
        before = executions.latest_before(run.endpoint, late.variant, window.start, count)
        after = executions.of_windows(run.endpoint, late.variant, window.start, until)
        return StoredExecutions(earlier, (*before, *islice((one for one in after if one.job != late.job), count)))
    around = executions.of_windows(
        run.endpoint,
        late.variant,
        window.start - far,
        window.end + far,
        window.length,
        of_quality=late.is_of_quality,
    )
    return StoredExecutions(earlier, tuple(around))


def _capture_condition_was_notified(run: EndpointRun) -> bool:
    state, _ = run.stores.alert_states.get(run.endpoint, ENDPOINT)
    return state is not None and endpoint_notifications.has_condition(state, "capture")


def _context(run: EndpointRun, execution: Execution) -> AlertContext:
    @cache
    def before() -> tuple[Execution, ...]:
        if execution.source != "vedette":
            return ()
        length = timedelta(minutes=run.entry.window_minutes)
        if execution.checks_run in {Checks.DRIFT, Checks.QUALITY}:
            length = execution.window.length
        if execution.job:
            return tuple(
                run.stores.executions.latest_before(
                    run.endpoint, execution.variant, execution.window_start, WINDOWS_BEFORE
                )
            )
        start, until = execution.window_start - WINDOWS_BEFORE * length, execution.window_start
        found = run.stores.executions.of_windows(
            run.endpoint, execution.variant, start, until, length, of_quality=execution.is_of_quality
        )
        return tuple(found)

    return AlertContext(
        bucket=run.stores.bucket.name,
        deploys=run.entry.mode == Mode.DEPLOY,
        history=run.deployments.all,
        before=before,
        window_minutes=run.entry.window_minutes,
        records=run.entry.records,
    )


# --- the outbox -------------------------------------------------------------------------------------------------------


def update_and_send(run: EndpointRun, variant: str, decide: Decision, describe: Describe | None = None) -> list[str]:
    """Apply a decision to an alert state, and send what is then pending, message by message; the ids sent.

    `describe` says what the events of the decision say to machines; the state says it of conditions.

    Raises
    ------
    NotReady
        When another invocation holds the lease on a message.
    """
    sent: list[str] = []
    tried: set[str] = set()
    failed: list[Exception] = []
    undeliverable, events_fail = 0, False
    while True:
        state, leased, events = _lease_next(
            run,
            variant,
            decide,
            describe,
            with_messages=undeliverable < MAX_UNDELIVERABLE,
            event_limit=0 if events_fail else BATCH,
        )
        if leased is None and not events:
            break
        decisions: list[Decision] = []
        if leased is not None:
            tried.add(leased.alert_id)
            try:
                published = _publish(run, leased.message)
            except Undeliverable as error:
                decisions.append(_undelivered(run, leased, str(error)))
                undeliverable += 1
            except Exception as error:  # noqa: BLE001 - raised below, after the other messages were sent
                failed.append(error)
            else:
                if published:
                    count("AlertsSent")
                    sent.append(leased.alert_id)
                decisions.append(partial(outbox.acknowledge, alert_id=leased.alert_id))
        if events:
            outcome = incident_delivery.send(run, state, events)
            events_fail = bool(outcome.refused or outcome.error)
            failed += [outcome.error] if outcome.error else []
            accepted, refused = outcome.accepted, outcome.refused
            decisions.append(partial(incidents.acknowledge, accepted=accepted, refused=refused))
        decide = _in_turn(decisions)
    if failed:
        raise failed[0]
    if not undeliverable and any(one.alert_id not in tried and not one.last_error for one in state.outbox):
        raise NotReady(f"A message about {run.endpoint} is being sent by another invocation.")
    return sent


def _undelivered(run: EndpointRun, leased: OutboxMessage, reason: str) -> Decision:
    count("AlertsUndelivered")
    logger.error(
        "an alert could not be published",
        endpoint=run.endpoint,
        alert_id=leased.alert_id,
        attempts=leased.attempts,
        reason=reason,
    )
    return partial(outbox.record_failure, alert_id=leased.alert_id, reason=reason)


def _in_turn(decisions: Sequence[Decision]) -> Decision:
    def decide(state: AlertState) -> AlertState:
        for one in decisions:
            state = one(state)
        return state

    return decide


def sync(run: EndpointRun, decide: Decision) -> None:
    """Apply a decision that every run makes again to the endpoint's own alert state.

    Where the run has read the alert states, nothing is read again unless the decision changes something.

    Raises
    ------
    NotReady
        As `update_and_send`.
    """
    states = run.known_alert_states
    known = None if states is None else states.get(ENDPOINT) or AlertState(endpoint=run.endpoint, variant=ENDPOINT)
    if known is None or decide(known) != known or has_pending(run, known):
        update_and_send(run, ENDPOINT, decide)


def has_pending(run: EndpointRun, state: AlertState) -> bool:
    """Whether something of an alert state is still to be sent."""
    waits = bool(state.outbox or state.events) or state.suppressed is not None
    return waits or incidents.unreported(state, notifies=run.entry.mode != Mode.OBSERVE)


def send_pending(run: EndpointRun, variant: str) -> list[str]:
    """Send what is pending in an alert state; the ids sent. Raises NotReady as `update_and_send`."""
    return update_and_send(run, variant, unchanged)


def unchanged(state: AlertState) -> AlertState:
    """The decision that changes nothing."""
    return state


def update(
    run: EndpointRun,
    variant: str,
    decide: Decision,
    describe: Describe | None = None,
    then: Decision = unchanged,
) -> AlertState:
    """Apply a decision to an alert state in one conditional write, with the events of it; nothing is sent.

    `then` is applied to the state with these events.

    Raises
    ------
    NotReady
        When other invocations go on changing it.
    """

    def changed(state: AlertState) -> AlertState:
        after = decide(bounded(state))
        if run.entry.mode == Mode.OBSERVE:
            after = incidents.withdraw(state, after, run.now)
        else:
            of_state = partial(endpoint_notifications.describe_condition, state, after)
            after = incidents.follow(state, after, run.now, describe or of_state)
        return then(outbox.with_enqueue_times(state, after, run.now))

    state = run.stores.alert_states.change(run.endpoint, variant, changed)
    if run.known_alert_states is not None:
        run.known_alert_states[variant] = state
    return state


def _lease_next(
    run: EndpointRun,
    variant: str,
    decide: Decision,
    describe: Describe | None,
    *,
    with_messages: bool,
    event_limit: int,
) -> tuple[AlertState, OutboxMessage | None, tuple[PendingEvent, ...]]:
    """Apply a decision, and take a lease on the next pending message or, without one, on events, in one write.

    Never both: a crash while events are sent must not come between a message and its acknowledgement.
    """
    leased: OutboxMessage | None = None
    events: tuple[PendingEvent, ...] = ()

    def step(state: AlertState) -> AlertState:
        nonlocal leased
        changed = decide(state)
        if with_messages:
            changed, leased = outbox.lease_next(changed, datetime.now(UTC))
        return changed

    def with_events(state: AlertState) -> AlertState:
        nonlocal events
        changed, events = incidents.lease(state, datetime.now(UTC), event_limit if leased is None else 0)
        return changed

    return update(run, variant, step, describe, with_events), leased, events


def _publish(run: EndpointRun, pending: AlertMessage) -> bool:
    """Publish a message, unless one of the team is sent in its place; whether it was published."""
    singly = fleet_grouping.is_sent_singly(run, pending)
    routed = sns_payload.with_routing(pending, run.entry.team, installation(run.entry), runbook_of(run.entry))
    reporting.write_alert(run, routed)
    if not singly:
        count("AlertsGrouped")
        return False
    body = sns_payload.sns_message(routed)
    attributes = sns_payload.message_attributes(routed)
    messages.publish(_topic(run, pending.kind), email_text.subject(routed), body, attributes)
    return True


def _topic(run: EndpointRun, kind: AlertKind) -> str:
    """The topic of deployments for a message about one, if the stage has one; else that of the endpoint's team.

    An alert of a team without a topic goes to the stage's topic.
    """
    deployments = settings().topic_of(DEPLOYMENTS) if kind == AlertKind.DEPLOYMENT else None
    if deployments:
        return deployments
    team = run.entry.team
    topic = settings().topic_of(team)
    if settings().lacks_topic_of(team):
        count("UnknownTeams")
        logger.error("the team has no topic; the alert goes to the default topic", team=team, endpoint=run.endpoint)
    return topic or settings().topic_arn

"""SAID: a verdict is there, ours or Model Monitor's; the alert state moves, and a person is told what is new.

| input                                          | answer                                      |
|------------------------------------------------|---------------------------------------------|
| Vedette Monitoring Execution                   | alert state, message when something is new  |
| ... of `vedette alerts test`                   | a message with its mark, in every mode      |
| ... of an endpoint in mode observe             | "observe: judged and reported, nobody told" |
| ... whose execution.json is gone               | "... is gone"                               |
| ... while a mute holds                         | alert state; a metric, and no message       |
| ... CaptureStopped, and the sweep has said why | the same: one message for one broken capture|
| Processing job of a monitoring schedule, ended | its violations are fetched and told alike   |
| ... Failed or Stopped                          | kind "monitor failed", with FailureReason   |
| ground-truth merge that Completed              | "a merge job is not a verdict"              |
| any other processing job, or one in progress   | "not a monitoring execution"                |
"""

from datetime import UTC, datetime
from typing import Any

from chalicelib.alerts import endpoint_notifications as notifications
from chalicelib.alerts import message, model_monitor, mutes, outbox
from chalicelib.alerts.next_steps import AlertContext
from chalicelib.alerts.state import Transition, transition
from chalicelib.aws import store, table
from chalicelib.events import Event, MonitoringExecuted, ProcessingJobStateChanged
from chalicelib.handlers import schedules
from chalicelib.handlers.telling import tell
from chalicelib.locations import EXECUTION_DETAIL_TYPE
from chalicelib.observability import count
from chalicelib.records import AlertState, Deployment, Execution, FleetEntry, Mute
from chalicelib.settings import settings


def handle(event: Event) -> dict[str, Any]:
    """Tell what an execution found."""
    if event.get("detail-type") == EXECUTION_DETAIL_TYPE:
        executed = MonitoringExecuted.from_eventbridge(event, settings()).execution
        if executed.test:
            return _tell_test(executed.endpoint, executed.test)
        execution = store.execution(executed.folder)
        return tell_of(execution) if execution else {"left alone": f"{executed.folder} is gone"}
    job = ProcessingJobStateChanged.from_eventbridge(event, settings())
    if job.status not in model_monitor.TERMINAL:
        return {"left alone": "not a monitoring execution that ended"}
    execution, reason = schedules.execution_of(job.job_name)
    return tell_of(execution) if execution else {"left alone": reason}


def tell_of(execution: Execution) -> dict[str, Any]:
    """Move the alert state by an execution, and send what that owes; also used by the sweep."""
    entry = store.fleet().entry(execution.endpoint)
    if entry is None:
        return {"left alone": f"{execution.endpoint} is not in the fleet"}
    if entry.mode == "observe":
        return {"left alone": "observe: judged and reported, nobody told"}
    now = datetime.now(UTC)
    held = table.query(Mute, table.MUTES, "mute#").values()
    muted = mutes.muted(held, execution.endpoint, execution.variant, entry.team, now)
    if execution.verdict == "CaptureStopped" and _cause_is_told(execution.endpoint):
        muted = mutes.always_muted
    where = _whereabouts(entry, execution)
    moved = Transition(AlertState(endpoint=execution.endpoint, variant=execution.variant))

    def decide(book: AlertState) -> AlertState:
        nonlocal moved
        moved = transition(book, execution, entry.thresholds, muted)
        return outbox.enqueue_rate_limited(
            moved.after, message.messages(moved, execution, where), entry.alerts_per_hour, now
        )

    sent = tell(execution.endpoint, execution.variant, decide)
    if moved.muted:
        count("AlertsMuted", len(moved.muted))
    return {"endpoint": execution.endpoint, "verdict": execution.verdict, "alerts": sent}


def _cause_is_told(endpoint: str) -> bool:
    book, _ = table.get_item(AlertState, table.endpoint_key(endpoint), "alerts#")
    return book is not None and notifications.has_condition(book, "capture")


def _whereabouts(entry: FleetEntry, execution: Execution) -> AlertContext:
    history = table.query(Deployment, table.endpoint_key(entry.endpoint), "history#").values()
    return AlertContext(
        bucket=settings().bucket,
        deploys=entry.mode == "deploy",
        served_since=message.served_since(history, execution.package_version, execution.window_end),
    )


def _tell_test(endpoint: str, mark: str) -> dict[str, Any]:
    if store.fleet().entry(endpoint) is None:
        return {"left alone": f"{endpoint} is not in the fleet"}
    return {
        "endpoint": endpoint,
        "test": tell(endpoint, "", lambda book: notifications.notify_test(book, mark)),
    }

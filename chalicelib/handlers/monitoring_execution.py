"""SAID: a verdict is there, ours or Model Monitor's; the alert state moves, and a person is told what is new.

| input                                          | answer                                      |
|------------------------------------------------|---------------------------------------------|
| Vedette Monitoring Execution                   | alert state, message when something is new  |
| ... of an endpoint in mode observe             | "observe: judged and reported, nobody told" |
| ... whose execution.json is gone               | "... is gone"                               |
| Processing job of a monitoring schedule, ended | its violations are fetched and told alike   |
| ... Failed or Stopped                          | kind "monitor failed", with FailureReason   |
| ground-truth merge that Completed              | "a merge job is not a verdict"              |
| any other processing job, or one in progress   | "not a monitoring execution"                |
"""

from typing import Any

from chalicelib import locations
from chalicelib.alerts import message, model_monitor, outbox
from chalicelib.alerts.state import Thresholds, transition
from chalicelib.aws import s3, sagemaker, store
from chalicelib.constraints.files import Violation, read_violations
from chalicelib.events import Event, MonitoringExecuted, ProcessingJobStateChanged
from chalicelib.handlers.telling import tell
from chalicelib.locations import EXECUTION_DETAIL_TYPE
from chalicelib.records import AlertBook, Execution
from chalicelib.settings import settings

THRESHOLDS = Thresholds()


def handle(event: Event) -> dict[str, Any]:
    """Tell what an execution found."""
    if event.get("detail-type") == EXECUTION_DETAIL_TYPE:
        executed = MonitoringExecuted.from_eventbridge(event, settings()).execution
        execution = store.execution(executed.folder)
        return tell_of(execution) if execution else {"left alone": f"{executed.folder} is gone"}
    job = ProcessingJobStateChanged.from_eventbridge(event, settings())
    execution, reason = _model_monitor_execution(job)
    return tell_of(execution) if execution else {"left alone": reason}


def tell_of(execution: Execution) -> dict[str, Any]:
    """Move the alert state by an execution, and send what that owes; also used by the sweep."""
    entry = store.fleet().entry(execution.endpoint)
    if entry is None:
        return {"left alone": f"{execution.endpoint} is not in the fleet"}
    if entry.mode == "observe":
        return {"left alone": "observe: judged and reported, nobody told"}
    where = message.Whereabouts(
        bucket=settings().bucket,
        capture_uri=entry.capture_uri or locations.capture_uri(settings().bucket),
        deploys=entry.mode == "deploy",
    )

    def decide(book: AlertBook) -> AlertBook:
        moved = transition(book, execution, THRESHOLDS)
        return outbox.owe(moved.book, message.messages(moved, execution, where))

    sent = tell(execution.endpoint, execution.variant, decide)
    return {"endpoint": execution.endpoint, "verdict": execution.verdict, "alerts": sent}


def _model_monitor_execution(job: ProcessingJobStateChanged) -> tuple[Execution | None, str]:
    if job.status not in model_monitor.TERMINAL:
        return None, "not a monitoring execution that ended"
    described = sagemaker.describe_processing_job(job.job_name)
    if described is None or not model_monitor.is_execution(described):
        return None, "not a monitoring execution"
    if model_monitor.is_merge(described) and job.status == "Completed":
        return None, "a merge job is not a verdict"
    found: tuple[Violation, ...] = ()
    place = model_monitor.output_uri(described)
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    for name in model_monitor.VIOLATION_FILES if prefix else ():
        chunks = s3.get_chunks(bucket, f"{prefix}/{name}")
        if chunks is not None:
            found = read_violations(b"".join(chunks), f"{place}/{name}")
            break
    return model_monitor.execution(described, found), ""

"""on_monitoring_execution: Vedette stored a verdict, or a processing job of Model Monitor ended."""

from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.events import Event, MonitoringExecuted, ProcessingJobStateChanged
from chalicelib.locations import EXECUTION_DETAIL_TYPE
from chalicelib.outcomes import Skipped
from chalicelib.services import alerting
from chalicelib.settings import settings


def handle(event: Event, context: Any) -> dict[str, Any]:
    """Alert on the execution."""
    stores, deadline = stage_stores(), Deadline.of(context)
    if event.get("detail-type") != EXECUTION_DETAIL_TYPE:
        job = ProcessingJobStateChanged.from_eventbridge(event, settings())
        return alerting.alert_on_job(job, stores, deadline).summary()
    announced = MonitoringExecuted.from_eventbridge(event, settings()).execution
    run = EndpointRun.of(announced.endpoint, deadline, stores)
    if isinstance(run, Skipped):
        return run.summary()
    return alerting.alert_on_announcement(run, announced).summary()

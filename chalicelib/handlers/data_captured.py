"""on_data_captured: a capture object was created in S3, or a batch transform job has ended."""

from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, warm_stores
from chalicelib.events import DataCaptured, Event, TransformJobStateChanged
from chalicelib.locations import TRANSFORM_DETAIL_TYPE
from chalicelib.outcomes import Skipped
from chalicelib.services import capture_processing
from chalicelib.settings import settings


def handle(event: Event, context: Any) -> dict[str, Any]:
    """Make the part of the object, or evaluate the job."""
    stage = settings()
    if event.get("detail-type") == TRANSFORM_DETAIL_TYPE:
        from chalicelib.services import transform_monitoring  # few invocations are about jobs

        changed = TransformJobStateChanged.from_eventbridge(event, stage)
        return transform_monitoring.process_event(changed, warm_stores(stage), Deadline.of(context)).summary()
    captured = DataCaptured.from_eventbridge(event, stage)
    if isinstance(captured, Skipped):
        return captured.summary()
    run = EndpointRun.of(captured.capture.endpoint, Deadline.of(context), warm_stores(stage))
    if isinstance(run, Skipped):
        return run.summary()
    return capture_processing.process_event(run, captured).summary()

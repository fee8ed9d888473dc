"""on_data_captured: a capture object was created in S3."""

from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, warm_stores
from chalicelib.events import DataCaptured, Event
from chalicelib.outcomes import Skipped
from chalicelib.services import capture_processing
from chalicelib.settings import settings


def handle(event: Event, context: Any) -> dict[str, Any]:
    """Make the part of the object."""
    stage = settings()
    captured = DataCaptured.from_eventbridge(event, stage)
    if isinstance(captured, Skipped):
        return captured.summary()
    run = EndpointRun.of(captured.capture.endpoint, Deadline.of(context), warm_stores(stage))
    if isinstance(run, Skipped):
        return run.summary()
    return capture_processing.process_event(run, captured).summary()

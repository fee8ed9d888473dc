"""on_endpoint_state_change: an endpoint changed its status, so a deployment that waits for it goes on."""

from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.events import EndpointStateChanged, Event
from chalicelib.outcomes import Skipped
from chalicelib.services import reconciliation
from chalicelib.settings import settings


def handle(event: Event, context: Any) -> dict[str, Any]:
    """Reconcile the endpoint with what SageMaker shows now."""
    changed = EndpointStateChanged.from_eventbridge(event, settings())
    run = EndpointRun.of(changed.endpoint, Deadline.of(context), stage_stores())
    if isinstance(run, Skipped):
        return run.summary()
    return reconciliation.reconcile_changed(run).summary()

"""run_monitoring: every five minutes for the fleet, and then once for each endpoint."""

from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.events import Event, Scheduled
from chalicelib.outcomes import Skipped
from chalicelib.services import fan_out
from chalicelib.settings import settings


def handle(event: Event, context: Any) -> dict[str, Any]:
    """Start the function for each endpoint, or evaluate the windows of one."""
    scheduled, stores, deadline = Scheduled.from_eventbridge(event, settings()), stage_stores(), Deadline.of(context)
    if not scheduled.endpoint:
        return fan_out.start_each_endpoint(stores, event, context.function_name, deadline)
    from chalicelib.services import monitoring  # it needs numpy, which doubles a cold start

    run = EndpointRun.of(scheduled.endpoint, deadline, stores)
    if isinstance(run, Skipped):
        return run.summary()
    return monitoring.evaluate_due_windows(run).summary()

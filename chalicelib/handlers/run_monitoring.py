"""run_monitoring: every five minutes for the fleet, and then once for each worker."""

from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import stage_stores
from chalicelib.events import Event, Scheduled
from chalicelib.services import fan_out
from chalicelib.services.fan_out import Invocation
from chalicelib.settings import settings


def handle(event: Event, context: Any) -> dict[str, Any]:
    """Start the function for each worker, or evaluate the windows of some endpoints."""
    scheduled = Scheduled.from_eventbridge(event, settings())
    invocation = Invocation(event, context.function_name, Deadline.of(context), stage_stores())
    if not scheduled.endpoints:
        return fan_out.start_workers(invocation, fan_out.MONITORING_WORKERS)
    from chalicelib.services import monitoring  # it needs numpy, which doubles a cold start

    return fan_out.work_through(invocation, scheduled.endpoints, monitoring.monitor)

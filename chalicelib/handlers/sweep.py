"""sweep: every fifteen minutes for the fleet and what has left it, and then once for each worker."""

from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import stage_stores
from chalicelib.events import Event, Scheduled
from chalicelib.services import departed_endpoint, fan_out, team_notifications
from chalicelib.services.fan_out import Invocation
from chalicelib.settings import settings


def handle(event: Event, context: Any) -> dict[str, Any]:
    """Start the function for each worker and notify the teams, or sweep some endpoints."""
    scheduled = Scheduled.from_eventbridge(event, settings())
    invocation = Invocation(event, context.function_name, Deadline.of(context), stage_stores())
    if not scheduled.endpoints:
        waiting = departed_endpoint.waiting(invocation.stores)
        started = fan_out.start_workers(invocation, fan_out.SWEEP_WORKERS, waiting)
        return {**started, "teams": team_notifications.notify_teams(invocation.stores, invocation.deadline)}
    from chalicelib.services import sweep  # it needs numpy, which doubles a cold start

    return fan_out.work_through(invocation, scheduled.endpoints, sweep.sweep, departed_endpoint.send_rest)

"""The clock: one event for the whole fleet becomes one for each endpoint, by which the function invokes itself.

| input                                    | answer                                                       |
|------------------------------------------|--------------------------------------------------------------|
| Scheduled Event                          | one event of the same shape for each endpoint, five a second |
| the same, with an endpoint in its detail | that endpoint is judged, or swept                            |
| an endpoint not in the fleet             | "... is not in the fleet"                                    |

What handles one endpoint is imported when there is one: it sums with numpy, which doubles a cold start.
"""

import time
from collections.abc import Callable
from typing import Any

from chalicelib.aws import messages, store
from chalicelib.events import Event, Scheduled
from chalicelib.records import FleetEntry
from chalicelib.settings import settings

# SageMaker throttles, and names no rate (sagemaker-python-sdk, pull request 1204): a fleet does not ask all at once.
PER_SECOND = 5
SPARE = 40_000  # milliseconds of the function's 300 s that are left when the last endpoint is begun
Remaining = Callable[[], int]
Handle = Callable[[FleetEntry, Remaining], dict[str, Any]]


def run_monitoring(event: Event, function_name: str, remaining: Remaining) -> dict[str, Any]:
    """Fan out over the fleet, or judge one endpoint."""

    def handler() -> Handle:
        from chalicelib.handlers import run_monitoring

        return run_monitoring.handle

    return _each(event, function_name, remaining, handler)


def sweep(event: Event, function_name: str, remaining: Remaining) -> dict[str, Any]:
    """Fan out over the fleet, or sweep one endpoint."""

    def handler() -> Handle:
        from chalicelib.handlers import sweep

        return sweep.handle

    return _each(event, function_name, remaining, handler)


def _each(event: Event, function_name: str, remaining: Remaining, handler: Callable[[], Handle]) -> dict[str, Any]:
    endpoint = Scheduled.from_eventbridge(event, settings()).endpoint
    fleet = store.fleet()
    if not endpoint:
        return _fan_out(fleet.entries, event, function_name, remaining)
    handle = (
        handler()
    )  # also for `vedette doctor --live`, whose endpoint no fleet has: it tells a module that is missing
    entry = fleet.entry(endpoint)
    return handle(entry, remaining) if entry is not None else {"left alone": f"{endpoint} is not in the fleet"}


def _fan_out(entries: tuple[FleetEntry, ...], event: Event, function_name: str, remaining: Remaining) -> dict[str, Any]:
    """Invoke the function for each endpoint: PER_SECOND, or as many as there must be to come to an end."""
    pause = min(1.0, (remaining() - SPARE) / 1000 * PER_SECOND / max(1, len(entries)))
    for number, entry in enumerate(entries):
        if number and number % PER_SECOND == 0:
            time.sleep(max(0.0, pause))
        messages.invoke_function(function_name, Scheduled.for_endpoint(entry.endpoint, event, settings()))
    return {"endpoints": len(entries)}

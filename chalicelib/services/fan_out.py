"""One scheduled event for the whole fleet becomes one for each worker: the function invokes itself.

| input                                     | outcome                                                            |
|-------------------------------------------|--------------------------------------------------------------------|
| the scheduled event                       | every endpoint is given to one of the workers, which begin at once |
| the next scheduled event                  | the same, and other endpoints come first                           |
| a worker's endpoints                      | one after the other, each within SHARED_SECONDS                    |
| ... one of them fails, or is not finished | it gets an invocation of its own, with all the time and retries    |
| ... and the invocation is nearly over     | the rest is handed to the next invocation                          |
| a single endpoint                         | its error is the function's error                                  |

Most endpoints of a large fleet are quiet, and cost a worker a few milliseconds, where an invocation costs a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

from chalicelib.aws import messages
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, Stores
from chalicelib.events import Event, Scheduled
from chalicelib.observability import count, logger
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.settings import settings

# The reserved concurrency of run_monitoring (vedette.installation.functions).
MONITORING_WORKERS = 10
# The sweep calls SageMaker for each endpoint, and SageMaker throttles at rates that it does not document
# (https://github.com/aws/sagemaker-python-sdk/pull/1204). Two workers stay below ten calls a second of each operation.
SWEEP_WORKERS = 2
SHARED_SECONDS = 60.0  # of one endpoint among a worker's
PERIOD = timedelta(minutes=5)  # in which the starting point moves on


class Outcome(Protocol):
    """What a service did for one endpoint."""

    @property
    def unfinished(self) -> bool:
        """Whether the time was too short for all of it."""

    def summary(self) -> dict[str, Any]:
        """The answer of the function."""


Work = Callable[[EndpointRun], Outcome]
WorkOfDeparted = Callable[[str, Stores, Deadline], Outcome | None]


@dataclass(frozen=True)
class Invocation:
    """The invocation of a scheduled function: what it needs to invoke itself."""

    event: Event
    function_name: str
    deadline: Deadline
    stores: Stores

    def start(self, endpoints: Sequence[str]) -> None:
        """Invoke the function for these endpoints."""
        messages.invoke_function(self.function_name, Scheduled.for_endpoints(endpoints, self.event, settings()))


def start_workers(invocation: Invocation, workers: int, departed: Sequence[str] = ()) -> dict[str, Any]:
    """Give every endpoint of the fleet, and those that left it with something pending, to one of so many workers."""
    fleet = [entry.endpoint for entry in invocation.stores.fleet.get().entries]
    endpoints = in_turn([*fleet, *departed], workers, datetime.now(UTC))
    shares = [endpoints[worker::workers] for worker in range(min(workers, len(endpoints)))]
    for share in shares:
        invocation.start(share)
    return {"endpoints": len(endpoints), "workers": len(shares)}


def in_turn(endpoints: Sequence[str], workers: int, now: datetime) -> list[str]:
    """The endpoints, beginning with others in each period, so that none is always the last.

    Examples
    --------
    >>> nine = datetime(2026, 11, 22, 9, tzinfo=UTC)
    >>> [in_turn("abcd", 2, nine + number * PERIOD) for number in range(3)]
    [['a', 'b', 'c', 'd'], ['c', 'd', 'a', 'b'], ['a', 'b', 'c', 'd']]
    """
    first = int(now.timestamp() // PERIOD.total_seconds()) * workers % max(1, len(endpoints))
    return [*endpoints[first:], *endpoints[:first]]


def work_through(
    invocation: Invocation, endpoints: Sequence[str], work: Work, of_departed: WorkOfDeparted | None = None
) -> dict[str, Any]:
    """Do the work for each of a worker's endpoints, and what is left to do for those that are not in the fleet."""
    fleet = invocation.stores.fleet.get()

    def work_on(endpoint: str, deadline: Deadline) -> Outcome:
        entry = fleet.entry(endpoint)
        if entry is not None:
            return work(EndpointRun(entry, datetime.now(UTC), deadline, invocation.stores))
        found = of_departed(endpoint, invocation.stores, deadline) if of_departed else None
        return found or Skipped(SkipReason.NOT_IN_FLEET, f"{endpoint} is not in the fleet")

    if len(endpoints) == 1:
        return work_on(endpoints[0], invocation.deadline).summary()
    alone = 0
    for position, endpoint in enumerate(endpoints):
        if position and not invocation.deadline.has_left(Deadline.ENDPOINT):
            invocation.start(endpoints[position:])
            return {"endpoints": position, "alone": alone, "handed on": len(endpoints) - position}
        deadline = Deadline.in_seconds(min(SHARED_SECONDS, invocation.deadline.seconds_left))
        if not _is_finished(endpoint, partial(work_on, endpoint, deadline)):
            invocation.start([endpoint])
            alone += 1
    return {"endpoints": len(endpoints), "alone": alone, "handed on": 0}


def _is_finished(endpoint: str, work: Callable[[], Outcome]) -> bool:
    try:
        return not work().unfinished
    except Exception as error:  # noqa: BLE001 - the endpoint gets an invocation of its own, where it is raised
        count("EndpointsRetriedAlone")
        logger.warning("an endpoint failed in a shared run", endpoint=endpoint, kind=type(error).__name__)
        return False

"""Runs of an endpoint for tests that call a service as a handler does."""

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.outcomes import Skipped
from chalicelib.records import Execution, FleetEntry
from chalicelib.services import alerting

ENDPOINT = "preferred-site"


class DeadlineAfter(Deadline):
    """A deadline that comes after the clock was read so many times."""

    def __init__(self, reads: int) -> None:
        super().__init__(0.0)
        object.__setattr__(self, "reads", reads)

    def has_left(self, reserve: float) -> bool:
        object.__setattr__(self, "reads", self.reads - 1)
        return self.reads >= 0

    def earlier_by_share(self, share: float) -> Deadline:
        return self


def run_of(endpoint: str = ENDPOINT, deadline: Deadline | None = None) -> EndpointRun:
    """The run of an endpoint of the applied fleet."""
    run = EndpointRun.of(endpoint, deadline or Deadline.never(), stage_stores())
    assert isinstance(run, EndpointRun), run
    return run


def run_of_entry(entry: FleetEntry, deadline: Deadline | None = None) -> EndpointRun:
    """The run of an entry that need not be applied."""
    run = EndpointRun.without_deadline(entry)
    return run if deadline is None else EndpointRun(entry, run.now, deadline, run.stores)


def alert_on(execution: Execution) -> list[str]:
    """Alert on an execution of an endpoint of the fleet; the ids of the messages that were sent."""
    outcome = alerting.alert_on(run_of(execution.endpoint), execution)
    return [] if isinstance(outcome, Skipped) else list(outcome.sent)


def send_pending(endpoint: str, variant: str) -> list[str]:
    """Send what is pending; the ids of the messages that were sent."""
    return alerting.send_pending(run_of(endpoint), variant)

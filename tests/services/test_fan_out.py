"""The fleet is shared out to a few workers: every endpoint once, none in the way of another."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from chalicelib import deadline as deadline_module
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.errors import NotReady
from chalicelib.events import Scheduled
from chalicelib.records import FleetEntry
from chalicelib.services import fan_out
from chalicelib.services.fan_out import Invocation
from chalicelib.settings import settings

TIMEOUT = 300.0  # seconds, of run_monitoring


@dataclass
class Done:
    unfinished: bool = False

    def summary(self) -> dict:
        return {"unfinished": self.unfinished}


@dataclass
class Workers:
    """Lambda with so many copies of a function, on a clock of its own, which an Invoke and a work move on."""

    event: dict
    copies: int = fan_out.MONITORING_WORKERS
    invoke_seconds: float = 0.02
    now: float = 0.0
    started: list = field(default_factory=list)  # the endpoints of each invocation
    free_at: list = field(default_factory=list)  # when each copy has ended
    done: dict = field(default_factory=dict)  # endpoint -> when

    def invoke(self, name: str, event: dict) -> None:
        self.now += self.invoke_seconds
        self.started.append((self.now, Scheduled.from_eventbridge(event, settings()).endpoints))

    def invocation(self, began: float) -> Invocation:
        return Invocation(self.event, "run_monitoring", Deadline(began + TIMEOUT), stage_stores())

    def run(self, seconds: float, slow: frozenset[str] = frozenset()) -> float:
        """Begin with the scheduled event and go on until nothing waits; when the last invocation ended."""

        def work(run: EndpointRun) -> Done:
            self.now += seconds * (20 if run.endpoint in slow else 1)
            assert self.now <= begun + TIMEOUT, "Lambda would have killed it"
            self.done.setdefault(run.endpoint, self.now)
            return Done()

        fan_out.start_workers(self.invocation(0.0), self.copies)
        waiting, self.started = self.started, []
        free = [0.0] * self.copies
        while waiting:
            queued, endpoints = min(waiting)
            waiting.remove((queued, endpoints))
            begun = self.now = max(queued, free.pop(free.index(min(free))))
            fan_out.work_through(self.invocation(begun), endpoints, work)
            free.append(self.now)
            waiting, self.started = [*waiting, *self.started], []
        return max(free)


@pytest.fixture
def workers(world, monkeypatch):
    made = Workers(world.cloud.scheduled_event())
    monkeypatch.setattr(fan_out.messages, "invoke_function", made.invoke)
    monkeypatch.setattr(deadline_module.time, "perf_counter", lambda: made.now)
    return made


def fleet(world, number: int) -> list[str]:
    names = [f"site-{one}" for one in range(number)]
    world.apply(*(FleetEntry(endpoint=name) for name in names))
    return names


@pytest.mark.parametrize("invoke_seconds", [0.02, 0.03])
def test_5000_endpoints_are_evaluated_within_their_period_without_sleeping(world, workers, invoke_seconds):
    """A quiet endpoint whose hour has closed makes 14 calls (benchmarks/sweep.py); each takes as long as an Invoke."""
    names = fleet(world, 5_000)
    workers.invoke_seconds = invoke_seconds
    assert workers.run(seconds=14 * invoke_seconds) < TIMEOUT
    assert sorted(workers.done) == sorted(names)
    assert not hasattr(fan_out, "time"), "nothing sleeps"


def test_what_a_worker_has_no_time_for_is_handed_on(world, workers):
    names = fleet(world, 500)
    end = workers.run(seconds=10.0)
    assert sorted(workers.done) == sorted(names)
    assert end > TIMEOUT


def test_each_period_begins_with_other_endpoints():
    names = [f"site-{number}" for number in range(100)]
    from tests.alerts.factories import NOON

    firsts = [fan_out.in_turn(names, 10, NOON + number * timedelta(minutes=5))[:10] for number in range(10)]
    assert sorted(name for first in firsts for name in first) == sorted(names)


def test_a_small_fleet_has_a_worker_for_each_endpoint(world, workers):
    fleet(world, 4)
    assert fan_out.start_workers(workers.invocation(0.0), 10) == {"endpoints": 4, "workers": 4}
    assert sorted(endpoints for _, endpoints in workers.started) == [(f"site-{number}",) for number in range(4)]


def test_an_empty_fleet_starts_nothing(world, workers):
    fleet(world, 0)
    assert fan_out.start_workers(workers.invocation(0.0), 10) == {"endpoints": 0, "workers": 0}


def test_one_that_fails_or_is_not_finished_gets_an_invocation_of_its_own(world, workers):
    names = fleet(world, 4)

    def work(run: EndpointRun) -> Done:
        if run.endpoint == "site-1":
            raise NotReady("busy")
        return Done(unfinished=run.endpoint == "site-2")

    found = fan_out.work_through(workers.invocation(0.0), names, work)
    assert found == {"endpoints": 4, "alone": 2, "handed on": 0}
    assert [endpoints for _, endpoints in workers.started] == [("site-1",), ("site-2",)]


def test_alone_its_error_is_the_functions_error_and_it_is_begun_no_more(world, workers):
    fleet(world, 1)

    def work(run: EndpointRun) -> Done:
        raise NotReady("busy")

    with pytest.raises(NotReady):
        fan_out.work_through(workers.invocation(0.0), ["site-0"], work)
    assert fan_out.work_through(workers.invocation(0.0), ["site-0"], lambda run: Done(unfinished=True)) == {
        "unfinished": True
    }
    assert workers.started == []


def test_an_endpoint_that_has_left_the_fleet_is_skipped(world, workers):
    fleet(world, 1)
    gone = fan_out.work_through(workers.invocation(0.0), ["gone"], lambda run: Done())
    assert gone == {"skipped": "not in the fleet", "detail": "gone is not in the fleet"}
    both = fan_out.work_through(workers.invocation(0.0), ["gone", "site-0"], lambda run: Done())
    assert both == {"endpoints": 2, "alone": 0, "handed on": 0}


def test_the_fleet_is_read_once_for_all_endpoints_of_a_worker(world, workers):
    names = fleet(world, 50)
    world.cloud.recorder.clear()
    fan_out.work_through(workers.invocation(0.0), names, lambda run: Done())
    assert [call.operation for call in world.cloud.recorder.calls] == ["GetObject"]

"""What may happen to the events, the calls and the clocks of a stage for a while, and histories under it.

A history is a list of steps. It runs without a disturbance once; before each step the process branches, and each branch
goes on under disturbances of its own. At the end all must have come to the same.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from chalicelib.aws.clients import DEFAULT_MAX_ATTEMPTS, MAX_ATTEMPTS
from tests.proof import branches
from tests.proof.faults import CRASHES, OUTLAST_THE_SDK
from tests.proof.stage import Stage
from vedette.local.functions import Backend, Function
from vedette.local.recorder import Call

FAULTS = (*CRASHES, *OUTLAST_THE_SDK, "reply_lost", "partial_failure")
COPYING = frozenset({"crash_after", "reply_lost"})  # of these a message may be sent once more
CLOCK_DIFFERENCE = timedelta(minutes=5)
BRANCHES = 4  # before each step
STEPS = (2, 4)  # of a history
PARTS = 2  # of a proof, which run beside each other
PROFILE = settings(
    deadline=None,
    database=None,
    derandomize=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


@dataclass(frozen=True)
class Disturbance:
    """What happens while a step runs."""

    fault: str = ""  # at a call of `function`
    function: str = ""
    call: int = 0  # which of its calls
    lost: tuple[str, ...] = ()  # functions whose events are lost
    late_minutes: int = 0  # of every event but the schedules'
    copies: int = 1
    order: int | None = None
    skew: int = 0  # of the clock of `function`, in CLOCK_DIFFERENCE


CALM = Disturbance()
Step = Callable[[Disturbance], None]


def disturbances(functions: Sequence[str], late_minutes: Sequence[int]) -> st.SearchStrategy[Disturbance]:
    """Disturbances of these functions; the first ones may lose events, since a later function finds what is lost."""
    lost = st.lists(st.sampled_from(functions[:2]), min_size=1, unique=True).map(tuple)
    point = (st.sampled_from(FAULTS), st.sampled_from(functions), st.integers(1, 25))
    return st.one_of(
        st.builds(Disturbance, *point),
        st.builds(Disturbance, lost=lost),
        st.builds(Disturbance, late_minutes=st.sampled_from(late_minutes)),
        st.builds(Disturbance, copies=st.integers(2, 3), order=st.integers(0, 99)),
        st.builds(Disturbance, function=st.sampled_from(functions), skew=st.sampled_from((-1, 1))),
        st.builds(Disturbance, *point, lost=lost, copies=st.integers(1, 2)),
    )


def histories(
    steps: st.SearchStrategy[Any], disturbance: st.SearchStrategy[Disturbance]
) -> st.SearchStrategy[list[tuple[Any, list[list[Disturbance]]]]]:
    """Two to four steps, and before each of them the disturbances of every branch."""
    of_branch = st.lists(disturbance, min_size=1, max_size=2)
    of_step = st.lists(of_branch, min_size=BRANCHES, max_size=BRANCHES)
    return st.lists(st.tuples(steps, of_step), min_size=STEPS[0], max_size=STEPS[1])


def examples(number: int) -> int:
    """How many undisturbed histories one part runs, so that all parts come to at least so many disturbed ones."""
    return math.ceil(number / (PARTS * BRANCHES * STEPS[0]))


class Disturbed:
    """A stage whose events, calls and clocks can be disturbed."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self._backend, self._skews = stage, stage.cloud.bus.backend, {}
        assert self._backend is not None
        stage.cloud.bus.backend = _SkewedClocks(stage, self._backend, self._skews)

    @contextmanager
    def by(self, disturbance: Disturbance) -> Iterator[None]:
        """Disturb what happens meanwhile."""
        bus, faults = self.stage.cloud.bus, self.stage.cloud.faults
        bus.duplicate(disturbance.copies)
        bus.reorder(disturbance.order)
        bus.drop((lambda event, function: function in disturbance.lost) if disturbance.lost else None)
        late = timedelta(minutes=disturbance.late_minutes)
        bus.delay(lambda event, function: timedelta() if event["detail-type"] == "Scheduled Event" else late)
        self._skews[disturbance.function] = disturbance.skew * CLOCK_DIFFERENCE
        if disturbance.fault:
            self._fail_at_call(disturbance)
        yield
        bus.clear_disturbances()
        faults.clear()
        self._skews.clear()

    def _fail_at_call(self, by: Disturbance) -> None:
        faults, seen = self.stage.cloud.faults, 0

        def gate(call: Call) -> None:
            nonlocal seen
            seen += call.function == by.function
            if seen == by.call and call.function == by.function:
                times = MAX_ATTEMPTS.get(call.service, DEFAULT_MAX_ATTEMPTS) if by.fault in OUTLAST_THE_SDK else 1
                faults.add(by.fault, call.service, call.operation, times=times, function=by.function)

        faults.gate = gate


@dataclass
class _SkewedClocks:
    """The functions of a stage, some of which have a clock that is wrong."""

    stage: Stage
    backend: Backend
    skews: dict[str, timedelta]

    def invoke(self, function: Function, event: Any, request_id: str) -> Any:
        with self.stage.cloud.clock.skewed(self.skews.get(function.name, timedelta())):
            return self.backend.invoke(function, event, request_id)

    def kill(self, name: str) -> None:
        self.backend.kill(name)

    def close(self) -> None:
        self.backend.close()


@dataclass(frozen=True)
class Ended:
    """One history under its disturbances, and what it came to."""

    disturbances: tuple[Disturbance, ...]
    outcome: Any


def run_calm_and_disturbed(
    steps: Sequence[Step], of_branches: Sequence[Sequence[Sequence[Disturbance]]], outcome: Callable[[], Any]
) -> tuple[Any, list[Ended]]:
    """Run the steps undisturbed, and from each of them on the branches: what all came to."""
    ended = []

    def go_on(position: int, by: Sequence[Disturbance]) -> Any:
        for step, disturbance in zip_longest(steps[position:], by[: len(steps) - position], fillvalue=CALM):
            step(disturbance)
        return outcome()

    for position, step in enumerate(steps):
        for by in of_branches[position]:
            found = branches.branched(lambda position=position, by=by: go_on(position, by))
            ended.append(Ended((CALM,) * position + tuple(by), found))
        step(CALM)
    return outcome(), ended

"""Two deliveries, interleaved at every call to AWS: stateless model checking by replay.

Each delivery runs in a thread that waits before each of its calls until the schedule lets it go on. A schedule is the
list of who goes next; the same schedule always gives the same run. What fails is delivered again, as Lambda does.
"""

import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.proof import branches
from tests.proof.faults import come_to_rest
from tests.proof.final import Final, final
from tests.proof.stage import Stage, opened, warmed_up
from vedette.local.functions import FunctionError
from vedette.local.recorder import Call

MOST = 3432  # all schedules of two deliveries with seven calls each
FIRST_RETRY = timedelta(minutes=1)
Schedule = tuple[int, ...]
Job = Callable[[Stage], None]


@dataclass(frozen=True)
class Pair:
    """Two jobs that meet, and what must be left."""

    name: str
    jobs: Callable[[Stage], tuple[Job, Job]]  # the stage is made ready, and what shall run at once comes back
    check: Callable[[Final], list[str]]


@dataclass(frozen=True)
class Run:
    """One schedule: who went at each step, who could have, and what was left."""

    chosen: Schedule
    possible: tuple[tuple[int, ...], ...]
    left: Final


@dataclass
class Explored:
    """Every schedule that was run."""

    runs: int = 0
    exhaustive: bool = False
    violations: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, pair: Pair, run: Run) -> None:
        self.runs += 1
        self.outcomes[f"{run.left.state['version']} {run.left.state['changes']}"] += 1
        self.violations += [f"{''.join(map(str, run.chosen))}: {wrong}" for wrong in pair.check(run.left)]


def delivery(function: str, event: dict[str, Any]) -> Job:
    """Deliver an event; what fails comes again after a minute, through Lambda's own queue."""

    def job(stage: Stage) -> None:
        try:
            stage.cloud.invoke(function, event)
        except FunctionError:
            again = stage.function(function)
            stage.cloud.clock.after(FIRST_RETRY, lambda: stage.cloud.bus.queue(again, event))

    return job


def explored(pair: Pair, samples: int, most: int, seed: int = 1) -> Explored:
    """Every schedule when there are at most so many, else a seeded sample of them."""
    warmed_up()
    found = Explored()
    with opened() as stage:
        jobs = pair.jobs(stage)

        def run(preferred: Schedule) -> Run:
            done: Run = branches.branched(lambda: _run(stage, jobs, preferred))
            found.add(pair, done)
            return done

        first = run(())
        calls = Counter(first.chosen)
        if math.comb(calls.total(), calls[0]) <= most:
            found.exhaustive = _run_all(run, first, most)
        else:
            for schedule in _sample(calls, samples - 1, random.Random(seed)):
                run(schedule)
    return found


def _run_all(run: Callable[[Schedule], Run], first: Run, limit: int) -> bool:
    """Depth first: every other choice at every step after the prefix that was prescribed."""
    waiting = list(_others(first, 0))
    for _ in range(limit - 1):
        if not waiting:
            return True
        prefix = waiting.pop()
        waiting += _others(run(prefix), len(prefix))
    return not waiting


def _others(run: Run, after: int) -> Iterator[Schedule]:
    for step in range(after, len(run.chosen)):
        for other in run.possible[step]:
            if other != run.chosen[step]:
                yield (*run.chosen[:step], other)


def _sample(calls: Counter[int], samples: int, chance: random.Random) -> Iterator[Schedule]:
    """Alternately few switches, where most races are found, and any order at all."""
    total = calls.total()
    for number in range(samples):
        if number % 2:
            yield tuple(chance.randrange(2) for _ in range(total))
        else:
            switches = sorted(chance.randrange(total) for _ in range(chance.randint(1, 4)))
            begins = chance.randrange(2)
            yield tuple((begins + sum(switch <= step for switch in switches)) % 2 for step in range(total))


def _run(stage: Stage, jobs: tuple[Job, Job], preferred: Schedule) -> Run:
    turns = _Turns(preferred)
    stage.cloud.faults.gate = turns.gate
    threads = [threading.Thread(target=turns.run, args=(n, job, stage)) for n, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    turns.lead()
    for thread in threads:
        thread.join()
    stage.cloud.faults.gate = None
    if turns.raised:
        raise turns.raised[0]
    stage.cloud.settle()
    come_to_rest(stage)
    return Run(tuple(turns.chosen), tuple(turns.possible), final(stage))


class _Turns:
    """Lets one of two threads go on at a time, from one call to its next."""

    def __init__(self, preferred: Schedule):
        self._preferred = preferred
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._ended: set[int] = set()
        self._going: int | None = None
        self._mine = threading.local()
        self.chosen: list[int] = []
        self.possible: list[tuple[int, ...]] = []
        self.raised: list[BaseException] = []

    def run(self, number: int, job: Job, stage: Stage) -> None:
        self._mine.number = number
        try:
            job(stage)
        except BaseException as error:  # noqa: BLE001 - raised again where the threads are joined
            self.raised.append(error)
        finally:
            with self._changed:
                self._ended.add(number)
                self._going = None if self._going == number else self._going
                self._changed.notify_all()

    def gate(self, call: Call) -> None:
        number = self._mine.number
        with self._changed:
            self._waiting.add(number)
            self._going = None if self._going == number else self._going
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._going == number)
            self._waiting.discard(number)

    def lead(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._going is None and len(self._waiting | self._ended) == 2)
                possible = tuple(sorted(self._waiting))
                if not possible:
                    return
                step = len(self.chosen)
                wished = self._preferred[step] if step < len(self._preferred) else possible[0]
                self._going = wished if wished in possible else possible[0]
                self.chosen.append(self._going)
                self.possible.append(possible)
                self._changed.notify_all()

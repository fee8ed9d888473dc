"""A scenario with a fault at every call that its functions make to AWS.

At each call of the undisturbed run the process branches once for every kind of fault; a branch goes on with that fault,
Lambda's own retries, and one sweep, and its final state is compared with the undisturbed one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.aws.clients import DEFAULT_MAX_ATTEMPTS, MAX_ATTEMPTS
from tests.proof import branches
from tests.proof.final import Final, final
from tests.proof.stage import Stage, opened, warmed_up
from vedette.local.recorder import Call

CRASHES = ("crash_before", "crash_after")
READS = ("Get", "List", "Describe", "Query", "Head")
AFTER_THE_WORK = ("crash_after", "reply_lost")
OUTLAST_THE_SDK = ("throttle", "server_error", "timeout")  # as many in a row as botocore tries


@dataclass(frozen=True)
class Scenario:
    """What stands before, and what happens under faults."""

    name: str
    act: Callable[[Stage], None]
    prepare: Callable[[Stage], None] = lambda stage: None


@dataclass(frozen=True)
class Point:
    """One fault at one call."""

    kind: str
    number: int
    call: str
    function: str
    between_publish_and_mark: bool

    def __str__(self) -> str:
        return f"{self.kind} at call {self.number}, {self.call} of {self.function}"


@dataclass
class Proof:
    """What a scenario came to, undisturbed and under each fault."""

    undisturbed: Final | None = None
    disturbed: list[tuple[Point, Final]] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        """Every fault after which something else was left, in words."""
        assert self.undisturbed is not None
        found = []
        for point, left in self.disturbed:
            differences = self.undisturbed.differences(left)
            if left.copies > (1 if point.between_publish_and_mark else 0):
                differences.append(f"{left.copies} messages were sent again")
            found += [f"{point}: {difference}" for difference in differences]
        return found

    @property
    def copies(self) -> int:
        """How many faults between Publish and its acknowledgement sent a second copy."""
        return sum(left.copies for _, left in self.disturbed)


def proven(scenario: Scenario, kinds: tuple[str, ...], *, every_crash: bool = True) -> Proof:
    """Run a scenario undisturbed, and from every call on with every kind of fault.

    Without `every_crash`, crashes that leave the same are tried once: one before a call leaves what a crash after the
    last change of the same invocation left, or what one before its first call left.
    """
    warmed_up()
    with opened() as stage:
        scenario.prepare(stage)
        run = _Run(stage, kinds, every_crash)
        stage.cloud.faults.gate = run.gate

        def to_the_end() -> Final:
            scenario.act(stage)
            come_to_rest(stage)
            return final(stage)

        try:
            left = to_the_end()
        except BaseException:
            if branches.in_a_branch():
                branches.answer_what_was_raised()
            raise
        if branches.in_a_branch():
            branches.answer(left)
        run.proof.undisturbed = left
    return run.proof


def come_to_rest(stage: Stage) -> None:
    """Lambda's retries, one sweep, and what the sweep began."""
    stage.turn(20)
    stage.run_schedule("sweep")
    stage.turn(20)


def _says_something(kind: str, call: Call) -> bool:
    """After a read a crash is a crash before it; a golden request that is not answered has failed, and is no fault."""
    if kind in AFTER_THE_WORK:
        return not call.operation.startswith(READS)
    if kind == "partial_failure":
        return call.operation == "PutEvents"
    return (kind, call.operation) != ("timeout", "InvokeEndpoint")


class _Run:
    def __init__(self, stage: Stage, kinds: tuple[str, ...], every_crash: bool):
        self._faults, self._kinds, self._every_crash = stage.cloud.faults, kinds, every_crash
        self._number, self._unmarked = 0, False
        self._last: Call | None = None
        self.proof = Proof()

    def gate(self, call: Call) -> None:
        if call.function is None:
            return
        self._number += 1
        begins = self._last is None or (self._last.function, self._last.time) != (call.function, call.time)
        self._last = call
        for kind in self._kinds:
            if not _says_something(kind, call) or (kind == "crash_before" and not begins and not self._every_crash):
                continue
            reading = branches.fork()
            if reading is None:
                self._go_on_with(kind, call)
                return
            self.proof.disturbed.append((self._point(kind, call), branches.answered(reading)))
        self._follow(call)

    def _go_on_with(self, kind: str, call: Call) -> None:
        self._faults.gate = None
        times = MAX_ATTEMPTS.get(call.service, DEFAULT_MAX_ATTEMPTS) if kind in OUTLAST_THE_SDK else 1
        self._faults.add(kind, call.service, call.operation, times=times, function=call.function)

    def _point(self, kind: str, call: Call) -> Point:
        published = call.operation == "Publish" and kind in {"crash_after", "reply_lost"}
        return Point(kind, self._number, call.name, str(call.function), published or self._unmarked)

    def _follow(self, call: Call) -> None:
        if call.operation == "Publish":
            self._unmarked = True
        elif call.operation == "PutItem":
            self._unmarked = False

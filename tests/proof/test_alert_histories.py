"""Whatever happens to the events and the calls of a violation, a person hears what they would have heard without it.

A history is some hours of traffic, each under one disturbance. The same traffic also runs undisturbed. At the end, when
the sweep has run twice, both have notified the same beginnings and recoveries of the same findings; a crash may have
sent one copy, with the same alert id.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import seed as reproducible
from hypothesis import strategies as st

from chalicelib.aws.clients import DEFAULT_MAX_ATTEMPTS, MAX_ATTEMPTS
from chalicelib.endpoint_run import stage_stores
from tests.proof.faults import CRASHES, OUTLAST_THE_SDK
from tests.proof.stage import ENDPOINT, Stage, opened
from vedette.local.functions import Backend, Function
from vedette.local.mailbox import Mail
from vedette.local.recorder import AWS, Call, calling_as

GOOD, OBJECT, SMALL, LATE, NONE = "good", "violated object", "small violated objects", "late violated object", "none"
TRAFFIC = (GOOD, OBJECT, SMALL, LATE, NONE)
FUNCTIONS = ("on_data_captured", "run_monitoring", "on_monitoring_execution", "sweep")
FAULTS = (*CRASHES, *OUTLAST_THE_SDK, "reply_lost", "partial_failure")
CLEAN_HOURS = 3  # after the history: what can recover has recovered
CLOCK_DIFFERENCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Disturbance:
    """What happens to the events and the calls of one hour."""

    fault: str = ""  # at a call of `function`
    function: str = ""
    call: int = 0  # which of its calls in this hour
    lost: tuple[str, ...] = ()  # functions whose events are lost
    late_minutes: int = 0  # of every event
    copies: int = 1
    order: int | None = None
    skew: int = 0  # of the clock of `function`, in CLOCK_DIFFERENCE


CALM = Disturbance()
DISTURBANCES = st.one_of(
    st.builds(Disturbance, st.sampled_from(FAULTS), st.sampled_from(FUNCTIONS), st.integers(1, 25)),
    st.builds(Disturbance, lost=st.lists(st.sampled_from(FUNCTIONS[:3:2]), min_size=1, unique=True).map(tuple)),
    st.builds(Disturbance, late_minutes=st.sampled_from((1, 8, 20))),
    st.builds(Disturbance, copies=st.integers(2, 3), order=st.integers(0, 99)),
    st.builds(Disturbance, function=st.sampled_from(FUNCTIONS), skew=st.sampled_from((-1, 1))),
    st.builds(
        Disturbance,
        st.sampled_from(FAULTS),
        st.sampled_from(FUNCTIONS),
        st.integers(1, 25),
        lost=st.lists(st.sampled_from(FUNCTIONS[:3:2]), max_size=2, unique=True).map(tuple),
        copies=st.integers(1, 2),
    ),
)


class SkewedClocks:
    """The functions of a stage, one of which has a clock of its own."""

    def __init__(self, stage: Stage, backend: Backend) -> None:
        self._clock, self._backend = stage.cloud.clock, backend
        self.skews: dict[str, timedelta] = {}

    def invoke(self, function: Function, event: Any, request_id: str) -> Any:
        with self._clock.skewed(self.skews.get(function.name, timedelta())):
            return self._backend.invoke(function, event, request_id)

    def kill(self, name: str) -> None:
        self._backend.kill(name)

    def close(self) -> None:
        self._backend.close()


@dataclass
class Watched:
    """An endpoint in mode alert, on a stage whose schedules the history runs."""

    stage: Stage
    clocks: SkewedClocks

    def hour(self, traffic: str, disturbance: Disturbance) -> None:
        """One hour, from seven minutes past on."""
        with self._disturbed(disturbance):
            self._send(traffic)
            self._turn_to(20)
            self.stage.run_schedule("run_monitoring")
            self._turn_to(35)
            self.stage.run_schedule("sweep")
            self._turn_to(50)
            self.stage.run_schedule("run_monitoring")
            if traffic == LATE:
                self._turn_to(58)
                with self._lost("on_data_captured"):
                    self.stage.predict(good=0, bad=30)
                    self.stage.turn(1)
            self._turn_to(6 + 60)
            self.stage.run_schedule("run_monitoring")
        self.stage.turn(1)
        self.stage.run_schedule("sweep")
        self.stage.turn(4)  # Lambda's retries
        self.stage.run_schedule("sweep")

    def _send(self, traffic: str) -> None:
        if traffic in {GOOD, LATE}:
            self.stage.predict(good=30)
        if traffic == OBJECT:
            self.stage.predict(good=20, bad=20)
        for _ in range(3 if traffic == SMALL else 0):
            self.stage.predict(good=5, bad=5)
            self.stage.turn(2)

    def _turn_to(self, minute: int) -> None:
        now = self.stage.cloud.clock.now()
        begin = now.replace(minute=0, second=0, microsecond=0) - (timedelta(hours=1) if now.minute < 7 else timedelta())
        self.stage.cloud.turn(to=max(now, begin + timedelta(minutes=minute)))

    @contextmanager
    def _disturbed(self, by: Disturbance) -> Iterator[None]:
        bus, faults = self.stage.cloud.bus, self.stage.cloud.faults
        bus.duplicate(by.copies)
        bus.reorder(by.order)
        bus.drop((lambda event, function: function in by.lost) if by.lost else None)
        bus.delay(timedelta(minutes=by.late_minutes) if by.late_minutes else None)
        self.clocks.skews = {by.function: by.skew * CLOCK_DIFFERENCE}
        if by.fault:
            self._at_call(by)
        yield
        bus.clear_disturbances()
        faults.clear()
        self.clocks.skews = {}

    def _at_call(self, by: Disturbance) -> None:
        """Add the fault when the function comes to its call of that number."""
        faults, seen = self.stage.cloud.faults, 0

        def gate(call: Call) -> None:
            nonlocal seen
            if call.function != by.function:
                return
            seen += 1
            if seen == by.call:
                times = MAX_ATTEMPTS.get(call.service, DEFAULT_MAX_ATTEMPTS) if by.fault in OUTLAST_THE_SDK else 1
                faults.add(by.fault, call.service, call.operation, times=times, function=by.function)

        faults.gate = gate

    @contextmanager
    def _lost(self, function: str) -> Iterator[None]:
        bus = self.stage.cloud.bus
        before = bus._dropped
        bus.drop(lambda event, name: name == function)
        yield
        bus.drop(before)


@dataclass(frozen=True)
class Heard:
    """What a person was told, and what is left."""

    findings: Counter[tuple[str, str]]  # began or recovered, and the finding
    alert_ids: tuple[str, ...]  # of every mail
    firing: frozenset[str]
    pending: int
    given_up: tuple[str, ...]


def findings_of(mail: Mail) -> Iterator[tuple[str, str]]:
    """What a mail says has begun or recovered: the heading, and the finding's first line without its severity."""
    for block in mail.text.split("\n\n"):
        heading, *lines = block.splitlines()
        if heading in {"New", "Recovered"}:
            found = (line.strip() for line in lines if line.startswith("  ") and not line.startswith("   "))
            yield from ((heading, line.partition(",")[0]) for line in found)


def heard(stage: Stage) -> Heard:
    alerts = {mail.attributes["alert_id"]: mail for mail in stage.cloud.mailbox.mails}
    findings = Counter(finding for mail in alerts.values() for finding in findings_of(mail))
    with calling_as(AWS):
        state, _ = stage_stores().alert_states.get(ENDPOINT, "AllTraffic")
    firing = {str(name) for name, one in state.fingerprints.items() if one.state == "firing"} if state else set()
    ids = tuple(mail.attributes["alert_id"] for mail in stage.cloud.mailbox.mails)
    given_up = tuple(f"{failed.function}: {failed.errors[-1]}" for failed in stage.cloud.bus.failed)
    return Heard(findings, ids, frozenset(firing), len(state.outbox) if state else 0, given_up)


def told(traffic: tuple[str, ...], disturbances: tuple[Disturbance, ...]) -> Heard:
    """Run a history."""
    with opened() as stage:
        clocks = SkewedClocks(stage, stage.cloud.bus.backend)
        stage.cloud.bus.backend = clocks
        stage.deployed()
        stage.change_entry(mode="alert")
        stage.turn(67 - stage.cloud.clock.now().minute)
        watched = Watched(stage, clocks)
        watched.hour(GOOD, CALM)
        for hour, by in zip((*traffic, *[GOOD] * CLEAN_HOURS), (*disturbances, *[CALM] * CLEAN_HOURS), strict=True):
            watched.hour(hour, by)
        return heard(stage)


@cache
def undisturbed(traffic: tuple[str, ...]) -> Heard:
    return told(traffic, (CALM,) * len(traffic))


def test_every_history_of_violations_is_told_as_without_disturbance(extent, proves):
    ran: Counter[str] = Counter()

    @reproducible(17)
    @settings(
        max_examples=extent.alert_histories,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.lists(st.tuples(st.sampled_from(TRAFFIC), DISTURBANCES), min_size=2, max_size=4))
    def histories(hours: list[tuple[str, Disturbance]]) -> None:
        traffic, disturbances = tuple(hour for hour, _ in hours), tuple(by for _, by in hours)
        calm, found = undisturbed(traffic), told(traffic, disturbances)
        ran["histories"] += 1
        note(f"undisturbed: {dict(calm.findings)}")
        assert found.findings == calm.findings
        assert (found.firing, found.pending, found.given_up) == (calm.firing, 0, ())
        crashes = sum(by.fault in {"crash_after", "reply_lost"} for by in disturbances)
        assert len(found.alert_ids) - len(set(found.alert_ids)) <= crashes

    histories()
    proves("alert histories", ran["histories"], "of up to 4 disturbed hours", "told as without disturbance")

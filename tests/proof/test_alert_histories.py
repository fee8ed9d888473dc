"""Whatever happens to the events and the calls of a violation, a person is notified as without it.

At the end of a history, when the sweep has run twice, it has notified the same beginnings and recoveries of the same
findings as without a disturbance; a crash may have sent one copy, with the same alert id.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given, note, settings
from hypothesis import seed as reproducible
from hypothesis import strategies as st

from chalicelib.endpoint_run import stage_stores
from tests.proof import disturbances as disturbing
from tests.proof.disturbances import CALM, Disturbance, Disturbed
from tests.proof.stage import ENDPOINT, Stage, opened
from vedette.local.mailbox import Mail
from vedette.local.recorder import AWS, calling_as

GOOD, OBJECT, SMALL, LATE, NONE = "good", "violated object", "small violated objects", "late violated object", "none"
TRAFFIC = st.sampled_from((OBJECT, LATE, SMALL, GOOD, NONE))
FUNCTIONS = ("on_data_captured", "on_monitoring_execution", "run_monitoring", "sweep")
CLEAN_HOURS = 3  # after the history: what can recover has recovered


@dataclass
class Watched:
    """An endpoint in mode alert, on a stage whose schedules the history runs."""

    disturbed: Disturbed

    @property
    def stage(self) -> Stage:
        return self.disturbed.stage

    def hour(self, traffic: str, disturbance: Disturbance) -> None:
        """One hour, from seven minutes past on."""
        with self.disturbed.by(disturbance):
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
    def _lost(self, function: str) -> Iterator[None]:
        bus = self.stage.cloud.bus
        before = bus._dropped
        bus.drop(lambda event, name: name == function)
        yield
        bus.drop(before)


@dataclass(frozen=True)
class Notified:
    """What a person was notified of, and what is left."""

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


def notified(stage: Stage) -> Notified:
    alerts = {mail.attributes["alert_id"]: mail for mail in stage.cloud.mailbox.mails}
    findings = Counter(finding for mail in alerts.values() for finding in findings_of(mail))
    with calling_as(AWS):
        state, _ = stage_stores().alert_states.get(ENDPOINT, "AllTraffic")
    firing = {str(name) for name, one in state.fingerprints.items() if one.state == "firing"} if state else set()
    ids = tuple(mail.attributes["alert_id"] for mail in stage.cloud.mailbox.mails)
    given_up = tuple(f"{failed.function}: {failed.errors[-1]}" for failed in stage.cloud.bus.failed)
    return Notified(findings, ids, frozenset(firing), len(state.outbox) if state else 0, given_up)


@pytest.mark.parametrize("part", range(disturbing.PARTS))
def test_every_history_of_violations_notifies_as_without_disturbance(part, extent, proves):
    ran: Counter[str] = Counter()

    @reproducible(17 + part)
    @settings(disturbing.PROFILE, max_examples=disturbing.examples(extent.alert_histories))
    @given(disturbing.histories(TRAFFIC, disturbing.disturbances(FUNCTIONS, late_minutes=(1, 8, 20))))
    def run(history: list[tuple[str, list[list[Disturbance]]]]) -> None:
        with opened() as stage:
            stage.deployed()
            stage.change_entry(mode="alert")
            stage.turn(67 - stage.cloud.clock.now().minute)
            watched = Watched(Disturbed(stage))
            watched.hour(GOOD, CALM)
            traffic = [*(hour for hour, _ in history), *[GOOD] * CLEAN_HOURS]
            of_branches = [*(by for _, by in history), *[[]] * CLEAN_HOURS]
            steps = [partial(watched.hour, hour) for hour in traffic]
            calm, ended = disturbing.run_calm_and_disturbed(steps, of_branches, partial(notified, stage))
        note(f"{traffic}: {dict(calm.findings)}")
        ran["histories"] += len(ended)
        ran["findings"] += sum(calm.findings.values())
        for one in ended:
            found = one.outcome
            assert found.findings == calm.findings, one.disturbances
            assert (found.firing, found.pending, found.given_up) == (calm.firing, 0, ()), one.disturbances
            crashes = sum(by.fault in disturbing.COPYING for by in one.disturbances)
            assert len(found.alert_ids) - len(set(found.alert_ids)) <= crashes, one.disturbances

    run()
    assert ran["findings"], "there were alerts"
    proves(
        "alert histories",
        ran["histories"],
        f"of up to 4 hours, each disturbed, part {part + 1}",
        "notified as without disturbance",
    )

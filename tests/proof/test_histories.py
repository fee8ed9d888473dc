"""Any history of approvals, decisions, failures and lost events ends where the planner's own function says.

After every history the bus is calm, the clock turns for hours and the sweep runs: what is served then must be what the
registry, the pin and the marks want, or what stands in the table of chalicelib/registry/plan.py.
"""

from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime

import boto3
import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import seed as reproducible
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from hypothesis.strategies import integers, sampled_from

from chalicelib.endpoint_run import stage_stores
from chalicelib.locations import endpoint_partition
from chalicelib.records import Deployment, FailedVersion, Pin
from chalicelib.registry.plan import HOUR, plan
from chalicelib.registry.versions import version_of
from chalicelib.services.endpoint_snapshot import read_snapshot
from tests.proof.final import served_version
from tests.proof.stage import BAD_GOLDEN, ENDPOINT, GOOD_GOLDEN, KINDS, opened
from tests.runs import run_of_entry
from vedette.local.recorder import AWS, calling_as

LIMIT = 4  # updates an hour
PK = endpoint_partition(ENDPOINT)
HEALTH = "The primary container did not pass the ping health check."
CAPACITY = "InsufficientInstanceCapacity"
ran: Counter[str] = Counter()


class Histories(RuleBasedStateMachine):
    """Everything that may happen to one endpoint."""

    def __init__(self):
        super().__init__()
        self._open = ExitStack()
        self.stage = self._open.enter_context(opened())
        self.golden = GOOD_GOLDEN
        self.arns: list[str] = []
        self.failures = 0  # that were asked for
        self.golden_ever_failed = False
        self._apply()
        ran["histories"] += 1

    def teardown(self):
        try:
            self.come_to_rest_and_look()
        finally:
            self._open.close()

    def _apply(self) -> None:
        self.stage.change_entry(golden_payload=self.golden, updates_per_hour=LIMIT)

    def _any_version(self, number: int) -> str:
        return self.arns[number % len(self.arns)]

    # People -----------------------------------------------------------------------------------------------------

    @rule(kind=sampled_from(KINDS), status=sampled_from(("Approved", "PendingManualApproval")))
    def register(self, kind, status):
        self.arns.append(self.stage.register(kind, status))
        self.stage.cloud.settle()

    @precondition(lambda self: self.arns)
    @rule(number=integers(0, 9), status=sampled_from(("Approved", "Approved", "Rejected")))
    def decide(self, number, status):
        self.stage.set_approval(self._any_version(number), status)
        self.stage.cloud.settle()

    @precondition(lambda self: self.arns)
    @rule(number=integers(0, 9))
    def pin(self, number):
        pinned = Pin(
            endpoint=ENDPOINT, package_arn=self._any_version(number), by="ann", reason="why", at=datetime.now(UTC)
        )
        with calling_as(AWS):
            _, revision = stage_stores().deployments.table.get(Pin, PK, "pin")
            assert stage_stores().deployments.table.put(pinned, PK, "pin", revision)

    @rule()
    def unpin(self):
        with calling_as(AWS):
            stage_stores().deployments.table.delete(PK, "pin")

    @rule()
    def retry(self):
        with calling_as(AWS):
            for sk in stage_stores().deployments.table.query(FailedVersion, PK, "mark#"):
                stage_stores().deployments.table.delete(PK, sk)

    @rule(golden=sampled_from((GOOD_GOLDEN, BAD_GOLDEN)))
    def change_the_golden_request(self, golden):
        self.golden = golden
        self.golden_ever_failed |= golden is BAD_GOLDEN
        self._apply()

    # SageMaker and other hands ----------------------------------------------------------------------------------

    @rule(reason=sampled_from((HEALTH, CAPACITY)))
    def the_next_update_will_fail(self, reason):
        self.failures += 1
        self.stage.cloud.sagemaker.fail_next_update(ENDPOINT, reason)

    @precondition(lambda self: self._status() == "InService")
    @rule()
    def another_team_replaces_the_config(self):
        hosting = self.stage.cloud.sagemaker.hosting
        served = hosting.configs[self._endpoint().config_name]
        name = f"by-hand-{len(hosting.configs)}"
        sagemaker = boto3.client("sagemaker")
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=served["ProductionVariants"])
        sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=name)
        self.stage.cloud.settle()

    @precondition(lambda self: self._is_foreign())
    @rule()
    def adopt(self):
        with calling_as(AWS):
            latest, revision = stage_stores().deployments.table.get(Deployment, PK, "deployment")
            served = read_snapshot(run_of_entry(self._entry())).snapshot.served
            adopted = Deployment(
                endpoint=ENDPOINT,
                package_arn=served.package_arn,
                package_version=version_of(served.package_arn),
                config=served.config_name,
                previous_config="",
                previous_package_arn="",
                requested_at=datetime.now(UTC),
                state="verified",
                reason="adopted by ann",
            )
            assert latest is not None
            assert stage_stores().deployments.table.put(adopted, PK, "deployment", revision)

    def _endpoint(self):
        return self.stage.cloud.sagemaker.endpoints.endpoints.get(ENDPOINT)

    def _status(self) -> str:
        return self._endpoint().status if self._endpoint() else ""

    def _entry(self):
        return stage_stores().fleet.get().entry(ENDPOINT)

    def _is_foreign(self) -> bool:
        with calling_as(AWS):
            latest, _ = stage_stores().deployments.table.get(Deployment, PK, "deployment")
        if self._status() != "InService" or latest is None or latest.state == "requested":
            return False
        return self._endpoint().config_name not in {latest.config, latest.previous_config}

    # Time and the platform --------------------------------------------------------------------------------------

    @rule(minutes=sampled_from((1, 3, 7, 20, 70)))
    def time_passes(self, minutes):
        self.stage.turn(minutes)

    @rule()
    def sweep(self):
        self.stage.run_schedule("sweep")

    @rule(copies=integers(2, 3))
    def events_repeat(self, copies):
        self.stage.cloud.bus.duplicate(copies)

    @rule(seed=integers(0, 99))
    def events_come_out_of_order(self, seed):
        self.stage.cloud.bus.reorder(seed)

    @rule()
    def events_get_lost(self):
        self.stage.cloud.bus.drop(lambda event, function: event["source"] == "aws.sagemaker")

    @rule()
    def the_bus_is_calm(self):
        self.stage.cloud.bus.clear_disturbances()

    # What must hold at the end ----------------------------------------------------------------------------------

    def come_to_rest_and_look(self) -> None:
        self.stage.cloud.bus.clear_disturbances()
        for _ in range(24):  # six hours: the last try for capacity comes within two
            self.stage.turn(15)
            self.stage.run_schedule("sweep")
            if self._rests():
                break
        self.stage.turn(15)
        with calling_as(AWS):
            self.look_at_what_is_left()

    def _rests(self) -> bool:
        with calling_as(AWS):
            situation = read_snapshot(run_of_entry(self._entry())).snapshot
        waits_for_capacity = any(mark.retry_at for mark in situation.failed_versions)
        return plan(situation).action in {"nothing", "stop"} and not waits_for_capacity

    def look_at_what_is_left(self) -> None:
        situation = read_snapshot(run_of_entry(self._entry())).snapshot
        step, wanted, latest = plan(situation), situation.wanted.version, situation.deployment
        note(f"{step.action}: {step.reason}; events {[e['detail-type'] for e in self.stage.cloud.bus.events[-9:]]}")
        assert self.stage.cloud.bus.failed == []
        assert step.action in {"nothing", "stop"}
        if step.action == "stop":
            assert self._is_foreign() or self._status() == "Failed"
        elif wanted is not None:
            assert served_version(self.stage) == str(wanted.version)
            assert latest is not None
            assert latest.state != "requested"
        self._nothing_leaks(situation)
        self._no_mark_without_a_failure(situation)
        self._no_more_updates_than_allowed(situation)

    def _nothing_leaks(self, situation) -> None:
        hosting = self.stage.cloud.sagemaker.hosting
        attempts = (*situation.history, *((situation.deployment,) if situation.deployment else ()))
        known = {name for attempt in attempts for name in (attempt.config, attempt.previous_config)}
        ours = {name for name in hosting.configs if not name.startswith("by-hand")}
        assert ours <= known
        used = {variant["ModelName"] for config in hosting.configs.values() for variant in config["ProductionVariants"]}
        assert set(hosting.models) <= used

    def _no_mark_without_a_failure(self, situation) -> None:
        if not self.golden_ever_failed:
            assert len(situation.failed_versions) <= self.failures

    def _no_more_updates_than_allowed(self, situation) -> None:
        begun = sorted(attempt.requested_at for attempt in situation.history if not attempt.reason.startswith("adopt"))
        for position, at in enumerate(begun):
            assert sum(at <= other < at + HOUR for other in begun[position:]) <= LIMIT + 1


@pytest.mark.parametrize("seed", range(4))
def test_every_history_ends_where_the_planner_says(seed, extent, proves):
    if not extent.full and seed:
        pytest.skip("runs in `make prove`")
    ran.clear()
    profile = settings(
        max_examples=extent.examples,
        stateful_step_count=extent.steps,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    run_state_machine_as_test(reproducible(seed)(Histories), settings=profile)
    proves("histories", ran["histories"], f"of up to {extent.steps} events, part {seed + 1}", "as the planner says")

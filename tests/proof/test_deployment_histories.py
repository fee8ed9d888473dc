"""Whatever happens to the events and the calls of deployments, what serves and who is notified is as without it.

People approve, reject, pin, pause and change modes; updates fail; another actor interferes; an endpoint is deleted.
Each step has time to come to rest, with two sweeps.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import boto3
import pytest
from hypothesis import given, note, settings
from hypothesis import seed as reproducible
from hypothesis import strategies as st

from chalicelib.endpoint_run import stage_stores
from chalicelib.records import Pause, Pin
from tests.proof import disturbances as disturbing
from tests.proof.disturbances import Disturbance, Disturbed
from tests.proof.final import served_version
from tests.proof.stage import BAD_GOLDEN, ENDPOINT, GOOD_GOLDEN, Stage, opened
from vedette.local.recorder import AWS, calling_as

HEALTH = "The primary container did not pass the ping health check."
APPROVALS = "on_model_package_state_change"
FUNCTIONS = (APPROVALS, "on_endpoint_state_change", "sweep")
# The registry does not say when a version was approved, so nobody can tell later that an older one was approved again.
ONLY_THE_EVENT_SHOWS = "was approved, which changes nothing"
DAY = 24 * 60  # minutes
KINDS = frozenset({"deployment", "endpoint gone"})  # of messages; the others are about data, and a day has more of them


def versions(stage: Stage) -> list[str]:
    listed = boto3.client("sagemaker").list_model_packages(ModelPackageGroupName=ENDPOINT)["ModelPackageSummaryList"]
    return sorted(found["ModelPackageArn"] for found in listed)


def approve_knn(stage: Stage) -> None:
    stage.register("knn")


def approve_linear_learner(stage: Stage) -> None:
    stage.register("linear-learner")


def reject_the_newest(stage: Stage) -> None:
    stage.set_approval(versions(stage)[-1], "Rejected")


def approve_the_oldest_again(stage: Stage) -> None:
    stage.set_approval(versions(stage)[0], "Approved")


def edit_metadata_of_the_newest(stage: Stage) -> None:
    boto3.client("sagemaker").update_model_package(
        ModelPackageArn=versions(stage)[-1], CustomerMetadataProperties={"ticket": f"{stage.cloud.clock.now()}"}
    )


def approve_what_fails(stage: Stage) -> None:
    stage.cloud.sagemaker.fail_next_update(ENDPOINT, HEALTH)
    stage.register("linear-learner")


def approve_without_capacity(stage: Stage) -> None:
    stage.cloud.sagemaker.fail_next_update(ENDPOINT, "InsufficientInstanceCapacity")
    stage.register("linear-learner")


def approve_with_a_bad_golden_request(stage: Stage) -> None:
    stage.change_entry(golden_payload=BAD_GOLDEN)
    stage.register("linear-learner")


def mend_the_golden_request(stage: Stage) -> None:
    stage.change_entry(golden_payload=GOOD_GOLDEN)


def approve_a_slow_update(stage: Stage) -> None:
    stage.cloud.sagemaker.endpoints.update_minutes = 18.0
    stage.register("linear-learner")


def pin_the_oldest(stage: Stage) -> None:
    with calling_as(AWS):
        deployments = stage_stores().deployments
        pin = Pin(endpoint=ENDPOINT, package_arn=versions(stage)[0], by="ann", reason="why", at=datetime.now(UTC))
        assert deployments.put_pin(pin, deployments.pin(ENDPOINT)[1])


def unpin(stage: Stage) -> None:
    with calling_as(AWS):
        stage_stores().deployments.delete_pin(ENDPOINT)


def pause_and_approve(stage: Stage) -> None:
    with calling_as(AWS):
        deployments = stage_stores().deployments
        if deployments.pause()[0] is None:
            assert deployments.put_pause(Pause(by="ann", reason="why", at=datetime.now(UTC)), 0)
    stage.register("knn")


def resume(stage: Stage) -> None:
    with calling_as(AWS):
        stage_stores().deployments.delete_pause()


def watch_only_and_approve(stage: Stage) -> None:
    stage.change_entry(mode="alert")
    stage.register("knn")


def deploy_again(stage: Stage) -> None:
    stage.change_entry(mode="deploy")


def another_team_replaces_the_config(stage: Stage) -> None:
    sagemaker = boto3.client("sagemaker")
    hosting = stage.cloud.sagemaker.hosting
    endpoint = stage.cloud.sagemaker.endpoints.endpoints.get(ENDPOINT)
    if endpoint is None or endpoint.status != "InService" or endpoint.config_name not in hosting.configs:
        return
    name = f"by-hand-{len(hosting.configs)}"
    variants = hosting.configs[endpoint.config_name]["ProductionVariants"]
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=name)


def delete_the_endpoint(stage: Stage) -> None:
    endpoint = stage.cloud.sagemaker.endpoints.endpoints.get(ENDPOINT)
    if endpoint is not None and endpoint.status == "InService":
        boto3.client("sagemaker").delete_endpoint(EndpointName=ENDPOINT)


ACTIONS = st.sampled_from(
    (
        approve_knn,
        approve_linear_learner,
        reject_the_newest,
        approve_the_oldest_again,
        edit_metadata_of_the_newest,
        approve_what_fails,
        approve_without_capacity,
        approve_with_a_bad_golden_request,
        mend_the_golden_request,
        approve_a_slow_update,
        pin_the_oldest,
        unpin,
        pause_and_approve,
        resume,
        watch_only_and_approve,
        deploy_again,
        another_team_replaces_the_config,
        delete_the_endpoint,
    )
)


def step(disturbed: Disturbed, action: Callable[[Stage], None], by: Disturbance) -> None:
    """An action, half an hour under the disturbance, and then the calm in which the sweeps find what is left."""
    stage = disturbed.stage
    with disturbed.by(by):
        action(stage)
        stage.turn(12)
        stage.run_schedule("sweep")
        stage.turn(18)
    stage.turn(max(4, by.late_minutes))  # Lambda's retries, and late events
    stage.cloud.sagemaker.endpoints.update_minutes = 6.0
    for _ in range(3):
        stage.run_schedule("sweep")
        stage.turn(20)


@dataclass(frozen=True)
class Outcome:
    """What serves, what is stored, and what a person was notified of."""

    state: dict[str, Any]
    subjects: Counter[str]  # copies with the same alert id are one
    copies: int


def outcome(stage: Stage) -> Outcome:
    with calling_as(AWS):
        stored = stage_stores().deployments.get(ENDPOINT)
        alerts, _ = stage_stores().alert_states.get(ENDPOINT, "")
    endpoint = stage.cloud.sagemaker.endpoints.endpoints.get(ENDPOINT)
    latest = stored.latest
    about = [mail for mail in stage.cloud.mailbox.mails if mail.attributes["kind"] in KINDS]
    mails = [(mail.subject, mail.attributes["alert_id"]) for mail in about]
    state = {
        "served": (served_version(stage), endpoint.status if endpoint else ""),
        "latest": (latest.package_version, latest.state) if latest else None,
        "history": Counter((one.package_version, one.state) for one in stored.history),
        "failed versions": sorted((one.package_arn[-2:], one.retry_at is None) for one in stored.failed_versions),
        "open": sorted(str(one) for one in alerts.fingerprints if one.check == "deployment") if alerts else [],
        "pending": len(alerts.outbox) if alerts else 0,
        "given up": [f"{failed.function}: {failed.errors[-1]}" for failed in stage.cloud.bus.failed],
    }
    return Outcome(state, Counter(subject for subject, _ in dict.fromkeys(mails)), len(mails) - len(set(mails)))


@pytest.mark.parametrize("part", range(disturbing.PARTS))
def test_every_history_of_deployments_ends_as_without_disturbance(part, extent, proves):
    ran: Counter[str] = Counter()

    @reproducible(23 + part)
    @settings(disturbing.PROFILE, max_examples=disturbing.examples(extent.deployment_histories))
    @given(disturbing.histories(ACTIONS, disturbing.disturbances(FUNCTIONS, late_minutes=(1, 8, 25, DAY))))
    def run(history: list[tuple[Callable[[Stage], None], list[list[Disturbance]]]]) -> None:
        with opened() as stage:
            disturbed = Disturbed(stage)
            stage.deployed("knn")
            stage.deployed("linear-learner")
            steps = [partial(step, disturbed, action) for action, _ in history]
            calm, ended = disturbing.run_calm_and_disturbed(steps, [by for _, by in history], partial(outcome, stage))
        names = [action.__name__ for action, _ in history]
        note(f"{names}: {calm.state} {dict(calm.subjects)}")
        ran["histories"] += len(ended)
        for one in ended:
            assert one.outcome.state == calm.state, (names, one.disturbances)
            more, missing = one.outcome.subjects - calm.subjects, calm.subjects - one.outcome.subjects
            assert not more, (names, one.disturbances)
            assert not missing or (
                all(ONLY_THE_EVENT_SHOWS in subject for subject in missing)
                and any(APPROVALS in by.lost for by in one.disturbances)
            ), (names, one.disturbances)
            assert one.outcome.copies <= sum(by.fault in disturbing.COPYING for by in one.disturbances), (
                names,
                one.disturbances,
            )

    run()
    proves(
        "deployment histories",
        ran["histories"],
        f"of up to 4 steps, each disturbed, part {part + 1}",
        "ended as without disturbance",
    )

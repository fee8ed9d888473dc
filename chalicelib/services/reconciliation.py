"""Makes one endpoint serve what the registry wants: one plan at a time, and able to run at any moment.

| plan (registry.plan)      | done here                                                                             |
|---------------------------|---------------------------------------------------------------------------------------|
| NoChange, Wait, Stop      | a person is notified of a condition when it begins; it is forgotten when it ends      |
| Create, Update            | alarms, model and config are created, the attempt is stored, the endpoint is started  |
| ... rejected by SageMaker | capacity: tried again later; quota, permanent: a failed version and a notification    |
| Verify                    | the golden request is sent; then the baseline follows, or the endpoint is rolled back |
| RecordFailure             | the version is stored as failed, a notification says why                              |
| ... of the attempt alone  | the attempt is settled: nothing shows that the version was tried                      |
| Delete                    | a failed endpoint that never served is deleted, to be created again                   |

| what brings it here                           | beside that                                                 |
|-----------------------------------------------|-------------------------------------------------------------|
| a version was approved again after it failed  | its failed-version records are deleted first: by the event's|
|                                               | own words and time, so that a repeated or late event of an  |
|                                               | approval before the failure, or an edit, clears nothing     |
| a version is seen that is not approved        | the same: what comes next is a new approval                 |
| an older version than the served was approved | a person is notified: it changes nothing, and how to pin it |
| only metadata of a version was edited         | nothing                                                     |

A notification enters the outbox before the attempt is settled, and is sent at the end: so a crash in between repeats it
instead of losing it, and an alert channel that is down never stops a deployment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace as with_fields
from functools import partial
from typing import Any

from msgspec.structs import replace

from chalicelib.alerts import endpoint_notifications
from chalicelib.aws import sagemaker
from chalicelib.capture.options import PROBE_MARKER
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import NotReady, RequestRejected
from chalicelib.events import ModelPackageStateChanged
from chalicelib.observability import count, logger
from chalicelib.records import Deployment, DeploymentState, FailedVersion, Mode
from chalicelib.registry.conditions import Condition, ConditionCode
from chalicelib.registry.failures import FailureKind, failed_version_after, failure_kind
from chalicelib.registry.plan import (
    Create,
    Delete,
    EndpointSnapshot,
    NoChange,
    Plan,
    RecordFailure,
    Served,
    Stop,
    Update,
    Verify,
    Wait,
    deleted_config_sentence,
    plan,
    what_serves,
)
from chalicelib.registry.served_after_failure import what_comes_back, what_serves_after
from chalicelib.registry.versions import version_of, void_failures
from chalicelib.services import alerting, baseline_assignment, deployment_execution, fleet_conditions, serving
from chalicelib.services.alerting import ENDPOINT, Decision
from chalicelib.services.endpoint_snapshot import ReadSnapshot, read_snapshot, with_change_details

MAX_STEPS = 3  # verify, then start what has become wanted meanwhile


@dataclass(frozen=True)
class Reconciled:
    """The steps that were taken."""

    endpoint: str
    steps: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """The answer of the function."""
        return {"endpoint": self.endpoint, "steps": list(self.steps)}


def reconcile_changed(run: EndpointRun) -> Reconciled:
    """Reconcile an endpoint whose status has changed: what it served is not remembered any more.

    Raises
    ------
    NotReady
        As `reconcile`.
    """
    serving.forget(run)
    return reconcile(run)


def reconcile_each(runs: Iterable[EndpointRun], approval: ModelPackageStateChanged | None) -> list[Reconciled]:
    """Reconcile every endpoint of a group, also when one of them fails; its error is then raised at the end.

    The platform delivers the event again, which changes nothing on the endpoints that were reconciled.
    """
    done: list[Reconciled] = []
    failed: list[Exception] = []
    for run in runs:
        try:
            done.append(reconcile(run, approval))
        except Exception as error:  # noqa: BLE001 - raised below, after the other endpoints
            logger.warning("an endpoint of a group failed", endpoint=run.endpoint, kind=type(error).__name__)
            failed.append(error)
    if failed:
        raise failed[0]
    return done


def reconcile(run: EndpointRun, approval: ModelPackageStateChanged | None = None) -> Reconciled:
    """Bring an endpoint one step nearer to what is wanted; `approval` is the event of a new approval.

    Raises
    ------
    NotReady
        When another invocation works on the same endpoint, or SageMaker does not show yet what it has created.
    """
    read = read_snapshot(run)
    gone = fleet_conditions.is_gone(run, read.snapshot.served)
    if gone:
        fleet_conditions.report_if_deleted(run)  # before a plan creates it again
    if approval is not None:
        read = _without_cleared_failures(run, read, approval)
    done: list[str] = []
    decide: Decision = alerting.unchanged
    for step_number in range(MAX_STEPS):
        if step_number:
            read = read_snapshot(run)
        read = _with_begun_attempt(run, read)
        snapshot = read.snapshot
        if not step_number and approval is not None:
            _notify_if_older(run, snapshot, approval)
        _keep_in_history(run, snapshot)
        _delete_void_failures(run, snapshot)
        step = plan(snapshot)
        done.append(f"{step.action}: {step.reason}")
        _execute(run, read, step)
        decide = _conditions(run, snapshot, step) or decide
        if not isinstance(step, Verify | RecordFailure):
            break
    alerting.sync(run, fleet_conditions.with_conditions(run, decide, gone=gone))
    return Reconciled(run.endpoint, tuple(done))


def _without_cleared_failures(run: EndpointRun, read: ReadSnapshot, approval: ModelPackageStateChanged) -> ReadSnapshot:
    """Delete the failures that came before this approval, which the event itself must say and date.

    The registry shows only that a version is approved, and when it was last edited, by whatever edit.
    """
    snapshot, approved_at = read.snapshot, approval.approved_at
    if approved_at is None:
        return read
    cleared = [
        one
        for one in snapshot.failed_versions
        if one.package_arn == approval.package_arn and one.is_before(approved_at)
    ]
    for one in cleared:
        run.stores.deployments.delete_failed_version(one)
    kept = tuple(one for one in snapshot.failed_versions if one not in cleared)
    read = read._replace(snapshot=with_fields(snapshot, failed_versions=kept))
    latest = snapshot.deployment
    if (
        latest is not None
        and latest.unproven
        and latest.package_arn == approval.package_arn
        and approved_at > latest.requested_at
    ):
        read = _with_latest(run, read, replace(latest, unproven=0))
    return read._replace(snapshot=with_change_details(read.snapshot)) if cleared else read


def _with_begun_attempt(run: EndpointRun, read: ReadSnapshot) -> ReadSnapshot:
    """Remember that SageMaker has begun the requested attempt, once it shows it: a crash may have hidden its answer."""
    latest, served = read.snapshot.deployment, read.snapshot.served
    if latest is None or served is None or latest.begun or latest.state != DeploymentState.REQUESTED:
        return read
    return _with_latest(run, read, replace(latest, begun=True, unproven=0)) if served.shows(latest) else read


def _with_latest(run: EndpointRun, read: ReadSnapshot, latest: Deployment) -> ReadSnapshot:
    """Store a change of the latest attempt, unless another invocation was first."""
    if not run.stores.deployments.put_latest(latest, read.revision):
        return read
    return ReadSnapshot(with_fields(read.snapshot, deployment=latest), read.revision + 1)


def _notify_if_older(run: EndpointRun, snapshot: EndpointSnapshot, approval: ModelPackageStateChanged) -> None:
    """Approving an older version changes nothing: notify which version is wanted and served, and how to pin.

    An approval from before the latest deployment was requested is no news: its event is late, or came again.
    """
    wanted, approved, latest = snapshot.wanted.version, version_of(approval.package_arn), snapshot.deployment
    if run.entry.mode != Mode.DEPLOY or wanted is None or wanted.arn == approval.package_arn:
        return
    if not any(one.arn == approval.package_arn and one.passes(run.entry.gate) for one in snapshot.versions):
        return  # it is of another endpoint of the group
    is_news = latest is None or approval.happened_at is None or approval.happened_at > latest.requested_at
    if int(approved) < wanted.version and is_news:
        notify = partial(
            endpoint_notifications.notify_older_version_approved,
            older=approved,
            wanted=version_of(wanted.arn),
            serves=what_serves(snapshot.served),
            occasion=f"{approval.package_arn} {approval.modified_at}",
        )
        alerting.update(run, ENDPOINT, notify)


def _delete_void_failures(run: EndpointRun, snapshot: EndpointSnapshot) -> None:
    for failed in void_failures(snapshot.failed_versions, snapshot.versions):
        run.stores.deployments.delete_failed_version(failed)


def _execute(run: EndpointRun, read: ReadSnapshot, step: Plan) -> None:
    match step:
        case Create() | Update():
            _start(run, read, step)
        case Verify():
            _verify(run, read.snapshot.served, step.attempt, read.revision)
        case RecordFailure(version_failed=True):
            serves = what_serves_after(read.snapshot.served, step.attempt)
            _fail(run, step.attempt, step.state, step.reason, serves, read.revision)
        case RecordFailure():
            _settle_unproven(run, step, read.revision)
        case Delete():
            sagemaker.delete_endpoint(run.endpoint)


def _conditions(run: EndpointRun, snapshot: EndpointSnapshot, step: Plan) -> Decision | None:
    """What waits for a person after a step; None when the step does not say."""
    condition = step.condition if isinstance(step, NoChange | Wait | Stop) else None
    undecided = isinstance(step, Wait) and condition is None
    if run.entry.mode == Mode.ALERT:
        return _watched_conditions(run)
    if run.entry.mode != Mode.DEPLOY or snapshot.paused or undecided:
        return None
    current = {condition.key: condition.sentence} if condition else {}
    if snapshot.wanted.pin_void:
        current[ConditionCode.VOID_PIN.value] = "the pinned version is not approved, so the pin is void"
    return partial(endpoint_notifications.sync_conditions, family="deployment", conditions=current, now=run.now)


def _watched_conditions(run: EndpointRun) -> Decision:
    """Whether the config of an endpoint that Vedette watches only was deleted: its owner cannot update it any more.

    SageMaker's SDK deletes the config and then the endpoint, so of one that is being deleted only that is reported.
    """
    name = run.described.get("EndpointConfigName", "")
    current = {}
    if not sagemaker.is_gone(run.described) and sagemaker.describe_endpoint_config(name) is None:
        condition = Condition(ConditionCode.DELETED, deleted_config_sentence(run.endpoint, name), name)
        current = {condition.key: condition.sentence}
    return partial(endpoint_notifications.sync_conditions, family="deployment", conditions=current, now=run.now)


def _start(run: EndpointRun, read: ReadSnapshot, step: Create | Update) -> None:
    snapshot, deployments, revision = read.snapshot, run.stores.deployments, read.revision
    attempt = _attempt(snapshot, step)
    try:
        deployment_execution.create_resources(step)
        if not deployments.put_latest(attempt, revision):
            raise NotReady(f"{run.endpoint} is being deployed to by another invocation.")
        revision += 1
        begun = deployment_execution.start(step, run.endpoint)
    except RequestRejected as error:
        if failure_kind(str(error)) == FailureKind.TRANSIENT:
            raise
        now = read_snapshot(run).snapshot
        wanted = now.wanted.version
        # Rejected meanwhile, or refused because of what another actor did to the endpoint: no failure of the version.
        if wanted is None or wanted.arn != step.package_arn or _state(now.served) != _state(snapshot.served):
            raise NotReady(f"What {run.endpoint} should serve, or its state, has changed meanwhile.") from error
        _fail(run, attempt, DeploymentState.FAILED, str(error), what_serves_after(now.served, attempt), revision)
        return
    # Busy with another request: the attempt stays as it is, and the endpoint's next event shows what became of it.
    if begun or deployment_execution.is_started(run.endpoint, step.config_name):
        count("DeploymentsStarted")
        deployments.put_latest(replace(attempt, begun=True, unproven=0), revision)


def _state(served: Served | None) -> tuple[str, str, Any] | None:
    return (served.status, served.config_name, served.modified_at) if served else None


def _attempt(snapshot: EndpointSnapshot, step: Create | Update) -> Deployment:
    served, latest = snapshot.served, snapshot.deployment
    again = latest is not None and latest.config == step.config_name
    return Deployment(
        endpoint=snapshot.entry.endpoint,
        package_arn=step.package_arn,
        package_version=version_of(step.package_arn),
        config=step.config_name,
        previous_config=served.config_name if served else "",
        previous_package_arn=served.package_arn if served else "",
        requested_at=snapshot.now,
        state=DeploymentState.REQUESTED,
        endpoint_modified_at=served.modified_at if served else None,
        unproven=latest.unproven if latest is not None and again else 0,
        approver=_approver(snapshot),
        changes=step.changes if isinstance(step, Update) else (),
        remarks=step.remarks if isinstance(step, Update) else (),
    )


def _approver(snapshot: EndpointSnapshot) -> str:
    """Who modified the package last, which is who approved it unless another person edited it since."""
    by = (snapshot.package or {}).get("LastModifiedBy") or {}
    return str(by.get("UserProfileName") or (by.get("IamIdentity") or {}).get("Arn") or "")


def _verify(run: EndpointRun, served: Served | None, latest: Deployment, revision: int) -> None:
    problem = "" if latest.reason else _golden_request_problem(run)
    if not problem and not latest.reason:
        baseline = baseline_assignment.assign_baseline(run, latest)
        notify = partial(endpoint_notifications.notify_deployed, entry=run.entry, done=latest, baseline=baseline)
        alerting.update(run, ENDPOINT, notify)
        _settle(run, replace(latest, state=DeploymentState.VERIFIED, settled_at=run.now), revision)
        return
    if problem:  # stored first: once the endpoint is rolled back, nothing else says why
        latest = replace(latest, reason=f"the golden request failed: {problem}")
        if not run.stores.deployments.put_latest(latest, revision):
            raise NotReady(f"{run.endpoint} is being verified by another invocation.")
        revision += 1
    refused = _roll_back(run, latest)
    serves = f"{what_serves(served)} all the same: there is no config to go back to"
    if latest.previous_config:
        serves = f"{what_serves(served)} still" if refused else what_comes_back(latest)
    _fail(run, latest, DeploymentState.FAILED, latest.reason + refused, serves, revision)


def _roll_back(run: EndpointRun, latest: Deployment) -> str:
    """Put the endpoint back on its previous config, if it had one; says so when SageMaker rejects that."""
    if not latest.previous_config:
        return ""
    try:
        if not deployment_execution.roll_back(latest):
            raise NotReady(f"{run.endpoint} is busy; it goes back to {latest.previous_config} with its next event.")
    except RequestRejected as error:
        if failure_kind(str(error)) == FailureKind.TRANSIENT:
            raise
        return f"; it still serves, since SageMaker rejected the rollback to {latest.previous_config}: {error}"
    return ""


def _golden_request_problem(run: EndpointRun) -> str:
    """Why the golden request failed; "" when it was answered, or when the entry has none."""
    golden = run.entry.golden_payload
    if golden is None:
        return ""
    response = sagemaker.invoke_endpoint(run.endpoint, golden.body, golden.content_type, golden.accept, PROBE_MARKER)
    if response.error_code:
        return f"the model answered with {response.error_code}"
    if response.response_bytes is None:
        return "the model did not answer within a minute"
    return "" if response.response_bytes else "the answer was empty"


def _fail(
    run: EndpointRun, failed: Deployment, state: DeploymentState, reason: str, serves: str, revision: int
) -> None:
    """Store the version as failed, notify, and settle the attempt."""
    record = _failed_version(run, failed, reason)
    notify = partial(
        endpoint_notifications.notify_deployment_failed, failed=failed, reason=reason, failure=record, serves=serves
    )
    alerting.update(run, ENDPOINT, notify)
    _settle(run, replace(failed, state=state, settled_at=run.now, reason=reason), revision)


def _failed_version(run: EndpointRun, failed: Deployment, reason: str) -> FailedVersion:
    earlier, revision = run.stores.deployments.failed_version(failed)
    if earlier is not None and earlier.at >= failed.requested_at:
        return earlier  # a crash repeats this very failure
    package = sagemaker.describe_model_package(failed.package_arn) or {}
    record = failed_version_after(failed, reason, run.now, earlier, package.get("LastModifiedTime"))
    run.stores.deployments.put_failed_version(record, revision)
    return record


def _settle_unproven(run: EndpointRun, step: RecordFailure, revision: int) -> None:
    """Settle an attempt of which nothing shows that SageMaker began it; its version has not failed."""
    unproven = step.attempt.unproven + (not step.attempt.begun)
    _settle(
        run,
        replace(step.attempt, state=step.state, settled_at=run.now, reason=step.reason, unproven=unproven),
        revision,
    )


def _settle(run: EndpointRun, settled: Deployment, revision: int) -> None:
    if not run.stores.deployments.put_latest(settled, revision):
        raise NotReady(f"The deployment of {settled.endpoint} is being settled by another invocation.")
    run.stores.deployments.put_history(settled)


def _keep_in_history(run: EndpointRun, snapshot: EndpointSnapshot) -> None:
    """What was settled is in the history, also when a crash came between the two writes."""
    latest = snapshot.deployment
    if latest is None or latest.state == DeploymentState.REQUESTED:
        return
    if not any((one.requested_at, one.config) == (latest.requested_at, latest.config) for one in snapshot.history):
        run.stores.deployments.put_history(latest)

"""The user's decisions about deployments: pin, roll back, retry, adopt, pause; and invoking the sweep at once.

`DeploymentStore` keeps each decision. The sweep reads it and acts, as it does by itself within a quarter of an hour. So
nothing is decided twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from msgspec.structs import replace as replace_fields

from chalicelib.aws import sagemaker
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.errors import NotReady, VedetteError
from chalicelib.events import Scheduled
from chalicelib.records import Deployment, DeploymentState, FailedVersion, FleetEntry, Mode, Pause, Pin
from chalicelib.registry import plan as plans
from chalicelib.registry.plan import Create, Delete, EndpointSnapshot, Plan, Update, plan
from chalicelib.registry.versions import PackageVersion, version_of
from chalicelib.services.endpoint_snapshot import read_snapshot, with_change_details
from chalicelib.settings import settings
from vedette.operations import aws, role_permissions


class Paused(VedetteError):
    """Changes in this stage are paused."""


# --- the whole stage --------------------------------------------------------------------------------------------------


def paused() -> Pause | None:
    """The current pause; None if the stage is not paused."""
    return stage_stores().deployments.pause()[0]


def refuse_while_paused() -> None:
    """Raise `Paused` while the stage is paused.

    Raises
    ------
    Paused
        With the user, the time and the reason.
    """
    found = paused()
    if found is not None:
        raise Paused(
            f"Stage {settings().stage} is paused by {found.by} since {found.at:%Y-%m-%d %H:%M} UTC ({found.reason});"
            " `vedette resume` ends the pause."
        )


def pause(reason: str) -> Pause:
    """Pause all changes in this stage; an existing pause is kept."""
    found = paused()
    if found is None:
        found = Pause(by=aws.who(), reason=reason, at=datetime.now(UTC))
        _decided(stage_stores().deployments.put_pause(found, 0))
    return found


def resume() -> Pause | None:
    """End the pause; returns it, or None if there was none."""
    found = paused()
    if found is not None:
        stage_stores().deployments.delete_pause()
    return found


# --- one endpoint -----------------------------------------------------------------------------------------------------


def entry_of(endpoint: str) -> FleetEntry:
    """The fleet entry of an endpoint.

    Raises
    ------
    VedetteError
        If it is not in the fleet.
    """
    found = stage_stores().fleet.get().entry(endpoint)
    if found is None:
        raise VedetteError(
            f"{endpoint} is not in the fleet of stage {settings().stage};"
            f" `vedette manage GROUP --endpoint {endpoint}` adds it."
        )
    return found


def captured_entry_of(endpoint: str) -> FleetEntry:
    """The same of an endpoint, or a name, that has captures.

    Raises
    ------
    VedetteError
        If it is not in the fleet, or names transform jobs.
    """
    found = entry_of(endpoint)
    if found.transform_jobs:
        raise VedetteError(
            f"{endpoint} names transform jobs, which are evaluated one by one when they have ended: there are no"
            f" captures of it. See the newest job with `vedette show violations {endpoint}`."
        )
    return found


def refuse_unless_endpoint(endpoint: str) -> None:
    """Raise VedetteError for a name of the fleet that is not that of an endpoint in SageMaker."""
    found = stage_stores().fleet.get().entry(endpoint)
    if found is None or found.is_endpoint:
        return
    of = f"records in {found.records}" if found.records else f"the transform jobs {found.transform_jobs}*"
    raise VedetteError(f"{endpoint} is a name for {of}; this command is for endpoints of SageMaker.")


def planned(endpoint: str) -> tuple[EndpointSnapshot, Plan]:
    """The current state of an endpoint, and the plan for it."""
    snapshot = snapshot_of(entry_of(endpoint))
    return snapshot, plan(snapshot)


def snapshot_of(entry: FleetEntry) -> EndpointSnapshot:
    """What the registry and the endpoint show now; nothing is changed."""
    return read_snapshot(EndpointRun.without_deadline(entry)).snapshot


def act(endpoint: str) -> list[str]:
    """Invoke the deployed sweep for one endpoint; returns its steps, as it describes them."""
    now = datetime.now(UTC)
    scheduled = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": settings().account,
        "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "region": settings().region,
        "resources": [],
        "detail": {},
    }
    event = Scheduled.for_endpoints([endpoint], scheduled, settings())
    answer = aws.run_function(f"vedette-{settings().stage}-sweep", event)
    steps = answer.get("reconciled") or [str(answer.get("detail", "nothing was done"))]
    return [str(step) for step in steps]


def version(entry: FleetEntry, number: int) -> PackageVersion:
    """An approved version of the endpoint's group.

    Raises
    ------
    VedetteError
        If Vedette does not deploy to the endpoint, or the version does not exist or is not approved.
    """
    if entry.mode != Mode.DEPLOY:
        raise VedetteError(
            f"{entry.endpoint} is in mode {entry.mode}, so Vedette does not deploy to it;"
            f" `vedette manage GROUP --endpoint {entry.endpoint} --mode deploy` changes that."
        )
    versions = {found.version: found for found in _versions(entry)}
    if number not in versions:
        known = ", ".join(str(n) for n in sorted(versions)) or "none"
        raise VedetteError(f"{entry.package_group} has no version {number}; it has {known}.")
    found = versions[number]
    if not found.approved:
        raise VedetteError(
            f"Version {number} of {entry.package_group} is not approved; approve it first: `aws sagemaker"
            f" update-model-package --model-approval-status Approved --model-package-arn {found.arn}`"
        )
    return found


def _versions(entry: FleetEntry) -> tuple[PackageVersion, ...]:
    return tuple(PackageVersion.from_summary(found) for found in sagemaker.list_model_packages(entry.package_group))


def pin(endpoint: str, number: int, reason: str, until: datetime | None = None) -> Pin:
    """Pin a version, replacing an earlier pin."""
    chosen = version(entry_of(endpoint), number)
    record = Pin(
        endpoint=endpoint, package_arn=chosen.arn, by=aws.who(), reason=reason, at=datetime.now(UTC), until=until
    )
    deployments = stage_stores().deployments
    _decided(deployments.put_pin(record, deployments.pin(endpoint)[1]))
    return record


def unpin(endpoint: str) -> Pin | None:
    """Remove the pin; returns it, or None if there was none."""
    found = pin_of(endpoint)
    if found is not None:
        stage_stores().deployments.delete_pin(endpoint)
    return found


def pin_of(endpoint: str) -> Pin | None:
    """The pin of an endpoint; None when no version is pinned."""
    return stage_stores().deployments.pin(endpoint)[0]


def version_before(endpoint: str) -> int:
    """The last version that was verified before the served one and is still approved.

    Raises
    ------
    VedetteError
        If there is none.
    """
    situation = snapshot_of(entry_of(endpoint))
    if situation.served is None:
        raise VedetteError(f"There is no endpoint {endpoint}, so there is nothing to roll back.")
    approved = {found.arn for found in situation.versions if found.approved and found.usable}
    served = situation.served.package_arn
    verified = [attempt for attempt in newest_first(situation.history) if attempt.state == DeploymentState.VERIFIED]
    earlier = _before_served(verified, served)
    for attempt in earlier:
        if attempt.package_arn in approved:
            return int(attempt.package_version)
    gone = ", ".join(dict.fromkeys(attempt.package_version for attempt in earlier))
    because = f"version {gone} is not approved any more" if gone else "no other version was verified before"
    raise VedetteError(f"{endpoint} serves version {version_of(served)}, and {because}.")


def _before_served(verified: Iterable[Deployment], served: str) -> list[Deployment]:
    """The deployments before the served version was first verified, so that a second rollback does not go forward."""
    attempts = list(verified)
    position = max((i for i, attempt in enumerate(attempts) if attempt.package_arn == served), default=-1)
    return [attempt for attempt in attempts[position + 1 :] if attempt.package_arn not in {served, ""}]


def history(endpoint: str) -> list[Deployment]:
    """All deployments of an endpoint, newest first, including the one in progress."""
    stored = stage_stores().deployments.get(endpoint)
    latest = stored.latest
    in_progress = [latest] if latest is not None and latest.state == DeploymentState.REQUESTED else []
    return in_progress + newest_first(stored.history)


def newest_first(attempts: Iterable[Deployment]) -> list[Deployment]:
    """Deployments sorted by request time, newest first."""
    return sorted(attempts, key=lambda a: (a.requested_at, a.settled_at or a.requested_at), reverse=True)


def failed_versions(endpoint: str) -> list[FailedVersion]:
    """The versions that failed and are not tried again, newest first."""
    stored = stage_stores().deployments.get(endpoint).failed_versions
    return sorted(stored, key=lambda failed: failed.at, reverse=True)


def unproven_attempt(endpoint: str, number: int | None = None) -> Deployment | None:
    """The latest attempt, of any or of one version, if nothing shows that SageMaker ever began it."""
    latest = stage_stores().deployments.get(endpoint).latest
    if latest is None or not latest.unproven or number not in {None, int(latest.package_version)}:
        return None
    return latest


def retry(endpoint: str, number: int | None = None) -> list[FailedVersion]:
    """Let failed versions be tried again, every one or one of them, and an unproven attempt; the failures cleared."""
    deployments = stage_stores().deployments
    stored = deployments.get(endpoint)
    cleared = [
        failed for failed in stored.failed_versions if number is None or version_of(failed.package_arn) == str(number)
    ]
    for failed in cleared:
        deployments.delete_failed_version(failed)
    attempt = unproven_attempt(endpoint, number)
    if attempt is not None:
        _decided(deployments.put_latest(replace_fields(attempt, unproven=0), stored.revision))
    return cleared


# --- adoption ---------------------------------------------------------------------------------------------------------


def adoption(endpoint: str) -> tuple[Deployment, Plan]:
    """The record that makes the served config Vedette's own, and the next plan; nothing is written.

    Raises
    ------
    VedetteError
        If there is nothing to adopt.
    """
    entry = entry_of(endpoint)
    if entry.mode != Mode.DEPLOY:
        raise VedetteError(f"{endpoint} is in mode {entry.mode}: only an endpoint in mode deploy can be adopted.")
    situation = snapshot_of(entry)
    served, latest = situation.served, situation.deployment
    if served is None:
        raise VedetteError(f"There is no endpoint {endpoint}; Vedette creates it when a version is approved.")
    if served.status != "InService":
        raise VedetteError(f"{endpoint} is {served.status}; adopt it when it is InService.")
    if served.deleted:
        raise VedetteError(f"{endpoint} cannot be adopted: {plans.deleted_sentence(endpoint, served)}.")
    if kind := plans.unsupported_kind(served):
        raise VedetteError(f"{endpoint} cannot be adopted: {plans.unsupported_sentence(kind)}.")
    if latest is not None and served.config_name in {latest.config, latest.previous_config}:
        raise VedetteError(f"{endpoint} serves a config that Vedette knows; there is nothing to adopt.")
    record = Deployment(
        endpoint=endpoint,
        package_arn=served.package_arn,
        package_version=version_of(served.package_arn),
        config=served.config_name,
        previous_config="",
        previous_package_arn="",
        requested_at=situation.now,
        state=DeploymentState.VERIFIED,
        settled_at=situation.now,
        reason=f"adopted by {aws.who()}",
        adopted=True,
    )
    return record, plan(with_change_details(replace(situation, deployment=record, paused=False)))


def adopt(record: Deployment) -> None:
    """Store an adoption."""
    deployments = stage_stores().deployments
    deployments.put_history(record)
    _decided(deployments.put_latest(record, deployments.get(record.endpoint).revision))


def _decided(written: bool) -> None:
    if not written:
        raise NotReady("Someone else made a decision at the same time; check it and try again.")


def requests(endpoint: str, found: Plan) -> list[dict[str, Any]]:
    """The requests that a plan would send, in order; the last one is for the endpoint itself."""
    if isinstance(found, Delete):
        return [{"operation": "DeleteEndpoint", "request": {"EndpointName": endpoint}}]
    if not isinstance(found, Create | Update):
        return []
    sent = [{"operation": operation, "request": request} for operation, request in plans.requests(found)]
    to_endpoint: dict[str, Any] = {"EndpointName": endpoint, "EndpointConfigName": found.config_name}
    if isinstance(found, Create):
        return [*sent, {"operation": "CreateEndpoint", "request": to_endpoint}]
    request = {**to_endpoint, "RetainAllVariantProperties": True, "DeploymentConfig": found.deployment_config}
    return [*sent, {"operation": "UpdateEndpoint", "request": request}]


def changes_of(found: Plan) -> tuple[str, ...]:
    """What a plan changes in the served config."""
    return found.changes if isinstance(found, Update) else ()


def model_changes_of(found: Plan) -> tuple[str, ...]:
    """What a plan changes in the served model."""
    return found.model_changes if isinstance(found, Update) else ()


def remarks_of(endpoint: str, found: Plan) -> tuple[str, ...]:
    """What a plan cannot do as requested, and what its role may not do."""
    if not isinstance(found, Create | Update):
        return ()
    remarks = found.remarks if isinstance(found, Update) else ()
    return (*remarks, *_role_remarks(endpoint, found))


def _role_remarks(endpoint: str, found: Create | Update) -> list[str]:
    requests = dict(plans.requests(found))
    capture = requests.get("CreateEndpointConfig", {}).get("DataCaptureConfig", {})
    wanted = [role_permissions.rollback_alarms(endpoint)] if isinstance(found, Update) and found.alarms else []
    if key := capture.get("KmsKeyId"):
        wanted.append(role_permissions.capture_key(key, capture["DestinationS3Uri"]))
    role = settings().role_arn
    try:
        missing = role_permissions.missing(role, wanted)
    except ClientError as error:
        return [f"IAM does not say what {role} may do: {aws.message(error)}"]
    return [f"{role} may not {one.why}; add to its policy: {one.statement}" for one in missing]


def package_of(found: Plan) -> str:
    """The package version that a plan deploys or is about; "" when it is about none."""
    match found:
        case plans.Create() | plans.Update():
            return found.package_arn
        case plans.Verify() | plans.RecordFailure():
            return found.attempt.package_arn
    return ""

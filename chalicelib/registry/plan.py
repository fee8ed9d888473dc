"""From what is to what should be: the next step for one endpoint, as frozen data with its reason.

| what the endpoint shows now                                | plan                                                   |
|------------------------------------------------------------|--------------------------------------------------------|
| mode is not "deploy", or the stage is paused               | NoChange                                               |
| no such endpoint, and nothing wanted                       | NoChange                                               |
| no such endpoint                                           | Create: model, config with capture, endpoint           |
| ... the package does not support the entry's instance type | Stop                                                   |
| an image of the wanted version is of no allowed registry   | Stop: the served version stays                         |
| Creating, Updating, SystemUpdating, RollingBack, Deleting  | Wait: its next event or the sweep continues            |
| ... for longer than STATUS_TIMEOUTS                        | Wait, with a condition                                 |
| Failed, and the requested update had begun                 | RecordFailure, with the command that deletes it        |
| Failed, and nothing shows that it had begun                | RecordFailure of the attempt, not of the version       |
| Failed, and the entry allows it, and a version is wanted   | Delete: SageMaker allows nothing else; then Create     |
| Failed, OutOfService, UpdateRollbackFailed                 | Stop, with the command that a person may run           |
| InService on the config that was requested                 | Verify                                                 |
| InService on the old config after a failed verification    | RecordFailure with the reason that was stored before   |
| InService on the old config after an update began          | RecordFailure: SageMaker rolled the update back        |
| InService on it again, and nothing shows that ours began   | RecordFailure of the attempt alone; then once more     |
| ... MAX_UNPROVEN_ATTEMPTS times in a row                   | Stop: another actor fails it, as far as is known       |
| InService, and its config or its model was deleted         | Stop, with the way out                                 |
| InService on a kind that Vedette does not deploy to        | Stop, naming the kind                                  |
| InService on a config that Vedette did not make            | Stop; `vedette adopt` lets Vedette go on               |
| InService, nothing wanted                                  | NoChange with a condition: the served version stays    |
| InService and already as wanted                            | NoChange                                               |
| InService, and its next config alone has failed before     | Stop: the served config stays                          |
| ... a roll-back alarm is in ALARM, or updates are too many | Wait, with a condition                                 |
| InService on another version                               | Update: alarms, model, config made from the served one |

A condition is what a person has to know for as long as it lasts. That SageMaker began an update is shown by its answer
to UpdateEndpoint, or by DescribeEndpoint, which names the config of an update in progress and the one in service
(aws-behaviour: update-in-progress). Only a version whose update had begun can fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from msgspec.structs import replace

from chalicelib.records import Deployment, DeploymentState, FailedVersion, FleetEntry, Mode, Pin
from chalicelib.registry import resource_specs, traffic_shifting
from chalicelib.registry.conditions import Condition, ConditionCode
from chalicelib.registry.versions import PackageVersion, Wanted, version_of, wanted

STATUS_TIMEOUTS = {  # how long a status may last before a person has to look
    "Creating": timedelta(hours=1),
    "Updating": timedelta(hours=2),
    "SystemUpdating": timedelta(hours=8),
    "RollingBack": timedelta(hours=2),
    "Deleting": timedelta(hours=1),
}
UNRECOVERABLE_STATUSES = frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"})
ENDED_BADLY = frozenset({"Failed", "UpdateRollbackFailed"})  # how an update may end, beside InService
ANSWERING_STATUSES = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack"})
MAX_UNPROVEN_ATTEMPTS = 3
HOUR = timedelta(hours=1)

Request = dict[str, Any]


@dataclass(frozen=True)
class Served:
    """An endpoint with its config and its first model, as SageMaker describes them now."""

    status: str
    config_name: str
    modified_at: datetime
    failure_reason: str
    config: Mapping[str, Any]
    model: Mapping[str, Any]
    instances: int = 1
    tags: Mapping[str, str] | None = None  # of the config; read when an update needs them
    changed_by: str = ""  # who put it on a config that is not ours, as far as AWS says
    pending_config: str = ""  # of an update or a creation in progress

    @classmethod
    def of(cls, described: tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]] | None) -> Served | None:
        """Read the descriptions of an endpoint, its config and its first model; None for no endpoint."""
        if described is None:
            return None
        endpoint, config, model = described
        variants = config.get("ProductionVariants") or [{}]
        counts = [variant.get("CurrentInstanceCount") for variant in endpoint.get("ProductionVariants", ())]
        return cls(
            status=endpoint["EndpointStatus"],
            config_name=endpoint["EndpointConfigName"],
            modified_at=endpoint["LastModifiedTime"],
            failure_reason=endpoint.get("FailureReason", ""),
            config=config,
            model=model,
            instances=(counts[0] if counts else None) or variants[0].get("InitialInstanceCount") or 1,
            pending_config=(endpoint.get("PendingDeploymentSummary") or {}).get("EndpointConfigName", ""),
        )

    @property
    def package_arn(self) -> str:
        """The package that is served; "" when the model was not made from one."""
        return resource_specs.package_of(self.model)

    @property
    def version(self) -> str:
        """The version that is served, "unversioned" when the model was not made from a package."""
        return version_of(self.package_arn)

    @property
    def variant(self) -> str:
        """The name of the first variant."""
        variants = self.config.get("ProductionVariants") or [{}]
        return str(variants[0].get("VariantName", resource_specs.VARIANT))

    @property
    def deleted(self) -> str:
        """What the endpoint runs on although somebody has deleted it, as a clause; "" when nothing is missing.

        SageMaker deletes a config that is in use, which its SDK's Predictor.delete_endpoint does first
        (aws-behaviour: config-in-use).
        """
        if not self.config:
            return _deleted_config(self.config_name)
        model = (self.config.get("ProductionVariants") or [{}])[0].get("ModelName")
        return f"the model {model} that the endpoint runs was deleted" if model and not self.model else ""

    def shows(self, attempt: Deployment) -> bool:
        """Whether SageMaker has begun an attempt: its config is in service, or that of the update in progress."""
        return attempt.config in {self.config_name, self.pending_config}


@dataclass(frozen=True)
class DeploymentTarget:
    """What an installation gives to the models and configs that it creates."""

    role_arn: str
    capture_uri: str
    image_accounts: tuple[str, ...] = ()  # whose ECR registries are allowed; all of them, when none is named


@dataclass(frozen=True)
class EndpointSnapshot:
    """Everything a plan follows from, read at one moment."""

    entry: FleetEntry
    versions: tuple[PackageVersion, ...]
    pin: Pin | None
    failed_versions: tuple[FailedVersion, ...]
    served: Served | None
    deployment: Deployment | None  # the latest attempt
    history: tuple[Deployment, ...]  # the settled ones
    now: datetime
    target: DeploymentTarget
    paused: bool = False
    package: Mapping[str, Any] | None = None  # DescribeModelPackage of the wanted version
    served_package: Mapping[str, Any] | None = None  # ... and of the served one
    daily_p99: tuple[float, ...] = ()  # microseconds, of the last days
    alarms_firing: tuple[str, ...] = ()

    @property
    def wanted(self) -> Wanted:
        """The version that should be served; a served one stays wanted when only another config of it has failed."""
        served = self.served
        failed = [
            one
            for one in self.failed_versions
            if served is None or one.package_arn != served.package_arn or one.config == served.config_name
        ]
        return wanted(self.versions, self.pin, failed, self.now, self.entry.gate)


class Action(StrEnum):
    """The word for each plan, in logs and commands."""

    NO_CHANGE = "nothing"
    WAIT = "wait"
    STOP = "stop"
    CREATE = "create"
    UPDATE = "update"
    VERIFY = "verify"
    RECORD_FAILURE = "record failure"
    DELETE = "delete"


@dataclass(frozen=True)
class NoChange:
    """The endpoint stays as it is."""

    action: ClassVar = Action.NO_CHANGE
    reason: str
    condition: Condition | None = None


@dataclass(frozen=True)
class Wait:
    """Nothing can be done before the endpoint, an alarm or the clock has moved on."""

    action: ClassVar = Action.WAIT
    reason: str
    condition: Condition | None = None


@dataclass(frozen=True)
class Stop:
    """A person has to act before Vedette goes on."""

    action: ClassVar = Action.STOP
    reason: str
    condition: Condition | None


@dataclass(frozen=True)
class Create:
    """Create the model, the config and the endpoint."""

    action: ClassVar = Action.CREATE
    reason: str
    package_arn: str
    model: Request
    config: Request

    @property
    def config_name(self) -> str:
        """The config that will be served."""
        return str(self.config["EndpointConfigName"])


@dataclass(frozen=True)
class Update:
    """Put the endpoint on a new config."""

    action: ClassVar = Action.UPDATE
    reason: str
    package_arn: str
    model: Request | None  # None: the served model is of this package already
    config: Request
    deployment_config: Request
    alarms: tuple[Request, ...]
    changes: tuple[str, ...]  # of the config
    model_changes: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def config_name(self) -> str:
        """The config that will be served."""
        return str(self.config["EndpointConfigName"])


@dataclass(frozen=True)
class Verify:
    """Send the golden request to the requested version."""

    action: ClassVar = Action.VERIFY
    reason: str
    attempt: Deployment


@dataclass(frozen=True)
class RecordFailure:
    """The requested version does not serve: remember it as failed."""

    action: ClassVar = Action.RECORD_FAILURE
    reason: str
    attempt: Deployment
    state: DeploymentState  # FAILED or ROLLED_BACK
    version_failed: bool = True  # False: nothing shows that it was tried, so only the attempt is settled


@dataclass(frozen=True)
class Delete:
    """Delete an endpoint that failed before it ever served."""

    action: ClassVar = Action.DELETE
    reason: str


Plan = NoChange | Wait | Stop | Create | Update | Verify | RecordFailure | Delete


def requests(plan: Create | Update) -> tuple[tuple[str, Request], ...]:
    """The Create requests that a plan sends before the endpoint changes, in order: operation and request."""
    alarms = plan.alarms if isinstance(plan, Update) else ()
    found = [("PutMetricAlarm", alarm) for alarm in alarms]
    found += [("CreateModel", plan.model)] if plan.model else []
    return (*found, ("CreateEndpointConfig", plan.config))


def plan(snapshot: EndpointSnapshot) -> Plan:
    """The next step for one endpoint; see the table of this module."""
    entry, served = snapshot.entry, snapshot.served
    if entry.mode != Mode.DEPLOY:
        return NoChange(f"the endpoint is in mode {entry.mode}: Vedette monitors it and deploys nothing")
    if snapshot.paused:
        return NoChange("Vedette is paused: it changes nothing until `vedette resume`")
    if served is None:
        return _creation(snapshot)
    if served.status in STATUS_TIMEOUTS:
        return _waiting(served, snapshot.now)
    if served.status in UNRECOVERABLE_STATUSES:
        return _unrecoverable(snapshot, served)
    return _in_service(snapshot, served)


def _creation(snapshot: EndpointSnapshot) -> Plan:
    entry, version = snapshot.entry, snapshot.wanted.version
    if version is None:
        return NoChange(f"the endpoint does not exist, and {snapshot.wanted.reason}")
    if refused := _disallowed_image(snapshot, version):
        return refused
    supported = resource_specs.supported_instance_types(snapshot.package)
    if entry.instance_type and supported and entry.instance_type not in supported:
        return _stop(
            ConditionCode.INSTANCE_TYPE,
            f"version {version.version} does not support {entry.instance_type}, which the fleet names;"
            f" it supports {', '.join(supported)}",
        )
    if not snapshot.target.role_arn:
        reason = "no execution role is named for the models: set VEDETTE_ROLE_ARN in .chalice/config.json"
        return _stop(ConditionCode.NO_ROLE, reason)
    tags = resource_specs.tags_for(entry.endpoint)
    instance_type = entry.instance_type or (supported[0] if supported else resource_specs.INSTANCE_TYPE)
    model = resource_specs.new_model(version.arn, snapshot.target.role_arn, tags)
    config = resource_specs.new_endpoint_config(
        version.arn, model["ModelName"], entry, instance_type, snapshot.target.capture_uri, tags
    )
    return Create(f"the endpoint does not exist, and {snapshot.wanted.reason}", version.arn, model, config)


def _waiting(served: Served, now: datetime) -> Wait:
    limit = STATUS_TIMEOUTS[served.status]
    if now - served.modified_at <= limit:
        return Wait(f"the endpoint is {served.status}; its next event continues")
    hours = int(limit / HOUR)
    reason = f"the endpoint has been {served.status} for more than {hours} h; look at it in the SageMaker console"
    return Wait(reason, Condition(ConditionCode.SLOW, reason))


def _unrecoverable(snapshot: EndpointSnapshot, served: Served) -> Plan:
    entry, latest = snapshot.entry, snapshot.deployment
    cause = f" ({served.failure_reason})" if served.failure_reason else ""
    if served.status != "Failed":
        reason = f"the endpoint is {served.status}{cause}; Vedette changes nothing until it is InService"
        if latest is not None and latest.state == DeploymentState.REQUESTED and served.status in ENDED_BADLY:
            return _ended_badly(served, latest, reason)
        return _broken(served, latest, reason)
    reason = (
        f"the endpoint is Failed{cause}, and SageMaker allows only its deletion:"
        f" `aws sagemaker delete-endpoint --endpoint-name {entry.endpoint}`; Vedette then creates it"
    )
    if latest is not None and latest.state == DeploymentState.REQUESTED:
        return _ended_badly(served, latest, reason)
    ours = latest is not None and latest.config == served.config_name
    ever_served = any(attempt.state == DeploymentState.VERIFIED for attempt in snapshot.history)
    if entry.recreate_failed and ours and not ever_served and snapshot.wanted.version is not None:
        return Delete(f"the endpoint is Failed, never served, and {snapshot.wanted.reason}")
    return _broken(served, latest, reason)


def _in_service(snapshot: EndpointSnapshot, served: Served) -> Plan:
    latest = snapshot.deployment
    if latest is not None and latest.state == DeploymentState.REQUESTED:
        outcome = _verify_or_rolled_back(served, latest)
        if outcome is not None:
            return outcome
    if served.deleted:
        return _stop(ConditionCode.DELETED, deleted_sentence(snapshot.entry.endpoint, served), served.config_name)
    if kind := unsupported_kind(served):
        return _stop(ConditionCode.UNSUPPORTED_KIND, unsupported_sentence(kind), kind)
    if refused := _foreign_config(served, latest):
        return refused
    if snapshot.wanted.version is None:
        reason = f"{snapshot.wanted.reason}; {_version(served)} stays in service"
        return NoChange(reason, Condition(ConditionCode.NOTHING_WANTED, reason, snapshot.wanted.code))
    return _update(snapshot, served, snapshot.wanted.version)


def _broken(served: Served, latest: Deployment | None, reason: str) -> Stop:
    """Stop for an endpoint that only a person can mend, unless the failed deployment that broke it was reported."""
    if latest is not None and latest.state == DeploymentState.FAILED:
        broke_it = latest.begun and latest.endpoint_modified_at == served.modified_at
        if broke_it or latest.config == served.config_name:
            return Stop(reason, None)
    return _stop(ConditionCode.STATUS, reason, served.status)


def _ended_badly(served: Served, attempt: Deployment, reason: str) -> RecordFailure:
    """The end of an attempt whose endpoint only a person can mend; it keeps when the endpoint came to be so."""
    ended = replace(attempt, begun=attempt.begun or served.shows(attempt), endpoint_modified_at=served.modified_at)
    return RecordFailure(reason, ended, DeploymentState.FAILED, version_failed=ended.begun)


def _verify_or_rolled_back(served: Served, attempt: Deployment) -> Plan | None:
    """What became of a requested attempt, now that the endpoint is InService; None while it has not begun."""
    version = version_of(attempt.package_arn)
    if attempt.config == served.config_name:
        return Verify(f"the endpoint is InService on {served.config_name}", attempt)
    if attempt.reason:
        return RecordFailure(attempt.reason, attempt, DeploymentState.FAILED)
    if is_foreign(served, attempt):
        reason = f"the endpoint was put on the config {served.config_name} before version {version} was verified"
        return RecordFailure(reason, attempt, DeploymentState.FAILED, version_failed=False)
    if not _changed_since(served, attempt):
        return None
    again = f"the endpoint is InService again on its old config {served.config_name}"
    cause = served.failure_reason or "SageMaker gives no reason"
    if attempt.begun:
        reason = f"the update to version {version} did not hold: {again}: {cause}"
        return RecordFailure(reason, attempt, DeploymentState.ROLLED_BACK)
    reason = f"nothing shows that SageMaker began the update to version {version}: {again}: {cause}"
    return RecordFailure(reason, attempt, DeploymentState.FAILED, version_failed=False)


def _changed_since(served: Served, attempt: Deployment) -> bool:
    """Whether the endpoint has changed since an attempt was requested."""
    if attempt.endpoint_modified_at is None:  # an older record, or a creation
        return served.modified_at >= attempt.requested_at
    return served.modified_at > attempt.endpoint_modified_at


def deleted_sentence(endpoint: str, served: Served) -> str:
    """What was deleted under an endpoint, what follows, and the way out; `served.deleted` names it."""
    if not served.config:
        return deleted_config_sentence(endpoint, served.config_name)
    return f"{served.deleted}, so the next version would lose its settings; {_way_out(endpoint)}"


def deleted_config_sentence(endpoint: str, config_name: str) -> str:
    """The same for an endpoint whose config was deleted."""
    return f"{_deleted_config(config_name)}, so SageMaker refuses to update the endpoint; {_way_out(endpoint)}"


def _deleted_config(config_name: str) -> str:
    return f"the config {config_name} that the endpoint runs on was deleted"


def _way_out(endpoint: str) -> str:
    return (
        "create it again under the same name, or delete the endpoint (`aws sagemaker delete-endpoint --endpoint-name"
        f" {endpoint}`) and create that again"
    )


def what_serves(served: Served | None) -> str:
    """What answers requests now, as a clause."""
    if served is None:
        return "nothing is served"
    if served.status not in ANSWERING_STATUSES:
        return f"the endpoint is {served.status}"
    return "what is served is not known" if served.deleted else f"{_version(served)} is served"


def _update(snapshot: EndpointSnapshot, served: Served, version: PackageVersion) -> Plan:
    entry, arn = snapshot.entry, version.arn
    tags = resource_specs.tags_for(entry.endpoint, served.tags)
    model = None if served.package_arn == arn else resource_specs.next_model(served.model, arn, tags)
    model_name = model["ModelName"] if model else served.config["ProductionVariants"][0]["ModelName"]
    config = resource_specs.next_endpoint_config(
        served.config, arn, model_name, entry, snapshot.target.capture_uri, tags
    )
    changes = resource_specs.changes(served.config, config)
    if model is None and not changes:
        return NoChange(f"the endpoint serves what is wanted: {snapshot.wanted.reason}")
    for failed in () if model else snapshot.failed_versions:
        if failed.config == config["EndpointConfigName"] and failed.counts(snapshot.now):
            return Stop(f"the config {failed.config} has failed: {failed.reason}", None)  # it was reported already
    if refused := _disallowed_image(snapshot, version) or _unproven(snapshot, served, config["EndpointConfigName"]):
        return refused
    if snapshot.alarms_firing:
        reason = f"the alarm {snapshot.alarms_firing[0]} is in ALARM: an update would be rolled back at once"
        return Wait(reason, Condition(ConditionCode.ALARM, reason))
    attempts = [attempt for attempt in snapshot.history if snapshot.now - attempt.requested_at < HOUR]
    if len(attempts) >= entry.updates_per_hour:
        reason = f"{len(attempts)} updates were tried within the hour, and {entry.updates_per_hour} are allowed"
        return Wait(reason, Condition(ConditionCode.TOO_MANY_UPDATES, reason))
    alarms = traffic_shifting.alarms(entry.endpoint, served.variant, snapshot.daily_p99)
    deployment_config, remark = traffic_shifting.deployment_config(
        entry, served.instances, [alarm["AlarmName"] for alarm in alarms]
    )
    return Update(
        f"the endpoint serves {_version(served)}, and {snapshot.wanted.reason}",
        arn,
        model,
        config,
        deployment_config,
        alarms,
        changes,
        resource_specs.model_changes(served.model, snapshot.served_package, model, snapshot.package) if model else (),
        (remark,) if remark else (),
    )


def _stop(code: ConditionCode, reason: str, about: str = "") -> Stop:
    return Stop(reason, Condition(code, reason, about))


def _unproven(snapshot: EndpointSnapshot, served: Served, config: str) -> Stop | None:
    """Stop for a config that was requested again and again, and never seen to begin."""
    latest = snapshot.deployment
    if latest is None or latest.config != config or latest.unproven < MAX_UNPROVEN_ATTEMPTS:
        return None
    reason = (
        f"the update to version {latest.package_version} was requested {latest.unproven} times, and nothing shows that"
        f" SageMaker began it: each time the endpoint was InService again on {served.config_name}; see who else updates"
        f" it, then run `vedette retry {latest.endpoint}`"
    )
    return _stop(ConditionCode.UNPROVEN, reason, config)


def _disallowed_image(snapshot: EndpointSnapshot, version: PackageVersion) -> Stop | None:
    """Stop for a version with an image from a registry that this stage does not allow."""
    image = resource_specs.disallowed_image(snapshot.package, snapshot.target.image_accounts)
    if not image:
        return None
    allowed = ", ".join(snapshot.target.image_accounts)
    return _stop(
        ConditionCode.IMAGE_REGISTRY,
        f"version {version.version} runs the image {image}, and this stage allows images of {allowed} alone"
        " (VEDETTE_IMAGE_ACCOUNTS)",
    )


def is_foreign(served: Served, latest: Deployment | None) -> bool:
    """Whether another actor put the endpoint on its config."""
    if latest is None:
        return False
    # Once an attempt was verified, a person who goes back to the config before it has decided something.
    verified = latest.state == DeploymentState.VERIFIED
    ours = {latest.config} if verified else {latest.config, latest.previous_config}
    return served.config_name not in ours


def _foreign_config(served: Served, latest: Deployment | None) -> Stop | None:
    """Stop for an endpoint that Vedette must not touch."""
    if latest is None:
        reason = "the endpoint exists and was not created by Vedette; nothing is changed before `vedette adopt`"
        return _stop(ConditionCode.FOREIGN_CONFIG, reason, served.config_name)
    if not is_foreign(served, latest):
        return None
    actor = served.changed_by or (served.tags or {}).get("managed-by") or "another tool or person"
    reason = (
        f"{actor} put the endpoint on the config {served.config_name}, Vedette's was {latest.config}; Vedette changes"
        " nothing before `vedette adopt`"
    )
    return _stop(ConditionCode.FOREIGN_CONFIG, reason, served.config_name)


def unsupported_sentence(kind: str) -> str:
    """Why an endpoint of such a kind is not deployed to, and what can be done instead."""
    return f"the endpoint is {kind}; Vedette watches such endpoints if they capture, but does not deploy to them"


def unsupported_kind(served: Served) -> str:
    """The name of a kind of endpoint that this release does not deploy to; "" when it does."""
    variants = served.config.get("ProductionVariants", [])
    containers = [served.model.get("PrimaryContainer"), *served.model.get("Containers", ())]
    if served.config.get("AsyncInferenceConfig"):
        return "an asynchronous endpoint"
    if served.config.get("ShadowProductionVariants"):
        return "an endpoint with shadow variants"
    if len(variants) != 1:
        return f"a multi-variant endpoint ({len(variants)} variants)"
    if variants[0].get("ServerlessConfig"):
        return "a serverless endpoint"
    if not variants[0].get("ModelName"):
        return "an endpoint of inference components"
    if any(container and container.get("Mode") == "MultiModel" for container in containers):
        return "a multi-model endpoint"
    if len(served.model.get("Containers", ())) > 1:
        return "an inference pipeline"
    return ""


def _version(served: Served) -> str:
    return f"version {version_of(served.package_arn)}" if served.package_arn else "a model that is not from a registry"

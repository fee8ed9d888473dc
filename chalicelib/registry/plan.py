"""From what is to what should be: one plan, made of frozen data, with its reason.

| what the endpoint says now                                | plan                                                   |
|-----------------------------------------------------------|--------------------------------------------------------|
| mode is not "deploy", or everything is paused             | nothing, and says so                                   |
| no such endpoint, and nothing wanted                      | nothing                                                |
| no such endpoint                                          | create: model, config with capture, endpoint           |
| ... the package does not support the entry's instance type| stop: a notice                                         |
| an image of the wanted version is of no allowed registry  | stop: a notice; what is served stays                   |
| Creating, Updating, SystemUpdating, RollingBack, Deleting | wait: its own event or the sweep continues             |
| ... for longer than it may take                           | wait, and a notice                                     |
| Failed, before the requested version ever served          | failed: mark the version, a notice with the command    |
| Failed, and the entry allows it, and another is wanted    | delete: SageMaker allows nothing else; then create     |
| Failed, OutOfService, UpdateRollbackFailed                | stop: a notice with the command that a person may run  |
| InService on the config that was requested                | verify                                                 |
| InService on the old config after a failed verification   | failed: as it was written down before it went back     |
| InService on the old config after an update began         | rolled back in silence: mark the version, a notice     |
| InService on somebody else's config, or never adopted     | stop: a notice; `vedette adopt` lets Vedette go on     |
| InService on a kind that Vedette does not deploy to       | stop: a notice that names the kind                     |
| InService, nothing wanted                                 | nothing: what is served stays; a notice                |
| InService and already as wanted                           | nothing                                                |
| ... a roll-back alarm is in ALARM, or updates are too many| wait, and a notice                                     |
| InService on another version                              | update: alarms, model, config from the served one      |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib.records import Deployment, FleetEntry, Mark, Pin
from chalicelib.registry import rendering, shifting
from chalicelib.registry.versions import PackageVersion, Wanted, version_of, wanted

LONGEST = {  # how long a status may last before a person is told
    "Creating": timedelta(hours=1),
    "Updating": timedelta(hours=2),
    "SystemUpdating": timedelta(hours=8),
    "RollingBack": timedelta(hours=2),
    "Deleting": timedelta(hours=1),
}
BROKEN = frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"})
HOUR = timedelta(hours=1)

Action = Literal["nothing", "wait", "stop", "create", "update", "verify", "rolled back", "failed", "delete"]
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
    tags: Mapping[str, str] | None = None  # of the config; read when they are needed
    changed_by: str = ""  # who put it on a config that is not ours, as far as AWS tells

    @property
    def package_arn(self) -> str:
        """The package that is served; "" when the model was not made of one."""
        return rendering.package_of(self.model)

    @property
    def variant(self) -> str:
        """The name of the first variant."""
        variants = self.config.get("ProductionVariants") or [{}]
        return str(variants[0].get("VariantName", rendering.VARIANT))


@dataclass(frozen=True)
class Place:
    """Where an installation puts what it creates."""

    role_arn: str
    capture_uri: str
    image_accounts: tuple[str, ...] = ()  # whose ECR registries are allowed; all of them, when none is named


@dataclass(frozen=True)
class Situation:
    """Everything a plan follows from, read at one moment."""

    entry: FleetEntry
    versions: tuple[PackageVersion, ...]
    pin: Pin | None
    marks: tuple[Mark, ...]
    served: Served | None
    deployment: Deployment | None  # the latest attempt
    history: tuple[Deployment, ...]  # the settled ones
    now: datetime
    place: Place
    paused: bool = False
    package: Mapping[str, Any] | None = None  # DescribeModelPackage of the wanted version
    daily_p99: tuple[float, ...] = ()  # microseconds, of the last days
    alarms_firing: tuple[str, ...] = ()

    @property
    def wanted(self) -> Wanted:
        """The version that should be served."""
        return wanted(self.versions, self.pin, self.marks, self.now, self.entry.model_life_cycle_stage)


@dataclass(frozen=True)
class Plan:
    """What to do, and why. The requests are empty unless something is created or updated."""

    action: Action
    reason: str
    package_arn: str = ""
    model: Request | None = None  # None: the served model is of this package already
    config: Request | None = None
    deployment_config: Request | None = None
    alarms: tuple[Request, ...] = ()
    changes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    notice: bool = False  # a person must hear of it
    code: str = ""  # which condition it is, for as long as it lasts

    @property
    def config_name(self) -> str:
        """The config that will be served."""
        return str(self.config["EndpointConfigName"]) if self.config else ""

    @property
    def steps(self) -> tuple[tuple[str, Request], ...]:
        """The requests to AWS, in order."""
        found = [("PutMetricAlarm", alarm) for alarm in self.alarms]
        found += [("CreateModel", self.model)] if self.model else []
        found += [("CreateEndpointConfig", self.config)] if self.config else []
        return tuple(found)


def plan(situation: Situation) -> Plan:
    """Plan the next step for one endpoint; see the table of this module."""
    entry, served = situation.entry, situation.served
    if entry.mode != "deploy":
        return Plan("nothing", f"the endpoint is in mode {entry.mode}: Vedette judges it and deploys nothing")
    if situation.paused:
        return Plan("nothing", "Vedette is paused: it changes nothing until `vedette resume`")
    if served is None:
        return _creation(situation)
    if served.status in LONGEST:
        return _waiting(served, situation.now)
    if served.status in BROKEN:
        return _broken(situation, served)
    return _in_service(situation, served)


def _creation(situation: Situation) -> Plan:
    entry, version = situation.entry, situation.wanted.version
    if version is None:
        return Plan("nothing", f"the endpoint does not exist, and {situation.wanted.reason}")
    if refused := _foreign_image(situation, version):
        return refused
    supported = rendering.supported_instance_types(situation.package)
    if entry.instance_type and supported and entry.instance_type not in supported:
        return Plan(
            "stop",
            f"version {version.version} does not support {entry.instance_type}, which the fleet asks for;"
            f" it supports {', '.join(supported)}",
            version.arn,
            notice=True,
            code="instance type",
        )
    if not situation.place.role_arn:
        reason = "no execution role is named for the models: set VEDETTE_ROLE_ARN in .chalice/config.json"
        return Plan("stop", reason, version.arn, notice=True, code="no role")
    tags = rendering.tags_for(entry.endpoint)
    instance_type = entry.instance_type or (supported[0] if supported else rendering.INSTANCE_TYPE)
    model = rendering.new_model(version.arn, situation.place.role_arn, tags)
    config = rendering.new_endpoint_config(
        version.arn, model["ModelName"], entry, instance_type, situation.place.capture_uri, tags
    )
    return Plan("create", f"the endpoint does not exist, and {situation.wanted.reason}", version.arn, model, config)


def _waiting(served: Served, now: datetime) -> Plan:
    for_how_long = now - served.modified_at
    if for_how_long > LONGEST[served.status]:
        hours = int(LONGEST[served.status] / HOUR)
        reason = f"the endpoint has been {served.status} for more than {hours} h; look at it in the SageMaker console"
        return Plan("wait", reason, notice=True, code="slow")
    return Plan("wait", f"the endpoint is {served.status}; its next event continues")


def _broken(situation: Situation, served: Served) -> Plan:
    entry, latest = situation.entry, situation.deployment
    command = f"`aws sagemaker delete-endpoint --endpoint-name {entry.endpoint}`"
    reason = f" ({served.failure_reason})" if served.failure_reason else ""
    if served.status != "Failed":
        words = f"the endpoint is {served.status}{reason}; Vedette changes nothing until it is InService"
        return Plan("stop", words, notice=True, code=served.status)
    words = (
        f"the endpoint is Failed{reason}, and SageMaker allows only its deletion: {command}; Vedette then creates it"
    )
    if latest is not None and latest.state == "requested" and latest.config == served.config_name:
        return Plan("failed", words, latest.package_arn, notice=True)
    ever_served = any(attempt.state == "verified" for attempt in situation.history)
    if entry.recreate_failed and latest is not None and not ever_served and situation.wanted.version is not None:
        return Plan("delete", f"the endpoint is Failed, never served, and {situation.wanted.reason}")
    told = latest is not None and latest.state == "failed" and latest.config == served.config_name
    return Plan("stop", words, notice=not told, code=served.status)


def _in_service(situation: Situation, served: Served) -> Plan:
    latest = situation.deployment
    if latest is not None and latest.state == "requested":
        if latest.config == served.config_name:
            return Plan("verify", f"the endpoint is InService on {served.config_name}", latest.package_arn)
        if latest.reason:
            return Plan("failed", latest.reason, latest.package_arn, notice=True)
        if served.modified_at >= latest.requested_at and (latest.begun or served.failure_reason):
            because = served.failure_reason or "SageMaker gives no reason"
            return Plan(
                "rolled back",
                f"the update to version {version_of(latest.package_arn)} did not hold: the endpoint is InService again"
                f" on its old config {served.config_name}: {because}",
                latest.package_arn,
                notice=True,
            )
    foreign = _not_ours(served, latest)
    if foreign:
        return Plan("stop", foreign, notice=True, code=f"config {served.config_name}")
    kind = unsupported_kind(served)
    if kind:
        reason = f"the endpoint is {kind}; Vedette watches such endpoints but does not deploy to them"
        return Plan("stop", reason, notice=True, code=kind)
    if situation.wanted.version is None:
        reason = situation.wanted.reason
        return Plan("nothing", f"{reason}; {_version(served)} stays in service", notice=True, code=reason)
    return _update(situation, served, situation.wanted.version)


def _update(situation: Situation, served: Served, version: PackageVersion) -> Plan:
    entry, arn = situation.entry, version.arn
    tags = rendering.tags_for(entry.endpoint, served.tags)
    model = None if served.package_arn == arn else rendering.next_model(served.model, arn, tags)
    model_name = model["ModelName"] if model else served.config["ProductionVariants"][0]["ModelName"]
    config = rendering.next_endpoint_config(served.config, arn, model_name, entry, situation.place.capture_uri, tags)
    changes = rendering.changes(served.config, config)
    if model is None and not changes:
        return Plan("nothing", f"the endpoint serves what is wanted: {situation.wanted.reason}", arn)
    if refused := _foreign_image(situation, version):
        return refused
    if situation.alarms_firing:
        reason = f"the alarm {situation.alarms_firing[0]} is in ALARM: an update would be rolled back at once"
        return Plan("wait", reason, arn, notice=True, code="alarm")
    attempts = [attempt for attempt in situation.history if situation.now - attempt.requested_at < HOUR]
    if len(attempts) >= entry.updates_per_hour:
        reason = f"{len(attempts)} updates were tried within the hour, and {entry.updates_per_hour} are allowed"
        return Plan("wait", reason, arn, notice=True, code="too many updates")
    alarms = shifting.alarms(entry.endpoint, served.variant, situation.daily_p99)
    deployment_config, remark = shifting.deployment_config(
        entry, served.instances, [alarm["AlarmName"] for alarm in alarms]
    )
    return Plan(
        "update",
        f"the endpoint serves {_version(served)}, and {situation.wanted.reason}",
        arn,
        model,
        config,
        deployment_config,
        alarms,
        changes,
        (remark,) if remark else (),
    )


def _foreign_image(situation: Situation, version: PackageVersion) -> Plan | None:
    """The refusal of a version with an image from a registry that this stage does not allow."""
    image = rendering.image_outside(situation.package, situation.place.image_accounts)
    if not image:
        return None
    allowed = ", ".join(situation.place.image_accounts)
    reason = (
        f"version {version.version} runs the image {image}, and this stage allows images of {allowed} alone"
        " (VEDETTE_IMAGE_ACCOUNTS)"
    )
    return Plan("stop", reason, version.arn, notice=True, code="image registry")


def is_foreign(served: Served, latest: Deployment | None) -> bool:
    """Whether somebody else put the endpoint on its config."""
    if latest is None:
        return False
    # Once an attempt was verified, a person who goes back to the config before it has decided something.
    ours = {latest.config} if latest.state == "verified" else {latest.config, latest.previous_config}
    return served.config_name not in ours


def _not_ours(served: Served, latest: Deployment | None) -> str:
    """Why Vedette must not touch the endpoint; "" when it may."""
    if latest is None:
        return "the endpoint exists and was not created by Vedette; nothing is changed before `vedette adopt`"
    if is_foreign(served, latest):
        who = served.changed_by or (served.tags or {}).get("managed-by") or "somebody else"
        return (
            f"{who} put the endpoint on the config {served.config_name}, Vedette's was {latest.config}; Vedette changes"
            " nothing before `vedette adopt`"
        )
    return ""


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

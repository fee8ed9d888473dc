"""From what is to what should be: one plan, made of frozen data, with its reason.

| what the endpoint says now                                | plan                                                  |
|-----------------------------------------------------------|-------------------------------------------------------|
| mode is not "deploy", or everything is paused             | nothing, and says so                                  |
| nothing wanted                                            | nothing: what is served stays; a notice               |
| no such endpoint                                          | create: model, config with capture, endpoint          |
| Creating, Updating, SystemUpdating, RollingBack, Deleting | wait: its own event or the sweep continues            |
| Failed, OutOfService, UpdateRollbackFailed                | stop: a notice with the command that a person may run |
| InService on the config that was requested                | verify                                                |
| InService on the old config after an update began         | rolled back in silence: mark the version, a notice    |
| InService on somebody else's config                       | stop: a notice; `adopted = true` lets Vedette go on   |
| InService on a kind that Vedette does not deploy to       | stop: a notice that names the kind                    |
| InService and already as wanted                           | nothing                                               |
| InService on another version                              | update: model, config from the served one, endpoint   |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chalicelib.records import Deployment, FleetEntry
from chalicelib.registry import rendering
from chalicelib.registry.versions import Wanted, version_of

IN_PROGRESS = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
BROKEN = frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"})

Action = Literal["nothing", "wait", "stop", "create", "update", "verify", "rolled back"]
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

    @property
    def package_arn(self) -> str:
        """The package that is served; "" when the model was not made of one."""
        return rendering.package_of(self.model)


@dataclass(frozen=True)
class Place:
    """Where an installation puts what it creates."""

    role_arn: str
    capture_uri: str


@dataclass(frozen=True)
class Plan:
    """What to do, and why. The requests are empty unless something is created or updated."""

    action: Action
    reason: str
    package_arn: str = ""
    model: Request | None = None  # None: the served model is of this package already
    config: Request | None = None
    notice: bool = False  # a person must hear of it

    @property
    def config_name(self) -> str:
        """The config that will be served."""
        return str(self.config["EndpointConfigName"]) if self.config else ""


def plan(
    entry: FleetEntry,
    wanted: Wanted,
    served: Served | None,
    deployment: Deployment | None,
    place: Place,
    *,
    paused: bool = False,
) -> Plan:
    """Plan the next step for one endpoint; see the table of this module."""
    if entry.mode != "deploy":
        return Plan("nothing", f"the endpoint is in mode {entry.mode}: Vedette judges it and deploys nothing")
    if paused:
        return Plan("nothing", "Vedette is paused: it changes nothing until `vedette resume`")
    if served is None:
        return _creation(entry, wanted, place)
    if served.status in IN_PROGRESS:
        return Plan("wait", f"the endpoint is {served.status}; its next event continues")
    if served.status in BROKEN:
        return Plan("stop", _what_a_person_can_do(entry.endpoint, served), notice=True)
    return _in_service(entry, wanted, served, deployment, place)


def _creation(entry: FleetEntry, wanted: Wanted, place: Place) -> Plan:
    if wanted.version is None:
        return Plan("nothing", f"the endpoint does not exist, and {wanted.reason}")
    arn = wanted.version.arn
    tags = rendering.tags_for(entry.endpoint)
    model = rendering.new_model(arn, place.role_arn, tags)
    config = rendering.new_endpoint_config(arn, model["ModelName"], entry, place.capture_uri, tags)
    return Plan("create", f"the endpoint does not exist, and {wanted.reason}", arn, model, config)


def _in_service(entry: FleetEntry, wanted: Wanted, served: Served, deployment: Deployment | None, place: Place) -> Plan:
    if deployment is not None and deployment.state == "requested":
        if deployment.config == served.config_name:
            return Plan("verify", f"the endpoint is InService on {served.config_name}", deployment.package_arn)
        if served.modified_at >= deployment.requested_at:
            because = served.failure_reason or "SageMaker gives no reason"
            return Plan(
                "rolled back",
                f"the update to version {version_of(deployment.package_arn)} did not hold: the endpoint"
                f" is InService again on its old config {served.config_name}: {because}",
                deployment.package_arn,
                notice=True,
            )
    foreign = _not_ours(entry, served, deployment)
    if foreign:
        return Plan("stop", foreign, notice=True)
    kind = unsupported_kind(served)
    if kind:
        return Plan(
            "stop",
            f"the endpoint is {kind}; Vedette watches such endpoints but does not deploy to them",
            notice=True,
        )
    if wanted.version is None:
        return Plan("nothing", f"{wanted.reason}; {_version(served)} stays in service", notice=True)
    return _update(entry, wanted, served, place)


def _update(entry: FleetEntry, wanted: Wanted, served: Served, place: Place) -> Plan:
    assert wanted.version is not None  # noqa: S101 - the caller has looked
    arn = wanted.version.arn
    tags = rendering.tags_for(entry.endpoint)
    model = None if served.package_arn == arn else rendering.next_model(served.model, arn, tags)
    model_name = model["ModelName"] if model else served.config["ProductionVariants"][0]["ModelName"]
    config = rendering.next_endpoint_config(served.config, arn, model_name, entry, place.capture_uri, tags)
    if model is None and _same(config, served.config):
        return Plan("nothing", f"the endpoint serves what is wanted: {wanted.reason}", arn)
    return Plan("update", f"the endpoint serves {_version(served)}, and {wanted.reason}", arn, model, config)


def _same(request: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    def content(config: Mapping[str, Any]) -> str:
        return rendering.canonical({k: v for k, v in rendering.settings_of(config).items() if k != "Tags"})

    return content(request) == content(answer)


def _not_ours(entry: FleetEntry, served: Served, deployment: Deployment | None) -> str:
    """Why Vedette must not touch the endpoint; "" when it may."""
    if entry.adopted:
        return ""
    if deployment is None:
        return (
            "the endpoint exists and was not created by Vedette; nothing is changed until `adopted = true`"
            " stands in its fleet entry"
        )
    if served.config_name not in {deployment.config, deployment.previous_config}:
        return (
            f"somebody else put the endpoint on the config {served.config_name}, Vedette's was"
            f" {deployment.config}; Vedette changes nothing until a person decides"
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


def _what_a_person_can_do(endpoint: str, served: Served) -> str:
    reason = f" ({served.failure_reason})" if served.failure_reason else ""
    if served.status == "Failed":
        return (
            f"the endpoint is Failed{reason}, and SageMaker allows only its deletion:"
            f" `aws sagemaker delete-endpoint --endpoint-name {endpoint}`; Vedette then creates it anew"
        )
    return f"the endpoint is {served.status}{reason}; Vedette changes nothing until it is InService"

"""Endpoints: which operations each status allows, and the transitions between statuses.

    CreateEndpoint  -> Creating -(create_minutes)-> InService, or Failed
    UpdateEndpoint  -> Updating -(update_minutes)-> InService with the new config,
                                                 or InService with the old one and a FailureReason:
                                                 a container did not start, or a rollback alarm is in ALARM
    DeleteEndpoint  -> Deleting -(delete_minutes)-> gone

| status                                          | update | delete |  (aws-behaviour: busy-endpoint, failed-endpoint)
|-------------------------------------------------|--------|--------|
| Creating, Updating, SystemUpdating, RollingBack | no     | no     |
| InService, UpdateRollbackFailed                 | yes    | yes    |
| OutOfService, Failed                            | no     | yes    |
| Deleting                                        | no     | no     |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from vedette.local.account import SimulatedAccount
from vedette.local.clock import Timer
from vedette.local.sagemaker import deployments
from vedette.local.sagemaker.core import Listing, Parameters, Record, milliseconds, present, refusal
from vedette.local.sagemaker.hosting import Hosting

IN_PROGRESS = {"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"}
UPDATABLE = {"InService", "UpdateRollbackFailed"}
SERVING = {"InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"}
STATUSES = IN_PROGRESS | {"InService", "OutOfService", "Failed", "UpdateRollbackFailed"}
ENDPOINTS = Listing(
    "Endpoints",
    "EndpointName",
    ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus"),
    sort_keys={"Status": "EndpointStatus"},
)
NO_HEALTHY_CONTAINER = (
    "The primary container for production variant {variant} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)

UNREADABLE_ALARMS = "The role {role} is not authorized to perform cloudwatch:DescribeAlarms on the alarms {alarms}."
ROLLED_BACK_BY_ALARM = (
    "The deployment was rolled back because one or more CloudWatch alarms were in the ALARM state: {alarms}."
)


@dataclass
class Variant:
    """A production variant, with its current and desired capacity."""

    name: str
    model: str
    current_weight: float
    desired_weight: float
    current_count: int
    desired_count: int

    @classmethod
    def of_config(cls, variant: Record) -> Variant:
        """Create a variant from its configuration."""
        weight, count = float(variant.get("InitialVariantWeight", 1.0)), variant.get("InitialInstanceCount", 1)
        return cls(variant["VariantName"], variant.get("ModelName", ""), weight, weight, count, count)

    def described(self) -> Record:
        """The variant as DescribeEndpoint shows it."""
        return {
            "VariantName": self.name,
            "CurrentWeight": self.current_weight,
            "DesiredWeight": self.desired_weight,
            "CurrentInstanceCount": self.current_count,
            "DesiredInstanceCount": self.desired_count,
        }


@dataclass
class Endpoint:
    """One endpoint."""

    name: str
    arn: str
    config_name: str
    status: str
    created: datetime
    modified: datetime
    variants: list[Variant] = field(default_factory=list)
    failure_reason: str | None = None
    deployment_config: Record | None = None
    pending: Record | None = None
    timer: Timer | None = None
    config: Record = field(default_factory=dict)  # what it runs on, also when that was deleted since


class Endpoints:
    """The endpoints of the account."""

    def __init__(self, account: SimulatedAccount, hosting: Hosting):
        self._account, self._hosting = account, hosting
        self.endpoints: dict[str, Endpoint] = {}
        self.create_minutes, self.update_minutes, self.delete_minutes = 5.0, 6.0, 1.0
        self.health_check: Callable[[str, str | None], bool] = lambda image, model_data_url: True
        self.monitored_by: Callable[[str], list[str]] = lambda endpoint: []
        self.in_alarm: Callable[[list[str]], list[str]] = lambda alarms: []
        self.may_read_alarms: Callable[[str, list[str]], bool] = lambda role, alarms: True
        self._failing_creates: dict[str, str] = {}
        self._failing_updates: dict[str, tuple[str, str]] = {}

    # Controls for tests ---------------------------------------------------------------------------------------------

    def fail_next_create(self, endpoint: str, reason: str) -> None:
        """Make the next creation of an endpoint end in Failed."""
        self._failing_creates[endpoint] = reason

    def fail_next_update(self, endpoint: str, reason: str, ends_in: str = "InService") -> None:
        """Make the next update end with the old config: InService (a silent rollback), Failed, ..."""
        self._failing_updates[endpoint] = (reason, ends_in)

    def force_status(self, endpoint: str, status: str, reason: str | None = None) -> None:
        """Set any of the nine statuses, and cancel the transition in progress."""
        if status not in STATUSES:
            raise ValueError(f"There is no endpoint status {status!r}.")
        found = self.endpoints[endpoint]
        if found.timer is not None:
            found.timer.cancel()
        found.pending = None
        self._move(found, status, reason)

    # Operations ------------------------------------------------------------------------------------------------

    def CreateEndpoint(self, arguments: Parameters) -> Record:
        name = arguments["EndpointName"]
        arn = self._account.arn("endpoint", name)
        if name in self.endpoints:
            raise refusal(f'Cannot create already existing endpoint "{arn}".')
        config = self._hosting.config(arguments["EndpointConfigName"])
        deployments.check(arguments.get("DeploymentConfig"), config)
        now = self._account.now()
        endpoint = Endpoint(name, arn, config["EndpointConfigName"], "Creating", now, now)
        endpoint.deployment_config = arguments.get("DeploymentConfig")
        endpoint.config = dict(config)
        self.endpoints[name] = endpoint
        self._account.tag(arn, arguments.get("Tags"))
        self._announce(endpoint)
        self._later(endpoint, self.create_minutes, self._created)
        return {"EndpointArn": arn}

    def DescribeEndpoint(self, arguments: Parameters) -> Record:
        endpoint = self._endpoint(arguments["EndpointName"])
        config = endpoint.config
        return {
            "EndpointName": endpoint.name,
            "EndpointArn": endpoint.arn,
            "EndpointConfigName": endpoint.config_name,
            "EndpointStatus": endpoint.status,
            "CreationTime": endpoint.created,
            "LastModifiedTime": endpoint.modified,
            **present(
                ProductionVariants=[
                    {**variant.described(), "DeployedImages": self._images(variant)} for variant in endpoint.variants
                ]
                or None,
                DataCaptureConfig=_capture(config.get("DataCaptureConfig"), endpoint),
                FailureReason=endpoint.failure_reason,
                LastDeploymentConfig=endpoint.deployment_config,
                PendingDeploymentSummary=endpoint.pending,
                AsyncInferenceConfig=config.get("AsyncInferenceConfig"),
                ExplainerConfig=config.get("ExplainerConfig"),
            ),
        }

    def _images(self, variant: Variant) -> list[Record]:
        model = self._hosting.models.get(variant.model)
        return [{"SpecifiedImage": self._hosting.container(model)[0]}] if model else []

    def ListEndpoints(self, arguments: Parameters) -> Record:
        wanted = arguments.get("StatusEquals")
        records = [
            {
                "EndpointName": endpoint.name,
                "EndpointArn": endpoint.arn,
                "CreationTime": endpoint.created,
                "LastModifiedTime": endpoint.modified,
                "EndpointStatus": endpoint.status,
            }
            for endpoint in self.endpoints.values()
            if wanted in {None, endpoint.status}
        ]
        return ENDPOINTS.page(records, arguments)

    def UpdateEndpoint(self, arguments: Parameters) -> Record:
        endpoint = self._updatable(arguments["EndpointName"])
        self._hosting.config(endpoint.config_name)  # refused when it was deleted (aws-behaviour: config-in-use)
        config = self._hosting.config(arguments["EndpointConfigName"])
        deployment = arguments.get("DeploymentConfig")
        if arguments.get("RetainDeploymentConfig"):
            deployment = deployment or endpoint.deployment_config
        deployments.check(deployment, config)
        variants = [Variant.of_config(variant) for variant in config.get("ProductionVariants", ())]
        if arguments.get("RetainAllVariantProperties"):
            excluded = {item["VariantPropertyType"] for item in arguments.get("ExcludeRetainedVariantProperties", ())}
            _retain(variants, endpoint.variants, excluded)
        endpoint.deployment_config = deployment
        endpoint.pending = deployments.pending(config["EndpointConfigName"], variants, self._account.now())
        self._move(endpoint, "Updating")
        self._announce_deployment(endpoint)
        self._later(endpoint, self.update_minutes, lambda changed: self._updated(changed, config, variants))
        return {"EndpointArn": endpoint.arn}

    def UpdateEndpointWeightsAndCapacities(self, arguments: Parameters) -> Record:
        endpoint = self._updatable(arguments["EndpointName"])
        named = {variant.name: variant for variant in endpoint.variants}
        for change in arguments["DesiredWeightsAndCapacities"]:
            variant = named.get(change["VariantName"])
            if variant is None:
                raise refusal(f'Could not find variant "{change["VariantName"]}" of endpoint "{endpoint.arn}".')
            variant.desired_weight = float(change.get("DesiredWeight", variant.desired_weight))
            variant.desired_count = change.get("DesiredInstanceCount", variant.desired_count)
        self._move(endpoint, "Updating")
        self._announce_deployment(endpoint)
        self._later(endpoint, 2, self._scaled)
        return {"EndpointArn": endpoint.arn}

    def DeleteEndpoint(self, arguments: Parameters) -> Record:
        endpoint = self._endpoint(arguments["EndpointName"])
        if endpoint.status in IN_PROGRESS:
            raise refusal(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        schedules = self.monitored_by(endpoint.name)
        if schedules:
            raise refusal(
                f'Cannot delete endpoint "{endpoint.arn}" because it is used by monitoring schedules: '
                f"{', '.join(schedules)}."
            )
        self._move(endpoint, "Deleting")
        self._later(endpoint, self.delete_minutes, self._deleted)
        return {}

    # Transitions -----------------------------------------------------------------------------------------------

    def _later(self, endpoint: Endpoint, minutes: float, then: Callable[[Endpoint], None]) -> None:
        endpoint.timer = self._account.clock.after(timedelta(minutes=minutes), lambda: then(endpoint))

    def _created(self, endpoint: Endpoint) -> None:
        config = self._hosting.configs.get(endpoint.config_name)
        reason = self._failing_creates.pop(endpoint.name, None) or self._unhealthy(config)
        if reason is not None or config is None:
            self._move(endpoint, "Failed", reason or "The endpoint configuration was deleted.")
            return
        endpoint.variants = [Variant.of_config(variant) for variant in config.get("ProductionVariants", ())]
        self._move(endpoint, "InService")

    def _updated(self, endpoint: Endpoint, config: Record, variants: list[Variant]) -> None:
        reason, ends_in = self._failing_updates.pop(endpoint.name, (None, "InService"))
        reason = reason or self._unhealthy(config) or self._alarmed(endpoint, config)
        endpoint.pending = None
        if reason is not None:
            self._move(endpoint, ends_in, reason)
            return
        endpoint.config_name, endpoint.variants = config["EndpointConfigName"], variants
        endpoint.config = dict(config)
        self._move(endpoint, "InService")

    def _scaled(self, endpoint: Endpoint) -> None:
        for variant in endpoint.variants:
            variant.current_weight, variant.current_count = variant.desired_weight, variant.desired_count
        self._move(endpoint, "InService")

    def _deleted(self, endpoint: Endpoint) -> None:
        del self.endpoints[endpoint.name]
        self._account.forget(endpoint.arn)

    def _move(self, endpoint: Endpoint, status: str, reason: str | None = None) -> None:
        endpoint.status, endpoint.modified, endpoint.failure_reason = status, self._account.now(), reason
        if status == "InService" and not endpoint.variants:
            endpoint.variants = [
                Variant.of_config(variant) for variant in endpoint.config.get("ProductionVariants", ())
            ]
        self._announce(endpoint)

    def _unhealthy(self, config: Record | None) -> str | None:
        """Why a container of this config does not start; None if all start."""
        for variant in (config or {}).get("ProductionVariants", ()):
            model = self._hosting.models.get(variant.get("ModelName", ""))
            if model is None or not self.health_check(*self._hosting.container(model)):
                return NO_HEALTHY_CONTAINER.format(variant=variant["VariantName"])
        return None

    def _alarmed(self, endpoint: Endpoint, config: Record) -> str | None:
        """Why an update is rolled back; None if none of its alarms is in ALARM (aws-behaviour: alarm-permission)."""
        rollback = (endpoint.deployment_config or {}).get("AutoRollbackConfiguration") or {}
        alarms = [alarm["AlarmName"] for alarm in rollback.get("Alarms", ())]
        models = [self._hosting.models.get(variant["ModelName"], {}) for variant in config["ProductionVariants"]]
        for role in sorted({model.get("ExecutionRoleArn", "") for model in models}):
            if alarms and not self.may_read_alarms(role, alarms):
                return UNREADABLE_ALARMS.format(role=role, alarms=", ".join(alarms))
        firing = self.in_alarm(alarms)
        return ROLLED_BACK_BY_ALARM.format(alarms=", ".join(firing)) if firing else None

    def capture_destination(self, endpoint: str) -> str:
        """The capture location of an endpoint; "" if capture is off."""
        found = self.endpoints.get(endpoint)
        return str((found.config if found else {}).get("DataCaptureConfig", {}).get("DestinationS3Uri", ""))

    def using(self, config_name: str) -> str | None:
        """The endpoint that serves a config or is being updated to it, if there is one: it must not be deleted."""
        for endpoint in self.endpoints.values():
            wanted = (endpoint.pending or {}).get("EndpointConfigName")
            if config_name in {endpoint.config_name, wanted} and endpoint.status != "Deleting":
                return endpoint.name
        return None

    # Lookups and events ----------------------------------------------------------------------------------------

    def _endpoint(self, name: str) -> Endpoint:
        if name not in self.endpoints:
            raise refusal(f'Could not find endpoint "{self._account.arn("endpoint", name)}".')
        return self.endpoints[name]

    def _updatable(self, name: str) -> Endpoint:
        endpoint = self._endpoint(name)
        if endpoint.status in IN_PROGRESS:
            raise refusal(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        if endpoint.status not in UPDATABLE:
            raise refusal(f'Cannot update endpoint "{endpoint.arn}" in status {endpoint.status}.')
        return endpoint

    def _announce(self, endpoint: Endpoint) -> None:
        detail = self._detail(endpoint)
        detail["CreationTime"], detail["LastModifiedTime"] = (
            float(detail["CreationTime"]),
            float(detail["LastModifiedTime"]),
        )
        detail["ProductionVariants"] = [
            {"DesiredWeight": variant.desired_weight, "DesiredInstanceCount": float(variant.desired_count)}
            for variant in endpoint.variants
        ]
        time = str(milliseconds(self._account.now()))  # the documented sample has epoch milliseconds as text
        self._account.announce("SageMaker Endpoint State Change", endpoint.arn, detail, time)

    def _announce_deployment(self, endpoint: Endpoint) -> None:
        detail = self._detail(endpoint)
        detail["ProductionVariants"] = [variant.described() for variant in endpoint.variants]
        if endpoint.pending is None:
            for shown in detail["ProductionVariants"]:
                shown["VariantStatus"] = [deployments.scaling_status(shown, self._account.now())]
        else:
            detail["PendingDeploymentSummary"] = deployments.announced(endpoint.pending)
        self._account.announce("SageMaker Endpoint Deployment State Change", endpoint.arn, detail)

    def _detail(self, endpoint: Endpoint) -> dict[str, Any]:
        return {
            "EndpointName": endpoint.name,
            "EndpointArn": endpoint.arn,
            "EndpointConfigName": endpoint.config_name,
            "ProductionVariants": [],
            "EndpointStatus": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", endpoint.status).upper(),
            "CreationTime": milliseconds(endpoint.created),
            "LastModifiedTime": milliseconds(endpoint.modified),
            "Tags": dict(self._account.tags.get(endpoint.arn, {})),
        }


def _retain(variants: list[Variant], current: list[Variant], excluded: set[str]) -> None:
    """Keep the capacity that autoscaling or a user set on existing variants (aws-behaviour: retained-variants)."""
    before = {variant.name: variant for variant in current}
    for variant in variants:
        kept = before.get(variant.name)
        if kept is None:
            continue
        if "DesiredInstanceCount" not in excluded:
            variant.current_count = variant.desired_count = kept.desired_count
        if "DesiredWeight" not in excluded:
            variant.current_weight = variant.desired_weight = kept.desired_weight


def _capture(config: Record | None, endpoint: Endpoint) -> Record | None:
    """DescribeEndpoint's view of data capture: no options and no header lists (aws-behaviour: capture-described)."""
    if config is None or not endpoint.variants:
        return None
    enabled = config.get("EnableCapture", False)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled and endpoint.status in SERVING else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        **present(KmsKeyId=config.get("KmsKeyId")),
    }

"""The resources that Vedette created in the account: they have its name prefix and its tag `vedette:endpoint`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.aws import sagemaker
from chalicelib.registry.resource_specs import TAG
from vedette.operations import aws

PREFIX = "vedette-"


class ManagedResource(msgspec.Struct, frozen=True):
    """A model, config or alarm that Vedette created, and its endpoint."""

    kind: str
    name: str
    endpoint: str
    created: datetime | None = None


def managed_resources() -> Iterator[ManagedResource]:
    """All configs, models and alarms that Vedette created: with the name prefix and the tag."""
    for kind, listed, stem in (
        ("endpoint config", aws.list_endpoint_configs(), "EndpointConfig"),
        ("model", aws.list_models(), "Model"),
    ):
        for found in listed:
            name = found[f"{stem}Name"]
            owner = aws.tags_of(found[f"{stem}Arn"]).get(TAG, "") if name.startswith(PREFIX) else ""
            if owner:
                yield ManagedResource(kind, name, owner, found["CreationTime"])
    for name, tags in aws.alarms(PREFIX):
        if tags.get(TAG):
            yield ManagedResource("alarm", name, tags[TAG])


def configs_in_use() -> dict[str, list[str]]:
    """The endpoints that use each config or are being updated to it."""
    used: dict[str, list[str]] = {}
    for listed in aws.list_endpoints():
        described = sagemaker.describe_endpoint(listed["EndpointName"])
        if described is None:
            continue
        for name in {described["EndpointConfigName"], _pending(described)} - {""}:
            used.setdefault(name, []).append(listed["EndpointName"])
    return used


def _pending(described: Mapping[str, Any]) -> str:
    return str((described.get("PendingDeploymentSummary") or {}).get("EndpointConfigName", ""))


def models_in_use(without_configs: set[str]) -> dict[str, str]:
    """The models that configs use, with one such config; ignores the configs that will be deleted."""
    used: dict[str, str] = {}
    for listed in aws.list_endpoint_configs():
        name = listed["EndpointConfigName"]
        if name not in without_configs:
            for model in models_of(sagemaker.describe_endpoint_config(name) or {}):
                used.setdefault(model, name)
    return used


def models_of(config: Mapping[str, Any]) -> list[str]:
    """The models of a config."""
    variants = [*config.get("ProductionVariants", ()), *config.get("ShadowProductionVariants", ())]
    return [str(variant["ModelName"]) for variant in variants if variant.get("ModelName")]

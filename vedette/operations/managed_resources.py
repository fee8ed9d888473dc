"""What Vedette made in the account: known by its name's beginning and, exactly, by its tag `vedette:endpoint`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.aws import sagemaker
from chalicelib.registry.resource_specs import TAG
from vedette.operations import aws

PREFIX = "vedette-"


class Made(msgspec.Struct, frozen=True):
    """A model, config or alarm that Vedette made, and for which endpoint."""

    kind: str
    name: str
    endpoint: str
    created: datetime | None = None


def made() -> Iterator[Made]:
    """Every config, model and alarm that Vedette made; what has the name but not the tag is somebody else's."""
    for kind, listed, stem in (
        ("endpoint config", aws.list_endpoint_configs(), "EndpointConfig"),
        ("model", aws.list_models(), "Model"),
    ):
        for found in listed:
            name = found[f"{stem}Name"]
            owner = aws.tags_of(found[f"{stem}Arn"]).get(TAG, "") if name.startswith(PREFIX) else ""
            if owner:
                yield Made(kind, name, owner, found["CreationTime"])
    for name, tags in aws.alarms(PREFIX):
        if tags.get(TAG):
            yield Made("alarm", name, tags[TAG])


def configs_in_use() -> dict[str, list[str]]:
    """The endpoints on each config, or on their way to it."""
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
    """The models that any config names, and one such config; the configs that are to go do not count."""
    used: dict[str, str] = {}
    for listed in aws.list_endpoint_configs():
        name = listed["EndpointConfigName"]
        if name not in without_configs:
            for model in models_of(sagemaker.describe_endpoint_config(name) or {}):
                used.setdefault(model, name)
    return used


def models_of(config: Mapping[str, Any]) -> list[str]:
    """The models that a config names."""
    variants = [*config.get("ProductionVariants", ()), *config.get("ShadowProductionVariants", ())]
    return [str(variant["ModelName"]) for variant in variants if variant.get("ModelName")]

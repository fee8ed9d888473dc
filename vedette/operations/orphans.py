"""Unused resources: created by Vedette, not used by any endpoint, and more than a day old.

| resource        | unused if                                                                              |
|-----------------|----------------------------------------------------------------------------------------|
| endpoint config | no endpoint uses it or is being updated to it, the latest deployment cannot roll back  |
|                 | to it, and it is not among the last three of an existing endpoint                      |
| model           | only unused configs name it, or none                                                   |
| alarm           | its endpoint does not exist                                                            |

Resources of an endpoint that is not InService are never unused, because it may still need them
(aws-behaviour: config-in-use).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.aws import sagemaker
from chalicelib.endpoint_run import stage_stores
from vedette.operations import aws, managed_resources
from vedette.operations.managed_resources import ManagedResource

AGE = timedelta(days=1)
KEPT = 3


def orphans(now: datetime) -> list[ManagedResource]:
    """The unused resources, in the order of deletion."""
    found = list(managed_resources.managed_resources())
    old = [made for made in found if made.created is None or now - made.created > AGE]
    status = {endpoint: _status(endpoint) for endpoint in {made.endpoint for made in old}}
    settled = [made for made in old if status[made.endpoint] in {"", "InService"}]
    used = managed_resources.configs_in_use() if settled else {}
    kept = {name for endpoint, now_is in status.items() for name in _kept(endpoint, bool(now_is), found)}
    configs = [made for made in settled if made.kind == "endpoint config" and made.name not in {*used, *kept}]
    models = [made for made in settled if made.kind == "model"]
    named = managed_resources.models_in_use({made.name for made in configs}) if models else {}
    alarms = [made for made in settled if made.kind == "alarm" and not status[made.endpoint]]
    return [*configs, *(made for made in models if made.name not in named), *alarms]


def _status(endpoint: str) -> str:
    described = sagemaker.describe_endpoint(endpoint)
    return str(described["EndpointStatus"]) if described else ""


def _kept(endpoint: str, exists: bool, found: list[ManagedResource]) -> set[str]:
    """The configs that a rollback may need."""
    if not exists:
        return set()
    latest = stage_stores().deployments.get(endpoint).latest
    configs = [made for made in found if made.kind == "endpoint config" and made.endpoint == endpoint]
    newest = sorted(configs, key=lambda made: str(made.created), reverse=True)[:KEPT]
    return {made.name for made in newest} | ({latest.config, latest.previous_config} if latest else set())


def delete(chosen: list[ManagedResource], now: datetime) -> list[ManagedResource]:
    """Delete the chosen resources that are still unused; returns the deleted ones."""
    still = {(made.kind, made.name) for made in orphans(now)}
    gone = [made for made in chosen if (made.kind, made.name) in still]
    for made in gone:
        aws.delete(made.kind, made.name)
    return gone

"""What is left over of Vedette's own: made by it, used by nobody, and older than a day.

| of Vedette's    | is left over when                                                                      |
|-----------------|----------------------------------------------------------------------------------------|
| endpoint config | no endpoint is on it or on its way to it, the latest deployment may not go back to it, |
|                 | and it is not among the last three of an endpoint that still exists                    |
| model           | no config names it, except such as are left over themselves                            |
| alarm           | its endpoint does not exist                                                            |

Nothing of an endpoint that is not InService just now is left over: what it needs next is not known
(aws-behaviour: config-in-use).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.aws import sagemaker
from chalicelib.endpoint_run import stage_stores
from vedette.operations import aws, managed_resources
from vedette.operations.managed_resources import Made

AGE = timedelta(days=1)
KEPT = 3


def orphans(now: datetime) -> list[Made]:
    """What may be deleted, in the order in which it must be."""
    found = list(managed_resources.made())
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


def _kept(endpoint: str, exists: bool, found: list[Made]) -> set[str]:
    """The configs that a roll-back may need."""
    if not exists:
        return set()
    latest = stage_stores().deployments.get(endpoint).latest
    configs = [made for made in found if made.kind == "endpoint config" and made.endpoint == endpoint]
    newest = sorted(configs, key=lambda made: str(made.created), reverse=True)[:KEPT]
    return {made.name for made in newest} | ({latest.config, latest.previous_config} if latest else set())


def delete(chosen: list[Made], now: datetime) -> list[Made]:
    """Delete those of the chosen that are still left over when looked at again; what was deleted."""
    still = {(made.kind, made.name) for made in orphans(now)}
    gone = [made for made in chosen if (made.kind, made.name) in still]
    for made in gone:
        aws.delete(made.kind, made.name)
    return gone

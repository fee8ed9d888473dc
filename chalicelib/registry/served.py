"""Which versions of a model answered within a window, by the deployment history.

| a deployment                                     | versions of the window                    |
|--------------------------------------------------|-------------------------------------------|
| began and was settled before it                  | its own, or the one before when it failed |
| was going on within it (a canary, a change-over) | both                                      |
| was asked for and never begun                    | no change                                 |
| none that began before the window's end          | none: the endpoint must be asked          |
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chalicelib.records import Deployment
from chalicelib.registry.versions import version_of

UNVERSIONED = "unversioned"  # the endpoint was not made from a package


def versions_between(deployments: Iterable[Deployment], start: datetime, end: datetime) -> tuple[str, ...]:
    """The versions that may have answered in [start, end), oldest first; more than one is a mixed window."""
    found: list[str] = []
    begun = [one for one in deployments if one.begun and one.requested_at < end]
    for deployment in sorted(begun, key=lambda one: one.requested_at):
        if deployment.settled_at is not None and deployment.settled_at <= start:
            found = [deployment.package_version if deployment.state == "verified" else _before(deployment)]
        else:
            found += [_before(deployment), deployment.package_version]
    return tuple(dict.fromkeys(version for version in found if version))


def _before(deployment: Deployment) -> str:
    if deployment.previous_package_arn:
        return version_of(deployment.previous_package_arn)
    return UNVERSIONED if deployment.previous_config else ""

"""Which versions of a model answered within a window, by the deployment history.

| a deployment                                   | versions of the window                      |
|------------------------------------------------|---------------------------------------------|
| began and was settled before it                | its own, or the previous one when it failed |
| was in progress within it (a canary, a change) | both                                        |
| was requested and never begun                  | no change                                   |
| none that began before the window's end        | none: only SageMaker knows                  |
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.records import Deployment, DeploymentState
from chalicelib.registry.versions import UNVERSIONED, version_of
from chalicelib.window import Window


def versions_during(deployments: Iterable[Deployment], window: Window) -> tuple[str, ...]:
    """The versions that may have answered in a window, oldest first; more than one makes a mixed window."""
    found: list[str] = []
    begun = [one for one in deployments if one.begun and one.requested_at < window.end]
    for deployment in sorted(begun, key=lambda one: one.requested_at):
        if deployment.settled_at is not None and deployment.settled_at <= window.start:
            verified = deployment.state == DeploymentState.VERIFIED
            found = [deployment.package_version if verified else _previous(deployment)]
        else:
            found += [_previous(deployment), deployment.package_version]
    return tuple(dict.fromkeys(version for version in found if version))


def _previous(deployment: Deployment) -> str:
    if deployment.previous_package_arn:
        return version_of(deployment.previous_package_arn)
    return UNVERSIONED if deployment.previous_config else ""

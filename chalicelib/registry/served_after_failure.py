"""What answers requests once a deployment has failed, as a clause for people.

| the endpoint                                              | clause                                       |
|-----------------------------------------------------------|----------------------------------------------|
| is on another config than the one before, or not InService | what SageMaker shows (`plan.what_serves`)    |
| is on the config before, which SageMaker went back to     | the version, or the config, that it serves   |
| failed its golden request, and goes back or has gone back | which version comes back                     |
"""

from __future__ import annotations

from chalicelib.records import Deployment
from chalicelib.registry.plan import Served, what_serves
from chalicelib.registry.versions import version_of


def what_serves_after(served: Served | None, failed: Deployment) -> str:
    """What answers requests now that an attempt has failed; see the table of this module."""
    if served is None or served.status != "InService" or served.config_name != failed.previous_config:
        return what_serves(served)
    if failed.reason:
        return what_comes_back(failed)
    return "the previous config is served" if _is_of_same_version(failed) else what_serves(served)


def what_comes_back(failed: Deployment) -> str:
    """What Vedette puts back in place of an attempt: true while the endpoint goes back, and afterwards."""
    if _is_of_same_version(failed):
        return "the previous one comes back"
    before = failed.previous_package_arn
    return f"{f'version {version_of(before)}' if before else 'the model before'} comes back"


def _is_of_same_version(failed: Deployment) -> bool:
    return failed.package_arn == failed.previous_package_arn

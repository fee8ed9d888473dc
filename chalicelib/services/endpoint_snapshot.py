"""Everything that a deployment plan follows from, read once."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from chalicelib import locations
from chalicelib.aws import cloudtrail, cloudwatch, sagemaker
from chalicelib.endpoint_run import EndpointRun
from chalicelib.records import Mode
from chalicelib.registry.plan import Create, DeploymentTarget, EndpointSnapshot, Served, Update, is_foreign, plan
from chalicelib.registry.traffic_shifting import DAYS_OF_LATENCY
from chalicelib.registry.versions import PackageVersion
from chalicelib.settings import settings
from chalicelib.stores.deployments import DeploymentRecords


class ReadSnapshot(NamedTuple):
    """A snapshot, and the revision of the stored attempt: the next write is conditional on it."""

    snapshot: EndpointSnapshot
    revision: int


def read_snapshot(run: EndpointRun) -> ReadSnapshot:
    """Read the registry, the endpoint and the stored deployments now; nothing is changed."""
    entry, stage = run.entry, settings()
    target = DeploymentTarget(stage.role_arn, locations.capture_uri(stage.bucket), stage.image_accounts)
    deploys = entry.mode == Mode.DEPLOY
    stored = run.stores.deployments.get(entry.endpoint) if deploys else DeploymentRecords.empty()
    snapshot = EndpointSnapshot(
        entry=entry,
        versions=_versions(entry.package_group) if deploys else (),
        pin=stored.pin,
        failed_versions=stored.failed_versions,
        served=Served.of(sagemaker.describe_served(entry.endpoint)) if deploys else None,
        deployment=stored.latest,
        history=stored.history,
        now=run.now,
        target=target,
        paused=deploys and run.stores.deployments.pause()[0] is not None,
    )
    return ReadSnapshot(with_change_details(snapshot), stored.revision)


def with_change_details(snapshot: EndpointSnapshot) -> EndpointSnapshot:
    """The snapshot with what only a change needs: the wanted package, tags, alarms, the latency of two weeks.

    They are read when the plan changes the endpoint, and the plan is made again with them.
    """
    entry, served, wanted = snapshot.entry, snapshot.served, snapshot.wanted.version
    if served is not None and is_foreign(served, snapshot.deployment):
        actor = cloudtrail.who_updated(entry.endpoint, served.config_name)
        return replace(snapshot, served=replace(with_tags(served), changed_by=actor))
    if wanted is None or not isinstance(plan(snapshot), Create | Update):
        return snapshot
    snapshot = replace(snapshot, package=sagemaker.describe_model_package(wanted.arn))
    if served is None:
        return snapshot
    alarms = [locations.alarm_name(entry.endpoint, what) for what in ("5xx", "latency")]
    return replace(
        snapshot,
        served=with_tags(served),
        served_package=sagemaker.describe_model_package(served.package_arn) if served.package_arn else None,
        alarms_firing=cloudwatch.alarms_firing(alarms),
        daily_p99=cloudwatch.daily_p99_latency(entry.endpoint, served.variant, snapshot.now, DAYS_OF_LATENCY),
    )


def _versions(group: str) -> tuple[PackageVersion, ...]:
    return tuple(PackageVersion.from_summary(found) for found in sagemaker.list_model_packages(group)) if group else ()


def with_tags(served: Served) -> Served:
    """The served endpoint with the tags of its config."""
    arn = served.config.get("EndpointConfigArn")
    return replace(served, tags=sagemaker.list_tags(arn) if arn else {})

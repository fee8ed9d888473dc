"""The baseline follows the served version, where Vedette deploys; elsewhere `vedette apply` puts the fleet's in force.

| the version's package                            | the baseline in force afterwards                               |
|--------------------------------------------------|----------------------------------------------------------------|
| names one (DriftCheckBaselines.ModelDataQuality) | that one                                                       |
| names none, the fleet entry does                 | the entry's                                                    |
| neither does, a person put one in force          | that one stays                                                 |
| neither does, another version had brought it     | none, and the notification says so: it belongs to that version |
"""

from __future__ import annotations

from chalicelib.aws import s3, sagemaker
from chalicelib.constraints.files import read_constraints
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import AccessDenied, UnreadableFile
from chalicelib.locations import baseline_files
from chalicelib.observability import logger
from chalicelib.records import BaselineInForce, Deployment
from chalicelib.registry.versions import version_of

FLEET = "the fleet"


def assign_baseline(run: EndpointRun, served: Deployment) -> str:
    """Put the baseline of a version in force; one sentence that says which one it is."""
    constraints_uri, statistics_uri = _of_package(served.package_arn)
    by = f"version {served.package_version}"
    if not constraints_uri and run.entry.baseline:
        constraints_uri, statistics_uri = baseline_files(run.entry.baseline, run.entry.baseline_statistics)
        by = FLEET
    if constraints_uri:
        try:
            return _put(run, served, constraints_uri, statistics_uri, by)
        except UnreadableFile as error:
            logger.error("baseline cannot be read", endpoint=run.endpoint, reason=str(error))
            return f"none: {error}"
    known = run.stores.baselines.in_force(run.endpoint)
    if known is None:
        return "none: the captured data is not evaluated"
    if known.package_arn and known.package_arn != served.package_arn:
        run.stores.baselines.remove_from_force(run.endpoint)
        return f"none: the previous one belongs to version {version_of(known.package_arn)}"
    return f"{known.version}, put in force by {known.by}"


def _of_package(package_arn: str) -> tuple[str, str]:
    """The places of constraints and statistics that a package names; "" where it names none."""
    package = sagemaker.describe_model_package(package_arn) or {}
    quality = (package.get("DriftCheckBaselines") or {}).get("ModelDataQuality") or {}
    return (quality.get("Constraints") or {}).get("S3Uri", ""), (quality.get("Statistics") or {}).get("S3Uri", "")


def _put(run: EndpointRun, served: Deployment, constraints_uri: str, statistics_uri: str, by: str) -> str:
    constraints = _read(constraints_uri)
    if constraints is None:
        raise UnreadableFile(f"{constraints_uri}: missing")
    read_constraints(constraints, constraints_uri)
    named = BaselineInForce(
        version=f"package-{served.package_version}",
        by=by,
        at=run.now,
        reason=constraints_uri,
        package_arn=served.package_arn,
        fleet_baseline=run.entry.baseline if by == FLEET else "",
    )
    run.stores.baselines.put(run.endpoint, named, constraints, _read(statistics_uri) if statistics_uri else None)
    return f"{named.version}, brought by {by}"


def _read(uri: str) -> bytes | None:
    """A file that a person or a package names: when it may not be read, no retry helps."""
    try:
        return s3.get_uri(uri)
    except AccessDenied as error:
        raise UnreadableFile(f"{uri}: Vedette may not read it (docs/security.md says what it may read)") from error

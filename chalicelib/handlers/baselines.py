"""The baseline follows the served version.

| the version's package                        | the baseline in force afterwards                                    |
|----------------------------------------------|---------------------------------------------------------------------|
| names one (DriftCheckBaselines.ModelDataQuality) | that one                                                        |
| names none, the fleet entry does             | the entry's                                                         |
| neither does, a person put one in force      | that one stays                                                      |
| neither does, another version had brought it | none, loudly: it belongs to the other version                       |
"""

from datetime import datetime

from chalicelib.aws import s3, sagemaker, store
from chalicelib.constraints.files import read_constraints
from chalicelib.errors import UnreadableFile
from chalicelib.observability import logger
from chalicelib.records import BaselineInForce, Deployment, FleetEntry
from chalicelib.registry.versions import version_of


def follow(entry: FleetEntry, served: Deployment, now: datetime) -> str:
    """Put the baseline of a version in force; in words, which one it is."""
    constraints_uri, statistics_uri = _of_package(served.package_arn)
    by = f"version {served.package_version}"
    if not constraints_uri and entry.baseline:
        folder = entry.baseline.rstrip("/")
        constraints_uri, statistics_uri, by = f"{folder}/constraints.json", f"{folder}/statistics.json", "the fleet"
    if constraints_uri:
        try:
            return _put(entry.endpoint, served, constraints_uri, statistics_uri, by, now)
        except UnreadableFile as error:
            logger.error("baseline refused", endpoint=entry.endpoint, reason=str(error))
            return f"none: {error}"
    known = store.named_baseline(entry.endpoint)
    if known is None:
        return "none: nothing of what it receives is judged"
    if known.package_arn and known.package_arn != served.package_arn:
        store.drop_baseline(entry.endpoint)
        return f"none: the one before belongs to version {version_of(known.package_arn)}"
    return f"{known.version}, put in force by {known.by}"


def _of_package(package_arn: str) -> tuple[str, str]:
    package = sagemaker.describe_model_package(package_arn) or {}
    quality = (package.get("DriftCheckBaselines") or {}).get("ModelDataQuality") or {}
    return (quality.get("Constraints") or {}).get("S3Uri", ""), (quality.get("Statistics") or {}).get("S3Uri", "")


def _put(endpoint: str, served: Deployment, constraints_uri: str, statistics_uri: str, by: str, now: datetime) -> str:
    constraints = s3.get_uri(constraints_uri)
    if constraints is None:
        raise UnreadableFile(f"{constraints_uri}: missing")
    read_constraints(constraints, constraints_uri)
    named = BaselineInForce(
        version=f"package-{served.package_version}",
        by=by,
        at=now,
        reason=constraints_uri,
        package_arn=served.package_arn,
    )
    store.put_baseline(endpoint, named, constraints, s3.get_uri(statistics_uri) if statistics_uri else None)
    return f"{named.version}, brought by {by}"

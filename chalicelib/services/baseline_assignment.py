"""The baselines follow the served version, where Vedette deploys; elsewhere `vedette apply` puts the fleet's in force.

| the version's package                            | the baseline in force afterwards                               |
|--------------------------------------------------|----------------------------------------------------------------|
| names one                                        | that one                                                       |
| names none, the fleet entry does                 | the entry's                                                    |
| neither does, a person put one in force          | that one stays                                                 |
| neither does, another version had brought it     | none, and the notification says so: it belongs to that version |
| one is named, and it cannot be used              | a person's or the fleet's stays, another version's does not;   |
|                                                  | the notification says why                                      |

| baseline of                               | named by the package as                                               |
|-------------------------------------------|-----------------------------------------------------------------------|
| captured data                             | DriftCheckBaselines.ModelDataQuality                                  |
| model quality, of an entry with a quality | DriftCheckBaselines.ModelQuality, else ModelMetrics.ModelQuality      |
| table                                     |                                                                       |

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DriftCheckBaselines.html
"""

from __future__ import annotations

from typing import Any

from chalicelib.aws import s3, sagemaker
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import AccessDenied, UnreadableFile
from chalicelib.locations import baseline_files
from chalicelib.observability import logger
from chalicelib.records import BaselineInForce, Deployment
from chalicelib.registry.versions import version_of
from chalicelib.stores.baselines import Baselines

FLEET = "the fleet"
Package = dict[str, Any]


def assign_baseline(run: EndpointRun, served: Deployment) -> str:
    """Put the baselines of a version in force; one sentence that says which they are."""
    package = sagemaker.describe_model_package(served.package_arn) or {}
    place, statistics = run.entry.baseline, run.entry.baseline_statistics
    places = baseline_files(place, statistics) if place else ("", "")
    sentence = _assign(run, served, run.stores.baselines, _named(package, "ModelDataQuality"), places, place)
    if run.entry.quality is None:
        return sentence
    place = run.entry.quality.baseline
    named = _named(package, "ModelQuality")
    if not named[0]:
        named = _places((package.get("ModelMetrics") or {}).get("ModelQuality"))
    places = baseline_files(place) if place else ("", "")
    return f"{sentence}; of model quality {_assign(run, served, run.stores.quality_baselines, named, places, place)}"


def _named(package: Package, kind: str) -> tuple[str, str]:
    """The places of constraints and statistics that a package names; "" where it names none."""
    return _places((package.get("DriftCheckBaselines") or {}).get(kind))


def _places(named: Package | None) -> tuple[str, str]:
    found = named or {}
    return (found.get("Constraints") or {}).get("S3Uri", ""), (found.get("Statistics") or {}).get("S3Uri", "")


def _assign(
    run: EndpointRun,
    served: Deployment,
    store: Baselines[Any],
    of_package: tuple[str, str],
    of_fleet: tuple[str, str],
    fleet_baseline: str,
) -> str:
    by = f"version {served.package_version}" if of_package[0] else FLEET
    constraints_uri, statistics_uri = of_package if of_package[0] else of_fleet
    problem = ""
    if constraints_uri:
        try:
            return _put(run, served, store, constraints_uri, statistics_uri, by, fleet_baseline)
        except UnreadableFile as error:
            logger.error("baseline cannot be read", endpoint=run.endpoint, reason=str(error))
            problem = str(error)
    known = store.in_force(run.endpoint)
    if known is None:
        return f"none: {problem or store.not_evaluated}"
    stays = problem and known.by == by == FLEET  # a copy of the fleet's own file, which cannot be read today
    if known.package_arn and known.package_arn != served.package_arn and not stays:
        store.remove_from_force(run.endpoint)
        return f"none: {problem or f'the previous one belongs to version {version_of(known.package_arn)}'}"
    named = f"{known.version}, put in force by {known.by}"
    return f"{named}; that of {by} cannot be used: {problem}" if problem else named


def _put(
    run: EndpointRun,
    served: Deployment,
    store: Baselines[Any],
    constraints_uri: str,
    statistics_uri: str,
    by: str,
    fleet_baseline: str,
) -> str:
    constraints = _read(constraints_uri)
    if constraints is None:
        raise UnreadableFile(f"{constraints_uri}: missing")
    statistics = _read(statistics_uri) if statistics_uri else None
    store.check(constraints, constraints_uri, statistics, statistics_uri)
    named = BaselineInForce(
        version=f"package-{served.package_version}",
        by=by,
        at=run.now,
        reason=constraints_uri,
        package_arn=served.package_arn,
        fleet_baseline=fleet_baseline if by == FLEET else "",
    )
    store.put(run.endpoint, named, constraints, statistics)
    return f"{named.version}, brought by {by}"


def _read(uri: str) -> bytes | None:
    """A file that a person or a package names: when it may not be read, no retry helps."""
    try:
        return s3.get_uri(uri)
    except AccessDenied as error:
        raise UnreadableFile(f"{uri}: Vedette may not read it (docs/security.md says what it may read)") from error

"""Which version is wanted: one pure function of what the registry shows now, the pin and the marks.

| the registry shows                           | wanted                                               |
|----------------------------------------------|------------------------------------------------------|
| a pin whose version is approved              | the pinned version                                   |
| ... and which has failed since it was pinned | none: what is served stays                           |
| a pin whose version is not approved          | as without a pin; the pin is void, and that is said  |
| approved versions                            | the newest of them without a mark                    |
| a mark whose time to try again has come      | counts no more                                       |
| a stage that the fleet entry requires        | only versions that have reached it count as approved |
| approved versions, all of them marked        | none: what is served stays                           |
| no approved version                          | none: what is served stays, and that is said         |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.records import Mark, Pin


@dataclass(frozen=True)
class PackageVersion:
    """One version of a model package group, as the registry shows it now."""

    arn: str
    version: int
    approved: bool
    usable: bool  # ModelPackageStatus is Completed
    stage: str = ""  # ModelLifeCycle.Stage

    @classmethod
    def from_summary(cls, summary: Mapping[str, Any]) -> PackageVersion:
        """Read an entry of ListModelPackages."""
        return cls(
            arn=summary["ModelPackageArn"],
            version=int(summary["ModelPackageVersion"]),
            approved=summary.get("ModelApprovalStatus") == "Approved",
            usable=summary.get("ModelPackageStatus") == "Completed",
            stage=(summary.get("ModelLifeCycle") or {}).get("Stage", ""),
        )


@dataclass(frozen=True)
class Wanted:
    """The version to serve, or None, and why."""

    version: PackageVersion | None
    reason: str
    pin_void: bool = False


def version_of(package_arn: str) -> str:
    """The version number in the ARN of a package, as text; "unversioned" when it has none.

    Examples
    --------
    >>> version_of("arn:aws:sagemaker:eu-west-1:123456789012:model-package/site/2")
    '2'
    >>> version_of("arn:aws:sagemaker:eu-west-1:123456789012:model-package/site")
    'unversioned'
    """
    name, _, version = package_arn.partition(":model-package/")[2].partition("/")
    return version if name and version.isdigit() else "unversioned"


def wanted(
    versions: Iterable[PackageVersion], pin: Pin | None, marks: Iterable[Mark], now: datetime, stage: str = ""
) -> Wanted:
    """Decide which version should be served.

    Examples
    --------
    >>> from datetime import UTC
    >>> first, second = (PackageVersion(f"arn/{n}", n, True, True) for n in (1, 2))
    >>> wanted([first, second], None, [], datetime.now(UTC)).version.version
    2
    >>> wanted([first], None, [], datetime.now(UTC)).reason
    'version 1 is the newest approved version'
    """
    usable = (v for v in versions if v.approved and v.usable and stage in {"", v.stage})
    approved = sorted(usable, key=lambda v: v.version, reverse=True)
    standing = [mark for mark in marks if mark.retry_at is None or now < mark.retry_at]
    pin_void = False
    if pin is not None and (pin.until is None or now < pin.until):
        pinned = next((v for v in approved if v.arn == pin.package_arn), None)
        if pinned is not None and any(m.package_arn == pinned.arn and m.at > pin.at for m in standing):
            return Wanted(None, f"version {pinned.version}, pinned by {pin.by}, has failed since")
        if pinned is not None:
            return Wanted(pinned, f"version {pinned.version} is pinned by {pin.by}: {pin.reason}")
        pin_void = True
    if not approved:
        in_stage = f" in stage {stage}" if stage else ""
        return Wanted(None, f"the registry shows no approved version{in_stage}", pin_void)
    marked = {mark.package_arn for mark in standing}
    unmarked = [v for v in approved if v.arn not in marked]
    if not unmarked:
        return Wanted(None, "every approved version has failed before", pin_void)
    best = unmarked[0]
    skipped = [str(v.version) for v in approved if v.version > best.version]
    because = f"; version {', '.join(skipped)} failed before" if skipped else ""
    return Wanted(best, f"version {best.version} is the newest approved version{because}", pin_void)

"""Which version is wanted: one pure function of what the registry shows now, the pin and the failed versions.

| the registry shows                            | wanted                                               |
|-----------------------------------------------|------------------------------------------------------|
| a pin whose version is approved               | the pinned version                                   |
| ... and which has failed since it was pinned  | none: the served version stays                       |
| a pin whose version is not approved           | as without a pin; a person is notified: it is void   |
| approved versions                             | the newest of them that has not failed               |
| a failed version whose time to retry has come | counts no more as failed                             |
| stages that the fleet entry requires          | only versions in one of them count as approved       |
| approved versions, all of which have failed   | none: the served version stays                       |
| no approved version                           | none: the served version stays; a person is notified |
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.records import FailedVersion, Pin


@dataclass(frozen=True)
class PackageVersion:
    """One version of a model package group, as the registry shows it now."""

    arn: str
    version: int
    approved: bool
    usable: bool  # ModelPackageStatus is Completed
    stage: str = ""  # ModelLifeCycle.Stage
    created_at: datetime | None = None

    @classmethod
    def from_summary(cls, summary: Mapping[str, Any]) -> PackageVersion:
        """Read an entry of ListModelPackages."""
        return cls(
            arn=summary["ModelPackageArn"],
            version=int(summary["ModelPackageVersion"]),
            approved=summary.get("ModelApprovalStatus") == "Approved",
            usable=summary.get("ModelPackageStatus") == "Completed",
            stage=(summary.get("ModelLifeCycle") or {}).get("Stage", ""),
            created_at=summary.get("CreationTime"),
        )

    def passes(self, gate: Collection[str]) -> bool:
        """Whether it is in one of these stages; without any, every version passes."""
        return not gate or self.stage in gate


def void_failures(
    failed_versions: Iterable[FailedVersion], versions: Iterable[PackageVersion]
) -> tuple[FailedVersion, ...]:
    """The failures that say nothing of what the registry shows now.

    | the registry shows the version as           | its failure                                               |
    |---------------------------------------------|-----------------------------------------------------------|
    | not approved                                | void: the next approval is a new one                      |
    | created after the failure                   | void: a deleted group that came back has the same ARNs    |
    | approved                                    | counts: only an event shows that it was approved again    |
    | not at all: deleted, or of another group    | counts: nobody has seen it not approved                   |
    """
    shown = {version.arn: version for version in versions}
    return tuple(
        failed
        for failed in failed_versions
        if (version := shown.get(failed.package_arn)) is not None
        and (not version.approved or (version.created_at is not None and failed.is_before(version.created_at)))
    )


class WantedReason(StrEnum):
    """Why a version is wanted, or why none is."""

    PINNED = "pinned"
    NEWEST_APPROVED = "newest approved"
    PINNED_VERSION_FAILED = "pinned version failed"
    NONE_APPROVED = "none approved"
    ALL_FAILED = "all failed"


@dataclass(frozen=True)
class Wanted:
    """The version to serve, or None, and why; `reason` is a sentence for people."""

    version: PackageVersion | None
    code: WantedReason
    reason: str
    pin_void: bool = False  # there is a pin, and its version is not approved


MIXED = "mixed"  # stands for the version of a window in which two served
UNVERSIONED = "unversioned"  # the model was not made from a package


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
    return version if name and version.isdigit() else UNVERSIONED


def wanted(
    versions: Iterable[PackageVersion],
    pin: Pin | None,
    failed_versions: Iterable[FailedVersion],
    now: datetime,
    gate: Collection[str] = (),
) -> Wanted:
    """Decide which version should be served.

    Parameters
    ----------
    versions
        Every version of the group, in any order.
    pin
        A person's decision, void after its end or while its version is not approved.
    failed_versions
        Those that have failed; one whose time to try again has come counts no more.
    now
        The time at which `pin` and `failed_versions` are read.
    gate
        The stages (ModelLifeCycle.Stage) of which a version must be in one; without any, every version passes.

    Examples
    --------
    >>> from datetime import UTC
    >>> first, second = (PackageVersion(f"arn/{n}", n, True, True) for n in (1, 2))
    >>> wanted([first, second], None, [], datetime.now(UTC)).version.version
    2
    >>> wanted([first], None, [], datetime.now(UTC)).reason
    'version 1 is the newest approved version'
    """
    usable = (v for v in versions if v.approved and v.usable and v.passes(gate))
    approved = sorted(usable, key=lambda v: v.version, reverse=True)
    excluded = [failed for failed in failed_versions if failed.counts(now)]
    pin_void = False
    if pin is not None and (pin.until is None or now < pin.until):
        pinned = next((v for v in approved if v.arn == pin.package_arn), None)
        if pinned is not None and any(f.package_arn == pinned.arn and f.at > pin.at for f in excluded):
            reason = f"version {pinned.version}, pinned by {pin.by}, has failed since"
            return Wanted(None, WantedReason.PINNED_VERSION_FAILED, reason)
        if pinned is not None:
            reason = f"version {pinned.version} is pinned by {pin.by}: {pin.reason}"
            return Wanted(pinned, WantedReason.PINNED, reason)
        pin_void = True
    if not approved:
        in_stage = f" in stage {' or '.join(gate)}" if gate else ""
        reason = f"the registry shows no approved version{in_stage}"
        return Wanted(None, WantedReason.NONE_APPROVED, reason, pin_void)
    failed_arns = {failed.package_arn for failed in excluded}
    candidates = [v for v in approved if v.arn not in failed_arns]
    if not candidates:
        return Wanted(None, WantedReason.ALL_FAILED, "every approved version has failed before", pin_void)
    best = candidates[0]
    skipped = [str(v.version) for v in approved if v.version > best.version]
    because = f"; version {', '.join(skipped)} failed before" if skipped else ""
    reason = f"version {best.version} is the newest approved version{because}"
    return Wanted(best, WantedReason.NEWEST_APPROVED, reason, pin_void)

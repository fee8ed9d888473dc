"""What an endpoint serves: as the sweep saw it last, else as SageMaker says now.

The windows of a whole fleet close at the same moment, and SageMaker throttles. What the sweep saw around the end of a
window is as near to it as what SageMaker says later, so the evaluation of a window does not call SageMaker.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.aws import sagemaker
from chalicelib.endpoint_run import EndpointRun
from chalicelib.records import Serving, SweepCheckpoint
from chalicelib.registry.plan import Served
from chalicelib.registry.versions import UNVERSIONED
from chalicelib.window import Window

VALID_FOR = timedelta(minutes=40)  # two sweeps, and what they take


@dataclass(frozen=True)
class Shown:
    """The variants that an endpoint shows."""

    variants: frozenset[str]
    created_at: datetime | None = None

    def existed(self, variant: str, window: Window) -> bool:
        """Whether the variant may have data of a window: not of one from before the endpoint was created again."""
        return variant in self.variants and (self.created_at is None or window.end > self.created_at)


def shown(run: EndpointRun) -> Shown:
    """The variants that the endpoint shows."""
    remembered = _remembered(run)
    if remembered is not None and run.known_description is None:
        return Shown(frozenset(remembered.variants), remembered.created_at)
    return Shown(sagemaker.variants_of(run.described), run.described.get("CreationTime"))


def last_seen_version(run: EndpointRun) -> str:
    """The version that the endpoint served when it was last looked at, which is now if Vedette has deployed since."""
    remembered = _remembered(run)
    if remembered is None or remembered.modified_at is None:
        return served_version(run)
    changed = any((one.settled_at or one.requested_at) > remembered.seen_at for one in run.deployments.all)
    return served_version(run) if changed else remembered.package_version


def served_version(run: EndpointRun) -> str:
    """The version that the endpoint serves now, "unversioned" when its model was not made from a package."""
    served = Served.of(sagemaker.describe_served(run.endpoint, run.described))
    return served.version if served else UNVERSIONED


def remembered_by_sweep(run: EndpointRun, checkpoint: SweepCheckpoint) -> Serving:
    """What the endpoint serves, for the checkpoint; its version is read again when the endpoint has changed."""
    modified: datetime | None = run.described.get("LastModifiedTime")
    before = checkpoint.serving
    unchanged = before is not None and before.modified_at == modified
    version = before.package_version if before is not None and unchanged else served_version(run)
    return Serving(
        seen_at=run.now,
        modified_at=modified,
        created_at=run.described.get("CreationTime"),
        variants=tuple(sorted(sagemaker.variants_of(run.described))),
        package_version=version,
    )


def _remembered(run: EndpointRun) -> Serving | None:
    found = run.checkpoint.serving if run.checkpoint else None
    return found if found is not None and run.now - found.seen_at < VALID_FOR else None

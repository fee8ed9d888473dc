"""What an endpoint serves: as the sweep saw it last where that is enough, else as SageMaker says now.

A window without data needs only the variants and the version for its record. So quiet endpoints, which most of a large
fleet are, cost no call of SageMaker when their windows close.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.aws import sagemaker
from chalicelib.endpoint_run import EndpointRun
from chalicelib.records import Serving, SweepCheckpoint
from chalicelib.registry.plan import Served
from chalicelib.registry.versions import UNVERSIONED
from chalicelib.services import activity
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
    """The variants that the endpoint shows; of a quiet endpoint, what the last sweep saw."""
    remembered = _remembered(run)
    if remembered is not None and activity.is_quiet_since(run, remembered.seen_at - VALID_FOR):
        return Shown(frozenset(remembered.variants), remembered.created_at)
    return Shown(sagemaker.variants_of(run.described), run.described.get("CreationTime"))


def version_without_data(run: EndpointRun) -> str:
    """The version that the endpoint serves, for a window in which nothing was captured."""
    remembered = _remembered(run)
    return remembered.package_version if remembered else served_version(run)


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

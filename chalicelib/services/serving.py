"""What an endpoint serves: as the last sweep saw it, else as SageMaker says now.

| since the last sweep                    | what is used                                           |
|-----------------------------------------|--------------------------------------------------------|
| the endpoint did not change             | what the sweep stored in its checkpoint                |
| its status changed                      | SageMaker's answer: the event makes Vedette forget     |
| Vedette has deployed                    | SageMaker's answer, should that event be lost          |
| there was no sweep for VALID_FOR        | SageMaker's answer                                     |

So a fleet whose windows all close at the same moment does not call SageMaker, which throttles. SageMaker knows nothing
of own records: their variants are the folders that their place has, and no version is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from chalicelib.aws import sagemaker
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import SourceAccessDenied
from chalicelib.records import Serving, SweepCheckpoint
from chalicelib.registry.plan import Served
from chalicelib.registry.serving_history import versions_during
from chalicelib.registry.versions import UNVERSIONED
from chalicelib.services import capture_backlog
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
    remembered = _remembered(run) if run.known_description is None else None
    if remembered is not None:
        return Shown(frozenset(remembered.variants), remembered.created_at)
    return Shown(frozenset(variants_now(run)), run.described.get("CreationTime"))


def last_seen_version(run: EndpointRun) -> str:
    """The version that the endpoint served when it was last looked at, which is now if Vedette has deployed since."""
    remembered = _remembered(run)
    if remembered is None or remembered.modified_at is None:
        return _version_now(run)
    changed = any((one.settled_at or one.requested_at) > remembered.seen_at for one in run.deployments.all)
    return _version_now(run) if changed else remembered.package_version


def versions_in(run: EndpointRun, window: Window, last_seen: Callable[[], str]) -> tuple[str, ...]:
    """The versions that answered in a window: by the history, and where that ends, as last seen."""
    versions = versions_during(run.deployments.all, window)
    later = any(one.begun and one.requested_at >= window.end for one in run.deployments.all)
    return versions if len(versions) > 1 or (versions and later) else (last_seen(),)


def forget(run: EndpointRun) -> None:
    """Forget what the endpoint served: its status has changed.

    Raises
    ------
    NotReady
        When sweeps go on writing their checkpoints.
    """
    run.stores.checkpoints.change(run.endpoint, lambda known: replace(known, serving=None))


def remembered_by_sweep(run: EndpointRun, checkpoint: SweepCheckpoint) -> Serving:
    """What the endpoint serves, for the checkpoint; its version is read again when the endpoint has changed."""
    modified: datetime | None = run.described.get("LastModifiedTime")
    before = checkpoint.serving
    unchanged = before is not None and before.modified_at == modified
    version = before.package_version if before is not None and unchanged else _version_now(run)
    return Serving(
        seen_at=run.now,
        modified_at=modified,
        created_at=run.described.get("CreationTime"),
        variants=tuple(sorted(variants_now(run, before))),
        package_version=version,
    )


def _version_now(run: EndpointRun) -> str:
    served = Served.of(run.describe_served())
    return served.version if served else UNVERSIONED


def variants_now(run: EndpointRun, before: Serving | None = None) -> Collection[str]:
    """The variants that the endpoint shows now, or the folders of own records; as before where nobody may look."""
    if not run.entry.records:
        return sagemaker.variants_of(run.described)
    try:
        return capture_backlog.captured_variants(run)
    except SourceAccessDenied:
        return before.variants if before is not None else capture_backlog.known_variants(run)


def _remembered(run: EndpointRun) -> Serving | None:
    found = run.checkpoint.serving if run.checkpoint else None
    return found if found is not None and run.now - found.seen_at < VALID_FOR else None

"""Deployments of endpoints, and what people decided about them.

| pk                  | sk                      | record                                |
|---------------------|-------------------------|---------------------------------------|
| endpoint#{endpoint} | deployment              | Deployment: the latest attempt        |
| endpoint#{endpoint} | history#{time}#{config} | Deployment: settled, never expires    |
| endpoint#{endpoint} | mark#{package}#{config} | FailedVersion                         |
| endpoint#{endpoint} | pin                     | Pin                                   |
| stage               | pause                   | Pause: a person stopped all mutations |
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.aws.dynamodb import Table
from chalicelib.locations import endpoint_partition
from chalicelib.records import Deployment, FailedVersion, Pause, Pin

_LATEST, _HISTORY, _FAILED, _PIN = "deployment", "history#", "mark#", "pin"


def _failed_key(failed: FailedVersion | Deployment) -> str:
    return f"{_FAILED}{failed.package_arn}#{failed.config}"


def _history_key(settled: Deployment) -> str:
    return f"{_HISTORY}{settled.requested_at.isoformat()}#{settled.config}"


@dataclass(frozen=True)
class DeploymentRecords:
    """Everything that is stored about the deployments of one endpoint, read in one request."""

    latest: Deployment | None
    revision: int  # of `latest`; 0 when there is none
    history: tuple[Deployment, ...]  # settled, oldest first
    failed_versions: tuple[FailedVersion, ...]
    pin: Pin | None

    @classmethod
    def empty(cls) -> DeploymentRecords:
        """Nothing stored."""
        return cls(None, 0, (), (), None)

    @property
    def all(self) -> tuple[Deployment, ...]:
        """The history, and the latest attempt while it is not settled."""
        return self.history if self.latest is None or self.latest in self.history else (*self.history, self.latest)


@dataclass(frozen=True)
class DeploymentStore:
    """Items of the stage's table."""

    table: Table

    def get(self, endpoint: str) -> DeploymentRecords:
        """Everything about one endpoint. The sort keys lie next to each other, so this is one query."""
        latest: Deployment | None = None
        pin: Pin | None = None
        revision, history, failed_versions = 0, [], []
        for item in self.table.query_between(endpoint_partition(endpoint), _LATEST, _PIN):
            if item.sk == _LATEST:
                latest, revision = item.read(Deployment), item.revision
            elif item.sk == _PIN:
                pin = item.read(Pin)
            elif item.sk.startswith(_HISTORY):
                history.append(item.read(Deployment))
            elif item.sk.startswith(_FAILED):
                failed_versions.append(item.read(FailedVersion))
        return DeploymentRecords(latest, revision, tuple(history), tuple(failed_versions), pin)

    def put_latest(self, attempt: Deployment, expected_revision: int) -> bool:
        """Write the latest attempt; False when another invocation was first."""
        return self.table.put(attempt, endpoint_partition(attempt.endpoint), _LATEST, expected_revision)

    def put_history(self, settled: Deployment) -> None:
        """Keep a settled attempt; keeping it again does nothing."""
        self.table.put(settled, endpoint_partition(settled.endpoint), _history_key(settled), 0)

    def failed_version(self, attempt: Deployment | FailedVersion) -> tuple[FailedVersion | None, int]:
        """The record of an attempt's version and config as failed, and its revision."""
        return self.table.get(FailedVersion, endpoint_partition(attempt.endpoint), _failed_key(attempt))

    def put_failed_version(self, failed: FailedVersion, expected_revision: int) -> bool:
        """Write a failed version; False when another invocation was first."""
        return self.table.put(failed, endpoint_partition(failed.endpoint), _failed_key(failed), expected_revision)

    def delete_failed_version(self, failed: FailedVersion) -> None:
        """Forget this failure of a version; one that was stored since it was read stays."""
        stored, revision = self.failed_version(failed)
        if stored == failed:
            self.table.delete(endpoint_partition(failed.endpoint), _failed_key(failed), revision)

    def pin(self, endpoint: str) -> tuple[Pin | None, int]:
        """The pin of an endpoint, and its revision."""
        return self.table.get(Pin, endpoint_partition(endpoint), _PIN)

    def put_pin(self, pin: Pin, expected_revision: int) -> bool:
        """Write a pin; False when another writer was first."""
        return self.table.put(pin, endpoint_partition(pin.endpoint), _PIN, expected_revision)

    def delete_pin(self, endpoint: str) -> None:
        """Delete the pin of an endpoint."""
        self.table.delete(endpoint_partition(endpoint), _PIN)

    def pause(self) -> tuple[Pause | None, int]:
        """The pause of the stage, and its revision; (None, 0) when it is not paused."""
        return self.table.get(Pause, "stage", "pause")

    def put_pause(self, pause: Pause, expected_revision: int) -> bool:
        """Pause the stage; False when another writer was first."""
        return self.table.put(pause, "stage", "pause", expected_revision)

    def delete_pause(self) -> None:
        """End the pause of the stage."""
        self.table.delete("stage", "pause")

    def delete_endpoint(self, endpoint: str) -> None:
        """Delete everything but the history: what would act on an endpoint of the same name."""
        stored = self.get(endpoint)
        for failed in stored.failed_versions:
            self.delete_failed_version(failed)
        self.delete_pin(endpoint)
        self.table.delete(endpoint_partition(endpoint), _LATEST)

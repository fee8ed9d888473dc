"""Where the sweep of each endpoint resumes, and the evaluation of its model's quality.

| pk                  | sk      | record            |
|---------------------|---------|-------------------|
| endpoint#{endpoint} | sweep   | SweepCheckpoint   |
| endpoint#{endpoint} | quality | QualityCheckpoint |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.aws.dynamodb import Table
from chalicelib.locations import endpoint_partition
from chalicelib.records import QualityCheckpoint, SweepCheckpoint

_SWEEP = "sweep"
_QUALITY = "quality"


@dataclass(frozen=True)
class CheckpointStore:
    """Items of the stage's table."""

    table: Table

    def get(self, endpoint: str) -> tuple[SweepCheckpoint | None, int]:
        """The checkpoint of an endpoint, and its revision; (None, 0) before its first sweep."""
        return self.table.get(SweepCheckpoint, endpoint_partition(endpoint), _SWEEP)

    def put(self, checkpoint: SweepCheckpoint, expected_revision: int) -> bool:
        """Write a checkpoint; False when another sweep was first."""
        return self.table.put(checkpoint, endpoint_partition(checkpoint.endpoint), _SWEEP, expected_revision)

    def change(self, endpoint: str, change: Callable[[SweepCheckpoint], SweepCheckpoint]) -> SweepCheckpoint:
        """Change a checkpoint in one conditional write; the checkpoint as it is then. Raises as `Table.change`."""
        checkpoint = SweepCheckpoint(endpoint=endpoint)
        return self.table.change(checkpoint, endpoint_partition(endpoint), _SWEEP, change)

    def quality(self, endpoint: str) -> tuple[QualityCheckpoint | None, int]:
        """Up to when the quality of an endpoint's model was evaluated, and the revision; (None, 0) before that."""
        return self.table.get(QualityCheckpoint, endpoint_partition(endpoint), _QUALITY)

    def put_quality(self, checkpoint: QualityCheckpoint, expected_revision: int) -> bool:
        """Write up to when it was evaluated; False when another invocation was first."""
        return self.table.put(checkpoint, endpoint_partition(checkpoint.endpoint), _QUALITY, expected_revision)

    def delete(self, endpoint: str) -> None:
        """Forget where the sweep of an endpoint was."""
        self.table.delete(endpoint_partition(endpoint), _SWEEP)

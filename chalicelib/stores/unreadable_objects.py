"""The captured objects, and the label objects, of each endpoint that could not be read.

| pk                  | sk                | record                             |
|---------------------|-------------------|------------------------------------|
| endpoint#{endpoint} | unreadable        | UnreadableObjects: captured        |
| endpoint#{endpoint} | unreadable labels | UnreadableObjects: of ground truth |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.aws.dynamodb import Table
from chalicelib.locations import endpoint_partition
from chalicelib.records import UnreadableObjects

_UNREADABLE = "unreadable"


@dataclass(frozen=True)
class UnreadableObjectStore:
    """Items of the stage's table."""

    table: Table
    kind: str = ""  # "" is captured objects

    @property
    def _sk(self) -> str:
        return f"{_UNREADABLE} {self.kind}".rstrip()

    def get(self, endpoint: str) -> tuple[UnreadableObjects, int]:
        """The unreadable objects of an endpoint, and the revision of their item; 0 when there is none."""
        found, revision = self.table.get(UnreadableObjects, endpoint_partition(endpoint), self._sk)
        return found or UnreadableObjects(endpoint=endpoint), revision

    def change(
        self, endpoint: str, change: Callable[[UnreadableObjects], UnreadableObjects], attempts: int
    ) -> UnreadableObjects:
        """Change them in one conditional write; what they are then. Raises as `Table.change`."""
        objects = UnreadableObjects(endpoint=endpoint)
        return self.table.change(objects, endpoint_partition(endpoint), self._sk, change, attempts)

"""When the parts of each endpoint were last created, so that nothing is listed where nothing can be.

| pk                  | sk       | record   |
|---------------------|----------|----------|
| endpoint#{endpoint} | activity | Activity |
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.aws.dynamodb import Table
from chalicelib.locations import endpoint_partition
from chalicelib.records import Activity

_ACTIVITY = "activity"


@dataclass(frozen=True)
class ActivityStore:
    """Items of the stage's table."""

    table: Table
    written: dict[str, Activity] = field(default_factory=dict, compare=False)  # by this process

    def get(self, endpoint: str) -> tuple[Activity | None, int]:
        """The activity of an endpoint, and its revision; (None, 0) when none is known."""
        return self.table.get(Activity, endpoint_partition(endpoint), _ACTIVITY)

    def put(self, activity: Activity, expected_revision: int) -> bool:
        """Write the activity of an endpoint; False when another invocation was first."""
        if not self.table.put(activity, endpoint_partition(activity.endpoint), _ACTIVITY, expected_revision):
            return False
        self.written[activity.endpoint] = activity
        return True

    def delete(self, endpoint: str) -> None:
        """Forget the activity of an endpoint."""
        self.table.delete(endpoint_partition(endpoint), _ACTIVITY)

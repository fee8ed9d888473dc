"""Is what was deployed captured? It never rolls back; a person is told when capture is missing.

| since the deployment was verified                         | state    |
|-----------------------------------------------------------|----------|
| a capture object has been read                            | seen     |
| none, within the first half hour                          | pending  |
| none, and the golden request alone should have made one   | missing  |
| none, and captures are sampled or there is no golden request | pending: nothing is certain to have been captured |
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from chalicelib.records import Deployment, FleetEntry

PATIENCE = timedelta(minutes=30)  # SageMaker writes a capture file within about two minutes (aws-facts 2.1)


def capture_state(
    entry: FleetEntry, deployment: Deployment | None, last_captured: datetime | None, now: datetime
) -> Literal["pending", "seen", "missing", "not expected"]:
    """The state of capture since the latest verified deployment; `last_captured` is when the last object was begun."""
    if deployment is None or deployment.state != "verified" or not entry.capture_percentage:
        return "not expected"
    if last_captured is not None and last_captured >= deployment.requested_at.replace(second=0, microsecond=0):
        return "seen"
    since = deployment.settled_at or deployment.requested_at
    certain = entry.capture_percentage == 100 and entry.golden_payload is not None
    return "missing" if certain and now - since > PATIENCE else "pending"

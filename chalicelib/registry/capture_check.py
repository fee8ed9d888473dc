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

PATIENCE = timedelta(minutes=30)  # a capture file comes within about two minutes (aws-behaviour: capture-delay)


def capture_state(
    entry: FleetEntry, deployment: Deployment | None, now: datetime, *, seen: bool
) -> Literal["pending", "seen", "missing", "not expected"]:
    """The state of capture since the latest verified deployment; `seen` says whether an object was read since."""
    if deployment is None or deployment.state != "verified" or not entry.capture_percentage:
        return "not expected"
    if seen:
        return "seen"
    since = deployment.settled_at or deployment.requested_at
    certain = entry.capture_percentage == 100 and entry.golden_payload is not None
    return "missing" if certain and now - since > PATIENCE else "pending"

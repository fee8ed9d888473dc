"""Whether the deployed endpoint captures. A missing capture never rolls back; a person is notified.

| since the deployment was verified                            | state   |
|--------------------------------------------------------------|---------|
| a capture object was read                                    | seen    |
| none, within the first half hour                             | pending |
| none, and the golden request alone should have been captured | missing |
| none, and captures are sampled or there is no golden request | pending |
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.records import Deployment, DeploymentState, FleetEntry

FIRST_CAPTURE_TIMEOUT = timedelta(minutes=30)  # a capture file comes within about two (aws-behaviour: capture-delay)


class CaptureState(StrEnum):
    """What is known of the captures of an endpoint."""

    PENDING = "pending"
    SEEN = "seen"
    MISSING = "missing"
    NOT_EXPECTED = "not expected"


def capture_state(entry: FleetEntry, deployment: Deployment | None, now: datetime, *, seen: bool) -> CaptureState:
    """The state of capture since the latest verified deployment; `seen`: whether an object was read since then."""
    verified = deployment is not None and deployment.state == DeploymentState.VERIFIED
    if deployment is None or not verified or not entry.capture_percentage:
        return CaptureState.NOT_EXPECTED
    if seen:
        return CaptureState.SEEN
    since = deployment.settled_at or deployment.requested_at
    certain = entry.capture_percentage == 100 and entry.golden_payload is not None
    return CaptureState.MISSING if certain and now - since > FIRST_CAPTURE_TIMEOUT else CaptureState.PENDING

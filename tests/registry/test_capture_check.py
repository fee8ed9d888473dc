"""Capture is pending, seen or missing; it is certain to be missing only where something was certain to be captured."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.records import Deployment, FleetEntry, GoldenPayload
from chalicelib.registry.capture_check import FIRST_CAPTURE_TIMEOUT, capture_state

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ENTRY = FleetEntry(endpoint="site", golden_payload=GoldenPayload(body="1"))
DEPLOYED = Deployment(
    endpoint="site",
    package_arn="arn/1",
    package_version="1",
    config="c",
    previous_config="",
    previous_package_arn="",
    requested_at=NOW - timedelta(minutes=10),
    state="verified",
    settled_at=NOW,
)
LATER = NOW + FIRST_CAPTURE_TIMEOUT + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("entry", "deployment", "now", "seen", "state"),
    [
        (ENTRY, DEPLOYED, NOW, False, "pending"),
        (ENTRY, DEPLOYED, NOW + FIRST_CAPTURE_TIMEOUT, False, "pending"),
        (ENTRY, DEPLOYED, LATER, False, "missing"),
        (ENTRY, replace(DEPLOYED, settled_at=None), NOW + FIRST_CAPTURE_TIMEOUT, False, "missing"),
        (ENTRY, DEPLOYED, LATER, True, "seen"),
        (replace(ENTRY, capture_percentage=20), DEPLOYED, LATER, False, "pending"),
        (replace(ENTRY, golden_payload=None), DEPLOYED, LATER, False, "pending"),
        (replace(ENTRY, capture_percentage=0), DEPLOYED, LATER, False, "not expected"),
        (ENTRY, replace(DEPLOYED, state="requested"), LATER, False, "not expected"),
        (ENTRY, None, LATER, False, "not expected"),
    ],
)
def test_the_state_of_capture(entry, deployment, now, seen, state):
    assert capture_state(entry, deployment, now, seen=seen) == state

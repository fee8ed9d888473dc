"""A fault at any call leaves what would be left without it: nothing lost, nothing leaked, one update, one mail."""

import pytest

from tests.proof.faults import CRASHES, proven
from tests.proof.scenarios import SCENARIOS
from vedette.local.faults import KINDS

BOUNDED = (
    "an approval updates the endpoint",
    "a captured object violates a hard constraint",
    "the first prediction and label",
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_fault_at_any_call_changes_nothing_of_what_is_left(scenario, extent, proves):
    if not extent.full and scenario.name not in BOUNDED:
        pytest.skip("runs in `make prove`")
    proof = proven(scenario, KINDS if extent.full else CRASHES, every_crash=extent.full)
    proves("faults", len(proof.disturbed), scenario.name, f"{proof.copies} second copies, before the acknowledgement")
    assert proof.violations == []
    assert proof.undisturbed.copies == 0
    assert proof.undisturbed.state["given up"] == []

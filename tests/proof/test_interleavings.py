"""Two deliveries that meet leave the same, whichever of their calls comes first."""

import pytest

from tests.proof.pairs import PAIRS
from tests.proof.schedules import explored


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_whoever_goes_first_the_same_is_left(pair, extent, proves):
    found = explored(pair, extent.samples, extent.most)
    how = "all of them" if found.exhaustive else "a seeded sample"
    proves("schedules", found.runs, pair.name, f"{how}; {len(found.outcomes)} ways to get there")
    assert found.violations == []

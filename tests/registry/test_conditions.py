"""The key under which a person is notified once of a condition."""

import pytest

from chalicelib.registry.conditions import Condition, ConditionCode


@pytest.mark.parametrize(("about", "key"), [("", "config"), ("c7", "config c7")])
def test_a_condition_is_known_by_its_code_and_what_it_is_about(about, key):
    assert Condition(ConditionCode.FOREIGN_CONFIG, "a sentence", about).key == key

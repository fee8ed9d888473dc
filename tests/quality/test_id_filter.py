"""No id of the day is missed, and few others are taken for one."""

import msgspec
import numpy as np
import pytest

from chalicelib.quality.id_filter import BITS_OF_ID, IdFilter

RANDOM = np.random.default_rng(40)


def ids(count):
    return RANDOM.integers(0, 2**64, count, dtype=np.uint64)


@pytest.mark.parametrize("count", [1, 7, 1000, 100_000])
def test_every_id_of_the_day_is_found_and_one_in_a_hundred_others(count):
    own = ids(count)
    found = msgspec.json.decode(msgspec.json.encode(IdFilter.of(own)), type=IdFilter)
    assert found.may_hold(own).all()
    assert len(found.bits) <= count * BITS_OF_ID / 8 + 1
    if count >= 1000:
        assert found.may_hold(ids(100_000)).mean() < 0.015


def test_a_day_without_predictions_holds_no_id():
    assert not IdFilter.of(ids(0)).may_hold(ids(10)).any()
    assert IdFilter.of(ids(5)).may_hold(ids(0)).tolist() == []

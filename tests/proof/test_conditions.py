"""The conditional write on which every lease hangs."""

import pytest

from chalicelib.endpoint_run import stage_stores
from chalicelib.locations import endpoint_partition
from chalicelib.records import AlertState
from tests.proof.stage import ENDPOINT, opened

BOOK = AlertState(endpoint=ENDPOINT, variant="")


@pytest.fixture
def stage():
    with opened() as made:
        yield made


def test_of_two_who_write_the_same_at_once_one_is_warned_that_it_was_second(stage):
    assert stage_stores().deployments.table.put(BOOK, endpoint_partition(ENDPOINT), "alerts#", 0)
    assert not stage_stores().deployments.table.put(BOOK, endpoint_partition(ENDPOINT), "alerts#", 0)


def test_who_writes_again_because_the_reply_was_lost_was_first(stage):
    stage.cloud.faults.add("reply_lost", "dynamodb", "PutItem")
    assert stage_stores().deployments.table.put(BOOK, endpoint_partition(ENDPOINT), "alerts#", 0)

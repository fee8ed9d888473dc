"""What one invocation reads and enters: everything once, and few modules from a captured object to its alert."""

import sys
from pathlib import Path

import boto3
import pytest

import chalicelib
from tests.services.conftest import ENDPOINT

ROOT = Path(chalicelib.__file__).parent
APPROVED = "on_model_package_state_change"
FOLDERS = ("handlers", "services", "stores", "aws")
SIDES = '"endpointInput":{"data":"12,34.5","encoding":"CSV"},"endpointOutput":{"data":"1.0","encoding":"CSV"}'
ROW = f'{{"captureData":{{{SIDES}}}}}'
GOOD = "\n".join([ROW.replace("34.5", "34")] * 30).encode()


class Entered:
    """The modules of the four folders in which a function runs while this is open."""

    def __enter__(self) -> "Entered":
        self.modules: set[str] = set()
        sys.setprofile(self._seen)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _seen(self, frame, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_name != "<module>" and frame.f_code.co_filename.startswith(str(ROOT)):
            folder, _, module = frame.f_code.co_filename[len(str(ROOT)) + 1 :].partition("/")
            if folder in FOLDERS:
                self.modules.add(f"{folder}/{module}")


@pytest.fixture
def watched(world):
    world.deployed()
    world.cloud.turn(minutes=20)
    world.cloud.schedules_enabled = False
    return world


def test_a_captured_object_enters_at_most_twenty_modules_on_its_way_to_the_published_alert(watched):
    now = watched.cloud.clock.now()
    key = f"data-capture/{ENDPOINT}/AllTraffic/{now:%Y/%m/%d/%H/%M}-00-000-11111111-2222-3333-4444-555555555555.jsonl"
    watched.cloud.mailbox.mails.clear()
    with Entered() as entered:
        boto3.client("s3").put_object(Bucket=watched.bucket, Key=key, Body="\n".join([ROW] * 30).encode())
        watched.cloud.settle()
    assert [mail.subject for mail in watched.cloud.mailbox.mails], "the alert was published"
    assert len(entered.modules) <= 20, sorted(entered.modules)


def test_an_approval_that_updates_an_endpoint_makes_at_most_twenty_calls(watched):
    watched.cloud.recorder.clear()
    watched.register("linear-learner")
    calls = [
        call.operation for call in watched.cloud.recorder.calls if call.function == "on_model_package_state_change"
    ]
    assert "UpdateEndpoint" in calls
    assert len(calls) <= 20, calls


def test_an_approval_reads_everything_once(watched):
    watched.cloud.recorder.clear()
    watched.register("linear-learner")
    calls = [call for call in watched.cloud.recorder.calls if call.function == APPROVED]
    reads = [
        (call.operation, str(sorted(call.parameters.items())))
        for call in calls
        if call.operation.startswith(("Describe", "Get", "List", "Query")) and call.operation != "GetItem"
    ]
    assert len(reads) == len(set(reads)), reads


def calls_for_a_captured_object(world, second: int) -> list[str]:
    now = world.cloud.clock.now()
    name = f"{now:%M}-{second:02}-000-11111111-2222-3333-4444-555555555555.jsonl"
    key = f"data-capture/{ENDPOINT}/AllTraffic/{now:%Y/%m/%d/%H}/{name}"
    world.cloud.recorder.clear()
    boto3.client("s3").put_object(Bucket=world.bucket, Key=key, Body=GOOD)
    world.cloud.settle()
    return [call.operation for call in world.cloud.recorder.calls if call.function == "on_data_captured"]


def test_a_second_captured_object_within_30_seconds_makes_three_calls(watched):
    first = calls_for_a_captured_object(watched, 1)
    assert len(first) > 3
    assert calls_for_a_captured_object(watched, 2) == ["GetObject", "GetObject", "PutObject"]
    watched.cloud.turn(seconds=29)
    assert len(calls_for_a_captured_object(watched, 3)) == 3
    watched.cloud.turn(seconds=1)
    active = ["GetItem", "PutItem"]  # that the endpoint is active, which covers ten minutes
    assert calls_for_a_captured_object(watched, 4) == [call for call in first if call not in active]


def test_a_repeated_event_costs_a_read(watched):
    calls_for_a_captured_object(watched, 1)
    assert calls_for_a_captured_object(watched, 1) == ["GetObject"]


def test_a_new_fleet_is_seen_after_30_seconds(watched):
    calls_for_a_captured_object(watched, 1)
    watched.apply()
    assert len(calls_for_a_captured_object(watched, 2)) == 3
    watched.cloud.turn(seconds=30)
    assert calls_for_a_captured_object(watched, 3) == ["GetObject"]  # the fleet, which the endpoint is not in

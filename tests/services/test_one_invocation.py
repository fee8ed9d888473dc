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


def test_a_captured_object_enters_at_most_sixteen_modules_on_its_way_to_the_published_alert(watched):
    now = watched.cloud.clock.now()
    key = f"data-capture/{ENDPOINT}/AllTraffic/{now:%Y/%m/%d/%H/%M}-00-000-11111111-2222-3333-4444-555555555555.jsonl"
    watched.cloud.mailbox.mails.clear()
    with Entered() as entered:
        boto3.client("s3").put_object(Bucket=watched.bucket, Key=key, Body="\n".join([ROW] * 30).encode())
        watched.cloud.settle()
    assert [mail.subject for mail in watched.cloud.mailbox.mails], "the alert was published"
    assert len(entered.modules) <= 16, sorted(entered.modules)


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

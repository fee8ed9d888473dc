"""Labels whose events were lost: the sweep finds them, and what it costs is bounded."""

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.services import label_backlog, unreadable_objects
from chalicelib.settings import settings
from tests.runs import DeadlineAfter, run_of
from tests.services.conftest import ENDPOINT
from tests.services.labelled_endpoint import LABELLED, PREFIX, SETTINGS, label_parts, upload
from tests.services.test_unreadable_objects import refuse


@pytest.fixture
def labelled(world):
    world.apply(LABELLED)
    world.cloud.schedules_enabled = False
    return world


def lose(world, number: int, start: int = 0) -> None:
    """Upload label objects whose events never arrive."""
    world.cloud.bus.drop(lambda event, function: function == "on_ground_truth")
    for one in range(start, start + number):
        upload(world, f"{one:05}.csv", f"e{one},1\n")
    world.cloud.bus.drop(None)


def swept(world) -> None:
    world.cloud.invoke("sweep", world.cloud.scheduled_event("vedette-local-sweep"))
    world.cloud.settle()


def sweep_calls(world) -> tuple[int, list[str]]:
    """How often a sweep lists, and its requests about single label objects and label parts."""
    world.cloud.recorder.clear()
    swept(world)
    calls = [call for call in world.cloud.recorder.calls if call.function == "sweep"]
    of_labels = [call for call in calls if call.parameters.get("Key", "").startswith(("labels/", "ground-truth/"))]
    return [call.operation for call in calls].count("ListObjectsV2"), [call.operation for call in of_labels]


def test_a_sweep_makes_the_parts_of_labels_whose_events_were_lost(labelled):
    lose(labelled, 3)
    assert label_parts() == []
    swept(labelled)
    assert [part.count for part in label_parts()] == [1, 1, 1]


def test_a_second_sweep_lists_the_labels_and_the_predictions_once_and_reads_nothing_that_is_old(labelled):
    lose(labelled, 3)
    swept(labelled)
    labelled.cloud.turn(hours=1)
    swept(labelled)
    labelled.cloud.turn(hours=1)
    with_labels = sweep_calls(labelled)
    labelled.apply(replace(LABELLED, quality=None))
    without, _ = sweep_calls(labelled)
    assert with_labels == (without + 2, [])


def test_labels_from_before_the_quality_table_are_found(labelled):
    labelled.apply(replace(LABELLED, quality=None))
    lose(labelled, 2)
    labelled.cloud.turn(hours=24)
    labelled.apply(LABELLED)
    swept(labelled)
    assert len(label_parts()) == 2


def test_labels_are_read_again_when_it_changes_how(labelled):
    lose(labelled, 2)
    swept(labelled)
    labelled.apply(replace(LABELLED, quality=replace(SETTINGS, label="y")))
    swept(labelled)
    assert len(label_parts()) == 2
    assert len(labelled.keys("labels/")) == 4


def test_a_sweep_without_time_goes_on_where_it_stopped(labelled, monkeypatch):
    monkeypatch.setattr(label_backlog, "MAX_LISTED", 2)
    lose(labelled, 5)
    scans: dict = {}
    made = []
    for _ in range(3):
        backlog = label_backlog.process(run_of(), scans, DeadlineAfter(100))
        scans = backlog.scans
        made.append(backlog.created)
    assert made == [2, 2, 1]
    (scan,) = scans.values()
    assert scan.after == ""
    assert label_backlog.process(run_of(), {}, DeadlineAfter(1)).created == 0


def test_what_cannot_be_processed_stands_before_nothing_else_and_is_listed_again(labelled, monkeypatch):
    lose(labelled, 3)
    process = label_backlog.label_processing.process

    def failing(run, uploaded):
        if uploaded.key.endswith("00000.csv"):
            raise TimeoutError
        return process(run, uploaded)

    monkeypatch.setattr(label_backlog.label_processing, "process", failing)
    first = label_backlog.process(run_of(), {}, DeadlineAfter(100))
    assert (first.created, len(first.failed)) == (2, 1)
    monkeypatch.undo()
    labelled.cloud.turn(hours=24)
    assert label_backlog.process(run_of(), first.scans, DeadlineAfter(100)).created == 1


def test_an_object_that_is_refused_is_remembered_and_read_when_it_may_be(labelled):
    refuse(labelled, f"{PREFIX}/a.csv")
    upload(labelled, "a.csv", "e1,1\n")
    (one,) = unreadable_objects.of_endpoint(run_of(), unreadable_objects.labels).objects
    assert one.reason.value == "S3 or KMS refuses it"
    labelled.cloud.faults.clear()
    labelled.cloud.turn(minutes=16)
    swept(labelled)
    assert len(label_parts()) == 1
    assert not unreadable_objects.of_endpoint(run_of(), unreadable_objects.labels).count


def test_a_place_that_may_not_be_listed_is_a_condition_while_it_lasts(labelled):
    boto3.client("s3").create_bucket(Bucket="team-lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    labelled.apply(replace(LABELLED, quality=replace(SETTINGS, ground_truth=("s3://team-lake/labels",))))
    swept(labelled)
    assert any("may not read the labels in s3://team-lake/labels" in one for one in labelled.subjects), (
        labelled.subjects
    )
    labelled.cloud.mailbox.mails.clear()
    swept(labelled)
    assert labelled.subjects == []


def test_a_place_whose_bucket_does_not_exist_is_a_condition_and_the_rest_of_the_sweep_goes_on(labelled, monkeypatch):
    monkeypatch.setenv("VEDETTE_GROUND_TRUTH_SOURCES", "no-such-lake/labels/")
    settings.cache_clear()
    own = stage_stores().bucket.uri(PREFIX)
    places = ("s3://no-such-lake/labels", own)
    labelled.apply(replace(LABELLED, quality=replace(SETTINGS, ground_truth=places)))
    lose(labelled, 1)
    swept(labelled)
    text = " ".join(labelled.cloud.mailbox.last.text.split())
    assert "Vedette may not read the labels in s3://no-such-lake/labels: there is no such bucket" in text
    assert len(label_parts()) == 1
    labelled.cloud.mailbox.mails.clear()
    swept(labelled)
    assert labelled.subjects == []


def test_an_endpoint_without_a_quality_table_is_swept_with_no_call_about_labels(labelled):
    labelled.apply(replace(LABELLED, quality=None))
    lose(labelled, 1)
    assert sweep_calls(labelled)[1] == []
    assert stage_stores().checkpoints.get(ENDPOINT)[0].label_scans == {}

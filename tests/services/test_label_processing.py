"""Label objects become label parts: written once, counted by reason, never failed by a byte."""

import gzip
import json
from datetime import timedelta

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.quality.ids import IdHash
from chalicelib.quality.reasons import LabelReason
from chalicelib.services import unreadable_objects
from tests.runs import run_of
from tests.services.conftest import ENDPOINT
from tests.services.labelled_endpoint import (
    LABELLED,
    SETTINGS,
    answers,
    capture,
    label_parts,
    prediction_parts,
    reads_labels_in,
    record,
    upload,
)

MERGED = '{"groundTruthData":{"data":"1","encoding":"CSV"},"eventMetadata":{"eventId":"e1"},"eventVersion":"0"}'


@pytest.fixture
def labelled(world):
    world.apply(LABELLED)
    world.cloud.schedules_enabled = False
    return world


@pytest.mark.parametrize(
    "content", [b"e1,1\n", MERGED.encode(), gzip.compress(b"id,label\ne1,1\n", mtime=0)], ids=["csv", "merged", "gzip"]
)
def test_a_label_object_of_any_form_becomes_one_part(labelled, content):
    upload(labelled, "2026/labels", content)
    (part,) = label_parts()
    assert part.count == 1
    assert part.values.classes == ("1",)
    assert int.from_bytes(part.ids, "little") == IdHash(stage_stores().id_secret.get()).of("e1")


def test_what_is_no_label_is_counted_by_reason_beside_what_is(labelled):
    upload(labelled, "a.csv", "e1,1\ne2,2\ne3,\nnonsense\n")
    (part,) = label_parts()
    assert part.count == 1
    assert part.rejected == {
        LabelReason.UNKNOWN_CLASS: 1,
        LabelReason.MISSING: 1,
        LabelReason.NOT_A_LABEL: 1,
    }
    assert not unreadable_objects.of_endpoint(run_of(), unreadable_objects.labels).count


def test_a_repeated_event_changes_nothing(labelled):
    labelled.cloud.bus.duplicate(3)
    upload(labelled, "a.csv", "e1,1\n")
    assert answers(labelled) == ["ok"] * 3
    assert [part.count for part in label_parts()] == [1]
    versions = boto3.client("s3").list_object_versions(Bucket=labelled.bucket, Prefix="labels/")["Versions"]
    assert len(versions) == 1


def test_an_object_that_was_deleted_before_its_event_came_is_skipped(labelled):
    labelled.cloud.bus.delay(lambda event, function: timedelta(minutes=1))
    key = upload(labelled, "a.csv", "e1,1\n")
    boto3.client("s3").delete_object(Bucket=labelled.bucket, Key=key)
    labelled.cloud.turn(minutes=2)
    assert answers(labelled) == ["ok"]
    assert label_parts() == []
    assert not unreadable_objects.of_endpoint(run_of(), unreadable_objects.labels).count


def test_an_object_that_is_written_again_makes_another_part(labelled):
    upload(labelled, "a.csv", "e1,1\n")
    labelled.cloud.turn(seconds=5)
    upload(labelled, "a.csv", "e1,0\n")
    assert [part.values.classes for part in label_parts()] == [("1",), ("0",)]


def test_an_object_without_any_label_is_remembered_and_a_person_is_notified(labelled):
    upload(labelled, "a.parquet", b"PAR1\x00\xff\xfe" * 100)
    (one,) = unreadable_objects.of_endpoint(run_of(), unreadable_objects.labels).objects
    assert (one.reason.value, one.retry_at) == ("no line of it is a label", None)
    labelled.cloud.mailbox.mails.clear()
    labelled.cloud.invoke("sweep", labelled.cloud.scheduled_event("vedette-local-sweep"))
    labelled.cloud.settle()
    assert any("1 label object cannot be read" in subject for subject in labelled.subjects), labelled.subjects


def test_objects_outside_of_every_place_of_labels_make_nothing(labelled):
    upload(labelled, "a.csv", "e1,1\n", prefix="ground-truth/another-endpoint")
    upload(labelled, "a.csv", "e1,1\n", prefix="elsewhere")
    upload(labelled, "empty.csv", b"")
    assert not labelled.keys("labels/")
    assert len(answers(labelled)) == 2  # the rule does not match `elsewhere`


def test_an_object_gives_its_labels_to_each_endpoint_that_has_them_there(labelled):
    place = f"s3://{labelled.bucket}/ground-truth/{ENDPOINT}"
    other = replace(LABELLED, endpoint="other", quality=replace(SETTINGS, ground_truth=(place,)))
    labelled.apply(LABELLED, other)
    upload(labelled, "a.csv", "e1,1\n")
    assert sorted(key.split("/")[1] for key in labelled.keys("labels/")) == sorted([ENDPOINT, "other"])


def test_a_merged_record_in_a_capture_object_gives_its_prediction_and_its_label(labelled):
    reads_labels_in(labelled, "data-capture/")
    labelled.apply(replace(LABELLED, quality=replace(SETTINGS, ground_truth=(f"s3://{labelled.bucket}/data-capture",))))
    merged = {**json.loads(record(1, 0.9)), "groundTruthData": {"data": "1", "encoding": "CSV"}}
    capture(labelled, [json.dumps(merged)])
    assert [len(labelled.keys(prefix)) for prefix in ("parts/", "predictions/", "labels/")] == [1, 1, 1]
    (predictions,), (labels,) = prediction_parts(), label_parts()
    assert predictions.ids == labels.ids


def test_changed_settings_begin_new_parts_and_never_join_the_old_ones(labelled):
    upload(labelled, "a.csv", "e1,1\n")
    labelled.apply(replace(LABELLED, quality=replace(SETTINGS, classes=("no", "yes"))))
    labelled.cloud.turn(seconds=31)
    assert label_parts() == []
    upload(labelled, "b.csv", "e1,yes\n")
    assert [part.values.classes for part in label_parts()] == [("yes",)]


def test_labels_that_are_processed_long_after_they_were_written_are_recorded_as_late(labelled):
    upload(labelled, "a.csv", "e1,1\n")
    store = run_of().quality_parts
    assert store.late(ENDPOINT).labels_from is None
    labelled.cloud.bus.delay(timedelta(hours=1))
    written = labelled.cloud.clock.now().replace(microsecond=0)
    upload(labelled, "b.csv", "e1,0\n")
    labelled.cloud.turn(hours=1)
    found = store.late(ENDPOINT)
    assert found.labels_from == written
    store.clear_late(found)
    assert store.late(ENDPOINT).labels_from is None


def test_no_id_and_no_label_reaches_a_log(labelled, capsys):
    upload(labelled, "a.csv", "secret-customer,1\nsecret-other,secret-label\n")
    printed = capsys.readouterr()
    assert "secret-" not in printed.out + printed.err
    assert all("secret" not in key for key in labelled.keys("labels/"))


def test_a_second_label_object_within_30_seconds_makes_three_calls(labelled):
    upload(labelled, "a.csv", "e1,1\n")
    labelled.cloud.recorder.clear()
    upload(labelled, "b.csv", "e2,1\n")
    found = [call.operation for call in labelled.cloud.recorder.calls if call.function == "on_ground_truth"]
    assert found == ["GetObject", "PutObject", "GetItem"]
    labelled.cloud.turn(seconds=31)
    labelled.cloud.recorder.clear()
    upload(labelled, "c.csv", "e3,1\n")
    found = [call.operation for call in labelled.cloud.recorder.calls if call.function == "on_ground_truth"]
    assert found == ["GetObject", "GetObject", "GetItem", "PutObject", "GetItem"]

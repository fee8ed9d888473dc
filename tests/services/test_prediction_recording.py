"""Captured objects of an endpoint with a quality table store their predictions; of others nothing changes."""

from datetime import timedelta

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.quality.ids import IdHash
from chalicelib.services import capture_processing, prediction_recording
from tests.runs import run_of
from tests.services.conftest import ENDPOINT
from tests.services.labelled_endpoint import LABELLED, capture, prediction_parts, record
from vedette.operations import backfill


@pytest.fixture
def labelled(world):
    world.apply(LABELLED)
    world.cloud.schedules_enabled = False
    return world


def calls(world) -> list[str]:
    """What on_data_captured called since the recorder was cleared."""
    return [call.operation for call in world.cloud.recorder.calls if call.function == "on_data_captured"]


def test_a_captured_object_stores_its_predictions_by_the_inference_id_else_the_event_id(labelled):
    capture(labelled, [record(1, 0.9, inference_id="order-7"), record(2, 0.2)])
    (part,) = prediction_parts()
    ids = IdHash(stage_stores().id_secret.get())
    expected = sorted([ids.of("order-7"), ids.of("e2")])
    found = [int.from_bytes(part.ids[place : place + 8], "little") for place in (0, 8)]
    assert found == expected
    assert (part.requests, part.without_inference_id) == (2, 1)


def test_predictions_are_stored_before_the_part(labelled):
    labelled.cloud.recorder.clear()
    capture(labelled, [record(1, 0.9)])
    written = [call.parameters["Key"] for call in labelled.cloud.recorder.calls if call.operation == "PutObject"]
    kinds = [key.split("/")[0] for key in written if key.startswith(("parts/", "predictions/"))]
    assert kinds == ["predictions", "parts"]


def test_without_a_quality_table_nothing_more_is_called_written_or_imported(labelled):
    labelled.apply(replace(LABELLED, quality=None))
    labelled.cloud.recorder.clear()
    capture(labelled, [record(1, 0.9)])
    assert not labelled.keys("predictions/")
    plain = calls(labelled)
    labelled.apply(LABELLED)
    labelled.cloud.turn(minutes=11)
    labelled.cloud.recorder.clear()
    capture(labelled, [record(2, 0.9)], number=2)
    more = calls(labelled)
    for operation in plain:
        more.remove(operation)
    assert sorted(more) == [
        "GetItem",
        "GetObject",
        "PutItem",
        "PutObject",
    ]  # the secret, made once; object, predictions


def test_a_part_has_the_same_bytes_with_and_without_a_quality_table(labelled):
    key = capture(labelled, [record(1, 0.9)])
    (name,) = labelled.keys("parts/")
    with_quality = stage_stores().bucket.get(name)
    boto3.client("s3").delete_object(Bucket=labelled.bucket, Key=name)
    labelled.apply(replace(LABELLED, quality=None))
    labelled.cloud.turn(seconds=31)
    body = boto3.client("s3").get_object(Bucket=labelled.bucket, Key=key)["Body"].read()
    boto3.client("s3").put_object(Bucket=labelled.bucket, Key=key, Body=body)
    labelled.cloud.settle()
    assert stage_stores().bucket.get(name) == with_quality


def test_a_reader_that_fails_on_an_object_costs_its_predictions_and_says_so(labelled, monkeypatch, capsys):
    real = prediction_recording.prediction_part

    def failing(key, chunks, *rest):
        if chunks:
            raise RuntimeError("the value 4711 of a customer")
        return real(key, chunks, *rest)

    monkeypatch.setattr(prediction_recording, "prediction_part", failing)
    capture(labelled, [record(1, 0.9)])
    (part,) = prediction_parts()
    assert (part.count, part.skipped) == (0, {"the line cannot be read": 1})
    assert len(labelled.keys("parts/")) == 1
    assert "4711" not in "".join(capsys.readouterr())


def test_predictions_of_a_day_that_may_have_been_evaluated_are_recorded_as_late(labelled):
    store = run_of().quality_parts
    capture(labelled, [record(1, 0.9)])
    assert store.late(ENDPOINT).predictions_from is None
    begun = labelled.cloud.clock.now().replace(second=0, microsecond=0) - timedelta(days=3)
    capture(labelled, [record(2, 0.9)], begun)
    assert store.late(ENDPOINT).predictions_from == begun


def test_backfill_stores_the_predictions_of_captures_from_before_the_quality_table(labelled):
    labelled.apply(replace(LABELLED, quality=None))
    begun = labelled.cloud.clock.now() - timedelta(hours=20)
    capture(labelled, [record(1, 0.9)], begun)
    assert not labelled.keys("predictions/")
    labelled.apply(LABELLED)
    now = labelled.cloud.clock.now()
    found = backfill.backlog(LABELLED, begun - timedelta(hours=1), now)
    assert (len(found.objects), found.have) == (1, 0)
    (counts,) = backfill.create_parts(LABELLED, found.objects)
    assert counts.outcomes == {"given their predictions": 1}
    assert [part.count for part in prediction_parts()] == [1]
    assert backfill.backlog(LABELLED, begun - timedelta(hours=1), now).have == 1


def test_a_deleted_object_leaves_no_predictions(labelled):
    key = capture(labelled, [record(1, 0.9)])
    captured = capture_processing.DataCaptured(
        labelled.bucket, "gone", "", 0, capture_processing.locations.capture_key(key)
    )
    assert prediction_recording.store(run_of(), captured, LABELLED.quality) is None


def test_the_secret_is_made_once_and_never_printed(labelled, capsys):
    first = stage_stores().id_secret.get()
    assert stage_stores().id_secret.get() == first
    capture(labelled, [record(1, 0.9)])
    printed = "".join(capsys.readouterr())
    assert first.hex() not in printed
    assert repr(first) not in printed
    stage_stores().id_secret.erase()
    assert stage_stores().id_secret.get() != first

"""The whole loop on the simulator: requests with ids, labels uploaded late, a model that gets worse, and its alert."""

import json
from datetime import timedelta

import boto3
import numpy as np
import pytest
from msgspec.structs import replace

from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.records import FleetEntry
from tests.services.quality_days import DAY, GOOD, put_baseline, rows_of

ENDPOINT = "fraud"
SETTINGS = QualitySettings(problem_type=ProblemType.BINARY, score="0", label_delay_hours=24, label_limit_hours=72)
WATCHED = FleetEntry(endpoint=ENDPOINT, mode="alert", quality=SETTINGS)
BAD = 0.5
OBJECTS = 8


def capture(world, day, number: int) -> None:
    """What the endpoint answered on a day, as capture objects of an hour each."""
    for part, rows in enumerate(np.array_split(np.arange(len(day.ids)), OBJECTS)):
        begun = day.start + timedelta(hours=3 * part, minutes=5)
        lines = [_line(f"d{number}r{row}", float(day.scores[row]), begun) for row in rows]
        key = f"data-capture/{ENDPOINT}/AllTraffic/{begun:%Y/%m/%d/%H/%M}-00-000-1111.jsonl"
        boto3.client("s3").put_object(Bucket=world.bucket, Key=key, Body="\n".join(lines).encode())
    world.cloud.settle()


def _line(inference_id: str, score: float, at) -> str:
    sides = {
        "endpointInput": {"data": "1,2", "encoding": "CSV"},
        "endpointOutput": {"data": repr(score), "encoding": "CSV"},
    }
    metadata = {
        "eventId": f"e-{inference_id}",
        "inferenceId": inference_id,
        "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
    }
    return json.dumps({"captureData": sides, "eventMetadata": metadata, "eventVersion": "0"})


def upload_labels(world, day, number: int) -> None:
    lines = [f"d{number}r{row},{label}" for row, label in enumerate(day.labels)]
    key = f"ground-truth/{ENDPOINT}/day-{number}.csv"
    boto3.client("s3").put_object(Bucket=world.bucket, Key=key, Body="\n".join(lines).encode())
    world.cloud.settle()


@pytest.fixture
def watched(world):
    world.apply(WATCHED)
    world.cloud.schedules_enabled = False
    world.cloud.mailbox.mails.clear()
    return world


def test_own_records_are_joined_to_labels_without_a_call_to_sagemaker(watched):
    watched.apply(replace(WATCHED, records=f"s3://{watched.bucket}/data-capture"))
    cloud = watched.cloud
    start = (cloud.clock.now() + DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    put_baseline(ENDPOINT, start)
    cloud.recorder.clear()
    day = rows_of(start, GOOD, rows=1_200)
    cloud.turn(to=start + timedelta(hours=23, minutes=50))
    capture(watched, day, 0)
    upload_labels(watched, day, 0)
    cloud.turn(to=start + DAY + timedelta(hours=24.4))
    for function in ("run_monitoring", "sweep"):
        cloud.invoke(function, cloud.scheduled_event(f"vedette-local-{function}"))
        cloud.settle()
    assert watched.keys(f"monitoring/{ENDPOINT}/AllTraffic/quality/{start:%Y-%m-%dT%H-%MZ}_1440m/")
    assert {call.service for call in cloud.recorder.calls} & {"sagemaker", "cloudwatch", "cloudtrail"} == set()


def test_a_model_that_gets_worse_is_an_alert_with_a_page_once_its_labels_have_come(watched):
    cloud = watched.cloud
    start = (cloud.clock.now() + DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    put_baseline(ENDPOINT, start)
    days = {}
    for number in range(7):
        cloud.turn(to=start + number * DAY + timedelta(hours=23, minutes=50))
        days[number] = rows_of(start + number * DAY, GOOD if number < 2 else BAD, rows=1_200)
        capture(watched, days[number], number)
        cloud.turn(to=start + (number + 1) * DAY + timedelta(hours=9))
        upload_labels(watched, days[number], number)
        for moment in (0.2, 24.4):
            cloud.turn(to=max(cloud.clock.now(), start + (number + 1) * DAY + timedelta(hours=moment)))
            cloud.invoke("run_monitoring", cloud.scheduled_event("vedette-local-run_monitoring"))
            cloud.settle()
    of_quality = [mail for mail in cloud.mailbox.mails if "--window quality/" in mail.text]
    assert [mail.attributes["kind"] for mail in of_quality] == ["violations"]
    text = " ".join(of_quality[0].text.split())
    third = start + 3 * DAY
    assert f"--window quality/{third:%Y-%m-%d}" in text
    keys = watched.keys(f"monitoring/{ENDPOINT}/AllTraffic/quality/{third:%Y-%m-%dT%H-%MZ}_1440m/")
    names = {key.rpartition("/")[2] for key in keys}
    files = {"execution.json", "joined.json", "statistics.json", "constraint_violations.json", "report.html"}
    assert files <= names
    [page] = [key for key in keys if key.endswith("0001/report.html")]
    shown = boto3.client("s3").get_object(Bucket=watched.bucket, Key=page)["Body"].read().decode()
    assert of_quality[0].subject.split(": ")[1][:30] in shown
    for part in ("Confusion matrix", "ROC", "Precision and recall", "Which predictions have a label"):
        assert part in shown

"""Captured data lie where SageMaker puts them, in the forms it writes."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta

import pytest


def records(account):
    return [
        json.loads(line)
        for key in account.captured()
        for line in account.cloud.read(f"s3://{account.bucket}/{key}").decode().splitlines()
    ]


def test_a_record_has_the_documented_form(account):
    account.endpoint(**account.capturing())
    account.predict("1,2\n12,13", InferenceId="i-1", CustomAttributes="vedette-probe=1")
    account.predict("3,4")
    account.cloud.runtime.flush()
    first, second = records(account)
    assert first == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": "1,2\n12,13",
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "text/csv; charset=utf-8",
                "mode": "OUTPUT",
                "data": "0.0\n1.0\n",
                "encoding": "CSV",
            },
        },
        "eventMetadata": {
            "eventId": first["eventMetadata"]["eventId"],
            "customAttributes": ["vedette-probe=1"],
            "inferenceId": "i-1",
            "inferenceTime": "2026-03-02T09:05:00Z",
        },
        "eventVersion": "0",
    }
    assert second["eventMetadata"].keys() == {"eventId", "inferenceTime"}


def test_the_fields_are_those_of_real_captures(account, conformance):
    name = "awsdocs__amazon-sagemaker-developer-guide_raw_input-CSV+output-CSV.jsonl"
    real = json.loads((conformance / "capture" / name).read_text().splitlines()[0])
    account.endpoint(**account.capturing())
    account.predict()
    account.cloud.runtime.flush()
    (ours,) = records(account)
    assert ours.keys() == real.keys()
    assert ours["eventMetadata"].keys() == real["eventMetadata"].keys()
    for side in ("endpointInput", "endpointOutput"):
        assert ours["captureData"][side].keys() == real["captureData"][side].keys()


def test_a_file_is_named_for_its_beginning_takes_a_minute_and_comes_two_minutes_later(account):
    account.endpoint(**account.capturing())
    for _ in range(4):
        account.predict()
        account.cloud.turn(seconds=25)
    assert account.captured() == []
    account.cloud.turn(minutes=3)
    names = [key.removeprefix("data-capture/site/AllTraffic/2026/03/02/09/") for key in account.captured()]
    uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert re.fullmatch(rf"05-00-000-{uuid}\.jsonl", names[0])
    assert re.fullmatch(rf"06-15-000-{uuid}\.jsonl", names[1])
    assert [record["eventMetadata"]["inferenceTime"][14:19] for record in records(account)] == [
        "05:00",
        "05:25",
        "05:50",
        "06:15",
    ]


def test_the_folder_is_the_hour_of_the_invocation(account_with):
    with account_with(datetime(2026, 3, 2, 9, 54, 30, tzinfo=UTC)) as account:
        account.endpoint(**account.capturing())
        account.predict()
        account.cloud.turn(seconds=45)
        account.predict()
        account.cloud.turn(minutes=5)
        hours = [key.split("/")[-2] for key in account.captured()]
        assert hours == ["09", "10"]


def test_delivery_is_announced_like_any_other_object(account):
    account.endpoint(**account.capturing())
    account.cloud.capture_delay = timedelta(minutes=10)
    account.predict()
    account.cloud.turn(minutes=10)
    assert account.captured() == []
    account.cloud.turn(minutes=1)
    (key,) = account.captured()
    assert account.events("Object Created")[-1]["detail"]["object"]["key"] == key


def test_without_header_lists_everything_is_base64(account):
    account.endpoint(**account.capturing(CaptureContentTypeHeader={"CsvContentTypes": ["text/plain"]}))
    account.predict("1,2")
    account.cloud.runtime.flush()
    (record,) = records(account)
    side = record["captureData"]["endpointInput"]
    assert (side["encoding"], base64.b64decode(side["data"])) == ("BASE64", b"1,2")


def test_json_is_kept_as_text_inside_a_string(account):
    account.endpoint(**account.capturing())
    body = '{"instances": [[1, 2]]}'
    account.predict(body, ContentType="application/json", Accept="application/json")
    account.cloud.runtime.flush()
    (record,) = records(account)
    sides = record["captureData"]
    assert (sides["endpointInput"]["encoding"], sides["endpointInput"]["data"]) == ("JSON", body)
    assert json.loads(sides["endpointOutput"]["data"]) == {"predictions": [{"predicted_label": 0.0}]}


@pytest.mark.parametrize(
    ("mode", "sides"), [("Input", {"endpointInput"}), ("InputAndOutput", {"endpointInput", "endpointOutput"})]
)
def test_only_the_chosen_sides_are_captured(account, mode, sides):
    account.endpoint(**account.capturing(CaptureOptions=[{"CaptureMode": mode}]))
    account.predict()
    account.cloud.runtime.flush()
    assert records(account)[0]["captureData"].keys() == sides


def test_a_refused_request_is_captured_without_a_content_type_of_its_answer(account, refused):
    account.endpoint(**account.capturing())
    with refused():
        account.predict("1")
    account.cloud.runtime.flush()
    output = records(account)[0]["captureData"]["endpointOutput"]
    assert (output["observedContentType"], output["encoding"]) == (None, "BASE64")
    assert json.loads(base64.b64decode(output["data"]))["code"] == 400


def test_sampling_takes_about_its_percentage_and_the_same_ones_each_time(account_with):
    def sampled(seed):
        with account_with(seed=seed) as account:
            account.endpoint(**account.capturing(InitialSamplingPercentage=20))
            for number in range(100):
                account.predict(f"{number},1")
            account.cloud.runtime.flush()
            return [record["captureData"]["endpointInput"]["data"] for record in records(account)]

    first = sampled(1)
    assert 10 < len(first) < 32
    assert first == sampled(1) != sampled(2)


def test_capture_that_is_off_or_cannot_be_written_says_nothing(account):
    account.endpoint("off", **account.capturing(EnableCapture=False))
    account.endpoint("lost", **account.capturing(DestinationS3Uri="s3://no-such-bucket/x"))
    account.predict(name="off")
    account.predict(name="lost")
    account.cloud.runtime.flush()
    assert account.captured() == []
    assert len(account.cloud.undelivered_captures) == 1
    described = account.client("sagemaker").describe_endpoint(EndpointName="off")
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Stopped"

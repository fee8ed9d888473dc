"""Capture, requests and traffic, as a person switches and sends them."""

import boto3
import pytest

from tests.operations.installed_stage import SITE

WATCHED = "first-look"


def test_capture_of_an_endpoint_that_vedette_does_not_deploy_is_a_copy_of_its_config_with_capture_alone_changed(stage):
    stage.by_hand(WATCHED)
    boto3.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=WATCHED, DesiredWeightsAndCapacities=[{"VariantName": "blue", "DesiredInstanceCount": 5}]
    )
    stage.cloud.turn(minutes=5)
    before = stage.config(WATCHED)
    assert f"{WATCHED} is off." in stage.done("capture", "status", WATCHED)
    assert stage.answer("capture", "on", WATCHED, "--percentage", 40, "--yes")["changed"] is True
    stage.cloud.turn(minutes=10)
    after = stage.config(WATCHED)
    captured = after["DataCaptureConfig"]
    assert (captured["InitialSamplingPercentage"], captured["EnableCapture"]) == (40, True)
    assert captured["CaptureContentTypeHeader"]["CsvContentTypes"] == ["text/csv"]
    assert after["ProductionVariants"] == before["ProductionVariants"]
    described = boto3.client("sagemaker").describe_endpoint(EndpointName=WATCHED)
    assert described["ProductionVariants"][0]["DesiredInstanceCount"] == 5
    tags = boto3.client("sagemaker").list_tags(ResourceArn=after["EndpointConfigArn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "search", "vedette:endpoint": WATCHED}
    assert stage.answer("capture", "status", WATCHED)["percentage"] == 40


def test_on_off_and_on_again_is_two_configs_and_what_is_so_already_changes_nothing(stage):
    stage.by_hand(WATCHED, capture=True)
    names = []
    for state in ("on", "off", "on", "off", "on"):
        stage.done("capture", state, WATCHED, *(["--percentage", 50] if state == "on" else []), "--yes")
        stage.cloud.turn(minutes=10)
        names.append(stage.config(WATCHED)["EndpointConfigName"])
    assert names[0] == names[2] == names[4] != names[1] == names[3]
    before = len(stage.changes())
    assert "already has these settings" in stage.done("capture", "on", WATCHED, "--percentage", 50, "--yes")
    assert stage.changes()[before:] == []
    assert stage.config(WATCHED)["DataCaptureConfig"]["CaptureOptions"] == [{"CaptureMode": "Input"}]


def test_capture_of_an_endpoint_that_vedette_deploys_is_changed_in_the_fleet_and_deployed_at_once(stage):
    stage.deployed()
    stage.cloud.schedules_enabled = False
    shown = stage.done("capture", "off", SITE, "--dry-run")
    assert "preferred-site: capture_percentage: 100 -> 0" in shown
    stage.done("capture", "off", SITE, "--yes")
    stage.cloud.turn(minutes=10)
    assert stage.config()["DataCaptureConfig"]["EnableCapture"] is False
    assert stage.answer("fleet", "show")["entries"][0]["capture_percentage"] == 0
    assert (stage.served(), len(stage.cloud.sagemaker.hosting.models)) == ("1", 1)


def test_what_cannot_be_captured_is_one_sentence(stage):
    assert stage.refused("capture", "on", "no-such", "--yes") == "There is no endpoint no-such in eu-west-1."
    stage.by_hand(WATCHED)
    stage.cloud.sagemaker.force_status(WATCHED, "Updating")
    assert "first-look is Updating" in stage.refused("capture", "on", WATCHED, "--yes")


@pytest.mark.parametrize("payload", ["60,70", "-60,70", "@"])
def test_a_request_is_answered_with_what_the_model_says(stage, tmp_path, payload):
    stage.by_hand(WATCHED)
    if payload == "@":
        (tmp_path / "row.csv").write_text("60,70\n")
        payload = f"@{tmp_path / 'row.csv'}"
    answer = stage.answer("invoke", WATCHED, payload, "--accept", "application/json")
    assert (answer["content_type"], answer["variant"]) == ("application/json", "blue")
    assert "predicted_label" in answer["body"]


def test_a_request_that_is_refused_is_one_sentence(stage):
    stage.by_hand(WATCHED)
    assert stage.refused("invoke", "no-such", "1,2").startswith("no-such: ")
    assert stage.refused("invoke", WATCHED, "not,numbers").startswith("first-look: ModelError: ")


@pytest.fixture
def rows(tmp_path):
    (tmp_path / "good.csv").write_text("1,2\n\n3,4\n5,6\n")
    (tmp_path / "bad.csv").write_text("1,2.50\n")
    return tmp_path


def test_traffic_is_sent_at_a_steady_pace_good_and_bad_mixed(stage, rows):
    stage.by_hand(WATCHED)
    begun = stage.cloud.clock.now()
    said = stage.answer(
        "simulate", WATCHED, "--good", rows / "good.csv", "--bad", rows / "bad.csv", "--every", "30s", "--count", 9
    )
    assert said == {"endpoint": WATCHED, "good": 5, "bad": 4, "failed": {}}
    assert (stage.cloud.clock.now() - begun).total_seconds() == 8 * 30


def test_an_interruption_ends_the_traffic_with_what_was_sent(stage, rows, monkeypatch):
    stage.by_hand(WATCHED)

    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    assert "Sent 1 requests: 1 good, 0 bad; failed: none." in stage.done(
        "simulate", WATCHED, "--good", rows / "good.csv"
    )


def test_what_the_model_refuses_is_counted_and_an_endpoint_that_is_not_there_ends_it(stage, rows):
    stage.by_hand(WATCHED)
    (rows / "words.csv").write_text("not,numbers\n")
    said = stage.answer("simulate", WATCHED, "--good", rows / "words.csv", "--every", "1s", "--count", 3)
    assert said["failed"] == {"ModelError": 3}
    (rows / "empty.csv").write_text("\n")
    assert stage.refused("simulate", WATCHED, "--good", rows / "empty.csv").endswith("empty.csv: no rows")
    assert stage.refused("simulate", "no-such", "--good", rows / "good.csv").startswith("no-such: ")

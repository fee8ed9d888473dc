"""The same for rarer mails: late, held back, of whole days, about capture, and of Model Monitor's schedules.

| kind of mail                                     | its commands run in                       |
|--------------------------------------------------|-------------------------------------------|
| a captured object, an open window, closed ones   | test_commands_of_mails                    |
| few rows, missing columns, a recovery            | test_commands_of_mails                    |
| deployed, deployed again, failed, no baseline    | test_commands_of_mails                    |
| nothing captured, a deleted endpoint, a test     | test_commands_of_mails                    |
| late data, held back                             | here                                      |
| sudden and slow drift of days                    | here                                      |
| capture off, stopped, unreadable objects         | here                                      |
| violations and failures of schedules             | here                                      |
| an older version, an unknown endpoint, a team    | here                                      |
"""

import json

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.constraints.measurement import Checks
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.records import FleetEntry
from chalicelib.services import alerting, monitoring, window_evaluation
from chalicelib.settings import settings
from chalicelib.statistics import BASELINE_K
from chalicelib.window import DAY, Window
from tests.capture.captures import line, side
from tests.cli.checked_mails import one_line
from tests.cli.test_results import schedule
from tests.operations.evaluated_windows import baseline, send, watched
from tests.operations.installed_stage import OTHER, SITE
from tests.runs import pass_hours, run_of
from tests.services.captured_days import capture_day, table_of
from vedette.demo import user_actions
from vedette.local.errors import AwsError
from vedette.local.sagemaker.executions import Report

COMPLETENESS = "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 87.5%."


def test_a_mail_about_late_data_names_the_window_of_that_data(stage, checked):
    watched(stage)
    begun = stage.cloud.clock.now()
    for _ in range(3):
        send(stage, good=40)
        pass_hours(stage.cloud, 1)
    key = f"data-capture/{SITE}/AllTraffic/{begun:%Y/%m/%d/%H/%M}-00-000-late.jsonl"
    stage.cloud.write(f"s3://{stage.bucket}/{key}", line(side("12,34.5"), side("1.0")) * 200)
    pass_hours(stage.cloud, 1)
    checked.check()
    assert checked.of("b is not Integral") == ["show violations", "replay", "constraints accept", "alerts mute"]
    text = stage.cloud.mailbox.last.text
    assert "Late      this data arrived after its window had been evaluated" in text
    assert "--window 2026-03-02T10:00" in text


def test_a_summary_of_held_back_mails_lists_the_alerts(stage, checked):
    watched(stage)
    user_actions.apply_fleet(stage.entry(alerts_per_hour=1))
    send(stage, good=20, bad=20)
    stage.cloud.turn(minutes=4)
    user_actions.predict(SITE, [("12.5", "34")] * 40)
    stage.cloud.turn(minutes=4)
    assert checked.of("b is not Integral")
    stage.cloud.turn(minutes=70)
    assert checked.of("1 message suppressed") == ["alerts list"]
    listed = stage.run("alerts", "list", SITE)
    assert "data_type_check" in listed.output


class Days:
    """Days of an endpoint that is served since the first of them, stored as parts, each evaluated at its end."""

    def __init__(self, stage):
        self.stage = stage
        stage.deployed()
        stage.cloud.schedules_enabled = False
        self.first = stage.cloud.clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        training = replace(table_of(self.first, 0.0, BASELINE_K), names=("label", "a", "b"))
        user_actions.put_baseline_in_force(SITE, "training", suggested_constraints(training), training)
        self.passed = 0

    def day(self, shift: float = 0.0) -> None:
        window = Window(self.first + self.passed * DAY, DAY)
        self.passed += 1
        capture_day(SITE, window.start, shift)
        self.stage.cloud.turn(to=window.end)
        run = run_of()
        keys = run.stores.parts.keys(SITE, "AllTraffic", window.start, window.end)
        context = monitoring.evaluation_context(run)
        made = window_evaluation.evaluate_window(context, "AllTraffic", window, keys, Checks.DRIFT, variant_exists=True)
        alerting.alert_on(run, made)


@pytest.mark.parametrize(
    ("shifts", "subject", "kinds"),
    [
        ([1.5] * 2, "has drifted suddenly", ["show violations", "replay", "constraints accept", "alerts mute"]),
        ([0.04 * day for day in range(1, 29)], "has drifted slowly", ["report", "constraints accept"]),
    ],
)
def test_the_mails_about_drift_of_days_name_the_day(stage, checked, shifts, subject, kinds):
    days = Days(stage)
    for shift in [0.0] * 15 + shifts:
        days.day(shift)
        if any(subject in mail.subject for mail in stage.cloud.mailbox.mails):
            break
    checked.check()
    assert checked.of(subject) == kinds
    (mail,) = [mail for mail in stage.cloud.mailbox.mails if subject in mail.subject]
    day = f"{days.first + (days.passed - 1) * DAY:%Y-%m-%d}"
    assert f"--window {day}" in mail.text


def test_stopped_capture_offers_to_look_at_capture(stage, checked):
    watched(stage)
    send(stage, good=40)
    pass_hours(stage.cloud, 1)
    stage.cloud.runtime.capture.record = lambda *arguments: None  # the endpoint answers, and nothing is written
    for _ in range(4):
        for _ in range(10):
            send(stage, good=20)
        stage.cloud.turn(minutes=15)
    pass_hours(stage.cloud, 1)
    checked.check()
    assert checked.of("has traffic, but nothing is captured") == ["capture status", "alerts mute"]


def test_conditions_of_an_endpoint_that_vedette_only_watches(stage, checked, monkeypatch):
    stage.by_hand(OTHER, capture=True)
    monkeypatch.setenv("VEDETTE_TOPICS", f"fraud={settings().topic_arn}")
    settings.cache_clear()
    user_actions.apply_fleet(
        FleetEntry(endpoint=OTHER, mode="alert", capture_uri=f"s3://{stage.bucket}/data-capture", team="search"),
        FleetEntry(endpoint="never-made", mode="alert"),
    )
    pass_hours(stage.cloud, 2)
    checked.check()
    assert checked.of("the team search has no topic") == ["status"]
    assert checked.of("never-made") == ["delete"]
    capture = {
        "EnableCapture": False,
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": f"s3://{stage.bucket}/data-capture",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    sagemaker = boto3.client("sagemaker")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=f"{OTHER}-config")
    sagemaker.create_endpoint_config(
        EndpointConfigName=f"{OTHER}-off", ProductionVariants=config["ProductionVariants"], DataCaptureConfig=capture
    )
    sagemaker.update_endpoint(EndpointName=OTHER, EndpointConfigName=f"{OTHER}-off")
    stage.cloud.turn(minutes=10)
    pass_hours(stage.cloud, 2)
    checked.check()
    assert checked.of("data capture of the endpoint is off") == ["capture status"]


def test_objects_that_cannot_be_read_offer_to_see_all_of_them(stage, checked):
    watched(stage)

    def gate(call):
        if call.operation == "GetObject" and call.parameters.get("Key", "").endswith("refused.jsonl"):
            raise AwsError("AccessDenied", "Refused.", 403)

    stage.cloud.faults.gate = gate
    send(stage, good=40)
    stage.cloud.turn(minutes=5)
    key = f"data-capture/{SITE}/AllTraffic/{stage.cloud.clock.now():%Y/%m/%d/%H/%M}-00-000-refused.jsonl"
    stage.cloud.write(f"s3://{stage.bucket}/{key}", line(side("12,34"), side("1.0")) * 40)
    stage.cloud.turn(minutes=20)
    assert checked.of("1 captured object cannot be read") == ["status"]
    assert "refused.jsonl cannot be read" in one_line(stage.run("status", SITE).output)


def test_schedules_of_model_monitor_name_the_files_of_their_execution(stage, checked):
    watched(stage)
    user_actions.apply_fleet(stage.entry(mode="alert", package_group=""))
    schedule(stage)
    found = {"feature_name": "a", "constraint_check_type": "completeness_check", "description": COMPLETENESS}
    files = {"constraint_violations.json": json.dumps({"violations": [found]}).encode()}
    stage.cloud.sagemaker.monitoring.monitor = lambda execution: Report(violations=1, files=files)
    for _ in range(2):
        send(stage, good=40)
        stage.cloud.turn(minutes=60)
    assert checked.of("a is missing in more rows") == ["alerts mute"]
    stage.cloud.sagemaker.monitoring.fail_next_without_job("hourly", "No capacity for ml.m5.xlarge.")
    send(stage, good=40)
    stage.cloud.turn(minutes=90)
    assert checked.of("the evaluation failed") == ["alerts mute"]


def test_an_older_version_and_a_baseline_that_cannot_be_read(stage, checked):
    arn = stage.register("linear-learner", "PendingManualApproval")
    stage.deployed()
    user_actions.set_approval(arn, "Approved")
    stage.cloud.turn(minutes=20)
    assert checked.of("version 1 was approved, which changes nothing") == ["pin"]
    baseline()
    boto3.client("s3").put_object(Bucket=stage.bucket, Key=f"baselines/{SITE}/v1/constraints.json", Body=b"{")
    send(stage, good=40)
    pass_hours(stage.cloud, 2)
    checked.check()
    assert checked.of("nothing is evaluated") == ["constraints versions"]

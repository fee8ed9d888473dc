"""Model Monitor's own executions become the same alerts, whatever they leave behind, and if they leave nothing."""

import json

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.constraints.measurement import Checks
from chalicelib.quality.constraints import file_violations, suggested_constraints
from chalicelib.quality.evaluation import evaluate_quality
from chalicelib.quality.files import quality_statistics, write_violations
from chalicelib.services import alerting
from tests.alerts.factories import execution
from tests.runs import run_of
from tests.services.quality_days import BAD, BINARY, DAY, rows_of
from vedette.local.sagemaker.executions import Report

ENDPOINT = "preferred-site"
IMAGE = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"
CLUSTER = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}}
SPECIFICATIONS = {
    "DataQuality": ("data_quality", {"ImageUri": IMAGE}),
    "ModelQuality": ("model_quality", {"ImageUri": IMAGE, "ProblemType": "BinaryClassification"}),
    "ModelBias": ("model_bias", {"ImageUri": IMAGE, "ConfigUri": "s3://b/bias.json"}),
    "ModelExplainability": ("model_explainability", {"ImageUri": IMAGE, "ConfigUri": "s3://b/shap.json"}),
}
VIOLATION = {"feature_name": "b", "constraint_check_type": "data_type_check", "description": "Only 50.0% of data is."}
FOUND = {
    "DataQuality": VIOLATION,
    "ModelQuality": {
        "constraint_check_type": "LessThanThreshold",
        "metric_name": "auc",
        "description": "Metric auc with 0.6 was LessThanThreshold '0.8'",
    },
    "ModelBias": {
        "facet": "Sex",
        "facet_value": "0",
        "metric_name": "CDDPL",
        "constraint_check_type": "bias_drift_check",
        "description": "Metric value 0.37 doesn't meet the baseline constraint requirement 0.28",
    },
    "ModelExplainability": {
        "label": "label0",
        "metric_name": "shap",
        "constraint_check_type": "feature_attribution_drift_check",
        "description": "Feature attribution drift 0.76 exceeds threshold 0.9",
    },
}
SUBJECTS = {"DataQuality": "b", "ModelQuality": "auc", "ModelBias": "Sex=0", "ModelExplainability": "label0"}


@pytest.fixture
def monitored(world):
    """An endpoint whose mails about Vedette's own windows are not what is looked at; make a schedule of a kind."""
    world.deployed()
    world.apply(replace(world.fleet.entry(ENDPOINT), mode="alert"))
    boto3.client("s3").delete_object(Bucket=world.bucket, Key=f"baselines/{ENDPOINT}/current.json")
    sagemaker = boto3.client("sagemaker")

    def schedule(kind, monitor):
        word, specification = SPECIFICATIONS[kind]
        given = {"EndpointInput": {"EndpointName": ENDPOINT, "LocalPath": "/opt/ml/processing/input"}}
        if kind in ("ModelQuality", "ModelBias"):
            given["GroundTruthS3Input"] = {"S3Uri": f"s3://{world.bucket}/labels"}
        target = {"S3Uri": f"s3://{world.bucket}/monitor", "LocalPath": "/opt/ml/processing/output"}
        getattr(sagemaker, f"create_{word}_job_definition")(
            JobDefinitionName=f"{kind}-definition",
            JobResources=CLUSTER,
            RoleArn="arn:aws:iam::123456789012:role/monitor",
            **{
                f"{kind}AppSpecification": specification,
                f"{kind}JobInput": given,
                f"{kind}JobOutputConfig": {"MonitoringOutputs": [{"S3Output": target}]},
            },
        )
        sagemaker.create_monitoring_schedule(
            MonitoringScheduleName="hourly",
            MonitoringScheduleConfig={
                "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
                "MonitoringJobDefinitionName": f"{kind}-definition",
                "MonitoringType": kind,
            },
        )
        world.cloud.sagemaker.monitoring.monitor = monitor
        world.cloud.mailbox.mails.clear()

    world.schedule = schedule
    return world


def reported(world):
    """The mails about the schedule."""
    return [mail for mail in world.cloud.mailbox.mails if "has no baseline" not in mail.subject]


def report(*violations, name="constraint_violations.json", **more):
    files = {name: json.dumps({"violations": list(violations)}).encode()}
    return Report(violations=len(violations), files=files, **more)


@pytest.mark.parametrize("kind", sorted(SPECIFICATIONS))
def test_a_violation_of_every_monitor_type_is_one_mail_however_many_hours_it_goes_on(monitored, kind):
    monitored.schedule(kind, lambda execution: report(FOUND[kind]))
    monitored.cloud.turn(hours=4, minutes=30)
    (mail,) = reported(monitored)
    assert SUBJECTS[kind] in mail.subject
    assert FOUND[kind]["description"].split("'")[0].split()[0] in mail.text
    assert "schedule hourly" in mail.text


def test_a_clean_run_says_nothing_and_ends_what_was_said(monitored):
    runs = iter([report(VIOLATION)] + [report()] * 9)
    monitored.schedule("DataQuality", lambda execution: next(runs))
    monitored.cloud.turn(hours=4, minutes=30)
    assert [mail.attributes["kind"] for mail in reported(monitored)] == ["violations", "recovered"]


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (report(VIOLATION, name="constraints_violations.json"), "Only 50.0% of data is."),
        (Report(violations=3), "3 violations were announced, but the report has no violations file"),
        (Report(violations=3, files={"constraint_violations.json": b"{"}), "but the report cannot be read"),
        (report(VIOLATION, exit_message="done"), "Only 50.0% of data is."),
        (
            Report(violations=3, exit_message="done"),
            "Violations were announced, but the report has no violations file",
        ),
    ],
    ids=["misspelt", "absent", "unreadable", "other exit message", "other exit message, absent"],
)
def test_a_report_may_be_misspelt_absent_or_unreadable(monitored, left, words):
    monitored.schedule("DataQuality", lambda execution: left)
    monitored.cloud.turn(hours=1, minutes=50)
    mails = reported(monitored)
    assert len(mails) == 1
    assert words in " ".join(mails[0].text.split())


def test_a_report_that_comes_late_is_waited_for(monitored):
    seen = []

    def monitor(execution):
        seen.append(execution)
        return Report(violations=1)

    monitored.schedule("DataQuality", monitor)
    while not seen:
        monitored.cloud.turn(minutes=1)
    content = json.dumps({"violations": [VIOLATION]}).encode()
    monitored.cloud.write(f"{seen[0].output_uri}/constraint_violations.json", content)
    monitored.cloud.turn(minutes=20)
    (mail,) = reported(monitored)
    assert "Only 50.0% of data is." in mail.text


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (Report(failure_reason="AlgorithmError: out of memory"), "AlgorithmError: out of memory"),
        (Report(stopped=True), "Stopped"),
    ],
)
def test_a_run_that_failed_or_was_stopped_is_a_monitor_that_could_not_evaluate(monitored, left, words):
    monitored.schedule("DataQuality", lambda execution: left)
    monitored.cloud.turn(hours=3, minutes=30)
    (mail,) = reported(monitored)
    assert mail.attributes["kind"] == "monitor failed"
    assert words in mail.text


def test_labels_that_are_missing_end_the_execution_at_its_merge_job(monitored):
    monitored.schedule("ModelQuality", lambda execution: Report(merge_failure="No S3 objects found under S3 URL x"))
    monitored.cloud.turn(hours=1, minutes=50)
    (mail,) = reported(monitored)
    assert mail.attributes["kind"] == "monitor failed"
    assert "the ground truth could not be merged with the captures" in " ".join(mail.text.split())


def test_an_execution_that_never_had_a_job_is_found_by_the_sweep(monitored):
    monitored.schedule("DataQuality", lambda execution: report())
    monitored.cloud.sagemaker.monitoring.fail_next_without_job("hourly", "InternalServerError")
    monitored.cloud.turn(hours=1, minutes=50)
    (mail,) = reported(monitored)
    assert "the execution never had a processing job: InternalServerError" in " ".join(mail.text.split())


def test_an_execution_whose_event_was_lost_is_found_by_the_sweep(monitored):
    monitored.cloud.bus.drop(lambda event, function: function == "on_monitoring_execution")
    monitored.schedule("DataQuality", lambda execution: report(VIOLATION))
    monitored.cloud.turn(hours=1, minutes=50)
    (mail,) = reported(monitored)
    assert "Only 50.0% of data is." in mail.text


def test_no_data_with_traffic_is_a_capture_that_stopped(monitored):
    failed = Report(failure_reason='No S3 objects found under S3 URL "s3://x"')
    monitored.schedule("DataQuality", lambda execution: failed)
    monitored.send(good=5)
    monitored.cloud.turn(hours=1, minutes=50)
    (mail,) = reported(monitored)
    assert mail.attributes["kind"] == "capture stopped"
    assert "Model Monitor found nothing captured" in " ".join(mail.text.split())


def test_no_data_without_traffic_is_no_data(monitored):
    failed = Report(failure_reason="Job inputs had no data")
    monitored.cloud.turn(hours=1)
    monitored.schedule("DataQuality", lambda execution: failed)
    monitored.cloud.turn(hours=1, minutes=50)
    assert [mail.attributes["kind"] for mail in reported(monitored)] in ([], ["no data"])


def test_a_metric_of_model_quality_is_the_alert_that_vedette_sends_told_apart_by_its_source(monitored):
    """The violation of a report is what Vedette's own evaluation of the same rows writes and alerts on."""
    world, start = monitored, monitored.cloud.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    worse = rows_of(start, BAD).state()
    found = quality_statistics(worse, BINARY)
    good = quality_statistics(rows_of(start - DAY).state(), BINARY)
    thresholds = suggested_constraints({"recall": good.values["recall"]}, BINARY.type)
    evaluated = evaluate_quality([worse], thresholds, BINARY)
    theirs = Report(
        violations=1,
        files={
            "constraint_violations.json": write_violations(file_violations(found.values, found.deviations, thresholds))
        },
    )
    world.schedule("ModelQuality", lambda execution: theirs)
    world.cloud.turn(hours=4, minutes=30)
    ours = execution(*evaluated.measurements, checks_run=Checks.QUALITY, verdict=evaluated.verdict)
    for number in range(3):
        window = {"window_start": start + number * DAY, "window_end": start + (number + 1) * DAY}
        alerting.alert_on(run_of(ENDPOINT), replace(ours, folder=f"monitoring/{number}/", **window))
    by_source = {one["source"]: one for one in world.cloud.mailbox.messages if one["kind"] == "violations"}
    assert by_source.keys() == {"vedette", "model monitor"}
    mine, other = by_source["vedette"], by_source["model monitor"]
    assert (mine["variant"], other["variant"]) == ("AllTraffic", "schedule hourly")
    (item,), (same,) = mine["items"], other["items"]
    for name in ("subject", "check", "state", "expected", "value", "threshold", "description"):
        assert item[name] == same[name], name
    assert item["fingerprint"] != same["fingerprint"], "each is muted by itself"
    assert same["observed"].split(" ")[0] == item["observed"].split(" ")[0]
    assert other["headline"] == f"recall is {same['observed']}, expected {item['expected']}"
    assert any("Check that the labels are right" in step for step in mine["what_to_do"])
    assert any("Check that the labels are right" in step for step in other["what_to_do"])

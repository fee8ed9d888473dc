"""Own records: any place in capture form is watched like the captures of an endpoint, and SageMaker is not called."""

import json
from datetime import timedelta

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.records import Delivery, SweepCheckpoint
from tests.cli.checked_mails import commands
from tests.cli.watched_endpoint import CHURN, LAKE, churn, lake, rows, write_constraints
from tests.runs import pass_hours
from vedette.demo import user_actions

__all__ = ["lake"]
SCORES = "scores"
ABOUT_ENDPOINTS = ("sagemaker", "sagemaker-runtime", "cloudwatch", "cloudtrail")


@pytest.fixture
def place(stage):
    """A place that the stage reads."""
    return f"s3://{stage.bucket}/data-capture"


@pytest.fixture
def scores(stage, place, tmp_path):
    """Records that are watched in mode alert, and nothing else; calls to AWS are counted from here on."""
    write_constraints(tmp_path)
    user_actions.apply_fleet()
    stage.cloud.recorder.clear()
    stage.done("watch", SCORES, "--records", place, "--baseline", tmp_path, "--mode", "alert", "--yes")
    return stage


def key(stage, variant: str = "blue", name: str = "x", ago: timedelta = timedelta(0)) -> str:
    begun = stage.cloud.clock.now() - ago
    return f"data-capture/{SCORES}/{variant}/{begun:%Y/%m/%d/%H/%M}-00-000-{name}.jsonl"


def write(stage, content: bytes, **of_key) -> None:
    boto3.client("s3").put_object(Bucket=stage.bucket, Key=key(stage, **of_key), Body=content)
    stage.cloud.settle()


def state_change(stage) -> None:
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:endpoint/{SCORES}"
    detail = {"EndpointName": SCORES, "EndpointArn": arn, "EndpointStatus": "IN_SERVICE"}
    stage.cloud.account.announce("SageMaker Endpoint State Change", arn, detail)
    stage.cloud.settle()


def calls_about_endpoints(stage) -> set[str]:
    """The calls to SageMaker, CloudWatch and CloudTrail so far; metrics that functions log are no calls."""
    return {call.name for call in stage.cloud.recorder.calls if call.service in ABOUT_ENDPOINTS}


def subjects(stage) -> list[str]:
    return [mail.subject for mail in stage.cloud.mailbox.mails]


def test_nothing_that_happens_to_own_records_calls_sagemaker(scores, tmp_path):
    write(scores, rows(40))
    pass_hours(scores.cloud, 1)
    write(scores, rows(20) + rows(20, b="2.5"), name="y")  # violates at once
    pass_hours(scores.cloud, 4)  # then silence
    state_change(scores)  # of a serverless endpoint that has the same name
    for arguments in (
        ("status",),
        ("status", SCORES),
        ("show", "violations", SCORES),
        ("show", "statistics", SCORES),
        ("show", "schedule", SCORES),
        ("alerts", "list", SCORES),
        ("report", SCORES, "-o", tmp_path / "page.html"),
        ("replay", SCORES, "--from", "1d"),
        ("backfill", SCORES, "--from", "1d", "--yes"),
        ("fleet", "show"),
        ("constraints", "show", SCORES),
        ("baseline", "--from-captures", f"s3://{scores.bucket}/data-capture/{SCORES}", "-o", tmp_path / "new"),
        ("constraints", "use", SCORES, "--from", tmp_path, "--reason", "as before", "--yes"),
        ("watch", SCORES),
        ("unwatch", SCORES, "--dry-run"),
        ("delete", SCORES, "--yes"),
    ):
        result = scores.run(*arguments)
        assert result.exit_code in {0, 1}, (arguments, result.output)
    ran = {call.function for call in scores.cloud.recorder.calls}
    assert ran >= {"on_data_captured", "sweep", "run_monitoring", "on_monitoring_execution", "on_endpoint_state_change"}
    assert calls_about_endpoints(scores) == set()


def test_the_same_of_an_endpoint_does(stage, lake, tmp_path):
    """What the test above counts are the services that are called about an endpoint."""
    churn(stage, destination=f"s3://{stage.bucket}/data-capture")
    user_actions.apply_fleet()
    stage.cloud.recorder.clear()
    stage.done("watch", CHURN, "--mode", "alert", "--yes")
    write_constraints(tmp_path)
    stage.done("constraints", "use", CHURN, "--from", tmp_path, "--reason", "first", "--yes")
    user_actions.predict(CHURN, [("1", "2")] * 40)
    pass_hours(stage.cloud, 3)
    assert {"sagemaker:DescribeEndpoint", "cloudwatch:GetMetricStatistics"} <= calls_about_endpoints(stage)


def test_own_records_are_evaluated_and_alerted_like_captures(scores):
    write(scores, rows(20) + rows(20, b="2.5"))
    pass_hours(scores.cloud, 1)
    assert [subject for subject in subjects(scores) if "b is not Integral" in subject]
    assert "b is not Integral in 50.0% of 40 rows" in scores.run("show", "violations", SCORES).output
    status = scores.run("status", SCORES, "--json")
    (found,) = json.loads(status.stdout)["endpoints"]
    assert (found["records"], found["served"], found["state"], found["missing"]) == (
        f"s3://{scores.bucket}/data-capture", "", "", [],
    )  # fmt: skip
    assert "own records" in " ".join(scores.run("status").output.split())


def test_a_window_without_records_is_no_data_and_says_what_to_look_at(scores):
    entry = stage_stores().fleet.get().entry(SCORES)
    user_actions.apply_fleet(replace(entry, drift_window_minutes=60))  # a window of drift alerts
    write(scores, rows(40))
    pass_hours(scores.cloud, 3)
    (mail,) = [mail for mail in scores.cloud.mailbox.mails if "nothing was captured" in mail.subject]
    text = " ".join(mail.text.split())
    assert f"check the program that writes their records, and its s3:PutObject on s3://{scores.bucket}" in text
    assert any(one.startswith(f"vedette watch {SCORES}") for one in commands(mail.text))
    assert "capture status" not in text
    assert "Invocations" not in text
    assert "#/endpoints/" not in text  # SageMaker's console has no page of it
    assert f"/s3/buckets/{scores.bucket}?region=eu-west-1&prefix=data-capture/{SCORES}/" in text


def test_with_a_minimum_volume_an_hour_without_records_alerts(scores, tmp_path):
    document = json.loads((tmp_path / "constraints.json").read_bytes())
    document["volume_constraints"] = {"minimum_rows_per_hour": 10}
    (tmp_path / "constraints.json").write_text(json.dumps(document))
    scores.done("constraints", "use", SCORES, "--from", tmp_path, "--reason", "silence", "--yes")
    write(scores, rows(40))
    pass_hours(scores.cloud, 1)
    assert subjects(scores) == []
    pass_hours(scores.cloud, 1)
    (subject,) = subjects(scores)
    assert "traffic is unusual: 0 rows an hour" in subject


def test_a_new_variant_is_found_by_the_sweep_and_one_whose_records_were_removed_is_not_missed(scores):
    write(scores, rows(40))
    pass_hours(scores.cloud, 1)
    write(scores, rows(40), variant="green", name="y")
    pass_hours(scores.cloud, 1)
    checkpoint = stage_stores().checkpoints.get(SCORES)[0]
    assert (checkpoint.serving.variants, checkpoint.serving.package_version) == (("blue", "green"), "unversioned")
    # All versions: moto lists the folder of a deleted object as long as it has any, and S3 does not.
    versions = boto3.resource("s3").Bucket(scores.bucket).object_versions
    versions.filter(Prefix=f"data-capture/{SCORES}/blue/").delete()
    entry = stage_stores().fleet.get().entry(SCORES)
    user_actions.apply_fleet(replace(entry, drift_window_minutes=60))
    before = len(subjects(scores))
    for hour in range(3):
        write(scores, rows(40), variant="green", name=f"hour-{hour}")
        pass_hours(scores.cloud, 1)
    assert stage_stores().checkpoints.get(SCORES)[0].serving.variants == ("green",)
    assert [subject for subject in subjects(scores)[before:] if "nothing was captured" in subject] == []


def test_commands_about_deployments_and_capture_are_refused_in_one_sentence(scores):
    expected = (
        f"{SCORES} is a name for records in s3://{scores.bucket}/data-capture; this command is for endpoints of"
        " SageMaker."
    )
    for arguments in (
        ("plan", SCORES),
        ("pin", SCORES, "--version", "1"),
        ("deploy", SCORES, "--version", "1"),
        ("rollback", SCORES),
        ("unpin", SCORES),
        ("retry", SCORES),
        ("adopt", SCORES),
        ("history", SCORES),
        ("failed-versions", SCORES),
        ("capture", "on", SCORES),
        ("capture", "off", SCORES),
        ("capture", "status", SCORES),
    ):
        assert scores.refused(*arguments) == expected
    assert calls_about_endpoints(scores) == set()


def test_deleting_removes_the_name_from_the_fleet_alone(scores):
    write(scores, rows(40))
    said = scores.done("delete", SCORES, "--delete-endpoint", "--yes")
    assert f"remove {SCORES} from the fleet" in said
    assert stage_stores().fleet.get().entry(SCORES) is None
    assert list(stage_stores().bucket.list_objects(f"data-capture/{SCORES}/"))


# --- watch ------------------------------------------------------------------------------------------------------------


def test_watch_says_what_lies_there(stage, place):
    assert "no object yet" in stage.done("watch", SCORES, "--records", place, "--dry-run")
    for number, hours in enumerate((0, 1, 1)):
        write(stage, rows(1), name=f"n{number}", ago=timedelta(hours=hours, minutes=5))
    said = " ".join(stage.done("watch", SCORES, "--records", f"{place}/", "--dry-run").split())
    form = f"{place}/{SCORES}/{{variant}}/yyyy/mm/dd/hh/MM-SS-mmm-id.jsonl"
    assert f"Vedette reads the records of {SCORES} at {form}: 3 objects in 2 hours of the last day" in said
    assert "newest 5 minutes ago" in said
    assert "EventBridge reports each captured object" in said


def test_a_place_that_ends_with_the_name_is_taken_as_it_is_meant(stage, place):
    write(stage, rows(1))
    stage.done("watch", SCORES, "--records", f"{place}/{SCORES}", "--yes")
    assert stage_stores().fleet.get().entry(SCORES).records == place


def test_what_the_console_writes_for_a_folder_does_not_matter(stage, lake):
    for folder in ("", f"{SCORES}/", f"{SCORES}/blue/"):
        lake.put_object(Bucket=LAKE, Key=f"data-capture/{folder}")
    watch = ("watch", SCORES, "--records", f"s3://{LAKE}/data-capture", "--dry-run")
    assert "no object yet" in stage.done(*watch)
    lake.put_object(Bucket=LAKE, Key=key(stage), Body=rows(1))
    begun = stage.cloud.clock.now() - timedelta(hours=2)
    lake.put_object(Bucket=LAKE, Key=f"data-capture/{SCORES}/blue/{begun:%Y/%m/%d/%H}/")
    said = stage.done(*watch)
    assert "1 object in 1 hour of the last day" in said
    assert "not named" not in said


def test_records_that_lie_deeper_than_they_are_read_are_refused(stage, place):
    deeper = key(stage).replace(f"/{SCORES}/", f"/{SCORES}/{SCORES}/")
    boto3.client("s3").put_object(Bucket=stage.bucket, Key=deeper, Body=rows(1))
    assert f"s3://{stage.bucket}/{deeper} is not named" in stage.refused("watch", SCORES, "--records", place)
    stage.done("watch", SCORES, "--records", f"{place}/{SCORES}", "--yes")
    assert stage_stores().fleet.get().entry(SCORES).records == f"{place}/{SCORES}"


def test_only_so_many_objects_are_listed(stage, place, monkeypatch):
    from vedette.operations import own_records

    monkeypatch.setattr(own_records, "MAX_LISTED", 2)
    for number in range(3):
        write(stage, rows(1), name=f"n{number}")
    said = stage.done("watch", SCORES, "--records", place, "--dry-run")
    assert "more than 2 objects in 1 hour of the last day\n" in said


def test_a_place_that_you_may_not_list_is_taken_with_a_remark(stage, place, monkeypatch):
    from chalicelib.aws.s3 import Bucket
    from chalicelib.errors import AccessDenied

    def denied(self, prefix, after=""):
        raise AccessDenied(f"{self.uri(prefix)}: access is denied")

    monkeypatch.setattr(Bucket, "list_folders", denied)
    said = stage.done("watch", SCORES, "--records", place, "--dry-run")
    assert f"You may not list {place}, so what lies there is not known." in said


def test_objects_in_another_form_are_refused_with_an_example(stage, place):
    boto3.client("s3").put_object(Bucket=stage.bucket, Key=f"data-capture/{SCORES}/2026-03-02.csv", Body=b"1,2")
    sentence = stage.refused("watch", SCORES, "--records", place)
    assert sentence.startswith(f"{place}/{SCORES}/2026-03-02.csv is not named like a captured object. Vedette reads")
    assert f"for example {place}/{SCORES}/AllTraffic/2026/11/22/09/34-30-683-5512.jsonl" in sentence


def test_objects_in_another_form_beside_records_are_remarked(stage, place, monkeypatch):
    from vedette.operations import own_records

    for number in range(2):
        write(stage, rows(1), name=f"n{number}")
    strangers = [key(stage).removesuffix("l"), f"{key(stage)}.gz", key(stage, variant="odd/")]
    for one in strangers:
        boto3.client("s3").put_object(Bucket=stage.bucket, Key=one, Body=rows(1))
    watch = ("watch", SCORES, "--records", place, "--dry-run")
    said = stage.done(*watch)
    assert "2 objects in 1 hour of the last day" in said
    assert "At least 3 objects there are not named like captured objects, such as s3://" in said
    assert any(f"/{one}: Vedette does not read them." in said for one in strangers)
    monkeypatch.setattr(own_records, "MAX_SAMPLED_KEYS", 1)  # what is not sampled is seen where the last day lies
    assert "At least 3 objects there are not named" in stage.done(*watch)
    assert "Watch the records?" in stage.run(*watch[:-1]).output


def test_the_owners_of_another_bucket_learn_what_to_change(stage, lake):
    answer = stage.answer("watch", SCORES, "--records", f"s3://{LAKE}/records", "--yes")
    assert (answer["applied"], answer["found"]["delivery"]) == (True, "closed")
    (environment,) = [
        change["form"] for change in answer["found"]["changes"] if "VEDETTE_CAPTURE_SOURCES" in change["form"]
    ]
    assert environment == {"VEDETTE_CAPTURE_SOURCES": f"{LAKE}/records/"}
    assert any("EventBridgeConfiguration" in change["form"] for change in answer["found"]["changes"])


def test_a_source_that_may_not_be_read_is_alerted_with_the_command_that_helps(stage, lake):
    stage.done("watch", SCORES, "--records", f"s3://{LAKE}/records", "--mode", "alert", "--yes")
    stage.cloud.turn(hours=1)
    (mail,) = [mail for mail in stage.cloud.mailbox.mails if "Vedette may not read" in mail.subject]
    assert commands(mail.text)[0].startswith(f"vedette watch {SCORES}")


def test_a_bucket_that_does_not_exist_any_more_is_alerted_once_and_the_rest_of_the_sweep_goes_on(
    stage, lake, monkeypatch
):
    from tests.cli.watched_endpoint import let_the_stage_read

    let_the_stage_read(monkeypatch, f"{LAKE}/records/")
    stage.done("watch", SCORES, "--records", f"s3://{LAKE}/records", "--mode", "alert", "--yes")
    lake.delete_bucket(Bucket=LAKE)
    stage.cloud.turn(hours=2)
    texts = [" ".join(mail.text.split()) for mail in stage.cloud.mailbox.mails]
    told = [text for text in texts if f"there is no bucket {LAKE}" in text]
    assert len(told) == 1
    checkpoint: SweepCheckpoint = stage_stores().checkpoints.get(SCORES)[0]
    assert checkpoint.delivery == Delivery.DENIED
    assert "there is no bucket" in stage.refused("watch", SCORES)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ('golden_payload = { body = "1" }', "golden_payload"),
        ('package_group = "g"', "package_group"),
        ('capture_uri = "s3://lake/c"', "capture_uri"),
        ("capture_percentage = 50", "capture_percentage"),
        ('instance_type = "ml.m5.large"', "instance_type"),
        ('model_monitor_metrics = "hourly"', "model_monitor_metrics"),
        ('mode = "deploy"\npackage_group = "g"', "mode"),
    ],
)
def test_what_only_an_endpoint_has_is_refused_beside_records(stage, tmp_path, more, field):
    file = tmp_path / "fleet.toml"
    file.write_text(f'[endpoints.scores]\nrecords = "s3://lake/records"\n{more}\n')
    sentence = stage.refused("apply", "-f", file)
    assert sentence.startswith(f"{file}: endpoints.scores.{field}: scores is a name for records, not an endpoint")


@pytest.mark.parametrize(
    ("records", "why"),
    [("lake/records", "is not a place like s3://bucket/prefix"), ("s3://{bucket}/parts", "stores its own data")],
)
def test_a_place_that_is_none_or_vedettes_own_is_refused(stage, tmp_path, records, why):
    records = records.format(bucket=stage.bucket)
    file = tmp_path / "fleet.toml"
    file.write_text(f'[endpoints.scores]\nrecords = "{records}"\n')
    assert why in stage.refused("apply", "-f", file)
    assert why in stage.refused("watch", SCORES, "--records", records)


def test_the_fleet_is_applied_shown_and_left_without_a_call_to_sagemaker(stage, place, tmp_path):
    file = tmp_path / "fleet.toml"
    file.write_text(f'[endpoints.scores]\nrecords = "{place}"\n')
    stage.cloud.recorder.clear()
    stage.done("apply", "-f", file, "--yes")
    assert f'records = "{place}"' in stage.done("fleet", "show", "--toml")
    assert "scores: removed; the records stay" in stage.done("unwatch", SCORES, "--yes")
    assert calls_about_endpoints(stage) == set()


def test_an_endpoint_that_is_deployed_cannot_become_a_name_for_records(stage, place):
    stage.deployed()
    assert "is deployed by Vedette" in stage.refused("watch", "preferred-site", "--records", place)


def test_a_watched_endpoint_becomes_a_name_for_records(stage, lake, place):
    churn(stage)
    stage.done("watch", CHURN, "--yes")
    stage.done("watch", CHURN, "--records", place, "--yes")
    entry = stage_stores().fleet.get().entry(CHURN)
    assert (entry.records, entry.capture_uri, entry.is_endpoint) == (place, "", False)

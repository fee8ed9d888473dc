"""Batch transform jobs are watched by how their names begin: what the newest one reads and writes is shown."""

import json
import shlex

import boto3
import pytest

from chalicelib.endpoint_run import stage_stores
from chalicelib.records import JOB_THRESHOLDS, FleetEntry, Thresholds
from tests.cli.watched_endpoint import LAKE, lake
from tests.services.transform_world import BAD, GOOD, TransformWorld
from vedette.demo import user_actions
from vedette.local.errors import AwsError
from vedette.operations import aws, fleet

__all__ = ["lake"]
WATCH = ("watch", "churn-nightly", "--transform-jobs", "churn-nightly-")


@pytest.fixture
def jobs(stage):
    return TransformWorld(stage)


def entry():
    return stage_stores().fleet.get().entry("churn-nightly")


def test_watching_shows_what_the_newest_job_reads_and_writes(stage, jobs):
    config = {"DestinationS3Uri": jobs.uri("captured")}
    jobs.run("churn-nightly-1", processing={"InputFilter": "$[0:]", "JoinSource": "Input"}, DataCaptureConfig=config)
    said = stage.done(*WATCH, "--mode", "alert", "--yes")
    assert "Watch the jobs?" in stage.run(*WATCH, "--mode", "observe").output
    assert "Newest jobs: churn-nightly-1 (Completed)" in said
    assert (
        f"reads {jobs.uri('in/churn-nightly-1/')} (text/csv, split by Line), of which the model receives $[0:]" in said
    )
    assert f"writes {jobs.uri('out/churn-nightly-1')}, joined to its input, with the model score" in said
    assert f"captures manifests to {jobs.uri('captured')}" in said
    assert (entry().transform_jobs, str(entry().mode), entry().thresholds) == (
        "churn-nightly-",
        "alert",
        JOB_THRESHOLDS,
    )


def test_a_name_for_jobs_stays_one(stage, jobs, tmp_path):
    jobs.run("churn-nightly-1", GOOD)
    stage.done(*WATCH, "--yes")
    file = tmp_path / "fleet.toml"
    file.write_text(f'[endpoints.churn-nightly]\nrecords = "s3://{stage.bucket}/data-capture"\n')
    sentence = stage.refused("apply", "-f", file, "--yes")
    assert sentence == (
        "churn-nightly is a name for jobs, and its alerts and verdicts are of that: choose another name for records."
    )
    assert entry().transform_jobs
    stage.done("unwatch", "churn-nightly", "--yes")
    stage.done("apply", "-f", file, "--yes")
    assert entry().records


def test_a_job_after_that_is_evaluated_and_the_commands_show_it(stage, jobs, tmp_path):
    jobs.use_baseline()
    stage.done(*WATCH, "--mode", "alert", "--yes")
    jobs.run("churn-nightly-1", GOOD)
    jobs.run("churn-nightly-2", BAD)
    shown = stage.run("show", "violations", "churn-nightly")
    assert shown.exit_code == 1
    assert "transform job churn-nightly-2" in shown.output
    assert "churn-nightly-1" not in shown.output
    data = json.loads(stage.run("show", "violations", "churn-nightly", "--json").stdout)
    assert "churn-nightly-2" in json.dumps(data)
    assert "churn-nightly-2" in stage.run("status", "churn-nightly").output
    window = stage_stores().executions.latest_before("churn-nightly", "transform", stage.cloud.clock.now(), 2)
    first = next(one for one in window if one.job == "churn-nightly-1")
    older = stage.done("show", "violations", "churn-nightly", "--window", first.window.name)
    assert "transform job churn-nightly-1" in older


def test_the_commands_of_the_alert_work(stage, jobs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jobs.use_baseline()
    stage.done(*WATCH, "--mode", "alert", "--yes")
    jobs.run("churn-nightly-2", BAD)
    text = stage.cloud.mailbox.mails[-1].text
    commands = [line.strip() for line in text.splitlines() if line.strip().startswith("vedette ")]
    assert commands
    for command in commands:
        words = shlex.split(command.replace(" --reason WHY", " --reason because"))[1:]
        result = stage.run(*words, *(["--yes"] if "--reason" in words else []))
        assert result.exit_code in {0, 1}, (command, result.output)


def test_what_is_about_captures_is_refused_in_one_sentence(stage):
    stage.done(*WATCH, "--yes")
    for command in ("replay", "backfill"):
        assert "names transform jobs" in stage.refused(command, "churn-nightly", "--from", "2d")
    assert "all checks after every transform job" in " ".join(stage.done("show", "schedule", "churn-nightly").split())
    assert "a job" in stage.done("fleet", "show")


def test_a_fleet_with_jobs_is_applied(stage, tmp_path):
    from vedette.operations import aws, fleet

    (tmp_path / "fleet.toml").write_text(
        fleet.as_toml(aws.get_fleet()[0].entries) + '\n[endpoints.churn-nightly]\nmode = "alert"\n'
        'transform_jobs = "churn-nightly-"\n'
    )
    said = stage.done("apply", "-f", tmp_path / "fleet.toml", "--yes", "--force")
    assert "Traceback" not in said
    assert entry().thresholds == JOB_THRESHOLDS


def test_an_entry_may_be_made_before_the_first_job(stage):
    assert "No job of the last 90 days has a name that begins so." in stage.done(*WATCH, "--yes")
    assert entry().thresholds == JOB_THRESHOLDS
    stage.done(*WATCH, "--mode", "alert", "--yes")
    assert str(entry().mode) == "alert"


def test_what_an_entry_sets_stays(stage):
    stage.done(*WATCH, "--yes")
    stored, etag = aws.get_fleet()
    fleet.apply(fleet.changed(stored, "churn-nightly", thresholds=Thresholds()), etag=etag, by="me")
    stage.done(*WATCH, "--mode", "alert", "--yes")
    assert entry().thresholds == Thresholds()


def test_places_that_the_stage_may_not_read_are_shown_with_what_their_owners_must_do(stage, jobs, lake):
    run_in_lake(stage, jobs, S3Uri=f"s3://{LAKE}/nightly/in/", kms_key="their-key")
    said = stage.done(*WATCH, "--yes")
    assert f"{LAKE}/nightly/in/" in said
    assert f"--capture-source {LAKE}/nightly/out/" in said
    assert "key their-key, key policy" in said


def run_in_lake(stage, jobs, *, kms_key: str = "", **source) -> None:
    """A job that reads from another place, and writes to the bucket of a team."""
    boto3.client("s3").put_object(Bucket=LAKE, Key="nightly/in/a.csv", Body=b"1,2.5\n")
    jobs.create("churn-nightly-1", written={})
    job = stage.cloud.sagemaker.transform.jobs["churn-nightly-1"]
    job["TransformInput"]["DataSource"]["S3DataSource"].update(source)
    job["TransformOutput"].update(S3OutputPath=f"s3://{LAKE}/nightly/out", KmsKeyId=kms_key)
    stage.cloud.turn(minutes=9)


def refuse(stage, operation: str, bucket: str) -> None:
    """S3 answers as if the bucket belonged to another account."""

    def gate(call):
        if call.operation == operation and call.parameters.get("Bucket") == bucket:
            raise AwsError("403", "Forbidden", 403)

    stage.cloud.faults.gate = gate


def changes_of(stage) -> list[dict]:
    return stage.answer(*WATCH, "--dry-run")["found"]["changes"]


def sources_of(stage) -> list[str]:
    """The places that the stage is to be allowed to read."""
    (form,) = [change["form"] for change in changes_of(stage) if "VEDETTE_CAPTURE_SOURCES" in change["form"]]
    return form["VEDETTE_CAPTURE_SOURCES"].split(",")


def test_both_places_in_a_bucket_of_another_account_are_allowed(stage, jobs, lake):
    run_in_lake(stage, jobs, S3Uri=f"s3://{LAKE}/nightly/in/")
    refuse(stage, "HeadBucket", LAKE)
    (policy,) = [change for change in changes_of(stage) if change["place"] == f"s3://{LAKE}, bucket policy"]
    read = policy["form"][0]
    places = [f"arn:aws:s3:::{LAKE}/nightly/in/*", f"arn:aws:s3:::{LAKE}/nightly/out/*"]
    assert (read["Action"], read["Resource"]) == ("s3:GetObject", places)
    assert f"    resources = {json.dumps(places)}\n" in policy["terraform"]


def test_the_inputs_that_a_manifest_names_are_places_too(stage, jobs, lake):
    jobs.put("lists/nightly.json", json.dumps([{"prefix": f"s3://{LAKE}/nightly/in/"}, "a.csv"]).encode())
    run_in_lake(stage, jobs, S3DataType="ManifestFile", S3Uri=jobs.uri("lists/nightly.json"))
    assert sources_of(stage) == [f"{LAKE}/nightly/in/", f"{LAKE}/nightly/out/"]


def test_a_manifest_that_you_may_not_read_is_said(stage, jobs, lake):
    lake.put_object(Bucket=LAKE, Key="lists/nightly.json", Body=b'[{"prefix": "s3://theirs/"}, "a.csv"]')
    run_in_lake(stage, jobs, S3DataType="ManifestFile", S3Uri=f"s3://{LAKE}/lists/nightly.json")
    refuse(stage, "GetObject", LAKE)
    assert f"s3://{LAKE}/lists/nightly.json could not be read as a manifest" in stage.done(*WATCH, "--dry-run")
    assert sources_of(stage) == [f"{LAKE}/lists/", f"{LAKE}/nightly/out/"]


def test_inputs_in_a_whole_bucket_are_a_place(stage, jobs, lake):
    run_in_lake(stage, jobs, S3Uri=f"s3://{LAKE}")
    assert sources_of(stage) == [f"{LAKE}/", f"{LAKE}/nightly/out/"]


def test_jobs_that_are_watched_need_not_be_named_again(stage):
    stage.done(*WATCH, "--mode", "alert", "--yes")
    assert "each job churn-nightly-..." in stage.done("watch", "churn-nightly", "--mode", "observe", "--yes")
    assert (str(entry().mode), entry().transform_jobs) == ("observe", "churn-nightly-")


@pytest.mark.parametrize("prefix", ["zzz-*", "zz z"])
def test_what_no_name_begins_with_is_refused_in_one_sentence(stage, prefix):
    sentence = stage.refused("watch", "churn-nightly", "--transform-jobs", prefix)
    assert sentence == f"churn-nightly.transform_jobs: {prefix!r} is not how the name of a transform job can begin"


def test_the_status_says_jobs_and_the_jobs_stay(stage):
    stage.done(*WATCH, "--yes")
    assert "transform jobs" in " ".join(stage.done("status").split())
    assert "churn-nightly: removed; the jobs stay" in stage.done("unwatch", "churn-nightly", "--dry-run")
    assert "Stop watching the jobs?" in stage.run("unwatch", "churn-nightly").output


def test_what_limits_the_evaluation_is_said(stage, jobs):
    jobs.run("churn-nightly-1", processing={"JoinSource": "Input", "OutputFilter": "$[0,-1]"})
    assert "what it keeps of the input counts as output" in stage.done(*WATCH, "--yes")


def test_a_failed_newest_job_is_said(stage, jobs):
    jobs.run("churn-nightly-1", ["no number"])
    said = stage.done(*WATCH, "--yes")
    assert "churn-nightly-1 failed: ClientError: part-0[.]csv: Bad HTTP status" in said


def test_a_failed_job_is_exit_code_1(stage, jobs):
    stage.done(*WATCH, "--yes")
    jobs.run("churn-nightly-1", ["no number"])
    for severity in ("critical", "information"):
        shown = stage.run("show", "violations", "churn-nightly", "--fail-on", severity)
        assert (shown.exit_code, "JobFailed" in shown.output) == (1, True)


def test_what_a_job_violates_is_accepted_under_its_name(stage, jobs):
    jobs.use_baseline()
    stage.done(*WATCH, "--yes")
    jobs.run("churn-nightly-2", BAD)
    said = stage.done("constraints", "accept", "churn-nightly", "--reason", "cents", "--yes")
    assert "UTC, transform job churn-nightly-2; the verdict of the window is Violations." in said


def test_the_name_of_an_endpoint_is_refused(stage, jobs):
    user_actions.apply_fleet(FleetEntry(endpoint="churn-nightly"))
    assert "names no transform jobs" in stage.refused(*WATCH, "--yes")


def test_records_and_jobs_under_one_name_are_refused(stage):
    result = stage.run("watch", "churn-nightly", "--transform-jobs", "churn-", "--records", "s3://lake/records")

    assert result.exit_code == 2
    assert "--records and --transform-jobs name two sources" in result.output

"""A batch transform job is evaluated when it has ended, under its own name, and its alerts begin and end by jobs."""

import gzip
import json
from pathlib import Path

import boto3
import pytest
from msgspec.structs import replace

from chalicelib import locations
from chalicelib.endpoint_run import stage_stores
from chalicelib.events import TransformJobStateChanged
from chalicelib.outcomes import Skipped
from chalicelib.records import Thresholds
from chalicelib.services import sweep, transform_monitoring
from tests.runs import DeadlineAfter, run_of
from tests.services.transform_world import BAD, ENTRY, GOOD, IMAGE, NIGHTLY, TransformWorld
from vedette.local.inference.predictors import BadRequest

UNREADABLE = ["no number"]  # the model refuses it


@pytest.fixture
def nightly(world):
    made = TransformWorld(world)
    world.apply(ENTRY)
    made.use_baseline()
    return made


def losing_events(cloud):
    """Let no event of a job arrive, and no sweep run by itself."""
    cloud.schedules_enabled = False
    cloud.bus.functions = [one for one in cloud.bus.functions if one.name != "on_data_captured"]


def swept(nightly):
    nightly.cloud.invoke("sweep", nightly.cloud.scheduled_event("vedette-local-sweep"))
    nightly.cloud.settle()


def last(nightly):
    return nightly.executions()[-1]


# --- from job to job --------------------------------------------------------------------------------------------------


def test_a_good_night_a_bad_one_and_a_good_one(nightly):
    nightly.run("churn-nightly-1")
    assert nightly.verdicts() == {"churn-nightly-1": "OK"}
    assert nightly.subjects == []
    nightly.run("churn-nightly-2", BAD)
    assert nightly.verdicts()["churn-nightly-2"] == "Violations"
    assert len(nightly.subjects) == 1
    assert nightly.subjects[0].startswith("[critical] churn-nightly-2: ")
    nightly.run("churn-nightly-3")
    assert len(nightly.subjects) == 2
    assert nightly.subjects[1].startswith("[recovered] churn-nightly-3: ")


def test_the_window_of_an_execution_is_the_time_in_which_the_job_ran(nightly):
    nightly.run("churn-nightly-1")
    described = nightly.sagemaker.describe_transform_job(TransformJobName="churn-nightly-1")
    one = last(nightly)
    assert one.window_start <= described["TransformStartTime"] < described["TransformEndTime"] <= one.window_end
    assert (one.rows, one.job, one.variant, one.part_count) == (200, "churn-nightly-1", "transform", 1)


def test_the_alert_names_the_job_and_its_commands_work(nightly):
    nightly.run("churn-nightly-2", BAD)
    mail = nightly.cloud.mailbox.mails[-1]
    assert "Job       churn-nightly-2" in mail.text
    assert "aws sagemaker describe-transform-job --transform-job-name churn-nightly-2" in mail.text
    assert "replay" not in mail.text
    message = stage_stores().executions.alerts(last(nightly).folder)[0]
    assert (message.job, message.links.keys()) == ("churn-nightly-2", {"job", "report"})
    assert nightly.sagemaker.describe_transform_job(TransformJobName=message.job)["TransformJobStatus"] == "Completed"


def test_the_page_names_the_job(nightly):
    nightly.run("churn-nightly-2", BAD)
    page = nightly.cloud.read(f"s3://{nightly.bucket}/{last(nightly).folder}report.html").decode()
    assert "churn-nightly-2" in page
    assert "Variant" not in page


def test_a_repeated_event_alerts_once(nightly):
    nightly.run("churn-nightly-2", BAD)
    job = nightly.cloud.sagemaker.transform.jobs["churn-nightly-2"]
    for _ in range(3):
        nightly.cloud.sagemaker.transform._announce(job)
        nightly.cloud.settle()
    assert len(nightly.subjects) == 1
    assert len(nightly.executions()) == 1


def test_drift_is_evaluated_against_the_baseline_in_the_window_of_the_job(nightly):
    nightly.run("churn-nightly-2", [f"{n % 3},{n % 7}.5" for n in range(200)])
    drifted = {
        one.feature for one in last(nightly).measurements if one.check == "baseline_drift_check" and one.violated
    }
    assert drifted
    assert len(nightly.subjects) == 1


def test_an_entry_may_wait_for_several_jobs(nightly):
    nightly.world.apply(replace(ENTRY, thresholds=Thresholds(hard_violated=2, hard_of=3)))
    nightly.run("churn-nightly-1", BAD)
    assert nightly.subjects == []
    nightly.run("churn-nightly-2", BAD)
    assert len(nightly.subjects) == 1


def test_a_job_without_outputs_that_follows_others_is_no_data(nightly):
    nightly.run("churn-nightly-1")
    nightly.run("churn-nightly-2", [""])
    assert nightly.verdicts()["churn-nightly-2"] == "NoData"
    assert nightly.cloud.mailbox.mails[-1].attributes["kind"] == "no data"


# --- failed and stopped jobs ------------------------------------------------------------------------------------------


def test_a_failed_job_alerts_with_its_reason_until_one_completes(nightly):
    nightly.run("churn-nightly-1", UNREADABLE)
    mail = nightly.cloud.mailbox.mails[-1]
    assert nightly.verdicts() == {"churn-nightly-1": "JobFailed"}
    assert (mail.attributes["kind"], mail.attributes["severity"]) == ("job failed", "critical")
    assert mail.subject.startswith("[critical] churn-nightly-1: the transform job failed: ClientError: part-0[.]csv:")
    assert "describe-transform-job --transform-job-name churn-nightly-1" in mail.text
    swept(nightly)
    assert len(nightly.subjects) == 1
    nightly.run("churn-nightly-2")
    assert nightly.subjects[1].startswith("[recovered] churn-nightly-2: a transform job has completed again")


def test_a_failed_job_alerts_without_a_baseline_too(nightly):
    boto3.client("s3").delete_object(Bucket=nightly.bucket, Key=f"baselines/{NIGHTLY}/current.json")
    nightly.run("churn-nightly-1", UNREADABLE)
    assert nightly.cloud.mailbox.mails[0].attributes["kind"] == "job failed"


def test_a_stopped_job_is_said_and_alerts_nobody(nightly):
    nightly.create("churn-nightly-1", BAD)
    nightly.sagemaker.stop_transform_job(TransformJobName="churn-nightly-1")
    nightly.cloud.turn(minutes=20)
    assert nightly.executions() == []
    assert nightly.subjects == []
    found = transform_monitoring.monitor_job(run_of(NIGHTLY), "churn-nightly-1")
    assert isinstance(found, Skipped)
    assert found.reason == "job stopped"


# --- which entry ------------------------------------------------------------------------------------------------------


def test_a_job_belongs_to_the_entry_with_the_longest_prefix(nightly):
    other = replace(ENTRY, endpoint="churn-nightly-eu", transform_jobs="churn-nightly-eu-")
    nightly.world.apply(ENTRY, other)
    fleet = stage_stores().fleet.get()
    assert fleet.entry_of_job("churn-nightly-eu-1").endpoint == "churn-nightly-eu"
    assert fleet.entry_of_job("churn-nightly-us-1").endpoint == NIGHTLY
    assert fleet.entry_of_job("other-1") is None
    nightly.run("churn-nightly-eu-1")
    assert nightly.executions() == []


def test_a_job_of_nobody_is_skipped(nightly):
    from chalicelib.deadline import Deadline

    found = transform_monitoring.process_event(TransformJobStateChanged("x"), stage_stores(), Deadline.never())
    assert found.reason == "not in the fleet"
    assert transform_monitoring.monitor_job(run_of(NIGHTLY), "churn-nightly-9").reason == "job gone"


# --- the sweep --------------------------------------------------------------------------------------------------------


def test_a_lost_event_is_found_by_the_sweep(nightly):
    losing_events(nightly.cloud)
    nightly.run("churn-nightly-2", BAD)
    swept(nightly)
    assert nightly.verdicts() == {"churn-nightly-2": "Violations"}
    assert len(nightly.subjects) == 1
    swept(nightly)
    assert len(nightly.subjects) == 1


def test_a_quiet_entry_costs_one_listing_of_jobs_a_sweep(nightly):
    nightly.run("churn-nightly-1")
    swept(nightly)
    nightly.cloud.turn(minutes=20)
    before = len(nightly.cloud.recorder.calls)
    sweep.sweep(run_of(NIGHTLY))
    calls = [call.operation for call in nightly.cloud.recorder.calls[before:]]
    assert calls.count("ListTransformJobs") == 1
    assert not {"DescribeTransformJob", "ListObjectsV2"} & set(calls)
    assert "ListObjectsV2" not in calls


def test_a_job_with_more_outputs_than_there_is_time_for_goes_on_in_the_next_run(nightly):
    losing_events(nightly.cloud)
    nightly.run("churn-nightly-2", BAD, objects=4)
    first = transform_monitoring.monitor_job(run_of(NIGHTLY, DeadlineAfter(12)), "churn-nightly-2")
    assert first.unfinished
    assert 0 < first.remaining < 4
    assert nightly.executions() == []
    swept(nightly)
    assert (last(nightly).rows, last(nightly).part_count) == (800, 4)
    assert len(nightly.subjects) == 1


def test_two_jobs_that_run_in_the_same_minutes_both_have_a_verdict(nightly):
    nightly.create("churn-nightly-1")
    nightly.create("churn-nightly-2", BAD)
    nightly.create("churn-nightly-3")
    nightly.cloud.turn(minutes=9)
    assert nightly.verdicts() == {"churn-nightly-1": "OK", "churn-nightly-2": "Violations", "churn-nightly-3": "OK"}
    assert len({one.window for one in nightly.executions()}) == 3
    assert [subject for subject in nightly.subjects if "churn-nightly-2" in subject]
    assert {one.part_count for one in nightly.executions()} == {1}


def test_a_job_without_a_baseline_makes_its_parts_and_asks_for_one(world):
    nightly = TransformWorld(world)
    world.apply(ENTRY)
    nightly.run("churn-nightly-1")
    swept(nightly)
    assert nightly.executions() == []
    assert len(world.keys(f"parts/{NIGHTLY}/transform/")) == 1
    assert [mail.attributes["kind"] for mail in nightly.cloud.mailbox.mails] == ["monitor failed"]
    nightly.use_baseline()
    swept(nightly)
    assert nightly.verdicts() == {"churn-nightly-1": "OK"}


def test_in_mode_observe_jobs_are_evaluated_and_nobody_is_notified(nightly):
    nightly.world.apply(replace(ENTRY, mode="observe"))
    nightly.run("churn-nightly-2", BAD)
    swept(nightly)
    assert nightly.verdicts() == {"churn-nightly-2": "Violations"}
    assert nightly.subjects == []


def test_places_that_may_not_be_read_are_a_condition_until_they_may(nightly):
    boto3.client("s3").create_bucket(Bucket="team-lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    boto3.client("s3").put_object(Bucket="team-lake", Key="in/a.csv", Body="\n".join(GOOD).encode())
    nightly.create("churn-nightly-1")
    source = nightly.cloud.sagemaker.transform.jobs["churn-nightly-1"]["TransformInput"]["DataSource"]["S3DataSource"]
    source["S3Uri"] = "s3://team-lake/in/"
    losing_events(nightly.cloud)
    nightly.cloud.turn(minutes=9)
    swept(nightly)
    assert [mail.attributes["kind"] for mail in nightly.cloud.mailbox.mails] == ["monitor failed"]
    assert "churn-nightly-1" in nightly.subjects[0]
    assert nightly.executions() == []
    source["S3Uri"] = nightly.uri("in/churn-nightly-1/")  # as if the owner had let the stage read it
    nightly.put("out/churn-nightly-1/part-0.csv.out", nightly.cloud.read(nightly.uri("out/churn-nightly-1/a.csv.out")))
    swept(nightly)
    assert nightly.verdicts() == {"churn-nightly-1": "OK"}
    assert not stage_stores().alert_states.get(NIGHTLY, "")[0].fingerprints


# --- forms of jobs ----------------------------------------------------------------------------------------------------

NOT_A_FEATURE = [f"{1000 + n},{line}" for n, line in enumerate(GOOD)]  # an id before the features


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        (GOOD, {"BatchStrategy": "SingleRecord"}),
        (GOOD, {"processing": {"JoinSource": "Input"}}),
        (NOT_A_FEATURE, {"processing": {"InputFilter": "$[1:]", "JoinSource": "Input"}}),
        (NOT_A_FEATURE, {"processing": {"InputFilter": "$[1:]"}}),
        (GOOD, {"DataCaptureConfig": {"DestinationS3Uri": "captured"}}),
        (GOOD, {"DataCaptureConfig": {"DestinationS3Uri": "captured", "GenerateInferenceId": True}}),
        (
            GOOD,
            {
                "processing": {"JoinSource": "Input"},
                "DataCaptureConfig": {"DestinationS3Uri": "captured", "GenerateInferenceId": True},
            },
        ),
        (GOOD, {"written": {"AssembleWith": "None"}}),
    ],
    ids=["single", "joined", "filtered and joined", "filtered", "captured", "ids", "joined with ids", "not assembled"],
)
def test_every_form_of_a_job_gives_the_rows_of_the_baseline(nightly, lines, more):
    if "DataCaptureConfig" in more:
        config = {**more["DataCaptureConfig"], "DestinationS3Uri": nightly.uri("captured")}
        more = {**more, "DataCaptureConfig": config}
    nightly.run("churn-nightly-1", lines, objects=2, **more)
    one = last(nightly)
    assert (str(one.verdict), one.rows, one.rejected) == ("OK", 400, {}), [m for m in one.measurements if m.violated]


def test_inputs_in_gzip_are_read(nightly):
    nightly.create("churn-nightly-1", given={"CompressionType": "Gzip"})
    nightly.put("in/churn-nightly-1/part-0.csv", gzip.compress(("\n".join(GOOD) + "\n").encode()))
    nightly.cloud.turn(minutes=9)
    assert (str(last(nightly).verdict), last(nightly).rows) == ("OK", 200)


def test_inputs_that_a_manifest_names_are_read(nightly):
    nightly.create("churn-nightly-1", objects=3)
    manifest = [{"prefix": nightly.uri("in/churn-nightly-1/")}, "part-0.csv", "part-2.csv"]
    nightly.put("manifests/1.json", json.dumps(manifest).encode())
    source = nightly.cloud.sagemaker.transform.jobs["churn-nightly-1"]["TransformInput"]["DataSource"]["S3DataSource"]
    source.update(S3DataType="ManifestFile", S3Uri=nightly.uri("manifests/1.json"))
    nightly.cloud.turn(minutes=9)
    assert (last(nightly).rows, last(nightly).part_count) == (400, 2)


def test_outputs_of_other_jobs_at_the_same_place_are_not_counted(nightly):
    nightly.run("churn-nightly-1", folder="shared")
    nightly.put("out/shared/other.csv.out", b"0.5\n")
    nightly.run("churn-nightly-2", folder="shared")
    assert [(one.job, one.rows) for one in nightly.executions()] == [("churn-nightly-1", 200), ("churn-nightly-2", 200)]


# --- what cannot be evaluated is said ---------------------------------------------------------------------------------


def test_an_output_with_another_number_of_rows_is_counted_and_said(nightly):
    losing_events(nightly.cloud)
    nightly.run("churn-nightly-1", objects=2)
    nightly.put("out/churn-nightly-1/part-1.csv.out", b"0.5\n" * 150)
    swept(nightly)
    one = last(nightly)
    assert (str(one.verdict), one.rows, one.rejected) == ("MonitorFailed", 200, {"inputs and outputs do not pair": 200})
    assert "200 of 400 lines could not be read" in one.notes


def test_an_input_that_is_gone_or_was_overwritten_is_said(nightly):
    losing_events(nightly.cloud)
    nightly.run("churn-nightly-1", objects=2)
    nightly.put("in/churn-nightly-1/part-1.csv", b"1,2.5\n" * 200)
    swept(nightly)
    assert last(nightly).rejected == {"its input is not there as the job read it": 1}


def test_an_output_that_a_later_job_overwrote_is_said(nightly):
    losing_events(nightly.cloud)
    nightly.run("churn-nightly-1")
    nightly.cloud.turn(minutes=10)
    nightly.put("out/churn-nightly-1/part-0.csv.out", b"0.5\n" * 200)
    swept(nightly)
    assert last(nightly).rejected == {"it is not there as the job left it": 1}


def test_an_output_that_is_gone_is_said(nightly):
    losing_events(nightly.cloud)
    nightly.run("churn-nightly-1", objects=2)
    nightly.s3.delete_object(Bucket=nightly.bucket, Key="data-capture/out/churn-nightly-1/part-1.csv.out")
    swept(nightly)
    one = last(nightly)
    assert (one.rows, str(one.verdict)) == (200, "MonitorFailed")
    assert "1 of 2 output objects not read, or not whole: it is not there as the job left it" in one.notes


@pytest.mark.parametrize("content", [b"", gzip.compress(b"0.5\n" * 200)[:30]], ids=["empty", "cut off"])
def test_a_job_of_which_most_outputs_cannot_be_read_is_not_ok(nightly, content):
    losing_events(nightly.cloud)
    nightly.run("churn-nightly-1", objects=10)
    for number in range(1, 10):
        nightly.put(f"out/churn-nightly-1/part-{number}.csv.out", content)
    swept(nightly)
    one = last(nightly)
    assert (str(one.verdict), one.rows) == ("MonitorFailed", 200)
    assert any(note.startswith("9 of 10 output objects not read, or not whole: ") for note in one.notes)


def test_the_output_of_an_earlier_job_is_not_taken_for_one_of_this_job(nightly):
    losing_events(nightly.cloud)
    nightly.run("churn-nightly-1", folder="shared", objects=2)
    nightly.put("in/shared/part-1.csv", b"")
    nightly.cloud.sagemaker.transform.read_below = lambda uri: {
        place: body for place, body in nightly.cloud.read_below(uri).items() if body
    }
    nightly.cloud.turn(minutes=10)
    nightly.create("churn-nightly-2", folder="shared")
    nightly.put("in/shared/part-1.csv", b"")
    nightly.cloud.turn(minutes=9)
    swept(nightly)
    assert nightly.verdicts()["churn-nightly-2"] == "OK"
    assert last(nightly).part_count == 1


def test_what_a_model_answered_reaches_no_alert(nightly):
    def refuse(body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        raise BadRequest(f"could not convert string to float: {body.decode()[:20]}")

    nightly.cloud.runtime.register(IMAGE, refuse)
    nightly.run("churn-nightly-1", ["SECRET-4711,1"] * 5)
    [mail] = [mail for mail in nightly.cloud.mailbox.mails if mail.attributes["kind"] == "job failed"]
    assert "Bad HTTP status received from algorithm: 400" in " ".join(mail.text.split())
    told = [mail.text, *(json.dumps(event, default=str) for event in nightly.cloud.bus.events)]
    assert not [text for text in told if "SECRET" in text and "Transform Job State Change" not in text]
    assert "SECRET" not in str(last(nightly))


def test_inputs_that_came_later_or_are_empty_need_no_output(nightly):
    losing_events(nightly.cloud)
    nightly.put("in/churn-nightly-1/_SUCCESS", b"")
    nightly.cloud.sagemaker.transform.read_below = lambda uri: {
        place: body for place, body in nightly.cloud.read_below(uri).items() if body
    }
    nightly.run("churn-nightly-1")
    nightly.put("in/churn-nightly-1/part-9.csv", b"1,2.5\n")
    swept(nightly)
    assert (str(last(nightly).verdict), last(nightly).rows, last(nightly).part_count) == ("OK", 200, 1)


def test_outputs_whose_inputs_are_all_gone_are_said(nightly):
    losing_events(nightly.cloud)
    nightly.run("churn-nightly-1")
    nightly.s3.delete_object(Bucket=nightly.bucket, Key="data-capture/in/churn-nightly-1/part-0.csv")
    swept(nightly)
    assert (str(last(nightly).verdict), last(nightly).rows) == ("MonitorFailed", 0)


def test_the_parts_of_a_job_are_listed_alone(nightly):
    nightly.create("churn-nightly-1", objects=2)
    nightly.create("churn-nightly-2")
    nightly.cloud.turn(minutes=9)
    started = nightly.sagemaker.describe_transform_job(TransformJobName="churn-nightly-1")["TransformStartTime"]
    keys = stage_stores().parts.keys_of_job(NIGHTLY, "churn-nightly-1", started)
    assert len(keys) == 2
    assert all(locations.part_begun(key) == started.replace(second=0, microsecond=0) for key in keys)


# --- real samples -----------------------------------------------------------------------------------------------------


def test_a_real_output_with_its_manifest_is_read_whole_and_judged(nightly, conformance):
    """The rows, the manifest and the ids of the developer guide, and the merged records of AWS's examples."""
    merged = conformance / "capture" / "aws__amazon-sagemaker-examples_merged_batchtransformoutp-CSV.jsonl"
    row = json.loads(Path(merged).read_bytes())["captureData"]["batchTransformOutput"]["data"].split(",")
    features, prediction = row[:-1], row[-1]
    identifier = "1f1d57b1-2e6f-488c-8c30-db4e6d757861,2022-08-30T00:49:15Z"  # model-monitor-data-capture-batch
    nightly.create("churn-nightly-1", [",".join(features)] * 40)
    nightly.cloud.sagemaker.transform._transform = lambda job: ""
    manifest = [{"prefix": nightly.uri("out/churn-nightly-1/")}, "part-0.csv.out"]
    config = {"DestinationS3Uri": nightly.uri("captured"), "GenerateInferenceId": True}
    nightly.cloud.sagemaker.transform.jobs["churn-nightly-1"]["DataCaptureConfig"] = config
    losing_events(nightly.cloud)
    nightly.cloud.turn(minutes=6)
    started = nightly.sagemaker.describe_transform_job(TransformJobName="churn-nightly-1")["TransformStartTime"]
    nightly.put("out/churn-nightly-1/part-0.csv.out", f"{prediction}, {identifier}\n".encode() * 40)
    nightly.put(f"captured/output/{started:%Y/%m/%d/%H}/0d1c.json", json.dumps(manifest).encode())
    nightly.cloud.turn(minutes=5)
    nightly.use_baseline_of([",".join(features)] * 40, [prediction] * 40)
    swept(nightly)
    one = last(nightly)
    assert (one.rows, one.rejected, str(one.verdict)) == (40, {}, "InsufficientData")  # drift needs 100 rows
    assert len({m.feature for m in one.measurements} - {"Missing columns", "Extra columns"}) == len(row)
    assert not [m for m in one.measurements if m.violated]


# --- what may go wrong ------------------------------------------------------------------------------------------------


def test_an_object_that_takes_longer_than_a_run_is_counted_and_stands_in_the_way_of_no_other(nightly):
    losing_events(nightly.cloud)
    nightly.run("churn-nightly-1", objects=2)
    first = transform_monitoring.monitor_job(run_of(NIGHTLY, DeadlineAfter(2)), "churn-nightly-1")
    assert first.remaining == 1
    swept(nightly)
    one = last(nightly)
    assert (one.rows, one.rejected) == (200, {"too large to be read in one run": 1})


def test_files_that_a_crash_left_out_are_written_by_the_next_delivery(nightly):
    nightly.run("churn-nightly-2", BAD)
    folder = last(nightly).folder
    nightly.s3.delete_object(Bucket=nightly.bucket, Key=f"{folder}constraint_violations.json")
    nightly.cloud.sagemaker.transform._announce(nightly.cloud.sagemaker.transform.jobs["churn-nightly-2"])
    nightly.cloud.settle()
    assert b"data_type_check" in nightly.cloud.read(f"s3://{nightly.bucket}/{folder}constraint_violations.json")
    assert len(nightly.executions()) == 1


def test_a_job_that_was_evaluated_is_not_read_again(nightly):
    nightly.run("churn-nightly-2", BAD)
    nightly.s3.delete_object(Bucket=nightly.bucket, Key="data-capture/out/churn-nightly-2/part-0.csv.out")
    swept(nightly)
    assert (last(nightly).rows, last(nightly).revision) == (200, 1)


@pytest.mark.parametrize(
    "content", [b"\x00" * 100, b"\xff\xfe\n" * 50, b'{"a":' * 200, b"[" * 5000, b'"\n' * 40, b"\n"]
)
def test_no_content_makes_a_function_fail(nightly, content):
    losing_events(nightly.cloud)
    nightly.run("churn-nightly-1", objects=2)
    nightly.put("out/churn-nightly-1/part-1.csv.out", content)
    swept(nightly)
    assert last(nightly).rows >= 200
    assert not nightly.cloud.bus.failed


def test_nothing_that_was_read_is_logged(nightly, capsys):
    nightly.run("churn-nightly-2", [f"{n},secret-{n}" for n in range(200)])
    assert "secret" not in capsys.readouterr().out
    assert "secret" not in nightly.cloud.mailbox.mails[-1].text


def test_a_job_that_is_evaluated_after_a_later_one_fires_and_is_marked_as_late(nightly):
    functions = nightly.cloud.bus.functions
    losing_events(nightly.cloud)
    nightly.run("churn-nightly-1", BAD)
    nightly.cloud.bus.functions = functions
    nightly.run("churn-nightly-2")
    assert nightly.verdicts() == {"churn-nightly-2": "OK"}
    swept(nightly)
    assert nightly.subjects[0].startswith("[critical] churn-nightly-1: ")
    assert "in data that arrived late" in nightly.cloud.mailbox.mails[0].text.replace("\n", " ")
    nightly.run("churn-nightly-3")
    assert nightly.subjects[1].startswith("[recovered] churn-nightly-3: ")


def test_json_lines_joined_to_their_inputs_are_evaluated(nightly):
    """Names come from the records; the model receives `features`, and the id is no feature."""
    records = [json.dumps({"id": n, "features": {"a": n, "b": n % 7 + 0.5}}) for n in range(200)]
    nightly.cloud.runtime.register("example.com/score:1", scored_json)
    features = [json.dumps(json.loads(record)["features"]) for record in records]
    nightly.use_baseline_of(features, [json.dumps({"score": n / 200}) for n in range(200)], "JSON")
    nightly.run(
        "churn-nightly-1",
        records,
        given={"ContentType": "application/jsonlines"},
        written={"Accept": "application/jsonlines"},
        processing={"InputFilter": "$.features", "JoinSource": "Input"},
    )
    one = last(nightly)
    assert (str(one.verdict), one.rows, one.rejected) == ("OK", 200, {})
    assert {"score", "a", "b"} <= {m.feature for m in one.measurements}


def scored_json(body, content_type, accept):
    rows = [json.loads(line) for line in body.splitlines()]
    return b"".join(json.dumps({"score": row["a"] / 200}).encode() + b"\n" for row in rows), accept


def test_the_event_for_machines_names_the_job(nightly):
    nightly.run("churn-nightly-2", BAD)
    nightly.run("churn-nightly-3")
    events = nightly.cloud.mailbox.incidents
    assert [(one["action"], one["job"]) for one in events] == [
        ("trigger", "churn-nightly-2"),
        ("resolve", "churn-nightly-3"),
    ]
    assert events[0]["title"].startswith("[critical] churn-nightly-2: ")
    assert "transform-jobs/churn-nightly-2" in events[0]["links"]["job"]

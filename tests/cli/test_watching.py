"""Endpoints that another team made: watched without a change, polled until their bucket has events, read back."""

import json
from datetime import timedelta
from itertools import count

import boto3
import pytest

from chalicelib.endpoint_run import stage_stores
from chalicelib.events import DataCaptured
from chalicelib.locations import endpoint_partition
from chalicelib.parts import Part
from chalicelib.records import SweepCheckpoint
from tests.cli.watched_endpoint import (
    CHURN,
    LAKE,
    capture_key,
    churn,
    lake,
    let_the_stage_read,
    rows,
    write_constraints,
)
from vedette.demo import user_actions
from vedette.operations import past_objects
from vedette.operations.past_objects import Counts

__all__ = ["lake"]
HOUR = timedelta(hours=1)


@pytest.fixture
def watching(stage, lake, tmp_path, monkeypatch):
    """The endpoint, watched in mode alert against constraints of its own."""
    churn(stage)
    let_the_stage_read(monkeypatch)
    write_constraints(tmp_path)
    stage.done("watch", CHURN, "--baseline", tmp_path, "--mode", "alert", "--yes")
    return stage


def parts() -> list[str]:
    return [found.key for found in stage_stores().bucket.list_objects(f"parts/{CHURN}/")]


def swept() -> SweepCheckpoint:
    return stage_stores().deployments.table.get(SweepCheckpoint, endpoint_partition(CHURN), "sweep")[0]


def events_of(stage) -> list[str]:
    return [call.name for call in stage.cloud.recorder.calls if call.service == "sagemaker"]


def test_watching_reads_the_endpoint_and_changes_nothing_of_sagemaker(stage, lake, tmp_path):
    churn(stage, KmsKeyId="arn:aws:kms:eu-west-1:123456789012:key/theirs")
    write_constraints(tmp_path)
    stage.cloud.recorder.clear()
    said = stage.done("watch", CHURN, "--baseline", tmp_path, "--yes")
    assert f"churn captures 100 % of its requests (Input, Output) to s3://{LAKE}/captures/2026" in said
    assert "Vedette cannot read the source until the first of these changes is made." in said
    assert {name.partition(":")[2][:4] for name in events_of(stage)} <= {"Desc", "List"}
    entry = stage_stores().fleet.get().entry(CHURN)
    assert (entry.mode, entry.capture_uri, entry.package_group) == ("observe", f"s3://{LAKE}/captures/2026", "")
    in_force = stage_stores().baselines.get_in_force(CHURN)
    version, baseline = in_force.version, in_force.content
    assert (version, [feature.name for feature in baseline.constraints.features]) == ("v1", ["label", "a", "b"])
    assert "The fleet already has this entry." in stage.done("watch", CHURN)


def test_what_the_owners_must_do_is_given_as_json_and_as_terraform(stage, lake):
    key = "arn:aws:kms:eu-west-1:123456789012:key/theirs"
    queue = {"QueueArn": "arn:aws:sqs:eu-west-1:123456789012:theirs", "Events": ["s3:ObjectCreated:*"]}
    boto3.client("sqs").create_queue(QueueName="theirs")
    lake.put_bucket_notification_configuration(
        Bucket=LAKE, NotificationConfiguration={"QueueConfigurations": [{"Id": "kept", **queue}]}
    )
    churn(stage, KmsKeyId=key)
    answer = stage.answer("watch", CHURN, "--dry-run")
    assert answer["applied"] is False
    forms = {change["place"]: change for change in answer["found"]["changes"]}
    notification = forms[f"s3://{LAKE}"]
    assert notification["form"]["EventBridgeConfiguration"] == {}
    assert [kept["Id"] for kept in notification["form"]["QueueConfigurations"]] == ["kept"]
    assert "eventbridge = true" in notification["terraform"]
    lake.put_bucket_notification_configuration(Bucket=LAKE, NotificationConfiguration=notification["form"])
    statement = forms[f"key {key}, key policy"]["form"]
    assert statement["Action"] == "kms:Decrypt"
    assert statement["Principal"]["AWS"] == [
        f"arn:aws:iam::123456789012:role/vedette-local-{name}" for name in ("on_data_captured", "sweep")
    ]
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
    assert 'variable = "kms:ViaService"' in forms[f"key {key}, key policy"]["terraform"]
    (environment,) = [change["form"] for place, change in forms.items() if place.startswith("stage local")]
    assert environment == {"VEDETTE_CAPTURE_SOURCES": f"{LAKE}/captures/2026/"}


def test_the_changes_make_the_captures_come_by_events(stage, lake, monkeypatch):
    churn(stage)
    answer = stage.answer("watch", CHURN, "--yes")
    assert answer["found"]["delivery"] == "closed"
    for change in answer["found"]["changes"]:
        if "VEDETTE_CAPTURE_SOURCES" in change["form"]:
            let_the_stage_read(monkeypatch, change["form"]["VEDETTE_CAPTURE_SOURCES"])
            assert stage.answer("watch", CHURN)["found"]["delivery"] == "polled"
        else:
            lake.put_bucket_notification_configuration(Bucket=LAKE, NotificationConfiguration=change["form"])
    assert stage.answer("watch", CHURN)["found"]["delivery"] == "events"
    assert stage.answer("watch", CHURN)["found"]["changes"] == []


def test_a_bucket_without_events_is_polled_and_its_violations_are_reported(watching):
    user_actions.predict(CHURN, [("1", "2")] * 20 + [("1", "2.50")] * 20)
    watching.cloud.turn(minutes=20)
    assert len(parts()) == 1
    assert swept().delivery == "polled"
    assert "[critical] churn: b is not Integral in 50.0% of 40 rows" in [
        m.subject for m in watching.cloud.mailbox.mails
    ]


def test_a_source_that_may_not_be_read_is_reported_and_made_up_for_when_it_is_opened(
    stage, lake, tmp_path, monkeypatch
):
    churn(stage)
    write_constraints(tmp_path)
    stage.done("watch", CHURN, "--baseline", tmp_path, "--mode", "alert", "--yes", "--test-marker", "testing")
    assert (
        stage_stores().fleet.get().entry(CHURN).test_marker,
        stage_stores().fleet.get().entry(CHURN).capture_header,
    ) == ("testing", "")
    user_actions.predict(CHURN, [("1", "2")] * 20 + [("1", "2.50")] * 20)
    stage.cloud.turn(hours=3)
    reported = [" ".join(mail.text.split()) for mail in stage.cloud.mailbox.mails if "churn" in mail.subject]
    assert len(reported) == 1
    assert (
        f"Vedette may not read s3://{LAKE}/captures/2026; `vedette watch churn` shows what its owner must do"
        in reported[0]
    )
    assert (swept().delivery, parts()) == ("closed", [])
    let_the_stage_read(monkeypatch)
    stage.cloud.turn(minutes=20)
    assert (swept().delivery, len(parts())) == ("polled", 1)
    assert any("b is not Integral" in mail.subject for mail in stage.cloud.mailbox.mails)


def test_an_endpoint_that_moved_its_captures_or_stopped_them_is_reported(watching):
    sagemaker = boto3.client("sagemaker")
    config = sagemaker.describe_endpoint_config(EndpointConfigName="churn-config")
    capture = {**config["DataCaptureConfig"], "DestinationS3Uri": f"s3://{LAKE}/captures/2027"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="moved", ProductionVariants=config["ProductionVariants"], DataCaptureConfig=capture
    )
    sagemaker.update_endpoint(EndpointName=CHURN, EndpointConfigName="moved")
    watching.cloud.turn(hours=1)
    reported = [mail.subject for mail in watching.cloud.mailbox.mails]
    assert [subject[:55] for subject in reported] == [f"[warning] churn: it captures to s3://{LAKE}/captures/2027"[:55]]
    watching.done("watch", CHURN, "--yes")
    assert stage_stores().fleet.get().entry(CHURN).capture_uri == f"s3://{LAKE}/captures/2027"
    assert stage_stores().fleet.get().entry(CHURN).mode == "alert"


def test_what_cannot_be_watched_is_refused_in_one_sentence(stage, lake):
    assert stage.refused("watch", "nowhere") == "There is no endpoint nowhere in eu-west-1."
    churn(stage, enabled=False)
    assert "churn captures nothing: data capture is off in its config churn-config." in stage.refused("watch", CHURN)
    stage.deployed()
    assert "is deployed by Vedette, which watches it already" in stage.refused("watch", "preferred-site")


def test_serverless_and_asynchronous_endpoints_are_refused(stage, lake, monkeypatch):
    from chalicelib.aws import sagemaker

    churn(stage)
    config = sagemaker.describe_endpoint_config("churn-config")
    variant = {**config["ProductionVariants"][0], "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
    for more, word in (
        ({"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://x/y"}}}, "an asynchronous endpoint"),
        ({"ProductionVariants": [variant]}, "a serverless endpoint"),
    ):
        with monkeypatch.context() as patched:  # the AWS simulator makes real-time endpoints alone
            patched.setattr(sagemaker, "describe_endpoint_config", lambda name, more=more: {**config, **more})
            sentence = stage.refused("watch", CHURN)
            assert f"churn is {word}; SageMaker captures only real-time endpoints." in sentence
            assert sentence.endswith("vedette watch churn --records s3://BUCKET/PREFIX")


def test_a_bucket_that_is_gone_or_a_baseline_that_is_none_is_refused(stage, lake, tmp_path):
    churn(stage, destination="s3://no-such-bucket/x")
    assert "there is no bucket no-such-bucket, so nothing is captured" in stage.refused("watch", CHURN)
    assert stage_stores().fleet.get().entry(CHURN) is None


def test_a_baseline_that_cannot_be_read_changes_nothing(stage, lake, tmp_path):
    churn(stage)
    (tmp_path / "constraints.json").write_text("{")
    assert "constraints.json: not JSON" in stage.refused("watch", CHURN, "--baseline", tmp_path, "--yes")
    assert stage_stores().fleet.get().entry(CHURN) is None


def test_the_statistics_beside_constraints_in_s3_are_taken_too(stage, lake, tmp_path, conformance):
    churn(stage)
    pair = next(conformance.glob("pairs/P07_*"))
    for name in ("constraints.json", "statistics.json"):
        lake.upload_file(str(pair / name), LAKE, f"baselines/{name}")
    stage.done("watch", CHURN, "--baseline", f"s3://{LAKE}/baselines/constraints.json", "--yes")
    baseline = stage_stores().baselines.get_in_force(CHURN).content
    assert baseline.statistics.rows > 0


def test_unwatching_leaves_everything_but_the_entry(watching):
    user_actions.predict(CHURN, [("1", "2")] * 20)
    watching.cloud.turn(minutes=20)
    before = parts()
    assert len(before) == 1
    assert "removed; the endpoint itself stays" in watching.done("unwatch", CHURN, "--yes")
    assert stage_stores().fleet.get().entry(CHURN) is None
    assert parts() == before
    assert boto3.client("sagemaker").describe_endpoint(EndpointName=CHURN)["EndpointStatus"] == "InService"
    assert "churn" in watching.refused("unwatch", CHURN, "--yes")


# --- what was captured before -----------------------------------------------------------------------------------------


def test_a_backfill_makes_the_parts_that_the_functions_would_have_made_and_alerts_nobody(watching, lake):
    ages = [timedelta(days=2), timedelta(hours=30), timedelta(hours=25), timedelta(days=20)]
    for number, age in enumerate(ages):
        lake.put_object(Bucket=LAKE, Key=capture_key(watching, age, f"n{number}"), Body=rows(40, b="2.5"))
    mails = len(watching.cloud.mailbox.mails)
    assert "3 objects" in watching.done("backfill", CHURN, "--from", "14d", "--dry-run")
    assert parts() == []
    answer = watching.answer("backfill", CHURN, "--from", "14d", "--yes")
    assert (answer["parts"], answer["rows"], answer["refused"]) == ({"created": 3}, 120, 0)
    assert "Found 0 objects (0.0 MB) to process; 3 already have a part and are skipped." in watching.done(
        "backfill", CHURN, "--from", "14d"
    )
    made = [stage_stores().bucket.get_record(Part, key) for key in parts()]
    assert [(part.evaluated, part.violated, part.summary.rows) for part in made] == [(False, False, 40)] * 3
    watching.cloud.settle()
    assert len(watching.cloud.mailbox.mails) == mails


def test_a_backfill_that_was_cut_short_goes_on(watching, lake, monkeypatch):
    for hour in range(3, 7):
        lake.put_object(Bucket=LAKE, Key=capture_key(watching, hour * HOUR), Body=rows(5))
    monkeypatch.setattr("vedette.operations.backfill.create_part", _fails_after(2, "vedette.operations.backfill"))
    with pytest.raises(RuntimeError):
        watching.run("backfill", CHURN, "--from", "1d", "--yes")
    assert len(parts()) == 2
    monkeypatch.undo()
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    assert watching.answer("backfill", CHURN, "--from", "1d", "--yes")["parts"] == {"created": 2}
    assert len(parts()) == 4


def _fails_after(number, module):
    from vedette.operations import backfill

    real, calls = backfill.create_part, count()

    def make(run, captured):
        if next(calls) >= number:
            raise RuntimeError("the power went out")
        return real(run, captured)

    return make


def test_a_backfill_of_many_objects_reads_several_at_once_and_answers_a_machine_in_json_alone(
    watching, lake, monkeypatch
):
    from vedette.operations import backfill

    for number in range(120):
        where = capture_key(watching, 3 * HOUR + number * timedelta(minutes=1))
        lake.put_object(Bucket=LAKE, Key=where, Body=rows(5))
    real, under_way, most = backfill.create_part, set(), []

    def make(run, captured):
        under_way.add(captured.key)
        most.append(len(under_way))
        try:
            return real(run, captured)
        finally:
            under_way.discard(captured.key)

    monkeypatch.setattr(backfill, "create_part", make)
    shown = watching.run("backfill", CHURN, "--from", "1d", "--yes", "--json").stdout
    assert json.loads(shown)["parts"] == {"created": 120}
    assert 1 < max(most) <= past_objects.MAX_PARALLEL_READS
    assert len(parts()) == 120


def test_a_backfill_keeps_few_large_objects_at_once():
    captured = [DataCaptured("b", f"k{number}", "e", 150_000_000, None) for number in range(5)]
    running, most = [], []

    def create(one):
        running.append(one)
        most.append(len(running))
        running.remove(one)
        return Counts({one.key: 1})

    made = list(past_objects.created(captured, create))
    assert ([key for counts in made for key in counts.outcomes], max(most)) == (["k0", "k1", "k2", "k3", "k4"], 1)


def test_a_backfill_says_what_it_does_not_understand(watching):
    for text in ("soon", "2999-01-01"):
        result = watching.run("backfill", CHURN, "--from", text)
        assert result.exit_code == 2
        assert text in result.output
    assert "nowhere" in watching.refused("backfill", "nowhere", "--from", "1d")


def test_the_fleet_is_written_as_the_file_that_it_can_be_applied_from(watching, tmp_path):
    watching.done(
        *("manage", "preferred-site", "--endpoint", "preferred-site", "--yes"),
        *("--capture-header", "input", "--test-marker", "testing=1"),
    )
    before = stage_stores().fleet.get().entries
    assert (before[0].capture_header, before[0].test_marker) == ("input", "testing=1")
    written = watching.done("fleet", "show", "--toml")
    (tmp_path / "fleet.toml").write_text(written)
    assert "The fleet does not change." in watching.done("apply", "-f", tmp_path / "fleet.toml")
    assert json.loads(watching.run("fleet", "show", "--toml", "--json").stdout)["toml"] == written
    watching.done("manage", "preferred-site", "--endpoint", "preferred-site", "--yes", "--capture-header", "none")
    assert stage_stores().fleet.get().entries[0].capture_header == ""


def test_a_source_that_no_rule_matches_is_remarked_and_one_of_our_own_refused(stage, tmp_path):
    (tmp_path / "fleet.toml").write_text('[endpoints.site]\ncapture_uri = "s3://elsewhere/x"\n')
    said = stage.done("apply", "-f", tmp_path / "fleet.toml", "--force", "--dry-run")
    assert "site captures to s3://elsewhere/x, which VEDETTE_CAPTURE_SOURCES does not name" in said
    (tmp_path / "fleet.toml").write_text(f'[endpoints.site]\ncapture_uri = "s3://{stage.bucket}/parts"\n')
    assert "where Vedette stores its own data" in stage.refused("apply", "-f", tmp_path / "fleet.toml")

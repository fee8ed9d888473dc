"""Model Monitor's schedules become a fleet: one command, nothing overwritten, what is not covered is named."""

from datetime import timedelta

import boto3
import pytest

from chalicelib.aws.clients import client
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import Mode
from tests.cli import fleet_of_schedules as made
from vedette.demo import user_actions


def constraints_of(uri: str) -> dict:
    return {"ConstraintsResource": {"S3Uri": uri}}


def test_forty_endpoints_come_from_their_schedules_with_one_command_and_are_evaluated_after_the_next_hour(stage):
    names = [f"churn-{number:02}" for number in range(40)]
    made.endpoints(stage, names)
    for number, name in enumerate(names):
        config = constraints_of(made.baseline(stage, name))
        (made.inline_schedule if number % 2 else made.schedule)(stage, name, config)
    stage.cloud.recorder.clear()
    shown = stage.done("apply", "--import-schedules", "--yes")
    assert "40 endpoints imported; schedules left out: 0." in shown
    assert "40 baselines put in force." in shown
    changed = {call.operation for call in stage.cloud.recorder.calls if call.service == "sagemaker"}
    assert {operation[:4] for operation in changed} <= {"List", "Desc"}
    assert {name: made.fleet()[name].baseline for name in names} == {
        name: f"s3://{stage.bucket}/baselines-of-model-monitor/{name}/" for name in names
    }
    stage.cloud.schedules_enabled = False  # of all timers, the one that evaluates windows runs once, below
    stage.cloud.turn(minutes=2)  # a new schedule is Pending first, and refuses changes
    for name in names:
        user_actions.predict(name, [("1", "2")] * 20)
        client("sagemaker").stop_monitoring_schedule(MonitoringScheduleName=f"{name}-schedule")
    stage.cloud.turn(to=stage.cloud.clock.now().replace(minute=6) + timedelta(hours=1))
    stage.cloud.invoke("run_monitoring", stage.cloud.scheduled_event("vedette-local-run_monitoring"))
    stage.cloud.settle()
    latest = [max(executions(name), key=lambda execution: execution.window_end) for name in names]
    assert [(one.endpoint, one.verdict, one.rows, one.baseline) for one in latest] == [
        (name, "OK", 20, "v1") for name in names
    ]


def executions(endpoint: str) -> list:
    from vedette.operations import results

    return [found.execution for found in results.executions(endpoint)]


def test_a_second_import_changes_nothing(stage):
    made.endpoints(stage, ["churn"])
    made.schedule(stage, "churn", constraints_of(made.baseline(stage, "churn")))
    stage.done("apply", "--import-schedules", "--yes")
    writes = stage.changes()
    said = stage.done("apply", "--import-schedules")
    assert "churn-schedule: churn is in the fleet already; its entry stays as it is." in said
    assert "The fleet does not change." in said
    assert stage.changes() == writes


def test_the_proposal_is_printed_and_nothing_is_written_in_a_dry_run(stage, tmp_path):
    made.endpoints(stage, ["churn", "daily"])
    made.schedule(stage, "churn", constraints_of(made.baseline(stage, "churn")))
    made.schedule(stage, "daily", {}, cron="cron(0 7 ? * * *)")
    file, before, changes = tmp_path / "fleet.toml", made.fleet(), stage.changes()
    said = stage.done("apply", "--import-schedules", "-f", file, "--dry-run")
    assert f'[endpoints.churn]\nbaseline = "s3://{stage.bucket}/baselines-of-model-monitor/churn/"\n' in said
    assert "[endpoints.daily]\nwindow_minutes = 1440\n" in said
    assert "daily: its schedule daily-schedule has no baseline, so nothing is evaluated before it has one" in said
    assert (file.exists(), made.fleet(), stage.changes()) == (False, before, changes)


def test_a_file_is_only_added_to_and_only_when_somebody_agrees(stage, tmp_path):
    made.endpoints(stage, ["churn", "other"])
    for name in ("churn", "other"):
        made.schedule(stage, name, constraints_of(made.baseline(stage, name)))
    file = tmp_path / "fleet.toml"
    ours = '# our fleet\n[endpoints.other] # by hand\nmode = "alert"\n'
    file.write_text(ours)
    stage.refused("apply", "--import-schedules", "-f", file, typed="n\n")
    assert file.read_text() == ours
    stage.done("apply", "--import-schedules", "-f", file, typed="y\n")
    assert file.read_text().startswith(ours)
    assert {name: entry.mode for name, entry in made.fleet().items()} == {"other": Mode.ALERT, "churn": Mode.OBSERVE}
    assert "The fleet does not change." in stage.done("apply", "-f", file)


def test_a_new_file_holds_the_whole_fleet(stage, tmp_path):
    made.endpoints(stage, ["churn"])
    made.schedule(stage, "churn", constraints_of(made.baseline(stage, "churn")))
    file = tmp_path / "fleet.toml"
    stage.done("apply", "--import-schedules", "-f", file, "--yes")
    assert sorted(made.fleet()) == ["churn", "preferred-site"]
    assert "The fleet does not change." in stage.done("apply", "-f", file)


def test_what_is_not_taken_over_is_named_with_its_reason(stage):
    made.endpoints(stage, ["churn", "later", "gone"])
    made.model_quality_schedule(stage, "churn")
    made.schedule(stage, "churn", constraints_of(made.baseline(stage, "churn")), name="one")
    made.schedule(stage, "churn", {}, name="two")
    made.schedule(stage, "gone", {})
    made.schedule(stage, "later", constraints_of(f"s3://{stage.bucket}/no/constraints.json"))
    stage.cloud.sagemaker.endpoints.endpoints.pop("gone")
    answer = stage.answer("apply", "--import-schedules", "--yes")
    assert answer["left_out"] == [
        "churn-quality: Vedette does not take over schedules of the kind ModelQuality.",
        "gone-schedule: There is no endpoint gone in eu-west-1.",
        "two: churn has the schedule one too, which is taken.",
    ]
    assert [remark for remark in answer["remarks"] if remark.startswith("later")] == [
        "later: the baseline of its schedule cannot be taken over:"
        f" s3://{stage.bucket}/no/constraints.json: no such file; `vedette baseline` creates one"
    ]
    assert made.fleet()["later"].baseline == ""


def test_statistics_elsewhere_and_a_script_that_changes_rows_are_seen(stage, conformance):
    made.endpoints(stage, ["churn", "bare"])
    pair = next(conformance.glob("pairs/P07_*"))
    s3 = boto3.client("s3")
    s3.upload_file(str(pair / "constraints.json"), stage.bucket, "b/rules.json")
    s3.upload_file(str(pair / "statistics.json"), stage.bucket, "elsewhere/stats.json")
    places = {
        **constraints_of(f"s3://{stage.bucket}/b/rules.json"),
        "StatisticsResource": {"S3Uri": f"s3://{stage.bucket}/elsewhere/stats.json"},
    }
    script = {"RecordPreprocessorSourceUri": f"s3://{stage.bucket}/preprocess.py"}
    made.schedule(stage, "churn", places, code=script, cron="cron(0 17/5 ? * * *)")
    answer = stage.answer("apply", "--import-schedules", "--yes")
    entry = made.fleet()["churn"]
    assert (entry.baseline, entry.baseline_statistics) == (
        f"s3://{stage.bucket}/b/rules.json",
        f"s3://{stage.bucket}/elsewhere/stats.json",
    )
    assert answer["remarks"] == [
        "churn: its schedule churn-schedule runs every 5 h; the windows of its entry last an hour",
        f"churn: Model Monitor changes its rows with s3://{stage.bucket}/preprocess.py first; Vedette evaluates the"
        " rows as captured",
    ]
    assert stage_stores().baselines.get_in_force("churn").content.statistics.rows > 0


def test_without_a_file_and_without_schedules_there_is_nothing_to_apply(stage):
    assert "Give a --file or --import-schedules." in stage.run("apply").output


@pytest.mark.parametrize("kind", ["DataQuality", "ModelBias"])
def test_a_schedule_of_one_kind_alone_is_read_as_data_quality(stage, kind):
    from vedette.operations import monitoring_schedules

    made.endpoints(stage, ["churn"])
    made.inline_schedule(stage, "churn", {})
    summary = {"MonitoringScheduleName": "churn-schedule", "MonitoringType": kind}
    assert (monitoring_schedules.read(summary) is not None) == (kind == "DataQuality")

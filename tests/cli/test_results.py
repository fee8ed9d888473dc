"""What was evaluated, read back: tables, JSON and DataFrames, of Vedette and of Model Monitor's schedules."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import boto3
import pandas as pd
import pytest

import vedette
from chalicelib.errors import VedetteError
from chalicelib.statistics.files import write_statistics
from chalicelib.statistics.table import Table
from tests.operations.evaluated_windows import evaluated, send, watched
from tests.operations.installed_stage import SITE
from vedette.local.sagemaker.executions import Report

SENTENCE = (
    "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
    "Observed: Only 50.0% of data is Integral."
)
FOUND = {"violations": [{"feature_name": "a", "constraint_check_type": "completeness_check", "description": "too few"}]}


def schedule(stage, name="hourly", kind="DataQuality"):
    sagemaker = boto3.client("sagemaker")
    output = {"S3Uri": f"s3://{stage.bucket}/monitor", "LocalPath": "/opt/ml/processing/output"}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}
    definition = {
        "MonitoringInputs": [{"EndpointInput": {"EndpointName": SITE, "LocalPath": "/opt/ml/processing/input"}}],
        "MonitoringOutputConfig": {"MonitoringOutputs": [{"S3Output": output}]},
        "MonitoringResources": {"ClusterConfig": cluster},
        "MonitoringAppSpecification": {
            "ImageUri": "1.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"
        },
        "RoleArn": "arn:aws:iam::123456789012:role/vedette-local-model",
    }
    sagemaker.create_monitoring_schedule(
        MonitoringScheduleName=name,
        MonitoringScheduleConfig={
            "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            "MonitoringJobDefinition": definition,
            "MonitoringType": kind,
        },
    )


def files(violations=FOUND):
    table = Table.of([["1", "x"], ["2", None]], ("a", "word"))
    return {
        "constraint_violations.json": json.dumps(violations).encode(),
        "statistics.json": write_statistics(table),
        "constraints.json": b'{"features": [{"name": "a", "inferred_type": "Integral"}]}',
    }


def test_violations_are_a_table_in_eighty_columns_and_exit_code_1(stage, monkeypatch):
    evaluated(stage)
    monkeypatch.setenv("COLUMNS", "80")
    result = stage.run("show", "violations", SITE)
    assert result.exit_code == 1
    assert "Vedette, variant AllTraffic" in result.stdout
    assert "2026-03-02 10:00 to 2026-03-02 11:00 UTC: Violations" in result.stdout
    assert f"b: {SENTENCE}" in result.stdout
    drawn = [line for line in result.stdout.splitlines() if line[:1] in "┏┃┡│└"]
    assert drawn
    assert max(map(len, drawn)) <= 80


def test_a_window_of_slight_violations_fails_when_information_does(stage):
    evaluated(stage, good=300, bad=1)
    (found,) = stage.answer("show", "violations", SITE)
    assert [one["severity"] for one in found["violations"]] == ["information"]
    codes = [stage.run("show", "violations", SITE, "--fail-on", one).exit_code for one in ("warning", "information")]
    assert codes == [0, 1]


def test_a_window_that_is_well_is_exit_code_0_and_no_window_at_all_is_2(stage):
    evaluated(stage, good=40, bad=0)
    assert "OK" in stage.done("show", "violations", SITE)
    for window in ("2026-03-02T10", "2026-03-02 10:00"):
        assert stage.answer("show", "violations", SITE, "--window", window)[0]["verdict"] == "OK"
    sentence = stage.refused("show", "violations", SITE, "--window", "2026-03-01T10")
    assert sentence == f"No results of {SITE} in the window of 2026-03-01 10:00 UTC."
    assert "variant blue" in stage.refused("show", "statistics", SITE, "--variant", "blue")
    assert "'yesterday' is not a window" in stage.refused("show", "statistics", SITE, "--window", "yesterday")
    assert "No results of cars in any window." in stage.refused("show", "constraints", "cars")


def test_the_latest_window_is_found_after_many_and_after_a_long_silence(stage):
    watched(stage)
    for bad in (20, 0, 5):
        send(stage, good=20, bad=bad)
        stage.cloud.turn(hours=1)
    stage.cloud.turn(minutes=10)
    (found,) = [one for one in stage.answer("show", "violations", SITE) if one["window_start"].startswith("2026-03-02")]
    assert (found["window_start"], found["violations"][0]["value"]) == ("2026-03-02T12:00:00Z", 0.8)


def test_statistics_show_numbers_whole_in_eighty_columns(stage, monkeypatch):
    evaluated(stage)
    monkeypatch.setenv("COLUMNS", "80")
    shown = stage.done("show", "statistics", SITE)
    assert "mean 34.25 ± 0.25" in shown
    assert "34 to 34.5" in shown
    assert max(map(len, [line for line in shown.splitlines() if line[:1] == "│"])) <= 80
    (found,) = stage.answer("show", "statistics", SITE)
    assert [f["feature"] for f in found["statistics"]] == ["label", "a", "b"]
    assert (found["statistics"][2]["mean"], found["statistics"][2]["num_present"]) == (34.25, 40)


def test_constraints_are_those_that_the_window_was_evaluated_by(stage):
    evaluated(stage)
    stage.done("constraints", "set", SITE, "b", "--type", "Fractional", "--reason", "cents", "--yes")
    (found,) = stage.answer("show", "constraints", SITE)
    assert found["place"].endswith("/v1/constraints.json")
    assert found["constraints"]["features"][2]["inferred_type"] == "Integral"
    assert "not negative" not in stage.done("show", "constraints", SITE)


# --- Model Monitor's schedules ----------------------------------------------------------------------------------------


@pytest.fixture
def monitored(stage):
    """An endpoint with a window evaluated by both, the schedule's execution at its end."""
    watched(stage)
    schedule(stage)
    stage.cloud.turn(minutes=5)
    stage.cloud.sagemaker.monitoring.monitor = lambda execution: Report(violations=1, files=files())
    send(stage, good=40)
    stage.cloud.turn(minutes=90)
    return stage


def test_model_monitors_files_are_shown_beside_vedettes_and_say_whose_they_are(monitored):
    ours, theirs = monitored.answer("show", "violations", SITE, "--window", "2026-03-02T10")
    assert (ours["source"], ours["verdict"], theirs["source"]) == ("vedette", "OK", "model monitor")
    assert (theirs["name"], theirs["verdict"]) == ("hourly", "CompletedWithViolations")
    assert theirs["folder"] == f"s3://{monitored.bucket}/monitor/{SITE}/hourly/2026/03/02/11/"
    assert (theirs["window_start"], theirs["window_end"]) == ("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z")
    (violation,) = theirs["violations"]
    assert (violation["feature"], violation["check"], violation["description"]) == (
        "a",
        "completeness_check",
        "too few",
    )
    result = monitored.run("show", "violations", SITE)
    assert "Model Monitor (DataQuality), schedule hourly" in result.stdout
    assert result.exit_code == 1
    assert len(monitored.answer("show", "violations", SITE, "--variant", "AllTraffic")) == 1
    statistics = monitored.answer("show", "statistics", SITE)[1]["statistics"]
    assert [(f["feature"], f["distinct_count"]) for f in statistics] == [("a", None), ("word", 1.0)]
    assert monitored.answer("show", "constraints", SITE)[1]["constraints"]["features"][0]["name"] == "a"


def test_the_page_of_a_schedules_execution_is_made_of_its_files(monitored, tmp_path):
    target = tmp_path / "theirs.html"
    monitored.run("report", SITE, "--window", "2026-03-02T10", "-o", str(target))
    page = target.read_text()
    assert "schedule hourly" in page
    assert "completeness_check" in page
    assert "too few" in page
    assert "2 rows" in page
    assert not [word for word in ("0 rows", "unknown version", "Rejected", "..<") if word in page]


def test_an_execution_that_never_had_a_job_is_shown_with_its_reason(stage):
    watched(stage)
    schedule(stage)
    stage.cloud.turn(minutes=5)
    stage.cloud.sagemaker.monitoring.fail_next_without_job("hourly", "No capacity for ml.m5.xlarge.")
    stage.cloud.turn(minutes=90)
    theirs = stage.answer("show", "violations", SITE)[-1]
    assert (theirs["verdict"], theirs["notes"]) == (
        "Failed",
        ["the execution never had a processing job: No capacity for ml.m5.xlarge."],
    )
    assert "There is no statistics file." in stage.done("show", "statistics", SITE)


def test_what_runs_when_is_shown_for_vedette_and_for_schedules(monitored):
    rows = monitored.answer("show", "schedule", SITE)
    assert [(row["source"], row["name"], row["runs"]) for row in rows] == [
        ("vedette", "AllTraffic", "hard checks after every 60 minutes"),
        ("vedette", "AllTraffic", "drift after every 1440 minutes"),
        ("model monitor", "hourly", "cron(0 * ? * * *)"),
    ]
    assert [row["last_verdict"] for row in rows] == ["OK", "", "CompletedWithViolations"]
    assert [row["next_run"] for row in rows] == ["2026-03-02T12:05:00Z", "2026-03-03T00:05:00Z", None]
    assert "hourly" in monitored.done("show", "schedule", SITE)
    assert "cars is not monitored" in monitored.done("show", "schedule", "cars")


# --- in a notebook ----------------------------------------------------------------------------------------------------


def test_a_notebook_gets_data_frames_with_typed_columns(monitored):
    found = vedette.latest_violations(SITE)
    assert list(found["source"]) == ["model monitor"]
    assert found.loc[0, "window_start"] == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert found.attrs["verdicts"] == {"vedette: AllTraffic": "OK", "model monitor: hourly": "CompletedWithViolations"}
    statistics = vedette.latest_statistics(SITE, variant="AllTraffic").set_index("feature")
    assert statistics.loc["b", "mean"] == 34.0
    assert statistics["max"].dtype == "float64"
    planned = vedette.schedule(SITE)
    assert list(planned["name"]) == ["AllTraffic", "AllTraffic", "hourly"]
    assert isinstance(planned["next_run"].dtype, pd.DatetimeTZDtype)
    assert pd.isna(planned.loc[2, "next_run"])


def test_no_violations_are_a_frame_without_rows_and_no_window_is_an_error(stage):
    with pytest.raises(VedetteError, match="No results"):
        vedette.latest_violations(SITE)
    evaluated(stage, good=40, bad=0)
    found = vedette.latest_violations(SITE, stage="local", region="eu-west-1")
    assert (len(found), found.attrs["verdicts"]) == (0, {"vedette: AllTraffic": "OK"})
    assert {"feature", "check", "window_start", "description"} <= set(found.columns)
    with pytest.raises(VedetteError, match="nowhere"):
        vedette.latest_statistics(SITE, stage="nowhere")


def test_a_notebook_needs_neither_chalice_nor_moto_nor_the_stand_in():
    code = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"chalice", "moto", "flask", "sklearn", "time_machine"} or name == "vedette.local":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import vedette
from chalicelib.errors import MissingSetting
assert "pandas" not in sys.modules
for function in (vedette.latest_violations, vedette.latest_statistics, vedette.schedule):
    try:
        function("site")
    except MissingSetting as error:
        assert "Name a stage" in str(error)
    else:
        raise AssertionError("no stage is named here")
from vedette.operations import baselines, constraints, results
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VEDETTE_", "AWS_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd="/", env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")

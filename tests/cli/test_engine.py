"""`--engine`, `--master` and `--print`, without Spark; tests/spark runs it."""

import json
import os
import pickle
import subprocess
import sys
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path

import boto3
import botocore.session
import pytest
from botocore.validate import ParamValidator
from msgspec.structs import replace

from chalicelib.constraints.reference_days import FULL_DAYS
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import NotReady, OutOfTime, RequestRejected
from chalicelib.locations import HOUR
from chalicelib.records import FleetEntry
from chalicelib.services import quality_monitoring
from chalicelib.settings import VARIABLES, from_environment, settings
from chalicelib.statistics import BASELINE_K
from tests.capture.captures import line, side
from tests.operations.installed_stage import SITE
from tests.services import captured_days
from tests.services.quality_days import DAY, SETTINGS, capture_day, label_day, put_baseline, rows_of
from vedette.demo import user_actions
from vedette.installation.policies import listed
from vedette.local import permissions
from vedette.local.recorder import calling_as
from vedette.operations import backfill
from vedette.spark import emr_serverless, job
from vedette.spark import engine as spark_engine

BACKFILL = ("backfill", SITE, "--from", "2026-02-01")
ROWS = line(side("1,2"), side("0.5")) * 20


PROGRAM = """#!{python}
import json, sys
with open({log!r}, "a") as log:
    log.write(json.dumps([{name!r}, *sys.argv[1:]]) + "\\n")
if sys.argv[1:4] == ["s3", "cp", "-"]:
    open({log!r} + "-uploaded", "w").write(sys.stdin.read())
print({{"list-applications": "None", "create-application": "00f1r8ka7v2h4t01"}}.get(sys.argv[2], "run"))
"""


@pytest.fixture
def called(stage, tmp_path, monkeypatch) -> list[list[str]]:
    """The programs that the printed script calls, with their arguments, as a shell runs it."""
    for name in ("aws", "docker"):
        (tmp_path / name).write_text(PROGRAM.format(python=sys.executable, name=name, log=str(tmp_path / "log")))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("VEDETTE_OTHER", "of another program")
    script = stage.done(*BACKFILL, "--engine", "spark", "--print")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["/bin/sh"], input=script, text=True, cwd=tmp_path, env=environment, check=True)
    return [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]


def option(called: list[list[str]], name: str):
    """The value of an option, which one of the calls has; JSON is read."""
    (found,) = [call[call.index(name) + 1] for call in called if name in call]
    return json.loads(found) if found.startswith("{") else found


def test_the_script_packs_uploads_and_starts(called):
    assert [call[:3] for call in called if call[1] != "s3"] == [
        ["docker", "run", "--rm"],
        ["aws", "iam", "get-role"],
        ["aws", "iam", "put-role-policy"],
        ["aws", "emr-serverless", "list-applications"],
        ["aws", "emr-serverless", "create-application"],
        ["aws", "emr-serverless", "start-job-run"],
    ]
    assert option(called, "--application-id") == "00f1r8ka7v2h4t01"


def test_the_job_file_is_uploaded_as_it_is(called, tmp_path):
    assert (tmp_path / "log-uploaded").read_text() == Path(job.__file__).read_text()


def test_emr_serverless_accepts_the_job(called):
    model = botocore.session.get_session().get_service_model("emr-serverless")
    arguments = {
        "applicationId": option(called, "--application-id"),
        "clientToken": "once",
        "executionRoleArn": option(called, "--execution-role-arn"),
        "jobDriver": option(called, "--job-driver"),
        "configurationOverrides": option(called, "--configuration-overrides"),
        "executionTimeoutMinutes": int(option(called, "--execution-timeout-minutes")),
    }
    shape = model.operation_model("StartJobRun").input_shape
    assert ParamValidator().validate(arguments, shape).generate_report() == ""
    capacity = model.operation_model("CreateApplication").input_shape.members["maximumCapacity"]
    assert ParamValidator().validate(option(called, "--maximum-capacity"), capacity).generate_report() == ""


def test_the_job_is_the_command_in_the_stage(stage, called):
    submitted = option(called, "--job-driver")["sparkSubmit"]
    assert submitted["entryPointArguments"] == [
        *("backfill", SITE, "--from", "2026-02-01T00:00:00+00:00", "--yes", "--engine", "spark")
    ]
    (defaults,) = option(called, "--configuration-overrides")["applicationConfiguration"]
    properties = defaults["properties"]
    assert properties["spark.emr-serverless.driverEnv.VEDETTE_STAGE"] == "local"
    ours = {name.rpartition(".")[2] for name in properties if "driverEnv.VEDETTE_" in name}
    assert ours == {name for name in VARIABLES if name in os.environ}
    assert properties["spark.executorEnv.PYSPARK_PYTHON"] == "./environment/bin/python"
    uploaded = [call[4] for call in called if call[1:3] == ["s3", "cp"]]
    assert uploaded == [properties["spark.archives"].removesuffix("#environment"), submitted["entryPoint"]]


def test_the_variables_are_those_that_the_settings_read(stage):
    read = []

    class Environment(dict):
        def get(self, name, default=None):
            read.append(name)
            return super().get(name, default)

    from_environment(Environment(os.environ))
    assert set(read) == set(VARIABLES)


def test_the_role_is_of_the_stage_alone(stage, called):
    policy = option(called, "--policy-document")
    assert policy == emr_serverless.job_policy(settings())
    resources = json.dumps([one["Resource"] for one in policy["Statement"] if one["Effect"] == "Allow"])
    assert "vedette-*" not in resources
    assert f"arn:aws:s3:::{stage.bucket}/parts/*" in resources


def test_nothing_is_changed_by_printing(stage):
    stage.cloud.recorder.clear()
    stage.done(*BACKFILL, "--engine", "spark", "--print")
    assert stage.changes() == []
    assert stage.answer(*BACKFILL, "--engine", "spark", "--print")["script"].startswith("#!/bin/sh\n")


def test_what_the_command_refuses_is_not_printed(stage):
    user_actions.apply_fleet(FleetEntry(endpoint="nightly", transform_jobs="nightly-"))
    for command in ("backfill", "replay"):
        options = ("--from", "2026-02-01", "--engine", "spark", "--print")
        assert "nightly names transform jobs" in stage.refused(command, "nightly", *options)
        assert "nowhere is not in the fleet" in stage.refused(command, "nowhere", *options)


def test_options_of_spark_need_spark(stage):
    for more in (("--master", "local[2]"), ("--print",)):
        result = stage.run(*BACKFILL, *more)
        assert result.exit_code == 2
        assert "--master and --print need --engine spark." in result.output


def test_without_pyspark_there_is_one_sentence(stage):
    quiet(stage)
    put(stage, SITE, "x", b"")
    sentence = stage.refused(*BACKFILL, "--engine", "spark", "--yes")
    assert sentence == "The engine spark needs PySpark: pip install 'vedette[spark]'."


def raised(error: Exception) -> None:
    raise error


def test_a_task_returns_the_sentence_of_an_error_that_no_retry_can_mend_and_raises_others(stage):
    variables = {name: value for name, value in os.environ.items() if name.startswith("VEDETTE_")}
    refused = spark_engine.in_stage(variables, None, raised, RequestRejected("ValidationException", "no such name"))
    assert pickle.loads(pickle.dumps(refused)).sentence == "ValidationException: no such name"  # noqa: S301
    for error in (NotReady("busy"), OutOfTime("late"), ZeroDivisionError()):
        with pytest.raises(type(error)):
            spark_engine.in_stage(variables, None, raised, error)


def test_a_job_may_do_what_it_does_and_nothing_else(stage):
    """Both commands, of an endpoint with private features and one with model quality, in the role of a job."""
    quiet(stage)
    settings_of_quality = replace(SETTINGS, ground_truth=())
    entries = FleetEntry(endpoint="churn", private=("a",)), FleetEntry(endpoint="fraud", quality=settings_of_quality)
    user_actions.apply_fleet(*entries)
    stage.by_hand("churn")
    today = stage.cloud.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(FULL_DAYS):  # so that reference days are learned, and stored
        captured_days.capture_day("churn", today - (number + 1) * DAY)
    training = replace(captured_days.table_of(today, 0.0, BASELINE_K), names=("label", "a", "b"))
    user_actions.put_baseline_in_force("churn", "v1", suggested_constraints(training), training)
    for entry in entries:
        for number in range(backfill.ROLLUP_MIN_PARTS):
            put(stage, entry.endpoint, f"n{number}", ROWS)
    found = backfill.backlog(FleetEntry(endpoint="fraud"), *last_day(stage))
    list(backfill.create_parts(FleetEntry(endpoint="fraud"), found.objects[:1]))  # before it had a quality table
    day = rows_of(today - 3 * DAY)
    put_baseline("fraud", day.start)
    capture_day("fraud", day, hours=4)
    label_day("fraud", day, day.start + DAY)
    boto3.client("s3").put_object(Bucket=stage.bucket, Key="ground-truth/fraud/labels.csv", Body=b"e1,1\n")

    policy = emr_serverless.job_policy(settings())
    stage.cloud.permissions.policy_of = lambda function: policy if function == "spark" else None
    with calling_as("spark"):
        for entry in entries:
            answer = stage.answer("backfill", entry.endpoint, "--from", "30d", "--yes")
            assert (answer["rollups"], answer["joined"]) == (1, 1 if entry.quality else 0)
        assert stage.run("replay", "churn", "--from", "1d").exit_code in (0, 1)
    quality_monitoring.evaluate_due_days(EndpointRun.without_deadline(entries[1]))
    with calling_as("spark"):
        stage.done("replay", "fraud", "--from", "9d", "--quality")
    needed = [need for who, need in permissions.needed if who == "spark"]
    unused = {
        (action, resource)
        for statement in policy["Statement"]
        for action, resource in product(listed(statement["Action"]), listed(statement["Resource"]))
        if statement["Effect"] == "Allow"
        and not any(need.action == action and fnmatchcase(need.resource, resource) for need in needed)
    }
    # Spark itself reads the archive and the job file.
    assert unused == {("s3:GetObject", f"arn:aws:s3:::{stage.bucket}/spark/*")}


def last_day(stage) -> tuple[datetime, datetime]:
    now = stage.cloud.clock.now()
    return now - DAY, now


def quiet(stage) -> None:
    """No function runs beside the commands."""
    stage.cloud.bus.backend = None
    stage.cloud.schedules_enabled = False


def put(stage, endpoint: str, name: str, content: bytes) -> None:
    """A captured object of a few hours ago."""
    begun = stage.cloud.clock.now() - 5 * HOUR
    key = f"data-capture/{endpoint}/AllTraffic/{begun:%Y/%m/%d/%H/%M}-00-000-{name}.jsonl"
    boto3.client("s3").put_object(Bucket=stage.bucket, Key=key, Body=content)

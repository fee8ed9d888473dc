"""`--engine`, `--master` and `--print`, without Spark; tests/spark runs it."""

import json
import shlex
import subprocess

import botocore.session
import pytest
from botocore.validate import ParamValidator

from chalicelib.settings import settings
from tests.operations.installed_stage import SITE
from vedette.spark import emr_serverless

BACKFILL = ("backfill", SITE, "--from", "2026-02-01")
REPLAY = ("replay", SITE, "--from", "2026-02-01")


@pytest.fixture
def printed(stage) -> str:
    return stage.done(*BACKFILL, "--engine", "spark", "--print")


def words(script: str) -> list[str]:
    """The words of the script, as a shell reads them."""
    return shlex.split(script, comments=True)


def option(script: str, name: str):
    """The JSON after an option."""
    found = words(script)
    return json.loads(found[found.index(name) + 1])


def test_a_shell_reads_the_script(printed):
    assert subprocess.run(["/bin/sh", "-n"], input=printed, text=True, check=False).returncode == 0


def test_emr_serverless_accepts_the_job(printed):
    model = botocore.session.get_session().get_service_model("emr-serverless")
    arguments = {
        "applicationId": "00f1r8ka7v2h4t01",
        "clientToken": "once",
        "executionRoleArn": "arn:aws:iam::123456789012:role/vedette-local-spark",
        "jobDriver": option(printed, "--job-driver"),
        "configurationOverrides": option(printed, "--configuration-overrides"),
        "executionTimeoutMinutes": 0,
    }
    shape = model.operation_model("StartJobRun").input_shape
    assert ParamValidator().validate(arguments, shape).generate_report() == ""
    capacity = model.operation_model("CreateApplication").input_shape.members["maximumCapacity"]
    assert ParamValidator().validate(option(printed, "--maximum-capacity"), capacity).generate_report() == ""


def test_the_job_is_the_command_in_the_stage(printed):
    submitted = option(printed, "--job-driver")["sparkSubmit"]
    assert submitted["entryPointArguments"] == [
        *("backfill", SITE, "--from", "2026-02-01T00:00:00+00:00", "--yes", "--engine", "spark")
    ]
    ((properties,),) = [
        [one["properties"] for one in option(printed, "--configuration-overrides")["applicationConfiguration"]]
    ]
    assert properties["spark.emr-serverless.driverEnv.VEDETTE_STAGE"] == "local"
    assert properties["spark.archives"].endswith("#environment")
    assert properties["spark.executorEnv.PYSPARK_PYTHON"] == "./environment/bin/python"


def test_the_role_is_of_the_stage_alone(stage, printed):
    policy = option(printed, "--policy-document")
    assert policy == emr_serverless.job_policy(settings())
    resources = json.dumps([one["Resource"] for one in policy["Statement"] if one["Effect"] == "Allow"])
    assert "vedette-*" not in resources
    assert f"arn:aws:s3:::{stage.bucket}/parts/*" in resources


def test_nothing_is_changed_by_printing(stage):
    stage.cloud.recorder.clear()
    stage.done(*BACKFILL, "--engine", "spark", "--print")
    assert stage.changes() == []
    assert stage.answer(*BACKFILL, "--engine", "spark", "--print")["script"].startswith("#!/bin/sh\n")


def test_options_of_spark_need_spark(stage):
    for more in (("--master", "local[2]"), ("--print",)):
        result = stage.run(*BACKFILL, *more)
        assert result.exit_code == 2
        assert "--master and --print need --engine spark." in result.output


def test_without_pyspark_there_is_one_sentence(stage):
    key = "data-capture/preferred-site/AllTraffic/2026/03/01/00/00-00-000-x.jsonl"
    stage.cloud.session.client("s3").put_object(Bucket=stage.bucket, Key=key, Body=b"")
    sentence = stage.refused(*BACKFILL, "--engine", "spark", "--yes")
    assert sentence == "The engine spark needs PySpark: pip install 'vedette[spark]'."

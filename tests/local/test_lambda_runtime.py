"""A deployment package runs under AWS's own runtime client, in a process of its own, against the served cloud."""

import io
import zipfile

import pytest
from chalice import Chalice

from vedette.local import Cloud
from vedette.local.artifact import Artifact
from vedette.local.functions import FunctionError, functions_of

PACKAGE = {
    "helper.py": "GREETING = 'hello'",
    "app.py": """
import os
import time

import boto3

from helper import GREETING


def on_mine(event, context):
    boto3.client("s3").put_object(Bucket=os.environ["VEDETTE_BUCKET"], Key=event["detail"]["key"], Body=b"1")
    print("written")
    return {"name": context.function_name, "greeting": GREETING, "left": context.get_remaining_time_in_millis()}


def fails(event, context):
    raise ValueError("no")


def needs_numpy(event, context):
    import numpy


def sleeps(event, context):
    time.sleep(30)
""",
}


def zipped(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def app():
    app = Chalice("vedette")

    @app.on_cw_event({"source": ["mine"]})
    def on_mine(event):
        raise AssertionError("the code comes from the zip")

    def plain(event, context):
        raise AssertionError("the code comes from the zip")

    for name in ("fails", "needs_numpy", "sleeps", "missing"):
        plain.__name__ = name
        app.lambda_function(name=name)(plain)
    return app


@pytest.fixture(scope="module")
def deployed():
    with Cloud(real_time=True) as cloud:
        environment = cloud.install()
        artifact = cloud.run_artifact(zipped(PACKAGE), environment, app(), timeouts={"sleeps": 1, "on_mine": 20})
        yield cloud, environment["VEDETTE_BUCKET"], artifact


def event(key):
    return {"detail": {"key": key}}


def test_a_function_runs_from_the_zip_and_reaches_the_same_cloud(deployed):
    cloud, bucket, artifact = deployed
    answer = cloud.invoke("on_mine", event("a"))
    assert (answer["name"], answer["greeting"]) == ("vedette-local-on_mine", "hello")
    assert 15_000 < answer["left"] <= 20_000
    assert cloud.read(f"s3://{bucket}/a") == b"1"
    assert "written" in artifact.logs("on_mine")
    assert cloud.recorder.names("on_mine")[-1] == "s3:PutObject"


def test_the_bus_reaches_it_by_the_pattern_of_the_app(deployed):
    cloud, bucket, _ = deployed
    cloud.put_event("mine", "Thing Done", {"key": "from the bus"})
    cloud.settle()
    assert cloud.bus.deliveries[-1].outcome == "ok"
    assert cloud.read(f"s3://{bucket}/from the bus") == b"1"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("fails", "ValueError: no"),
        ("needs_numpy", "ModuleNotFoundError: No module named 'numpy'"),
        ("missing", "Runtime.HandlerNotFound: Handler 'missing' missing on module 'app'"),
        ("sleeps", "Sandbox.Timedout"),
    ],
)
def test_failures_are_reported_as_by_lambda(deployed, name, error):
    with pytest.raises(FunctionError, match=error.replace("(", r"\(")):
        deployed[0].invoke(name, {})


def test_a_crash_kills_the_process_and_the_next_event_finds_a_new_one(deployed):
    cloud, bucket, artifact = deployed
    cloud.faults.add("crash_after", "s3", "PutObject", function="on_mine")
    with pytest.raises(FunctionError, match="signal: killed"):
        cloud.invoke("on_mine", event("crashed"))
    assert cloud.read(f"s3://{bucket}/crashed") == b"1"
    assert cloud.invoke("on_mine", event("again"))["greeting"] == "hello"
    function = next(function for function in cloud.bus.functions if function.name == "on_mine")
    assert 0 < artifact.environment_of(function).init_seconds < 30


def test_a_module_that_is_missing_in_the_zip_is_reported():
    artifact = Artifact(zipped({"app.py": PACKAGE["app.py"]}), {})
    function = functions_of(app(), "local", "eu-west-1", "123456789012")[0]
    try:
        with pytest.raises(FunctionError, match="No module named 'helper'"):
            artifact.invoke(function, event("a"), "1")
    finally:
        artifact.close()

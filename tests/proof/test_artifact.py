"""The artifact is the product: the zip that Chalice builds is unzipped and every function in it runs.

Chalice's mistakes are silent (exit code 0 with half of the dependencies missing), so nothing less than
running the functions under AWS's own runtime client tells whether the package is whole.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.windows import closed_windows
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import Execution, FleetEntry, GoldenPayload
from chalicelib.settings import settings
from vedette.demo import user_actions
from vedette.installation import byte_code, deploy
from vedette.installation import package as packages
from vedette.local import Cloud
from vedette.local.application import load_app
from vedette.local.artifact import Artifact
from vedette.local.functions import FunctionError

ROOT = Path(__file__).parents[2]
ENDPOINT = "site"
FUNCTIONS = {
    "on_model_package_state_change",
    "on_endpoint_state_change",
    "on_data_captured",
    "on_ground_truth",
    "run_monitoring",
    "on_monitoring_execution",
    "sweep",
}
ROWS = 2000  # enough different values that the sketches are needed
pytestmark = pytest.mark.artifact


@pytest.fixture(scope="module")
def zip_bytes(package) -> bytes:
    return (package / "deployment.zip").read_bytes()


@pytest.fixture(scope="module")
def shipped(zip_bytes, tmp_path_factory) -> bytes:
    """The package as `make deploy` and `make package` ship it: with byte code."""
    file = tmp_path_factory.mktemp("shipped") / "deployment.zip"
    file.write_bytes(zip_bytes)
    byte_code.add(file)
    return file.read_bytes()


@pytest.fixture
def cloud():
    saved = dict(os.environ)
    with Cloud(start=datetime.now(UTC), real_time=True) as cloud:
        cloud.schedules_enabled = False
        yield cloud
    os.environ.clear()
    os.environ.update(saved)
    settings.cache_clear()


def rewritten(zip_bytes: bytes, change) -> bytes:
    """The zip with each entry as `change(name, content)` gives it; None leaves an entry out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(zip_bytes)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            content = change(entry.filename, old.read(entry))
            if content is not None:
                new.writestr(entry, content)
    return out.getvalue()


def captured_line(number: int) -> str:
    data = {"endpointInput": {"data": f"{number},{number}.50"}, "endpointOutput": {"data": "1.0"}}
    for side in data.values():
        side |= {"observedContentType": "text/csv", "encoding": "CSV"}
    return json.dumps({"captureData": data, "eventMetadata": {"eventId": str(number)}, "eventVersion": "0"}) + "\n"


def live(cloud: Cloud, zip_bytes: bytes) -> str:
    """Run every flow once through the functions of the zip; the bucket."""
    environment = cloud.install()
    cloud.run_artifact(zip_bytes, environment, load_app(environment))
    bucket = environment["VEDETTE_BUCKET"]
    golden = GoldenPayload(body="60,70")
    user_actions.apply_fleet(
        FleetEntry(
            endpoint=ENDPOINT,
            mode="deploy",
            package_group=ENDPOINT,
            golden_payload=golden,
            window_minutes=5,
            drift_window_minutes=5,  # a day's window would have closed just now where the test runs after midnight
        )
    )
    features = [
        {"name": name, "inferred_type": kind}
        for name, kind in zip("yab", ["Fractional", "Integral", "Integral"], strict=True)
    ]
    user_actions.put_baseline_in_force(ENDPOINT, "v1", Constraints({"version": 0.0, "features": features}), None)
    training = b"0.0,1,1\n1.0,90,90\n0.0,2,1\n1.0,80,90\n"
    user_actions.register(ENDPOINT, "knn", training, bucket, "Approved")
    cloud.turn(minutes=6)
    start = closed_windows(5, datetime.now(UTC), 1)[0].start
    key = f"data-capture/{ENDPOINT}/AllTraffic/{start:%Y/%m/%d/%H/%M}-00-000-11111111-2222-3333-4444-555555555555.jsonl"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body="".join(map(captured_line, range(ROWS))).encode())
    boto3.client("s3").put_object(Bucket=bucket, Key=f"ground-truth/{ENDPOINT}/labels.csv", Body=b"a,1\n")
    cloud.settle()
    for function in ("run_monitoring", "sweep"):
        cloud.invoke(function, cloud.scheduled_event(function))
        cloud.settle()
    return bucket


def unreadable(name: str, content: bytes) -> bytes:
    return b"raise ImportError('compiled from its source')" if name.endswith(".py") else content


@pytest.mark.parametrize("deployed_by", ["a bare chalice deploy", "make deploy"])
def test_every_function_of_the_zip_runs_and_the_whole_loop_closes(cloud, zip_bytes, shipped, deployed_by):
    """What `make deploy` ships runs from its byte code alone: no module that a function imports is compiled."""
    live(cloud, zip_bytes if deployed_by == "a bare chalice deploy" else rewritten(shipped, unreadable))
    assert cloud.bus.failed == []
    ran = {delivery.function for delivery in cloud.bus.deliveries if delivery.outcome == "ok"}
    assert ran == FUNCTIONS
    described = boto3.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    assert described["EndpointStatus"] == "InService"
    subjects = [mail.subject for mail in cloud.mailbox.mails]
    assert "[information] site: version 1 is deployed and verified" in subjects
    assert "[critical] site: b is not Integral in 100.0% of 2,000 rows" in subjects
    closed = [
        stage_stores().bucket.get_record(Execution, found.key)
        for found in stage_stores().bucket.list_objects(f"monitoring/{ENDPOINT}/AllTraffic/2")
        if found.key.endswith("execution.json")
    ]
    (evaluated,) = [execution for execution in closed if execution.rows]  # on a slow machine an empty window closes too
    assert evaluated.verdict == "Violations"
    assert b"b is not Integral in 100.0%" in (stage_stores().bucket.get(evaluated.folder + "report.html") or b"")


READER = "chalicelib.capture.record_reader"
HEAVY = {"numpy", "_datasketches", "jinja2", "pandas", "chalicelib.statistics.column", READER}
COUNTS = HEAVY - {"jinja2", "pandas", "_datasketches"}  # sketches only when there are more values than are counted
IMPORTS = {  # module -> what it needs of that when it is imported
    "handlers.model_package_state_change": set(),
    "handlers.endpoint_state_change": set(),
    "handlers.monitoring_execution": set(),
    "handlers.data_captured": COUNTS,
    "handlers.run_monitoring": set(),  # it starts itself for each endpoint, and only then imports its service
    "handlers.sweep": set(),
    "services.monitoring": COUNTS,
    "services.sweep": COUNTS,
}


def test_a_function_imports_what_it_needs_and_no_more(cloud, shipped):
    stage = cloud.install()
    artifact = Artifact(shipped, stage)
    environment = {**os.environ, **stage, "PYTHONPATH": f"{artifact.task_root}{os.pathsep}{artifact._libraries}"}
    found = {}
    for module in IMPORTS:
        code = f"import app, sys, chalicelib.{module}; print(*sys.modules)"
        imported = subprocess.run(
            [sys.executable, "-S", "-c", code], cwd=artifact.task_root, env=environment, capture_output=True, text=True
        )
        assert imported.returncode == 0, imported.stderr
        found[module] = HEAVY & set(imported.stdout.split())
    artifact.close()
    assert found == IMPORTS


def test_byte_code_is_of_this_python_may_be_read_in_lambda_and_is_the_same_each_time(zip_bytes, shipped, tmp_path):
    file = tmp_path / "deployment.zip"
    file.write_bytes(zip_bytes)
    byte_code.add(file)
    assert file.read_bytes() == shipped
    byte_code.add(file)
    assert file.read_bytes() == shipped
    with zipfile.ZipFile(file) as archive:
        entries = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    compiled = {name: mode for name, mode in entries.items() if name.endswith(".pyc")}
    assert len(compiled) > 300
    assert not [name for name, mode in compiled.items() if mode & 0o444 != 0o444]  # Lambda's user is not the owner
    ours = deploy.runtime()
    assert packages.has_byte_code(shipped, ours)
    assert not packages.has_byte_code(zip_bytes, ours)
    assert not packages.has_byte_code(shipped, "python3.10")


def without(prefix: str):
    return lambda name, content: None if name.startswith(prefix) else content


def renamed(name: str, content: bytes) -> bytes:
    return content.replace(b"def sweep(", b"def swept(") if name == "app.py" else content


BREAKAGES = {
    "a dependency is missing": without("msgspec/"),
    "a compiled part is missing": without("_datasketches"),
    "a module is missing": without("chalicelib/handlers/sweep.py"),
    "a handler has another name": renamed,
}


@pytest.mark.parametrize("breakage", sorted(BREAKAGES))
def test_a_zip_that_is_not_whole_is_found_out(cloud, zip_bytes, breakage):
    broken = rewritten(zip_bytes, BREAKAGES[breakage])
    try:
        live(cloud, broken)
        cloud.turn(minutes=4)  # Lambda tries three times
        assert cloud.bus.failed
    except FunctionError:
        pass


def test_the_zip_holds_all_of_chalicelib_and_nothing_that_must_not_ship(zip_bytes, shipped):
    with zipfile.ZipFile(io.BytesIO(zip_bytes)) as archive:
        names = set(archive.namelist())
    with zipfile.ZipFile(io.BytesIO(shipped)) as archive:
        assert not [name for name in archive.namelist() if "/tests/" in name]
        unzipped = sum(entry.file_size for entry in archive.infolist())
    ours = {str(path.relative_to(ROOT)) for path in (ROOT / "chalicelib").rglob("*.*") if path.suffix != ".pyc"}
    assert ours <= names
    tops = {name.split("/")[0] for name in names}
    assert not tops & {"vedette", "tests", "pandas", "pyarrow", "polars", "scipy", "sagemaker", "boto3", "botocore"}
    assert not [name for name in names if name.startswith("chalicelib/") and name.endswith(".pyc")]
    assert len(shipped) < 22e6
    assert unzipped < 80e6


def test_the_template_names_the_seven_functions_each_with_a_policy_of_its_own(package):
    template = json.loads((package / "sam.json").read_text())
    functions = {
        resource["Properties"]["Handler"].removeprefix("app."): resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert set(functions) == FUNCTIONS
    roles = {json.dumps(properties["Role"]) for properties in functions.values()}
    assert len(roles) == len(FUNCTIONS)
    policies = [r for r in template["Resources"].values() if r["Type"] == "AWS::IAM::Role"]
    for role in policies:
        statements = [s for p in role["Properties"]["Policies"] for s in p["PolicyDocument"]["Statement"]]
        denied = [s for s in statements if s["Effect"] == "Deny"]
        assert any("s3:PutObject" in s["Action"] and "data-capture" in str(s["Resource"]) for s in denied)
        actions = [a for s in statements for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])]
        assert not [action for action in actions if "*" in action]

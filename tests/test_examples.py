"""The examples are valid, and those that run here do what they say."""

import ast
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import botocore.session
import pandas as pd
import pytest
import yaml
from botocore.validate import ParamValidator

import vedette
from tests.test_documented_commands import commands_exist

ROOT = Path(__file__).parents[1]
PIPELINES = ROOT / "examples" / "sagemaker_pipelines"
NOTEBOOKS = sorted((ROOT / "examples").rglob("*.ipynb"))
WORKFLOWS = sorted((ROOT / "examples").rglob("*.yml"))
ROLE = "arn:aws:iam::123456789012:role/sagemaker"


@pytest.fixture
def container(tmp_path):
    """The folders that SageMaker mounts, with a baseline; the test adds the data."""
    train = pd.DataFrame({"age": [31, 44, 27, 60] * 50})
    vedette.baseline(train).save(tmp_path / "processing" / "input" / "baseline")
    (tmp_path / "processing" / "input" / "data").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("data", "severity", "code", "message"),
    [
        ("age\n" + "31\n44\n27\n60\n" * 50, "warning", 0, "OK: No violations in 200 rows."),
        ("age\n" + "31\nold\n27\n60\n" * 50, "critical", 1, "Violations: age is not Integral in 25.0% of 200 rows"),
        ("age\n", "warning", 2, "no rows"),
        (None, "warning", 2, "no .jsonl, .csv or .parquet file"),
    ],
)
def test_the_gate_of_a_pipeline_ends_with_its_code_and_says_why(container, data, severity, code, message):
    folder = container / "processing"
    if data is not None:
        (folder / "input" / "data" / "batch.csv").write_text(data)
    done = subprocess.run(
        [sys.executable, PIPELINES / "quality_gate.py", "--root", container, "--fail-on", severity],
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    assert message in (container / "output" / "message").read_text()
    assert "Traceback" not in done.stderr
    written = {path.name for path in (folder / "output").glob("*")}
    assert written == ({"constraint_violations.json", "report.html"} if code < 2 else set())
    if code == 1:
        assert json.loads((folder / "output" / "constraint_violations.json").read_bytes())["violations"]


def test_the_step_of_the_pipeline_is_a_processing_job():
    definition = runpy.run_path(str(PIPELINES / "pipeline.py"))["definition"]("image", ROLE, "my-bucket")
    parameters = {f"Parameters.{one['Name']}": one["DefaultValue"] for one in definition["Parameters"]}
    text = re.sub(r'\{"Get": "([\w.]+)"\}', lambda match: json.dumps(parameters[match[1]]), json.dumps(definition))
    (step,) = json.loads(text)["Steps"]
    shape = botocore.session.get_session().get_service_model("sagemaker").shape_for("CreateProcessingJobRequest")
    report = ParamValidator().validate({"ProcessingJobName": "x", **step["Arguments"]}, shape)
    assert not report.has_errors(), report.generate_report()
    assert step["Type"] == "Processing"


def test_the_image_has_what_the_step_runs():
    lines = [line for line in (PIPELINES / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    assert [line.split()[0] for line in lines] == ["FROM", "COPY", "RUN", "COPY", "ENTRYPOINT"]
    definition = runpy.run_path(str(PIPELINES / "pipeline.py"))["definition"]("image", ROLE, "my-bucket")
    entrypoint = definition["Steps"][0]["Arguments"]["AppSpecification"]["ContainerEntrypoint"]
    assert json.loads(lines[-1].removeprefix("ENTRYPOINT")) == entrypoint


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_has_no_outputs_and_its_commands_exist(notebook):
    """`make site` runs it in a kernel."""
    cells = json.loads(notebook.read_bytes())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"]] == []
    calls = [
        call
        for cell in code
        for call in ast.walk(ast.parse("".join(cell["source"])))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "command"
    ]
    lines = [re.sub(r"\{.*?\}", "x", ast.unparse(call.args[0]).strip("f\"'")) for call in calls]
    assert commands_exist([f"vedette {line}" for line in lines])


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_yaml_and_its_commands_exist(workflow):
    content = yaml.safe_load(workflow.read_text())
    steps = [step for job in content["jobs"].values() for step in job["steps"]]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    assert commands_exist([step["run"] for step in steps if step.get("run", "").startswith("vedette")])

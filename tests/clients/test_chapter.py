"""A published chapter on SageMaker's registry and monitoring runs unchanged, with Vedette beside it.

Its code is read where it lies, and run block by block through version 2 of the SageMaker SDK and the AWS CLI, each
notebook in a kernel of its own, against the simulator over HTTP. Only what a reader does is done here: a bucket gets a
name, the notebook that sends requests goes on while the next ones run and is stopped at the end, and the three files
that the chapter downloads are supplied.
"""

import ast
import json
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from chalicelib.settings import settings
from tests.clients import chapter
from tests.clients.sites import downloads
from tests.clients.studio import Kernel, Studio
from vedette.cli import main
from vedette.local import Cloud
from vedette.local.application import load_app

BUCKET, INSERT = "book-bucket", "<INSERT S3 BUCKET HERE>"
CONSTRAINTS_ARE_READY = "constraints.save()"
SENDS_REQUESTS = "generate_sample_requests(predictor)"
BEGUN = datetime(2026, 3, 2, 9, 32, tzinfo=UTC)  # so that the first hourly execution is near, and has data


@dataclass
class Read:
    """The chapter after a reader has run all of it."""

    text: str
    cloud: Cloud
    endpoint: str = ""
    blocks: int = 0
    printed: dict[str, list[str]] = field(default_factory=dict)  # what a cell printed, each time that it was run
    kernels: list[Kernel] = field(default_factory=list)

    def vedette(self, *words: str):
        """What a command answers to a machine, without the metrics of the functions, which run in this process."""
        lines = CliRunner().invoke(main, [*words, "--json"], catch_exceptions=False).stdout.splitlines()
        return json.loads("\n".join(line for line in lines if not line.startswith('{"_aws":')))


@contextmanager
def with_vedette(cloud: Cloud):
    """Vedette, installed in the account; its functions and commands run in this process."""
    saved, variables = dict(os.environ), cloud.install()
    variables["VEDETTE_CAPTURE_SOURCES"] = f"{BUCKET}/chapter08/data-capture"
    os.environ.update(variables)
    settings.cache_clear()
    try:
        cloud.run_functions(load_app(variables))
        yield
        assert not cloud.bus.failed, [str(error) for failed in cloud.bus.failed for error in failed.errors]
    finally:
        os.environ.clear()
        os.environ.update(saved)
        settings.cache_clear()


@pytest.fixture(scope="module")
def read(chapter_folder, programs_of, tmp_path_factory):
    home, programs = tmp_path_factory.mktemp("studio"), [programs_of("aws_cli"), programs_of("sagemaker_v2")]
    done = Read(chapter.read(chapter_folder), Cloud(BEGUN, region="us-west-2"))
    done.cloud.sagemaker.endpoints.update_minutes = 4.0  # the chapter waits five
    with done.cloud as cloud, cloud.serve() as url, with_vedette(cloud):
        studio = Studio(cloud, url, home, programs, downloads())
        try:
            run_all(done, studio, programs[1] / "python")
            cloud.turn(minutes=30)
            yield done
        finally:
            studio.close()


def run_all(done: Read, studio: Studio, python: Path) -> None:
    """Every block of every notebook; the one that sends requests is stopped at the end of the next notebook."""
    still_running: list[Kernel] = []
    for cells in chapter.notebooks(done.text):
        kernel, left_running = studio.notebook(python), []
        for cell in cells:
            done.blocks += 1
            if cell == SENDS_REQUESTS:
                kernel.begin(cell)
                left_running.append(kernel)
                continue
            done.printed.setdefault(cell, []).append(kernel.run(cell.replace(INSERT, BUCKET)))
            if cell.endswith(CONSTRAINTS_ARE_READY):
                done.endpoint, baseline = kernel.value("endpoint_name"), kernel.value("baseline_output_uri")
                done.vedette("watch", done.endpoint, "--baseline", baseline, "--mode", "alert", "--yes")
        for other in still_running:
            other.stop()
        done.kernels.append(kernel)
        still_running = left_running


@pytest.fixture(scope="module")
def shown(read):
    """What the chapter shows of the violations, and of a captured request."""
    return chapter.outputs(read.text)


def test_every_block_of_the_chapter_runs(read):
    assert [len(cells) for cells in chapter.notebooks(read.text)] == [14, 19, 11, 22, 14, 5]
    assert read.blocks == 85


def test_the_two_models_answer_as_in_the_chapter(read):
    (nearest, linear) = next(out for cell, out in read.printed.items() if cell.endswith("predict(data=payload)"))
    answer = re.sub(r"^Out.*?: *", "", nearest).strip()
    assert f"`{answer}`" in read.text
    assert read.printed["predict(x=3, y=4)"][0].endswith(" 1.0\n")
    (prediction,) = ast.literal_eval(re.sub(r"^Out.*?: *\n?", "", linear))["predictions"]
    assert prediction["predicted_label"] == 2
    assert max(prediction["score"]) == prediction["score"][2]
    assert sum(prediction["score"]) == pytest.approx(1)


def test_the_baseline_is_computed_from_the_data(read):
    statistics, suggested = (
        read.kernels[3].value(f"[feature for feature in baseline_job.{made}().body_dict['features']]")
        for made in ("baseline_statistics", "suggested_constraints")
    )
    assert [feature["name"] for feature in statistics] == ["label", "a", "b"]
    assert [feature["inferred_type"] for feature in statistics] == ["Integral", "Fractional", "Fractional"]
    assert statistics[0]["numerical_statistics"]["common"] == {"num_present": 400, "num_missing": 0}
    # The reader has saved both as Integral since.
    assert [feature["inferred_type"] for feature in suggested] == ["Integral"] * 3


def test_model_monitor_says_of_b_what_the_chapter_shows(read, shown):
    found = read.kernels[3].value("{'body_dict': violations.body_dict, 'file_s3_uri': violations.file_s3_uri}")
    assert found["body_dict"] == shown[0]["body_dict"]
    assert len(found["file_s3_uri"].split("/")) == len(shown[0]["file_s3_uri"].split("/"))
    assert found["file_s3_uri"].endswith("/2026/03/02/10/constraint_violations.json")


def test_the_statistics_of_the_hour_are_those_of_its_requests(read):
    found = read.kernels[3].value("monitoring_statistics.body_dict")
    hour = [one for one in read.kernels[4].value("all_json") if one["eventMetadata"]["inferenceTime"] < "2026-03-02T10"]
    assert found["dataset"]["item_count"] == len(hour) > 40
    labels = [int(one["captureData"]["endpointOutput"]["data"]) for one in hour]
    of_label = found["features"][0]
    assert (of_label["name"], of_label["inferred_type"]) == ("label", "Integral")
    assert of_label["numerical_statistics"]["sum"] == sum(labels)


def test_vedette_beside_it_says_the_same_of_b(read, shown):
    (found,) = read.vedette("show", "violations", read.endpoint, "--window", "2026-03-02T09")
    (expected,) = shown[0]["body_dict"]["violations"]
    (violation,) = found["violations"]
    assert (found["source"], violation["feature"], violation["check"]) == ("vedette", "b", "data_type_check")
    assert violation["description"] == expected["description"]
    file = json.loads(read.cloud.read(f"{found['folder']}constraint_violations.json"))
    assert file == shown[0]["body_dict"]
    subjects = [mail.subject for mail in read.cloud.mailbox.mails]
    assert any("b is not Integral in 50.0% of" in subject for subject in subjects), subjects


def test_captured_requests_have_the_chapters_form(read, shown):
    first = read.kernels[4].value("first")
    assert first.keys() == shown[1].keys()
    varying = {"captureData.endpointInput.data", "captureData.endpointOutput.data"}
    varying |= {"eventMetadata.eventId", "eventMetadata.inferenceTime"}
    assert {name: first[name] for name in first.keys() - varying} == {
        name: shown[1][name] for name in shown[1].keys() - varying
    }
    assert re.fullmatch(r"[012]\n", first["captureData.endpointOutput.data"])


def test_captures_become_a_data_frame(read):
    types = read.kernels[4].value("clean_df.dtypes.astype(str).to_dict()")
    assert types == {"predicted_label": "int64", "x": "float64", "y": "float64"}
    rows = read.kernels[4].value("clean_df.values.tolist()")
    assert len(rows) == len(read.kernels[4].value("all_json"))
    assert sum(y % 1 != 0 for _, _, y in rows) == len(rows) / 2


def test_the_monitors_the_endpoint_and_its_config_are_gone(read):
    assert read.kernels[5].value("len(monitors)") == 1
    assert read.cloud.sagemaker.monitoring.schedules == {}
    assert read.endpoint not in read.cloud.sagemaker.endpoints.endpoints
    deleted = [call.operation for call in read.cloud.recorder.calls if call.operation.startswith("Delete")]
    # The SDK deletes the config before the endpoint that runs on it.
    assert deleted == [
        "DeleteMonitoringSchedule",
        "DeleteDataQualityJobDefinition",
        "DeleteEndpointConfig",
        "DeleteEndpoint",
    ]

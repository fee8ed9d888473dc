"""Which stage a command is for: the environment, the file, the option; and one sentence when there is none."""

import json

import pytest

from chalicelib.errors import MissingSetting, VedetteError
from vedette.operations import stages

ARN = "arn:aws:sns:eu-west-1:123456789012:vedette-dev"
DEV = {"VEDETTE_BUCKET": "b", "VEDETTE_TABLE": "vedette-dev", "VEDETTE_TOPIC_ARN": ARN}


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project" / "deep" / "down"
    folder.mkdir(parents=True)
    (tmp_path / "project" / ".chalice").mkdir()
    config = {
        "environment_variables": {"VEDETTE_CAPTURE_SOURCES": "lake/capture", "UNRELATED": "x"},
        "stages": {
            "dev": {"environment_variables": DEV},
            "prod": {"environment_variables": DEV | {"VEDETTE_BUCKET": "p"}},
        },
    }
    (tmp_path / "project" / ".chalice" / "config.json").write_text(json.dumps(config))
    return folder


def test_the_environment_of_the_process_is_the_stage_when_it_is_complete(tmp_path):
    found = stages.variables_of(None, {**DEV, "VEDETTE_STAGE": "dev", "PATH": "/bin"}, tmp_path)
    assert found == {**DEV, "VEDETTE_STAGE": "dev"}


def test_a_stage_is_found_in_the_chalice_config_of_a_folder_above(project):
    found = stages.variables_of("dev", {}, project)
    assert found == {**DEV, "VEDETTE_STAGE": "dev", "VEDETTE_CAPTURE_SOURCES": "lake/capture"}


def test_another_stage_than_that_of_the_environment_comes_from_the_file(project):
    environment = {**DEV, "VEDETTE_STAGE": "dev"}
    assert stages.variables_of("prod", environment, project)["VEDETTE_BUCKET"] == "p"


@pytest.mark.parametrize(
    ("stage", "inside", "words"),
    [
        (None, True, "Name a stage with --stage or VEDETTE_STAGE ("),
        (None, False, "Name a stage with --stage or VEDETTE_STAGE."),
        ("test", True, "has no stage test; only dev, prod:"),
        ("test", False, "there is no .chalice/config.json in this folder or above it"),
    ],
)
def test_a_stage_that_cannot_be_found_is_one_sentence(project, tmp_path, stage, inside, words):
    with pytest.raises(MissingSetting) as raised:
        stages.variables_of(stage, {}, project if inside else tmp_path)
    assert words in str(raised.value)


def test_within_a_stage_the_process_belongs_to_it_and_is_itself_again_afterwards(monkeypatch):
    monkeypatch.setenv("VEDETTE_STAGE", "other")
    with stages.entered({**DEV, "VEDETTE_STAGE": "dev"}, None, "eu-west-1") as settings:
        assert (settings.stage, settings.bucket) == ("dev", "b")
    import os

    assert os.environ["VEDETTE_STAGE"] == "other"
    with (
        pytest.raises(VedetteError, match="Stage dev is in eu-west-1"),
        stages.entered({**DEV, "VEDETTE_STAGE": "dev"}, None, "us-east-1"),
    ):
        pass

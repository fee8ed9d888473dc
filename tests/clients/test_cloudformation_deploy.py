"""The AWS CLI deploys the files of `vedette setup --template` by the commands in their headings."""

import os
import re
import shlex
import subprocess
from contextlib import chdir
from pathlib import Path

import pytest

from chalicelib.settings import settings
from tests.installation.conftest import Clone, copied
from vedette.local import Cloud

MAIL = ("--email", "oncall@example.com")


@pytest.fixture
def clone(tmp_path):
    saved = dict(os.environ)
    project = copied(tmp_path)
    with chdir(tmp_path), Cloud() as cloud, cloud.serve() as url:
        clone = Clone(cloud, project)
        clone.environment = {**cloud.child_environment(url), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        yield clone
    for name in set(os.environ) - set(saved):
        del os.environ[name]
    settings.cache_clear()


def deploy(clone: Clone, program: Path, file: str, **meant: str) -> None:
    """Run the command of a file's heading; `meant` replaces what a person has to fill in."""
    lines = re.findall(r"^#     (.+)$", Path(file).read_text(), re.MULTILINE)
    command = " ".join(line.removesuffix("\\") for line in lines)
    for placeholder, value in meant.items():
        command = command.replace(f"={placeholder}", f"={value}")
    _, *words = shlex.split(command)
    done = subprocess.run([program, *words], env=clone.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def outputs(clone: Clone) -> dict[str, str]:
    (stack,) = clone.client("cloudformation").describe_stacks(StackName="vedette-dev")["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def test_a_stage_and_its_roles_are_deployed_and_changed_by_the_commands_of_their_files(clone, programs_of):
    program = programs_of("aws_cli") / "aws"
    options = ("--kms-key", "new", "--role-path", "/ml/")
    clone.done("setup", "--stage", "dev", *MAIL, *options, "--template", "stage.yaml")
    deploy(clone, program, "stage.yaml")
    deploy(clone, program, "stage-roles.yaml", ARN=outputs(clone)["KeyArn"])
    assert clone.answer("setup", "--stage", "dev", "--yes")["changes"] == []
    clone.done("setup", "--stage", "dev", "--log-days", "30", "--template", "stage.yaml")
    deploy(clone, program, "stage.yaml")
    assert {group["retentionInDays"] for group in clone.client("logs").describe_log_groups()["logGroups"]} == {30}
    assert clone.answer("setup", "--stage", "dev", "--yes")["changes"] == []

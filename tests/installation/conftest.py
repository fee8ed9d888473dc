"""A clone of the Chalice project in a folder of its own, and an account to install into."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result

from chalicelib.settings import settings
from vedette.cli import main
from vedette.installation.project import Project
from vedette.local import Cloud

ROOT = Path(__file__).parents[2]


def operator_policy() -> dict:
    """The policy of whoever installs."""
    return json.loads((ROOT / "docs" / "operator-policy.json").read_bytes())


@dataclass
class Clone:
    """A person at a shell in a clone of the repository, with an account."""

    cloud: Cloud
    project: Project

    def run(self, *arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(main, list(arguments), input=typed, catch_exceptions=False)

    def done(self, *arguments: str, code: int = 0) -> str:
        result = self.run(*arguments)
        assert result.exit_code == code, result.output
        return result.output

    def answer(self, *arguments: str, code: int = 0):
        result = self.run(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def refused(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 2, result.output
        assert "Traceback" not in result.output
        return result.stderr.strip().splitlines()[-1].removeprefix("Error: ")

    def client(self, service: str):
        return boto3.client(service)


def copied(folder: Path, *, built: bool = False) -> Project:
    """The Chalice project alone, with the code of this repository behind a link, and perhaps what is built of it."""
    kept = shutil.ignore_patterns(*([] if built else ["deployments"]), "deployed", "stages")
    shutil.copytree(ROOT / ".chalice", folder / ".chalice", ignore=kept)
    (folder / "chalice_app").mkdir()
    for name in ("app.py", "requirements.txt"):
        shutil.copy(ROOT / "chalice_app" / name, folder / "chalice_app" / name)
    (folder / "chalice_app" / "chalicelib").symlink_to(ROOT / "chalicelib")
    (folder / "chalice_app" / ".chalice").symlink_to(Path("..") / ".chalice")
    return Project(folder.resolve())


@contextmanager
def cloned(folder: Path) -> Iterator[Clone]:
    """A clone in a folder, which becomes the working directory, and an empty account.

    CloudFormation may do what docs/operator-policy.json allows.
    """
    saved = dict(os.environ)
    project = copied(folder)
    with chdir(folder), Cloud() as cloud:
        cloud.cloudformation.operator_policy = operator_policy()
        yield Clone(cloud, project)
    for name in set(os.environ) - set(saved):
        del os.environ[name]
    settings.cache_clear()


@pytest.fixture
def clone(tmp_path):
    with cloned(tmp_path) as made:
        yield made

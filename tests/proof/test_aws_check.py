"""`make aws-check` from the first question to the last deletion, with the AWS simulator instead of an account."""

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import boto3
import pytest

from chalicelib.settings import settings
from tests.installation.conftest import copied
from vedette.local import Cloud

pytestmark = pytest.mark.artifact
STAGE = "check"


# In an account, functions run as soon as they are deployed; in the AWS simulator, after `run_deployed`.
PROGRAM = """
import pathlib, time
from vedette.installation import smoke_test
verify = smoke_test.verify
def prove_when_ready(learned, stage):
    pathlib.Path("installed").touch()
    while not pathlib.Path("ready").exists():
        time.sleep(0.1)
    verify(learned, stage)
smoke_test.verify = prove_when_ready
smoke_test.main()
"""


def test_an_installation_is_proven_and_removed_again(tmp_path, package):
    saved = dict(os.environ)
    project = copied(tmp_path, built=True)
    with Cloud(start=datetime.now(UTC), real_time=True) as cloud, cloud.serve() as url:
        cloud.schedules_enabled = False
        command = [sys.executable, "-c", PROGRAM]
        check = subprocess.Popen(
            [*command, "--stage", STAGE, "--email", "you@example.com", "--yes"],
            cwd=project.root,
            env={**os.environ, **cloud.child_environment(url), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said: list[str] = []
        listening = threading.Thread(target=lambda: said.extend(check.stdout))
        listening.start()
        while check.poll() is None and not (project.root / "installed").exists():
            time.sleep(0.2)
        cloud.run_deployed()
        (project.root / "ready").touch()
        while check.poll() is None:
            cloud.settle()
            time.sleep(0.2)
        listening.join()
        check.stdout.close()
        assert check.returncode == 0, "".join(
            [*said, *(f"{one.function} {one.outcome}\n" for one in cloud.bus.deliveries)]
        )
        assert "Passed: one deployment, one capture, one alert, and a duplicate event that changed nothing.\n" in said
        report = (project.root / f"aws-check-{STAGE}.md").read_text()
        assert "an installation after an uninstall has its history" in report
        assert "0 refuted" in report
        assert boto3.client("sts").get_caller_identity()["Account"] not in report
        assert boto3.client("s3").list_buckets()["Buckets"] == []
        assert boto3.client("dynamodb").list_tables()["TableNames"] == []
        assert boto3.client("lambda").list_functions()["Functions"] == []
    os.environ.clear()
    os.environ.update(saved)
    settings.cache_clear()

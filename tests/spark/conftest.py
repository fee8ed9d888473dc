"""A stage that is served over HTTP, and the `vedette` command with PySpark, in the environment of `make spark`."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from chalicelib.endpoint_run import stage_stores
from chalicelib.records import FleetEntry
from chalicelib.settings import settings
from vedette.demo import user_actions
from vedette.local import Cloud
from vedette.local.errors import AwsError
from vedette.operations import stages
from vedette.spark import emr_serverless

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "benchmarks" / "environments" / ".venv-spark" / "bin"
APPLICATION = "vedette.spark"  # the caller as the simulator knows it, by its user agent


@dataclass
class Stage:
    """The stage, and the commands on it; each is a process that may do what the role of a job may do."""

    cloud: Cloud
    url: str
    bucket: str
    variables: dict[str, str]
    home: Path
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(second=0, microsecond=0))

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.cloud.child_environment(self.url),
            **self.variables,
            **{name: os.environ[name] for name in ("PATH", "JAVA_HOME") if name in os.environ},
            "AWS_SDK_UA_APP_ID": APPLICATION,
            "PYTHONPATH": str(ROOT),
            "PYSPARK_PYTHON": str(PROGRAMS / "python"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(self.home),
        }

    def start(
        self, *arguments: str, program: tuple[str, ...] = ("python", "-m", "vedette"), **more
    ) -> subprocess.Popen:
        """A command, in a session of its own."""
        first, *others = program
        return subprocess.Popen(
            [PROGRAMS / first, *others, *arguments],
            env={**self.environment, **more},
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, code: int = 0, **more) -> subprocess.CompletedProcess:
        """A command, until its end."""
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, out + err
        return subprocess.CompletedProcess(process.args, code, out, err)

    def answer(self, *arguments: str, **more) -> dict:
        """What a command answers to a machine."""
        return json.loads(self.run(*arguments, "--json", **more).stdout)

    def put(self, endpoint: str, ago: timedelta, name: str, content: bytes) -> str:
        """A captured object, begun some time ago; its key."""
        begun = self.now - ago
        key = f"data-capture/{endpoint}/AllTraffic/{begun:%Y/%m/%d/%H/%M}-00-000-{name}.jsonl"
        boto3.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content)
        return key

    def put_labels(self, endpoint: str, name: str, content: str) -> None:
        """A label object."""
        key = f"ground-truth/{endpoint}/{name}"
        boto3.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content.encode())

    def stored(self, *prefixes: str) -> dict[str, bytes]:
        """Content by key."""
        bucket = stage_stores().bucket
        return {one.key: bucket.get(one.key) for prefix in prefixes for one in bucket.list_objects(prefix)}

    def erase(self, *prefixes: str) -> None:
        for key in self.stored(*prefixes):
            stage_stores().bucket.delete(key)

    @contextmanager
    def refusing(self, key: str, error: AwsError):
        """Refuse to read an object."""
        validators = self.cloud.router.validators
        known = validators["s3", "*"]

        def refuse(request, operation):
            if operation.path_parameters.get("Key") == key:
                raise error
            return known(request, operation)

        validators["s3", "GetObject"] = refuse
        try:
            yield
        finally:
            del validators["s3", "GetObject"]

    @contextmanager
    def under_the_policy(self):
        """What the commands may do."""
        policy = emr_serverless.job_policy(settings())
        before = self.cloud.permissions.policy_of
        self.cloud.permissions.policy_of = lambda function: policy if function == "spark" else before(function)
        try:
            yield policy
        finally:
            self.cloud.permissions.policy_of = before


@pytest.fixture(scope="session")
def programs() -> Path:
    if not PROGRAMS.is_dir():
        pytest.fail(f"{PROGRAMS.parent.relative_to(ROOT)} is not installed: `make spark` installs it")
    if shutil.which("java") is None:
        pytest.fail("There is no java: `make spark` installs it")
    return PROGRAMS


@pytest.fixture(scope="module")
def stage(programs, tmp_path_factory):
    with Cloud(datetime.now(UTC), real_time=True) as cloud, cloud.serve() as url:
        variables = cloud.install()
        made = Stage(cloud, url, variables["VEDETTE_BUCKET"], variables, tmp_path_factory.mktemp("home"))
        with stages.entered(variables, None, None), made.under_the_policy():
            yield made


def watched(*entries: FleetEntry) -> None:
    """Replace the fleet."""
    user_actions.apply_fleet(*entries)

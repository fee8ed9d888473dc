"""The account that `vedette local` serves.

| there is                              | made by                                                                |
|---------------------------------------|------------------------------------------------------------------------|
| a project                             | what `vedette init` does; without the packages that Chalice would build|
| the stage `local`                     | what `vedette setup` does                                              |
| the six functions, rules and roles    | `chalice deploy`, and what `vedette install` does after it             |
| the endpoint `preferred-site`         | SageMaker's calls, as Terraform makes them; it captures all requests   |
| its baseline, in the stage's bucket   | what `vedette baseline` does with rows as clients send them            |
| version 1 of a model, not approved yet| what `vedette register` does                                           |

The functions are those of this Vedette, and run in this process: it alone has the simulated time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import boto3

from chalicelib.constraints.files import write_constraints
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.locations import CONSTRAINTS_FILE, STATISTICS_FILE
from chalicelib.statistics.files import write_statistics
from vedette.data_sets import baseline_statistics
from vedette.demo import user_actions
from vedette.demo.data import DataSet, half_corrupted, sites
from vedette.installation import deploy, new_project, setup, state
from vedette.installation.project import Project
from vedette.local import Cloud
from vedette.local.application import load_app
from vedette.local.boto_transport import environment
from vedette.playground.client import URL_VARIABLE

STAGE, ENDPOINT, RECEIVER = "local", "preferred-site", "you@example.com"
ROWS_A_REQUEST = 20
LATE = timedelta(hours=3)
HISTORY = timedelta(hours=3)  # of good traffic, before anybody watches
_SERVING = timedelta(minutes=10)  # until the endpoint is in service
BEFORE = HISTORY + _SERVING
_EVERY = timedelta(minutes=15)

Echo = Callable[[str], None]


class Traffic(StrEnum):
    """What `vedette local send` sends."""

    GOOD = "good"
    BAD = "bad"  # in half of the rows the last value is written otherwise: -47.50, not -47
    SILENT = "silent"  # the endpoint answers, but nothing is captured
    LATE = "late"  # the captured file arrives three hours later


@dataclass
class Account:
    """The simulated cloud, the variables of its stage, and the traffic to its endpoint."""

    cloud: Cloud
    url: str
    project: Path
    stage: dict[str, str]
    data: DataSet = field(default_factory=sites)
    sent: int = 0  # requests

    @property
    def bucket(self) -> str:
        """The stage's bucket."""
        return self.stage["VEDETTE_BUCKET"]

    @property
    def baseline(self) -> str:
        """The folder of the endpoint's baseline, in S3."""
        return f"s3://{self.bucket}/examples/{ENDPOINT}"

    @property
    def variables(self) -> dict[str, str]:
        """The variables that lead clients of AWS, and `vedette`, to this account."""
        url = self.url
        return {**self.cloud.child_environment(url), **self.stage, URL_VARIABLE: url}

    def send(self, kind: Traffic, rows: int, endpoint: str = ENDPOINT) -> int:
        """Send rows to an endpoint, at most 20 in a request; returns the number of requests."""
        capture = self.cloud.runtime.capture
        counts = [min(ROWS_A_REQUEST, rows - begin) for begin in range(0, rows, ROWS_A_REQUEST)]
        with capture.disturbed(delay=LATE if kind is Traffic.LATE else None, lost=kind is Traffic.SILENT):
            for count in counts:
                self.sent += 1
                drawn = self.data.traffic(self.sent, count)
                user_actions.predict(endpoint, half_corrupted(drawn) if kind is Traffic.BAD else drawn)
        return len(counts)


def opened(cloud: Cloud, url: str, folder: Path, echo: Echo) -> Account:
    """Set a stage up and install it in an entered cloud, which is served at `url`; then the endpoint and its traffic.

    The cloud's clock advances by `BEFORE`.
    """
    until = cloud.clock.now() + BEFORE
    project = _project(folder / "project")
    echo("Setting up the stage ...")
    request = setup.SetupRequest(STAGE, {"email": RECEIVER})
    variables = setup.make(setup.prepare(setup.plan(request, project)))["environment_variables"]
    echo("Installing the functions ...")
    _install(project, url, variables["VEDETTE_BUCKET"])
    cloud.run_deployed_in_process(load_app(variables))
    echo("Creating the endpoint ...")
    found = Account(cloud, url, project.root, variables)
    _store_baseline(found)
    user_actions.deploy_by_hand(ENDPOINT, "knn", found.data.training_csv, found.bucket)
    user_actions.register(ENDPOINT, "linear-learner", found.data.training_csv, found.bucket)
    cloud.turn(to=until - HISTORY)
    while cloud.clock.now() < until:
        found.send(Traffic.GOOD, ROWS_A_REQUEST * 2)
        cloud.turn(seconds=_EVERY.total_seconds())
    return found


def _project(folder: Path) -> Project:
    """A project in which nothing is deployed yet; Chalice builds no packages for it."""
    update = new_project.prepare(folder)
    if update.is_needed:
        update.make()
    (folder / "requirements.txt").write_text("")  # nothing to download: the functions run in this process
    found = Project(folder.resolve())
    found.deployed(STAGE).unlink(missing_ok=True)  # of the account of an earlier start
    return found


def _install(project: Project, url: str, bucket: str) -> None:
    """Deploy with Chalice, over HTTP, and make the settings that Chalice cannot make."""
    with environment(os.environ["AWS_DEFAULT_REGION"], {"AWS_ENDPOINT_URL": url, "NO_PROXY": "127.0.0.1"}):
        deploy.chalice(project, "deploy", "--stage", STAGE)
    deploy.finish(STAGE)
    state.put_deployed(project, STAGE, bucket, etag="")


def _store_baseline(found: Account) -> None:
    """The baseline of rows as clients send them, with the label first: both files, as a job of Model Monitor has."""
    statistics = baseline_statistics([found.data.sent_csv], "the example's rows")
    s3, prefix = boto3.client("s3"), found.baseline.partition(f"{found.bucket}/")[2]
    for name, content in (
        (CONSTRAINTS_FILE, write_constraints(suggested_constraints(statistics))),
        (STATISTICS_FILE, write_statistics(statistics)),
    ):
        s3.put_object(Bucket=found.bucket, Key=f"{prefix}/{name}", Body=content)

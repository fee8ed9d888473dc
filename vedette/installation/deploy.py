"""`vedette install`: deploy the functions with `chalice deploy`, and make the settings that Chalice cannot make.

| step                          | why                                                              |
|-------------------------------|------------------------------------------------------------------|
| fetch the stage and its state | any machine can deploy                                           |
| count the capture pattern     | EventBridge refuses a long one, when most of a deployment is done|
| build, and look into the zip  | Chalice drops what it cannot install and goes on                 |
| add byte code to the zip      | Lambda would compile every module at every cold start            |
| `chalice deploy`              | functions, rules, permissions, roles                             |
| failure destination, retries  | Chalice cannot set them; they survive later deployments          |
| reserved concurrency          | all of it, or none in an account that cannot spare it            |
| name of the handler           | Chalice never updates it: a renamed function would fail          |
| store the state               | in the stage's bucket, unless another deployment ran meanwhile   |
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from chalicelib.aws.clients import client
from chalicelib.errors import VedetteError
from vedette.installation import account, byte_code, event_pattern, package, state
from vedette.installation.concurrency import shortage
from vedette.installation.functions import FUNCTIONS, FunctionSpec, event_invoke_config, full_name, queue_name
from vedette.installation.project import Project
from vedette.operations.aws import message
from vedette.operations.installations import stack_name

Echo = Callable[[str], None]
ERROR_LINES = 12


def install(project: Project, stage: str, echo: Echo) -> list[str]:
    """Deploy the functions of a stage; returns the settings made in addition to Chalice.

    Raises
    ------
    VedetteError
        If the stage is not set up, a pattern is too long for EventBridge, or the package is incomplete. Nothing is
        deployed then.
    """
    bucket = load_stage(project, stage)
    event_pattern.check_entry(stage, project.stage(stage))
    etag = state.fetch_deployed(project, stage, bucket)
    project.write_stage(stage, project.stage(stage))
    echo("Building the package ...")
    build(project, stage)
    echo("chalice deploy ...")
    chalice(project, "deploy", "--stage", stage)
    try:
        done = finish(stage)
    finally:
        state.put_deployed(project, stage, bucket, etag)
    return done


def load_stage(project: Project, stage: str) -> str:
    """Load the stored configuration of a stage into the project, if it is missing; returns the stage's bucket.

    Raises
    ------
    VedetteError
        If the stage is not set up in this account and region.
    """
    outputs = account.outputs_of(account.describe_stack(stack_name(stage)))
    if not outputs:
        _, owner, region = account.identity()
        raise VedetteError(
            f"Stage {stage} is not set up in {owner}, {region}: `vedette setup --stage {stage} --email ...`"
        )
    bucket = outputs["Bucket"]
    entry = project.stage(stage)
    if entry.get("environment_variables", {}).get("VEDETTE_BUCKET") != bucket or not project.folder(stage).is_dir():
        state.fetch_configuration(project, stage, bucket)
    return bucket


def build(project: Project, stage: str) -> None:
    """Build the package, check it, and add byte code; the deployment takes it from Chalice's cache.

    Chalice names a cached package by the hash of its inputs, so the deployment uses this package.

    Raises
    ------
    VedetteError
        If something is missing in the package.
    """
    with tempfile.TemporaryDirectory() as folder:
        chalice(project, "package", "--stage", stage, folder)
        built = (Path(folder) / "deployment.zip").read_bytes()
    found = package.faults(built, runtime())
    cached = [file for file in (project.chalice / "deployments").glob("*.zip") if file.read_bytes() == built]
    if found:
        for file in cached:
            file.unlink()  # so that the next attempt does not use it
        raise VedetteError(f"The package is incomplete, so nothing was deployed: {'; '.join(found)}.")
    for file in cached:
        byte_code.add(file)


def runtime() -> str:
    """The Lambda runtime, which Chalice derives from the running interpreter."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def chalice(project: Project, *arguments: str) -> str:
    """Run Chalice with this interpreter; returns its output.

    Raises
    ------
    VedetteError
        With the last lines of its output, if it fails.
    """
    program = Path(sys.executable).parent / "chalice"
    if not program.exists():
        raise VedetteError("Chalice is not installed beside this Vedette: pip install chalice")
    done = subprocess.run(  # noqa: S603 - the program of our own environment
        [program, "--project-dir", project.app, *arguments],
        env={**os.environ, **_session_environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-ERROR_LINES:]
        raise VedetteError("chalice " + " ".join(arguments[:1]) + " failed:\n" + "\n".join(last))
    return done.stdout


def _session_environment() -> dict[str, str]:
    """Environment variables with the profile and region of this process."""
    session = boto3.DEFAULT_SESSION
    if session is None:
        return {}
    named = {"AWS_DEFAULT_REGION": session.region_name}
    if session.profile_name != "default":
        named["AWS_PROFILE"] = session.profile_name
    return {name: value for name, value in named.items() if value}


# --- what Chalice cannot set ------------------------------------------------------------------------------------------


def finish(stage: str) -> list[str]:
    """Make the settings that Chalice cannot make, where needed; returns what was changed."""
    _, owner, region = account.identity()
    queue, short = queue_arn(stage), shortage(stage)
    done = []
    for wanted in FUNCTIONS:
        name = full_name(stage, wanted.name)
        there = account.describe_function(name)
        if there is None:
            raise VedetteError(f"There is no function {name} in {region} of account {owner}.")
        done += _finish(name, wanted, there["Configuration"]["Handler"], queue)
        if short is None and account.reserved_concurrency(name) != wanted.reserved_concurrency:
            done.append(_reserve(name, wanted.reserved_concurrency))
    return done if short is None else [*done, short.sentence]


def queue_arn(stage: str) -> str:
    """The queue of events that failed all attempts."""
    partition, owner, region = account.identity()
    return f"arn:{partition}:sqs:{region}:{owner}:{queue_name(stage)}"


def _finish(name: str, wanted: FunctionSpec, handler: str, queue: str) -> list[str]:
    done = []
    if handler != wanted.handler:
        client("lambda").update_function_configuration(FunctionName=name, Handler=wanted.handler)
        client("lambda").get_waiter("function_updated_v2").wait(FunctionName=name)
        done.append(f"{name}: replaced the handler {handler}")
    config, there = event_invoke_config(wanted, queue), account.event_invoke_config(name)
    if not is_finished(there, config):
        client("lambda").put_function_event_invoke_config(FunctionName=name, **config)
        done.append(f"{name}: failed events go to {queue_name_of(queue)} after {wanted.retries} retries")
    return done


def is_finished(there: dict[str, object], wanted: dict[str, object]) -> bool:
    """Whether retries and failure destination have the expected values. AWS adds other fields."""
    destinations = there.get("DestinationConfig")
    failure = destinations.get("OnFailure") if isinstance(destinations, dict) else None
    shown = {**there, "DestinationConfig": {"OnFailure": failure}}
    return all(shown.get(name) == value for name, value in wanted.items())


def _reserve(name: str, concurrency: int) -> str:
    try:
        client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=concurrency)
    except ClientError as error:
        if "UnreservedConcurrentExecution" not in message(error):
            raise
        return f"{name}: cannot reserve {concurrency} of the account's concurrency; the unreserved part is used"
    return f"{name}: reserved a concurrency of {concurrency}"


def queue_name_of(arn: str) -> str:
    """The name at the end of an ARN."""
    return arn.rpartition(":")[2]

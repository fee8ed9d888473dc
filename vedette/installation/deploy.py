"""`vedette install`: deploy the functions with `chalice deploy`, and make the settings that Chalice cannot make.

| step                          | why                                                              |
|-------------------------------|------------------------------------------------------------------|
| fetch the stage and its state | any machine can deploy                                           |
| count the capture pattern     | EventBridge refuses a long one, when most of a deployment is done|
| build, and look into the zip  | Chalice drops what it cannot install and goes on                 |
| add byte code to the zip      | Lambda would compile every module at every cold start            |
| compare with what is deployed | a person agrees to what changes                                  |
| `chalice deploy`              | functions, rules, permissions, roles                             |
| failure destination, retries  | Chalice cannot set them; they survive later deployments          |
| reserved concurrency          | all of it, or none in an account that cannot spare it            |
| name of the handler           | Chalice never updates it: a renamed function would fail          |
| store the state               | in the stage's bucket, unless another deployment ran meanwhile   |
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from chalicelib.aws.clients import client
from chalicelib.errors import VedetteError
from vedette.installation import account, byte_code, deployment_plan, event_pattern, package, state
from vedette.installation.concurrency import Shortage, shortage
from vedette.installation.deployment_plan import DeployedFunction, DeploymentPlan
from vedette.installation.functions import (
    FUNCTIONS,
    FunctionSpec,
    event_invoke_config,
    full_name,
    queue_name,
    rule_name,
)
from vedette.installation.project import Project
from vedette.operations.aws import message
from vedette.operations.installations import stack_name

Echo = Callable[[str], None]
ERROR_LINES = 12


@dataclass(frozen=True)
class Deployment:
    """A built deployment of a stage, which `install` executes."""

    project: Project
    stage: str
    bucket: str
    plan: DeploymentPlan


def prepare(project: Project, stage: str, echo: Echo) -> Deployment:
    """Build the package, and compare it with what is deployed. Nothing is deployed.

    Raises
    ------
    VedetteError
        If the stage is not set up, a pattern is too long for EventBridge, or the package is incomplete.
    """
    bucket = load_stage(project, stage)
    event_pattern.check_entry(stage, project.stage(stage))
    project.write_stage(stage, project.stage(stage))
    echo("Building the package ...")
    template, built = build(project, stage)
    echo("Comparing it with what is deployed ...")
    short = shortage(stage)
    planned = deployment_plan.plan(template, built, _deployed(stage, short), stage, reserve=short is None)
    return Deployment(project, stage, bucket, planned)


def install(deployment: Deployment, echo: Echo) -> list[str]:
    """Deploy the functions of a stage; returns the settings made in addition to Chalice."""
    project, stage = deployment.project, deployment.stage
    etag = state.fetch_deployed(project, stage, deployment.bucket)
    echo("chalice deploy ...")
    chalice(project, "deploy", "--stage", stage, echo=lambda line: echo(f"  {line}"))
    try:
        echo("Making the settings that Chalice cannot make ...")
        done = finish(stage)
    finally:
        state.put_deployed(project, stage, deployment.bucket, etag)
    return done


def _deployed(stage: str, short: Shortage | None) -> dict[str, DeployedFunction]:
    """The functions that exist, by their names in app.py."""
    found, queue = {}, queue_arn(stage)
    for spec in FUNCTIONS:
        name = full_name(stage, spec.name)
        function = account.describe_function(name)
        if function is None:
            continue
        role = function["Configuration"]["Role"].rpartition("/")[2]
        rule = account.expression_of(account.describe_rule(rule_name(stage, spec.name)))
        missing = _missing_settings(name, spec, function["Configuration"]["Handler"], queue, short)
        settings = [setting.change for setting in missing]
        found[spec.name] = DeployedFunction(function, rule, account.policies_of_role(role), settings)
    return found


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


def build(project: Project, stage: str) -> tuple[dict[str, Any], bytes]:
    """Build the package, check it, and add byte code; the deployment takes it from Chalice's cache.

    Chalice names a cached package by the hash of its inputs, so the deployment uses this package. Returns Chalice's
    template, and the package.

    Raises
    ------
    VedetteError
        If something is missing in the package.
    """
    with tempfile.TemporaryDirectory() as folder:
        chalice(project, "package", "--stage", stage, folder)
        built = (Path(folder) / "deployment.zip").read_bytes()
        template: dict[str, Any] = json.loads((Path(folder) / "sam.json").read_bytes())
    found = package.faults(built, runtime())
    cached = [file for file in (project.chalice / "deployments").glob("*.zip") if file.read_bytes() == built]
    if found:
        for file in cached:
            file.unlink()  # so that the next attempt does not use it
        raise VedetteError(f"The package is incomplete, so nothing was deployed: {'; '.join(found)}.")
    for file in cached:
        byte_code.add(file)
        built = file.read_bytes()
    return template, built


def runtime() -> str:
    """The Lambda runtime, which Chalice derives from the running interpreter."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def chalice(project: Project, *arguments: str, echo: Echo | None = None) -> None:
    """Run Chalice with this interpreter; `echo` gets each line as it is printed.

    Raises
    ------
    VedetteError
        With the last lines of its output, if it fails.
    """
    program = Path(sys.executable).parent / "chalice"
    if not program.exists():
        raise VedetteError("Chalice is not installed beside this Vedette: pip install chalice")
    printed = []
    unbuffered = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(  # noqa: S603 - the program of our own environment
        [program, "--project-dir", project.app, *arguments],
        env={**os.environ, **_session_environment(), **unbuffered},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        for line in running.stdout or ():
            printed.append(line.rstrip())
            if echo:
                echo(printed[-1])
    if running.returncode:
        last = "\n".join(printed).strip().splitlines()[-ERROR_LINES:]
        raise VedetteError("chalice " + " ".join(arguments[:1]) + " failed:\n" + "\n".join(last))


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


@dataclass(frozen=True)
class MissingFunctionSetting:
    """A setting that a function lacks; `make` makes it, and returns what was done."""

    change: str
    make: Callable[[], str]


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
        missing = _missing_settings(name, wanted, there["Configuration"]["Handler"], queue, short)
        done += [setting.make() for setting in missing]
    return done if short is None else [*done, short.sentence]


def _missing_settings(
    name: str, wanted: FunctionSpec, handler: str, queue: str, short: Shortage | None
) -> Iterator[MissingFunctionSetting]:
    if handler != wanted.handler:
        yield MissingFunctionSetting(
            f"handler: {handler} -> {wanted.handler}", partial(_set_handler, name, handler, wanted.handler)
        )
    config = event_invoke_config(wanted, queue)
    if not is_finished(account.event_invoke_config(name), config):
        text = f"failed events go to {queue_name_of(queue)} after {wanted.retries} retries"
        yield MissingFunctionSetting(text, partial(_set_event_invoke_config, name, config, text))
    if short is None and (there := account.reserved_concurrency(name)) != wanted.reserved_concurrency:
        text = f"reserved concurrency: {there or 'none'} -> {wanted.reserved_concurrency}"
        yield MissingFunctionSetting(text, partial(_reserve, name, wanted.reserved_concurrency))


def queue_arn(stage: str) -> str:
    """The queue of events that failed all attempts."""
    partition, owner, region = account.identity()
    return f"arn:{partition}:sqs:{region}:{owner}:{queue_name(stage)}"


def _set_handler(name: str, before: str, handler: str) -> str:
    client("lambda").update_function_configuration(FunctionName=name, Handler=handler)
    client("lambda").get_waiter("function_updated_v2").wait(FunctionName=name)
    return f"{name}: replaced the handler {before}"


def _set_event_invoke_config(name: str, config: Mapping[str, Any], text: str) -> str:
    client("lambda").put_function_event_invoke_config(FunctionName=name, **config)
    return f"{name}: {text}"


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

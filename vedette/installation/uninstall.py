"""`vedette uninstall`: delete what the installation created, except data and serving endpoints.

| what                                              | happens                                                        |
|---------------------------------------------------|----------------------------------------------------------------|
| functions, rules, permissions, their roles        | deleted by Chalice, then by name, in case its state is lost    |
| topics, queue, alarms, log groups                 | deleted with the stack                                         |
| role of models                                    | deleted, unless a model runs as it                             |
| bucket with captures and reports, table, key      | kept and listed: only you delete data                          |
| endpoints, configs, models, alarms of endpoints   | kept and listed: they serve requests                           |
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from chalicelib.aws.clients import client
from vedette.installation import account, deploy, state
from vedette.installation.functions import NAMES, full_name, rule_name
from vedette.installation.project import Project
from vedette.installation.setup import roles_stack_name
from vedette.operations import aws, stages
from vedette.operations.aws import code
from vedette.operations.installations import stack_name

KEPT_TYPES = ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::DynamoDB::Table", "AWS::KMS::Key")


@dataclass
class Removal:
    """What an uninstall deletes and keeps."""

    deleted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def plan(project: Project, stage: str) -> Removal:
    """List what an uninstall would delete and keep."""
    removal = Removal()
    removal.deleted = [
        f"function {full_name(stage, n)}" for n in NAMES if account.describe_function(full_name(stage, n))
    ]
    stack = account.describe_stack(stack_name(stage))
    roles = account.describe_stack(roles_stack_name(stage))
    resources = account.stack_resources(stack_name(stage)) if stack else []
    resources += account.stack_resources(roles_stack_name(stage)) if roles else []
    for resource in resources:
        kept = resource["kind"] in KEPT_TYPES or (resource["logical"] == "ModelsRole" and _in_use(resource["name"]))
        kind = resource["kind"].removeprefix("AWS::").replace("::", " ")
        (removal.kept if kept else removal.deleted).append(f"{kind} {resource['name']}")
    if stack:
        deploy.load_stage(project, stage)
        # A stage whose setup failed has resources, and no configuration yet.
        if variables := project.stage(stage).get("environment_variables"):
            removal.kept += _serving(variables)
    return removal


def _serving(variables: Mapping[str, str]) -> list[str]:
    """The endpoints of the fleet, and their rollback alarms."""
    with stages.entered(variables, None, None):
        endpoints = [entry.endpoint for entry in aws.get_fleet()[0].entries]
    alarms = [name for endpoint in endpoints for name, _ in aws.alarms(f"vedette-{endpoint}-")]
    return [f"endpoint {name}" for name in endpoints] + [f"alarm {name}" for name in alarms]


def _in_use(role: str) -> bool:
    """Whether a model uses a role, without which it could not load its data when its endpoint scales."""
    return any(_role_of(model["ModelName"]) == role for model in aws.list_models())


def _role_of(model: str) -> str:
    arn = str(client("sagemaker").describe_model(ModelName=model).get("ExecutionRoleArn", ""))
    return arn.rpartition("/")[2]


def uninstall(project: Project, stage: str) -> None:
    """Remove a stage, except what the plan keeps."""
    stack = account.describe_stack(stack_name(stage))
    resources = account.stack_resources(stack_name(stage)) if stack else []
    if stack:
        bucket = deploy.load_stage(project, stage)
        state.fetch_deployed(project, stage, bucket)
    if project.deployed(stage).is_file():
        deploy.chalice(project, "delete", "--stage", stage)
    for name in NAMES:
        _delete_by_name(stage, name)
    account.delete_stack(roles_stack_name(stage))
    account.delete_stack(stack_name(stage))
    for role in (found["name"] for found in resources if found["logical"] == "ModelsRole"):
        if not _in_use(role):
            _delete_role(role)
    if stack:
        state.delete_deployed(bucket)
    project.deployed(stage).unlink(missing_ok=True)
    shutil.rmtree(project.folder(stage), ignore_errors=True)
    project.forget_stage(stage)


def _delete_by_name(stage: str, name: str) -> None:
    """Delete what Chalice did not delete because its state was lost."""
    function, rule = full_name(stage, name), rule_name(stage, name)
    if account.describe_function(function):
        client("lambda").delete_function(FunctionName=function)
    if client("events").list_rules(NamePrefix=rule)["Rules"]:
        targets = [target["Id"] for target in client("events").list_targets_by_rule(Rule=rule)["Targets"]]
        if targets:
            client("events").remove_targets(Rule=rule, Ids=targets)
        client("events").delete_rule(Name=rule)
    if not account.describe_stack(roles_stack_name(stage)):
        _delete_role(function)


def _delete_role(name: str) -> None:
    iam = client("iam")
    try:
        policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    except ClientError as error:
        if code(error) == "NoSuchEntity":
            return
        raise
    for policy in policies:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)

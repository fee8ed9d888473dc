"""What a setup would make, for a reviewer: each resource with its name and purpose, and the templates as files.

| file             | content                                                                            |
|------------------|------------------------------------------------------------------------------------|
| out.yaml         | the stack of the stage; its parameters have the values of the setup as defaults    |
| out-roles.yaml   | the roles of the functions, with the policies narrowed to the stage                |

Nothing here changes anything in AWS.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vedette.installation import account, policies
from vedette.installation.functions import FUNCTIONS, NAMES, full_name
from vedette.installation.permissions_page import REASONS
from vedette.installation.setup import (
    Setup,
    StackPlan,
    needs_roles_stack,
    roles_stack_name,
    stack_tags,
    stage_scope,
)
from vedette.installation.template import bucket_name, purposes, resource_name, roles_template
from vedette.installation.template_file import yaml_of
from vedette.operations.installations import stack_name

REQUEST_BYTES = 51_200  # a larger template goes through a bucket (aws-behaviour: template-size)
HEADING_BYTES = 1_000
NEW_KEY = "the key that the stack creates"  # its ARN is known only afterwards


@dataclass(frozen=True)
class ReviewedResource:
    """A resource of the stack: what happens to it, what it is called, and what it is for."""

    action: str  # Add, Import, Modify or Remove, as in a change set; Exists: it stays as it is
    kind: str
    name: str
    purpose: str
    replaced: bool = False


def resources(setup: Setup) -> list[ReviewedResource]:
    """Every resource of a stage, in the order of the template; removed ones come last."""
    plan, changes = setup.plan, {change["LogicalResourceId"]: change for change in setup.changes}
    existing = (
        {one["logical"] for one in account.stack_resources(stack_name(plan.request.stage))} if plan.before else ()
    )
    meant = purposes(plan.request.stage)
    found = []
    for logical, resource in plan.template["Resources"].items():
        change = changes.pop(logical, None)
        if change is None and logical not in existing:
            continue  # its condition does not hold
        action, replaced = (change["Action"], change.get("Replacement") == "True") if change else ("Exists", False)
        name = resource_name(plan.template, logical)
        found.append(ReviewedResource(action, _kind(resource["Type"]), name, meant[logical], replaced))
    for logical, change in changes.items():
        name = str(change.get("PhysicalResourceId", logical))
        found.append(ReviewedResource(change["Action"], _kind(change["ResourceType"]), name, "No longer needed."))
    return found


def _kind(resource_type: str) -> str:
    return resource_type.removeprefix("AWS::").replace("::", " ")


def files(plan: StackPlan, file: Path) -> dict[Path, str]:
    """The text of each file of a review, by its path."""
    roles = file.with_name(f"{file.stem}-roles{file.suffix}")
    return {file: _stack_file(plan, file), roles: _roles_file(plan, roles)}


def _stack_file(plan: StackPlan, file: Path) -> str:
    stage = plan.request.stage
    declared = {
        name: _with_default(one, plan.parameters[name]) if name in plan.parameters else one
        for name, one in plan.template["Parameters"].items()
    }
    # `aws cloudformation deploy` keeps the parameters of a stack that exists, whatever the defaults say.
    changed = {k: v for k, v in plan.parameters.items() if plan.before and plan.before.get(k) != v}
    heading = (
        f"`vedette setup` deploys this as the stack {stack_name(stage)} to account {plan.account}, {plan.region}.\n"
        "The defaults of the parameters are the values that setup passes. To deploy it without setup:\n\n"
        f"{_command(plan, file, stack_name(stage), changed)}\n\n"
        f"Then `vedette setup --stage {stage}` changes nothing in the account, and writes the stage into the project."
    )
    return yaml_of({**plan.template, "Parameters": declared}, purposes(stage), heading, REASONS)


def _with_default(parameter: Mapping[str, Any], value: str) -> dict[str, Any]:
    number = isinstance(parameter.get("Default"), int)
    return {**parameter, "Default": int(value) if number else value}


def _roles_file(plan: StackPlan, file: Path) -> str:
    stage, parameters = plan.request.stage, plan.parameters
    scope = stage_scope(plan, predicted_outputs(plan))
    described = {f"{f.resource}Role": _role_purpose(f.name) for f in FUNCTIONS}
    narrowed = policies.all_narrowed(policies.read(plan.project.chalice), scope)
    body = roles_template(stage, narrowed, parameters.get("PermissionsBoundary", ""), parameters.get("RolePath", "/"))
    body = _with_key(body)
    if needs_roles_stack(parameters):
        key = {"KeyArn": "ARN"} if scope.key_arn == NEW_KEY else {}
        size = len(yaml_of(body, described, "", REASONS).encode()) + HEADING_BYTES
        heading = (
            f"The roles of the functions. `vedette setup` deploys this as the stack {roles_stack_name(stage)} after"
            f" {stack_name(stage)}.\nTo deploy it without setup:\n\n"
            f"{_command(plan, file, roles_stack_name(stage), key, scope.bucket if size > REQUEST_BYTES else '')}"
        )
    else:
        heading = (
            "The roles of the functions, for review. Do not deploy this file: in `vedette install`, Chalice creates\n"
            f"these roles from the policies that `vedette setup` writes to .chalice/stages/{stage}/."
        )
    return yaml_of(body, described, heading, REASONS)


def _role_purpose(function: str) -> str:
    return f"What the function {function} may do."


def _with_key(body: dict[str, Any]) -> dict[str, Any]:
    """The template with a parameter in place of the key that does not exist yet."""
    text = json.dumps(body).replace(json.dumps(NEW_KEY), json.dumps({"Ref": "KeyArn"}))
    made: dict[str, Any] = json.loads(text)
    if made == body:
        return body
    key = {"KeyArn": {"Type": "String", "Description": "The output KeyArn of the stage's stack."}}
    return {name: made[name] for name in ("AWSTemplateFormatVersion", "Description")} | {"Parameters": key} | made


def _command(plan: StackPlan, file: Path, stack: str, overrides: Mapping[str, str], bucket: str = "") -> str:
    tags = " ".join(f"{name}={value}" for name, value in stack_tags(plan.request.stage).items())
    words = [
        f"    aws cloudformation deploy --template-file {shlex.quote(file.name)} --stack-name {stack}",
        f"--region {plan.region} --capabilities CAPABILITY_NAMED_IAM --tags {tags}",
    ]
    if bucket:
        words.append(f"--s3-bucket {bucket}")
    if overrides:
        given = (shlex.quote(f"{name}={value}") for name, value in sorted(overrides.items()))
        words.append(f"--parameter-overrides {' '.join(given)}")
    return " \\\n        ".join(words)


def predicted_outputs(plan: StackPlan) -> dict[str, str]:
    """The outputs that the stack will have, as far as the policies name them."""
    stage, parameters = plan.request.stage, plan.parameters

    def topic(logical: str) -> str:
        return f"arn:{plan.partition}:sns:{plan.region}:{plan.account}:{resource_name(plan.template, logical)}"

    role = f"{parameters.get('RolePath', '/')}{resource_name(plan.template, 'ModelsRole')}"
    key = parameters.get("Key", "")
    if key == "new":
        key = account.outputs_of(account.describe_stack(stack_name(stage))).get("KeyArn", NEW_KEY)
    return {
        "Bucket": parameters.get("Bucket") or bucket_name(stage, plan.account, plan.region),
        "Table": resource_name(plan.template, "Table"),
        "TopicArn": parameters.get("Topic") or topic("AlertsTopic"),
        "IncidentsTopicArn": topic("IncidentsTopic"),
        "RoleArn": parameters.get("ModelRole") or f"arn:{plan.partition}:iam::{plan.account}:role{role}",
        **({"KeyArn": key} if key else {}),
    }


def afterwards(plan: StackPlan) -> list[str]:
    """What follows the stack, one sentence each: notifications of existing buckets, roles, and functions."""
    stage, roles = plan.request.stage, "a rule and a role"
    scope = stage_scope(plan, predicted_outputs(plan))
    existing = {bucket for bucket, _ in scope.sources} | {plan.parameters.get("Bucket", "")} - {""}
    found = [
        f"Setup then enables EventBridge notifications on the bucket {bucket}; its other notifications stay."
        for bucket in sorted(existing)
        if not account.sends_to_eventbridge(bucket)
    ]
    if needs_roles_stack(plan.parameters):
        found.append(f"Setup then deploys the stack {roles_stack_name(stage)}: the roles of the functions.")
        roles = "a rule"
    names = ", ".join(full_name(stage, name) for name in NAMES)
    return [*found, f"`vedette install` then deploys {len(NAMES)} functions, each with {roles}: {names}."]

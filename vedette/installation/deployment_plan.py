"""What `vedette install` would deploy, from the template that Chalice writes, and how it differs from what is deployed.

| compared                                       | of                                                  |
|------------------------------------------------|-----------------------------------------------------|
| memory, timeout, Python, variables, tags, VPC  | the function                                        |
| the package                                    | its digest                                          |
| the rule                                       | its pattern or schedule                             |
| the policy, statement by statement             | the role, where Chalice makes it                    |
| handler, failed events, reserved concurrency   | the settings that Chalice cannot make (deploy)      |
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vedette.installation.functions import FUNCTIONS, FunctionSpec, full_name
from vedette.installation.package import MAX_ZIP_BYTES
from vedette.installation.policies import Policy, listed

NONE = "none"


@dataclass(frozen=True)
class DeployedFunction:
    """A function as it is in the account; also its rule, and what is in its role."""

    function: Mapping[str, Any]  # GetFunction
    rule: Any  # the pattern or schedule; None without a rule
    policies: list[Policy]
    missing_settings: list[str]  # of those that Chalice cannot make


@dataclass(frozen=True)
class PlannedFunction:
    """A function as it will be, and what changes."""

    name: str
    action: str  # Add, Modify, or Exists: it stays as it is
    memory_mb: int
    timeout_seconds: int
    reserved_concurrency: int | None  # None where the account cannot spare it
    trigger: str
    policy: Policy | None  # None if its role is in a stack of setup
    changes: list[str]

    @property
    def summary(self) -> str:
        """The function on one line."""
        concurrency = f"{self.reserved_concurrency} at once" if self.reserved_concurrency else "no reserved concurrency"
        role = f"{len(self.policy['Statement'])} statements in its policy" if self.policy else "a role that setup made"
        return f"{self.memory_mb} MB, {self.timeout_seconds} s, {concurrency}, runs on {self.trigger}, {role}"


@dataclass(frozen=True)
class DeploymentPlan:
    """What a deployment makes of a stage."""

    functions: list[PlannedFunction]
    zip_bytes: int
    runtime: str

    @property
    def changed(self) -> bool:
        """Whether anything would change."""
        return any(one.action != "Exists" for one in self.functions)

    @property
    def package(self) -> str:
        """The package on one line."""
        return f"{self.zip_bytes / (1 << 20):.1f} MB zipped (Lambda allows {MAX_ZIP_BYTES >> 20}), {self.runtime}"


def plan(
    template: Mapping[str, Any],
    package: bytes,
    deployed: Mapping[str, DeployedFunction],
    stage: str,
    *,
    reserve: bool,
) -> DeploymentPlan:
    """The plan of a deployment.

    Parameters
    ----------
    template
        What `chalice package` writes (sam.json).
    package
        The zip.
    deployed
        What is there, by the name of the function in app.py.
    stage
        The stage.
    reserve
        Whether the account can spare the reserved concurrency.
    """
    digest = base64.b64encode(hashlib.sha256(package).digest()).decode()
    resources = template["Resources"]
    functions = []
    for spec in FUNCTIONS:
        wanted, policy = resources[spec.resource]["Properties"], _policy(resources, spec)
        there = deployed.get(spec.name)
        changes = list(_changes(wanted, policy, digest, there)) if there else []
        functions.append(
            PlannedFunction(
                name=full_name(stage, spec.name),
                action=("Modify" if changes else "Exists") if there else "Add",
                memory_mb=wanted["MemorySize"],
                timeout_seconds=wanted["Timeout"],
                reserved_concurrency=spec.reserved_concurrency if reserve else None,
                trigger=_trigger(_expression(wanted)),
                policy=policy,
                changes=changes,
            )
        )
    return DeploymentPlan(functions, len(package), str(wanted["Runtime"]))


def _policy(resources: Mapping[str, Any], spec: FunctionSpec) -> Policy | None:
    role = resources.get(f"{spec.resource}Role")
    if role is None:
        return None
    found: Policy = role["Properties"]["Policies"][0]["PolicyDocument"]
    return found


def _expression(wanted: Mapping[str, Any]) -> Any:
    """The pattern or schedule of a function in the template."""
    (event,) = wanted["Events"].values()
    return event["Properties"].get("Pattern") or event["Properties"]["Schedule"]


def _trigger(expression: Any) -> str:
    """A pattern or schedule in words.

    Examples
    --------
    >>> _trigger({"source": ["aws.s3"], "detail-type": ["Object Created"]}), _trigger("rate(15 minutes)")
    ('aws.s3 Object Created', 'rate(15 minutes)')
    """
    if isinstance(expression, str):
        return expression
    if "$or" in expression:
        return " or ".join(_trigger(one) for one in expression["$or"])
    return " or ".join(f"{source} {kind}" for source in expression["source"] for kind in expression["detail-type"])


def _changes(wanted: Mapping[str, Any], policy: Policy | None, digest: str, there: DeployedFunction) -> Iterator[str]:
    """What changes in a function that exists, one line each."""
    config = there.function["Configuration"]
    for name, key in (("memory", "MemorySize"), ("timeout", "Timeout"), ("Python", "Runtime")):
        if wanted[key] != config[key]:
            yield f"{name}: {config[key]} -> {wanted[key]}"
    yield from _values(
        "variable", config.get("Environment", {}).get("Variables", {}), wanted["Environment"]["Variables"]
    )
    yield from _values("tag", there.function.get("Tags", {}), wanted.get("Tags", {}))
    yield from _values("VPC", _ids(config.get("VpcConfig", {})), _ids(wanted.get("VpcConfig", {})))
    if config["CodeSha256"] != digest:
        yield "package: another one"
    expression = _expression(wanted)
    if there.rule != expression:
        yield f"rule: {json.dumps(there.rule) if there.rule else NONE} -> {json.dumps(expression)}"
    if policy is not None:
        yield from _statements(there.policies, policy)
    yield from there.missing_settings


def _values(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"{kind} {name}: {before.get(name, NONE)} -> {after.get(name, NONE)}"


def _ids(vpc: Mapping[str, Any]) -> dict[str, str]:
    keys = ("SubnetIds", "SecurityGroupIds")
    return {key: ", ".join(sorted(vpc[key])) for key in keys if vpc.get(key)}


def _statements(before: list[Policy], after: Policy) -> Iterator[str]:
    """The statements that a role loses and gets."""
    old = [_statement(one) for policy in before for one in policy.get("Statement", [policy])]
    new = [_statement(one) for one in after["Statement"]]
    yield from (f"policy: - {one}" for one in old if one not in new)
    yield from (f"policy: + {one}" for one in new if one not in old)


def _statement(statement: Mapping[str, Any]) -> str:
    """A statement of a policy on one line.

    Examples
    --------
    >>> _statement({"Sid": "ReadFleet", "Effect": "Allow", "Action": "s3:GetObject", "Resource": ["a", "b"]})
    'ReadFleet: Allow s3:GetObject on a, b'
    """
    if "Action" not in statement:  # a managed policy that somebody attached
        return json.dumps(statement)
    condition = f" if {json.dumps(statement['Condition'])}" if "Condition" in statement else ""
    actions, resources = (", ".join(listed(statement[key])) for key in ("Action", "Resource"))
    return f"{statement.get('Sid', '-')}: {statement['Effect']} {actions} on {resources}{condition}"

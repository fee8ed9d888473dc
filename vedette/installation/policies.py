"""The hand-written policy of each function, narrowed to one stage.

`.chalice/policy-<function>.json` lists the permissions of a function for any stage. `vedette setup` writes a copy for
the stage, in which each pattern is replaced by the resource of the stage:

| in the hand-written policy                   | narrowed to                                                  |
|----------------------------------------------|--------------------------------------------------------------|
| arn:aws:                                     | the partition                                                |
| :*:*:                                        | the region and the account                                   |
| s3:::vedette-*                               | the stage's bucket                                           |
| s3:::vedette-*/data-capture/*                | the same, and every other capture source                     |
| s3:::*/data-capture/* (denied)               | the same, and every other capture source                     |
| s3:::vedette-*/ground-truth/*, also denied   | the same, and every other place of labels                    |
| table/vedette-*, function:vedette-*-…        | the stage's table, the function itself                       |
| log-group:/aws/lambda/vedette-*              | the function's own log group                                 |
| sns:*:*:vedette-*                            | the stage's topics and those of its teams                    |
| iam::*:role/vedette-*                        | the role of the models                                       |
| ml.… (instance types)                        | the instance types of the setup, if any were named           |
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chalicelib.errors import UnreadableFile
from chalicelib.locations import CAPTURE_PREFIX, GROUND_TRUTH_PREFIX
from chalicelib.settings import Settings
from vedette.installation.functions import NAMES, full_name, queue_name

Policy = dict[str, Any]
INSTANCE_TYPES = "sagemaker:InstanceTypes"


@dataclass(frozen=True)
class StageScope:
    """The resources of a stage that its policies may name."""

    stage: str
    region: str
    account: str
    bucket: str
    table: str
    topics: tuple[str, ...]
    role_arn: str = ""
    key_arn: str = ""
    sources: tuple[tuple[str, str], ...] = ()  # bucket and prefix of additional capture locations
    instance_types: tuple[str, ...] = ()
    in_vpc: bool = False
    partition: str = field(default="aws")
    incidents_topic: str = ""
    label_sources: tuple[tuple[str, str], ...] = ()  # bucket and prefix of additional places of labels

    @classmethod
    def of(cls, stage: Settings) -> StageScope:
        """What the settings of an installed stage name."""
        return cls(
            stage=stage.stage,
            region=stage.region,
            account=stage.account,
            bucket=stage.bucket,
            table=stage.table,
            topics=(*filter(None, (stage.topic_arn, stage.incidents_topic_arn)), *(arn for _, arn in stage.topics)),
            role_arn=stage.role_arn,
            sources=stage.capture_sources,
            partition=stage.partition,
            label_sources=stage.ground_truth_sources,
        )


def read(folder: Path) -> dict[str, Policy]:
    """The hand-written policies of a `.chalice` folder.

    Raises
    ------
    UnreadableFile
        If one is missing or is not JSON.
    """
    found = {}
    for name in NAMES:
        file = folder / f"policy-{name}.json"
        try:
            found[name] = json.loads(file.read_bytes())
        except FileNotFoundError as error:
            raise UnreadableFile(f"{file}: not found; `vedette init .` writes it again") from error
        except ValueError as error:
            raise UnreadableFile(f"{file}: not JSON: {error}") from error
    return found


def listed(value: Any) -> list[Any]:
    """A list of the values of an IAM field, which may be one value or a list.

    Examples
    --------
    >>> listed("s3:GetObject"), listed(["a", "b"])
    (['s3:GetObject'], ['a', 'b'])
    """
    return list(value) if isinstance(value, list) else [value]


def narrowed(policy: Policy, function: str, scope: StageScope) -> Policy:
    """The policy of one function in one stage.

    Examples
    --------
    >>> scope = StageScope("dev", "eu-west-1", "123456789012", "lake", "vedette-dev", topics=())
    >>> statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::vedette-*/parts/*"}
    >>> narrowed({"Statement": [statement]}, "sweep", scope)["Statement"][0]["Resource"]
    'arn:aws:s3:::lake/parts/*'
    """
    statements = []
    for statement in policy["Statement"]:
        resources = _unique(r for one in listed(statement["Resource"]) for r in _resources(one, function, scope))
        if not resources:  # there is no role for models, so nothing to pass
            continue
        made = {**statement, "Resource": resources[0] if len(resources) == 1 else resources}
        if scope.instance_types and INSTANCE_TYPES in json.dumps(statement.get("Condition", {})):
            made["Condition"] = _with_instance_types(statement["Condition"], scope.instance_types)
        statements.append(made)
    return {**policy, "Statement": [*statements, *_optional_statements(function, scope)]}


def all_narrowed(policies: Mapping[str, Policy], scope: StageScope) -> dict[str, Policy]:
    """Every policy of a stage."""
    return {name: narrowed(policy, name, scope) for name, policy in policies.items()}


def _resources(resource: str, function: str, scope: StageScope) -> list[str]:
    arn = resource.replace("arn:aws:", f"arn:{scope.partition}:", 1)
    s3 = f"arn:{scope.partition}:s3:::"
    for prefix, sources in ((CAPTURE_PREFIX, scope.sources), (GROUND_TRUTH_PREFIX, scope.label_sources)):
        others = [f"{s3}{bucket}/{below}*" for bucket, below in sources]
        if arn == f"{s3}*/{prefix}/*":
            return [arn, *others]
        if arn == f"{s3}vedette-*/{prefix}/*":
            return [f"{s3}{scope.bucket}/{prefix}/*", *others]
    if arn == f"{s3}vedette-*":
        return [f"{s3}{scope.bucket}", *(f"{s3}{bucket}" for bucket, _ in (*scope.sources, *scope.label_sources))]
    if arn.startswith(f"{s3}vedette-*/"):
        return [arn.replace("vedette-*", scope.bucket, 1)]
    if ":sns:" in arn:
        return list(scope.topics)
    if arn.endswith(":role/vedette-*"):
        return [scope.role_arn] if scope.role_arn else []
    arn = arn.replace(":*:*:", f":{scope.region}:{scope.account}:")
    for pattern, meant in (
        (":table/vedette-*", f":table/{scope.table}"),
        (f":function:vedette-*-{function}", f":function:{full_name(scope.stage, function)}"),
        (":log-group:/aws/lambda/vedette-*", f":log-group:/aws/lambda/{full_name(scope.stage, function)}:*"),
        (":vedette-*-failures", f":{queue_name(scope.stage)}"),
    ):
        arn = arn.replace(pattern, meant)
    return [arn]


def _with_instance_types(condition: Mapping[str, Any], allowed: tuple[str, ...]) -> dict[str, Any]:
    return {
        operator: {key: list(allowed) if key == INSTANCE_TYPES and operator != "Null" else v for key, v in keys.items()}
        for operator, keys in condition.items()
    }


def _optional_statements(function: str, scope: StageScope) -> list[dict[str, Any]]:
    """The additional statements of stages with a KMS key or in a VPC."""
    found: list[dict[str, Any]] = []
    if scope.key_arn:
        found.append(
            {
                "Sid": "UseTheKey",
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": scope.key_arn,
            }
        )
    if scope.in_vpc:  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
        found.append(
            {
                "Sid": "UseTheVpc",
                "Effect": "Allow",
                "Action": [
                    "ec2:CreateNetworkInterface",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSubnets",
                    "ec2:DeleteNetworkInterface",
                    "ec2:AssignPrivateIpAddresses",
                    "ec2:UnassignPrivateIpAddresses",
                ],
                "Resource": "*",
            }
        )
        found.append(
            {
                "Sid": "TheFunctionItselfMustNotTouchTheVpc",
                "Effect": "Deny",
                "Action": ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"],
                "Resource": "*",
                "Condition": {
                    "ArnEquals": {
                        "lambda:SourceFunctionArn": f"arn:{scope.partition}:lambda:{scope.region}:{scope.account}"
                        f":function:{full_name(scope.stage, function)}"
                    }
                },
            }
        )
    return found


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))

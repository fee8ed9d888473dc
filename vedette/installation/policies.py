"""The hand-written policy of each function, narrowed to one stage.

`.chalice/policy-<function>.json` says what a function does, for any stage of this app; `vedette setup` writes a copy
beside the stage in which every pattern has become the one thing that is meant:

| in the hand-written policy                   | narrowed to                                                  |
|----------------------------------------------|--------------------------------------------------------------|
| arn:aws:                                     | the partition                                                |
| :*:*:                                        | the region and the account                                   |
| s3:::vedette-*                               | the stage's bucket                                           |
| s3:::vedette-*/data-capture/*                | the same, and every other capture source                     |
| s3:::*/data-capture/* (denied)               | the same, and every other capture source                     |
| table/vedette-*, function:vedette-*-…        | the stage's table, the function itself                       |
| log-group:/aws/lambda/vedette-*              | the function's own log group                                 |
| sns:*:*:vedette-*                            | the stage's topic and those of its teams                     |
| iam::*:role/vedette-*                        | the one role that is given to models                         |
| ml.… (instance types)                        | those that were allowed at setup, if any were named          |
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chalicelib.errors import UnreadableFile
from chalicelib.locations import CAPTURE_PREFIX
from vedette.installation.functions import NAMES, full_name, queue_name

Policy = dict[str, Any]
INSTANCE_TYPES = "sagemaker:InstanceTypes"


@dataclass(frozen=True)
class Place:
    """Where a stage lies: what its policies may speak about."""

    stage: str
    region: str
    account: str
    bucket: str
    table: str
    topics: tuple[str, ...]
    role_arn: str = ""
    key_arn: str = ""
    sources: tuple[tuple[str, str], ...] = ()  # bucket and prefix of captures elsewhere
    instance_types: tuple[str, ...] = ()
    in_vpc: bool = False
    partition: str = field(default="aws")


def read(folder: Path) -> dict[str, Policy]:
    """The hand-written policies of a `.chalice` folder.

    Raises
    ------
    UnreadableFile
        When one is missing or is not JSON.
    """
    found = {}
    for name in NAMES:
        file = folder / f"policy-{name}.json"
        try:
            found[name] = json.loads(file.read_bytes())
        except FileNotFoundError as error:
            raise UnreadableFile(f"{file}: not there; it belongs to a clone of this repository") from error
        except ValueError as error:
            raise UnreadableFile(f"{file}: not JSON: {error}") from error
    return found


def listed(value: Any) -> list[Any]:
    """One or many, as IAM writes them: always a list.

    Examples
    --------
    >>> listed("s3:GetObject"), listed(["a", "b"])
    (['s3:GetObject'], ['a', 'b'])
    """
    return list(value) if isinstance(value, list) else [value]


def narrowed(policy: Policy, function: str, place: Place) -> Policy:
    """The policy of one function in one stage.

    Examples
    --------
    >>> place = Place("dev", "eu-west-1", "123456789012", "lake", "vedette-dev", topics=())
    >>> statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::vedette-*/parts/*"}
    >>> narrowed({"Statement": [statement]}, "sweep", place)["Statement"][0]["Resource"]
    'arn:aws:s3:::lake/parts/*'
    """
    statements = []
    for statement in policy["Statement"]:
        resources = _unique(r for one in listed(statement["Resource"]) for r in _resources(one, function, place))
        if not resources:  # a role that models were never given: nothing to pass
            continue
        made = {**statement, "Resource": resources[0] if len(resources) == 1 else resources}
        if place.instance_types and INSTANCE_TYPES in json.dumps(statement.get("Condition", {})):
            made["Condition"] = _with_instance_types(statement["Condition"], place.instance_types)
        statements.append(made)
    return {**policy, "Statement": [*statements, *_around(function, place)]}


def all_narrowed(policies: Mapping[str, Policy], place: Place) -> dict[str, Policy]:
    """Every policy of a stage."""
    return {name: narrowed(policy, name, place) for name, policy in policies.items()}


def _resources(resource: str, function: str, place: Place) -> list[str]:
    arn = resource.replace("arn:aws:", f"arn:{place.partition}:", 1)
    s3 = f"arn:{place.partition}:s3:::"
    sources = [f"{s3}{bucket}/{prefix}*" for bucket, prefix in place.sources]
    if arn == f"{s3}*/{CAPTURE_PREFIX}/*":
        return [arn, *sources]
    if arn == f"{s3}vedette-*/{CAPTURE_PREFIX}/*":
        return [f"{s3}{place.bucket}/{CAPTURE_PREFIX}/*", *sources]
    if arn == f"{s3}vedette-*":
        return [f"{s3}{place.bucket}", *(f"{s3}{bucket}" for bucket, _ in place.sources)]
    if arn.startswith(f"{s3}vedette-*/"):
        return [arn.replace("vedette-*", place.bucket, 1)]
    if ":sns:" in arn:
        return list(place.topics)
    if arn.endswith(":role/vedette-*"):
        return [place.role_arn] if place.role_arn else []
    arn = arn.replace(":*:*:", f":{place.region}:{place.account}:")
    for pattern, meant in (
        (":table/vedette-*", f":table/{place.table}"),
        (f":function:vedette-*-{function}", f":function:{full_name(place.stage, function)}"),
        (":log-group:/aws/lambda/vedette-*", f":log-group:/aws/lambda/{full_name(place.stage, function)}:*"),
        (":vedette-*-failures", f":{queue_name(place.stage)}"),
    ):
        arn = arn.replace(pattern, meant)
    return [arn]


def _with_instance_types(condition: Mapping[str, Any], allowed: tuple[str, ...]) -> dict[str, Any]:
    return {
        operator: {key: list(allowed) if key == INSTANCE_TYPES and operator != "Null" else v for key, v in keys.items()}
        for operator, keys in condition.items()
    }


def _around(function: str, place: Place) -> list[dict[str, Any]]:
    """What only some stages need: a key, and a place in a VPC."""
    found: list[dict[str, Any]] = []
    if place.key_arn:
        found.append(
            {
                "Sid": "UseTheKey",
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": place.key_arn,
            }
        )
    if place.in_vpc:  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
        found.append(
            {
                "Sid": "BeInTheVpc",
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
                        "lambda:SourceFunctionArn": f"arn:{place.partition}:lambda:{place.region}:{place.account}"
                        f":function:{full_name(place.stage, function)}"
                    }
                },
            }
        )
    return found


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))

"""What a role lacks, asked of IAM's policy simulator: it knows all policies of a role, and its boundary."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib import locations
from chalicelib.aws.clients import client
from chalicelib.settings import settings

VIA = "kms:ViaService"


@dataclass(frozen=True)
class Permission:
    """Actions on resources, in a context of the request; `why` says what for."""

    why: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def statement(self) -> str:
        """The statement that allows it, as one line of JSON."""
        statement: dict[str, Any] = {"Effect": "Allow", "Action": list(self.actions), "Resource": list(self.resources)}
        if VIA in self.context:
            statement["Condition"] = {"StringEquals": {VIA: self.context[VIA]}}
        return json.dumps(statement)


def missing(role_arn: str, wanted: Iterable[Permission]) -> list[Permission]:
    """What of the permissions a role does not have.

    Raises
    ------
    ClientError
        If the role does not exist, or the caller may not ask (`iam:SimulatePrincipalPolicy`).
    """
    return [permission for permission in wanted if not _allowed(role_arn, permission)]


def _allowed(role_arn: str, permission: Permission) -> bool:
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in permission.context.items()
    ]
    pages = (
        client("iam")
        .get_paginator("simulate_principal_policy")
        .paginate(
            PolicySourceArn=role_arn,
            ActionNames=list(permission.actions),
            ResourceArns=list(permission.resources),
            ContextEntries=entries,
        )
    )
    decisions = [result["EvalDecision"] for page in pages for result in page["EvaluationResults"]]
    return set(decisions) == {"allowed"}


def rollback_alarms(endpoint: str) -> Permission:
    """What AWS asks of an execution role for the alarms that roll an update back (aws-behaviour: alarm-permission)."""
    place = settings()
    prefix = f"arn:{place.partition}:cloudwatch:{place.region}:{place.account}:alarm:"
    alarms = tuple(prefix + locations.alarm_name(endpoint, what) for what in ("5xx", "latency"))
    return Permission("read the alarms that roll an update back", ("cloudwatch:DescribeAlarms",), alarms)


def capture_key(key: str, uri: str) -> Permission:
    """What a capture that is encrypted with a customer's key needs (aws-behaviour: capture-key-permission)."""
    place = settings()
    arn = key if key.startswith("arn:") else f"arn:{place.partition}:kms:{place.region}:{place.account}:key/{key}"
    bucket = f"arn:{place.partition}:s3:::{locations.split_s3_uri(uri)[0]}"
    context = {VIA: f"s3.{place.region}.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": bucket}
    return Permission("encrypt captures with the key", ("kms:GenerateDataKey", "kms:Decrypt"), (arn,), context)

"""The CloudFormation template of a stage: stage.json, and resources for each function.

| for each function | why here                                                                            |
|-------------------|-------------------------------------------------------------------------------------|
| a log group       | with retention and an optional key; so no function may create log groups            |
| errors, throttles | two alarms over all functions, each a sum                                           |
| a role            | only with a permissions boundary or a path, which Chalice's roles cannot have       |

Every name of a resource is literal: CloudFormation imports what an earlier uninstall kept by its name, and only if the
name is static (aws-behaviour: import-existing). In stage.json, {stage}, {account} and {region} stand for the parts, and
`Purpose` says what a resource is for: people read it in `vedette setup`, CloudFormation never receives it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from vedette.installation.functions import FUNCTIONS, full_name

LAMBDA_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def template(stage: str, account: str, region: str, dashboard: str = "") -> dict[str, Any]:
    """The template of a stage in one account and region; `dashboard` is the body of its CloudWatch dashboard."""
    found = _with_purposes(stage, account, region, dashboard)
    for resource in found["Resources"].values():
        del resource["Purpose"]
    return found


def purposes(stage: str) -> dict[str, str]:
    """What each resource of a stage is for, by logical name."""
    found = _with_purposes(stage, "", "", "{}")["Resources"]
    return {logical: resource["Purpose"] for logical, resource in found.items()}


def _with_purposes(stage: str, account: str, region: str, dashboard: str) -> dict[str, Any]:
    text = (files(__package__) / "stage.json").read_text()
    for part, value in (("{stage}", stage), ("{account}", account), ("{region}", region)):
        text = text.replace(part, value)
    found: dict[str, Any] = json.loads(text)
    resources = found["Resources"]
    for function in FUNCTIONS:
        log = {"Purpose": f"The log of the function {function.name}."}
        resources[f"{function.resource}Logs"] = log | _log_group(full_name(stage, function.name))
    failed = "A function of Vedette failed; Lambda retries it."
    throttled = "A function of Vedette was throttled; events wait."
    errors = {"Purpose": "Notifies you when a function failed."}
    throttles = {"Purpose": "Notifies you when a function was throttled."}
    resources["ErrorsAlarm"] = errors | _alarm(stage, "errors", "Errors", failed)
    resources["ThrottlesAlarm"] = throttles | _alarm(stage, "throttles", "Throttles", throttled)
    if dashboard:
        resources["Dashboard"] = {
            "Purpose": "Shows violations, drift, rows, and errors of the functions.",
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {"DashboardName": f"vedette-{stage}", "DashboardBody": dashboard},
        }
    return found


NAMED_BY = (
    "BucketName",
    "TopicName",
    "TableName",
    "QueueName",
    "AlarmName",
    "DashboardName",
    "LogGroupName",
    "RoleName",
)


def resource_name(template: Mapping[str, Any], logical: str) -> str:
    """The name of a resource; of a policy or a subscription, the name of what it belongs to.

    Examples
    --------
    >>> made = template("dev", "123456789012", "eu-west-1")
    >>> resource_name(made, "AlertsTopic"), resource_name(made, "AlertsByEmail"), resource_name(made, "StageKey")
    ('vedette-dev-alerts', 'vedette-dev-alerts', 'StageKey')
    """
    properties = template["Resources"][logical]["Properties"]
    if own := next((properties[name] for name in NAMED_BY if name in properties), ""):
        return str(own)
    for name in ("Bucket", "TopicArn", "Topics", "Queues"):  # of the resource that it belongs to
        owner = properties.get(name)
        owner = owner[0] if isinstance(owner, list) else owner
        if owner is not None:
            return resource_name(template, owner["Ref"]) if isinstance(owner, dict) else str(owner)
    return logical


def bucket_name(stage: str, account: str, region: str) -> str:
    """The name of the bucket that setup creates."""
    return f"vedette-{stage}-{account}-{region}"


def roles_template(stage: str, policies: Mapping[str, Any], boundary: str, path: str) -> dict[str, Any]:
    """The template of the function roles, for stages whose roles need a boundary or a path."""
    resources = {
        f"{function.resource}Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": full_name(stage, function.name),
                "Path": path,
                **({"PermissionsBoundary": boundary} if boundary else {}),
                "AssumeRolePolicyDocument": LAMBDA_TRUST,
                "Policies": [{"PolicyName": function.name, "PolicyDocument": policies[function.name]}],
            },
        }
        for function in FUNCTIONS
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The roles of the functions of Vedette, stage {stage}.",
        "Resources": resources,
        "Outputs": {f.resource: {"Value": {"Fn::GetAtt": [f"{f.resource}Role", "Arn"]}} for f in FUNCTIONS},
    }


def _log_group(function: str) -> dict[str, Any]:
    key = {"Fn::If": ["MakeKey", {"Fn::GetAtt": ["StageKey", "Arn"]}, {"Ref": "Key"}]}
    return {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {
            "LogGroupName": f"/aws/lambda/{function}",
            "RetentionInDays": {"Ref": "LogDays"},
            "KmsKeyId": {"Fn::If": ["Encrypt", key, {"Ref": "AWS::NoValue"}]},
        },
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }


def _alarm(stage: str, what: str, metric: str, description: str) -> dict[str, Any]:
    """One alarm on the sum of a metric over all functions."""
    metrics: list[dict[str, Any]] = [
        {
            "Id": f"f{number}",
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "FunctionName", "Value": full_name(stage, function.name)}],
                },
                "Period": 300,
                "Stat": "Sum",
            },
        }
        for number, function in enumerate(FUNCTIONS, 1)
    ]
    total = {"Id": "total", "Label": metric, "ReturnData": True, "Expression": "SUM(METRICS())"}
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": f"vedette-{stage}-{what}",
            "AlarmDescription": description,
            "Metrics": [total, *metrics],
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": "OperationsTopic"}],
        },
    }

"""What CloudFormation's resource handlers call with the operator's credentials (aws-behaviour: resource-handlers).

`resource_handlers.json` holds the lists of the public resource schemas. A list names everything that a handler may
call; NOT_CALLED leaves out what only a property that Vedette's templates do not set can need, and NOT_NEEDED what has
another reason. Everything else, `docs/operator-policy.json` must allow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from vedette.local.account import SimulatedAccount
from vedette.local.iam import Need

# resource type -> the property -> what its create and update handlers call for this property alone
NOT_CALLED: dict[str, dict[str, tuple[str, ...]]] = {
    "AWS::S3::Bucket": {
        "AbacStatus": ("s3:PutBucketAbac",),
        "AccelerateConfiguration": ("s3:PutAccelerateConfiguration",),
        "AccessControl": ("s3:PutBucketAcl", "s3:PutObjectAcl"),
        "AnalyticsConfigurations": ("s3:PutAnalyticsConfiguration", "s3:DeleteBucketAnalyticsConfiguration"),
        "CorsConfiguration": ("s3:PutBucketCORS", "s3:DeleteBucketCors"),
        "IntelligentTieringConfigurations": ("s3:PutIntelligentTieringConfiguration",),
        "InventoryConfigurations": ("s3:PutInventoryConfiguration",),
        "LoggingConfiguration": ("s3:PutBucketLogging",),
        "MetadataConfiguration": (
            "s3:CreateBucketMetadataTableConfiguration",
            "s3:DeleteBucketMetadataTableConfiguration",
            "s3:UpdateBucketMetadataAnnotationTableConfiguration",
            "s3:UpdateBucketMetadataInventoryTableConfiguration",
            "s3:UpdateBucketMetadataJournalTableConfiguration",
            "s3tables:CreateNamespace",
            "s3tables:CreateTable",
            "s3tables:CreateTableBucket",
            "s3tables:GetTable",
            "s3tables:GetTableMetadataLocation",
            "s3tables:PutTableBucketPolicy",
            "s3tables:PutTableEncryption",
            "s3tables:PutTablePolicy",
            "s3tables:UpdateTableMetadataLocation",
        ),
        "MetricsConfigurations": ("s3:PutMetricsConfiguration", "s3:DeleteBucketMetricsConfiguration"),
        "ObjectLockConfiguration": ("s3:PutBucketObjectLockConfiguration", "s3:PutObjectLockConfiguration"),
        "ReplicationConfiguration": (
            "iam:PassRole",
            "s3:DeleteBucketReplication",
            "s3:PutBucketReplication",
            "s3:PutReplicationConfiguration",
        ),
        "WebsiteConfiguration": ("s3:PutBucketWebsite", "s3:DeleteBucketWebsite"),
    },
    "AWS::SNS::Topic": {
        "DataProtectionPolicy": ("sns:PutDataProtectionPolicy",),
        "DeliveryStatusLogging": ("iam:GetRole", "iam:PassRole"),
    },
    "AWS::SNS::Subscription": {"SubscriptionRoleArn": ("iam:GetRole", "iam:PassRole")},
    "AWS::DynamoDB::Table": {
        "ContributorInsightsSpecification": ("dynamodb:UpdateContributorInsights",),
        "ImportSourceSpecification": (
            "dynamodb:DescribeImport",
            "dynamodb:ImportTable",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            "logs:PutRetentionPolicy",
            "s3:GetObject",
            "s3:GetObjectMetadata",
            "s3:ListBucket",
        ),
        "KinesisStreamSpecification": (
            "dynamodb:DisableKinesisStreamingDestination",
            "dynamodb:EnableKinesisStreamingDestination",
            "dynamodb:UpdateKinesisStreamingDestination",
            "kinesis:DescribeStream",
            "kinesis:PutRecords",
        ),
        "ResourcePolicy": ("dynamodb:DeleteResourcePolicy", "dynamodb:PutResourcePolicy"),
    },
    "AWS::Logs::LogGroup": {
        "BearerTokenAuthenticationEnabled": ("logs:PutBearerTokenAuthentication",),
        "DataProtectionPolicy": (
            "firehose:TagDeliveryStream",
            "logs:CreateLogDelivery",
            "logs:PutDataProtectionPolicy",
            "s3:REST.PUT.OBJECT",
        ),
        "DeletionProtectionEnabled": ("logs:PutLogGroupDeletionProtection",),
        "FieldIndexPolicies": ("logs:DeleteIndexPolicy", "logs:PutIndexPolicy"),
        "ResourcePolicyDocument": ("logs:DeleteResourcePolicy", "logs:PutResourcePolicy"),
    },
    "AWS::IAM::Role": {"ManagedPolicyArns": ("iam:AttachRolePolicy", "iam:DetachRolePolicy")},
    "AWS::KMS::Key": {"Enabled": ("kms:DisableKey", "kms:EnableKey")},
}
REPLICAS = "a replica of a global table; AWS::DynamoDB::Table has no property for one"
NO_ACTION = "the name of a call; the IAM action of the call is {} (Service Authorization Reference)"
# resource type -> action -> the reason
NOT_NEEDED: dict[str, dict[str, str]] = {
    "AWS::S3::Bucket": {
        "s3:DeleteBucketEncryption": NO_ACTION.format("s3:PutEncryptionConfiguration"),
        "s3:DeleteBucketLifecycle": NO_ACTION.format("s3:PutLifecycleConfiguration"),
        "s3:DeleteObject": "a new bucket holds no object, and the handler deletes none of an old one",
    },
    "AWS::DynamoDB::Table": dict.fromkeys(
        (
            "dynamodb:AssociateTableReplica",
            "dynamodb:BatchWriteItem",
            "dynamodb:CreateTableReplica",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:UpdateItem",
            "iam:CreateServiceLinkedRole",
        ),
        REPLICAS,
    ),
    "AWS::KMS::Key": {"kms:ScheduleKeyDeletion": "the key of a stage has DeletionPolicy Retain"},
}
WITHOUT_A_RESOURCE = {  # Service Authorization Reference: these actions have no resource type
    "kms:CreateKey",
    "kms:ListAliases",
    "logs:DescribeResourcePolicies",
    "sns:GetSubscriptionAttributes",
    "sns:SetSubscriptionAttributes",
    "sns:Unsubscribe",
}


@cache
def _types() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((files(__package__) / "resource_handlers.json").read_bytes())["types"]
    return found


def identifier(kind: str) -> str | None:
    """The property that identifies a resource; None if only AWS can set it, so that it cannot be imported by name."""
    found: str | None = _types()[kind]["identifier"]
    return found


def permissions(kind: str, handler: str) -> list[str]:
    """The actions that a handler needs for a resource of Vedette's templates.

    Examples
    --------
    >>> permissions("AWS::SQS::Queue", "delete")
    ['sqs:DeleteQueue', 'sqs:GetQueueAttributes']
    """
    unset = {action for actions in NOT_CALLED.get(kind, {}).values() for action in actions}
    if handler == "read":  # it reads every property, set or not
        unset = set()
    left_out = unset | set(NOT_NEEDED.get(kind, {}))
    return [action for action in _types()[kind]["handlers"].get(handler, ()) if action not in left_out]


def kinds() -> list[str]:
    """The resource types whose handlers are known."""
    return list(_types())


def handlers(kind: str) -> dict[str, list[str]]:
    """Everything that the schema of a type lists, by handler."""
    found: dict[str, list[str]] = _types()[kind]["handlers"]
    return found


def needs(
    kind: str,
    handler: str,
    properties: Mapping[str, Any],
    tags: Mapping[str, str],
    account: SimulatedAccount,
    physical: str = "",
) -> Iterator[Need]:
    """The permissions that a handler needs for one resource, which has the tags of its stack."""
    arn = _arn(kind, properties, account, physical)
    tagged = tuple((f"aws:ResourceTag/{key}", (value,)) for key, value in tags.items())
    service = arn.split(":")[2]
    for action in permissions(kind, handler):
        if action.startswith("kms:") and service != "kms":
            key = properties.get("SSESpecification", {}).get("KMSMasterKeyId")
            if key:
                via = ("kms:ViaService", (f"{service}.{account.region}.amazonaws.com",))
                yield Need(action, "*" if action in WITHOUT_A_RESOURCE else key, (via,))
        elif action in WITHOUT_A_RESOURCE:
            yield Need(action, "*")
        else:
            yield Need(action, arn, tagged)


def _arn(kind: str, properties: Mapping[str, Any], account: SimulatedAccount, physical: str) -> str:
    def arn(service: str, rest: str) -> str:
        return f"arn:aws:{service}:{account.region}:{account.account_id}:{rest}"

    match kind:
        case "AWS::S3::Bucket":
            return f"arn:aws:s3:::{properties['BucketName']}"
        case "AWS::S3::BucketPolicy":
            return f"arn:aws:s3:::{properties['Bucket']}"
        case "AWS::SNS::Topic":
            return arn("sns", properties["TopicName"])
        case "AWS::SNS::TopicPolicy":
            return str(properties["Topics"][0])
        case "AWS::SNS::Subscription":
            return str(properties["TopicArn"])
        case "AWS::DynamoDB::Table":
            return arn("dynamodb", f"table/{properties['TableName']}")
        case "AWS::SQS::Queue":
            return arn("sqs", properties["QueueName"])
        case "AWS::SQS::QueuePolicy":
            return arn("sqs", str(properties["Queues"][0]).rpartition("/")[2])
        case "AWS::CloudWatch::Alarm":
            return arn("cloudwatch", f"alarm:{properties['AlarmName']}")
        case "AWS::CloudWatch::Dashboard":
            return f"arn:aws:cloudwatch::{account.account_id}:dashboard/{properties['DashboardName']}"
        case "AWS::Logs::LogGroup":
            return arn("logs", f"log-group:{properties['LogGroupName']}")
        case "AWS::IAM::Role":
            return f"arn:aws:iam::{account.account_id}:role{properties.get('Path', '/')}{properties['RoleName']}"
        case "AWS::KMS::Key":
            return arn("kms", f"key/{physical}")
    raise ValueError(f"The ARN of {kind} is unknown.")

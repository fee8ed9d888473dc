"""The resource types in Vedette's templates: found, created, changed and deleted by calls of their services."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from vedette.local.account import SimulatedAccount

Client = Callable[[str], Any]
Properties = dict[str, Any]


class ResourceExists(Exception):
    """A resource with this name exists outside the stack, and is not imported."""

    def __init__(self, name: str):
        super().__init__(f"{name} already exists")


@dataclass(frozen=True)
class Found:
    """A resource that exists: its physical id and its attributes."""

    id: str
    attributes: dict[str, str] = field(default_factory=dict)


Find = Callable[[Client, Properties, SimulatedAccount], Found | None]


def _no_name(client: Client, properties: Properties, account: SimulatedAccount) -> None:
    """Find nothing: a resource without a name is always new."""


@dataclass(frozen=True)
class Kind:
    """How to find, create or change, and delete one resource type; `properties` are the supported ones."""

    properties: frozenset[str]
    put: Callable[[Client, Properties, SimulatedAccount, str], Found]  # with the id to change; "" creates
    delete: Callable[[Client, str], None]
    find: Find = _no_name  # the resource of this name, whoever made it


def _asked(call: Callable[..., Any], *missing: str, **request: Any) -> Any:
    """The answer of a call; None if its error code says that the resource is missing."""
    try:
        return call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] not in missing:
            raise
        return None


def _tags(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _bucket(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    s3, name = client("s3"), properties["BucketName"]
    place = (
        {"CreateBucketConfiguration": {"LocationConstraint": account.region}} if account.region != "us-east-1" else {}
    )
    if not before:
        s3.create_bucket(Bucket=name, **place)
    rules = [
        {
            ("ApplyServerSideEncryptionByDefault" if key == "ServerSideEncryptionByDefault" else key): value
            for key, value in rule.items()
        }
        for rule in properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    ]
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=properties["PublicAccessBlockConfiguration"])
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=properties["OwnershipControls"])
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=properties["VersioningConfiguration"])
    events = properties["NotificationConfiguration"]["EventBridgeConfiguration"]["EventBridgeEnabled"]
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}} if events else {}
    )
    lifecycle = [_lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": lifecycle})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": properties["Tags"]})
    return Found(name, {"Arn": f"arn:aws:s3:::{name}"})


def _find_bucket(client: Client, properties: Properties, account: SimulatedAccount) -> Found | None:
    name = properties["BucketName"]
    found = _asked(client("s3").head_bucket, "404", "NoSuchBucket", Bucket=name)
    return Found(name, {"Arn": f"arn:aws:s3:::{name}"}) if found else None


def _lifecycle_rule(rule: Properties) -> Properties:
    created: Properties = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule["Prefix"]}}
    if "ExpirationInDays" in rule:
        created["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            created[name] = rule[name]
    return created


def _delete_bucket(client: Client, name: str) -> None:
    client("s3").delete_bucket(Bucket=name)


def _bucket_policy(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"]))
    return Found(properties["Bucket"])


def _find_bucket_policy(client: Client, properties: Properties, account: SimulatedAccount) -> Found | None:
    found = _asked(client("s3").get_bucket_policy, "NoSuchBucketPolicy", "NoSuchBucket", Bucket=properties["Bucket"])
    return Found(properties["Bucket"]) if found else None


def _topic(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    key = {"Attributes": {"KmsMasterKeyId": properties["KmsMasterKeyId"]}} if "KmsMasterKeyId" in properties else {}
    arn = client("sns").create_topic(Name=properties["TopicName"], Tags=properties["Tags"], **key)["TopicArn"]
    if key:
        client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=properties["KmsMasterKeyId"]
        )
    return Found(arn)


def _find_topic(client: Client, properties: Properties, account: SimulatedAccount) -> Found | None:
    arn = f"arn:aws:sns:{account.region}:{account.account_id}:{properties['TopicName']}"
    return Found(arn) if _asked(client("sns").get_topic_attributes, "NotFound", TopicArn=arn) else None


def _topic_policy(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    for arn in properties["Topics"]:
        policy = json.dumps(properties["PolicyDocument"])
        client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return Found(f"policy-{properties['Topics'][0]}")


def _subscription(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    return Found(client("sns").subscribe(**properties, ReturnSubscriptionArn=True)["SubscriptionArn"])


def _table(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    dynamodb, name = client("dynamodb"), properties["TableName"]
    encryption = dict(properties["SSESpecification"])
    sse = {"Enabled": encryption.pop("SSEEnabled"), **encryption}
    if not before:
        plain = {key: properties[key] for key in ("BillingMode", "KeySchema", "AttributeDefinitions", "Tags")}
        dynamodb.create_table(TableName=name, SSESpecification=sse, **plain)
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification=properties["PointInTimeRecoverySpecification"]
    )
    return Found(name, {"Arn": dynamodb.describe_table(TableName=name)["Table"]["TableArn"]})


def _find_table(client: Client, properties: Properties, account: SimulatedAccount) -> Found | None:
    name = properties["TableName"]
    found = _asked(client("dynamodb").describe_table, "ResourceNotFoundException", TableName=name)
    return Found(name, {"Arn": found["Table"]["TableArn"]}) if found else None


def _queue(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    sqs, name = client("sqs"), properties["QueueName"]
    names = ("MessageRetentionPeriod", "SqsManagedSseEnabled", "KmsMasterKeyId")
    attributes = {key: str(properties[key]).lower() for key in names[:2] if key in properties}
    attributes |= {key: properties[key] for key in names[2:] if key in properties}
    url = sqs.create_queue(QueueName=name, tags=_tags(properties["Tags"]))["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Found(url, {"Arn": arn, "QueueName": name})


def _find_queue(client: Client, properties: Properties, account: SimulatedAccount) -> Found | None:
    name = properties["QueueName"]
    missing = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
    found = _asked(client("sqs").get_queue_url, *missing, QueueName=name)
    return Found(found["QueueUrl"]) if found else None


def _queue_policy(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    for url in properties["Queues"]:
        client("sqs").set_queue_attributes(
            QueueUrl=url, Attributes={"Policy": json.dumps(properties["PolicyDocument"])}
        )
    return Found(f"policy-{properties['Queues'][0]}")


def _alarm(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    client("cloudwatch").put_metric_alarm(**properties)
    name = properties["AlarmName"]
    return Found(name, {"Arn": f"arn:aws:cloudwatch:{account.region}:{account.account_id}:alarm:{name}"})


def _find_alarm(client: Client, properties: Properties, account: SimulatedAccount) -> Found | None:
    found = client("cloudwatch").describe_alarms(AlarmNames=[properties["AlarmName"]])["MetricAlarms"]
    return Found(properties["AlarmName"], {"Arn": found[0]["AlarmArn"]}) if found else None


def _dashboard(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    client("cloudwatch").put_dashboard(**properties)
    return Found(properties["DashboardName"])


def _find_dashboard(client: Client, properties: Properties, account: SimulatedAccount) -> Found | None:
    name = properties["DashboardName"]
    missing = ("ResourceNotFound", "DashboardNotFoundError")
    return Found(name) if _asked(client("cloudwatch").get_dashboard, *missing, DashboardName=name) else None


def _log_group(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    logs, name = client("logs"), properties["LogGroupName"]
    key = {"kmsKeyId": properties["KmsKeyId"]} if "KmsKeyId" in properties else {}
    if not before:
        logs.create_log_group(logGroupName=name, **key)
    logs.put_retention_policy(logGroupName=name, retentionInDays=int(properties["RetentionInDays"]))
    return Found(name)


def _find_log_group(client: Client, properties: Properties, account: SimulatedAccount) -> Found | None:
    name = properties["LogGroupName"]
    groups = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return Found(name) if any(group["logGroupName"] == name for group in groups) else None


def _role(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    iam, name = client("iam"), properties["RoleName"]
    trust = json.dumps(properties["AssumeRolePolicyDocument"])
    plain = {
        key: properties[key] for key in ("Description", "Path", "PermissionsBoundary", "Tags") if key in properties
    }
    if not before:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **plain)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    for policy in properties["Policies"]:
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
    return Found(name, {"Arn": iam.get_role(RoleName=name)["Role"]["Arn"]})


def _find_role(client: Client, properties: Properties, account: SimulatedAccount) -> Found | None:
    found = _asked(client("iam").get_role, "NoSuchEntity", RoleName=properties["RoleName"])
    return Found(properties["RoleName"], {"Arn": found["Role"]["Arn"]}) if found else None


def _delete_role(client: Client, name: str) -> None:
    for policy in client("iam").list_role_policies(RoleName=name)["PolicyNames"]:
        client("iam").delete_role_policy(RoleName=name, PolicyName=policy)
    client("iam").delete_role(RoleName=name)


def _key(client: Client, properties: Properties, account: SimulatedAccount, before: str) -> Found:
    kms = client("kms")
    if before:
        kms.put_key_policy(KeyId=before, PolicyName="default", Policy=json.dumps(properties["KeyPolicy"]))
        return Found(before, {"Arn": kms.describe_key(KeyId=before)["KeyMetadata"]["Arn"]})
    created = kms.create_key(Description=properties["Description"], Policy=json.dumps(properties["KeyPolicy"]))[
        "KeyMetadata"
    ]
    kms.enable_key_rotation(KeyId=created["KeyId"])
    return Found(created["KeyId"], {"Arn": created["Arn"]})


def _nothing(client: Client, name: str) -> None:
    """Do nothing: the resource is deleted with its parent."""


KINDS: dict[str, Kind] = {
    "AWS::S3::Bucket": Kind(
        frozenset(
            {
                "BucketName",
                "BucketEncryption",
                "PublicAccessBlockConfiguration",
                "OwnershipControls",
                "VersioningConfiguration",
                "NotificationConfiguration",
                "LifecycleConfiguration",
                "Tags",
            }
        ),
        _bucket,
        _delete_bucket,
        _find_bucket,
    ),
    "AWS::S3::BucketPolicy": Kind(
        frozenset({"Bucket", "PolicyDocument"}), _bucket_policy, _nothing, _find_bucket_policy
    ),
    "AWS::SNS::Topic": Kind(
        frozenset({"TopicName", "KmsMasterKeyId", "Tags"}),
        _topic,
        lambda client, arn: client("sns").delete_topic(TopicArn=arn),
        _find_topic,
    ),
    "AWS::SNS::TopicPolicy": Kind(frozenset({"Topics", "PolicyDocument"}), _topic_policy, _nothing),
    "AWS::SNS::Subscription": Kind(
        frozenset({"TopicArn", "Protocol", "Endpoint"}),
        _subscription,
        lambda client, arn: client("sns").unsubscribe(SubscriptionArn=arn),
    ),
    "AWS::DynamoDB::Table": Kind(
        frozenset(
            {
                "TableName",
                "BillingMode",
                "KeySchema",
                "AttributeDefinitions",
                "TimeToLiveSpecification",
                "PointInTimeRecoverySpecification",
                "SSESpecification",
                "Tags",
            }
        ),
        _table,
        lambda client, name: client("dynamodb").delete_table(TableName=name),
        _find_table,
    ),
    "AWS::SQS::Queue": Kind(
        frozenset({"QueueName", "MessageRetentionPeriod", "SqsManagedSseEnabled", "KmsMasterKeyId", "Tags"}),
        _queue,
        lambda client, url: client("sqs").delete_queue(QueueUrl=url),
        _find_queue,
    ),
    "AWS::SQS::QueuePolicy": Kind(frozenset({"Queues", "PolicyDocument"}), _queue_policy, _nothing),
    "AWS::CloudWatch::Alarm": Kind(
        frozenset(
            {
                "AlarmName",
                "AlarmDescription",
                "Namespace",
                "MetricName",
                "Dimensions",
                "Statistic",
                "Period",
                "Metrics",
                "EvaluationPeriods",
                "Threshold",
                "ComparisonOperator",
                "TreatMissingData",
                "AlarmActions",
                "OKActions",
            }
        ),
        _alarm,
        lambda client, name: client("cloudwatch").delete_alarms(AlarmNames=[name]),
        _find_alarm,
    ),
    "AWS::CloudWatch::Dashboard": Kind(
        frozenset({"DashboardName", "DashboardBody"}),
        _dashboard,
        lambda client, name: client("cloudwatch").delete_dashboards(DashboardNames=[name]),
        _find_dashboard,
    ),
    "AWS::Logs::LogGroup": Kind(
        frozenset({"LogGroupName", "RetentionInDays", "KmsKeyId"}),
        _log_group,
        lambda client, name: client("logs").delete_log_group(logGroupName=name),
        _find_log_group,
    ),
    "AWS::IAM::Role": Kind(
        frozenset(
            {"RoleName", "Description", "Path", "PermissionsBoundary", "AssumeRolePolicyDocument", "Policies", "Tags"}
        ),
        _role,
        _delete_role,
        _find_role,
    ),
    "AWS::KMS::Key": Kind(frozenset({"Description", "EnableKeyRotation", "KeyPolicy"}), _key, _nothing),
}

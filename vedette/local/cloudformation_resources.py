"""The resource types in Vedette's templates: created, changed and deleted by calls of their services."""

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
    """A resource with this name exists outside the stack, and importing was not requested."""

    def __init__(self, name: str):
        super().__init__(f"{name} already exists")


@dataclass(frozen=True)
class Put:
    """A created resource: its physical id, its attributes, and whether it is new."""

    id: str
    attributes: dict[str, str] = field(default_factory=dict)
    new: bool = True


@dataclass(frozen=True)
class Kind:
    """How to create and delete one resource type; `properties` are the supported ones."""

    properties: frozenset[str]
    put: Callable[[Client, Properties, SimulatedAccount, bool], Put]
    delete: Callable[[Client, str], None]


def _new(call: Callable[..., Any], known: bool, name: str, *codes: str, **request: Any) -> bool:
    """Create a resource. False if it exists and `known`; raises ResourceExists if it exists and not `known`."""
    try:
        call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
        if not known:
            raise ResourceExists(name) from error
        return False
    return True


def _tags(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _bucket(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    s3, name = client("s3"), properties["BucketName"]
    place = (
        {"CreateBucketConfiguration": {"LocationConstraint": account.region}} if account.region != "us-east-1" else {}
    )
    new = _new(s3.create_bucket, known, name, "BucketAlreadyOwnedByYou", Bucket=name, **place)
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
    return Put(name, {"Arn": f"arn:aws:s3:::{name}"}, new)


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


def _bucket_policy(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"]))
    return Put(properties["Bucket"])


def _topic(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    key = {"Attributes": {"KmsMasterKeyId": properties["KmsMasterKeyId"]}} if "KmsMasterKeyId" in properties else {}
    arn = client("sns").create_topic(Name=properties["TopicName"], Tags=properties["Tags"], **key)["TopicArn"]
    if key:
        client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=properties["KmsMasterKeyId"]
        )
    return Put(arn)


def _topic_policy(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    for arn in properties["Topics"]:
        policy = json.dumps(properties["PolicyDocument"])
        client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return Put(f"policy-{properties['Topics'][0]}")


def _subscription(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    return Put(client("sns").subscribe(**properties, ReturnSubscriptionArn=True)["SubscriptionArn"])


def _table(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    dynamodb, name = client("dynamodb"), properties["TableName"]
    encryption = dict(properties["SSESpecification"])
    sse = {"Enabled": encryption.pop("SSEEnabled"), **encryption}
    new = _new(
        dynamodb.create_table,
        known,
        name,
        "ResourceInUseException",
        TableName=name,
        SSESpecification=sse,
        **{key: properties[key] for key in ("BillingMode", "KeySchema", "AttributeDefinitions", "Tags")},
    )
    if new:
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification=properties["PointInTimeRecoverySpecification"]
    )
    return Put(name, {"Arn": dynamodb.describe_table(TableName=name)["Table"]["TableArn"]}, new)


def _queue(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    sqs, name = client("sqs"), properties["QueueName"]
    names = ("MessageRetentionPeriod", "SqsManagedSseEnabled", "KmsMasterKeyId")
    attributes = {key: str(properties[key]).lower() for key in names[:2] if key in properties}
    attributes |= {key: properties[key] for key in names[2:] if key in properties}
    url = sqs.create_queue(QueueName=name, tags=_tags(properties["Tags"]))["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Put(url, {"Arn": arn, "QueueName": name})


def _queue_policy(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    for url in properties["Queues"]:
        client("sqs").set_queue_attributes(
            QueueUrl=url, Attributes={"Policy": json.dumps(properties["PolicyDocument"])}
        )
    return Put(f"policy-{properties['Queues'][0]}")


def _alarm(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    client("cloudwatch").put_metric_alarm(**properties)
    name = properties["AlarmName"]
    return Put(name, {"Arn": f"arn:aws:cloudwatch:{account.region}:{account.account_id}:alarm:{name}"})


def _dashboard(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    client("cloudwatch").put_dashboard(**properties)
    return Put(properties["DashboardName"])


def _log_group(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    logs, name = client("logs"), properties["LogGroupName"]
    key = {"kmsKeyId": properties["KmsKeyId"]} if "KmsKeyId" in properties else {}
    new = _new(logs.create_log_group, known, name, "ResourceAlreadyExistsException", logGroupName=name, **key)
    logs.put_retention_policy(logGroupName=name, retentionInDays=int(properties["RetentionInDays"]))
    return Put(name, new=new)


def _role(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    iam, name = client("iam"), properties["RoleName"]
    trust = json.dumps(properties["AssumeRolePolicyDocument"])
    plain = {
        key: properties[key] for key in ("Description", "Path", "PermissionsBoundary", "Tags") if key in properties
    }
    new = _new(
        iam.create_role, known, name, "EntityAlreadyExists", RoleName=name, AssumeRolePolicyDocument=trust, **plain
    )
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    for policy in properties["Policies"]:
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
    return Put(name, {"Arn": iam.get_role(RoleName=name)["Role"]["Arn"]}, new)


def _delete_role(client: Client, name: str) -> None:
    for policy in client("iam").list_role_policies(RoleName=name)["PolicyNames"]:
        client("iam").delete_role_policy(RoleName=name, PolicyName=policy)
    client("iam").delete_role(RoleName=name)


def _key(client: Client, properties: Properties, account: SimulatedAccount, known: bool) -> Put:
    kms = client("kms")
    created = kms.create_key(Description=properties["Description"], Policy=json.dumps(properties["KeyPolicy"]))[
        "KeyMetadata"
    ]
    kms.enable_key_rotation(KeyId=created["KeyId"])
    return Put(created["KeyId"], {"Arn": created["Arn"]})


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
    ),
    "AWS::S3::BucketPolicy": Kind(frozenset({"Bucket", "PolicyDocument"}), _bucket_policy, _nothing),
    "AWS::SNS::Topic": Kind(
        frozenset({"TopicName", "KmsMasterKeyId", "Tags"}),
        _topic,
        lambda client, arn: client("sns").delete_topic(TopicArn=arn),
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
    ),
    "AWS::SQS::Queue": Kind(
        frozenset({"QueueName", "MessageRetentionPeriod", "SqsManagedSseEnabled", "KmsMasterKeyId", "Tags"}),
        _queue,
        lambda client, url: client("sqs").delete_queue(QueueUrl=url),
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
    ),
    "AWS::CloudWatch::Dashboard": Kind(
        frozenset({"DashboardName", "DashboardBody"}),
        _dashboard,
        lambda client, name: client("cloudwatch").delete_dashboards(DashboardNames=[name]),
    ),
    "AWS::Logs::LogGroup": Kind(
        frozenset({"LogGroupName", "RetentionInDays", "KmsKeyId"}),
        _log_group,
        lambda client, name: client("logs").delete_log_group(logGroupName=name),
    ),
    "AWS::IAM::Role": Kind(
        frozenset(
            {"RoleName", "Description", "Path", "PermissionsBoundary", "AssumeRolePolicyDocument", "Policies", "Tags"}
        ),
        _role,
        _delete_role,
    ),
    "AWS::KMS::Key": Kind(frozenset({"Description", "EnableKeyRotation", "KeyPolicy"}), _key, _nothing),
}

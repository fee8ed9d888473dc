"""A stage as `vedette setup` creates it: bucket, table, topics, and one subscriber of each kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chalicelib import locations
from vedette.local.account import SimulatedAccount

Client = Callable[[str], Any]
OPERATOR = "operator@example.com"


def queue_name(stage: str) -> str:
    """The queue that receives every alert as JSON."""
    return f"vedette-{stage}-alerts"


def incidents_queue_name(stage: str) -> str:
    """The queue that receives the event of every incident."""
    return f"vedette-{stage}-incidents"


def install(stage: str, account: SimulatedAccount, client: Client) -> dict[str, str]:
    """Create the stage; returns its environment variables."""
    bucket, table = f"vedette-{stage}-{account.account_id}", locations.table(stage)
    _make_role(f"vedette-{stage}-model", account, client("iam"))
    _make_bucket(bucket, account.region, client("s3"))
    _make_table(table, client("dynamodb"))
    return {
        "VEDETTE_STAGE": stage,
        "VEDETTE_BUCKET": bucket,
        "VEDETTE_TABLE": table,
        "VEDETTE_TOPIC_ARN": _make_topic(stage, client("sns"), client("sqs")),
        "VEDETTE_INCIDENTS_TOPIC_ARN": _make_topic_of_queue(
            f"vedette-{stage}-incidents", incidents_queue_name(stage), client("sns"), client("sqs")
        ),
        "VEDETTE_ROLE_ARN": f"arn:aws:iam::{account.account_id}:role/vedette-{stage}-model",
    }


def _make_role(name: str, account: SimulatedAccount, iam: Any) -> None:
    """The role of models, which reads the alarms that roll an update back."""
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    alarms = f"arn:aws:cloudwatch:{account.region}:{account.account_id}:alarm:vedette-*-"
    read = {
        "Effect": "Allow",
        "Action": "cloudwatch:DescribeAlarms",
        "Resource": [alarms + "5xx", alarms + "latency"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [read]})
    iam.put_role_policy(RoleName=name, PolicyName="model", PolicyDocument=policy)


def _make_bucket(name: str, region: str, s3: Any) -> None:
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})


def _make_table(name: str, dynamodb: Any) -> None:
    keys = (("pk", "HASH"), ("sk", "RANGE"))
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    expiry = {"Enabled": True, "AttributeName": "expires_at"}
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)


def _make_topic(stage: str, sns: Any, sqs: Any) -> str:
    topic = _make_topic_of_queue(f"vedette-{stage}", queue_name(stage), sns, sqs)
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=OPERATOR)
    return topic


def _make_topic_of_queue(name: str, queue_name: str, sns: Any, sqs: Any) -> str:
    topic: str = sns.create_topic(Name=name)["TopicArn"]
    url = sqs.create_queue(QueueName=queue_name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    return topic

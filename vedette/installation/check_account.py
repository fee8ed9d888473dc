"""What doctor looks at around the functions: account, stack, buckets, topics, role, key, table, alarms, network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.clients import client
from vedette.installation import account, deploy
from vedette.installation.doctor import Examined, Finding, fault, judged, ok, warning
from vedette.installation.functions import NAMES, full_name
from vedette.installation.policies import listed
from vedette.installation.setup import stack_name
from vedette.operations import aws
from vedette.operations.aws import code

MOST_SKEW = timedelta(minutes=4)  # AWS refuses signatures that are more than five minutes off
INTERFACES = ("sagemaker.api", "sagemaker.runtime", "sns", "events", "lambda", "logs", "monitoring")
GATEWAYS = ("s3", "dynamodb")


def clock(examined: Examined) -> Iterator[Finding]:
    """The clock."""
    answer = client("sts").get_caller_identity()
    _, owner, region = account.identity()
    right = (owner, region) == (examined.settings.account, examined.settings.region)
    where = f"you are in account {owner}, {region}"
    remedy = f"the stage lies in {examined.settings.account}, {examined.settings.region}: give --profile or --region"
    yield judged("you look at the account of the stage", right, where, remedy)
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date:
        skew = abs(parsedate_to_datetime(date) - datetime.now(UTC))
        yield judged("your clock is right", skew < MOST_SKEW, f"it is off by {skew}", "set it: AWS refuses soon")


def stack(examined: Examined) -> Iterator[Finding]:
    """The stack."""
    name = stack_name(examined.stage)
    found = account.describe_stack(name)
    remedy = f"vedette setup --stage {examined.stage} --email ..."
    if found is None:
        yield fault(f"the stack {name} is there", "there is none", remedy)
        return
    status = found["StackStatus"]
    right = status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
    yield judged(f"the stack {name} is complete", right, status, "its events say why")


def buckets(examined: Examined) -> Iterator[Finding]:
    """Buckets."""
    for bucket in dict.fromkeys(bucket for bucket, _ in examined.settings.capture_places):
        try:
            right = account.announces(bucket)
        except ClientError as error:
            if code(error) != "NoSuchBucket":
                raise
            yield fault(f"bucket {bucket} is there", "there is none", "name the right one with --capture-source")
            continue
        yield judged(
            f"bucket {bucket} tells EventBridge of its objects",
            right,
            "no capture would be seen at once",
            "vedette doctor --fix",
            _announcer(bucket),
        )
    bucket = examined.settings.bucket
    block = _or_nothing(
        lambda: client("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
        "NoSuchPublicAccessBlockConfiguration",
    )
    private = bool(block) and all(block.values())
    yield judged(f"bucket {bucket} is private", private, "public access is not blocked", "block it")
    policy = _or_nothing(
        lambda: json.loads(client("s3").get_bucket_policy(Bucket=bucket)["Policy"]), "NoSuchBucketPolicy"
    )
    if not any(_tls_only(statement) for statement in (policy or {}).get("Statement", ())):
        yield warning(
            f"bucket {bucket} takes TLS alone", "its policy does not say so", "docs/security.md has the policy"
        )


def _announcer(bucket: str) -> Callable[[], None]:
    return lambda: account.let_announce(bucket)


def _tls_only(statement: Mapping[str, Any]) -> bool:
    condition = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return statement.get("Effect") == "Deny" and str(condition).lower() == "false"


def sources(examined: Examined) -> Iterator[Finding]:
    """Capture sources of the fleet."""
    places = [f"s3://{bucket}/{prefix}".rstrip("/") for bucket, prefix in examined.settings.capture_places]
    for entry in aws.get_fleet()[0].entries:
        uri = entry.capture_uri.rstrip("/")
        heard = not uri or any(f"{uri}/".startswith(f"{place}/") or uri == place for place in places)
        place = uri.removeprefix("s3://")
        yield judged(
            f"captures of {entry.endpoint} are heard",
            heard,
            f"they go to {uri}, which no rule matches",
            f"vedette setup --stage {examined.stage} --capture-source {place}/, then make deploy",
        )


def topics(examined: Examined) -> Iterator[Finding]:
    """Topics."""
    arns = [examined.settings.topic_arn, *(arn for _, arn in examined.settings.topics)]
    operations = account.outputs_of(account.describe_stack(stack_name(examined.stage))).get("OperationsTopicArn")
    for arn in filter(None, [*arns, operations]):
        name = arn.rpartition(":")[2]
        try:
            pages = client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
            found = [one for page in pages for one in page["Subscriptions"]]
        except ClientError as error:
            if code(error) not in {"NotFound", "NotFoundException"}:
                raise
            yield fault(f"topic {name} is there", "there is none", f"vedette setup --stage {examined.stage}")
            continue
        pending = [one["Endpoint"] for one in found if one["SubscriptionArn"] == "PendingConfirmation"]
        confirmed = len(found) - len(pending)
        yield judged(f"somebody hears topic {name}", confirmed > 0, "nobody", "subscribe, and confirm in the mail")
        if pending:
            yield warning(
                f"all of topic {name} have confirmed", f"not yet: {', '.join(pending)}", "confirm in the mail"
            )


def model_role(examined: Examined) -> Iterator[Finding]:
    """The role of models."""
    arn = examined.settings.role_arn
    if not arn:
        yield warning("models have a role", "none is named: nothing can be deployed", "vedette setup --role")
        return
    name = arn.rpartition("/")[2]
    found = _or_nothing(lambda: client("iam").get_role(RoleName=name)["Role"], "NoSuchEntity")
    if not found:
        yield fault(f"role {name} is there", "there is none", f"vedette setup --stage {examined.stage}")
        return
    trusted = any(
        "sagemaker.amazonaws.com" in listed(statement.get("Principal", {}).get("Service", ()))
        for statement in found["AssumeRolePolicyDocument"]["Statement"]
    )
    yield judged(f"SageMaker may take role {name}", trusted, "its trust names another", "trust sagemaker.amazonaws.com")
    for function in ("on_model_package_state_change", "on_endpoint_state_change", "sweep"):
        file = examined.project.folder(examined.stage) / f"policy-{function}.json"
        policy = json.loads(file.read_bytes()) if file.is_file() else {"Statement": []}
        passed = [s["Resource"] for s in policy["Statement"] if "iam:PassRole" in listed(s["Action"])]
        right = passed == [arn]
        yield judged(f"{function} may pass that role alone", right, f"it may pass {passed}", "vedette setup")


def key(examined: Examined) -> Iterator[Finding]:
    """The key."""
    arn = account.outputs_of(account.describe_stack(stack_name(examined.stage))).get("KeyArn")
    if not arn:
        return
    found = client("kms").describe_key(KeyId=arn)["KeyMetadata"]
    yield judged("the key is enabled", found["KeyState"] == "Enabled", found["KeyState"], "enable it in KMS")
    policy = json.loads(client("kms").get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    root = f"arn:{examined.settings.partition}:iam::{examined.settings.account}:root"
    by_policies = _lacks(policy, "AWS", root, ("kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"))
    what = "roles of the account may use the key by their policies"
    yield judged(what, not by_policies, f"{root} may not {', '.join(by_policies)}", "docs/security.md")
    services = (
        ("alarms", "cloudwatch.amazonaws.com", ("kms:Decrypt", "kms:GenerateDataKey")),
        (
            "logs",
            f"logs.{examined.settings.region}.amazonaws.com",
            ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
        ),
    )
    for what, service, actions in services:
        lacks = _lacks(policy, "Service", service, actions)
        found = f"its policy does not let {service} {', '.join(lacks)}"
        yield judged(f"{what} may use the key", not lacks, found, "docs/security.md")


def _lacks(policy: Mapping[str, Any], kind: str, principal: str, actions: Iterable[str]) -> list[str]:
    """The actions that a key's policy does not allow a principal; its conditions are for the reader."""

    def speaks(statement: Mapping[str, Any], action: str) -> bool:
        named = statement.get("Principal", {})
        who = ["*"] if named == "*" else listed(named.get(kind, ()))
        return bool({principal, "*"} & set(who)) and any(fnmatchcase(action, a) for a in listed(statement["Action"]))

    def effects(action: str) -> set[str]:
        return {one["Effect"] for one in policy["Statement"] if speaks(one, action)}

    return [action for action in actions if effects(action) != {"Allow"}]


def table(examined: Examined) -> Iterator[Finding]:
    """The table."""
    name = examined.settings.table
    found = _or_nothing(lambda: client("dynamodb").describe_table(TableName=name)["Table"], "ResourceNotFoundException")
    if not found:
        yield fault(f"table {name} is there", "there is none", f"vedette setup --stage {examined.stage}")
        return
    yield judged(f"table {name} is active", found["TableStatus"] == "ACTIVE", found["TableStatus"], "wait, or look")
    backups = client("dynamodb").describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    on = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"
    yield judged("it can be put back to any minute", on, "point-in-time recovery is off", "vedette setup")
    expiry = client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    yield judged("its claims expire", expiry.get("AttributeName") == "expires_at", "no time to live", "vedette setup")


def alarms(examined: Examined) -> Iterator[Finding]:
    """Alarms and the failure queue."""
    stage = examined.stage
    prefix = f"vedette-{stage}-"
    wanted = [prefix + name for name in ("errors", "throttles", "failures", "sweep-not-running")]
    found = {a["AlarmName"]: a for a in client("cloudwatch").describe_alarms(AlarmNames=wanted)["MetricAlarms"]}
    for name in wanted:
        if name not in found:
            yield fault(f"alarm {name} is there", "there is none", f"vedette setup --stage {stage}")
            continue
        heard = bool(found[name]["AlarmActions"]) and found[name].get("ActionsEnabled", True)
        yield judged(f"alarm {name} tells somebody", heard, "it has no action", f"vedette setup --stage {stage}")
        if found[name]["StateValue"] == "ALARM":
            yield warning(f"alarm {name} is quiet", found[name].get("StateReason", ""), "docs/operate.md")
    queue = deploy.queue_name_of(deploy.queue_arn(stage))
    sqs = client("sqs")
    url = _or_nothing(lambda: sqs.get_queue_url(QueueName=queue)["QueueUrl"], "AWS.SimpleQueueService.NonExistentQueue")
    if not url:
        yield fault(f"queue {queue} is there", "there is none", f"vedette setup --stage {stage}")
        return
    names = ["ApproximateNumberOfMessages"]
    waiting = int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]])
    yield (
        ok("no event was given up")
        if not waiting
        else warning(
            "no event was given up", f"{waiting} lie in {queue}", "docs/operate.md says how to send them again"
        )
    )


def logs(examined: Examined) -> Iterator[Finding]:
    """Log groups."""
    prefix = f"/aws/lambda/{full_name(examined.stage, '')}"
    pages = client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    found = {group["logGroupName"]: group for page in pages for group in page["logGroups"]}
    missing = [name for name in NAMES if f"/aws/lambda/{full_name(examined.stage, name)}" not in found]
    remedy = f"vedette setup --stage {examined.stage}"
    yield judged("every function has its log group", not missing, f"none for {', '.join(missing)}", remedy)
    kept = [name for name, group in found.items() if "retentionInDays" not in group]
    yield judged("logs expire", not kept, f"kept for ever: {', '.join(kept)}", remedy)


def network(examined: Examined) -> Iterator[Finding]:
    """Routes of the VPC."""
    subnets = examined.project.stage(examined.stage).get("subnet_ids", ())
    if not subnets:
        return
    ec2 = client("ec2")
    described = {one["SubnetId"]: one["VpcId"] for one in ec2.describe_subnets(SubnetIds=list(subnets))["Subnets"]}
    of_vpc = [{"Name": "vpc-id", "Values": [next(iter(described.values()))]}]
    tables = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
    endpoints = ec2.describe_vpc_endpoints(Filters=of_vpc)["VpcEndpoints"]
    prefix = f"com.amazonaws.{examined.settings.region}."
    for subnet in subnets:
        table_of = _route_table(tables, subnet)
        if any(_leads_out(route) for route in table_of.get("Routes", ())):
            yield ok(f"{subnet} reaches AWS", "by its default route")
            continue
        has = {e["ServiceName"].removeprefix(prefix) for e in endpoints if _serves(e, table_of.get("RouteTableId", ""))}
        missing = [service for service in (*INTERFACES, *GATEWAYS) if service not in has]
        yield judged(
            f"{subnet} reaches AWS",
            not missing,
            f"no route to a NAT gateway, and no VPC endpoint that serves it for {', '.join(missing)}",
            "add a route to a NAT gateway, or these endpoints: interfaces with private DNS, gateways with its route"
            " table (an internet gateway alone does not serve a Lambda)",
        )


def _route_table(tables: Iterable[Mapping[str, Any]], subnet: str) -> Mapping[str, Any]:
    """The route table of a subnet: its own, else the main one of the VPC."""
    own = [t for t in tables if any(a.get("SubnetId") == subnet for a in t["Associations"])]
    main = [t for t in tables if any(a.get("Main") for a in t["Associations"])]
    return next(iter([*own, *main]), {})


def _leads_out(route: Mapping[str, Any]) -> bool:
    """Whether a route leads out of the VPC for what has no public address; EC2 keeps that of a gateway that is gone."""
    if route.get("DestinationCidrBlock") != "0.0.0.0/0" or route.get("State") == "blackhole":
        return False
    return bool(route.get("NatGatewayId") or route.get("TransitGatewayId") or route.get("NetworkInterfaceId"))


def _serves(endpoint: Mapping[str, Any], route_table: str) -> bool:
    """Whether an endpoint is found under the names that boto3 asks for."""
    if endpoint.get("State", "").lower() != "available":
        return False
    if endpoint.get("VpcEndpointType") == "Gateway":
        return route_table in endpoint.get("RouteTableIds", ())
    return bool(endpoint.get("PrivateDnsEnabled"))


def _or_nothing(ask: Callable[[], Any], *absent: str) -> Any:
    """An answer; None when AWS says that there is none."""
    try:
        return ask()
    except ClientError as error:
        if code(error) in absent or code(error).endswith(("NonExistentQueue", "QueueDoesNotExist")):
            return None
        raise


CHECKS: tuple[Callable[[Examined], Iterator[Finding]], ...] = (
    clock,
    stack,
    buckets,
    sources,
    topics,
    model_role,
    key,
    table,
    alarms,
    logs,
    network,
)

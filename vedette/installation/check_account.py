"""Doctor's checks of everything except the functions: account, stack, buckets, topics, role, table, alarms, network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError

from chalicelib import locations
from chalicelib.alerts.wording import counted, duration
from chalicelib.aws.clients import client
from chalicelib.records import Mode
from chalicelib.registry.plan import unsupported_sentence
from vedette.installation import account, deploy
from vedette.installation.findings import Check, Finding, InspectedStage, expect, fault, ok, warning
from vedette.installation.functions import NAMES, full_name
from vedette.installation.policies import listed
from vedette.operations import alerts, aws, fleet, role_permissions
from vedette.operations.aws import code
from vedette.operations.installations import stack_name

MAX_CLOCK_SKEW = timedelta(minutes=4)  # AWS refuses signatures that are more than five minutes off
SWEEP_PERIOD = timedelta(minutes=15)
INTERFACES = ("sagemaker.api", "sagemaker.runtime", "sns", "events", "lambda", "logs", "monitoring")
GATEWAYS = ("s3", "dynamodb")


def clock(inspected: InspectedStage) -> Iterator[Finding]:
    """The clock."""
    answer = client("sts").get_caller_identity()
    _, owner, region = account.identity()
    right = (owner, region) == (inspected.settings.account, inspected.settings.region)
    where = f"they are for account {owner}, {region}"
    remedy = f"the stage is in {inspected.settings.account}, {inspected.settings.region}: use --profile or --region"
    yield expect("the credentials are for the account of the stage", right, where, remedy)
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date:
        skew = abs(parsedate_to_datetime(date) - datetime.now(UTC))
        yield expect("your clock is right", skew < MAX_CLOCK_SKEW, f"it is off by {skew}", "set it, or calls fail")


def stack(inspected: InspectedStage) -> Iterator[Finding]:
    """The stack."""
    name = stack_name(inspected.stage)
    found = account.describe_stack(name)
    remedy = f"vedette setup --stage {inspected.stage} --email ..."
    if found is None:
        yield fault(f"the stack {name} exists", "it does not exist", remedy)
        return
    status = found["StackStatus"]
    right = status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
    yield expect(f"the stack {name} is complete", right, status, "see the events of the stack")


def buckets(inspected: InspectedStage) -> Iterator[Finding]:
    """Buckets."""
    places = (*inspected.settings.capture_places, *inspected.settings.ground_truth_sources)
    for bucket in dict.fromkeys(bucket for bucket, _ in places):
        try:
            right = account.sends_to_eventbridge(bucket)
        except ClientError as error:
            if code(error) != "NoSuchBucket":
                raise
            remedy = "name the right bucket with --capture-source or --ground-truth-source"
            yield fault(f"bucket {bucket} exists", "it does not exist", remedy)
            continue
        yield expect(
            f"bucket {bucket} sends EventBridge notifications",
            right,
            "they are off, so its objects are only polled",
            "vedette doctor --fix",
            _enable_eventbridge(bucket),
        )
    bucket = inspected.settings.bucket
    block = _or_none(
        lambda: client("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
        "NoSuchPublicAccessBlockConfiguration",
    )
    private = bool(block) and all(block.values())
    yield expect(f"bucket {bucket} is private", private, "public access is not blocked", "block public access")
    policy = _or_none(lambda: json.loads(client("s3").get_bucket_policy(Bucket=bucket)["Policy"]), "NoSuchBucketPolicy")
    if not any(_tls_only(statement) for statement in (policy or {}).get("Statement", ())):
        yield warning(f"bucket {bucket} requires TLS", "its policy does not say so", "see docs/security.md")


def _enable_eventbridge(bucket: str) -> Callable[[], None]:
    return lambda: account.enable_eventbridge(bucket)


def _tls_only(statement: Mapping[str, Any]) -> bool:
    condition = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return statement.get("Effect") == "Deny" and str(condition).lower() == "false"


def sources(inspected: InspectedStage) -> Iterator[Finding]:
    """Capture sources of the fleet."""
    for entry in aws.get_fleet()[0].entries:
        uri = entry.source.rstrip("/")
        place = uri.removeprefix("s3://")
        root = locations.capture_roots(uri, entry.endpoint)[0]
        yield expect(
            f"the stage reads the captures of {entry.endpoint}",
            not uri or inspected.settings.names_place(locations.split_s3_uri(uri)[0], root),
            f"VEDETTE_CAPTURE_SOURCES does not name {uri}",
            f"vedette setup --stage {inspected.stage} --capture-source {place}/, then vedette install",
        )


def labels(inspected: InspectedStage) -> Iterator[Finding]:
    """Places of labels of the fleet."""
    for entry in aws.get_fleet()[0].entries:
        for uri in entry.quality.ground_truth if entry.quality else ():
            bucket, prefix = locations.split_s3_uri(uri)
            place = f"{bucket}/{prefix.rstrip('/')}/"
            yield expect(
                f"the stage reads the labels of {entry.endpoint}",
                inspected.settings.names_ground_truth(*place.split("/", 1)),
                f"VEDETTE_GROUND_TRUTH_SOURCES does not name {uri}",
                f"vedette setup --stage {inspected.stage} --ground-truth-source {place}, then vedette install",
            )


def kinds(inspected: InspectedStage) -> Iterator[Finding]:
    """Kinds of the endpoints that Vedette deploys to."""
    for entry in aws.get_fleet()[0].entries:
        if entry.mode != Mode.DEPLOY:
            continue
        kind = fleet.unsupported_kind_of(entry.endpoint)
        yield expect(
            f"Vedette can deploy to {entry.endpoint}",
            not kind,
            unsupported_sentence(kind),
            f"vedette manage {entry.package_group} --endpoint {entry.endpoint} --mode alert --stage {inspected.stage}",
        )


def notifications(inspected: InspectedStage) -> Iterator[Finding]:
    """Notifications."""
    waiting = alerts.undelivered()
    since = [one.outbox_message.enqueued_at for one in waiting]
    oldest = min((at for at in since if at is not None), default=None)
    age = f"the oldest for {duration(datetime.now(UTC) - oldest)}" if oldest else "for an unknown time"
    reasons = sorted({one.outbox_message.last_error for one in waiting} - {""})
    stuck = bool(reasons) or (oldest is not None and datetime.now(UTC) - oldest > SWEEP_PERIOD)
    yield expect(
        "no notification waits for its delivery",
        not stuck,
        "; ".join([f"{counted(len(waiting), 'notification')} not delivered, {age}", *reasons]),
        f"mend the topic; `vedette alerts list --stage {inspected.stage}` shows each; the sweep sends them then",
    )


def topics(inspected: InspectedStage) -> Iterator[Finding]:
    """Topics."""
    arns = [inspected.settings.topic_arn, *(arn for _, arn in inspected.settings.topics)]
    operations = account.outputs_of(account.describe_stack(stack_name(inspected.stage))).get("OperationsTopicArn")
    incidents = inspected.settings.incidents_topic_arn
    for arn in filter(None, [*arns, operations, incidents]):
        name = arn.rpartition(":")[2]
        try:
            pages = client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
            found = [one for page in pages for one in page["Subscriptions"]]
        except ClientError as error:
            if code(error) not in {"NotFound", "NotFoundException"}:
                raise
            yield fault(f"topic {name} exists", "it does not exist", f"vedette setup --stage {inspected.stage}")
            continue
        pending = [one["Endpoint"] for one in found if one["SubscriptionArn"] == "PendingConfirmation"]
        confirmed = len(found) - len(pending)
        if arn != incidents:  # machines may get the events from the bus alone
            yield expect(f"topic {name} has a confirmed subscription", confirmed > 0, "none", "subscribe and confirm")
        if pending:
            yield warning(
                f"all subscriptions of topic {name} are confirmed",
                f"unconfirmed: {', '.join(pending)}",
                "confirm in the e-mail",
            )


def model_role(inspected: InspectedStage) -> Iterator[Finding]:
    """The role of models."""
    arn = inspected.settings.role_arn
    if not arn:
        yield warning("models have a role", "there is none, so nothing can be deployed", "vedette setup --role")
        return
    name = arn.rpartition("/")[2]
    found = _or_none(lambda: client("iam").get_role(RoleName=name)["Role"], "NoSuchEntity")
    if not found:
        yield fault(f"role {name} exists", "it does not exist", f"vedette setup --stage {inspected.stage}")
        return
    trusted = any(
        "sagemaker.amazonaws.com" in listed(statement.get("Principal", {}).get("Service", ()))
        for statement in found["AssumeRolePolicyDocument"]["Statement"]
    )
    yield expect(
        f"SageMaker may assume role {name}",
        trusted,
        "its trust policy does not allow it",
        "trust sagemaker.amazonaws.com",
    )
    wanted = role_permissions.rollback_alarms("ENDPOINT")
    lacking = bool(role_permissions.missing(arn, [wanted]))
    what, statement = f"role {name} may {wanted.why}", wanted.statement.replace("ENDPOINT", "*")
    yield warning(what, "it may not", f"add to its policy: {statement}") if lacking else ok(what)
    for function in ("on_model_package_state_change", "on_endpoint_state_change", "sweep"):
        file = inspected.project.folder(inspected.stage) / f"policy-{function}.json"
        policy = json.loads(file.read_bytes()) if file.is_file() else {"Statement": []}
        passed = [s["Resource"] for s in policy["Statement"] if "iam:PassRole" in listed(s["Action"])]
        right = passed == [arn]
        yield expect(f"{function} may pass only that role", right, f"it may pass {passed}", "vedette setup")


def key(inspected: InspectedStage) -> Iterator[Finding]:
    """The key."""
    arn = account.outputs_of(account.describe_stack(stack_name(inspected.stage))).get("KeyArn")
    if not arn:
        return
    found = client("kms").describe_key(KeyId=arn)["KeyMetadata"]
    yield expect("the key is enabled", found["KeyState"] == "Enabled", found["KeyState"], "enable it in KMS")
    policy = json.loads(client("kms").get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    root = f"arn:{inspected.settings.partition}:iam::{inspected.settings.account}:root"
    by_policies = _lacks(policy, "AWS", root, ("kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"))
    what = "policies of the account's roles may allow the key"
    yield expect(what, not by_policies, f"{root} may not {', '.join(by_policies)}", "docs/security.md")
    services = (
        ("alarms", "cloudwatch.amazonaws.com", ("kms:Decrypt", "kms:GenerateDataKey")),
        (
            "logs",
            f"logs.{inspected.settings.region}.amazonaws.com",
            ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
        ),
    )
    for what, service, actions in services:
        lacks = _lacks(policy, "Service", service, actions)
        found = f"its policy does not allow {service} {', '.join(lacks)}"
        yield expect(f"{what} may use the key", not lacks, found, "docs/security.md")


def _lacks(policy: Mapping[str, Any], kind: str, principal: str, actions: Iterable[str]) -> list[str]:
    """The actions that a key policy does not allow a principal. Conditions are ignored."""

    def applies(statement: Mapping[str, Any], action: str) -> bool:
        named = statement.get("Principal", {})
        principals = ["*"] if named == "*" else listed(named.get(kind, ()))
        return bool({principal, "*"} & set(principals)) and any(
            fnmatchcase(action, a) for a in listed(statement["Action"])
        )

    def effects(action: str) -> set[str]:
        return {one["Effect"] for one in policy["Statement"] if applies(one, action)}

    return [action for action in actions if effects(action) != {"Allow"}]


def table(inspected: InspectedStage) -> Iterator[Finding]:
    """The table."""
    name = inspected.settings.table
    found = _or_none(lambda: client("dynamodb").describe_table(TableName=name)["Table"], "ResourceNotFoundException")
    if not found:
        yield fault(f"table {name} exists", "it does not exist", f"vedette setup --stage {inspected.stage}")
        return
    yield expect(f"table {name} is active", found["TableStatus"] == "ACTIVE", found["TableStatus"], "check the table")
    backups = client("dynamodb").describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    on = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"
    yield expect("the table has point-in-time recovery", on, "it is off", "vedette setup")
    expiry = client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    yield expect("claims expire", expiry.get("AttributeName") == "expires_at", "no time to live", "vedette setup")


def alarms(inspected: InspectedStage) -> Iterator[Finding]:
    """Alarms and the failure queue."""
    stage = inspected.stage
    prefix = f"vedette-{stage}-"
    wanted = [prefix + name for name in ("errors", "throttles", "failures", "sweep-not-running")]
    found = {a["AlarmName"]: a for a in client("cloudwatch").describe_alarms(AlarmNames=wanted)["MetricAlarms"]}
    for name in wanted:
        if name not in found:
            yield fault(f"alarm {name} exists", "it does not exist", f"vedette setup --stage {stage}")
            continue
        notifies = bool(found[name]["AlarmActions"]) and found[name].get("ActionsEnabled", True)
        yield expect(f"alarm {name} notifies", notifies, "it has no action", f"vedette setup --stage {stage}")
        if found[name]["StateValue"] == "ALARM":
            yield warning(f"alarm {name} is not in ALARM", found[name].get("StateReason", ""), "docs/operate.md")
    queue = deploy.queue_name_of(deploy.queue_arn(stage))
    sqs = client("sqs")
    url = _or_none(lambda: sqs.get_queue_url(QueueName=queue)["QueueUrl"], "AWS.SimpleQueueService.NonExistentQueue")
    if not url:
        yield fault(f"queue {queue} exists", "it does not exist", f"vedette setup --stage {stage}")
        return
    names = ["ApproximateNumberOfMessages"]
    waiting = int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]])
    yield (
        ok("no event failed all attempts")
        if not waiting
        else warning("no event failed all attempts", f"{waiting} in {queue}", "see docs/operate.md to send them again")
    )


def logs(inspected: InspectedStage) -> Iterator[Finding]:
    """Log groups."""
    prefix = f"/aws/lambda/{full_name(inspected.stage, '')}"
    pages = client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    found = {group["logGroupName"]: group for page in pages for group in page["logGroups"]}
    missing = [name for name in NAMES if f"/aws/lambda/{full_name(inspected.stage, name)}" not in found]
    remedy = f"vedette setup --stage {inspected.stage}"
    yield expect("every function has a log group", not missing, f"missing for {', '.join(missing)}", remedy)
    unlimited = [name for name, group in found.items() if "retentionInDays" not in group]
    yield expect("logs expire", not unlimited, f"no retention: {', '.join(unlimited)}", remedy)


def network(inspected: InspectedStage) -> Iterator[Finding]:
    """Routes of the VPC."""
    subnets = inspected.project.stage(inspected.stage).get("subnet_ids", ())
    if not subnets:
        return
    ec2 = client("ec2")
    described = {one["SubnetId"]: one["VpcId"] for one in ec2.describe_subnets(SubnetIds=list(subnets))["Subnets"]}
    of_vpc = [{"Name": "vpc-id", "Values": [next(iter(described.values()))]}]
    tables = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
    endpoints = ec2.describe_vpc_endpoints(Filters=of_vpc)["VpcEndpoints"]
    prefix = f"com.amazonaws.{inspected.settings.region}."
    for subnet in subnets:
        table_of = _route_table(tables, subnet)
        if any(_leaves_vpc(route) for route in table_of.get("Routes", ())):
            yield ok(f"{subnet} reaches AWS", "through its default route")
            continue
        services_served = {
            e["ServiceName"].removeprefix(prefix) for e in endpoints if _serves(e, table_of.get("RouteTableId", ""))
        }
        missing = [service for service in (*INTERFACES, *GATEWAYS) if service not in services_served]
        yield expect(
            f"{subnet} reaches AWS",
            not missing,
            f"no route to a NAT gateway, and no usable VPC endpoint for {', '.join(missing)}",
            "add a route to a NAT gateway, or these endpoints: interfaces with private DNS, gateways with the route"
            " table of the subnet (an internet gateway does not work for a Lambda function)",
        )


def _route_table(tables: Iterable[Mapping[str, Any]], subnet: str) -> Mapping[str, Any]:
    """The route table of a subnet; by default the main one of the VPC."""
    own = [t for t in tables if any(a.get("SubnetId") == subnet for a in t["Associations"])]
    main = [t for t in tables if any(a.get("Main") for a in t["Associations"])]
    return next(iter([*own, *main]), {})


def _leaves_vpc(route: Mapping[str, Any]) -> bool:
    """Whether a route leaves the VPC without a public address. EC2 keeps routes of deleted gateways as blackhole."""
    if route.get("DestinationCidrBlock") != "0.0.0.0/0" or route.get("State") == "blackhole":
        return False
    return bool(route.get("NatGatewayId") or route.get("TransitGatewayId") or route.get("NetworkInterfaceId"))


def _serves(endpoint: Mapping[str, Any], route_table: str) -> bool:
    """Whether an endpoint serves the host names that boto3 uses."""
    if endpoint.get("State", "").lower() != "available":
        return False
    if endpoint.get("VpcEndpointType") == "Gateway":
        return route_table in endpoint.get("RouteTableIds", ())
    return bool(endpoint.get("PrivateDnsEnabled"))


def _or_none(ask: Callable[[], Any], *absent: str) -> Any:
    """The result of a call; None if AWS returns one of the error codes `absent`."""
    try:
        return ask()
    except ClientError as error:
        if code(error) in absent or code(error).endswith(("NonExistentQueue", "QueueDoesNotExist")):
            return None
        raise


CHECKS: tuple[Check, ...] = (
    clock,
    stack,
    buckets,
    sources,
    labels,
    kinds,
    topics,
    notifications,
    model_role,
    key,
    table,
    alarms,
    logs,
    network,
)

"""AWS calls of an installation: stacks, bucket notifications, and function settings."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.clients import client
from chalicelib.errors import VedetteError
from vedette.operations.aws import code, message

POLL_SECONDS = 3.0
MAX_WAIT_SECONDS = 20 * 60
NOTHING_CHANGES = ("didn't contain changes", "No updates are to be performed")
Change = Mapping[str, Any]


def identity() -> tuple[str, str, str]:
    """Partition, account and region of the caller."""
    sts = client("sts")
    arn = str(sts.get_caller_identity()["Arn"])
    return arn.split(":")[1], arn.split(":")[4], str(sts.meta.region_name)


# --- stacks -----------------------------------------------------------------------------------------------------------


def describe_stack(name: str) -> dict[str, Any] | None:
    """The stack; None if there is none, or if it is only in review."""
    try:
        (found,) = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if code(error) == "ValidationError" and "does not exist" in message(error):
            return None
        raise
    return None if found["StackStatus"] == "REVIEW_IN_PROGRESS" else dict(found)


def parameters_of(stack: Mapping[str, Any] | None) -> dict[str, str]:
    """The parameters of a stack."""
    return {one["ParameterKey"]: one["ParameterValue"] for one in (stack or {}).get("Parameters", ())}


def outputs_of(stack: Mapping[str, Any] | None) -> dict[str, str]:
    """The outputs of a stack."""
    return {one["OutputKey"]: one["OutputValue"] for one in (stack or {}).get("Outputs", ())}


class ChangeSet:
    """A change set: the difference between a stack and a template, to be executed or discarded."""

    def __init__(self, stack: str, template: Mapping[str, Any], parameters: Mapping[str, str], tags: Mapping[str, str]):
        self.stack = stack
        existing = describe_stack(stack)
        if existing is not None and existing["StackStatus"].endswith("_IN_PROGRESS"):
            raise VedetteError(f"The stack {stack} is being updated ({existing['StackStatus']}); try again later.")
        if existing is not None and existing["StackStatus"] in {
            "ROLLBACK_COMPLETE",
            "ROLLBACK_FAILED",
            "CREATE_FAILED",
        }:
            raise VedetteError(
                f"The creation of the stack {stack} failed ({existing['StackStatus']}). Delete it with"
                f" `aws cloudformation delete-stack --stack-name {stack}`, then try again."
            )
        self._kind = "CREATE" if existing is None else "UPDATE"
        self._name = f"vedette-{uuid.uuid4().hex[:12]}"
        client("cloudformation").create_change_set(
            StackName=stack,
            ChangeSetName=self._name,
            ChangeSetType=self._kind,
            TemplateBody=json.dumps(template, separators=(",", ":")),
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(parameters.items())],
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Tags=[{"Key": k, "Value": v} for k, v in sorted(tags.items())],
            # Import the bucket and the table that an earlier uninstall kept.
            ImportExistingResources=True,
            OnStackFailure="DELETE" if existing is None else "ROLLBACK",
        )
        described = _wait_until_done(self._describe, "Status", ("CREATE_PENDING", "CREATE_IN_PROGRESS"))
        self.changes: list[Change] = []
        reason = str(described.get("StatusReason", ""))
        if described["Status"] == "CREATE_COMPLETE":
            self.changes = [one["ResourceChange"] for one in described["Changes"]]
        elif not any(words in reason for words in NOTHING_CHANGES):
            self.discard()
            raise VedetteError(f"CloudFormation rejected the stack {stack}: {reason}")

    def _describe(self) -> dict[str, Any]:
        pages = client("cloudformation").get_paginator("describe_change_set")
        found = pages.paginate(StackName=self.stack, ChangeSetName=self._name).build_full_result()
        first = client("cloudformation").describe_change_set(StackName=self.stack, ChangeSetName=self._name)
        return {**first, **found}

    def discard(self) -> None:
        """Discard the change set, and a new stack that is only in review."""
        client("cloudformation").delete_change_set(StackName=self.stack, ChangeSetName=self._name)
        if self._kind == "CREATE":
            client("cloudformation").delete_stack(StackName=self.stack)

    def execute(self) -> dict[str, str]:
        """Execute the change set, wait for it to end, and return the outputs of the stack.

        Raises
        ------
        VedetteError
            With CloudFormation's reason, if it rolled the change back.
        """
        if not self.changes:
            self.discard()
            return outputs_of(describe_stack(self.stack))
        arguments = {"RetainExceptOnCreate": True} if self._kind == "CREATE" else {}
        stack_id = client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]["StackId"]
        # The token makes botocore's own retry, after a reply that was lost, no second execution.
        client("cloudformation").execute_change_set(
            StackName=self.stack, ChangeSetName=self._name, ClientRequestToken=self._name, **arguments
        )
        ended = _wait_until_done(lambda: _stack(stack_id), "StackStatus", ("_IN_PROGRESS",))
        if ended["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}:
            raise VedetteError(f"The stack {self.stack} ended as {ended['StackStatus']}: {_first_failure(stack_id)}")
        return outputs_of(ended)


def delete_stack(name: str) -> bool:
    """Delete a stack and wait until it is gone; False if there is none."""
    existing = describe_stack(name)
    if existing is None:
        return False
    client("cloudformation").delete_stack(StackName=name)
    ended = _wait_until_done(lambda: _stack(existing["StackId"]), "StackStatus", ("_IN_PROGRESS",))
    if ended["StackStatus"] != "DELETE_COMPLETE":
        raise VedetteError(f"The stack {name} ended as {ended['StackStatus']}: {_first_failure(existing['StackId'])}")
    return True


def stack_resources(name: str) -> list[dict[str, str]]:
    """The resources of a stack: type, physical name and logical name."""
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
    return [
        {"kind": one["ResourceType"], "name": one.get("PhysicalResourceId", ""), "logical": one["LogicalResourceId"]}
        for page in pages
        for one in page["StackResourceSummaries"]
    ]


def _stack(stack_id: str) -> dict[str, Any]:
    try:
        (found,) = client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"]
    except ClientError as error:
        if code(error) == "ValidationError" and "does not exist" in message(error):
            return {"StackStatus": "DELETE_COMPLETE"}
        raise
    return dict(found)


def _wait_until_done(ask: Callable[[], dict[str, Any]], field: str, unfinished: tuple[str, ...]) -> dict[str, Any]:
    for _ in range(int(MAX_WAIT_SECONDS / POLL_SECONDS)):
        found = ask()
        if not found[field].endswith(unfinished):
            return found
        time.sleep(POLL_SECONDS)
    raise VedetteError(f"CloudFormation is busy for {MAX_WAIT_SECONDS // 60} minutes; check the stack in the console.")


def _first_failure(stack_id: str) -> str:
    try:
        events = client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
    except ClientError as error:
        return message(error)
    reasons = [
        f"{one.get('LogicalResourceId', '')} {one['ResourceStatusReason']}".strip()
        for one in events
        if one["ResourceStatus"].endswith("FAILED") and "cancelled" not in one.get("ResourceStatusReason", "cancelled")
    ]
    return reasons[-1] if reasons else "CloudFormation gives no reason; check the events of the stack."


# --- buckets ----------------------------------------------------------------------------------------------------------


def sends_to_eventbridge(bucket: str) -> bool:
    """Whether a bucket sends notifications to EventBridge."""
    return "EventBridgeConfiguration" in client("s3").get_bucket_notification_configuration(Bucket=bucket)


def enable_eventbridge(bucket: str) -> None:
    """Enable EventBridge notifications for a bucket, and keep its other notifications."""
    found = client("s3").get_bucket_notification_configuration(Bucket=bucket)
    found.pop("ResponseMetadata", None)
    client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={**found, "EventBridgeConfiguration": {}}
    )


def bucket_key(bucket: str) -> str:
    """The ARN of the KMS key that a bucket encrypts with; "" if it uses none, or does not exist."""
    try:
        found = client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    except ClientError as error:
        if code(error) in {"NoSuchBucket", "ServerSideEncryptionConfigurationNotFoundError"}:
            return ""
        raise
    return "".join(str(rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID", "")) for rule in found)


# --- functions --------------------------------------------------------------------------------------------------------


def describe_function(name: str) -> dict[str, Any] | None:
    """GetFunction; None if the function does not exist."""
    try:
        found: dict[str, Any] = client("lambda").get_function(FunctionName=name)
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return None
        raise
    return found


def event_invoke_config(name: str) -> dict[str, Any]:
    """Retries and failure destination of a function; empty if not set."""
    try:
        found: dict[str, Any] = client("lambda").get_function_event_invoke_config(FunctionName=name)
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return {}
        raise
    return found


def reserved_concurrency(name: str) -> int | None:
    """The reserved concurrency of a function; None if not set, or if the function does not exist."""
    try:
        found: int | None = (
            client("lambda").get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
        )
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return None
        raise
    return found


def concurrency() -> tuple[int, int]:
    """The account's limit of concurrent executions in this region, and the part that no function has reserved."""
    limit = client("lambda").get_account_settings()["AccountLimit"]
    return int(limit["ConcurrentExecutions"]), int(limit["UnreservedConcurrentExecutions"])


def describe_rule(name: str) -> dict[str, Any] | None:
    """The rule; None if there is none."""
    try:
        found: dict[str, Any] = client("events").describe_rule(Name=name)
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return None
        raise
    return found


def expression_of(rule: Mapping[str, Any] | None) -> Any:
    """The pattern or schedule of a rule; None without a rule."""
    if rule is None:
        return None
    return json.loads(rule["EventPattern"]) if rule.get("EventPattern") else rule.get("ScheduleExpression")


def policies_of_role(role: str) -> list[dict[str, Any]]:
    """The inline policies of a role; also the managed ones, each as {"attached": its ARN}."""
    iam = client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return [*found, *({"attached": one["PolicyArn"]} for one in attached)]

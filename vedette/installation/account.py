"""The calls to AWS that make, change and remove an installation: stacks, notifications, and what Chalice cannot set."""

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
    """Partition, account and region of whoever is at work."""
    sts = client("sts")
    arn = str(sts.get_caller_identity()["Arn"])
    return arn.split(":")[1], arn.split(":")[4], str(sts.meta.region_name)


# --- stacks -----------------------------------------------------------------------------------------------------------


def describe_stack(name: str) -> dict[str, Any] | None:
    """A stack; None when there is none, or only a place in review."""
    try:
        (found,) = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if code(error) == "ValidationError" and "does not exist" in message(error):
            return None
        raise
    return None if found["StackStatus"] == "REVIEW_IN_PROGRESS" else dict(found)


def parameters_of(stack: Mapping[str, Any] | None) -> dict[str, str]:
    """The parameters that a stack was made with."""
    return {one["ParameterKey"]: one["ParameterValue"] for one in (stack or {}).get("Parameters", ())}


def outputs_of(stack: Mapping[str, Any] | None) -> dict[str, str]:
    """What a stack says that it made."""
    return {one["OutputKey"]: one["OutputValue"] for one in (stack or {}).get("Outputs", ())}


class ChangeSet:
    """The difference between a stack and a template, to be looked at and then made or dropped."""

    def __init__(self, stack: str, template: Mapping[str, Any], parameters: Mapping[str, str], tags: Mapping[str, str]):
        self.stack = stack
        there = describe_stack(stack)
        if there is not None and there["StackStatus"].endswith("_IN_PROGRESS"):
            raise VedetteError(f"The stack {stack} is being changed now ({there['StackStatus']}); try again then.")
        if there is not None and there["StackStatus"] in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}:
            raise VedetteError(
                f"The stack {stack} could not be made ({there['StackStatus']}):"
                f" `aws cloudformation delete-stack --stack-name {stack}` removes what is left of it; then try again."
            )
        self._kind = "CREATE" if there is None else "UPDATE"
        self._name = f"vedette-{uuid.uuid4().hex[:12]}"
        client("cloudformation").create_change_set(
            StackName=stack,
            ChangeSetName=self._name,
            ChangeSetType=self._kind,
            TemplateBody=json.dumps(template, separators=(",", ":")),
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(parameters.items())],
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Tags=[{"Key": k, "Value": v} for k, v in sorted(tags.items())],
            # What an earlier installation left behind on purpose (bucket, table) is taken in again.
            ImportExistingResources=True,
            OnStackFailure="DELETE" if there is None else "ROLLBACK",
        )
        described = _settled(self._describe, "Status", ("CREATE_PENDING", "CREATE_IN_PROGRESS"))
        self.changes: list[Change] = []
        reason = str(described.get("StatusReason", ""))
        if described["Status"] == "CREATE_COMPLETE":
            self.changes = [one["ResourceChange"] for one in described["Changes"]]
        elif not any(words in reason for words in NOTHING_CHANGES):
            self.drop()
            raise VedetteError(f"CloudFormation refuses the stack {stack}: {reason}")

    def _describe(self) -> dict[str, Any]:
        pages = client("cloudformation").get_paginator("describe_change_set")
        found = pages.paginate(StackName=self.stack, ChangeSetName=self._name).build_full_result()
        first = client("cloudformation").describe_change_set(StackName=self.stack, ChangeSetName=self._name)
        return {**first, **found}

    def drop(self) -> None:
        """Change nothing; the place in review of a new stack goes too."""
        client("cloudformation").delete_change_set(StackName=self.stack, ChangeSetName=self._name)
        if self._kind == "CREATE":
            client("cloudformation").delete_stack(StackName=self.stack)

    def make(self) -> dict[str, str]:
        """Make the change and wait for its end; what the stack then says that it made.

        Raises
        ------
        VedetteError
            With CloudFormation's own reason, when it took everything back.
        """
        if not self.changes:
            self.drop()
            return outputs_of(describe_stack(self.stack))
        arguments = {"RetainExceptOnCreate": True} if self._kind == "CREATE" else {}
        stack_id = client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]["StackId"]
        client("cloudformation").execute_change_set(StackName=self.stack, ChangeSetName=self._name, **arguments)
        ended = _settled(lambda: _stack(stack_id), "StackStatus", ("_IN_PROGRESS",))
        if ended["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise VedetteError(f"The stack {self.stack} ended {ended['StackStatus']}: {_first_failure(stack_id)}")
        return outputs_of(ended)


def delete_stack(name: str) -> bool:
    """Delete a stack and wait for its end; False when there is none."""
    there = describe_stack(name)
    if there is None:
        return False
    client("cloudformation").delete_stack(StackName=name)
    ended = _settled(lambda: _stack(there["StackId"]), "StackStatus", ("_IN_PROGRESS",))
    if ended["StackStatus"] != "DELETE_COMPLETE":
        raise VedetteError(f"The stack {name} ended {ended['StackStatus']}: {_first_failure(there['StackId'])}")
    return True


def stack_resources(name: str) -> list[dict[str, str]]:
    """The resources of a stack: kind and name."""
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


def _settled(ask: Callable[[], dict[str, Any]], field: str, unfinished: tuple[str, ...]) -> dict[str, Any]:
    for _ in range(int(MAX_WAIT_SECONDS / POLL_SECONDS)):
        found = ask()
        if not found[field].endswith(unfinished):
            return found
        time.sleep(POLL_SECONDS)
    raise VedetteError(
        f"CloudFormation has not ended after {MAX_WAIT_SECONDS // 60} minutes; look at it in the console."
    )


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
    return reasons[-1] if reasons else "CloudFormation says no reason; look at the events of the stack."


# --- buckets ----------------------------------------------------------------------------------------------------------


def sends_to_eventbridge(bucket: str) -> bool:
    """Whether a bucket tells EventBridge of its objects."""
    return "EventBridgeConfiguration" in client("s3").get_bucket_notification_configuration(Bucket=bucket)


def enable_eventbridge(bucket: str) -> None:
    """Let a bucket tell EventBridge of its objects; its other notifications stay as they are."""
    there = client("s3").get_bucket_notification_configuration(Bucket=bucket)
    there.pop("ResponseMetadata", None)
    client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={**there, "EventBridgeConfiguration": {}}
    )


# --- functions --------------------------------------------------------------------------------------------------------


def describe_function(name: str) -> dict[str, Any] | None:
    """GetFunction; None when there is none."""
    try:
        found: dict[str, Any] = client("lambda").get_function(FunctionName=name)
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return None
        raise
    return found


def event_invoke_config(name: str) -> dict[str, Any]:
    """Retries and failure destination of a function; empty when nobody set them."""
    try:
        found: dict[str, Any] = client("lambda").get_function_event_invoke_config(FunctionName=name)
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return {}
        raise
    return found


def reserved_concurrency(name: str) -> int | None:
    """How many copies of a function may run at once; None when nobody set it."""
    found: int | None = client("lambda").get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    return found

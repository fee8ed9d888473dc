"""IAM checks for every call of a function: denied calls get the error of AWS, and are recorded.

The policy is the one in `.chalice/`, narrowed to the stage as `vedette setup` does; for deployed functions, it is the
policy of their role. Functions without a policy, such as those of tests, may call everything.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from botocore.parsers import RpcV2CBORParser
from moto.iam.models import iam_backends

from chalicelib.settings import Settings, settings
from vedette import project_files
from vedette.installation.policies import Policy, StageScope, listed, narrowed
from vedette.local.account import SimulatedAccount
from vedette.local.errors import AwsError
from vedette.local.http_messages import Request, Response
from vedette.local.iam import Need, decide
from vedette.local.operations import Operation

PolicyOf = Callable[[str], Policy | None]
TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
CODES = {"s3": ("AccessDenied", 403), "sns": ("AuthorizationError", 403), "cloudwatch": ("AccessDenied", 403)}

CHALICE = project_files.root() / ".chalice"

# Of all clouds in this process: the needed permissions with the statements that grant them, and the denied ones.
needed: dict[tuple[str, Need], tuple[str, ...]] = {}
refused: dict[tuple[str, Need], None] = {}


def project_policy(function: str) -> Policy | None:
    """The hand-written policy of a function, narrowed to the current stage of this process."""
    text = _text_of_policy(function)
    return None if text is None else _narrowed(text, function, settings())


@cache
def _text_of_policy(function: str) -> bytes | None:
    file = CHALICE / f"policy-{function}.json"
    return file.read_bytes() if file.is_file() else None


@cache
def _narrowed(text: bytes, function: str, stage: Settings) -> Policy:
    return narrowed(json.loads(text), function, StageScope.of(stage))


def role_policies(roles: Mapping[str, str], account: SimulatedAccount) -> PolicyOf:
    """A lookup of the policies of the functions' deployed roles, by function."""

    def policy_of(function: str) -> Policy | None:
        if function not in roles:
            return None
        return role_policy(roles[function], account)

    return policy_of


def role_policy(arn: str, account: SimulatedAccount) -> Policy | None:
    """All identity policies of a role as one, inline and attached; None if there is no such role."""
    backend = iam_backends[account.account_id]["aws"]
    role = next((one for one in backend.get_roles() if one.arn == arn), None)
    if role is None:
        return None
    attached = [
        version.document
        for policy in role.managed_policies.values()
        for version in policy.versions
        if version.version_id == policy.default_version_id
    ]
    found = [json.loads(text) for text in [*role.policies.values(), *attached]]
    return {"Statement": [statement for policy in found for statement in listed(policy["Statement"])]}


class Permissions:
    """Denies calls that a function's policy does not allow."""

    def __init__(self, account: SimulatedAccount):
        self._account = account
        self.policy_of: PolicyOf = lambda function: None
        self.config_of: Callable[[str], Mapping[str, Any] | None] = lambda name: None

    def check(self, function: str, request: Request, operation: Operation) -> None:
        """Raise AWS's error if the policy of the function does not allow the call."""
        policy = self.policy_of(function)
        if policy is None:
            return
        for need in self._needs(request, operation):
            self._require(policy, function, need, operation)

    def hidden(self, function: str, request: Request, operation: Operation, response: Response) -> None:
        """Raise AccessDenied for a missing S3 object if the function may not list the bucket, as S3 does."""
        policy = self.policy_of(function)
        if (
            policy is None
            or operation.service != "s3"
            or response.status != 404
            or "Key" not in operation.path_parameters
        ):
            return
        parameters = operation.path_parameters
        context = (("s3:prefix", (parameters["Key"],)),)
        need = Need("s3:ListBucket", f"arn:aws:s3:::{parameters['Bucket']}", context)
        self._require(policy, function, need, operation)

    def _require(self, policy: Policy, function: str, need: Need, operation: Operation) -> None:
        decision = decide(policy, need)
        if decision.allowed:
            needed.setdefault((function, need), decision.by)
            return
        refused.setdefault((function, need))
        role = f"arn:aws:sts::{self._account.account_id}:assumed-role/{function}/{function}"
        why = "with an explicit deny in an" if decision.by else "because no"
        message = (
            f"User: {role} is not authorized to perform: {need.action} on resource: {need.resource}"
            f" {why} identity-based policy{'' if decision.by else f' allows the {need.action} action'}"
        )
        code, status = CODES.get(operation.service, ("AccessDeniedException", 400))
        raise AwsError(code, message, status)

    # What each call needs (Service Authorization Reference) ---------------------------------------------------------

    def _needs(self, request: Request, operation: Operation) -> Iterator[Need]:
        arguments = _body(request, operation)
        service, name = operation.service, operation.name
        arn = f"arn:aws:{service}:{self._account.region}:{self._account.account_id}"
        if service == "s3":
            yield from _of_s3(request, operation)
        elif service == "dynamodb" and name == "TransactWriteItems":
            for item in arguments["TransactItems"]:
                ((kind, what),) = item.items()
                yield Need(f"dynamodb:{TRANSACTED[kind]}", f"{arn}:table/{what['TableName']}")
        elif service == "dynamodb":
            yield Need(f"dynamodb:{name}", f"{arn}:table/{arguments['TableName']}")
        elif service == "sns":
            yield Need(f"sns:{name}", arguments["TopicArn"])
        elif (service, name) == ("events", "PutEvents"):
            for entry in arguments["Entries"]:
                yield Need("events:PutEvents", f"{arn}:event-bus/{entry.get('EventBusName', 'default')}")
        elif (service, name) == ("lambda", "Invoke"):
            function = operation.path_parameters["FunctionName"].rpartition(":function:")[2]
            yield Need(
                "lambda:InvokeFunction", f"{arn}:function:{function or operation.path_parameters['FunctionName']}"
            )
        elif service == "sagemaker-runtime":
            endpoint = operation.path_parameters["EndpointName"]
            yield Need("sagemaker:InvokeEndpoint", self._account.arn("endpoint", endpoint))
        elif service == "sagemaker":
            yield from self._of_sagemaker(name, arguments)
        elif service == "cloudwatch":
            yield from _of_cloudwatch(name, arguments, arn)
        elif service == "cloudtrail":
            yield Need(f"cloudtrail:{name}", "*")
        else:
            raise AwsError(
                "AccessDenied", f"The AWS simulator does not know which permission {service}:{name} needs.", 403
            )

    def _of_sagemaker(self, name: str, arguments: Mapping[str, Any]) -> Iterator[Need]:
        action = f"sagemaker:{name}"
        resources = []
        for parameter, kind in (
            ("EndpointName", "endpoint"),
            ("EndpointConfigName", "endpoint-config"),
            ("ModelName", "model"),
            ("ProcessingJobName", "processing-job"),
            ("TransformJobName", "transform-job"),
            ("MonitoringScheduleName", "monitoring-schedule"),
            ("ModelPackageGroupName", "model-package-group"),
        ):
            if isinstance(arguments.get(parameter), str):
                resources.append(self._account.arn(kind, arguments[parameter]))
        for parameter in ("ResourceArn", "ModelPackageName"):
            if parameter in arguments:
                resources.append(arguments[parameter])
        if not resources:
            resources.append("*")
        context: list[tuple[str, tuple[str, ...]]] = [
            (f"aws:ResourceTag/{key}", (value,)) for key, value in self._account.tags.get(resources[0], {}).items()
        ]
        variants = [*arguments.get("ProductionVariants", ()), *arguments.get("ShadowProductionVariants", ())]
        types = tuple(variant["InstanceType"] for variant in variants if "InstanceType" in variant)
        serverless = [v["ServerlessConfig"] for v in variants if "ServerlessConfig" in v]
        if types:
            context.append(("sagemaker:InstanceTypes", types))
        if serverless:
            context.append(("sagemaker:ServerlessMaxConcurrency", (str(serverless[0]["MaxConcurrency"]),)))
        for resource in resources:
            yield Need(action, resource, tuple(context))
        if name == "CreateModel":
            passed = (("iam:PassedToService", ("sagemaker.amazonaws.com",)),)
            yield Need("iam:PassRole", arguments["ExecutionRoleArn"], passed)
        if arguments.get("Tags") and name.startswith("Create"):
            yield Need("sagemaker:AddTags", resources[0])
        if name in {"CreateEndpoint", "UpdateEndpoint"}:
            yield from self._of_key((self.config_of(arguments["EndpointConfigName"]) or {}).get("KmsKeyId"))

    def _of_key(self, key: str | None) -> Iterator[Need]:
        """What the key of an endpoint's volumes needs of who creates or updates it (aws-behaviour: endpoint-key)."""
        if key is None:
            return
        via = ("kms:ViaService", (f"sagemaker.{self._account.region}.amazonaws.com",))
        prefix = f"arn:aws:kms:{self._account.region}:{self._account.account_id}:key/"
        arn = key if key.startswith("arn:") else prefix + key
        yield Need("kms:CreateGrant", arn, (via, ("kms:GrantIsForAWSResource", ("true",))))
        yield Need("kms:DescribeKey", arn, (via,))


def _of_s3(request: Request, operation: Operation) -> Iterator[Need]:
    parameters, name = operation.path_parameters, operation.name
    bucket = f"arn:aws:s3:::{parameters['Bucket']}"
    if name in {"ListObjectsV2", "ListObjects"}:
        yield Need("s3:ListBucket", bucket, (("s3:prefix", (request.query.get("prefix", ""),)),))
    elif name == "GetBucketNotificationConfiguration":
        yield Need("s3:GetBucketNotification", bucket)
    elif name in {"GetObject", "HeadObject"}:
        version = "Version" if "versionId" in request.query else ""
        yield Need(f"s3:GetObject{version}", f"{bucket}/{parameters['Key']}")
    elif name in {"PutObject", "DeleteObject"}:
        yield Need(f"s3:{name}", f"{bucket}/{parameters['Key']}")
        if "if-match" in request.headers:  # If-Match reads the object's ETag (aws-behaviour: conditional-write)
            yield Need("s3:GetObject", f"{bucket}/{parameters['Key']}")
    else:
        raise AwsError("AccessDenied", f"The AWS simulator does not know which permission s3:{name} needs.", 403)


def _of_cloudwatch(name: str, arguments: Mapping[str, Any], arn: str) -> Iterator[Need]:
    prefix = arn.replace(":monitoring:", ":cloudwatch:")
    alarms: Iterable[str] = [arguments["AlarmName"]] if "AlarmName" in arguments else arguments.get("AlarmNames", ())
    for alarm in alarms:
        yield Need(f"cloudwatch:{name}", f"{prefix}:alarm:{alarm}")
        if arguments.get("Tags"):
            yield Need("cloudwatch:TagResource", f"{prefix}:alarm:{alarm}")
    if not alarms:
        yield Need(f"cloudwatch:{name}", "*")


def _body(request: Request, operation: Operation) -> Mapping[str, Any]:
    """The parameters in the body of a request; empty for REST protocols."""
    if operation.protocol == "query":
        return dict(parse_qsl(request.body.decode(errors="replace")))
    if operation.protocol == "smithy-rpc-v2-cbor":
        found = RpcV2CBORParser().parse_data_item(io.BufferedReader(io.BytesIO(request.body)))
        return found if isinstance(found, Mapping) else {}
    if operation.protocol.startswith("rest"):
        return {}
    content = json.loads(request.body or b"{}")
    return content if isinstance(content, Mapping) else {}

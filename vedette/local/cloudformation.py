"""CloudFormation for Vedette's own templates: change sets that are executed at once.

moto's version needs 100 MB of cfn-lint and silently drops properties. This one raises an error for an unknown type,
property or function. A stack is complete as soon as its change set is executed; a failure rolls everything back.
CloudFormation acts with the operator's permissions: where `operator_policy` is set, it must allow every call of the
resource handlers (resource_handlers.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

import yaml
from botocore.exceptions import ClientError, ParamValidationError

from vedette.installation.policies import listed
from vedette.local.account import SimulatedAccount
from vedette.local.cloudformation_resources import KINDS, Found, Kind, ResourceExists
from vedette.local.errors import AwsError
from vedette.local.http_messages import Request, Response
from vedette.local.iam import Policy, decide
from vedette.local.operations import Operation
from vedette.local.recorder import calling_as
from vedette.local.resource_handlers import identifier, needs

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
MAX_TEMPLATE_BYTES = 51_200  # CloudFormation quotas: a template body in the request
MAX_TEMPLATE_OBJECT_BYTES = 1_000_000  # ... and in an S3 object
Template = dict[str, Any]
_NOTHING = object()


class _YamlLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Reads YAML as CloudFormation does: a date such as the version of a policy stays text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class HandlerRefused(Exception):
    """The operator may not make a call of a resource handler."""


@dataclass
class StackResource:
    """A resource of a stack."""

    type: str
    id: str
    attributes: dict[str, str]
    described: Any  # the properties with unresolved references, which a change set compares
    retain: bool
    properties: dict[str, Any]


@dataclass
class Stack:
    """A stack; in review until its first change set is executed."""

    name: str
    id: str
    status: str = "REVIEW_IN_PROGRESS"
    template: Template = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    resources: dict[str, StackResource] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, str]] = field(default_factory=list)


@dataclass
class ChangeSet:
    """A set of pending changes."""

    name: str
    stack: str
    template: Template
    parameters: dict[str, str]
    tags: dict[str, str]
    changes: list[dict[str, Any]]
    delete_on_failure: bool

    @property
    def imported(self) -> set[str]:
        """The logical names of the resources that are imported."""
        changes = (change["ResourceChange"] for change in self.changes)
        return {change["LogicalResourceId"] for change in changes if change["Action"] == "Import"}


class CloudFormation:
    """The stacks of the account."""

    def __init__(self, account: SimulatedAccount, client: Callable[[str], Any]):
        self._account, self._client = account, client
        self.operator_policy: Policy | None = None
        self.stacks: dict[str, Stack] = {}  # by name
        self._deleted: dict[str, Stack] = {}  # by id; a name forgets them (aws-behaviour: deleted-stack)
        self._change_sets: dict[tuple[str, str], ChangeSet] = {}
        self._execution_tokens: set[str] = set()

    def __call__(self, request: Request, operation: Operation) -> Response:
        arguments = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        act = getattr(self, "_" + re.sub(r"(?<!^)(?=[A-Z])", "_", operation.name).lower(), None)
        if act is None:
            raise AwsError("InvalidAction", f"The AWS simulator does not support CloudFormation {operation.name}.")
        with calling_as("aws"):
            result = act(arguments)
        body = f'<{operation.name}Response xmlns="{NAMESPACE}"><{operation.name}Result>{_xml(result)}'
        body += f"</{operation.name}Result></{operation.name}Response>"
        return Response(200, {"Content-Type": "text/xml"}, body.encode())

    # Stacks ------------------------------------------------------------------------------------------------------

    def _stack(self, arguments: Mapping[str, str]) -> Stack:
        wanted = arguments.get("StackName", "")
        for stack in (*self.stacks.values(), *self._deleted.values()):
            if wanted == stack.id or (wanted == stack.name and stack.id not in self._deleted):
                return stack
        raise AwsError("ValidationError", f"Stack with id {wanted} does not exist")

    def _describe_stacks(self, arguments: Mapping[str, str]) -> Any:
        stack = self._stack(arguments)
        return {
            "Stacks": [
                {
                    "StackName": stack.name,
                    "StackId": stack.id,
                    "CreationTime": f"{self._account.now():%Y-%m-%dT%H:%M:%SZ}",
                    "StackStatus": stack.status,
                    "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in stack.parameters.items()],
                    "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in stack.outputs.items()],
                }
            ]
        }

    def _describe_stack_events(self, arguments: Mapping[str, str]) -> Any:
        return {"StackEvents": list(reversed(self._stack(arguments).events))}

    def _list_stack_resources(self, arguments: Mapping[str, str]) -> Any:
        return {
            "StackResourceSummaries": [
                {"LogicalResourceId": name, "PhysicalResourceId": created.id, "ResourceType": created.type}
                for name, created in self._stack(arguments).resources.items()
            ]
        }

    def _describe_stack_resources(self, arguments: Mapping[str, str]) -> Any:
        stack = self._stack(arguments)
        wanted = arguments.get("LogicalResourceId")
        return {
            "StackResources": [
                {
                    "StackName": stack.name,
                    "StackId": stack.id,
                    "LogicalResourceId": name,
                    "PhysicalResourceId": created.id,
                    "ResourceType": created.type,
                    "Timestamp": f"{self._account.now():%Y-%m-%dT%H:%M:%SZ}",
                    "ResourceStatus": "CREATE_COMPLETE",
                }
                for name, created in stack.resources.items()
                if wanted in {None, name}
            ]
        }

    def _get_template(self, arguments: Mapping[str, str]) -> Any:
        stack = self._stack(arguments)
        return {"TemplateBody": json.dumps(stack.template), "StagesAvailable": ["Original", "Processed"]}

    def _validate_template(self, arguments: Mapping[str, str]) -> Any:
        """The parameters of a template, after its form, types and references were checked."""
        template = _read_template(arguments["TemplateBody"])
        declared = template.get("Parameters", {})
        parameters = {name: str(one.get("Default", one.get("AllowedPattern", ""))) for name, one in declared.items()}
        resolved = _ResolvedTemplate(template, parameters, self._account)
        defined = {*declared, *template["Resources"]}
        for name in template["Resources"]:
            unknown = sorted(set(_references(resolved.described(name))) - defined)
            if unknown:
                raise AwsError(
                    "ValidationError",
                    f"Template format error: Unresolved resource dependencies {unknown} in the Resources block",
                )
        named = any("RoleName" in one.get("Properties", {}) for one in template["Resources"].values())
        return {
            "Parameters": [
                {
                    "ParameterKey": name,
                    "DefaultValue": str(one["Default"]) if "Default" in one else None,
                    "NoEcho": "false",
                    "Description": one.get("Description"),
                }
                for name, one in declared.items()
            ],
            "Description": template.get("Description"),
            "Capabilities": ["CAPABILITY_NAMED_IAM"] if named else [],
        }

    def _delete_stack(self, arguments: Mapping[str, str]) -> Any:
        try:
            stack = self._stack(arguments)
        except AwsError:
            return {}  # deleting a stack that does not exist succeeds
        if stack.id in self._deleted:
            return {}
        try:
            for name, created in reversed(list(stack.resources.items())):
                if not created.retain:
                    self._delete(stack, created)
                    del stack.resources[name]
        except (ClientError, HandlerRefused) as error:
            stack.status = "DELETE_FAILED"
            stack.events.append(_failure(name, "DELETE_FAILED", error))
            return {}
        self._forget(stack)
        return {}

    def _delete(self, stack: Stack, created: StackResource) -> None:
        self._require("delete", created.type, created.properties, stack, created.id)
        KINDS[created.type].delete(self._client, created.id)

    def _forget(self, stack: Stack) -> None:
        """A deleted stack is found by its id alone (aws-behaviour: deleted-stack)."""
        stack.status = "DELETE_COMPLETE"
        self._deleted[stack.id] = self.stacks.pop(stack.name)

    def _require(self, handler: str, kind: str, properties: Mapping[str, Any], stack: Stack, physical: str) -> None:
        """Raise HandlerRefused if the operator may not make the calls of a resource handler."""
        if self.operator_policy is None:
            return
        for need in needs(kind, handler, properties, stack.tags, self._account, physical):
            if not decide(self.operator_policy, need).allowed:
                raise HandlerRefused(
                    f"User is not authorized to perform: {need.action} on resource: {need.resource} because no"
                    f" identity-based policy allows the {need.action} action"
                )

    # Change sets ---------------------------------------------------------------------------------------------------

    def _create_change_set(self, arguments: Mapping[str, str]) -> Any:
        template = self._template(arguments)
        name, creating = arguments["StackName"], arguments.get("ChangeSetType", "UPDATE") == "CREATE"
        existing = self.stacks.get(name)
        if existing is None and not creating:
            raise AwsError("ValidationError", f"Stack [{name}] does not exist")
        if existing is not None and creating and existing.status != "REVIEW_IN_PROGRESS":
            raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists")
        arn = f"arn:aws:cloudformation:{self._account.region}:{self._account.account_id}"
        stack = self.stacks.setdefault(name, Stack(name, f"{arn}:stack/{name}/{self._account.ids.uuid()}"))
        parameters = _parameters(template, _members(arguments, "Parameters"), stack.parameters)
        needs_capability = any(
            kind["Type"] == "AWS::IAM::Role" and "RoleName" in kind["Properties"]
            for kind in template["Resources"].values()
        )
        if needs_capability and "CAPABILITY_NAMED_IAM" not in arguments.values():
            raise AwsError("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]")
        resolved = _ResolvedTemplate(template, parameters, self._account)
        tags = {tag["Key"]: tag["Value"] for tag in _members(arguments, "Tags")}
        if not any(name.startswith("Tags") for name in arguments):
            tags = stack.tags
        changes = _changes(stack, resolved, tags)
        if arguments.get("ImportExistingResources") == "true":
            for change in (one["ResourceChange"] for one in changes):
                found = self._importable(resolved, change["LogicalResourceId"]) if change["Action"] == "Add" else None
                if found:
                    change |= {"Action": "Import", "PhysicalResourceId": found.id}
        change_set = ChangeSet(
            arguments["ChangeSetName"],
            name,
            template,
            parameters,
            tags,
            changes,
            arguments.get("OnStackFailure") == "DELETE",
        )
        self._change_sets[name, change_set.name] = change_set
        return {"Id": f"{arn}:changeSet/{change_set.name}/{self._account.ids.uuid()}", "StackId": stack.id}

    def _template(self, arguments: Mapping[str, str]) -> Template:
        """The template of a request, or of the object in S3 that it names."""
        if "TemplateURL" not in arguments:
            return _read_template(arguments["TemplateBody"])
        bucket, _, key = urlsplit(arguments["TemplateURL"]).path.removeprefix("/").partition("/")
        body = self._client("s3").get_object(Bucket=bucket, Key=unquote(key))["Body"].read().decode()
        return _read_template(body, MAX_TEMPLATE_OBJECT_BYTES)

    def _importable(self, resolved: _ResolvedTemplate, name: str) -> Found | None:
        """The existing resource that a change set imports, if it may (aws-behaviour: import-existing)."""
        resource = resolved.template["Resources"][name]
        named, kept = resource["Properties"].get(identifier(resource["Type"])), resource.get("DeletionPolicy", "")
        if not isinstance(named, str) or not kept.startswith("Retain"):
            return None
        found = KINDS[resource["Type"]].find(self._client, resource["Properties"], self._account)
        owned = any(
            found and (created.type, created.id) == (resource["Type"], found.id)
            for stack in self.stacks.values()
            for created in stack.resources.values()
        )
        return None if owned else found

    def _change_set(self, arguments: Mapping[str, str]) -> ChangeSet:
        name = arguments["ChangeSetName"].rpartition(":changeSet/")[2].partition("/")[0] or arguments["ChangeSetName"]
        found = self._change_sets.get((arguments.get("StackName", ""), name))
        if found is None:
            raise AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
        return found

    def _describe_change_set(self, arguments: Mapping[str, str]) -> Any:
        found = self._change_set(arguments)
        status = {"Status": "CREATE_COMPLETE"} if found.changes else {"Status": "FAILED", "StatusReason": NO_CHANGES}
        return {"ChangeSetName": found.name, "StackName": found.stack, "Changes": found.changes, **status}

    def _delete_change_set(self, arguments: Mapping[str, str]) -> Any:
        found = self._change_set(arguments)
        del self._change_sets[found.stack, found.name]
        return {}

    def _execute_change_set(self, arguments: Mapping[str, str]) -> Any:
        token = arguments.get("ClientRequestToken", "")  # aws-behaviour: execution-token
        if token and token in self._execution_tokens:
            return {}
        found = self._change_set(arguments)
        if not found.changes:
            raise AwsError("InvalidChangeSetStatus", f"ChangeSet [{found.name}] cannot be executed in status [FAILED]")
        stack = self.stacks[found.stack]
        word = "CREATE" if stack.status == "REVIEW_IN_PROGRESS" else "UPDATE"
        del self._change_sets[found.stack, found.name]
        self._execution_tokens.add(token)
        stack.tags = found.tags
        resolved = _ResolvedTemplate(found.template, found.parameters, self._account)
        before = dict(stack.resources)
        fresh: list[tuple[Kind, str]] = []
        try:
            self._make(stack, resolved, found, fresh)
        except (ClientError, ParamValidationError, ResourceExists, HandlerRefused) as error:
            for kind, physical in reversed(fresh):
                kind.delete(self._client, physical)
            stack.resources = before
            stack.status = "ROLLBACK_COMPLETE" if word == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
            stack.events.append(_failure(resolved.making, f"{word}_FAILED", error))
            if word == "CREATE" and found.delete_on_failure:
                self._forget(stack)
            return {}
        stack.status = f"{word}_COMPLETE"
        stack.template, stack.parameters = found.template, found.parameters
        stack.outputs = {
            name: str(resolved.value(output["Value"]))
            for name, output in found.template.get("Outputs", {}).items()
            if "Condition" not in output or resolved.condition(output["Condition"])
        }
        return {}

    def _make(
        self, stack: Stack, resolved: _ResolvedTemplate, change_set: ChangeSet, fresh: list[tuple[Kind, str]]
    ) -> None:
        order = resolved.in_order()
        for name in order:
            resolved.making = name
            resolved.created[name] = stack.resources[name] = self._made(stack, resolved, change_set, name, fresh)
        for name in [name for name in stack.resources if name not in order]:
            gone = stack.resources.pop(name)
            if not gone.retain:
                self._delete(stack, gone)

    def _made(
        self,
        stack: Stack,
        resolved: _ResolvedTemplate,
        change_set: ChangeSet,
        name: str,
        fresh: list[tuple[Kind, str]],
    ) -> StackResource:
        """One resource of a stack, after it was created, changed, imported, or left as it is."""
        resource = resolved.template["Resources"][name]
        kind, type_name = KINDS[resource["Type"]], resource["Type"]
        properties, described = resolved.value(resource.get("Properties", {})), resolved.described(name)
        retain = resource.get("DeletionPolicy", "Delete").startswith("Retain")
        before = stack.resources.get(name)
        if before is not None and before.described == described:
            return replace(before, retain=retain)
        existing = None if before is not None else kind.find(self._client, properties, self._account)
        if existing is not None and name in change_set.imported:  # its configuration stays as it is
            self._require("read", type_name, properties, stack, existing.id)
            return StackResource(type_name, existing.id, existing.attributes, described, retain, properties)
        if existing is not None:
            raise ResourceExists(existing.id)
        for handler in ("create" if before is None else "update", "read"):
            self._require(handler, type_name, properties, stack, before.id if before else "")
        made = kind.put(self._client, properties, self._account, before.id if before else "")
        if before is None:
            fresh.append((kind, made.id))
        return StackResource(type_name, made.id, made.attributes, described, retain, properties)


def _read_template(body: str, limit: int = MAX_TEMPLATE_BYTES) -> Template:
    if len(body.encode()) > limit:
        raise AwsError(
            "ValidationError",
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have"
            f" length less than or equal to {limit}",
        )
    language = "JSON" if body.lstrip().startswith("{") else "YAML"
    try:
        # Without tags such as !Ref, which Vedette does not write.
        template: Template = json.loads(body) if language == "JSON" else yaml.load(body, _YamlLoader)  # noqa: S506
    except (ValueError, yaml.YAMLError) as error:
        raise AwsError("ValidationError", f"Template format error: {language} not well-formed. ({error})") from error
    if not isinstance(template, dict) or not template.get("Resources"):
        raise AwsError("ValidationError", "Template format error: At least one Resources member must be defined.")
    return template


def _failure(name: str, status: str, error: Exception) -> dict[str, str]:
    return {"LogicalResourceId": name, "ResourceStatus": status, "ResourceStatusReason": str(error)}


class _ResolvedTemplate:
    """A template with its parameters: resolves conditions, functions and references to created resources."""

    def __init__(self, template: Template, parameters: Mapping[str, str], account: SimulatedAccount):
        self.template, self._parameters, self._account = template, parameters, account
        self.created: dict[str, StackResource] = {}
        self.making = ""  # the resource that is being created or changed
        for name, resource in template["Resources"].items():
            kind = KINDS.get(resource["Type"])
            if kind is None:
                raise AwsError("ValidationError", f"The AWS simulator does not support {resource['Type']}.")
            unknown = set(resource.get("Properties", {})) - kind.properties
            if unknown:
                raise AwsError("ValidationError", f"The AWS simulator does not support {sorted(unknown)} of {name}.")
        self.active = [
            name
            for name, resource in template["Resources"].items()
            if "Condition" not in resource or self.condition(resource["Condition"])
        ]

    def condition(self, name: str) -> bool:
        """The value of a condition."""
        return bool(self._test(self.template["Conditions"][name]))

    def _test(self, expression: Any) -> Any:
        ((function, argument),) = expression.items()
        if function == "Fn::Equals":
            one, other = (self.value(side) for side in argument)
            return str(one) == str(other)
        if function == "Fn::Not":
            return not self._test(argument[0])
        raise AwsError("ValidationError", f"The AWS simulator does not support condition {function}.")

    def in_order(self) -> list[str]:
        """The resources in order of their references."""
        order: list[str] = []

        def add(name: str) -> None:
            if name not in order:
                before = {
                    *_references(self.described(name)),
                    *listed(self.template["Resources"][name].get("DependsOn", [])),
                }
                for other in sorted(before & set(self.active) - {name}):
                    add(other)
                order.append(name)

        for name in self.active:
            add(name)
        return order

    def described(self, name: str) -> Any:
        """The properties with resolved parameters and conditions, and unresolved references."""
        return self.value(self.template["Resources"][name].get("Properties", {}), resolve=False)

    def value(self, expression: Any, *, resolve: bool = True) -> Any:
        """The value of an expression."""
        found = self._value(expression, resolve)
        return {} if found is _NOTHING else found

    def _value(self, expression: Any, resolve: bool) -> Any:
        if isinstance(expression, list):
            return [v for v in (self._value(item, resolve) for item in expression) if v is not _NOTHING]
        if not isinstance(expression, dict):
            return expression
        if len(expression) == 1:
            ((function, argument),) = expression.items()
            if function == "Ref":
                return self._ref(argument, resolve)
            if function == "Fn::GetAtt":
                return self.created[argument[0]].attributes[argument[1]] if resolve else {"GetAtt": argument}
            if function == "Fn::If":
                return self._value(argument[1 if self.condition(argument[0]) else 2], resolve)
            if function == "Fn::Sub":
                return self._sub(argument, resolve)
            if function.startswith("Fn::"):
                raise AwsError("ValidationError", f"The AWS simulator does not support {function}.")
        worked = {name: self._value(value, resolve) for name, value in expression.items()}
        return {name: value for name, value in worked.items() if value is not _NOTHING}

    def _ref(self, name: str, resolve: bool) -> Any:
        pseudo = {
            "AWS::NoValue": _NOTHING,
            "AWS::Partition": "aws",
            "AWS::Region": self._account.region,
            "AWS::AccountId": self._account.account_id,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self._parameters:
            return self._parameters[name]
        return self.created[name].id if resolve else {"Ref": name}

    def _sub(self, argument: Any, resolve: bool) -> Any:
        text, variables = argument if isinstance(argument, list) else (argument, {})
        pieces = []
        for piece in re.split(r"(\$\{[^}]+\})", text):
            name = piece[2:-1] if piece.startswith("${") else ""
            if not name:
                pieces.append(piece)
            elif name in variables:
                pieces.append(self._value(variables[name], resolve))
            elif "." in name:
                pieces.append(self._value({"Fn::GetAtt": name.split(".", 1)}, resolve))
            else:
                pieces.append(self._ref(name, resolve))
        if all(isinstance(piece, str) for piece in pieces):
            return "".join(pieces)
        return {"Sub": pieces}


def _references(described: Any) -> Iterable[str]:
    if isinstance(described, list):
        for item in described:
            yield from _references(item)
    elif isinstance(described, dict):
        for name, value in described.items():
            if name == "Ref":
                yield str(value)
            elif name == "GetAtt":
                yield str(value[0])
            else:
                yield from _references(value)


def _changes(stack: Stack, resolved: _ResolvedTemplate, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """The changes of the resources; other tags of the stack change what can have tags (aws-behaviour: stack-tags)."""
    changes = []

    def change(action: str, name: str, kind: str, physical: str = "") -> None:
        resource = {"Action": action, "LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": physical}
        changes.append({"Type": "Resource", "ResourceChange": {k: v for k, v in resource.items() if v}})

    for name in resolved.active:
        kind, created = resolved.template["Resources"][name]["Type"], stack.resources.get(name)
        if created is None:
            change("Add", name, kind)
        elif created.described != resolved.described(name) or (tags != stack.tags and "Tags" in KINDS[kind].properties):
            change("Modify", name, kind, created.id)
    for name, created in stack.resources.items():
        if name not in resolved.active:
            change("Remove", name, created.type, created.id)
    return changes


def _parameters(template: Template, values: list[dict[str, str]], before: Mapping[str, str]) -> dict[str, str]:
    declared = template.get("Parameters", {})
    named = {
        one["ParameterKey"]: before[one["ParameterKey"]]
        if one.get("UsePreviousValue") == "true"
        else one.get("ParameterValue", "")
        for one in values
    }
    unknown = sorted(set(named) - set(declared))
    if unknown:
        raise AwsError("ValidationError", f"Parameters: {unknown} do not exist in the template")
    found = {name: str(named.get(name, declared[name].get("Default", _NOTHING))) for name in declared}
    missing = [name for name in declared if name not in named and "Default" not in declared[name]]
    if missing:
        raise AwsError("ValidationError", f"Parameters: {missing} must have values")
    for name, declaration in declared.items():
        pattern = declaration.get("AllowedPattern")
        if pattern and not re.fullmatch(pattern, found[name]):
            raise AwsError("ValidationError", f"Parameter {name} failed to satisfy constraint: {pattern}")
    return found


def _members(arguments: Mapping[str, str], name: str) -> list[dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for key, value in arguments.items():
        match = re.fullmatch(rf"{name}\.member\.(\d+)\.(\w+)", key)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = value
    return [found[number] for number in sorted(found)]


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        shown = {name: item for name, item in value.items() if item is not None}
        return "".join(f"<{name}>{_xml(item)}</{name}>" for name, item in shown.items())
    if isinstance(value, list):
        return "".join(f"<member>{_xml(item)}</member>" for item in value)
    return escape(str(value))

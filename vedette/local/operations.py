"""Identify the service and operation of a request, with botocore's service models.

The JSON protocols name the operation in X-Amz-Target, the query protocol in Action, CBOR in the path. REST requests are
matched by method, path, and the query and header members that the operation requires.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qsl

import botocore.model
import botocore.session

from vedette.local.http_messages import Request

SERVICES_BY_SIGNING_NAME = {"monitoring": "cloudwatch"}


@dataclass(frozen=True)
class Operation:
    """An operation, and the parameters in its path."""

    service: str
    name: str
    protocol: str
    path_parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Rule:
    name: str
    path: re.Pattern[str]
    query: tuple[tuple[str, str], ...]
    required_query: frozenset[str]
    required_headers: frozenset[str]

    def score(self, request: Request, query: dict[str, str]) -> int | None:
        if any(query.get(key) != value for key, value in self.query):
            return None
        if not self.required_query <= query.keys() or not self.required_headers <= request.headers.keys():
            return None
        return 2 * len(self.query) + len(self.required_query) + len(self.required_headers)


@cache
def service_model(service: str) -> botocore.model.ServiceModel:
    """Botocore's model of a service."""
    return botocore.session.Session().get_service_model(service)


def operation_of(request: Request) -> Operation:
    """The operation of a request; its name is "" if it is unknown."""
    signing_name = request.service or "s3"
    service = SERVICES_BY_SIGNING_NAME.get(signing_name, signing_name)
    if service == "sagemaker" and "x-amz-target" not in request.headers:
        service = "sagemaker-runtime"
    target = request.headers.get("x-amz-target")
    if target:
        return Operation(service, target.rpartition(".")[2], "json")
    if "smithy-protocol" in request.headers:
        return Operation(service, request.path.rpartition("/")[2], "smithy-rpc-v2-cbor")
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded") and service != "s3":
        action = dict(parse_qsl(request.body.decode(errors="replace"))).get("Action", "")
        return Operation(service, action, "query")
    return _rest_operation(service, request)


def _rest_operation(service: str, request: Request) -> Operation:
    try:
        rules, protocol = _rules(service, request.method)
    except Exception:  # noqa: BLE001 - botocore has several errors for a service it does not know
        return Operation(service, "", "rest-json")
    path, query = s3_path(request) if service == "s3" else request.path, request.query
    best: tuple[int, _Rule, dict[str, str]] | None = None
    for rule in rules:
        matched = rule.path.fullmatch(path)
        score = rule.score(request, query) if matched else None
        if matched and score is not None and (best is None or score > best[0]):
            best = (score, rule, matched.groupdict())
    if best is None:
        return Operation(service, "", protocol)
    return Operation(service, best[1].name, protocol, best[2])


def s3_path(request: Request) -> str:
    """The path /bucket/key, even if the bucket is in the host name."""
    host = request.host.partition(":")[0]
    bucket, dot, rest = host.partition(".s3.")
    return f"/{bucket}{request.path}" if dot and rest.endswith("amazonaws.com") else request.path


@cache
def _rules(service: str, method: str) -> tuple[list[_Rule], str]:
    model = service_model(service)
    operations = [model.operation_model(name) for name in model.operation_names]
    rules = [_rule(one) for one in operations if one.http["method"] == method and not one.deprecated]
    return rules, str(model.metadata["protocol"])


def _rule(operation: botocore.model.OperationModel) -> _Rule:
    path, _, query = operation.http["requestUri"].partition("?")
    pattern = "".join(_path_piece(piece) for piece in re.split(r"(\{[^}]+\})", path))
    shape = operation.input_shape
    needed: dict[str, set[str]] = {"querystring": set(), "header": set()}
    for name in shape.required_members if shape else ():
        member = shape.members[name]
        location = member.serialization.get("location")
        if location in needed:
            needed[location].add(member.serialization.get("name", name))
    return _Rule(
        name=operation.name,
        path=re.compile(pattern.rstrip("/") + "/?" if pattern != "/" else "/", re.DOTALL),
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        required_query=frozenset(needed["querystring"]),
        required_headers=frozenset(name.lower() for name in needed["header"]),
    )


def _path_piece(piece: str) -> str:
    if not piece.startswith("{"):
        return re.escape(piece)
    name = re.sub(r"\W", "_", piece.strip("{}+"))
    return f"(?P<{name}>.+?)" if piece.endswith("+}") else f"(?P<{name}>[^/]+)"

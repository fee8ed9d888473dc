"""A backend for `chalice deploy`: runs the functions, rules, targets and permissions that exist in the account.

The app object is not used. A rule invokes a function only if it is enabled, names it as a target, and the function's
resource policy allows this rule to invoke it; without the permission, EventBridge silently drops the event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.events.models import events_backends

from vedette.local.account import SimulatedAccount
from vedette.local.artifact import Artifact
from vedette.local.functions import Function, rate_of


class Deployed:
    """Runs each function from the package that it was deployed with."""

    def __init__(self, account: SimulatedAccount, environment: Mapping[str, str]):
        self._artifacts: dict[str, Artifact] = {}  # by the digest of the package: all functions of an app share one
        self._packages: dict[str, str] = {}  # function -> digest
        self.functions = deployed_functions(account)
        for function, deployed in zip(self.functions, _deployed(account), strict=True):
            digest = deployed.code_sha_256
            if digest not in self._artifacts:
                self._artifacts[digest] = Artifact(deployed.code_bytes, environment)
            self._packages[function.name] = digest

    def artifact_of(self, name: str) -> Artifact:
        """The backend of a function's package."""
        return self._artifacts[self._packages[name]]

    def invoke(self, function: Function, event: Any, request_id: str) -> Any:
        return self.artifact_of(function.name).invoke(function, event, request_id)

    def kill(self, name: str) -> None:
        self.artifact_of(name).kill(name)

    def close(self) -> None:
        for artifact in self._artifacts.values():
            artifact.close()


def deployed_functions(account: SimulatedAccount) -> list[Function]:
    """The functions of the account, each with the rule that may invoke it, if any."""
    return [_function(account, deployed) for deployed in _deployed(account)]


def function_roles(account: SimulatedAccount) -> dict[str, str]:
    """The role of each function of the account, by the function's short name."""
    return {deployed.handler.rpartition(".")[2]: deployed.role for deployed in _deployed(account)}


def _deployed(account: SimulatedAccount) -> list[Any]:
    found: list[Any] = list(lambda_backends[account.account_id][account.region].list_functions())
    return found


def _function(account: SimulatedAccount, deployed: Any) -> Function:
    function = Function(
        name=deployed.handler.rpartition(".")[2],
        full_name=deployed.function_name,
        handler=deployed.handler,
        arn=deployed.function_arn,
        timeout_seconds=int(deployed.timeout),
        memory=int(deployed.memory_size),
        environment=dict(deployed.environment_vars),
    )
    for rule in _rules(account, deployed):
        pattern = rule.event_pattern if rule.event_pattern.get_pattern() else None
        function = replace(function, pattern=pattern, rate=rate_of(rule.scheduled_expression))
    return function


def _rules(account: SimulatedAccount, deployed: Any) -> Iterator[Any]:
    """The rules of the default bus that invoke a function."""
    bus = events_backends[account.account_id][account.region].event_buses["default"]
    allowed = [_source(statement) for statement in deployed.policy.statements]
    for rule in bus.rules.values():
        targeted = any(target["Arn"] == deployed.function_arn for target in rule.targets)
        if targeted and rule.state == "ENABLED" and rule.arn in allowed:
            yield rule


def _source(statement: Mapping[str, Any]) -> str | None:
    """The rule that a statement of a function's policy allows, if any."""
    principal = statement.get("Principal", {})
    if not isinstance(principal, Mapping) or principal.get("Service") != "events.amazonaws.com":
        return None
    conditions: Mapping[str, Any] = statement.get("Condition", {}).get("ArnLike", {})
    return conditions.get("AWS:SourceArn")

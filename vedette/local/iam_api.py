"""IAM's policy simulator, which moto does not have: SimulatePrincipalPolicy for roles."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from vedette.local.account import SimulatedAccount
from vedette.local.errors import AwsError
from vedette.local.http_messages import Request, Response
from vedette.local.iam import Need, decide
from vedette.local.operations import Operation
from vedette.local.permissions import role_policy

NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


class SimulatePrincipalPolicy:
    """Whether a role's identity policies allow actions on resources; nothing else is considered."""

    def __init__(self, account: SimulatedAccount):
        self._account = account

    def __call__(self, request: Request, operation: Operation) -> Response:
        arguments = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        role = arguments["PolicySourceArn"]
        policy = role_policy(role, self._account)
        if policy is None:
            raise AwsError("NoSuchEntity", f"The role with name {role.rpartition('/')[2]} cannot be found.", 404)
        keys = _values(arguments, r"ContextEntries\.member\.(\d+)\.ContextKeyName")
        context = tuple(
            (key, tuple(_values(arguments, rf"ContextEntries\.member\.{n}\.ContextKeyValues\.member\.(\d+)")))
            for n, key in enumerate(keys, 1)
        )
        results = "".join(
            f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>"
            f"<EvalDecision>{'allowed' if decision.allowed else 'explicitDeny' if decision.by else 'implicitDeny'}"
            "</EvalDecision></member>"
            for action in _values(arguments, r"ActionNames\.member\.(\d+)")
            for resource in _values(arguments, r"ResourceArns\.member\.(\d+)") or ["*"]
            for decision in [decide(policy, Need(action, resource, context))]
        )
        body = (
            f'<SimulatePrincipalPolicyResponse xmlns="{NAMESPACE}"><SimulatePrincipalPolicyResult>'
            f"<IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults>"
            "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        )
        return Response(200, {"Content-Type": "text/xml"}, body.encode())


def _values(arguments: dict[str, str], pattern: str) -> list[str]:
    """The values of a numbered list, in order."""
    found = {int(match[1]): value for name, value in arguments.items() if (match := re.fullmatch(pattern, name))}
    return [found[number] for number in sorted(found)]

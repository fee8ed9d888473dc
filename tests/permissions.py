"""What all tests together say of the policies: nothing was missing, and nothing is there that no test needed.

Every test that runs functions runs them under their policies (vedette/local/permissions.py). At the end of a run of
the whole suite the two sides are compared. What Lambda itself does with a role, no test can need: it stands in IMPLIED.
"""

import json
from pathlib import Path

from vedette.installation.policies import listed
from vedette.local import permissions

CHALICE = Path(__file__).parent.parent / ".chalice"

IMPLIED = {
    "logs:CreateLogStream": "Lambda writes the log of a function with the function's role",
    "logs:PutLogEvents": "the same",
    "sqs:SendMessage": "Lambda sends an event that it gave up to the failure queue with the function's role",
}
ELSEWHERE = {
    "MakeServerlessConfigs": "an endpoint without instances, adopted; held by tests/installation/test_permissions.py",
}
STARS = {
    "cloudwatch:GetMetricStatistics": "has no resource type (Service Authorization Reference, CloudWatch)",
    "cloudtrail:LookupEvents": "has no resource type (Service Authorization Reference, CloudTrail)",
    "sagemaker:ListMonitoringExecutions": "has no resource type (Service Authorization Reference, SageMaker)",
    "sagemaker:ListTransformJobs": "the same",
}

REFUSED_ON_PURPOSE = {
    "arn:aws:s3:::team-lake": "another account's bucket, before setup allows it (tests/cli/watched_endpoint.py)",
}


def observed() -> list[list]:
    """What functions needed in this process, and what was refused: plain data, to be sent between processes."""
    needed = [[f, n.action, n.resource, n.context, by] for (f, n), by in permissions.needed.items()]
    refused = [[f, n.action, n.resource, n.context, None] for f, n in permissions.refused]
    return json.loads(json.dumps([*needed, *refused]))


def statements() -> set[tuple[str, str, str]]:
    """Function, statement and action of everything that the policies allow."""
    return {
        (file.stem.removeprefix("policy-"), statement["Sid"], action)
        for file in CHALICE.glob("policy-*.json")
        for statement in json.loads(file.read_bytes())["Statement"]
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }


def missing(seen: list[list]) -> list[str]:
    """What a function needed and was refused."""
    return sorted(
        f"{function}: {action} on {resource}"
        for function, action, resource in {(f, a, r) for f, a, r, _, by in seen if by is None}
        if resource not in REFUSED_ON_PURPOSE
    )


def unused(seen: list[list]) -> list[str]:
    """What is allowed, and no test would fail without it: nobody needed it, or another statement allows it as well."""
    alone = {(function, by[0], action) for function, action, _, _, by in seen if by and len(by) == 1}
    return sorted(
        f"{function}: {sid} {action}"
        for function, sid, action in statements() - alone
        if action not in IMPLIED and sid not in ELSEWHERE
    )

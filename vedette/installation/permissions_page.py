"""Why each role may do what it may: the reason of each statement, and the table in docs/permissions.md.

python -m vedette.installation.permissions_page > docs/permissions.md
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from vedette.installation import policies
from vedette.installation.policies import Policy, StageScope, listed
from vedette.installation.template import template
from vedette.project_files import root

# Statement -> reason; a name has one meaning in every policy.
REASONS = {
    "CountRequests": "Distinguishes silence from missing captures: how many requests did the endpoint get?",
    "DeleteFailedEndpointsOfOurs": "Replaces an endpoint whose creation failed: Vedette's own, if the fleet allows it.",
    "Deploy": "Deploys the wanted version of a model: endpoints in mode `deploy`.",
    "EncryptCaptures": "Encrypts captures where the bucket has a KMS key.",
    "EncryptTheirVolumes": "Keeps the KMS key of an endpoint's volumes when the endpoint is updated.",
    "FindLabelParts": "Finds labels that were not processed, and which days they concern.",
    "GoldenRequests": "Sends the golden request of the fleet to a new version before it counts as deployed.",
    "IndexLabels": "Writes which days of predictions a label part concerns.",
    "InvokeItself": "Shares the fleet among a few workers of the same function.",
    "KeepFailures": "Lambda itself keeps events that failed all attempts.",
    "List": "Finds objects, and distinguishes missing from forbidden; the sweep checks the bucket's notifications.",
    "ListSchedulesExecutions": "Finds executions of Model Monitor whose event was lost.",
    "ListTransformJobs": "Finds batch transform jobs whose event was lost: entries of the fleet that name jobs.",
    "LogInToRegistries": "Pulls the images of models.",
    "Logs": "Writes the log.",
    "LongAlertStatesOfEarlierVersions": "Reads alert states that an earlier version stored in the bucket.",
    "LookAtTheirKeys": "Checks the KMS key of an endpoint's volumes when the endpoint is updated.",
    "MakeConfigs": "Creates the configuration of a deployment, with allowed instance types only.",
    "MakeModels": "Creates the model of a deployment.",
    "MakeRollbackAlarms": "Creates the alarms that roll a bad deployment back.",
    "MakeServerlessConfigs": "Creates the configuration of a deployment without instances.",
    "Metrics": "SageMaker's containers write their metrics.",
    "NeverWriteCaptures": "Nobody changes or deletes captures, whatever else is allowed.",
    "NeverWriteLabelsOfOthers": "Nobody changes or deletes captures and labels, whatever else is allowed.",
    "PassTheModelRole": "Gives a deployed model its role; no other role, and to no other service.",
    "PullImages": "Pulls the images of models.",
    "PutBaselinesInForce": "Puts the baseline of a deployed version in force.",
    "ReadBaselines": "Compares captured data with the baseline.",
    "ReadBaselinesForPages": "Shows the baseline on the report page.",
    "ReadBaselinesOfPackages": "Reads the baseline that a model package names.",
    "ReadCaptures": "Summarizes captured requests.",
    "ReadDeploymentsForPages": "Shows on the report page which version served.",
    "ReadEndpoints": "Reads what an endpoint serves and where it captures.",
    "ReadExecutions": "Reads verdicts and their statistics.",
    "ReadFleet": "Reads what to watch, and how.",
    "ReadJobs": "Reads which execution of Model Monitor, or batch transform job, has ended.",
    "ReadLabels": "Reads labels where model quality is set up.",
    "ReadLatency": "Sets the limit of the latency alarm by the endpoint's own last days.",
    "ReadModels": "Loads the model data.",
    "ReadParts": "Adds up the summaries of captured objects.",
    "ReadPredictionsAndLabels": "Joins predictions and labels.",
    "ReadRegistry": "Reads which versions are approved.",
    "ReadReportsOfModelMonitor": "Reads what Model Monitor found.",
    "ReadRollbackAlarms": "AWS asks it of the execution role for alarms that roll an update back.",
    "ReadSchedules": "Reads which endpoint an execution of Model Monitor watched.",
    "ReadTags": "Keeps the tags of an endpoint configuration.",
    "ReadTransformJobs": "Reads what a batch transform job that ended has read and written.",
    "ReadVariants": "Reads which variants an endpoint has.",
    "RememberLabels": "Keeps the key of the hashes of ids, and which labels came late or cannot be read.",
    "RememberUnreadableObjects": "Remembers captured objects that cannot be read.",
    "RollUps": "Roll-ups: the summaries of five minutes or an hour are added up once.",
    "SayOnTheBus": "Publishes events: verdicts, and alerts that begin or end.",
    "Table": "Keeps the state of deployments and alerts, mutes and checkpoints.",
    "TagThem": "Marks what Vedette created.",
    "Tell": "Sends alerts, and checks that somebody is subscribed.",
    "TheFunctionItselfMustNotTouchTheVpc": "With `--subnets`: only Lambda creates network interfaces, never our code.",
    "UseTheKey": "With `--kms-key`: reads and writes what the key encrypts.",
    "UseTheVpc": "With `--subnets`: Lambda connects the function to the VPC.",
    "WhoDidIt": "Names who changed an endpoint outside Vedette.",
    "WriteAlertsAndPages": "Stores the alert and the report page beside the verdict.",
    "WriteCaptures": "SageMaker stores captured requests.",
    "WriteExecutions": "Stores verdicts, statistics and report pages.",
    "WriteLabels": "Stores the labels of an object, by hashed id.",
    "WriteParts": "Stores the summary of a captured object.",
    "WritePredictions": "Stores the predictions of captured requests, for the labels that come later.",
    "WritePredictionsAndLabels": "Makes up for predictions and labels whose event was lost.",
}
HEADING = """# Permissions

What each role of a stage may do, and why. The functions are named as in `app.py`; the role of `sweep` is
`vedette-STAGE-sweep`. `models` is the role of models, `vedette-STAGE-models`. The functions that deploy are
{deploying}.

The resources are those of the hand-written policies, `.chalice/policy-*.json`. `vedette setup` narrows them to one
stage: one account and region, its own bucket, table, topics and role. `vedette setup --template stage.yaml` writes the
narrowed policies to `stage-roles.yaml`; `vedette install --dry-run` shows what changes in them.

| role | may | on | why |
|---|---|---|---|
"""
FOOTER = """
A condition narrows a permission further; the policy has its values. A deny wins over whatever is allowed elsewhere.
[Security](security.md) says what IAM enforces with these policies, and what you need to install Vedette.
"""
_SCOPE = StageScope("STAGE", "*", "*", "BUCKET", "TABLE", topics=("TOPIC",), key_arn="the stage's key", in_vpc=True)


def page() -> str:
    """The text of docs/permissions.md."""
    of_functions = policies.read(root() / ".chalice")
    rows = "".join(f"| {' | '.join(row)} |\n" for row in table(of_functions, models_policy()))
    return f"{HEADING.format(deploying=', '.join(f'`{name}`' for name in _deploying(of_functions)))}{rows}{FOOTER}"


def models_policy() -> Policy:
    """The policy of the role of models; of alternatives, the first."""
    role = template("STAGE", "*", "*")["Resources"]["ModelsRole"]
    document = role["Properties"]["Policies"][0]["PolicyDocument"]
    statements = [one["Fn::If"][1] if "Fn::If" in one else one for one in document["Statement"]]
    return {"Statement": [one | {"Resource": _text(one["Resource"])} for one in statements]}


def _text(value: Any) -> Any:
    """A resource of the template in place of its function."""
    if isinstance(value, list):
        return [_text(one) for one in value]
    if isinstance(value, str):
        return value
    if "Fn::Sub" not in value:
        return "the stage's key"
    text = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"][0]
    text = re.sub(r"\$\{AWS::(Region|AccountId)\}", "*", text).replace("${AWS::Partition}", "aws")
    return text.replace("${Name}", "vedette-*")


def table(of_functions: Mapping[str, Policy], of_models: Policy) -> Iterator[tuple[str, str, str, str]]:
    """The rows: roles, actions, resources and reason. Roles with the same statement share a row.

    Raises
    ------
    KeyError
        If a statement has no reason.
    """
    groups = {"all functions": list(of_functions), "functions that deploy": _deploying(of_functions)}
    roles: dict[str, list[str]] = {}
    for name, policy in of_functions.items():
        own = {statement["Sid"] for statement in policy["Statement"]}
        optional = [one for one in policies.narrowed(policy, name, _SCOPE)["Statement"] if one["Sid"] not in own]
        for statement in (*policy["Statement"], *optional):
            roles.setdefault(_key(statement, name), []).append(name)
    for statement in of_models["Statement"]:
        roles.setdefault(_key(statement, ""), []).append("models")
    for key, names in roles.items():
        statement = json.loads(key)
        for group, members in groups.items():
            if members and set(members) <= set(names):
                names = [group, *(name for name in names if name not in members)]
                break
        resources = ", ".join(_short(one) for one in listed(statement["Resource"]))
        yield ", ".join(names), _may(statement), resources, REASONS[statement["Sid"]]


def _deploying(of_functions: Mapping[str, Policy]) -> list[str]:
    """The functions that may update an endpoint."""
    update = "sagemaker:UpdateEndpoint"
    return [
        name
        for name, policy in of_functions.items()
        if any(update in listed(statement["Action"]) for statement in policy["Statement"])
    ]


def _key(statement: Mapping[str, Any], function: str) -> str:
    """The statement as text, in which every function calls itself FUNCTION."""
    text = json.dumps(statement)
    return text.replace(f"-{function}", "-FUNCTION") if function else text


def _short(resource: str) -> str:
    text = resource.removeprefix("arn:aws:").replace(":*:*:", ":")
    return text if " " in text else f"`{text}`"


def _may(statement: Mapping[str, Any]) -> str:
    actions = ", ".join(f"`{one}`" for one in listed(statement["Action"]))
    keys = sorted({key for values in statement.get("Condition", {}).values() for key in values})
    condition = f", with a condition on {', '.join(f'`{key}`' for key in keys)}" if keys else ""
    return f"{'**deny** ' if statement['Effect'] == 'Deny' else ''}{actions}{condition}"


if __name__ == "__main__":
    sys.stdout.write(page())

"""An installation found by its CloudFormation stack, from any folder with credentials for its account.

| input                                             | outcome                                                         |
|---------------------------------------------------|-----------------------------------------------------------------|
| the stack `vedette-{stage}` that setup creates    | its outputs: bucket, table, topic, role for models              |
| the stage's entry that setup stores in the bucket | also teams, capture locations, runbooks                         |
| no such stack in this account and region          | one sentence with the stack, the account and the region         |
| no region, no credentials                         | None: nothing can be looked up                                  |
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.errors import MissingSetting
from vedette.input_sources import session
from vedette.operations.aws import code, message

STAGE_CONFIGURATION = "config/chalice/stage.json"  # of the stage's bucket
OUTPUTS = {
    "Bucket": "VEDETTE_BUCKET",
    "Table": "VEDETTE_TABLE",
    "TopicArn": "VEDETTE_TOPIC_ARN",
    "RoleArn": "VEDETTE_ROLE_ARN",
}


def stack_name(stage: str) -> str:
    """The name of a stage's stack."""
    return f"vedette-{stage}"


def variables_of_stack(stage: str, profile: str | None, region: str | None) -> dict[str, str] | None:
    """The variables of a stage by its stack; None without a region or credentials.

    Raises
    ------
    MissingSetting
        If there is no such stack, naming what was looked for.
    """
    caller = session(profile, region)
    if caller.region_name is None or caller.get_credentials() is None:
        return None
    outputs = _outputs(caller, stack_name(stage))
    found = {variable: outputs[name] for name, variable in OUTPUTS.items() if outputs.get(name)}
    stored = _stored(caller, found.get("VEDETTE_BUCKET", ""))
    same = stored.get("VEDETTE_BUCKET") == found.get("VEDETTE_BUCKET")
    return {**(stored if same else {}), **found, "VEDETTE_STAGE": stage}


def _outputs(caller: Any, stack: str) -> dict[str, str]:
    try:
        (found,) = caller.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if code(error) != "ValidationError" or "does not exist" not in message(error):
            raise
        account = caller.client("sts").get_caller_identity()["Account"]
        raise MissingSetting(
            f"There is no stack {stack} in account {account}, region {caller.region_name}: check --stage, --region and"
            " --profile."
        ) from error
    return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}


def _stored(caller: Any, bucket: str) -> dict[str, str]:
    """The stage's variables as setup stored them; empty without the file, or if it may not be read."""
    try:
        body = (
            caller.client("s3").get_object(Bucket=bucket, Key=STAGE_CONFIGURATION)["Body"].read() if bucket else b"{}"
        )
    except ClientError as error:
        if code(error) in {"NoSuchKey", "NoSuchBucket", "AccessDenied", "404", "403"}:
            return {}
        raise
    entry: dict[str, Any] = json.loads(body).get("entry", {})
    return {name: str(value) for name, value in entry.get("environment_variables", {}).items()}

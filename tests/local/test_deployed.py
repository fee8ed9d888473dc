"""What was deployed into the cloud runs from its package, by its own rules, targets and permissions."""

import io
import zipfile

import boto3
import pytest

from vedette.local import Cloud

SOURCE = """
import os


def on_mine(event, context):
    return {"stage": os.environ["STAGE"], "name": context.function_name}
"""
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:vedette-dev-on_mine"


@pytest.fixture(scope="module")
def cloud():
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", SOURCE)
    with Cloud(real_time=True) as cloud:
        functions, events, iam = boto3.client("lambda"), boto3.client("events"), boto3.client("iam")
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
        for name in ("on_mine", "unreachable"):
            functions.create_function(
                FunctionName=f"vedette-dev-{name}",
                Runtime="python3.12",
                Role=role["Role"]["Arn"],
                Handler="app.on_mine" if name == "on_mine" else "app.unreachable",
                Code={"ZipFile": package.getvalue()},
                Environment={"Variables": {"STAGE": "dev"}},
                Timeout=20,
            )
            rule = events.put_rule(Name=name, EventPattern='{"source": ["mine"]}')["RuleArn"]
            events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": ARN.replace("on_mine", name)}])
        functions.add_permission(
            FunctionName="vedette-dev-on_mine",
            StatementId="1",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule.replace("unreachable", "on_mine"),
        )
        cloud.run_deployed()
        yield cloud


def test_an_event_reaches_a_deployed_function_by_its_deployed_rule(cloud):
    cloud.put_event("mine", "Thing Done", {})
    cloud.settle()
    (delivery,) = cloud.bus.deliveries
    assert delivery.answer == {"stage": "dev", "name": "vedette-dev-on_mine"}


def test_a_rule_without_permission_to_invoke_its_target_reaches_nobody(cloud):
    unreachable = next(function for function in cloud.bus.functions if function.name == "unreachable")
    assert unreachable.pattern is None


def test_a_deployed_function_can_be_invoked_by_name(cloud):
    answer = boto3.client("lambda").invoke(FunctionName="vedette-dev-on_mine", Payload=b"{}")
    assert b'"stage": "dev"' in answer["Payload"].read()

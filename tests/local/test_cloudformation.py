"""CloudFormation refuses what AWS refuses: dynamic names in an import, templates that are none, unknown stacks."""

import json

import pytest
from botocore.exceptions import ClientError

NAME = "vedette-x-table"
KEYS = {
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}


def template(name, policy: str = "Retain") -> dict:
    properties = {
        **KEYS,
        "TableName": name,
        "Tags": [],
        "SSESpecification": {"SSEEnabled": False},
        "TimeToLiveSpecification": {"AttributeName": "at", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    }
    table = {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": policy, "Properties": properties}
    return {"Parameters": {"Stage": {"Type": "String", "Default": "x"}}, "Resources": {"Table": table}}


class Stacks:
    """CloudFormation, called as setup calls it."""

    def __init__(self, account):
        self.client = account.client("cloudformation")
        self.dynamodb = account.client("dynamodb")

    def change_set(self, stack: str, body: dict, **arguments) -> list[dict]:
        arguments = {"ChangeSetType": "CREATE", "ImportExistingResources": True, "OnStackFailure": "DELETE"} | arguments
        self.client.create_change_set(
            StackName=stack, ChangeSetName="change", TemplateBody=json.dumps(body), **arguments
        )
        found = self.client.describe_change_set(StackName=stack, ChangeSetName="change")
        return [change["ResourceChange"] for change in found["Changes"]]

    def execute(self, stack: str) -> dict:
        """The stack afterwards, and why it failed, if it did."""
        stack_id = self.client.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        self.client.execute_change_set(StackName=stack, ChangeSetName="change")
        (found,) = self.client.describe_stacks(StackName=stack_id)["Stacks"]
        events = self.client.describe_stack_events(StackName=stack_id)["StackEvents"]
        return {**found, "Reasons": [event["ResourceStatusReason"] for event in events]}

    def refused(self, call: str, **arguments) -> str:
        with pytest.raises(ClientError) as raised:
            getattr(self.client, call)(**arguments)
        return str(raised.value)


@pytest.fixture
def stacks(account):
    return Stacks(account)


@pytest.fixture
def kept(stacks):
    """A table that an earlier stack left."""
    stacks.dynamodb.create_table(TableName=NAME, **KEYS)


@pytest.mark.usefixtures("kept")
def test_a_static_name_is_imported_and_its_configuration_stays(stacks):
    (change,) = stacks.change_set("one", template(NAME))
    assert (change["Action"], change["PhysicalResourceId"]) == ("Import", NAME)
    assert stacks.execute("one")["StackStatus"] == "CREATE_COMPLETE"
    backups = stacks.dynamodb.describe_continuous_backups(TableName=NAME)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    "body",
    [
        template({"Fn::Sub": "vedette-${Stage}-table"}),
        template({"Fn::Sub": NAME}),
        template(NAME, policy="Delete"),
    ],
    ids=["dynamic name", "a function without a variable", "no policy that retains"],
)
def test_what_cannot_be_imported_fails_as_existing_already(stacks, body):
    (change,) = stacks.change_set("one", body)
    assert change["Action"] == "Add"
    ended = stacks.execute("one")
    assert ended["StackStatus"] == "DELETE_COMPLETE"
    assert ended["Reasons"] == [f"{NAME} already exists"]
    assert stacks.dynamodb.list_tables()["TableNames"].count(NAME) == 1


@pytest.mark.usefixtures("kept")
def test_a_resource_of_another_stack_is_not_imported(stacks):
    stacks.change_set("one", template(NAME))
    stacks.execute("one")
    (change,) = stacks.change_set("two", template(NAME))
    assert change["Action"] == "Add"
    assert stacks.execute("two")["Reasons"] == [f"{NAME} already exists"]


def test_a_deleted_stack_is_found_by_its_id_alone(stacks):
    stacks.change_set("one", template(NAME))
    stack_id = stacks.execute("one")["StackId"]
    stacks.client.delete_stack(StackName="one")
    assert "Stack with id one does not exist" in stacks.refused("describe_stacks", StackName="one")
    (found,) = stacks.client.describe_stacks(StackName=stack_id)["Stacks"]
    assert found["StackStatus"] == "DELETE_COMPLETE"
    assert NAME in stacks.dynamodb.list_tables()["TableNames"]
    assert stacks.client.list_stack_resources(StackName=stack_id)["StackResourceSummaries"]
    (change,) = stacks.change_set("one", template(NAME))
    assert change["Action"] == "Import"
    stacks.execute("one")
    (again,) = stacks.client.describe_stacks(StackName="one")["Stacks"]
    assert again["StackId"] != stack_id


def test_the_operator_needs_what_the_handler_calls(account, stacks):
    statement = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "arn:aws:dynamodb:*:*:table/vedette-*"}
    account.cloud.cloudformation.operator_policy = {"Statement": [statement]}
    stacks.change_set("one", template("theirs"))
    ended = stacks.execute("one")
    assert ended["StackStatus"] == "DELETE_COMPLETE"
    assert "is not authorized to perform: dynamodb:CreateTable on resource: arn:aws:dynamodb:" in ended["Reasons"][0]
    stacks.change_set("one", template(NAME, policy="Delete"))
    assert stacks.execute("one")["StackStatus"] == "CREATE_COMPLETE"
    account.cloud.cloudformation.operator_policy = {"Statement": []}
    stacks.client.delete_stack(StackName="one")
    (left,) = stacks.client.describe_stacks(StackName="one")["Stacks"]
    assert left["StackStatus"] == "DELETE_FAILED"
    assert NAME in stacks.dynamodb.list_tables()["TableNames"]


def test_a_template_is_validated_and_read_back_and_its_resources_are_described(stacks):
    body = template(NAME)
    validated = stacks.client.validate_template(TemplateBody=json.dumps(body))
    assert [(one["ParameterKey"], one["DefaultValue"]) for one in validated["Parameters"]] == [("Stage", "x")]
    stacks.change_set("one", body)
    stack_id = stacks.execute("one")["StackId"]
    assert stacks.client.get_template(StackName="one")["TemplateBody"] == body
    stacks.client.delete_stack(StackName="one")
    (resource,) = stacks.client.describe_stack_resources(StackName=stack_id)["StackResources"]
    assert (resource["LogicalResourceId"], resource["PhysicalResourceId"]) == ("Table", NAME)
    assert "does not exist" in stacks.refused("get_template", StackName="one")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "JSON not well-formed"),
        ("Resources: [", "YAML not well-formed"),
        ("Resources: !Ref Table", "YAML not well-formed"),
        ("{}", "At least one Resources member must be defined"),
        (json.dumps(template({"Ref": "Nothing"})), "Unresolved resource dependencies ['Nothing']"),
    ],
)
def test_what_is_no_template_is_refused(stacks, body, words):
    assert words in stacks.refused("validate_template", TemplateBody=body)


def test_a_change_set_keeps_parameters_and_tags_that_it_does_not_name(stacks):
    body = template(NAME) | {"Parameters": {"Stage": {"Type": "String", "Default": "x"}}}
    body["Resources"]["Table"]["Properties"]["Tags"] = [{"Key": "stage", "Value": {"Ref": "Stage"}}]
    given = [{"ParameterKey": "Stage", "ParameterValue": "y"}]
    stacks.change_set("one", body, Parameters=given, Tags=[{"Key": "team", "Value": "ml"}])
    stacks.execute("one")
    same = [{"ParameterKey": "Stage", "UsePreviousValue": True}]
    assert stacks.change_set("one", body, ChangeSetType="UPDATE", Parameters=same) == []
    other = [{"Key": "team", "Value": "risk"}]
    (change,) = stacks.change_set("one", body, ChangeSetType="UPDATE", Parameters=same, Tags=other)
    assert (change["Action"], change["LogicalResourceId"]) == ("Modify", "Table")
    (change,) = stacks.change_set("one", body, ChangeSetType="UPDATE")
    assert change["Action"] == "Modify"


def test_a_larger_template_goes_through_a_bucket(account, stacks):
    large = json.dumps(template(NAME) | {"Description": "x" * 51_200})
    body = {"StackName": "one", "ChangeSetName": "change", "ChangeSetType": "CREATE"}
    assert "less than or equal to 51200" in stacks.refused("create_change_set", TemplateBody=large, **body)
    s3 = account.client("s3")
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="templates", Key="a template.json", Body=large)
    url = "https://s3.eu-west-1.amazonaws.com/templates/a%20template.json"
    stacks.client.create_change_set(TemplateURL=url, **body)
    assert stacks.execute("one")["StackStatus"] == "CREATE_COMPLETE"


def test_a_date_in_yaml_is_text(stacks):
    text = "Description: 2012-10-17\nResources:\n  Topic: {Type: 'AWS::SNS::Topic', Properties: {TopicName: a}}"
    assert stacks.client.validate_template(TemplateBody=text)["Description"] == "2012-10-17"


def test_the_template_of_a_stage_is_valid(stacks):
    from vedette.installation.template import template as of_stage

    body = json.dumps(of_stage("dev", "123456789012", "eu-west-1"), separators=(",", ":"))
    validated = stacks.client.validate_template(TemplateBody=body)
    assert "Email" in {one["ParameterKey"] for one in validated["Parameters"]}
    assert validated["Capabilities"] == ["CAPABILITY_NAMED_IAM"]

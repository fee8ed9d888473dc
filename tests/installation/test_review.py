"""What setup would make can be read before: names, purposes, cost, and the very template, which deploys by hand."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.installation.conftest import Clone, cloned
from vedette.installation import account, policies, review, setup
from vedette.installation.functions import FUNCTIONS, NAMES
from vedette.installation.template import purposes, template
from vedette.installation.template_file import yaml_of

MAIL = ("--email", "oncall@example.com")
SETUP = ("setup", "--stage", "dev", *MAIL)
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
CHANGES = ("Create", "Put", "Delete", "Execute", "Update", "Tag", "Set", "Enable", "Publish", "Invoke", "Subscribe")
OPTIONS = [
    (),
    ("--kms-key", "new"),
    ("--role-path", "/ml/", "--permissions-boundary", BOUNDARY, "--log-days", "30"),
    ("--kms-key", "new", "--role-path", "/ml/"),
]


@contextmanager
def anywhere(folder: Path) -> Iterator[Clone]:
    """A clone whose owner may make roles in the path /ml/, too."""
    with cloned(folder) as made:
        (roles,) = [one for one in made.cloud.cloudformation.operator_policy["Statement"] if one["Sid"] == "Roles"]
        roles["Resource"] = [roles["Resource"], "arn:aws:iam::*:role/ml/vedette-*"]
        yield made


@pytest.fixture
def clone(tmp_path):
    with anywhere(tmp_path) as made:
        yield made


def deployed(clone, file: Path) -> dict[str, str]:
    """The file, deployed as its heading says; returns the outputs of its stack."""
    text = file.read_text()
    indented = re.findall(r"^#     (.+)$", text, re.MULTILINE)
    words = shlex.split(" ".join(line.removesuffix("\\") for line in indented))[3:]
    given = dict(pairwise(words))
    assert given["--template-file"] == file.name
    cloudformation, stack = clone.client("cloudformation"), given["--stack-name"]
    exists = account.describe_stack(stack) is not None
    if "--parameter-overrides" in words:
        overrides = dict(one.split("=", 1) for one in words[words.index("--parameter-overrides") + 1 :])
    else:
        overrides = {}
    if "KeyArn" in overrides:
        overrides["KeyArn"] = account.outputs_of(account.describe_stack("vedette-dev"))["KeyArn"]
    body = {"TemplateBody": text}
    if "--s3-bucket" in given:
        bucket = given["--s3-bucket"]
        clone.client("s3").put_object(Bucket=bucket, Key="config/template", Body=text.encode())
        body = {"TemplateURL": f"https://s3.eu-west-1.amazonaws.com/{bucket}/config/template"}
    # As the AWS CLI does: a stack that exists keeps the parameters that are not named.
    kept = set(yaml.safe_load(text)["Parameters"]) - set(overrides) if exists else set()
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName="by-hand",
        ChangeSetType="UPDATE" if exists else "CREATE",
        **body,
        Parameters=[
            *({"ParameterKey": name, "ParameterValue": value} for name, value in overrides.items()),
            *({"ParameterKey": name, "UsePreviousValue": True} for name in kept),
        ],
        Capabilities=[given["--capabilities"]],
        Tags=[dict(zip(("Key", "Value"), given["--tags"].split("="), strict=True))],
    )
    cloudformation.execute_change_set(StackName=stack, ChangeSetName="by-hand")
    return account.outputs_of(account.describe_stack(stack))


def stacks(clone) -> dict[str, dict]:
    """Names and properties of every resource of every stack; ids that AWS chooses are left out."""
    chosen_by_aws = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9A-Za-z]{26,}\b")
    return {
        name: {
            logical: json.loads(chosen_by_aws.sub("ID", json.dumps([made.type, made.id, made.properties])))
            for logical, made in stack.resources.items()
        }
        for name, stack in clone.cloud.cloudformation.stacks.items()
    }


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_the_template_deployed_by_hand_is_what_setup_makes_and_setup_then_changes_nothing(options, tmp_path):
    with anywhere(tmp_path / "hand") as person:
        person.done(*SETUP, *options, "--template", "out.yaml")
        deployed(person, Path("out.yaml"))
        if "--role-path" in options:
            deployed(person, Path("out-roles.yaml"))
        by_hand = stacks(person)
        again = person.answer("setup", "--stage", "dev", "--yes")
        assert again["changes"] == []
        assert stacks(person) == by_hand
    with anywhere(tmp_path / "setup") as person:
        made = person.answer(*SETUP, *options, "--yes")
        assert stacks(person) == by_hand
        assert made["entry"] == again["entry"]


def test_writing_a_template_changes_nothing(clone):
    before, config = len(clone.cloud.recorder.calls), clone.project.config()
    clone.done(*SETUP, "--template", "out.yaml")
    asked = {call.operation for call in clone.cloud.recorder.calls[before:]}
    assert "DescribeStacks" in asked
    assert not [operation for operation in asked if operation.startswith(CHANGES)]
    assert (clone.project.config(), clone.cloud.cloudformation.stacks) == (config, {})


def test_a_template_for_a_change_names_the_changed_parameters(clone):
    clone.done(*SETUP, "--yes")
    clone.done("setup", "--stage", "dev", "--log-days", "30", "--template", "out.yaml")
    assert "--parameter-overrides LogDays=30" in Path("out.yaml").read_text()
    deployed(clone, Path("out.yaml"))
    groups = clone.client("logs").describe_log_groups()["logGroups"]
    assert {group["retentionInDays"] for group in groups} == {30}
    assert clone.answer("setup", "--stage", "dev", "--yes")["changes"] == []


def test_without_the_tags_of_the_stack_setup_has_something_to_change(clone):
    clone.done(*SETUP, "--template", "out.yaml")
    file = Path("out.yaml")
    file.write_text(file.read_text().replace("--tags vedette:stage=dev", "--tags other=tag"))
    deployed(clone, file)
    changed = clone.answer("setup", "--stage", "dev", "--dry-run")["changes"]
    assert {change["Action"] for change in changed} == {"Modify"}


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_the_policies_of_the_roles_file_are_those_that_setup_writes(clone, options):
    clone.done(*SETUP, *options, "--yes")
    clone.done("setup", "--stage", "dev", "--template", "out.yaml")
    roles = yaml.safe_load(Path("out-roles.yaml").read_text())["Resources"]
    for function in FUNCTIONS:
        (policy,) = roles[f"{function.resource}Role"]["Properties"]["Policies"]
        file = clone.project.folder("dev") / f"policy-{function.name}.json"
        assert json.loads(json.dumps(policy["PolicyDocument"], default=str)) == json.loads(file.read_bytes())


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_the_outputs_of_a_stack_are_predicted(clone, options):
    clone.done(*SETUP, *options, "--yes")
    plan = setup.plan(setup.SetupRequest("dev"), clone.project)
    actual = account.outputs_of(account.describe_stack("vedette-dev"))
    predicted = review.predicted_outputs(plan)
    assert predicted == {name: actual[name] for name in predicted}
    assert ("KeyArn" in predicted) == ("--kms-key" in options)


def test_every_resource_and_policy_is_commented_in_the_order_of_the_template(clone):
    clone.done(*SETUP, "--template", "out.yaml")
    text = Path("out.yaml").read_text()
    named = re.findall(r"^  # (.+)\n  (\w+):$", text, re.MULTILINE)
    assert named == [(why, logical) for logical, why in purposes("dev").items()]
    clone.done(*SETUP, "--template", "again.yaml")
    assert Path("again.yaml").read_text() == text.replace("out.yaml", "again.yaml")
    assert re.findall(r"^  # What the function (\w+) may do\.$", Path("out-roles.yaml").read_text(), re.MULTILINE) == [
        *NAMES
    ]


def test_a_file_in_no_folder_is_refused_before_anything_is_asked(clone):
    before = len(clone.cloud.recorder.calls)
    assert "no such file or directory" in clone.refused(*SETUP, "--template", "missing/out.yaml")
    assert len(clone.cloud.recorder.calls) == before


@pytest.mark.parametrize(
    "value",
    ["yes", "2012-10-17", "*", "a: b", "#x", "s3:", "", " lead", "two  blanks " * 20, "word " * 60, "x" * 300, "é\n2"],
)
def test_every_text_is_read_back_as_it_was(value):
    made = {"Resources": {"A": {"Type": "T", "Properties": {"V": value, value: [value, {"deep": [value] * 9}]}}}}
    assert yaml.safe_load(yaml_of(made, {"A": "why"}, "what")) == made


def test_the_whole_template_is_read_back_as_it_was():
    made = template("dev", "123456789012", "eu-west-1", json.dumps({"widgets": ["a b"] * 200}))
    text = yaml_of(made, purposes("dev"), "what")
    assert yaml.safe_load(text) == made
    assert list(yaml.safe_load(text)["Resources"]) == list(made["Resources"])
    assert max(map(len, text.splitlines())) <= 140


def test_cloudformation_takes_the_stack_in_a_request_and_larger_roles_through_the_bucket(clone, monkeypatch):
    clone.done(*SETUP, "--kms-key", "new", "--role-path", "/ml/", "--template", "out.yaml")
    assert len(Path("out.yaml").read_bytes()) <= 51_200
    roles = Path("out-roles.yaml").read_text()
    assert ("--s3-bucket vedette-dev-123456789012-eu-west-1" in roles) == (len(roles) > 51_200 - 1_000)
    monkeypatch.setattr(review, "REQUEST_BYTES", 1_000)
    clone.done(*SETUP, "--kms-key", "new", "--role-path", "/ml/", "--template", "out.yaml")
    assert "--s3-bucket vedette-dev-123456789012-eu-west-1" in Path("out-roles.yaml").read_text()


# --- the dry run ------------------------------------------------------------------------------------------------------


def test_a_dry_run_names_the_account_each_resource_and_the_cost(clone):
    said = clone.done(*SETUP, "--dry-run", "--kms-key", "new")
    assert said.startswith("Stage dev in account 123456789012, region eu-west-1: the stack vedette-dev\n")
    for line in ("+ SQS Queue vedette-dev-failures: ", "+ Logs LogGroup /aws/lambda/vedette-dev-sweep: The log"):
        assert line in said
    assert all(f"vedette-dev-{name}" in said.partition("`vedette install`")[2] for name in NAMES)
    assert re.search(r"^\d+\.\d\d USD a month: .*KMS key 1\.00", said, re.MULTILINE)


def test_a_dry_run_shows_what_exists_already(clone):
    clone.done(*SETUP, "--yes")
    found = clone.answer("setup", "--stage", "dev", "--log-days", "30", "--dry-run")["resources"]
    assert {one["kind"] for one in found if one["action"] == "Modify"} == {"Logs LogGroup"}
    assert {one["name"] for one in found if one["action"] == "Exists"} >= {"vedette-dev", "vedette-dev-alerts"}
    assert "  DynamoDB Table vedette-dev exists\n" in clone.done("setup", "--stage", "dev", "--dry-run")


def test_a_dry_run_names_the_buckets_whose_notifications_are_enabled(clone):
    location = {"LocationConstraint": "eu-west-1"}
    for name in ("lake", "ours"):
        clone.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=location)
    options = ("--bucket", "ours", "--capture-source", "lake/in/")
    said = clone.done(*SETUP, *options, "--dry-run")
    assert "notifications on the bucket lake; its other" in said
    assert "notifications on the bucket ours; its other" in said
    clone.done(*SETUP, *options, "--yes")
    assert "enables EventBridge" not in clone.done("setup", "--stage", "dev", "--dry-run")


def test_a_dry_run_names_the_stack_of_the_roles(clone):
    assert "the stack vedette-dev-roles" in clone.done(*SETUP, "--role-path", "/ml/", "--dry-run")


def test_every_policy_that_is_narrowed_is_in_the_roles_file(clone):
    clone.done(*SETUP, "--template", "out.yaml")
    text = Path("out-roles.yaml").read_text()
    for policy in policies.read(clone.project.chalice).values():
        assert all(f"Sid: {statement['Sid']}" in text for statement in policy["Statement"])

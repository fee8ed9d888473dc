"""The Terraform module is HCL, uses only what there is, and its stacks are those that setup makes."""

import json
import re
from pathlib import Path

import hcl2
import pytest
import yaml
from hcl2 import SerializationOptions

from tests.installation.conftest import cloned
from tests.test_documented_commands import commands_exist
from vedette.installation.setup import roles_stack_name, stack_tags
from vedette.operations.installations import stack_name

FOLDER = Path(__file__).parents[2] / "examples" / "terraform"
FILES = sorted(FOLDER.glob("*.tf"))
README = (FOLDER / "README.md").read_text()
# https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudformation_stack
ARGUMENTS = {
    "name",
    "template_body",
    "template_url",
    "capabilities",
    "disable_rollback",
    "notification_arns",
    "on_failure",
    "parameters",
    "policy_body",
    "policy_url",
    "tags",
    "iam_role_arn",
    "timeout_in_minutes",
}
META_ARGUMENTS = {"count", "depends_on", "for_each", "lifecycle", "provider"}


def read(text: str) -> dict:
    """The blocks of a file."""
    found: dict = hcl2.loads(text, serialization_options=SerializationOptions(strip_string_quotes=True))
    return found


def blocks(kind: str) -> dict[str, dict]:
    """The blocks of a kind in all files, by their last label."""
    found: dict[str, dict] = {}
    for file in FILES:
        for block in read(file.read_text()).get(kind, []):
            while len(block) == 1 and kind not in ("locals", "terraform"):
                ((name, block),) = block.items()
            found[name if kind not in ("locals", "terraform") else kind] = block
    return found


def test_every_reference_is_to_something_declared():
    text = "\n".join(file.read_text() for file in FILES)
    declared = {
        "var": set(blocks("variable")),
        "local": {name for name in blocks("locals")["locals"] if not name.startswith("__")},
        "aws_cloudformation_stack": set(blocks("resource")),
    }
    for kind, names in declared.items():
        used = set(re.findall(rf"\b{kind}\.(\w+)", text))
        assert used <= names, kind
        assert used == names or kind == "aws_cloudformation_stack", kind


def test_every_variable_and_output_is_described():
    for kind in ("variable", "output"):
        assert blocks(kind)
        assert [name for name, block in blocks(kind).items() if not block.get("description")] == []
    assert [name for name, block in blocks("variable").items() if not block.get("type")] == []


def test_every_argument_of_a_stack_is_one():
    stacks = blocks("resource")
    assert set(stacks) == {"stage", "roles", "functions"}
    for stack in stacks.values():
        arguments = {name for name in stack if not name.startswith("__")}
        assert {"name", "template_body", "capabilities", "tags"} <= arguments
        assert arguments <= ARGUMENTS | META_ARGUMENTS


def test_the_stacks_have_the_names_and_tags_of_setup():
    stacks, dev = blocks("resource"), "${var.stage}"
    assert (stacks["stage"]["name"], stacks["roles"]["name"]) == (stack_name(dev), roles_stack_name(dev))
    ((name, value),) = stack_tags("dev").items()
    assert (name, value) == ("vedette:stage", "dev")
    assert re.search(rf'tags\s+= {{ "{name}" = var\.stage }}', (FOLDER / "main.tf").read_text())


@pytest.mark.parametrize("options", [(), ("--kms-key", "new", "--role-path", "/ml/")], ids=" ".join)
def test_the_templates_that_terraform_sends_are_what_setup_makes(options, tmp_path):
    """As main.tf: YAML in, compact JSON out, the tags of the stage, and KeyArn where the file asks for it."""
    with cloned(tmp_path) as clone:
        clone.cloud.cloudformation.operator_policy = None  # a role path needs more than the operator's policy
        clone.done("setup", "--stage", "dev", "--email", "a@b.c", *options, "--template", "stage.yaml")
        cloudformation = clone.client("cloudformation")

        def applied(file: str, stack: str) -> dict[str, str]:
            template = yaml.safe_load(Path(file).read_text())
            key = {"KeyArn"} & set(template.get("Parameters", {}))
            cloudformation.create_change_set(
                StackName=stack,
                ChangeSetName="terraform",
                ChangeSetType="CREATE",
                TemplateBody=json.dumps(template, separators=(",", ":"), sort_keys=True),
                Capabilities=["CAPABILITY_NAMED_IAM"],
                Parameters=[{"ParameterKey": name, "ParameterValue": outputs[name]} for name in key],
                Tags=[{"Key": name, "Value": value} for name, value in stack_tags("dev").items()],
            )
            cloudformation.execute_change_set(StackName=stack, ChangeSetName="terraform")
            (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
            assert found["StackStatus"] == "CREATE_COMPLETE"
            return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}

        outputs: dict[str, str] = {}
        outputs = applied("stage.yaml", "vedette-dev")
        if options:
            applied("stage-roles.yaml", "vedette-dev-roles")
        used = set(re.findall(r'stage\.outputs\["(\w+)"\]', "".join(file.read_text() for file in FILES)))
        assert used - {"KeyArn"} <= set(outputs)
        assert clone.answer("setup", "--stage", "dev", "--yes")["changes"] == []


def test_the_readme_uses_variables_and_commands_that_there_are():
    (block,) = re.findall(r"```terraform\n(.*?)```", README, re.DOTALL)
    ((_, module),) = read(block)["module"][0].items()
    given = {name for name in module if not name.startswith("__")} - {"source"}
    required = {name for name, one in blocks("variable").items() if "default" not in one}
    assert required <= given <= set(blocks("variable"))
    named = set(re.findall(r"`(\w+_template) = ", README))
    assert named == set(blocks("variable")) - given - {"parameters"}
    assert commands_exist([line.strip() for line in README.splitlines() if line.strip().startswith("vedette ")])

"""The templates and policies under the tools of others: cfn-lint, SAM, parliament and checkov, each finding answered.

The tools live in environments of their own (benchmarks/environments), which `make prove` builds.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.permissions import CHALICE
from vedette.installation import policies
from vedette.installation.functions import NAMES, merge_template
from vedette.installation.policies import StageScope
from vedette.installation.template import roles_template, template
from vedette.operations import dashboard

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / "benchmarks" / "environments"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
PLACE = StageScope(
    "dev",
    "eu-west-1",
    "123456789012",
    "vedette-dev-123456789012-eu-west-1",
    "vedette-dev",
    ("arn:aws:sns:eu-west-1:123456789012:vedette-dev-alerts",),
    "arn:aws:iam::123456789012:role/vedette-dev-models",
)

# Every finding of checkov that is left as it is, and why.
SKIPPED = {
    "CKV_AWS_18": "access logs of the bucket belong into a bucket of the account, which setup cannot know",
    "CKV_AWS_19": "checkov cannot read the choice between SSE-S3 and SSE-KMS; both encrypt",
    "CKV_AWS_119": "DynamoDB encrypts with its own key unless one is given",
    "CKV_AWS_116": "the failure destination of EventInvokeConfig replaces the dead-letter queue",
    "CKV_AWS_117": "functions are in a VPC when --subnets are given; they call AWS alone",
    "CKV_AWS_173": "environment variables name things and hold no secret",
}


def tool(environment: str, name: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess:
    program = ENVIRONMENTS / f".venv-{environment}" / "bin" / name
    if not program.exists():
        pytest.fail(f"{name} is not installed: `make {program.parents[1].relative_to(ROOT)}/.installed` installs it")
    environment_of_tool = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "SAM_CLI_TELEMETRY": "0"}
    return subprocess.run([program, *arguments], input=stdin, env=environment_of_tool, capture_output=True, text=True)


def narrowed() -> dict:
    return policies.all_narrowed(policies.read(CHALICE), PLACE)


@pytest.fixture(scope="module")
def templates(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("templates")
    body = dashboard.body("dev", "eu-west-1", NAMES)
    made = {
        "stage": template("dev", "123456789012", "eu-west-1", body),
        "roles": roles_template("dev", narrowed(), BOUNDARY, "/ml/"),
    }
    for name, content in made.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1))
    return {name: folder / f"{name}.json" for name in made}


@pytest.fixture(scope="module")
def packaged(tmp_path_factory) -> Path:
    """What `chalice package --merge-template` writes for CloudFormation."""
    folder = tmp_path_factory.mktemp("packaged")
    merge = folder / "merge.json"
    merge.write_text(json.dumps(merge_template("dev")))
    chalice = ROOT / ".venv" / "bin" / "chalice"
    subprocess.run(
        [
            chalice,
            "--project-dir",
            ROOT / "chalice_app",
            "package",
            "--stage",
            "dev",
            "--merge-template",
            merge,
            folder,
        ],
        env={"AWS_DEFAULT_REGION": "eu-west-1", "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
    )
    return folder / "sam.json"


def test_cfn_lint_has_nothing_to_say(templates, packaged):
    examples = sorted((ROOT / "examples").glob("*.yaml"))
    assert len(examples) == 5
    done = tool("audit", "cfn-lint", *(str(path) for path in (*templates.values(), packaged, *examples)))
    assert done.returncode == 0, done.stdout + done.stderr


def test_sam_finds_the_packaged_template_valid(packaged):
    done = tool("sam", "sam", "validate", "--lint", "--template", str(packaged))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("function", NAMES)
def test_parliament_has_nothing_to_say(function):
    done = tool("audit", "parliament", "--json", stdin=json.dumps(narrowed()[function]))
    assert (done.stdout.strip(), done.returncode) == ("", 0), done.stdout + done.stderr


OPERATOR_FINDINGS = {  # what parliament says of the operator's policy, and why it stays
    "s3:GetBucketAbac": "S3 has this action since 2025, and parliament's list is older",
    "application-autoscaling:DeregisterScalableTarget": "its condition allows the targets of SageMaker alone",
    "sagemaker:DescribeEndpoint": "`vedette watch` looks at endpoints of any name",
}


def test_parliament_finds_in_the_operators_policy_only_what_is_answered():
    policy = (ROOT / "docs" / "operator-policy.json").read_text()
    found = [json.loads(line) for line in tool("audit", "parliament", "--json", stdin=policy).stdout.splitlines()]
    answered = {action for action in OPERATOR_FINDINGS if any(action in str(one["detail"]) for one in found)}
    unanswered = [one for one in found if not any(action in str(one["detail"]) for action in OPERATOR_FINDINGS)]
    assert (answered, unanswered) == (set(OPERATOR_FINDINGS), [])


def test_parliament_is_awake():
    bad = {"Statement": [{"Effect": "Allow", "Action": "s3:GetNothing", "Resource": "*"}], "Version": "2012-10-17"}
    assert "UNKNOWN_ACTION" in tool("audit", "parliament", "--json", stdin=json.dumps(bad)).stdout


def test_checkov_finds_only_what_is_answered(templates, packaged):
    found: dict[str, str] = {}
    for path in (*templates.values(), packaged):
        arguments = ("--framework", "cloudformation", "-o", "json", "--quiet", "--skip-download")
        answer = json.loads(tool("checkov", "checkov", "-f", str(path), *arguments).stdout)
        checks = answer["results"]["failed_checks"] if isinstance(answer, dict) and "results" in answer else []
        found |= {check["check_id"]: f"{path.name} {check['resource']}" for check in checks}
    assert {check: where for check, where in found.items() if check not in SKIPPED} == {}
    unfounded = sorted(set(SKIPPED) - set(found))
    assert not unfounded, f"answers without a finding: {unfounded}"


def test_every_function_of_the_package_has_what_chalice_cannot_set(packaged):
    resources = json.loads(packaged.read_bytes())["Resources"]
    functions = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::Serverless::Function"]
    assert {function["FunctionName"].removeprefix("vedette-dev-") for function in functions} == set(NAMES)
    for function in functions:
        assert function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
        condition, reserved, otherwise = function["ReservedConcurrentExecutions"]["Fn::If"]
        assert (condition, otherwise) == ("Reserve", {"Ref": "AWS::NoValue"})
        assert reserved >= 2
        assert function["Timeout"] >= 50
        assert function["MemorySize"] >= 512
    roles = {r["Properties"]["RoleName"] for r in resources.values() if r["Type"] == "AWS::IAM::Role"}
    assert roles == {function["FunctionName"] for function in functions}

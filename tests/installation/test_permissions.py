"""What the policies of the functions allow and deny, statement by statement. tests/permissions.py holds the rest."""

import json

import pytest

from tests.permissions import CHALICE, ELSEWHERE, IMPLIED, STARS, missing, statements, unused
from vedette.installation import policies
from vedette.installation.functions import NAMES
from vedette.installation.policies import StageScope, listed
from vedette.local.iam import Need, decide

ACCOUNT = "arn:aws:{}:eu-west-1:123456789012:"
ROLE = "arn:aws:iam::123456789012:role/vedette-dev-models"
TOPIC = ACCOUNT.format("sns") + "vedette-dev-alerts"
PLACE = StageScope(
    *("dev", "eu-west-1", "123456789012", "ours", "vedette-dev", (TOPIC,), ROLE),
    sources=(("lake", "in/"),),
    label_sources=(("lake", "labels/"),),
)
DEPLOYING = ("on_model_package_state_change", "on_endpoint_state_change", "sweep")


@pytest.fixture(scope="module")
def hand_written():
    return policies.read(CHALICE)


@pytest.fixture(scope="module")
def narrowed(hand_written):
    return policies.all_narrowed(hand_written, PLACE)


def allowed(policy, action, resource, **context):
    values = tuple((name.replace("__", ":"), tuple(listed(value))) for name, value in context.items())
    return decide(policy, Need(action, resource, values)).allowed


def test_no_action_is_a_wildcard_and_every_star_has_its_reason(hand_written):
    for policy in hand_written.values():
        for statement in policy["Statement"]:
            actions = listed(statement["Action"])
            assert not [action for action in actions if "*" in action]
            if "*" in listed(statement["Resource"]):
                assert set(actions) <= set(STARS)
    assert len(STARS) <= 4


def test_every_statement_has_a_name_of_its_own(hand_written):
    for policy in hand_written.values():
        names = [statement["Sid"] for statement in policy["Statement"]]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("function", NAMES)
def test_no_function_may_write_where_endpoints_capture(narrowed, function):
    for key in ("ours/data-capture/site/x.jsonl", "any/data-capture/x", "lake/in/site/x.jsonl"):
        for action in ("s3:PutObject", "s3:DeleteObject"):
            assert not allowed(narrowed[function], action, f"arn:aws:s3:::{key}")


@pytest.mark.parametrize("function", NAMES)
def test_no_function_may_write_labels(narrowed, function):
    for key in ("ours/ground-truth/site/x.csv", "any/ground-truth/x", "lake/labels/site/x.csv"):
        for action in ("s3:PutObject", "s3:DeleteObject"):
            assert not allowed(narrowed[function], action, f"arn:aws:s3:::{key}")


@pytest.mark.parametrize("function", NAMES)
def test_labels_are_read_by_the_functions_that_take_them_in_alone(narrowed, function):
    reads = function in ("on_ground_truth", "sweep")
    for key in ("ours/ground-truth/site/x.csv", "lake/labels/site/x.csv"):
        assert allowed(narrowed[function], "s3:GetObject", f"arn:aws:s3:::{key}") is reads
    assert not allowed(narrowed[function], "s3:GetObject", "arn:aws:s3:::lake/others/x.csv")


@pytest.mark.parametrize("function", NAMES)
def test_no_function_reaches_beyond_its_stage(narrowed, function):
    policy = narrowed[function]
    assert not allowed(policy, "s3:PutObject", "arn:aws:s3:::vedette-prod-123456789012/parts/x")
    assert not allowed(policy, "dynamodb:GetItem", ACCOUNT.format("dynamodb") + "table/vedette-prod")
    assert not allowed(policy, "sns:Publish", ACCOUNT.format("sns") + "vedette-prod-alerts")
    assert not allowed(policy, "lambda:InvokeFunction", ACCOUNT.format("lambda") + f"function:vedette-prod-{function}")
    assert not allowed(policy, "sagemaker:DescribeEndpoint", "arn:aws:sagemaker:eu-west-1:210987654321:endpoint/x")


@pytest.mark.parametrize("function", NAMES)
def test_the_one_role_is_passed_to_sagemaker_alone(narrowed, function):
    policy, deploys = narrowed[function], function in DEPLOYING
    assert allowed(policy, "iam:PassRole", ROLE, iam__PassedToService="sagemaker.amazonaws.com") is deploys
    assert not allowed(policy, "iam:PassRole", ROLE, iam__PassedToService="lambda.amazonaws.com")
    assert not allowed(policy, "iam:PassRole", f"{ROLE}-2", iam__PassedToService="sagemaker.amazonaws.com")


CONFIG = ACCOUNT.format("sagemaker") + "endpoint-config/vedette-site-1"


@pytest.mark.parametrize("function", DEPLOYING)
def test_what_an_endpoint_may_cost_is_held_by_iam(narrowed, function):
    def may_create(**context):
        return allowed(narrowed[function], "sagemaker:CreateEndpointConfig", CONFIG, **context)

    assert may_create(sagemaker__InstanceTypes=["ml.m5.large", "ml.c5.xlarge"])
    assert not may_create(sagemaker__InstanceTypes=["ml.m5.large", "ml.p5.48xlarge"])
    assert not may_create()
    assert may_create(sagemaker__ServerlessMaxConcurrency="5")
    others = "arn:aws:sagemaker:eu-west-1:123456789012:endpoint-config/theirs"
    assert not allowed(
        narrowed[function], "sagemaker:CreateEndpointConfig", others, sagemaker__InstanceTypes="ml.m5.large"
    )


def test_instance_types_are_those_that_were_named_at_setup(hand_written):
    place = StageScope(**{**PLACE.__dict__, "instance_types": ("ml.g5.*",)})
    policy = policies.narrowed(hand_written["sweep"], "sweep", place)
    assert allowed(policy, "sagemaker:CreateEndpointConfig", CONFIG, sagemaker__InstanceTypes="ml.g5.xlarge")
    assert not allowed(policy, "sagemaker:CreateEndpointConfig", CONFIG, sagemaker__InstanceTypes="ml.m5.large")


@pytest.mark.parametrize("function", DEPLOYING)
def test_only_an_endpoint_that_vedette_made_is_deleted(narrowed, function):
    endpoint = ACCOUNT.format("sagemaker") + "endpoint/site"
    ours = {"aws__ResourceTag/vedette__endpoint": "site"}
    assert not allowed(narrowed[function], "sagemaker:DeleteEndpoint", endpoint)
    assert allowed(narrowed[function], "sagemaker:DeleteEndpoint", endpoint, **ours)


@pytest.mark.parametrize("function", NAMES)
def test_a_key_is_granted_to_sagemaker_alone_for_volumes_of_endpoints(narrowed, function):
    policy, deploys = narrowed[function], function in DEPLOYING
    key, via = ACCOUNT.format("kms") + "key/k", {"kms__ViaService": "sagemaker.eu-west-1.amazonaws.com"}
    for_service = {"kms__GrantIsForAWSResource": "true"}
    assert allowed(policy, "kms:CreateGrant", key, **via, **for_service) is deploys
    assert allowed(policy, "kms:DescribeKey", key, **via) is deploys
    assert not allowed(policy, "kms:CreateGrant", key, **via)
    assert not allowed(policy, "kms:CreateGrant", key, **for_service)
    assert not allowed(policy, "kms:DescribeKey", key)
    other = {"kms__ViaService": "ec2.eu-west-1.amazonaws.com"}
    assert not allowed(policy, "kms:CreateGrant", key, **other, **for_service)
    assert not allowed(policy, "kms:Decrypt", key, **via)


def test_a_call_that_no_statement_allows_is_refused_in_the_words_of_aws(clone):
    """The AWS simulator's own side: what would be refused in an account is refused here."""
    import boto3
    from botocore.exceptions import ClientError
    from chalice import Chalice

    app = Chalice("vedette")
    reported = []

    @app.lambda_function()
    def on_data_captured(event, context):
        for service, call, arguments in (
            ("s3", "put_object", {"Bucket": "lake", "Key": "data-capture/x", "Body": b""}),
            ("sagemaker", "delete_endpoint", {"EndpointName": "site"}),
            ("s3", "get_object", {"Bucket": "elsewhere", "Key": "config/fleet.json"}),
        ):
            try:
                getattr(boto3.client(service), call)(**arguments)
            except ClientError as error:
                reported.append(error.response["Error"])

    import os

    from chalicelib.settings import settings
    from vedette.local import permissions

    before = dict(permissions.refused)
    os.environ.update(clone.cloud.install())
    settings.cache_clear()
    clone.cloud.run_functions(app)
    clone.cloud.invoke("on_data_captured", {})
    permissions.refused.clear()
    permissions.refused.update(before)
    assert [error["Code"] for error in reported] == ["AccessDenied", "AccessDeniedException", "AccessDenied"]
    assert "explicit deny" in reported[0]["Message"]
    assert "no identity-based policy allows the sagemaker:DeleteEndpoint action" in reported[1]["Message"]


def test_the_comparison_at_the_end_of_a_run_finds_what_is_missing_and_what_is_too_much():
    seen = [[f, action, "r", [], [sid]] for f, sid, action in statements()]
    seen.append(["sweep", "s3:GetObject", "r", [], None])
    counted = [one for one in sorted(statements()) if one[2] not in IMPLIED and one[1] not in ELSEWHERE]
    function, sid, action = counted[0]
    without = [one for one in seen if (one[0], one[4], one[1]) != (function, [sid], action)]
    assert missing(seen) == ["sweep: s3:GetObject on r"]
    assert unused(seen) == []
    assert unused(without) == [f"{function}: {sid} {action}"]
    twice = [[f, a, r, c, by and [*by, "AnotherStatement"]] for f, a, r, c, by in seen]
    assert len(unused(twice)) == len(counted)


def test_policies_are_json_that_a_person_reads():
    for file in CHALICE.glob("policy-*.json"):
        assert file.read_text() == json.dumps(json.loads(file.read_bytes()), indent=2) + "\n"

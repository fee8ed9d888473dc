"""A dry run of an installation says what would be deployed, function by function, and what changes."""

import base64
import hashlib
import json

import pytest

from vedette.installation.deployment_plan import DeployedFunction, plan
from vedette.installation.functions import FUNCTIONS, NAMES, full_name

PACKAGE = b"zip" * 1000
DIGEST = base64.b64encode(hashlib.sha256(PACKAGE).digest()).decode()
PATTERN = {"source": ["aws.s3"], "detail-type": ["Object Created"]}
STATEMENT = {"Sid": "ReadFleet", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ours/config/*"}
POLICY = {"Version": "2012-10-17", "Statement": [STATEMENT]}


def template(**properties) -> dict:
    """Chalice's template, with other properties of every function."""
    wanted = {
        "Runtime": "python3.12",
        "MemorySize": 512,
        "Timeout": 120,
        "Environment": {"Variables": {"VEDETTE_STAGE": "dev"}},
        "Tags": {"vedette:stage": "dev"},
        "Events": {"Event": {"Type": "CloudWatchEvent", "Properties": {"Pattern": PATTERN}}},
        **properties,
    }
    resources = {}
    for function in FUNCTIONS:
        resources[function.resource] = {"Type": "AWS::Serverless::Function", "Properties": wanted}
        resources[f"{function.resource}Role"] = {"Properties": {"Policies": [{"PolicyDocument": POLICY}]}}
    return {"Resources": resources}


def there(*, rule=PATTERN, policies=(POLICY,), missing=(), tags=None, **config) -> dict[str, DeployedFunction]:
    """Every function as it is deployed, with another configuration."""
    same = {
        "Runtime": "python3.12",
        "MemorySize": 512,
        "Timeout": 120,
        "CodeSha256": DIGEST,
        "Environment": {"Variables": {"VEDETTE_STAGE": "dev"}},
        **config,
    }
    function = {"Configuration": same, "Tags": tags or {"vedette:stage": "dev"}}
    return {name: DeployedFunction(function, rule, list(policies), list(missing)) for name in NAMES}


def changes(template: dict, deployed: dict) -> list[str]:
    """What changes in every function."""
    found = plan(template, PACKAGE, deployed, "dev", reserve=True)
    (same,) = {tuple(one.changes) for one in found.functions}
    assert found.changed == bool(same)
    assert {one.action for one in found.functions} == ({"Modify"} if same else {"Exists"})
    return list(same)


def test_what_is_deployed_as_it_would_be_does_not_change():
    assert changes(template(), there()) == []


def test_everything_is_added_where_nothing_is():
    found = plan(template(), PACKAGE, {}, "dev", reserve=True)
    assert [one.name for one in found.functions] == [full_name("dev", name) for name in NAMES]
    assert {one.action for one in found.functions} == {"Add"}
    assert found.functions[2].summary == (
        "512 MB, 120 s, 20 at once, runs on aws.s3 Object Created, 1 statements in its policy"
    )
    assert found.zip_bytes == len(PACKAGE)


def test_an_account_that_cannot_spare_concurrency_gets_none():
    found = plan(template(), PACKAGE, {}, "dev", reserve=False)
    assert all("no reserved concurrency" in one.summary for one in found.functions)


@pytest.mark.parametrize(
    ("wanted", "deployed", "change"),
    [
        ({"MemorySize": 1769}, {}, "memory: 512 -> 1769"),
        ({"Timeout": 300}, {}, "timeout: 120 -> 300"),
        ({}, {"Runtime": "python3.11"}, "Python: python3.11 -> python3.12"),
        ({}, {"CodeSha256": "other"}, "package: another one"),
        ({}, {"Environment": {"Variables": {}}}, "variable VEDETTE_STAGE: none -> dev"),
        ({}, {"tags": {"vedette:stage": "dev", "team": "ml"}}, "tag team: ml -> none"),
        ({"VpcConfig": {"SubnetIds": ["b", "a"]}}, {}, "VPC SubnetIds: none -> a, b"),
        ({}, {"VpcConfig": {"SecurityGroupIds": ["g"]}}, "VPC SecurityGroupIds: g -> none"),
        ({}, {"rule": None}, f"rule: none -> {json.dumps(PATTERN)}"),
        ({}, {"rule": "rate(1 day)"}, f'rule: "rate(1 day)" -> {json.dumps(PATTERN)}'),
        ({}, {"policies": ()}, "policy: + ReadFleet: Allow s3:GetObject on arn:aws:s3:::ours/config/*"),
        ({}, {"policies": (POLICY, {"attached": "arn"})}, 'policy: - {"attached": "arn"}'),
        ({}, {"missing": ("handler: app.a -> app.b",)}, "handler: app.a -> app.b"),
    ],
)
def test_each_difference_is_one_line(wanted, deployed, change):
    assert changes(template(**wanted), there(**deployed)) == [change]


def test_a_changed_statement_is_shown_before_and_after():
    other = {**STATEMENT, "Resource": "*", "Condition": {"Null": {"x": "true"}}}
    assert changes(template(), there(policies=({"Statement": [other]},))) == [
        'policy: - ReadFleet: Allow s3:GetObject on * if {"Null": {"x": "true"}}',
        "policy: + ReadFleet: Allow s3:GetObject on arn:aws:s3:::ours/config/*",
    ]


def test_a_role_of_setup_is_not_compared():
    made = template()
    for function in FUNCTIONS:
        del made["Resources"][f"{function.resource}Role"]
    assert changes(made, there(policies=())) == []
    assert "a role that setup made" in plan(made, PACKAGE, {}, "dev", reserve=True).functions[0].summary

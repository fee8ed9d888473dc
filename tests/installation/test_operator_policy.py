"""Whoever installs may do what CloudFormation's resource handlers do with their credentials, and not much more."""

import json

import pytest

from tests.installation.conftest import operator_policy
from vedette.installation.functions import NAMES
from vedette.installation.policies import listed
from vedette.installation.template import roles_template, template
from vedette.local.resource_handlers import NOT_CALLED, NOT_NEEDED, handlers, identifier, kinds, permissions

HANDLERS = ("create", "read", "update", "delete")
MANAGED_POLICY_CHARACTERS = 6_144  # IAM and STS quotas; white space does not count


@pytest.fixture(scope="module")
def resources() -> list[dict]:
    """All resources of the templates that setup executes."""
    policies = {name: {"Version": "2012-10-17", "Statement": []} for name in NAMES}
    roles = roles_template("dev", policies, "arn:aws:iam::123456789012:policy/b", "/ml/")
    made = [template("dev", "123456789012", "eu-west-1", "{}"), roles]
    return [resource for one in made for resource in one["Resources"].values()]


def test_the_policy_lacks_nothing_that_a_resource_handler_calls(resources):
    allowed = {action for statement in operator_policy()["Statement"] for action in listed(statement["Action"])}
    used = {resource["Type"] for resource in resources}
    needed = {action for kind in used for handler in HANDLERS for action in permissions(kind, handler)}
    assert used == set(kinds())
    assert len(needed) > 100
    assert needed - allowed == set()


def test_what_is_left_out_serves_a_property_that_no_template_sets(resources):
    for kind, properties in NOT_CALLED.items():
        set_by_us = {name for one in resources if one["Type"] == kind for name in one["Properties"]}
        assert not set(properties) & set_by_us
    for kind in kinds():
        for_properties = {action for actions in NOT_CALLED.get(kind, {}).values() for action in actions}
        listed_by_aws = {action for actions in handlers(kind).values() for action in actions}
        assert for_properties | set(NOT_NEEDED.get(kind, {})) <= listed_by_aws


def test_what_a_read_calls_is_never_left_out_for_a_property():
    for kind in kinds():
        assert set(handlers(kind).get("read", ())) == set(permissions(kind, "read"))


def test_whatever_an_uninstall_keeps_has_a_literal_name(resources):
    kept = [one for one in resources if one.get("DeletionPolicy", "").startswith("Retain")]
    assert {one["Type"] for one in kept} > {"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::DynamoDB::Table"}
    for one in kept:
        named = identifier(one["Type"])
        assert one["Type"] == "AWS::KMS::Key" if named is None else isinstance(one["Properties"][named], str)


def test_the_policy_fits_into_one_managed_policy():
    text = json.dumps(operator_policy(), separators=(",", ":"))
    assert len(text) <= MANAGED_POLICY_CHARACTERS

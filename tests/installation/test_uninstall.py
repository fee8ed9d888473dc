"""Before anything is removed, what goes and what stays is said; a role that nobody uses goes too."""

import boto3

MAIL = ("--email", "oncall@example.com")


def test_a_dry_run_removes_nothing(clone):
    clone.done("setup", "--stage", "dev", *MAIL, "--yes")
    said = clone.done("uninstall", "--stage", "dev", "--dry-run")
    assert "- SQS Queue" in said
    assert "DynamoDB Table vedette-dev is kept" in said
    assert boto3.client("cloudformation").describe_stacks(StackName="vedette-dev")["Stacks"]


def test_a_stage_without_functions_goes_with_the_role_that_no_model_uses(clone):
    clone.done("setup", "--stage", "dev", *MAIL, "--permissions-boundary", "arn:aws:iam::123456789012:policy/b", "-y")
    clone.done("uninstall", "--stage", "dev", "--yes")
    assert boto3.client("iam").list_roles()["Roles"] == []
    assert boto3.client("sns").list_topics()["Topics"] == []
    assert [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]] == [
        "vedette-dev-123456789012-eu-west-1"
    ]
    assert clone.project.config()["stages"] == {}

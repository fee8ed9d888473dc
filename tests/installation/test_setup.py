"""One command makes what a stage needs; said again it changes nothing; nothing is made that was named instead."""

import json
import re

import pytest

from chalicelib.settings import from_environment
from vedette.installation.policies import listed

MAIL = ("--email", "oncall@example.com")
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"


@pytest.fixture
def lake(clone):
    """A bucket that was there before."""
    clone.client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def resources(clone, stage="dev"):
    found = clone.client("cloudformation").list_stack_resources(StackName=f"vedette-{stage}")
    return {one["LogicalResourceId"] for one in found["StackResourceSummaries"]}


def test_a_dry_run_shows_what_would_be_made_and_makes_nothing(clone):
    before = clone.project.config()
    said = clone.done("setup", "--stage", "dev", *MAIL, "--dry-run")
    assert "+ S3 Bucket: StageBucket" in said
    assert "+ DynamoDB Table: Table" in said
    assert clone.project.config() == before
    assert clone.client("s3").list_buckets()["Buckets"] == []
    assert clone.cloud.cloudformation.stacks == {}


def test_the_changes_of_a_setup_are_asked_before_they_are_made(clone):
    result = clone.run("setup", "--stage", "dev", *MAIL, typed="y\n")
    assert "Make these changes to stage dev?" in result.output
    assert clone.project.folder("dev").is_dir()


def test_a_stage_is_made_safe(clone):
    clone.done("setup", "--stage", "dev", *MAIL, "--yes")
    s3, bucket = clone.client("s3"), "vedette-dev-123456789012-eu-west-1"
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=bucket)
    assert set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    expiring = {
        rule["Filter"]["Prefix"]: rule["Expiration"]["Days"]
        for rule in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        if "Expiration" in rule
    }
    assert expiring == {"parts/": 90, "rollups/": 90, "predictions/": 90, "labels/": 90}
    backups = clone.client("dynamodb").describe_continuous_backups(TableName="vedette-dev")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    groups = clone.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/vedette-dev-")["logGroups"]
    assert {group["retentionInDays"] for group in groups} == {90}
    assert len(groups) == 7
    alarms = clone.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {alarm["AlarmName"].removeprefix("vedette-dev-") for alarm in alarms} == {
        "errors",
        "throttles",
        "failures",
        "pending",
        "sweep-not-running",
    }
    assert clone.client("cloudwatch").list_dashboards()["DashboardEntries"][0]["DashboardName"] == "vedette-dev"
    topics = clone.client("sns").list_topics()["Topics"]
    assert {topic["TopicArn"].rpartition(":")[2] for topic in topics} == {
        "vedette-dev-alerts",
        "vedette-dev-incidents",
        "vedette-dev-operations",
    }


def test_the_stage_stands_in_the_project_and_its_policies_speak_of_it_alone(clone):
    clone.done("setup", "--stage", "dev", *MAIL, "--yes")
    entry = clone.project.stage("dev")
    settings = from_environment(entry["environment_variables"])
    assert (settings.stage, settings.role_arn) == ("dev", "arn:aws:iam::123456789012:role/vedette-dev-models")
    assert settings.incidents_topic_arn == "arn:aws:sns:eu-west-1:123456789012:vedette-dev-incidents"
    for name, function in entry["lambda_functions"].items():
        policy = json.loads((clone.project.chalice / function["iam_policy_file"]).read_text())
        text = json.dumps(policy)
        patterns = r"(s3:::|table/|role/|function:|:log-group:/aws/lambda/)vedette-\*|:sns:\*"
        assert not re.search(patterns, text)
        for statement in policy["Statement"]:
            if statement["Action"] == "iam:PassRole":
                assert statement["Resource"] == settings.role_arn
                assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        assert f"/aws/lambda/vedette-dev-{name}:*" in text


def test_said_again_it_changes_nothing_and_an_option_changes_that_option_alone(clone, lake):
    clone.done("setup", "--stage", "dev", *MAIL, "--yes", "--capture-source", "lake/captures/")
    entry = clone.project.stage("dev")
    again = clone.answer("setup", "--stage", "dev", "--yes")
    assert (again["changes"], again["entry"]) == ([], entry)
    changed = clone.answer("setup", "--stage", "dev", "--log-days", "30", "--yes")["changes"]
    assert {change["ResourceType"] for change in changed} == {"AWS::Logs::LogGroup"}
    assert {change["Action"] for change in changed} == {"Modify"}


def test_a_place_of_labels_is_read_by_its_function_and_sends_its_events(clone, lake):
    clone.done("setup", "--stage", "dev", *MAIL, "--ground-truth-source", "lake/labels/", "--yes")
    settings = from_environment(clone.project.stage("dev")["environment_variables"])
    assert settings.ground_truth_places == ((settings.bucket, "ground-truth/"), ("lake", "labels/"))
    policy = json.loads((clone.project.folder("dev") / "policy-on_ground_truth.json").read_text())
    reads = {one["Sid"]: one["Resource"] for one in policy["Statement"]}
    assert reads["ReadLabels"] == [f"arn:aws:s3:::{settings.bucket}/ground-truth/*", "arn:aws:s3:::lake/labels/*"]
    found = clone.client("s3").get_bucket_notification_configuration(Bucket="lake")
    assert found["EventBridgeConfiguration"] == {}
    again = clone.answer("setup", "--stage", "dev", "--yes")
    assert again["entry"] == clone.project.stage("dev")
    sentence = clone.refused("setup", "--stage", "dev", "--ground-truth-source", "lake", "--yes")
    assert sentence == "--ground-truth-source needs a bucket and a prefix, like my-bucket/labels/: 'lake'."


def test_what_is_named_is_used_in_place_of_something_new(clone, lake):
    topic = clone.client("sns").create_topic(Name="ml-alerts")["TopicArn"]
    role = "arn:aws:iam::123456789012:role/models"
    clone.done("setup", "--stage", "dev", *MAIL, "--bucket", "lake", "--topic", topic, "--role", role, "--yes")
    assert not {"StageBucket", "AlertsTopic", "ModelsRole"} & resources(clone)
    environment = clone.project.stage("dev")["environment_variables"]
    assert (environment["VEDETTE_BUCKET"], environment["VEDETTE_TOPIC_ARN"]) == ("lake", topic)
    policy = (clone.project.folder("dev") / "policy-sweep.json").read_text()
    assert {topic, role, "arn:aws:s3:::lake/parts/*"} <= {
        resource
        for statement in json.loads(policy)["Statement"]
        for resource in ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"])
    }
    assert "EventBridgeConfiguration" in clone.client("s3").get_bucket_notification_configuration(Bucket="lake")


def test_the_notifications_that_a_bucket_has_stay(clone, lake):
    queue = clone.client("sqs").create_queue(QueueName="others")["QueueUrl"]
    arn = clone.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    others = {"QueueConfigurations": [{"Id": "theirs", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    clone.client("s3").put_bucket_notification_configuration(Bucket="lake", NotificationConfiguration=others)
    clone.done("setup", "--stage", "dev", *MAIL, "--capture-source", "lake/captures/", "--yes")
    found = clone.client("s3").get_bucket_notification_configuration(Bucket="lake")
    assert [one["Id"] for one in found["QueueConfigurations"]] == ["theirs"]
    assert found["EventBridgeConfiguration"] == {}
    environment = clone.project.stage("dev")["environment_variables"]
    assert from_environment(environment).capture_places[1] == ("lake", "captures/")
    denied = [
        statement["Resource"]
        for statement in json.loads((clone.project.folder("dev") / "policy-sweep.json").read_text())["Statement"]
        if statement["Effect"] == "Deny"
    ]
    assert any("arn:aws:s3:::lake/captures/*" in resources for resources in denied)


def test_with_a_boundary_the_function_roles_are_made_by_setup(clone):
    allowed = clone.cloud.cloudformation.operator_policy["Statement"]  # a path needs a statement of its own
    (roles,) = [statement for statement in allowed if statement["Sid"] == "Roles"]
    roles["Resource"] = [roles["Resource"], "arn:aws:iam::*:role/ml/vedette-*"]
    clone.done("setup", "--stage", "dev", *MAIL, "--permissions-boundary", BOUNDARY, "--role-path", "/ml/", "--yes")
    role = clone.client("iam").get_role(RoleName="vedette-dev-sweep")["Role"]
    assert role["Path"] == "/ml/"
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    sweep = clone.project.stage("dev")["lambda_functions"]["sweep"]
    assert sweep == {"manage_iam_role": False, "iam_role_arn": role["Arn"]}


def test_a_key_encrypts_everything_and_the_functions_may_use_it(clone):
    clone.done("setup", "--stage", "dev", *MAIL, "--kms-key", "new", "--yes")
    (key,) = clone.client("kms").list_keys()["Keys"]
    arn = key["KeyArn"]
    bucket = "vedette-dev-123456789012-eu-west-1"
    (rule,) = clone.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    groups = clone.client("logs").describe_log_groups()["logGroups"]
    assert {group["kmsKeyId"] for group in groups} == {arn}
    policy = json.loads((clone.project.folder("dev") / "policy-on_data_captured.json").read_text())
    (statement,) = [s for s in policy["Statement"] if s["Sid"] == "UseTheKey"]
    assert (statement["Resource"], statement["Action"]) == (arn, ["kms:Decrypt", "kms:GenerateDataKey"])


def test_functions_in_a_vpc_may_be_there_and_their_code_may_not_touch_it(clone):
    clone.done("setup", "--stage", "dev", *MAIL, "--subnets", "subnet-1,subnet-2", "--security-groups", "sg-1", "--yes")
    entry = clone.project.stage("dev")
    assert (entry["subnet_ids"], entry["security_group_ids"]) == (["subnet-1", "subnet-2"], ["sg-1"])
    policy = json.loads((clone.project.folder("dev") / "policy-sweep.json").read_text())
    assert {"UseTheVpc", "TheFunctionItselfMustNotTouchTheVpc"} <= {s["Sid"] for s in policy["Statement"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--stage", "dev"], "Use --email"),
        (["--stage", "Prod", *MAIL], "is not a stage name"),
        (["--stage", "dev", *MAIL, "--subnets", "subnet-1"], "--security-groups together"),
        (["--stage", "dev", *MAIL, "--topic", "alerts"], "not the ARN of an SNS topic"),
        (["--stage", "dev", *MAIL, "--role-path", "ml"], "must begin and end with a slash"),
        (["--stage", "dev", *MAIL, "--role", "models"], "not an IAM ARN"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(clone, arguments, words):
    assert words in clone.refused("setup", *arguments, "--yes")


def test_what_cannot_be_made_is_said_with_the_reason_and_nothing_is_left(clone):
    nobody = "arn:aws:iam::nobody"
    said = clone.refused("setup", "--stage", "dev", *MAIL, "--permissions-boundary", nobody, "--yes")
    assert "PermissionsBoundary" in said
    assert clone.client("s3").list_buckets()["Buckets"] == []
    assert clone.client("dynamodb").list_tables()["TableNames"] == []
    clone.done("setup", "--stage", "dev", *MAIL, "--yes")


@pytest.mark.parametrize("key", [(), ("--kms-key", "new")], ids=["without a key", "with a key"])
def test_a_stage_that_is_set_up_again_keeps_its_history(clone, key):
    clone.done("setup", "--stage", "dev", *MAIL, *key, "--yes")
    bucket, item = "vedette-dev-123456789012-eu-west-1", {"pk": {"S": "endpoint#site"}, "sk": {"S": "pin"}}
    clone.client("s3").put_object(Bucket=bucket, Key="monitoring/site/report.html", Body=b"kept")
    clone.client("dynamodb").put_item(TableName="vedette-dev", Item=item)
    encryption = clone.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    keys = clone.client("kms").list_keys()["Keys"]
    clone.done("uninstall", "--stage", "dev", "--yes")
    said = clone.done("setup", "--stage", "dev", *MAIL, "--yes")
    assert [line for line in said.splitlines() if line.startswith("=")] == [
        "= S3 Bucket: StageBucket",
        "= S3 BucketPolicy: StageBucketPolicy",
        "= DynamoDB Table: Table",
    ]
    assert clone.client("s3").get_object(Bucket=bucket, Key="monitoring/site/report.html")["Body"].read() == b"kept"
    assert clone.client("dynamodb").get_item(TableName="vedette-dev", Key=item)["Item"] == item
    again = clone.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    assert again == encryption
    policy = json.loads((clone.project.folder("dev") / "policy-sweep.json").read_text())
    (rule,) = encryption["Rules"]
    used = [s["Resource"] for s in policy["Statement"] if s["Sid"] == "UseTheKey"]
    assert used == ([rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]] if key else [])
    assert clone.client("kms").list_keys()["Keys"] == keys
    assert clone.answer("setup", "--stage", "dev", "--yes")["changes"] == []


def test_another_key_than_that_of_a_kept_bucket_is_refused(clone):
    clone.done("setup", "--stage", "dev", *MAIL, "--kms-key", "new", "--yes")
    clone.done("uninstall", "--stage", "dev", "--yes")
    other = clone.client("kms").create_key()["KeyMetadata"]["Arn"]
    said = clone.refused("setup", "--stage", "dev", *MAIL, "--kms-key", other, "--yes")
    assert said.startswith("The bucket vedette-dev-123456789012-eu-west-1 of an earlier installation has the key arn:")


def test_a_role_that_a_model_uses_is_kept_and_taken_in_again(clone):
    clone.done("setup", "--stage", "dev", *MAIL, "--yes")
    role = clone.project.stage("dev")["environment_variables"]["VEDETTE_ROLE_ARN"]
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/image:1"
    clone.client("sagemaker").create_model(ModelName="theirs", ExecutionRoleArn=role, PrimaryContainer={"Image": image})
    clone.done("uninstall", "--stage", "dev", "--yes")
    said = clone.done("setup", "--stage", "dev", *MAIL, "--yes")
    assert "= IAM Role: ModelsRole" in said
    assert clone.project.stage("dev")["environment_variables"]["VEDETTE_ROLE_ARN"] == role


@pytest.mark.parametrize("missing", ["s3:GetBucketTagging", "sqs:ListQueueTags", "iam:UpdateRole"])
def test_what_the_operator_may_not_do_is_said_and_nothing_is_left(clone, missing):
    policy = clone.cloud.cloudformation.operator_policy
    if missing == "iam:UpdateRole":  # an update of a stage that exists
        clone.done("setup", "--stage", "dev", *MAIL, "--yes")
    before = set(clone.cloud.cloudformation.stacks)
    for statement in policy["Statement"]:
        statement["Action"] = [action for action in listed(statement["Action"]) if action != missing]
    said = clone.refused("setup", "--stage", "dev", *MAIL, "--kms-key", "new", "--yes")
    assert f"is not authorized to perform: {missing} on resource: arn:aws:" in said
    assert set(clone.cloud.cloudformation.stacks) == before


def test_without_a_yes_nothing_is_made(clone):
    result = clone.run("setup", "--stage", "dev", *MAIL, typed="n\n")
    assert result.exit_code == 2
    assert "Not confirmed" in result.output
    assert clone.cloud.cloudformation.stacks == {}


def test_setup_makes_the_dashboard_of_the_stage(clone):
    clone.done("setup", "--stage", "dev", *MAIL, "--yes")
    body = json.loads(clone.client("cloudwatch").get_dashboard(DashboardName="vedette-dev")["DashboardBody"])
    titles = [widget["properties"].get("title") for widget in body["widgets"]]
    assert "Violations, by endpoint" in titles
    assert {widget["properties"].get("region", "eu-west-1") for widget in body["widgets"]} == {"eu-west-1"}


def test_an_adopted_role_is_told_what_to_add(clone):
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam, document = clone.client("iam"), json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    clone.done("setup", "--stage", "dev", *MAIL, "--role", arn, "--yes")

    def found() -> dict:
        answer = clone.answer("doctor", "--stage", "dev", code=1)["findings"]
        return next(one for one in answer if one["what"] == "role theirs may read the alarms that roll an update back")

    assert (found()["outcome"], found()["found"]) == ("warning", "it may not")
    statement = json.loads(found()["remedy"].removeprefix("add to its policy: "))
    prefix = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:vedette-*-"
    assert statement["Resource"] == [prefix + "5xx", prefix + "latency"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    managed = iam.create_policy(PolicyName="alarms", PolicyDocument=policy)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="theirs", PolicyArn=managed)
    assert found()["outcome"] == "ok"

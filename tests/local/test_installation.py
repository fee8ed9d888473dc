"""A stage is installed as the real one is."""

from chalicelib.settings import from_environment


def test_a_stage_has_its_bucket_table_topic_and_subscribers(account):
    environment, bucket = account.environment, account.bucket
    s3, dynamodb, sns = (account.client(service) for service in ("s3", "dynamodb", "sns"))
    table = environment["VEDETTE_TABLE"]
    keys = dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=environment["VEDETTE_TOPIC_ARN"])["Subscriptions"]
    assert from_environment(environment).stage == "local"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_bucket_notification_configuration(Bucket=bucket)["EventBridgeConfiguration"] == {}
    assert [key["AttributeName"] for key in keys] == ["pk", "sk"]
    assert dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    assert sorted(subscription["Protocol"] for subscription in subscriptions) == ["email", "sqs"]


def test_installing_is_not_recorded(account):
    assert account.cloud.recorder.calls == []


def test_what_becomes_due_happens_in_its_order(account):
    account.endpoint(**account.capturing())
    account.predict()
    account.config("next", "site-model")
    account.client("sagemaker").update_endpoint(EndpointName="site", EndpointConfigName="next")
    account.cloud.bus.events.clear()
    account.cloud.turn(minutes=30)
    times = [event["time"] for event in account.cloud.bus.events]
    assert [event["detail-type"] for event in account.cloud.bus.events] == [
        "Object Created",
        "SageMaker Endpoint State Change",
    ]
    assert times == ["2026-03-02T09:08:00Z", "1772442660000"]

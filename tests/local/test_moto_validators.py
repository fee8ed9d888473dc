"""What moto lets pass and AWS does not."""

import json

import pytest


def publish(account, **more):
    return account.client("sns").publish(TopicArn=account.environment["VEDETTE_TOPIC_ARN"], **{"Message": "m", **more})


@pytest.mark.parametrize(
    "subject", ["", "two\nlines", "tab\there", "größe", " blank first", "x" * 100, "bell\x07", "del\x7f"]
)
def test_a_subject_that_sns_refuses_is_refused(account, refused, subject):
    with refused() as answer:
        publish(account, Subject=subject)
    assert (answer.code, answer.message) == ("InvalidParameter", "Invalid parameter: Subject")
    assert account.cloud.mailbox.mails == []


@pytest.mark.parametrize("subject", ["x" * 99, "[Vedette] b: data_type_check (50.0%)", "~!"])
def test_a_plain_subject_is_taken(account, subject):
    publish(account, Subject=subject)
    assert account.cloud.mailbox.last.subject == subject


def test_an_empty_or_too_long_message_is_refused(account, refused):
    attributes = {"team": {"DataType": "String", "StringValue": "x" * 100}}
    publish(account, Message="x" * 262_144)
    with refused() as empty:
        publish(account, Message="")
    with refused() as too_long:
        publish(account, Message="x" * 262_100, MessageAttributes=attributes)
    assert empty.message == "Invalid parameter: Empty message"
    assert too_long.message == "Invalid parameter: Message too long"


def test_the_mailbox_shows_what_a_person_and_a_machine_received(account):
    forms = {"default": json.dumps({"id": "alert-1"}), "email": "Dear operator,\n\nb is wrong."}
    publish(
        account,
        Subject="Alert",
        Message=json.dumps(forms),
        MessageStructure="json",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "alert"}},
    )
    mail = account.cloud.mailbox.last
    assert (mail.subject, mail.text, mail.attributes) == ("Alert", forms["email"], {"kind": "alert"})
    assert (mail.receiver, mail.time) == ("operator@example.com", account.cloud.clock.now())
    assert account.cloud.mailbox.messages == [{"id": "alert-1"}]
    assert account.cloud.mailbox.messages == [{"id": "alert-1"}]


def test_a_filter_policy_keeps_mail_away(account):
    sns = account.client("sns")
    topic = account.environment["VEDETTE_TOPIC_ARN"]
    for subscription in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        if subscription["Protocol"] == "email":
            sns.set_subscription_attributes(
                SubscriptionArn=subscription["SubscriptionArn"],
                AttributeName="FilterPolicy",
                AttributeValue=json.dumps({"kind": ["deployment"]}),
            )
    publish(account)
    publish(account, MessageAttributes={"kind": {"DataType": "String", "StringValue": "deployment"}})
    assert len(account.cloud.mailbox.mails) == 1


def test_events_in_the_name_of_aws_are_refused_entry_by_entry(account):
    entries = [
        {"Source": "aws.sagemaker", "DetailType": "x", "Detail": "{}"},
        {"Source": "vedette.local", "DetailType": "x", "Detail": "{}"},
        {"Source": "vedette.local", "DetailType": "x", "Detail": "[1]"},
        {"Source": "vedette.local", "Detail": "{}"},
    ]
    answer = account.client("events").put_events(Entries=entries)
    codes = [entry.get("ErrorCode") for entry in answer["Entries"]]
    assert codes == ["NotAuthorizedForSourceException", None, "MalformedDetail", "InvalidArgument"]
    assert answer["FailedEntryCount"] == 3
    assert [event["source"] for event in account.cloud.bus.events] == ["vedette.local"]


def test_more_than_ten_events_at_once_are_refused(account, refused):
    entry = {"Source": "vedette.local", "DetailType": "x", "Detail": "{}"}
    with refused() as answer:
        account.client("events").put_events(Entries=[entry] * 11)
    assert "less than or equal to 10" in answer.message


def test_the_second_conditional_write_is_refused_and_not_announced(account, refused):
    s3 = account.client("s3")
    s3.put_object(Bucket=account.bucket, Key="part", Body=b"first", IfNoneMatch="*")
    count = len(account.cloud.bus.events)
    with refused() as answer:
        s3.put_object(Bucket=account.bucket, Key="part", Body=b"second", IfNoneMatch="*")
    assert answer.code == "PreconditionFailed"
    assert s3.get_object(Bucket=account.bucket, Key="part")["Body"].read() == b"first"
    assert len(account.cloud.bus.events) == count


def test_another_owner_of_the_bucket_is_refused(account, refused):
    with refused() as answer:
        account.client("s3").list_objects_v2(Bucket=account.bucket, ExpectedBucketOwner="210987654321")
    assert answer.code == "AccessDenied"


def test_notification_filters_are_taken_as_chalice_writes_them(account):
    queue = account.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    arn = account.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    rules = [{"Name": "Prefix", "Value": "in/"}]
    configuration = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}}
    s3 = account.client("s3")
    s3.put_bucket_notification_configuration(
        Bucket=account.bucket, NotificationConfiguration={"QueueConfigurations": [configuration]}
    )
    (stored,) = s3.get_bucket_notification_configuration(Bucket=account.bucket)["QueueConfigurations"]
    assert stored["QueueArn"] == arn
    assert [rule["Value"] for rule in stored["Filter"]["Key"]["FilterRules"]] == ["in/"]


def test_a_long_poll_of_an_empty_queue_ends(account):
    sqs = account.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)

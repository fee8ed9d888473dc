"""Every call is recorded with its operation, the names in it, its error, and who made it; bodies are not."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.session import Session
from chalice import Chalice

from vedette.local.http_messages import Request
from vedette.local.operations import operation_of


def test_a_call_is_recorded_with_names_and_without_bodies(account, refused):
    table = account.environment["VEDETTE_TABLE"]
    item = {"pk": {"S": "endpoint#site"}, "sk": {"S": "pin"}, "record": {"S": "secret"}}
    account.client("dynamodb").put_item(TableName=table, Item=item)
    account.client("s3").put_object(Bucket=account.bucket, Key="parts/a b.json", Body=b"secret")
    account.client("sns").publish(
        TopicArn=account.environment["VEDETTE_TOPIC_ARN"], Message="secret", Subject="secret subject"
    )
    with refused():
        account.client("sagemaker").describe_endpoint(EndpointName="site")
    calls = account.cloud.recorder.calls
    assert [call.name for call in calls] == [
        "dynamodb:PutItem",
        "s3:PutObject",
        "sns:Publish",
        "sagemaker:DescribeEndpoint",
    ]
    assert calls[0].parameters == {"TableName": table, "pk": "endpoint#site", "sk": "pin"}
    assert calls[1].parameters == {"Bucket": account.bucket, "Key": "parts/a b.json"}
    assert calls[3].error == "ValidationException"
    assert {call.error for call in calls[:3]} == {None}
    assert "secret" not in str(calls)
    assert all(call.seconds > 0 and call.time == account.cloud.clock.now() for call in calls)


def test_what_aws_itself_does_is_not_recorded(account):
    account.endpoint(**account.capturing())
    account.cloud.recorder.clear()
    account.predict()
    account.cloud.runtime.flush()
    account.cloud.turn(minutes=10)
    assert account.cloud.recorder.names() == ["sagemaker-runtime:InvokeEndpoint"]


CALLS = [
    ("s3", "create_bucket", {"Bucket": "b"}),
    ("s3", "list_buckets", {}),
    ("s3", "list_objects_v2", {"Bucket": "b", "Prefix": "p"}),
    ("s3", "list_objects", {"Bucket": "b"}),
    ("s3", "head_bucket", {"Bucket": "b"}),
    ("s3", "get_bucket_location", {"Bucket": "b"}),
    ("s3", "put_object", {"Bucket": "b", "Key": "a/b c.txt", "Body": b"x"}),
    ("s3", "copy_object", {"Bucket": "b", "Key": "a", "CopySource": "b/c"}),
    ("s3", "get_object", {"Bucket": "b", "Key": "a", "VersionId": "1"}),
    ("s3", "head_object", {"Bucket": "b", "Key": "a"}),
    ("s3", "delete_object", {"Bucket": "b", "Key": "a"}),
    ("s3", "delete_objects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "a"}]}}),
    ("s3", "create_multipart_upload", {"Bucket": "b", "Key": "a"}),
    ("s3", "upload_part", {"Bucket": "b", "Key": "a", "UploadId": "u", "PartNumber": 1, "Body": b"x"}),
    ("s3", "complete_multipart_upload", {"Bucket": "b", "Key": "a", "UploadId": "u"}),
    ("s3", "abort_multipart_upload", {"Bucket": "b", "Key": "a", "UploadId": "u"}),
    ("s3", "get_object_tagging", {"Bucket": "b", "Key": "a"}),
    ("s3", "put_bucket_notification_configuration", {"Bucket": "b", "NotificationConfiguration": {}}),
    ("lambda", "invoke", {"FunctionName": "f"}),
    ("lambda", "get_function", {"FunctionName": "f"}),
    ("lambda", "put_function_event_invoke_config", {"FunctionName": "f"}),
    ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "e", "Body": b"x"}),
    ("sagemaker", "list_endpoints", {}),
    ("cloudwatch", "list_metrics", {}),
    ("iam", "list_roles", {}),
    ("sqs", "list_queues", {}),
]


@pytest.mark.parametrize(("service", "method", "parameters"), CALLS)
@pytest.mark.parametrize("url", [None, "http://127.0.0.1:1"], ids=["aws", "one-url"])
def test_the_operation_of_a_request_is_named_as_by_botocore(service, method, parameters, url):
    reported = []

    def before_send(request, event_name, **kwargs):
        asked = Request.of_url(request.method, request.url, request.headers, request.body)
        reported.append((event_name.split(".")[-1], operation_of(asked).name))
        raise StopIteration

    core = Session()
    core.set_credentials("t", "t")
    core.register("before-send", before_send)
    client = boto3.Session(botocore_session=core, region_name="eu-west-1").client(service, endpoint_url=url)
    with pytest.raises(Exception):  # noqa: B017 - the request goes nowhere
        getattr(client, method)(**parameters)
    expected, actual = reported[0]
    assert actual == expected


def test_calls_of_a_functions_own_threads_are_recorded_as_its_own(account):
    app = Chalice("vedette")

    @app.lambda_function()
    def threaded(event, context):
        s3 = boto3.client("s3")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda key: s3.put_object(Bucket=account.bucket, Key=key, Body=b""), ("a", "b")))

    account.cloud.run_functions(app)
    account.cloud.invoke("threaded", {})
    account.client("s3").list_buckets()
    assert [(call.operation, call.function) for call in account.cloud.recorder.calls] == [
        ("PutObject", "threaded"),
        ("PutObject", "threaded"),
        ("ListBuckets", None),
    ]

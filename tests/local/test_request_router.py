"""The same cloud in process and over HTTP, and nothing else."""

import os
import subprocess
import sys

import boto3
import pytest
from botocore.config import Config

from vedette.local import Cloud


@pytest.fixture
def over_http(account):
    with account.cloud.serve() as url:
        session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1")
        config = Config(retries={"total_max_attempts": 1})
        yield lambda service: session.client(service, endpoint_url=url, config=config)


def test_every_service_is_known_from_its_signature(account, over_http):
    account.endpoint(**account.capturing())
    over_http("s3").put_object(Bucket=account.bucket, Key="a/ü +%.txt", Body=b"over http")
    assert account.client("s3").get_object(Bucket=account.bucket, Key="a/ü +%.txt")["Body"].read() == b"over http"
    assert over_http("sagemaker").describe_endpoint(EndpointName="site")["EndpointStatus"] == "InService"
    reply = over_http("sagemaker-runtime").invoke_endpoint(
        EndpointName="site", Body="1,2", ContentType="text/csv", Accept="text/csv"
    )
    assert reply["Body"].read() == b"0.0\n"
    table = account.environment["VEDETTE_TABLE"]
    over_http("dynamodb").put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    assert account.client("dynamodb").scan(TableName=table)["Count"] == 1
    over_http("sns").publish(TopicArn=account.environment["VEDETTE_TOPIC_ARN"], Message="m", Subject="s")
    assert account.cloud.mailbox.last.text == "m"
    entry = {"Source": "mine", "DetailType": "d", "Detail": "{}"}
    assert over_http("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert over_http("sts").get_caller_identity()["Account"] == "123456789012"
    over_http("cloudwatch").put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1.0}])
    assert account.client("cloudwatch").list_metrics(Namespace="n")["Metrics"][0]["MetricName"] == "m"


def test_refusals_are_the_same_over_http(account, over_http, refused):
    with refused() as answer:
        over_http("sagemaker").describe_endpoint(EndpointName="x")
    with refused() as subject:
        over_http("sns").publish(TopicArn=account.environment["VEDETTE_TOPIC_ARN"], Message="m", Subject="a\nb")
    with refused() as missing:
        over_http("s3").head_object(Bucket=account.bucket, Key="missing")
    assert answer.message.startswith("Could not find endpoint ")
    assert subject.message == "Invalid parameter: Subject"
    assert missing.code == "404"


def test_a_large_object_travels_in_parts(account, over_http, tmp_path):
    file = tmp_path / "large"
    file.write_bytes(os.urandom(9 << 20))
    over_http("s3").upload_file(str(file), account.bucket, "large")
    assert account.cloud.read(f"s3://{account.bucket}/large") == file.read_bytes()
    assert account.events("Object Created")[-1]["detail"]["reason"] == "CompleteMultipartUpload"


def test_a_child_process_reaches_the_cloud_with_the_environment_it_is_given(account):
    program = "import boto3; print(boto3.client('sagemaker').list_endpoints()['Endpoints'])"
    with account.cloud.serve() as url:
        assert url.startswith("http://127.0.0.1:")
        environment = {"PATH": os.environ["PATH"], **account.cloud.child_environment(url)}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
    assert done.stdout == "[]\n"


def test_calls_from_many_threads_leave_one_state(account, over_http):
    from concurrent.futures import ThreadPoolExecutor

    sagemaker = over_http("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="g")
    specification = account.specification()

    def register(_):
        return sagemaker.create_model_package(ModelPackageGroupName="g", InferenceSpecification=specification)

    with ThreadPoolExecutor(8) as pool:
        arns = {answer["ModelPackageArn"] for answer in pool.map(register, range(24))}
    assert len(arns) == 24


def test_the_persons_own_aws_settings_are_hidden_and_come_back(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://192.0.2.1")
    before = boto3.DEFAULT_SESSION
    with Cloud() as cloud:
        assert "AWS_PROFILE" not in os.environ
        assert boto3.client("s3").list_buckets()["Buckets"] == []
        assert boto3.DEFAULT_SESSION is cloud.session
    assert os.environ["AWS_PROFILE"] == "no-such-profile"
    assert boto3.DEFAULT_SESSION is before


def test_a_cloud_begins_empty_and_there_is_one_at_a_time():
    with Cloud() as cloud:
        cloud.install()
        with pytest.raises(RuntimeError, match="Another Cloud is entered"), Cloud():
            pass
    with Cloud():
        client = boto3.client("s3")
        assert client.list_buckets()["Buckets"] == []
    with pytest.raises(RuntimeError, match="no Cloud is entered"):
        client.list_buckets()


def test_the_same_seed_gives_the_same_identifiers():
    def identifiers():
        with Cloud(seed=7) as cloud:
            bucket = cloud.install()["VEDETTE_BUCKET"]
            boto3.client("s3").put_object(Bucket=bucket, Key="a", Body=b"")
            return cloud.bus.events

    assert identifiers() == identifiers()


def test_a_bucket_can_be_kept(account, tmp_path):
    account.cloud.write(f"s3://{account.bucket}/a/b.txt", b"1")
    assert account.cloud.copy_bucket(account.bucket, tmp_path) == 1
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"1"

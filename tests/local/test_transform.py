"""Batch transform jobs of the simulator: created, run, listed, stopped, announced."""

import json

import pytest
from botocore.exceptions import ClientError

from vedette.local.inference.predictors import BadRequest

IMAGE = "example.com/score:1"


def double(body, content_type, accept):
    if b"bad" in body:
        raise BadRequest("unable to evaluate payload")
    if "json" in accept:
        return b'{"y": 2.0}\n' * len(body.splitlines()), "application/jsonlines"
    return b"".join(b"%d\n" % (2 * int(line.split(b",")[0])) for line in body.splitlines()), "text/csv"


@pytest.fixture
def jobs(account):
    account.cloud.runtime.register(IMAGE, double)
    sagemaker = account.client("sagemaker")
    role = account.environment["VEDETTE_ROLE_ARN"]
    sagemaker.create_model(ModelName="double", PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=role)

    def create(name="job", contents=(b"1\n2\n",), kind="text/csv", given=None, written=None, **more):
        for number, content in enumerate(contents):
            account.client("s3").put_object(Bucket=account.bucket, Key=f"in/{number}.csv", Body=content)
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.bucket}/in/"}}
        sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName="double",
            TransformInput={"DataSource": source, "ContentType": kind, "SplitType": "Line", **(given or {})},
            TransformOutput={
                "S3OutputPath": f"s3://{account.bucket}/out/",
                "Accept": kind,
                "AssembleWith": "Line",
                **(written or {}),
            },
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **more,
        )
        return name

    create.sagemaker, create.account = sagemaker, account
    create.read = lambda key: account.cloud.read(f"s3://{account.bucket}/{key}").decode()
    create.describe = lambda name="job": sagemaker.describe_transform_job(TransformJobName=name)
    return create


def test_a_job_runs_when_the_clock_turns(jobs):
    jobs(contents=(b"1\n2\n", b"3\n"))
    assert jobs.describe()["TransformJobStatus"] == "InProgress"
    assert "TransformStartTime" not in jobs.describe()
    jobs.account.cloud.turn(minutes=8)
    assert jobs.describe()["TransformJobStatus"] == "Completed"
    assert jobs.describe()["TransformStartTime"] < jobs.describe()["TransformEndTime"]
    assert [jobs.read(f"out/{number}.csv.out") for number in (0, 1)] == ["2\n4\n", "6\n"]


@pytest.mark.parametrize(
    ("processing", "contents", "output"),
    [
        ({"JoinSource": "Input"}, b"1,a\n2,b\n", "1,a,2\n2,b,4\n"),
        ({"InputFilter": "$[1:]"}, b"7,1\n8,2\n", "2\n4\n"),
        ({"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}, b"7,1\n8,2\n", "7,2\n8,4\n"),
    ],
)
def test_filters_and_joins_of_csv(jobs, processing, contents, output):
    jobs(contents=(contents,), DataProcessing=processing)
    jobs.account.cloud.turn(minutes=8)
    assert jobs.read("out/0.csv.out") == output


def test_joins_of_json(jobs):
    jobs(contents=(b'{"a": 1}\n[2]\n',), kind="application/jsonlines", DataProcessing={"JoinSource": "Input"})
    jobs.account.cloud.turn(minutes=8)
    lines = [json.loads(line) for line in jobs.read("out/0.csv.out").splitlines()]
    assert lines == [{"SageMakerOutput": {"y": 2.0}, "a": 1}, {"SageMakerInput": [2], "SageMakerOutput": {"y": 2.0}}]


def test_capture_writes_manifests_and_ids(jobs):
    config = {"DestinationS3Uri": f"s3://{jobs.account.bucket}/captured", "GenerateInferenceId": True}
    jobs(DataCaptureConfig=config)
    jobs.account.cloud.turn(minutes=8)
    hour = f"{jobs.describe()['TransformStartTime']:%Y/%m/%d/%H}"
    (uri,) = jobs.account.cloud.read_below(f"s3://{jobs.account.bucket}/captured/output/{hour}/")
    assert json.loads(jobs.account.cloud.read(uri)) == [{"prefix": f"s3://{jobs.account.bucket}/out/"}, "0.csv.out"]
    value, identifier, time = jobs.read("out/0.csv.out").splitlines()[0].split(",")
    assert (value, len(identifier), time) == ("2", 37, f"{jobs.describe()['TransformStartTime']:%Y-%m-%dT%H:%M:%SZ}")


def test_each_status_is_announced_with_times_in_milliseconds(jobs):
    jobs(Tags=[{"Key": "team", "Value": "churn"}])
    jobs.account.cloud.turn(minutes=8)
    events = jobs.account.events("SageMaker Transform Job State Change")
    assert [event["detail"]["TransformJobStatus"] for event in events] == ["InProgress", "InProgress", "Completed"]
    detail = events[-1]["detail"]
    assert events[-1]["resources"] == [detail["TransformJobArn"]]
    assert detail["Tags"] == {"team": "churn"}
    assert all(isinstance(detail[name], int) for name in ("CreationTime", "TransformStartTime", "TransformEndTime"))
    assert detail["TransformOutput"]["S3OutputPath"] == f"s3://{jobs.account.bucket}/out/"


def test_a_refused_input_has_no_output_and_the_job_fails(jobs):
    jobs(contents=(b"1\n", b"bad\n", b"3\n"))
    jobs.account.cloud.turn(minutes=8)
    assert jobs.describe()["TransformJobStatus"] == "Failed"
    assert jobs.describe()["FailureReason"].startswith(
        "ClientError: 1.csv: Bad HTTP status received from algorithm: 400"
    )
    assert sorted(jobs.account.cloud.read_below(f"s3://{jobs.account.bucket}/out/")) == [
        f"s3://{jobs.account.bucket}/out/{number}.csv.out" for number in (0, 2)
    ]


def test_a_job_without_inputs_fails(jobs):
    jobs(contents=())
    jobs.account.cloud.turn(minutes=8)
    assert "No S3 objects found" in jobs.describe()["FailureReason"]


def test_a_stopped_job_writes_nothing(jobs):
    jobs()
    jobs.sagemaker.stop_transform_job(TransformJobName="job")
    assert jobs.describe()["TransformJobStatus"] == "Stopping"
    jobs.account.cloud.turn(minutes=10)
    assert jobs.describe()["TransformJobStatus"] == "Stopped"
    assert jobs.account.cloud.read_below(f"s3://{jobs.account.bucket}/out/") == {}
    with pytest.raises(ClientError, match="in status Stopped"):
        jobs.sagemaker.stop_transform_job(TransformJobName="job")


def test_jobs_are_listed_by_name_and_time(jobs):
    for name in ("night-1", "night-2", "other"):
        jobs(name)
        jobs.account.cloud.turn(minutes=8)
    listed = jobs.sagemaker.list_transform_jobs(NameContains="night", SortBy="CreationTime", SortOrder="Descending")
    assert [one["TransformJobName"] for one in listed["TransformJobSummaries"]] == ["night-2", "night-1"]
    after = jobs.describe("night-1")["TransformEndTime"]
    later = jobs.sagemaker.list_transform_jobs(LastModifiedTimeAfter=after)["TransformJobSummaries"]
    assert {one["TransformJobName"] for one in later} == {"night-2", "other"}


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ({"name": "a_b"}, "ValidationException", "regular expression"),
        ({"DataProcessing": {"InputFilter": "a"}}, "ValidationException", "JSONPath"),
        ({"DataProcessing": {"JoinSource": "Input"}, "kind": "image/png"}, "ValidationException", "DataProcessing"),
        (
            {"DataProcessing": {"JoinSource": "Input"}, "written": {"AssembleWith": "None"}},
            "ValidationException",
            "AssembleWith",
        ),
        ({"BatchStrategy": "MultiRecord", "given": {"SplitType": "None"}}, "ValidationException", "BatchStrategy"),
    ],
)
def test_what_is_refused(jobs, more, code, message):
    with pytest.raises(ClientError, match=message) as refused:
        jobs(**more)
    assert refused.value.response["Error"]["Code"] == code


def test_names_are_unique_and_models_must_exist(jobs):
    jobs()
    with pytest.raises(ClientError, match="unique"):
        jobs()
    with pytest.raises(ClientError, match="Could not find requested job"):
        jobs.describe("nobody")

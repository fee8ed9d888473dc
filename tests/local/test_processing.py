"""Processing jobs of the analyzer image, and executions with a baseline: the files are those of the data."""

import json

import pytest
from botocore.exceptions import ClientError

IMAGE = "156387875391.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer:latest"
CSV = {"csv": {"header": True, "output_columns_position": "START"}}
CLUSTER = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}}
DATA = b"label,a,b\n" + b"".join(b"%d,%d,%d.5\n" % (i % 2, i, i) for i in range(50))


def start(account, content=DATA, dataset_format=CSV, image=IMAGE, key="data.csv", **environment):
    """A baselining job of this data set, as the SDK creates it; its description when it has ended."""
    if content is not None:
        account.client("s3").put_object(Bucket=account.bucket, Key=key, Body=content)
    source, target = "/opt/ml/processing/input/baseline_dataset_input", "/opt/ml/processing/output"
    given = {"S3Uri": f"s3://{account.bucket}/{key}", "LocalPath": source, "S3DataType": "S3Prefix"}
    made = {"S3Uri": f"s3://{account.bucket}/baseline", "LocalPath": target, "S3UploadMode": "EndOfJob"}
    sagemaker = account.client("sagemaker")
    sagemaker.create_processing_job(
        ProcessingJobName="suggestion",
        ProcessingInputs=[{"InputName": "data", "S3Input": {**given, "S3InputMode": "File"}}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": made}]},
        ProcessingResources=CLUSTER,
        AppSpecification={"ImageUri": image},
        Environment={
            "dataset_format": json.dumps(dataset_format),
            "dataset_source": source,
            "output_path": target,
            **environment,
        },
        RoleArn=account.environment["VEDETTE_ROLE_ARN"],
    )
    assert sagemaker.describe_processing_job(ProcessingJobName="suggestion")["ProcessingJobStatus"] == "InProgress"
    account.cloud.turn(minutes=6)
    return sagemaker.describe_processing_job(ProcessingJobName="suggestion")


def features(account, name):
    return json.loads(account.cloud.read(f"s3://{account.bucket}/baseline/{name}.json"))["features"]


def test_a_baselining_job_computes_both_files_from_the_data_set(account):
    assert start(account)["ProcessingJobStatus"] == "Completed"
    assert [one["name"] for one in features(account, "statistics")] == ["label", "a", "b"]
    assert [one["inferred_type"] for one in features(account, "constraints")] == ["Integral", "Integral", "Fractional"]
    assert features(account, "statistics")[1]["numerical_statistics"]["mean"] == 24.5


def test_a_data_set_without_header_whose_label_is_last_is_read_as_its_format_says(account):
    start(account, b"1.5,0\n2.5,1\n", {"csv": {"header": False, "output_columns_position": "END"}})
    assert [one["inferred_type"] for one in features(account, "statistics")] == ["Integral", "Fractional"]


def test_json_lines_are_read_whatever_the_objects_name(account):
    start(account, b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n', {"json": {"lines": True}}, key="data.json")
    assert [(one["name"], one["inferred_type"]) for one in features(account, "statistics")] == [
        ("a", "Integral"),
        ("b", "String"),
    ]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"image": "example.com/mine:1"}, "The AWS simulator has no container for image example.com/mine:1."),
        ({"content": None}, 'No S3 objects found under S3 URL "s3://'),
        ({"content": b"a,b\n1\n"}, "line 2 has 1 cells instead of 2"),
        ({"dataset_format": {"parquet": {}}}, "reads data sets as csv or json, not as parquet"),
        ({"dataset_source": "/elsewhere"}, "no input of the job lies at /elsewhere"),
    ],
)
def test_a_job_that_cannot_read_its_data_fails_and_says_why(account, more, reason):
    job = start(account, **more)
    assert job["ProcessingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]


def test_a_job_name_is_taken_for_ever(account):
    start(account)
    with pytest.raises(ClientError, match="Job name must be unique"):
        start(account)


def test_an_execution_judges_the_captures_of_its_hour_against_the_baseline(account):
    start(account, b"label,a,b\n" + b"".join(b"%d,%d,%d\n" % (i % 2, i % 12, i % 15) for i in range(60)))
    account.endpoint(**account.capturing())
    baseline = {
        f"{name.capitalize()}Resource": {"S3Uri": f"s3://{account.bucket}/baseline/{name}.json"}
        for name in ("constraints", "statistics")
    }
    target = {"S3Uri": f"s3://{account.bucket}/monitor", "LocalPath": "/opt/ml/processing/output"}
    sagemaker = account.client("sagemaker")
    sagemaker.create_data_quality_job_definition(
        JobDefinitionName="with-baseline",
        DataQualityBaselineConfig=baseline,
        DataQualityAppSpecification={"ImageUri": IMAGE},
        DataQualityJobInput={"EndpointInput": {"EndpointName": "site", "LocalPath": "/opt/ml/processing/input"}},
        DataQualityJobOutputConfig={"MonitoringOutputs": [{"S3Output": target}]},
        JobResources=CLUSTER,
        RoleArn=account.environment["VEDETTE_ROLE_ARN"],
    )
    sagemaker.create_monitoring_schedule(
        MonitoringScheduleName="hourly",
        MonitoringScheduleConfig={
            "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            "MonitoringJobDefinitionName": "with-baseline",
            "MonitoringType": "DataQuality",
        },
    )
    for _ in range(10):
        account.predict("1,2\n")
        account.predict("1,2.5\n")
    account.cloud.turn(minutes=90)
    (execution,) = sagemaker.list_monitoring_executions(MonitoringScheduleName="hourly")["MonitoringExecutionSummaries"]
    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations"
    job = sagemaker.describe_processing_job(ProcessingJobName=execution["ProcessingJobArn"].rpartition("/")[2])
    assert [one["InputName"] for one in job["ProcessingInputs"]] == ["endpoint_input_1", "constraints", "baseline"]
    assert job["Environment"]["baseline_constraints"] == "/opt/ml/processing/baseline/constraints/constraints.json"
    folder = job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    found = json.loads(account.cloud.read(f"{folder}/constraint_violations.json"))["violations"]
    assert "Only 50.0% of data is Integral" in next(
        one["description"]
        for one in found
        if (one["feature_name"], one["constraint_check_type"]) == ("b", "data_type_check")
    )
    assert json.loads(account.cloud.read(f"{folder}/statistics.json"))["dataset"]["item_count"] == 20
    assert job["ExitMessage"] == f"CompletedWithViolations: Job completed successfully with {len(found)} violations."

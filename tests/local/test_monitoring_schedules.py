"""Model Monitor's schedules, executions and processing jobs."""

from datetime import timedelta

import pytest

from vedette.local.sagemaker.executions import Report

IMAGE = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"
CLUSTER = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}}


def output(account):
    target = {"S3Uri": f"s3://{account.bucket}/monitor", "LocalPath": "/opt/ml/processing/output"}
    return {"MonitoringOutputs": [{"S3Output": target}]}


def define(account, name="definition", kind="DataQuality"):
    given = {"EndpointInput": {"EndpointName": "site", "LocalPath": "/opt/ml/processing/input"}}
    specification = {"ImageUri": IMAGE}
    if kind == "ModelQuality":
        given["GroundTruthS3Input"] = {"S3Uri": f"s3://{account.bucket}/labels"}
        specification["ProblemType"] = "BinaryClassification"
    getattr(
        account.client("sagemaker"), f"create_{'model' if kind == 'ModelQuality' else 'data'}_quality_job_definition"
    )(
        JobDefinitionName=name,
        JobResources=CLUSTER,
        RoleArn=account.environment["VEDETTE_ROLE_ARN"],
        **{
            f"{kind}AppSpecification": specification,
            f"{kind}JobInput": given,
            f"{kind}JobOutputConfig": output(account),
        },
    )


def schedule(account, name="hourly", cron="cron(0 * ? * * *)", kind="DataQuality", definition="definition"):
    account.client("sagemaker").create_monitoring_schedule(
        MonitoringScheduleName=name,
        MonitoringScheduleConfig={
            "ScheduleConfig": {"ScheduleExpression": cron},
            "MonitoringJobDefinitionName": definition,
            "MonitoringType": kind,
        },
    )


@pytest.fixture
def monitored(account):
    account.endpoint(**account.capturing())
    define(account)
    schedule(account)
    return account


def executions(account, **filters):
    answer = account.client("sagemaker").list_monitoring_executions(MonitoringScheduleName="hourly", **filters)
    return answer["MonitoringExecutionSummaries"]


def job_of(account, execution):
    name = execution["ProcessingJobArn"].rpartition("/")[2]
    return account.client("sagemaker").describe_processing_job(ProcessingJobName=name)


def test_an_execution_begins_within_twenty_minutes_of_the_hour(monitored):
    monitored.predict()
    monitored.cloud.turn(minutes=55)
    monitored.cloud.turn(minutes=30)
    (execution,) = executions(monitored)
    job = job_of(monitored, execution)
    late = job["CreationTime"] - execution["ScheduledTime"]
    assert execution["ScheduledTime"].strftime("%H:%M") == "10:00"
    assert timedelta() <= late <= timedelta(minutes=20)
    assert execution["MonitoringExecutionStatus"] == "Completed"
    assert job["ExitMessage"] == "Completed: Job completed successfully with no violations."
    assert job["ProcessingJobName"].startswith("model-monitoring-202603021000-")
    assert job["MonitoringScheduleArn"].endswith(":monitoring-schedule/hourly")
    assert job["Environment"]["sagemaker_endpoint_name"] == "site"
    assert job["Environment"]["sagemaker_monitoring_schedule_name"] == "hourly"
    assert (job["Environment"]["start_time"], job["Environment"]["end_time"]) == (
        "2026-03-02T09:00:00Z",
        "2026-03-02T10:00:00Z",
    )
    uri = job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    assert uri == f"s3://{monitored.bucket}/monitor/site/hourly/2026/03/02/10"
    assert b"violations" in monitored.cloud.read(f"{uri}/constraint_violations.json")


def test_the_jobs_event_tells_only_what_the_documented_one_tells(monitored, conformance):
    import json

    sample = json.loads((conformance / "events" / "SageMaker_Processing_Job_State_Change.json").read_text())
    monitored.cloud.turn(minutes=90)
    events = monitored.events("SageMaker Processing Job State Change")
    assert [event["detail"]["ProcessingJobStatus"] for event in events] == ["InProgress", "Failed"]
    last = events[-1]
    assert last.keys() == sample.keys()
    assert sample["detail"].keys() - last["detail"].keys() == {"NetworkConfig"}
    assert last["detail"].keys() <= sample["detail"].keys()
    given = last["detail"]["ProcessingInputs"][0]["S3Input"]
    assert (given["S3DataType"], given["S3DataDistributionType"]) == ("S3_PREFIX", "FULLYREPLICATED")
    assert last["detail"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3UploadMode"] == "CONTINUOUS"


def test_without_captured_data_an_execution_fails_and_says_where_it_looked(monitored):
    monitored.cloud.turn(minutes=90)
    (execution,) = executions(monitored)
    job = job_of(monitored, execution)
    assert execution["MonitoringExecutionStatus"] == job["ProcessingJobStatus"] == "Failed"
    assert "No S3 objects found under S3 URL" in job["FailureReason"]
    assert "/data-capture/site/AllTraffic/2026/03/02/09" in job["FailureReason"]


def test_what_a_job_finds_is_said_by_a_callable(monitored):
    seen = []

    def monitor(execution):
        seen.append(execution)
        return Report(violations=3, files={"constraint_violations.json": b"{}", "statistics.json": b"[]"})

    monitored.cloud.sagemaker.monitoring.monitor = monitor
    monitored.cloud.turn(minutes=90)
    (execution,) = executions(monitored, StatusEquals="CompletedWithViolations")
    job = job_of(monitored, execution)
    assert job["ProcessingJobStatus"] == "Completed"
    assert job["ExitMessage"] == "CompletedWithViolations: Job completed successfully with 3 violations."
    assert seen[0].output_uri.endswith("/monitor/site/hourly/2026/03/02/10")
    assert monitored.cloud.read(f"{seen[0].output_uri}/statistics.json") == b"[]"


def test_model_quality_runs_a_merge_job_first(account):
    account.endpoint(**account.capturing())
    define(account, kind="ModelQuality")
    schedule(account, kind="ModelQuality")
    account.cloud.sagemaker.monitoring.monitor = lambda execution: Report()
    account.cloud.turn(hours=1, minutes=35)
    jobs = account.client("sagemaker").list_processing_jobs(SortBy="CreationTime", SortOrder="Ascending")
    names = [job["ProcessingJobName"] for job in jobs["ProcessingJobSummaries"]]
    merge, analysis = names[0], names[1]
    assert merge.startswith("groundtruth-merge-202603021000-")
    assert analysis.startswith("model-quality-monitoring-202603021000-")
    assert merge[-24:] == analysis[-24:]


def test_missing_labels_end_an_execution_at_its_merge_job(account):
    account.endpoint(**account.capturing())
    define(account, kind="ModelQuality")
    schedule(account, kind="ModelQuality")
    account.cloud.sagemaker.monitoring.monitor = lambda execution: Report(merge_failure="No S3 objects found")
    account.cloud.turn(hours=1, minutes=35)
    (job,) = account.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"]
    assert (job["ProcessingJobStatus"], job["FailureReason"]) == ("Failed", "No S3 objects found")
    assert executions(account)[0]["MonitoringExecutionStatus"] == "Failed"


def test_an_execution_may_fail_without_ever_having_a_job(monitored):
    monitored.cloud.sagemaker.monitoring.fail_next_without_job("hourly", "Job inputs had no data")
    monitored.cloud.turn(minutes=90)
    (execution,) = executions(monitored)
    assert "ProcessingJobArn" not in execution
    assert execution["FailureReason"] == "Job inputs had no data"
    assert monitored.events("SageMaker Processing Job State Change") == []


def test_a_pending_schedule_refuses_changes_and_a_stopped_one_runs_nothing(account, refused):
    account.endpoint(**account.capturing())
    define(account)
    schedule(account)
    sagemaker = account.client("sagemaker")
    with refused() as answer:
        sagemaker.stop_monitoring_schedule(MonitoringScheduleName="hourly")
    assert answer.message == "Monitoring schedule in status Pending"
    account.cloud.turn(minutes=1)
    sagemaker.stop_monitoring_schedule(MonitoringScheduleName="hourly")
    account.cloud.turn(hours=3)
    assert executions(account) == []
    sagemaker.start_monitoring_schedule(MonitoringScheduleName="hourly")
    account.cloud.turn(hours=1)
    account.cloud.turn(minutes=25)
    assert len(executions(account)) == 1


def test_things_are_deleted_in_order(monitored, refused):
    sagemaker = monitored.client("sagemaker")
    monitored.cloud.turn(minutes=55)
    while not monitored.cloud.sagemaker.monitoring.history:
        monitored.cloud.turn(minutes=1)
    with refused() as running:
        sagemaker.delete_monitoring_schedule(MonitoringScheduleName="hourly")
    with refused() as watched:
        sagemaker.delete_endpoint(EndpointName="site")
    assert "executions in progress" in running.message
    assert "monitoring schedules: hourly" in watched.message
    monitored.cloud.turn(minutes=10)
    sagemaker.delete_monitoring_schedule(MonitoringScheduleName="hourly")
    monitored.cloud.turn(minutes=1)
    assert len(sagemaker.list_monitoring_executions(EndpointName="site")["MonitoringExecutionSummaries"]) == 1
    sagemaker.delete_data_quality_job_definition(JobDefinitionName="definition")
    sagemaker.delete_endpoint(EndpointName="site")
    monitored.cloud.turn(minutes=1)
    sagemaker.delete_endpoint_config(EndpointConfigName="site-config")
    sagemaker.delete_model(ModelName="site-model")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    with refused() as gone:
        sagemaker.describe_monitoring_schedule(MonitoringScheduleName="hourly")
    assert gone.code == "ResourceNotFound"


@pytest.mark.parametrize(
    ("cron", "hours"),
    [("cron(0 12 ? * * *)", ["12"]), ("cron(0 10/6 ? * * *)", ["10", "16"]), ("cron(0 * ? * * *)", ["10", "11"])],
)
def test_schedules_fire_at_the_hours_of_their_expression(account, cron, hours):
    account.endpoint(**account.capturing())
    define(account)
    schedule(account, cron=cron)
    account.cloud.turn(hours=9 if "*)" in cron and "0 *" not in cron else 2, minutes=20)
    assert [f"{item['ScheduledTime']:%H}" for item in reversed(executions(account))] == hours


def test_an_expression_that_model_monitor_does_not_take_is_refused(account, refused):
    account.endpoint(**account.capturing())
    define(account)
    with refused() as answer:
        schedule(account, cron="cron(0/5 * ? * * *)")
    assert "only hourly integer rates" in answer.message


def test_an_inline_definition_is_a_data_quality_monitor(account):
    account.endpoint(**account.capturing())
    definition = {
        "MonitoringInputs": [{"EndpointInput": {"EndpointName": "site", "LocalPath": "/opt/ml/processing/input"}}],
        "MonitoringOutputConfig": output(account),
        "MonitoringResources": CLUSTER,
        "MonitoringAppSpecification": {"ImageUri": IMAGE},
        "RoleArn": account.environment["VEDETTE_ROLE_ARN"],
    }
    sagemaker = account.client("sagemaker")
    sagemaker.create_monitoring_schedule(
        MonitoringScheduleName="hourly", MonitoringScheduleConfig={"MonitoringJobDefinition": definition}
    )
    account.cloud.turn(minutes=10)
    described = sagemaker.describe_monitoring_schedule(MonitoringScheduleName="hourly")
    assert described["MonitoringScheduleStatus"] == "Scheduled"
    assert described["LastMonitoringExecutionSummary"]["MonitoringType"] == "DataQuality"

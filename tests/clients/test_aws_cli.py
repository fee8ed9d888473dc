"""The loop of register, deploy, update, capture, baseline, schedule, violations and deletion with the AWS CLI."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.clients.sites import downloads
from vedette.local import Cloud

BUCKET, NAME = "loop-bucket", "loop-cli"
BASE = f"s3://{BUCKET}/{NAME}"
ROLE = "arn:aws:iam::123456789012:role/models"
IMAGES = "174872318107.dkr.ecr.us-west-2.amazonaws.com"
ANALYZER = "159807026194.dkr.ecr.us-west-2.amazonaws.com/sagemaker-model-monitor-analyzer"
CLUSTER = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}}
INPUT, OUTPUT = "/opt/ml/processing/input", "/opt/ml/processing/output"


class Shell:
    """Someone with a terminal, in a folder of their own."""

    def __init__(self, cloud: Cloud, url: str, program: Path, folder: Path):
        self.cloud, self._program, self.folder = cloud, program, folder
        self._environment = {**cloud.child_environment(url), "PATH": os.environ["PATH"], "HOME": str(folder)}

    def aws(self, service: str, operation: str, *words: str, **options) -> dict:
        """A command with its options, structures as JSON; what it answers."""
        given = [service, operation, *words]
        for name, value in options.items():
            given += [f"--{name.replace('_', '-')}", value if isinstance(value, str) else json.dumps(value)]
        done = subprocess.run(
            [self._program, *given], cwd=self.folder, env=self._environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"aws {' '.join(given)}\n{done.stderr}"
        return json.loads(done.stdout) if done.stdout.startswith("{") else {"said": done.stdout}

    def sagemaker(self, operation: str, *words: str, **options) -> dict:
        return self.aws("sagemaker", operation, *words, **options)

    def predict(self, body: str) -> str:
        types = {"content_type": "text/csv", "accept": "text/csv"}
        self.aws("sagemaker-runtime", "invoke-endpoint", "answer", endpoint_name=NAME, body=body, **types)
        return (self.folder / "answer").read_text()

    def configured(self, name: str, package: str, **more) -> dict:
        """The options that name a new config with a model of this version."""
        container = {"ModelPackageName": package}
        self.sagemaker("create-model", model_name=name, execution_role_arn=ROLE, primary_container=container)
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
        }
        self.sagemaker("create-endpoint-config", endpoint_config_name=name, production_variants=[variant], **more)
        return {"endpoint_name": NAME, "endpoint_config_name": name}


@pytest.fixture(scope="module")
def shell(programs_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shell")
    for name, content in downloads().items():
        (folder / name).write_bytes(content)
    with Cloud(region="us-west-2") as cloud, cloud.serve() as url:
        yield Shell(cloud, url, programs_of("aws_cli") / "aws", folder)


def registered(shell: Shell, algorithm: str, archive: str) -> str:
    shell.aws("s3", "cp", archive, f"{BASE}/{archive}")
    return shell.sagemaker(
        "create-model-package",
        model_package_group_name=NAME,
        model_approval_status="Approved",
        inference_specification={
            "Containers": [{"Image": f"{IMAGES}/{algorithm}:1", "ModelDataUrl": f"{BASE}/{archive}"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]


def with_integers(shell: Shell) -> None:
    """A baselining job, and its constraints edited by hand."""
    shell.aws("s3", "cp", "baseline.csv", f"{BASE}/baseline.csv")
    source = {"S3Uri": f"{BASE}/baseline.csv", "LocalPath": INPUT, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    target = {"S3Uri": f"{BASE}/baseline", "LocalPath": OUTPUT, "S3UploadMode": "EndOfJob"}
    shell.sagemaker(
        "create-processing-job",
        processing_job_name=NAME,
        processing_inputs=[{"InputName": "data", "S3Input": source}],
        processing_output_config={"Outputs": [{"OutputName": "baseline", "S3Output": target}]},
        processing_resources=CLUSTER,
        app_specification={"ImageUri": ANALYZER},
        environment={"dataset_format": '{"csv":{"header":true}}', "dataset_source": INPUT, "output_path": OUTPUT},
        role_arn=ROLE,
    )
    shell.cloud.turn(minutes=6)
    shell.sagemaker("wait", "processing-job-completed-or-stopped", processing_job_name=NAME)
    shell.aws("s3", "cp", f"{BASE}/baseline/constraints.json", "constraints.json")
    file = shell.folder / "constraints.json"
    file.write_text(file.read_text().replace('"Fractional"', '"Integral"'))
    shell.aws("s3", "cp", "constraints.json", f"{BASE}/baseline/constraints.json")


def scheduled(shell: Shell) -> None:
    """An hourly schedule of data quality."""
    target = {"S3Uri": f"{BASE}/report", "LocalPath": OUTPUT}
    shell.sagemaker(
        "create-data-quality-job-definition",
        job_definition_name=NAME,
        data_quality_baseline_config={
            "ConstraintsResource": {"S3Uri": f"{BASE}/baseline/constraints.json"},
            "StatisticsResource": {"S3Uri": f"{BASE}/baseline/statistics.json"},
        },
        data_quality_app_specification={"ImageUri": ANALYZER},
        data_quality_job_input={"EndpointInput": {"EndpointName": NAME, "LocalPath": INPUT}},
        data_quality_job_output_config={"MonitoringOutputs": [{"S3Output": target}]},
        job_resources=CLUSTER,
        role_arn=ROLE,
    )
    shell.sagemaker(
        "create-monitoring-schedule",
        monitoring_schedule_name=NAME,
        monitoring_schedule_config={
            "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            "MonitoringJobDefinitionName": NAME,
            "MonitoringType": "DataQuality",
        },
    )


def test_the_loop_runs_by_commands_alone(shell):
    shell.aws("s3", "mb", f"s3://{BUCKET}")
    shell.sagemaker("create-model-package-group", model_package_group_name=NAME)
    first = registered(shell, "knn", "knn.model.tar.gz")
    second = registered(shell, "linear-learner", "ll.model.tar.gz")
    shell.sagemaker("create-endpoint", **shell.configured(f"{NAME}-1", first))
    shell.cloud.turn(minutes=6)
    shell.sagemaker("wait", "endpoint-in-service", endpoint_name=NAME)
    assert shell.predict("2,0") == "2.0\n"

    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"{BASE}/data-capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    shell.sagemaker("update-endpoint", **shell.configured(f"{NAME}-2", second, data_capture_config=capture))
    shell.cloud.turn(minutes=7)
    shell.sagemaker("wait", "endpoint-in-service", endpoint_name=NAME)
    with_integers(shell)
    scheduled(shell)
    assert shell.predict("2,0\n-4,-2\n2,5\n") == "2\n0\n1\n"
    shell.predict("2,0.50\n-4,-2.50\n2,5.50\n")
    shell.cloud.turn(minutes=75)  # the execution of ten o'clock begins at most twenty minutes later

    listed = shell.sagemaker("list-monitoring-executions", monitoring_schedule_name=NAME)
    (execution,) = listed["MonitoringExecutionSummaries"]
    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations"
    job = shell.sagemaker(
        "describe-processing-job", processing_job_name=execution["ProcessingJobArn"].rpartition("/")[2]
    )
    folder = job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    shell.aws("s3", "cp", f"{folder}/constraint_violations.json", "violations.json")
    (violation,) = json.loads((shell.folder / "violations.json").read_text())["violations"]
    assert violation["feature_name"] == "b"
    assert violation["description"].endswith("Observed: Only 50.0% of data is Integral.")

    shell.sagemaker("delete-monitoring-schedule", monitoring_schedule_name=NAME)
    shell.sagemaker("delete-data-quality-job-definition", job_definition_name=NAME)
    shell.sagemaker("delete-endpoint", endpoint_name=NAME)
    shell.cloud.turn(minutes=5)
    assert shell.sagemaker("list-endpoints") == {"Endpoints": []}
    assert shell.sagemaker("list-monitoring-schedules") == {"MonitoringScheduleSummaries": []}

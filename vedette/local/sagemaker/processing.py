"""Processing jobs: those that users create, and those as which monitoring executions appear.

What a job computes comes from `container`, a callable (aws-behaviour: described-job, analyzer-job).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from vedette.local.account import SimulatedAccount
from vedette.local.errors import AwsError
from vedette.local.sagemaker.analyzer import output_uri
from vedette.local.sagemaker.core import Listing, Parameters, Record, milliseconds, present
from vedette.local.sagemaker.executions import Report

JOBS = Listing(
    "ProcessingJobSummaries",
    "ProcessingJobName",
    (
        "ProcessingJobName",
        "ProcessingJobArn",
        "CreationTime",
        "ProcessingEndTime",
        "LastModifiedTime",
        "ProcessingJobStatus",
        "FailureReason",
        "ExitMessage",
    ),
    sort_keys={"Status": "ProcessingJobStatus"},
)
# The published event has neither Environment, MonitoringScheduleArn nor ExitMessage (aws-behaviour: processing-event).
ANNOUNCED = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingJobName",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
    "ProcessingJobArn",
    "ProcessingJobStatus",
    "FailureReason",
    "ProcessingEndTime",
    "ProcessingStartTime",
    "LastModifiedTime",
    "CreationTime",
)
TIMES = {"ProcessingEndTime", "ProcessingStartTime", "LastModifiedTime", "CreationTime"}
UPPER_CASE_IN_EVENTS = {"S3DataType", "S3InputMode", "S3UploadMode", "S3DataDistributionType"}


class Processing:
    """The processing jobs of the account."""

    def __init__(self, account: SimulatedAccount):
        self._account = account
        self.jobs: dict[str, Record] = {}
        self.container: Callable[[Record], Report] = lambda job: Report()
        self.write: Callable[[str, bytes], None] = lambda uri, body: None
        self.minutes = 5.0

    def CreateProcessingJob(self, arguments: Parameters) -> Record:
        name = arguments["ProcessingJobName"]
        if name in self.jobs:
            raise AwsError("ResourceInUse", f"Job name must be unique within an AWS account and region: {name}")
        job = self.start(name, {key: value for key, value in arguments.items() if key != "Tags"})
        self._account.tag(job["ProcessingJobArn"], arguments.get("Tags"))
        self._account.clock.after(timedelta(minutes=self.minutes), lambda: self._run(job))
        return {"ProcessingJobArn": job["ProcessingJobArn"]}

    def _run(self, job: Record) -> None:
        report = self.container(job)
        for file_name, body in report.files.items():
            self.write(f"{output_uri(job)}/{file_name}", body)
        status = "Failed" if report.failure_reason else "Completed"
        self.finish(job["ProcessingJobName"], status, report.exit_message, report.failure_reason)

    def start(self, name: str, job: Record) -> Record:
        """Start a job."""
        now = self._account.now()
        arn = self._account.arn("processing-job", name)
        started = {
            "ExperimentConfig": {},
            **job,
            "ProcessingJobName": name,
            "ProcessingJobArn": arn,
            "ProcessingJobStatus": "InProgress",
            "CreationTime": now,
            "ProcessingStartTime": now,
            "LastModifiedTime": now,
        }
        self.jobs[name] = started
        self._account.tag(arn, None)
        self._announce(started)
        return started

    def finish(
        self, name: str, status: str, exit_message: str | None = None, failure_reason: str | None = None
    ) -> None:
        """End a job as Completed, Failed or Stopped."""
        now, job = self._account.now(), self.jobs[name]
        job.update(
            ProcessingJobStatus=status,
            ProcessingEndTime=now,
            LastModifiedTime=now,
            **present(ExitMessage=exit_message, FailureReason=failure_reason),
        )
        self._announce(job)

    def DescribeProcessingJob(self, arguments: Parameters) -> Record:
        name = arguments["ProcessingJobName"]
        if name not in self.jobs:
            raise AwsError("ResourceNotFound", f"Could not find requested job with name: {name}")
        return self.jobs[name]

    def ListProcessingJobs(self, arguments: Parameters) -> Record:
        wanted = arguments.get("StatusEquals")
        return JOBS.page((job for job in self.jobs.values() if wanted in {None, job["ProcessingJobStatus"]}), arguments)

    def _announce(self, job: Record) -> None:
        detail: dict[str, Any] = {name: _in_event(name, job[name]) for name in ANNOUNCED if name in job}
        self._account.announce("SageMaker Processing Job State Change", job["ProcessingJobArn"], detail)


def _in_event(name: str, value: Any) -> Any:
    """Times in milliseconds; ManifestFile becomes MANIFEST_FILE (aws-behaviour: processing-event)."""
    if name in TIMES:
        return milliseconds(value)
    if name == "S3DataDistributionType":
        return str(value).upper()
    if name in UPPER_CASE_IN_EVENTS:
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", value).upper()
    if isinstance(value, dict):
        return {key: _in_event(key, item) for key, item in value.items()}
    return [_in_event("", item) for item in value] if isinstance(value, list) else value

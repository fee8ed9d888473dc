"""The executions of Model Monitor's own schedules, in accounts that still have them, read where they lie.

| input                                      | outcome                                                               |
|--------------------------------------------|-----------------------------------------------------------------------|
| a processing job that ended                | its execution, or Skipped with the reason                             |
| ... whose endpoint only the schedule names | DescribeMonitoringSchedule                                            |
| ... which announces violations, no report  | NotReady for two minutes; then the execution says so                  |
| ... with a report that is none, or is huge | the execution says so                                                 |
| ... that failed for lack of data           | NoData; CaptureStopped when CloudWatch counted requests               |
| the executions of the last hours (sweep)   | those that were not reported: their event was lost, or they never had |
|                                            | a job                                                                 |
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from chalicelib import locations
from chalicelib.alerts import model_monitor
from chalicelib.aws import cloudwatch, sagemaker
from chalicelib.aws.s3 import Bucket
from chalicelib.constraints.files import Violation, read_violations
from chalicelib.constraints.measurement import Verdict
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import NotReady, UnreadableFile
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.records import Execution

MAX_REPORT_BYTES = 20 << 20  # thousands of features stay far below


class _Report(NamedTuple):
    """The violations of a report, and why they could not be read; neither when there is no report."""

    violations: tuple[Violation, ...] = ()
    error: str = ""


def execution_of_job(job_name: str, status: str = "") -> Execution | Skipped:
    """The execution of a processing job that ended.

    `status` is its MonitoringExecutionStatus, where it is known.

    Raises
    ------
    NotReady
        When its report may still be on its way.
    """
    job = sagemaker.describe_processing_job(job_name)
    if job is None or not (status or model_monitor.is_execution(job)):
        return Skipped(SkipReason.NOT_A_MONITORING_EXECUTION, f"{job_name} is not a monitoring execution")
    if model_monitor.is_merge(job) and job["ProcessingJobStatus"] == "Completed":
        return Skipped(SkipReason.GROUND_TRUTH_MERGE, f"{job_name} merges ground truth; its analysis job follows")
    endpoint = model_monitor.endpoint_of(job) or _endpoint_of_schedule(model_monitor.schedule_of(job))
    report = _report(model_monitor.output_uri(job))
    absent = not report.violations and not report.error
    if absent and not status and model_monitor.has_no_result(job):
        status = _listed_status(job, endpoint)
    if absent and model_monitor.report_is_due(job, status, datetime.now(UTC)):
        raise NotReady(f"The report of {job_name} is not there yet.")
    return _with_traffic(
        model_monitor.execution(job, report.violations, endpoint=endpoint, status=status, unreadable=report.error)
    )


def unreported_executions(run: EndpointRun, since: datetime) -> Iterator[Execution]:
    """The executions scheduled since a time that ended and were not reported."""
    if not run.entry.is_endpoint:
        return
    for summary in sagemaker.monitoring_executions(run.endpoint, since):
        status = summary["MonitoringExecutionStatus"]
        if status not in model_monitor.ENDED or _was_reported(run, summary):
            continue
        job = str(summary.get("ProcessingJobArn", "")).rpartition("/")[2]
        try:
            found = (
                execution_of_job(job, status) if job else _with_traffic(model_monitor.execution_without_job(summary))
            )
        except NotReady:
            continue  # the next sweep finds it
        if isinstance(found, Execution):
            yield found


def _was_reported(run: EndpointRun, summary: dict[str, Any]) -> bool:
    variant = model_monitor.variant_of(summary["MonitoringScheduleName"])
    state, _ = run.stores.alert_states.get(run.endpoint, variant)
    last = state.last_closed_window_end if state else None
    return last is not None and last >= summary["ScheduledTime"].replace(minute=0, second=0, microsecond=0)


def _endpoint_of_schedule(schedule: str) -> str:
    described = sagemaker.describe_monitoring_schedule(schedule) if schedule else None
    return str((described or {}).get("EndpointName", ""))


def _listed_status(job: dict[str, Any], endpoint: str) -> str:
    """What ListMonitoringExecutions says of a job; "" when it does not list it."""
    listed = sagemaker.monitoring_executions(endpoint, job["CreationTime"] - model_monitor.HOUR)
    statuses = (
        str(one["MonitoringExecutionStatus"])
        for one in listed
        if one.get("ProcessingJobArn") == job["ProcessingJobArn"]
    )
    return next(statuses, "")


def _report(folder_uri: str) -> _Report:
    bucket, prefix = locations.split_s3_uri(folder_uri)
    for name in model_monitor.VIOLATION_FILES if prefix else ():
        place = f"{folder_uri}/{name}"
        chunks = Bucket(bucket).get_chunks(f"{prefix}/{name}")
        if chunks is None:
            continue
        content = bytearray()
        for chunk in chunks:
            content += chunk
            if len(content) > MAX_REPORT_BYTES:
                return _Report(error=f"{place}: larger than {MAX_REPORT_BYTES >> 20} MB")
        try:
            return _Report(read_violations(bytes(content), place))
        except UnreadableFile as error:
            return _Report(error=str(error))
    return _Report()


def _with_traffic(execution: Execution) -> Execution:
    """No data although there were requests means that capture stopped (aws-behaviour: capture-stops-silently)."""
    if execution.verdict != Verdict.NO_DATA:
        return execution
    requests = sum(
        cloudwatch.invocations(execution.endpoint, variant, execution.window_start, execution.window_end)
        for variant in sagemaker.variant_names(execution.endpoint)
    )
    if not requests:
        return execution
    note = f"CloudWatch counted {requests} requests, and Model Monitor found nothing captured"
    return replace(execution, verdict=Verdict.CAPTURE_STOPPED, notes=(note, *execution.notes))

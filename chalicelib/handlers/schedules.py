"""Model Monitor's own schedules, in accounts that still have them: their executions are read where they lie.

| input                                      | answer                                                          |
|--------------------------------------------|-----------------------------------------------------------------|
| a processing job that ended                | its execution, or in words why it is none                       |
| ... whose endpoint only the schedule names | DescribeMonitoringSchedule                                      |
| ... which announces violations, no report  | NotReady for two minutes; then the execution says so            |
| ... a report that is no report, or huge    | the execution says so                                           |
| ... that failed for want of data           | NoData; CaptureStopped when CloudWatch counted requests         |
| the executions of the last hours (sweep)   | those that nobody was told of: lost events, and no job at all   |
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from chalicelib.alerts import model_monitor
from chalicelib.aws import cloudwatch, s3, sagemaker, table
from chalicelib.constraints.files import Violation, read_violations
from chalicelib.errors import NotReady, UnreadableFile
from chalicelib.records import AlertState, Execution

LARGEST_REPORT = 20 << 20  # bytes; thousands of features stay far below


def execution_of(job_name: str, status: str = "") -> tuple[Execution | None, str]:
    """The execution of a processing job that ended; None, and in words why, when there is nothing to tell.

    Raises
    ------
    NotReady
        When its report may still be on its way.
    """
    job = sagemaker.describe_processing_job(job_name)
    if job is None or not (status or model_monitor.is_execution(job)):
        return None, "not a monitoring execution"
    if model_monitor.is_merge(job) and job["ProcessingJobStatus"] == "Completed":
        return None, "a merge job is not a verdict"
    endpoint = model_monitor.endpoint_of(job) or _endpoint_of_schedule(model_monitor.schedule_of(job))
    found, unreadable = _report(model_monitor.output_uri(job))
    if not found and not status and model_monitor.has_no_result(job):
        status = _status(job, endpoint)
    if not found and not unreadable and model_monitor.report_is_due(job, status, datetime.now(UTC)):
        raise NotReady(f"The report of {job_name} is not there yet.")
    return _with_traffic(
        model_monitor.execution(job, found, endpoint=endpoint, status=status, unreadable=unreadable)
    ), ""


def untold_executions(endpoint: str, since: datetime) -> Iterator[Execution]:
    """The executions scheduled since a time that ended and were not told: their event was lost, or never came."""
    for summary in sagemaker.monitoring_executions(endpoint, since):
        if summary["MonitoringExecutionStatus"] not in model_monitor.ENDED or _told(endpoint, summary):
            continue
        job = str(summary.get("ProcessingJobArn", "")).rpartition("/")[2]
        try:
            execution = execution_of(job, summary["MonitoringExecutionStatus"])[0] if job else _without_job(summary)
        except NotReady:
            continue  # the next sweep finds it
        if execution is not None:
            yield execution


def _without_job(summary: dict[str, Any]) -> Execution:
    return _with_traffic(model_monitor.execution_without_job(summary))


def _told(endpoint: str, summary: dict[str, Any]) -> bool:
    variant = model_monitor.variant_of(summary["MonitoringScheduleName"])
    book, _ = table.get_item(AlertState, table.endpoint_key(endpoint), f"alerts#{variant}")
    last = book.last_closed_window_end if book else None
    return last is not None and last >= summary["ScheduledTime"].replace(minute=0, second=0, microsecond=0)


def _endpoint_of_schedule(schedule: str) -> str:
    described = sagemaker.describe_monitoring_schedule(schedule) if schedule else None
    return str((described or {}).get("EndpointName", ""))


def _status(job: dict[str, Any], endpoint: str) -> str:
    """What ListMonitoringExecutions says of a job; "" when it does not list it."""
    listed = sagemaker.monitoring_executions(endpoint, job["CreationTime"] - model_monitor.HOUR)
    statuses = (
        str(one["MonitoringExecutionStatus"])
        for one in listed
        if one.get("ProcessingJobArn") == job["ProcessingJobArn"]
    )
    return next(statuses, "")


def _report(place: str) -> tuple[tuple[Violation, ...], str]:
    """The violations of a report, and why they could not be read; neither when there is no report."""
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    for name in model_monitor.VIOLATION_FILES if prefix else ():
        chunks = s3.get_chunks(bucket, f"{prefix}/{name}")
        if chunks is None:
            continue
        content = bytearray()
        for chunk in chunks:
            content += chunk
            if len(content) > LARGEST_REPORT:
                return (), f"{place}/{name}: larger than {LARGEST_REPORT >> 20} MB"
        try:
            return read_violations(bytes(content), f"{place}/{name}"), ""
        except UnreadableFile as error:
            return (), str(error)
    return (), ""


def _with_traffic(execution: Execution) -> Execution:
    """No data although there were requests is a capture that stopped (aws-behaviour: capture-stops-silently)."""
    if execution.verdict != "NoData":
        return execution
    start, end = execution.window_start, execution.window_end
    requests = sum(
        cloudwatch.invocations(execution.endpoint, variant, start, end)
        for variant in sagemaker.variant_names(execution.endpoint)
    )
    if not requests:
        return execution
    note = f"{requests} requests were made, and Model Monitor found nothing captured"
    return replace(execution, verdict="CaptureStopped", notes=(note, *execution.notes))

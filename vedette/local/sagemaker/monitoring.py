"""Monitoring schedules and their executions.

    hour H (as the cron expression says) -> H + 0..20 min: [merge job ->] monitoring job, with Environment and
    MonitoringScheduleArn -> some minutes -> files in s3://output/endpoint/schedule/YYYY/MM/DD/HH, ExitMessage

The results of a job are not computed here; they come from `monitor`, a callable that tests may replace.
See aws-behaviour: execution-start, execution-job-names, exit-message, schedule-deletion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from vedette.local.account import SimulatedAccount
from vedette.local.clock import Timer
from vedette.local.errors import AwsError
from vedette.local.sagemaker import executions
from vedette.local.sagemaker.core import Listing, Parameters, Record, instant, present, refusal
from vedette.local.sagemaker.endpoints import Endpoints
from vedette.local.sagemaker.executions import Execution, Report
from vedette.local.sagemaker.job_definitions import JobDefinitions, Plan, plan_of_definition, plan_of_inline
from vedette.local.sagemaker.processing import Processing

RUNNING = {"Pending", "InProgress", "Stopping"}
SCHEDULES = Listing(
    "MonitoringScheduleSummaries",
    "MonitoringScheduleName",
    (
        "MonitoringScheduleName",
        "MonitoringScheduleArn",
        "CreationTime",
        "LastModifiedTime",
        "MonitoringScheduleStatus",
        "EndpointName",
        "MonitoringJobDefinitionName",
        "MonitoringType",
    ),
    sort_keys={"Status": "MonitoringScheduleStatus"},
)
EXECUTIONS = Listing(
    "MonitoringExecutionSummaries",
    "MonitoringScheduleName",
    (
        "MonitoringScheduleName",
        "ScheduledTime",
        "CreationTime",
        "LastModifiedTime",
        "MonitoringExecutionStatus",
        "ProcessingJobArn",
        "EndpointName",
        "FailureReason",
        "MonitoringJobDefinitionName",
        "MonitoringType",
    ),
    sort_keys={"Status": "MonitoringExecutionStatus"},
)


Monitor = Callable[[Execution], Report]


@dataclass
class _Schedule:
    name: str
    arn: str
    config: Record
    kind: str
    plan: Plan
    created: datetime
    modified: datetime
    status: str = "Pending"
    timer: Timer | None = None
    executions: list[Record] = field(default_factory=list)
    without_job: str | None = None
    deleting: bool = False

    def described(self) -> Record:
        return {
            "MonitoringScheduleName": self.name,
            "MonitoringScheduleArn": self.arn,
            "MonitoringScheduleStatus": self.status,
            "MonitoringType": self.kind,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "MonitoringScheduleConfig": self.config,
            "EndpointName": self.plan.endpoint,
            **present(
                MonitoringJobDefinitionName=self.config.get("MonitoringJobDefinitionName"),
                LastMonitoringExecutionSummary=self.executions[-1] if self.executions else None,
            ),
        }


class Monitoring(JobDefinitions):
    """Schedules, executions and job definitions."""

    def __init__(self, account: SimulatedAccount, endpoints: Endpoints, processing: Processing):
        super().__init__(account)
        self._endpoints, self._processing = endpoints, processing
        self.schedules: dict[str, _Schedule] = {}
        self.history: list[Record] = []  # executions survive their schedule (aws-behaviour: schedule-deletion)
        self.monitor: Monitor = lambda execution: Report()
        self.write: Callable[[str, bytes], None] = lambda uri, body: None
        self.job_minutes, self.merge_minutes = 6.0, 5.0

    def schedules_of(self, endpoint: str) -> list[str]:
        """The schedules that watch an endpoint, and are not being deleted."""
        found = (schedule for schedule in self.schedules.values() if not schedule.deleting)
        return [schedule.name for schedule in found if schedule.plan.endpoint == endpoint]

    def fail_next_without_job(self, schedule: str, reason: str) -> None:
        """Make the next execution fail before it has a processing job (aws-behaviour: execution-without-job)."""
        self.schedules[schedule].without_job = reason

    # Operations ------------------------------------------------------------------------------------------------

    def CreateMonitoringSchedule(self, arguments: Parameters) -> Record:
        name, config = arguments["MonitoringScheduleName"], arguments["MonitoringScheduleConfig"]
        arn = self._account.arn("monitoring-schedule", name)
        if name in self.schedules:
            raise AwsError("ResourceInUse", f"Monitoring schedule already exists: {arn}")
        kind, plan = self._plan(config)
        now = self._account.now()
        schedule = _Schedule(name, arn, config, kind, plan, now, now)
        self.schedules[name] = schedule
        self._account.tag(arn, arguments.get("Tags"))
        self._pending(schedule)
        return {"MonitoringScheduleArn": arn}

    def DescribeMonitoringSchedule(self, arguments: Parameters) -> Record:
        return self._schedule(arguments["MonitoringScheduleName"]).described()

    def ListMonitoringSchedules(self, arguments: Parameters) -> Record:
        wanted = {
            "EndpointName": arguments.get("EndpointName"),
            "MonitoringJobDefinitionName": arguments.get("MonitoringJobDefinitionName"),
            "MonitoringScheduleStatus": arguments.get("StatusEquals"),
            "MonitoringType": arguments.get("MonitoringTypeEquals"),
        }
        records = [schedule.described() for schedule in self.schedules.values()]
        return SCHEDULES.page([record for record in records if _fits(record, wanted)], arguments)

    def UpdateMonitoringSchedule(self, arguments: Parameters) -> Record:
        schedule = self._schedule(arguments["MonitoringScheduleName"])
        self._refuse_pending(schedule)
        schedule.config = arguments["MonitoringScheduleConfig"]
        schedule.kind, schedule.plan = self._plan(schedule.config)
        self._pending(schedule)
        return {"MonitoringScheduleArn": schedule.arn}

    def StartMonitoringSchedule(self, arguments: Parameters) -> Record:
        schedule = self._schedule(arguments["MonitoringScheduleName"])
        self._refuse_pending(schedule)
        if schedule.status != "Scheduled":
            self._pending(schedule)
        return {}

    def StopMonitoringSchedule(self, arguments: Parameters) -> Record:
        schedule = self._schedule(arguments["MonitoringScheduleName"])
        self._refuse_pending(schedule)
        self._stop(schedule)
        return {}

    def DeleteMonitoringSchedule(self, arguments: Parameters) -> Record:
        schedule = self._schedule(arguments["MonitoringScheduleName"])
        self._refuse_pending(schedule)
        if any(execution["MonitoringExecutionStatus"] in RUNNING for execution in schedule.executions):
            raise refusal(f"Monitoring schedule {schedule.arn} has executions in progress and cannot be deleted.")
        self._stop(schedule)
        schedule.status, schedule.deleting = "Pending", True  # it takes a while (aws-behaviour: schedule-deletion)
        self._account.clock.after(timedelta(minutes=1), lambda: self._gone(schedule))
        return {}

    def ListMonitoringExecutions(self, arguments: Parameters) -> Record:
        wanted = {
            "MonitoringScheduleName": arguments.get("MonitoringScheduleName"),
            "EndpointName": arguments.get("EndpointName"),
            "MonitoringExecutionStatus": arguments.get("StatusEquals"),
            "MonitoringJobDefinitionName": arguments.get("MonitoringJobDefinitionName"),
            "MonitoringType": arguments.get("MonitoringTypeEquals"),
        }
        found = [record for record in self.history if _fits(record, wanted)]
        for name, before in (("ScheduledTimeAfter", False), ("ScheduledTimeBefore", True)):
            if name in arguments:
                bound = instant(arguments[name])
                found = [r for r in found if (r["ScheduledTime"] < bound if before else r["ScheduledTime"] > bound)]
        return EXECUTIONS.page(found, arguments)

    # Status ----------------------------------------------------------------------------------------------------

    def _schedule(self, name: str) -> _Schedule:
        if name not in self.schedules:
            arn = self._account.arn("monitoring-schedule", name)
            raise AwsError("ResourceNotFound", f"Monitoring Schedule {arn} not found")
        return self.schedules[name]

    def _plan(self, config: Record) -> tuple[str, Plan]:
        if ("MonitoringJobDefinition" in config) == ("MonitoringJobDefinitionName" in config):
            raise refusal("Exactly one of MonitoringJobDefinition and MonitoringJobDefinitionName must be given.")
        if "MonitoringJobDefinitionName" in config:
            kind = config.get("MonitoringType", "DataQuality")
            plan = plan_of_definition(kind, self.definition(kind, config["MonitoringJobDefinitionName"]))
        else:
            kind, plan = config.get("MonitoringType", "DataQuality"), plan_of_inline(config["MonitoringJobDefinition"])
        if plan.endpoint and plan.endpoint not in self._endpoints.endpoints:
            raise refusal(f'Could not find endpoint "{self._account.arn("endpoint", plan.endpoint)}".')
        executions.hours_of(config)
        return kind, plan

    def _refuse_pending(self, schedule: _Schedule) -> None:
        if schedule.status == "Pending":
            raise refusal("Monitoring schedule in status Pending")  # aws-behaviour: pending-schedule

    def _pending(self, schedule: _Schedule) -> None:
        schedule.status, schedule.modified = "Pending", self._account.now()
        self._account.clock.after(timedelta(minutes=1), lambda: self._scheduled(schedule))

    def _scheduled(self, schedule: _Schedule) -> None:
        schedule.status, schedule.modified = "Scheduled", self._account.now()
        if schedule.timer is not None:
            schedule.timer.cancel()
        self._next_slot(schedule)

    def _stop(self, schedule: _Schedule) -> None:
        schedule.status, schedule.modified = "Stopped", self._account.now()
        if schedule.timer is not None:
            schedule.timer.cancel()
            schedule.timer = None

    def _gone(self, schedule: _Schedule) -> None:
        del self.schedules[schedule.name]
        self._account.forget(schedule.arn)

    # Executions ------------------------------------------------------------------------------------------------

    def _next_slot(self, schedule: _Schedule) -> None:
        hours = executions.hours_of(schedule.config)
        now = self._account.now()
        if hours is None:
            schedule.timer = self._account.clock.at(now, lambda: self._begin(schedule, now))
            return
        slot = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        while slot.hour not in hours:
            slot += timedelta(hours=1)
        schedule.timer = self._account.clock.at(slot, lambda: self._slot(schedule, slot))

    def _slot(self, schedule: _Schedule, slot: datetime) -> None:
        late = timedelta(minutes=self._account.ids.below(21))  # aws-behaviour: execution-start
        self._account.clock.after(late, lambda: self._begin(schedule, slot))
        self._next_slot(schedule)

    def _begin(self, schedule: _Schedule, slot: datetime) -> None:
        if self.schedules.get(schedule.name) is not schedule or schedule.status != "Scheduled":
            return
        now = self._account.now()
        record = {
            "MonitoringScheduleName": schedule.name,
            "ScheduledTime": slot,
            "CreationTime": now,
            "LastModifiedTime": now,
            "MonitoringExecutionStatus": "InProgress",
            "EndpointName": schedule.plan.endpoint,
            "MonitoringType": schedule.kind,
            **present(MonitoringJobDefinitionName=schedule.config.get("MonitoringJobDefinitionName")),
        }
        schedule.executions.append(record)
        self.history.append(record)
        if schedule.without_job is not None:
            self._end(record, "Failed", schedule.without_job)
            schedule.without_job = None
            return
        execution = self._execution(schedule, slot)
        suffix = f"{slot:%Y%m%d%H%M}-{self._account.ids.hexadecimal(24)}"
        if schedule.kind in executions.MERGED:
            self._merge(schedule, execution, record, suffix)
        else:
            self._analyse(schedule, execution, record, suffix)

    def _execution(self, schedule: _Schedule, slot: datetime) -> Execution:
        start = slot - timedelta(hours=1)
        endpoint = self._endpoints.endpoints.get(schedule.plan.endpoint)
        capture = self._endpoints.capture_destination(schedule.plan.endpoint)
        variant = endpoint.variants[0].name if endpoint and endpoint.variants else "AllTraffic"
        return Execution(
            schedule.name,
            schedule.kind,
            schedule.plan.endpoint,
            slot,
            start,
            f"{schedule.plan.output_uri}/{schedule.plan.endpoint}/{schedule.name}/{slot:%Y/%m/%d/%H}",
            f"{capture}/{schedule.plan.endpoint}/{variant}/{start:%Y/%m/%d/%H}",
            schedule.plan.constraints_uri,
            schedule.plan.statistics_uri,
        )

    def _merge(self, schedule: _Schedule, execution: Execution, record: Record, suffix: str) -> None:
        name = f"groundtruth-merge-{suffix}"
        registry = schedule.plan.image.partition("/")[0]
        environment = {
            "dataset_source": "/opt/ml/processing/input/endpoint",
            "ground_truth_source": "/opt/ml/processing/groundtruth",
            "output_path": "/opt/ml/processing/output",
        }
        uri = f"{schedule.plan.output_uri}/merge"
        job = executions.job(
            schedule.plan, schedule.arn, execution, f"{registry}/{executions.MERGER_IMAGE}", environment, uri
        )
        record["ProcessingJobArn"] = self._processing.start(name, job)["ProcessingJobArn"]

        def merged() -> None:
            failure = self.monitor(execution).merge_failure
            if failure is None:
                self._processing.finish(name, "Completed")
                self._analyse(schedule, execution, record, suffix)
            else:
                self._processing.finish(name, "Failed", failure_reason=failure)
                self._end(record, "Failed", failure)

        self._account.clock.after(timedelta(minutes=self.merge_minutes), merged)

    def _analyse(self, schedule: _Schedule, execution: Execution, record: Record, suffix: str) -> None:
        name = f"{executions.JOB_PREFIXES[schedule.kind]}-{suffix}"
        plan = schedule.plan
        variables = executions.environment(plan, execution)
        job = executions.job(plan, schedule.arn, execution, plan.image, variables, execution.output_uri)
        record["ProcessingJobArn"] = self._processing.start(name, job)["ProcessingJobArn"]
        self._account.clock.after(timedelta(minutes=self.job_minutes), lambda: self._report(execution, record, name))

    def _report(self, execution: Execution, record: Record, job: str) -> None:
        report = self.monitor(execution)
        for file_name, body in report.files.items():
            self.write(f"{execution.output_uri}/{file_name}", body)
        if report.failure_reason is not None:
            self._processing.finish(job, "Failed", report.exit_message, report.failure_reason)
            self._end(record, "Failed", report.failure_reason)
        elif report.stopped:
            self._processing.finish(job, "Stopped", report.exit_message)
            self._end(record, "Stopped")
        else:
            self._processing.finish(job, "Completed", report.exit_message or executions.exit_message(report.violations))
            self._end(record, "CompletedWithViolations" if report.violations else "Completed")

    def _end(self, record: Record, status: str, reason: str | None = None) -> None:
        record.update(MonitoringExecutionStatus=status, LastModifiedTime=self._account.now())
        record.update(present(FailureReason=reason))


def _fits(record: Record, wanted: dict[str, Any]) -> bool:
    return all(value is None or record.get(name) == value for name, value in wanted.items())

"""The transform jobs of an entry that ended in the last days and are not reported: their event may have been lost.

| job                                        | outcome                                                              |
|--------------------------------------------|----------------------------------------------------------------------|
| reported before, and nothing changed since | not looked at again                                                  |
| not evaluated, or not reported             | evaluated and alerted on, as by its event                            |
| ... but its objects may not be read        | a condition while it lasts; the other jobs go on                     |
| ... but there is no baseline               | the same                                                             |
| ... but it fails                           | raised after the other jobs                                          |
| the mode or the baseline has changed       | looked at again: what was evaluated is published again, what had no  |
|                                            | baseline is evaluated                                                |

A quiet entry costs one request to SageMaker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from chalicelib.alerts import endpoint_notifications
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import SourceAccessDenied
from chalicelib.outcomes import Skipped
from chalicelib.records import Execution, Mode
from chalicelib.services import alerting, monitoring, transform_monitoring
from chalicelib.services.alerting import Alerted
from chalicelib.window import DAY

LOOK_BACK = 2 * DAY
REPORTED_JOBS_KEPT = 3 * DAY


@dataclass
class JobBacklog:
    """What was done about the jobs of an entry, and what stands in the way of others."""

    reported: dict[str, str]  # name and end of a job -> under which mode and baseline
    verdicts: list[str] = field(default_factory=list)
    alerts: int = 0
    unfinished: bool = False  # the deadline left jobs, or outputs of one
    denied: dict[str, str] = field(default_factory=dict)  # condition -> sentence
    no_baseline: Skipped | None = None
    failed: list[Exception] = field(default_factory=list)


def process(run: EndpointRun, reported: Mapping[str, str]) -> JobBacklog:
    """Evaluate the jobs that are not reported, the earliest first; `reported` is what earlier sweeps left."""
    named = run.stores.baselines.in_force(run.endpoint)
    state = f"{run.entry.mode} {named.version if named else ''}"
    oldest = f"{run.now - REPORTED_JOBS_KEPT:%Y-%m-%dT%H:%M}"
    backlog = JobBacklog({job: of for job, of in reported.items() if job.split(" ")[1] >= oldest})
    for name, ended in transform_monitoring.ended_jobs(run, run.now - LOOK_BACK):
        job = f"{name} {ended:%Y-%m-%dT%H:%M}"
        if backlog.reported.get(job) == state:
            continue
        if not run.deadline.has_left(Deadline.JOB_OBJECT):
            backlog.unfinished = True
            break
        execution = _evaluated(run, name, backlog)
        if execution is not None:
            alerted = alerting.alert_on(run, execution)
            backlog.alerts += len(alerted.sent) if isinstance(alerted, Alerted) else 0
            backlog.reported[job] = state
    return backlog


def _evaluated(run: EndpointRun, name: str, backlog: JobBacklog) -> Execution | None:
    """The execution of a job, if it was evaluated."""
    try:
        monitored = transform_monitoring.monitor_job(run, name)
    except SourceAccessDenied as error:
        backlog.denied.setdefault("closed", str(error))
        return None
    except Exception as error:  # noqa: BLE001 - raised in `report`, after the other jobs
        backlog.failed.append(error)
        return None
    if isinstance(monitored, Skipped):
        return None
    backlog.unfinished |= monitored.unfinished
    backlog.no_baseline = backlog.no_baseline or monitored.no_baseline
    if monitored.execution is not None:
        backlog.verdicts.append(monitored.execution.verdict)
    return monitored.execution


def report(run: EndpointRun, backlog: JobBacklog) -> None:
    """Raise conditions while jobs may not be read, or have no baseline; and then what failed.

    When the deadline left jobs, it is not known which conditions are over.
    """
    if run.entry.mode != Mode.OBSERVE and not backlog.unfinished:
        sync = partial(
            endpoint_notifications.sync_conditions,
            family=endpoint_notifications.JOBS,
            conditions=backlog.denied,
            now=run.now,
        )
        alerting.sync(run, sync)
    if backlog.no_baseline is not None or backlog.verdicts:
        monitoring.report_missing_baseline(run, backlog.no_baseline, has_data=True)
    if backlog.failed:
        raise backlog.failed[0]

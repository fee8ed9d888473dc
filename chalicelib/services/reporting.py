"""The page of an execution, written beside its files, with what it shows of the windows before.

| input                                 | outcome                                                                      |
|---------------------------------------|------------------------------------------------------------------------------|
| an execution of a closed window       | report.html in its folder                                                    |
| one without findings, as those before | no page: `vedette report` renders it from its records                        |
| a page that cannot be made or written | a log line and a metric; the verdict stands, and `vedette report` renders it |

What is read is bounded: the latest executions of 29 windows, of as many drift windows, and two records. Jinja2 is
imported when a page is due, and by no other function.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.alerts.message import served_since
from chalicelib.constraints.evaluation import Baseline
from chalicelib.constraints.measurement import Checks, Verdict
from chalicelib.endpoint_run import EndpointRun
from chalicelib.locations import REPORT_FILE
from chalicelib.observability import count, logger
from chalicelib.records import Execution, Mode
from chalicelib.settings import settings
from chalicelib.statistics.table import Table

if TYPE_CHECKING:
    from chalicelib.pages.report import MonitoredExecution


_WITHOUT_FINDINGS = frozenset({Verdict.OK, Verdict.NO_DATA, Verdict.INSUFFICIENT_DATA})


def write_report(run: EndpointRun, execution: Execution, baseline: Baseline | None, current: Table | None) -> bool:
    """Write the page of an execution, if there is something to see; whether it was written."""
    try:
        if _as_before(run, execution):
            return False
        from chalicelib.pages.report import execution_report

        page = execution_report(with_history(run, execution), baseline, current)
        run.stores.executions.put_file(execution, REPORT_FILE, page, "text/html; charset=utf-8")
    except Exception as error:  # noqa: BLE001 - whatever it is, the verdict stands and must be published
        count("ReportsFailed")
        logger.error("report could not be written", kind=type(error).__name__, folder=execution.folder)
        return False
    return True


def _as_before(run: EndpointRun, execution: Execution) -> bool:
    """Whether a window has no findings, as those before it: so many that no alert recovers in it."""
    if execution.verdict not in _WITHOUT_FINDINGS or execution.revision > 1:
        return False
    windows = run.entry.thresholds.recovery_clean
    before = _earlier(run, execution, execution.window_end - execution.window_start, windows)
    return [_appearance(one) for one in before] == [_appearance(execution)] * windows


def _appearance(execution: Execution) -> tuple[Any, ...]:
    return execution.verdict, execution.package_version, execution.baseline, execution.notes


def with_history(run: EndpointRun, execution: Execution) -> MonitoredExecution:
    """An execution with the windows before it, the latest deployment, and since when open alerts last."""
    from chalicelib.pages.history import WINDOWS
    from chalicelib.pages.report import MonitoredExecution

    entry, stores = run.entry, run.stores
    length = execution.window_end - execution.window_start
    if not execution.window_closed:
        length = timedelta(minutes=entry.window_minutes)
    before = _earlier(run, execution, length, WINDOWS - 1)
    drift_length = timedelta(minutes=entry.drift_window_minutes)
    has_drift_windows = execution.checks_run == Checks.HARD and drift_length > length
    drift = _earlier(run, execution, drift_length, WINDOWS) if has_drift_windows else ()
    state, _ = stores.alert_states.get(execution.endpoint, execution.variant)
    deployments = run.deployments.all
    firing = {name: one.since for name, one in state.fingerprints.items() if one.state != "pending"} if state else {}
    return MonitoredExecution(
        execution,
        before=before,
        drift=drift,
        served_since=served_since(deployments, execution.package_version, execution.window_end),
        firing=firing,
        stage=settings().stage,
        bucket=stores.bucket.name,
        deploys=entry.mode == Mode.DEPLOY,
    )


def _earlier(run: EndpointRun, execution: Execution, length: timedelta, windows: int) -> tuple[Execution, ...]:
    """The latest executions of windows of one length that began before an execution's."""
    until = execution.window_start
    executions = run.stores.executions
    return tuple(executions.of_windows(execution.endpoint, execution.variant, until - windows * length, until, length))

"""SHOWN: the page of an execution, written beside its files, with what it takes from the windows before.

| input                              | answer                                                                     |
|------------------------------------|----------------------------------------------------------------------------|
| an execution of a closed window    | report.html in its folder                                                  |
| a page that cannot be made or put  | a log line and a metric; it costs no verdict, and `vedette report` makes it |

What is read is bounded: the latest executions of 29 windows, of as many drift windows, and three records. Jinja2
is imported when a page is due, and by no other function.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.alerts.message import served_since
from chalicelib.aws import s3, store, table
from chalicelib.aws.table import endpoint_key
from chalicelib.constraints.evaluation import Baseline
from chalicelib.observability import count, logger
from chalicelib.records import AlertState, Deployment, Execution, FleetEntry
from chalicelib.settings import settings
from chalicelib.statistics.table import Table

if TYPE_CHECKING:
    from chalicelib.pages.report import MonitoredExecution

PAGE = "report.html"


def write_report(execution: Execution, baseline: Baseline | None, current: Table | None) -> bool:
    """Write the page of an execution; whether it was written."""
    try:
        from chalicelib.pages.report import execution_report

        page = execution_report(gathered(execution), baseline, current)
        s3.put(execution.folder + PAGE, page, "text/html; charset=utf-8")
    except Exception as error:  # noqa: BLE001 - whatever it is, the verdict stands and must be announced
        count("ReportsFailed")
        logger.error("no report", kind=type(error).__name__, folder=execution.folder)
        return False
    return True


def gathered(execution: Execution) -> MonitoredExecution:
    """An execution with the windows before it, the latest deployment, and since when open alerts go on."""
    from chalicelib.pages.history import WINDOWS
    from chalicelib.pages.report import MonitoredExecution

    endpoint, variant = execution.endpoint, execution.variant
    entry = store.fleet().entry(endpoint) or FleetEntry(endpoint=endpoint)
    length = execution.window_end - execution.window_start
    if not execution.closed:
        length = timedelta(minutes=entry.window_minutes)
    before = _windows(execution, length, WINDOWS - 1)
    apart = timedelta(minutes=entry.drift_window_minutes)
    drift = _windows(execution, apart, WINDOWS) if execution.checks == "hard" and apart > length else ()
    book, _ = table.get_item(AlertState, endpoint_key(endpoint), f"alerts#{variant}")
    latest, _ = table.get_item(Deployment, endpoint_key(endpoint), "deployment")
    history = table.query(Deployment, endpoint_key(endpoint), "history#").values()
    deployments = (*history, latest) if latest is not None else tuple(history)
    firing = {name: one.since for name, one in book.fingerprints.items() if one.state != "pending"} if book else {}
    return MonitoredExecution(
        execution,
        before=before,
        drift=drift,
        served_since=served_since(deployments, execution.package_version, execution.window_end),
        firing=firing,
        stage=settings().stage,
        bucket=settings().bucket,
        deploys=entry.mode == "deploy",
    )


def _windows(execution: Execution, length: timedelta, most: int) -> tuple[Execution, ...]:
    """The latest executions of windows of one length that began before an execution's."""
    until = execution.window_start
    return tuple(store.executions(execution.endpoint, execution.variant, until - most * length, until, length))

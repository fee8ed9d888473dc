"""The page of an execution, written beside its files, with what it shows of the windows before.

| input                                 | outcome                                                                      |
|---------------------------------------|------------------------------------------------------------------------------|
| an execution of a closed window       | report.html in its folder                                                    |
| one without findings, as those before | no page: `vedette report` renders it from its records                        |
| an execution of model quality         | report.html, always: there are two a day                                     |
| an alert about an execution           | stored in its folder; the page is headed with it, and made if there was none |
| a page that cannot be made or written | a log line and a metric; the verdict stands, and `vedette report` renders it |

What is read is bounded: the latest executions of 29 windows, of as many drift windows, and two records. Jinja2 is
imported when a page is due, and by no other function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.alerts import story
from chalicelib.alerts.cause import served_since
from chalicelib.alerts.state import fingerprint_id
from chalicelib.constraints.measurement import Checks, Fingerprint, Verdict
from chalicelib.constraints.severity_order import worst_first
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun
from chalicelib.locations import REPORT_FILE, STATISTICS_FILE
from chalicelib.observability import count, logger
from chalicelib.records import AlertMessage, Execution, FingerprintState, Mode
from chalicelib.settings import settings

if TYPE_CHECKING:
    from chalicelib.constraints.evaluation import Baseline
    from chalicelib.pages.report import MonitoredExecution
    from chalicelib.statistics.table import Table


_WITHOUT_FINDINGS = frozenset({Verdict.OK, Verdict.NO_DATA, Verdict.INSUFFICIENT_DATA})


def write_report(run: EndpointRun, execution: Execution, baseline: Baseline | None, current: Table | None) -> bool:
    """Write the page of an execution, if there is something to see; whether it was written."""

    def page() -> bytes | None:
        if _as_before(run, execution):
            return None
        from chalicelib.pages.report import execution_report

        return execution_report(with_history(run, execution), baseline, current)

    return _write(run, execution, page)


def write_quality_report(run: EndpointRun, execution: Execution, statistics: bytes) -> bool:
    """Write the page of an execution of model quality; whether it was written."""
    return _write(run, execution, lambda: _quality_page(run, execution, statistics))


def _write(run: EndpointRun, execution: Execution, page: Callable[[], bytes | None]) -> bool:
    """Write a page, if there is one; whether it was written. Whatever fails, the verdict stands and is published."""
    try:
        content = page()
        if content is None:
            return False
        run.stores.executions.put_file(execution, REPORT_FILE, content, "text/html; charset=utf-8")
    except Exception as error:  # noqa: BLE001 - see above
        count("ReportsFailed")
        logger.error("report could not be written", kind=type(error).__name__, folder=execution.folder)
        return False
    return True


def _quality_page(run: EndpointRun, execution: Execution, statistics: bytes | None) -> bytes:
    from chalicelib.pages.quality_figures import quality_figures
    from chalicelib.pages.report import execution_report

    figures = quality_figures(statistics, execution.labels, execution.baseline)
    return execution_report(with_history(run, execution), None, None, quality=figures)


def write_alert(run: EndpointRun, alert: AlertMessage) -> None:
    """Store an alert as it is sent beside its execution, and head the execution's page with it.

    Nothing of this stops the alert: what fails is logged. A repetition writes the same again.
    """
    if not alert.folder or alert.source != "vedette":
        return
    try:
        run.stores.executions.put_alert(alert)
        execution = run.stores.executions.get(alert.folder)
        if execution is not None and run.deadline.has_left(Deadline.WINDOW):
            _write_alerted_page(run, execution)
    except Exception as error:  # noqa: BLE001 - whatever it is, the alert must be sent
        count("ReportsFailed")
        logger.error("the page of an alert could not be written", kind=type(error).__name__, folder=alert.folder)


def _write_alerted_page(run: EndpointRun, execution: Execution) -> None:
    from chalicelib.pages.page_head import with_alert
    from chalicelib.pages.report import execution_report
    from chalicelib.statistics.files import read_statistics

    executions = run.stores.executions
    alert = story.main_alert(executions.alerts(execution.folder))
    page = executions.get_file(execution, REPORT_FILE)
    if page is not None and alert is not None:
        page = with_alert(page, alert)
    elif execution.is_of_quality:
        page = _quality_page(run, execution, executions.get_file(execution, STATISTICS_FILE))
    else:
        baseline = run.stores.baselines.get(run.endpoint, execution.baseline) if execution.baseline else None
        content = executions.get_file(execution, STATISTICS_FILE)
        current = None if content is None else read_statistics(content, execution.folder + STATISTICS_FILE)
        page = execution_report(with_history(run, execution), baseline, current, counted=False)
    executions.put_file(execution, REPORT_FILE, page, "text/html; charset=utf-8")


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
    has_drift_windows = not execution.job and execution.checks_run == Checks.HARD and drift_length > length
    drift = _earlier(run, execution, drift_length, WINDOWS) if has_drift_windows else ()
    state, _ = stores.alert_states.get(execution.endpoint, execution.variant)
    deployments = run.deployments.all
    known = state.fingerprints if state else {}
    return MonitoredExecution(
        execution,
        before=before,
        drift=drift,
        served_since=served_since(deployments, execution.package_version, execution.window_end),
        firing={name: one.since for name, one in known.items()},
        stage=settings().stage,
        region=settings().region,
        bucket=stores.bucket.name,
        deploys=entry.mode == Mode.DEPLOY,
        deployments=deployments,
        window_minutes=entry.window_minutes,
        records=entry.records,
        alert=_alert_about(run, execution),
        reported=_reported(run, execution, known),
    )


def _alert_about(run: EndpointRun, execution: Execution) -> AlertMessage | None:
    return story.main_alert(run.stores.executions.alerts(execution.folder))


def _reported(
    run: EndpointRun, execution: Execution, known: Mapping[Fingerprint, FingerprintState]
) -> AlertMessage | None:
    """The open alert about the worst violation of an execution, where an earlier execution reported it."""
    worst = worst_first(one for one in execution.measurements if one.violated)
    state = known.get(worst[0].fingerprint) if worst else None
    if state is None or state.folder in {"", execution.folder}:
        return None
    wanted = fingerprint_id(execution.endpoint, execution.variant, worst[0].fingerprint)
    found = (
        alert
        for alert in run.stores.executions.alerts(state.folder)
        if any(item.fingerprint == wanted and item.since == state.since for item in alert.items[:1])
    )
    return next(found, None)


def _earlier(run: EndpointRun, execution: Execution, length: timedelta, windows: int) -> tuple[Execution, ...]:
    """The latest executions of windows of one length that began before an execution's."""
    until = execution.window_start
    executions = run.stores.executions
    if execution.job:  # jobs last as long as they last
        return tuple(executions.latest_before(execution.endpoint, execution.variant, until, windows))
    return tuple(
        executions.of_windows(
            execution.endpoint,
            execution.variant,
            until - windows * length,
            until,
            length,
            of_quality=execution.is_of_quality,
        )
    )

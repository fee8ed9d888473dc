"""Periodic catch-up: finds work whose events were lost and redoes it, within a time budget.

| left behind                                 | found by / done                                                  |
|---------------------------------------------|------------------------------------------------------------------|
| approved, and not served                    | the plan; reconcile                                              |
| captured, and not summarized                | capture objects without a part; the part is created              |
| captured, and not to be read                | what `unreadable_objects` remembers; tried again when that is    |
|                                             | due, and a condition while there is one                          |
| labels, and not processed                   | `label_backlog`, of endpoints with a quality table               |
| a window that closed and was not evaluated  | windows whose verdict does not name its parts; evaluated         |
| ... or got its data late                    | the look back begins with that window; evaluated again           |
| ... a day of model quality                  | those stored since the last sweep; alerted                       |
| evaluated, and not reported                 | the same windows; alerted, and then recorded as reported         |
| ... one object, or an open window           | executions of them stored since the last sweep; alerted          |
| verified, and not captured                  | no part since the deployment; a condition while it lasts         |
| captured to another place, or no more       | the endpoint's own DataCaptureConfig; a condition while it lasts |
| captured where the functions may not read   | S3 or KMS denies; a condition while it lasts, made up for later  |
| an execution of Model Monitor, not reported | ListMonitoringExecutions; read and alerted                       |
| a transform job, and not evaluated          | ListTransformJobs, of entries that name jobs; evaluated, alerted |
| a pending alert whose lease has expired     | the outbox of each alert state; sent                             |
| an open alert that nobody ended or muted    | the alert states; repeated when its interval is over             |
| what is open, for the digest of the team    | the same; stored when it has changed                             |

Every run looks back two hours, and once a day two days. What a run had no time for is kept in the checkpoint, and the
next run resumes there, so that a source without events, which is read here alone, is never left behind for good. What
cannot be read stands before nothing else: a run goes on with the next object, and none looks back to it. A quiet
endpoint costs one listing a variant, of the captures: an event may have been lost. Others cost one more, of the parts,
and two of executions after a violation.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from msgspec.structs import replace

from chalicelib import locations
from chalicelib.alerts import endpoint_notifications, outbox
from chalicelib.alerts.state import captures_stopped
from chalicelib.constraints.windows import closed_windows
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import NotReady, SourceAccessDenied
from chalicelib.events import DataCaptured
from chalicelib.observability import logger
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.records import Activity, Delivery, Execution, Mode, SweepCheckpoint, UnreadableObjects, parts_digest
from chalicelib.registry.capture_check import CaptureState, capture_state
from chalicelib.services import (
    activity,
    alerting,
    capture_backlog,
    capture_processing,
    emf_metrics,
    model_monitor,
    monitoring,
    repetition,
    serving,
    team_notifications,
    unreadable_objects,
)
from chalicelib.services.alerting import Alerted
from chalicelib.services.capture_processing import ProcessedObject
from chalicelib.services.monitoring import EvaluatedWindows
from chalicelib.services.reconciliation import reconcile
from chalicelib.settings import settings
from chalicelib.window import DAY, LATE_DATA_GRACE, Window, open_window

LOOK_BACK = timedelta(hours=2)
QUALITY_LOOK_BACK = 90 * DAY  # a day may be evaluated late, when it gets a baseline; then its predictions expire
LONG_LOOK_BACK = 2 * DAY  # once a day: so an object that comes a day late is found within the next
REPORTED_WINDOWS_KEPT = 3 * DAY
CAPTURE_MISSING = "the endpoint was verified, and not even its golden request was captured"


@dataclass(frozen=True)
class Swept:
    """What the tasks of a sweep did."""

    done: dict[str, Any]
    unfinished: bool  # objects at the source, or windows, are left to the next run

    def summary(self) -> dict[str, Any]:
        """The answer of the function."""
        return self.done


def sweep(run: EndpointRun) -> Swept:
    """Sweep one endpoint."""
    stored, revision = run.stores.checkpoints.get(run.endpoint)
    before = stored or SweepCheckpoint(endpoint=run.endpoint)
    sweep_run = _SweepRun.begin(run, before)
    done, failed = _run_tasks(sweep_run)
    if sweep_run.checkpoint != before:
        # Losing this conditional write is safe: the checkpoint can be recomputed.
        run.stores.checkpoints.put(sweep_run.checkpoint, revision)
    if failed:
        raise failed[0]
    return Swept(done, sweep_run.checkpoint.backlog_from is not None or sweep_run.windows_left)


@dataclass
class _SweepRun:
    """One look back over one endpoint, and the checkpoint that it leaves."""

    run: EndpointRun
    checkpoint: SweepCheckpoint
    activity: Activity  # as the sweep found it
    is_long: bool  # once a day, and again until that was completed
    start: datetime  # captures are looked for since then: whole windows, so that each is compared with its verdict
    backlog_deadline: Deadline
    parts: dict[str, list[str]] = field(default_factory=dict)  # keys by variant, in order, since `start`
    access_error: str = ""  # why the source cannot be read
    source_is_readable: bool = False  # whether it gave an object to this run
    backlog_drained: bool = False  # whether everything at the source since `start` has its part, or is remembered
    evaluated_all: bool = False  # whether every window was evaluated that could be
    windows_left: bool = False  # whether there was no time for some of them
    created: list[locations.CaptureKey] = field(default_factory=list)  # the captures whose parts this run created
    unreadable: UnreadableObjects | None = None  # as last read; None: to be read again

    @classmethod
    def begin(cls, run: EndpointRun, checkpoint: SweepCheckpoint) -> _SweepRun:
        """A run that looks back LOOK_BACK, to where the last one stopped, or LONG_LOOK_BACK, and to what came late."""
        now = run.now
        found = activity.begin_sweep(run)
        is_long = checkpoint.looked_back_at is None or now - checkpoint.looked_back_at >= DAY
        longest = now - LONG_LOOK_BACK
        resume = min(now - LOOK_BACK, max(checkpoint.backlog_from or now, longest))
        start = open_window(run.entry.window_minutes, longest if is_long else resume).start
        if found.late_from is not None:  # of the day's window, too
            minutes = max(run.entry.window_minutes, run.entry.drift_window_minutes)
            start = min(start, open_window(minutes, max(found.late_from, longest)).start)
        deadline = run.deadline.earlier_by_share(Deadline.TASKS_AFTER_BACKLOG)
        return cls(run, checkpoint, found, is_long, start, deadline)

    @property
    def look_back(self) -> Window:
        """From `start` until now."""
        return Window(self.start, self.run.now - self.start)

    def save(self, **fields: Any) -> None:
        """Change the checkpoint."""
        self.checkpoint = replace(self.checkpoint, **fields)

    def keys_in(self, variant: str, window: Window) -> tuple[str, ...] | None:
        """The parts of a window; None when the look back does not reach to its beginning."""
        if window.start < self.start or variant not in self.parts:
            return None
        return tuple(key for key in self.parts[variant] if window.contains(locations.part_begun(key)))


def _run_tasks(sweep_run: _SweepRun) -> tuple[dict[str, Any], list[Exception]]:
    """Run every task, also when one of them fails: what they did, and what failed."""
    tasks: dict[str, Callable[[_SweepRun], Any]] = {
        "reconciled": _reconcile,
        "serving": _remember_serving,
        "summarized": _process_readable_backlog,
        "unreadable": _report_unreadable,
        "evaluated": _evaluate_and_alert,
        "unclosed": _alert_on_unclosed,
        "schedules": _alert_on_schedules,
        "capture": _check_capture,
        "delivered": _send_pending,
    }
    if sweep_run.run.entry.transform_jobs:
        tasks = {"reconciled": _reconcile, "jobs": _evaluate_jobs, "delivered": _send_pending}
    if sweep_run.run.entry.quality is not None:
        tasks |= {"quality": _alert_on_quality, "labels": _process_labels}
    if settings().digest_of(sweep_run.run.entry.team):
        tasks["digest"] = _store_for_digest
    done: dict[str, Any] = {}
    failed: list[Exception] = []
    for name, task in tasks.items():
        try:
            done[name] = task(sweep_run)
        except Exception as error:  # noqa: BLE001 - raised in `sweep`, after the other tasks
            endpoint = sweep_run.run.endpoint
            logger.error("a task of the sweep failed", task=name, endpoint=endpoint, kind=type(error).__name__)
            failed.append(error)
    if sweep_run.is_long and not (failed or sweep_run.checkpoint.backlog_from or sweep_run.windows_left):
        sweep_run.save(looked_back_at=sweep_run.run.now)
    if sweep_run.evaluated_all and not failed:
        activity.end_sweep(sweep_run.run, sweep_run.activity)
    return done, failed


def _reconcile(sweep_run: _SweepRun) -> list[str]:
    run = sweep_run.run
    run.read_alert_states()  # once, for all tasks
    if run.described:
        sweep_run.save(endpoint_seen=True)
    return list(reconcile(run).steps)


def _remember_serving(sweep_run: _SweepRun) -> str:
    """Keep what the endpoint serves for the windows in which it captures nothing."""
    found = serving.remembered_by_sweep(sweep_run.run, sweep_run.checkpoint)
    sweep_run.save(serving=found)
    return found.package_version


def _alert(run: EndpointRun, executions: Iterable[Execution]) -> int:
    """Alert on executions; how many alerts were sent. Alerts already sent are deduplicated."""
    answers = [alerting.alert_on(run, execution) for execution in executions]
    return sum(len(answer.sent) for answer in answers if isinstance(answer, Alerted))


# --- captured, and not summarized -------------------------------------------------------------------------------------


def _process_readable_backlog(sweep_run: _SweepRun) -> int | str:
    try:
        return _process_backlog(sweep_run)
    except SourceAccessDenied as error:
        sweep_run.access_error = str(error)
        sweep_run.save(backlog_from=min(sweep_run.start, sweep_run.checkpoint.backlog_from or sweep_run.start))
        return sweep_run.access_error


def _process_backlog(sweep_run: _SweepRun) -> int:
    """Create the parts of the capture objects that have none, the earliest first, for as long as there is time."""
    run, look_back, variants = sweep_run.run, sweep_run.look_back, _variants(sweep_run)
    sweep_run.parts = {variant: list(capture_backlog.part_keys(run, variant, look_back)) for variant in variants}
    remembered = sweep_run.unreadable = unreadable_objects.begin_sweep(run)
    places = {one.place for one in remembered.objects}
    backlog = capture_backlog.in_order_of_time(
        *(
            capture_backlog.unprocessed_objects(run, variant, look_back, keys)
            for variant, keys in sweep_run.parts.items()
        )
    )
    created = 0
    failed: list[tuple[datetime, Exception]] = []
    for captured in backlog:
        if (captured.bucket, captured.key) in places:
            continue
        if not sweep_run.backlog_deadline.has_left(0):
            sweep_run.save(backlog_from=min([captured.capture.begun, *(begun for begun, _ in failed)]))
            break
        try:
            created += isinstance(_process(sweep_run, captured), ProcessedObject)
        except SourceAccessDenied:
            raise
        except Exception as error:  # noqa: BLE001 - raised below, after the other objects
            failed.append((captured.capture.begun, error))
    else:
        sweep_run.save(backlog_from=min((begun for begun, _ in failed), default=None))
        sweep_run.backlog_drained = not failed
    retried, errors = _retry(sweep_run, unreadable_objects.due(remembered, run.now))
    with_captures = {variant for variant in variants if sweep_run.parts[variant]}
    sweep_run.save(variants=tuple(sorted({*sweep_run.checkpoint.variants, *with_captures})))
    errors = [*(error for _, error in failed), *errors]
    if errors:
        raise errors[0]
    return created + retried


def _process(sweep_run: _SweepRun, captured: DataCaptured) -> ProcessedObject | Skipped:
    run = sweep_run.run
    with capture_backlog.source_access(run):
        processed = capture_processing.process(run, captured, source_is_readable=sweep_run.source_is_readable)
    sweep_run.source_is_readable = True
    if isinstance(processed, ProcessedObject):
        _add_part(sweep_run, captured)
    else:
        sweep_run.unreadable = None
    return processed


def _retry(sweep_run: _SweepRun, due: list[DataCaptured]) -> tuple[int, list[Exception]]:
    """Try remembered objects again, after the others, while there is time: how many were read, and what failed.

    Each was refused by itself, so that it is refused again says nothing about its source.
    """
    sweep_run.source_is_readable = True
    read: list[tuple[str, str]] = []
    over: list[tuple[str, str]] = []
    errors: list[Exception] = []
    for captured in due:
        if not sweep_run.backlog_deadline.has_left(0):
            break
        try:
            processed = _process(sweep_run, captured)
        except Exception as error:  # noqa: BLE001 - raised by the caller, after the other objects
            errors.append(error)
            continue
        if isinstance(processed, ProcessedObject):
            read.append((captured.bucket, captured.key))
        elif processed.reason == SkipReason.OTHER_SOURCE:
            over.append((captured.bucket, captured.key))
    if read or over:
        sweep_run.unreadable = unreadable_objects.forget(sweep_run.run, [*read, *over])
    return len(read), errors


def _report_unreadable(sweep_run: _SweepRun) -> int:
    """Raise a condition while objects cannot be read; how many there are."""
    run = sweep_run.run
    found = sweep_run.unreadable = sweep_run.unreadable or unreadable_objects.of_endpoint(run)
    if run.entry.mode != Mode.OBSERVE:
        sync = partial(endpoint_notifications.sync_unreadable_objects, found=found, now=run.now)
        alerting.sync(run, sync)
    return found.count


def _process_labels(sweep_run: _SweepRun) -> int:
    """Make the label parts that are missing, and raise a condition while labels cannot be read; how many were made."""
    from chalicelib.services import label_backlog  # most endpoints have no labels

    run = sweep_run.run
    deadline = run.deadline.earlier_by_share(Deadline.TASKS_AFTER_BACKLOG)
    backlog = label_backlog.process(run, sweep_run.checkpoint.label_scans, deadline)
    sweep_run.save(label_scans=backlog.scans)
    if run.entry.mode != Mode.OBSERVE:
        found = unreadable_objects.of_endpoint(run, unreadable_objects.labels)
        sync = partial(
            endpoint_notifications.sync_unreadable_labels, found=found, denied=backlog.access_errors, now=run.now
        )
        alerting.sync(run, sync)
    if backlog.failed:
        raise backlog.failed[0]
    return backlog.created


def _variants(sweep_run: _SweepRun) -> list[str]:
    """The variants that the endpoint shows, and those that have captured; a long look lists the bucket too."""
    shown = sweep_run.checkpoint.serving.variants if sweep_run.checkpoint.serving else ()
    known = {*shown, *sweep_run.checkpoint.variants}
    if sweep_run.is_long or not known:
        listed = capture_backlog.captured_variants(sweep_run.run)
        sweep_run.save(variants=tuple(sorted({*sweep_run.checkpoint.variants, *listed})))
        known |= listed
    return sorted(known)


def _add_part(sweep_run: _SweepRun, captured: DataCaptured) -> None:
    """A part was just created: the windows' verdicts are compared with it as well."""
    capture = captured.capture
    sweep_run.created.append(capture)
    if capture.begun < sweep_run.start:
        return
    keys, key = sweep_run.parts.setdefault(capture.variant, []), locations.part(capture)
    place = bisect_left(keys, key)
    if keys[place : place + 1] != [key]:
        keys.insert(place, key)


# --- evaluated, and reported ------------------------------------------------------------------------------------------


def _evaluate_and_alert(sweep_run: _SweepRun) -> dict[str, Any]:
    """Evaluate again the windows whose stored verdict used other parts; alert on verdicts not yet reported."""
    run = sweep_run.run
    unreported = _unreported_windows(sweep_run)
    latest = _latest(run, unreported)
    late = _windows_read_late(sweep_run)
    due = sorted(
        {
            window
            for window, variant in unreported
            if sweep_run.is_long
            or window in late
            or not _used(latest.get((window, variant)), sweep_run.keys_in(variant, window))
        }
    )
    evaluated: EvaluatedWindows | Skipped = EvaluatedWindows()
    if due:
        context = monitoring.evaluation_context(run)
        evaluated = monitoring.evaluate_closed(run, due, context, sweep_run.parts, sweep_run.keys_in)
        latest |= _latest(run, [one for one in unreported if one[0] in due])
    sweep_run.windows_left = evaluated.unfinished
    complete = sweep_run.evaluated_all = _is_complete(evaluated)
    alerts, reported = 0, dict(sweep_run.checkpoint.reported_windows)
    for (window, variant), digest in unreported.items():
        execution = latest.get((window, variant))
        if execution is not None:
            alerts += _alert(run, [execution])
        if complete and (execution is None or _used(execution, sweep_run.keys_in(variant, window))):
            reported[_name(variant, window)] = digest
    oldest = f"{run.now - REPORTED_WINDOWS_KEPT:%Y-%m-%dT%H:%M}"
    sweep_run.save(reported_windows={name: digest for name, digest in reported.items() if name.split(" ")[1] >= oldest})
    verdicts = [one.verdict for one in evaluated.executions] if isinstance(evaluated, EvaluatedWindows) else []
    return {"verdicts": verdicts, "alerts": alerts}


def _is_complete(evaluated: EvaluatedWindows | Skipped) -> bool:
    """Whether nothing has to be evaluated again by the next sweep."""
    if isinstance(evaluated, Skipped):
        return evaluated.reason != SkipReason.BASELINE_UNREADABLE
    return not evaluated.remaining


def _unreported_windows(sweep_run: _SweepRun) -> dict[tuple[Window, str], str]:
    """The closed windows and variants that are not known to be evaluated and reported as they are now.

    Each has the digest that the checkpoint holds once it is reported.
    """
    named = sweep_run.run.stores.baselines.in_force(sweep_run.run.endpoint)
    version = named.version if named else ""
    found: dict[tuple[Window, str], str] = {}
    for window in _windows(sweep_run):
        for variant in sweep_run.parts:
            digest = f"{sweep_run.run.entry.mode} {version} {_parts_digest(sweep_run, variant, window)}"
            if sweep_run.checkpoint.reported_windows.get(_name(variant, window)) != digest:
                found[window, variant] = digest
    return found


def _windows(sweep_run: _SweepRun) -> list[Window]:
    """The closed windows of the look back, the latest drift window, which may have begun before it, and late ones."""
    entry, now = sweep_run.run.entry, sweep_run.run.now
    count = (now - sweep_run.start) // timedelta(minutes=entry.window_minutes)
    found = [window for window in closed_windows(entry.window_minutes, now, count) if window.start >= sweep_run.start]
    if entry.drift_window_minutes > entry.window_minutes:
        count = 1 + (now - sweep_run.start) // timedelta(minutes=entry.drift_window_minutes)
        drift = closed_windows(entry.drift_window_minutes, now, count)
        found += [window for window in drift[:-1] if window.start >= sweep_run.start] + drift[-1:]
    return sorted({*found, *_windows_read_late(sweep_run)})


def _windows_read_late(sweep_run: _SweepRun) -> set[Window]:
    """The closed windows of the objects that this run has read."""
    entry, now = sweep_run.run.entry, sweep_run.run.now
    lengths = {entry.window_minutes, max(entry.window_minutes, entry.drift_window_minutes)}
    windows = {open_window(minutes, capture.begun) for capture in sweep_run.created for minutes in lengths}
    return {window for window in windows if window.end <= now - LATE_DATA_GRACE}


def _parts_digest(sweep_run: _SweepRun, variant: str, window: Window) -> str:
    """Which parts a window has. Of one that is longer than the look back: that it was reported; checked once a day."""
    keys = sweep_run.keys_in(variant, window)
    if keys is None:
        return f"{sweep_run.run.now:%Y-%m-%d}" if sweep_run.is_long else "reported"
    return parts_digest(keys)


def _name(variant: str, window: Window) -> str:
    return f"{variant} {window.start:%Y-%m-%dT%H:%M} {window.length // timedelta(minutes=1)}"


def _latest(run: EndpointRun, wanted: Collection[tuple[Window, str]]) -> dict[tuple[Window, str], Execution]:
    """The newest revision of the closed windows of variants, where there is one."""
    found: dict[tuple[Window, str], Execution] = {}
    for variant in {variant for _, variant in wanted}:
        windows = {window for window, of in wanted if of == variant}
        stored = run.stores.executions.latest_of_windows(run.endpoint, variant, windows)
        found |= {(window, variant): execution for window, execution in stored.items()}
    return found


def _used(execution: Execution | None, keys: tuple[str, ...] | None) -> bool:
    """Whether an execution used these parts; any, when they are not known."""
    return execution is not None and (keys is None or execution.used(keys))


def _alert_on_unclosed(sweep_run: _SweepRun) -> int:
    """Alert on what single objects and open windows have violated since the last sweep."""
    run, executions = sweep_run.run, sweep_run.run.stores.executions
    last = sweep_run.checkpoint.objects_reported_until
    since = max(sweep_run.start, last - activity.CLOCK_TOLERANCE) if last else sweep_run.start
    alerts = 0
    if run.entry.mode != Mode.OBSERVE and activity.has_violations_since(run, since):
        for variant in sweep_run.parts:
            span = (run.endpoint, variant, sweep_run.start, run.now, since)
            alerts += _alert(run, executions.of_objects(*span))
            alerts += _alert(run, executions.of_open_windows(*span))
    if sweep_run.parts:
        sweep_run.save(objects_reported_until=run.now.replace(microsecond=0))
    return alerts


def _alert_on_quality(sweep_run: _SweepRun) -> int:
    """Alert on the days of model quality that were evaluated since the last sweep; their event may have been lost."""
    run = sweep_run.run
    if run.entry.mode == Mode.OBSERVE:
        return 0
    last = sweep_run.checkpoint.quality_reported_until
    since = last - activity.CLOCK_TOLERANCE if last else run.now - LONG_LOOK_BACK
    oldest = run.now - QUALITY_LOOK_BACK
    executions = run.stores.executions
    alerts = sum(
        _alert(run, executions.of_quality_stored_since(run.endpoint, variant, oldest, run.now, since))
        for variant in run.quality_parts.prediction_variants(run.endpoint)
    )
    sweep_run.save(quality_reported_until=run.now.replace(microsecond=0))
    return alerts


def _alert_on_schedules(sweep_run: _SweepRun) -> int:
    """Alert on executions of Model Monitor whose event was lost, and those that never had a job."""
    run = sweep_run.run
    if run.entry.mode == Mode.OBSERVE:
        return 0
    return _alert(run, model_monitor.unreported_executions(run, run.now - LOOK_BACK))


def _evaluate_jobs(sweep_run: _SweepRun) -> dict[str, Any]:
    """Evaluate the transform jobs that are not known to be reported, and alert."""
    from chalicelib.services import job_backlog  # few entries name jobs

    found = job_backlog.process(sweep_run.run, sweep_run.checkpoint.reported_windows)
    sweep_run.save(reported_windows=found.reported)
    sweep_run.windows_left |= found.unfinished
    job_backlog.report(sweep_run.run, found)
    return {"verdicts": found.verdicts, "alerts": found.alerts}


# --- capture ----------------------------------------------------------------------------------------------------------


def _check_capture(sweep_run: _SweepRun) -> str:
    """Raise a condition while capture is off or goes to another destination. Runs after the backlog was processed."""
    run = sweep_run.run
    _update_delivery(sweep_run)
    state, conditions = CaptureState.NOT_EXPECTED.value, {}
    if sweep_run.access_error:
        conditions = {"closed": sweep_run.access_error}
    elif run.entry.mode != Mode.DEPLOY:
        described = sweep_run.run.described.get("DataCaptureConfig") or {}
        conditions = capture_conditions(described, run.capture_uri, run.endpoint)
    elif not sweep_run.backlog_drained:
        return "not known"  # the object that would be missing may lie there unread
    else:
        found = _deployed_capture_state(sweep_run)
        state, conditions = found.value, {"missing": CAPTURE_MISSING} if found == CaptureState.MISSING else {}
    if run.entry.mode != Mode.OBSERVE and not (conditions and _capture_stop_was_reported(run)):
        sync = partial(endpoint_notifications.sync_conditions, family="capture", conditions=conditions, now=run.now)
        alerting.sync(run, sync)
    return next(iter(conditions), state)


def _deployed_capture_state(sweep_run: _SweepRun) -> CaptureState:
    run = sweep_run.run
    latest = run.deployments.latest
    since = latest.requested_at if latest else run.now
    begun = (locations.part_begun(key) for keys in sweep_run.parts.values() for key in keys)
    seen = (
        any(moment >= since.replace(second=0, microsecond=0) for moment in begun)
        or bool(sweep_run.unreadable and sweep_run.unreadable.count)
        or sweep_run.checkpoint.capture_seen == since
        or any(capture_backlog.part_keys(run, variant, Window(since, LOOK_BACK)) for variant in sweep_run.parts)
    )
    if seen and latest:
        sweep_run.save(capture_seen=since)
    return capture_state(run.entry, latest, run.now, seen=seen)


def _capture_stop_was_reported(run: EndpointRun) -> bool:
    """Whether a verdict has reported that captures have stopped: one message is enough."""
    return any(captures_stopped(state) for state in run.alert_states.values())


def capture_conditions(described: dict[str, Any], source: str, endpoint: str) -> dict[str, str]:
    """The conditions that an endpoint's own DataCaptureConfig shows, by name; `described` is DescribeEndpoint's part.

    Examples
    --------
    >>> capture_conditions({"EnableCapture": True, "DestinationS3Uri": "s3://lake/new"}, "s3://lake/old", "site")
    {'elsewhere': 'it captures to s3://lake/new, and s3://lake/old is read; `vedette watch site` follows it'}
    """
    destination = str(described.get("DestinationS3Uri", ""))
    if described and not described.get("EnableCapture", False):
        return {"off": "data capture of the endpoint is off, so nothing that it receives is evaluated"}
    if destination and destination.rstrip("/") != source.rstrip("/"):
        text = f"it captures to {destination}, and {source} is read; `vedette watch {endpoint}` follows it"
        return {"elsewhere": text}
    return {}


def _update_delivery(sweep_run: _SweepRun) -> None:
    """Record how captures become known: looked up daily, and each time while they are polled."""
    if sweep_run.access_error:
        sweep_run.save(delivery=Delivery.DENIED)
        return
    if sweep_run.checkpoint.delivery == Delivery.EVENTS and not sweep_run.is_long:
        return
    run = sweep_run.run
    bucket = run.stores.bucket_of(locations.split_s3_uri(run.capture_uri)[0])
    sends_events = bucket.sends_events()
    if sends_events is not None:
        delivery = capture_backlog.delivery(run.capture_uri, run.endpoint, bucket_sends_events=sends_events)
        sweep_run.save(delivery=delivery)


# --- pending alerts ---------------------------------------------------------------------------------------------------


def _send_pending(sweep_run: _SweepRun) -> int:
    """Repeat open alerts that are due, and send the pending ones that nobody is sending.

    A metric has the age of what is left.
    """
    run = sweep_run.run
    sent = repetition.repeat_open_alerts(run)
    for state in list(run.alert_states.values()):
        if alerting.has_pending(run, state):
            with suppress(NotReady):  # another invocation is sending it
                sent += len(alerting.send_pending(run, state.variant))
    oldest = outbox.oldest_pending(run.alert_states.values())
    if oldest is not None:
        emf_metrics.emit_oldest_pending((run.now - oldest).total_seconds())
    return sent


def _store_for_digest(sweep_run: _SweepRun) -> str:
    run, checkpoint = sweep_run.run, sweep_run.checkpoint
    digest = team_notifications.store_for_digest(run, checkpoint, is_long=sweep_run.is_long)
    sweep_run.save(digest=digest)
    return digest

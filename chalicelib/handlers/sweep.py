"""What lost events left behind; part of correctness, and bounded.

| left behind                             | found by / done                                                 |
|-----------------------------------------|-----------------------------------------------------------------|
| approved, and not served                | the plan; reconcile                                             |
| captured, and not summarized            | capture objects without a part; the part is made                |
| overwritten, and not summarized anew    | capture objects that are younger than their part; the same      |
| a window that closed and was not judged | windows whose verdict does not name its parts; judged           |
| judged, and not told                    | the same windows; told, and then remembered as settled          |
| ... by itself, one object               | the executions of objects stored since the last sweep; told     |
| verified, and not captured              | no part since the deployment; said while it lasts               |
| captured to another place, or no more   | the endpoint's own DataCaptureConfig; said while it lasts       |
| captured where we may not read          | S3 or KMS refuses; said while it lasts, made up for afterwards  |
| an execution of Model Monitor, not told | ListMonitoringExecutions; read and told                        |
| owed, under a lease that expired        | the outbox of each book; published                              |

Every run looks back two hours, and a day once a day. What a run had no time for is remembered (`Swept`), and the next
one goes on there, so that a source without events, which is read here alone, is never left behind for good. A quiet
quarter of an hour costs two listings a variant: one of the captures, one of the parts; one with captures a third.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any

from msgspec.structs import replace

from chalicelib import locations
from chalicelib.alerts import endpoint_notifications as notifications
from chalicelib.alerts.state import captures_stopped
from chalicelib.aws import s3, sagemaker, store, table
from chalicelib.constraints.windows import EPOCH, closed_windows
from chalicelib.errors import NotReady
from chalicelib.events import DataCaptured
from chalicelib.handlers import data_captured, forgotten, monitoring_execution, run_monitoring, schedules
from chalicelib.handlers.forgotten import SourceClosed
from chalicelib.handlers.judging import Remaining
from chalicelib.handlers.reconciliation import reconcile
from chalicelib.handlers.telling import deliver, tell
from chalicelib.observability import logger
from chalicelib.records import AlertState, Deployment, Execution, FleetEntry, Swept
from chalicelib.registry.capture_check import capture_state
from chalicelib.window import Window

LOOK_BACK = timedelta(hours=2)
LONG_LOOK_BACK = timedelta(days=1)
RESERVE = 1 / 3  # of the time there is at the beginning, which summarizing leaves to the duties after it
MOST_FAILURES = 10  # objects that cannot be read; then the rest waits for the next run
CAPTURE_MISSING = "the endpoint was verified, and not even its golden request was captured"
UNJUDGED = {"baseline unreadable", "left for the next run"}  # in the answer of `judge`: it is to be asked again


def handle(entry: FleetEntry, remaining: Remaining) -> dict[str, Any]:
    """Sweep one endpoint."""
    known, revision = table.get_item(Swept, table.endpoint_key(entry.endpoint), forgotten.SWEPT)
    before = known or Swept(endpoint=entry.endpoint)
    run = _begun(entry, datetime.now(UTC), remaining, before)
    done, failed = _swept(run)
    if run.memory != before:  # who loses against another run has forgotten nothing that cannot be found again
        table.put_item(run.memory, table.endpoint_key(entry.endpoint), forgotten.SWEPT, revision)
    if failed:
        raise failed[0]
    return done


@dataclass
class _Run:
    """One look back over one endpoint, and what is remembered of it."""

    entry: FleetEntry
    now: datetime
    remaining: Remaining
    reserve: int  # milliseconds
    memory: Swept
    long: bool  # a day is looked through: once a day, and again until it was done to the end
    start: datetime  # since when captures are looked for: whole windows, so that each can be compared with its verdict
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # keys by variant, since `start`
    closed: str = ""  # why the source cannot be read
    read: bool = False  # whether all that lies at the source since `start` has its part

    @cached_property
    def described(self) -> dict[str, Any]:
        """DescribeEndpoint; empty when there is no such endpoint."""
        return sagemaker.describe_endpoint(self.entry.endpoint) or {}

    def remember(self, **fields: Any) -> None:
        self.memory = replace(self.memory, **fields)

    def time_is_up(self) -> bool:
        return self.remaining() < self.reserve


def _begun(entry: FleetEntry, now: datetime, remaining: Remaining, memory: Swept) -> _Run:
    """A run that looks back two hours, or to where the last one stopped, or a day; a day at most."""
    long = memory.looked_back_at is None or now - memory.looked_back_at >= LONG_LOOK_BACK
    back = now - LONG_LOOK_BACK if long else min(now - LOOK_BACK, max(memory.behind or now, now - LONG_LOOK_BACK))
    start = back - (back - EPOCH) % timedelta(minutes=entry.window_minutes)
    return _Run(entry, now, remaining, int(remaining() * RESERVE), memory, long, start)


def _swept(run: _Run) -> tuple[dict[str, Any], list[Exception]]:
    """Do every duty, also when one of them fails: what they did, and what failed."""
    duties: dict[str, Callable[[], Any]] = {
        "reconciled": lambda: reconcile(run.entry)["steps"],
        "summarized": lambda: _summarize_what_may_be_read(run),
        "judged": lambda: _judge_and_tell(run),
        "objects": lambda: _tell_objects(run),
        "schedules": lambda: _tell_schedules(run),
        "capture": lambda: _check_capture(run),
        "delivered": lambda: _deliver_owed(run.entry),
    }
    done: dict[str, Any] = {}
    failed: list[Exception] = []
    for name, duty in duties.items():
        try:
            done[name] = duty()
        except Exception as error:  # noqa: BLE001 - it rises in `handle`, after the other duties were done
            logger.error(
                "a duty of the sweep failed", duty=name, endpoint=run.entry.endpoint, kind=type(error).__name__
            )
            failed.append(error)
    if run.long and not failed and run.memory.behind is None:
        run.remember(looked_back_at=run.now)
    return done, failed


# --- captured, and not summarized -------------------------------------------------------------------------------------


def _summarize_what_may_be_read(run: _Run) -> int | str:
    try:
        return _summarize_forgotten(run)
    except SourceClosed as error:
        run.closed = str(error)
        run.remember(behind=min(run.start, run.memory.behind or run.start))
        return run.closed


def _summarize_forgotten(run: _Run) -> int:
    """Make the parts of the capture objects that have none, the earliest first, for as long as there is time."""
    entry, variants = run.entry, _variants(run)
    made_before = {variant: store.part_times(entry.endpoint, variant, run.start, run.now) for variant in variants}
    run.parts = {variant: tuple(keys) for variant, keys in made_before.items()}
    waiting = forgotten.in_order_of_time(
        *(forgotten.without_part(entry, variant, run.start, run.now, keys) for variant, keys in made_before.items())
    )
    made = 0
    failed: list[tuple[datetime, Exception]] = []
    for captured in waiting:
        if run.time_is_up() or len(failed) == MOST_FAILURES:
            run.remember(behind=min([captured.capture.begun, *(begun for begun, _ in failed)]))
            break
        try:
            data_captured.process(captured, entry)
            made += 1
        except Exception as error:
            if forgotten.is_closed(error):
                raise SourceClosed.of(entry) from error
            failed.append((captured.capture.begun, error))
        else:
            _note(run, captured)
    else:
        run.remember(behind=min((begun for begun, _ in failed), default=None))
        run.read = not failed
    with_captures = {variant for variant in variants if run.parts[variant]}
    run.remember(variants=tuple(sorted({*run.memory.variants, *with_captures})))
    if failed:
        raise failed[0][1]
    return made


def _variants(run: _Run) -> list[str]:
    """The variants that the endpoint shows, and those that have captured before; a day's look asks the bucket too."""
    known = {*sagemaker.variants_of(run.described), *run.memory.variants}
    if run.long or not known:
        listed = forgotten.captured_variants(run.entry)
        run.remember(variants=tuple(sorted({*run.memory.variants, *listed})))
        known |= listed
    return sorted(known)


def _note(run: _Run, captured: DataCaptured) -> None:
    """A part was just made, so that the windows' verdicts are compared with it as well."""
    variant = captured.capture.variant
    run.parts[variant] = tuple(sorted({*run.parts[variant], locations.part(captured.capture)}))


# --- judged, and told -------------------------------------------------------------------------------------------------


def _unsettled(run: _Run) -> dict[Window, dict[str, str]]:
    """The closed windows that are not known to be judged and told as they are now, and what settles each variant."""
    named = store.named_baseline(run.entry.endpoint)
    version = named.version if named else ""
    found: dict[Window, dict[str, str]] = {}
    for window in _windows(run):
        for variant in run.parts:
            mark = f"{run.entry.mode} {version} {_digest(run, variant, window)}"
            if run.memory.settled.get(_name(variant, window)) != mark:
                found.setdefault(window, {})[variant] = mark
    return found


def _windows(run: _Run) -> list[Window]:
    """The closed windows of the look back, and the latest of drift's own kind, which may have begun before it."""
    entry, count = run.entry, (run.now - run.start) // timedelta(minutes=run.entry.window_minutes)
    found = [window for window in closed_windows(entry.window_minutes, run.now, count) if window.start >= run.start]
    if entry.drift_window_minutes > entry.window_minutes:
        found += closed_windows(entry.drift_window_minutes, run.now, 1)
    return found


def _keys(run: _Run, variant: str, window: Window) -> tuple[str, ...] | None:
    """The parts of a window; None when the look back does not reach to its beginning."""
    if window.start < run.start or variant not in run.parts:
        return None
    return tuple(key for key in run.parts[variant] if window.contains(locations.part_begun(key)))


def _digest(run: _Run, variant: str, window: Window) -> str:
    """Which parts there are. Of a window that is longer than the look back: that it was told; asked anew once a day."""
    keys = _keys(run, variant, window)
    if keys is None:
        return f"{run.now:%Y-%m-%d}" if run.long else "told"
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]


def _name(variant: str, window: Window) -> str:
    return f"{variant} {window.start:%Y-%m-%dT%H:%M} {window.length // timedelta(minutes=1)}"


def _latest(run: _Run, variant: str, window: Window) -> Execution | None:
    return store.latest_execution(locations.executions_of_window(run.entry.endpoint, variant, window))


def _is_of(execution: Execution | None, keys: tuple[str, ...] | None) -> bool:
    return execution is not None and keys in (None, execution.parts)


def _judge_and_tell(run: _Run) -> dict[str, Any]:
    """Judge the windows whose verdict is not of the parts that are there; tell what nobody is known to have told."""
    unsettled = _unsettled(run)
    latest = {(w, v): _latest(run, v, w) for w, variants in unsettled.items() for v in variants}
    waiting = [
        window
        for window, variants in unsettled.items()
        if run.long or not all(_is_of(latest[window, v], _keys(run, v, window)) for v in variants)
    ]
    answer = run_monitoring.judge(run.entry, waiting, run.remaining, partial(_keys, run)) if waiting else {}
    done = not answer.keys() & UNJUDGED
    told, settled = 0, dict(run.memory.settled)
    for window, variants in unsettled.items():
        for variant, mark in variants.items():
            execution = _latest(run, variant, window) if window in waiting else latest[window, variant]
            if execution is not None:
                told += len(monitoring_execution.tell_of(execution).get("alerts", ()))
            if done and (execution is None or _is_of(execution, _keys(run, variant, window))):
                settled[_name(variant, window)] = mark
    oldest = f"{run.now - 3 * LONG_LOOK_BACK:%Y-%m-%dT%H:%M}"
    run.remember(settled={name: mark for name, mark in settled.items() if name.split(" ")[1] >= oldest})
    return {"verdicts": answer.get("verdicts", []), "told": told}


def _tell_objects(run: _Run) -> int:
    """Tell what single objects violated since the last sweep: who was told already is told nothing new."""
    since = max(run.start, run.memory.objects_told or run.start)
    told = 0
    for variant, keys in run.parts.items() if run.entry.mode != "observe" else ():
        if keys:
            found = store.executions_of_objects(run.entry.endpoint, variant, run.start, run.now, since)
            told += sum(len(monitoring_execution.tell_of(execution).get("alerts", ())) for execution in found)
    if run.parts:
        run.remember(objects_told=run.now.replace(microsecond=0))
    return told


# --- Model Monitor's own executions, where there are schedules --------------------------------------------------------


def _tell_schedules(run: _Run) -> int:
    """Tell the executions of Model Monitor whose event was lost, and those that never had a job."""
    if run.entry.mode == "observe":
        return 0
    untold = schedules.untold_executions(run.entry.endpoint, run.now - LOOK_BACK)
    return sum(len(monitoring_execution.tell_of(execution).get("alerts", ())) for execution in untold)


# --- captured at all --------------------------------------------------------------------------------------------------


def _check_capture(run: _Run) -> str:
    """Say while what should be captured is not, or lies elsewhere; after what was forgotten has been summarized."""
    entry, source = run.entry, forgotten.source(run.entry)
    _look_at_delivery(run, source)
    state, conditions = "not expected", {"closed": run.closed} if run.closed else {}
    if not run.closed and entry.mode != "deploy":
        conditions = capture_conditions(run.described.get("DataCaptureConfig") or {}, source, entry.endpoint)
    elif not run.closed and not run.read:
        return "not known"  # the object that would be missing may lie there unread
    elif not run.closed:
        latest, _ = table.get_item(Deployment, table.endpoint_key(entry.endpoint), "deployment")
        since = latest.requested_at if latest else run.now
        seen = any(run.parts.values()) or any(
            store.part_keys(entry.endpoint, variant, since, since + LOOK_BACK) for variant in run.parts
        )
        state = capture_state(entry, latest, run.now, seen=seen)
        conditions = {"missing": CAPTURE_MISSING} if state == "missing" else {}
    state = next(iter(conditions), state)
    if entry.mode != "observe" and not (conditions and _is_told_already(entry.endpoint)):
        tell(
            entry.endpoint,
            "",
            lambda book: notifications.sync_conditions(book, "capture", conditions, run.now),
        )
    return state


def _is_told_already(endpoint: str) -> bool:
    """Whether a verdict has said that captures have stopped: one message is enough."""
    return any(
        captures_stopped(book) for book in table.query(AlertState, table.endpoint_key(endpoint), "alerts#").values()
    )


def capture_conditions(described: dict[str, Any], source: str, endpoint: str) -> dict[str, str]:
    """What a person must hear of an endpoint's own DataCaptureConfig, as DescribeEndpoint gives it.

    Examples
    --------
    >>> capture_conditions({"EnableCapture": True, "DestinationS3Uri": "s3://lake/new"}, "s3://lake/old", "site")
    {'elsewhere': 'it captures to s3://lake/new, and s3://lake/old is read; `vedette watch site` follows it'}
    """
    destination = str(described.get("DestinationS3Uri", ""))
    if described and not described.get("EnableCapture", False):
        return {"off": "data capture of the endpoint is off, so nothing of what it receives is judged"}
    if destination and destination.rstrip("/") != source.rstrip("/"):
        text = f"it captures to {destination}, and {source} is read; `vedette watch {endpoint}` follows it"
        return {"elsewhere": text}
    return {}


def _look_at_delivery(run: _Run, source: str) -> None:
    """Note whether events tell of captures, or this sweep alone; asked daily, and each time while it is polled."""
    if run.closed:
        run.remember(delivery="closed")
        return
    if run.memory.delivery == "events" and not run.long:
        return
    tells = s3.sends_events(locations.place(source)[0])
    if tells is not None:
        run.remember(delivery=forgotten.delivery(source, run.entry.endpoint, bucket_tells=tells))


# --- owed -------------------------------------------------------------------------------------------------------------


def _deliver_owed(entry: FleetEntry) -> int:
    """Send what any book of the endpoint owes and nobody is sending."""
    sent = 0
    for sk in table.query(AlertState, table.endpoint_key(entry.endpoint), "alerts#"):
        try:
            sent += len(deliver(entry.endpoint, sk.removeprefix("alerts#")))
        except NotReady:  # somebody is publishing just now
            continue
    return sent

"""What lost events left behind, found within the last two hours; part of correctness, and bounded.

| left behind                             | found by / done                                    |
|-----------------------------------------|----------------------------------------------------|
| approved, and not served                | the plan; reconcile                                |
| captured, and not summarized            | capture objects without a part; the part is made   |
| a window that closed and was not judged | windows without an execution; judged               |
| judged, and not told                    | executions later than the book's last window; told |
| verified, and not captured              | no part since the deployment; said while it lasts |
| owed, under a lease that expired        | the outbox of each book; published                 |
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib import locations
from chalicelib.alerts import notices
from chalicelib.aws import s3, store, table
from chalicelib.errors import NotReady
from chalicelib.events import DataCaptured, Event, Scheduled
from chalicelib.handlers import data_captured, monitoring_execution, run_monitoring
from chalicelib.handlers.reconciliation import reconcile
from chalicelib.handlers.telling import deliver, tell
from chalicelib.observability import logger
from chalicelib.records import AlertBook, Deployment, FleetEntry
from chalicelib.registry.capture_check import capture_state
from chalicelib.settings import settings

LOOK_BACK = timedelta(hours=2)
CAPTURE_MISSING = "the endpoint was verified, and not even its golden request was captured"


def handle(event: Event, function_name: str) -> dict[str, Any]:
    """Fan out over the fleet, or sweep one endpoint."""
    scheduled = Scheduled.from_eventbridge(event, settings())
    if not scheduled.endpoint:
        return run_monitoring.fan_out(event, function_name)
    entry = store.fleet().entry(scheduled.endpoint)
    if entry is None:
        return {"left alone": f"{scheduled.endpoint} is not in the fleet"}
    return _swept(entry, datetime.now(UTC))


def _swept(entry: FleetEntry, now: datetime) -> dict[str, Any]:
    """Do every duty, also when one of them fails; the first failure rises at the end."""
    duties: dict[str, Callable[[], Any]] = {
        "reconciled": lambda: reconcile(entry)["steps"],
        "summarized": lambda: _summarize_forgotten(entry, now),
        "judged": lambda: run_monitoring.judge(entry, _windows(entry, now)),
        "told": lambda: _tell_forgotten(entry, now),
        "capture": lambda: _check_capture(entry, now),
        "delivered": lambda: _deliver_owed(entry),
    }
    done: dict[str, Any] = {}
    failed: list[Exception] = []
    for name, duty in duties.items():
        try:
            done[name] = duty()
        except Exception as error:  # noqa: BLE001 - it rises below, after the other duties were done
            logger.error("a duty of the sweep failed", duty=name, endpoint=entry.endpoint, kind=type(error).__name__)
            failed.append(error)
    if failed:
        raise failed[0]
    return done


def _check_capture(entry: FleetEntry, now: datetime) -> str:
    """Say while a verified deployment captures nothing; said after what was forgotten has been summarized."""
    if entry.mode != "deploy":
        return "not expected"
    latest, _ = table.get_item(Deployment, table.endpoint_key(entry.endpoint), "deployment")
    since = latest.requested_at if latest else now
    seen = any(
        store.part_keys(entry.endpoint, variant, begin.replace(second=0, microsecond=0), begin + LOOK_BACK)
        for variant in store.variants(entry.endpoint)
        for begin in (since, now - LOOK_BACK)
    )
    state = capture_state(entry, latest, now, seen=seen)
    missing = {"missing": CAPTURE_MISSING} if state == "missing" else {}
    tell(entry.endpoint, "", lambda book: notices.told_while(book, "capture", missing, now))
    return state


def _windows(entry: FleetEntry, now: datetime) -> list[run_monitoring.Window]:
    count = max(1, LOOK_BACK // timedelta(minutes=entry.window_minutes))
    return run_monitoring.closed_windows(entry.window_minutes, now, count)


def _summarize_forgotten(entry: FleetEntry, now: datetime) -> int:
    """Make the parts of the capture objects of the last two hours that have none."""
    source = (entry.capture_uri or locations.capture_uri(settings().bucket)).rstrip("/")
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    root = f"{prefix}/{entry.endpoint}/".lstrip("/")
    made = 0
    start = (now - LOOK_BACK).replace(minute=0, second=0, microsecond=0)  # whole hours, as the folders are
    for variant in s3.list_folders(root, bucket):
        have = set(store.part_keys(entry.endpoint, variant, start, now))
        for listed in store.capture_objects(f"{root}{variant}/", bucket, start, now):
            capture = locations.capture_key(listed.key)
            if capture is not None and locations.part(capture) not in have:
                data_captured.process(DataCaptured(bucket, listed.key, listed.etag, listed.size, capture), entry)
                made += 1
    return made


def _tell_forgotten(entry: FleetEntry, now: datetime) -> int:
    """Tell the stored verdicts of the last windows again: nothing changes where they were told."""
    told = 0
    for variant in store.variants(entry.endpoint):
        for start, length in _windows(entry, now):
            window = locations.executions_of_window(entry.endpoint, variant, start, length)
            execution = store.latest_execution(window)
            if execution is not None:
                told += len(monitoring_execution.tell_of(execution).get("alerts", ()))
    return told


def _deliver_owed(entry: FleetEntry) -> int:
    """Send what any book of the endpoint owes and nobody is sending."""
    sent = 0
    for sk in table.query(AlertBook, table.endpoint_key(entry.endpoint), "alerts#"):
        try:
            sent += len(deliver(entry.endpoint, sk.removeprefix("alerts#")))
        except NotReady:  # somebody is publishing just now
            continue
    return sent

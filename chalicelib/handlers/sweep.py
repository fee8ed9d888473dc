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

from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib import locations
from chalicelib.alerts import notices
from chalicelib.aws import s3, store, table
from chalicelib.errors import NotReady
from chalicelib.events import DataCaptured, Event, Scheduled
from chalicelib.handlers import data_captured, monitoring_execution, run_monitoring
from chalicelib.handlers.reconciliation import reconcile
from chalicelib.handlers.telling import tell
from chalicelib.records import Deployment, FleetEntry
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
    now = datetime.now(UTC)
    return {
        "reconciled": reconcile(entry)["steps"],
        "summarized": _summarize_forgotten(entry, now),
        "judged": run_monitoring.judge(entry, _windows(entry, now)),
        "told": _tell_forgotten(entry, now),
        "capture": _check_capture(entry, now),
    }


def _check_capture(entry: FleetEntry, now: datetime) -> str:
    """Say while a verified deployment captures nothing; said after what was forgotten has been summarized."""
    if entry.mode != "deploy":
        return "not expected"
    latest, _ = table.get_item(Deployment, table.endpoint_key(entry.endpoint), "deployment")
    begun = [store.last_part(entry.endpoint, variant, now) for variant in store.variants(entry.endpoint)]
    state = capture_state(entry, latest, max((b for b in begun if b), default=None), now)
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
    for variant in s3.list_folders(root, bucket):
        have = set(store.part_keys(entry.endpoint, variant, now - LOOK_BACK, now))
        for listed in store.capture_objects(f"{root}{variant}/", bucket, now - LOOK_BACK, now):
            capture = locations.capture_key(listed.key)
            if capture is not None and locations.part(capture) not in have:
                data_captured.process(DataCaptured(bucket, listed.key, listed.etag, listed.size, capture), entry)
                made += 1
    return made


def _tell_forgotten(entry: FleetEntry, now: datetime) -> int:
    """Tell the stored verdicts of the last windows again: nothing changes where they were told; free the outboxes."""
    told = 0
    for variant in store.variants(entry.endpoint):
        for start, length in _windows(entry, now):
            window = locations.executions_of_window(entry.endpoint, variant, start, length)
            execution = store.latest_execution(window)
            if execution is not None:
                told += len(monitoring_execution.tell_of(execution).get("alerts", ()))
    try:
        return told + len(tell(entry.endpoint, "", lambda book: book))
    except NotReady:  # somebody is publishing just now
        return told

"""JUDGED: every few minutes, for each endpoint: windows that have closed become verdicts, the open one is looked at.

| input                                      | answer                                                              |
|--------------------------------------------|---------------------------------------------------------------------|
| an endpoint of the fleet (`scheduled`)     | its newest closed windows are judged, stored, announced             |
| ... and the window that is open            | its hard violations, once each                                      |
| five minutes of many parts                 | their roll-up, see `summing`                                        |
| a window judged before, same parts         | nothing                                                             |
| a window with late parts                   | a new revision                                                      |
| a window without parts, of a variant that  | the verdict NoData, once the endpoint has had data; CaptureStopped  |
| the endpoint shows                         | when there was traffic                                              |
| an endpoint without a baseline             | said once, as a notice (not in mode observe); "... has no baseline" |
| less than 40 s left of the invocation      | what is left is left to the next run, and to the sweep              |

Which windows there are, and what is judged of each: `constraints.windows`.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib import locations
from chalicelib.alerts import endpoint_notifications as notifications
from chalicelib.aws import sagemaker, store, table
from chalicelib.constraints.evaluation import Baseline
from chalicelib.constraints.windows import RECENTLY_CLOSED, checks_for_length, closed_windows, open_window
from chalicelib.errors import UnreadableFile
from chalicelib.handlers import forgotten, judging, summing
from chalicelib.handlers.judging import Held, Remaining
from chalicelib.handlers.measuring import measure
from chalicelib.handlers.telling import tell
from chalicelib.observability import count
from chalicelib.records import Deployment, Execution, FleetEntry
from chalicelib.window import Window

NO_BASELINE = "the endpoint has no baseline, so nothing of what it receives is judged"
RESERVE = 40_000  # milliseconds of the function's 300 s: no window is begun with less
Known = Callable[[str, Window], tuple[str, ...] | None]  # the parts of a variant's window; None: not listed yet


def handle(entry: FleetEntry, remaining: Remaining) -> dict[str, Any]:
    """Judge one endpoint."""
    now = datetime.now(UTC)
    window, closed = open_window(entry.window_minutes, now), fresh_windows(entry, now)
    begin = min(window.start, summing.first_slot(now), *(one.start for one in closed))
    parts = {v: store.part_keys(entry.endpoint, v, begin, now) for v in forgotten.known_variants(entry.endpoint)}
    for variant, keys in parts.items():
        summing.roll_up(entry.endpoint, variant, now, keys)

    def known(variant: str, window: Window) -> tuple[str, ...] | None:
        if variant not in parts:
            return None
        return tuple(key for key in parts[variant] if window.contains(locations.part_begun(key)))

    in_it = {variant: found for variant in parts if (found := known(variant, window))}
    opened = _judge_open(entry, window, now, in_it, remaining)
    return {**opened, **judge(entry, closed, remaining, known)}


def fresh_windows(entry: FleetEntry, now: datetime, within: timedelta = RECENTLY_CLOSED) -> list[Window]:
    """The windows of an endpoint that have closed just now: of an hour, and of a day for drift."""
    lengths = {entry.window_minutes, max(entry.window_minutes, entry.drift_window_minutes)}
    return [window for minutes in sorted(lengths) for window in closed_windows(minutes, now, 1, within=within)]


def judge(
    entry: FleetEntry, windows: list[Window], remaining: Remaining, known: Known = lambda variant, window: None
) -> dict[str, Any]:
    """Judge closed windows of an endpoint; also used by the sweep, with a longer look back."""
    if not windows:
        return {"left alone": f"no window of {entry.endpoint} has closed just now"}
    described = sagemaker.describe_endpoint(entry.endpoint) or {}
    held, missing = _held(entry, remaining, described)
    shown = sagemaker.variants_of(described)
    variants = forgotten.known_variants(entry.endpoint, shown)
    answer: dict[str, Any] = {"endpoint": entry.endpoint, "verdicts": [], **missing}
    if held is not None:
        left = [(variant, window) for variant in variants for window in windows]
        while left and remaining() > RESERVE:
            variant, window = left.pop(0)
            execution = _judged(held, variant, window, known(variant, window), shown=variant in shown)
            if execution is not None:
                judging.announce(execution)
                measure(execution, entry.critical_features)
                answer["verdicts"].append(execution.verdict)
        if left:
            count("WindowsLeft", len(left))
            answer["left for the next run"] = len(left)
    if entry.mode != "observe":
        conditions = missing if variants else {}
        tell(
            entry.endpoint,
            "",
            lambda book: notifications.sync_conditions(book, "monitoring", conditions, datetime.now(UTC)),
        )
    return answer


def _held(
    entry: FleetEntry, remaining: Remaining, described: dict[str, Any] | None = None
) -> tuple[Held | None, dict[str, str]]:
    """What the windows are held against, and what a person must hear when there is nothing that can be read."""
    version, baseline, missing = _baseline(entry.endpoint)
    if baseline is None:
        return None, missing
    pk = table.endpoint_key(entry.endpoint)
    latest, _ = table.get_item(Deployment, pk, "deployment")
    history = tuple(table.query(Deployment, pk, "history#").values())
    deployments = (*history, latest) if latest is not None and latest not in history else history
    return Held(entry, version, baseline, deployments, remaining, described), missing


def _baseline(endpoint: str) -> tuple[str, Baseline | None, dict[str, str]]:
    try:
        version, baseline = store.baseline_in_force(endpoint)
    except UnreadableFile as error:
        return "", None, {"baseline unreadable": f"nothing is judged: {error}"}
    return version, baseline, {} if baseline is not None else {"no baseline": NO_BASELINE}


def _judged(held: Held, variant: str, window: Window, keys: tuple[str, ...] | None, *, shown: bool) -> Execution | None:
    """Judge one window; an empty one counts only for a variant that the endpoint shows."""
    if keys is None:
        keys = store.part_keys(held.entry.endpoint, variant, window.start, window.end)
    checks = checks_for_length(held.entry.window_minutes, held.entry.drift_window_minutes, window.length)
    return judging.judge_window(held, variant, window, keys, checks, silent=shown)


def _judge_open(
    entry: FleetEntry, window: Window, now: datetime, parts: dict[str, tuple[str, ...]], remaining: Remaining
) -> dict[str, Any]:
    """Look at the window that goes on; a baseline that is missing is said when a window closes."""
    if remaining() < RESERVE:
        return {}
    held = _held(entry, remaining)[0] if parts else None
    if held is None:
        return {}
    found = [judging.judge_open_window(held, variant, window, now, keys) for variant, keys in parts.items()]
    for execution in found:
        if execution is not None:
            judging.announce(execution)
    return {"open": sum(execution is not None for execution in found)}

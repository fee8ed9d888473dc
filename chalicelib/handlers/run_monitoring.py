"""JUDGED: every few minutes, for each endpoint: the windows that have closed become verdicts.

| input                                    | answer                                                              |
|------------------------------------------|---------------------------------------------------------------------|
| Scheduled Event                          | one event of the same shape for each endpoint                       |
| the same, with an endpoint in its detail | its newest closed window is judged, stored, announced               |
| five minutes of many parts               | their roll-up, see `summing`                                        |
| a window judged before, same parts       | nothing                                                             |
| a window with late parts                 | a new revision                                                      |
| a window without parts                   | the verdict NoData, once the endpoint has had data                  |
| an endpoint without a baseline           | said once, as a notice (not in mode observe); "... has no baseline" |
| an endpoint not in the fleet             | "... is not in the fleet"                                           |

A window closes five minutes after its end: SageMaker delivers capture files within about two (aws-facts 2.1).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.alerts import notices
from chalicelib.aws import messages, sagemaker, store
from chalicelib.constraints.evaluation import Baseline
from chalicelib.errors import UnreadableFile
from chalicelib.events import Event, Scheduled
from chalicelib.handlers import judging, summing
from chalicelib.handlers.telling import tell
from chalicelib.records import FleetEntry
from chalicelib.settings import settings

GRACE = timedelta(minutes=5)
FRESH = timedelta(minutes=9)  # two runs look at a window that has closed; later ones leave it to the sweep
NO_BASELINE = "the endpoint has no baseline, so nothing of what it receives is judged"
Window = tuple[datetime, timedelta]  # start and length
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)  # windows are counted from here, so that a day's windows begin at midnight


def handle(event: Event, function_name: str) -> dict[str, Any]:
    """Fan out over the fleet, or judge one endpoint."""
    scheduled = Scheduled.from_eventbridge(event, settings())
    if not scheduled.endpoint:
        return fan_out(event, function_name)
    entry = store.fleet().entry(scheduled.endpoint)
    if entry is None:
        return {"left alone": f"{scheduled.endpoint} is not in the fleet"}
    now = datetime.now(UTC)
    for variant in store.variants(entry.endpoint):
        summing.roll_up(entry.endpoint, variant, now)
    return judge(entry, closed_windows(entry.window_minutes, now, 1, within=FRESH))


def fan_out(event: Event, function_name: str) -> dict[str, Any]:
    """Let the function invoke itself for each endpoint."""
    entries = store.fleet().entries
    for entry in entries:
        messages.invoke_function(function_name, Scheduled.for_endpoint(entry.endpoint, event, settings()))
    return {"endpoints": len(entries)}


def judge(entry: FleetEntry, windows: list[Window]) -> dict[str, Any]:
    """Judge closed windows of an endpoint; also used by the sweep, with a longer look back."""
    if not windows:
        return {"left alone": f"no window of {entry.endpoint} has closed just now"}
    variants = store.variants(entry.endpoint)
    shown = sagemaker.variant_names(entry.endpoint)
    verdicts: list[str] = []
    version, baseline, missing = _baseline(entry.endpoint)
    if baseline is not None:
        for variant in variants:
            verdicts += _judge_variant(entry.endpoint, variant, windows, version, baseline, silent=variant in shown)
    if entry.mode != "observe":
        conditions = missing if variants else {}
        tell(entry.endpoint, "", lambda book: notices.told_while(book, "monitoring", conditions, datetime.now(UTC)))
    return {"endpoint": entry.endpoint, "verdicts": verdicts, **missing}


def _baseline(endpoint: str) -> tuple[str, Baseline | None, dict[str, str]]:
    """The baseline in force, and what a person must hear when there is none that can be read."""
    try:
        version, baseline = store.baseline_in_force(endpoint)
    except UnreadableFile as error:
        return "", None, {"baseline unreadable": f"nothing is judged: {error}"}
    return version, baseline, {} if baseline is not None else {"no baseline": NO_BASELINE}


def _judge_variant(
    endpoint: str, variant: str, windows: list[Window], version: str, baseline: Baseline, *, silent: bool
) -> list[str]:
    """Judge the windows of one variant; an empty window counts only for a variant that the endpoint still shows."""
    verdicts: list[str] = []
    first = store.first_part(endpoint, variant)
    for start, length in windows:
        if first is None or start + length <= first:
            continue  # before its first data a variant is not silent
        execution = judging.judge_window(endpoint, variant, start, length, version, baseline, silent=silent)
        if execution is not None:
            judging.announce(execution)
            verdicts.append(execution.verdict)
    return verdicts


def closed_windows(minutes: int, now: datetime, count: int, within: timedelta = timedelta.max) -> list[Window]:
    """The latest closed windows, oldest first; none when the latest of them closed longer ago than `within`.

    Examples
    --------
    >>> now = datetime(2026, 3, 2, 9, 7, tzinfo=UTC)
    >>> [f"{start:%H:%M}" for start, _ in closed_windows(60, now, 2)]
    ['07:00', '08:00']
    >>> closed_windows(60, now + timedelta(minutes=30), 1, within=FRESH)
    []
    """
    length = timedelta(minutes=minutes)
    end = now - GRACE
    end -= (end - EPOCH) % length
    if now - GRACE - end > within:
        return []
    return [(end - n * length, length) for n in range(count, 0, -1)]

"""Which closed windows an alert state has counted, so that a late one is told apart from a repeated one.

| a closed window that is not newer than the latest      | counted                            |
|--------------------------------------------------------|------------------------------------|
| remembered, with this revision or a later one          | yes: its event is repeated         |
| remembered, with an earlier revision                   | no: late data made a new revision  |
| not remembered, of the last REMEMBERED                 | no: its first verdict comes late   |
| older than what is remembered, revision 1              | yes                                |
| older than what is remembered, a later revision        | no; `sent_ids` keep it to one copy |

A day of model quality has the name of a drift window, and its last verdict comes a month later: it is counted apart,
and the last MAX_QUALITY_WINDOWS are remembered.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from chalicelib.constraints.measurement import Checks
from chalicelib.records import AlertState, Execution
from chalicelib.window import DAY, Window

REMEMBERED = 3 * DAY  # the sweep finds data that is up to a day late
MAX_QUALITY_WINDOWS = 100


def counted_revision(state: AlertState, execution: Execution) -> int:
    """The latest revision of an execution's window that changed the state; 0 when none did."""
    if execution.checks_run == Checks.QUALITY:
        return state.counted_quality_windows.get(execution.window.name, 0)
    revision = state.counted_windows.get(execution.window.name)
    if revision is not None:
        return revision
    since = _counted_since(state)
    return 1 if since is not None and execution.window_end <= since else 0


def with_counted(state: AlertState, execution: Execution) -> AlertState:
    """The state that remembers this revision of a window, and forgets what is older than REMEMBERED."""
    if execution.checks_run == Checks.QUALITY:
        days = {**state.counted_quality_windows, execution.window.name: execution.revision}
        return replace(state, counted_quality_windows=dict(sorted(days.items())[-MAX_QUALITY_WINDOWS:]))
    windows = {**state.counted_windows, execution.window.name: execution.revision}
    ends = {name: window.end for name in windows if (window := Window.from_name(name)) is not None}
    oldest = max(ends.values()) - REMEMBERED
    since = _counted_since(state)
    if min(ends.values()) <= oldest:
        since = oldest if since is None else max(since, oldest)
    kept = {name: revision for name, revision in windows.items() if name in ends and ends[name] > oldest}
    return replace(state, counted_windows=kept, counted_since=since)


def _counted_since(state: AlertState) -> datetime | None:
    """Every window that ended by then is taken as counted; a state from before this field names no windows."""
    if state.counted_windows:
        return state.counted_since
    return state.last_closed_window_end or state.last_drift_window_end

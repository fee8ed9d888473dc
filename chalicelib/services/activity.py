"""Which endpoints are quiet: no part of theirs was created for a while, so their windows need no listing.

| event                                           | written                                                            |
|-------------------------------------------------|--------------------------------------------------------------------|
| a part is about to be created                   | that the endpoint is active for the next minutes; not once more    |
|                                                 | before these are over                                              |
| an object or an open window is violated         | the same for violations                                            |
| a part was created after its window had closed  | since when its windows have to be looked at again                  |
| the sweep has looked at these windows           | that nothing late is left, unless more has come meanwhile          |
| the first sweep of an endpoint                  | that it is active now: what was created before is not known        |

The first write comes before the part, so that no part is ever missed; a crash in between costs one listing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from chalicelib.constraints.windows import LATE_DATA_GRACE, open_window
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import NotReady
from chalicelib.events import DataCaptured
from chalicelib.records import Activity

ACTIVE_FOR = timedelta(minutes=10)  # after a part
CLOCK_TOLERANCE = timedelta(minutes=10)  # between the clocks of two functions
MAX_WRITE_ATTEMPTS = 4


def is_quiet_since(run: EndpointRun, moment: datetime) -> bool:
    """Whether no part was created at or after a moment, and so none of a capture that was begun then."""
    known = run.activity
    return known is not None and known.active_until + CLOCK_TOLERANCE < moment


def has_violations_since(run: EndpointRun, moment: datetime) -> bool:
    """Whether an object or an open window may have been found violated at or after a moment."""
    known = run.activity
    if known is None:
        return True
    return known.violated_until is not None and known.violated_until + CLOCK_TOLERANCE >= moment


def record_part(run: EndpointRun) -> None:
    """Write, before a part is created, that the endpoint is active.

    Raises
    ------
    NotReady
        When others go on changing it.
    """
    written = run.stores.activity.written.get(run.endpoint)
    if written is None or _ends_soon(run, written.active_until):
        _change(run, lambda known: replace(known, active_until=max(known.active_until, run.now + ACTIVE_FOR)))


def record_violation(run: EndpointRun) -> None:
    """Write, before the execution of an object or an open window is stored, that there is one. Raises as `record_part`.

    So the sweep lists these executions only where there are any.
    """
    written = run.stores.activity.written.get(run.endpoint)
    if written is None or written.violated_until is None or _ends_soon(run, written.violated_until):
        until = run.now + ACTIVE_FOR
        _change(run, lambda known: replace(known, violated_until=max(known.violated_until or until, until)))


def _ends_soon(run: EndpointRun, until: datetime) -> bool:
    return run.now + ACTIVE_FOR / 2 > until


def record_late_part(run: EndpointRun, captured: DataCaptured) -> None:
    """Write, after a part was created, that its window had closed before. Raises as `record_part`."""
    begun = captured.capture.begun
    if begun < open_window(run.entry.window_minutes, run.now - LATE_DATA_GRACE).start:
        # Also where this changes nothing: the new revision says that the sweep has to look again.
        _change(run, lambda known: replace(known, late_from=min(known.late_from or begun, begun)), always=True)


def begin_sweep(run: EndpointRun) -> tuple[Activity, int]:
    """The activity as a sweep finds it, and its revision; written when none is known."""
    known, revision = run.stored_activity
    if known is None:
        known = Activity(endpoint=run.endpoint, active_until=run.now)
        revision = 1 if run.stores.activity.put(known, 0) else 0
    return known, revision


def end_sweep(run: EndpointRun, found: Activity, revision: int) -> None:
    """Nothing late is left, unless the activity has changed since the sweep found it."""
    if found.late_from is not None:
        run.stores.activity.put(replace(found, late_from=None), revision)


def _change(run: EndpointRun, change: Callable[[Activity], Activity], *, always: bool = False) -> None:
    for _ in range(MAX_WRITE_ATTEMPTS):
        stored, revision = run.stores.activity.get(run.endpoint)
        known = stored or Activity(endpoint=run.endpoint, active_until=run.now)
        changed = change(known)
        if (changed == stored and not always) or run.stores.activity.put(changed, revision):
            return
    raise NotReady(f"The activity of {run.endpoint} is being changed by others.")

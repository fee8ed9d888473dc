"""Which endpoints are quiet: no part of theirs was created for a while, so their windows need no listing.

| event                                    | stored (`stores.parts.ActivityStore`)                                   |
|------------------------------------------|-------------------------------------------------------------------------|
| a part is about to be created            | that the endpoint is active for some minutes, unless that is known      |
| an object or an open window is violated  | the same of violations                                                  |
| a part was created after its window      | since when windows have to be looked at again                           |
| had closed                               |                                                                         |
| the sweep has looked at these windows    | that nothing late is left, unless more has come meanwhile               |
| the first sweep of an endpoint           | that it is active now: what was created before is not known             |

The first two are written before the part and before the execution, so that none is ever missed; a crash in between
costs one listing.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import NotReady
from chalicelib.records import Activity

CLOCK_TOLERANCE = timedelta(minutes=10)  # between the clocks of two functions


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


def begin_sweep(run: EndpointRun) -> Activity:
    """The activity as a sweep finds it; written when none is known."""
    found = run.activity
    if found is None:
        found = Activity(endpoint=run.endpoint, active_until=run.now)
        run.stores.activity.put(found, 0)
    return found


def end_sweep(run: EndpointRun, found: Activity) -> None:
    """Nothing late is left, unless more has come since the sweep found the activity so."""
    if found.late_from is not None:
        with suppress(NotReady):  # more come at this moment, and the next sweep looks for them
            run.stores.activity.clear_late(found, run.now)

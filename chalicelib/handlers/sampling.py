"""HELD BELOW A CEILING: how many objects an endpoint brings, and which share of them is read from now on.

| input                                     | answer                                                       |
|-------------------------------------------|--------------------------------------------------------------|
| an endpoint without `monthly_ceiling_usd` | every object is read; nothing is looked up                   |
| an hour that has ended                    | counted once; the share follows the mean of a day            |
| a share that changes by less than a tenth | stays                                                        |
| an object begun before a change           | the share of its own minute: deciding again decides the same |
| an object that is not sampled             | no part, and it is not looked for again                      |
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib import locations
from chalicelib.aws import s3, store
from chalicelib.capture.sampling import HOURS_OF_A_DAY, Step, is_sampled, mean_share, share, share_at
from chalicelib.constraints.windows import LATE_DATA_GRACE
from chalicelib.records import FleetEntry, Sampling, write

AHEAD = timedelta(minutes=10)  # a change is for objects that do not exist yet
KEPT = timedelta(days=3)  # steps are kept for late objects and windows of a day
HOUR = timedelta(hours=1)


def steps(entry: FleetEntry) -> tuple[Step, ...]:
    """The shares of an endpoint; none when every object is read."""
    stored = _stored(entry.endpoint) if entry.monthly_ceiling_usd else None
    return stored.steps if stored else ()


def chooser(entry: FleetEntry) -> Callable[[str, datetime], bool]:
    """Whether the object under a key, begun at a time, is read."""
    known = steps(entry)
    return lambda key, begun: is_sampled(key, share_at(known, begun))


def sampled(entry: FleetEntry, start: datetime, end: datetime) -> tuple[float, tuple[str, ...]]:
    """The share that was read in [start, end), and what a verdict says of it."""
    read = mean_share(steps(entry), start, end)
    if read >= 1:
        return 1.0, ()
    ceiling = f"{entry.monthly_ceiling_usd:,.2f} USD a month"
    return read, (f"sampled: about {100 * read:.3g} % of the captured objects were read, to stay below {ceiling}",)


def follow(entry: FleetEntry, now: datetime) -> float:
    """Count the hour that has ended, once, and set the share of the objects to come; the share."""
    end = (now - LATE_DATA_GRACE).replace(minute=0, second=0, microsecond=0)
    stored = _stored(entry.endpoint)
    known = stored.steps if stored else ()
    latest = known[-1].share if known else 1.0
    if stored is not None and stored.counted_until >= end:
        return latest
    objects = sum(
        1 / share_at(known, locations.part_begun(key))
        for variant in store.variants(entry.endpoint)
        for key in store.part_keys(entry.endpoint, variant, end - HOUR, end)
    )
    hours = ((stored.objects_per_hour if stored else ()) + (objects,))[-HOURS_OF_A_DAY:]
    wanted = share(sum(hours) / len(hours), entry.monthly_ceiling_usd)
    if abs(wanted - latest) > latest / 10 or (wanted == 1.0 and latest < 1.0):
        kept = tuple(step for step in known if step.since > now - KEPT) or known[-1:]
        known, latest = (*kept, Step(since=locations.slot(now + AHEAD), share=wanted)), wanted
    changed = Sampling(endpoint=entry.endpoint, counted_until=end, objects_per_hour=hours, steps=known)
    s3.put(locations.sampling(entry.endpoint), write(changed))
    return latest


def _stored(endpoint: str) -> Sampling | None:
    return s3.get_record(Sampling, locations.sampling(endpoint))

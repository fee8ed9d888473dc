"""Objects that cannot be read, captured ones and labels: remembered, tried again, and given up in the end.

| object                                           | handled as                                                        |
|--------------------------------------------------|-------------------------------------------------------------------|
| no reader can read its content                   | remembered, and tried again                                       |
| S3 or KMS refuses it, and gives others           | the same                                                          |
| deleted before it was read                       | remembered for a day, so that it is reported; never tried again   |
| tried again, and not read                        | the delay doubles, from 15 minutes to a day                       |
| tried again, and read                            | forgotten                                                         |
| a label object in which no line is a label       | remembered for a week, so that it is reported; never tried again  |
| not read for a week                              | given up: forgotten, with an error in the log                     |
| one more than MAX_REMEMBERED                     | counted alone; every sweep tries it for as long as it looks back  |

The sweep and the function of an object write the same item, each on condition that it is as it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace

from chalicelib import locations
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import NotReady
from chalicelib.events import DataCaptured, GroundTruthUploaded
from chalicelib.observability import logger
from chalicelib.records import UnreadableObject, UnreadableObjects, UnreadableReason
from chalicelib.stores.unreadable_objects import UnreadableObjectStore

MAX_REMEMBERED = 100  # of an endpoint: 50 kB of the 400 kB that an item holds
FIRST_DELAY, MAX_DELAY = timedelta(minutes=15), timedelta(days=1)
GIVE_UP_AFTER = timedelta(days=7)  # thirteen attempts
GONE_KEPT_FOR = timedelta(days=1)
MAX_WRITE_ATTEMPTS = 10
NEVER_RETRIED = (UnreadableReason.GONE, UnreadableReason.NO_LABELS)
Object = DataCaptured | GroundTruthUploaded
Change = Callable[[UnreadableObjects], UnreadableObjects]  # pure: it may run more than once
Kind = Callable[[EndpointRun], UnreadableObjectStore]  # which objects: `captures` or `labels`


def captures(run: EndpointRun) -> UnreadableObjectStore:
    """Where captured objects are remembered."""
    return run.stores.unreadable_objects


def labels(run: EndpointRun) -> UnreadableObjectStore:
    """Where label objects are remembered."""
    return run.stores.unreadable_labels


def of_endpoint(run: EndpointRun, kind: Kind = captures) -> UnreadableObjects:
    """The objects that are remembered now."""
    found, _ = kind(run).get(run.endpoint)
    return found


def remember(run: EndpointRun, found: Object, reason: UnreadableReason, kind: Kind = captures) -> None:
    """Remember that an object could not be read just now."""
    logger.error("an object cannot be read", endpoint=run.endpoint, key=found.key, reason=reason.value)
    _update(run, partial(with_failure, found=found, reason=reason, now=run.now), kind)


def begin_sweep(run: EndpointRun, kind: Kind = captures) -> UnreadableObjects:
    """The objects that a sweep need not look for: without those given up, and with none counted alone yet."""
    given_up: list[UnreadableObject] = []

    def begin(known: UnreadableObjects) -> UnreadableObjects:
        kept = without_given_up(known, run.now)
        given_up[:] = [one for one in known.objects if one not in kept.objects]
        return kept

    begun = _update(run, begin, kind)
    for one in given_up:
        logger.error("an object is given up", endpoint=run.endpoint, key=one.key, reason=one.reason.value)
    return begun


def forget(run: EndpointRun, places: Collection[tuple[str, str]], kind: Kind = captures) -> UnreadableObjects:
    """Forget objects by bucket and key: they were read, or are of no source any more. What is remembered then."""

    def without(known: UnreadableObjects) -> UnreadableObjects:
        return replace(known, objects=tuple(one for one in known.objects if one.place not in places))

    return _update(run, without, kind)


def due(known: UnreadableObjects, now: datetime) -> list[DataCaptured]:
    """The objects that are to be tried again now."""
    return [
        DataCaptured(one.bucket, one.key, one.etag, one.size, capture)
        for one in known.objects
        if one.retry_at is not None and one.retry_at <= now and (capture := locations.capture_key(one.key))
    ]


def due_labels(known: UnreadableObjects, now: datetime) -> list[GroundTruthUploaded]:
    """The same of label objects."""
    return [
        GroundTruthUploaded(one.bucket, one.key, one.etag, one.size)
        for one in known.objects
        if one.retry_at is not None and one.retry_at <= now
    ]


def with_failure(known: UnreadableObjects, found: Object, reason: UnreadableReason, now: datetime) -> UnreadableObjects:
    """What is remembered once an object could not be read at this time.

    Examples
    --------
    >>> from datetime import UTC
    >>> key = "data-capture/site/AllTraffic/2026/11/22/09/34-30-683-55126149.jsonl"
    >>> captured = DataCaptured("lake", key, "", 0, locations.capture_key(key))
    >>> known, now = UnreadableObjects(endpoint="site"), datetime(2026, 11, 22, 10, tzinfo=UTC)
    >>> for _ in range(3):
    ...     known = with_failure(known, captured, UnreadableReason.DENIED, now)
    ...     (one,) = known.objects
    ...     print(one.attempts, one.retry_at - now)
    1 0:15:00
    2 0:30:00
    3 1:00:00
    """
    place = found.bucket, found.key
    before = next((one for one in known.objects if one.place == place), None)
    if before is None and len(known.objects) >= MAX_REMEMBERED:
        return replace(known, more=known.more + 1)
    gone = reason in NEVER_RETRIED
    again = before is not None and gone == (before.reason in NEVER_RETRIED)
    attempts = before.attempts + 1 if before else 1
    after = UnreadableObject(
        bucket=found.bucket,
        key=found.key,
        etag=found.etag,
        size=found.size,
        reason=reason,
        first_seen=before.first_seen if before and again else now,
        attempts=attempts,
        retry_at=None if gone else now + _delay(attempts),
    )
    if before is None:
        return replace(known, objects=(*known.objects, after))
    return replace(known, objects=tuple(after if one is before else one for one in known.objects))


def without_given_up(known: UnreadableObjects, now: datetime) -> UnreadableObjects:
    """What is remembered without the objects whose time is over; what was counted alone is counted again."""
    return replace(known, objects=tuple(one for one in known.objects if now - one.first_seen < _kept_for(one)), more=0)


def _delay(attempts: int) -> timedelta:
    return min(FIRST_DELAY * (1 << min(attempts - 1, 10)), MAX_DELAY)


def _kept_for(one: UnreadableObject) -> timedelta:
    return GONE_KEPT_FOR if one.reason == UnreadableReason.GONE else GIVE_UP_AFTER


def _update(run: EndpointRun, change: Change, kind: Kind) -> UnreadableObjects:
    """Apply a change in one conditional write.

    Too many writers at once are no error, since a function must not fail over what was captured: the sweep meets the
    object again, which has no part.
    """
    objects = kind(run)
    try:
        return objects.change(run.endpoint, change, MAX_WRITE_ATTEMPTS)
    except NotReady:
        logger.error("the unreadable objects are being changed by others", endpoint=run.endpoint)
        return change(objects.get(run.endpoint)[0])

"""Capture objects that have no part yet, found by listing, in the order of time.

| source                                       | found                                                          |
|----------------------------------------------|----------------------------------------------------------------|
| the fleet entry's source, or our bucket      | {prefix}/{endpoint}/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-id.jsonl |
| a destination that ends with a slash         | with one slash and with two                                    |
| anything else below it                       | left out                                                       |
| a source that may not be read, or whose      | SourceAccessDenied, with what to do                            |
| bucket does not exist                        |                                                                |
| one object that may not be read              | whether another one of the last day can be                     |

Two listings a variant, for any number of hours: one of the captures, one of the parts.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

from chalicelib import locations
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import AccessDenied, NoBucket, SourceAccessDenied
from chalicelib.events import DataCaptured
from chalicelib.records import Delivery
from chalicelib.services import activity
from chalicelib.settings import settings
from chalicelib.stores.parts import listed_between
from chalicelib.window import Window

MAX_OPENED = 100  # objects, to find out whether a source can be read


def captured_variants(run: EndpointRun) -> set[str]:
    """The variants that have a folder at the source.

    Raises
    ------
    SourceAccessDenied
        When the source may not be read.
    """
    bucket = run.stores.bucket_of(locations.split_s3_uri(run.capture_uri)[0])
    roots = locations.capture_roots(run.capture_uri, run.endpoint)
    with source_access(run):
        return {variant for root in roots for variant in bucket.list_folders(root) if variant}


def known_variants(run: EndpointRun) -> list[str]:
    """The variants that have captured.

    Cached by the sweep, so that run_monitoring needs no listing and no DescribeEndpoint; a new one is known after the
    sweep's next run.
    """
    return sorted((run.checkpoint.variants if run.checkpoint else ()) or run.stores.parts.variants(run.endpoint))


def part_keys(run: EndpointRun, variant: str, window: Window) -> tuple[str, ...]:
    """The keys of the parts of a window; nothing is listed where no part was created since it began."""
    if activity.is_quiet_since(run, window.start):
        return ()
    return run.stores.parts.keys(run.endpoint, variant, window.start, window.end)


def unprocessed_objects(
    run: EndpointRun, variant: str, window: Window, parts: Collection[str]
) -> Iterator[DataCaptured]:
    """The capture objects of a variant begun in a window whose part is not among these keys, in the order of time.

    Raises
    ------
    SourceAccessDenied
        When the source may not be read.
    """
    name, _ = locations.split_s3_uri(run.capture_uri)
    known = set(parts)
    for root in locations.capture_roots(run.capture_uri, run.endpoint):
        with source_access(run):
            for listed in listed_between(run.stores.bucket_of(name), f"{root}{variant}/", window.start, window.end):
                capture = locations.capture_key(listed.key)
                if capture is not None and locations.part(capture) not in known:
                    yield DataCaptured(name, listed.key, listed.etag, listed.size, capture)


def may_have_unprocessed(run: EndpointRun, variant: str, window: Window) -> bool:
    """True if unprocessed objects may exist in a window; also True when the source cannot be read."""
    try:
        return next(unprocessed_objects(run, variant, window, ()), None) is not None
    except SourceAccessDenied:
        return True


def another_can_be_read(run: EndpointRun, denied: DataCaptured) -> bool:
    """Whether the source gives another object of the last day: then a denial is of this object alone.

    The newest is tried first, and then older ones, evenly spread over the day.

    Raises
    ------
    SourceAccessDenied
        When the source may not even be listed.
    """
    day = Window(run.now - timedelta(days=1), timedelta(days=1))
    others = [
        captured
        for variant in captured_variants(run)
        for captured in unprocessed_objects(run, variant, day, ())
        if captured.key != denied.key
    ]
    others.sort(key=lambda captured: captured.capture.begun, reverse=True)
    step = max(1, math.ceil(len(others) / MAX_OPENED))
    bucket = run.stores.bucket_of(denied.bucket)
    return any(bucket.can_open(captured.key) for captured in others[::step])


@contextmanager
def source_access(run: EndpointRun) -> Iterator[None]:
    """Turn a denied access to the source into SourceAccessDenied, which says what its owner can do."""
    try:
        yield
    except NoBucket as error:
        bucket, _ = locations.split_s3_uri(run.capture_uri)
        raise SourceAccessDenied(f"Vedette cannot read {run.capture_uri}: there is no bucket {bucket}") from error
    except AccessDenied as error:
        raise SourceAccessDenied(
            f"Vedette may not read {run.capture_uri}; `vedette watch {run.endpoint}` shows what its owner must do"
        ) from error


def in_order_of_time(*objects: Iterator[DataCaptured]) -> Iterator[DataCaptured]:
    """The objects of several variants, the earliest first."""
    return heapq.merge(*objects, key=lambda captured: captured.capture.begun)


def delivery(source_uri: str, endpoint: str, *, bucket_sends_events: bool) -> Delivery:
    """How captures of a source become known: by events, or only by the sweep's listings.

    An event needs both: a bucket that sends its events to EventBridge, and a place that the stage names
    (VEDETTE_CAPTURE_SOURCES): on_data_captured skips every other one.
    """
    bucket, _ = locations.split_s3_uri(source_uri)
    root = locations.capture_roots(source_uri, endpoint)[0]
    named = settings().names_place(bucket, root)
    return Delivery.EVENTS if bucket_sends_events and named else Delivery.POLLED

"""Create the parts of captures from before Vedette watched an endpoint, with the same code and keys as the Lambda.

Objects that already have a part are skipped, so an interrupted run can be repeated. Several objects are read at once,
because most of the time is spent waiting for S3; an interrupted run finishes the objects that it has started. No alerts
are raised: the parts are marked as not evaluated individually. Recent objects, within the look-back of the sweep, are
left to the sweep, which evaluates them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

import msgspec

from chalicelib.endpoint_run import EndpointRun
from chalicelib.events import DataCaptured
from chalicelib.outcomes import Skipped
from chalicelib.records import FleetEntry
from chalicelib.services import capture_backlog
from chalicelib.services.capture_processing import ProcessedObject, create_part
from chalicelib.services.sweep import LOOK_BACK
from chalicelib.window import Window

MAX_PARALLEL_READS = 10  # the size of botocore's connection pool
MAX_PARALLEL_MEGABYTES = 200  # of objects read at once, unless a single one is larger
Processed = ProcessedObject | Skipped


class Backlog(msgspec.Struct, frozen=True):
    """The capture objects at a source that have no part, or lack the predictions that model quality needs."""

    objects: tuple[DataCaptured, ...]
    have: int  # objects in the same period that have both

    @property
    def size(self) -> int:
        """The total size in bytes."""
        return sum(captured.size for captured in self.objects)


def backlog(entry: FleetEntry, since: datetime, now: datetime) -> Backlog:
    """The capture objects from [since, two hours ago) without a part or its predictions, oldest first."""
    run = EndpointRun.without_deadline(entry)
    window = Window(since, max(since, now - LOOK_BACK) - since)
    found: list[Iterator[DataCaptured]] = []
    have = 0
    for variant in sorted(capture_backlog.captured_variants(run)):
        keys = _complete(run, variant, window)
        have += len(keys)
        found.append(capture_backlog.unprocessed_objects(run, variant, window, keys))
    return Backlog(tuple(capture_backlog.in_order_of_time(*found)), have)


def _complete(run: EndpointRun, variant: str, window: Window) -> tuple[str, ...]:
    """The keys of the parts of a window; with model quality, of those whose predictions are stored too."""
    span = (run.endpoint, variant, window.start, window.end)
    keys = run.stores.parts.keys(*span)
    if run.entry.quality is None:
        return keys
    predicted = {_hour_and_name(key) for key in run.quality_parts.prediction_keys(*span)}
    return tuple(key for key in keys if _hour_and_name(key) in predicted)


def _hour_and_name(key: str) -> tuple[str, ...]:
    """What a part and its predictions share of their keys: yyyy/mm/dd/hh/name."""
    return tuple(key.split("/")[-5:])


def process_backlog(found: Backlog, entry: FleetEntry) -> Iterator[tuple[DataCaptured, Processed]]:
    """Create the parts, several at a time, and yield each in the order of time."""
    run = EndpointRun.without_deadline(entry)
    running: deque[tuple[DataCaptured, Future[Processed]]] = deque()
    with ThreadPoolExecutor(MAX_PARALLEL_READS) as pool:
        try:
            for captured in found.objects:
                while len(running) == MAX_PARALLEL_READS or (
                    running and _megabytes(running, captured) > MAX_PARALLEL_MEGABYTES
                ):
                    first, future = running.popleft()
                    yield first, future.result()
                running.append((captured, pool.submit(create_part, run, captured)))
            while running:
                first, future = running.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _megabytes(running: Iterable[tuple[DataCaptured, object]], more: DataCaptured) -> float:
    return sum(captured.size for captured, _ in (*running, (more, None))) / 1e6

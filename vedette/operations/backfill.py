"""Make the parts of captures that were there before Vedette was: the same function and keys as the Lambda's.

Objects that have a part are skipped, so that a run that was cut short is run again. Several are read at once, since
most of the time of one is waiting for S3; what was begun when a run is cut short is finished. Nothing is announced: the
parts say that they were not judged by themselves. What was begun within the sweep's look back is left to the sweep,
which judges it.
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

MAX_PARALLEL_READS = 10  # as many connections as botocore keeps open
MAX_PARALLEL_MEGABYTES = 200  # of objects that are read at once, unless one alone is larger
Processed = ProcessedObject | Skipped


class Backlog(msgspec.Struct, frozen=True):
    """The capture objects at a source that have no part."""

    objects: tuple[DataCaptured, ...]
    have: int  # objects of the same time that have one

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(captured.size for captured in self.objects)


def backlog(entry: FleetEntry, since: datetime, now: datetime) -> Backlog:
    """The capture objects begun in [since, two hours ago) that have no part, the earliest first."""
    run = EndpointRun.without_deadline(entry)
    window = Window(since, max(since, now - LOOK_BACK) - since)
    found: list[Iterator[DataCaptured]] = []
    have = 0
    for variant in sorted(capture_backlog.captured_variants(run)):
        keys = run.stores.parts.keys(entry.endpoint, variant, window.start, window.end)
        have += len(keys)
        found.append(capture_backlog.unprocessed_objects(run, variant, window, keys))
    return Backlog(tuple(capture_backlog.in_order_of_time(*found)), have)


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

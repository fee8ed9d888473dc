"""Captured, and not summarized: what lies at the source of an endpoint without a part; found by listing, in order.

| source                                      | found                                                            |
|---------------------------------------------|------------------------------------------------------------------|
| the fleet entry's capture_uri, or our bucket | {prefix}/{endpoint}/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-id.jsonl    |
| a destination that ends with a slash        | with one slash and with two                                      |
| anything else below it                      | left                                                             |

Two listings a variant, for any number of hours: one of the captures, one of the parts.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from datetime import datetime

from chalicelib import locations
from chalicelib.aws import s3, store
from chalicelib.events import DataCaptured
from chalicelib.records import FleetEntry
from chalicelib.settings import settings


def source(entry: FleetEntry) -> str:
    """Where an endpoint captures to: its DestinationS3Uri."""
    return entry.capture_uri or locations.capture_uri(settings().bucket)


def captured_variants(entry: FleetEntry) -> set[str]:
    """The variants that have a folder at the source."""
    bucket, _ = locations.place(source(entry))
    roots = locations.capture_roots(source(entry), entry.endpoint)
    return {variant for root in roots for variant in s3.list_folders(root, bucket) if variant}


def without_part(
    entry: FleetEntry, variant: str, start: datetime, end: datetime, parts: Collection[str]
) -> Iterator[DataCaptured]:
    """The capture objects of a variant begun in [start, end) whose part is not among these, in the order of time."""
    bucket, _ = locations.place(source(entry))
    made = {locations.first_part(key) for key in parts}
    for root in locations.capture_roots(source(entry), entry.endpoint):
        for listed in store.listed_between(f"{root}{variant}/", start, end, bucket):
            capture = locations.capture_key(listed.key)
            if capture is not None and locations.part(capture) not in made:
                yield DataCaptured(bucket, listed.key, listed.etag, listed.size, capture)


def in_order_of_time(*found: Iterator[DataCaptured]) -> Iterator[DataCaptured]:
    """The objects of several variants, the earliest first."""
    return heapq.merge(*found, key=lambda captured: captured.capture.begun)


def delivery(source_uri: str, endpoint: str, *, bucket_tells: bool) -> str:
    """How captures of a source become known: by events, or only by the sweep's listings.

    An event needs both: a bucket that sends its events to EventBridge, and a rule of the stage that matches the place
    (VEDETTE_CAPTURE_SOURCES).
    """
    bucket, _ = locations.place(source_uri)
    root = locations.capture_roots(source_uri, endpoint)[0]
    matched = any(bucket == at and root.startswith(prefix) for at, prefix in settings().capture_places)
    return "events" if bucket_tells and matched else "polled"

"""Captured, and not summarized: what lies at the source of an endpoint without a part; found by listing, in order.

| source                                      | found                                                            |
|---------------------------------------------|------------------------------------------------------------------|
| the fleet entry's capture_uri, or our bucket | {prefix}/{endpoint}/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-id.jsonl    |
| a destination that ends with a slash        | with one slash and with two                                      |
| anything else below it                      | left                                                             |
| an object written after its part was made   | found: it was overwritten, and the event of that is lost         |
| ... within the same second                  | not found: S3 tells times to the second                          |
| a source that may not be read               | SourceClosed, with what to do                                    |

Two listings a variant, for any number of hours: one of the captures, one of the parts.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from botocore.exceptions import ClientError

from chalicelib import locations
from chalicelib.aws import s3, store, table
from chalicelib.errors import VedetteError
from chalicelib.events import DataCaptured
from chalicelib.records import FleetEntry, Swept
from chalicelib.settings import settings

SWEPT = "sweep"  # the sort key of what the sweep remembers of an endpoint
CLOSED = {"AccessDenied", "403", "KMS.AccessDeniedException", "AccessDeniedException"}


class SourceClosed(VedetteError):
    """The functions may not read, or not decrypt, what an endpoint captures."""

    @classmethod
    def of(cls, entry: FleetEntry) -> SourceClosed:
        """Say whose source it is, and what shows the way."""
        return cls(
            f"Vedette may not read {source(entry)}; `vedette watch {entry.endpoint}` shows what its owner must do"
        )


def is_closed(error: Exception) -> bool:
    """Whether S3 or KMS refused us."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in CLOSED


def source(entry: FleetEntry) -> str:
    """Where an endpoint captures to: its DestinationS3Uri."""
    return entry.capture_uri or locations.capture_uri(settings().bucket)


def captured_variants(entry: FleetEntry) -> set[str]:
    """The variants that have a folder at the source."""
    bucket, _ = locations.place(source(entry))
    roots = locations.capture_roots(source(entry), entry.endpoint)
    with _said_when_closed(entry):
        return {variant for root in roots for variant in s3.list_folders(root, bucket) if variant}


def known_variants(endpoint: str, shown: Collection[str] = ()) -> list[str]:
    """The variants that have captured, and those that the endpoint shows.

    The sweep remembers them, so that who asks every five minutes neither lists nor calls SageMaker; a new one is known
    after its next run.
    """
    memory, _ = table.get_item(Swept, table.endpoint_key(endpoint), SWEPT)
    return sorted({*((memory.variants if memory else ()) or store.variants(endpoint)), *shown})


def without_part(
    entry: FleetEntry, variant: str, start: datetime, end: datetime, parts: Mapping[str, datetime]
) -> Iterator[DataCaptured]:
    """The capture objects of a variant begun in [start, end) whose part is not among these, in the order of time.

    `parts` are those of their latest versions, and when they were made: one that is older than its object is none.
    """
    bucket, _ = locations.place(source(entry))
    made = {locations.first_part(key): at for key, at in parts.items()}
    for root in locations.capture_roots(source(entry), entry.endpoint):
        for listed in _listed(entry, f"{root}{variant}/", start, end, bucket):
            capture = locations.capture_key(listed.key)
            if capture is None:
                continue
            at = made.get(locations.part(capture))
            if at is not None and listed.modified <= at:
                continue
            yield DataCaptured(bucket, listed.key, listed.etag, listed.size, capture)


def may_wait(entry: FleetEntry, variant: str, start: datetime, end: datetime) -> bool:
    """Whether there are, or may be, capture objects of [start, end): of a source that is closed nobody knows."""
    try:
        return next(without_part(entry, variant, start, end, {}), None) is not None
    except SourceClosed:
        return True


def _listed(entry: FleetEntry, root: str, start: datetime, end: datetime, bucket: str) -> Iterator[s3.Listed]:
    with _said_when_closed(entry):
        yield from store.listed_between(root, start, end, bucket)


@contextmanager
def _said_when_closed(entry: FleetEntry) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise (SourceClosed.of(entry) if is_closed(error) else error) from error


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

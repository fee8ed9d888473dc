"""Label objects whose event was lost, found by listing the places of labels a few pages at a time.

| label object                                  | found                                                              |
|-----------------------------------------------|--------------------------------------------------------------------|
| written since the last whole listing began    | by the next whole listing: within 15 minutes where a place has at  |
|                                               | most MAX_LISTED objects, and as many times later as it has more    |
| there before the quality table, or before a   | by the first whole listing                                         |
| change of how labels are read                 |                                                                    |
| remembered as unreadable                      | tried again when that is due                                       |
| in a place that may not be listed, or whose   | the sentence says so, and a condition lasts as long as it does     |
| bucket does not exist                         |                                                                    |

Keys of labels are free, so a listing cannot begin at a time, as it can for captures. What it costs is bounded: the
pages, and one request for each object that was written since the last whole listing began.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from chalicelib import locations
from chalicelib.aws.s3 import ListedObject
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import AccessDenied, NoBucket
from chalicelib.events import GroundTruthUploaded
from chalicelib.records import LabelScan
from chalicelib.services import label_processing, unreadable_objects
from chalicelib.services.activity import CLOCK_TOLERANCE
from chalicelib.services.label_processing import ProcessedLabels

MAX_LISTED = 5_000  # objects of one place in one sweep: five requests


@dataclass
class LabelBacklog:
    """What a sweep did about labels."""

    scans: dict[str, LabelScan]
    created: int = 0
    access_errors: list[str] = field(default_factory=list)
    failed: list[Exception] = field(default_factory=list)


def process(run: EndpointRun, scans: dict[str, LabelScan], deadline: Deadline) -> LabelBacklog:
    """Make the label parts that are missing, for as long as there is time; `scans` is how far earlier sweeps came."""
    remembered = unreadable_objects.begin_sweep(run, unreadable_objects.labels)
    places = {one.place for one in remembered.objects}
    backlog = LabelBacklog({})
    for uri in run.ground_truth:
        scan = _begun(run, scans.get(uri))
        try:
            backlog.scans[uri] = _scan(run, uri, scan, places, backlog, deadline)
        except AccessDenied as error:
            backlog.scans[uri] = scan
            cause = ": there is no such bucket" if isinstance(error, NoBucket) else ""
            backlog.access_errors.append(f"Vedette may not read the labels in {uri}{cause}")
    for uploaded in unreadable_objects.due_labels(remembered, run.now):
        if deadline.has_left(0):
            _process(run, uploaded, backlog)
    return backlog


def _begun(run: EndpointRun, known: LabelScan | None) -> LabelScan:
    """The scan as it goes on; with other settings a new one."""
    form = run.entry.quality.form if run.entry.quality else ""
    if known is None or known.form != form:
        return LabelScan(form=form, begun=run.now)
    return known if known.after else replace(known, begun=run.now)


def _scan(
    run: EndpointRun,
    uri: str,
    scan: LabelScan,
    remembered: set[tuple[str, str]],
    backlog: LabelBacklog,
    deadline: Deadline,
) -> LabelScan:
    name, _ = locations.split_s3_uri(uri)
    last = scan.after
    for number, found in enumerate(objects_of(run, uri, scan.after)):
        if number == MAX_LISTED or not deadline.has_left(0):
            return replace(scan, after=last)
        last = found.key
        is_new = scan.since is None or found.modified >= scan.since - CLOCK_TOLERANCE
        if is_new and (name, found.key) not in remembered and not _has_part(run, name, found):
            uploaded = GroundTruthUploaded(name, found.key, found.etag, found.size)
            scan = replace(scan, failed=not _process(run, uploaded, backlog) or scan.failed)
    return LabelScan(form=scan.form, begun=run.now, since=scan.since if scan.failed else scan.begun)


def objects_of(run: EndpointRun, uri: str, after: str = "") -> Iterator[ListedObject]:
    """The label objects of a place in the order of their keys, from behind a key on, without empty ones."""
    name, prefix = locations.split_s3_uri(uri)
    bucket = run.stores.bucket_of(name)
    listed = bucket.list_objects(prefix.rstrip("/"), after=after)
    return (found for found in listed if found.size and locations.lies_in(uri, bucket.name, found.key))


def _has_part(run: EndpointRun, bucket: str, found: ListedObject) -> bool:
    modified = found.modified.replace(microsecond=0)
    return run.quality_parts.has_labels(run.endpoint, f"s3://{bucket}/{found.key}", found.etag, modified)


def _process(run: EndpointRun, uploaded: GroundTruthUploaded, backlog: LabelBacklog) -> bool:
    """Make the part of an object; False when that failed in a way that may pass."""
    try:
        processed = label_processing.process(run, uploaded)
    except Exception as error:  # noqa: BLE001 - raised by the sweep, after the other objects
        backlog.failed.append(error)
        return False
    backlog.created += isinstance(processed, ProcessedLabels) and processed.created
    return True

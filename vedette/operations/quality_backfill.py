"""The past of model quality: label parts and evaluated days, as the functions would make them.

| label object, or day of predictions                     | outcome                                                  |
|---------------------------------------------------------|----------------------------------------------------------|
| an object written since, without a label part           | its label part, with the code and the key of the function|
| an object that holds no label                           | a part that says so, or skipped                          |
| a day on which label objects were written               | their index, after all label parts                       |
| a day whose labels are ripe                             | evaluated at both looks, after all indexes               |
| ... evaluated before, with the same parts               | nothing; what a crash left out is written                |
| no baseline of model quality                            | no day is evaluated: `run_monitoring` does that when     |
|                                                         | there is one                                             |

A look joins predictions and labels by itself, on many machines if there are. Its verdict needs the days before, so this
process makes the verdicts one after the other. They raise no alerts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from chalicelib import locations
from chalicelib.endpoint_run import EndpointRun
from chalicelib.events import GroundTruthUploaded
from chalicelib.outcomes import Skipped
from chalicelib.quality.ripeness import Look, looks
from chalicelib.quality.settings import QualitySettings
from chalicelib.records import Execution, FleetEntry
from chalicelib.services import label_backlog, label_processing, quality_monitoring
from chalicelib.services.quality_monitoring import JoinedDay, QualityContext
from chalicelib.window import DAY, Window, day_of
from vedette.operations.past_objects import Counts, created, in_slices
from vedette.spark.engine import mapped

if TYPE_CHECKING:
    from vedette.spark.engine import Spark

JOINED_AT_ONCE = 64  # days that this process holds


class LabelBacklog(msgspec.Struct, frozen=True):
    """The label objects of a period."""

    objects: tuple[GroundTruthUploaded, ...]  # without a label part
    have: int  # with one

    @property
    def size(self) -> int:
        """The total size in bytes."""
        return sum(uploaded.size for uploaded in self.objects)


def settings_of(entry: FleetEntry) -> QualitySettings:
    """The settings of an entry that has a quality table."""
    assert entry.quality is not None  # noqa: S101 - nobody asks otherwise
    return entry.quality


# --- labels -----------------------------------------------------------------------------------------------------------


def backlog(entry: FleetEntry, since: datetime, now: datetime) -> LabelBacklog:
    """The label objects written since the beginning of a day, oldest first.

    Raises
    ------
    AccessDenied
        When a place of labels may not be listed, or its bucket does not exist.
    """
    run, start = EndpointRun.without_deadline(entry), day_of(since).start
    have = set(run.quality_parts.label_keys(run.endpoint, start, now + DAY))
    form, found, number = settings_of(entry).form, [], 0
    for uri in run.ground_truth:
        bucket, _ = locations.split_s3_uri(uri)
        for one in label_backlog.objects_of(run, uri):
            if one.modified < start:
                continue
            key = locations.labels(run.endpoint, form, f"s3://{bucket}/{one.key}", one.etag, one.modified)
            number += key in have
            if key not in have:
                found.append((one.modified, GroundTruthUploaded(bucket, one.key, one.etag, one.size)))
    return LabelBacklog(tuple(uploaded for _, uploaded in sorted(found, key=lambda one: (one[0], one[1].key))), number)


def create_label_parts(entry: FleetEntry, objects: Iterable[GroundTruthUploaded]) -> Iterator[Counts]:
    """Create the label parts of objects; yields the counts of each."""
    return created(objects, partial(_counts_of_labels, EndpointRun.without_deadline(entry)))


def _counts_of_labels(run: EndpointRun, uploaded: GroundTruthUploaded) -> Counts:
    outcome = label_processing.create_part(run, uploaded)
    if isinstance(outcome, Skipped):
        return Counts({outcome.reason: 1}, size=uploaded.size)
    rejected = sum(outcome.part.rejected.values())
    what = "created" if outcome.created else "created meanwhile by another run"
    return Counts({what: 1}, outcome.part.count, rejected, size=uploaded.size)


def process_labels(found: LabelBacklog, entry: FleetEntry, spark: Spark | None = None) -> Counts:
    """Create the label parts that are missing."""
    create = partial(create_label_parts, entry)
    return Counts.total(in_slices(spark, create, found.objects, lambda uploaded: uploaded.size))


# --- days -------------------------------------------------------------------------------------------------------------


def context_of(entry: FleetEntry, since: datetime) -> QualityContext | Skipped:
    """The context of the looks at past days, which `run_monitoring` leaves alone from here on, unless it began.

    Skipped when no baseline of model quality can be used.
    """
    run = EndpointRun.without_deadline(entry)
    context = quality_monitoring.quality_context(run, settings_of(entry), of_backfill=True)
    if isinstance(context, QualityContext):
        quality_monitoring.leave_to_backfill(run, day_of(since).start)
    return context


def evaluate_days(context: QualityContext, since: datetime, spark: Spark | None = None) -> Iterator[Execution]:
    """Make the looks that are due at days from that of a time on, the earliest first; yields the new executions."""
    run, start = context.run, day_of(since).start
    due = looks(context.settings, start, run.now - quality_monitoring.GRACE)
    variants = run.quality_parts.prediction_variants(run.endpoint)
    work = [(variant, look) for look in due if look.day.start >= start for variant in variants]
    if not work:
        return
    for _ in mapped(spark, partial(_index_labels, run.entry), _days_of_arrival(run, start)):
        pass
    for content in mapped(spark, partial(_join, run.entry), work, JOINED_AT_ONCE):
        day = None if content is None else msgspec.msgpack.decode(content, type=JoinedDay)
        execution = None if day is None else quality_monitoring.store_day(context, day)
        if execution is not None:
            yield execution


def _days_of_arrival(run: EndpointRun, start: datetime) -> list[Window]:
    """The days since a time, without today, on which label objects were written that have a part."""
    keys = run.quality_parts.label_keys(run.endpoint, start, day_of(run.now).start)
    return [day for day, _ in groupby(day_of(locations.part_begun(key)) for key in keys)]


def _index_labels(entry: FleetEntry, day: Window) -> None:
    """Store which label parts of a day hold which ids, so that the joins of many days need not."""
    run = EndpointRun.without_deadline(entry)
    run.quality_parts.label_day(run.endpoint, day.start, run.quality_parts.label_keys(run.endpoint, day.start, day.end))


def _join(entry: FleetEntry, work: tuple[str, Look]) -> bytes | None:
    """What a look at a variant sees, encoded: pickled, a default value would be written as if it were none."""
    day = quality_monitoring.join_day(EndpointRun.without_deadline(entry), settings_of(entry), *work)
    return None if day is None else msgspec.msgpack.encode(day)

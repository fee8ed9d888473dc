"""The past of model quality: label parts, and days of predictions joined to their labels, as the functions would.

| label object, or day of predictions                     | outcome                                                  |
|---------------------------------------------------------|----------------------------------------------------------|
| an object written since, without a label part           | its label part, with the code and key of the function    |
| an object without a label                               | a part that says so, or skipped                          |
| a place that may not be listed, or is not there         | named in `LabelBacklog.denied`; the others are processed |
| a day on which label objects were written               | their index, after all label parts                       |
| a look at a day that is due, and not made               | its join, after all indexes                              |

Then a mark is left, and `run_monitoring` makes the looks since: with every part there, and each join in one object. It
evaluates and alerts as always, so there is one place where that is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from chalicelib import locations
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import AccessDenied
from chalicelib.events import GroundTruthUploaded
from chalicelib.outcomes import Skipped
from chalicelib.quality.ripeness import Look, looks
from chalicelib.quality.settings import QualitySettings
from chalicelib.records import FleetEntry
from chalicelib.services import day_joining, label_backlog, label_processing
from chalicelib.window import Window, day_of
from vedette.operations.past_objects import Counts, created, in_slices
from vedette.spark.engine import mapped

if TYPE_CHECKING:
    from vedette.spark.engine import Spark


class LabelBacklog(msgspec.Struct, frozen=True):
    """The label objects of a period."""

    objects: tuple[GroundTruthUploaded, ...]  # without a label part
    have: int  # with one
    denied: tuple[str, ...] = ()  # a sentence for each place that may not be listed

    @property
    def size(self) -> int:
        """The total size in bytes."""
        return sum(uploaded.size for uploaded in self.objects)


def backlog(entry: FleetEntry, settings: QualitySettings, since: datetime, now: datetime) -> LabelBacklog:
    """The label objects written since, oldest first. All objects of a place are listed: their keys tell no time."""
    run = EndpointRun.without_deadline(entry)
    have = set(run.quality_parts.label_keys(run.endpoint, since, now))
    found: list[tuple[datetime, GroundTruthUploaded]] = []
    denied, number = [], 0
    for uri in run.ground_truth:
        bucket, _ = locations.split_s3_uri(uri)
        try:
            for one in label_backlog.objects_of(run, uri):
                key = locations.labels(run.endpoint, settings.form, f"s3://{bucket}/{one.key}", one.etag, one.modified)
                number += key in have
                if one.modified >= since and key not in have:
                    found.append((one.modified, GroundTruthUploaded(bucket, one.key, one.etag, one.size)))
        except AccessDenied as error:
            denied.append(str(error))
    objects = tuple(uploaded for _, uploaded in sorted(found, key=lambda one: (one[0], one[1].key)))
    return LabelBacklog(objects, number, tuple(denied))


def process(
    found: LabelBacklog, entry: FleetEntry, settings: QualitySettings, since: datetime, spark: Spark | None = None
) -> tuple[Counts, int]:
    """Create the label parts that are missing, and join the days since; what became of the objects, and how many joins.

    Every look that is due since then is made once more, if something has come that it did not see.
    """
    create = partial(create_label_parts, entry)
    labels = Counts.total(in_slices(spark, create, found.objects, lambda uploaded: uploaded.size))
    run = EndpointRun.without_deadline(entry)
    joined = _join_days(run, settings, since, spark)
    run.quality_parts.record_late_predictions(run.endpoint, since)
    return labels, joined


def create_label_parts(entry: FleetEntry, objects: Iterable[GroundTruthUploaded]) -> Iterator[Counts]:
    """Create the label parts of objects; yields the counts of each."""
    return created(objects, partial(_counts_of_labels, EndpointRun.without_deadline(entry)))


def _counts_of_labels(run: EndpointRun, uploaded: GroundTruthUploaded) -> Counts:
    outcome = label_processing.create_part(run, uploaded)
    if isinstance(outcome, Skipped):
        return Counts({outcome.reason: 1}, size=uploaded.size)
    what = "created" if outcome.created else "created meanwhile by another run"
    return Counts({what: 1}, outcome.part.count, sum(outcome.part.rejected.values()), size=uploaded.size)


def _join_days(run: EndpointRun, settings: QualitySettings, since: datetime, spark: Spark | None) -> int:
    """Join what the looks since will need; how many joins were made. Looks with the same labels share one."""
    variants = run.quality_parts.prediction_variants(run.endpoint)
    due = [(variant, look) for look in looks(settings, since, run.now) for variant in variants]
    if not due:
        return 0
    for _ in mapped(spark, partial(_index_labels, run.entry), _days_of_arrival(run, due)):
        pass
    return sum(mapped(spark, partial(_join, run.entry, settings), due))


def _days_of_arrival(run: EndpointRun, due: Sequence[tuple[str, Look]]) -> list[Window]:
    """The days, without today, whose label parts the looks need."""
    start = min(look.day.start for _, look in due)
    keys = run.quality_parts.label_keys(run.endpoint, start, day_of(run.now).start)
    return [day for day, _ in groupby(day_of(locations.part_begun(key)) for key in keys)]


def _index_labels(entry: FleetEntry, day: Window) -> None:
    """Store which label parts of a day hold which ids, so that the joins of many days need not."""
    run = EndpointRun.without_deadline(entry)
    run.quality_parts.label_day(run.endpoint, day.start, run.quality_parts.label_keys(run.endpoint, day.start, day.end))


def _join(entry: FleetEntry, settings: QualitySettings, due: tuple[str, Look]) -> bool:
    """Store the join of a look at a variant; whether this call did."""
    return day_joining.join_ahead(EndpointRun.without_deadline(entry), settings, *due)

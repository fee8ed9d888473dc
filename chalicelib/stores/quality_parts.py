"""Predictions and labels, by hashed id, of endpoints whose fleet entry has a quality table; and what of them came late.

| key                                                                       | record                                |
|---------------------------------------------------------------------------|---------------------------------------|
| predictions/{endpoint}/{form}/{variant}/yyyy/mm/dd/hh/{capture file}.json | PredictionPart: of one capture object |
| labels/{endpoint}/{form}/yyyy/mm/dd/hh/MM-SS-{digest}.json                | LabelPart: of one version of a label  |
|                                                                           | object, by its place and ETag         |
| labels/{endpoint}/{form}/days/{day}-{digest of keys}.json                 | LabelDay: which parts hold which ids  |
| labels/{endpoint}/{form}/ids/{variant}/{day}-{digest of keys}.json        | PredictedIds: of a day of predictions |
| labels/{endpoint}/{form}/joined/{variant}/{day}-{digest of keys}.json     | Joined: of a look that was backfilled |

| pk                  | sk           | record           |
|---------------------|--------------|------------------|
| endpoint#{endpoint} | late quality | LateQualityParts |

The first writer wins. A key follows from the object alone (aws-behaviour: object-version): a repeated event, an attempt
after a crash and the sweep write the same key. Predictions lie by the minute in which their capture object was begun,
labels by the second in which their object was written (LastModified), so that one listing gives those of any span of
time. The form (`QualitySettings.form`) stands for the settings with which they were read: after a change of these,
those of before are never joined.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from chalicelib import locations, records
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.s3 import Bucket
from chalicelib.errors import NotReady
from chalicelib.records import LateQualityParts, Record, parts_digest
from chalicelib.stores.parts import listed_between, records_of

if TYPE_CHECKING:
    from chalicelib.quality.joined import Joined
    from chalicelib.quality.label_days import LabelDay, PredictedIds
    from chalicelib.quality.label_parts import LabelPart
    from chalicelib.quality.predictions import PredictionPart

_LATE = "late quality"
R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class QualityPartStore:
    """predictions/ and labels/ of the stage's bucket, and one item of its table for each endpoint."""

    bucket: Bucket
    table: Table
    form: str

    # --- predictions --------------------------------------------------------------------------------------------------

    def has_predictions(self, capture: locations.CaptureKey) -> bool:
        """Whether a capture object has its predictions."""
        return self.bucket.exists(locations.predictions(self.form, capture))

    def put_predictions(self, capture: locations.CaptureKey, part: PredictionPart) -> bool:
        """Store the predictions of a capture object; False when another invocation was first, and its part stays."""
        return self.bucket.put_once(locations.predictions(self.form, capture), records.write(part))

    def prediction_variants(self, endpoint: str) -> list[str]:
        """The variants that have predictions."""
        return self.bucket.list_folders(locations.predictions_of_endpoint(endpoint, self.form))

    def first_predicted(self, endpoint: str) -> datetime | None:
        """When the capture object of the earliest predictions was begun; None without any."""
        keys = [
            self.bucket.first_key(f"{locations.predictions_of_endpoint(endpoint, self.form)}{variant}/")
            for variant in self.prediction_variants(endpoint)
        ]
        return min((locations.part_begun(key) for key in keys if key), default=None)

    def prediction_keys(self, endpoint: str, variant: str, start: datetime, end: datetime) -> tuple[str, ...]:
        """The keys of the predictions whose capture objects were begun in [start, end), in order."""
        root = f"{locations.predictions_of_endpoint(endpoint, self.form)}{variant}/"
        return tuple(found.key for found in listed_between(self.bucket, root, start, end))

    def read_predictions(self, keys: Collection[str]) -> Iterator[PredictionPart]:
        """The predictions under keys, in order; those whose lifecycle has ended are left out."""
        from chalicelib.quality.predictions import PredictionPart

        return records_of(self.bucket, PredictionPart, keys)

    # --- labels -------------------------------------------------------------------------------------------------------

    def has_labels(self, endpoint: str, uri: str, etag: str, last_modified: datetime) -> bool:
        """Whether this version of a label object has its part."""
        return self.bucket.exists(locations.labels(endpoint, self.form, uri, etag, last_modified))

    def put_labels(self, endpoint: str, part: LabelPart, etag: str) -> bool:
        """Store the labels of an object; False when another invocation was first, and its part stays."""
        key = locations.labels(endpoint, self.form, part.key, etag, part.last_modified)
        return self.bucket.put_once(key, records.write(part))

    def label_keys(self, endpoint: str, start: datetime, end: datetime) -> tuple[str, ...]:
        """The keys of the label parts whose objects were written in [start, end), both to the minute, in order."""
        root = locations.labels_of_endpoint(endpoint, self.form)
        return tuple(found.key for found in listed_between(self.bucket, root, start, end))

    def read_labels(self, keys: Collection[str]) -> Iterator[LabelPart]:
        """The label parts under keys, in order; those whose lifecycle has ended are left out."""
        from chalicelib.quality.label_parts import LabelPart

        return records_of(self.bucket, LabelPart, keys)

    # --- which labels concern which predictions -----------------------------------------------------------------------

    def label_day(self, endpoint: str, day: datetime, keys: tuple[str, ...]) -> LabelDay:
        """The index of label parts that were written on a day; made and stored if there is none of these parts."""
        from chalicelib.quality.label_days import LabelDay

        place = locations.label_day(endpoint, self.form, day, parts_digest(keys))
        return self._stored(LabelDay, place, lambda: LabelDay.of(keys, _all(self.read_labels(keys), len(keys))))

    def predicted_ids(self, endpoint: str, variant: str, day: datetime, keys: tuple[str, ...]) -> PredictedIds:
        """The ids of the prediction parts of a day; made and stored in the same way."""
        from chalicelib.quality.label_days import PredictedIds

        place = locations.predicted_ids(endpoint, self.form, variant, day, parts_digest(keys))
        return self._stored(PredictedIds, place, lambda: PredictedIds.of(_all(self.read_predictions(keys), len(keys))))

    # --- joins that a backfill made -----------------------------------------------------------------------------------

    def has_joined(self, endpoint: str, variant: str, day: datetime, keys: tuple[str, ...]) -> bool:
        """Whether the join of these parts is stored."""
        return self.bucket.exists(self._joined(endpoint, variant, day, keys))

    def joined(self, endpoint: str, variant: str, day: datetime, keys: tuple[str, ...]) -> Joined | None:
        """The join of these parts; None where it is not stored."""
        from chalicelib.quality.joined import Joined

        return self.bucket.get_record(Joined, self._joined(endpoint, variant, day, keys))

    def put_joined(self, endpoint: str, variant: str, day: datetime, keys: tuple[str, ...], joined: Joined) -> bool:
        """Store the join of these parts; False when another run was first."""
        return self.bucket.put_once(self._joined(endpoint, variant, day, keys), records.write(joined))

    def _joined(self, endpoint: str, variant: str, day: datetime, keys: tuple[str, ...]) -> str:
        return locations.joined(endpoint, self.form, variant, day, parts_digest(keys))

    def _stored(self, kind: type[R], key: str, make: Callable[[], R]) -> R:
        found = self.bucket.get_record(kind, key)
        if found is None:
            found = make()
            self.bucket.put_once(key, records.write(found))
        return found

    # --- what came late -----------------------------------------------------------------------------------------------

    def late(self, endpoint: str) -> LateQualityParts:
        """What came after the days that it concerns may have been evaluated."""
        found, _ = self.table.get(LateQualityParts, locations.endpoint_partition(endpoint), _LATE)
        return found or LateQualityParts(endpoint=endpoint)

    def record_late_labels(self, endpoint: str, last_modified: datetime) -> None:
        """Write, after a label part was created, that it came late. Raises NotReady as `Table.change`."""
        self._change(
            endpoint,
            lambda known: replace(
                known, labels_from=min(known.labels_from or last_modified, last_modified), parts=known.parts + 1
            ),
        )

    def record_late_predictions(self, endpoint: str, begun: datetime) -> None:
        """The same for predictions, by the beginning of their capture object."""
        self._change(
            endpoint,
            lambda known: replace(
                known, predictions_from=min(known.predictions_from or begun, begun), parts=known.parts + 1
            ),
        )

    def clear_late(self, found: LateQualityParts) -> None:
        """Write that nothing late is left to look at, unless more has come since this was found."""

        def cleared(known: LateQualityParts) -> LateQualityParts:
            if known.parts != found.parts:
                return known
            return replace(known, labels_from=None, predictions_from=None)

        self._change(found.endpoint, cleared)

    def _change(self, endpoint: str, change: Callable[[LateQualityParts], LateQualityParts]) -> None:
        late = LateQualityParts(endpoint=endpoint)
        self.table.change(late, locations.endpoint_partition(endpoint), _LATE, change)


def _all(parts: Iterator[R], number: int) -> Iterator[R]:
    """As many parts as were listed: what is stored in the name of all of them must be of all of them.

    Raises
    ------
    NotReady
        When one has been deleted since.
    """
    found = 0
    for part in parts:
        found += 1
        yield part
    if found < number:
        raise NotReady(f"{number - found} parts of model quality were deleted since they were listed.")

"""The reference days of a variant, and the statistics of its captured days that they are learned from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, NamedTuple

from chalicelib import locations, records
from chalicelib.aws.s3 import Bucket
from chalicelib.errors import UnreadableFile
from chalicelib.window import DAY, START_FORMAT, Window

if TYPE_CHECKING:
    from chalicelib.constraints.reference_days import Day, Reference

_STATISTICS = f"/{locations.STATISTICS_FILE}"


class CapturedDay(NamedTuple):
    """A day whose verdict is stored."""

    date: date
    version: str  # of the model that served
    key: str  # of its statistics.json, of the latest revision


@dataclass(frozen=True)
class ReferenceDayStore:
    """reference.json beside the executions of a variant, and the statistics.json of its windows of a day."""

    bucket: Bucket

    def get(self, endpoint: str, variant: str) -> Reference | None:
        """The reference days of a variant; None when none were ever taken in."""
        from chalicelib.constraints.reference_days import Reference

        return self.bucket.get_record(Reference, locations.reference_days(endpoint, variant))

    def put(self, endpoint: str, variant: str, reference: Reference) -> None:
        """Store the reference days of a variant. Two writers at once derive the same from the same days."""
        self.bucket.put(locations.reference_days(endpoint, variant), records.write(reference))

    def captured(self, endpoint: str, variant: str, since: date, until: date) -> list[CapturedDay]:
        """The days of [since, until) whose statistics are stored, in order; one listing."""
        root = locations.executions_of_variant(endpoint, variant)
        after, before = (f"{root}{datetime.combine(one, time(), UTC):{START_FORMAT}}" for one in (since, until))
        latest: dict[Window, tuple[str, str]] = {}
        for listed in self.bucket.list_objects(root, after=after, until=before):
            folder, _, rest = listed.key[len(root) :].partition("/")
            window = Window.from_name(folder)
            if window is not None and window.length == DAY and rest.endswith(_STATISTICS):
                version, revision = rest.split("/")[:2]
                latest[window] = max(latest.get(window, ("", "")), (revision, f"{version}\n{listed.key}"))
        return [
            CapturedDay(window.start.date(), *named.split("\n", 1)) for window, (_, named) in sorted(latest.items())
        ]

    def read(self, days: Iterable[CapturedDay], features: Collection[str]) -> Iterator[Day]:
        """The days themselves, with these features; one whose statistics are gone or damaged is left out."""
        from chalicelib.constraints.reference_days import Day
        from chalicelib.statistics.files import read_statistics

        for one in days:
            content = self.bucket.get(one.key)
            if content is None:
                continue
            try:
                table = read_statistics(content, self.bucket.uri(one.key))
            except UnreadableFile:
                continue
            columns = zip(table.feature_names, table.columns, strict=True)
            yield Day(one.date, one.version, {name: column for name, column in columns if name in features})

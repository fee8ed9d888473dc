"""Executions: verdicts, each in a folder of its own with Model Monitor's two files, the page and its alerts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from chalicelib import locations, records
from chalicelib.aws.s3 import Bucket, ListedObject
from chalicelib.records import AlertMessage, Execution
from chalicelib.stores.parts import listed_between, records_of
from chalicelib.window import START_FORMAT, Window

_RECORD = f"/{locations.EXECUTION_FILE}"


class _Found(NamedTuple):
    """The record of one revision; the newest is the greatest."""

    revision: int
    modified: datetime
    key: str


def _found(listed: ListedObject) -> _Found | None:
    revision = listed.key.split("/")[-2]
    if not listed.key.endswith(_RECORD) or not revision.isdigit():
        return None
    return _Found(int(revision), listed.modified, listed.key)


@dataclass(frozen=True)
class ExecutionStore:
    """monitoring/ of the stage's bucket."""

    bucket: Bucket

    def get(self, folder: str) -> Execution | None:
        """The execution stored in a folder."""
        return self.bucket.get_record(Execution, folder + locations.EXECUTION_FILE)

    def put(self, execution: Execution) -> bool:
        """Store an execution once; False when another invocation was first, and its execution stays.

        botocore repeats a write whose reply was lost, which S3 then refuses: so what is stored is compared.
        """
        key = execution.folder + locations.EXECUTION_FILE
        return self.bucket.put_once(key, records.write(execution)) or self.get(execution.folder) == execution

    def put_file(self, execution: Execution, name: str, content: bytes, content_type: str = "application/json") -> None:
        """Write a file beside an execution."""
        self.bucket.put(execution.folder + name, content, content_type)

    def has_files(self, execution: Execution) -> bool:
        """Whether the files beside an execution are complete: the violations are written last."""
        return self.bucket.exists(execution.folder + locations.VIOLATIONS_FILE)

    def get_file(self, execution: Execution, name: str) -> bytes | None:
        """A file beside an execution."""
        return self.bucket.get(execution.folder + name)

    def put_alert(self, alert: AlertMessage) -> None:
        """Store an alert about an execution, as it is sent, beside the execution."""
        self.bucket.put(locations.alert(alert.folder, alert.alert_id), records.write(alert))

    def alerts(self, folder: str) -> list[AlertMessage]:
        """The alerts about the execution in a folder, as they were sent."""
        keys = [listed.key for listed in self.bucket.list_objects(locations.alerts_of_execution(folder))]
        return list(records_of(self.bucket, AlertMessage, keys))

    def latest_of_window(
        self, endpoint: str, variant: str, window: Window, *, of_quality: bool = False
    ) -> Execution | None:
        """The newest revision of a closed window, of its data or of its model's quality."""
        return self._latest(locations.executions_of_window(endpoint, variant, window, of_quality=of_quality))

    def latest_of_open_window(self, endpoint: str, variant: str, window: Window) -> Execution | None:
        """The newest revision of a window that was evaluated while it was open."""
        return self._latest(locations.executions_of_open_window(endpoint, variant, window))

    def _latest(self, prefix: str) -> Execution | None:
        newest = max(self._records(prefix), default=None)
        return self.bucket.get_record(Execution, newest.key) if newest else None

    def revisions_before(self, execution: Execution) -> Iterator[Execution]:
        """The earlier revisions of an execution's closed window."""
        prefix = locations.executions_of_window(
            execution.endpoint, execution.variant, execution.window, of_quality=execution.is_of_quality
        )
        keys = [found.key for found in self._records(prefix) if found.revision < execution.revision]
        return records_of(self.bucket, Execution, keys)

    def _records(self, prefix: str) -> Iterator[_Found]:
        """Each record below a window's prefix."""
        return (found for listed in self.bucket.list_objects(prefix) if (found := _found(listed)) is not None)

    def of_windows(
        self,
        endpoint: str,
        variant: str,
        start: datetime,
        end: datetime,
        length: timedelta | None = None,
        *,
        of_quality: bool = False,
    ) -> Iterator[Execution]:
        """The executions of the closed windows that begin in [start, end), of one length or any; latest revisions.

        They are those of captured data, or of model quality.
        """
        root = locations.executions_of_variant(endpoint, variant)
        if of_quality:
            root = locations.executions_of_quality(endpoint, variant)
        keys = self._latest_keys(root, start, end)
        return records_of(self.bucket, Execution, [k for window, k in keys.items() if length in (None, window.length)])

    def latest_before(self, endpoint: str, variant: str, until: datetime, count: int) -> Iterator[Execution]:
        """The executions of the latest closed windows of a year that began before a time, of any length."""
        root = locations.executions_of_variant(endpoint, variant)
        keys = self._latest_keys(root, until - timedelta(days=366), until)
        return records_of(self.bucket, Execution, [keys[window] for window in sorted(keys)[-count:]])

    def latest_of_windows(self, endpoint: str, variant: str, windows: Collection[Window]) -> dict[Window, Execution]:
        """The newest revision of each of these closed windows that has one; one listing for a day's windows."""
        root = locations.executions_of_variant(endpoint, variant)
        keys: list[str] = []
        for _, of_day in groupby(sorted(windows), key=lambda window: window.start.date()):
            wanted = list(of_day)
            found = self._latest_keys(root, wanted[0].start, wanted[-1].start + timedelta(minutes=1))
            keys += [found[window] for window in wanted if window in found]
        return {execution.window: execution for execution in records_of(self.bucket, Execution, keys)}

    def _latest_keys(self, root: str, start: datetime, end: datetime) -> dict[Window, str]:
        """The record of the newest revision of each closed window below a root that begins in [start, end)."""
        latest: dict[Window, _Found] = {}
        for listed in self._listed(root, start, end):
            window = Window.from_name(listed.key[len(root) :].partition("/")[0])
            found = _found(listed)
            if window is not None and found is not None:
                latest[window] = max(latest.get(window, found), found)
        return {window: found.key for window, found in latest.items()}

    def of_objects(
        self, endpoint: str, variant: str, start: datetime, end: datetime, stored_since: datetime
    ) -> Iterator[Execution]:
        """The executions of single objects that were begun in [start, end), stored at a time or later."""
        listed = listed_between(self.bucket, locations.executions_of_objects(endpoint, variant), start, end)
        return self._stored_since(listed, stored_since)

    def of_open_windows(
        self, endpoint: str, variant: str, start: datetime, end: datetime, stored_since: datetime
    ) -> Iterator[Execution]:
        """The executions of windows begun in [start, end) while they were open, stored at a time or later."""
        listed = self._listed(locations.executions_of_open_windows(endpoint, variant), start, end)
        return self._stored_since(listed, stored_since)

    def of_quality_stored_since(
        self, endpoint: str, variant: str, start: datetime, end: datetime, stored_since: datetime
    ) -> Iterator[Execution]:
        """The executions of model quality of windows begun in [start, end), stored at a time or later."""
        listed = self._listed(locations.executions_of_quality(endpoint, variant), start, end)
        return self._stored_since(listed, stored_since)

    def _listed(self, root: str, start: datetime, end: datetime) -> Iterator[ListedObject]:
        """What lies below a root in the folders of windows that begin in [start, end)."""
        after, until = (f"{root}{time:{START_FORMAT}}" for time in (start, end))
        return self.bucket.list_objects(root, after=after, until=until)

    def _stored_since(self, listed: Iterable[ListedObject], time: datetime) -> Iterator[Execution]:
        keys = [one.key for one in listed if one.key.endswith(_RECORD) and one.modified >= time]
        return records_of(self.bucket, Execution, keys)

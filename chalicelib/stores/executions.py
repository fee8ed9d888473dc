"""Executions: verdicts, each in a folder of its own with Model Monitor's two files, the page and its alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib import locations, records
from chalicelib.aws.s3 import Bucket, ListedObject
from chalicelib.records import AlertMessage, Execution
from chalicelib.stores.parts import listed_between, records_of
from chalicelib.window import START_FORMAT, Window

_RECORD = f"/{locations.EXECUTION_FILE}"


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
        found = list(self._records(prefix))
        key = max(found, default=(0, "", ""))[2]
        return self.bucket.get_record(Execution, key) if key else None

    def revisions_before(self, execution: Execution) -> Iterator[Execution]:
        """The earlier revisions of an execution's closed window."""
        prefix = locations.executions_of_window(
            execution.endpoint, execution.variant, execution.window, of_quality=execution.is_of_quality
        )
        keys = [key for revision, _, key in self._records(prefix) if revision < execution.revision]
        return records_of(self.bucket, Execution, keys)

    def _records(self, prefix: str) -> Iterator[tuple[int, str, str]]:
        """Revision, time of writing, and key of each record below a window's prefix."""
        for listed in self.bucket.list_objects(prefix):
            revision = listed.key.split("/")[-2]
            if listed.key.endswith(_RECORD) and revision.isdigit():
                yield int(revision), listed.modified.isoformat(), listed.key

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
        after, until = (f"{root}{time:{START_FORMAT}}" for time in (start, end))
        latest: dict[Window, tuple[str, str]] = {}
        for listed in self.bucket.list_objects(root, after=after, until=until):
            folder, _, rest = listed.key[len(root) :].partition("/")
            window = Window.from_name(folder)
            if window is None or length not in (None, window.length) or not rest.endswith(_RECORD):
                continue
            latest[window] = max(latest.get(window, ("", "")), (rest.split("/")[-2], listed.key))
        return records_of(self.bucket, Execution, [key for _, key in latest.values()])

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
        root = locations.executions_of_open_windows(endpoint, variant)
        after, until = (f"{root}{time:{START_FORMAT}}" for time in (start, end))
        return self._stored_since(self.bucket.list_objects(root, after=after, until=until), stored_since)

    def of_quality_stored_since(
        self, endpoint: str, variant: str, start: datetime, end: datetime, stored_since: datetime
    ) -> Iterator[Execution]:
        """The executions of model quality of windows begun in [start, end), stored at a time or later."""
        root = locations.executions_of_quality(endpoint, variant)
        after, until = (f"{root}{time:{START_FORMAT}}" for time in (start, end))
        return self._stored_since(self.bucket.list_objects(root, after=after, until=until), stored_since)

    def _stored_since(self, listed: Iterable[ListedObject], time: datetime) -> Iterator[Execution]:
        keys = [one.key for one in listed if one.key.endswith(_RECORD) and one.modified >= time]
        return records_of(self.bucket, Execution, keys)

"""Label files: what their lines hold, and their way to the place from which the stage reads labels."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import NamedTuple

import msgspec

from chalicelib import locations
from chalicelib.aws.clients import client
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import VedetteError
from chalicelib.quality.ids import MIN_SECRET_BYTES, IdHash
from chalicelib.quality.label_parts import LabelPart, label_part
from chalicelib.quality.settings import QualitySettings
from chalicelib.records import FleetEntry
from vedette.input_sources import Source


class LabelFile(msgspec.Struct, frozen=True):
    """What a file holds, as the functions will read it."""

    name: str
    labels: int
    rejected: dict[str, int]  # lines and rows without a label, by reason
    values: dict[str, int]  # labels by class; of numbers: none

    def __str__(self) -> str:
        """The counts in one line.

        Examples
        --------
        >>> str(LabelFile("a.csv", 3, {"the label is missing": 1}, {"0": 2, "1": 1}))
        'a.csv: 3 labels (0: 2, 1: 1); 1 line or row without a label: the label is missing (1)'
        """
        values = f" ({', '.join(f'{name}: {number}' for name, number in self.values.items())})" if self.values else ""
        text = f"{self.name}: {self.labels} label{'' if self.labels == 1 else 's'}{values}"
        if not self.rejected:
            return text
        number = sum(self.rejected.values())
        what = "line or row" if number == 1 else "lines or rows"
        reasons = ", ".join(f"{reason} ({count})" for reason, count in self.rejected.items())
        return f"{text}; {number} {what} without a label: {reasons}"


class Upload(NamedTuple):
    """A file, and where it goes."""

    source: Source
    uri: str
    holds: LabelFile


def settings_of(entry: FleetEntry) -> QualitySettings:
    """The settings of model quality of an endpoint.

    Raises
    ------
    VedetteError
        If it has none.
    """
    if entry.quality is None:
        raise VedetteError(
            f"{entry.endpoint} has no [endpoints.{entry.endpoint}.quality] table in the applied fleet;"
            " `vedette quality suggest` proposes one."
        )
    return entry.quality


def planned(entry: FleetEntry, files: Iterable[Source], now: datetime | None = None) -> list[Upload]:
    """Read the files, and say where each goes: below the endpoint's first place of labels, by the hour of the upload.

    Raises
    ------
    VedetteError
        If the endpoint has no quality table, or a file has no label at all.
    """
    settings, hour = settings_of(entry), now or datetime.now(UTC)
    place = EndpointRun.without_deadline(entry).ground_truth[0].rstrip("/")
    uploads = []
    for source in files:
        holds = _held(source, settings)
        if not holds.labels:
            raise VedetteError(f"{holds}. Nothing was uploaded.")
        uploads.append(Upload(source, f"{place}/{hour:%Y/%m/%d/%H}/{PurePosixPath(source.name).name}", holds))
    return uploads


def upload(one: Upload) -> None:
    """Upload a file; S3 then notifies the stage."""
    bucket, key = locations.split_s3_uri(one.uri)
    client("s3").put_object(Bucket=bucket, Key=key, Body=b"".join(one.source.chunks()))


def _held(source: Source, settings: QualitySettings) -> LabelFile:
    ids = IdHash(secrets.token_bytes(MIN_SECRET_BYTES))
    part = label_part(source.name, source.modified, source.chunks(), settings, ids)
    return LabelFile(source.name, part.count, part.rejected, _by_class(part))


def _by_class(part: LabelPart) -> dict[str, int]:
    if not part.values.classes:
        return {}
    counts = Counter(part.values.codes().tolist())
    return {name: counts[code] for code, name in enumerate(part.values.classes)}

"""What DescribeTransformJob says of a batch transform job: its times, where its objects lie, and their form.

| object of the job                | where                                                                      |
|----------------------------------|----------------------------------------------------------------------------|
| inputs                           | below the prefix, or named by the manifest, of the job's data source       |
| the output of an input           | {S3OutputPath}/{key below the folder of the prefix}.out                    |
| manifests of what it captured    | {DestinationS3Uri}/output/yyyy/mm/dd/hh/, of the hour in which it began    |

See aws-behaviour: transform-output-key, transform-manifest, transform-capture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from chalicelib.capture.json_path import JsonPath
from chalicelib.window import MINUTE, Window

OUTPUT_SUFFIX = ".out"
# What a model answers to a request may repeat what it was sent, so it is left out of the reason.
_ANSWER = re.compile(r"(Bad HTTP status (?:code )?(?:received|returned) from (?:algorithm|invoke): ?\d*).*", re.DOTALL)
_BINARY = ("recordio", "image/", "audio/", "video/", "x-npy", "tfrecord", "octet-stream", "parquet")


class JobStatus(StrEnum):
    """TransformJobStatus."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"


class RecordForm(msgspec.Struct, frozen=True, kw_only=True):
    """How the input and the output objects of a job hold their records."""

    content_type: str = ""  # of the inputs
    accept: str = ""  # of the outputs
    split_type: str = "None"
    input_filter: str = "$"  # what the model receives of a record
    joins_input: bool = False  # an output record is the input record and then the model's output, with nothing left out

    @property
    def has_binary_inputs(self) -> bool:
        """Whether the inputs are no text, so that the outputs are evaluated alone."""
        return self.split_type in {"RecordIO", "TFRecord"} or any(kind in self.content_type for kind in _BINARY)

    @property
    def is_one_document(self) -> bool:
        """Whether each object is one JSON document."""
        return self.split_type != "Line" and "json" in self.content_type and "jsonlines" not in self.content_type

    @property
    def path(self) -> JsonPath | None:
        """The input filter; None where it selects everything, or cannot be applied."""
        path = JsonPath.of(self.input_filter)
        return None if path is None or path.selects_all else path

    @property
    def has_unknown_filter(self) -> bool:
        """Whether the input filter has an operator that batch transform does not support."""
        return JsonPath.of(self.input_filter) is None


class TransformJob(msgspec.Struct, frozen=True, kw_only=True):
    """A batch transform job."""

    name: str
    status: JobStatus
    model: str
    created: datetime
    started: datetime
    ended: datetime
    input_uri: str
    lists_inputs: bool  # the input is a manifest, that is a list of objects
    output_uri: str  # without a slash at the end
    capture_uri: str  # "" where it captures nothing
    failure_reason: str  # SageMaker's, without what the model answered
    form: RecordForm

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> TransformJob:
        """The job that DescribeTransformJob describes; one that never started has the times of its creation."""
        given, written = described["TransformInput"], described["TransformOutput"]
        source = given["DataSource"]["S3DataSource"]
        processing = described.get("DataProcessing") or {}
        created = _utc(described["CreationTime"])
        started = _utc(described.get("TransformStartTime") or created)
        output_filter = JsonPath.of(processing.get("OutputFilter") or "$")
        return cls(
            name=str(described["TransformJobName"]),
            status=JobStatus(described["TransformJobStatus"]),
            model=str(described.get("ModelName", "")),
            created=created,
            started=started,
            ended=max(_utc(described.get("TransformEndTime") or started), started),
            input_uri=str(source["S3Uri"]),
            lists_inputs=source.get("S3DataType") == "ManifestFile",
            output_uri=str(written["S3OutputPath"]).rstrip("/"),
            capture_uri=str((described.get("DataCaptureConfig") or {}).get("DestinationS3Uri", "")).rstrip("/"),
            failure_reason=_ANSWER.sub(r"\1", str(described.get("FailureReason", ""))),
            form=RecordForm(
                content_type=str(given.get("ContentType", "")).lower(),
                accept=str(written.get("Accept", "")).lower(),
                split_type=str(given.get("SplitType", "None")),
                input_filter=str(processing.get("InputFilter") or "$"),
                joins_input=processing.get("JoinSource") == "Input"
                and output_filter is not None
                and output_filter.selects_all,
            ),
        )

    @property
    def window(self) -> Window:
        """The minutes in which it ran: what its execution evaluates."""
        start = self.started.replace(second=0, microsecond=0)
        return Window(start, max(MINUTE, -(-(self.ended - start) // MINUTE) * MINUTE))

    def output_of(self, input_uri: str, prefix: str = "") -> str:
        """The place of the output of an input; `prefix` is that of the manifest that names it, if one does.

        The output has the name of the input below the folder of the prefix, which may end within a name.

        Examples
        --------
        >>> job = TransformJob.of({"TransformJobName": "j", "TransformJobStatus": "Completed",
        ...     "CreationTime": datetime(2026, 11, 22, tzinfo=UTC), "TransformOutput": {"S3OutputPath": "s3://b/out/"},
        ...     "TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": "s3://b/in/"}}}})
        >>> job.output_of("s3://b/in/a/day.csv")
        's3://b/out/a/day.csv.out'
        """
        folder = (prefix or self.input_uri).rpartition("/")[0]
        return f"{self.output_uri}/{input_uri.removeprefix(folder).lstrip('/')}{OUTPUT_SUFFIX}"


class Manifest(NamedTuple):
    """A list of objects."""

    prefix: str
    places: tuple[str, ...]


def manifest_places(content: bytes) -> Manifest | None:
    """The prefix of a manifest, and the places that it names; None when it is none.

    Examples
    --------
    >>> manifest_places(b'[{"prefix": "s3://b/out/"}, "a.csv.out", "b.csv.out"]')
    Manifest(prefix='s3://b/out/', places=('s3://b/out/a.csv.out', 's3://b/out/b.csv.out'))
    >>> manifest_places(b'{"captureData": {}}') is None
    True
    """
    try:
        document = json.loads(content)
        first, *names = document if isinstance(document, list) else []
        prefix = first["prefix"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if (
        not isinstance(prefix, str)
        or not prefix.startswith("s3://")
        or not all(isinstance(name, str) for name in names)
    ):
        return None
    return Manifest(prefix, tuple(prefix + name for name in names))


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)

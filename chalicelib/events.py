"""What comes in: one frozen dataclass per event, checked at the edge.

| event                                   | accepted when / otherwise                                                 |
|-----------------------------------------|---------------------------------------------------------------------------|
| SageMaker Model Package State Change    | versioned package of this account and region; ForeignEvent/MalformedEvent |
| SageMaker Endpoint State Change         | endpoint of this account and region; the same                             |
| S3 Object Created                       | this account and region; not under a prefix of ours; the same. Skipped    |
|                                         | where no endpoint of the stage captures: the rule matches a whole bucket  |
| S3 Object Created, of labels            | the same, for the places of labels                                        |
| Scheduled Event, or the same made by us | source aws.events, or ours with an endpoint in detail; the same           |
| Vedette Monitoring Execution            | our own source; the same                                                  |
| SageMaker Processing Job State Change   | of this account and region; the same                                      |
| SageMaker Transform Job State Change    | of this account and region; the same                                      |

SageMaker's events are hints: best effort, repeated, out of order. So an event is reduced to what it is about, and the
handlers read the truth. Keys inside `detail` are read without regard to case (the schema registry and the samples
disagree), `source` may be a list (the documented sample), and a time is text or a number, of seconds or milliseconds.
The time of an approval alone is taken from its event: the registry shows only when a version was last edited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib import locations
from chalicelib.errors import ForeignEvent, MalformedEvent
from chalicelib.locations import EXECUTION_DETAIL_TYPE, TRANSFORM_DETAIL_TYPE
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.records import ExecutionEvent
from chalicelib.settings import Settings

Event = Mapping[str, Any]
MILLISECONDS_FROM = 1e11  # as seconds this is the year 5138
APPROVAL = "ModelApprovalStatus"


@dataclass(frozen=True)
class ModelPackageStateChanged:
    """A version in the registry was created, approved, rejected or edited."""

    package_arn: str
    package_group: str
    approval_status: str
    modified_at: str  # as the event says it; "" when it does not
    happened_at: datetime | None  # SageMaker's time of the change; None when the event does not say it
    updated_fields: frozenset[str] | None  # None when the event does not name them: a creation, for example

    @property
    def is_new_approval(self) -> bool:
        """Whether the version may just have been approved: False when the event names other changed fields alone."""
        return self.approval_status == "Approved" and (self.updated_fields is None or APPROVAL in self.updated_fields)

    @property
    def approved_at(self) -> datetime | None:
        """When the version was approved; None when the event does not say that it is about an approval, or when."""
        named = self.updated_fields is not None and self.is_new_approval
        return self.happened_at if named else None

    @classmethod
    def from_eventbridge(cls, event: Event, settings: Settings) -> ModelPackageStateChanged:
        """Check and read the event."""
        _check(event, settings, "aws.sagemaker", "SageMaker Model Package State Change")
        detail = _detail(event)
        arn = _text(detail, "ModelPackageArn")
        _check_arn(arn, settings)
        group = detail.get("modelpackagegroupname") or ""
        if not group:
            raise MalformedEvent(
                f"{arn} is not a version of a model package group; Vedette deploys versions of groups."
            )
        changed = detail.get("updatedmodelpackagefields")
        times = [time for time in (_time(detail.get("lastmodifiedtime")), _time(event.get("time"))) if time]
        return cls(
            package_arn=arn,
            package_group=str(group),
            approval_status=_text(detail, APPROVAL),
            modified_at=str(detail.get("lastmodifiedtime") or ""),
            happened_at=min(times, default=None),
            updated_fields=frozenset(map(str, changed)) if isinstance(changed, list) else None,
        )


@dataclass(frozen=True)
class EndpointStateChanged:
    """An endpoint changed its status."""

    endpoint: str

    @classmethod
    def from_eventbridge(cls, event: Event, settings: Settings) -> EndpointStateChanged:
        """Check and read the event."""
        _check(event, settings, "aws.sagemaker", "SageMaker Endpoint State Change")
        detail = _detail(event)
        _check_arn(_text(detail, "EndpointArn"), settings)
        return cls(endpoint=_text(detail, "EndpointName"))


@dataclass(frozen=True)
class DataCaptured:
    """A capture object landed in a bucket."""

    bucket: str
    key: str
    etag: str
    size: int
    capture: locations.CaptureKey

    @classmethod
    def from_eventbridge(cls, event: Event, settings: Settings) -> DataCaptured | Skipped:
        """Check and read the event. The key is used as it is: EventBridge does not URL-encode it."""
        bucket, key, etag, size = _created(event, settings)
        if not settings.names_place(bucket, key):
            return Skipped(
                SkipReason.NOT_A_CAPTURE, f"s3://{bucket}/{key} is in no place that VEDETTE_CAPTURE_SOURCES names"
            )
        capture = locations.capture_key(key)
        if capture is None:
            raise MalformedEvent(
                f"s3://{bucket}/{key} is not named like a capture object"
                " (…/endpoint/variant/yyyy/mm/dd/hh/MM-SS-mmm-id.jsonl)."
            )
        return cls(bucket=bucket, key=key, etag=etag, size=size, capture=capture)


@dataclass(frozen=True)
class GroundTruthUploaded:
    """A label object landed in a bucket."""

    bucket: str
    key: str
    etag: str
    size: int

    @classmethod
    def from_eventbridge(cls, event: Event, settings: Settings) -> GroundTruthUploaded | Skipped:
        """Check and read the event. Which endpoints have their labels there is known by the fleet."""
        bucket, key, etag, size = _created(event, settings)
        if not settings.names_ground_truth(bucket, key):
            return Skipped(
                SkipReason.NOT_LABELS, f"s3://{bucket}/{key} is in no place that VEDETTE_GROUND_TRUTH_SOURCES names"
            )
        return cls(bucket, key, etag, size)


@dataclass(frozen=True)
class Scheduled:
    """The clock of `run_monitoring` and `sweep`: for the whole fleet, or for the endpoints of one of their workers."""

    endpoints: tuple[str, ...]  # () is the whole fleet

    @classmethod
    def from_eventbridge(cls, event: Event, settings: Settings) -> Scheduled:
        """Check and read the event."""
        if _source(event) != settings.event_source:
            _check(event, settings, "aws.events", "Scheduled Event")
            return cls(())
        _check(event, settings, settings.event_source, "Scheduled Event")
        found = _detail(event).get("endpoints")
        if not isinstance(found, list) or not found or not all(isinstance(name, str) and name for name in found):
            raise MalformedEvent("The event names no endpoints.")
        return cls(tuple(found))

    @staticmethod
    def for_endpoints(endpoints: Sequence[str], event: Event, settings: Settings) -> dict[str, Any]:
        """The event by which a scheduled function invokes itself for some endpoints: the same shape."""
        return {**event, "source": settings.event_source, "resources": [], "detail": {"endpoints": list(endpoints)}}


@dataclass(frozen=True)
class MonitoringExecuted:
    """Vedette evaluated a window or an object."""

    execution: ExecutionEvent

    @classmethod
    def from_eventbridge(cls, event: Event, settings: Settings) -> MonitoringExecuted:
        """Check and read the event."""
        _check(event, settings, settings.event_source, EXECUTION_DETAIL_TYPE)
        try:
            return cls(msgspec.convert(event.get("detail"), ExecutionEvent))
        except msgspec.ValidationError as error:
            raise MalformedEvent(f"A {EXECUTION_DETAIL_TYPE!r} event is malformed: {error}.") from error


@dataclass(frozen=True)
class ProcessingJobStateChanged:
    """A processing job ended; Model Monitor's executions are processing jobs."""

    job_name: str
    status: str

    @classmethod
    def from_eventbridge(cls, event: Event, settings: Settings) -> ProcessingJobStateChanged:
        """Check and read the event."""
        _check(event, settings, "aws.sagemaker", "SageMaker Processing Job State Change")
        detail = _detail(event)
        _check_arn(_text(detail, "ProcessingJobArn"), settings)
        return cls(_text(detail, "ProcessingJobName"), _text(detail, "ProcessingJobStatus"))


@dataclass(frozen=True)
class TransformJobStateChanged:
    """A batch transform job ended."""

    job_name: str

    @classmethod
    def from_eventbridge(cls, event: Event, settings: Settings) -> TransformJobStateChanged:
        """Check and read the event. What became of the job is read again: the event is only a hint."""
        _check(event, settings, "aws.sagemaker", TRANSFORM_DETAIL_TYPE)
        detail = _detail(event)
        _check_arn(_text(detail, "TransformJobArn"), settings)
        return cls(_text(detail, "TransformJobName"))


def _created(event: Event, settings: Settings) -> tuple[str, str, str, int]:
    """Bucket, key, ETag and size of an object that was created, and not by Vedette itself."""
    _check(event, settings, "aws.s3", "Object Created")
    detail = _detail(event)
    bucket = _text(_mapping(detail, "bucket"), "name")
    found = _mapping(detail, "object")
    key, size = _text(found, "key"), found.get("size")
    if bucket == settings.bucket and key.startswith(locations.OWN_PREFIXES):
        raise MalformedEvent(f"s3://{bucket}/{key} was written by Vedette itself; nobody else writes there.")
    return bucket, key, str(found.get("etag") or ""), size if isinstance(size, int) else 0


def _source(event: Event) -> str:
    source = event.get("source")
    return str(source[0] if isinstance(source, list) and source else source)


def _check(event: Event, settings: Settings, source: str, detail_type: str) -> None:
    """Refuse what does not come from the expected source of our own account and region."""
    if _source(event) != source:
        raise ForeignEvent(f"An event of source {_source(event)!r} reached a function that takes {source!r}.")
    if event.get("detail-type") != detail_type:
        raise MalformedEvent(
            f"An event of type {event.get('detail-type')!r} reached a function that takes {detail_type!r}."
        )
    for field, ours in (("account", settings.account), ("region", settings.region)):
        if event.get(field) != ours:
            raise ForeignEvent(f"A {detail_type!r} event of {field} {event.get(field)!r} is not ours ({ours}).")


def _check_arn(arn: str, settings: Settings) -> None:
    parts = arn.split(":")
    if len(parts) < 6 or (parts[3], parts[4]) != (settings.region, settings.account):
        raise ForeignEvent(f"{arn!r} is not in region {settings.region} of account {settings.account}.")


def _detail(event: Event) -> dict[str, Any]:
    return _mapping(event, "detail")


def _mapping(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = holder.get(name)
    if not isinstance(value, Mapping):
        raise MalformedEvent(f"The event has no object {name!r}.")
    return {str(key).lower(): item for key, item in value.items()}


def _time(value: Any) -> datetime | None:
    """A time of an event: ISO 8601, or a number of seconds or milliseconds, as text too; None for anything else."""
    try:
        number = float(value)
        return datetime.fromtimestamp(number / 1000 if number > MILLISECONDS_FROM else number, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        pass
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name.lower())
    if not isinstance(value, str) or not value:
        raise MalformedEvent(f"The event has no {name}.")
    return value

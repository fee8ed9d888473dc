"""What every service needs about one endpoint in one invocation, read or built once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from chalicelib import locations
from chalicelib.aws import sagemaker
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.s3 import Bucket
from chalicelib.aws.sagemaker import ServedDescription
from chalicelib.deadline import Deadline
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.recent_reads import RecentReads
from chalicelib.records import Activity, AlertState, FleetEntry, SweepCheckpoint
from chalicelib.settings import Settings, settings
from chalicelib.stores.alert_states import AlertStateStore
from chalicelib.stores.baselines import BaselineStore, QualityBaselineStore
from chalicelib.stores.checkpoints import CheckpointStore
from chalicelib.stores.deployments import DeploymentRecords, DeploymentStore
from chalicelib.stores.executions import ExecutionStore
from chalicelib.stores.fleet import FleetStore
from chalicelib.stores.parts import ActivityStore, PartStore
from chalicelib.stores.reference_days import ReferenceDayStore
from chalicelib.stores.unreadable_objects import UnreadableObjectStore

if TYPE_CHECKING:
    from chalicelib.stores.id_secret import IdSecretStore
    from chalicelib.stores.quality_parts import QualityPartStore

T = TypeVar("T")


@dataclass(frozen=True)
class Stores:
    """Everything that one stage stores."""

    bucket: Bucket
    fleet: FleetStore
    baselines: BaselineStore
    parts: PartStore
    executions: ExecutionStore
    deployments: DeploymentStore
    alert_states: AlertStateStore
    checkpoints: CheckpointStore
    activity: ActivityStore
    unreadable_objects: UnreadableObjectStore
    reference_days: ReferenceDayStore

    @property
    def quality_baselines(self) -> QualityBaselineStore:
        """Baselines of model quality."""
        return QualityBaselineStore(self.bucket, self.baselines.recent)

    @property
    def id_secret(self) -> IdSecretStore:
        """The key of the hashes of ids; imported here, since most endpoints have no model quality."""
        from chalicelib.stores.id_secret import IdSecretStore

        return IdSecretStore(self.checkpoints.table, self.fleet.recent)

    @property
    def unreadable_labels(self) -> UnreadableObjectStore:
        """The label objects that cannot be read."""
        return UnreadableObjectStore(self.checkpoints.table, "labels")

    def bucket_of(self, name: str) -> Bucket:
        """A bucket by its name: the stage's own, or one that a person names in the fleet."""
        return self.bucket if name == self.bucket.name else Bucket(name)

    @classmethod
    def of(cls, stage: Settings, recent: RecentReads | None = None) -> Stores:
        """The stores of a stage; nothing is read. With `recent`, the fleet and baselines may be up to 30 s old."""
        bucket = Bucket(stage.bucket, stage.account)
        table = Table(stage.table, bucket)
        return cls(
            bucket=bucket,
            fleet=FleetStore(bucket, recent),
            baselines=BaselineStore(bucket, recent),
            parts=PartStore(bucket),
            executions=ExecutionStore(bucket),
            deployments=DeploymentStore(table),
            alert_states=AlertStateStore(table),
            checkpoints=CheckpointStore(table),
            activity=ActivityStore(table),
            unreadable_objects=UnreadableObjectStore(table),
            reference_days=ReferenceDayStore(bucket),
        )


def stage_stores() -> Stores:
    """The stores of this process's stage."""
    return Stores.of(settings())


@lru_cache(maxsize=1)
def warm_stores(stage: Settings) -> Stores:
    """The stores of a stage for every invocation of a warm process: the fleet and baselines may be 30 s old."""
    return Stores.of(stage, RecentReads())


class read_once(Generic[T]):  # noqa: N801 - used as a decorator
    """A property that is read at first use, as functools.cached_property but without a lock.

    Before Python 3.12 that one has a lock for all instances: threads that read about different endpoints would wait for
    each other.
    """

    def __init__(self, read: Callable[[Any], T]) -> None:
        self._read = read
        self.__doc__ = read.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        """The value, which from then on stands in the instance's own __dict__."""
        if instance is None:
            return self  # type: ignore[return-value]
        value = self._read(instance)
        instance.__dict__[self._name] = value
        return value


@dataclass(frozen=True)
class EndpointRun:
    """One endpoint in one invocation: its fleet entry, the time, the deadline, and the stores."""

    entry: FleetEntry
    now: datetime
    deadline: Deadline
    stores: Stores

    @classmethod
    def of(cls, endpoint: str, deadline: Deadline, stores: Stores) -> EndpointRun | Skipped:
        """The run for an endpoint of the fleet; skipped when it is not in the fleet."""
        entry = stores.fleet.entry(endpoint)
        if entry is None:
            return Skipped(SkipReason.NOT_IN_FLEET, f"{endpoint} is not in the fleet")
        return cls(entry, datetime.now(UTC), deadline, stores)

    @classmethod
    def without_deadline(cls, entry: FleetEntry) -> EndpointRun:
        """The run of a command of the operator, which takes the time it needs."""
        return cls(entry, datetime.now(UTC), Deadline.never(), stage_stores())

    @classmethod
    def of_group(cls, package_group: str, deadline: Deadline, stores: Stores) -> tuple[EndpointRun, ...]:
        """The runs for the endpoints that serve a model package group."""
        entries = stores.fleet.get().entries_of_group(package_group)
        return tuple(cls(entry, datetime.now(UTC), deadline, stores) for entry in entries)

    @classmethod
    def of_labels(cls, bucket: str, key: str, deadline: Deadline, stores: Stores) -> tuple[EndpointRun, ...]:
        """The runs for the endpoints that have their labels where an object lies."""
        entries = (entry for entry in stores.fleet.get().entries if entry.quality is not None)
        runs = (cls(entry, datetime.now(UTC), deadline, stores) for entry in entries)
        return tuple(run for run in runs if any(locations.lies_in(uri, bucket, key) for uri in run.ground_truth))

    @read_once
    def described(self) -> dict[str, Any]:
        """DescribeEndpoint, read at first use; empty when there is no such endpoint, and for own records."""
        return sagemaker.describe_endpoint(self.endpoint) or {} if self.entry.is_endpoint else {}

    def describe_served(self) -> ServedDescription | None:
        """The endpoint with its config and its model; None when there is no such endpoint."""
        return sagemaker.describe_served(self.endpoint, self.described) if self.entry.is_endpoint else None

    @property
    def known_description(self) -> dict[str, Any] | None:
        """DescribeEndpoint, if this run has read it."""
        return self.__dict__.get("described")

    @read_once
    def deployments(self) -> DeploymentRecords:
        """The stored deployments, read at first use; a deployment itself reads them again."""
        return self.stores.deployments.get(self.endpoint)

    @read_once
    def activity(self) -> Activity | None:
        """When parts of the endpoint were last created, read at first use; None when it is not known."""
        return self.stores.activity.get(self.endpoint)[0]

    @read_once
    def checkpoint(self) -> SweepCheckpoint | None:
        """What the last sweep of the endpoint left, read at first use; None before the first one."""
        return self.stores.checkpoints.get(self.endpoint)[0]

    @read_once
    def alert_states(self) -> dict[str, AlertState]:
        """The alert states by variant, read at first use, and then as this run writes them."""
        return {state.variant: state for state in self.stores.alert_states.of_endpoint(self.endpoint)}

    def read_alert_states(self) -> None:
        """Read the alert states now: from then on what this run decides about them begins with what it knows."""
        self.alert_states  # noqa: B018

    @property
    def known_alert_states(self) -> dict[str, AlertState] | None:
        """The alert states, if this run has read them."""
        return self.__dict__.get("alert_states")

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        return self.entry.endpoint

    @property
    def capture_uri(self) -> str:
        """Where the endpoint captures to, its DestinationS3Uri; or where others write its records."""
        return self.entry.source or locations.capture_uri(self.stores.bucket.name)

    @property
    def quality_parts(self) -> QualityPartStore:
        """The predictions and labels of the endpoint, in the form of its settings of model quality."""
        from chalicelib.stores.quality_parts import QualityPartStore

        assert self.entry.quality is not None  # noqa: S101 - nobody asks for them otherwise
        return QualityPartStore(self.stores.bucket, self.stores.checkpoints.table, self.entry.quality.form)

    @property
    def ground_truth(self) -> tuple[str, ...]:
        """The S3 places of the endpoint's labels; () without model quality."""
        quality = self.entry.quality
        if quality is None:
            return ()
        return quality.ground_truth or (locations.ground_truth_uri(self.stores.bucket.name, self.endpoint),)

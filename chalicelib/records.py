"""Everything that Vedette stores or sends: one frozen struct each, with its schema_version.

Readers ignore fields they do not know, and every new field has a default, so that an older record opens in a newer
version and the other way round. A record of a newer major schema is refused by `read`, never half understood.

| record            | stored as / sent as                                             |
|-------------------|-----------------------------------------------------------------|
| Part              | parts/{endpoint}/{variant}/yyyy/mm/dd/hh/{capture file}.json    |
| RollUp            | rollups/{endpoint}/{variant}/yyyy/mm/dd/hh/MM.json              |
| Execution         | monitoring/.../execution.json                                   |
| ExecutionEvent    | EventBridge, detail of "Vedette Monitoring Execution"           |
| BaselineInForce   | baselines/{endpoint}/current.json, and {version}/version.json   |
| Fleet             | config/fleet.json                                               |
| Deployment        | DynamoDB, one item per attempt; so is what follows              |
| FailedVersion     | ... one item per endpoint, version and config                   |
| Pin               | ... one item per endpoint                                       |
| SweepCheckpoint   | ... one item per endpoint                                       |
| Activity          | ... one item per endpoint                                       |
| UnreadableObjects | ... one item per endpoint                                       |
| LateQualityParts  | ... one item per endpoint                                       |
| QualityCheckpoint | ... one item per endpoint                                       |
| IdSecret          | ... one item of the stage                                       |
| AlertState        | DynamoDB, one item per endpoint and variant                     |
| TeamAlertState    | DynamoDB, one item per team                                     |
| DigestEntry       | DynamoDB, one item per endpoint that has something for a digest |
| Mute              | DynamoDB, one item per mute                                     |
| DepartedEndpoint  | DynamoDB, one item per endpoint that left the fleet             |
| AlertMessage      | SNS, the JSON that SQS, Lambda and HTTPS subscribers receive    |
| AlertEvent        | EventBridge, detail of "Vedette Alert"; SNS, the incidents topic |
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeVar

import msgspec

from chalicelib.constraints.measurement import Checks, Fingerprint, Measurement, Severity, Verdict
from chalicelib.errors import UnreadableFile
from chalicelib.quality.settings import QualitySettings
from chalicelib.window import Window

SCHEMA_VERSION = 1

Source = Literal["vedette", "model monitor"]
Noun = Literal["endpoint", "records", "jobs"]  # what a name of the fleet stands for


CaptureMode = Literal["Input", "Output", "InputAndOutput"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Mode(StrEnum):
    """How far Vedette goes with an endpoint."""

    OBSERVE = "observe"  # evaluate and report; notify nobody
    ALERT = "alert"  # ... and send alerts
    DEPLOY = "deploy"  # ... and deploy what the registry approves


class DeploymentState(StrEnum):
    """What became of an attempt to deploy a version."""

    REQUESTED = "requested"
    VERIFIED = "verified"
    FAILED = "failed"
    ROLLED_BACK = "rolled back"


class Delivery(StrEnum):
    """How the captures of an endpoint become known."""

    UNKNOWN = ""
    EVENTS = "events"
    POLLED = "polled"  # by the sweep's listings alone
    DENIED = "closed"  # they may not be read


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of every record."""

    schema_version: int = SCHEMA_VERSION


# --- evaluated --------------------------------------------------------------------------------------------------------


MAX_NAMED_PARTS = 1_500  # of one execution: its record stays below 300 kB


def parts_digest(keys: Iterable[str]) -> str:
    """Stands for the keys of a window's parts, given in order.

    Examples
    --------
    >>> parts_digest(["a", "b"]) == parts_digest(["a", "b"]), parts_digest(["a"]) == parts_digest([])
    (True, False)
    """
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]


class LabelGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Predictions that have something in common, and how many of them have a label."""

    name: str
    predictions: int
    labelled: int
    is_class: bool = False  # of one predicted class; else a tenth of the scores

    @property
    def coverage(self) -> float:
        """The share with a label."""
        return self.labelled / self.predictions


class LabelCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The labels of a day of predictions, as far as they had come."""

    predictions: int
    labelled: int
    is_final: bool  # evaluated at `label_limit_hours`; else at `label_delay_hours`
    labelled_at_delay: int | None = None  # how many had one then; None: not evaluated then
    groups: tuple[LabelGroup, ...] = ()  # by predicted class, and by tenth of the scores

    @property
    def coverage(self) -> float:
        """The share of predictions with a label."""
        return self.labelled / self.predictions if self.predictions else 0.0


class Execution(Record, frozen=True, kw_only=True):
    """One verdict, stored once with the list of the parts that it used."""

    endpoint: str
    variant: str
    window_start: datetime
    window_end: datetime
    # False: data that was still arriving, one object or an open window, with the hard checks alone.
    window_closed: bool = msgspec.field(name="closed")
    package_version: str  # of the model that served, "unversioned" when the endpoint was not made from a package
    revision: int
    baseline: str  # version of the baseline that it was compared with, "" when there was none
    verdict: Verdict
    requests: int = msgspec.field(name="events")  # captured requests whose rows are counted
    rows: int
    rejected: dict[str, int] = msgspec.field(name="refused")  # lines that could not be read, by reason
    measurements: tuple[Measurement, ...]
    parts: tuple[str, ...]  # keys of parts that were added up one by one, MAX_NAMED_PARTS at most
    folder: str  # where statistics.json and constraint_violations.json lie
    evaluated_at: datetime = msgspec.field(name="judged_at")
    notes: tuple[str, ...] = ()  # what was not evaluated, or why the monitor failed
    checks_run: Checks = msgspec.field(default=Checks.ALL, name="checks")  # drift may have windows of its own
    source: Source = "vedette"
    day_type: str = ""  # with which reference days a day was compared
    rollups: tuple[str, ...] = ()  # keys of the roll-ups that were added up; each names its parts
    part_count: int = 0  # in the roll-ups and outside them
    parts_digest: str = ""  # of the keys of all of them; "" in records of earlier versions, which name every part
    labels: LabelCounts | None = None  # of model quality
    job: str = ""  # the batch transform job whose outputs it evaluated, or that failed

    def used(self, keys: tuple[str, ...]) -> bool:
        """Whether it added up exactly the parts with these keys, given in order."""
        return self.parts_digest == parts_digest(keys) if self.parts_digest else self.parts == keys

    @property
    def window(self) -> Window:
        """The time that it evaluated."""
        return Window(self.window_start, self.window_end - self.window_start)

    @property
    def is_of_quality(self) -> bool:
        """Whether it evaluated the quality of the model, and not the captured data."""
        return self.checks_run == Checks.QUALITY


class ExecutionEvent(Record, frozen=True, kw_only=True):
    """The detail of our own event: where the stored execution lies, and enough to route by."""

    endpoint: str
    variant: str
    verdict: Verdict
    window_start: datetime
    window_end: datetime
    window_closed: bool = msgspec.field(name="closed")
    folder: str
    test: str = ""  # the nonce of `vedette alerts test`: no data was evaluated, and a test alert is sent if it is known


class BaselineInForce(Record, frozen=True, kw_only=True):
    """Names the baseline that verdicts use, and who put it in force."""

    version: str
    by: str
    at: datetime
    reason: str = ""
    package_arn: str = ""  # the version that brought it; "" when a person put it in force
    fleet_baseline: str = ""  # the `baseline` of the fleet entry that it was read from; "" when the fleet named none


# --- wanted -----------------------------------------------------------------------------------------------------------


class GoldenPayload(msgspec.Struct, frozen=True, kw_only=True):
    """A request that a healthy model must answer."""

    body: str
    content_type: str = "text/csv"
    accept: str = "text/csv"


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """How many closed windows it takes: M of the last N to fire, so many clean ones in a row to recover."""

    hard_violated: int = 1
    hard_of: int = 1
    drift_violated: int = 2
    drift_of: int = 3
    recovery_clean: int = 2


# A job runs once a night or once a week, and is a whole sample: its first violation is an alert, the next job ends it.
JOB_THRESHOLDS = Thresholds(drift_violated=1, drift_of=1, recovery_clean=1)


class FleetEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What to watch, and how: one endpoint."""

    endpoint: str
    mode: Mode = Mode.OBSERVE
    package_group: str = ""
    # The gate: a version must also be in this stage, or in one of these (ModelLifeCycle.Stage).
    model_life_cycle_stage: str | tuple[str, ...] = ""
    shared_gate: bool = False  # other endpoints of the group with the same gate deploy the same versions
    # Not an endpoint of SageMaker, but a name for records that others write in capture form, or for transform jobs.
    records: str = ""  # the s3 place of the records: {records}/{endpoint}/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-id.jsonl
    transform_jobs: str = ""  # how the names of the jobs begin
    capture_uri: str = ""  # where the endpoint captures; "" is the stage's own bucket
    capture_percentage: int = 100
    # What is stored as text instead of BASE64, and which sides are captured; None: as served, else as SageMaker's SDK.
    capture_csv_content_types: tuple[str, ...] | None = None
    capture_json_content_types: tuple[str, ...] | None = None
    capture_modes: tuple[CaptureMode, ...] | None = None
    instance_type: str = ""  # "" is the first type that the package supports
    instance_count: int = 1
    traffic_shifting: Literal["all at once", "canary", "linear"] = "all at once"
    updates_per_hour: int = 6
    recreate_failed: bool = False  # delete an endpoint that failed before it ever served, and create it again
    # s3 folder, or constraints.json, of the baseline; in mode deploy of the versions that bring none.
    baseline: str = ""
    baseline_statistics: str = ""  # where its statistics lie, unless beside the constraints
    window_minutes: int = 60
    drift_window_minutes: int = 1440  # windows of their own for drift, unless they are as short as the others
    critical_features: tuple[str, ...] = ()
    weekend: tuple[Weekday, ...] | None = None  # the weekdays whose traffic is of its own kind; None: found from it
    team: str = ""  # whose topic the alerts go to, of those that the stage allows
    thresholds: Thresholds = Thresholds()
    # An open alert is sent again after so many hours; 0: never. None: a critical one after 24 hours, others never.
    repeat_interval_hours: int | None = None
    alerts_per_hour: int = 10  # for each variant; the rest is suppressed, and summarized later in one message
    golden_payload: GoldenPayload | None = None
    capture_header: Literal["", "input", "output", "both"] = ""  # the sides whose CSV begins with a row of names
    test_marker: str = ""  # requests whose custom attributes contain it are counted apart, in no statistic
    model_monitor_metrics: str = ""  # the schedule under whose name drift is also written as Model Monitor's metrics
    runbook_url: str = ""  # linked by the alerts, in place of that of the team or the stage
    private: tuple[str, ...] = ()  # features of which only counts of types and missing cells are stored
    quality: QualitySettings | None = None  # how the predictions are joined to labels; None: they are not

    @property
    def is_endpoint(self) -> bool:
        """Whether SageMaker has an endpoint of this name, which may be described, deployed and invoked."""
        return not (self.records or self.transform_jobs)

    @property
    def noun(self) -> Noun:
        """What it is a name for, in a sentence that names it already."""
        return "records" if self.records else "jobs" if self.transform_jobs else "endpoint"

    @property
    def source(self) -> str:
        """Where captures or own records lie; "" is the stage's own bucket."""
        return self.records or self.capture_uri

    @property
    def gate(self) -> tuple[str, ...]:
        """The stages of which a version must be in one; none when it is only to be approved."""
        stages = self.model_life_cycle_stage
        return ((stages,) if stages else ()) if isinstance(stages, str) else stages


class Fleet(Record, frozen=True, kw_only=True):
    """The applied fleet: who applied it, when, from which commit."""

    entries: tuple[FleetEntry, ...] = ()
    applied_by: str = ""
    applied_at: datetime | None = None
    commit: str = ""

    def entry(self, endpoint: str) -> FleetEntry | None:
        """The entry of an endpoint."""
        return next((entry for entry in self.entries if entry.endpoint == endpoint), None)

    def entry_of_job(self, job_name: str) -> FleetEntry | None:
        """The entry that a transform job belongs to: of those whose prefix its name begins with, the longest."""
        named = [one for one in self.entries if one.transform_jobs and job_name.startswith(one.transform_jobs)]
        return max(named, key=lambda one: len(one.transform_jobs), default=None)

    def entries_of_group(self, package_group: str) -> tuple[FleetEntry, ...]:
        """The entries whose endpoints serve a model package group."""
        return tuple(entry for entry in self.entries if package_group and entry.package_group == package_group)


class Deployment(Record, frozen=True, kw_only=True):
    """One attempt to make an endpoint serve a package version."""

    endpoint: str
    package_arn: str
    package_version: str
    config: str
    previous_config: str  # "" when the endpoint was created
    previous_package_arn: str
    requested_at: datetime
    state: DeploymentState
    begun: bool = False  # SageMaker took the request: it said so, or shows it
    endpoint_modified_at: datetime | None = None  # the endpoint's LastModifiedTime when this was requested
    unproven: int = 0  # attempts in a row, with this one, of which nothing shows that SageMaker began them
    settled_at: datetime | None = None
    reason: str = ""  # why it failed; while it is requested: why the endpoint is rolled back
    approver: str = ""
    changes: tuple[str, ...] = ()  # what differs from the config before, in words
    remarks: tuple[str, ...] = ()  # what could not be done as the fleet says
    adopted: bool = False  # the endpoint was taken over with `vedette adopt`: nothing was deployed

    def __post_init__(self) -> None:
        if self.state == "verified" and self.reason.startswith("adopted "):  # records from before the field
            msgspec.structs.force_setattr(self, "adopted", True)


class FailedVersion(Record, frozen=True, kw_only=True):
    """A version whose deployment failed with a config: it is not tried again before a new approval."""

    endpoint: str
    package_arn: str
    config: str
    reason: str
    at: datetime
    package_modified_at: datetime | None = None  # the package's LastModifiedTime when it had failed
    tries: int = 1
    retry_at: datetime | None = None  # after a lack of capacity: not before this; None: not by itself

    def counts(self, now: datetime) -> bool:
        """Whether the version is not to be tried at this time."""
        return self.retry_at is None or now < self.retry_at

    def is_before(self, moment: datetime) -> bool:
        """Whether something of the registry, an approval say, came after the failure.

        Both times are SageMaker's, so that it does not matter what our clock says; older records have only ours.
        """
        return moment > (self.package_modified_at or self.at)


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint served when a sweep looked at it."""

    seen_at: datetime
    modified_at: datetime | None  # LastModifiedTime of the endpoint; None when there is no such endpoint
    created_at: datetime | None = None
    variants: tuple[str, ...] = ()
    package_version: str = ""


class LabelScan(msgspec.Struct, frozen=True, kw_only=True):
    """How far a place of labels has been listed: some pages in each sweep, from its beginning to its end, and again."""

    form: str  # of the settings with which labels are read; with others the place is listed again
    begun: datetime
    since: datetime | None = None  # what was written before this has its part; None: nothing is known
    after: str = ""  # the last key that was listed; "" at the beginning
    failed: bool = False  # something listed could not be processed, and is to be listed again


class SweepCheckpoint(Record, frozen=True, kw_only=True):
    """Where the sweep of an endpoint resumes, and what it has reported already."""

    endpoint: str
    # Captures begun since then may still be without a part.
    backlog_from: datetime | None = msgspec.field(default=None, name="behind")
    looked_back_at: datetime | None = None  # when a whole day was last examined
    variants: tuple[str, ...] = ()  # that have captures
    delivery: Delivery = Delivery.UNKNOWN
    serving: Serving | None = None
    capture_seen: datetime | None = None  # when the latest deployment was requested of which a capture was read
    endpoint_seen: bool = False  # the endpoint existed when it was swept
    # Variant and window -> a digest of the parts whose verdict was stored and reported.
    reported_windows: dict[str, str] = msgspec.field(default_factory=dict, name="settled")
    # Verdicts of single objects stored before this are reported.
    objects_reported_until: datetime | None = msgspec.field(default=None, name="objects_told")
    digest: str = ""  # stands for what the endpoint's DigestEntry says is open; "" when that is nothing
    label_scans: dict[str, LabelScan] = {}  # by place, of endpoints with a quality table
    quality_reported_until: datetime | None = None  # days of model quality that were stored before this are reported


class Activity(Record, frozen=True, kw_only=True):
    """When the parts of an endpoint were last created."""

    endpoint: str
    active_until: datetime  # no part was created after that
    violated_until: datetime | None = None  # no execution of an object or an open window was stored after that
    late_from: datetime | None = None  # the earliest capture whose part came after its window had closed, to be swept
    late_parts: int = 0  # how many came so, as far as they were recorded one by one: it shows that more have come


class UnreadableReason(StrEnum):
    """Why a captured object, or a label object, cannot be read, while others of its source can."""

    DENIED = "S3 or KMS refuses it"
    GONE = "it was deleted before it was read"
    UNEXPECTED_CONTENT = "unexpected content"
    NO_LABELS = "no line of it is a label"  # of a label object alone


class UnreadableObject(msgspec.Struct, frozen=True, kw_only=True):
    """One captured object that could not be read, and when it is tried again."""

    bucket: str
    key: str
    etag: str
    size: int  # bytes
    reason: UnreadableReason
    first_seen: datetime
    attempts: int
    retry_at: datetime | None  # not before this; None: never

    @property
    def place(self) -> tuple[str, str]:
        """Its bucket and its key, which identify it."""
        return self.bucket, self.key


class UnreadableObjects(Record, frozen=True, kw_only=True):
    """The captured objects, or the label objects, of an endpoint that could not be read, in the order they were met."""

    endpoint: str
    objects: tuple[UnreadableObject, ...] = ()
    more: int = 0  # met since the last sweep began, and not remembered one by one: there are too many

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.objects) + self.more


class LateQualityParts(Record, frozen=True, kw_only=True):
    """What came after the days of prediction that it concerns may have been evaluated, until that was looked at."""

    endpoint: str
    labels_from: datetime | None = None  # the earliest LastModified of such a label object
    predictions_from: datetime | None = None  # the earliest beginning of such a capture object
    parts: int = 0  # how many came so: it shows that more have come

    @property
    def since(self) -> tuple[datetime, ...]:
        """The times of the earliest ones, as far as there are any."""
        return tuple(moment for moment in (self.labels_from, self.predictions_from) if moment is not None)

    @property
    def is_pending(self) -> bool:
        """Whether something is still to be looked at."""
        return bool(self.since)


class QualityCheckpoint(Record, frozen=True, kw_only=True):
    """Up to which moment the looks at an endpoint's days of prediction were made."""

    endpoint: str
    evaluated_until: datetime


class IdSecret(Record, frozen=True, kw_only=True):
    """The key of a stage's hashes of ids; it is made once, and never leaves the table."""

    key: bytes
    at: datetime

    def __repr__(self) -> str:
        """Without the key: whatever logs a record does not log it."""
        return f"IdSecret(at={self.at})"


class Pin(Record, frozen=True, kw_only=True):
    """A person decided which version is served."""

    endpoint: str
    package_arn: str
    by: str
    reason: str
    at: datetime
    until: datetime | None = None


class Pause(Record, frozen=True, kw_only=True):
    """A person stopped every mutation of this stage."""

    by: str
    reason: str
    at: datetime


# --- alerts -----------------------------------------------------------------------------------------------------------


class FingerprintStatus(StrEnum):
    """Whether a fingerprint raises alerts."""

    PENDING = "pending"  # violated, in fewer windows than it takes
    FIRING = "firing"
    MUTED = "muted"  # firing, but a mute suppresses the notification


class FingerprintState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one fingerprint on this endpoint and variant, for one episode of violations."""

    state: FingerprintStatus
    severity: Severity  # the worst of this episode
    since: datetime  # the first window of this episode
    last_seen: datetime
    recent: tuple[bool, ...] = ()  # violated or not, in the last closed windows, oldest first
    folder: str = ""  # of the execution whose message reported it; the message is stored there
    triggered: Severity | None = None  # the severity of the incident that is open with machines; None: none is
    headline: str = ""  # of a condition: the sentence that its message says
    notified_at: datetime | None = None  # when a message last said that it is open; None in earlier records: `since`


class SlowDrift(msgspec.Struct, frozen=True, kw_only=True):
    """A feature that has drifted from its reference days, though not from one day to the next."""

    since: datetime  # the first window outside the reference days
    recent: tuple[bool, ...] = ()  # outside or not, in the last windows, oldest first
    clean_days: int = 0  # since it was last outside
    distance: float = 0.0  # of the last window
    weekly: tuple[float, ...] = ()  # the distance at the end of each week
    reported: bool = False


class Mute(Record, frozen=True, kw_only=True):
    """A person suppresses notifications about one fingerprint, endpoint or team from `begins` until `until`."""

    mute_id: str
    begins: datetime
    until: datetime
    by: str
    reason: str
    at: datetime
    fingerprint: str = ""  # exactly one of the three is given
    endpoint: str = ""
    team: str = ""


class DepartedEndpoint(Record, frozen=True, kw_only=True):
    """An endpoint that left the fleet, and whose alerts may still be pending."""

    entry: FleetEntry  # as it was
    at: datetime


class OutboxMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A pending message. It leaves the outbox when SNS has accepted it."""

    alert_id: str
    message: AlertMessage
    leased_until: datetime | None = None
    attempts: int = msgspec.field(default=0, name="tries")
    last_error: str = msgspec.field(default="", name="refused")  # why the last attempt to publish it failed
    enqueued_at: datetime | None = None  # unknown in records of earlier versions


class Suppressed(msgspec.Struct, frozen=True, kw_only=True):
    """Messages beyond the hourly limit: their number and worst items. One summary message is sent later."""

    since: datetime
    until: datetime
    count: int
    severity: Severity
    items: tuple[AlertItem, ...]
    more: dict[str, int] = {}


class IncidentAction(StrEnum):
    """What a machine does with an event: open its incident, close it, or neither."""

    TRIGGER = "trigger"
    RESOLVE = "resolve"
    INFORM = "inform"  # it happened once and waits for nobody: no incident


class Sink(StrEnum):
    """Where the events of incidents go; each accepts them on its own."""

    BUS = "bus"
    TOPIC = "topic"


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that is open with machines, and is no fingerprint: a failed deployment."""

    since: datetime
    severity: Severity
    package_version: str = ""


class PendingEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event that at least one sink has not accepted. What an installation adds to it is added when it is sent."""

    fingerprint: str
    action: IncidentAction
    severity: Severity
    kind: AlertKind
    check: str
    subject: str
    headline: str
    since: datetime | None = None  # the start of its episode
    event_id: str = ""  # it and `at` are set when the decision is stored
    at: datetime | None = None
    awaiting: tuple[Sink, ...] = tuple(Sink)
    alert_id: str = ""
    cause: str = ""
    package_version: str = ""
    window_start: datetime | None = None
    window_end: datetime | None = None
    folder: str = ""
    source: Source = "vedette"
    job: str = ""
    group: str = ""  # the same for this check of this feature on every endpoint
    leased_until: datetime | None = None
    attempts: int = 0
    last_error: str = ""


class ExpectedTest(msgspec.Struct, frozen=True, kw_only=True):
    """A test alert that an operator announced before its event was put on the bus. It is sent once."""

    nonce: str
    until: datetime  # the event is refused from then on


class AlertState(Record, frozen=True, kw_only=True):
    """The alert state of one endpoint and variant: one item, written conditionally."""

    endpoint: str
    variant: str  # "" is the endpoint itself: its deployments and conditions
    fingerprints: dict[Fingerprint, FingerprintState] = {}
    last_closed_window_end: datetime | None = None
    last_drift_window_end: datetime | None = None  # where drift has windows of its own
    last_quality_window_end: datetime | None = None  # of the newest day whose labels were enough for a verdict
    counted_windows: dict[str, int] = {}  # name -> revision of the closed windows of the last days
    counted_since: datetime | None = None  # a window that ended by then is taken as counted
    counted_quality_windows: dict[str, int] = {}  # the same of model quality, of the last hundred days
    recent_alerts: dict[Fingerprint, tuple[datetime, ...]] = {}  # the ends of the windows in which it fired, of a day
    slow_drift: dict[str, SlowDrift] = {}  # by feature
    slow_drift_due: datetime | None = None  # when the week ends in which they may be reported next
    had_rows: bool = False  # an endpoint that never had data raises no alert about missing data
    sent_ids: tuple[str, ...] = msgspec.field(default=(), name="told")  # latest messages enqueued, to skip repeats
    outbox: tuple[OutboxMessage, ...] = ()
    recent_sends: tuple[datetime, ...] = msgspec.field(default=(), name="owed_at")  # of the last hour, for the limit
    suppressed: Suppressed | None = msgspec.field(default=None, name="held_back")
    events: tuple[PendingEvent, ...] = ()  # of incidents, the oldest first; apart from the messages to people
    failed_deployment: Episode | None = None  # open until a deployment is verified

    def fires(self, fingerprint: Fingerprint) -> bool:
        """Whether an alert about a fingerprint is open, and not muted."""
        known = self.fingerprints.get(fingerprint)
        return known is not None and known.state == FingerprintStatus.FIRING

    expected_tests: tuple[ExpectedTest, ...] = ()  # of `vedette alerts test`, until their events arrive
    endpoint_deleted_at: datetime | None = None  # verdicts on data from before are of an endpoint that was deleted


class FleetMember(msgspec.Struct, frozen=True, array_like=True):
    """One endpoint and variant of a fleet incident. Stored as a list, since there may be a thousand of them."""

    endpoint: str
    variant: str
    since: datetime  # the start of its episode
    severity: Severity
    at: datetime  # when its message was about to be sent
    singly: bool = False  # it has a message of its own
    reported: bool = False  # a message of the team names it
    ended: bool = False


class FleetIncident(msgspec.Struct, frozen=True, kw_only=True):
    """The same check of the same feature on several endpoints of a team."""

    members: tuple[FleetMember, ...] = ()
    expected: str = ""  # as the first message says it
    grouped_at: datetime | None = None  # when it began on more endpoints than get a message each; None: it did not
    sent_at: datetime | None = None  # when the team's last message about it was enqueued
    repeat: bool = False  # an endpoint's repetition is due, and the team's message is sent in its place
    closed_at: datetime | None = None  # when the message was enqueued that it has ended everywhere


class TeamAlertState(AlertState, frozen=True, kw_only=True):
    """The alert state of a team, whose `endpoint` is "" and whose `variant` is the team's name."""

    fleet_incidents: dict[Fingerprint, FleetIncident] = {}
    digest_at: datetime | None = None  # when the last digest was enqueued


class DigestLine(msgspec.Struct, frozen=True, kw_only=True):
    """One open alert of an endpoint, or one that ended."""

    variant: str
    check: str
    subject: str
    severity: Severity
    since: datetime
    muted: bool = False
    until: datetime | None = None  # when the sweep saw that it had ended; None: it is open


class DigestEntry(Record, frozen=True, kw_only=True):
    """What an endpoint has for its team's digest. The sweep writes it when its open alerts have changed."""

    endpoint: str
    lines: tuple[DigestLine, ...] = ()  # open, the worst first
    more: int = 0  # open alerts that are not listed
    ended: tuple[DigestLine, ...] = ()  # of the last days


class FindingState(StrEnum):
    """What a message says of a finding, in the order of the message."""

    NEW = "new"
    CONTINUING = "continuing"
    RECOVERED = "recovered"


class AlertKind(StrEnum):
    """What a message is about."""

    VIOLATIONS = "violations"
    RECOVERED = "recovered"
    NO_DATA = "no data"
    CAPTURE_STOPPED = "capture stopped"
    MONITOR_FAILED = "monitor failed"
    LABELS_STOPPED = "labels stopped"
    JOB_FAILED = "job failed"
    SLOW_DRIFT = "slow drift"
    DEPLOYMENT = "deployment"
    ENDPOINT_GONE = "endpoint gone"
    SUPPRESSED = "held back"
    DIGEST = "digest"
    TEST = "test"


class AlertItem(msgspec.Struct, frozen=True, kw_only=True):
    """One finding within a message."""

    subject: str  # a feature, "Missing columns", or the thing deployed
    check: str
    state: FindingState
    severity: Severity
    expected: str
    observed: str
    description: str
    value: float | None = None  # what was measured: a share, or a distance
    threshold: float | None = None
    since: datetime | None = None  # the first window of this episode
    until: datetime | None = None  # of a recovery: the end of the last violated window
    recovers: str = ""  # when it counts as recovered, where that is not as usual
    fingerprint: str = ""  # names it in `vedette alerts`; "" for what happens once
    endpoint: str = ""  # in a message of a team: the endpoint that this is about, if it is a single one


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says to machines about one of the incidents that it groups."""

    fingerprint: str
    since: datetime
    action: IncidentAction
    dedup_key: str = ""  # the same from the trigger to the resolve of one episode; filled in when it is sent


class AlertMessage(Record, frozen=True, kw_only=True):
    """One alert as data: the content of the mail, for programs. Its schema is docs/alert.schema.json."""

    alert_id: str
    kind: AlertKind
    severity: Severity
    endpoint: str  # "" in a message of a team, which names its endpoints in `endpoints`
    variant: str
    headline: str
    items: tuple[AlertItem, ...]  # the worst first within each state
    more: dict[str, int] = {}  # state -> findings that are not listed
    noun: Noun = "endpoint"  # what `endpoint` is a name for
    headline_tail: str = ""  # the end of the headline that a shortened subject keeps: ", and 3 more"
    source: Source = "vedette"
    stage: str = ""
    team: str = ""
    package_version: str = ""
    served_since: datetime | None = None  # when this version was verified
    began_after_deployment: bool = False  # a deployment may be to blame: `cause` says which
    since: datetime | None = None  # the first window of the oldest new finding; of a recovery, of what recovered
    cause: str = ""  # what the worst new finding began with, in a sentence; "" when nothing is known
    window_start: datetime | None = None
    window_end: datetime | None = None
    closed: bool = True  # False: one object of an hour that is still open
    late: bool = False  # the data arrived after its window, or a newer one, had been evaluated
    rows: int | None = None
    refused: int | None = None
    folder: str = ""
    job: str = ""  # the batch transform job that it is about
    what_to_do: tuple[str, ...] = ()  # a sentence each; its command or place follows on a second line
    links: dict[str, str] = {}
    account: str = ""
    region: str = ""
    runbook_url: str = ""  # of the endpoint, its team or its stage
    incidents: tuple[Incident, ...] = ()  # that the listed findings open or close
    endpoints: tuple[str, ...] = ()  # of a message of a team, in order; as many as fit
    more_endpoints: int = 0  # that are not named
    group_key: str = ""  # of the worst fleet incident in a message of a team


class PagerDutySeverity(StrEnum):
    """The severities of PagerDuty's Events API v2.

    Source: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
    """

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class AlertEvent(Record, frozen=True, kw_only=True):
    """One incident that began or ended, for machines. Its schema is docs/alert-event.schema.json."""

    event_id: str  # the same for the same fact: what comes twice has it twice
    dedup_key: str  # the same from the trigger to the resolve of one episode; at most 255 of A-Z a-z 0-9 . -
    action: IncidentAction
    severity: Severity  # of what began; a resolve has that of what ended
    pagerduty_severity: PagerDutySeverity
    priority: str  # P1 to P5, as Jira Service Management has them
    kind: AlertKind
    check: str
    subject: str
    title: str  # the headline with its severity and endpoint, at most 130 characters
    headline: str
    endpoint: str
    variant: str  # "" is the endpoint itself: its deployments and conditions
    team: str
    stage: str
    account: str
    region: str
    package_version: str
    since: datetime  # the first window of this episode
    at: datetime  # when this began or ended, as Vedette saw it
    alert_id: str = ""  # of the message to people that says the same
    cause: str = ""
    runbook_url: str = ""
    window_start: datetime | None = None
    window_end: datetime | None = None
    job: str = ""  # the batch transform job in which it began or ended
    group_key: str = ""  # the same for this check of this feature on every endpoint of the team
    report_url: str = ""  # the report, or else the endpoint, in the console; "" where the console's name is not public
    links: dict[str, str] = {}


R = TypeVar("R", bound=Record)
_SCHEMA = msgspec.json.Decoder(Record)


def read(kind: type[R], content: bytes, place: str) -> R:
    """Decode a stored record.

    Raises
    ------
    UnreadableFile
        When it is not such a record, or was written by a newer, incompatible version.

    Examples
    --------
    >>> read(BaselineInForce, b'{"version": "v1", "by": "ann", "at": "2026-11-22T09:00:00Z"}', "x").version
    'v1'
    >>> read(Fleet, b'{"schema_version": 99}', "fleet.json")
    Traceback (most recent call last):
    chalicelib.errors.UnreadableFile: fleet.json: schema_version 99 is newer than this Vedette (1); upgrade it
    """
    try:
        version = _SCHEMA.decode(content).schema_version
        if version > SCHEMA_VERSION:
            raise UnreadableFile(
                f"{place}: schema_version {version} is newer than this Vedette ({SCHEMA_VERSION}); upgrade it"
            )
        return msgspec.json.decode(content, type=kind, dec_hook=_decode_key)
    except msgspec.MsgspecError as error:
        raise UnreadableFile(f"{place}: not a {kind.__name__}: {error}") from error


def _decode_key(kind: type[Fingerprint], text: str) -> Fingerprint:
    return kind.from_text(text)


def _encode_key(value: Any) -> str:
    if isinstance(value, Fingerprint):
        return str(value)
    raise TypeError(f"a record cannot hold a {type(value).__name__}")


def write(record: Record) -> bytes:
    """Encode a record as JSON."""
    return msgspec.json.encode(record, enc_hook=_encode_key)


def as_dict(record: Record) -> dict[str, Any]:
    """A record as plain data."""
    plain: dict[str, Any] = msgspec.to_builtins(record)
    return plain

"""The state of every endpoint, from stored records and SageMaker; nothing is changed.

| shown             | source                                                                                     |
|-------------------|--------------------------------------------------------------------------------------------|
| mode              | the applied fleet                                                                          |
| served, wanted    | DescribeEndpoint and the registry, from the same plan as in the sweep (only mode deploy)   |
| last capture      | the time in the key of the latest part                                                     |
| last verdict      | the latest execution of each variant, its latest day of model quality, and the latest     |
|                   | execution of each Model Monitor schedule                                                   |
| open alerts       | the alert states: firing fingerprints; muted ones are counted separately                   |
| undelivered       | the outboxes in the alert states                                                           |
| polled            | the sweep's record of captures without events                                              |
| missing           | what the fleet names and does not exist: the endpoint, the team's topic, the baseline      |
| unreadable        | the captured objects that are remembered because they could not be read                    |
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import msgspec

from chalicelib import locations
from chalicelib.alerts import mutes, outbox
from chalicelib.alerts.sanitize import sanitize, sanitize_name
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.errors import VedetteError
from chalicelib.pages.labels import tone
from chalicelib.records import AlertState, Delivery, FleetEntry, Mode, Mute, Pause, UnreadableObject, UnreadableReason
from chalicelib.registry.plan import ANSWERING_STATUSES, Served
from chalicelib.settings import settings
from vedette.operations import control, fleet, results

THREADS = 8  # endpoints read at once; each needs about twenty requests
_WORST = ("bad", "poor", "good")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The latest verdict of a variant, or of a Model Monitor schedule."""

    name: str
    verdict: str
    until: datetime  # the end of the window
    violations: int
    tone: str  # bad, poor, good


class OpenAlert(msgspec.Struct, frozen=True, kw_only=True):
    """A firing alert."""

    variant: str
    subject: str
    check: str
    severity: str
    since: datetime
    muted: bool


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A captured object, or a label object, that could not be read."""

    uri: str
    reason: UnreadableReason
    since: datetime  # when it was first tried
    attempts: int
    retry_at: datetime | None  # not before this; None: never


class EndpointStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of the fleet."""

    endpoint: str
    mode: Mode
    state: str  # SageMaker's EndpointStatus; "" if there is no endpoint
    served: str  # the version, "nothing" or "not known"; "" if there is no endpoint
    wanted: str  # the version; "" if Vedette does not deploy, or wants none
    wanted_because: str
    last_capture: datetime | None
    verdicts: tuple[Verdict, ...]  # worst first
    alerts: tuple[OpenAlert, ...]
    undelivered: int  # messages that SNS has not accepted yet
    oldest_undelivered: datetime | None = None  # since when; None: there is none, or an earlier version enqueued it
    polled: bool  # only the sweep finds captures
    closed: bool = False  # captures cannot be read
    unreadable: tuple[Unreadable, ...] = ()  # single captured objects, in the order in which they were met
    unreadable_more: int = 0  # that are not listed
    unreadable_labels: tuple[Unreadable, ...] = ()  # the same of label objects
    deleted: str = ""  # what the endpoint runs on although somebody has deleted it: its config or its model
    trouble: str = ""  # what could not be read
    missing: tuple[str, ...] = ()  # what the fleet names and does not exist, a sentence each
    records: str = ""  # the s3 place of own records; "" of an endpoint
    transform_jobs: str = ""  # how the names of transform jobs begin; "" of an endpoint

    @property
    def serves(self) -> str:
        """What it serves, in words."""
        return self.served or (
            "own records" if self.records else "transform jobs" if self.transform_jobs else "no endpoint"
        )

    @property
    def firing(self) -> int:
        """Open alerts that are not muted."""
        return sum(not alert.muted for alert in self.alerts)

    @property
    def unreadable_count(self) -> int:
        """Captured objects that could not be read."""
        return len(self.unreadable) + self.unreadable_more

    @property
    def violated(self) -> bool:
        """Whether the endpoint needs attention."""
        unread = self.closed or bool(self.unreadable_count or self.unreadable_labels or self.missing)
        return bool(self.firing or self.deleted) or unread or any(one.tone == "bad" for one in self.verdicts)


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the stage."""

    stage: str
    paused: Pause | None
    endpoints: tuple[EndpointStatus, ...]


def status(endpoint: str = "") -> Status:
    """The state of one endpoint, or of all.

    Raises
    ------
    VedetteError
        If the endpoint is not in the fleet.
    """
    entries = (control.entry_of(endpoint),) if endpoint else stage_stores().fleet.get().entries
    return Status(stage=settings().stage, paused=control.paused(), endpoints=tuple(of_all(entries)))


def of_all(entries: Sequence[FleetEntry]) -> list[EndpointStatus]:
    """The state of all endpoints, read in parallel."""
    all_mutes = stage_stores().alert_states.mutes()
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(partial(of_one, all_mutes=all_mutes), entries))


def of_one(entry: FleetEntry, all_mutes: Sequence[Mute]) -> EndpointStatus:
    """The state of one endpoint; its alerts that a mute covers now are muted, also before the next evaluation."""
    books = stage_stores().alert_states.of_endpoint(entry.endpoint)
    checkpoint, _ = stage_stores().checkpoints.get(entry.endpoint)
    delivery = checkpoint.delivery if checkpoint else Delivery.UNKNOWN
    snapshot = control.snapshot_of(entry) if entry.mode == Mode.DEPLOY else None
    found = snapshot.served if snapshot else Served.of(EndpointRun.without_deadline(entry).describe_served())
    wanted = snapshot.wanted if snapshot else None
    verdicts, trouble = _verdicts(entry)
    unreadable, _ = stage_stores().unreadable_objects.get(entry.endpoint)
    labels = stage_stores().unreadable_labels.get(entry.endpoint)[0].objects if entry.quality else ()
    return EndpointStatus(
        endpoint=entry.endpoint,
        mode=entry.mode,
        state=found.status if found else "",
        served=_served(found),
        records=entry.records,
        transform_jobs=entry.transform_jobs,
        deleted=sanitize(found.deleted) if found else "",
        wanted=str(wanted.version.version) if wanted and wanted.version else "",
        wanted_because=sanitize(wanted.reason) if wanted else "",
        last_capture=_last_capture(entry.endpoint),
        verdicts=verdicts,
        alerts=tuple(_alerts(books, entry.team, all_mutes)),
        undelivered=sum(len(book.outbox) for book in books),
        oldest_undelivered=outbox.oldest_pending(books),
        polled=delivery == Delivery.POLLED,
        closed=delivery == Delivery.DENIED,
        unreadable=_unreadable(unreadable.objects),
        unreadable_labels=_unreadable(labels),
        unreadable_more=unreadable.more,
        trouble=trouble,
        missing=tuple(fleet.missing_of(entry, exists=found is not None)),
    )


def _served(found: Served | None) -> str:
    if found is None:
        return ""
    if found.status not in ANSWERING_STATUSES:
        return "nothing"
    return "not known" if found.deleted else found.version


def _verdicts(entry: FleetEntry) -> tuple[tuple[Verdict, ...], str]:
    """The verdicts, worst first, and the errors."""
    endpoint = entry.endpoint
    if not stage_stores().bucket.first_key(locations.executions_of_endpoint(endpoint)):
        return (), ""
    evaluated = []
    try:
        for window in (results.LATEST, *([results.LATEST_QUALITY] if entry.quality else ())):
            with suppress(results.NoResults):  # captured data or its labels alone may be evaluated
                evaluated += results.executions(endpoint, window=window)
    except VedetteError as error:
        return (), sanitize(error)
    found = [
        Verdict(
            name=sanitize(one.name) + (" (model quality)" if one.execution.is_of_quality else ""),
            verdict=one.verdict,
            until=one.execution.window_end,
            violations=sum(m.is_proven for m in one.execution.measurements),
            tone=tone(one.execution.verdict, one.execution.measurements),
        )
        for one in evaluated
    ]
    return tuple(sorted(found, key=lambda one: _WORST.index(one.tone))), ""


def _alerts(books: Sequence[AlertState], team: str, all_mutes: Sequence[Mute]) -> list[OpenAlert]:
    found = []
    for book in books:
        covered = mutes.muted(all_mutes, book.endpoint, book.variant, team, datetime.now(UTC))
        for fingerprint, one in book.fingerprints.items():
            check, subject = fingerprint
            if one.state != "pending":
                found.append(
                    OpenAlert(
                        variant=book.variant,
                        subject=sanitize_name(subject, 100),
                        check=sanitize(check, 60),
                        severity=one.severity,
                        since=one.since,
                        muted=one.state == "muted" or covered(fingerprint),
                    )
                )
    return sorted(found, key=lambda alert: (alert.muted, alert.since))


def _unreadable(found: Sequence[UnreadableObject]) -> tuple[Unreadable, ...]:
    return tuple(
        Unreadable(
            uri=sanitize(f"s3://{one.bucket}/{one.key}", 700),
            reason=one.reason,
            since=one.first_seen,
            attempts=one.attempts,
            retry_at=one.retry_at,
        )
        for one in found
    )


def _last_capture(endpoint: str) -> datetime | None:
    """The time of the latest part over all variants, with five listings per variant."""
    root, variants = locations.parts_of_endpoint(endpoint), stage_stores().parts.variants(endpoint)
    found = [_last_part(f"{root}{variant}/") for variant in variants]
    return max((time for time in found if time is not None), default=None)


def _last_part(prefix: str) -> datetime | None:
    bucket = stage_stores().bucket
    for _ in ("year", "month", "day", "hour"):
        folders = bucket.list_folders(prefix)
        if not folders:
            return None
        prefix += f"{max(folders)}/"
    return max((locations.part_begun(listed.key) for listed in bucket.list_objects(prefix)), default=None)

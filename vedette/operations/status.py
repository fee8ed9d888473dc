"""How everything is, from what is stored and what SageMaker says now; nothing is changed.

| shown             | read from                                                                                  |
|-------------------|--------------------------------------------------------------------------------------------|
| mode              | the applied fleet                                                                          |
| served, wanted    | DescribeEndpoint and the registry, by the plan that the sweep makes (mode deploy alone)    |
| last capture      | the key of the latest part: its minute                                                     |
| last verdict      | the latest execution of each variant, and of each schedule of Model Monitor                |
| open alerts       | the alert books: fingerprints that fire; those that are muted are counted apart            |
| undelivered       | the outboxes of the same books                                                             |
| polled            | what the sweep noted when it last found captures that no event had announced               |
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec

from chalicelib import locations
from chalicelib.alerts.sanitize import sanitize
from chalicelib.aws import sagemaker
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import VedetteError
from chalicelib.pages.labels import TONES
from chalicelib.records import AlertState, Delivery, FleetEntry, Mode, Pause
from chalicelib.registry.plan import Served
from chalicelib.settings import settings
from vedette.operations import control, results

THREADS = 8  # endpoints looked at at once: each is some twenty requests that wait
_WORST = ("bad", "poor", "good")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The latest verdict of a variant, or of a schedule of Model Monitor."""

    name: str
    verdict: str
    until: datetime  # the end of the window
    violations: int
    tone: str  # bad, poor, good


class OpenAlert(msgspec.Struct, frozen=True, kw_only=True):
    """A fingerprint that fires."""

    variant: str
    subject: str
    check: str
    severity: str
    since: datetime
    muted: bool


class EndpointStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of the fleet."""

    endpoint: str
    mode: Mode
    state: str  # SageMaker's EndpointStatus; "" when there is no endpoint
    served: str  # the version; "" when there is no endpoint
    wanted: str  # the version; "" when Vedette does not deploy, or wants none
    wanted_because: str
    last_capture: datetime | None
    verdicts: tuple[Verdict, ...]  # the worst first
    alerts: tuple[OpenAlert, ...]
    undelivered: int  # messages that SNS has not taken yet
    polled: bool  # captures become known by the sweep alone
    closed: bool = False  # captures may not be read
    trouble: str = ""  # what could not be read

    @property
    def firing(self) -> int:
        """Open alerts that are not muted."""
        return sum(not alert.muted for alert in self.alerts)

    @property
    def violated(self) -> bool:
        """Whether a person should look."""
        return bool(self.firing) or self.closed or any(one.tone == "bad" for one in self.verdicts)


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The stage."""

    stage: str
    paused: Pause | None
    endpoints: tuple[EndpointStatus, ...]


def status(endpoint: str = "") -> Status:
    """How one endpoint is, or all of them.

    Raises
    ------
    VedetteError
        When the endpoint is not in the fleet.
    """
    entries = (control.entry_of(endpoint),) if endpoint else stage_stores().fleet.get().entries
    return Status(stage=settings().stage, paused=control.paused(), endpoints=tuple(of_all(entries)))


def of_all(entries: Sequence[FleetEntry]) -> list[EndpointStatus]:
    """Every endpoint, several at once."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(of_one, entries))


def of_one(entry: FleetEntry) -> EndpointStatus:
    """One endpoint."""
    books = stage_stores().alert_states.of_endpoint(entry.endpoint)
    checkpoint, _ = stage_stores().checkpoints.get(entry.endpoint)
    delivery = checkpoint.delivery if checkpoint else Delivery.UNKNOWN
    snapshot = control.snapshot_of(entry) if entry.mode == Mode.DEPLOY else None
    found = snapshot.served if snapshot else Served.of(sagemaker.describe_served(entry.endpoint))
    wish = snapshot.wanted if snapshot else None
    verdicts, trouble = _verdicts(entry.endpoint)
    return EndpointStatus(
        endpoint=entry.endpoint,
        mode=entry.mode,
        state=found.status if found else "",
        served=found.version if found else "",
        wanted=str(wish.version.version) if wish and wish.version else "",
        wanted_because=sanitize(wish.reason) if wish else "",
        last_capture=_last_capture(entry.endpoint),
        verdicts=verdicts,
        alerts=tuple(_alerts(books)),
        undelivered=sum(len(book.outbox) for book in books),
        polled=delivery == Delivery.POLLED,
        closed=delivery == Delivery.DENIED,
        trouble=trouble,
    )


def _verdicts(endpoint: str) -> tuple[tuple[Verdict, ...], str]:
    """The worst first; and what could not be read."""
    if not stage_stores().bucket.first_key(locations.executions_of_endpoint(endpoint)):
        return (), ""
    try:
        judged = results.executions(endpoint)
    except VedetteError as error:
        return (), sanitize(error)
    found = [
        Verdict(
            name=sanitize(one.name),
            verdict=one.verdict,
            until=one.execution.window_end,
            violations=sum(m.violated for m in one.execution.measurements),
            tone=TONES[one.execution.verdict],
        )
        for one in judged
    ]
    return tuple(sorted(found, key=lambda one: _WORST.index(one.tone))), ""


def _alerts(books: Sequence[AlertState]) -> list[OpenAlert]:
    found = []
    for book in books:
        for (check, subject), one in book.fingerprints.items():
            if one.state != "pending":
                found.append(
                    OpenAlert(
                        variant=book.variant,
                        subject=sanitize(subject, 100),
                        check=sanitize(check, 60),
                        severity=one.severity,
                        since=one.since,
                        muted=one.state == "muted",
                    )
                )
    return sorted(found, key=lambda alert: (alert.muted, alert.since))


def _last_capture(endpoint: str) -> datetime | None:
    """When the latest summarized object was begun, over all variants: five listings each, however old it is."""
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

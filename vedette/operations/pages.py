"""The HTML pages of `vedette report`: the report of one window, and the index of all endpoints.

| requested                               | page                                                                       |
|-----------------------------------------|----------------------------------------------------------------------------|
| a window with a stored report.html      | the stored page                                                            |
| another window (open, or of an object)  | created from its records; with the types in statistics.json                |
| a window of a Model Monitor schedule    | created from its files; without events and earlier windows                 |
| the index                               | every endpoint of the fleet, and each day's worst verdict of the last 30   |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain

import msgspec

from chalicelib import locations
from chalicelib.aws import s3
from chalicelib.constraints.evaluation import Baseline
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.errors import VedetteError
from chalicelib.locations import REPORT_FILE
from chalicelib.pages.labels import tone
from chalicelib.pages.report import MonitoredExecution, execution_report
from chalicelib.records import Execution, FleetEntry, Pause
from chalicelib.services.reporting import with_history
from chalicelib.settings import settings
from chalicelib.statistics.files import read_statistics
from chalicelib.statistics.table import Table
from vedette.operations import results
from vedette.operations.results import LATEST, WindowResult
from vedette.operations.status import THREADS, EndpointStatus, Status
from vedette.page_templates import page_template

DAYS = 30
_ORDER = ("good", "poor", "bad")


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The worst verdict of a day."""

    day: date
    verdict: str  # "" if nothing was evaluated
    tone: str


@dataclass(frozen=True)
class Row:
    """One endpoint of the index."""

    status: EndpointStatus
    days: tuple[Day, ...]
    summary: str  # of the days, for screen readers
    link: str  # "" if nothing was evaluated yet


def page(endpoint: str, *, variant: str = "", window: str = LATEST) -> tuple[WindowResult, bytes]:
    """The report of a window; of several variants and schedules, that with the worst verdict.

    Raises
    ------
    VedetteError
        If nothing was evaluated.
    """
    found = results.executions(endpoint, variant=variant, window=window)
    worst = max(found, key=lambda one: _badness(one.execution))
    return worst, _page(worst)


def _page(result: WindowResult) -> bytes:
    if result.source == "vedette":
        stored = s3.get_uri(result.folder + REPORT_FILE)
        if stored is not None:
            return stored
        monitored = with_history(_run(result.execution.endpoint), result.execution)
    else:
        monitored = MonitoredExecution(result.execution, stage=settings().stage)
    return execution_report(monitored, _baseline(result), _statistics(result), counted=False)


def _run(endpoint: str) -> EndpointRun:
    entry = stage_stores().fleet.entry(endpoint) or FleetEntry(endpoint=endpoint)
    return EndpointRun.without_deadline(entry)


def _statistics(result: WindowResult) -> Table | None:
    content = results.statistics(result)
    return None if content is None else read_statistics(content, f"{result.folder}statistics.json")


def _baseline(result: WindowResult) -> Baseline | None:
    found = results.constraints(result)
    if found is None:
        return None
    place, constraints = found
    place = place.removesuffix("constraints.json") + "statistics.json"
    content = s3.get_uri(place) if result.source == "vedette" else None
    return Baseline(constraints=constraints, statistics=None if content is None else read_statistics(content, place))


# --- the index --------------------------------------------------------------------------------------------------------


def reports(found: Status) -> Iterator[tuple[str, bytes]]:
    """The latest report of every endpoint that has one, as file name and content."""
    for one in found.endpoints:
        if one.verdicts:
            try:
                yield _file_name(one.endpoint), page(one.endpoint)[1]
            except VedetteError:
                continue  # the index shows what could not be read


def index(found: Status, now: datetime, linked: Sequence[str]) -> bytes:
    """The index of all endpoints; `linked` are the file names of the reports in the same folder."""
    with ThreadPoolExecutor(THREADS) as pool:
        days = list(pool.map(lambda one: last_days(one.endpoint, now), found.endpoints))
    rows = [
        Row(one, of, _summary(of), _file_name(one.endpoint) if _file_name(one.endpoint) in linked else "")
        for one, of in zip(found.endpoints, days, strict=True)
    ]
    rows.sort(key=lambda row: (not row.status.violated, row.status.endpoint))
    return index_page(found.stage, found.paused, rows, now)


def index_page(stage: str, paused: Pause | None, rows: Sequence[Row], now: datetime) -> bytes:
    """The index as HTML: first the endpoints that need attention, then all."""
    template = page_template(__package__, "index.html")
    wrong = [row.status.endpoint for row in rows if row.status.violated]
    return template.render(stage=stage, paused=paused, rows=rows, now=now, wrong=wrong, days=DAYS).encode()


def last_days(endpoint: str, now: datetime) -> tuple[Day, ...]:
    """The worst verdict of each of the last 30 days, over all variants and windows, oldest first."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=DAYS - 1)
    worst: dict[date, Execution] = {}
    stores = stage_stores()
    variants = stores.bucket.list_folders(locations.executions_of_endpoint(endpoint))
    for execution in chain.from_iterable(
        stores.executions.of_windows(endpoint, variant, first, now) for variant in variants
    ):
        day = execution.window_start.date()
        if day not in worst or _badness(execution) > _badness(worst[day]):
            worst[day] = execution
    days = [(first + timedelta(days=n)).date() for n in range(DAYS)]
    return tuple(_day(day, worst.get(day)) for day in days)


def _day(day: date, worst: Execution | None) -> Day:
    if worst is None:
        return Day(day=day, verdict="", tone="")
    return Day(day=day, verdict=worst.verdict, tone=tone(worst.verdict, worst.measurements))


def _badness(execution: Execution) -> int:
    return _ORDER.index(tone(execution.verdict, execution.measurements))


def _summary(days: Sequence[Day]) -> str:
    """A summary of the days in words.

    Examples
    --------
    >>> _summary([Day(day=date(2026, 11, n), verdict=v, tone="") for n, v in ((1, "OK"), (2, "Violations"), (3, ""))])
    '3 days: 1 OK, 1 Violations, 1 without a verdict; Violations last on 2026-11-02'
    """
    counts = Counter(day.verdict or "without a verdict" for day in days)
    text = f"{len(days)} days: " + ", ".join(f"{count} {word}" for word, count in counts.items())
    last = max((day.day for day in days if day.verdict == "Violations"), default=None)
    return text + (f"; Violations last on {last}" if last else "")


def _file_name(endpoint: str) -> str:
    """A name of letters, digits and hyphens, which SageMaker's endpoints have."""
    return f"{endpoint}.html"

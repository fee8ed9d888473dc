"""Back-test: evaluate stored parts again, week by week, with the current baseline and with another one.

| replayed                         | as                                                                            |
|----------------------------------|-------------------------------------------------------------------------------|
| an object of at least 20 rows    | alone, as in `on_data_captured`; one within a roll-up, with its slot          |
| the open window                  | its hard checks, every five minutes, as in `run_monitoring`                   |
| a closed window, a drift window  | as in `run_monitoring`, including mixed windows                               |
| alerts                           | the real state transitions, without alerts at the start of the range          |
| a day                            | compared with the days before it, from FULL_DAYS before the range on          |
| missing data, mutes, rate limit  | not replayed: they do not depend on constraints                               |

Each roll-up and part is read once; nothing is written. The sums of closed windows are reused for drift windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as dataclass_replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from chalicelib import locations
from chalicelib.alerts.message import messages
from chalicelib.alerts.next_steps import AlertContext
from chalicelib.alerts.slow_drift import follow_slow_drift
from chalicelib.alerts.state import transition
from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.day_drift import DayComparison, compare_day, with_recent_days
from chalicelib.constraints.evaluation import Baseline, Evaluation, evaluate, features_of
from chalicelib.constraints.measurement import Checks
from chalicelib.constraints.reference_days import FULL_DAYS, Day, Reference, learned, needed_since, weekdays
from chalicelib.constraints.windows import checks_for_length, evaluate_closed_window
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.errors import VedetteError
from chalicelib.locations import ROLLUP_LENGTH
from chalicelib.parts import Part
from chalicelib.records import AlertKind, AlertMessage, AlertState, Deployment, Execution, FleetEntry
from chalicelib.registry.serving_history import versions_during
from chalicelib.registry.versions import MIXED, UNVERSIONED
from chalicelib.services import aggregation
from chalicelib.services.execution_recording import OBJECT_MIN_ROWS
from chalicelib.window import DAY, LATE_DATA_GRACE, Window, open_window
from vedette.operations import baselines, reference_days
from vedette.operations.reference_days import SummedDay
from vedette.spark.engine import Spark, mapped

QUIET_DAYS = 14
LOUD = 0.5  # alerts a week
NOWHERE = AlertContext(bucket="")
MAX_SUMMARIES = 50  # of a window that are collected before they are added
MAX_CHUNKS_HELD = 64  # that Spark returns at once


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that would have been sent."""

    at: datetime
    variant: str
    kind: str
    severity: str
    headline: str


@dataclass
class Week:
    """The results of one baseline for the windows that begin in one week."""

    begins: date  # its Monday
    windows: int = 0
    rows: int = 0
    violated_windows: int = 0
    violations: int = 0  # of closed windows, including those of Vedette's own checks
    alerts: list[Alert] = field(default_factory=list)
    recovered: int = 0
    slow_drift: int = 0  # messages about slow drift: information

    def count(self, sent: Iterable[AlertMessage], execution: Execution) -> None:
        """Count the messages that a verdict would have sent."""
        for message in sent:
            if message.kind == AlertKind.RECOVERED:
                self.recovered += 1
                continue
            self.alerts.append(
                Alert(
                    at=execution.window_end,
                    variant=execution.variant,
                    kind=message.kind,
                    severity=message.severity,
                    headline=message.headline,
                )
            )


B = TypeVar("B")


@dataclass
class BaselineReplay(Generic[B]):
    """One baseline, of captured data or of model quality, and its results so far."""

    baseline: B
    weeks: dict[date, Week] = field(default_factory=dict)

    @property
    def alerts(self) -> list[Alert]:
        """All alerts, oldest first."""
        return [alert for week in sorted(self.weeks) for alert in self.weeks[week].alerts]

    def week_of(self, time: datetime) -> Week:
        """The results of the week in which a window begins."""
        monday = time.date() - timedelta(days=time.weekday())
        return self.weeks.setdefault(monday, Week(monday))


@dataclass(frozen=True)
class ReplayRange:
    """The range of a replay: an endpoint's windows within [start, end)."""

    entry: FleetEntry
    start: datetime
    end: datetime
    deployments: Sequence[Deployment] = ()

    def served(self, window: Window) -> tuple[str, ...]:
        """The versions that answered in a window."""
        return versions_during(self.deployments, window) or (UNVERSIONED,)

    @classmethod
    def of(
        cls, entry: FleetEntry, since: datetime, now: datetime, deployments: Sequence[Deployment] = ()
    ) -> ReplayRange:
        """Whole windows: from the start of the longest window that contains `since` to the last closed one."""
        longest = max(entry.window_minutes, entry.drift_window_minutes)
        end = open_window(entry.window_minutes, now - LATE_DATA_GRACE).start
        return cls(entry, open_window(longest, since).start, end, deployments)

    def until(self, execution: Execution) -> ReplayRange:
        """The range up to the end of an execution: of a closed window, or of data that was still arriving.

        Raises
        ------
        VedetteError
            If that is before the range begins.
        """
        if execution.window_end <= self.start:
            raise VedetteError(
                f"The window ended {execution.window_end:%Y-%m-%d %H:%M} UTC, before the replay begins: use an earlier"
                " --from."
            )
        return dataclass_replace(self, end=execution.window_end)


class QuietStart(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint would have sent in the days before it is watched."""

    days: int
    alerts: list[Alert]

    @property
    def per_week(self) -> float:
        """Alerts a week."""
        return 7 * len(self.alerts) / self.days

    @property
    def is_loud(self) -> bool:
        """Whether these are more than a person believes."""
        return self.per_week > LOUD


def quiet_start(entry: FleetEntry, now: datetime, say: Callable[[str], None]) -> QuietStart | None:
    """Replay the last QUIET_DAYS days of an endpoint; None without stored parts or a baseline."""
    if entry.transform_jobs:  # jobs have no windows of the clock
        return None
    current = baselines.current(entry.endpoint)
    deployments = stage_stores().deployments.get(entry.endpoint).history
    wanted = ReplayRange.of(entry, now - QUIET_DAYS * DAY, now, deployments)
    keys = keys_of(wanted)
    if current is None or not keys:
        return None
    say(f"Replaying the last {QUIET_DAYS} days of {entry.endpoint} ...")
    (side,) = replayed(wanted, keys, [baselines.as_baseline(current)])
    return QuietStart(days=QUIET_DAYS, alerts=side.alerts)


def compared(endpoint: str, other: str | None) -> list[tuple[str, Baseline]]:
    """The current baseline and another one: a stored version, a folder, or a constraints.json.

    A constraints.json alone is used with the current statistics, as `vedette constraints use` does.
    """
    now = baselines.in_force(endpoint)
    found = [(now.version, baselines.as_baseline(now))]
    if other is not None:
        chosen = baselines.named(endpoint, other)
        alone = chosen.statistics is None and not chosen.folder
        found.append(
            (chosen.version, baselines.as_baseline(replace(chosen, statistics=now.statistics) if alone else chosen))
        )
    return found


def keys_of(wanted: ReplayRange, variant: str = "") -> dict[str, tuple[str, ...]]:
    """The part keys of each variant, or of one, in order; none of the transform jobs that had the name before."""
    endpoint, parts = wanted.entry.endpoint, stage_stores().parts
    listed = {
        name: parts.keys(endpoint, name, wanted.start, wanted.end)
        for name in ([variant] if variant else parts.variants(endpoint))
    }
    captured = {name: tuple(key for key in keys if not locations.is_part_of_job(key)) for name, keys in listed.items()}
    return {name: keys for name, keys in captured.items() if keys}


def replayed(
    wanted: ReplayRange,
    keys: Mapping[str, tuple[str, ...]],
    against: Sequence[Baseline],
    advance: Callable[[int], None] = lambda parts: None,
    spark: Spark | None = None,
) -> list[BaselineReplay[Baseline]]:
    """Evaluate the parts with each baseline; `advance` is called with the number of parts that were read.

    With Spark its tasks read the parts, add them up and make the hard checks. Drift and alerts, which depend on the
    time before, are evaluated here.
    """
    sides = [BaselineReplay(baseline) for baseline in against]
    earlier = [wanted.start.date() - number * DAY for number in range(FULL_DAYS, 0, -1)]
    for variant, parts in keys.items():
        before = [day for days in mapped(spark, partial(_read_day, wanted, variant), earlier) for day in days]
        runs = [_Run(wanted, variant, side, before) for side in sides]
        chunks = [
            tuple(of_chunk)
            for _, of_chunk in groupby(parts, lambda key: open_window(_chunk(wanted.entry), locations.part_begun(key)))
        ]
        for chunk in mapped(spark, partial(_read_chunk, wanted.entry, variant, against), chunks, MAX_CHUNKS_HELD):
            _evaluate_chunk(chunk, runs)
            advance(chunk.parts)
        for run in runs:
            run.drift_until(wanted.end)
    return sides


def _read_day(wanted: ReplayRange, variant: str, day: date) -> list[SummedDay]:
    """A day before the range; none without parts."""
    run = EndpointRun.without_deadline(wanted.entry)
    return list(reference_days.summed_days(run, variant, day, day + DAY, wanted.served))


def _chunk(entry: FleetEntry) -> int:
    """The minutes to read at once: as many as possible, because reads run in parallel.

    If the window length is not a multiple of the roll-up length, each window is read separately.
    """
    whole = timedelta(minutes=entry.window_minutes) % ROLLUP_LENGTH == timedelta()
    return max(entry.window_minutes, entry.drift_window_minutes) if whole else entry.window_minutes


class _ReadWindow(NamedTuple):
    """A window of parts, and what its hard checks said of each baseline after every five minutes."""

    window: Window
    summary: CaptureSummary
    steps: list[tuple[datetime, list[Evaluation]]]


class _ReadChunk(NamedTuple):
    """What was read at once."""

    windows: list[_ReadWindow]
    objects: list[list[tuple[datetime, Evaluation]]]  # of each baseline, the objects that violate alone
    parts: int


def _read_chunk(entry: FleetEntry, variant: str, against: Sequence[Baseline], keys: tuple[str, ...]) -> _ReadChunk:
    """Read parts, and evaluate what depends on nothing before them. Only sums of five minutes are kept in memory."""
    slots: dict[tuple[Window, datetime], list[CaptureSummary]] = {}
    objects: list[list[tuple[datetime, Evaluation]]] = [[] for _ in against]
    for piece in aggregation.rollups_and_parts(stage_stores(), entry.endpoint, variant, keys):
        begun = piece.begun if isinstance(piece, Part) else piece.start
        summaries = slots.setdefault((open_window(entry.window_minutes, begun), locations.five_minute_slot(begun)), [])
        summaries.append(piece.summary)
        if len(summaries) >= MAX_SUMMARIES:
            summaries[:] = [CaptureSummary.total(summaries)]
        if isinstance(piece, Part):
            for found, baseline in zip(objects, against, strict=True):
                evaluation = _hard(entry, piece.summary, baseline)
                if evaluation.alertable:
                    found.append((begun, replace(evaluation, measurements=evaluation.alertable)))
    windows = []
    for window, of_window in groupby(sorted(slots), lambda place: place[0]):
        summary, steps = CaptureSummary(), []
        for place in of_window:
            summary = CaptureSummary.total([summary, *slots.pop(place)])
            steps.append((place[1] + ROLLUP_LENGTH, [_hard(entry, summary, baseline) for baseline in against]))
        windows.append(_ReadWindow(window, summary, steps))
    return _ReadChunk(windows, objects, len(keys))


def _hard(entry: FleetEntry, summary: CaptureSummary, baseline: Baseline) -> Evaluation:
    """Evaluate the hard checks of an object, or of an open window so far."""
    return evaluate(
        summary, baseline, checks=Checks.HARD, critical=entry.critical_features, minimum_rows=OBJECT_MIN_ROWS
    )


def _evaluate_chunk(chunk: _ReadChunk, runs: Sequence[_Run]) -> None:
    """Fill the windows in steps of five minutes, and close them."""
    for run, objects in zip(runs, chunk.objects, strict=True):
        run.found += objects
    for window, summary, steps in chunk.windows:
        for until, evaluations in steps:
            for run, evaluation in zip(runs, evaluations, strict=True):
                run.objects_until(until)
                if until < window.end:
                    run.early_alerts(Window(window.start, until - window.start), evaluation)
        for number, run in enumerate(runs):
            if window.end <= run.wanted.end:
                run.closed(window, summary)
            else:  # it ends with data of an open window
                last = steps[-1][1][number]
                run.early_alerts(Window(window.start, run.wanted.end - window.start), last)


class _Run:
    """The replay of one variant with one baseline: its alert state and open drift window."""

    def __init__(
        self, wanted: ReplayRange, variant: str, side: BaselineReplay[Baseline], before: Sequence[SummedDay] = ()
    ) -> None:
        self.wanted, self.variant, self.side = wanted, variant, side
        self.book = AlertState(endpoint=wanted.entry.endpoint, variant=variant)
        self.found: list[tuple[datetime, Evaluation]] = []
        self.drifting: Window | None = None
        self.summary = CaptureSummary()
        self.reference = Reference()
        self.day_types: dict[date, str] = {}
        self.days = [day.named(side.baseline) for day in before if day.version != MIXED]

    def objects_until(self, time: datetime) -> None:
        """Report the results of the objects before a time."""
        for begun, evaluation in sorted((one for one in self.found if one[0] < time), key=lambda one: one[0]):
            self.early_alerts(Window(begun, timedelta(minutes=1)), evaluation)
        self.found = [one for one in self.found if one[0] >= time]

    def early_alerts(self, window: Window, evaluation: Evaluation) -> None:
        """Report the violations that are alerted before the window closes."""
        if evaluation.alertable:
            self._count_alerts(window, Checks.HARD, evaluation, closed=False)

    def closed(self, window: Window, summary: CaptureSummary) -> None:
        """Evaluate a closed window, and before it a drift window that has ended."""
        self.drift_until(window.start)
        self._judge(window, summary)
        entry = self.wanted.entry
        if entry.drift_window_minutes > entry.window_minutes:
            self.drifting = open_window(entry.drift_window_minutes, window.start)
            self.summary = CaptureSummary.total([self.summary, summary])

    def drift_until(self, time: datetime) -> None:
        """Evaluate the drift window, if it has ended."""
        if self.drifting is not None and self.drifting.end <= time:
            self._judge(self.drifting, self.summary)
            self.drifting, self.summary = None, CaptureSummary()

    def _judge(self, window: Window, summary: CaptureSummary) -> None:
        entry = self.wanted.entry
        checks = checks_for_length(entry.window_minutes, entry.drift_window_minutes, window.length)
        versions = self.wanted.served(window)
        is_day = window.length == DAY and checks != Checks.HARD and len(versions) == 1 and summary.rows
        day = self._compared(window, summary, versions[0]) if is_day else None
        evaluated, evaluation = evaluate_closed_window(
            summary, self.side.baseline, checks, window.length, versions, entry.critical_features, day
        )
        week = self.side.week_of(window.start)
        if checks != Checks.DRIFT:
            week.windows += 1
            week.rows += summary.rows
        week.violated_windows += bool(evaluation.violations)
        week.violations += len(evaluation.violations)
        self._count_alerts(window, evaluated, evaluation, closed=True)

    def _compared(self, window: Window, summary: CaptureSummary, version: str) -> DayComparison:
        """How a day compares with those before it, which are reference days until these are complete."""
        baseline, today = self.side.baseline, window.start.date()
        columns, outputs = features_of(summary, baseline)
        types = baseline.constraints.types
        if needed_since(self.reference, types, today, outputs=outputs, version=version) is not None:
            weekend = weekdays(self.wanted.entry.weekend)
            self.reference = learned(
                self.reference, self.days, types, today, outputs=outputs, version=version, weekend=weekend
            )
        compared = compare_day(self.reference, today, columns, baseline.constraints, self.day_types.items)
        compared = with_recent_days(compared, self.days[-FULL_DAYS:])
        self.day_types[today] = compared.day_type
        self.days.append(Day(today, version, columns))
        return compared

    def _count_alerts(self, window: Window, checks: Checks, evaluation: Evaluation, *, closed: bool) -> None:
        execution = self._execution(window, checks, evaluation, closed=closed)
        thresholds = self.wanted.entry.thresholds
        moved = transition(self.book, execution, thresholds)
        self.book, of_the_week = follow_slow_drift(moved.after, execution, thresholds)
        week = self.side.week_of(execution.window_start)
        week.slow_drift += len(of_the_week)
        week.count(messages(moved, execution, NOWHERE), execution)

    def _execution(self, window: Window, checks: Checks, evaluation: Evaluation, *, closed: bool) -> Execution:
        return Execution(
            endpoint=self.wanted.entry.endpoint,
            variant=self.variant,
            window_start=window.start,
            window_end=window.end,
            window_closed=closed,
            package_version="",
            revision=1,
            baseline="",
            verdict=evaluation.verdict,
            requests=0,
            rows=evaluation.rows,
            rejected={},
            measurements=evaluation.measurements,
            parts=(),
            folder="",
            evaluated_at=window.end,
            notes=evaluation.notes,
            checks_run=checks,
        )


def weeks_of(sides: Sequence[BaselineReplay[Any]]) -> Iterator[tuple[date, list[Week]]]:
    """The results of each side by week."""
    for monday in sorted({monday for side in sides for monday in side.weeks}):
        yield monday, [side.weeks.get(monday, Week(monday)) for side in sides]

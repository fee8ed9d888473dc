"""What would have been said: stored parts judged again, week by week, by the baseline in force and by another one.

| replayed                         | as                                                                            |
|----------------------------------|-------------------------------------------------------------------------------|
| an object of at least 20 rows    | judged alone, as `on_data_captured` does; one within a roll-up, with its slot |
| the window that goes on          | its hard checks, every five minutes, as `run_monitoring` does                 |
| a closed window, one of drift    | as `run_monitoring` does, mixed windows too                                   |
| alerts                           | the real transition, from an empty book at the beginning of the range         |
| silence, mutes, the hourly limit | not replayed: no constraint decides them                                      |

Each roll-up and part is read once; nothing is written. The sum of the closed windows is kept for the windows of drift.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby

import msgspec
from msgspec.structs import replace

from chalicelib import locations
from chalicelib.alerts.message import messages
from chalicelib.alerts.next_steps import AlertContext
from chalicelib.alerts.state import transition
from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.evaluation import Baseline, Evaluation, evaluate
from chalicelib.constraints.measurement import Checks
from chalicelib.constraints.windows import (
    LATE_DATA_GRACE,
    checks_for_length,
    evaluate_closed_window,
    open_window,
)
from chalicelib.endpoint_run import stage_stores
from chalicelib.locations import ROLLUP_LENGTH
from chalicelib.parts import Part, RollUp
from chalicelib.records import AlertState, Deployment, Execution, FleetEntry
from chalicelib.registry.serving_history import versions_during
from chalicelib.services import aggregation
from chalicelib.services.execution_recording import OBJECT_MIN_ROWS
from chalicelib.window import Window
from vedette.operations import baselines

NOWHERE = AlertContext(bucket="")
AT_ONCE = 50  # summaries that are kept before they are added up


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a person would have received."""

    at: datetime
    variant: str
    kind: str
    severity: str
    headline: str


@dataclass
class Week:
    """What one baseline found in the windows that begin in a week."""

    begins: date  # its Monday
    windows: int = 0
    rows: int = 0
    violated_windows: int = 0
    violations: int = 0  # of closed windows, as constraint_violations.json and Vedette's own checks have them
    alerts: list[Alert] = field(default_factory=list)
    recovered: int = 0


@dataclass
class Side:
    """One baseline with what it has found so far."""

    baseline: Baseline
    weeks: dict[date, Week] = field(default_factory=dict)

    @property
    def alerts(self) -> list[Alert]:
        """Every alert, the first one first."""
        return [alert for week in sorted(self.weeks) for alert in self.weeks[week].alerts]


@dataclass(frozen=True)
class Range:
    """What is replayed: an endpoint's windows that lie within [start, end)."""

    entry: FleetEntry
    start: datetime
    end: datetime
    deployments: Sequence[Deployment] = ()

    @classmethod
    def of(cls, entry: FleetEntry, since: datetime, now: datetime, deployments: Sequence[Deployment] = ()) -> Range:
        """Whole windows: from the beginning of the longest one that holds `since`, to the last one that has closed."""
        longest = max(entry.window_minutes, entry.drift_window_minutes)
        end = open_window(entry.window_minutes, now - LATE_DATA_GRACE).start
        return cls(entry, open_window(longest, since).start, end, deployments)


def compared(endpoint: str, other: str | None) -> list[tuple[str, Baseline]]:
    """The baseline in force, and after it another one: a stored version, a folder, or a constraints.json.

    A constraints.json alone goes with the statistics in force, as it would if it were put in force.
    """
    now = baselines.in_force(endpoint)
    found = [(now.version, baselines.as_baseline(now))]
    if other is not None:
        wish = baselines.named(endpoint, other)
        alone = wish.statistics is None and not wish.folder
        found.append((wish.version, baselines.as_baseline(replace(wish, statistics=now.statistics) if alone else wish)))
    return found


def keys_of(wanted: Range, variant: str = "") -> dict[str, tuple[str, ...]]:
    """The parts of each variant, or of one, in order."""
    endpoint = wanted.entry.endpoint
    return {
        name: found
        for name in ([variant] if variant else stage_stores().parts.variants(endpoint))
        if (found := stage_stores().parts.keys(endpoint, name, wanted.start, wanted.end))
    }


def replayed(
    wanted: Range,
    keys: Mapping[str, tuple[str, ...]],
    against: Sequence[Baseline],
    advance: Callable[[int], None] = lambda parts: None,
) -> list[Side]:
    """Judge the parts again by each baseline; `advance` is told how many parts were read."""
    sides = [Side(baseline) for baseline in against]
    for variant, parts in keys.items():
        runs = [_Run(wanted, variant, side) for side in sides]
        for _, of_chunk in groupby(parts, lambda key: open_window(_chunk(wanted.entry), _begun(key))):
            pieces = aggregation.rollups_and_parts(stage_stores(), wanted.entry.endpoint, variant, tuple(of_chunk))
            _filled(wanted.entry, pieces, runs, advance)
        for run in runs:
            run.drift_until(wanted.end)
    return sides


def _chunk(entry: FleetEntry) -> int:
    """How many minutes are read at once: as many as possible, since many reads are made side by side.

    A roll-up may lie in two windows whose length is no multiple of it; then each window is read by itself.
    """
    whole = timedelta(minutes=entry.window_minutes) % ROLLUP_LENGTH == timedelta()
    return max(entry.window_minutes, entry.drift_window_minutes) if whole else entry.window_minutes


def _filled(
    entry: FleetEntry, pieces: Iterable[RollUp | Part], runs: Sequence[_Run], advance: Callable[[int], None]
) -> None:
    """Let windows fill, five minutes at a time, and close. Of what is read the sums of five minutes alone are kept."""
    slots: dict[tuple[Window, datetime], list[CaptureSummary]] = {}
    for piece in pieces:
        begun = piece.begun if isinstance(piece, Part) else piece.start
        held = slots.setdefault((open_window(entry.window_minutes, begun), locations.five_minute_slot(begun)), [])
        held.append(piece.summary)
        if len(held) >= AT_ONCE:
            held[:] = [CaptureSummary.total(held)]
        if isinstance(piece, Part):
            for run in runs:
                run.read(piece)
        advance(1 if isinstance(piece, Part) else len(piece.parts))
    for window, of_window in groupby(sorted(slots), lambda place: place[0]):
        summary = CaptureSummary()
        for place in of_window:
            summary = CaptureSummary.total([summary, *slots.pop(place)])
            until = place[1] + ROLLUP_LENGTH
            for run in runs:
                run.objects_until(until)
                if until < window.end:
                    run.at_once(Window(window.start, until - window.start), run.hard(summary))
        for run in runs:
            run.closed(window, summary)


def _begun(key: str) -> datetime:
    return locations.part_begun(key)


class _Run:
    """One variant under one baseline: its alert book, and the window of drift that is filling."""

    def __init__(self, wanted: Range, variant: str, side: Side) -> None:
        self.wanted, self.variant, self.side = wanted, variant, side
        self.book = AlertState(endpoint=wanted.entry.endpoint, variant=variant)
        self.found: list[tuple[datetime, Evaluation]] = []
        self.drifting: Window | None = None
        self.summary = CaptureSummary()

    def hard(self, summary: CaptureSummary) -> Evaluation:
        """What the hard checks say of an object, or of what an open window holds by now."""
        return evaluate(
            summary,
            self.side.baseline,
            checks=Checks.HARD,
            critical=self.wanted.entry.critical_features,
            minimum_rows=OBJECT_MIN_ROWS,
        )

    def read(self, part: Part) -> None:
        """Judge an object alone; what it found is told in its turn."""
        evaluation = self.hard(part.summary)
        if evaluation.alertable:
            self.found.append((part.begun, replace(evaluation, measurements=evaluation.alertable)))

    def objects_until(self, time: datetime) -> None:
        """Tell what the objects begun before a time had found."""
        for begun, evaluation in sorted((one for one in self.found if one[0] < time), key=lambda one: one[0]):
            self.at_once(Window(begun, timedelta(minutes=1)), evaluation)
        self.found = [one for one in self.found if one[0] >= time]

    def at_once(self, window: Window, evaluation: Evaluation) -> None:
        """Tell what cannot wait for the window to close."""
        if evaluation.alertable:
            self._tell(window, Checks.HARD, evaluation, closed=False)

    def closed(self, window: Window, summary: CaptureSummary) -> None:
        """A window that has closed, and before it the window of drift that ended by then."""
        self.drift_until(window.start)
        self._judge(window, summary)
        entry = self.wanted.entry
        if entry.drift_window_minutes > entry.window_minutes:
            self.drifting = open_window(entry.drift_window_minutes, window.start)
            self.summary = CaptureSummary.total([self.summary, summary])

    def drift_until(self, time: datetime) -> None:
        """Judge the window of drift, if it has ended by then."""
        if self.drifting is not None and self.drifting.end <= time:
            self._judge(self.drifting, self.summary)
            self.drifting, self.summary = None, CaptureSummary()

    def _judge(self, window: Window, summary: CaptureSummary) -> None:
        entry = self.wanted.entry
        checks = checks_for_length(entry.window_minutes, entry.drift_window_minutes, window.length)
        versions = versions_during(self.wanted.deployments, window)
        judged, evaluation = evaluate_closed_window(
            summary, self.side.baseline, checks, window.length, versions, entry.critical_features
        )
        week = self._week(window.start)
        if checks != Checks.DRIFT:
            week.windows += 1
            week.rows += summary.rows
        week.violated_windows += bool(evaluation.violations)
        week.violations += len(evaluation.violations)
        self._tell(window, judged, evaluation, closed=True)

    def _tell(self, window: Window, checks: Checks, evaluation: Evaluation, *, closed: bool) -> None:
        execution = self._execution(window, checks, evaluation, closed=closed)
        moved = transition(self.book, execution, self.wanted.entry.thresholds)
        self.book = moved.after
        week = self._week(execution.window_start)
        for message in messages(moved, execution, NOWHERE):
            if message.kind == "recovered":
                week.recovered += 1
                continue
            week.alerts.append(
                Alert(
                    at=execution.window_end,
                    variant=self.variant,
                    kind=message.kind,
                    severity=message.severity,
                    headline=message.headline,
                )
            )

    def _week(self, time: datetime) -> Week:
        monday = time.date() - timedelta(days=time.weekday())
        return self.side.weeks.setdefault(monday, Week(monday))

    def _execution(self, window: Window, checks: Checks, evaluation: Evaluation, *, closed: bool) -> Execution:
        return Execution(
            endpoint=self.wanted.entry.endpoint,
            variant=self.variant,
            window_start=window.start,
            window_end=window.end,
            closed=closed,
            package_version="",
            revision=1,
            baseline="",
            verdict=evaluation.verdict,
            events=0,
            rows=evaluation.rows,
            refused={},
            measurements=evaluation.measurements,
            parts=(),
            folder="",
            evaluated_at=window.end,
            notes=evaluation.notes,
            checks=checks,
        )


def weeks_of(sides: Sequence[Side]) -> Iterator[tuple[date, list[Week]]]:
    """Week by week, what each side has found."""
    for monday in sorted({monday for side in sides for monday in side.weeks}):
        yield monday, [side.weeks.get(monday, Week(monday)) for side in sides]

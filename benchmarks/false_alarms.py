"""How often nothing is the matter and somebody is told, and how small a change is found: FALSE_ALARMS.md.

    python -m benchmarks.false_alarms [--endpoints 40] [--weeks 26] [--seed 1] [--processes 2]

No AWS and no clock: rows are drawn, summed, evaluated, and the verdicts move an alert state, all by the code that
ships, with the settings that a fleet entry has by default.

| traffic                 | drawn as                                                                              |
|-------------------------|---------------------------------------------------------------------------------------|
| endpoints               | 300 to 30,000 rows a day, evenly on a logarithmic scale                               |
| daily rhythm            | nine times as many requests at the busiest hour as at the quietest                    |
| ... of the values       | the mean of a feature moves by up to half a standard deviation through the day        |
| clustered rows          | sessions of 8 rows on average share half of each value's variance, missing cells too  |
| 30 features             | 14 continuous, 6 of whole numbers, 3 mostly zero, 5 of text, 2 sometimes missing      |
| features hang together  | a quarter of the variance is common to all features of a row                          |
| reference               | the first 28 days; the constraints are those that `suggested_constraints` makes of it |
| a change                | from one midnight on, of one half of the features                                     |

Days differ as a `World` says: weekends, holidays, effects of single days, a random walk.
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.levels import machine
from chalicelib.alerts.slow_drift import follow_slow_drift
from chalicelib.alerts.state import Transition, transition
from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.day_drift import DayComparison, compare_day, with_recent_days
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.measurement import Checks
from chalicelib.constraints.reference_days import FULL_DAYS, Day, Reference, learned
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.records import AlertMessage, AlertState, Execution, Thresholds
from chalicelib.statistics import BASELINE_K, PART_K
from chalicelib.statistics.categories import Categories
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.distribution import Distribution
from chalicelib.statistics.lengths import Lengths
from chalicelib.statistics.lexical import TypeCounts
from chalicelib.statistics.moments import Moments
from chalicelib.statistics.table import Table

REPORT = Path(__file__).parent / "FALSE_ALARMS.md"
KINDS = ["continuous"] * 14 + ["whole"] * 6 + ["zeros"] * 3 + ["text"] * 5 + ["sparse"] * 2
NAMES = tuple(f"{kind}{i}" for i, kind in enumerate(KINDS))
SESSION, WITHIN, COMMON, RHYTHM = 8.0, 0.5, 0.25, 0.5
LEVELS = np.array([0.55, 0.25, 0.12, 0.05, 0.02, 0.007, 0.002, 0.001])  # shares of the texts, one of them rare
MISSING = (0.02, 0.1)
SHIFTS = (0.2, 0.3, 0.5, 0.7, 1.0)
LEAST, MOST = 300, 30_000  # rows a day
POWER_ROWS, POWER_ENDPOINTS = 3_000, 14
HARD_WEEKS = 2
START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Rows with the hour of the day of each; one array for each feature, and where it is missing."""

    hours: NDArray[np.intp]
    values: tuple[Floats, ...]
    missing: tuple[NDArray[np.bool_] | None, ...]

    def of_hour(self, hour: int) -> Rows:
        here = self.hours == hour
        missing = tuple(None if m is None else m[here] for m in self.missing)
        return Rows(self.hours[here], tuple(value[here] for value in self.values), missing)

    def table(self, k: int) -> Table:
        columns = tuple(
            _column(kind, value, missing, k)
            for kind, value, missing in zip(KINDS, self.values, self.missing, strict=True)
        )
        return Table(names=NAMES, rows=len(self.hours), columns=columns)


@dataclass(frozen=True)
class World:
    """How the days of an endpoint differ, in standard deviations of a feature."""

    weekend: float = 0.0  # each feature is moved at the weekend by up to so much
    weekend_volume: float = 1.0  # the share of a working day's rows
    day_effect: float = 0.0  # each feature is moved each day by a normal amount
    walk: float = 0.0  # ... and from then on
    holidays: float = 0.0  # the share of working days that are like weekends


# Name -> the world, the alerts an endpoint and week that are allowed, and the power at 0.5 and 1 sd that is asked for.
WORLDS = {
    "identical days": (World(), 0.05, None),
    "weekends": (World(weekend=0.5, weekend_volume=0.5), 0.05, (0.9, 0.99)),
    "day effects": (World(day_effect=0.2), 0.3, (0.25, 0.95)),
    "weekends and day effects": (World(weekend=0.5, weekend_volume=0.5, day_effect=0.2), 0.3, (0.25, 0.95)),
    "weekends and holidays": (World(weekend=0.5, weekend_volume=0.5, holidays=0.03), 0.1, None),
    "random walk": (World(walk=0.02), 0.1, None),
}


class Endpoint:
    """Draws the days of one endpoint."""

    def __init__(self, rows_a_day: float, seed: int, world: World | None = None):
        self.world = world or World()
        self.days_drawn = self.holidays_left = 0
        self.random = np.random.default_rng(seed)
        self.rows_a_day = rows_a_day
        angle = 2 * np.pi * np.arange(24) / 24
        self.weights = 1 + 0.8 * np.sin(angle + self.random.uniform(0, 2 * np.pi))
        self.amplitudes = self.random.uniform(0, RHYTHM, len(KINDS))
        phases = self.random.uniform(0, 2 * np.pi, len(KINDS))
        self.rhythm = self.amplitudes[:, None] * np.sin(angle + phases[:, None])  # shape (features, 24)
        self.weekend = self.random.uniform(-1, 1, len(KINDS)) * self.world.weekend
        self.level = np.zeros(len(KINDS))

    def _day_off(self) -> bool:
        """Whether the next day is one of a weekend or a holiday; a third of the holidays have two days."""
        is_weekend = self.days_drawn % 7 >= 5
        self.days_drawn += 1
        if self.holidays_left:
            self.holidays_left -= 1
            return True
        is_holiday = not is_weekend and self.random.random() < self.world.holidays
        self.holidays_left = int(is_holiday and self.random.random() < 1 / 3)
        return is_weekend or is_holiday

    def day(self, shift: float = 0.0) -> Rows:
        """The next day; the even features are moved by so many standard deviations."""
        random, world, features = self.random, self.world, len(KINDS)
        day_off = self._day_off()
        self.level = self.level + random.standard_normal(features) * world.walk
        moved = self.level + random.standard_normal(features) * world.day_effect + (self.weekend if day_off else 0.0)
        volume = world.weekend_volume if day_off else 1.0
        sessions = max(1, random.poisson(self.rows_a_day * volume / SESSION))
        hours_of_sessions = random.choice(24, sessions, p=self.weights / self.weights.sum())
        session = np.repeat(np.arange(sessions), random.geometric(1 / SESSION, sessions))
        hours = hours_of_sessions[session]
        common = _clustered(random, session, sessions)
        values, missing = [], []
        for i, kind in enumerate(KINDS):
            own = _clustered(random, session, sessions)
            latent = math.sqrt(COMMON) * common + math.sqrt(1 - COMMON) * own + self.rhythm[i][hours] + moved[i]
            values.append(_shaped(kind, latent + (shift if i % 2 == 0 else 0.0)))
            absent = _clustered(random, session, sessions) if kind == "sparse" else None
            share = MISSING[i % len(MISSING)]
            missing.append(None if absent is None else absent < _quantile(share))
        return Rows(hours, tuple(values), tuple(missing))


def _clustered(random: np.random.Generator, session: NDArray[np.intp], sessions: int) -> Floats:
    """Standard normal values, half of whose variance the rows of a session share."""
    shared = random.standard_normal(sessions)[session]
    return math.sqrt(WITHIN) * shared + math.sqrt(1 - WITHIN) * random.standard_normal(len(session))


def _shaped(kind: str, latent: Floats) -> Floats:
    match kind:
        case "whole":
            return np.floor(np.exp(1 + 0.6 * latent))
        case "zeros":
            return np.where(latent < 0.8, 0.0, np.exp(latent))
        case "text":
            edges = np.array([_quantile(float(share)) for share in np.cumsum(LEVELS / LEVELS.sum())[:-1]])
            return np.searchsorted(edges, latent / math.sqrt(1 + RHYTHM**2 / 2)).astype(float)
        case _:
            return np.asarray(20 + 5 * latent)


def _quantile(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


def _column(kind: str, values: Floats, missing: NDArray[np.bool_] | None, k: int) -> ColumnStatistics:
    """What `ColumnStatistics.of` makes of the cells, without writing and reading each number as text."""
    present = values if missing is None else values[~missing]
    absent = len(values) - len(present)
    if kind == "text":
        levels, repeats = np.unique(present, return_counts=True)
        counts = {f"level {int(level)}": int(times) for level, times in zip(levels, repeats, strict=True)}
        return ColumnStatistics(
            types=TypeCounts(string=len(present), missing=absent),
            categories=Categories.of(counts),
            lengths=Lengths.of(counts),
        )
    types = TypeCounts(**{"integral" if kind == "whole" else "fractional": len(present)}, missing=absent)
    return ColumnStatistics(
        types=types,
        moments=Moments.of(present),
        distribution=Distribution.of(present, k),
        categories=Categories.unknown(),
    )


class DayWatch:
    """Evaluates days one after the other by the code that ships, and keeps the alert state."""

    def __init__(self, days: Sequence[Day], constraints: Constraints) -> None:
        """Learn from the reference days, in order."""
        self.days = list(days)
        # Without statistics: baseline_drift_check would only stand in the files.
        self.baseline = Baseline(constraints=constraints)
        self.reference = learned(Reference(), self.days, constraints.types, days[-1].date + DAY)
        self.state = AlertState(endpoint="simulated", variant="AllTraffic")
        self.day_types: dict[date, str] = {}

    def evaluate(self, day: Day, table: Table) -> tuple[Transition, tuple[AlertMessage, ...]]:
        """What one more day changes, and the message on slow drift, if one is due."""
        compared = compare_day(self.reference, day.date, day.columns, self.baseline.constraints, self.day_types.items)
        self.day_types[day.date] = compared.day_type
        if compared.is_outside:
            compared = with_recent_days(compared, self.days[-FULL_DAYS:])
        self.days.append(day)
        start = datetime.combine(day.date, datetime.min.time(), UTC)
        execution = judged(table, self.baseline, start, 24, Checks.DRIFT, compared)
        moved = transition(self.state, execution, Thresholds())
        self.state, of_the_week = follow_slow_drift(moved.after, execution, Thresholds())
        return moved, of_the_week


class Watch:
    """Draws the days of one endpoint, and watches those after its reference days."""

    def __init__(self, rows_a_day: float, seed: int, world: World, skipped_days: int = 0):
        self.endpoint = Endpoint(rows_a_day, seed, world)
        self.drawn = 0
        tables = [self._table(0.0) for _ in range(FULL_DAYS)]
        days = [_day(number, table) for number, table in enumerate(tables)]
        self.watch = DayWatch(days, suggested_constraints(Table.total(tables)))
        for _ in range(skipped_days):
            self.watch.days.append(_day(self.drawn, self._table(0.0)))
        self.told: Counter[str] = Counter()
        self.alerts = self.slow_messages = 0

    def _table(self, shift: float) -> Table:
        self.drawn += 1
        return self.endpoint.day(shift).table(PART_K)

    def next_day(self, shift: float = 0.0) -> None:
        """Draw, evaluate and alert on one more day."""
        number, table = self.drawn, self._table(shift)
        moved, of_the_week = self.watch.evaluate(_day(number, table), table)
        self.alerts += bool(moved.new)
        self.told.update(measurement.feature for measurement in moved.new)
        self.slow_messages += len(of_the_week)


def _day(number: int, table: Table) -> Day:
    return Day((START + number * DAY).date(), "1", dict(zip(NAMES, table.columns, strict=True)))


def judged(
    table: Table, baseline: Baseline, start: datetime, hours: int, checks: Checks, day: DayComparison | None = None
) -> Execution:
    tables = (table,) if table.rows else ()
    summary = CaptureSummary(events=table.rows, rows=table.rows, tables=tables)
    found = evaluate(summary, baseline, checks=checks, hours=hours, day=day)
    return Execution(
        endpoint="simulated", variant="AllTraffic", window_start=start, window_end=start + timedelta(hours=hours),
        window_closed=True, package_version="1", revision=1, baseline="v1", verdict=found.verdict, requests=table.rows,
        rows=table.rows, rejected={}, measurements=found.measurements, parts=(), folder="", evaluated_at=start,
        checks_run=checks,
    )  # fmt: skip


@dataclass
class Quiet:
    """What was said about one endpoint at which nothing is the matter."""

    alerts: int = 0  # messages that say something new
    slow_messages: int = 0
    findings: Counter[str] = field(default_factory=Counter)


def quiet(world: str, rows_a_day: float, seed: int, weeks: int) -> Quiet:
    """Drift by the day, over some weeks."""
    watch = Watch(rows_a_day, seed, WORLDS[world][0])
    for _ in range(7 * weeks):
        watch.next_day()
    return Quiet(watch.alerts, watch.slow_messages, watch.told)


def quiet_hours(world: str, rows_a_day: float, seed: int, weeks: int) -> Quiet:
    """The hard checks by the hour."""
    endpoint = Endpoint(rows_a_day, seed, WORLDS[world][0])
    days = Table.total(endpoint.day().table(BASELINE_K) for _ in range(FULL_DAYS))
    baseline = Baseline(constraints=suggested_constraints(days), statistics=days)
    state, told = AlertState(endpoint="simulated", variant="AllTraffic"), Quiet()
    for day in range(7 * weeks):
        rows = endpoint.day()
        for hour in range(24):
            start = START + timedelta(days=day, hours=hour)
            table = rows.of_hour(hour).table(PART_K)
            moved = transition(state, judged(table, baseline, start, 1, Checks.HARD), Thresholds())
            state = moved.after
            told.alerts += bool(moved.new)
            told.findings.update(m.check for m in moved.new)
    return told


def power(world: str, seed: int) -> list[float]:
    """The share of the changed features of numbers that is alerted by the end of the second day, for each shift."""
    changed = [name for i, name in enumerate(NAMES) if i % 2 == 0 and KINDS[i] in ("continuous", "sparse")]
    before = Watch(POWER_ROWS, seed, WORLDS[world][0], skipped_days=seed % 7)
    shares = []
    for shift in SHIFTS:
        watch = copy.deepcopy(before)
        for _ in range(2):
            watch.next_day(shift)
        shares.append(sum(name in watch.told for name in changed) / len(changed))
    return shares


def upper_bound(count: int) -> float:
    """The largest mean of a Poisson count that `count` or fewer leaves possible at 95 %."""
    low, high = 0.0, count + 20.0
    for _ in range(60):
        middle = (low + high) / 2
        terms = (math.exp(-middle) * middle**i / math.factorial(i) for i in range(count + 1))
        low, high = (middle, high) if sum(terms) > 0.05 else (low, middle)
    return high


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--endpoints", type=int, default=40)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--no-report", action="store_true", help="Print the report, and write nothing.")
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    volumes = [float(rows) for rows in np.geomspace(LEAST, MOST, asked.endpoints)]
    seeds = [asked.seed * 1000 + number for number in range(asked.endpoints)]
    with ProcessPoolExecutor(asked.processes) as pool:
        watched = {world: pool.map(quiet, *_columns(world, volumes, seeds, asked.weeks)) for world in WORLDS}
        hours = pool.map(quiet_hours, *_columns("weekends and day effects", volumes, seeds, HARD_WEEKS))
        powers = {world: pool.map(power, [world] * POWER_ENDPOINTS, range(7, 7 + POWER_ENDPOINTS)) for world in WORLDS}
        found = {world: _shown(world, list(results)) for world, results in watched.items()}
        by_power = {world: np.mean(list(results), axis=0).tolist() for world, results in powers.items()}
        text, reached = report(found, list(hours), by_power, asked, time.monotonic() - began)
    if not asked.no_report:
        REPORT.write_text(text)
    print(text)
    return 0 if reached else 1


def _columns(world: str, volumes: list[float], seeds: list[int], weeks: int) -> tuple[Any, ...]:
    """The arguments of `quiet` for each endpoint, one sequence for each argument."""
    return [world] * len(volumes), volumes, seeds, [weeks] * len(volumes)


def _shown(world: str, results: list[Quiet]) -> list[Quiet]:
    print(f"{world}: {sum(one.alerts for one in results)} alerts", file=sys.stderr, flush=True)
    return results


def report(
    watched: dict[str, list[Quiet]],
    hours: list[Quiet],
    powers: dict[str, list[float]],
    asked: argparse.Namespace,
    seconds: float,
) -> tuple[str, bool]:
    """The report, and whether every level is reached."""
    weeks = asked.endpoints * asked.weeks
    missed: list[str] = []
    lines = [
        "# False alarms and power",
        "",
        f"Written by `python -m benchmarks.false_alarms --endpoints {asked.endpoints} --weeks {asked.weeks} "
        f"--seed {asked.seed}` in {seconds:,.0f} s; its docstring says how the traffic is drawn. Default settings. "
        f"{machine()}.",
        "",
        f"## Nothing is the matter: drift by the day, {asked.endpoints} endpoints x {asked.weeks} weeks x "
        f"{len(KINDS)} features",
        "",
        "| days | alerts | per endpoint and week | at 95 % no more than | level | weekly messages on slow drift |",
        "|---|---|---|---|---|---|",
    ]
    for world, results in watched.items():
        alerts, level = sum(one.alerts for one in results), WORLDS[world][1]
        if alerts / weeks > level:
            missed.append(f"alerts with {world}")
        lines.append(
            f"| {world} | {alerts} | **{alerts / weeks:.3f}** | {upper_bound(alerts) / weeks:.3f} | {level} | "
            f"{sum(one.slow_messages for one in results) / weeks:.3f} |"
        )
    by_hour = sum(one.alerts for one in hours)
    findings: Counter[str] = sum((one.findings for one in hours), Counter())
    lines += [
        "",
        f"The hard checks by the hour, with weekends and day effects, {asked.endpoints} endpoints x {HARD_WEEKS} "
        f"weeks: {by_hour} alerts, {by_hour / asked.endpoints / HARD_WEEKS:.3f} per endpoint and week"
        + (f" ({', '.join(f'{n} x {what}' for what, n in findings.most_common())})." if findings else "."),
        "",
        "## Something is the matter",
        "",
        f"Half of the features move by so many standard deviations from midnight on, {POWER_ROWS:,} rows a day. Share "
        "of those of numbers that is alerted by the end of the second day:",
        "",
        "| days | " + " | ".join(f"{shift} sd" for shift in SHIFTS) + " | levels at 0.5 and 1 sd |",
        "|---|" + "---|" * (len(SHIFTS) + 1),
    ]
    for world, (_, _, levels) in WORLDS.items():
        found = dict(zip(SHIFTS, powers[world], strict=True))
        asked_for = "" if levels is None else f"{levels[0]} and {levels[1]}"
        lines.append(f"| {world} | " + " | ".join(f"{share:.2f}" for share in found.values()) + f" | {asked_for} |")
        for level, shift in zip(levels or (), (0.5, 1.0), strict=False):
            if found[shift] < level:
                missed.append(f"power at {shift} sd with {world}")
    lines += ["", f"Missed: {', '.join(missed)}." if missed else "Every level is reached.", ""]
    return "\n".join(lines), not missed


if __name__ == "__main__":
    sys.exit(main())

"""How often nothing is the matter and somebody is told, and how small a change is found: FALSE_ALARMS.md.

    python -m benchmarks.false_alarms [--weeks 2] [--endpoints 40] [--seed 1]

No AWS and no clock: rows are drawn, summed, judged by `constraints.evaluate`, and the verdicts move an alert book, all
by the code that ships, with the settings that a fleet entry has by default.

| traffic                 | drawn as                                                                              |
|-------------------------|---------------------------------------------------------------------------------------|
| 40 endpoints            | 300 to 30,000 rows a day, evenly on a logarithmic scale                               |
| daily rhythm            | nine times as many requests at the busiest hour as at the quietest                    |
| ... of the values       | the mean of a feature moves by up to half a standard deviation through the day        |
| clustered rows          | sessions of 8 rows on average share half of each value's variance, missing cells too |
| 30 features             | 14 continuous, 6 of whole numbers, 3 mostly zero, 5 of text, 2 sometimes missing      |
| features hang together  | a quarter of the variance is common to all features of a row                          |
| baseline                | seven days of the same, suggested by `suggested_constraints`                          |
| a change                | from one midnight on, of one half of the features                                     |
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.levels import machine
from chalicelib.alerts.state import transition
from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.evaluation import MINIMUM_DRIFT_ROWS, Baseline, evaluate
from chalicelib.constraints.measurement import Checks
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.records import AlertState, Execution, FleetEntry, Thresholds
from chalicelib.statistics import BASELINE_K, PART_K
from chalicelib.statistics.categories import Categories
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.distribution import Distribution
from chalicelib.statistics.lengths import Lengths
from chalicelib.statistics.lexical import TypeCounts
from chalicelib.statistics.moments import Moments
from chalicelib.statistics.table import Table

REPORT = Path(__file__).parent / "FALSE_ALARMS.md"
MOST_ALERTS = 0.1  # per endpoint and week
KINDS = ["continuous"] * 14 + ["whole"] * 6 + ["zeros"] * 3 + ["text"] * 5 + ["sparse"] * 2
NAMES = tuple(f"{kind}{i}" for i, kind in enumerate(KINDS))
SESSION, WITHIN, COMMON, RHYTHM = 8.0, 0.5, 0.25, 0.5
BASELINE_DAYS = 7
LEVELS = np.array([0.55, 0.25, 0.12, 0.05, 0.02, 0.007, 0.002, 0.001])  # shares of the texts, one of them rare
MISSING = (0.02, 0.1)
SHIFTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
VOLUMES = (300, 1_000, 3_000, 10_000, 30_000)
START = datetime(2026, 3, 2, tzinfo=UTC)
ENTRY = FleetEntry(endpoint="simulated")
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


class Endpoint:
    """Draws the days of one endpoint."""

    def __init__(self, rows_a_day: float, seed: int):
        self.random = np.random.default_rng(seed)
        self.rows_a_day = rows_a_day
        angle = 2 * np.pi * np.arange(24) / 24
        self.weights = 1 + 0.8 * np.sin(angle + self.random.uniform(0, 2 * np.pi))
        self.amplitudes = self.random.uniform(0, RHYTHM, len(KINDS))
        phases = self.random.uniform(0, 2 * np.pi, len(KINDS))
        self.rhythm = self.amplitudes[:, None] * np.sin(angle + phases[:, None])  # shape (features, 24)

    def day(self, shift: float = 0.0) -> Rows:
        """One day; the even features are moved by so many standard deviations."""
        random = self.random
        sessions = max(1, random.poisson(self.rows_a_day / SESSION))
        hours_of_sessions = random.choice(24, sessions, p=self.weights / self.weights.sum())
        session = np.repeat(np.arange(sessions), random.geometric(1 / SESSION, sessions))
        hours = hours_of_sessions[session]
        common = _clustered(random, session, sessions)
        values, missing = [], []
        for i, kind in enumerate(KINDS):
            own = _clustered(random, session, sessions)
            latent = math.sqrt(COMMON) * common + math.sqrt(1 - COMMON) * own + self.rhythm[i][hours]
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
        counts = Counter(f"level {int(value)}" for value in present)
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


def baseline_of(endpoint: Endpoint) -> Baseline:
    days = Table.total(endpoint.day().table(BASELINE_K) for _ in range(BASELINE_DAYS))
    return Baseline(constraints=suggested_constraints(days), statistics=days)


def judged(table: Table, baseline: Baseline, start: datetime, hours: int, checks: Checks) -> Execution:
    tables = (table,) if table.rows else ()
    summary = CaptureSummary(events=table.rows, rows=table.rows, tables=tables)
    found = evaluate(summary, baseline, checks=checks, hours=hours)
    return Execution(
        endpoint="simulated", variant="AllTraffic", window_start=start, window_end=start + timedelta(hours=hours),
        window_closed=True, package_version="1", revision=1, baseline="v1", verdict=found.verdict, requests=table.rows,
        rows=table.rows, rejected={}, measurements=found.measurements, parts=(), folder="", evaluated_at=start,
        checks_run=checks,
    )  # fmt: skip


def verdicts(baseline: Baseline, rows: Rows, start: datetime) -> Iterator[Execution]:
    """The verdicts of a day: of each hour on hard checks, of the day on drift."""
    hours = [rows.of_hour(hour).table(PART_K) for hour in range(24)]
    for hour, table in enumerate(hours):
        yield judged(table, baseline, start + timedelta(hours=hour), 1, Checks.HARD)
    yield judged(Table.total(table for table in hours if table.rows), baseline, start, 24, Checks.DRIFT)


@dataclass
class Told:
    """What was said about one endpoint."""

    alerts: int = 0  # messages that say something new
    findings: Counter[str] = field(default_factory=Counter)
    drifted_days: int = 0  # features of days whose drift verdict was violated, whether told or not
    days: int = 0


def quiet(rows_a_day: float, seed: int, days: int) -> Told:
    """Watch an endpoint at which nothing is the matter."""
    endpoint = Endpoint(rows_a_day, seed)
    baseline = baseline_of(endpoint)
    book, told = AlertState(endpoint="simulated", variant="AllTraffic"), Told()
    for day in range(days):
        for execution in verdicts(baseline, endpoint.day(), START + timedelta(days=day)):
            moved = transition(book, execution, Thresholds())
            book = moved.after
            told.alerts += bool(moved.new)
            told.findings.update(f"{m.check} of {m.feature.rstrip('0123456789')}" for m in moved.new)
            if execution.checks_run == Checks.DRIFT:
                told.drifted_days += sum(m.violated for m in execution.measurements)
                told.days += 1
    return told


def hourly_drift(rows_a_day: float, seed: int, days: int = 7) -> int:
    """The alerts of a week at which nothing is the matter, were drift judged by the hour."""
    endpoint = Endpoint(rows_a_day, seed)
    baseline = baseline_of(endpoint)
    book, alerts = AlertState(endpoint="simulated", variant="AllTraffic"), 0
    for day in range(days):
        rows = endpoint.day()
        for hour in range(24):
            start = START + timedelta(days=day, hours=hour)
            execution = judged(rows.of_hour(hour).table(PART_K), baseline, start, 1, Checks.DRIFT)
            moved = transition(book, execution, Thresholds())
            book = moved.after
            alerts += bool(moved.new)
    return alerts


@dataclass(frozen=True)
class Power:
    """How a change of so many standard deviations shows: shares of the changed features."""

    judged: float  # of all days
    first_day: float
    alerted: float  # two days of three, told at the end of the second


def power(rows_a_day: float, shift: float, seeds: Sequence[int]) -> Power:
    """Watch the changed numeric features of some endpoints for two days."""
    changed = [name for i, name in enumerate(NAMES) if i % 2 == 0 and KINDS[i] in ("continuous", "sparse")]
    first = second = able = 0
    for seed in seeds:
        endpoint = Endpoint(rows_a_day, seed)
        baseline = baseline_of(endpoint)
        found: list[set[str]] = []
        for _ in range(2):
            execution = judged(endpoint.day(shift).table(PART_K), baseline, START, 24, Checks.DRIFT)
            found.append({m.feature for m in execution.measurements if m.violated})
            able += sum(m.judged and m.feature in changed for m in execution.measurements)
        first += len(found[0] & set(changed))
        second += len(found[0] & found[1] & set(changed))
    total = len(changed) * len(seeds)
    return Power(able / (2 * total), first / total, second / total)


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
    parser.add_argument("--weeks", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-power", action="store_true", help="Leave the power curve out; nothing is written.")
    asked = parser.parse_args(arguments)
    began = time.process_time()
    volumes = np.geomspace(VOLUMES[0], VOLUMES[-1], asked.endpoints)
    watched = []
    for number, rows_a_day in enumerate(volumes):
        watched.append((rows_a_day, quiet(float(rows_a_day), asked.seed * 1000 + number, 7 * asked.weeks)))
        print(f"\r{number + 1} of {asked.endpoints} endpoints", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    text = quiet_report(watched, asked)
    if asked.no_power:
        print(text)
        return 0
    text += power_report(asked.seed) + f"\nMade in {time.process_time() - began:.0f} s of CPU.\n"
    REPORT.write_text(text)
    print(text)
    return 0 if sum(told.alerts for _, told in watched) <= MOST_ALERTS * asked.endpoints * asked.weeks else 1


def quiet_report(watched: list[tuple[Any, Told]], asked: argparse.Namespace) -> str:
    weeks = asked.endpoints * asked.weeks
    alerts = sum(told.alerts for _, told in watched)
    findings: Counter[str] = sum((told.findings for _, told in watched), Counter())
    lines = [
        "# False alarms and power",
        "",
        f"Written by `python -m benchmarks.false_alarms --endpoints {asked.endpoints} --weeks {asked.weeks} "
        f"--seed {asked.seed}`; its docstring says how the traffic is drawn. Default settings: windows of "
        f"{ENTRY.window_minutes} minutes for hard checks and {ENTRY.drift_window_minutes} for drift, at least "
        f"{MINIMUM_DRIFT_ROWS} values, Robust, threshold 0.1, {Thresholds().drift_violated} of "
        f"{Thresholds().drift_of} drift windows. {machine()}.",
        "",
        "## Nothing is the matter",
        "",
        f"{alerts} alerts in {asked.endpoints} endpoints x {asked.weeks} weeks x {len(KINDS)} features: "
        f"**{alerts / weeks:.3f} per endpoint and week** (at 95 % no more than {upper_bound(alerts) / weeks:.3f}). "
        f"The level is {MOST_ALERTS}: {'reached' if alerts / weeks <= MOST_ALERTS else 'MISSED'}.",
        "",
        "| rows a day | endpoint-weeks | alerts | features x days over the threshold, told or not |",
        "|---|---|---|---|",
    ]
    edges = [*VOLUMES[:-1], math.inf]
    for low, high in pairwise(edges):
        inside = [told for volume, told in watched if low <= round(volume) < high]
        lines.append(
            f"| {low:,} to {'30,000' if high == math.inf else f'{high:,}'} | {len(inside) * asked.weeks} | "
            f"{sum(told.alerts for told in inside)} | {sum(told.drifted_days for told in inside)} of "
            f"{sum(told.days for told in inside) * len(KINDS)} |"
        )
    by_hour = [hourly_drift(volume, asked.seed) for volume in VOLUMES]
    lines += [
        "",
        f"Were drift judged by the hour, as the hard checks are: {sum(by_hour)} alerts in {len(VOLUMES)} endpoint-weeks"
        f" ({', '.join(map(str, by_hour))} at {', '.join(f'{volume:,}' for volume in VOLUMES)} rows a day): the daily "
        "rhythm alone is far from a baseline of whole days.",
        "",
        "What was said: " + (", ".join(f"{n} x {what}" for what, n in findings.most_common()) or "nothing"),
        "",
    ]
    return "\n".join(lines)


def power_report(seed: int) -> str:
    lines = [
        "",
        "## Something is the matter",
        "",
        "Every second continuous feature moves by so many standard deviations from midnight on. Share of them whose "
        "drift is in the verdict of the first day / told at the end of the second (2 of 3 windows):",
        "",
        "| rows a day | " + " | ".join(f"{shift} sd" for shift in SHIFTS) + " |",
        "|---|" + "---|" * len(SHIFTS),
    ]
    for rows_a_day in VOLUMES:
        cells = [power(rows_a_day, shift, range(seed, seed + 6)) for shift in SHIFTS]
        lines.append(
            f"| {rows_a_day:,} | " + " | ".join(f"{cell.first_day:.0%} / {cell.alerted:.0%}" for cell in cells) + " |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

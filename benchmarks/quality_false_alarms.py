"""How often a model that does not change raises an alert, and how soon a worse one does: QUALITY_FALSE_ALARMS.md.

    python -m benchmarks.quality_false_alarms [--endpoints 40] [--weeks 26] [--seed 1] [--processes 2]

No AWS and no clock: days of predictions are drawn by hour and evaluated twice, at the delay and at the limit, and the
verdicts move an alert state, all by the code that ships, with the settings that a fleet entry has by default.

| drawn          | as                                                                                                 |
|----------------|----------------------------------------------------------------------------------------------------|
| endpoints      | 300 to 30,000 rows a day, evenly on a logarithmic scale                                            |
| clustered rows | clients of 8 rows on average, in one hour, share the label and half of the score's variance        |
| binary         | 2 to 40 % positives; scores whose log-odds are normal, so far apart that AUC is 0.8 to 0.97        |
| multiclass     | 4 classes of unequal size; the right one is predicted in 70 to 90 % of the clients, rows vary      |
| regression     | errors with heavy tails (t with 5 degrees of freedom), half of whose variance a client shares      |
| reference      | the first 28 days, all labels                                                                      |
| labels         | as a `World` says, see WORLDS                                                                      |
| a worse model  | from one midnight on: the classes are less far apart, or the errors larger                         |
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
from msgspec.structs import replace as struct_replace
from numpy.typing import NDArray

from benchmarks.false_alarms import upper_bound
from benchmarks.levels import machine
from chalicelib.alerts.state import StoredExecutions, transition
from chalicelib.constraints.evaluation import Evaluation
from chalicelib.constraints.measurement import Checks, Verdict
from chalicelib.quality.constraints import suggested_constraints
from chalicelib.quality.coverage import groups
from chalicelib.quality.evaluation import LabelHistory, evaluate_quality
from chalicelib.quality.files import QualityBaseline, quality_statistics
from chalicelib.quality.metrics import Problem, metrics
from chalicelib.quality.settings import ProblemType
from chalicelib.quality.state import QualityState
from chalicelib.records import AlertState, Execution, LabelCounts, Thresholds

REPORT = Path(__file__).parent / "QUALITY_FALSE_ALARMS.md"
LEVEL = 0.05  # alerts an endpoint and week
START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
HOURS, CLIENT, REFERENCE_DAYS = 24, 8.0, 28
LEAST, MOST = 300, 30_000  # rows a day
LIMIT_DAYS = 30
POWER_ROWS, POWER_ENDPOINTS, POWER_DAYS = 3_000, 10, 28
CLASSES = ("a", "b", "c", "d")
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """Which labels are there at the delay, and at the limit: shares of positive rows, and of all others."""

    kind: ProblemType
    first: tuple[float, float] = (1.0, 1.0)
    final: tuple[float, float] = (1.0, 1.0)
    by_client: bool = False  # all rows of a client have a label, or none


BINARY, MULTICLASS, REGRESSION = ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION
WORLDS = {
    "binary, all labels in time": World(BINARY),
    "binary, two thirds in time, at random": World(BINARY, (0.65, 0.65), (0.97, 0.97), by_client=True),
    "binary, frauds within days, others at the limit": World(BINARY, (0.9, 0.02), (0.98, 0.97)),
    "binary, frauds a little more often": World(BINARY, (0.72, 0.67), (0.97, 0.94)),
    "multiclass, two thirds in time, at random": World(MULTICLASS, (0.65, 0.65), (0.97, 0.97), by_client=True),
    "regression, four fifths in time, at random": World(REGRESSION, (0.8, 0.8), (0.99, 0.99)),
}


class Endpoint:
    """Draws the days of one endpoint; a worse model has a `quality` below 1."""

    def __init__(self, world: World, rows_a_day: float, seed: int) -> None:
        self.world, self.rows_a_day = world, rows_a_day
        self.random = random = np.random.default_rng(seed)
        angle = 2 * np.pi * np.arange(HOURS) / HOURS
        weights = 1 + 0.8 * np.sin(angle + random.uniform(0, 2 * np.pi))
        self.weights = weights / weights.sum()
        self.positives = math.exp(random.uniform(math.log(0.02), math.log(0.4)))
        self.separation = random.uniform(1.2, 2.7)  # of the log-odds, in standard deviations
        self.right = random.uniform(0.7, 0.9)

    def problem(self) -> Problem:
        return Problem(type=self.world.kind, classes=("0", "1") if self.world.kind == BINARY else ())

    def day(self, quality: float = 1.0, *, looks: int = 2) -> list[list[QualityState]]:
        """The states of a day by hour, at each look."""
        random = self.random
        clients = max(1, random.poisson(self.rows_a_day / CLIENT))
        client = np.repeat(np.arange(clients), random.geometric(1 / CLIENT, clients))
        hours = random.choice(HOURS, clients, p=self.weights)[client]
        rows = _rows_of(self, client, clients, quality)
        shares = (self.world.first, self.world.final)[-looks:]
        drawn = random.uniform(size=clients)[client] if self.world.by_client else random.uniform(size=len(client))
        known = [drawn < np.where(rows.positive, *one) for one in shares]
        return [[rows.state(hours == hour, has) for hour in range(HOURS)] for has in known]


@dataclass(frozen=True)
class Rows:
    """The rows of a day: labels, predictions, and scores of a binary classification."""

    labels: Floats
    predictions: Floats
    positive: Flags
    scores: Floats | None = None
    classes: Sequence[str] = ()

    def state(self, chosen: Flags, has: Flags) -> QualityState:
        labels, predictions = self.labels[chosen], self.predictions[chosen]
        if not self.classes:
            return QualityState.of_numbers(np.where(has[chosen], labels, np.nan), predictions)
        scores = None if self.scores is None else self.scores[chosen]
        codes = np.where(has[chosen], labels, -1).astype(int)
        return QualityState.of_classes(self.classes, codes, predictions.astype(int), scores, self.classes[-1])


def _rows_of(endpoint: Endpoint, client: NDArray[np.intp], clients: int, quality: float) -> Rows:
    random, count = endpoint.random, len(client)
    shared, own = random.standard_normal(clients)[client], random.standard_normal(count)
    noise = math.sqrt(0.5) * shared + math.sqrt(0.5) * own
    match endpoint.world.kind:
        case ProblemType.REGRESSION:
            labels = 50 + 10 * random.standard_normal(clients)[client]
            tails = random.chisquare(5, clients)[client] / 5
            return Rows(labels, labels + 4 / quality * noise / np.sqrt(tails), np.zeros(count, bool))
        case ProblemType.MULTICLASS:
            chosen = random.choice(4, clients, p=[0.5, 0.25, 0.15, 0.1])[client]
            is_right = noise < _quantile(endpoint.right * quality)
            other = (chosen + random.integers(1, 4, count)) % 4
            return Rows(chosen, np.where(is_right, chosen, other), np.zeros(count, bool), classes=CLASSES)
    labels = (random.uniform(size=clients) < endpoint.positives)[client]
    odds = endpoint.separation * quality * (labels - 0.5) + noise
    scores = 1 / (1 + np.exp(-2 * (odds - 0.3)))
    return Rows(labels.astype(float), (scores >= 0.5).astype(float), labels, scores, ("0", "1"))


def _quantile(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


class Watch:
    """Evaluates the days of an endpoint after its reference days, and keeps the alert state."""

    def __init__(self, world: World, rows_a_day: float, seed: int) -> None:
        self.endpoint = Endpoint(replace(world, first=(1.0, 1.0), final=(1.0, 1.0)), rows_a_day, seed)
        self.problem = self.endpoint.problem()
        hours = (one for _ in range(REFERENCE_DAYS) for one in self.endpoint.day(looks=1)[0])
        total = QualityState.total(hours)
        statistics = quality_statistics(total, self.problem)
        self.baseline = QualityBaseline(suggested_constraints(statistics.values, world.kind), statistics)
        self.values = metrics(total, self.problem)
        self.endpoint.world = world
        self.state = AlertState(endpoint="simulated", variant="AllTraffic")
        self.stored: dict[tuple[int, int], Execution] = {}
        self.verdicts: list[Verdict] = []

    def evaluate(self, number: int, states: Sequence[QualityState], look: int) -> bool:
        """Whether a look at a day raises an alert; the first look is 0."""
        evaluation = evaluate_quality(
            states,
            self.baseline.constraints,
            self.problem,
            baseline=self.baseline.statistics,
            history=LabelHistory(usual_coverage=self._usual(number, look)),
        )
        execution = _execution(number, look, evaluation, QualityState.total(states))
        self.stored[number, look] = execution
        self.verdicts.append(evaluation.verdict)
        moved = transition(self.state, execution, Thresholds(), stored=lambda: self._around(number, look))
        self.state = moved.after
        return bool(moved.new)

    def _usual(self, number: int, look: int) -> float | None:
        days = (self.stored.get((before, look)) for before in range(number - 7, number))
        found = [day.labels.coverage for day in days if day is not None and day.labels is not None]
        return median(found) if found else None

    def _around(self, number: int, look: int) -> StoredExecutions:
        earlier = tuple(self.stored[number, before] for before in range(look) if (number, before) in self.stored)
        latest = (self._latest(other) for other in range(number - 2, number + 3))
        return StoredExecutions(earlier, tuple(one for one in latest if one is not None))

    def _latest(self, number: int) -> Execution | None:
        return self.stored.get((number, 1)) or self.stored.get((number, 0))


def _execution(number: int, look: int, evaluation: Evaluation, total: QualityState) -> Execution:
    start = START + number * DAY
    return Execution(
        endpoint="simulated",
        variant="AllTraffic",
        window_start=start,
        window_end=start + DAY,
        window_closed=True,
        package_version="1",
        revision=look + 1,
        baseline="v1",
        verdict=evaluation.verdict,
        requests=total.predictions,
        rows=evaluation.rows,
        rejected={},
        measurements=tuple(struct_replace(one, description="") for one in evaluation.measurements),
        parts=(),
        folder="",
        evaluated_at=start + DAY,
        checks_run=Checks.QUALITY,
        labels=LabelCounts(
            predictions=total.predictions, labelled=total.labelled, is_final=look == 1, groups=groups(total)
        ),
    )


@dataclass(frozen=True)
class Quiet:
    """One endpoint whose model does not change."""

    world: str
    alerts: int
    weeks: int
    days: int
    without_metric: tuple[int, int]  # days of the first and the final look whose labels gave no metric


def quiet(world: str, rows_a_day: float, weeks: int, seed: int) -> Quiet:
    """Watch one endpoint for so many weeks, each day at the delay and at the limit."""
    watch = Watch(WORLDS[world], rows_a_day, seed)
    waiting: dict[int, list[QualityState]] = {}
    alerts, without = 0, [0, 0]
    days = 7 * weeks
    for number in range(days + LIMIT_DAYS):
        looks: list[tuple[int, int, list[QualityState]]] = []
        if number < days:
            first, waiting[number] = watch.endpoint.day()
            looks.append((number, 0, first))
        if number >= LIMIT_DAYS:
            looks.append((number - LIMIT_DAYS, 1, waiting.pop(number - LIMIT_DAYS)))
        for day, look, states in looks:
            alerts += watch.evaluate(day, states, look)
            without[look] += watch.verdicts[-1] not in {Verdict.OK, Verdict.VIOLATIONS}
    return Quiet(world, alerts, weeks, days, (without[0], without[1]))


@dataclass(frozen=True)
class Found:
    """When an alert came after a model became worse, in days; None: not within POWER_DAYS."""

    kind: str
    quality: float
    day: int | None
    change: tuple[float, float]  # of the metric that the table names


SHOWN = {BINARY: "auc", MULTICLASS: "accuracy", REGRESSION: "rmse"}
POWER = {
    "binary": ("binary, all labels in time", (0.9, 0.8, 0.7, 0.5)),
    "multiclass": ("multiclass, two thirds in time, at random", (0.97, 0.94, 0.9, 0.8)),
    "regression": ("regression, four fifths in time, at random", (0.93, 0.87, 0.8, 0.67)),
}


def power(kind: str, quality: float, seed: int) -> Found:
    """Watch one endpoint whose model is worse from the first day on."""
    world = WORLDS[POWER[kind][0]]
    watch = Watch(world, POWER_ROWS, seed)
    total, alerted = QualityState(), None
    for number in range(POWER_DAYS):
        states = watch.endpoint.day(quality)[0]
        total = QualityState.total([total, *states])
        if watch.evaluate(number, states, 0) and alerted is None:
            alerted = number + 1
            break
    name = SHOWN[world.kind]
    after = metrics(total, watch.problem)[name]
    return Found(kind, quality, alerted, (watch.values[name] or 0.0, after or 0.0))


def volumes(endpoints: int) -> list[float]:
    """Rows a day, evenly on a logarithmic scale."""
    return [LEAST * (MOST / LEAST) ** (i / max(1, endpoints - 1)) for i in range(endpoints)]


def tasks(endpoints: int, weeks: int, seed: int) -> Iterator[tuple[str, float, int, int]]:
    """The quiet endpoints: every world has small and large ones."""
    names = list(WORLDS)
    for i, rows in enumerate(volumes(endpoints)):
        yield names[i % len(names)], rows, weeks, seed * 1000 + i


def _quiet_table(found: Sequence[Quiet]) -> Iterator[str]:
    yield (
        "| labels | endpoints | alerts | per endpoint and week | at 95 % no more than "
        "| days without a metric: at the delay, at the limit |"
    )
    yield "|---|---|---|---|---|---|"
    for name in [*WORLDS, ""]:
        chosen = [one for one in found if not name or one.world == name]
        if not chosen:
            continue
        alerts, weeks, days = (sum(getattr(one, of) for one in chosen) for of in ("alerts", "weeks", "days"))
        without = [sum(one.without_metric[look] for one in chosen) / days for look in (0, 1)]
        bound = upper_bound(alerts) / weeks
        shares = f"{without[0]:.0%}, {without[1]:.0%}"
        yield f"| {name or 'all'} | {len(chosen)} | {alerts} | **{alerts / weeks:.3f}** | {bound:.3f} | {shares} |"


def _power_table(found: Sequence[Found]) -> Iterator[str]:
    yield "| model | metric | within 3 days | within a week | within 2 weeks | within 4 weeks |"
    yield "|---|---|---|---|---|---|"
    for kind, (world, qualities) in POWER.items():
        for quality in qualities:
            chosen = [one for one in found if (one.kind, one.quality) == (kind, quality)]
            before, after = (median(one.change[place] for one in chosen) for place in (0, 1))
            shares = [
                sum(one.day is not None and one.day <= days for one in chosen) / len(chosen) for days in (3, 7, 14, 28)
            ]
            name = SHOWN[WORLDS[world].kind]
            cells = " | ".join(f"{share:.2f}" for share in shares)
            yield f"| {kind} | {name} {before:.3f} to {after:.3f} | {cells} |"


def main(arguments: Sequence[str]) -> int:
    """Write the report; the exit code is 1 when the level is not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", type=int, default=40)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args(arguments)
    begun = time.perf_counter()
    with ProcessPoolExecutor(chosen.processes) as pool:
        quiets = [pool.submit(quiet, *one) for one in tasks(chosen.endpoints, chosen.weeks, chosen.seed)]
        powers = [
            pool.submit(power, kind, quality, chosen.seed * 100 + number)
            for kind, (_, qualities) in POWER.items()
            for quality in qualities
            for number in range(POWER_ENDPOINTS)
        ]
        found, powerful = [one.result() for one in quiets], [one.result() for one in powers]
    rate = sum(one.alerts for one in found) / sum(one.weeks for one in found)
    seconds = time.perf_counter() - begun
    command = f"python -m benchmarks.quality_false_alarms --endpoints {chosen.endpoints} --weeks {chosen.weeks}"
    lines = [
        "# Model quality: false alarms and power",
        "",
        f"Written by `{command} --seed {chosen.seed}` in {seconds:.0f} s; its docstring says how the days are drawn. "
        f"Default settings. {machine()}.",
        "",
        f"## A model that does not change: {chosen.endpoints} endpoints x {chosen.weeks} weeks, two looks a day",
        "",
        *_quiet_table(found),
        "",
        f"The level is {LEVEL} alerts an endpoint and week.",
        "",
        "## A worse model",
        "",
        f"{POWER_ROWS:,} rows a day, the first looks alone. The share of {POWER_ENDPOINTS} endpoints that are alerted:",
        "",
        *_power_table(powerful),
        "",
        "The level is reached." if rate <= LEVEL else "**The level is not reached.**",
    ]
    REPORT.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return int(rate > LEVEL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

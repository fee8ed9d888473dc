"""Rules that say what a person is told of drift, day by day: ours as it ships, and others' beside it.

A `Method` sees the days and decides as it likes. The other rules judge each column of each day by itself, so that a
faulty column is measured once for the whole year, and a fault that begins on some day is only put together.

| rule             | a person is told                                                              |
|------------------|-------------------------------------------------------------------------------|
| `by_reference_days` | what ships: days of the same type, thresholds from the days themselves, sudden or slow |
| `by_day`         | every column above its threshold, every day                                   |
| `by_share`       | one finding, when at least half of the columns are above their thresholds     |
| `by_alert_state` | two of three days above a multiple of the threshold, by the alert state that ships |
| `by_hard_checks` | the hard checks of each hour, as they ship                                    |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import msgspec

from benchmarks.false_alarms import DayWatch, judged
from benchmarks.flights import COLUMNS, REFERENCE_DAYS, Day, Fault, days_under, names_under
from chalicelib.alerts.state import Transition, transition
from chalicelib.constraints import check_types, reference_days
from chalicelib.constraints.evaluation import Baseline
from chalicelib.constraints.measurement import Checks, Fingerprint, Measurement, Severity, Verdict
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.records import AlertState, Execution, FindingState, FingerprintStatus, Thresholds
from chalicelib.statistics.table import Table

HORIZON = 14  # days in which a fault may be found
SHARE_OF_COLUMNS = 0.5  # Evidently's default: a data set has drifted when half of its columns have
DATASET = Fingerprint(check_types.DRIFT, "half of the columns")


@dataclass(frozen=True)
class DayFindings:
    """What a person is told of one day that is new, at once or as a slow change; and the alerts that are open then."""

    sudden: frozenset[Fingerprint] = frozenset()
    slow: frozenset[Fingerprint] = frozenset()
    open: frozenset[Fingerprint] = frozenset()


Method = Callable[[Sequence[Day], int], Iterator[DayFindings]]  # the days in order, how many of them are the reference
Watch = Callable[[Fault | None, int], Iterable[DayFindings]]  # the year in which a fault begins on a day of this index
Scores = Sequence[Mapping[str, float]]  # of each day after the reference and each column; above 1 it is a finding


def by_reference_days(days: Sequence[Day], reference: int) -> Iterator[DayFindings]:
    """The rule that ships: compared with days of the same type, sudden drift told from slow drift."""
    watch = DayWatch([_day(one) for one in days[:reference]], _baseline(days[:reference]).constraints)
    for day in days[reference:]:
        moved, of_the_week = watch.evaluate(_day(day), day.table)
        slow = (item.subject for message in of_the_week for item in message.items if item.state == FindingState.NEW)
        named = frozenset(Fingerprint(check_types.SLOW_DRIFT, name) for name in slow)
        yield replace(_findings(moved), slow=named)


def _day(day: Day) -> reference_days.Day:
    return reference_days.Day(day.date, "1", dict(zip(day.table.names, day.table.columns, strict=True)))


def by_method(method: Method, days: Sequence[Day]) -> Watch:
    """A method, run once for each fault and date."""

    @cache
    def watch(fault: Fault | None, since: int) -> list[DayFindings]:
        end = len(days) if fault is None else since + HORIZON  # what comes later is not asked for
        return list(method(days_under(days, fault, since)[:end], REFERENCE_DAYS))

    return watch


def by_day(scores: Scores) -> Watch:
    """Every column above its threshold, every day."""

    def watch(fault: Fault | None, since: int) -> Iterator[DayFindings]:
        for day in _scores_under(scores, fault, since):
            loud = frozenset(Fingerprint(check_types.DRIFT, name) for name in day if day[name] > 1)
            yield DayFindings(sudden=loud, open=loud)

    return watch


def by_share(scores: Scores) -> Watch:
    """One finding, when at least half of the columns are above their thresholds."""

    def watch(fault: Fault | None, since: int) -> Iterator[DayFindings]:
        for day in _scores_under(scores, fault, since):
            drifted = sum(score > 1 for score in day.values()) >= SHARE_OF_COLUMNS * len(day)
            loud = frozenset([DATASET] if drifted else [])
            yield DayFindings(sudden=loud, open=loud)

    return watch


def by_alert_state(scores: Scores, factor: float) -> Watch:
    """Two of three days above `factor` times the threshold, by the alert state that ships."""

    def watch(fault: Fault | None, since: int) -> Iterator[DayFindings]:
        measured = (
            tuple(_measurement(name, score, factor) for name, score in day.items())
            for day in _scores_under(scores, fault, since)
        )
        return (told[0] for told in _told(([one] for one in measured), 24, Checks.DRIFT))

    return watch


def by_hard_checks(hours_of_days: Sequence[Sequence[tuple[Measurement, ...]]]) -> Watch:
    """The hard checks of each hour, as they ship."""

    def watch(fault: Fault | None, since: int) -> Iterator[DayFindings]:
        measured = (
            [_measured_under(hour, fault if number >= since else None) for hour in hours]
            for number, hours in enumerate(hours_of_days, REFERENCE_DAYS)
        )
        for told in _told(measured, 1, Checks.HARD):
            sudden = frozenset[Fingerprint]().union(*(hour.sudden for hour in told))
            yield DayFindings(sudden=sudden, open=told[-1].open)

    return watch


def either(*watches: Watch) -> Watch:
    """What any of them tells."""

    def watch(fault: Fault | None, since: int) -> Iterator[DayFindings]:
        for told in zip(*(one(fault, since) for one in watches), strict=False):  # a method ends early
            sudden, slow, still = zip(*((one.sudden, one.slow, one.open) for one in told), strict=True)
            yield DayFindings(*(frozenset[Fingerprint]().union(*sets) for sets in (sudden, slow, still)))

    return watch


def _told(
    measured: Iterable[Sequence[tuple[Measurement, ...]]], hours: int, checks: Checks
) -> Iterator[list[DayFindings]]:
    """What the windows of each day, of `hours` hours each, say that is new."""
    state, start = _no_alerts(), datetime(2013, 1, 1, tzinfo=UTC)
    for windows in measured:
        told = []
        for window in windows:
            moved = transition(state, _execution(window, start, hours, checks), Thresholds())
            state, start = moved.after, start + timedelta(hours=hours)
            told.append(_findings(moved))
        yield told


def _findings(moved: Transition) -> DayFindings:
    fingerprints = moved.after.fingerprints
    return DayFindings(
        sudden=frozenset(found.fingerprint for found in moved.new),
        open=frozenset(one for one, known in fingerprints.items() if known.state == FingerprintStatus.FIRING),
    )


def _scores_under(scores: Scores, fault: Fault | None, since: int) -> Iterator[dict[str, float]]:
    for number, day in enumerate(scores, REFERENCE_DAYS):
        names = names_under(fault if number >= since else None)
        yield {name: day[stands_for] for name, stands_for in names.items()}


def _measured_under(window: tuple[Measurement, ...], fault: Fault | None) -> tuple[Measurement, ...]:
    """The measurements of the columns of the model; those of a faulty column under the name of the one it harms."""
    harmed = fault.column if fault else ""
    wanted = set(names_under(fault).values())
    return tuple(
        found if found.feature in COLUMNS else msgspec.structs.replace(found, feature=harmed)
        for found in window
        if found.feature in wanted
    )


def _measurement(name: str, score: float, factor: float) -> Measurement:
    return Measurement(
        feature=name, check=check_types.DRIFT, kind="drift", expected=f"at most {factor}", observed=str(score),
        value=score, threshold=factor, violated=score > factor, severity=Severity.WARNING,
    )  # fmt: skip


def _execution(measured: tuple[Measurement, ...], start: datetime, hours: int, checks: Checks) -> Execution:
    verdict = Verdict.VIOLATIONS if any(found.violated for found in measured) else Verdict.OK
    return Execution(
        endpoint="flights", variant="AllTraffic", window_start=start, window_end=start + timedelta(hours=hours),
        window_closed=True, package_version="1", revision=1, baseline="v1", verdict=verdict, requests=1, rows=1,
        rejected={}, measurements=measured, parts=(), folder="", evaluated_at=start, checks_run=checks,
    )  # fmt: skip


def _no_alerts() -> AlertState:
    return AlertState(endpoint="flights", variant="AllTraffic")


def _baseline(days: Sequence[Day]) -> Baseline:
    past = Table.total(day.table for day in days)
    return Baseline(constraints=suggested_constraints(past), statistics=past)


def _start(day: Day) -> datetime:
    return datetime(day.date.year, day.date.month, day.date.day, tzinfo=UTC)


def model_monitor_scores(days: Sequence[Day]) -> Scores:
    """Model Monitor's documented rule: distance / comparison_threshold, Robust, against the pooled reference."""
    baseline = _baseline(days[:REFERENCE_DAYS])
    found = []
    for day in days[REFERENCE_DAYS:]:
        measured = judged(day.table, baseline, _start(day), 24, Checks.DRIFT).measurements
        scores = {one.feature: one.value / one.threshold for one in measured if one.value and one.threshold}
        found.append({name: scores.get(name, 0.0) for name in day.table.names})
    return found


def hard_measurements(days: Sequence[Day]) -> list[list[tuple[Measurement, ...]]]:
    """Of each day after the reference, of each hour: what the hard checks measure that could be evaluated."""
    baseline = _baseline(days[:REFERENCE_DAYS])
    return [
        [
            tuple(
                found for found in judged(hour, baseline, _start(day), 1, Checks.HARD).measurements if found.evaluated
            )
            for hour in day.hours
        ]
        for day in days[REFERENCE_DAYS:]
    ]

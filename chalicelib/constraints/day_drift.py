"""Drift of a day: whether it lies outside the reference days of its own type, and whether that is sudden or slow.

    reference + columns of a day -> compare_day -> DayComparison -> with the recent days -> sudden and slow drift

A day is outside when its distance from the reference days of its type is above the threshold of the feature: the
larger of comparison_threshold in constraints.json and the variation of the days themselves.

| from the reference days | from the recent days | vedette_sudden_drift_check         | vedette_slow_drift_check |
|-------------------------|----------------------|------------------------------------|--------------------------|
| within                  |                      | passed                             | passed                   |
| outside                 | outside, or none     | violated                           | violated                 |
| outside                 | within               | lasts: no new violation, not clean | violated                 |

Sudden drift alerts. Slow drift is information (`alerts.slow_drift`). Model Monitor's own baseline_drift_check stays in
the files; which features it alerts of, beside these two: `alert_above`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from msgspec import UNSET

from chalicelib.constraints import check_types
from chalicelib.constraints.constraints import Constraints, FeatureConstraints, Monitoring
from chalicelib.constraints.drift import GROSS_DRIFT
from chalicelib.constraints.measurement import Measurement, Severity
from chalicelib.constraints.reference_days import (
    MAX_LEARNED_FEATURES,
    MINIMUM_DAYS,
    Day,
    DayType,
    FeatureReference,
    Reference,
    comparable_values,
    is_like_other_type,
    recent_days,
)
from chalicelib.statistics import NUMERIC_TYPES, distances
from chalicelib.statistics.column import ColumnStatistics

MAX_HOLIDAYS = 5  # working days in a row
HOLIDAY_FEATURES, HOLIDAY_DISTANCE = 3, 0.1  # that a holiday needs where the number of rows says nothing


class FeatureDistance(NamedTuple):
    """How far a feature is from its reference days, and from how far on it is outside of them."""

    distance: float
    threshold: float

    @property
    def is_outside(self) -> bool:
        """Whether the day lies outside the reference days."""
        return self.distance > self.threshold


class DayComparison(NamedTuple):
    """A day compared with the reference days of its type."""

    reference: Reference
    date: date
    day_type: DayType
    features: Mapping[str, FeatureDistance]  # only those that the reference days can evaluate
    learning: tuple[str, ...] = ()  # those with values to compare, and too few reference days
    unreadable: str = ""  # why the reference days cannot be read: then the rule of the file decides
    recent: Sequence[Day] = ()  # see `reference_days.recent_days`

    @property
    def is_holiday(self) -> bool:
        """Whether the day was compared with days of another type than its weekday's."""
        return self.day_type != self.reference.calendar_type(self.date)

    @property
    def is_outside(self) -> bool:
        """Whether any feature is outside: only then do the recent days matter."""
        return any(one.is_outside for one in self.features.values())


def compare_day(
    reference: Reference,
    day: date,
    columns: Mapping[str, ColumnStatistics],
    constraints: Constraints,
    day_types_before: Callable[[], Iterable[tuple[date, str]]] = tuple,
) -> DayComparison:
    """Compare the columns of a day, by feature, with the reference days; `recent` is still empty.

    `day_types_before` gives the days before and the day type with which each was compared. It is called only if the day
    looks like a holiday: after too many of them it is none.
    """
    comparable = {
        feature.name: (feature, known)
        for feature in constraints.features
        if (known := reference.features.get(feature.name)) is not None
        and feature.name in columns
        and known.variation is not None
        and not known.varies_too_much
    }
    by_type = {
        day_type: {
            name: distance
            for name, (feature, known) in comparable.items()
            if (distance := _distance(feature, known.columns.get(day_type), columns[name])) is not None
        }
        for day_type in (DayType if reference.weekend else (DayType.WORKING,))
    }
    day_type = reference.calendar_type(day)
    if reference.weekend and _is_holiday(reference, day_type, columns, by_type):
        day_type = day_type if _too_many_holidays(reference, day_types_before()) else day_type.other
    features = {
        name: FeatureDistance(distance, _threshold(constraints.monitoring(feature), feature, known))
        for name, (feature, known) in comparable.items()
        if (distance := by_type[day_type].get(name)) is not None
    }
    learning = (
        feature.name
        for feature in constraints.features
        if (known := reference.features.get(feature.name)) is not None
        and known.missing_days
        and feature.name in columns
        and comparable_values(columns[feature.name], feature.inferred_type)
    )
    return DayComparison(reference, day, day_type, features, tuple(learning))


def _is_holiday(
    reference: Reference,
    day_type: DayType,
    columns: Mapping[str, ColumnStatistics],
    by_type: Mapping[DayType, Mapping[str, float]],
) -> bool:
    """Whether a day looks like one of the other type: by its features, and by its rows or by several features.

    One feature that moves towards its weekend values is no holiday, but a change that somebody should hear of.
    """
    names = sorted(by_type[day_type].keys() & by_type[day_type.other].keys())
    own, other = ([by_type[one][name] for name in names] for one in (day_type, day_type.other))
    if not is_like_other_type(own, other):
        return False
    by_volume = reference.volume_is_like_other_type(
        day_type, max((one.types.present + one.types.missing for one in columns.values()), default=0)
    )
    if by_volume is not None:
        return by_volume
    return sum(one > HOLIDAY_DISTANCE for one in own) >= HOLIDAY_FEATURES


def _too_many_holidays(reference: Reference, before: Iterable[tuple[date, str]]) -> bool:
    """Whether the last MAX_HOLIDAYS working days were holidays: then the traffic has changed."""
    working = sorted((day, kind) for day, kind in before if reference.calendar_type(day) == DayType.WORKING)
    last = [kind for _, kind in working[-MAX_HOLIDAYS:]]
    return last == [DayType.WEEKEND] * MAX_HOLIDAYS


def with_recent_days(compared: DayComparison, earlier: Sequence[Day]) -> DayComparison:
    """The comparison with the recent ones of the days before."""
    by_date = {day.date: day for day in earlier}
    recent = recent_days(compared.reference, compared.day_type, compared.date, by_date)
    return compared._replace(recent=[by_date[one] for one in recent])


def _distance(
    feature: FeatureConstraints, reference: ColumnStatistics | None, current: ColumnStatistics
) -> float | None:
    """The Robust distance of two columns; None where either has no values to compare."""
    if reference is None:
        return None
    if feature.inferred_type in NUMERIC_TYPES:
        return distances.numerical(reference.distribution, current.distribution)
    before, after = reference.categories.counts, current.categories.counts
    return None if before is None or after is None else distances.categorical(before, after)


def _threshold(monitoring: Monitoring, feature: FeatureConstraints, known: FeatureReference) -> float:
    of_file = monitoring.comparison_threshold
    if feature.inferred_type not in NUMERIC_TYPES and monitoring.categorical_drift_method != "ChiSquared":
        of_file = monitoring.categorical_comparison_threshold
    return max(of_file, known.variation or 0.0)


def day_drift_checks(
    feature: FeatureConstraints, current: ColumnStatistics, day: DayComparison, *, critical: bool
) -> Iterator[Measurement]:
    """vedette_sudden_drift_check and vedette_slow_drift_check of one feature; nothing while its days are learned."""
    found = day.features.get(feature.name)
    known = day.reference.features.get(feature.name)
    if known is None or known.missing_days:
        return
    days = f"{day.day_type}s"
    if found is None:  # an open alert must neither recover nor continue by what nobody could compare
        for check in (check_types.SUDDEN_DRIFT, check_types.SLOW_DRIFT):
            yield Measurement(
                feature=feature.name,
                check=check,
                kind="drift",
                expected=f"a distance from its {days}",
                observed="no distance",
                violated=False,
                evaluated=False,
            )
        return
    before = _from_recent(feature, current, day) if found.is_outside else None
    sudden = found.is_outside and (before is None or before > found.threshold)
    recently = "" if before is None else f", {before:.4g} from the last {days}"
    measured = Measurement(
        feature=feature.name,
        check=check_types.SUDDEN_DRIFT,
        kind="drift",
        expected=f"distance at most {found.threshold:.4g} from its {days}",
        observed=f"distance {found.distance:.4g}{recently}",
        value=found.distance,
        threshold=found.threshold,
        violated=sudden,
        lasts=found.is_outside and not sudden,
        severity=Severity.CRITICAL if critical else Severity.WARNING,
    )
    yield measured
    yield Measurement(
        feature=feature.name,
        check=check_types.SLOW_DRIFT,
        kind="drift",
        expected=measured.expected,
        observed=measured.observed,
        value=found.distance,
        threshold=found.threshold,
        violated=found.is_outside,
        severity=Severity.INFORMATION,
        reference_distances=known.day_distances or UNSET,
    )


def _from_recent(feature: FeatureConstraints, current: ColumnStatistics, day: DayComparison) -> float | None:
    columns = [column for one in day.recent if (column := one.columns.get(feature.name)) is not None]
    return _distance(feature, ColumnStatistics.total(columns), current) if columns else None


def alert_above(feature: str, day: DayComparison | None) -> float:
    """The distance above which a violation of baseline_drift_check alerts, and not only stands in the files.

    0 without reference days: a file judged by itself, or windows that are no days. Infinite where the days decide, or
    cannot decide since they differ too much.
    """
    if day is None or day.unreadable:
        return 0.0
    known = day.reference.features.get(feature)
    decided = feature in day.features or (known is not None and known.varies_too_much)
    return math.inf if decided else GROSS_DRIFT


def day_notes(day: DayComparison) -> Iterator[str]:
    """What the verdict of a day says about its reference days, one sentence each without a full stop."""
    known = day.reference.features
    if day.unreadable:
        yield f"the reference days cannot be read, so the rule of the file decides about drift: {day.unreadable}"
        return
    if day.is_holiday:
        yield f"{day.date} was compared with {day.day_type}s: its traffic is like theirs"
    if day.learning:
        features = f"{len(day.learning)} of {len(known)} features"
        days = min(len(known[name].days) for name in day.learning)
        yield f"learning: {days} of {MINIMUM_DAYS} days of {features} are known, so only gross drift alerts"
    if len(known) >= MAX_LEARNED_FEATURES:
        yield f"days of {MAX_LEARNED_FEATURES} features are known; of the others only gross drift alerts"
    yield from reference_notes(day.reference)


def reference_sentence(reference: Reference) -> str:
    """How many reference days there are, and whether two types differ; without a full stop.

    Examples
    --------
    >>> reference_sentence(Reference())
    '0 of 14 days are known: until then only gross drift alerts'
    """
    days = reference.known_days
    if days < MINIMUM_DAYS:
        return f"{days} of {MINIMUM_DAYS} days are known: until then only gross drift alerts"
    alike = "working days and weekend days differ" if reference.weekend else "all days are alike"
    return f"{days} reference days; {alike}"


def reference_notes(reference: Reference) -> Iterator[str]:
    """What a person should know before accepting these reference days, one sentence each without a full stop."""
    wild = {name: one.variation for name, one in reference.features.items() if one.varies_too_much}
    if wild:
        yield f"drift is not evaluated by the day, since their own days differ too much: {_named(wild)}"
    unstable = {
        name: one.halves
        for name, one in reference.features.items()
        if name not in wild and one.variation is not None and one.halves > max(0.1, one.variation)
    }
    if unstable:
        yield f"unstable: the second half of the reference days has drifted from the first: {_named(unstable)}"


def _named(features: Mapping[str, float | None]) -> str:
    worst = sorted(features.items(), key=lambda item: (-(item[1] or 0.0), item[0]))
    named = ", ".join(f"{name} ({value or 0.0:.2f})" for name, value in worst[:5])
    return named + (f" and {len(worst) - 5} more" if len(worst) > 5 else "")

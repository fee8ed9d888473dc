"""The reference days of an endpoint: what its days look like, by day type, and how much they differ by themselves.

    captured days -> learned -> Reference: for each feature the sum of its days by type, and their variation

| days of a feature           | drift of a day is                                                                   |
|-----------------------------|-------------------------------------------------------------------------------------|
| fewer than MINIMUM_DAYS     | shown, by the rule of constraints.json; only gross drift alerts: "learning"         |
| MINIMUM_DAYS to FULL_DAYS   | evaluated by these days; each new day that is like the first ones is one more       |
| FULL_DAYS, or LEARNED_WITHIN| evaluated by these days, which stay: only a person moves them                       |
| ... taken from a baseline   | the same, from MINIMUM_DAYS on                                                      |
| ... that differ too much    | not evaluated: no day would be outside (MAX_VARIATION)                              |
| ... of an output            | those of the model version that serves: a new version begins anew                   |

Two day types, working days and weekend days. Which weekdays are the weekend is found from the days: of WEEKENDS the one
under which a day is nearest to the other days of its type, if it is clearly nearer than to all days together. A day
that looks much more like a day of the other type counts as one: a holiday.

The variation of a feature is v = m + VARIATION_SDS * s, with m and s the mean and the standard deviation of the n
leave-one-out distances of its days (see `statistics.day_variation`). 28 days know s to 13 % only, and of many features
the one with the smallest s would alert first. So log s^2 is pulled towards the mean of all features, and m likewise, by
the share a = 2 / (n - 1) / V of the variance V of log s^2 between the features that is chance alone, at most 1:
features that vary alike share their knowledge, and features of different kinds keep their own.

References
----------
Smyth (2004), Linear Models and Empirical Bayes Methods (variances that borrow from each other).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, get_args

import msgspec
import numpy as np
from msgspec.structs import replace

from chalicelib.records import Record, Weekday
from chalicelib.statistics import NUMERIC_TYPES
from chalicelib.statistics.categories import Categories
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.day_variation import (
    DayCounts,
    between,
    categorical_days,
    from_groups,
    leave_one_out,
    numeric_days,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

MINIMUM_DAYS = 14
FULL_DAYS = 28
LEARNED_WITHIN = timedelta(days=2 * FULL_DAYS)  # a longer look would roll with the traffic, and read more each day
MINIMUM_DAY_VALUES = 100  # a day with fewer values of a feature is no reference day of it
MAX_LEARNED_FEATURES = 500  # so that FULL_DAYS days fit in the memory of a function
VARIATION_SDS = 2.7
MAX_VARIATION = 0.4  # a shift by one standard deviation is a distance of 0.38
RECENT_DAYS = 6  # of the same type, which drift that is sudden differs from
RECENT_LAG = 2  # days before a day that are not among them: they may have begun to drift already
WEEKENDS: tuple[tuple[int, ...], ...] = ((5, 6), (4, 5), (3, 4), (6,), (5,), (4,))  # weekdays, Monday is 0
_CLEARLY_NEARER = 0.95
_ALIKE_SDS = 5.0
_SMALLEST_VARIATION = 0.1  # the default of comparison_threshold
_SMALL_DISTANCE = 0.01  # smaller ones are alike
_SMALL_DEVIATION = 0.004  # ... of distances
_LIKE_OTHER_TYPE = 0.5
_VOLUME_RATIO = 1.25  # of the rows of two day types, beyond which they say which type a day has


WEEKDAYS = get_args(Weekday)


def weekdays(names: Iterable[str] | None) -> tuple[int, ...] | None:
    """Weekdays by their names, Monday is 0; None stays None.

    Examples
    --------
    >>> weekdays(["saturday", "friday"]), weekdays(None)
    ((4, 5), None)
    """
    return None if names is None else tuple(sorted(map(WEEKDAYS.index, names)))


class DayType(StrEnum):
    """Which days are alike."""

    WORKING = "working day"
    WEEKEND = "weekend day"

    @property
    def other(self) -> DayType:
        """The other type."""
        return DayType.WORKING if self == DayType.WEEKEND else DayType.WEEKEND


class Day(NamedTuple):
    """One captured day."""

    date: date
    version: str  # of the model that served
    columns: Mapping[str, ColumnStatistics]  # by feature


class FeatureReference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The reference days of one feature."""

    since: date  # the first day that may be one
    version: str = ""  # of the model whose days they are, for an output
    numeric: bool = True  # compared as numbers, else as categories
    taken_over: bool = False  # learned from captures elsewhere, whose statistics are not stored here: they stay
    days: tuple[date, ...] = ()
    variation: float | None = None  # None: fewer than MINIMUM_DAYS
    day_distances: tuple[float, float] | None = None  # of a day from the others, the smallest and the largest
    halves: float = 0.0  # the distance of the first half of the days from the second
    columns: dict[DayType, ColumnStatistics] = {}  # the sum of the days of a type
    days_of_type: dict[DayType, int] = {}

    @property
    def missing_days(self) -> int:
        """How many days are missing before drift is evaluated by them."""
        return max(0, MINIMUM_DAYS - len(self.days))

    def is_complete(self, today: date) -> bool:
        """Whether no more days are taken in."""
        late = len(self.days) >= MINIMUM_DAYS and (self.taken_over or today - self.days[0] > LEARNED_WITHIN)
        return late or len(self.days) >= FULL_DAYS

    @property
    def varies_too_much(self) -> bool:
        """Whether the days differ so much that no day would be outside of them."""
        return self.variation is not None and self.variation > MAX_VARIATION


class Reference(Record, frozen=True, kw_only=True):
    """The reference days of the features of one endpoint and variant."""

    weekend: tuple[int, ...] | None = None  # weekdays, Monday is 0; () when all days are alike, None before it is known
    features: dict[str, FeatureReference] = {}

    @property
    def known_days(self) -> int:
        """The reference days of the feature that has most."""
        return max((len(one.days) for one in self.features.values()), default=0)

    def calendar_type(self, day: date) -> DayType:
        """The type of a day by its weekday."""
        return DayType.WEEKEND if day.weekday() in (self.weekend or ()) else DayType.WORKING

    def volume_is_like_other_type(self, day_type: DayType, rows: int) -> bool | None:
        """Whether a day has as many rows as one of the other type; None where both types have about as many.

        Examples
        --------
        >>> types = {DayType.WORKING: 20 * 900, DayType.WEEKEND: 8 * 300}
        >>> columns = {one: ColumnStatistics.all_missing(rows) for one, rows in types.items()}
        >>> days = tuple(date(2026, 3, 2) + timedelta(days=number) for number in range(28))
        >>> counted = {DayType.WORKING: 20, DayType.WEEKEND: 8}
        >>> feature = FeatureReference(since=days[0], days=days, columns=columns, days_of_type=counted)
        >>> reference = Reference(weekend=(5, 6), features={"x": feature})
        >>> [reference.volume_is_like_other_type(DayType.WORKING, rows) for rows in (400, 800)]
        [True, False]
        """
        for one in self.features.values():
            if len(one.columns) < 2:
                continue
            own, other = (self._rows_a_day(one, of_type) for of_type in (day_type, day_type.other))
            if max(own, other) < _VOLUME_RATIO * min(own, other):
                return None
            return abs(math.log(max(rows, 1) / other)) < abs(math.log(max(rows, 1) / own))
        return None

    def _rows_a_day(self, feature: FeatureReference, day_type: DayType) -> float:
        types = feature.columns[day_type].types
        return max(1.0, (types.present + types.missing) / max(feature.days_of_type.get(day_type, 0), 1))

    def regrouped(self) -> Reference:
        """The reference whose same days are to be learned again, because the weekend is another one."""
        again = {
            name: one
            if one.taken_over
            else FeatureReference(since=min(one.days, default=one.since), numeric=one.numeric)
            for name, one in self.features.items()
        }
        return replace(self, weekend=None, features=again)

    def taken_over(self) -> Reference:
        """The features with enough days, as days that stay: their statistics are not stored here."""
        enough = {name: replace(one, taken_over=True) for name, one in self.features.items() if not one.missing_days}
        return replace(self, features=enough)

    def restarted(self, since: date, features: Iterable[str] = ()) -> Reference:
        """The reference without the days of some features, or of all, which begin anew on a day.

        Examples
        --------
        >>> reference = Reference(features={"x": FeatureReference(since=date(2026, 3, 2), days=(date(2026, 3, 3),))})
        >>> reference.restarted(date(2026, 4, 1)).features["x"].days
        ()
        """
        chosen = set(features) or set(self.features)
        known = self.features
        anew = {
            name: FeatureReference(since=since, numeric=name not in known or known[name].numeric) for name in chosen
        }
        return replace(self, weekend=self.weekend if features else None, features={**self.features, **anew})


def needed_since(
    reference: Reference, types: Mapping[str, str], today: date, *, outputs: Collection[str] = (), version: str = ""
) -> date | None:
    """The first day whose statistics `learned` needs, with the same arguments; None when every feature is complete.

    A feature that the reference does not know yet takes the last FULL_DAYS days, if the endpoint has them.

    Examples
    --------
    >>> needed_since(Reference(), {"x": "Integral"}, date(2026, 3, 29))
    datetime.date(2026, 3, 1)
    """
    known = [
        _begun(
            reference.features.get(name),
            today,
            version if name in outputs else "",
            numeric=types[name] in NUMERIC_TYPES,
        )
        for name in list(types)[:MAX_LEARNED_FEATURES]
    ]
    first = min((one.since for one in known if not one.is_complete(today)), default=None)
    return None if first is None else max(first, today - LEARNED_WITHIN)


def _begun(known: FeatureReference | None, today: date, version: str, *, numeric: bool) -> FeatureReference:
    """The reference days of a feature so far; none when they are not known, or of another kind or model version."""
    if known is None or known.numeric != numeric:
        return FeatureReference(since=today - timedelta(days=FULL_DAYS), version=version, numeric=numeric)
    if known.version == version:
        return known
    if not known.version:  # learned from captures, which do not say which version answered
        return replace(known, version=version)
    return FeatureReference(since=max(known.days, default=known.since), version=version, numeric=numeric)


def learned(
    reference: Reference,
    days: Sequence[Day],
    types: Mapping[str, str],
    today: date,
    *,
    outputs: Collection[str] = (),
    version: str = "",
    weekend: tuple[int, ...] | None = None,
) -> Reference:
    """The reference with the days before `today` taken in.

    Parameters
    ----------
    days
        The captured days since `needed_since`, in order, without those on which two versions served.
    types
        The inferred type of each feature that can be compared, in the order of constraints.json. Others stay as they
        are.
    outputs, version
        The features that are outputs, and the model version that serves: only its days count for them.
    weekend
        The weekdays of the weekend, where a person has set them.
    """
    names = list(types)[:MAX_LEARNED_FEATURES]
    kept = dict(reference.features)
    taken: dict[str, list[Day]] = {}
    for name in names:
        of_version = version if name in outputs else ""
        one = kept[name] = _begun(kept.get(name), today, of_version, numeric=types[name] in NUMERIC_TYPES)
        since = max(one.since, today - LEARNED_WITHIN)
        usable = (day for day in days if since <= day.date < today and _has_values(day, name, types[name]))
        if not one.is_complete(today):
            taken[name] = [day for day in usable if not of_version or day.version == of_version]
    counts = {name: _counts([day.columns[name] for day in found], types[name]) for name, found in taken.items()}
    dates = {name: [day.date for day in found] for name, found in taken.items()}
    if weekend is None:
        # The sums of a feature that is not learned again are those of the weekend that was found before.
        is_settled = any(one.days and name not in taken for name, one in kept.items())
        weekend = reference.weekend if is_settled else None
        weekend = found_weekend(counts, dates) if weekend is None else weekend
    groups = _groups(counts, dates, weekend or ())
    halves = {name: _halves(counts[name]) for name, found in taken.items() if len(found) >= MINIMUM_DAYS}
    for name, found in list(taken.items()):
        alike = _alike(counts[name], groups[name])[:FULL_DAYS]
        # A late revision of an earlier day sees fewer days than are known.
        if MINIMUM_DAYS <= len(kept[name].days) > len(alike):
            del taken[name]
            continue
        taken[name] = [found[at] for at in alike]
        counts[name] = DayCounts(counts[name].counts[alike], counts[name].totals[alike])
        groups[name] = [groups[name][at] for at in alike]
    distances = {name: leave_one_out(counts[name], groups[name]) for name in taken}
    variations = _variations(distances)
    for name, found in taken.items():
        of_feature = _with_days(kept[name], found, name, groups[name])
        if of_feature.columns:
            of_feature = replace(of_feature, variation=variations[name], day_distances=_range(distances[name]))
        kept[name] = replace(of_feature, halves=halves.get(name, 0.0))
    return replace(reference, weekend=weekend, features=kept)


def _alike(counts: DayCounts, groups: Sequence[int]) -> list[int]:
    """The positions of the days that may be reference days: the first MINIMUM_DAYS, and later ones that are like them.

    A fault that begins while the days are learned must not become the reference that hides it. The bound is wide: cut
    close, it would take the extremes of usual days away, and the variation would be too small.
    """
    first = list(range(min(MINIMUM_DAYS, len(groups))))
    later = range(len(first), len(groups))
    if not later:
        return first
    own = leave_one_out(DayCounts(counts.counts[first], counts.totals[first]), [groups[at] for at in first])
    own = own[np.isfinite(own)]
    allowed = max(_SMALLEST_VARIATION, float(own.mean() + _ALIKE_SDS * own.std(ddof=1)) if len(own) > 1 else 1.0)
    provisional = [groups[at] if at < len(first) else len(DayType) + at for at in range(len(groups))]
    to_first = {group: from_groups(counts, provisional, group) for group in set(groups)}
    return [*first, *(at for at in later if not to_first[groups[at]][at] > allowed)]


def _halves(counts: DayCounts) -> float:
    """The distance of the first half of the days from the second, of those too that are no reference days."""
    days = min(len(counts.totals), FULL_DAYS)
    first = [position < days // 2 for position in range(days)]
    return round(between(DayCounts(counts.counts[:days], counts.totals[:days]), first), 6)


def _range(distances: NDArray[np.float64]) -> tuple[float, float] | None:
    """The smallest and the largest distance of a day from the others; None where no day has others.

    Examples
    --------
    >>> _range(np.array([0.02, np.nan, 0.0512])), _range(np.array([np.nan]))
    ((0.02, 0.0512), None)
    """
    known = distances[np.isfinite(distances)]
    return (round(float(known.min()), 6), round(float(known.max()), 6)) if len(known) else None


def _with_days(before: FeatureReference, found: Sequence[Day], name: str, groups: list[int]) -> FeatureReference:
    """The reference with the sums of its days, which `variation` is not yet known of."""
    enough = len(found) >= MINIMUM_DAYS
    return replace(
        before,
        days=tuple(day.date for day in found),
        variation=None,
        day_distances=None,
        columns=_sums(found, name, groups) if enough else {},
        days_of_type={one: groups.count(at) for at, one in enumerate(DayType) if at in groups} if enough else {},
    )


def _has_values(day: Day, name: str, kind: str) -> bool:
    column = day.columns.get(name)
    return column is not None and comparable_values(column, kind) >= MINIMUM_DAY_VALUES


def comparable_values(column: ColumnStatistics, kind: str) -> int:
    """How many values of a column can be compared; 0 when it holds free text, or is private."""
    if kind in NUMERIC_TYPES:
        return column.distribution.count
    return sum((column.categories.counts or {}).values())


def _counts(columns: Sequence[ColumnStatistics], kind: str) -> DayCounts:
    if kind in NUMERIC_TYPES:
        return numeric_days([column.distribution for column in columns])
    return categorical_days([column.categories.counts or {} for column in columns])


def found_weekend(counts: Mapping[str, DayCounts], dates: Mapping[str, Sequence[date]]) -> tuple[int, ...] | None:
    """The weekdays whose days differ from the others, of WEEKENDS; () when there are none, None with too few days."""
    known = [name for name in counts if len(dates[name]) >= MINIMUM_DAYS]
    if not known:
        return None

    def mean_distances(weekend: tuple[int, ...]) -> NDArray[np.float64]:
        found = [np.nanmean(leave_one_out(counts[name], _calendar_groups(dates[name], weekend))) for name in known]
        return np.array(found) + _SMALL_DISTANCE

    together = mean_distances(())
    ratios = {weekend: float(np.mean(mean_distances(weekend) / together)) for weekend in WEEKENDS}
    nearest = min(WEEKENDS, key=lambda weekend: ratios[weekend])
    return nearest if ratios[nearest] < _CLEARLY_NEARER else ()


def _calendar_groups(days: Iterable[date], weekend: tuple[int, ...]) -> list[int]:
    """1 for each day of the weekend, else 0."""
    return [int(day.weekday() in weekend) for day in days]


def _groups(
    counts: Mapping[str, DayCounts], dates: Mapping[str, Sequence[date]], weekend: tuple[int, ...]
) -> dict[str, list[int]]:
    """The day type of each day of each feature: by the calendar, and holidays as the type that they look like."""
    groups = {name: _calendar_groups(dates[name], weekend) for name in counts}
    if not weekend:
        return groups
    own: dict[date, list[float]] = {}
    other: dict[date, list[float]] = {}
    for name, of_days in counts.items():
        if len(dates[name]) < MINIMUM_DAYS:
            continue
        to_group = [from_groups(of_days, groups[name], group) for group in (0, 1)]
        for position, day in enumerate(dates[name]):
            group = groups[name][position]
            own.setdefault(day, []).append(float(to_group[group][position]))
            other.setdefault(day, []).append(float(to_group[1 - group][position]))
    holidays = {day for day in own if is_like_other_type(own[day], other[day])}
    return {
        name: [1 - group if day in holidays else group for day, group in zip(dates[name], of_feature, strict=True)]
        for name, of_feature in groups.items()
    }


def is_like_other_type(own: Sequence[float], other: Sequence[float]) -> bool:
    """Whether a day looks much more like a day of the other type, by its distances from both, one of each feature.

    Examples
    --------
    >>> is_like_other_type([0.2, 0.3], [0.0, 0.1]), is_like_other_type([0.2, 0.3], [0.0, 0.29])
    (True, False)
    """
    return float(np.nansum(other)) < _LIKE_OTHER_TYPE * float(np.nansum(own))


def _variations(distances: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """The variation of each feature; see the docstring of the module. 0 of a feature with a single distance."""
    known = {name: one for name, days in distances.items() if len(one := days[np.isfinite(days)]) > 1}
    if not known:
        return dict.fromkeys(distances, 0.0)
    means = np.array([one.mean() for one in known.values()])
    logs = np.log(np.maximum([one.var(ddof=1) for one in known.values()], _SMALL_DEVIATION**2))
    chance = float(np.mean([2 / (len(one) - 1) for one in known.values()]))
    share = min(1.0, chance / max(float(logs.var(ddof=1)), 1e-9)) if len(logs) > 1 else 0.0
    means = (1 - share) * means + share * means.mean()
    deviations = np.exp(((1 - share) * logs + share * logs.mean()) / 2)
    found = dict(zip(known, (means + VARIATION_SDS * deviations).round(6).tolist(), strict=True))
    return {name: found.get(name, 0.0) for name in distances}


def _sums(days: Sequence[Day], name: str, groups: Sequence[int]) -> dict[DayType, ColumnStatistics]:
    """The sum of the days of each type: of a feature only what a distance needs."""
    return {
        day_type: ColumnStatistics.total(
            [_compared(day.columns[name]) for day, of_day in zip(days, groups, strict=True) if of_day == group]
        )
        for group, day_type in enumerate(DayType)
        if group in groups
    }


def _compared(column: ColumnStatistics) -> ColumnStatistics:
    categories = column.categories if column.categories.counts is not None else Categories.unknown()
    return ColumnStatistics(types=column.types, distribution=column.distribution, categories=categories)


def recent_days(reference: Reference, day_type: DayType, day: date, captured: Iterable[date]) -> list[date]:
    """The days whose sum shows what was usual just before a day: the last RECENT_DAYS of its type, before RECENT_LAG.

    Examples
    --------
    >>> known = [date(2026, 3, number) for number in range(2, 21)]
    >>> [one.day for one in recent_days(Reference(weekend=(5, 6)), DayType.WEEKEND, date(2026, 3, 21), known)]
    [15, 14, 8, 7]
    """
    until = day - timedelta(days=RECENT_LAG)
    alike = (one for one in captured if one < until and reference.calendar_type(one) == day_type)
    return sorted(alike, reverse=True)[:RECENT_DAYS]

"""Compares a day with the reference days of its variant, which take in the days before it until they are complete.

| window                                | outcome                                                                     |
|---------------------------------------|-----------------------------------------------------------------------------|
| not a day long, or very many features | None: the rule of constraints.json decides about drift                      |
| of a variant with history             | the reference days are its last days, at once                               |
| while they are not complete           | the days before this one are taken in, and stored                           |
| outside the reference days            | the days just before it are read, to tell sudden drift from slow drift      |
| whose reference days cannot be read   | the rule of constraints.json decides; a note, the log and a metric say so   |
| ... and the fleet sets a weekend      | the same days are grouped again                                             |

The statistics of a day are those beside its verdict, so a day costs one read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import islice

from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.day_drift import DayComparison, compare_day
from chalicelib.constraints.evaluation import Baseline, features_of
from chalicelib.constraints.reference_days import (
    FULL_DAYS,
    MAX_LEARNED_FEATURES,
    DayType,
    Reference,
    comparable_values,
    learned,
    needed_since,
    recent_days,
    weekdays,
)
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import UnreadableFile
from chalicelib.observability import count, logger
from chalicelib.registry.versions import MIXED
from chalicelib.window import DAY, Window

MAX_FEATURES = 2_000  # beyond it the statistics of a day are too large to read several of them


def compared_day(
    run: EndpointRun, variant: str, window: Window, summary: CaptureSummary, baseline: Baseline, version: str
) -> DayComparison | None:
    """How a closed window compares with the reference days of its variant; None where it is no day."""
    if window.length != DAY or not summary.rows or len(baseline.constraints.features) > MAX_FEATURES:
        return None
    today, store = window.start.date(), run.stores.reference_days
    columns, outputs = features_of(summary, baseline)
    types = {
        name: kind
        for name, kind in baseline.constraints.types.items()
        if name in columns and comparable_values(columns[name], kind)
    }
    types = dict(islice(types.items(), MAX_LEARNED_FEATURES))
    try:
        reference = up_to_date(run, variant, today, types, outputs, version)
    except UnreadableFile as error:
        logger.error("reference days cannot be read", endpoint=run.endpoint, variant=variant, reason=str(error))
        count("ReferenceDaysUnreadable")
        return DayComparison(Reference(), today, DayType.WORKING, {}, unreadable=str(error))

    def day_types_before() -> list[tuple[date, str]]:
        earlier = run.stores.executions.of_windows(run.endpoint, variant, window.start - 14 * DAY, window.start, DAY)
        return [(one.window_start.date(), one.day_type) for one in earlier]

    compared = compare_day(reference, today, columns, baseline.constraints, day_types_before)
    if not compared.is_outside:
        return compared
    captured = {one.date: one for one in store.captured(run.endpoint, variant, today - FULL_DAYS * DAY, today)}
    recent = recent_days(reference, compared.day_type, today, captured)
    outside = {name for name, one in compared.features.items() if one.is_outside}
    return compared._replace(recent=tuple(store.read((captured[one] for one in recent), outside)))


def up_to_date(
    run: EndpointRun, variant: str, today: date, types: Mapping[str, str], outputs: frozenset[str], version: str
) -> Reference:
    """The reference days of a variant with the days before `today` taken in, and stored if that changed them.

    `types` are the inferred types of the features that can be compared. A late revision of a day that lies before the
    last reference day changes nothing.

    Raises
    ------
    UnreadableFile
        When what is stored is damaged, or of a newer Vedette.
    """
    store = run.stores.reference_days
    before = store.get(run.endpoint, variant) or Reference()
    known_days = [day for one in before.features.values() for day in one.days]
    if today <= max(known_days, default=date.min):
        return before
    weekend = weekdays(run.entry.weekend)

    def taken_in(known: Reference, since: date, until: date) -> Reference:
        captured = store.captured(run.endpoint, variant, since, until)
        days = list(store.read((one for one in captured if one.version != MIXED), types))
        return learned(known, days, types, until, outputs=outputs, version=version, weekend=weekend)

    after = before
    if weekend is not None and before.weekend not in (None, weekend):
        after = taken_in(before.regrouped(), min(known_days, default=today), max(known_days, default=today) + DAY)
    since = needed_since(after, types, today, outputs=outputs, version=version)
    if since is not None:
        after = taken_in(after, since, today)
    if after != before:
        store.put(run.endpoint, variant, after)
    return after

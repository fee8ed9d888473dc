"""Compares a day with the reference days of its variant, which take in the days before it until they are complete.

| window                                | outcome                                                                     |
|---------------------------------------|-----------------------------------------------------------------------------|
| not a day long, or without statistics | None: the rule of constraints.json decides about drift                      |
| of a variant with history             | the reference days are its last days, at once                               |
| while they are not complete           | the days before this one are taken in, and stored                           |
| outside the reference days            | the days just before it are read, to tell sudden drift from slow drift      |

The statistics of a day are those beside its verdict, so a day costs one read.
"""

from __future__ import annotations

from datetime import date

from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.day_drift import DayComparison, compare_day
from chalicelib.constraints.evaluation import Baseline, features_of
from chalicelib.constraints.reference_days import (
    FULL_DAYS,
    Reference,
    learned,
    needed_since,
    recent_days,
    weekdays,
)
from chalicelib.endpoint_run import EndpointRun
from chalicelib.stores.reference_days import DAY
from chalicelib.window import Window


def compared_day(
    run: EndpointRun, variant: str, window: Window, summary: CaptureSummary, baseline: Baseline, version: str
) -> DayComparison | None:
    """How a closed window compares with the reference days of its variant; None where it is no day."""
    if window.length != DAY or not summary.rows:
        return None
    today, store = window.start.date(), run.stores.reference_days
    columns, outputs = features_of(summary, baseline)
    reference = up_to_date(run, variant, today, baseline.constraints, outputs, version)
    compared = compare_day(reference, today, columns, baseline.constraints)
    if not compared.is_outside:
        return compared
    captured = {one.date: one for one in store.captured(run.endpoint, variant, today - FULL_DAYS * DAY, today)}
    recent = recent_days(reference, compared.day_type, today, captured)
    return compared._replace(recent=tuple(store.read(captured[one] for one in recent)))


def up_to_date(
    run: EndpointRun, variant: str, today: date, constraints: Constraints, outputs: frozenset[str], version: str
) -> Reference:
    """The reference days of a variant with the days before `today` taken in, and stored if that changed them."""
    store = run.stores.reference_days
    before = store.get(run.endpoint, variant) or Reference()
    weekend = weekdays(run.entry.weekend)
    if weekend is not None and before.weekend not in (None, weekend):
        before = before.restarted(today - FULL_DAYS * DAY)
    types = {feature.name: feature.inferred_type for feature in constraints.features}
    since = needed_since(before, types, today, outputs=outputs, version=version)
    if since is None:
        return before
    days = list(store.read(store.captured(run.endpoint, variant, since, today)))
    after = learned(before, days, types, today, outputs=outputs, version=version, weekend=weekend)
    if after != before:
        store.put(run.endpoint, variant, after)
    return after

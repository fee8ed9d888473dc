"""The reference days of an endpoint, learned from its stored parts: what it captured before Vedette evaluated it.

The functions learn from the statistics of the days that they have evaluated. An endpoint with history has parts of
earlier days (`vedette backfill`), so that it need not wait for 28 more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time

import msgspec

from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints import check_types
from chalicelib.constraints.day_drift import reference_notes, reference_sentence
from chalicelib.constraints.evaluation import Baseline, features_of
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.constraints.reference_days import (
    FULL_DAYS,
    MINIMUM_DAYS,
    Day,
    Reference,
    learned,
    weekdays,
)
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.records import FingerprintStatus, FleetEntry
from chalicelib.registry.versions import MIXED
from chalicelib.services import aggregation, serving
from chalicelib.services.window_evaluation import EvaluationContext
from chalicelib.stores.baselines import VersionedBaseline
from chalicelib.window import DAY, Window
from vedette.operations import baselines
from vedette.operations.baselines import Accepted

Advance = Callable[[int], None]


class SummedDay(msgspec.Struct, frozen=True):
    """What was captured on one day."""

    date: date
    version: str  # of the model that served; "mixed" when there were two
    summary: CaptureSummary

    def named(self, baseline: Baseline) -> Day:
        """The day under a baseline's names."""
        columns, _ = features_of(self.summary, baseline)
        return Day(self.date, self.version, columns)


class LearnedDays(msgspec.Struct, frozen=True, kw_only=True):
    """The reference days of one variant that were learned."""

    variant: str
    sentence: str
    notes: tuple[str, ...]  # what a person should know before accepting them


def summed_days(
    run: EndpointRun,
    variant: str,
    since: date,
    until: date,
    served: Callable[[Window], Sequence[str]],
    advance: Advance = lambda parts: None,
) -> Iterator[SummedDay]:
    """The days of [since, until) of which parts are stored, in order; `served` says which versions answered then."""
    for number in range((until - since).days):
        window = Window(datetime.combine(since + number * DAY, time(), UTC), DAY)
        keys = run.stores.parts.keys(run.endpoint, variant, window.start, window.end)
        if not keys:
            continue
        versions = served(window)
        version = versions[0] if len(versions) == 1 else MIXED
        yield SummedDay(window.start.date(), version, aggregation.window_sum(run, variant, keys).summary)
        advance(len(keys))


def learn(entry: FleetEntry, now: datetime, advance: Advance = lambda parts: None) -> list[LearnedDays]:
    """Learn the reference days of each variant from the last days, and store them; nothing without a baseline.

    A variant that has reference days already keeps them.
    """
    stored = baselines.current(entry.endpoint)
    if stored is None:
        return []
    run, baseline, today = EndpointRun.without_deadline(entry), baselines.as_baseline(stored), now.date()
    store, served = run.stores.reference_days, EvaluationContext(run, VersionedBaseline("", baseline)).served
    found = []
    for variant in run.stores.parts.variants(entry.endpoint):
        if (known := store.get(entry.endpoint, variant)) is not None and known.known_days >= MINIMUM_DAYS:
            continue
        days = list(summed_days(run, variant, today - FULL_DAYS * DAY, today, served, advance))
        if not days:
            continue
        reference = _learned(entry, baseline, days, today)
        if reference.known_days >= MINIMUM_DAYS:
            store.put(entry.endpoint, variant, reference.taken_over())
        found.append(_described(variant, reference))
    return found


def _learned(entry: FleetEntry, baseline: Baseline, days: list[SummedDay], today: date) -> Reference:
    types = baseline.constraints.types
    _, outputs = features_of(days[-1].summary, baseline)
    return learned(
        Reference(),
        [day.named(baseline) for day in days if day.version != MIXED],
        types,
        today,
        outputs=outputs,
        version=days[-1].version,
        weekend=weekdays(entry.weekend),
    )


def _described(variant: str, reference: Reference) -> LearnedDays:
    return LearnedDays(variant=variant, sentence=reference_sentence(reference), notes=tuple(reference_notes(reference)))


def take(entry: FleetEntry, reference: Reference) -> None:
    """Let the reference days of a baseline from another place be those of every variant of an endpoint."""
    run = EndpointRun.without_deadline(entry)
    for variant in {*run.stores.parts.variants(entry.endpoint), *serving.variants_now(run)}:
        run.stores.reference_days.put(entry.endpoint, variant, reference.taken_over())


def restart(endpoint: str, accepted: Accepted) -> None:
    """Let the reference days of the features whose drift is accepted start again with the days that were accepted.

    A feature begins with the first window of its open alert of sudden drift, another one MINIMUM_DAYS before the end of
    the accepted window: then they can be evaluated at once.
    """
    stores = stage_stores()
    otherwise = accepted.end.date() - MINIMUM_DAYS * DAY
    for variant in stores.parts.variants(endpoint):  # they share the baseline
        reference = stores.reference_days.get(endpoint, variant)
        if reference is None:
            continue
        state, _ = stores.alert_states.get(endpoint, variant)
        alerts = state.fingerprints if state else {}
        for name in accepted.drift:
            alert = alerts.get(Fingerprint(check_types.SUDDEN_DRIFT, name))
            is_open = alert is not None and alert.state != FingerprintStatus.PENDING
            reference = reference.restarted(alert.since.date() if alert and is_open else otherwise, [name])
        stores.reference_days.put(endpoint, variant, reference)

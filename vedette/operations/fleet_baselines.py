"""The baselines that the fleet names, put in force by `vedette apply` on the endpoints that it watches.

| in force                                        | the baseline of the fleet                                     |
|-------------------------------------------------|---------------------------------------------------------------|
| nothing                                         | comes into force                                              |
| the same constraints and statistics             | is in force                                                   |
| an earlier one of the fleet                     | comes into force                                              |
| one that a person or a model version brought,   |                                                               |
| ... and the fleet names another one than before | comes into force: the fleet is the later decision             |
| ... and the fleet names the same as before      | does not: the other decision came later, and `apply` says so  |

An entry may name two: of captured data, and in its quality table of model quality.

Where Vedette deploys, the baseline follows the served version (`services.baseline_assignment`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

import msgspec

from chalicelib import locations
from chalicelib.alerts.sanitize import sanitize
from chalicelib.errors import VedetteError
from chalicelib.records import BaselineInForce, FleetEntry, Mode
from vedette.operations import aws, baselines, quality_baselines, reference_days, watching
from vedette.operations.baselines import Stored
from vedette.operations.quality_baselines import StoredQuality

Advance = Callable[[int], None]


class Outcome(StrEnum):
    """What becomes of a baseline that the fleet names."""

    COMES = "comes into force"
    IN_FORCE = "is in force"
    KEPT = "another one stays in force"
    MISSING = "does not exist"


class FleetBaseline(msgspec.Struct, frozen=True, kw_only=True):
    """The baseline that one entry names, and what is in force now."""

    entry: FleetEntry
    place: str
    outcome: Outcome
    baseline: Stored | StoredQuality | None = None  # None if it does not exist
    before: Stored | StoredQuality | None = None

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        return self.entry.endpoint

    @property
    def replaces_decision(self) -> bool:
        """Whether it replaces a baseline that was not the fleet's."""
        named = self.before.named if self.before else None
        return self.outcome == Outcome.COMES and named is not None and not named.fleet_baseline

    @property
    def is_said(self) -> bool:
        """Whether a person should read about it alone, and not only in the summary."""
        return self.outcome in {Outcome.KEPT, Outcome.MISSING} or self.replaces_decision

    def __str__(self) -> str:
        name, now = self.endpoint, self.before.named if self.before else None
        if self.outcome == Outcome.MISSING:
            return f"{name}: there is no baseline at {self.place}; {_what_stays(now)}"
        if self.outcome == Outcome.KEPT:
            return (
                f"{name}: {_what_stays(now)}; `vedette constraints use {name} --from {self.place} --reason ...` takes"
                " the fleet's"
            )
        if self.replaces_decision and now:
            return f"{name}: the baseline at {self.place} replaces {now.version}, put in force by {now.by}{_why(now)}"
        return f"{name}: the baseline at {self.place} {self.outcome}"


def planned(
    before: Iterable[FleetEntry], after: Iterable[FleetEntry], advance: Advance = lambda done: None
) -> list[FleetBaseline]:
    """Read every baseline that the entries name, and decide; nothing is written.

    Raises
    ------
    VedetteError
        With one line for each baseline that exists and cannot be read.
    """
    known = {entry.endpoint: entry for entry in before}
    found: list[FleetBaseline] = []
    errors: list[str] = []
    for entry in after:
        earlier = known.get(entry.endpoint)
        for plan, named in ((_planned, _named), (_planned_quality, _named_quality)):
            if not named(entry)[0]:
                continue
            advance(1)
            try:
                one = plan(entry, is_new=earlier is None or named(earlier) != named(entry))
            except VedetteError as error:
                errors.append(f"{entry.endpoint}: {error}")
                continue
            if entry.mode != Mode.DEPLOY:
                found.append(one)
    if errors:
        raise VedetteError("\n".join(["The fleet names baselines that cannot be read:", *errors]))
    return found


def put_in_force(found: Sequence[FleetBaseline], advance: Advance = lambda done: None) -> None:
    """Store the baselines that come into force; one that was put in force already is not stored again.

    Raises
    ------
    NotReady
        If somebody else changed the baseline of an endpoint meanwhile. Those before it are in force.
    """
    for one in found:
        if one.outcome != Outcome.COMES or one.baseline is None:
            continue
        etag = one.before.etag if one.before else ""
        content = one.baseline
        reason = f"the fleet: {one.place}"
        if isinstance(content, StoredQuality):
            of_quality = (content.constraints, content.statistics, reason, etag)
            quality_baselines.keep(one.endpoint, *of_quality, fleet_baseline=one.place)
            advance(1)
            continue
        baselines.keep(one.endpoint, content.constraints, content.statistics, reason, etag, fleet_baseline=one.place)
        if content.reference:
            reference_days.take(one.entry, content.reference)
        advance(1)


def coming(found: Iterable[FleetBaseline]) -> int:
    """How many come into force."""
    return sum(one.outcome == Outcome.COMES for one in found)


def summary(found: Iterable[FleetBaseline]) -> str:
    """How many there are of each outcome."""
    counts = Counter(one.outcome for one in found)
    words = {
        Outcome.COMES: "{} to put in force",
        Outcome.IN_FORCE: "{} in force already",
        Outcome.KEPT: "{} not used, because another one was chosen",
        Outcome.MISSING: "{} missing",
    }
    return ", ".join(text.format(counts[outcome]) for outcome, text in words.items() if counts[outcome])


def _named(entry: FleetEntry) -> tuple[str, str]:
    return entry.baseline, entry.baseline_statistics


def _planned(entry: FleetEntry, *, is_new: bool) -> FleetBaseline:
    now = baselines.current(entry.endpoint)
    if not aws.object_exists(locations.baseline_files(entry.baseline)[0]):
        return FleetBaseline(entry=entry, place=entry.baseline, outcome=Outcome.MISSING, before=now)
    new = watching.baseline_at(entry.baseline, entry.baseline_statistics)
    outcome = _outcome(now, new, is_new=is_new)
    return FleetBaseline(entry=entry, place=entry.baseline, outcome=outcome, baseline=new, before=now)


def _planned_quality(entry: FleetEntry, *, is_new: bool) -> FleetBaseline:
    place, now = _named_quality(entry)[0], quality_baselines.current(entry.endpoint)
    if not aws.object_exists(locations.baseline_files(place)[0]):
        return FleetBaseline(entry=entry, place=place, outcome=Outcome.MISSING, before=now)
    new = quality_baselines.read(place)
    outcome = _outcome(now, new, is_new=is_new)
    return FleetBaseline(entry=entry, place=place, outcome=outcome, baseline=new, before=now)


def _outcome(now: Stored | StoredQuality | None, new: Stored | StoredQuality, *, is_new: bool) -> Outcome:
    if now is None:
        return Outcome.COMES
    if (now.constraints, now.statistics) == (new.constraints, new.statistics):
        return Outcome.IN_FORCE
    return Outcome.COMES if is_new or (now.named and now.named.fleet_baseline) else Outcome.KEPT


def _named_quality(entry: FleetEntry) -> tuple[str, str]:
    return (entry.quality.baseline, "") if entry.quality else ("", "")


def _what_stays(now: BaselineInForce | None) -> str:
    return f"{now.version}, put in force by {now.by}{_why(now)}, stays" if now else "none is in force"


def _why(now: BaselineInForce) -> str:
    return f" ({sanitize(now.reason, 200)})" if now.reason else ""

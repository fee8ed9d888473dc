"""Back-test thresholds of model quality: evaluate the stored days again with the current baseline and another one.

Each day has its joined predictions and labels beside its verdict, so no capture and no label is read. A day counts as
in its latest evaluation. Labels that stopped are not replayed: they do not depend on thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from msgspec.structs import replace

from chalicelib import locations
from chalicelib.alerts.message import messages
from chalicelib.alerts.state import transition
from chalicelib.constraints.evaluation import Evaluation
from chalicelib.constraints.measurement import Verdict
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import VedetteError
from chalicelib.quality.evaluation import LabelHistory, evaluate_quality
from chalicelib.quality.files import QualityBaseline, read_baseline, write_constraints
from chalicelib.quality.joined import Joined
from chalicelib.quality.metrics import Problem
from chalicelib.quality.settings import QualitySettings
from chalicelib.records import AlertState, Execution, FleetEntry
from vedette.operations import baselines, quality_baselines
from vedette.operations.quality_baselines import StoredQuality
from vedette.operations.replay import NOWHERE, BaselineReplay
from vedette.spark.engine import Spark, mapped


def days_of(endpoint: str, variant: str, since: datetime, until: datetime) -> list[Execution]:
    """The evaluated days that begin in [since, until), of one variant or all, in order."""
    stores = stage_stores()
    variants = [variant] if variant else stores.bucket.list_folders(locations.executions_of_endpoint(endpoint))
    found = (
        day for name in variants for day in stores.executions.of_windows(endpoint, name, since, until, of_quality=True)
    )
    return sorted(found, key=lambda day: (day.variant, day.window_start))


def compared(endpoint: str, other: str | None) -> list[tuple[str, QualityBaseline]]:
    """The current baseline and another one: a stored version, a folder, or a constraints.json."""
    now = quality_baselines.in_force(endpoint)
    found = [(now.version, _content(now))]
    if other is not None:
        place = baselines.is_place(other)
        chosen = quality_baselines.read(other) if place else quality_baselines.version(endpoint, other)
        found.append((chosen.version, _content(chosen)))
    return found


def _content(stored: StoredQuality) -> QualityBaseline:
    return read_baseline(write_constraints(stored.constraints), stored.version, stored.statistics, stored.version)


def replayed(
    entry: FleetEntry, days: Sequence[Execution], against: Sequence[QualityBaseline], spark: Spark | None = None
) -> list[BaselineReplay[QualityBaseline]]:
    """Evaluate the days with each baseline.

    Raises
    ------
    VedetteError
        If the endpoint has no quality table.
    """
    if entry.quality is None:
        raise VedetteError(f"{entry.endpoint} has no quality table in the fleet.")
    sides = [BaselineReplay(baseline) for baseline in against]
    books: dict[tuple[int, str], AlertState] = {}
    evaluated = mapped(spark, partial(_evaluations, entry, entry.quality, against), [day.folder for day in days])
    for day, evaluations in zip(days, evaluated, strict=True):
        for number, evaluation in enumerate(evaluations):
            made = replace(day, verdict=evaluation.verdict, measurements=evaluation.measurements, rows=evaluation.rows)
            state = books.get((number, day.variant)) or AlertState(endpoint=day.endpoint, variant=day.variant)
            books[number, day.variant] = _count(sides[number], state, made, entry)
    return sides


def _evaluations(
    entry: FleetEntry, settings: QualitySettings, against: Sequence[QualityBaseline], folder: str
) -> list[Evaluation]:
    """A day with each baseline; none if its files are gone."""
    joined = stage_stores().bucket.get_record(Joined, folder + locations.JOINED_FILE)
    if joined is None:
        return []
    return [
        evaluate_quality(
            joined.states,
            baseline.constraints,
            Problem.of(settings),
            baseline=baseline.statistics,
            history=LabelHistory(capture_percentage=entry.capture_percentage),
            critical=entry.critical_features,
        )
        for baseline in against
    ]


def _count(side: BaselineReplay[QualityBaseline], state: AlertState, day: Execution, entry: FleetEntry) -> AlertState:
    week = side.week_of(day.window_start)
    week.windows += 1
    week.rows += day.rows
    violations = sum(one.violated for one in day.measurements)
    week.violated_windows += bool(violations)
    week.violations += violations if day.verdict == Verdict.VIOLATIONS else 0
    moved = transition(state, replace(day, revision=1), entry.thresholds)
    week.count(messages(moved, day, NOWHERE), day)
    return moved.after

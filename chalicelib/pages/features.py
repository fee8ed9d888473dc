"""What is shown of each feature, the worst first.

| what is known                                    | shown                                                             |
|--------------------------------------------------|-------------------------------------------------------------------|
| statistics of the baseline and of the rows       | both distributions over each other                                |
| one of them                                      | that one                                                          |
| neither                                          | the checks alone                                                  |
| a statistics.json that was read again            | types as far as the data type check measured them: it has one     |
| executions of the windows before                 | what each check measured, window by window                        |
| none                                             | the value of this window                                          |
| names, categories, constraints                   | one sanitize line each, capped; escaped by the template           |
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from chalicelib.alerts.sanitize import sanitize
from chalicelib.constraints.constraints import FeatureConstraints
from chalicelib.constraints.evaluation import Baseline
from chalicelib.constraints.measurement import Measurement
from chalicelib.constraints.severity_order import STATES, State, badness, state_of
from chalicelib.pages import charts
from chalicelib.pages.charts import Compared, Point, percent
from chalicelib.pages.history import History, Since
from chalicelib.pages.labels import finding_sentence
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table

TYPES = (("integral", "Integral"), ("fractional", "Fractional"), ("boolean", "Boolean"), ("string", "String"))
MAX_CONSTRAINT_CHARS = 1000  # characters
MAX_CATEGORY_CHARS = 64


@dataclass(frozen=True)
class Distributions:
    """Baseline and current over each other."""

    kind: Literal["numbers", "categories"]
    bars: tuple[tuple[str, Compared], ...]  # the category, or ""
    shape: Markup
    summary: str  # what the chart shows, for those who cannot see it
    longest: float = 1.0  # the share that fills the width


@dataclass(frozen=True)
class Line:
    """What one check measured, window by window."""

    check: str
    threshold: str
    points: tuple[tuple[str, str, bool], ...]  # window, value, violated
    shape: Markup
    summary: str


Finding = tuple[Measurement, str, Since | None]  # what is violated, as a sentence, and since when


@dataclass(frozen=True)
class Feature:
    """One card of the page."""

    name: str
    state: State
    findings: tuple[Finding, ...]
    measurements: tuple[Measurement, ...]
    types: tuple[tuple[str, str, str], ...] = ()  # class, word, share
    types_shape: Markup | str = ""
    missing: str = ""
    missing_before: str = ""
    expected_type: str = ""
    distributions: Distributions | None = None
    distinct: str = ""
    lines: tuple[Line, ...] = ()
    constraint: str = ""
    brief: str = ""  # how near the nearest threshold is
    checks: str = ""  # for the filter: `0critical 2passed`, the checks by their numbers


@dataclass(frozen=True)
class Cards:
    """What every card is made from."""

    rows: int
    baseline: Baseline | None
    current: Table | None
    histories: Mapping[str, History]  # of hard checks, and of drift
    checks: Mapping[str, int]  # the number of each check
    counted: bool = True  # the types of `current` were counted, not read from a statistics.json

    def of(self, measurements: Sequence[Measurement]) -> list[Feature]:
        """Every feature that was measured or is constrained, the worst first."""
        by_name: dict[str, list[Measurement]] = {}
        for measurement in measurements:
            by_name.setdefault(measurement.feature, []).append(measurement)
        constraints = {one.name: one for one in self.baseline.constraints.features} if self.baseline else {}
        for name in constraints:
            by_name.setdefault(name, [])
        before, now = _columns(self.baseline.statistics if self.baseline else None), _columns(self.current)
        ranked = sorted(by_name.items(), key=lambda item: min(map(badness, item[1]), default=(len(STATES), 0.0)))
        return [
            self._card(name, sorted(found, key=badness), constraints.get(name), before.get(name), now.get(name))
            for name, found in ranked
        ]

    def _card(
        self,
        name: str,
        ranked: Sequence[Measurement],
        constraint: FeatureConstraints | None,
        before: ColumnStatistics | None,
        now: ColumnStatistics | None,
    ) -> Feature:
        types = list(_types(now, ranked, counted=self.counted)) if now is not None else []
        return Feature(
            name=sanitize(name),
            state=state_of(ranked[0]) if ranked else "open",
            findings=tuple(
                (one, finding_sentence(one, self.rows), self.histories[one.kind].since(one.feature, one.check))
                for one in ranked
                if one.violated
            ),
            measurements=tuple(ranked),
            types=tuple((key, word, percent(share)) for key, word, share in types),
            types_shape=charts.stacked_bar([(key, share) for key, _, share in types]),
            missing=_missing(now),
            missing_before=_missing(before),
            expected_type=constraint.inferred_type if constraint else "",
            distributions=_distributions(before, now),
            distinct=_distinct(before, now),
            lines=tuple(_lines(ranked, self.histories)),
            constraint=_document(constraint),
            brief=_brief(ranked),
            checks=" ".join(f"{self.checks[one.check]}{state_of(one)}" for one in ranked),
        )


def _columns(table: Table | None) -> dict[str, ColumnStatistics]:
    return dict(zip(table.feature_names, table.columns, strict=True)) if table else {}


def _brief(ranked: Sequence[Measurement]) -> str:
    """What the drift of a feature was, of which nothing is violated; else how many checks it passed."""
    waiting = max((one.rows_needed for one in ranked), default=0)
    if waiting:
        return f"{waiting:,} more rows needed to judge everything"
    drift = next((one for one in ranked if one.kind == "drift" and one.value is not None), None)
    if drift is not None and drift.threshold is not None:
        return f"distance {drift.value:.3f} of {drift.threshold:g} allowed"
    return f"{len(ranked)} checks passed" if ranked else "not judged"


def _types(
    column: ColumnStatistics, found: Sequence[Measurement], *, counted: bool
) -> Iterator[tuple[str, str, float]]:
    """Class, word and share of all cells, for every type that is known to occur."""
    counts = column.types
    rows = counts.present + counts.missing
    if not rows:
        return
    checked = next((one for one in found if one.check == "data_type_check" and one.value is not None), None)
    if counted:
        for key, word in TYPES:
            if count := getattr(counts, key):
                yield key, word, count / rows
    elif checked is not None and checked.value is not None:  # else a statistics.json does not tell
        key = next((key for key, word in TYPES if word == checked.expected), "other")
        if checked.value:
            yield key, checked.expected, checked.value * counts.present / rows
        if checked.value < 1:
            yield "other", "another type", (1 - checked.value) * counts.present / rows
    if counts.missing:
        yield "missing", "missing", counts.missing / rows


def _missing(column: ColumnStatistics | None) -> str:
    completeness = column.types.completeness if column else None
    return percent(1 - completeness) if completeness is not None else ""


def _distributions(before: ColumnStatistics | None, now: ColumnStatistics | None) -> Distributions | None:
    if _numeric(before, now):
        bars = charts.compared_numbers(before.distribution if before else None, now.distribution if now else None)
        if not bars:
            return None
        return Distributions(
            "numbers", tuple(("", bar) for bar in bars), charts.overlaid_histogram(bars), _summary(bars)
        )
    categories, others = charts.compared_categories(
        before.categories.counts if before else None, now.categories.counts if now else None
    )
    if not categories:
        return None
    named = [(sanitize(cell, MAX_CATEGORY_CHARS) or "(blank)", bar) for cell, bar in categories]
    if others is not None:
        named.append(("", others))
    longest = max(share for _, bar in named for share in bar[1:] if share is not None)
    return Distributions("categories", tuple(named), Markup(), "", longest or 1.0)


def _numeric(before: ColumnStatistics | None, now: ColumnStatistics | None) -> bool:
    """As the baseline has it, and as the data are where the baseline says nothing."""
    known = before if before is not None and before.types.present else now
    return known is not None and known.types.inferred_type in ("Integral", "Fractional")


def _summary(bars: Sequence[Compared]) -> str:
    """Where most of each distribution lies."""
    said = []
    for word, position in (("baseline", 1), ("current", 2)):
        known = [bar for bar in bars if bar[position] is not None]
        if known:
            peak = max(known, key=lambda bar: bar[position] or 0)
            said.append(f"{word}: most often {peak.label}, {percent(peak[position])}")  # type: ignore[arg-type]
    return "; ".join(said)


def _distinct(before: ColumnStatistics | None, now: ColumnStatistics | None) -> str:
    """For a column whose values are too many, or text, and so were never kept."""
    if now is None or now.categories.counts is not None or _numeric(before, now):
        return ""
    if not now.categories.registers:
        return "Too many different values, or text, to be kept."
    return f"About {now.categories.distinct:,.0f} different values: too many, or text, so none of them was kept."


def _lines(ranked: Sequence[Measurement], histories: Mapping[str, History]) -> Iterator[Line]:
    """Of what is violated, and of the drift."""
    for one in ranked:
        history = histories[one.kind]
        if one.value is None or not (one.violated or one.kind == "drift"):
            continue
        measured = history.measurements(one.feature, one.check)
        known = [(m.value, m.violated) if m is not None else (None, False) for m in measured]
        points = [Point(value, violated) for value, violated in known]
        if sum(point.value is not None for point in points) < 2:
            continue
        violated = sum(point.violated for point in points)
        yield Line(
            check=sanitize(one.check, 60),
            threshold="" if one.threshold is None else charts.number(one.threshold),
            points=tuple(
                (f"{execution.window_start:%m-%d %H:%M}", "" if value is None else charts.number(value), was)
                for execution, (value, was) in zip(history.executions, known, strict=True)
            ),
            shape=charts.line_chart(points, one.threshold, history.deployments),
            summary=f"{violated} of {len(points)} windows violated; now {charts.number(one.value)}",
        )


def _document(constraint: FeatureConstraints | None) -> str:
    if constraint is None:
        return ""
    return sanitize(json.dumps(constraint.document, ensure_ascii=False), MAX_CONSTRAINT_CHARS)

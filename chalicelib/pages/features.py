"""The card of each feature, the worst first.

| what is known                                    | shown                                                             |
|--------------------------------------------------|-------------------------------------------------------------------|
| statistics of the baseline and of the rows       | both distributions, overlaid                                      |
| one of them                                      | that one                                                          |
| neither                                          | only the checks                                                   |
| a statistics.json that was read again            | types as far as the data type check measured them                 |
| executions of earlier windows                    | the value of each check, window by window                         |
| none                                             | the value of this window                                          |
| a private feature                                | types, missing cells, and that it is private                      |
| values that no check evaluated, as of free text  | that they were not                                                |
| names, categories, constraints                   | one harmless line each, capped; escaped by the template           |
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from chalicelib.alerts.sanitize import sanitize, sanitize_name
from chalicelib.constraints import check_types
from chalicelib.constraints.constraints import FeatureConstraints
from chalicelib.constraints.evaluation import Baseline
from chalicelib.constraints.measurement import Measurement
from chalicelib.constraints.severity_order import State, order_of, state_of
from chalicelib.constraints.unevaluated import reason_unevaluated
from chalicelib.pages import charts
from chalicelib.pages.charts import Compared, Point, percent
from chalicelib.pages.history import History, Since
from chalicelib.pages.labels import finding
from chalicelib.statistics import NUMERIC_TYPES
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table

TYPES = (("integral", "Integral"), ("fractional", "Fractional"), ("boolean", "Boolean"), ("string", "String"))
MAX_CONSTRAINT_CHARS = 1000
MAX_CATEGORY_CHARS = 64


@dataclass(frozen=True)
class Distributions:
    """The distributions of baseline and current, overlaid."""

    kind: Literal["numbers", "categories"]
    bars: tuple[tuple[str, Compared], ...]  # the category, or ""
    shape: Markup
    summary: str  # the chart in words, for screen readers
    longest: float = 1.0  # the share that fills the width


@dataclass(frozen=True)
class Line:
    """The values of one check, window by window."""

    check: str
    threshold: str
    points: tuple[tuple[str, str, bool], ...]  # window, value, violated
    shape: Markup
    summary: str


Finding = tuple[Measurement, str, Since | None]  # a violation, its sentence, and since when


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
    missing_in_baseline: str = ""
    expected_type: str = ""
    distributions: Distributions | None = None
    distinct: str = ""
    unevaluated: str = ""  # why no check evaluated the values
    lines: tuple[Line, ...] = ()
    constraint: str = ""
    brief: str = ""  # the summary of a card without violations
    checks: str = ""  # for the filter: `0critical 2passed`, the checks by their numbers


@dataclass(frozen=True)
class Cards:
    """The data of every card."""

    rows: int
    baseline: Baseline | None
    current: Table | None
    histories: Mapping[str, History]  # of hard and of drift checks
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
        before, after = _columns(self.baseline.statistics if self.baseline else None), _columns(self.current)
        ranked = sorted(
            by_name.items(), key=lambda item: min(map(order_of, item[1]), default=(len(State), 0.0, "", ""))
        )
        return [
            self._card(name, sorted(found, key=order_of), constraints.get(name), before.get(name), after.get(name))
            for name, found in ranked
        ]

    def _card(
        self,
        name: str,
        ranked: Sequence[Measurement],
        constraint: FeatureConstraints | None,
        before: ColumnStatistics | None,
        after: ColumnStatistics | None,
    ) -> Feature:
        types = list(_types(after, ranked, counted=self.counted)) if after is not None else []
        reason = reason_unevaluated(constraint, before, after, ranked) if constraint is not None else ""
        return Feature(
            name=sanitize_name(name),
            state=state_of(ranked[0]) if ranked else State.NOT_EVALUATED,
            findings=tuple(
                (one, finding(one, self.rows), self.histories[one.kind].since(one.fingerprint))
                for one in ranked
                if one.violated
            ),
            measurements=tuple(ranked),
            types=tuple((key, word, percent(share)) for key, word, share in types),
            types_shape=charts.stacked_bar([(key, share) for key, _, share in types]),
            missing=_missing(after),
            missing_in_baseline=_missing(before),
            expected_type=constraint.inferred_type if constraint else "",
            distributions=_distributions(before, after),
            distinct=_distinct(before, after),
            unevaluated=f"Domain and drift are not evaluated: {reason}." if reason else "",
            lines=tuple(_lines(ranked, self.histories)),
            constraint=_document(constraint),
            brief=_brief(ranked) + (f"; values not evaluated: {reason}" if reason else ""),
            checks=" ".join(f"{self.checks[one.check]}{state_of(one)}" for one in ranked),
        )


def _columns(table: Table | None) -> dict[str, ColumnStatistics]:
    return dict(zip(table.feature_names, table.columns, strict=True)) if table else {}


def _brief(ranked: Sequence[Measurement]) -> str:
    """The drift of a feature without violations; else how many checks it passed."""
    waiting = max((one.rows_needed for one in ranked), default=0)
    if waiting:
        return f"{waiting:,} more rows needed to evaluate everything"
    drift = next((one for one in ranked if one.kind == "drift" and one.value is not None), None)
    if drift is not None and drift.threshold is not None:
        return f"distance {drift.value:.3f}, threshold {drift.threshold:g}"
    return f"{len(ranked)} checks passed" if ranked else "not evaluated"


def _types(
    column: ColumnStatistics, found: Sequence[Measurement], *, counted: bool
) -> Iterator[tuple[str, str, float]]:
    """CSS class, word and share of all cells, for every type that occurs."""
    counts = column.types
    rows = counts.present + counts.missing
    if not rows:
        return
    checked = next((one for one in found if one.check == check_types.DATA_TYPE and one.value is not None), None)
    if counted:
        for key, word in TYPES:
            if count := getattr(counts, key):
                yield key, word, count / rows
    elif checked is not None and checked.value is not None:  # a statistics.json has only this share
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


def _distributions(before: ColumnStatistics | None, after: ColumnStatistics | None) -> Distributions | None:
    if _numeric(before, after):
        bars = charts.compared_numbers(before.distribution if before else None, after.distribution if after else None)
        if not bars:
            return None
        return Distributions(
            "numbers", tuple(("", bar) for bar in bars), charts.overlaid_histogram(bars), _summary(bars)
        )
    categories, others = charts.compared_categories(
        before.categories.counts if before else None, after.categories.counts if after else None
    )
    if not categories:
        return None
    named = [(sanitize(cell, MAX_CATEGORY_CHARS) or "(blank)", bar) for cell, bar in categories]
    if others is not None:
        named.append(("", others))
    longest = max(share for _, bar in named for share in bar[1:] if share is not None)
    return Distributions("categories", tuple(named), Markup(), "", longest or 1.0)


def _numeric(before: ColumnStatistics | None, after: ColumnStatistics | None) -> bool:
    """Whether the baseline's column is numeric; the current one when the baseline has no values."""
    known = before if before is not None and before.types.present else after
    return known is not None and known.types.inferred_type in NUMERIC_TYPES


def _summary(bars: Sequence[Compared]) -> str:
    """The most frequent bar of each distribution."""
    parts = []
    for word, position in (("baseline", 1), ("current", 2)):
        known = [bar for bar in bars if bar[position] is not None]
        if known:
            peak = max(known, key=lambda bar: bar[position] or 0)
            parts.append(f"{word}: most often {peak.label}, {percent(peak[position])}")  # type: ignore[arg-type]
    return "; ".join(parts)


def _distinct(before: ColumnStatistics | None, after: ColumnStatistics | None) -> str:
    """A note about a column whose values were not stored: private, free text, or too many."""
    if any(column is not None and column.private for column in (before, after)):
        return "Private: only counts of types and missing cells are stored. Drift, domain and bounds are not evaluated."
    if after is None or after.categories.counts is not None or _numeric(before, after):
        return ""
    if not after.categories.distinct:
        return "The values are free text or too many, so none was stored."
    return f"About {after.categories.distinct:,} distinct values: free text or too many, so none was stored."


def _lines(ranked: Sequence[Measurement], histories: Mapping[str, History]) -> Iterator[Line]:
    """A line for every violation, and for drift."""
    for one in ranked:
        history = histories[one.kind]
        if one.value is None or not (one.violated or one.kind == "drift"):
            continue
        measured = history.measurements(one.fingerprint)
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
